//! One bundle of entries: fetched, and held against the tree.

use std::sync::Arc;

use chaos_agency::{Kinds, Leaf};
use chaos_log::{Edge, Hash, TileKind, TilePath, bundle_from_bytes, leaf_hash};
use chaos_store::Append;

use super::{MirrorError, finding::Read, tree::fetch_tile};
use crate::{
    published::first,
    records::records_from_bytes,
    resource::Resource,
    source::{Part, Source, SourceError},
};

/// What the tree says of the leaves of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The root over all 256.
    Root(Hash),
    /// Each hash, of the last bundle of a log.
    Leaves(Vec<Hash>),
}

/// A bundle to be fetched.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// Which one.
    pub(crate) path: TilePath,
    /// What the tree says of it.
    pub(crate) expected: Expected,
    /// The kinds that its receipts are read as.
    pub(crate) kinds: Kinds,
    /// Whether the published tile of its leaves is held against them, where the tree did not need it.
    pub(crate) compares_tile: bool,
}

/// An entry whose leaf is in the tree and whose receipt is the one in the leaf.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Its index.
    pub(crate) index: u64,
    /// What stands in the tree.
    pub(crate) leaf: Leaf,
    /// It, ready to be stored.
    pub(crate) append: Append,
}

/// A bundle whose entries are those of the tree.
#[derive(Debug)]
pub(crate) struct Page(Vec<(Checked, Read)>);

impl Page {
    /// The entries from `start` on, each with its record as it was read.
    pub(crate) fn judged(self, start: u64) -> impl Iterator<Item = (Checked, Read)> {
        self.0.into_iter().filter(move |(entry, _)| entry.index >= start)
    }
}

/// Fetches a bundle with its receipts and checks it, the signatures of receipts included.
pub(crate) async fn fetch_page(source: Arc<Source>, task: Task) -> Result<Page, MirrorError> {
    let asked = Resource::Tile(task.path);
    let bundle = source.get_part(asked).await?;
    let leaves = leaves(&task, &bundle)?;
    if task.compares_tile {
        ensure_tile(&source, &task, &leaves).await?;
    }
    let records = match source.get_part(Resource::Records(task.path)).await {
        Ok(body) => body,
        Err(SourceError::Absent { .. }) => return one_by_one(&source, leaves, &task.kinds).await,
        Err(error) => return Err(error.into()),
    };
    // Signatures are work; the thread that answers sockets goes on.
    let checked = tokio::task::spawn_blocking(move || {
        let asked = Resource::Records(task.path);
        let expected = records.width(&task.path);
        let records = records_from_bytes(&records.bytes)
            .map_err(|source| MirrorError::Records { asked, source })?;
        if records.len() != expected {
            let found = records.len();
            return Err(MirrorError::Width { asked, expected, found });
        }
        let entries = leaves.into_iter().zip(records);
        let entries = entries.map(|(leaf, record)| check(leaf, record.to_vec(), &task.kinds));
        entries.collect::<Result<_, _>>()
    });
    checked.await.map_err(|_| MirrorError::Stopped)?.map(Page)
}

/// A leaf that is in the tree.
struct Placed {
    index: u64,
    hash: Hash,
    bytes: Vec<u8>,
    leaf: Leaf,
}

/// The published tile of a full bundle is that of its leaves. The tree is shown without it; whoever reads
/// tiles alone, as other clients of tlog-tiles do, needs it.
async fn ensure_tile(source: &Source, task: &Task, leaves: &[Placed]) -> Result<(), MirrorError> {
    let Expected::Root(_) = task.expected else { return Ok(()) };
    let path = TilePath::new(TileKind::Hashes { level: 0 }, task.path.index(), task.path.width())
        .expect("leaves have a tile at their own place");
    let hashes = fetch_tile(source, path).await?;
    let mut both = leaves.iter().zip(hashes);
    match both.find(|(leaf, found)| leaf.hash != *found) {
        None => Ok(()),
        Some((leaf, found)) => {
            let (asked, index, expected) = (Resource::Tile(path), leaf.index, leaf.hash);
            Err(MirrorError::LeafTile { asked, index, expected, found })
        }
    }
}

/// Reads the leaves of a bundle and holds them against the tree.
fn leaves(task: &Task, bundle: &Part) -> Result<Vec<Placed>, MirrorError> {
    let (asked, width) = (Resource::Tile(task.path), usize::from(task.path.width()));
    let found =
        bundle_from_bytes(&bundle.bytes).map_err(|source| MirrorError::Leaves { asked, source })?;
    let (expected, count) = (bundle.width(&task.path), found.len());
    // The whole of a bundle whose part is no longer published has more leaves than were asked for.
    let leaves = found.get(..width).filter(|_| count == expected);
    let leaves = leaves.ok_or(MirrorError::Width { asked, expected, found: count })?;
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let holds = match &task.expected {
        Expected::Root(root) => root_over(&hashes) == *root,
        Expected::Leaves(expected) => hashes == *expected,
    };
    if !holds {
        return Err(MirrorError::Entries { asked });
    }
    let start = first(&task.path);
    let placed = (start..).zip(leaves).zip(hashes).map(|((index, bytes), hash)| {
        let leaf = Leaf::from_bytes(bytes);
        let leaf = leaf.map_err(|source| MirrorError::Leaf { index, source })?;
        Ok(Placed { index, hash, bytes: bytes.to_vec(), leaf })
    });
    placed.collect()
}

/// The receipts of a bundle whose body of records is not published, since it would be too long.
async fn one_by_one(
    source: &Source,
    leaves: Vec<Placed>,
    kinds: &Kinds,
) -> Result<Page, MirrorError> {
    let mut entries = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let record = source.get(&Resource::Receipt(leaf.leaf.receipt)).await?;
        entries.push(check(leaf, record, kinds)?);
    }
    Ok(Page(entries))
}

fn check(placed: Placed, record: Vec<u8>, kinds: &Kinds) -> Result<(Checked, Read), MirrorError> {
    let Placed { index, bytes, leaf, .. } = placed;
    let append =
        Append::new(record, bytes).map_err(|source| MirrorError::Append { index, source })?;
    let (expected, found) = (leaf.receipt, append.digest());
    if expected != found {
        return Err(MirrorError::Record { index, expected, found });
    }
    let read = Read::of(append.record(), kinds);
    Ok((Checked { index, leaf, append }, read))
}

/// The root over a full tile's hashes.
pub(crate) fn root_over(hashes: &[Hash]) -> Hash {
    let mut edge = Edge::new();
    edge.append(hashes);
    edge.root()
}
