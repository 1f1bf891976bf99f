use std::{fs, ops::Range, path::Path};

use chaos_log::{SignedCheckpoint, TILE_WIDTH, Tile};
use chaos_types::Digest;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::{DATABASE_FILE, FOLD_META, Store, place::rows_end, write};
use crate::{
    error::{OpenError, StoreError},
    layout::beside,
    records::{Append, Records as _},
};

/// Fewer bytes no row of an entry has: two digests and a leaf.
const ENTRY_BYTES_MIN: u64 = 128;

/// What the names of a database's files begin with.
const NAME: &[u8] = DATABASE_FILE.as_bytes();

/// The key under which a database says how many entries the one had that it took the place of.
pub(super) const FORMER_META: &str = "former";

/// Size of a hash.
const HASH_BYTES: u64 = 32;

/// An entry as it lies in the database, checked by nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The digest that the record was stored under.
    pub digest: Digest,
    /// The leaf.
    pub leaf: Vec<u8>,
    /// The record.
    pub record: Vec<u8>,
}

/// The most entries that a database has room for: what a damaged row says of the log's size is believed no further.
pub(super) fn room(path: &Path) -> u64 {
    let bytes = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    (bytes(path) + bytes(&beside(path, "-wal"))) / ENTRY_BYTES_MIN
}

/// The most entries that a former database had room for, by the files that lie here under its name.
fn room_of_former(path: &Path) -> u64 {
    let folder = path.parent().and_then(|folder| fs::read_dir(folder).ok());
    let files = folder.into_iter().flatten().flatten();
    let files = files.filter(|file| file.file_name().as_encoded_bytes().starts_with(NAME));
    let bytes = files.filter_map(|file| file.metadata().ok()).map(|file| file.len());
    bytes.fold(0_u64, u64::saturating_add) / ENTRY_BYTES_MIN
}

/// How many leaves the lowest tiles have: those that are full, and the one that grows if it follows on them.
fn leaves_by_tiles(connection: &Connection) -> rusqlite::Result<u64> {
    let full: i64 =
        connection.query_row("SELECT count(*) FROM tiles WHERE level = 0", [], |row| row.get(0))?;
    let sql = "SELECT coalesce(sum(length(hashes)), 0) FROM edge WHERE level = 0 AND idx = ?1";
    let bytes: i64 = connection.query_row(sql, [full], |row| row.get(0))?;
    let [full, bytes] = [full, bytes].map(i64::cast_unsigned);
    Ok(full * u64::from(TILE_WIDTH) + bytes / HASH_BYTES)
}

/// How many entries there were by the lowest tiles and by the rows.
pub(super) fn said_size(connection: &Connection) -> rusqlite::Result<u64> {
    rows_end(connection, leaves_by_tiles(connection)?)
}

/// A kept checkpoint as it lies in the database, checked by nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptNote {
    /// The size that it is kept under.
    pub size: i64,
    /// The note.
    pub note: Vec<u8>,
}

impl KeptNote {
    /// Whether it is a checkpoint of the size that it is kept under.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.own_size() == Some(self.size)
    }

    fn own_size(&self) -> Option<i64> {
        let signed = SignedCheckpoint::parse(&self.note).ok()?;
        Some(signed.claimed().size().cast_signed())
    }
}

impl Store {
    /// Opens a data directory whose entries, tiles or checkpoints may be damaged, so that they can
    /// be mended. [`Store::check`] says what is wrong with it.
    ///
    /// # Errors
    /// If it is in use, or SQLite cannot read its file.
    pub fn open_damaged(directory: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_unchecked(directory.as_ref())
    }

    /// One more than the largest index of a stored entry. Entries below it may be missing.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn stored_size(&self) -> Result<u64, StoreError> {
        self.size()
    }

    /// How many entries there were by what is stored: by the tiles over them, and by the entries that go on from there.
    /// A row that stands far beyond the others is no measure.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn acknowledged_size(&self) -> Result<u64, StoreError> {
        let size = said_size(&self.connection).map_err(self.failed("read the tiles"))?;
        Ok(size.min(room(&self.path)))
    }

    /// How many entries the database said that it had which this one took the place of, until they are all here. It is
    /// believed no further than the files that lie here have room for.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn former_size(&self) -> Result<u64, StoreError> {
        let kept = self.meta(FORMER_META)?.unwrap_or_default();
        let kept = std::str::from_utf8(&kept).ok().and_then(|kept| kept.parse().ok());
        Ok(kept.map_or(0, |size: u64| size.min(room_of_former(&self.path))))
    }

    /// Forgets how many entries a former database had: whoever does this has seen that they are all here.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn forget_former(&mut self) -> Result<(), StoreError> {
        self.ensure_writable()?;
        self.connection
            .execute("DELETE FROM meta WHERE key = ?1", [FORMER_META])
            .map_err(self.failed("forget a value"))
            .map(drop)
    }

    /// Every kept checkpoint as it lies there, whatever a disk has made of it.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn kept_notes(&self) -> Result<Vec<KeptNote>, StoreError> {
        self.connection
            .prepare("SELECT size, CAST(note AS BLOB) FROM checkpoints ORDER BY size")
            .and_then(|mut rows| {
                let read =
                    |row: &rusqlite::Row<'_>| Ok(KeptNote { size: row.get(0)?, note: row.get(1)? });
                rows.query_map([], read)?.collect()
            })
            .map_err(self.failed("read the checkpoints"))
    }

    /// Puts kept checkpoints back as they lay there, where none stands now.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn put_notes_back(&mut self, notes: &[KeptNote]) -> Result<(), StoreError> {
        self.ensure_writable()?;
        let put = self.write(|transaction| {
            let sql =
                "INSERT OR IGNORE INTO checkpoints (size, note) VALUES (?1, CAST(?2 AS TEXT))";
            let mut put = transaction.prepare(sql)?;
            notes.iter().try_for_each(|kept| put.execute(params![kept.size, kept.note]).map(drop))
        });
        put.map_err(|source| StoreError::sqlite(&self.path, "put the checkpoints back", source))
    }

    /// The entry at an index as it is stored, whatever it says.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn stored(&self, index: u64) -> Result<Option<Stored>, StoreError> {
        let Ok(index) = i64::try_from(index) else { return Ok(None) };
        let sql = "SELECT digest, leaf, record FROM entries WHERE idx = ?1";
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| {
                let read = |row: &rusqlite::Row<'_>| {
                    let digest = Digest::from_bytes(row.get(0)?);
                    Ok(Stored { digest, leaf: row.get(1)?, record: row.get(2)? })
                };
                statement.query_row([index], read).optional()
            })
            .map_err(self.failed("read an entry"))
    }

    /// Puts entries in the place of what is stored at `range`, all or nothing.
    ///
    /// The caller has shown that they are the log's: the tree is neither asked nor changed. What holds one of
    /// their records elsewhere goes, since a record has one place. The rows are folded anew at the next
    /// opening, since they may be those of what stood there.
    ///
    /// # Errors
    /// If the storage fails.
    ///
    /// # Panics
    /// If there are not as many entries as the range is long.
    pub fn mend_entries(&mut self, range: Range<u64>, with: &[Append]) -> Result<(), StoreError> {
        assert_eq!(range.end - range.start, with.len() as u64, "one entry for each index");
        self.ensure_writable()?;
        self.edge = None;
        let mended = self.write(|transaction| {
            transaction.execute(
                "DELETE FROM entries WHERE idx >= ?1 AND idx < ?2",
                params![range.start.cast_signed(), range.end.cast_signed()],
            )?;
            transaction.execute("DELETE FROM meta WHERE key = ?1", [FOLD_META])?;
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO entries (idx, digest, leaf, record) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for (index, entry) in range.zip(with) {
                let digest = entry.digest();
                let row =
                    params![index.cast_signed(), digest.as_bytes(), entry.leaf(), entry.record()];
                insert.execute(row)?;
            }
            Ok(())
        });
        mended.map_err(|source| StoreError::sqlite(&self.path, "mend entries", source))
    }

    /// Puts tiles in the place of those that are stored.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn mend_tiles(&mut self, tiles: &[Tile]) -> Result<(), StoreError> {
        self.ensure_writable()?;
        self.edge = None;
        let mended = self.write(|transaction| {
            let mut drop =
                transaction.prepare_cached("DELETE FROM tiles WHERE level = ?1 AND idx = ?2")?;
            for tile in tiles {
                drop.execute(params![tile.id.level, tile.id.index.cast_signed()])?;
                write::put_tile(transaction, tile, 0)?;
            }
            Ok(())
        });
        mended.map_err(|source| StoreError::sqlite(&self.path, "mend tiles", source))
    }

    /// Puts each kept checkpoint under its own size, unless one stands there, and drops what is no checkpoint.
    /// Answers how many were not in their place.
    ///
    /// What a log has signed is remembered outside of its directory; a note that nobody can read remembers nothing.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn mend_checkpoints(&mut self) -> Result<u64, StoreError> {
        self.ensure_writable()?;
        let notes = self.kept_notes()?;
        let wrong: Vec<&KeptNote> = notes.iter().filter(|kept| !kept.is_in_place()).collect();
        if wrong.is_empty() {
            return Ok(0);
        }
        let mended = self.write(|transaction| {
            let mut drop = transaction.prepare_cached("DELETE FROM checkpoints WHERE size = ?1")?;
            let mut put = transaction
                .prepare_cached("INSERT OR IGNORE INTO checkpoints (size, note) VALUES (?1, ?2)")?;
            for kept in &wrong {
                drop.execute([kept.size])?;
                if let Some(own) = kept.own_size() {
                    put.execute(params![own, String::from_utf8_lossy(&kept.note)])?;
                }
            }
            Ok(())
        });
        mended.map_err(|source| StoreError::sqlite(&self.path, "mend checkpoints", source))?;
        Ok(wrong.len() as u64)
    }

    /// Puts a checkpoint in the place of the one that is kept under a size, or nothing.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn replace_checkpoint(
        &mut self,
        size: u64,
        with: Option<&SignedCheckpoint>,
    ) -> Result<(), StoreError> {
        self.ensure_writable()?;
        let size = size.cast_signed();
        let mended = match with {
            Some(signed) => self.connection.execute(
                "UPDATE checkpoints SET note = ?2 WHERE size = ?1",
                params![size, signed.to_string()],
            ),
            None => self.connection.execute("DELETE FROM checkpoints WHERE size = ?1", [size]),
        };
        mended.map_err(self.failed("mend a checkpoint")).map(drop)
    }

    pub(super) fn write(
        &mut self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        work(&transaction)?;
        transaction.commit()
    }
}
