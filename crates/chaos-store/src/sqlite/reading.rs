use std::{fmt::Write as _, fs, path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{
    error::OpenError,
    layout::{beside, is_shared},
    schema,
};

/// Opens a database that is only read, and begins the transaction that holds what it reads at one
/// moment. It needs no right to write: where SQLite cannot keep its notes beside the file, and no
/// unfinished write-ahead log lies there, the file is read as one that nobody changes.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open_live(path)?;
    connection.execute_batch("BEGIN")?;
    // The first read fixes the moment.
    ask(&connection)?;
    Ok(connection)
}

/// As [`open`], without the transaction: each question is answered as of its own moment.
pub(super) fn open_live(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let opened = if is_shared(&beside(path, "-shm")) {
        Connection::open_with_flags(uri(path, NOTED_BY_OTHERS), flags)
    } else {
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    };
    begin(opened).or_else(|error| {
        if is_unfinished(path) {
            return Err(error);
        }
        begin(Connection::open_with_flags(uri(path, IMMUTABLE), flags))
    })
}

/// Of what SQLite has beside a database, a reader writes to `-shm` alone. One that has another name somewhere may be
/// anybody's file, so that it is only read: as far as a process that has the log open keeps it, and else not at all.
const NOTED_BY_OTHERS: &str = "readonly_shm=1";

/// Nobody changes the file.
const IMMUTABLE: &str = "immutable=1";

/// What is wrong with a database that cannot be opened for reading.
pub(super) fn failed(directory: &Path, path: &Path, source: rusqlite::Error) -> OpenError {
    let cannot_write = matches!(
        source.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    );
    if cannot_write && is_unfinished(path) {
        return OpenError::Unfinished { path: path.to_owned(), source };
    }
    schema::failed(directory, path, source)
}

/// Whether something lies beside the database that is not yet in it.
fn is_unfinished(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

fn begin(opened: rusqlite::Result<Connection>) -> rusqlite::Result<Connection> {
    let connection = opened?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "trusted_schema", false)?;
    ask(&connection)?;
    Ok(connection)
}

fn ask(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// The file as a URI that says how it is opened.
fn uri(path: &Path, how: &str) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri + "?" + how
}
