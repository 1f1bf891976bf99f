use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use alloy_primitives::Address;

use crate::outcome::Exclusion;

/// A recorded transaction by its place: the block within the run, and the place in the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) block: usize,
    pub(super) index: usize,
}

/// The transactions that wait, by sender and nonce.
#[derive(Debug, Default)]
pub(super) struct Pool {
    lines: BTreeMap<Address, BTreeSet<(u64, Candidate)>>,
    count: u64,
    /// Why each that was tried was last left out.
    last: BTreeMap<Candidate, Exclusion>,
}

/// The senders whose next transaction the builder has yet to try, by that transaction's tip and
/// then by its recorded place.
#[derive(Debug)]
pub(super) struct Queue<F> {
    heads: BinaryHeap<(u128, Reverse<Candidate>, Address)>,
    tip: F,
}

impl Pool {
    pub(super) const fn len(&self) -> u64 {
        self.count
    }

    pub(super) fn insert(&mut self, sender: Address, nonce: u64, candidate: Candidate) {
        if self.lines.entry(sender).or_default().insert((nonce, candidate)) {
            self.count += 1;
        }
    }

    /// Takes the next transaction of `sender` out.
    pub(super) fn remove_next(&mut self, sender: Address) {
        let Some(line) = self.lines.get_mut(&sender) else { return };
        if line.pop_first().is_some() {
            self.count -= 1;
        }
        if line.is_empty() {
            self.lines.remove(&sender);
        }
    }

    /// How many transactions of `sender` wait.
    pub(super) fn count_of(&self, sender: Address) -> usize {
        self.lines.get(&sender).map_or(0, BTreeSet::len)
    }

    /// Whether `candidate` is the next transaction of `sender`.
    pub(super) fn is_next(&self, sender: Address, candidate: Candidate) -> bool {
        let next = self.lines.get(&sender).and_then(BTreeSet::first);
        next.is_some_and(|(_, next)| *next == candidate)
    }

    /// Notes why a transaction was left out.
    pub(super) fn note(&mut self, candidate: Candidate, exclusion: Exclusion) {
        self.last.insert(candidate, exclusion);
    }

    /// Why a transaction that still waits was last left out. One that was never tried waits for an
    /// earlier one of its sender.
    pub(super) fn last(&self, candidate: Candidate) -> Exclusion {
        self.last.get(&candidate).cloned().unwrap_or(Exclusion::EarlierNonceWaiting)
    }

    /// All senders in line.
    pub(super) fn queue<F: Fn(Candidate) -> u128>(&self, tip: F) -> Queue<F> {
        let heads = self.lines.iter().filter_map(|(sender, line)| {
            let (_, candidate) = line.first()?;
            Some((tip(*candidate), Reverse(*candidate), *sender))
        });
        Queue { heads: heads.collect(), tip }
    }
}

impl<F: Fn(Candidate) -> u128> Queue<F> {
    /// The transaction to try next.
    pub(super) fn pop(&mut self) -> Option<(Address, Candidate)> {
        let (_, Reverse(candidate), sender) = self.heads.pop()?;
        Some((sender, candidate))
    }

    /// Puts `sender` back in line with the transaction that is now its next.
    pub(super) fn push_next(&mut self, sender: Address, pool: &Pool) {
        if let Some((_, candidate)) = pool.lines.get(&sender).and_then(BTreeSet::first) {
            self.heads.push(((self.tip)(*candidate), Reverse(*candidate), sender));
        }
    }
}
