//! A fresh database in the place of one whose pages do not fit together.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, Transaction, params_from_iter, types::Value};

use super::{DATABASE_FILE, FOLD_META, Store};
use crate::{
    error::{Damage, OpenError, StoreError},
    exchange::Exchange,
};

/// The most entries that are asked for one by one between the last that is read from the start and the first that is
/// read from the end.
const GAP_MAX: i64 = 1 << 20;

/// What is taken over, with the order of its rows from the start and from the end. Rows that are folded from the log
/// are not: they are folded anew.
const TABLES: [Table; 5] = [
    Table {
        name: "entries",
        columns: &["idx", "digest", "leaf", "record"],
        from_start: "NOT INDEXED ORDER BY rowid",
        from_end: "NOT INDEXED ORDER BY rowid DESC",
    },
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
        name: "meta",
        columns: &["key", "value"],
        from_start: "ORDER BY key",
        from_end: "ORDER BY key DESC",
    },
];

struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    from_start: &'static str,
    from_end: &'static str,
}

impl Store {
    /// Puts a fresh database in the place of one whose pages do not fit together, filled with every entry, tile,
    /// checkpoint and value that can still be read, and answers under which name the former one is kept, with what
    /// SQLite has beside it. Leaves a database alone whose pages fit.
    ///
    /// What is taken over is checked by nobody; [`Store::check`] says what is wrong with it, and what could not be
    /// read is missing. The rows are folded anew at the next opening.
    ///
    /// # Errors
    /// If the directory is in use, SQLite cannot open its file, or the fresh one cannot be written.
    pub fn refill(directory: &Path) -> Result<Option<PathBuf>, OpenError> {
        let store = Self::open_damaged(directory)?;
        let failed =
            |source| OpenError::Store { directory: directory.to_owned(), source: Box::new(source) };
        match store.check_pages() {
            Ok(()) => return Ok(None),
            Err(StoreError::Damaged { source: Damage::Pages { .. } | Damage::File(_), .. }) => {}
            Err(error) => return Err(failed(error)),
        }
        drop(store);
        let exchange = Exchange::begin(directory)?;
        let path = directory.join(DATABASE_FILE);
        let mut fresh = Self::open_unchecked(&exchange.folder())?;
        let former = Connection::open(&path);
        let filled = former.and_then(|former| {
            former.pragma_update(None, "trusted_schema", false)?;
            fresh.write(|transaction| fill(&former, transaction))
        });
        filled
            .map_err(|source| failed(StoreError::sqlite(&path, "fill a fresh database", source)))?;
        drop(fresh);
        exchange.end(&format!("{DATABASE_FILE}.damaged")).map(Some)
    }
}

fn fill(former: &Connection, fresh: &Transaction<'_>) -> rusqlite::Result<()> {
    for table in &TABLES {
        let last = table.take(former, fresh, table.from_start)?;
        if let Some(last) = last {
            let first = table.take(former, fresh, table.from_end)?;
            if table.name == "entries" {
                table.take_between(former, fresh, last, first.unwrap_or(last))?;
            }
        }
    }
    fresh.execute("DELETE FROM meta WHERE key = ?1", [FOLD_META]).map(drop)
}

impl Table {
    /// Takes over the rows in an order, up to one that cannot be read; answers the number of the last one then, as
    /// far as it has one, and nothing if all were read.
    fn take(
        &self,
        former: &Connection,
        fresh: &Transaction<'_>,
        order: &str,
    ) -> rusqlite::Result<Option<i64>> {
        let sql = format!("SELECT {} FROM {} {order}", self.columns.join(", "), self.name);
        let mut last = -1;
        let Ok(mut statement) = former.prepare(&sql) else { return Ok(Some(last)) };
        let Ok(mut rows) = statement.query([]) else { return Ok(Some(last)) };
        loop {
            let Ok(next) = rows.next() else { return Ok(Some(last)) };
            let Some(row) = next else { return Ok(None) };
            if let Some(values) = self.values(row) {
                if let Some(Value::Integer(number)) = values.first() {
                    last = *number;
                }
                self.put(fresh, values)?;
            }
        }
    }

    /// Takes over each entry between two that were read, as far as it can be found by its index alone.
    fn take_between(
        &self,
        former: &Connection,
        fresh: &Transaction<'_>,
        last: i64,
        first: i64,
    ) -> rusqlite::Result<()> {
        let sql = format!("SELECT {} FROM {} WHERE idx = ?1", self.columns.join(", "), self.name);
        let Ok(mut statement) = former.prepare(&sql) else { return Ok(()) };
        for index in last.saturating_add(1)..first.min(last.saturating_add(GAP_MAX)) {
            if let Ok(Some(values)) = statement.query_row([index], |row| Ok(self.values(row))) {
                self.put(fresh, values)?;
            }
        }
        Ok(())
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
