//! Readers who stay, beside the one who writes.

use chaos_store::{OpenError, Records as _, Store, StoreError};

use crate::{append, record, signed};

#[test]
fn reader_needs_no_lock_and_sees_what_the_writer_appends() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Store::open(directory.path()).unwrap();
    writer.append_batch(&[append("a")]).unwrap();
    let reader = Store::read_live(directory.path()).unwrap();
    assert_eq!(reader.head().unwrap(), writer.head().unwrap());
    writer.append_batch(&[append("b")]).unwrap();
    writer.put_checkpoint(&signed(writer.head().unwrap())).unwrap();
    assert_eq!(reader.head().unwrap(), writer.head().unwrap());
    assert_eq!(reader.entry(1).unwrap().unwrap().record, record("b"));
    assert_eq!(reader.checkpoint().unwrap(), writer.checkpoint().unwrap());
}

#[test]
fn reader_writes_nothing_and_makes_no_directory() {
    let directory = tempfile::tempdir().unwrap();
    drop(Store::open(directory.path()).unwrap());
    let mut reader = Store::read_live(directory.path()).unwrap();
    let refused = reader.append_batch(&[append("a")]).unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
    assert!(reader.put_meta("operator", b"me").is_err());
    let absent = directory.path().join("absent");
    let refused = Store::read_live(&absent).unwrap_err();
    assert!(matches!(refused, OpenError::Absent { .. }), "{refused}");
    assert!(!absent.exists());
}
