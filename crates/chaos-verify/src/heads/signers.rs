//! Who signs for a log, by everything that was seen.

use std::collections::BTreeMap;

use chaos_agency::{Delegation, Succession};
use chaos_log::{Checkpoint, VerifierKey};

/// The successions that were seen of one log, each once, and what shows that the root key signed two.
#[derive(Debug, Clone, Default)]
pub(super) struct Signers {
    /// By the rows of their delegations, each with who showed it.
    known: BTreeMap<Vec<Vec<u8>>, (Succession, String)>,
    /// What proofs show.
    split: Option<Split>,
}

/// Two delegations of one number that a root key has signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Split {
    /// Heads above this size hold one of the two.
    pub(super) from: u64,
    pub(super) reason: String,
}

impl Signers {
    pub(super) fn learn(&mut self, succession: &Succession, whose: &str) {
        let rows = succession.delegations().iter().map(|delegation| delegation.row().1).collect();
        let (_, shown_by) =
            self.known.entry(rows).or_insert_with(|| (succession.clone(), whose.to_owned()));
        if whose < shown_by.as_str() {
            whose.clone_into(shown_by);
        }
    }

    /// Takes in what a proof shows; the smallest place counts.
    pub(super) fn split_by(&mut self, split: Split) {
        self.split = self.split.take().into_iter().chain([split]).min();
    }

    /// The longest succession that the root key has signed, and who showed it.
    pub(super) fn longest(&self) -> Option<(&Succession, &str)> {
        let longest = self.known.iter().max_by_key(|(rows, _)| (rows.len(), *rows));
        longest.map(|(_, (succession, whose))| (succession, whose.as_str()))
    }

    /// Whether the root key has let a key sign, as anything shows.
    pub(super) fn have_named(&self, key: &[u8; 32]) -> bool {
        let mut keys = self.known.values().flat_map(|(succession, _)| succession.keys());
        keys.any(|did| did.as_bytes() == key)
    }

    /// Whether a delegation names this very history, whoever showed it.
    pub(super) fn vouch_for(&self, checkpoint: &Checkpoint) -> bool {
        self.known.values().any(|(succession, _)| succession.vouches_for(checkpoint))
    }

    /// Two delegations of one number, by all that was seen: those at the smallest place.
    pub(super) fn split(&self, root: &VerifierKey) -> Option<Split> {
        let all: Vec<_> = self.known.values().collect();
        let pairs = all.iter().enumerate().flat_map(|(at, one)| {
            all.iter().skip(at + 1).filter_map(move |other| apart(root, one, other))
        });
        pairs.chain(self.split.clone()).min()
    }
}

/// Where two successions part, if they do.
fn apart(
    root: &VerifierKey,
    (one, first): &(Succession, String),
    (other, second): &(Succession, String),
) -> Option<Split> {
    let mut both = one.delegations().iter().zip(other.delegations());
    let (one, other) = both.find(|(one, other)| one != other)?;
    let said = |of: &Delegation| {
        let body = &of.body;
        format!("to {} after {} entries with root {}", body.key, body.size, body.root)
    };
    let reason = format!(
        "the root key of log {root} signed delegation {} of {} twice: {} in {first}, {} in {second}",
        one.body.number,
        one.body.role,
        said(one),
        said(other)
    );
    Some(Split { from: one.index.min(other.index), reason })
}
