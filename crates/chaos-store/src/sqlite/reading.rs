use std::{fmt::Write as _, fs, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

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
    begin(Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)).or_else(|error| {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        if fs::metadata(log).is_ok_and(|log| log.len() > 0) {
            return Err(error);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        begin(Connection::open_with_flags(immutable(path), flags))
    })
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

/// The file as a URI that says that nobody changes it.
fn immutable(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri + "?immutable=1"
}
