use std::{fs, ops::Range, path::Path};

use chaos_log::{SignedCheckpoint, TILE_WIDTH, Tile};
use chaos_types::Digest;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::{FOLD_META, Store, write};
use crate::{
    error::{OpenError, StoreError},
    layout::beside,
    records::Append,
};

/// Fewer bytes no row of an entry has: two digests and a leaf.
const ENTRY_BYTES_MIN: u64 = 128;

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

/// How many leaves the lowest tiles have: those that are full, and the one that grows if it follows on them.
pub(super) fn leaves_by_tiles(connection: &Connection) -> rusqlite::Result<u64> {
    let full: i64 =
        connection.query_row("SELECT count(*) FROM tiles WHERE level = 0", [], |row| row.get(0))?;
    let sql = "SELECT coalesce(sum(length(hashes)), 0) FROM edge WHERE level = 0 AND idx = ?1";
    let bytes: i64 = connection.query_row(sql, [full], |row| row.get(0))?;
    let [full, bytes] = [full, bytes].map(i64::cast_unsigned);
    Ok(full * u64::from(TILE_WIDTH) + bytes / HASH_BYTES)
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

    /// How many entries there were by what is stored: by the entries themselves, or by the tiles over them where those at
    /// the end are lost.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn acknowledged_size(&self) -> Result<u64, StoreError> {
        let leaves = leaves_by_tiles(&self.connection).map_err(self.failed("read the tiles"))?;
        Ok(self.size()?.max(leaves).min(room(&self.path)))
    }

    /// Every kept checkpoint as it lies there: under which size, and its note.
    ///
    /// # Errors
    /// If the storage fails, or one is no text.
    pub fn kept_notes(&self) -> Result<Vec<(i64, String)>, StoreError> {
        self.connection
            .prepare("SELECT size, note FROM checkpoints")
            .and_then(|mut rows| {
                rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .map_err(self.failed("read the checkpoints"))
    }

    /// Puts the kept checkpoints back as they lay there.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn put_notes_back(&mut self, notes: &[(i64, String)]) -> Result<(), StoreError> {
        self.ensure_writable()?;
        let put = self.write(|transaction| {
            transaction.execute("DELETE FROM checkpoints", [])?;
            let mut put =
                transaction.prepare("INSERT INTO checkpoints (size, note) VALUES (?1, ?2)")?;
            notes.iter().try_for_each(|(size, note)| put.execute(params![size, note]).map(drop))
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
        let rows = self.kept_notes()?;
        let rows = rows.into_iter().map(|(size, note)| {
            let own = SignedCheckpoint::parse(note.as_bytes()).ok();
            (size, own.map(|signed| signed.claimed().size().cast_signed()), note)
        });
        let wrong: Vec<_> = rows.filter(|(size, own, _)| *own != Some(*size)).collect();
        if wrong.is_empty() {
            return Ok(0);
        }
        let mended = self.write(|transaction| {
            let mut drop = transaction.prepare_cached("DELETE FROM checkpoints WHERE size = ?1")?;
            let mut put = transaction
                .prepare_cached("INSERT OR IGNORE INTO checkpoints (size, note) VALUES (?1, ?2)")?;
            for (size, own, note) in &wrong {
                drop.execute([size])?;
                if let Some(own) = own {
                    put.execute(params![own, note])?;
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
