//! The map as it is stored: groups against the map in memory, which follows the definition.

use std::{collections::BTreeMap, convert::Infallible};

use chaos_log::map::{
    Found, GROUP_KEYS_MAX, Group, GroupId, GroupRead, Groups, Key, MemoryMap, ReadError, Value,
    grouped, overlaid, prove_grouped, regroup,
};
use proptest::prelude::*;

/// Groups as a store keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Stored(BTreeMap<GroupId, Group>);

impl Stored {
    fn take(&mut self, groups: Groups) {
        for (id, group) in groups {
            match group {
                Some(group) => drop(self.0.insert(id, group)),
                None => drop(self.0.remove(&id)),
            }
        }
    }
}

impl GroupRead for Stored {
    type Error = Infallible;

    fn read_group(&self, id: GroupId) -> Result<Option<Group>, Infallible> {
        Ok(self.0.get(&id).cloned())
    }

    fn read_below(&self, id: GroupId) -> Result<Vec<(GroupId, Group)>, Infallible> {
        let below = id.all_below().into_iter();
        Ok(below.filter_map(|id| Some((id, self.0.get(&id)?.clone()))).collect())
    }
}

fn value(number: u16) -> Value {
    Value::of(&number.to_be_bytes())
}

/// Puts all of `puts`, so many at a time, into a map in memory and into groups, and compares them.
#[track_caller]
fn check(puts: &[(Key, Value)], at_a_time: usize, searched: &[Key]) -> Stored {
    let (mut map, mut stored) = (MemoryMap::new(), Stored::default());
    for puts in puts.chunks(at_a_time) {
        let change = regroup(&stored, &map.root(), puts.iter().copied()).unwrap();
        puts.iter().for_each(|(key, value)| map.insert(*key, *value));
        assert_eq!(change.root, map.root());
        stored.take(change.groups);
        assert_eq!(stored.0, grouped(map.entries()), "what is stored follows from the keys");
    }
    for key in puts.iter().map(|(key, _)| key).chain(searched) {
        let proof = prove_grouped(&stored, &map.root(), key).unwrap();
        assert_eq!(proof, map.prove(key));
    }
    for (id, group) in &stored.0 {
        assert_eq!(Group::from_bytes(*id, &group.to_bytes()).as_ref(), Ok(group));
        assert_eq!(GroupId::numbered(id.number()), Ok(*id));
    }
    stored
}

#[test]
fn groups_of_hashed_keys_have_the_roots_and_proofs_of_the_map() {
    let key = |number: u16| Key::of(&number.to_be_bytes());
    let absent: Vec<Key> = (10_000..10_300).map(key).collect();
    for (count, at_a_time) in [(1, 1), (15, 1), (300, 1), (5_000, 977)] {
        let puts: Vec<_> = (0..count).map(|number| (key(number), value(number))).collect();
        let stored = check(&puts, at_a_time, &absent);
        // Put again, with other values for some.
        let again = puts
            .iter()
            .map(|(key, old)| (*key, *old))
            .chain((0..count).step_by(7).map(|number| (key(number), value(number + 1))));
        check(&again.collect::<Vec<_>>(), 100, &[]);
        let longest = stored.0.values().map(|group| group.to_bytes().len()).max().unwrap();
        assert!(longest <= 1 + 32 + 64 * GROUP_KEYS_MAX, "{longest}");
    }
}

#[test]
fn keys_that_begin_alike_for_ever_end_in_one_group() {
    let puts: Vec<_> = (0..60)
        .map(|number: u8| {
            let mut key = [7; 32];
            key[31] = number;
            (Key::from_bytes(key), value(number.into()))
        })
        .collect();
    let stored = check(&puts, 1, &[Key::from_bytes([7; 32]), Key::of(b"absent")]);
    assert_eq!(stored.0.len(), 14, "each of the levels above stores the root below");
}

#[test]
fn an_empty_map_stores_nothing() {
    let stored = Stored::default();
    let empty = MemoryMap::new().root();
    assert_eq!(grouped(vec![]), BTreeMap::new());
    let change = regroup(&stored, &empty, []).unwrap();
    assert_eq!((change.root, change.groups.len()), (empty, 0));
    let proof = prove_grouped(&stored, &empty, &Key::of(b"a")).unwrap();
    assert_eq!(proof.verify(&empty, &Key::of(b"a")), Ok(Found::Absent));
}

#[test]
fn a_value_that_is_there_already_changes_no_group() {
    let puts: Vec<_> = (0..400).map(|n: u16| (Key::of(&n.to_be_bytes()), value(n))).collect();
    let stored = check(&puts, 50, &[]);
    let root = regroup(&Stored::default(), &MemoryMap::new().root(), puts.clone()).unwrap().root;
    let change = regroup(&stored, &root, puts).unwrap();
    assert_eq!((change.root, change.groups.len()), (root, 0));
}

/// Any group that is missing or has other keys stops a change and a proof that come to it.
#[test]
fn damaged_groups_are_noticed() {
    let puts: Vec<_> = (0..400).map(|n: u16| (Key::of(&n.to_be_bytes()), value(n))).collect();
    let stored = check(&puts, 400, &[]);
    let root = regroup(&Stored::default(), &MemoryMap::new().root(), puts.clone()).unwrap().root;
    let fails = |damaged: &Stored| {
        puts.iter().any(|(key, value)| match prove_grouped(damaged, &root, key) {
            Ok(proof) => proof.verify(&root, key) != Ok(Found::Value(*value)),
            Err(ReadError::Missing { .. } | ReadError::Other { .. }) => true,
            Err(error) => panic!("{error}"),
        }) && puts.iter().any(|(key, _)| regroup(damaged, &root, [(*key, value(9_999))]).is_err())
    };
    assert!(!fails(&stored));
    for id in stored.0.keys() {
        let mut damaged = stored.clone();
        damaged.0.remove(id);
        assert!(fails(&damaged), "without {id}");
        let mut damaged = stored.clone();
        match damaged.0.get_mut(id).unwrap() {
            Group::Keys { keys, .. } => keys[0].1 = value(9_998),
            Group::Roots(roots) => {
                let root = roots.iter_mut().flatten().next().unwrap();
                *root = chaos_log::map::Hash::from_bytes([1; 32]);
            }
        }
        assert!(fails(&damaged), "with another {id}");
    }
    let other = regroup(&stored, &chaos_log::map::Hash::from_bytes([1; 32]), puts.clone());
    assert!(matches!(other, Err(ReadError::Missing { .. })), "{other:?}");
}

#[test]
fn groups_have_one_spelling() {
    let puts: Vec<_> = (0..60).map(|n: u16| (Key::of(&n.to_be_bytes()), value(n))).collect();
    for (id, group) in check(&puts, 60, &[]).0 {
        let bytes = group.to_bytes();
        let refused = |bytes: &[u8]| Group::from_bytes(id, bytes).is_err();
        assert!(refused(&bytes[..bytes.len() - 1]));
        assert!(refused(&[bytes.as_slice(), &[0]].concat()));
        assert!(refused(&[&[2], &bytes[1..]].concat()));
        if let Group::Keys { root, keys } = group {
            let with = |keys| Group::Keys { root, keys }.to_bytes();
            assert!(refused(&with(vec![])));
            assert!(refused(&with([keys.clone(), keys.clone()].concat())));
            let mut foreign = *keys[0].0.as_bytes();
            foreign[0] ^= 0x80;
            assert!(refused(&with(vec![(Key::from_bytes(foreign), value(1))])), "{id}");
        }
    }
    assert!(Group::from_bytes(GroupId::ROOT, &[1, 0, 0]).is_err());
    for number in [1, 15 << 56, (1 << 56) + 16, u64::MAX] {
        let refused = GroupId::numbered(number).unwrap_err();
        assert_eq!(refused.to_string(), format!("{number} names no group of a map"));
    }
    let third = GroupId::numbered((2 << 56) + 0xa7).unwrap();
    assert_eq!(third.to_string(), "the group of keys that begin with a7");
    assert_eq!(GroupId::ROOT.to_string(), "the group of all keys");
}

#[test]
fn what_changed_stands_above_what_is_stored() {
    let puts: Vec<_> = (0..60).map(|n: u16| (Key::of(&n.to_be_bytes()), value(n))).collect();
    let stored = check(&puts, 60, &[]);
    let below = stored.read_below(GroupId::ROOT).unwrap();
    let gone = below[0].0;
    let over = overlaid(below.clone(), &Groups::from([(gone, None)]), GroupId::ROOT);
    assert_eq!(over, below[1..]);
    let back = overlaid(over, &Groups::from([(gone, Some(below[0].1.clone()))]), GroupId::ROOT);
    assert_eq!(back, below);
}

/// Keys in few places, so that they share long prefixes and repeat.
fn crowded() -> impl Strategy<Value = Vec<(Key, Value)>> {
    let key = prop_oneof![
        (0u8..4, 0u8..=255).prop_map(|(first, last)| {
            let mut key = [0; 32];
            (key[0], key[31]) = (first << 6, last);
            key
        }),
        (0usize..256).prop_map(|at| {
            let mut key = [0; 32];
            key[at / 8] = 128 >> (at % 8);
            key
        }),
        any::<u16>().prop_map(|start| {
            let mut key = [0; 32];
            key[..2].copy_from_slice(&(start & 0x0333).to_be_bytes());
            key
        }),
        any::<[u8; 32]>(),
    ];
    let entry = (key, 0u16..4).prop_map(|(key, number)| (Key::from_bytes(key), value(number)));
    proptest::collection::vec(entry, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn groups_have_the_roots_and_proofs_of_the_map(
        puts in crowded(),
        at_a_time in 1usize..40,
        searched in any::<[u8; 32]>(),
    ) {
        check(&puts, at_a_time, &[Key::from_bytes(searched)]);
    }
}
