//! A copy of another's log, of which every byte was checked before it was stored.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    path::Path,
    sync::Arc,
};

use chaos_agency::{Kinds, Leaf, Rules};
use chaos_log::{SignedCheckpoint, TileKind, TilePath, VerifierKey};
use chaos_store::{Append, DATABASE_FILE, ENTRIES_MAX, Records as _, Store};
use chaos_types::{Did, Digest, dsse::Envelope};
use tokio::task::JoinHandle;

use self::{
    head::{Known, Next},
    page::Page,
};
use crate::{resource::Resource, source::Source};

mod error;
mod finding;
mod head;
mod page;
mod told;
mod tree;

pub use error::MirrorError;
pub(crate) use finding::Judge;
pub use finding::{Finding, Wrong};
pub(crate) use head::fetch as fetch_head;
pub(crate) use page::{Expected, Task, fetch_page, root_over};
pub(crate) use told::Told;
pub(crate) use tree::{Tree, fetch_tree};

/// Bundles of 256 entries that are fetched and checked at a time.
const PAGES_AHEAD: usize = 8;

/// Entries that are stored with one sync of the disk, at least.
const STORE_ENTRIES: usize = 4_096;

/// Findings that are kept; the further ones are counted.
const FINDINGS_MAX: usize = 1_000;

/// The key under which it is kept how far the entries were judged, and what was told of them.
const TOLD_META: &str = "mirror/told";

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
}

/// What a round of mirroring did.
#[derive(Debug)]
pub struct Mirrored {
    /// Entries before.
    pub old_size: u64,
    /// The checkpoint that the mirror now stands for.
    pub head: SignedCheckpoint,
    /// What is wrong with the log itself: each is in the log, and was stored.
    pub findings: Vec<Finding>,
    /// How many further findings there were.
    pub findings_left_out: u64,
    /// How many findings earlier rounds told.
    pub findings_before: u64,
}

impl Mirror {
    /// Opens or makes a mirror of the log with this key.
    ///
    /// # Errors
    /// If the directory holds something else, or another log's mirror, or none and no key is named.
    pub fn open(directory: &Path, key: Option<&VerifierKey>) -> Result<Self, MirrorError> {
        let published = directory.join(Resource::Checkpoint.to_string()).exists();
        if published && !directory.join(DATABASE_FILE).exists() {
            return Err(MirrorError::Published { directory: directory.to_owned() });
        }
        let mut store = Store::open(directory)?;
        let recorded = store.meta(KEY_META)?;
        let recorded = recorded.map(|text| String::from_utf8_lossy(&text).parse::<VerifierKey>());
        let key = match (recorded.transpose().map_err(MirrorError::RecordedKey)?, key) {
            (Some(recorded), Some(key)) if recorded != *key => {
                let (expected, found) = (Box::new(recorded), Box::new(key.clone()));
                return Err(MirrorError::OtherLog { expected, found });
            }
            (Some(recorded), _) => recorded,
            (None, _) if store.head()?.size > 0 => return Err(MirrorError::NoMirror),
            (None, None) => return Err(MirrorError::NoKey),
            (None, Some(key)) => {
                let operator = Did::from_public_bytes(key.public())
                    .expect("a verifier key is a point of the curve");
                chaos_ledger::adopt(&mut store, &operator)
                    .map_err(|error| MirrorError::Ledger(Box::new(error)))?;
                store.put_meta(KEY_META, key.to_string().as_bytes())?;
                key.clone()
            }
        };
        Ok(Self { store, key })
    }

    /// The key of the log.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.key
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
    /// that goes back, is stored and told. `progress` is told the number of entries stored.
    ///
    /// # Errors
    /// If the source cannot be read or takes too long, contradicts itself or what was kept, or the store
    /// fails. What was stored by then is kept, and the next round goes on from there.
    pub async fn follow(
        &mut self,
        source: &Arc<Source>,
        now_ms: u64,
        progress: &dyn Fn(u64, u64),
    ) -> Result<Mirrored, MirrorError> {
        let limit = source.round_time_max();
        let round = self.bring_up(source, now_ms, progress);
        match tokio::time::timeout(limit, Box::pin(round)).await {
            Ok(done) => done,
            Err(_) => {
                let stored = self.store.head()?.size;
                Err(MirrorError::Slow { limit_s: limit.as_secs(), stored })
            }
        }
    }

    async fn bring_up(
        &mut self,
        source: &Arc<Source>,
        now_ms: u64,
        progress: &dyn Fn(u64, u64),
    ) -> Result<Mirrored, MirrorError> {
        let old_size = self.store.head()?.size;
        let found = fetch_head(source, &self.key).await?;
        let known = self.known()?;
        match head::compare(source, (&self.store, &self.key), &known, &found).await? {
            Next::Same => {
                let (before, judge) = self.judge_stored(now_ms)?;
                return self.told(old_size, found, before, judge);
            }
            Next::Follow => {}
        }
        let size = found.claimed().size();
        let tree = fetch_tree(source, &self.store, old_size, &found).await?;
        self.store.put_meta(PENDING_META, found.to_string().as_bytes())?;
        let (before, mut judge) = self.judge_stored(now_ms)?;
        let mut pages = self.pages(source, tree, old_size, size);
        let mut waiting = Vec::new();
        while let Some(page) = pages.next().await? {
            for (entry, finding) in page.judged(old_size) {
                judge.see(entry.index, entry.at_ms, finding);
                waiting.push(entry.append);
            }
            if waiting.len() >= STORE_ENTRIES {
                self.append(&mut waiting)?;
                progress(self.store.head()?.size, size);
            }
        }
        self.append(&mut waiting)?;
        progress(self.store.head()?.size, size);
        self.told(old_size, found, before, judge)
    }

    /// Judges what is stored and was never told, as after a round that failed or was killed.
    fn judge_stored(&self, now_ms: u64) -> Result<(Told, Judge), MirrorError> {
        let told = Told::read(&self.store, TOLD_META)?;
        let mut judge = Judge::new(now_ms, told.latest_ms, FINDINGS_MAX);
        let mut next = told.size;
        loop {
            let page = self.store.entries(next..next + ENTRIES_MAX)?;
            let Some(last) = page.last() else { return Ok((told, judge)) };
            next = last.index + 1;
            for entry in &page {
                let leaf = Leaf::from_bytes(&entry.leaf);
                let leaf =
                    leaf.map_err(|source| MirrorError::Leaf { index: entry.index, source })?;
                let wrong = Envelope::verify_bytes(&entry.record).err();
                judge.see(entry.index, leaf.integrated_at_ms, wrong);
            }
        }
    }

    /// The end of a round: everything that is stored was judged, and is about to be told.
    fn told(
        &mut self,
        old_size: u64,
        head: SignedCheckpoint,
        before: Told,
        judge: Judge,
    ) -> Result<Mirrored, MirrorError> {
        self.store.put_checkpoint(&head)?;
        let (size, latest_ms) = (self.store.head()?.size, judge.latest_ms());
        let (findings, findings_left_out) = judge.end();
        let findings_before = before.findings;
        let findings_now = findings.len() as u64 + findings_left_out;
        let told = Told { size, latest_ms, findings: findings_before + findings_now };
        self.put_meta(TOLD_META, &told.to_string())?;
        Ok(Mirrored { old_size, head, findings, findings_left_out, findings_before })
    }

    /// Folds what is stored by the log's rules, and answers the first entry of a range that states
    /// another root than that, or none after one that did. Those after it follow from it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn fold(
        &mut self,
        kinds: Kinds,
        range: Range<u64>,
    ) -> Result<Option<Finding>, MirrorError> {
        let operator = Did::from_public_bytes(self.key.public())
            .expect("a verifier key is a point of the curve");
        let misstated =
            chaos_ledger::misstated(&mut self.store, &Rules::new(operator, kinds), range)
                .map_err(|error| MirrorError::Ledger(Box::new(error)))?;
        let first = misstated.into_iter().next();
        Ok(first.map(|(index, why)| Finding { index, wrong: Wrong::State(why) }))
    }

    /// The checkpoints that were verified earlier: the newest whose entries are all stored, and one
    /// whose entries a kill may have left half stored.
    fn known(&self) -> Result<Known, MirrorError> {
        let stored = self.store.checkpoint()?;
        let pending = match self.store.meta(PENDING_META)? {
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

    /// Stores entries at their places. A receipt that the log holds a second time has none here: what
    /// stands before it is stored, and nothing after it.
    fn append(&mut self, waiting: &mut Vec<Append>) -> Result<(), MirrorError> {
        let start = self.store.head()?.size;
        let mut indices: BTreeMap<Digest, u64> = BTreeMap::new();
        let mut repeated = None;
        for (index, append) in (start..).zip(waiting.iter()) {
            let digest = append.digest();
            let first = match indices.get(&digest) {
                Some(first) => Some(*first),
                None => self.store.index_of(&digest)?,
            };
            if let Some(first) = first {
                repeated = Some(MirrorError::Repeated { index, first });
                break;
            }
            indices.insert(digest, index);
        }
        if !indices.is_empty() {
            self.store.append_batch(&waiting[..indices.len()])?;
        }
        waiting.clear();
        repeated.map_or(Ok(()), Err)
    }

    fn pages(&self, source: &Arc<Source>, tree: Tree, old_size: u64, size: u64) -> Pages {
        let paths = TilePath::between(old_size, size);
        let paths: VecDeque<_> =
            paths.take_while(|path| path.kind() == TileKind::Entries).collect();
        Pages { source: Arc::clone(source), tree, paths, running: VecDeque::new() }
    }
}

/// The bundles of new entries in order, some of them fetched and checked ahead.
struct Pages {
    source: Arc<Source>,
    tree: Tree,
    paths: VecDeque<TilePath>,
    running: VecDeque<JoinHandle<Result<Page, MirrorError>>>,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<Page>, MirrorError> {
        while self.running.len() < PAGES_AHEAD
            && let Some(path) = self.paths.pop_front()
        {
            let task = Task { path, expected: self.tree.expected(&path)? };
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
