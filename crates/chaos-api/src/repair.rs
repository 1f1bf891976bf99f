//! Mending a damaged data directory from a mirror. Nothing is signed, and no key is needed.

mod held;

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use chaos_agency::{Kinds, Leaf, Receipt};
use chaos_ledger::{Heads, holds_key};
use chaos_log::{
    CheckpointError, Edge, Hash, SignedCheckpoint, TILE_WIDTH, Tile, TileId, TilePath,
    TileRead as _, leaf_hash, root_at,
};
use chaos_store::{
    Append, BlobError, Blobs as _, ENTRIES_MAX, Head, OpenError, Records as _, Store, StoreError,
    Stored,
};
use chaos_types::Digest;
use chaos_verify::named_digests;

pub use self::held::Continuation;
use self::held::Held;
use crate::{
    alarm::Alarm,
    mirror::{
        ALARMS, Expected, KEY_META, MirrorError, Signers, Task, Tree, ensure_held, ensure_keys_fit,
        ensure_shown, fetch_head, fetch_page, fetch_tree, root_over,
    },
    published::first,
    resource::Resource,
    source::{Source, SourceError},
};

/// Leaves hashed between two comparisons with the stored tiles.
const STEP: usize = 4_096;

/// What was mended, and what could not be.
#[derive(Debug)]
pub struct Repaired {
    /// The head of the log after it, with everything checked, or why it does not hold yet.
    pub checked: Result<Head, StoreError>,
    /// Size of the checkpoint that the source was held against.
    pub source_size: u64,
    /// Entries that were fetched.
    pub entries: Vec<u64>,
    /// Tiles that were computed anew from the leaves.
    pub tiles: u64,
    /// Kept checkpoints that were put in their place or, where nobody could read them, dropped.
    pub checkpoints: u64,
    /// Sizes of kept checkpoints that were dropped, or lost a line, since what a disk has made of them the log has not
    /// signed.
    pub falsified: Vec<u64>,
    /// Sizes of kept checkpoints that the log has not signed, as far as is known, and that were left.
    pub unsigned: Vec<u64>,
    /// Blobs that were fetched.
    pub blobs: Vec<Digest>,
    /// Entries above the source's checkpoint that are damaged.
    pub entries_left: Vec<u64>,
    /// Damaged blobs that the source does not publish.
    pub blobs_left: Vec<Digest>,
    /// How many entries there were before.
    pub old_size: u64,
    /// How the directory now stands to what was signed on this machine.
    pub continuation: Continuation,
}

/// Why a data directory was not mended.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The data directory cannot be opened.
    #[error("cannot open the data directory")]
    Open(#[from] OpenError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data directory does not say whose log it holds.
    #[error(transparent)]
    Ledger(#[from] chaos_ledger::Error),
    /// The stored checkpoint is not the log's.
    #[error("the newest stored checkpoint is not the log's")]
    Checkpoint(#[from] CheckpointError),
    /// The stored checkpoint is by a key that neither the damaged directory nor the source shows to be the
    /// log's.
    #[error(
        "the newest stored checkpoint, of {size} entries, is by a key that is not shown to be the log's: \
         not by what is left here, and the source does not say who signs"
    )]
    SourceBefore {
        /// Size of the stored checkpoint.
        size: u64,
        /// Who has not signed it.
        #[source]
        source: CheckpointError,
    },
    /// The source cannot be read, or contradicts itself.
    #[error("cannot mend from the source")]
    Source(#[source] Box<MirrorError>),
    /// The source has another entry in a place where this log holds together. Both continue what was signed
    /// here, so that it is no fork.
    #[error("{}", differs(*.index, *.signed))]
    Differs {
        /// Index of the entry.
        index: u64,
        /// Size of the newest head that the directory holds.
        signed: u64,
    },
    /// The directory has keys of the log's that the source does not show to be the log's.
    #[error(
        "the directory has the keys of {held} delegations of the log's checkpoints, and the source shows \
         {shown}: it ends before the last of them, or goes on from there by a key that is retired"
    )]
    KeysAhead {
        /// Delegations by the directory's key files.
        held: usize,
        /// Delegations that the source, or what is left in the directory, shows.
        shown: usize,
    },
    /// An entry is damaged, and nothing shows that the source has the one that was signed here.
    #[error(
        "entry {index} is damaged, and nothing here shows that the source's head of {size} entries is the start \
         of the one of {signed} entries that was signed here"
    )]
    NotShown {
        /// Index of the entry.
        index: u64,
        /// Size of the source's head.
        size: u64,
        /// Size of the newest head that is known here.
        signed: u64,
    },
    /// The log signed two histories.
    #[error("{alarm}{}", unkept(.kept.as_ref().err()))]
    Forked {
        /// What shows it.
        alarm: Box<Alarm>,
        /// The file of the proof, or why it cannot be kept.
        kept: Result<PathBuf, io::Error>,
    },
    /// A blob cannot be read or written.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

fn differs(index: u64, signed: u64) -> String {
    if index < signed {
        return format!(
            "entry {index} is whole here and another one in the log that the source has, whose head continues \
             the one of {signed} entries that was signed here: neither is changed"
        );
    }
    format!(
        "entry {index} here was never signed, and the log has signed another in its place: neither is changed"
    )
}

fn unkept(error: Option<&io::Error>) -> String {
    error.map_or_else(String::new, |error| format!(", and the proof of it cannot be kept: {error}"))
}

impl From<MirrorError> for RepairError {
    fn from(error: MirrorError) -> Self {
        Self::Source(Box::new(error))
    }
}

/// Finds what fails its digest in a data directory and fetches it from `source`: entries that are
/// missing, up to the source's checkpoint where the directory was restored from an old copy, whose record is not the one in their leaf, or whose leaf is not the one in the tree that
/// the log has signed; tiles that are not those of the leaves; and blobs that receipts name.
///
/// What comes is held against the source's checkpoint, which the log's key has signed, before it is
/// written. An entry that holds together here is never replaced. The source and the result are held against
/// the head that `heads` remembers, and a fork is refused before anything is changed; the proof of it is kept
/// among the directory's alarms.
///
/// # Errors
/// If the source cannot be read, is not this log's, or contradicts it or what was signed, or the store
/// fails.
pub async fn repair(
    directory: &Path,
    source: &Arc<Source>,
    kinds: &Kinds,
    heads: Option<&Heads>,
    now_ms: u64,
) -> Result<Repaired, RepairError> {
    let error = match mend(directory, source, kinds, heads).await {
        Err(RepairError::Source(error)) => error,
        done => return done,
    };
    let MirrorError::Fork(proof) = *error else { return Err(RepairError::Source(error)) };
    let alarm = Alarm::Fork(proof);
    let key = chaos_ledger::log_verifier(&Store::open_damaged(directory)?, directory)?;
    let folder = directory.join(ALARMS);
    let kept = alarm.keep(&folder, &key, now_ms).map(|()| folder.join(alarm.proof_file()));
    Err(RepairError::Forked { alarm: Box::new(alarm), kept })
}

async fn mend(
    directory: &Path,
    source: &Arc<Source>,
    kinds: &Kinds,
    heads: Option<&Heads>,
) -> Result<Repaired, RepairError> {
    let mut store = Store::open_damaged(directory)?;
    let checkpoints = store.mend_checkpoints()?;
    let key = chaos_ledger::log_verifier(&store, directory)?;
    let mut signers = Signers::read(&store, &key, true)?;
    if store.stored_size()? == 0 {
        // The key of a directory that lost its log may be one that the root key has named.
        signers.ensure_root(source).await?;
    }
    let head = fetch_head(source, &mut signers).await?;
    // A source that ends before the last rotation does not know.
    signers.learn_from(&store);
    let falsified = mend_falsified(&mut store, &signers)?;
    signers.learn_from(&store);
    let held = Held::of(&store, &key, heads)?;
    held.ensure_stored_is_signed(source, &mut signers).await?;
    ensure_keys_fit(source, (&store, &signers), &head, 0).await?;
    ensure_held(source, (&store, &signers), &head, 0).await?;
    ensure_shown(source, (&store, &signers), &head).await?;
    held.ensure_no_fork(source, (&store, &signers), &head).await?;
    ensure_keys_known(directory, &signers)?;
    let (source_size, old_size) = (head.claimed().size(), store.stored_size()?);
    let tree = fetch_tree(source, &store, 0, &head).await?;
    let (signed, newest) = (held.stored_size(), held.newest_size());
    let shown = held.shown_size(&store, &tree, &head)?;
    let mut repair = Repair { source, tree: &tree, signed, newest, shown, entries: Vec::new() };
    // Entries that were lost at the end, or that an old copy never had, come back as far as the log has
    // signed them. A mirror of the source's log goes on by mirroring, which judges what is new; one that
    // has the log's key is the log.
    let is_own = store.meta(KEY_META)?.is_none() || holds_key(directory);
    let end = old_size.max(held.covered(is_own, source_size));
    for path in TilePath::between(0, source_size).take_while(|path| path.tile().is_none()) {
        repair.mend(&mut store, &path, end).await?;
    }
    let entries = repair.entries;
    let entries_left = damaged(&store, source_size..end)?;
    // A leaf that may be wrong must not make tiles.
    let tiles = if entries_left.is_empty() { mend_tiles(&mut store, end)? } else { 0 };
    let (blobs, blobs_left) = mend_blobs(&store, source, kinds, end).await?;
    let mut checked = store.check();
    if is_own && source_size > held.stored_size() && is_whole_to(&store, &checked, &head) {
        // That the log has signed is not forgotten together with its database.
        store.put_checkpoint(&signers.of_the_log(&head))?;
        checked = store.check();
    }
    let kept = store.checkpoints()?;
    let unsigned = kept.iter().filter(|kept| !signers.holds(kept));
    let unsigned = unsigned.map(|kept| kept.claimed().size()).collect();
    let continuation = held.continuation(&store, &checked);
    Ok(Repaired {
        checked,
        source_size,
        entries,
        tiles,
        checkpoints,
        falsified,
        unsigned,
        blobs,
        entries_left,
        blobs_left,
        old_size,
        continuation,
    })
}

/// Drops what a disk has made of kept checkpoints: the line that is false, where the key in force has signed all the
/// same, and otherwise the whole. What the log has signed is remembered elsewhere. Answers their sizes.
fn mend_falsified(store: &mut Store, signers: &Signers) -> Result<Vec<u64>, RepairError> {
    let mut falsified = Vec::new();
    for kept in store.checkpoints()?.iter().filter(|kept| signers.is_changed(kept)) {
        let (size, left) = (kept.claimed().size(), signers.of_the_log(kept));
        store.replace_checkpoint(size, Some(&left).filter(|left| signers.holds(left)))?;
        falsified.push(size);
    }
    Ok(falsified)
}

/// Refuses a source that knows of fewer delegations than the directory has keys by: whoever has one of the
/// retired ones publishes such a history, whichever entries are lost here.
fn ensure_keys_known(directory: &Path, signers: &Signers) -> Result<(), RepairError> {
    let held = chaos_ledger::delegations_by_key_files(directory)?;
    let shown = signers.delegations();
    if shown < held {
        return Err(RepairError::KeysAhead { held, shown });
    }
    Ok(())
}

/// Whether the store holds together and has the tree of this head.
fn is_whole_to(store: &Store, checked: &Result<Head, StoreError>, head: &SignedCheckpoint) -> bool {
    let (size, root) = (head.claimed().size(), head.claimed().root());
    checked.as_ref().is_ok_and(|found| found.size >= size)
        && root_at(store, size).is_ok_and(|found| found == *root)
}

struct Repair<'a> {
    source: &'a Arc<Source>,
    tree: &'a Tree,
    /// Size of the newest head that the directory holds.
    signed: u64,
    /// Size of the newest head that is known without the source.
    newest: u64,
    /// How many of the source's first entries are shown to be those that were signed here, or to go on from
    /// those.
    shown: u64,
    entries: Vec<u64>,
}

impl Repair<'_> {
    /// Compares a bundle with the tree, and mends it if it is another.
    async fn mend(
        &mut self,
        store: &mut Store,
        path: &TilePath,
        end: u64,
    ) -> Result<(), RepairError> {
        let start = first(path);
        let range = start..end.min(start + u64::from(path.width()));
        if range.is_empty() {
            return Ok(());
        }
        let expected = self.tree.expected(path)?;
        let stored: Vec<_> =
            range.clone().map(|index| store.stored(index)).collect::<Result<_, _>>()?;
        if holds(&stored, &expected, path) {
            return Ok(());
        }
        // Tiles are computed here, so that a source without them mends as well.
        let task = Task { path: *path, expected, kinds: Kinds::default(), compares_tile: false };
        let page = fetch_page(Arc::clone(self.source), task).await?;
        let tile = tile_hashes(store, path);
        for ((entry, _), stored) in page.judged(start).zip(stored) {
            if entry.index >= range.end {
                break;
            }
            let place = usize::try_from(entry.index - start).expect("below 256");
            if is_whole(stored.as_ref(), &entry.append) {
                continue;
            }
            if let Some(stored) = &stored
                && stored.leaf != entry.append.leaf()
                && is_sound(stored)
                && tile.get(place) == Some(&leaf_hash(&stored.leaf))
            {
                return Err(RepairError::Differs { index: entry.index, signed: self.signed });
            }
            if entry.index >= self.shown {
                let (size, signed) = (self.tree.size(), self.newest);
                return Err(RepairError::NotShown { index: entry.index, size, signed });
            }
            store.mend_entries(entry.index..entry.index + 1, &[entry.append])?;
            self.entries.push(entry.index);
        }
        Ok(())
    }
}

/// Whether stored entries are those of the tree, and their records those of their leaves.
fn holds(stored: &[Option<Stored>], expected: &Expected, path: &TilePath) -> bool {
    if !stored.iter().all(|entry| entry.as_ref().is_some_and(is_sound)) {
        return false;
    }
    let hashes: Vec<Hash> = stored.iter().flatten().map(|entry| leaf_hash(&entry.leaf)).collect();
    match expected {
        Expected::Root(root) => {
            hashes.len() == usize::from(path.width()) && root_over(&hashes) == *root
        }
        Expected::Leaves(expected) => expected.starts_with(&hashes),
    }
}

/// Whether a record is the one that its row and its leaf name.
fn is_sound(entry: &Stored) -> bool {
    let digest = Digest::of(&entry.record);
    digest == entry.digest && Leaf::from_bytes(&entry.leaf).is_ok_and(|leaf| leaf.receipt == digest)
}

fn is_whole(stored: Option<&Stored>, entry: &Append) -> bool {
    stored.is_some_and(|stored| {
        stored.leaf == entry.leaf()
            && stored.digest == entry.digest()
            && stored.record == entry.record()
    })
}

/// The stored hashes of a bundle's leaves; none where the tile cannot be read.
fn tile_hashes(store: &Store, path: &TilePath) -> Vec<Hash> {
    let id = TileId { level: 0, index: path.index() };
    store.read_tile(id).ok().flatten().unwrap_or_default()
}

/// The entries of a range that do not hold together with their tile.
fn damaged(store: &Store, range: Range<u64>) -> Result<Vec<u64>, RepairError> {
    let width = u64::from(TILE_WIDTH);
    let (mut found, mut tile) = (Vec::new(), None);
    for index in range {
        let id = TileId { level: 0, index: index / width };
        if tile.as_ref().is_none_or(|(known, _)| *known != id) {
            tile = Some((id, store.read_tile(id).ok().flatten().unwrap_or_default()));
        }
        let place = usize::try_from(index % width).expect("below 256");
        let hash = tile.as_ref().and_then(|(_, hashes)| hashes.get(place));
        let holds = store
            .stored(index)?
            .is_some_and(|entry| is_sound(&entry) && hash == Some(&leaf_hash(&entry.leaf)));
        if !holds {
            found.push(index);
        }
    }
    Ok(found)
}

/// Computes every tile from the leaves, and writes those that are stored otherwise.
fn mend_tiles(store: &mut Store, size: u64) -> Result<u64, RepairError> {
    let (mut edge, mut mended, mut next) = (Edge::new(), 0, 0);
    while next < size {
        let end = size.min(next + STEP as u64);
        let mut leaves = Vec::with_capacity(STEP);
        for index in next..end {
            leaves.extend(store.stored(index)?.map(|entry| leaf_hash(&entry.leaf)));
        }
        next = end;
        let differs = |tile: &Tile| {
            let stored = store.read_tile(tile.id).ok().flatten().unwrap_or_default();
            // A stored tile may be further than the leaves that were read so far.
            if next < size { !stored.starts_with(&tile.hashes) } else { stored != tile.hashes }
        };
        let tiles: Vec<Tile> = edge.append(&leaves).into_iter().filter(differs).collect();
        mended += tiles.len() as u64;
        store.mend_tiles(&tiles)?;
    }
    Ok(mended)
}

/// Fetches the blobs that are damaged, and those that receipts name and that are not there.
async fn mend_blobs(
    store: &Store,
    source: &Source,
    kinds: &Kinds,
    size: u64,
) -> Result<(Vec<Digest>, Vec<Digest>), RepairError> {
    let (mut mended, mut left) = (Vec::new(), Vec::new());
    let mut seen = std::collections::BTreeSet::new();
    for start in (0..size).step_by(usize::try_from(ENTRIES_MAX).expect("4,096")) {
        for index in start..size.min(start + ENTRIES_MAX) {
            let Some(entry) = store.stored(index)? else { continue };
            let Ok(receipt) = Receipt::open_bytes(&entry.record, kinds) else { continue };
            for digest in named_digests(&receipt) {
                if !seen.insert(digest) {
                    continue;
                }
                let damaged = match store.blobs().get(&digest) {
                    Ok(_) => continue,
                    Err(BlobError::Missing { .. }) => false,
                    Err(BlobError::Damaged { .. } | BlobError::NoFile { .. }) => true,
                    Err(error) => return Err(error.into()),
                };
                match fetch_blob(source, &digest).await? {
                    Some(bytes) => {
                        store.blobs().put(&bytes)?;
                        mended.push(digest);
                    }
                    // Many digests that receipts name were never kept here.
                    None if damaged => left.push(digest),
                    None => {}
                }
            }
        }
    }
    Ok((mended, left))
}

/// A blob, if the source publishes it and its bytes have its digest.
async fn fetch_blob(source: &Source, digest: &Digest) -> Result<Option<Vec<u8>>, RepairError> {
    match source.get(&Resource::Blob(*digest)).await {
        Ok(bytes) => Ok(Some(bytes).filter(|bytes| Digest::of(bytes) == *digest)),
        Err(SourceError::Absent { .. }) => Ok(None),
        Err(error) => Err(MirrorError::Source(error).into()),
    }
}
