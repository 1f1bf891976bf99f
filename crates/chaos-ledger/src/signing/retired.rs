//! Remembered heads by keys that were retired, which say nothing against the log that retired them.

use std::{fmt, path::PathBuf};

use chaos_agency::{HeadSigner, Succession, action::Role};
use chaos_log::{KeyName, SignedCheckpoint, VerifierKey};
use chaos_store::Records as _;
use chaos_types::Did;

use super::{ensure_continues, keys_of, names_another};
use crate::{Error, Heads, Ledger, heads::Remembered};

/// A remembered head that a data directory does not go on from, by a key that the directory itself shows to be
/// retired: whoever has that key signs such heads, and what it signed alone says nothing against the heads of the
/// keys after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetiredHead {
    /// Its size.
    pub size: u64,
    /// The key that signed it.
    pub key: Did,
    /// Log index of the delegation that replaced the key.
    pub index: u64,
    /// The file that holds it.
    pub path: PathBuf,
}

impl fmt::Display for RetiredHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, key, index, path } = self;
        write!(
            f,
            "the head of {size} entries in {} is by {key}, which entry {index} here replaced: the owner's of another \
             copy, or a thief's",
            path.display()
        )
    }
}

impl Ledger {
    /// The head that is remembered of this log, if the directory does not go on from it and shows that it is a retired
    /// key's.
    ///
    /// That takes three things. The directory's entries replace the key, and know every other that the memory has for
    /// the log's: a copy of before a rotation takes no newer head for a thief's. The key is not the root key, whose
    /// time never ends. And a head by the key in force after that delegation is kept here, so that it was published: a
    /// rotation that never was may be that of a copy which stayed behind while the other went on with the old key.
    ///
    /// # Errors
    /// If the memory or the store fails.
    pub fn retired_head(&self, heads: &Heads) -> Result<Option<RetiredHead>, Error> {
        match heads.remembered(&self.verifier()?)? {
            Some(remembered) => self.retired(&remembered, &[]),
            None => Ok(None),
        }
    }

    /// The same of what was read; `shown` are heads that others hold, which are published whatever is kept here.
    pub(super) fn retired(
        &self,
        remembered: &Remembered,
        shown: &[SignedCheckpoint],
    ) -> Result<Option<RetiredHead>, Error> {
        let Remembered { note, keys, path } = remembered;
        let (succession, name) = (self.succession(Role::Checkpoints)?, self.name()?);
        let size = note.claimed().size();
        let Some((key, index)) = retired_by(&succession, &name, (note, keys)) else {
            return Ok(None);
        };
        if ensure_continues(&self.store, note.claimed()).is_ok() {
            return Ok(None);
        }
        let is_after = |head: &&SignedCheckpoint| {
            head.claimed().size() > index
                && matches!(succession.signer(head, &name), HeadSigner::InForce(_))
                && ensure_continues(&self.store, head.claimed()).is_ok()
        };
        let own = self.store.checkpoint()?;
        let is_published = own.iter().chain(shown).any(|head| is_after(&head));
        Ok(is_published.then(|| RetiredHead { size, key, index, path: path.clone() }))
    }

    /// Whether the directory goes on from what is remembered of its log; answers the remembered head if that is a retired
    /// key's, which stands in nobody's way but is no word of the log's either.
    ///
    /// # Errors
    /// If it does not, or the memory or the store fails.
    pub fn ensure_continued(&self, heads: &Heads) -> Result<Option<RetiredHead>, Error> {
        match heads.ensure_continued(&self.store, self.dir()) {
            Err(found) if is_of_a_head(&found) => self.retired_head(heads)?.map(Some).ok_or(found),
            goes_on => goes_on.map(|()| None),
        }
    }

    /// Why the directory does not go on from what is remembered: as it was found, or since that is a retired key's.
    pub(crate) fn judged(&self, heads: Option<&Heads>, found: Error) -> Error {
        if !is_of_a_head(&found) {
            return found;
        }
        match heads.map(|heads| self.retired_head(heads)) {
            Some(Ok(Some(head))) => Error::HeadRetired { head: Box::new(head) },
            Some(Ok(None) | Err(_)) | None => found,
        }
    }
}

/// Whether a remembered head stands in the way.
pub(super) const fn is_of_a_head(error: &Error) -> bool {
    matches!(error, Error::HeadBehind { .. } | Error::HeadOther { .. })
}

/// The key that signed a remembered head, and the delegation that ended its time, by what a directory's entries say
/// and if they know all that may have signed it.
fn retired_by(
    succession: &Succession,
    name: &KeyName,
    (note, remembered): (&SignedCheckpoint, &[VerifierKey]),
) -> Option<(Did, u64)> {
    let keys: Vec<VerifierKey> = keys_of(succession, name).collect();
    let knows_all =
        remembered.iter().all(|key| keys.contains(key)) && !names_another(note, succession, name);
    let key = succession.signer(note, name).key().filter(|_| knows_all)?;
    // Also within its time: the delegation names the history that came before it, and this head is no start of it.
    succession.end_of(&key).map(|end| (key, end.index))
}
