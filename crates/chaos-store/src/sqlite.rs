//! The store in one data directory: SQLite for records, files for blobs.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use chaos_log::{
    Checkpoint, Edge, Hash, SignedCheckpoint, TILE_WIDTH, TileId, TileRead,
    map::{Group, GroupId},
    root_at, tile_from_bytes,
};
use chaos_types::Digest;
use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};

use crate::{
    blobs::{BlobError, FileBlobs, sync_directory},
    error::{Damage, OpenError, StoreError},
    exchange,
    layout::{self, Access, BLOBS},
    lock::Lock,
    records::{Appended, Change, ENTRIES_MAX, Entry, Fold, Head, Mark, Records, Row, names},
    schema::{self, PART_WIDTH},
};

mod check;
mod map;
mod mend;
mod place;
mod reading;
mod refill;
mod write;

pub use mend::{KeptNote, Stored};
pub use refill::{Refilled, Shortened};

/// Name of the database within the data directory.
pub const DATABASE_FILE: &str = "chaoschain.sqlite";

/// The key under which it is kept how far the log is folded: rules, size, time, the log's root, the map's
/// root, and whether a leaf states one.
const FOLD_META: &str = "fold";

/// A data directory, open for reading and writing by this process alone, or for reading as it was at
/// one moment.
///
/// The edge in memory is that of the stored tree, or absent after a failed write, when what is
/// stored has to be asked again.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    edge: Option<Edge>,
    path: PathBuf,
    blobs: FileBlobs,
    // Released last: fields drop in their order. A reader has none.
    lock: Option<Lock>,
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
        let mut store = Self::open_unchecked(directory)?;
        store.check_edge().map_err(|source| OpenError::Store {
            directory: directory.to_owned(),
            source: Box::new(source),
        })?;
        Ok(store)
    }

    /// As [`Store::open`], whatever the tree and the checkpoint look like.
    fn open_unchecked(directory: &Path) -> Result<Self, OpenError> {
        let create = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Create { path, source }
        };
        fs::create_dir_all(directory).map_err(create(directory))?;
        layout::ensure_own_files(directory, Access::Write)?;
        let lock = Lock::take(directory)?;
        exchange::finish(directory)?;
        let blobs_directory = directory.join(BLOBS);
        let blobs = FileBlobs::open(&blobs_directory).map_err(blob_open_error)?;
        let path = directory.join(DATABASE_FILE);
        let failed =
            |source| OpenError::Store { directory: directory.to_owned(), source: Box::new(source) };
        if !path.try_exists().map_err(create(&path))? {
            layout::ensure_no_notes(&path)?;
            schema::create(directory, &path)?;
        }
        let mut connection = Connection::open(&path)
            .map_err(|source| failed(StoreError::sqlite(&path, "open the database", source)))?;
        schema::prepare(&mut connection, directory, &path)?;
        sync_directory(directory).map_err(blob_open_error)?;
        if let Some(parent) = directory.parent().filter(|parent| parent.is_dir()) {
            sync_directory(parent).map_err(blob_open_error)?;
        }
        Ok(Self { connection, edge: None, path, blobs, lock: Some(lock) })
    }

    /// Opens a data directory for reading, beside a process that writes to it, and also where
    /// nothing can be written. Everything is read as it was at this moment.
    ///
    /// # Errors
    /// If there is none, it holds another version's or another program's database, or is damaged.
    pub fn read(directory: impl AsRef<Path>) -> Result<Self, OpenError> {
        let directory = directory.as_ref();
        let path = exchange::readable(directory)?;
        let failed =
            |source| OpenError::Store { directory: directory.to_owned(), source: Box::new(source) };
        if !path.exists() {
            return Err(OpenError::Absent { path });
        }
        let connection =
            reading::open(&path).map_err(|source| reading::failed(directory, &path, source))?;
        schema::ensure_current(&connection, directory, &path)?;
        let blobs = FileBlobs::read(&directory.join(BLOBS));
        let mut store = Self { connection, edge: None, path, blobs, lock: None };
        store.check_edge().map_err(failed)?;
        Ok(store)
    }

    /// As [`Store::read`], of what the other process has written by the time of each question: for
    /// whoever reads for long. Only what lies below a stored checkpoint's size is sure to be of one log.
    ///
    /// # Errors
    /// As [`Store::read`]; nothing is checked of the tree.
    pub fn read_live(directory: impl AsRef<Path>) -> Result<Self, OpenError> {
        let directory = directory.as_ref();
        let path = exchange::readable(directory)?;
        if !path.exists() {
            return Err(OpenError::Absent { path });
        }
        let connection = reading::open_live(&path)
            .map_err(|source| reading::failed(directory, &path, source))?;
        schema::ensure_current(&connection, directory, &path)?;
        let blobs = FileBlobs::read(&directory.join(BLOBS));
        Ok(Self { connection, edge: None, path, blobs, lock: None })
    }

    fn check_edge(&mut self) -> Result<(), StoreError> {
        let edge = self.load_edge()?;
        self.ensure_checkpoint_fits(edge.size())?;
        self.edge = Some(edge);
        Ok(())
    }

    fn ensure_writable(&self) -> Result<(), StoreError> {
        match self.lock {
            Some(_) => Ok(()),
            None => Err(StoreError::ReadOnly { path: self.path.clone() }),
        }
    }

    fn parse_fold(&self, text: &str) -> Result<Fold, StoreError> {
        let mut parts = text.split(' ');
        let mut next = || parts.next().unwrap_or_default();
        let (rules, size, last_ms) = (next().parse(), next().parse(), next().parse());
        let (root, state, is_stated) = (next().parse(), next().parse(), next().parse());
        let rest = parts.next();
        match (rules, size, last_ms, root, state, is_stated, rest) {
            (Ok(rules), Ok(size), Ok(last_ms), Ok(root), Ok(state), Ok(is_stated), None) => {
                Ok(Fold { mark: Mark { rules, size, last_ms, state, is_stated }, root })
            }
            _ => Err(self.damaged(Damage::Mark { found: text.escape_debug().to_string() })),
        }
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
        if self.former_size()? > size {
            return Err(self.damaged(Damage::Missing { index: size }));
        }
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

    /// The entry, if its record still has the digest that it was stored under, and its leaf names
    /// that digest. The tree is over leaves: a record that its leaf does not name is nobody's.
    fn checked(&self, stored: StoredEntry) -> Result<Entry, StoreError> {
        let StoredEntry { index, digest, leaf, record } = stored;
        let (index, expected) = (index.cast_unsigned(), Digest::from_bytes(digest));
        let found = Digest::of(&record);
        if found != expected {
            return Err(self.damaged(Damage::Record { index, expected, found }));
        }
        if !names(&leaf, &found) {
            return Err(self.damaged(Damage::Leaf { index, found }));
        }
        Ok(Entry { index, leaf, record, digest: found })
    }

    /// The hashes of a partial tile, or nothing if it is not that of its level.
    fn read_parts(&self, tile: TileId) -> Result<Vec<u8>, StoreError> {
        let failed = |source| self.failed("read a partial tile")(source);
        let sql = "SELECT part, hashes FROM edge WHERE level = ?1 AND idx = ?2 ORDER BY part";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let mut rows =
            statement.query(params![tile.level, tile.index.cast_signed()]).map_err(failed)?;
        let mut bytes: Vec<u8> = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let part: u16 = row.get(0).map_err(failed)?;
            let (expected, found) = (usize::from(part) * PART_WIDTH, bytes.len() / 32);
            if expected != found {
                return Err(self.damaged(Damage::Width { tile, expected, found }));
            }
            bytes.extend(row.get::<_, Vec<u8>>(1).map_err(failed)?);
        }
        Ok(bytes)
    }

    /// A kept checkpoint, which stands under its own size: which one is the newest is asked by that.
    fn parse_checkpoint(&self, size: i64, note: &str) -> Result<SignedCheckpoint, StoreError> {
        let size = size.cast_unsigned();
        let signed = SignedCheckpoint::parse(note.as_bytes())
            .map_err(|source| self.damaged(Damage::Checkpoint { size, source }))?;
        let found = signed.claimed().size();
        if found != size {
            return Err(self.damaged(Damage::CheckpointSize { size, found }));
        }
        Ok(signed)
    }
}

impl TileRead for Store {
    type Error = StoreError;

    fn read_tile(&self, id: TileId) -> Result<Option<Vec<Hash>>, StoreError> {
        let sql = "SELECT hashes FROM tiles WHERE level = ?1 AND idx = ?2";
        let full: Option<Vec<u8>> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| {
                let key = params![id.level, id.index.cast_signed()];
                statement.query_row(key, |row| row.get(0)).optional()
            })
            .map_err(self.failed("read a tile"))?;
        let bytes = match full {
            Some(bytes) => bytes,
            None => self.read_parts(id)?,
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        tile_from_bytes(&bytes)
            .map(Some)
            .map_err(|source| self.damaged(Damage::Tile { tile: id, source }))
    }
}

impl Records for Store {
    fn commit(&mut self, change: &Change<'_>) -> Result<Vec<Appended>, StoreError> {
        self.ensure_writable()?;
        // The root of a smaller size is in tiles that this change does not touch.
        let known = match change.mark {
            Some(mark) if change.appends.is_empty() && mark.size < self.head()?.size => {
                Some(self.root_at(mark.size)?)
            }
            Some(_) | None => None,
        };
        let mut edge = match self.edge.take() {
            Some(edge) => edge,
            None => self.load_edge()?,
        };
        // Until the commit has succeeded, `self.edge` stays absent.
        let appended = write::change(&mut self.connection, &mut edge, change, known)
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
        match self.read_entry(sql, digest.as_bytes())? {
            // The index over digests may lead elsewhere.
            Some(Entry { index, digest: found, .. }) if found != *digest => {
                Err(self.damaged(Damage::Record { index, expected: *digest, found }))
            }
            entry => Ok(entry),
        }
    }

    fn index_of(&self, digest: &Digest) -> Result<Option<u64>, StoreError> {
        let index: Option<i64> = self
            .connection
            .prepare_cached("SELECT idx FROM entries WHERE digest = ?1")
            .and_then(|mut statement| {
                statement.query_row([digest.as_bytes()], |row| row.get(0)).optional()
            })
            .map_err(self.failed("find an entry"))?;
        Ok(index.map(i64::cast_unsigned))
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

    fn leaves(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, StoreError> {
        let failed = |source| self.failed("read leaves")(source);
        let end = range.end.min(range.start.saturating_add(ENTRIES_MAX));
        let (Ok(start), Ok(end)) = (i64::try_from(range.start), i64::try_from(end)) else {
            return Ok(Vec::new());
        };
        let sql = "SELECT idx, leaf FROM entries WHERE idx >= ?1 AND idx < ?2 ORDER BY idx";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let rows = statement
            .query_map([start, end], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
            .map_err(failed)?;
        let mut leaves = Vec::new();
        for row in rows {
            let (index, leaf) = row.map_err(failed)?;
            let expected = range.start + leaves.len() as u64;
            if index.cast_unsigned() != expected {
                return Err(self.damaged(Damage::Missing { index: expected }));
            }
            leaves.push(leaf);
        }
        Ok(leaves)
    }

    fn put_checkpoint(&mut self, signed: &SignedCheckpoint) -> Result<(), StoreError> {
        self.ensure_writable()?;
        let log_size = self.head()?.size;
        ensure_fits(signed.claimed(), log_size, |size| self.root_at(size))?;
        write::publish(&mut self.connection, signed)
            .map_err(|source| StoreError::sqlite(&self.path, "keep a checkpoint", source))
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

    fn checkpoint_from(&self, size: u64) -> Result<Option<SignedCheckpoint>, StoreError> {
        let Ok(size) = i64::try_from(size) else { return Ok(None) };
        let sql = "SELECT size, note FROM checkpoints WHERE size >= ?1 ORDER BY size LIMIT 1";
        let stored: Option<(i64, String)> = self
            .connection
            .query_row(sql, [size], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(self.failed("read a checkpoint"))?;
        stored.map(|(size, note)| self.parse_checkpoint(size, &note)).transpose()
    }

    fn row(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.connection
            .prepare_cached("SELECT value FROM state WHERE key = ?1")
            .and_then(|mut statement| statement.query_row([key], |row| row.get(0)).optional())
            .map_err(self.failed("read a row"))
    }

    fn rows(&self, range: Range<&[u8]>, count: usize) -> Result<Vec<Row>, StoreError> {
        let failed = |source| self.failed("read rows")(source);
        let sql = "SELECT key, value FROM state WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3";
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let rows = statement
            .query_map(params![range.start, range.end, count], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    fn folded(&self) -> Result<Option<Fold>, StoreError> {
        let Some(bytes) = self.meta(FOLD_META)? else { return Ok(None) };
        self.parse_fold(&String::from_utf8_lossy(&bytes)).map(Some)
    }

    fn groups(
        &self,
        after: Option<GroupId>,
        count: usize,
    ) -> Result<Vec<(GroupId, Group)>, StoreError> {
        let start = after.map_or(0, |after| after.number().cast_signed() + 1);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.stored_groups(params![start, i64::MAX, count])
    }

    fn group_at(&self, id: GroupId, size: u64) -> Result<Option<Group>, StoreError> {
        self.former_group(id, size)
    }

    fn clear_rows(&mut self) -> Result<(), StoreError> {
        self.ensure_writable()?;
        write::clear(&mut self.connection)
            .map_err(|source| StoreError::sqlite(&self.path, "remove the rows", source))
    }

    fn put_meta(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.ensure_writable()?;
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
    fn from_row(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        Ok(Self { index: row.get(0)?, digest: row.get(1)?, leaf: row.get(2)?, record: row.get(3)? })
    }
}

fn blob_open_error(error: BlobError) -> OpenError {
    match error {
        BlobError::Write { path, source } | BlobError::Read { path, source } => {
            OpenError::Create { path, source }
        }
        BlobError::TooLong { .. }
        | BlobError::Missing { .. }
        | BlobError::NoFile { .. }
        | BlobError::NoFolder { .. }
        | BlobError::Damaged { .. }
        | BlobError::ReadOnly { .. } => {
            unreachable!("opening reads and writes no blob")
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
