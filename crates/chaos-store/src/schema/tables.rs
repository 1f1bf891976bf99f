//! What a database holds, held against what this program makes.
//!
//! A database may be anybody's. Where `entries` is a view, or a trigger stands beside it, the same question may have
//! two answers, and what was checked is not what is read afterwards. So a database is opened only if SQLite's list of
//! what it holds is the one that [`TABLES`] makes, word for word.

use std::{path::Path, sync::OnceLock};

use rusqlite::Connection;

use super::{TABLES, failed};
use crate::error::OpenError;

/// How much of a name that somebody else chose is shown.
const NAME_CHARS_MAX: usize = 60;

/// Tables of statistics that SQLite itself makes for `ANALYZE` and `PRAGMA optimize`, word for word. By what stands in
/// them it chooses how it searches, and no answer is another for that.
const STATISTICS: [(&str, &str); 2] = [
    ("sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
    ("sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
];

/// A table, index, view or trigger: type, name, table, and the statement that made it.
type Row = (String, String, String, Option<String>);

/// Refuses a database that holds anything but the tables of this version.
pub(super) fn ensure_ours(
    connection: &Connection,
    directory: &Path,
    path: &Path,
) -> Result<(), OpenError> {
    static OURS: OnceLock<Vec<Row>> = OnceLock::new();
    let ours = OURS.get_or_init(|| made().expect("a database in memory takes our tables"));
    let mut found = listed(connection, ours.len() + STATISTICS.len() + 1)
        .map_err(|source| failed(directory, path, source))?;
    found.retain(|row| !is_statistics(row));
    let difference = match found.iter().find(|row| !ours.contains(row)) {
        Some(row) => format!("it holds the {}", shown(row)),
        None => match ours.iter().find(|row| !found.contains(row)) {
            Some(row) => format!("it lacks the {}", shown(row)),
            None if found.len() == ours.len() => return Ok(()),
            None => "it holds one of its tables twice".to_owned(),
        },
    };
    Err(OpenError::OtherTables { path: path.to_owned(), difference })
}

/// Refuses a database of an older version that holds more than tables and their indexes, before its tables are
/// read; what they become is held against this version's.
pub(super) fn ensure_only_tables(
    connection: &Connection,
    directory: &Path,
    path: &Path,
) -> Result<(), OpenError> {
    let found = listed(connection, usize::MAX).map_err(|source| failed(directory, path, source))?;
    match found.iter().find(|(kind, ..)| !matches!(kind.as_str(), "table" | "index")) {
        Some(row) => {
            let difference = format!("it holds the {}", shown(row));
            Err(OpenError::OtherTables { path: path.to_owned(), difference })
        }
        None => Ok(()),
    }
}

fn is_statistics((kind, name, table, sql): &Row) -> bool {
    let found = (name.as_str(), sql.as_deref().unwrap_or_default());
    kind == "table" && name == table && STATISTICS.contains(&found)
}

fn made() -> rusqlite::Result<Vec<Row>> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(TABLES)?;
    listed(&connection, usize::MAX)
}

/// The first rows of SQLite's list, in the order of their names.
fn listed(connection: &Connection, count: usize) -> rusqlite::Result<Vec<Row>> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name, type LIMIT ?1";
    let mut statement = connection.prepare(sql)?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = statement
        .query_map([count], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    rows.collect()
}

fn shown((kind, name, _, sql): &Row) -> String {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    let kind: String = kind.chars().take(NAME_CHARS_MAX).collect();
    let how = if sql.is_some() { ", made otherwise than by this program" } else { "" };
    format!("{} `{}`{how}", kind.escape_debug(), name.escape_debug())
}
