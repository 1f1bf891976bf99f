//! Which heads others are shown, and whom the log asks before.

use std::ops::RangeInclusive;

use chaos_agency::action::Role;
use chaos_log::{Policy, ProveError, Signature, SignedCheckpoint, VerifierKey, WitnessVerifier};
use chaos_store::{Records as _, Store};
use chaos_types::Digest;
use chaos_verify::possible_times;

use crate::{Error, Heads, Ledger, OPERATOR};

/// The policy of witnesses that a data directory holds, if it holds one: whose lines below its heads can be judged.
///
/// # Errors
/// If the store fails, or what it holds is no policy.
pub fn kept_policy(store: &Store) -> Result<Option<Policy>, Error> {
    let kept = policy_file(store)?;
    kept.map(|file| Policy::parse(&file).map_err(Error::Policy)).transpose()
}

/// A head without what a disk has made of the lines by the witnesses of a policy; `None` where all of them hold.
#[must_use]
pub fn with_true_cosigners(signed: &SignedCheckpoint, policy: &Policy) -> Option<SignedCheckpoint> {
    signed.with_true_cosigners(policy.witnesses().iter().map(|known| &known.key))
}

fn policy_file(store: &Store) -> Result<Option<Vec<u8>>, Error> {
    let Some(kept) = store.meta(POLICY_META)? else { return Ok(None) };
    // A policy with one digit changed is another policy, and reads as well.
    match kept.split_at_checked(32) {
        Some((digest, file)) if digest == Digest::of(file).as_bytes() => Ok(Some(file.to_vec())),
        Some(_) | None => Err(Error::PolicyDamaged),
    }
}

/// The key under which the log's policy is kept: the SHA-256 of the file that it came in, and the file.
const POLICY_META: &str = "log-policy";

impl Ledger {
    /// Whose cosignatures a head of this log has before it is published; `None` if nobody said so.
    ///
    /// # Errors
    /// If the store fails, what it holds is no policy, or the log published under another one than it
    /// holds: by what is remembered beside the signed head, or by the cosignatures of the newest one.
    pub fn policy(&self) -> Result<Option<Policy>, Error> {
        let kept = self.kept_policy()?;
        // Only whoever has the key publishes; a mirror gives out what it got.
        if self.keys().has(OPERATOR)? {
            self.ensure_policy(kept.as_deref().map(Digest::of))?;
        }
        kept.map(|file| Policy::parse(&file).map_err(Error::Policy)).transpose()
    }

    /// The policy file that the data directory holds.
    fn kept_policy(&self) -> Result<Option<Vec<u8>>, Error> {
        policy_file(&self.store)
    }

    /// The absence of a policy is not the word of anybody that there is none.
    fn ensure_policy(&self, found: Option<Digest>) -> Result<(), Error> {
        let key = self.verifier()?;
        let remembered = self.heads.as_ref().map(|heads| heads.policy(&key)).transpose()?.flatten();
        if remembered.is_some() && remembered != found {
            return Err(Error::PolicyLost { expected: remembered });
        }
        let succession = self.succession(Role::Checkpoints)?;
        let own = succession.keys().map(|did| VerifierKey::new(key.name().clone(), did.as_bytes()));
        let own = own.collect::<Result<Vec<_>, _>>().map_err(Error::LogName)?;
        let is_own = |line: &Signature| own.iter().any(|key| key.is_named_by(line));
        if found.is_none()
            && let Some(newest) = self.store.checkpoint()?
            && newest.note().signatures().iter().any(|line| !is_own(line))
        {
            return Err(Error::PolicyLost { expected: None });
        }
        Ok(())
    }

    /// What the data directory holds is remembered beside the heads, where an earlier version set it.
    pub(crate) fn remember_policy(&self, heads: &Heads) -> Result<(), Error> {
        let key = self.verifier()?;
        match self.kept_policy()? {
            Some(file) if heads.policy(&key)?.is_none() => {
                heads.remember_policy(&key, &Digest::of(&file))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// When the witnesses of a head can have cosigned it, by the log's clock, in seconds since 1970: other
    /// cosignatures count for no reader, and so not here.
    ///
    /// # Errors
    /// If the log does not hold the head's last entry, or the store fails.
    pub fn possible_times(&self, signed: &SignedCheckpoint) -> Result<RangeInclusive<u64>, Error> {
        let size = signed.claimed().size();
        let newest_ms = match size.checked_sub(1) {
            None => 0,
            Some(index) if index < self.size() => self.leaf(index)?.integrated_at_ms,
            Some(index) => return Err(Error::Prove(ProveError::Index { index, size })),
        };
        Ok(possible_times(newest_ms, Some(self.system().now_ms())))
    }

    /// Checks that the quorum of the log's policy has cosigned a head, by the rule of a reader who has the
    /// same policy.
    ///
    /// # Errors
    /// If it has not, as [`Self::policy`], and if the store fails.
    pub fn ensure_witnessed(&self, signed: &SignedCheckpoint) -> Result<(), Error> {
        if let Some(policy) = self.policy()? {
            let times_s = self.possible_times(signed)?;
            policy.witnessed_within(signed, &times_s).map_err(Error::NotWitnessed)?;
        }
        Ok(())
    }

    /// The keys that a witness's policy may lack, in the order of its lines: those that came into force after the one
    /// by which it cosigned the newest kept head that has its line. Of a head by two keys it may know the leaving one
    /// alone; of a witness that cosigned none of them nothing is known. There is always one, the key in force.
    ///
    /// # Errors
    /// If the store fails.
    pub fn keys_for_witness(&self, witness: &WitnessVerifier) -> Result<Vec<VerifierKey>, Error> {
        let (succession, name) = (self.succession(Role::Checkpoints)?, self.name()?);
        let kept = self.store.checkpoints()?;
        let cosigned = kept.iter().filter(|head| matches!(witness.cosigned(head), Ok(Some(_))));
        let newest = cosigned.map(|head| head.claimed().size()).max();
        let of_size = |size| succession.leaving(size).unwrap_or_else(|| succession.key_for(size));
        let known = newest.map(of_size);
        let own: Vec<_> = succession.keys().collect();
        let place = known.and_then(|known| own.iter().position(|key| *key == known));
        let first = place.map_or(0, |place| (place + 1).min(own.len() - 1));
        let keys = own[first..].iter().map(|key| VerifierKey::new(name.clone(), key.as_bytes()));
        keys.collect::<Result<_, _>>().map_err(Error::LogName)
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
        if let Some(heads) = &self.heads {
            heads.remember_policy(&key, &Digest::of(file))?;
        }
        Ok(policy)
    }

    /// Keeps a signed head as the one that others are shown. One of the same size is replaced, which
    /// adds cosignatures to it.
    ///
    /// # Errors
    /// If it is not a head of this log, the quorum of the log's policy has not cosigned it, or the store
    /// fails.
    pub fn publish(&mut self, signed: &SignedCheckpoint) -> Result<(), Error> {
        self.ensure_witnessed(signed)?;
        Ok(self.store.put_checkpoint(signed)?)
    }

    /// Checks that the log has signed every head that is kept, and that no line below one is a false one of a witness
    /// of the log's policy; that each is one of its tree is what [`Store::check`](chaos_store::Store::check) says.
    ///
    /// # Errors
    /// If it has not signed one, a line is false, the policy that is kept is none, or the store fails.
    pub fn check_heads(&self) -> Result<(), Error> {
        let (succession, name) = (self.succession(Role::Checkpoints)?, self.name()?);
        let policy = kept_policy(&self.store)?;
        for kept in self.store.checkpoints()? {
            let size = kept.claimed().size();
            let signed = succession.ensure_signed(&kept, &name);
            signed.map_err(|source| Error::HeadUnsigned { size, source })?;
            if policy.as_ref().is_some_and(|policy| with_true_cosigners(&kept, policy).is_some()) {
                return Err(Error::CosignerFalse { size });
            }
        }
        Ok(())
    }
}
