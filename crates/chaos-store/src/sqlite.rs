//! The store in one data directory: SQLite for records, files for blobs.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use chaos_log::{
    Checkpoint, Edge, Hash, SignedCheckpoint, TILE_WIDTH, Tile, TileId, TileRead, root_at,
    tile_from_bytes, tile_to_bytes,
};
use chaos_types::Digest;
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use crate::{
    blobs::{BlobError, FileBlobs, sync_directory},
    error::{Damage, OpenError, StoreError},
    lock::Lock,
    records::{Append, Appended, ENTRIES_MAX, Entry, Head, Records, View},
    schema,
};

mod check;

/// Name of the database within the data directory.
pub const DATABASE_FILE: &str = "chaoschain.sqlite";

/// A data directory, open for reading and writing by this process alone.
///
/// The edge in memory is that of the stored tree, or absent after a failed write, when what is
/// stored has to be asked again.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    edge: Option<Edge>,
    path: PathBuf,
    blobs: FileBlobs,
    // Released last: fields drop in their order.
    _lock: Lock,
}

impl Store {
    /// Opens the data directory, and makes it if it is not there.
    ///
    /// Checks that the tree reaches as far as the entries and that the newest checkpoint fits it;
    /// [`Store::check`] checks everything.
    ///
    /// # Errors
    /// If it is in use, cannot be made, holds a newer or another program's database, or is
    /// damaged.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, OpenError> {
        let directory = directory.as_ref();
        let create = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Create { path, source }
        };
        fs::create_dir_all(directory).map_err(create(directory))?;
        let lock = Lock::take(directory)?;
        let blobs_directory = directory.join("blobs");
        let blobs = FileBlobs::open(&blobs_directory).map_err(blob_open_error)?;
        let path = directory.join(DATABASE_FILE);
        let failed =
            |source| OpenError::Store { directory: directory.to_owned(), source: Box::new(source) };
        if !path.try_exists().map_err(create(&path))? {
            schema::create(directory, &path)?;
        }
        let connection = Connection::open(&path)
            .map_err(|source| failed(StoreError::sqlite(&path, "open the database", source)))?;
        schema::prepare(&connection, directory, &path)?;
        sync_directory(directory).map_err(blob_open_error)?;
        if let Some(parent) = directory.parent().filter(|parent| parent.is_dir()) {
            sync_directory(parent).map_err(blob_open_error)?;
        }
        let mut store = Self { connection, edge: None, path, blobs, _lock: lock };
        let edge = store.load_edge().map_err(failed)?;
        store.ensure_checkpoint_fits(edge.size()).map_err(failed)?;
        store.edge = Some(edge);
        Ok(store)
    }

    /// The blobs beside the records.
    #[must_use]
    pub const fn blobs(&self) -> &FileBlobs {
        &self.blobs
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
        move |source| StoreError::sqlite(&self.path, doing, source)
    }

    fn damaged(&self, source: Damage) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), source }
    }

    fn size(&self) -> Result<u64, StoreError> {
        let last: Option<i64> = self
            .connection
            .query_row("SELECT max(idx) FROM entries", [], |row| row.get(0))
            .map_err(self.failed("read the size of the log"))?;
        Ok(last.map_or(0, |last| last.cast_unsigned() + 1))
    }

    fn load_edge(&self) -> Result<Edge, StoreError> {
        let size = self.size()?;
        let edge =
            Edge::load(self, size).map_err(|error| StoreError::proving(&self.path, error))?;
        // Entries and tiles are written together, so a tile that is ahead has lost its entries.
        let width = u64::from(TILE_WIDTH);
        let tile = TileId { level: 0, index: size / width };
        let found = self.read_tile(tile)?.map_or(0, |hashes| hashes.len());
        let expected = usize::try_from(size % width).expect("below 256");
        if found == expected {
            Ok(edge)
        } else {
            Err(self.damaged(Damage::Width { tile, expected, found }))
        }
    }

    fn root_at(&self, size: u64) -> Result<Hash, StoreError> {
        root_at(self, size).map_err(|error| StoreError::proving(&self.path, error))
    }

    fn ensure_checkpoint_fits(&self, log_size: u64) -> Result<(), StoreError> {
        let Some(signed) = self.checkpoint()? else { return Ok(()) };
        let (size, found) = (signed.claimed().size(), *signed.claimed().root());
        if size > log_size {
            return Err(self.damaged(Damage::CheckpointAhead { size, log_size }));
        }
        let expected = self.root_at(size)?;
        if expected != found {
            return Err(self.damaged(Damage::CheckpointRoot { size, expected, found }));
        }
        Ok(())
    }

    fn read_entry(
        &self,
        sql: &str,
        key: impl rusqlite::ToSql,
    ) -> Result<Option<Entry>, StoreError> {
        let failed = |source| self.failed("read an entry")(source);
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let stored =
            statement.query_row([key], StoredEntry::from_row).optional().map_err(failed)?;
        stored.map(|stored| self.checked(stored)).transpose()
    }

    /// The entry, if its record still has the digest that it was stored under.
    fn checked(&self, stored: StoredEntry) -> Result<Entry, StoreError> {
        let StoredEntry { index, digest, leaf, record } = stored;
        let (index, expected) = (index.cast_unsigned(), Digest::from_bytes(digest));
        let found = Digest::of(&record);
        if found != expected {
            return Err(self.damaged(Damage::Record { index, expected, found }));
        }
        Ok(Entry { index, leaf, record, digest: found })
    }

    fn parse_checkpoint(&self, size: i64, note: &str) -> Result<SignedCheckpoint, StoreError> {
        SignedCheckpoint::parse(note.as_bytes()).map_err(|source| {
            self.damaged(Damage::Checkpoint { size: size.cast_unsigned(), source })
        })
    }
}

impl TileRead for Store {
    type Error = StoreError;

    fn read_tile(&self, id: TileId) -> Result<Option<Vec<Hash>>, StoreError> {
        let failed = |source| self.failed("read a tile")(source);
        let sql = "SELECT hashes FROM tiles WHERE level = ?1 AND idx = ?2";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let bytes: Option<Vec<u8>> = statement
            .query_row(params![id.level, id.index.cast_signed()], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        let read = |bytes: Vec<u8>| {
            tile_from_bytes(&bytes)
                .map_err(|source| self.damaged(Damage::Tile { tile: id, source }))
        };
        bytes.map(read).transpose()
    }
}

impl Records for Store {
    fn append_batch(&mut self, batch: &[Append]) -> Result<Vec<Appended>, StoreError> {
        let mut edge = match self.edge.take() {
            Some(edge) => edge,
            None => self.load_edge()?,
        };
        // Until the commit has succeeded, `self.edge` stays absent.
        let appended = write_batch(&mut self.connection, &mut edge, batch)
            .map_err(|source| StoreError::sqlite(&self.path, "append to the log", source))?;
        self.edge = Some(edge);
        Ok(appended)
    }

    fn head(&self) -> Result<Head, StoreError> {
        let head = |edge: &Edge| Head { size: edge.size(), root: edge.root() };
        match &self.edge {
            Some(edge) => Ok(head(edge)),
            None => self.load_edge().map(|edge| head(&edge)),
        }
    }

    fn entry(&self, index: u64) -> Result<Option<Entry>, StoreError> {
        let Ok(index) = i64::try_from(index) else { return Ok(None) };
        self.read_entry("SELECT idx, digest, leaf, record FROM entries WHERE idx = ?1", index)
    }

    fn entry_by_digest(&self, digest: &Digest) -> Result<Option<Entry>, StoreError> {
        let sql = "SELECT idx, digest, leaf, record FROM entries WHERE digest = ?1";
        self.read_entry(sql, digest.as_bytes())
    }

    fn entries(&self, range: Range<u64>) -> Result<Vec<Entry>, StoreError> {
        let failed = |source| self.failed("read entries")(source);
        let end = range.end.min(range.start.saturating_add(ENTRIES_MAX));
        let (Ok(start), Ok(end)) = (i64::try_from(range.start), i64::try_from(end)) else {
            return Ok(Vec::new());
        };
        let sql = "SELECT idx, digest, leaf, record FROM entries
            WHERE idx >= ?1 AND idx < ?2 ORDER BY idx";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let rows = statement.query_map([start, end], StoredEntry::from_row).map_err(failed)?;
        let mut entries = Vec::new();
        for row in rows {
            let entry = self.checked(row.map_err(failed)?)?;
            let expected = range.start + entries.len() as u64;
            if entry.index != expected {
                return Err(self.damaged(Damage::Missing { index: expected }));
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn put_checkpoint(&mut self, signed: &SignedCheckpoint) -> Result<(), StoreError> {
        let log_size = self.head()?.size;
        ensure_fits(signed.claimed(), log_size, |size| self.root_at(size))?;
        let size = signed.claimed().size().cast_signed();
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO checkpoints (size, note) VALUES (?1, ?2)")
            .and_then(|mut statement| statement.execute(params![size, signed.to_string()]))
            .map_err(self.failed("keep a checkpoint"))?;
        Ok(())
    }

    fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, StoreError> {
        let sql = "SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1";
        let stored: Option<(i64, String)> = self
            .connection
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(self.failed("read the newest checkpoint"))?;
        stored.map(|(size, note)| self.parse_checkpoint(size, &note)).transpose()
    }

    fn checkpoint_at(&self, size: u64) -> Result<Option<SignedCheckpoint>, StoreError> {
        let Ok(size) = i64::try_from(size) else { return Ok(None) };
        let stored: Option<String> = self
            .connection
            .query_row("SELECT note FROM checkpoints WHERE size = ?1", [size], |row| row.get(0))
            .optional()
            .map_err(self.failed("read a checkpoint"))?;
        stored.map(|note| self.parse_checkpoint(size, &note)).transpose()
    }

    fn replace_view(&mut self, name: &str, rows: &View) -> Result<(), StoreError> {
        write_view(&mut self.connection, name, rows)
            .map_err(|source| StoreError::sqlite(&self.path, "replace a view", source))
    }

    fn view(&self, name: &str) -> Result<View, StoreError> {
        let failed = |source| self.failed("read a view")(source);
        let sql = "SELECT key, value FROM views WHERE name = ?1";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let rows =
            statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    fn view_row(&self, name: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT value FROM views WHERE name = ?1 AND key = ?2";
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([name, key], |row| row.get(0)).optional())
            .map_err(self.failed("read a row of a view"))
    }

    fn drop_views(&mut self) -> Result<(), StoreError> {
        self.connection
            .execute("DELETE FROM views", [])
            .map_err(self.failed("drop the views"))
            .map(drop)
    }

    fn put_meta(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.connection
            .execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
                params![key, value],
            )
            .map_err(self.failed("keep a value"))
            .map(drop)
    }

    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
            .optional()
            .map_err(self.failed("read a value"))
    }
}

/// Checks that a checkpoint is one of this log.
pub(crate) fn ensure_fits(
    checkpoint: &Checkpoint,
    log_size: u64,
    root_at: impl FnOnce(u64) -> Result<Hash, StoreError>,
) -> Result<(), StoreError> {
    let (size, found) = (checkpoint.size(), *checkpoint.root());
    if size > log_size {
        return Err(StoreError::CheckpointAhead { size, log_size });
    }
    let expected = root_at(size)?;
    if expected != found {
        return Err(StoreError::CheckpointRoot { size, expected, found });
    }
    Ok(())
}

struct StoredEntry {
    index: i64,
    digest: [u8; 32],
    leaf: Vec<u8>,
    record: Vec<u8>,
}

impl StoredEntry {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { index: row.get(0)?, digest: row.get(1)?, leaf: row.get(2)?, record: row.get(3)? })
    }
}

fn write_batch(
    connection: &mut Connection,
    edge: &mut Edge,
    batch: &[Append],
) -> rusqlite::Result<Vec<Appended>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut appended = Vec::with_capacity(batch.len());
    let mut leaves = Vec::with_capacity(batch.len());
    {
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
        let mut put = transaction.prepare_cached(
            "INSERT OR REPLACE INTO tiles (level, idx, hashes) VALUES (?1, ?2, ?3)",
        )?;
        for Tile { id, hashes } in edge.append(&leaves) {
            put.execute(params![id.level, id.index.cast_signed(), tile_to_bytes(&hashes)])?;
        }
    }
    transaction.commit()?;
    Ok(appended)
}

fn write_view(connection: &mut Connection, name: &str, rows: &View) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("DELETE FROM views WHERE name = ?1", [name])?;
    {
        let sql = "INSERT INTO views (name, key, value) VALUES (?1, ?2, ?3)";
        let mut insert = transaction.prepare_cached(sql)?;
        for (key, value) in rows {
            insert.execute(params![name, key, value])?;
        }
    }
    transaction.commit()
}

fn blob_open_error(error: BlobError) -> OpenError {
    match error {
        BlobError::Write { path, source } | BlobError::Read { path, source } => {
            OpenError::Create { path, source }
        }
        BlobError::TooLong { .. } | BlobError::Missing { .. } | BlobError::Damaged { .. } => {
            unreachable!("opening reads and writes no blob")
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
