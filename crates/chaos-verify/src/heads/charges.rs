//! All that speaks against heads of a log, and of what says the same the one that is told.

use std::collections::BTreeMap;

use chaos_types::Did;

use super::charge::{Charge, Grade};

/// Charges, each with its reason. Of several that say the same of a head, the first by its reason is told; none is
/// kept that is told of no head.
#[derive(Debug, Default)]
pub(super) struct Charges {
    /// From a larger size on with an earlier reason.
    forks: Vec<(u64, String)>,
    doubts: BTreeMap<Did, String>,
    strangers: BTreeMap<[u8; 32], BTreeMap<(u64, Grade), String>>,
}

impl Charges {
    /// Why the log has two histories in a tree of this size.
    pub(super) fn fork_within(&self, size: u64) -> Option<&str> {
        let within = self.forks.partition_point(|(from, _)| *from <= size);
        self.forks[..within].last().map(|(_, reason)| reason.as_str())
    }

    /// Why a key is in doubt.
    pub(super) fn doubt(&self, key: &Did) -> Option<&str> {
        self.doubts.get(key).map(String::as_str)
    }

    /// What keys that nobody knows as the log's have signed, within this size.
    pub(super) fn strangers(
        &self,
        size: u64,
    ) -> impl Iterator<Item = (&[u8; 32], impl Iterator<Item = (Grade, &str)>)> {
        self.strangers.iter().map(move |(key, charges)| {
            let within = charges.iter().filter(move |((from, _), _)| *from <= size);
            (key, within.map(|((_, grade), reason)| (*grade, reason.as_str())))
        })
    }
}

impl FromIterator<(Charge, String)> for Charges {
    fn from_iter<T: IntoIterator<Item = (Charge, String)>>(all: T) -> Self {
        let mut charges = Self::default();
        let mut forks: BTreeMap<u64, String> = BTreeMap::new();
        for (charge, reason) in all {
            match charge {
                Charge::Fork { from } => keep_first(&mut forks, from, reason),
                Charge::Doubt { key } => keep_first(&mut charges.doubts, key, reason),
                Charge::Stranger { key, from, grade } => {
                    keep_first(charges.strangers.entry(key).or_default(), (from, grade), reason);
                }
            }
        }
        for (from, reason) in forks {
            if charges.forks.last().is_none_or(|(_, told)| reason < *told) {
                charges.forks.push((from, reason));
            }
        }
        charges
    }
}

fn keep_first<K: Ord>(kept: &mut BTreeMap<K, String>, key: K, reason: String) {
    let first = kept.entry(key).or_insert_with(|| reason.clone());
    if reason < *first {
        *first = reason;
    }
}
