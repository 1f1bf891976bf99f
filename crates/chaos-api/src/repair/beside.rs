//! What a data directory beside this one holds and no head of it covers.

use chaos_log::{TILE_WIDTH, TileId, TileRead as _, leaf_hash};
use chaos_store::{Append, Store};

use super::{RepairError, fetching::is_sound};
use crate::{mirror::MirrorError, source::Source};

/// Takes entries that are damaged or missing here from a source that is a directory on this machine, whatever its head
/// covers: those whose record and leaf are one another's, and whose leaf the tile here has. Answers which.
///
/// A backup is such a directory. That its owner signed no head since is no reason to lose what is in it: the tile here
/// says which entry it was.
pub(super) fn take(
    store: &mut Store,
    source: &Source,
    damaged: &[u64],
) -> Result<Vec<u64>, RepairError> {
    let mut taken = Vec::new();
    let failed = |error| RepairError::from(MirrorError::Source(error));
    if damaged.is_empty() || source.stored_size().map_err(failed)?.is_none() {
        return Ok(taken);
    }
    for index in damaged {
        let Some(entry) = source.stored(*index).map_err(failed)?.filter(is_sound) else { continue };
        let leaf = leaf_hash(&entry.leaf);
        let (tile, place) = (index / u64::from(TILE_WIDTH), index % u64::from(TILE_WIDTH));
        let tile = store.read_tile(TileId { level: 0, index: tile }).ok().flatten();
        let place = usize::try_from(place).expect("below 256");
        if tile.is_none_or(|tile| tile.get(place) != Some(&leaf)) {
            continue;
        }
        // What is too long was never an entry of a log.
        let Ok(append) = Append::new(entry.record, entry.leaf) else { continue };
        store.mend_entries(*index..index + 1, &[append])?;
        taken.push(*index);
    }
    Ok(taken)
}
