//! Signing heads: only what was recomputed, and only what continues what was signed before.

mod retired;

use std::path::Path;

use chaos_agency::{Leaf, Receipt, Succession, action::Role};
use chaos_log::{Checkpoint, KeyName, SignedCheckpoint, VerifierKey, root_at};
use chaos_store::{Entry, Head, Records as _, Store, all_entries};

use chaos_types::Did;

pub use self::retired::RetiredHead;
use self::retired::is_of_a_head;
use crate::{
    Error, Heads, Ledger, heads::Remembered, keys::is_unopened, ledger::log_name, log_verifier,
};

/// What may be signed after somebody said what was signed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    /// The size of the head that the next one has to continue.
    pub size: u64,
    /// What was remembered and is a retired key's, with the file that it was put aside in.
    pub aside: Option<RetiredHead>,
}

impl Ledger {
    /// Signs the head of the log and publishes it, if the log asks no witnesses.
    ///
    /// # Errors
    /// As [`Self::sign_head`] and [`Self::publish`].
    pub fn checkpoint(&mut self, heads: &Heads) -> Result<SignedCheckpoint, Error> {
        let signed = self.sign_head(heads)?;
        self.publish(&signed)?;
        Ok(signed)
    }

    /// Signs the head of the log and leaves it to the caller to publish it, as after a quorum of
    /// witnesses has cosigned it.
    ///
    /// A log must never sign two heads of which one is not the start of the other. So the head is
    /// computed anew from every entry since the last signed one, held against what `heads` remembers,
    /// and remembered there before anybody sees the signature. A kill in between signs the same bytes
    /// again.
    ///
    /// # Errors
    /// If the operator's key does not open, the store fails or is damaged, or the data directory does
    /// not continue what was signed.
    pub fn sign_head(&mut self, heads: &Heads) -> Result<SignedCheckpoint, Error> {
        let succession = self.succession(Role::Checkpoints)?;
        let memory = heads.lock(&self.verifier()?)?;
        let last = memory.last()?;
        if last.is_none()
            && let Some(stored) = self.store.checkpoint()?
        {
            let (size, path) = (stored.claimed().size(), memory.path().to_owned());
            return Err(Error::HeadForgotten { size, path: Some(path) });
        }
        let head =
            self.recompute(last.as_ref()).map_err(|error| self.judged(Some(heads), error))?;
        let signed = self.signed(head, &succession)?;
        memory.remember(&signed, &succession)?;
        self.heads = Some(heads.clone());
        self.remember_policy(heads)?;
        Ok(signed)
    }

    /// A head with the signature of the key in force. The first one that holds a delegation also has that
    /// of the key that leaves, if its file is still here, so that whoever knows no other key learns of the
    /// new one.
    fn signed(&self, head: Head, succession: &Succession) -> Result<SignedCheckpoint, Error> {
        let name = self.name()?;
        let key = self.needed_log_key(succession.key_for(head.size))?;
        let mut note = Checkpoint::new(name.as_str(), head.size, head.root)
            .and_then(|checkpoint| checkpoint.sign(&key))
            .map_err(Error::Checkpoint)?;
        let leaving = match succession.leaving(head.size).map(|leaving| self.log_key_of(leaving)) {
            // The key in force has opened, so that this file is damaged: it is as good as gone.
            Some(Err(error)) if is_unopened(&error) => None,
            leaving => leaving.transpose()?.flatten(),
        };
        if let Some(leaving) = leaving {
            let also = note.claimed().clone().sign(&leaving).map_err(Error::Checkpoint)?;
            for line in also.note().signatures() {
                note.add(line.clone()).map_err(|error| Error::Checkpoint(error.into()))?;
            }
        }
        Ok(note)
    }

    /// Remembers the newest of heads that others hold, so that this data directory may sign again
    /// after its memory was lost. It refuses if the directory does not continue each of them. A remembered head that
    /// the directory shows to be a retired key's ([`Self::retired_head`]) is put aside: it is no word of the log's.
    ///
    /// # Errors
    /// If one of `known` is not signed by this log, there is none, the data directory holds less or another history, or
    /// something is remembered that contradicts it.
    pub fn resume(&mut self, heads: &Heads, known: &[SignedCheckpoint]) -> Result<Resumed, Error> {
        let succession = self.succession(Role::Checkpoints)?;
        let (memory, name) = (heads.lock(&self.verifier()?)?, self.name()?);
        let own = self.store.checkpoint()?;
        // What does not verify is refused, not passed over for something older.
        for (place, signed) in known.iter().chain(own.as_ref()).enumerate() {
            let (size, stored) = (signed.claimed().size(), self.size());
            succession.ensure_signed(signed, &name).map_err(|source| {
                let (source, by_unknown) =
                    (Box::new(source), names_another(signed, &succession, &name));
                Error::HeadForeign { place, size, stored, by_unknown, source }
            })?;
        }
        let last = memory.remembered()?;
        let aside =
            last.as_ref().map(|last| self.ensure_goes_on(last, known)).transpose()?.flatten();
        // Each of them and not the newest alone: a retired key signs whatever whoever has it likes.
        for signed in known {
            self.ensure_continues(signed.claimed())?;
        }
        let newest = known.iter().chain(own.as_ref()).max_by_key(|signed| signed.claimed().size());
        let newest_size = newest.map(|newest| newest.claimed().size());
        if let Some(last) = last.as_ref().filter(|_| aside.is_none())
            && Some(last.note.claimed().size()) >= newest_size
        {
            self.heads = Some(heads.clone());
            return Ok(Resumed { size: last.note.claimed().size(), aside: None });
        }
        let newest = newest.ok_or(Error::NoHead)?;
        self.recompute(Some(newest.claimed()))?;
        let aside = match (aside, &last) {
            (Some(head), Some(last)) => {
                Some(RetiredHead { path: memory.put_aside(&last.note)?, ..head })
            }
            _ => None,
        };
        memory.remember(&of_the_log(newest, &succession, &name), &succession)?;
        self.heads = Some(heads.clone());
        Ok(Resumed { size: newest.claimed().size(), aside })
    }

    /// The directory goes on from what is remembered, or that is a retired key's, which is answered then.
    fn ensure_goes_on(
        &self,
        last: &Remembered,
        known: &[SignedCheckpoint],
    ) -> Result<Option<RetiredHead>, Error> {
        match self.ensure_continues(last.note.claimed()) {
            Ok(()) => Ok(None),
            Err(found) => self.retired(last, known)?.map(Some).ok_or(found),
        }
    }

    /// The head, computed from the entries after the last signed one.
    fn recompute(&self, last: Option<&Checkpoint>) -> Result<Head, Error> {
        if let Some(last) = last {
            self.ensure_continues(last)?;
        }
        let from = last.map_or(0, Checkpoint::size);
        let mut last_ms = match from.checked_sub(1) {
            Some(index) => self.store.entry(index)?.map(|entry| Leaf::from_bytes(&entry.leaf)),
            None => None,
        }
        .transpose()
        .map_err(Error::Leaf)?
        .map_or(0, |leaf| leaf.integrated_at_ms);
        for entry in all_entries(&self.store, from) {
            let entry = entry?;
            let leaf = Leaf::from_bytes(&entry.leaf).map_err(Error::Leaf)?;
            let (index, found_ms) = (entry.index, leaf.integrated_at_ms);
            if leaf.receipt != entry.digest {
                let (named, found) = (leaf.receipt, entry.digest);
                return Err(Error::LeafOther { index, named, found });
            }
            if found_ms < last_ms && !self.corrects_time(&entry)? {
                return Err(Error::TimeGoesBack { index, last_ms, found_ms });
            }
            last_ms = found_ms;
            self.ensure_stated(index, &leaf)?;
        }
        Ok(self.store.recompute(from)?)
    }

    /// Whether an entry corrects the log's clock, and counts.
    fn corrects_time(&self, entry: &Entry) -> Result<bool, Error> {
        let receipt = Receipt::open_bytes(&entry.record, self.rules.kinds());
        let corrects = receipt.is_ok_and(|receipt| receipt.action.corrects_time());
        Ok(corrects && self.refusal_code(entry.index)?.is_none())
    }

    /// What the last leaf states of the state is what the rows give.
    fn ensure_stated(&self, index: u64, leaf: &Leaf) -> Result<(), Error> {
        let found = self.next.state;
        match leaf.state {
            Some(stated) if index + 1 == self.next.index && stated != found => {
                Err(Error::StateOther { stated, found })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Asks again whether this directory goes on from what was signed on this machine: meanwhile another
    /// copy of it may have signed. What runs long asks before it gives anything out; each append asks.
    ///
    /// # Errors
    /// If it does not, nothing is remembered of a log that has signed, or the store fails.
    pub fn ensure_current(&mut self) -> Result<(), Error> {
        let last = remembered(&self.store, &self.operator(), self.heads.as_ref())?;
        if let Some(last) = &last
            && self.continued.as_ref() != Some(last)
        {
            let goes_on = self.ensure_continues(last);
            goes_on.map_err(|error| self.judged(self.heads.as_ref(), error))?;
        }
        self.continued = last;
        Ok(())
    }

    fn ensure_continues(&self, signed: &Checkpoint) -> Result<(), Error> {
        ensure_continues(&self.store, signed)
    }
}

/// Whoever is about to write to a store goes on from what was signed on this machine: what is added to
/// a restored copy could never be signed, and what it says of revocations is out of date. A log that has
/// signed while nothing here remembers what may be such a copy. Gives the head that is continued, or the one that is
/// not, which is judged by what the store folds to ([`Ledger::judged`]).
pub(crate) fn found_current(
    store: &Store,
    operator: &Did,
    heads: Option<&Heads>,
) -> Result<Result<Option<Checkpoint>, Error>, Error> {
    let Some(last) = remembered(store, operator, heads)? else { return Ok(Ok(None)) };
    match ensure_continues(store, &last) {
        Ok(()) => Ok(Ok(Some(last))),
        Err(found) if is_of_a_head(&found) => Ok(Err(found)),
        Err(error) => Err(error),
    }
}

impl Heads {
    /// Whether the store at `dir` goes on from what is remembered of its log, if anything is: an old copy
    /// would publish an old head.
    ///
    /// # Errors
    /// If it does not, or the memory or the store cannot be read.
    pub fn ensure_continued(&self, store: &Store, dir: &Path) -> Result<(), Error> {
        let last = self.last(&log_verifier(store, dir)?)?;
        last.map_or(Ok(()), |last| ensure_continues(store, &last))
    }
}

/// The newest head that is remembered; there is one if the store holds a signed head.
fn remembered(
    store: &Store,
    operator: &Did,
    heads: Option<&Heads>,
) -> Result<Option<Checkpoint>, Error> {
    let key = VerifierKey::new(log_name(operator)?, operator.as_bytes()).map_err(Error::LogName)?;
    if let Some(heads) = heads
        && let Some(last) = heads.last(&key)?
    {
        return Ok(Some(last));
    }
    match store.checkpoint()? {
        Some(stored) => {
            let path = heads.map(|heads| heads.file(&key));
            Err(Error::HeadForgotten { size: stored.claimed().size(), path })
        }
        None => Ok(None),
    }
}

/// Whether a line with the log's name is by a key that is not known.
fn names_another(signed: &SignedCheckpoint, succession: &Succession, name: &KeyName) -> bool {
    let keys: Vec<VerifierKey> = keys_of(succession, name).collect();
    let mut lines = signed.note().signatures().iter().filter(|line| line.name() == name);
    lines.any(|line| !keys.iter().any(|key| key.is_named_by(line)))
}

/// A head as it is remembered: of the lines with the log's name those that hold. Whoever passes a note on can lay
/// others below it.
fn of_the_log(
    signed: &SignedCheckpoint,
    succession: &Succession,
    name: &KeyName,
) -> SignedCheckpoint {
    let mut signed = signed.clone();
    signed.retain_by(&keys_of(succession, name).collect::<Vec<_>>());
    signed
}

/// The keys that have signed for the log.
fn keys_of(succession: &Succession, name: &KeyName) -> impl Iterator<Item = VerifierKey> {
    succession.keys().filter_map(|key| VerifierKey::new(name.clone(), key.as_bytes()).ok())
}

/// The store holds what was signed.
fn ensure_continues(store: &Store, signed: &Checkpoint) -> Result<(), Error> {
    let (size, found) = (signed.size(), store.head()?.size);
    if found < size {
        return Err(Error::HeadBehind { signed: size, found });
    }
    let found = root_at(store, size).map_err(Error::Prove)?;
    if found == *signed.root() {
        return Ok(());
    }
    Err(Error::HeadOther { size, signed: Box::new(*signed.root()), found: Box::new(found) })
}

#[cfg(test)]
mod tests;
