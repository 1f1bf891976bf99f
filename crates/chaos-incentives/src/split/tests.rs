use proptest::prelude::*;

use super::*;

fn shares(weights: &[u64]) -> Vec<Share<[u8; 4]>> {
    weights
        .iter()
        .zip(0u32..)
        .map(|(weight, index)| Share { account: index.to_be_bytes(), weight: U256::from(*weight) })
        .collect()
}

#[track_caller]
fn check(pool: u64, weights: &[u64], expected: &[u64]) {
    let expected: Vec<U256> = expected.iter().copied().map(U256::from).collect();
    assert_eq!(split(U256::from(pool), &shares(weights)).unwrap(), expected);
}

/// Vectors worked out by hand from the rule, independent of this code.
#[test]
fn divides_as_the_published_vectors_say() {
    check(100, &[1, 1, 1], &[34, 33, 33]);
    check(101, &[5, 3, 3], &[46, 28, 27]);
    check(7, &[3, 3, 1, 0], &[3, 3, 1, 0]);
    check(
        1_000_000_000_000_000_000,
        &[1, 2, 3, 4, 5],
        &[
            66_666_666_666_666_667,
            133_333_333_333_333_333,
            200_000_000_000_000_000,
            266_666_666_666_666_667,
            333_333_333_333_333_333,
        ],
    );
}

#[test]
fn ties_go_to_the_lower_account_wherever_it_stands() {
    let mut shares = shares(&[1, 1, 1]);
    shares.reverse();
    let amounts = split(U256::from(100), &shares).unwrap();
    assert_eq!(amounts, [33, 33, 34].map(U256::from));
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    let half = U256::MAX >> 1;
    let shares = [
        Share { account: [0u8], weight: half },
        Share { account: [1u8], weight: half },
        Share { account: [2u8], weight: U256::ONE },
    ];
    let amounts = split(U256::MAX, &shares).unwrap();
    assert_eq!(amounts, [half, half, U256::ONE]);
    let over = [Share { account: [0u8], weight: U256::MAX }, shares[2]];
    assert_eq!(split(U256::ONE, &over), Err(SplitError::WeightOverflow));
}

#[test]
fn refuses_duplicates_and_pools_that_nobody_would_get() {
    let mut two = shares(&[0, 0]);
    assert_eq!(split(U256::ONE, &two), Err(SplitError::NoWeight { pool: U256::ONE }));
    assert_eq!(split(U256::ZERO, &two).unwrap(), [U256::ZERO; 2]);
    two[1].account = two[0].account;
    assert_eq!(split(U256::ONE, &two), Err(SplitError::DuplicateAccount { index: 1, first: 0 }));
    assert!(split::<[u8; 1]>(U256::ZERO, &[]).unwrap().is_empty());
}

fn cases() -> impl Strategy<Value = (u128, Vec<u64>)> {
    (any::<u128>(), prop::collection::vec(prop_oneof![0u64..5, any::<u64>()], 1..40))
        .prop_filter("some weight", |(_, weights)| weights.iter().any(|weight| *weight > 0))
}

proptest! {
    #[test]
    fn amounts_sum_to_the_pool_and_stay_within_one_unit((pool, weights) in cases()) {
        let pool = U256::from(pool);
        let amounts = split(pool, &shares(&weights)).unwrap();
        prop_assert_eq!(amounts.iter().copied().sum::<U256>(), pool);
        let total: U256 = weights.iter().copied().map(U256::from).sum();
        for (amount, weight) in amounts.iter().zip(&weights) {
            // |amount - pool w / W| < 1, without dividing.
            let exact = pool * U256::from(*weight);
            prop_assert!((amount * total).abs_diff(exact) < total);
            prop_assert!(*weight > 0 || amount.is_zero());
        }
    }

    #[test]
    fn order_of_the_input_does_not_matter((pool, weights) in cases(), rotate in 0usize..40) {
        let original = shares(&weights);
        let mut turned = original.clone();
        turned.rotate_left(rotate % weights.len());
        turned.reverse();
        let by_account = |shares: &[Share<[u8; 4]>]| {
            let amounts = split(U256::from(pool), shares).unwrap();
            let mut pairs: Vec<_> = shares.iter().map(|share| share.account).zip(amounts).collect();
            pairs.sort_unstable();
            pairs
        };
        prop_assert_eq!(by_account(&original), by_account(&turned));
    }

    #[test]
    fn splitting_an_account_gains_at_most_one_unit_per_part(
        (pool, weights) in cases(), parts in 2u64..6,
    ) {
        let whole = split(U256::from(pool), &shares(&weights)).unwrap();
        let first = weights[0];
        let mut divided = weights[1..].to_vec();
        divided.extend((0..parts).map(|part| first / parts + u64::from(part < first % parts)));
        let after = split(U256::from(pool), &shares(&divided)).unwrap();
        let gained: U256 = after[weights.len() - 1..].iter().copied().sum();
        prop_assert!(gained <= whole[0] + U256::from(parts));
    }
}
