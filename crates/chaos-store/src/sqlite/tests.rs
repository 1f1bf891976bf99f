use std::error::Error as _;

use chaos_log::map::EMPTY;
use chaos_types::Digest;

use super::Store;
use crate::{Append, Change, Mark, Records as _, StoreError};

pub(crate) fn append(text: &str) -> Append {
    let record = format!("record {text}").into_bytes();
    let leaf = format!("leaf {text} of {}", chaos_types::Digest::of(&record)).into_bytes();
    Append::new(record, leaf).unwrap()
}

impl Store {
    /// Lets the database grow by `pages` more pages and then be full, as a disk would be.
    pub(crate) fn leave_room(&self, pages: u32) {
        let used: u32 =
            self.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        self.connection.pragma_update(None, "max_page_count", used + pages).unwrap();
    }
}

#[test]
fn a_full_database_takes_nothing_of_a_batch_and_stays_whole() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    let mark =
        Mark { rules: Digest::of(b"rules"), size: 1, last_ms: 5, state: EMPTY, is_stated: true };
    let first = Change { appends: &[append("first")], mark: Some(mark), ..Change::default() };
    store.commit(&first).unwrap();
    let head = store.head().unwrap();
    store.leave_room(3);
    let batch: Vec<_> = (0..1000).map(|n| append(&n.to_string())).collect();
    let row = (b"row".to_vec(), b"value".to_vec());
    let mark = Mark { size: 1001, ..mark };
    let rows = std::slice::from_ref(&row);
    let change = Change { appends: &batch, rows, mark: Some(mark), ..Change::default() };
    let error = store.commit(&change).unwrap_err();
    assert_eq!(store.row(b"row").unwrap(), None);
    assert_eq!(store.folded().unwrap().unwrap().mark.size, 1);
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    let expect = format!("no space left for `{}`;", store.path().display());
    assert!(error.to_string().starts_with(&expect), "{error}");
    assert!(error.source().is_some());
    assert_eq!(store.head().unwrap(), head);
    assert_eq!(store.check().unwrap(), head);
    store.leave_room(1000);
    let appended = store.commit(&change).unwrap();
    assert_eq!(appended.last().unwrap().index, 1000);
    assert_eq!(store.folded().unwrap().unwrap().mark, mark);
    assert_eq!(store.check().unwrap().size, 1001);
}
