//! A copy of another's log, of which every byte was checked before it was stored.

use std::{collections::VecDeque, path::Path, sync::Arc};

use chaos_agency::Leaf;
use chaos_log::{SignedCheckpoint, TileKind, TilePath, VerifierKey};
use chaos_store::{Append, DATABASE_FILE, Records as _, Store};
use chaos_types::Did;
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
mod tree;

pub use error::MirrorError;
pub(crate) use finding::Judge;
pub use finding::{Finding, Wrong};
pub(crate) use head::fetch as fetch_head;
pub(crate) use page::{Expected, Task, fetch_page, root_over};
pub(crate) use tree::{Tree, fetch_tree};

/// Bundles of 256 entries that are fetched and checked at a time.
const PAGES_AHEAD: usize = 8;

/// Entries that are stored with one sync of the disk, at least.
const STORE_ENTRIES: usize = 4_096;

/// Findings that are kept; the further ones are counted.
const FINDINGS_MAX: usize = 1_000;

/// The key under which a mirror keeps the log's key.
const KEY_META: &str = "mirror/log";

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
                self.store.put_checkpoint(&found)?;
                return Ok(Mirrored::nothing(old_size, found));
            }
            Next::Follow => {}
        }
        let size = found.claimed().size();
        let tree = fetch_tree(source, &self.store, old_size, &found).await?;
        self.store.put_meta(PENDING_META, found.to_string().as_bytes())?;
        let mut judge = finding::Judge::new(now_ms, self.last_time(old_size)?, FINDINGS_MAX);
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
        self.store.put_checkpoint(&found)?;
        let (findings, findings_left_out) = judge.end();
        Ok(Mirrored { old_size, head: found, findings, findings_left_out })
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

    /// The time of the last stored entry.
    pub(crate) fn last_time(&self, size: u64) -> Result<Option<u64>, MirrorError> {
        let Some(last) = size.checked_sub(1) else { return Ok(None) };
        let Some(entry) = self.store.entry(last)? else { return Ok(None) };
        let leaf = Leaf::from_bytes(&entry.leaf);
        Ok(leaf.ok().map(|leaf| leaf.integrated_at_ms))
    }

    /// Keeps a value beside the log.
    pub(crate) fn put_meta(&mut self, key: &str, value: &str) -> Result<(), MirrorError> {
        Ok(self.store.put_meta(key, value.as_bytes())?)
    }

    fn append(&mut self, waiting: &mut Vec<Append>) -> Result<(), MirrorError> {
        let start = self.store.head()?.size;
        if waiting.is_empty() {
            return Ok(());
        }
        for (index, appended) in (start..).zip(self.store.append_batch(waiting)?) {
            if appended.duplicate {
                return Err(MirrorError::Repeated { index, first: appended.index });
            }
        }
        waiting.clear();
        Ok(())
    }

    fn pages(&self, source: &Arc<Source>, tree: Tree, old_size: u64, size: u64) -> Pages {
        let paths = TilePath::between(old_size, size);
        let paths: VecDeque<_> =
            paths.take_while(|path| path.kind() == TileKind::Entries).collect();
        Pages { source: Arc::clone(source), tree, paths, running: VecDeque::new() }
    }
}

impl Mirrored {
    const fn nothing(old_size: u64, head: SignedCheckpoint) -> Self {
        Self { old_size, head, findings: Vec::new(), findings_left_out: 0 }
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
