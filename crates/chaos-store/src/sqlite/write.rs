use chaos_log::{Edge, Hash, SignedCheckpoint, TILE_WIDTH, Tile, TileId, tile_to_bytes};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{FOLD_META, map};
use crate::{
    records::{Append, Appended, Change, Mark},
    schema::PART_WIDTH,
};

/// The one transaction of a change. The log and the rows beside it are as they were if it fails.
pub(super) fn change(
    connection: &mut Connection,
    edge: &mut Edge,
    change: &Change<'_>,
    root: Option<Hash>,
) -> rusqlite::Result<Vec<Appended>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let appended = write_entries(&transaction, edge, change.appends)?;
    {
        let mut put = transaction.prepare_cached(
            "INSERT INTO state (key, value) VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?;
        for (key, value) in change.rows {
            put.execute(params![key, value])?;
        }
    }
    map::write(&transaction, change)?;
    if let Some(Mark { rules, size, last_ms, state, is_stated }) = change.mark {
        let root = root.unwrap_or_else(|| edge.root());
        let text = format!("{rules} {size} {last_ms} {root} {state} {is_stated}");
        transaction
            .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
            .execute(params![FOLD_META, text.as_bytes()])?;
    }
    transaction.commit()?;
    Ok(appended)
}

fn write_entries(
    transaction: &Transaction<'_>,
    edge: &mut Edge,
    batch: &[Append],
) -> rusqlite::Result<Vec<Appended>> {
    let mut appended = Vec::with_capacity(batch.len());
    let mut leaves = Vec::with_capacity(batch.len());
    let mut insert = transaction.prepare_cached(
        "INSERT INTO entries (idx, digest, leaf, record) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (digest) DO NOTHING",
    )?;
    let mut find = transaction.prepare_cached("SELECT idx FROM entries WHERE digest = ?1")?;
    for append in batch {
        let index = edge.size() + leaves.len() as u64;
        let digest = append.digest();
        let digest = digest.as_bytes();
        let row = params![index.cast_signed(), digest, append.leaf(), append.record()];
        if insert.execute(row)? == 1 {
            leaves.push(append.leaf_hash());
            appended.push(Appended { index, duplicate: false });
        } else {
            let index: i64 = find.query_row([digest], |row| row.get(0))?;
            appended.push(Appended { index: index.cast_unsigned(), duplicate: true });
        }
    }
    let before = edge.size();
    for tile in edge.append(&leaves) {
        put_tile(transaction, &tile, stored_width(tile.id, before))?;
    }
    Ok(appended)
}

/// How many hashes of a tile are stored with a log of this size, if it is the partial one of its level.
fn stored_width(id: TileId, size: u64) -> usize {
    let (hashes, width) = (size >> (8 * u32::from(id.level)), u64::from(TILE_WIDTH));
    let stored = if hashes / width == id.index { hashes % width } else { 0 };
    usize::try_from(stored).expect("below 256")
}

/// Stores a tile, of which the first hashes are stored already.
pub(super) fn put_tile(
    transaction: &Transaction<'_>,
    tile: &Tile,
    stored: usize,
) -> rusqlite::Result<()> {
    let Tile { id: TileId { level, index }, hashes } = tile;
    let index = index.cast_signed();
    if hashes.len() == usize::from(TILE_WIDTH) {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO tiles (level, idx, hashes) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![level, index, tile_to_bytes(hashes)])?;
        transaction
            .prepare_cached("DELETE FROM edge WHERE level = ?1 AND idx = ?2")?
            .execute(params![level, index])?;
        return Ok(());
    }
    if stored == 0 {
        transaction.prepare_cached("DELETE FROM edge WHERE level = ?1")?.execute([level])?;
    }
    let mut put = transaction.prepare_cached(
        "INSERT INTO edge (level, part, idx, hashes) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (level, part) DO UPDATE SET idx = excluded.idx, hashes = excluded.hashes",
    )?;
    for (part, hashes) in (0_u16..).zip(hashes.chunks(PART_WIDTH)).skip(stored / PART_WIDTH) {
        put.execute(params![level, part, index, tile_to_bytes(hashes)])?;
    }
    Ok(())
}

/// Keeps a checkpoint, and forgets what the map was before its size.
pub(super) fn publish(
    connection: &mut Connection,
    signed: &SignedCheckpoint,
) -> rusqlite::Result<()> {
    let size = signed.claimed().size().cast_signed();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT OR REPLACE INTO checkpoints (size, note) VALUES (?1, ?2)",
        params![size, signed.to_string()],
    )?;
    transaction.execute("DELETE FROM former WHERE until <= ?1", [size])?;
    transaction.commit()
}

pub(super) fn clear(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("DELETE FROM state", [])?;
    transaction.execute("DELETE FROM groups", [])?;
    transaction.execute("DELETE FROM former", [])?;
    transaction.execute("DELETE FROM meta WHERE key = ?1", [FOLD_META])?;
    transaction.commit()
}
