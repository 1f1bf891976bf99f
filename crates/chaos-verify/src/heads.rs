//! Heads of one log, held against each other.

mod apart;
mod charge;
mod charges;
mod judged;
mod pairs;
mod places;
mod signers;

use std::collections::{BTreeMap, BTreeSet};

use chaos_agency::Succession;
use chaos_log::{Policy, VerifierKey};
use chaos_types::{Check, Rejection};

pub use self::judged::{Judged, Judgement};
use self::{
    places::{Seen, subtrees},
    signers::{Signers, Split},
};
use crate::{Fault, Head, Options, ProvedFork};

/// What was seen of the trees that each log signed, of who signs for it, and of proofs.
///
/// A log may sign one tree of each size, and a node over whole leaves is the same in every tree that
/// reaches so far. Two are a fork, and whoever holds both files can show that the log's operator tells
/// people different things. A log is its root key, whatever the key is called and whichever key the root
/// key has let sign for it.
///
/// Everything is collected first, and [judged](Self::judge) then as a set: what is seen before what makes no
/// difference, and no charge hides another. What two heads of the call show and what a proof shows is the
/// same evidence and has the same consequences.
///
/// A signature has no date. What a retired key has signed twice, its owner or a thief may have signed at any
/// time, so that it speaks against nothing that a later key signed: the root key has signed the history
/// which that goes on from.
#[derive(Debug, Clone, Default)]
pub struct Heads {
    /// By the log's root key and the head's note.
    seen: BTreeMap<([u8; 32], String), Seen>,
    proofs: Vec<(ProvedFork, String)>,
    /// By the log's root key.
    signers: BTreeMap<[u8; 32], Signers>,
}

impl Heads {
    /// Takes in a head that was seen in `whose`, what was shown of its tree, and of who signs for its log.
    pub fn see(&mut self, head: &Head, whose: &str) {
        self.learn(&head.log, &head.succession, whose);
        let key = (*head.log.public(), head.checkpoint.to_string());
        self.seen
            .entry(key)
            .and_modify(|seen| seen.add(head, whose))
            .or_insert_with(|| Seen::new(head, whose));
    }

    /// Takes in who signs for the log with this root key.
    pub fn learn(&mut self, root: &VerifierKey, succession: &Succession, whose: &str) {
        self.signers.entry(*root.public()).or_default().learn(succession, whose);
    }

    /// Takes in a proof that was seen in `whose`.
    pub fn accuse(&mut self, proof: &ProvedFork, whose: &str) {
        match proof {
            ProvedFork::Trees(proof) => {
                if let Some((root, succession)) = proof.tie() {
                    self.learn(root, succession, whose);
                }
            }
            ProvedFork::Signer(proof) => self.learn(proof.log(), proof.succession(), whose),
            ProvedFork::Places(proof) => {
                let reason = format!("{}: shown by {whose}", proof.sentence());
                let split = Split { from: proof.first_size(), reason };
                self.signers.entry(*proof.log().public()).or_default().split_by(split);
            }
        }
        self.proofs.push((proof.clone(), whose.to_owned()));
    }

    /// The nodes, by level and index, in which a copy of the log with this root key can agree with the heads
    /// that were seen of it, or not; none if there is none.
    #[must_use]
    pub fn comparable(&self, root: &VerifierKey) -> BTreeSet<(u32, u64)> {
        let seen = self.seen_of(root.public());
        seen.flat_map(|(_, seen)| seen.node_places().chain(subtrees(seen.size()))).collect()
    }

    /// Judges all that was seen.
    #[must_use]
    pub fn judge(&self) -> Judged {
        Judged::of_all(self)
    }

    /// That this root key was seen to have signed two delegations of one number, if it was.
    #[must_use]
    pub fn split(&self, root: &VerifierKey) -> Option<String> {
        self.signers.get(root.public())?.split(root).map(|split| split.reason)
    }

    /// The root key of the log that a proof is about: one that the reader trusts, if he names any. The key
    /// that signed is the log's if it is the root key, or if something that was seen shows that the root
    /// key has named it.
    ///
    /// # Errors
    /// A [`Rejection`] of a proof about another log, or by a key that nothing ties to a trusted one.
    pub fn root_of(
        &self,
        proof: &ProvedFork,
        options: &Options<'_>,
    ) -> Result<VerifierKey, Rejection> {
        let key = proof.log();
        let leads = |root: &&VerifierKey| *root == key || self.has_named(root, key);
        let policy = options.policy.into_iter().flat_map(Policy::logs).map(|known| &known.key);
        let policy: Vec<&VerifierKey> = policy.collect();
        let by_name = options.log.is_none_or(|log| leads(&log));
        let by_policy = policy.is_empty() || policy.iter().any(leads);
        let trusted: Vec<&VerifierKey> = options.log.into_iter().chain(policy).collect();
        if by_name && by_policy {
            let root = trusted.into_iter().find(leads).cloned();
            return Ok(root.or_else(|| self.root_that_named(key)).unwrap_or_else(|| key.clone()));
        }
        if trusted.iter().all(|root| root.name() != key.name()) {
            let reason = format!("the proof is about log {key}, which is not one that is trusted");
            return Err(Rejection::new(Check::Checkpoint, Fault::LogNotTrusted, reason));
        }
        let reason = match proof {
            ProvedFork::Trees(_) => format!(
                "the proof is by {key}, and nothing at hand shows that the trusted root key has let it \
                 sign: a bundle under a later head of the log shows that, or a copy of it"
            ),
            ProvedFork::Signer(_) | ProvedFork::Places(_) => format!(
                "the proof is about the log of root key {key}; whose log it is only the root key tells, \
                 so that key is the one to name"
            ),
        };
        Err(Rejection::new(Check::Checkpoint, Fault::ForkNotTied, reason))
    }

    /// The heads that were seen of the log with this root key.
    fn seen_of(&self, root: &[u8; 32]) -> impl Iterator<Item = (&([u8; 32], String), &Seen)> {
        let root = *root;
        self.seen.range((root, String::new())..).take_while(move |((log, _), _)| *log == root)
    }

    /// Since which entry the key that a proof is about is retired, in the log with this root key, by all that
    /// was seen. What such a key has signed is its owner's or a thief's, and says nothing of who signs now.
    #[must_use]
    pub fn retired_since(&self, proof: &ProvedFork, root: &VerifierKey) -> Option<u64> {
        let known = self.known(root)?;
        match proof {
            ProvedFork::Trees(proof) => {
                let key = known.keys().find(|key| key.as_bytes() == proof.key().public())?;
                known.end_of(&key).map(|end| end.index)
            }
            ProvedFork::Signer(proof) => known.end_of(&proof.retired()).map(|end| end.index),
            ProvedFork::Places(_) => None,
        }
    }

    /// Whether a root key has let another key sign checkpoints, as far as that was seen.
    fn has_named(&self, root: &VerifierKey, key: &VerifierKey) -> bool {
        let signers = self.signers.get(root.public()).filter(|_| root.name() == key.name());
        signers.is_some_and(|signers| signers.have_named(key.public()))
    }

    /// Who signs for a log, by the most that was seen.
    fn known(&self, root: &VerifierKey) -> Option<&Succession> {
        self.signers.get(root.public())?.longest().map(|(known, _)| known)
    }

    /// A root key that has let this one sign.
    fn root_that_named(&self, key: &VerifierKey) -> Option<VerifierKey> {
        let mut roots = self.signers.keys();
        roots.find_map(|root| {
            let root = VerifierKey::new(key.name().clone(), root).ok()?;
            self.has_named(&root, key).then_some(root)
        })
    }
}
