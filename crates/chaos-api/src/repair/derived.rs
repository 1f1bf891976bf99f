//! What follows from the entries: tiles, and the blobs that receipts name.

use std::collections::BTreeSet;

use chaos_agency::{Kinds, Receipt};
use chaos_log::{Edge, Tile, TileRead as _, leaf_hash};
use chaos_store::{BlobError, Blobs as _, ENTRIES_MAX, Store};
use chaos_types::Digest;
use chaos_verify::named_digests;

use super::RepairError;
use crate::{
    mirror::MirrorError,
    resource::Resource,
    source::{Source, SourceError},
};

/// Leaves hashed between two comparisons with the stored tiles.
const STEP: usize = 4_096;

/// Computes every tile from the leaves, and writes those that are stored otherwise.
pub(super) fn mend_tiles(store: &mut Store, size: u64) -> Result<u64, RepairError> {
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
pub(super) async fn mend_blobs(
    store: &Store,
    source: &Source,
    kinds: &Kinds,
    size: u64,
) -> Result<(Vec<Digest>, Vec<Digest>), RepairError> {
    let (mut mended, mut left) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
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
