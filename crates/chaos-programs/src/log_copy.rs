//! A copy of the log that the reader has, and what follows from it.
//!
//! A bundle shows one receipt. Whether the log counts it, and what scores and payments are computed
//! from, follows from all entries together: the copy is folded here, from leaves whose tree is the one
//! that the log signed.

mod forks;
mod reports;
mod rewards;
mod whole;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use chaos_agency::{
    Action, Correction, Corrections, Declaration, HeadSigner, Kinds, Leaf, Receipt, SignerError,
    State, Stop, Succession, Views, action, action::Role, views,
};
use chaos_log::{Checkpoint, Edge, Hash, KeyError, SignedCheckpoint, VerifierKey, leaf_hash};
use chaos_reputation::{Model, ScoreDocument};
use chaos_store::{Entry, Records as _, Store, holds_database};
use chaos_types::{Check, Did, Digest, Rejection, Verified, canonical};
use chaos_verify::{Fault, FoldedLog};
use serde::Serialize;

pub use self::reports::ReportedFork;
pub(crate) use self::rewards::studio_of;
use crate::{
    Error,
    error::chain,
    reexecution::{EVIDENCE, REWARDS},
};

/// How many entries are read at once.
const CHUNK: u64 = 1024;

/// The reader's own copy of a log: the log's own data directory, or a mirror's.
///
/// It is read without a lock and without a key. Its stored rows, tiles and checkpoints are not asked:
/// what is held against a bundle is the tree over the leaves that are read here, and every receipt is
/// verified again while it is folded.
pub struct LogCopy {
    dir: PathBuf,
    store: Store,
    kinds: Kinds,
}

/// What a log's entries say of where it is anchored.
pub(crate) struct Anchoring {
    /// Where it says that it is, from the first declaration on.
    pub(crate) declared: Vec<Declaration>,
    /// What it says was anchored, each with its place.
    pub(crate) anchors: Vec<(u64, action::Anchor)>,
}

impl fmt::Debug for LogCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogCopy").field(&self.store.path()).finish()
    }
}

impl LogCopy {
    /// Opens a data directory to read it; a receipt of a kind that is not among `kinds` is refused.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn open(dir: &Path, kinds: Kinds) -> Result<Self, Error> {
        let dir = dir.to_owned();
        if !holds_database(&dir) {
            return Err(chaos_ledger::Error::NoData { dir }.into());
        }
        match Store::read(&dir) {
            Ok(store) => Ok(Self { dir, store, kinds }),
            Err(source) => Err(chaos_ledger::Error::Open { dir, source }.into()),
        }
    }

    /// The log's root key, and who signs checkpoints for it by what all entries of the copy fold to.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *agent* if the copy cannot be read or folded.
    pub fn signers(&self) -> Result<(VerifierKey, Succession), Rejection> {
        let root = chaos_ledger::log_verifier(&self.store, &self.dir);
        let root = root.map_err(|error| unread(&error))?;
        let operator =
            Did::from_public_bytes(root.public()).expect("a verifier key is a curve point");
        let size = self.size()?;
        self.ensure_whole(size)?;
        let views = self.fold(operator, size)?;
        let succession = Succession::of(views.state(), operator, Role::Checkpoints);
        Ok((root, succession.map_err(|stop| unread(&stop))?))
    }

    /// The copy's roots at these sizes, as far as it reaches. They are those of its leaves.
    pub(crate) fn roots(&self, sizes: &BTreeSet<u64>) -> Result<BTreeMap<u64, Hash>, Rejection> {
        let last = self.size()?.min(sizes.last().copied().unwrap_or(0));
        let (mut edge, mut roots) = (Edge::new(), BTreeMap::new());
        self.each(last, |entry| {
            edge.append(&[leaf_hash(&entry.leaf)]);
            if sizes.contains(&edge.size()) {
                roots.insert(edge.size(), edge.root());
            }
        })?;
        Ok(roots)
    }

    /// What its entries say that count of where it is anchored.
    pub(crate) fn anchoring(&self) -> Result<Anchoring, Rejection> {
        let (log, size) = (self.log()?, self.size()?);
        let operator =
            Did::from_public_bytes(log.public()).expect("a verifier key is a curve point");
        let views = self.fold(operator, size)?;
        let mut anchors = Vec::new();
        for index in 0..size {
            let row = views::action(views.state(), index).map_err(|stop| unread(&stop))?;
            if row.is_none_or(|row| row.kind != action::Anchor::KIND) {
                continue;
            }
            let entry = self.store.entry(index).map_err(|error| unread(&error))?;
            let entry = entry.ok_or_else(|| gap(index))?;
            let receipt = Receipt::open_bytes(&entry.record, &self.kinds)?;
            if let Action::Anchor(anchor) = &receipt.action {
                anchors.push((index, anchor.clone()));
            }
        }
        let (mut declared, mut before) = (Vec::new(), size);
        loop {
            let (_, last) =
                Declaration::last(views.state(), before).map_err(|stop| unread(&stop))?;
            let Some(last) = last else { break };
            before = last.index;
            declared.push(last);
        }
        declared.reverse();
        Ok(Anchoring { declared, anchors })
    }

    /// How many entries it has.
    pub(crate) fn size(&self) -> Result<u64, Rejection> {
        Ok(self.store.head().map_err(|error| unread(&error))?.size)
    }

    /// The newest checkpoint that it keeps.
    pub(crate) fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, Rejection> {
        self.store.checkpoint().map_err(|error| unread(&error))
    }

    /// The log's root key.
    pub(crate) fn log(&self) -> Result<VerifierKey, Rejection> {
        chaos_ledger::log_verifier(&self.store, &self.dir).map_err(|error| unread(&error))
    }

    /// What the input of this name must be, by the log, for the receipt at `index`.
    pub(crate) fn input(
        &self,
        receipt: &Receipt,
        index: u64,
    ) -> Result<(&'static str, Vec<u8>), Rejection> {
        match &receipt.action {
            Action::Score(score) => {
                let Some(model) = Model::of_id(&score.model) else {
                    let reason = format!("no model of scores has parameters {}", score.model);
                    return Err(Rejection::new(Check::Evidence, Fault::InputsNotFromLog, reason));
                };
                let (views, as_of_ms) = (self.fold(receipt.log, index)?, score.as_of_ms);
                let evidence = views.evidence(as_of_ms, model).map_err(|stop| unread(&stop))?;
                Ok((EVIDENCE, bytes(&ScoreDocument::new(model, as_of_ms, &evidence))?))
            }
            Action::Pay(pay) => {
                let views = self.fold(receipt.log, index)?;
                let work = |id: &Digest| self.counted(&views, id);
                let document = rewards::document(pay, work, self.store.blobs())?;
                Ok((REWARDS, bytes(&document)?))
            }
            Action::Register(_)
            | Action::Update(_)
            | Action::RotateKey(_)
            | Action::Revoke(_)
            | Action::Delegate(_)
            | Action::BindAccount(_)
            | Action::Verify(_)
            | Action::Anchor(_)
            | Action::Run(_)
            | Action::CorrectTime(_)
            | Action::DeclareAnchoring(_)
            | Action::ReportFork(_)
            | Action::Other(_) => Err(Rejection::new(
                Check::Evidence,
                Fault::InputsNotFromLog,
                format!("nothing says how a {} follows from the log", receipt.action.kind()),
            )),
        }
    }

    /// A receipt that counts before what `views` were folded up to.
    fn counted(&self, views: &Views, id: &Digest) -> Result<Verified<Receipt>, Rejection> {
        let entry = self.store.entry_by_digest(id).map_err(|error| unread(&error))?;
        let counts = |index| {
            views::action(views.state(), index)
                .map(|row| row.is_some_and(|row| row.receipt == *id))
                .map_err(|stop| unread(&stop))
        };
        match entry {
            Some(entry) if counts(entry.index)? => Receipt::open_bytes(&entry.record, &self.kinds),
            Some(_) | None => Err(Rejection::new(
                Check::Evidence,
                Fault::LogGivesOther,
                format!("receipt {id} is not in the log before, or counts for nothing"),
            )),
        }
    }

    /// What the first `size` entries of a log of `operator` fold to.
    fn fold(&self, operator: Did, size: u64) -> Result<Views, Rejection> {
        let mut views = Views::new(operator, self.kinds);
        self.each(size, |entry| {
            // A refused entry stays in the log and counts for nothing, which its row says.
            let _refused = views.apply(&entry.leaf, &entry.record);
        })?;
        Ok(views)
    }

    /// Every one of the first `size` entries.
    fn each(&self, size: u64, mut take: impl FnMut(&Entry)) -> Result<(), Rejection> {
        let mut first = 0;
        while first < size {
            let last = size.min(first.saturating_add(CHUNK));
            let entries = self.store.entries(first..last).map_err(|error| unread(&error))?;
            if entries.is_empty() {
                return Err(gap(first));
            }
            for entry in &entries {
                take(entry);
                first = entry.index.saturating_add(1);
            }
        }
        Ok(())
    }

    /// The leaf of an entry of the copy.
    fn leaf(&self, index: u64) -> Result<Leaf, Rejection> {
        let entry = self.store.entry(index).map_err(|error| unread(&error))?;
        let entry = entry.ok_or_else(|| gap(index))?;
        Leaf::from_bytes(&entry.leaf).map_err(|error| unread(&error))
    }

    /// The copy is of the receipt's log and ends no earlier than the head. One that ends earlier says nothing of
    /// the head, unless it has another entry in the receipt's place.
    fn ensure_reaches(
        &self,
        receipt: &Verified<Receipt>,
        index: u64,
        size: u64,
    ) -> Result<(), Rejection> {
        let (own, log) = (self.log()?, receipt.log);
        if own.public() != log.as_bytes() {
            self.ensure_named(log)?;
            return Err(other(format!(
                "the copy is of the log {own}, the receipt of that of {log}"
            )));
        }
        let found = self.size()?;
        if found >= size {
            return Ok(());
        }
        if index < found && self.leaf(index)?.receipt != receipt.id {
            self.ensure_whole(found)?;
            return Err(other(format!("entry {index} of the copy is another receipt")));
        }
        let reason = format!("the copy has {found} entries, the head {size}");
        Err(Rejection::new(Check::Agent, Fault::LogCopyBehind, reason))
    }

    /// The tree over the first entries of the copy is the one that the log signed.
    fn ensure_same_tree(&self, checkpoint: &Checkpoint) -> Result<(), Rejection> {
        let size = checkpoint.size();
        let root = self.ensure_whole_unless(size, checkpoint.root())?;
        if root == *checkpoint.root() {
            return Ok(());
        }
        Err(other(format!(
            "the first {size} entries of the copy have root {root}, the head {}",
            checkpoint.root()
        )))
    }
}

impl FoldedLog for LogCopy {
    fn ensure_counted(
        &self,
        receipt: &Verified<Receipt>,
        index: u64,
        head: &SignedCheckpoint,
    ) -> Result<String, Rejection> {
        let size = head.claimed().size();
        self.ensure_reaches(receipt, index, size)?;
        self.ensure_same_tree(head.claimed())?;
        let views = self.fold(receipt.log, size)?;
        let state = views.state();
        ensure_signer(state, receipt.log, head)?;
        if let Some(misstated) = views.misstated() {
            return Err(Rejection::new(
                Check::Agent,
                chaos_agency::Fault::StateOther,
                format!("entry {misstated} states another root of the state than the log folds to"),
            ));
        }
        if let Some(refused) = views::refused(state, index).map_err(|stop| unread(&stop))? {
            return Err(Rejection::new(
                Check::Agent,
                Fault::NotCountedByLog,
                format!("the log refuses entry {index}, by {}: {}", refused.check, refused.reason),
            ));
        }
        let row = views::action(state, index).map_err(|stop| unread(&stop))?;
        let counted = row.is_some_and(|row| row.receipt == receipt.id);
        if !counted {
            return Err(other(format!("entry {index} of the copy is another receipt")));
        }
        let leaf = self.leaf(index)?;
        receipt.ensure_times(last_ms(state, index).map_err(|stop| unread(&stop))?, &leaf)?;
        let mut said = format!("{size} entries folded here, entry {index} counts");
        let corrections = Corrections::read(state).map_err(|stop| unread(&stop))?;
        for Correction { index, first, true_ms } in corrections.iter() {
            said.push_str(&format!(
                "; entry {index} corrects the log's clock: {first} to {index} are not after {true_ms} ms"
            ));
        }
        Ok(said)
    }
}

/// The head is signed by the key that the log's root key has named, whether the bundle shows that or not.
fn ensure_signer(state: &dyn State, root: Did, head: &SignedCheckpoint) -> Result<(), Rejection> {
    let succession =
        Succession::of(state, root, Role::Checkpoints).map_err(|stop| unread(&stop))?;
    let name = head.claimed().origin().parse().map_err(|error: KeyError| unread(&error))?;
    let size = head.claimed().size();
    match succession.signer(head, &name) {
        HeadSigner::InForce(_) => Ok(()),
        HeadSigner::Retired { key, index } => {
            let error = SignerError::Retired { key, size, index };
            Err(Rejection::caused(Check::Agent, Fault::KeyRetired, &error))
        }
        // It was verified under other delegations of the root key's than the copy holds.
        HeadSigner::Nobody => {
            let key = succession.key_for(size);
            Err(other(format!(
                "the copy says that {key} signs for the log at {size} entries, which has not signed this head"
            )))
        }
    }
}

/// When the log took in the last entry before a place that counts, as it was written.
fn last_ms(state: &dyn State, index: u64) -> Result<u64, Stop> {
    for before in (0..index).rev() {
        if let Some(row) = views::action(state, before)? {
            return Ok(row.integrated_at_ms);
        }
    }
    Ok(0)
}

fn bytes(document: &impl Serialize) -> Result<Vec<u8>, Rejection> {
    canonical::to_vec(document)
        .map_err(|error| Rejection::caused(Check::Evidence, Fault::InputMalformed, &error))
}

fn other(reason: String) -> Rejection {
    Rejection::new(Check::Agent, Fault::LogCopyOther, reason)
}

fn unread(error: &dyn std::error::Error) -> Rejection {
    Rejection::new(Check::Agent, Fault::LogCopyUnread, chain(error))
}

/// Of an entry that is within the copy's own size.
fn gap(index: u64) -> Rejection {
    let reason = format!("the copy has no entry {index}: it is damaged");
    Rejection::new(Check::Agent, Fault::LogCopyUnread, reason)
}
