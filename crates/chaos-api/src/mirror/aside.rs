//! What a copy holds besides the log, left once a person has accepted that it is not the log's.

use std::path::PathBuf;

use chaos_log::SignedCheckpoint;
use chaos_store::{DATABASE_FILE, Exchange, Records as _};
use chaos_verify::{ProvedFork, SignerProof};

use super::{
    Mirror, MirrorError, PENDING_META, Signers,
    delegated::ensure_holds,
    head::Known,
    standing::{FORK_META, Findings},
};

/// What a copy left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// It holds nothing but the log, as far as is known.
    Nothing,
    /// A checkpoint of this size, none of whose entries were stored.
    Checkpoint(u64),
    /// All that it held, which is in this database now.
    Database(PathBuf),
}

impl Mirror {
    /// Leaves what a retired key signed besides the log, once a person has accepted that: a checkpoint whose
    /// entries were not stored is forgotten, and a copy whose entries are not the log's is put aside and begins
    /// anew, with the log's keys and what was found. Also gives where the former database is then.
    ///
    /// # Errors
    /// If a file cannot be moved, or a store fails.
    pub fn leave_retired(mut self) -> Result<(Self, Left), MirrorError> {
        let Some(proof) = self.accepted()? else { return Ok((self, Left::Nothing)) };
        let mut signers = Signers::read(&self.store, &self.key, true)?;
        // What does not go on from what is known is not learnt, and the proof is of the log all the same.
        let _learnt = signers.learn(proof.keys().as_bytes().to_vec());
        let about = ProvedFork::Signer(Box::new(proof.clone()));
        let Known { stored, pending } = self.known()?;
        let size = stored.as_ref().map_or(0, |kept| kept.claimed().size());
        let is_other = |kept: &SignedCheckpoint| {
            signers.is_about(&about, kept)
                || signers.ensure_in_force(kept).is_err()
                || ensure_holds((&self.store, &signers), kept).is_err()
        };
        let begins_anew = match (&stored, &pending) {
            (Some(kept), _) if is_other(kept) => true,
            // Where what the copy began to store is a retired key's, what it stored before by a retired key may
            // be as well.
            (Some(kept), Some(begun)) if is_other(begun) => {
                self.store.head()?.size > size || signers.is_by_retired(kept)
            }
            (None, Some(begun)) => is_other(begun) && self.store.head()?.size > 0,
            (Some(_), _) | (None, None) => false,
        };
        if begins_anew {
            return self.begin_anew(&signers, &proof);
        }
        let begun = pending.filter(is_other).map(|begun| begun.claimed().size());
        signers.keep(&mut self.store)?;
        let Some(size) = begun else { return Ok((self, Left::Nothing)) };
        self.store.put_meta(PENDING_META, b"")?;
        Ok((self, Left::Checkpoint(size)))
    }

    /// The proof that a retired key signs besides the log, once a person has accepted it.
    fn accepted(&self) -> Result<Option<SignerProof>, MirrorError> {
        let proof = self.store.meta(FORK_META)?.filter(|proof| !proof.is_empty());
        let Some(proof) = proof else { return Ok(None) };
        if self.standings()?.is_forked() {
            return Ok(None);
        }
        let proof = ProvedFork::parse(&proof).map_err(MirrorError::RecordedFork)?;
        match proof {
            ProvedFork::Signer(proof) if !proof.is_of_the_log() => Ok(Some(*proof)),
            ProvedFork::Signer(_) | ProvedFork::Trees(_) | ProvedFork::Places(_) => Ok(None),
        }
    }

    fn begin_anew(
        self,
        signers: &Signers,
        proof: &SignerProof,
    ) -> Result<(Self, Left), MirrorError> {
        let Self { store, key, directory, policy, kinds, .. } = self;
        let findings = Findings::read(&store)?.carried();
        drop(store);
        // A kill from here on is made good by whoever opens the copy next: the decision is in its store.
        let exchange = Exchange::begin(&directory)?;
        let mut anew = Self::open_store(&exchange.folder(), Some(&key))?;
        signers.keep(&mut anew.store)?;
        findings.keep(&mut anew.store)?;
        drop(anew);
        let proof = ProvedFork::Signer(Box::new(proof.clone()));
        let aside = exchange.end(&format!("{DATABASE_FILE}.{}", proof.name()))?;
        let anew = Self::open(&directory, Some(&key))?;
        Ok((Self { policy, kinds, ..anew }, Left::Database(aside)))
    }
}
