use std::{fs, path::Path};

use tempfile::TempDir;

use super::{BUNDLE_BYTES_MAX, read};

#[test]
fn reads_no_device_no_folder_and_nothing_beyond_the_limit() {
    let dir = TempDir::new().unwrap();
    for path in [Path::new("/dev/zero"), dir.path()] {
        let failure = read(path).unwrap_err().to_string();
        assert!(failure.contains("not a regular file"), "{failure}");
    }
    let path = dir.path().join("large.json");
    let file = fs::File::create(&path).unwrap();
    file.set_len(BUNDLE_BYTES_MAX as u64).unwrap();
    assert_eq!(read(&path).unwrap().len(), BUNDLE_BYTES_MAX);
    file.set_len(BUNDLE_BYTES_MAX as u64 + 1).unwrap();
    let failure = read(&path).unwrap_err().to_string();
    assert!(failure.contains("16777216"), "{failure}");
}
