//! Which heads others are shown, and whom the log asks before.

use chaos_agency::action::Role;
use chaos_log::{Policy, SignedCheckpoint, VerifierKey};
use chaos_store::Records as _;
use chaos_types::Digest;

use crate::{Error, Ledger};

/// The key under which the log's policy is kept: the SHA-256 of the file that it came in, and the file.
const POLICY_META: &str = "log-policy";

impl Ledger {
    /// Whose cosignatures a head of this log has before it is published; `None` if nobody said so.
    ///
    /// # Errors
    /// If the store fails, or what it holds is no policy.
    pub fn policy(&self) -> Result<Option<Policy>, Error> {
        let Some(kept) = self.store.meta(POLICY_META)? else { return Ok(None) };
        // A policy with one digit changed is another policy, and reads as well.
        match kept.split_at_checked(32) {
            Some((digest, file)) if digest == Digest::of(file).as_bytes() => {
                Policy::parse(file).map(Some).map_err(Error::Policy)
            }
            Some(_) | None => Err(Error::PolicyDamaged),
        }
    }

    /// Sets the log's policy, a C2SP tlog-policy file, for every head that is published from now on. One
    /// with `quorum none` asks nobody.
    ///
    /// # Errors
    /// If the file is no policy or names other logs and not this one, or the store fails.
    pub fn set_policy(&mut self, file: &[u8]) -> Result<Policy, Error> {
        let policy = Policy::parse(file).map_err(Error::Policy)?;
        let (key, succession) = (self.verifier()?, self.succession(Role::Checkpoints)?);
        let is_own = |known: &VerifierKey| {
            known.name() == key.name()
                && succession.keys().any(|key| key.as_bytes() == known.public())
        };
        if !policy.logs().is_empty() && !policy.logs().iter().any(|log| is_own(&log.key)) {
            return Err(Error::PolicyOther { log: Box::new(key) });
        }
        let kept = [Digest::of(file).as_bytes(), file].concat();
        self.store.put_meta(POLICY_META, &kept)?;
        Ok(policy)
    }

    /// Keeps a signed head as the one that others are shown. One of the same size is replaced, which
    /// adds cosignatures to it.
    ///
    /// # Errors
    /// If it is not a head of this log, the quorum of the log's policy has not cosigned it, or the store
    /// fails.
    pub fn publish(&mut self, signed: &SignedCheckpoint) -> Result<(), Error> {
        if let Some(policy) = self.policy()? {
            policy.witnessed(signed).map_err(Error::NotWitnessed)?;
        }
        Ok(self.store.put_checkpoint(signed)?)
    }

    /// Checks that the log has signed every head that is kept; that each is one of its tree is what
    /// [`Store::check`](chaos_store::Store::check) says.
    ///
    /// # Errors
    /// If it has not signed one, or the store fails.
    pub fn check_heads(&self) -> Result<(), Error> {
        let (succession, name) = (self.succession(Role::Checkpoints)?, self.name()?);
        for kept in self.store.checkpoints()? {
            let size = kept.claimed().size();
            let signed = succession.ensure_signed(&kept, &name);
            signed.map_err(|source| Error::HeadUnsigned { size, source })?;
        }
        Ok(())
    }
}
