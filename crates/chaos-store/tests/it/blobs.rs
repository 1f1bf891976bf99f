use std::fs;

use chaos_store::{BlobError, Blobs, MemoryBlobs, Store};
use chaos_types::Digest;

/// What every implementation of [`Blobs`] owes its callers.
fn check_contract(blobs: &impl Blobs) {
    let missing = Digest::of(b"never put");
    assert!(!blobs.has(&missing).unwrap());
    let error = blobs.get(&missing).unwrap_err();
    assert_eq!(error.to_string(), format!("no blob with digest {missing}"));
    for bytes in [b"".as_slice(), b"some bytes", &[7; 100_000]] {
        let digest = blobs.put(bytes).unwrap();
        assert_eq!(digest, Digest::of(bytes));
        assert_eq!(blobs.put(bytes).unwrap(), digest);
        assert!(blobs.has(&digest).unwrap());
        assert_eq!(blobs.get(&digest).unwrap(), bytes);
    }
}

#[test]
fn blobs_in_files_keep_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    check_contract(store.blobs());
    let digest = Digest::of(b"some bytes");
    drop(store);
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.blobs().get(&digest).unwrap(), b"some bytes");
    let hex = digest.to_hex();
    let path = directory.path().join("blobs/sha256").join(&hex[..2]).join(&hex[2..]);
    assert_eq!(fs::read(path).unwrap(), b"some bytes");
}

#[test]
fn blobs_in_memory_keep_the_contract() {
    check_contract(&MemoryBlobs::new());
}

#[test]
fn a_changed_blob_is_never_returned_and_a_cut_one_can_be_put_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let digest = store.blobs().put(b"some bytes").unwrap();
    let path = store.blobs().path(&digest);
    fs::write(&path, b"some bites").unwrap();
    let error = store.blobs().get(&digest).unwrap_err();
    let found = Digest::of(b"some bites");
    let expect = format!(
        "blob {digest} is damaged: its bytes have digest {found}; `chaoschain log repair --from SOURCE` \
         fetches it from another's copy"
    );
    assert_eq!(error.to_string(), expect);
    fs::write(&path, b"some").unwrap();
    assert!(matches!(store.blobs().get(&digest), Err(BlobError::Damaged { .. })));
    store.blobs().put(b"some bytes").unwrap();
    assert_eq!(store.blobs().get(&digest).unwrap(), b"some bytes");
}

#[test]
fn what_an_interrupted_put_left_is_cleared_on_opening() {
    let directory = tempfile::tempdir().unwrap();
    drop(Store::open(directory.path()).unwrap());
    let leftover = directory.path().join("blobs/temporary/.tmpAbCdEf");
    fs::write(&leftover, b"half a bl").unwrap();
    drop(Store::open(directory.path()).unwrap());
    assert!(!leftover.exists());
}

#[test]
fn blob_that_a_disk_has_changed_is_written_anew_whatever_its_length() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let digest = store.blobs().put(b"whole").unwrap();
    fs::write(store.blobs().path(&digest), b"wrong").unwrap();
    assert!(store.blobs().get(&digest).is_err());
    assert_eq!(store.blobs().put(b"whole").unwrap(), digest);
    assert_eq!(store.blobs().get(&digest).unwrap(), b"whole");
}
