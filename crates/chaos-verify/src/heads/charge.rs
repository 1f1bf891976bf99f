//! What speaks against heads of a log.

use chaos_agency::Succession;
use chaos_types::Did;

use super::apart::{Apart, Stood};
use crate::ProvedFork;

/// What a piece of evidence says of a log's heads. It says the same whether a file proves it or two heads of
/// the call do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Charge {
    /// The log has two histories from this size on, and nobody can say which one a head is of.
    Fork { from: u64 },
    /// This key has signed what is not the log's. What it signed alone is refused where nothing shows that it
    /// is of the history that the root key signed.
    Doubt { key: Did },
    /// A key that nobody knows as the log's has signed what it may not: heads with a line by it, from this
    /// size on.
    Stranger { key: [u8; 32], from: u64, grade: Grade },
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grade {
    /// The log has two histories.
    Forked,
    /// A key signed it after its end.
    Retired,
    /// A retired key signed it, which has signed something else.
    InDoubt,
    /// No key has signed it that is known to have been in force by then.
    Unsigned,
}

impl Charge {
    /// The key that it is about, if that is one of the log's.
    pub(super) const fn key(&self) -> Option<Did> {
        match self {
            Self::Doubt { key } => Some(*key),
            Self::Fork { .. } | Self::Stranger { .. } => None,
        }
    }

    /// What a proof says of the log that these keys sign for; `None` of two delegations, which are judged as
    /// such.
    ///
    /// Two trees that a key in force could both sign for the log are a fork of the log, and so is what the root key
    /// has signed twice. Of a retired key they are its owner's or a thief's, and so is one that no key could
    /// sign for the log.
    pub(super) fn of_proof(proof: &ProvedFork, known: &Succession) -> Option<Self> {
        match proof {
            ProvedFork::Trees(proof) => {
                let sizes = [proof.fork().first(), proof.fork().second()];
                let sizes = sizes.map(|note| note.claimed().size());
                let from = sizes[0].min(sizes[1]);
                let bytes = *proof.key().public();
                let Some(key) = known.keys().find(|key| *key.as_bytes() == bytes) else {
                    return Some(Self::Stranger { key: bytes, from, grade: Grade::Forked });
                };
                let is_within = sizes.iter().all(|size| known.key_for(*size) == key);
                // The root key's time never ends.
                let is_root = known.keys().next() == Some(key);
                Some(if is_root || is_within && known.end_of(&key).is_none() {
                    Self::Fork { from }
                } else {
                    Self::Doubt { key }
                })
            }
            // What rests on the word of a key that was retired since accuses no other.
            ProvedFork::Signer(proof)
                if proof.rests_on().is_some_and(|key| known.end_of(&key).is_some()) =>
            {
                None
            }
            ProvedFork::Signer(proof) => {
                let (key, size) = (proof.retired(), proof.note().claimed().size());
                if known.keys().all(|known| known != key) {
                    let (from, grade) = match proof.after() {
                        Some(from) => (from, Grade::Retired),
                        None => (size, Grade::Forked),
                    };
                    return Some(Self::Stranger { key: *key.as_bytes(), from, grade });
                }
                // The other of two trees is then the one that the root key has signed with the delegation.
                let is_root = known.keys().next() == Some(key);
                Some(if is_root || proof.after().is_none() && known.end_of(&key).is_none() {
                    Self::Fork { from: size }
                } else {
                    Self::Doubt { key }
                })
            }
            ProvedFork::Places(_) => None,
        }
    }

    /// What two heads say that contradict each other.
    ///
    /// A later key's head holds the delegation that put it there, and so the history that the root key has
    /// signed: of two keys it is the earlier one that signed another. One that signed after its end accuses
    /// nobody else.
    pub(super) fn of_heads(apart: &Apart<'_>, known: &Succession) -> Option<Self> {
        let place = |stood: &&Stood<'_>| known.keys().position(|key| key == stood.key());
        let [one, other] = apart.heads;
        if !one.speaks() || !other.speaks() {
            return None;
        }
        let (first, second) = (place(&one)?, place(&other)?);
        let (earlier, later) = if second < first { (other, one) } else { (one, other) };
        let key = earlier.key();
        if first != second && !earlier.shows() {
            // What comes after the entries that the root key signed is the later key's word alone.
            let end = known.end_of(&key)?;
            if apart.end() > end.body.size && known.end_of(&later.key()).is_some() {
                return None;
            }
        }
        let is_within = earlier.is_in_its_time() && (first != second || later.is_in_its_time());
        Some(if is_within && known.end_of(&key).is_none() {
            Self::Fork { from: apart.from() }
        } else {
            Self::Doubt { key }
        })
    }
}
