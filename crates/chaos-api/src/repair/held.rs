//! What was signed before, against which source and result of a repair are held.

use chaos_agency::HeadSigner;
use chaos_ledger::Heads;
use chaos_log::{
    FindError, ForkProof, SignedCheckpoint, VerifierKey, leaf_hash, prove_prefix, root_at,
};
use chaos_store::{Head, Records as _, Store, StoreError};

use super::RepairError;
use crate::{
    mirror::{MirrorError, Signers, Tree, ensure_grown, failed},
    source::Source,
};

/// How a mended data directory stands to the newest head that is remembered on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuation {
    /// It is a copy of somebody's log, and what that log signed here says nothing of how far a copy of it is.
    Copy,
    /// Nothing is remembered of its log.
    NotRemembered,
    /// It is still damaged, so that nothing can be said.
    Damaged,
    /// It goes on from the head that was signed.
    Continues {
        /// The head's size.
        signed: u64,
    },
    /// It is shorter than what was signed: an old copy still.
    Behind {
        /// The size that was signed.
        signed: u64,
        /// How many entries are here.
        found: u64,
    },
    /// It has another root than was signed.
    Other {
        /// The size that was signed.
        signed: u64,
    },
}

/// The newest heads of a log that are known without the source.
pub(super) struct Held {
    stored: Option<SignedCheckpoint>,
    remembered: Option<SignedCheckpoint>,
    /// Whether the directory is a copy, which need not have what is remembered.
    is_copy: bool,
}

impl Held {
    /// The head that the directory holds, and the one that is remembered, which its log has signed. One by a key that
    /// was retired before says nothing of what the log signed: whoever has that key signs such heads.
    pub(super) fn of(
        store: &Store,
        (key, is_copy): (&VerifierKey, bool),
        heads: Option<&Heads>,
        signers: &Signers,
    ) -> Result<Self, RepairError> {
        let stored = store.checkpoint()?;
        let remembered = heads.map(|heads| heads.newest(key)).transpose()?.flatten();
        let is_retired =
            |head: &SignedCheckpoint| matches!(signers.signer(head), HeadSigner::Retired { .. });
        let remembered = remembered.filter(|head| !is_retired(head));
        Ok(Self { stored, remembered, is_copy })
    }

    /// Refuses a directory whose own head is not its log's, as far as it and the source know who signs.
    pub(super) async fn ensure_stored_is_signed(
        &self,
        source: &Source,
        signers: &mut Signers,
    ) -> Result<(), RepairError> {
        let Some(stored) = &self.stored else { return Ok(()) };
        match signers.ensure_signed(source, stored).await {
            Err(MirrorError::Checkpoint(error)) => Err(error.into()),
            Err(MirrorError::NoKeys(error)) => {
                Err(RepairError::SourceBefore { size: stored.claimed().size(), source: error })
            }
            signed => Ok(signed?),
        }
    }

    /// The size that the directory's own head has, 0 if it has none.
    pub(super) fn stored_size(&self) -> u64 {
        self.stored.as_ref().map_or(0, |signed| signed.claimed().size())
    }

    /// The heads themselves.
    pub(super) fn heads(&self) -> impl Iterator<Item = &SignedCheckpoint> {
        self.stored.iter().chain(&self.remembered)
    }

    /// Those that the directory has to hold: a copy only its own.
    fn binding(&self) -> impl Iterator<Item = &SignedCheckpoint> {
        self.stored.iter().chain(self.remembered.iter().filter(|_| !self.is_copy))
    }

    /// The size of the newest head that the directory has to hold, 0 if none is known.
    pub(super) fn newest_size(&self) -> u64 {
        let sizes = self.binding().map(|kept| kept.claimed().size());
        sizes.max().unwrap_or(0)
    }

    /// How many of the source's first entries are those that were signed here, or go on from those: all of
    /// them, unless larger heads were signed and nothing that is left here shows that the source's is the start of one.
    /// It goes on from the smaller ones.
    pub(super) fn shown_size(
        &self,
        store: &Store,
        tree: &Tree,
        head: &SignedCheckpoint,
    ) -> Result<u64, RepairError> {
        let size = head.claimed().size();
        let kept = || self.binding();
        let mut larger = kept().filter(|kept| kept.claimed().size() > size).peekable();
        let mut is_shown = larger.peek().is_none();
        for kept in larger {
            is_shown |= is_start(store, tree, head, kept)?;
        }
        let sizes = kept().map(|kept| kept.claimed().size()).filter(|kept| *kept <= size);
        let shown = if is_shown { size } else { sizes.max().unwrap_or(0) };
        Ok(shown)
    }

    /// Refuses the source of another history before anything of it is taken in.
    pub(super) async fn ensure_no_fork(
        &self,
        source: &Source,
        (store, signers): (&Store, &Signers),
        head: &SignedCheckpoint,
    ) -> Result<(), RepairError> {
        for kept in self.heads() {
            if kept.claimed().size() <= head.claimed().size() {
                ensure_grown(source, (store, signers), kept, head).await?;
                continue;
            }
            let Some(key) = signers.of_both(kept, head) else { continue };
            match ForkProof::find(&key, head, kept, store) {
                Ok(Some(proof)) => return Err(signers.fork(proof).into()),
                Ok(None) => {}
                // What cannot be read here is what is to be mended.
                Err(FindError::Tiles(_)) => {}
                Err(error) => failed(kept, head, error)?,
            }
        }
        Ok(())
    }

    /// How far entries are fetched. A source that ends before what was signed cannot be held against it, so
    /// that nothing is added from it.
    pub(super) fn covered(&self, is_own: bool, source_size: u64) -> u64 {
        let remembered = self.remembered.as_ref().map_or(0, |signed| signed.claimed().size());
        if is_own && remembered <= source_size {
            source_size
        } else {
            self.stored_size().min(source_size)
        }
    }

    pub(super) fn continuation(
        &self,
        store: &Store,
        checked: &Result<Head, StoreError>,
    ) -> Continuation {
        let Some(remembered) = &self.remembered else { return Continuation::NotRemembered };
        let (signed, root) = (remembered.claimed().size(), remembered.claimed().root());
        match checked {
            Err(_) => Continuation::Damaged,
            Ok(head) if head.size < signed => Continuation::Behind { signed, found: head.size },
            Ok(_) => match root_at(store, signed) {
                Ok(found) if found == *root => Continuation::Continues { signed },
                Ok(_) => Continuation::Other { signed },
                Err(_) => Continuation::Damaged,
            },
        }
    }
}

/// Whether the source's tree is shown to be the start of that of a larger head, by the tiles that are here or by
/// the leaves that come after it.
///
/// # Errors
/// If the tiles, which lead to the larger head, show that it is not.
fn is_start(
    store: &Store,
    tree: &Tree,
    head: &SignedCheckpoint,
    kept: &SignedCheckpoint,
) -> Result<bool, RepairError> {
    let (old, new) = (head.claimed(), kept.claimed());
    if let Ok(nodes) = prove_prefix(store, old.size(), new.size())
        && let Ok(root) = nodes.old_root(new.root())
    {
        let branches = MirrorError::Branches { kept: old.size(), found: new.size() };
        return if root == *old.root() { Ok(true) } else { Err(branches.into()) };
    }
    let mut leaves = Vec::new();
    for index in old.size()..new.size() {
        let Some(entry) = store.stored(index)? else { return Ok(false) };
        leaves.push(leaf_hash(&entry.leaf));
    }
    Ok(tree.root_with(leaves.into_iter()) == *new.root())
}
