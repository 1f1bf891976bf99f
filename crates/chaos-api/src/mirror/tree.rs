//! The tiles above the leaves of new entries, held against the signed root.

use std::collections::BTreeMap;

use chaos_log::{
    Edge, Hash, ProveError, SignedCheckpoint, TILE_WIDTH, TileId, TileKind, TilePath, TileRead,
    tile_from_bytes,
};
use chaos_store::{Store, StoreError};

use super::{
    MirrorError,
    page::{Expected, root_over},
};
use crate::{resource::Resource, source::Source};

/// The most entries that one round follows: the tiles above them take 32 MiB.
const GROWTH_MAX: u64 = 1 << 28;

/// Hashes that lead to a signed root: of level 1 for every full bundle, of level 0 for the last.
#[derive(Debug)]
pub(crate) struct Tree {
    tiles: BTreeMap<TileId, Vec<Hash>>,
    edge: Edge,
}

/// Tiles that were fetched, and below them those that are stored.
struct Overlay<'a> {
    tiles: &'a BTreeMap<TileId, Vec<Hash>>,
    store: &'a Store,
}

impl TileRead for Overlay<'_> {
    type Error = StoreError;

    fn read_tile(&self, id: TileId) -> Result<Option<Vec<Hash>>, StoreError> {
        match self.tiles.get(&id) {
            Some(hashes) => Ok(Some(hashes.clone())),
            None => self.store.read_tile(id),
        }
    }
}

impl Tree {
    /// How many entries it has.
    pub(crate) const fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The root of the tree that goes on with these leaves.
    pub(crate) fn root_with(&self, leaves: impl Iterator<Item = Hash>) -> Hash {
        let mut edge = self.edge.clone();
        for leaf in leaves {
            edge.append(&[leaf]);
        }
        edge.root()
    }

    /// What the tree says of the leaves of a bundle.
    pub(crate) fn expected(&self, path: &TilePath) -> Result<Expected, MirrorError> {
        let width = u64::from(TILE_WIDTH);
        if path.width() < TILE_WIDTH {
            let tile = TileId { level: 0, index: path.index() };
            let hashes = self.tiles.get(&tile).cloned().unwrap_or_default();
            return Ok(Expected::Leaves(hashes));
        }
        let tile = TileId { level: 1, index: path.index() / width };
        let place = usize::try_from(path.index() % width).expect("below 256");
        let hashes = self.tiles.get(&tile).map_or(&[][..], Vec::as_slice);
        hashes.get(place).copied().map(Expected::Root).ok_or_else(|| MirrorError::Width {
            asked: Resource::Tile(*path),
            expected: place + 1,
            found: hashes.len(),
        })
    }
}

/// Fetches the tiles that a log of the new size has above those of `old_size`, but for the full ones
/// of level 0: the leaves lead to the root without them, and each is fetched beside its leaves and held
/// against those, if anybody wants it. The tree of `old_size` is stored.
pub(crate) async fn fetch_tree(
    source: &Source,
    store: &Store,
    old_size: u64,
    head: &SignedCheckpoint,
) -> Result<Tree, MirrorError> {
    let (size, expected) = (head.claimed().size(), *head.claimed().root());
    if size.saturating_sub(old_size) > GROWTH_MAX {
        let growth_max = GROWTH_MAX;
        return Err(MirrorError::Growth { kept: old_size, found: size, growth_max });
    }
    let mut tiles = BTreeMap::new();
    for path in TilePath::between(old_size, size) {
        let needed = match path.kind() {
            TileKind::Entries => false,
            TileKind::Hashes { level: 0 } => path.width() < TILE_WIDTH,
            TileKind::Hashes { .. } => true,
        };
        if let Some(id) = path.tile().filter(|_| needed) {
            tiles.insert(id, fetch_tile(source, path).await?);
        }
    }
    let edge =
        Edge::load(&Overlay { tiles: &tiles, store }, size).map_err(|error| match error {
            ProveError::Read(error) => MirrorError::Store(error),
            ProveError::Narrow { tile, expected, found } => narrow(tile, expected, found),
            ProveError::Index { .. } | ProveError::Sizes { .. } => {
                unreachable!("only proofs have an index or two sizes")
            }
        })?;
    if edge.root() != expected {
        return Err(MirrorError::Root { size, expected, found: edge.root() });
    }
    ensure_parents(&tiles)?;
    Ok(Tree { tiles, edge })
}

/// A tile of a log that is as long as the path says.
pub(super) async fn fetch_tile(source: &Source, path: TilePath) -> Result<Vec<Hash>, MirrorError> {
    let asked = Resource::Tile(path);
    let part = source.get_part(asked).await?;
    let mut hashes =
        tile_from_bytes(&part.bytes).map_err(|source| MirrorError::Tile { asked, source })?;
    let expected = part.width(&path);
    if hashes.len() != expected {
        return Err(MirrorError::Width { asked, expected, found: hashes.len() });
    }
    // The whole of a tile whose part is no longer published.
    hashes.truncate(usize::from(path.width()));
    Ok(hashes)
}

/// Every full tile is what its parent stands for. The partial ones make up the root.
fn ensure_parents(tiles: &BTreeMap<TileId, Vec<Hash>>) -> Result<(), MirrorError> {
    let width = u64::from(TILE_WIDTH);
    for (tile, hashes) in tiles {
        if hashes.len() < usize::from(TILE_WIDTH) {
            continue;
        }
        let parent = TileId { level: tile.level + 1, index: tile.index / width };
        let place = usize::try_from(tile.index % width).expect("below 256");
        let above = tiles.get(&parent).map_or(&[][..], Vec::as_slice);
        let expected = *above.get(place).ok_or_else(|| narrow(parent, place + 1, above.len()))?;
        let found = root_over(hashes);
        if found != expected {
            return Err(MirrorError::Parent { tile: *tile, expected, found });
        }
    }
    Ok(())
}

/// A tile that has fewer hashes than its place asks for.
pub(super) fn narrow(tile: TileId, expected: usize, found: usize) -> MirrorError {
    let kind = TileKind::Hashes { level: tile.level };
    let path = TilePath::new(kind, tile.index, TILE_WIDTH)
        .expect("the place of a tile of a 64-bit log can be written");
    MirrorError::Width { asked: Resource::Tile(path), expected, found }
}
