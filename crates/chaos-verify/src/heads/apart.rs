//! Heads with their signers, and how two of them contradict each other.

use std::fmt;

use chaos_agency::{HeadSigner, SignerError, Succession};
use chaos_log::Hash;
use chaos_types::{Did, Rejection};

use super::places::{Place, Seen};
use crate::offline::refused;

/// A head and who signed it.
#[derive(Debug)]
pub(super) struct Stood<'a> {
    pub(super) seen: &'a Seen,
    pub(super) by: By,
}

/// By whom a head is, by the most that is known of who signs.
#[derive(Debug)]
pub(super) enum By {
    /// The key in force at its size.
    InItsTime(Did),
    /// A key whose time was over, alone.
    AfterItsEnd {
        key: Did,
        /// Whether that shows anything about the key: of the first head that holds the delegation it does
        /// not, which the key may sign beside the next one, and which may have lost a line.
        shows: bool,
        rejection: Rejection,
    },
    /// None of those that were in force by then. Where it was verified under another delegation of a known number,
    /// the two delegations are judged as such, and it stands beside what the key of the known one signed.
    Other { instead_of: Did, is_verified: bool },
}

impl<'a> Stood<'a> {
    pub(super) fn new(seen: &'a Seen, known: &Succession, shown_by: &str) -> Self {
        let size = seen.size();
        let by = match known.signer(&seen.checkpoint, seen.log.name()) {
            HeadSigner::InForce(key) => By::InItsTime(key),
            HeadSigner::Retired { key, index } => {
                let Rejection { check, code, reason } =
                    refused(&SignerError::Retired { key, size, index });
                let rejection =
                    Rejection::new(check, code, format!("{reason}: shown by {shown_by}"));
                let shows = known.leaving(size) != Some(key);
                By::AfterItsEnd { key, shows, rejection }
            }
            HeadSigner::Nobody => {
                let (instead_of, is_verified) = (known.key_for(size), seen.is_verified);
                By::Other { instead_of, is_verified }
            }
        };
        Self { seen, by }
    }

    /// The key that signed it, or in whose place another did.
    pub(super) const fn key(&self) -> Did {
        match &self.by {
            By::InItsTime(key)
            | By::AfterItsEnd { key, .. }
            | By::Other { instead_of: key, .. } => *key,
        }
    }

    /// Whether that it was signed shows anything about the key, or that of a later head has to.
    pub(super) const fn shows(&self) -> bool {
        match self.by {
            By::InItsTime(_) => true,
            By::AfterItsEnd { shows, .. } | By::Other { is_verified: shows, .. } => shows,
        }
    }

    /// Whether it was signed by a key while that was in force, by the known delegations or by others.
    pub(super) const fn is_in_its_time(&self) -> bool {
        match self.by {
            By::InItsTime(_) => true,
            By::AfterItsEnd { .. } => false,
            By::Other { is_verified, .. } => is_verified,
        }
    }

    /// Whether what it says counts at all: of a head that nobody signed it does not.
    pub(super) const fn speaks(&self) -> bool {
        !matches!(self.by, By::Other { is_verified: false, .. })
    }
}

/// Two heads of one log that no log has both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Apart<'a> {
    place: Place,
    /// Both heads, the one that was seen in what comes first by name first.
    pub(super) heads: [&'a Stood<'a>; 2],
    hashes: [Hash; 2],
}

impl<'a> Apart<'a> {
    pub(super) fn new(place: Place, both: [(&'a Stood<'a>, Hash); 2]) -> Self {
        let mut both = both;
        both.sort_by_key(|(stood, hash)| (stood.seen.whose.as_str(), *hash));
        let [(one, first), (other, second)] = both;
        Self { place, heads: [one, other], hashes: [first, second] }
    }

    /// Where they are not alike.
    #[cfg(test)]
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// The smaller of the two trees' sizes.
    pub(super) fn from(&self) -> u64 {
        let [one, other] = self.heads.map(|stood| stood.seen.size());
        one.min(other)
    }

    /// Up to which entry they contradict each other.
    pub(super) const fn end(&self) -> u64 {
        match self.place {
            Place::Node { level, index } => (index + 1) << level,
            Place::Root { size } => size,
        }
    }

    /// The order in which one of several is named: what shows the earliest, and the most exactly.
    pub(super) fn rank(&self) -> impl Ord + use<'a> {
        let whose = self.heads.map(|stood| stood.seen.whose.as_str());
        (self.from(), self.place, whose, self.hashes)
    }
}

impl fmt::Display for Apart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, heads, hashes: [one, other] } = self;
        let [first, second] = heads.map(|stood| stood.seen);
        let log = &first.log;
        let (sizes, first, second) = ([first.size(), second.size()], &first.whose, &second.whose);
        match *place {
            Place::Root { size } if sizes == [size, size] => write!(
                f,
                "the log {log} signed two trees of size {size}: root {one} in {first}, root {other} \
                 in {second}"
            ),
            Place::Root { size } => write!(
                f,
                "the log {log} signed two trees whose first {size} entries are others: root {one} in \
                 {first}, root {other} in {second}"
            ),
            Place::Node { level: 0, index } => write!(
                f,
                "the log {log} signed two trees with another entry {index}: leaf {one} in {first}, \
                 leaf {other} in {second}"
            ),
            Place::Node { level, index } => write!(
                f,
                "the log {log} signed two trees with other entries from {} to {}: node {one} in \
                 {first}, node {other} in {second}",
                index << level,
                (index << level) + ((1 << level) - 1)
            ),
        }
    }
}
