use proptest::prelude::*;

use super::*;

/// The definition: sort everything, take what fits.
fn by_full_sort(candidates: &[Candidate], mut room: Room) -> Vec<u32> {
    let mut sorted = candidates.to_vec();
    sorted.sort_by_key(|c| (std::cmp::Reverse(c.effective_tip_wei), c.sequence));
    let mut included = Vec::new();
    for candidate in sorted {
        if room.fits(candidate.gas.into(), candidate.blobs.into()) {
            room.take(candidate.gas.into(), candidate.blobs.into());
            included.push(candidate.sequence);
        }
    }
    included.sort_unstable();
    included
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let tip = prop_oneof![0u64..20, 900u64..1_100, any::<u64>()];
    let one = (tip, 21_000u32..400_000, 0u8..7, any::<bool>());
    prop::collection::vec(one, 0..200).prop_map(|all| {
        let numbered = all.into_iter().zip(0u32..);
        let candidate = |((effective_tip_wei, gas, blobs, carries), sequence)| Candidate {
            effective_tip_wei,
            gas,
            // Pool order is not submission order.
            sequence: 1_000 - sequence,
            index: sequence,
            blobs: if carries { blobs } else { 0 },
        };
        numbered.map(candidate).collect()
    })
}

proptest! {
    #[test]
    fn packs_as_a_full_sort_would(all in candidates(), gas in 0u64..20_000_000, blobs in 0u64..40) {
        let room = Room { gas, blobs };
        let mut included = Vec::new();
        let mut builder = Builder::default();
        // A used builder packs like a new one.
        builder.pack(&all[all.len() / 2..], Room { gas: gas / 3, blobs }, &mut included);
        let left = builder.pack(&all, room, &mut included);
        let used: u64 = included.iter().map(|c| u64::from(c.gas)).sum();
        let carried: u64 = included.iter().map(|c| u64::from(c.blobs)).sum();
        prop_assert_eq!((left.gas + used, left.blobs + carried), (gas, blobs));
        let mut found: Vec<u32> = included.iter().map(|c| c.sequence).collect();
        found.sort_unstable();
        prop_assert_eq!(found, by_full_sort(&all, room));
    }

    #[test]
    fn buckets_ascend_with_tips(a: u64, b: u64) {
        prop_assert!(a > b || bucket(a) <= bucket(b));
        prop_assert!(bucket(a) < BUCKETS);
    }
}
