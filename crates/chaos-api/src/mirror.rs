//! A copy of another's log, of which every byte was checked before it was stored.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use chaos_agency::{Kinds, Leaf, Receipt, Rules};
use chaos_ledger::Fold;
use chaos_log::{Policy, SignedCheckpoint, TileKind, TilePath, VerifierKey, leaf_hash};
use chaos_store::{Append, ENTRIES_MAX, Entry, Records as _, Store, holds_database};
use chaos_types::{Did, Digest, Rejection, Verified};
use tokio::task::JoinHandle;

use self::{
    head::{Known, Next},
    page::{Checked, Page},
};
use crate::{resource::Resource, source::Source};

mod aside;
mod delegated;
mod error;
mod fetched;
mod finding;
mod head;
mod page;
mod signers;
mod standing;
mod tree;

pub use aside::Left;
pub(crate) use delegated::{ensure_held, ensure_keys_fit, ensure_shown};
pub use error::MirrorError;
pub use finding::{Finding, Wrong};
use finding::{Judge, Read};
pub(crate) use head::{ensure_grown, failed, fetch as fetch_head};
pub(crate) use page::{Expected, Task, fetch_page, root_over};
pub(crate) use signers::Signers;
pub(crate) use standing::FORK;
use standing::Findings;
pub use standing::{Standing, Standings, check_copy, standings};
pub(crate) use tree::{Tree, fetch_tree};

/// Bundles of 256 entries that are fetched and checked at a time.
const PAGES_AHEAD: usize = 8;

/// Entries that are stored with one sync of the disk, at least.
const STORE_ENTRIES: usize = 4_096;

/// Where alarms are kept within the data directory.
pub(crate) const ALARMS: &str = "alarms";

/// What an entry is called that states another root.
const STATE: &str = "state";

/// The key under which a mirror keeps the log's key.
pub(crate) const KEY_META: &str = "mirror/log";

/// The key under which a checkpoint is kept whose entries are being stored.
const PENDING_META: &str = "mirror/pending";

/// A data directory that holds a copy of another's log.
///
/// What was stored last is always the start of a log whose checkpoint was verified, after a kill as
/// well. It can be read like any data directory; nothing can be appended to it without the key of
/// the log's operator.
#[derive(Debug)]
pub struct Mirror {
    store: Store,
    key: VerifierKey,
    directory: PathBuf,
    policy: Option<Policy>,
    /// The kinds that entries are folded by as they are stored, and the fold where the rows end.
    kinds: Option<Kinds>,
    fold: Option<Fold>,
}

/// What a round of mirroring did.
#[derive(Debug)]
pub struct Mirrored {
    /// Entries before.
    pub old_size: u64,
    /// The checkpoint that the mirror now stands for.
    pub head: SignedCheckpoint,
    /// What is wrong with the log itself and was not found before: each is in the log, and was stored.
    /// [`Mirror::standings`] has all that stands.
    pub findings: Vec<Finding>,
}

impl Mirror {
    /// Opens or makes a mirror of the log with this key.
    ///
    /// # Errors
    /// If the directory holds something else, or another log's mirror, or none and no key is named.
    pub fn open(directory: &Path, key: Option<&VerifierKey>) -> Result<Self, MirrorError> {
        let published = directory.join(Resource::Checkpoint.to_string()).exists();
        if published && !holds_database(directory) {
            return Err(MirrorError::Published { directory: directory.to_owned() });
        }
        if key.is_none() && !holds_database(directory) {
            return Err(MirrorError::NoKey);
        }
        let mirror = Self::open_store(directory, key)?;
        // A person's decision holds, even if whoever wrote it down was stopped before the step after it.
        Ok(mirror.leave_retired()?.0)
    }

    fn open_store(directory: &Path, key: Option<&VerifierKey>) -> Result<Self, MirrorError> {
        let mut store = Store::open(directory)?;
        // A key under which nothing was ever kept, as one that was mistyped, makes it nobody's mirror.
        let is_kept = is_kept(&store)?;
        let recorded = store.meta(KEY_META)?.filter(|_| is_kept || key.is_none());
        let recorded = recorded.map(|text| String::from_utf8_lossy(&text).parse::<VerifierKey>());
        let recorded = recorded.transpose().map_err(MirrorError::RecordedKey)?;
        let key = match (recorded, key) {
            (Some(recorded), None) => recorded,
            (Some(recorded), Some(key)) if recorded == *key => recorded,
            (Some(recorded), Some(key)) if is_kept => {
                let (expected, found) = (Box::new(recorded), Box::new(key.clone()));
                return Err(MirrorError::OtherLog { expected, found });
            }
            (None, _) if is_kept => return Err(MirrorError::NoMirror),
            (None, None) => return Err(MirrorError::NoKey),
            (_, Some(key)) => {
                let operator = Did::from_public_bytes(key.public())
                    .expect("a verifier key is a point of the curve");
                chaos_ledger::adopt(&mut store, &operator)
                    .map_err(|error| MirrorError::Ledger(Box::new(error)))?;
                store.put_meta(KEY_META, key.to_string().as_bytes())?;
                key.clone()
            }
        };
        let directory = directory.to_owned();
        Ok(Self { store, key, directory, policy: None, kinds: None, fold: None })
    }

    /// Follows only checkpoints that the quorum of this policy has cosigned. One that asks for witnesses also
    /// lets a key be followed that took a lost one's place.
    #[must_use]
    pub fn witnessed_by(self, policy: Option<Policy>) -> Self {
        Self { policy, ..self }
    }

    /// Folds entries by the rules of a log with these kinds as they are stored, which spares reading them and
    /// checking their signatures again; [`Mirror::fold`] says what came out. Only then are the entries asked who
    /// signs for the log.
    pub const fn fold_by(&mut self, kinds: Kinds) {
        self.kinds = Some(kinds);
    }

    /// The root key of the log.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Whether anything that the log's key has signed is kept.
    fn is_kept(&self) -> Result<bool, MirrorError> {
        is_kept(&self.store)
    }

    /// Who runs the log.
    fn operator(&self) -> Did {
        Did::from_public_bytes(self.key.public()).expect("a verifier key is a point of the curve")
    }

    /// Where the files of alarms are.
    #[must_use]
    pub fn alarms(&self) -> PathBuf {
        self.directory.join(ALARMS)
    }

    /// What is stored.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Brings the mirror up to what `source` publishes.
    ///
    /// The new checkpoint is the log's and the kept one is its start; each new tile leads to its
    /// root, each new leaf to a tile, and each receipt has the digest in its leaf. Only then is
    /// anything stored. What is wrong in the log itself, a signature that does not hold or a time
    /// that goes back, is stored and told, and stands until a person accepts it. A log that forked is not
    /// followed before that. `progress` is told the number of entries stored.
    ///
    /// # Errors
    /// If the source cannot be read or takes too long, contradicts itself or what was kept, or the store
    /// fails. What was stored by then is kept and judged, and the next round goes on from there.
    pub async fn follow(
        &mut self,
        source: &Arc<Source>,
        now_ms: u64,
        progress: &dyn Fn(u64, u64),
    ) -> Result<Mirrored, MirrorError> {
        self.ensure_one_history(now_ms)?;
        self.catch_up()?;
        let old_size = self.store.head()?.size;
        let mut judge = self.judge_stored(now_ms)?;
        let limit = source.round_time_max();
        let round = self.bring_up(source, &mut judge, progress);
        let ended = match tokio::time::timeout(limit, Box::pin(round)).await {
            Ok(ended) => ended,
            Err(_) => {
                let stored = self.store.head()?.size;
                Err(MirrorError::Slow { limit_s: limit.as_secs(), stored })
            }
        };
        let (record, findings) = judge.end();
        record.keep(&mut self.store)?;
        match ended {
            Ok(head) => Ok(Mirrored { old_size, head, findings }),
            Err(MirrorError::Fork(proof)) => Err(self.keep_fork(proof, now_ms)),
            Err(error) => Err(error),
        }
    }

    async fn bring_up(
        &mut self,
        source: &Arc<Source>,
        judge: &mut Judge,
        progress: &dyn Fn(u64, u64),
    ) -> Result<SignedCheckpoint, MirrorError> {
        let old_size = self.store.head()?.size;
        let follows_lost = self.policy.as_ref().is_some_and(Policy::asks_for_witnesses);
        let mut signers = Signers::read(&self.store, &self.key, follows_lost)?;
        signers.learn_from(&self.store);
        if !self.is_kept()? {
            signers.ensure_root(source).await?;
        }
        let found = fetch_head(source, &mut signers).await?;
        if let Some(policy) = &self.policy {
            policy.witnessed(&found).map_err(MirrorError::NotWitnessed)?;
        }
        if let Some(proof) = self.decided_about(&signers, &found)? {
            return Err(MirrorError::Fork(Box::new(proof)));
        }
        let known = self.known()?;
        if head::compare(source, (&self.store, &signers), &known, &found).await? == Next::Same {
            let better = head::with_more_cosigners(
                known.stored.map(|kept| signers.of_the_log(&kept)),
                signers.of_the_log(&found),
                self.policy.as_ref(),
            );
            self.store.put_checkpoint(&better)?;
            signers.keep(&mut self.store)?;
            return Ok(better);
        }
        signers.keep(&mut self.store)?;
        let size = found.claimed().size();
        let tree = fetch_tree(source, &self.store, old_size, &found).await?;
        self.store.put_meta(PENDING_META, signers.of_the_log(&found).to_string().as_bytes())?;
        let mut pages = self.pages(source, tree, old_size, size);
        let mut waiting = Vec::new();
        while let Some(page) = pages.next().await? {
            waiting.extend(page.judged(old_size));
            if waiting.len() >= STORE_ENTRIES {
                self.append(&mut waiting, judge)?;
                progress(self.store.head()?.size, size);
            }
        }
        self.append(&mut waiting, judge)?;
        progress(self.store.head()?.size, size);
        // Rows that end before the head say nothing of who signs it.
        self.catch_up()?;
        let found = signers.by_entries(&self.store, &found)?;
        self.store.put_checkpoint(&found)?;
        Ok(found)
    }

    /// Judges what is stored and was not judged yet, as after a round that was killed, and holds what was
    /// judged against the clock again if an earlier one was ahead of it.
    fn judge_stored(&self, now_ms: u64) -> Result<Judge, MirrorError> {
        let mut judge = Judge::new(self.operator(), Findings::read(&self.store)?, now_ms);
        if judge.is_clock_earlier() {
            self.each_stored(0..judge.size(), |entry, leaf| {
                judge.see_time(entry.index, &leaf);
            })?;
            judge.set_clock();
        }
        self.each_stored(judge.size()..u64::MAX, |entry, leaf| {
            judge.see(
                entry.index,
                &leaf,
                &Read::of(&entry.record, &self.kinds.unwrap_or_default()),
            );
        })?;
        Ok(judge)
    }

    fn each_stored(
        &self,
        range: Range<u64>,
        mut see: impl FnMut(&Entry, Leaf),
    ) -> Result<(), MirrorError> {
        let mut next = range.start;
        while next < range.end {
            let page = self.store.entries(next..range.end.min(next + ENTRIES_MAX))?;
            let Some(last) = page.last() else { return Ok(()) };
            next = last.index + 1;
            for entry in &page {
                let leaf = Leaf::from_bytes(&entry.leaf);
                let leaf =
                    leaf.map_err(|source| MirrorError::KeptLeaf { index: entry.index, source })?;
                see(entry, leaf);
            }
        }
        Ok(())
    }

    /// Folds what is stored by the log's rules, and takes in the first entry that states another root than
    /// that, or none after one that did. Those right after it follow from it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn fold(&mut self, kinds: Kinds, now_ms: u64) -> Result<(), MirrorError> {
        let (size, rules) = (self.store.head()?.size, Rules::new(self.operator(), kinds));
        let failed = |error| MirrorError::Ledger(Box::new(error));
        let mut fold = match self.fold.take().filter(|fold| fold.is_by(&kinds)) {
            Some(fold) => fold,
            None => Fold::open(&mut self.store, rules).map_err(failed)?,
        };
        let misstated = fold.misstated(&mut self.store, 0..size).map_err(failed)?;
        self.fold = Some(fold);
        let mut findings = Findings::read(&self.store)?;
        let (mut today, mut accepted_to) = (None, None);
        for (index, why) in misstated {
            let entry = self.store.entries(index..index + 1)?.pop();
            let leaf = leaf_hash(&entry.map(|entry| entry.leaf).unwrap_or_default());
            let found = Standing::of(&Finding { index, wrong: Wrong::State(why) }, &leaf, now_ms);
            if accepted_to == Some(index) || findings.is_accepted(&found) {
                accepted_to = Some(index + 1);
            } else {
                today = Some(found);
                break;
            }
        }
        // A newer program may know rules by which the log does fold to what it states.
        findings.retain(STATE, today.as_ref());
        if let Some(today) = today {
            findings.add(today);
        }
        findings.keep(&mut self.store)
    }

    /// How many of the stored entries count for nothing by the log's rules, by the code of the reason. They
    /// stay in the log, and whoever reads it has to know.
    ///
    /// # Errors
    /// If the store fails.
    pub fn refused(&mut self, kinds: Kinds) -> Result<BTreeMap<String, u64>, MirrorError> {
        let size = self.store.head()?.size;
        let mut counted = BTreeMap::new();
        for code in self.refused_among(kinds, 0..size)?.into_values() {
            *counted.entry(code).or_default() += 1;
        }
        Ok(counted)
    }

    /// Whether the newest entry states what the log folds to; entries of former versions did not.
    ///
    /// # Errors
    /// If the store fails.
    pub fn states_what_it_folds_to(&self) -> Result<bool, MirrorError> {
        let size = self.store.head()?.size;
        let last = self.store.entries(size.saturating_sub(1)..size)?.pop();
        let leaf = last.and_then(|entry| Leaf::from_bytes(&entry.leaf).ok());
        Ok(leaf.is_some_and(|leaf| leaf.state.is_some()))
    }

    /// Why entries of a range count for nothing, by index.
    pub(crate) fn refused_among(
        &mut self,
        kinds: Kinds,
        range: Range<u64>,
    ) -> Result<BTreeMap<u64, String>, MirrorError> {
        let mut fold = self.folded_by(kinds)?;
        let refused = fold.refusals(&mut self.store, range);
        let refused = refused.map_err(|error| MirrorError::Ledger(Box::new(error)))?;
        self.fold = Some(fold);
        Ok(refused.into_iter().collect())
    }

    /// The checkpoints that were verified earlier: the newest whose entries are all stored, and one
    /// whose entries a kill may have left half stored.
    fn known(&self) -> Result<Known, MirrorError> {
        let stored = self.store.checkpoint()?;
        let pending = match self.store.meta(PENDING_META)?.filter(|note| !note.is_empty()) {
            Some(note) => {
                Some(SignedCheckpoint::parse(&note).map_err(MirrorError::RecordedCheckpoint)?)
            }
            None => None,
        };
        Ok(Known { stored, pending })
    }

    /// Keeps a value beside the log.
    pub(crate) fn put_meta(&mut self, key: &str, value: &str) -> Result<(), MirrorError> {
        Ok(self.store.put_meta(key, value.as_bytes())?)
    }

    /// Folds what is stored and not folded, so that the rows reach as far as the entries. Those of other rules, as an
    /// earlier program left them, are made anew: who signs is asked of the rows, and what they do not say
    /// counts as agreeing.
    fn catch_up(&mut self) -> Result<(), MirrorError> {
        self.fold = match self.kinds {
            Some(kinds) => Some(self.folded_by(kinds)?),
            None => None,
        };
        Ok(())
    }

    /// The fold by these kinds, where the entries end.
    fn folded_by(&mut self, kinds: Kinds) -> Result<Fold, MirrorError> {
        let failed = |error| MirrorError::Ledger(Box::new(error));
        let rules = Rules::new(self.operator(), kinds);
        let mut fold = match self.fold.take().filter(|fold| fold.is_by(&kinds)) {
            Some(fold) => fold,
            None => Fold::open(&mut self.store, rules).map_err(failed)?,
        };
        fold.refusals(&mut self.store, 0..0).map_err(failed)?;
        Ok(fold)
    }

    /// Stores entries at their places, with their rows where they are folded. A receipt that the log holds a
    /// second time has none here: what stands before it is stored, and nothing after it.
    fn append(
        &mut self,
        waiting: &mut Vec<(Checked, Read)>,
        judge: &mut Judge,
    ) -> Result<(), MirrorError> {
        let start = self.store.head()?.size;
        let mut indices: BTreeMap<Digest, u64> = BTreeMap::new();
        let mut repeated = None;
        for (index, (entry, _)) in (start..).zip(waiting.iter()) {
            let digest = entry.append.digest();
            let first = match indices.get(&digest) {
                Some(first) => Some(*first),
                None => self.store.index_of(&digest)?,
            };
            if let Some(first) = first {
                repeated = Some((index, first, leaf_hash(entry.append.leaf())));
                break;
            }
            indices.insert(digest, index);
        }
        let (mut appends, mut receipts, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for (Checked { index, leaf, append }, read) in waiting.drain(..).take(indices.len()) {
            appends.push(append);
            receipts.push(read.receipt);
            seen.push((index, leaf, read.unsigned));
        }
        if !appends.is_empty() {
            self.store_entries(&appends, &receipts)?;
        }
        for ((index, leaf, unsigned), receipt) in seen.into_iter().zip(receipts) {
            judge.see(index, &leaf, &Read { unsigned, receipt });
        }
        let Some((index, first, leaf)) = repeated else { return Ok(()) };
        judge.tell((index, &leaf), Wrong::Repeated { first });
        Err(MirrorError::Repeated { index, first })
    }

    /// Stores entries with the rows that follow from them. Where those cannot be folded, the entries are
    /// stored alone, and the end of the round says why.
    fn store_entries(
        &mut self,
        appends: &[Append],
        receipts: &[Result<Verified<Receipt>, Rejection>],
    ) -> Result<(), MirrorError> {
        if let Some(mut fold) = self.fold.take()
            && fold.append(&mut self.store, appends, receipts).is_ok()
        {
            self.fold = Some(fold);
            return Ok(());
        }
        self.store.append_batch(appends)?;
        Ok(())
    }

    fn pages(&self, source: &Arc<Source>, tree: Tree, old_size: u64, size: u64) -> Pages {
        let paths = TilePath::between(old_size, size);
        let paths: VecDeque<_> =
            paths.take_while(|path| path.kind() == TileKind::Entries).collect();
        let kinds = self.kinds.unwrap_or_default();
        Pages { source: Arc::clone(source), tree, kinds, paths, running: VecDeque::new() }
    }
}

/// Whether a store holds anything that a log has signed. Until then a mistaken key is only a mistake.
fn is_kept(store: &Store) -> Result<bool, MirrorError> {
    Ok(store.head()?.size > 0
        || store.checkpoint()?.is_some()
        || store.meta(PENDING_META)?.is_some_and(|note| !note.is_empty()))
}

/// The bundles of new entries in order, some of them fetched and checked ahead.
struct Pages {
    source: Arc<Source>,
    tree: Tree,
    kinds: Kinds,
    paths: VecDeque<TilePath>,
    running: VecDeque<JoinHandle<Result<Page, MirrorError>>>,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<Page>, MirrorError> {
        while self.running.len() < PAGES_AHEAD
            && let Some(path) = self.paths.pop_front()
        {
            let (expected, kinds) = (self.tree.expected(&path)?, self.kinds);
            let task = Task { path, expected, kinds, compares_tile: true };
            self.running.push_back(tokio::spawn(fetch_page(Arc::clone(&self.source), task)));
        }
        match self.running.pop_front() {
            Some(page) => page.await.map_err(|_| MirrorError::Stopped)?.map(Some),
            None => Ok(None),
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.running.iter().for_each(JoinHandle::abort);
    }
}
