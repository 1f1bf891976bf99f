//! Which key signs for the log, and how far the reader follows its delegations.

use chaos_agency::{SignerError, Succession};
use chaos_log::{KeyError, Signature, SignedCheckpoint, VerifierKey};
use chaos_types::{Check, Did, Rejection};

use super::{Options, document::Document, place::Case};
use crate::{Fault, Successions};

impl Case<'_> {
    /// What the bundle shows of the log's keys; without delegations the root key has every role.
    pub(super) fn successions(&self, root: Did) -> Result<Successions, Rejection> {
        let Document::State(bundle) = self.file else { return Ok(Successions::new(root)) };
        let Some(delegations) = &bundle.keys else { return Ok(Successions::new(root)) };
        let state = bundle.edge.leaf.state.ok_or_else(|| {
            let reason = "the last entry states no root";
            Rejection::new(Check::Checkpoint, Fault::EdgeStatesNothing, reason)
        })?;
        delegations.verify(root, &self.stand.checkpoint, &state, self.kinds)
    }
}

/// The log as the reader knows it: under its root key, or under one that the root key has named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    /// The root key, under the log's name.
    pub(super) root: &'a VerifierKey,
    /// Who signs its checkpoints.
    pub(super) succession: &'a Succession,
}

impl Known<'_> {
    /// How many delegations stand before a key that somebody trusts as the log's; `None` if it is not
    /// one of them.
    pub(super) fn position(&self, trusted: &VerifierKey) -> Option<usize> {
        let is_named = trusted.name() == self.root.name();
        let mut keys = self.succession.keys().filter(|_| is_named);
        keys.position(|key| key.as_bytes() == trusted.public())
    }

    /// Whether a line below a checkpoint says that it is by one of the log's keys.
    pub(super) fn is_named_by(&self, line: &Signature) -> bool {
        let mut keys = self.succession.keys();
        keys.any(|key| self.named(key).is_ok_and(|key| key.is_named_by(line)))
    }

    fn named(&self, key: Did) -> Result<VerifierKey, KeyError> {
        VerifierKey::new(self.root.name().clone(), key.as_bytes())
    }

    /// The key in force has signed the checkpoint.
    pub(super) fn ensure_signed(
        &self,
        signed: &SignedCheckpoint,
    ) -> Result<VerifierKey, Rejection> {
        self.succession.ensure_signed(signed, self.root.name()).map_err(|error| refused(&error))
    }

    /// A delegation in the place of a lost key is not followed on the word of the keys alone: whoever
    /// stole the lost one shows the log without it. So the reader has to know the root key, and to name
    /// witnesses. Whoever trusts the new key already has nothing to follow.
    pub(super) fn ensure_followed(&self, options: &Options<'_>) -> Result<(), Rejection> {
        let named = options.policy.into_iter().flat_map(|policy| policy.logs());
        let trusted = options.log.into_iter().chain(named.map(|known| &known.key));
        let positions: Vec<usize> = trusted.filter_map(|key| self.position(key)).collect();
        // Whoever holds one of the log's keys can lay it under a root key of its own.
        let is_named = positions.contains(&0) || options.root == Some(self.root);
        if !positions.is_empty() && !is_named {
            let reason = format!(
                "the trusted key is one that root key {} is said to have named; whose log it is only the \
                 root key tells: name it, as `log` of the first bundles did",
                self.root
            );
            return Err(Rejection::new(Check::Checkpoint, Fault::LogNotTrusted, reason));
        }
        let known = positions.iter().copied().max().unwrap_or_default();
        let followed = self.succession.delegations().get(known..).unwrap_or_default();
        let Some(lost) = followed.iter().find(|delegation| delegation.body.lost) else {
            return Ok(());
        };
        if positions.contains(&0) && options.policy.is_some_and(|p| p.asks_for_witnesses()) {
            return Ok(());
        }
        let reason = format!(
            "entry {} puts {} in the place of a lost key; that is followed by who names the log's \
             root key and a policy with a quorum of witnesses",
            lost.index, lost.body.key
        );
        Err(Rejection::new(Check::Checkpoint, Fault::LostKeyNotWitnessed, reason))
    }
}

/// The rejection of a checkpoint that the key in force has not signed.
pub(crate) fn refused(error: &SignerError) -> Rejection {
    let fault = match error {
        SignerError::Retired { .. } => Fault::KeyRetired,
        SignerError::Unsigned(_) | SignerError::Name(_) => Fault::CheckpointInvalid,
    };
    Rejection::caused(Check::Checkpoint, fault, error)
}
