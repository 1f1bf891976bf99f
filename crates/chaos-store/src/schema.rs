//! The tables, and how a database file is told from any other.

use std::{fs, io, path::Path, time::Duration};

use chaos_log::map::{Node, grouped};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::error::{OpenError, StoreError};

mod tables;

/// The schema version that this program writes.
pub(crate) const VERSION: u32 = 4;

/// SQLite's application id of our files: `ChCh`.
const APPLICATION_ID: u32 = 0x4368_4368;

/// What an append changes lies in many places: the index over digests, the rows of each kind, the nodes
/// of the map. Each costs a page twice, in the write-ahead log and in the file; so pages are small. A
/// database that was made with larger ones keeps them.
const PAGE_BYTES: u32 = 1_024;

/// How long the write-ahead log gets before it is copied back, which costs two more syncs; so many
/// bytes spread them thinly.
const WAL_BYTES: u32 = 32 << 20;

/// The most hashes in a row of `edge`: short enough to lie within its page.
pub(crate) const PART_WIDTH: usize = 4;

/// The map of the committed rows: its groups by number, and what they were until the log had which
/// size, as what differs from what they became.
macro_rules! map_tables {
    () => {
        "
CREATE TABLE groups (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE former (
    id INTEGER NOT NULL,
    until INTEGER NOT NULL,
    front INTEGER NOT NULL,
    back INTEGER NOT NULL,
    bytes BLOB,
    PRIMARY KEY (id, until)
) STRICT, WITHOUT ROWID;
"
    };
}

/// The rows folded from the log. Those of one entry lie one after another, whatever their keys.
macro_rules! state_table {
    () => {
        "
CREATE TABLE state (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    value BLOB NOT NULL
) STRICT;
"
    };
}

/// The one partial tile of each level, in parts of four hashes, so that an append writes a part and not the
/// tile.
macro_rules! edge_table {
    () => {
        "
CREATE TABLE edge (
    level INTEGER NOT NULL,
    part INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, part)
) STRICT, WITHOUT ROWID;
"
    };
}

/// `tiles` holds the full tiles, `edge` the partial ones.
const TABLES: &str = concat!(
    "
CREATE TABLE entries (
    idx INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    leaf BLOB NOT NULL,
    record BLOB NOT NULL
) STRICT;
CREATE TABLE tiles (
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, idx)
) STRICT;
CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY,
    note TEXT NOT NULL
) STRICT;
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
",
    state_table!(),
    edge_table!(),
    map_tables!()
);

/// From version 1, which kept whole views that nobody read: the rows are folded again from the log.
const FROM_1: &str = "
DROP TABLE views;
DELETE FROM meta WHERE key = 'views';
CREATE TABLE state (
    key BLOB PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
";

/// From version 2, which had no map: a program that knows no leaf with a root of it must not open the log
/// any more. The rows are folded again.
const FROM_2: &str = "
DELETE FROM state;
DELETE FROM meta WHERE key = 'fold';
CREATE TABLE nodes (hash BLOB PRIMARY KEY, node BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE dead (hash BLOB PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// From version 3, which kept rows in the order of their keys, a partial tile as one row of `tiles`,
/// which was written anew with every entry, and each node of the map by its hash.
const FROM_3: &str = concat!(
    "
ALTER TABLE state RENAME TO sorted;
",
    state_table!(),
    "
INSERT INTO state (key, value) SELECT key, value FROM sorted ORDER BY key;
DROP TABLE sorted;
",
    edge_table!(),
    "
WITH RECURSIVE parts (part) AS (VALUES (0) UNION ALL SELECT part + 1 FROM parts WHERE part < 63)
INSERT OR REPLACE INTO edge (level, part, idx, hashes)
    SELECT level, part, idx, substr(hashes, 1 + 128 * part, 128) FROM tiles, parts
    WHERE length(hashes) < 8192 AND 128 * part < length(hashes) ORDER BY idx;
DELETE FROM tiles WHERE length(hashes) < 8192;
",
    map_tables!()
);

/// Makes a new database file. It gets its name only once it is whole, so a file of that name that
/// is empty or has no tables was never left by an interrupted start.
pub(crate) fn create(directory: &Path, path: &Path) -> Result<(), OpenError> {
    let new = path.with_extension("new");
    let moved = |source| OpenError::Create { path: path.to_owned(), source };
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(moved(error)),
        _ => {}
    }
    let written = Connection::open(&new).and_then(|mut connection| {
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
        connection.close().map_err(|(_, error)| error)
    });
    written.map_err(|source| OpenError::Store {
        directory: directory.to_owned(),
        source: Box::new(StoreError::sqlite(&new, "make the tables", source)),
    })?;
    fs::rename(&new, path).map_err(moved)
}

/// Sets up a connection that writes, once the file is known to be ours and of a version we know. A
/// file of an older version is brought up in one transaction.
pub(crate) fn prepare(
    connection: &mut Connection,
    directory: &Path,
    path: &Path,
) -> Result<(), OpenError> {
    let version = version(connection, directory, path)?;
    let failed = |source| failed(directory, path, source);
    match version {
        VERSION => {
            tables::ensure_ours(connection, directory, path)?;
            settings(connection).map_err(failed)
        }
        1..VERSION => {
            tables::ensure_only_tables(connection, directory, path)?;
            settings(connection).map_err(failed)?;
            let immediate = TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(immediate).map_err(failed)?;
            upgrade(&transaction, version).map_err(failed)?;
            tables::ensure_ours(&transaction, directory, path)?;
            transaction.commit().map_err(failed)
        }
        found => Err(other_schema(path, found)),
    }
}

/// Makes sure that a connection that only reads is to a file of ours, of this version, with its tables alone.
pub(crate) fn ensure_current(
    connection: &Connection,
    directory: &Path,
    path: &Path,
) -> Result<(), OpenError> {
    match version(connection, directory, path)? {
        VERSION => tables::ensure_ours(connection, directory, path),
        found => Err(other_schema(path, found)),
    }
}

fn version(connection: &Connection, directory: &Path, path: &Path) -> Result<u32, OpenError> {
    let failed = |source| failed(directory, path, source);
    let header = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    let application = header("application_id").map_err(failed)?;
    let version = header("user_version").map_err(failed)?;
    if application == APPLICATION_ID {
        Ok(version)
    } else {
        Err(OpenError::Foreign { path: path.to_owned() })
    }
}

/// What is wrong with a file whose header cannot be read.
pub(crate) fn failed(directory: &Path, path: &Path, source: rusqlite::Error) -> OpenError {
    match StoreError::sqlite(path, "read its header", source) {
        StoreError::Damaged { path, .. } if !looks_like_sqlite(&path) => {
            OpenError::Foreign { path }
        }
        source => OpenError::Store { directory: directory.to_owned(), source: Box::new(source) },
    }
}

fn other_schema(path: &Path, found: u32) -> OpenError {
    let path = path.to_owned();
    if found < VERSION {
        OpenError::OldSchema { path, found, supported: VERSION }
    } else {
        OpenError::OtherSchema { path, found, supported: VERSION }
    }
}

fn upgrade(transaction: &Transaction<'_>, version: u32) -> rusqlite::Result<()> {
    if version == 1 {
        transaction.execute_batch(FROM_1)?;
    }
    if version <= 2 {
        transaction.execute_batch(FROM_2)?;
    }
    transaction.execute_batch(FROM_3)?;
    group_nodes(transaction)?;
    transaction.pragma_update(None, "user_version", VERSION)
}

/// Stores the map by groups. Where a node cannot be read, the rows are folded again.
fn group_nodes(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let sql = "SELECT node FROM nodes WHERE hash NOT IN (SELECT hash FROM dead)";
    let mut keys = Vec::new();
    let mut is_whole = true;
    {
        let mut nodes = transaction.prepare(sql)?;
        let mut rows = nodes.query([])?;
        while let Some(row) = rows.next()? {
            match Node::from_bytes(&row.get::<_, Vec<u8>>(0)?) {
                Ok(Node::Leaf { key, value }) => keys.push((key, value)),
                Ok(Node::Branch { .. }) => {}
                Err(_) => is_whole = false,
            }
        }
    }
    if is_whole {
        keys.sort_unstable();
        let mut put = transaction.prepare("INSERT INTO groups (id, bytes) VALUES (?1, ?2)")?;
        for (id, group) in grouped(keys) {
            put.execute(params![id.number().cast_signed(), group.to_bytes()])?;
        }
    } else {
        transaction.execute_batch("DELETE FROM state; DELETE FROM meta WHERE key = 'fold';")?;
    }
    transaction.execute_batch("DROP TABLE nodes; DROP TABLE dead;")
}

fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL syncs the write-ahead log at every commit: what was acknowledged survives power loss.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_BYTES / page.max(1))?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.busy_timeout(Duration::from_secs(5))
}

/// Whether the file starts as SQLite's do; a damaged database of ours still does.
fn looks_like_sqlite(path: &Path) -> bool {
    use std::io::Read as _;
    let mut start = [0; 16];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && &start == b"SQLite format 3\0"
}
