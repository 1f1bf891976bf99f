//! What follows, in the row of an entry, from its record and from the tiles: the digest, and where it stands.

use std::collections::{HashMap, HashSet};

use chaos_log::{Hash, TILE_WIDTH, leaf_hash};
use chaos_types::Digest;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{FOLD_META, Store};
use crate::{error::StoreError, records::names, schema::PART_WIDTH};

/// Size of a hash.
const HASH_BYTES: usize = 32;

/// What stands in a leaf before the digest of its record.
const DIGEST_PREFIX: &[u8] = b"sha256:";

/// The lowest tiles, asked where a leaf belongs. A tile says so only where it stands for certain itself: those before it
/// are there, and of a growing one the parts from the first on. Rows of tiles are damaged as rows of entries are, and a
/// tile under another number, or one that lost its first part, would move every entry that is whole.
pub(super) struct Places<'a> {
    connection: &'a Connection,
    full: Option<u64>,
    read: Option<(u64, Vec<u8>)>,
    all: Option<HashMap<Hash, u64>>,
}

impl<'a> Places<'a> {
    pub(super) const fn of(connection: &'a Connection) -> Self {
        Self { connection, full: None, read: None, all: None }
    }

    /// The index at which a tile has this leaf; the one where it lies, if it does there.
    pub(super) fn of_leaf(&mut self, leaf: &Hash, lies_at: u64) -> rusqlite::Result<Option<u64>> {
        if self.at(lies_at)?.as_ref() == Some(leaf) {
            return Ok(Some(lies_at));
        }
        if self.all.is_none() {
            let full = self.full_tiles()?;
            self.all = Some(all(self.connection, full)?);
        }
        Ok(self.all.as_ref().and_then(|all| all.get(leaf).copied()))
    }

    fn at(&mut self, index: u64) -> rusqlite::Result<Option<Hash>> {
        let (tile, place) = (index / u64::from(TILE_WIDTH), index % u64::from(TILE_WIDTH));
        if self.read.as_ref().is_none_or(|(read, _)| *read != tile) {
            let full = self.full_tiles()?;
            self.read = Some((tile, tile_bytes(self.connection, tile, full)?));
        }
        let start = usize::try_from(place).expect("below 256") * HASH_BYTES;
        let bytes = self.read.as_ref().and_then(|(_, bytes)| bytes.get(start..start + HASH_BYTES));
        Ok(bytes.and_then(hash))
    }

    /// How many full tiles there are of the lowest level: those below this number stand for certain.
    fn full_tiles(&mut self) -> rusqlite::Result<u64> {
        if let Some(full) = self.full {
            return Ok(full);
        }
        let sql = "SELECT count(*) FROM tiles WHERE level = 0";
        let full = self.connection.query_row(sql, [], |row| row.get::<_, i64>(0))?;
        Ok(*self.full.insert(full.cast_unsigned()))
    }
}

fn hash(bytes: &[u8]) -> Option<Hash> {
    Some(Hash::from_bytes(bytes.try_into().ok()?))
}

/// A lowest tile as it lies there, of which `full` are full: one of those, or the one that grows after them, as far as its
/// parts follow one another. Nothing where no tile stands for certain.
fn tile_bytes(connection: &Connection, tile: u64, full: u64) -> rusqlite::Result<Vec<u8>> {
    if tile > full {
        return Ok(Vec::new());
    }
    if tile == full {
        return growing(connection, tile);
    }
    let sql = "SELECT hashes FROM tiles WHERE level = 0 AND idx = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let bytes = statement.query_row([tile.cast_signed()], |row| row.get::<_, Vec<u8>>(0));
    let is_full = |bytes: &Vec<u8>| bytes.len() == usize::from(TILE_WIDTH) * HASH_BYTES;
    Ok(bytes.optional()?.filter(is_full).unwrap_or_default())
}

fn growing(connection: &Connection, tile: u64) -> rusqlite::Result<Vec<u8>> {
    let sql = "SELECT part, hashes FROM edge WHERE level = 0 AND idx = ?1 ORDER BY part";
    let mut statement = connection.prepare_cached(sql)?;
    let mut parts = statement.query([tile.cast_signed()])?;
    let mut bytes = Vec::new();
    while let Some(row) = parts.next()? {
        let (part, hashes): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let start =
            usize::try_from(part).ok().and_then(|part| part.checked_mul(PART_WIDTH * HASH_BYTES));
        if start != Some(bytes.len()) || !hashes.len().is_multiple_of(HASH_BYTES) {
            break;
        }
        bytes.extend(hashes);
    }
    Ok(bytes)
}

/// Every leaf that the lowest tiles have.
fn all(connection: &Connection, full: u64) -> rusqlite::Result<HashMap<Hash, u64>> {
    let mut found = HashMap::new();
    for tile in 0..=full {
        let bytes = tile_bytes(connection, tile, full)?;
        let start = tile * u64::from(TILE_WIDTH);
        for (index, leaf) in (start..).zip(bytes.chunks_exact(HASH_BYTES)) {
            found.extend(hash(leaf).map(|leaf| (leaf, index)));
        }
    }
    Ok(found)
}

/// A row of an entry as it should be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) index: i64,
    pub(super) digest: [u8; 32],
    pub(super) leaf: Vec<u8>,
    /// Whether a tile has this leaf there and the leaf names the record.
    pub(super) is_shown: bool,
}

/// What a row is by its record and the tiles. Where record and leaf are not one another's, it is as it lies there,
/// unless the tile has the leaf that names the record.
pub(super) fn placed(
    places: &mut Places<'_>,
    (index, leaf): (i64, &[u8]),
    record: &[u8],
) -> rusqlite::Result<Option<Placed>> {
    let digest = Digest::of(record);
    let mut leaf = leaf.to_vec();
    if !names(&leaf, &digest) {
        let Some(named) = naming(&leaf, &digest) else { return Ok(None) };
        if places.of_leaf(&leaf_hash(&named), index.cast_unsigned())?.is_none() {
            return Ok(None);
        }
        leaf = named;
    }
    let place = places.of_leaf(&leaf_hash(&leaf), index.cast_unsigned())?;
    let is_shown = place.is_some();
    let index = place.map_or(index, u64::cast_signed);
    Ok(Some(Placed { index, digest: *digest.as_bytes(), leaf, is_shown }))
}

/// A leaf with the digest of another record in it.
fn naming(leaf: &[u8], record: &Digest) -> Option<Vec<u8>> {
    let at = leaf.windows(DIGEST_PREFIX.len()).position(|part| part == DIGEST_PREFIX)?;
    let start = at + DIGEST_PREFIX.len();
    let hex = record.to_hex();
    let mut named = leaf.to_vec();
    named.get_mut(start..start + hex.len())?.copy_from_slice(hex.as_bytes());
    Some(named)
}

/// One past the last row that the log can have had, given that it had `from` entries at least: rows that go on from there,
/// of which some may be missing. A row that stands far beyond the others, alone, has a number that a disk made.
pub(super) fn rows_end(connection: &Connection, from: u64) -> rusqlite::Result<u64> {
    let mut rows =
        connection.prepare_cached("SELECT idx FROM entries WHERE idx >= ?1 ORDER BY idx")?;
    let rows = rows.query_map([from.cast_signed()], |row| row.get::<_, i64>(0))?;
    let (mut end, mut count) = (from, 0_u64);
    for index in rows {
        let index = index?.cast_unsigned();
        count += 1;
        if index - from < 2 * count {
            end = index + 1;
        }
    }
    Ok(end)
}

/// A row that is not as it should be.
struct Wrong {
    /// Where it lies.
    index: i64,
    /// Its digest and its leaf as they lie there.
    digest: [u8; 32],
    leaf: Vec<u8>,
    should: Placed,
}

impl Wrong {
    const fn moves(&self) -> bool {
        self.should.index != self.index
    }
}

impl Store {
    /// Writes anew what in a row of an entry follows from its record and from the tiles: the digest of the record, that
    /// digest in the leaf where the tile has such a leaf, and the index, where a tile has the leaf at another place.
    /// Answers how many rows were otherwise. The rows folded from the log are folded anew at the next opening where an
    /// entry came to stand elsewhere. No row that holds together gives its place to another.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn mend_rows(&mut self) -> Result<u64, StoreError> {
        self.ensure_writable()?;
        let wrong = self.wrong_rows().map_err(self.failed("read the entries"))?;
        if wrong.is_empty() {
            return Ok(0);
        }
        self.edge = None;
        let mended = self.write(|transaction| {
            let aside = |old: i64| -1 - old;
            // Two rows may have one another's place.
            let mut take = transaction
                .prepare("UPDATE entries SET idx = ?2, digest = randomblob(32) WHERE idx = ?1")?;
            for row in &wrong {
                take.execute([row.index, aside(row.index)])?;
            }
            let mut drop_double = transaction.prepare("DELETE FROM entries WHERE idx = ?1")?;
            let mut put = transaction.prepare(
                "UPDATE OR IGNORE entries SET idx = ?2, digest = ?3, leaf = ?4 WHERE idx = ?1",
            )?;
            for Wrong { index, should, .. } in &wrong {
                let place = params![aside(*index), should.index, should.digest, should.leaf];
                if put.execute(place)? == 0 {
                    // Another row has its record already.
                    drop_double.execute([aside(*index)])?;
                }
            }
            if wrong.iter().any(Wrong::moves) {
                transaction.execute("DELETE FROM meta WHERE key = ?1", [FOLD_META])?;
            }
            Ok(())
        });
        mended.map_err(|source| StoreError::sqlite(&self.path, "mend entries", source))?;
        Ok(wrong.len() as u64)
    }

    /// The rows that are not as their records and the tiles say.
    fn wrong_rows(&self) -> rusqlite::Result<Vec<Wrong>> {
        let mut places = Places::of(&self.connection);
        let sql = "SELECT idx, digest, leaf, record FROM entries WHERE idx >= 0 ORDER BY idx";
        let mut rows = self.connection.prepare(sql)?;
        let mut rows = rows.query([])?;
        let mut wrong = Vec::new();
        while let Some(row) = rows.next()? {
            let (index, digest): (i64, [u8; 32]) = (row.get(0)?, row.get(1)?);
            let (leaf, record): (Vec<u8>, Vec<u8>) = (row.get(2)?, row.get(3)?);
            let Some(should) = placed(&mut places, (index, &leaf), &record)? else { continue };
            if (should.index, should.digest, &should.leaf) != (index, digest, &leaf) {
                wrong.push(Wrong { index, digest, leaf, should });
            }
        }
        self.leave_what_has_no_room(&mut wrong)?;
        Ok(wrong)
    }

    /// Takes those from the rows to move whose place another row has that stays: which of them a disk has moved,
    /// nothing tells.
    fn leave_what_has_no_room(&self, wrong: &mut Vec<Wrong>) -> rusqlite::Result<()> {
        loop {
            let moving: HashSet<i64> =
                wrong.iter().filter(|row| row.moves()).map(|row| row.index).collect();
            let mut is_settled = true;
            let mut kept = Vec::with_capacity(wrong.len());
            for mut row in wrong.drain(..) {
                if row.moves()
                    && !moving.contains(&row.should.index)
                    && is_other_at(&self.connection, &row.should)?
                {
                    is_settled = false;
                    row.should.index = row.index;
                    if row.leaf != row.should.leaf || row.digest == row.should.digest {
                        continue;
                    }
                }
                kept.push(row);
            }
            *wrong = kept;
            if is_settled {
                return Ok(());
            }
        }
    }

    /// Takes away the rows of entries from an index on: those that stand beyond everything that the log had.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn drop_rows_from(&mut self, index: u64) -> Result<u64, StoreError> {
        self.ensure_writable()?;
        self.edge = None;
        let sql = "DELETE FROM entries WHERE idx >= ?1";
        let dropped = self.connection.execute(sql, [index.cast_signed()]);
        Ok(dropped.map_err(self.failed("mend entries"))? as u64)
    }

    /// The indices of the rows of entries from one on, the first 4,096 of them.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn rows_from(&self, index: u64) -> Result<Vec<u64>, StoreError> {
        self.connection
            .prepare("SELECT idx FROM entries WHERE idx >= ?1 ORDER BY idx LIMIT 4096")
            .and_then(|mut rows| {
                let read = |row: &rusqlite::Row<'_>| Ok(row.get::<_, i64>(0)?.cast_unsigned());
                rows.query_map([index.cast_signed()], read)?.collect()
            })
            .map_err(self.failed("read the entries"))
    }
}

/// Whether another entry lies where a row would go.
fn is_other_at(connection: &Connection, row: &Placed) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM entries WHERE idx = ?1 AND (digest <> ?2 OR leaf <> ?3)";
    connection.prepare_cached(sql)?.exists(params![row.index, row.digest, row.leaf])
}
