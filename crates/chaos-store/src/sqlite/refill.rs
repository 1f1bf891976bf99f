//! A fresh database in the place of one whose pages do not fit together, or whose end is given up.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode, Transaction, params, params_from_iter, types::Value};

use super::{
    DATABASE_FILE, FOLD_META, Store,
    mend::{FORMER_META, room, said_size},
    place::{Placed, Places, placed},
};
use crate::{
    error::{Damage, OpenError, StoreError},
    exchange::Exchange,
};

/// What is taken over, with the order of its rows from the start and from the end. Rows that are folded from the log
/// are not: they are folded anew. The tiles come before the entries, since they say how many there were.
const TABLES: [Table; 5] = [
    Table {
        name: "tiles",
        columns: &["level", "idx", "hashes"],
        from_start: "NOT INDEXED ORDER BY rowid",
        from_end: "NOT INDEXED ORDER BY rowid DESC",
    },
    Table {
        name: "edge",
        columns: &["level", "part", "idx", "hashes"],
        from_start: "ORDER BY level, part",
        from_end: "ORDER BY level DESC, part DESC",
    },
    Table {
        name: "checkpoints",
        columns: &["size", "note"],
        from_start: "ORDER BY rowid",
        from_end: "ORDER BY rowid DESC",
    },
    Table {
        name: META,
        columns: &["key", "value"],
        from_start: "ORDER BY key",
        from_end: "ORDER BY key DESC",
    },
    Table {
        name: ENTRIES,
        columns: &["idx", "digest", "leaf", "record"],
        from_start: "NOT INDEXED ORDER BY rowid",
        from_end: "NOT INDEXED ORDER BY rowid DESC",
    },
];

const META: &str = "meta";
const ENTRIES: &str = "entries";

struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    from_start: &'static str,
    from_end: &'static str,
}

/// A database that was put aside for a fresh one.
#[derive(Debug, PartialEq, Eq)]
pub struct Refilled {
    /// Where it is now, with what SQLite has beside it.
    pub former: PathBuf,
    /// How many entries it says that it had; at least as many as could be taken over.
    pub size: u64,
}

/// A database that was put aside for one that ends before it did.
#[derive(Debug, PartialEq, Eq)]
pub struct Shortened {
    /// Where it is now, with what SQLite has beside it.
    pub former: PathBuf,
    /// How many entries it had beyond the new end, by its rows and its tiles.
    pub given_up: u64,
}

impl Store {
    /// Puts a fresh database in the place of one whose pages do not fit together, filled with every entry, tile,
    /// checkpoint and value that can still be read. Leaves a database alone whose pages fit.
    ///
    /// What is taken over is checked by nobody; [`Store::check`] says what is wrong with it, and what could not be
    /// read is missing. The rows are folded anew at the next opening.
    ///
    /// Whose copy of which log it is, and what stands against that log, is among the values. A directory from which
    /// somebody else can tell (`knows_its_log`) is refilled without them; another is left as it is.
    ///
    /// # Errors
    /// If the directory is in use, SQLite cannot open its file, the values cannot be read and nothing else says what
    /// they did, or the fresh one cannot be written.
    pub fn refill(directory: &Path, knows_its_log: bool) -> Result<Option<Refilled>, OpenError> {
        let store = Self::open_damaged(directory)?;
        match store.check_pages() {
            Ok(()) => return Ok(None),
            Err(StoreError::Damaged { source: Damage::Pages { .. } | Damage::File(_), .. }) => {}
            Err(error) => {
                let (directory, source) = (directory.to_owned(), Box::new(error));
                return Err(OpenError::Store { directory, source });
            }
        }
        drop(store);
        exchange(directory, &format!("{DATABASE_FILE}.damaged"), |taking| {
            taking.everything()?;
            // What was acknowledged is known to whoever comes next, also where this call is ended now.
            taking.fresh.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
                params![FORMER_META, taking.size.to_string().into_bytes()],
            )?;
            Ok(knows_its_log || taking.has_values)
        })?
        .map(Some)
        .ok_or_else(|| OpenError::ValuesLost { path: directory.join(DATABASE_FILE) })
    }

    /// Takes a database away that has no entry. One that has some is left where it is.
    ///
    /// # Errors
    /// If the directory is in use, or the database cannot be read or removed.
    pub fn discard_empty(directory: &Path) -> Result<(), OpenError> {
        let store = Self::open_damaged(directory)?;
        let size = store.stored_size().map_err(|source| OpenError::Store {
            directory: directory.to_owned(),
            source: Box::new(source),
        })?;
        let Self { connection, path, lock, .. } = store;
        if size > 0 {
            return Ok(());
        }
        // SQLite removes what it has beside the file when the last connection is closed.
        drop(connection);
        let removed = fs::remove_file(&path);
        drop(lock);
        removed.map_err(|source| OpenError::Exchange { path, source })
    }

    /// Puts a fresh database in the place of one, with its first `size` entries and without its tiles, and answers
    /// where the former one is, and how many entries that gives up.
    ///
    /// # Errors
    /// If the directory is in use, a checkpoint is kept of a larger size, or a database cannot be read or written.
    pub fn shorten(directory: &Path, size: u64) -> Result<Shortened, OpenError> {
        let store = Self::open_damaged(directory)?;
        let newest = store.checkpoints().map(|kept| kept.last().map(|it| it.claimed().size()));
        let ahead = newest.map(|newest| newest.filter(|newest| *newest > size));
        let refused = match ahead {
            Ok(None) => None,
            Ok(Some(ahead)) => {
                Some(store.damaged(Damage::CheckpointAhead { size: ahead, log_size: size }))
            }
            Err(error) => Some(error),
        };
        if let Some(error) = refused {
            let (directory, source) = (directory.to_owned(), Box::new(error));
            return Err(OpenError::Store { directory, source });
        }
        drop(store);
        let mut given_up = 0;
        let made = exchange(directory, &format!("{DATABASE_FILE}.longer"), |taking| {
            taking.everything()?;
            let beyond = said_size(taking.fresh)?.min(taking.room).saturating_sub(size);
            let sql = "SELECT count(*) FROM entries WHERE idx >= ?1";
            let rows: i64 = taking.fresh.query_row(sql, [size.cast_signed()], |row| row.get(0))?;
            given_up = beyond.max(rows.cast_unsigned());
            for tree in ["DELETE FROM tiles", "DELETE FROM edge"] {
                taking.fresh.execute(tree, [])?;
            }
            taking.fresh.execute("DELETE FROM meta WHERE key = ?1", [FORMER_META])?;
            let first = size.cast_signed();
            taking.fresh.execute("DELETE FROM entries WHERE idx >= ?1", [first]).map(|_| true)
        })?;
        let former = made.expect("nothing else is asked of it").former;
        Ok(Shortened { former, given_up })
    }
}

/// What is taken from a database into a fresh one.
struct Taking<'a> {
    former: &'a Connection,
    fresh: &'a Transaction<'a>,
    /// Most entries that the former one has room for.
    room: u64,
    /// How many it says that it had.
    size: u64,
    /// Whether all values were read.
    has_values: bool,
    /// Where its tiles have which leaf: those are taken before the entries.
    places: RefCell<Places<'a>>,
}

/// Makes a fresh database by `take` and puts it in the place of the former one, unless `take` does not want that.
fn exchange(
    directory: &Path,
    aside: &str,
    take: impl FnOnce(&mut Taking<'_>) -> rusqlite::Result<bool>,
) -> Result<Option<Refilled>, OpenError> {
    let exchange = Exchange::begin(directory)?;
    let path = directory.join(DATABASE_FILE);
    let room = room(&path);
    let mut fresh = Store::open_unchecked(&exchange.folder())?;
    let (mut is_wanted, mut taken) = (false, 0);
    let filled = Connection::open(&path).and_then(|former| {
        former.pragma_update(None, "trusted_schema", false)?;
        fresh.write(|fresh| {
            let places = RefCell::new(Places::of(fresh));
            let (size, has_values) = (0, true);
            let mut taking = Taking { former: &former, fresh, room, size, has_values, places };
            is_wanted = take(&mut taking)?;
            taken = taking.size;
            Ok(())
        })
    });
    filled.map_err(|source| OpenError::Store {
        directory: directory.to_owned(),
        source: Box::new(StoreError::sqlite(&path, "fill a fresh database", source)),
    })?;
    drop(fresh);
    if !is_wanted {
        return exchange.give_up().map(|()| None);
    }
    let former = exchange.end(aside)?;
    Ok(Some(Refilled { former, size: taken }))
}

impl Taking<'_> {
    fn everything(&mut self) -> rusqlite::Result<()> {
        for table in &TABLES {
            if table.take(self, table.from_start)? {
                continue;
            }
            table.take(self, table.from_end)?;
            self.has_values &= table.name != META;
        }
        self.size = self.said()?.min(self.room);
        self.rest()?;
        self.fresh.execute("DELETE FROM meta WHERE key = ?1", [FOLD_META]).map(drop)
    }

    /// How many entries there were by whatever says it: the entries, the tiles, and how far the log was folded.
    fn said(&self) -> rusqlite::Result<u64> {
        let fold = "SELECT value FROM meta WHERE key = ?1";
        let fold: Option<Vec<u8>> = self.fresh.query_row(fold, [FOLD_META], |row| row.get(0)).ok();
        let folded = fold
            .and_then(|mark| String::from_utf8(mark).ok())
            .and_then(|mark| mark.split(' ').nth(1)?.parse().ok());
        let former = "SELECT value FROM meta WHERE key = ?1";
        let former: Option<Vec<u8>> =
            self.fresh.query_row(former, [FORMER_META], |row| row.get(0)).ok();
        let former = former.and_then(|size| String::from_utf8(size).ok()?.parse().ok());
        Ok(said_size(self.fresh)?.max(folded.unwrap_or(0)).max(former.unwrap_or(0)))
    }

    /// Takes over each entry that is not there yet, as far as it can be found by its index alone: between pages that
    /// cannot be read there may be some that can.
    fn rest(&self) -> rusqlite::Result<()> {
        let table = TABLES.iter().find(|table| table.name == ENTRIES).expect("it is in the list");
        let sql = format!("SELECT {} FROM {ENTRIES} WHERE idx = ?1", table.columns.join(", "));
        let Ok(mut wanted) = self.former.prepare(&sql) else { return Ok(()) };
        let mut known = self.fresh.prepare("SELECT 1 FROM entries WHERE idx = ?1")?;
        for index in 0..self.size.cast_signed() {
            if known.exists([index])? {
                continue;
            }
            if let Ok(Some(values)) = wanted.query_row([index], |row| Ok(table.values(row))) {
                self.put(table, values)?;
            }
        }
        Ok(())
    }

    /// An entry goes where the tiles have its leaf, with the digest that its record has; any other row as it is.
    fn put(&self, table: &Table, values: Vec<Value>) -> rusqlite::Result<()> {
        if table.name == ENTRIES
            && let [Value::Integer(index), _, Value::Blob(leaf), Value::Blob(record)] =
                values.as_slice()
            && let Some(row) = placed(&mut self.places.borrow_mut(), (*index, leaf), record)?
        {
            let Placed { index, digest, leaf, is_shown } = row;
            let how = if is_shown { "INSERT OR REPLACE" } else { "INSERT OR IGNORE" };
            let sql = format!("{how} INTO entries (idx, digest, leaf, record) VALUES (?, ?, ?, ?)");
            let mut put = self.fresh.prepare_cached(&sql)?;
            return put.execute(params![index, digest, leaf, record]).map(drop);
        }
        table.put(self.fresh, values)
    }
}

impl Table {
    /// Takes over the rows in an order, up to one that cannot be read; answers whether all were read.
    fn take(&self, taking: &Taking<'_>, order: &str) -> rusqlite::Result<bool> {
        let sql = format!("SELECT {} FROM {} {order}", self.columns.join(", "), self.name);
        let Ok(mut statement) = taking.former.prepare(&sql) else { return Ok(false) };
        let Ok(mut rows) = statement.query([]) else { return Ok(false) };
        loop {
            let Ok(next) = rows.next() else { return Ok(false) };
            let Some(row) = next else { return Ok(true) };
            if let Some(values) = self.values(row) {
                taking.put(self, values)?;
            }
        }
    }

    fn values(&self, row: &rusqlite::Row<'_>) -> Option<Vec<Value>> {
        (0..self.columns.len()).map(|column| row.get(column).ok()).collect()
    }

    /// A row that our tables do not take is one that was damaged.
    fn put(&self, fresh: &Transaction<'_>, values: Vec<Value>) -> rusqlite::Result<()> {
        let places = vec!["?"; self.columns.len()].join(", ");
        let sql = format!(
            "INSERT OR IGNORE INTO {} ({}) VALUES ({places})",
            self.name,
            self.columns.join(", ")
        );
        match fresh.prepare_cached(&sql)?.execute(params_from_iter(values)) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Ok(())
            }
            put => put.map(drop),
        }
    }
}
