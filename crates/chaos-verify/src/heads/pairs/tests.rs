use std::cell::Cell;

use chaos_agency::{Succession, action::Role};
use chaos_log::{Checkpoint, LogKey, WholeNode};
use chaos_types::{AgentKey, Check, Rejection};
use proptest::prelude::*;

use super::{
    super::{apart::By, places::Seen},
    *,
};
use crate::{Fault, Head};

const ORIGIN: &str = "test.example/log";

/// A head by what the tests choose of it: size, root, the hash of its first leaf if it shows that, whose it is,
/// and who signed it.
type Choice = (u64, u8, Option<u8>, u8, u8);

fn seen((size, root, leaf, whose, _): Choice) -> Seen {
    let key = LogKey::from_seed(ORIGIN.parse().unwrap(), &[9; 32]);
    let did = AgentKey::from_seed(&[9; 32]).did();
    let checkpoint = Checkpoint::new(ORIGIN, size, Hash::from_bytes([root; 32])).unwrap();
    let leaf =
        leaf.map(|byte| WholeNode { level: 0, index: 0, hash: Hash::from_bytes([byte; 32]) });
    let head = Head {
        log: key.verifier().clone(),
        checkpoint: checkpoint.sign(&key).unwrap(),
        nodes: leaf.into_iter().collect(),
        succession: Succession::new(did, Role::Checkpoints),
    };
    Seen::new(&head, &format!("file {whose}"))
}

fn by((.., signer): Choice) -> By {
    let key = AgentKey::from_seed(&[signer / 3; 32]).did();
    let rejection = Rejection::new(Check::Checkpoint, Fault::KeyRetired, "late");
    match signer % 3 {
        0 => By::InItsTime(key),
        late => By::AfterItsEnd { key, shows: late == 1, rejection },
    }
}

/// Of all that say the same the first, by a look at every pair.
fn by_every_pair<'a>(bench: &'a [Stood<'a>]) -> Vec<Apart<'a>> {
    let mut all: BTreeMap<_, Sight<'a>> = BTreeMap::new();
    for stood in bench {
        for (place, hash) in stood.seen.places() {
            let sight = Sight { place, hash, stood };
            let first = all.entry(sight.group()).or_insert(sight);
            if sight.order() < first.order() {
                *first = sight;
            }
        }
    }
    let all: Vec<Sight<'a>> = all.into_values().collect();
    let mut found = Vec::new();
    for (at, one) in all.iter().enumerate() {
        for other in &all[at + 1..] {
            if one.place == other.place && one.hash != other.hash {
                let both = [(one.stood, one.hash), (other.stood, other.hash)];
                found.push((said(*one, *other), Apart::new(one.place, both)));
            }
        }
    }
    firsts(found)
}

fn by_telling_pairs<'a>(bench: &'a [Stood<'a>]) -> Vec<Apart<'a>> {
    let mut found = Vec::new();
    each_apart(bench, |apart| {
        let [one, other] = apart.heads.map(|stood| {
            let (place, hash) = stood.seen.places().next().unwrap();
            Sight { place, hash, stood }
        });
        let said = (one.signer().min(other.signer()), one.signer().max(other.signer()));
        found.push(((said, apart.place(), apart.from()), apart));
    });
    firsts(found)
}

/// What decides what two heads say.
type Said = ((Signer, Signer), Place, u64);

fn said(one: Sight<'_>, other: Sight<'_>) -> Said {
    let signers = (one.signer().min(other.signer()), one.signer().max(other.signer()));
    (signers, one.place, one.size().min(other.size()))
}

fn firsts<'a>(found: Vec<(Said, Apart<'a>)>) -> Vec<Apart<'a>> {
    let mut firsts: BTreeMap<Said, Apart<'a>> = BTreeMap::new();
    for (said, apart) in found {
        let first = firsts.entry(said).or_insert(apart);
        if apart.rank() < first.rank() {
            *first = apart;
        }
    }
    firsts.into_values().collect()
}

fn choice() -> impl Strategy<Value = Choice> {
    (1_u64..6, 0_u8..4, prop::option::of(0_u8..4), 0_u8..5, 0_u8..6)
}

proptest! {
    #[test]
    fn finds_of_all_that_say_the_same_the_pair_that_a_look_at_every_pair_finds(
        choices in prop::collection::vec(choice(), 0..12),
    ) {
        let seen: Vec<Seen> = choices.iter().map(|choice| seen(*choice)).collect();
        let bench = seen.iter().zip(&choices);
        let bench: Vec<Stood<'_>> =
            bench.map(|(seen, choice)| Stood { seen, by: by(*choice) }).collect();
        let say = |found: Vec<Apart<'_>>| -> Vec<String> {
            found.iter().map(ToString::to_string).collect()
        };
        prop_assert_eq!(say(by_telling_pairs(&bench)), say(by_every_pair(&bench)));
    }
}

#[test]
fn as_many_pairs_are_looked_at_as_there_are_heads() {
    let seen: Vec<Seen> = (0..200)
        .map(|number| seen((8 + u64::from(number % 3), number, Some(number), number, 0)))
        .collect();
    let key = AgentKey::from_seed(&[9; 32]).did();
    let bench: Vec<Stood<'_>> =
        seen.iter().map(|seen| Stood { seen, by: By::InItsTime(key) }).collect();
    let pairs = Cell::new(0);
    each_apart(&bench, |_| pairs.set(pairs.get() + 1));
    assert!(pairs.get() > 0 && pairs.get() <= 4 * bench.len(), "{}", pairs.get());
}
