use tempfile::TempDir;

use super::*;

#[test]
fn no_name_leads_out_of_the_folder() {
    let dir = TempDir::new().unwrap();
    let keys = Keys::new(dir.path(), Some("test"));
    for name in ["../../evil", "/tmp/evil", "a/b", "a\\b", "..", ".hidden", "", "Ada", "a\0b"] {
        let failure = keys.open_or_create(name).unwrap_err().to_string();
        assert!(failure.contains("cannot name a key file"), "{name}: {failure}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn half_written_file_is_never_taken_for_a_key() {
    let dir = TempDir::new().unwrap();
    let keys = Keys::new(dir.path(), Some("test"));
    fs::create_dir(dir.path().join("keys")).unwrap();
    fs::write(dir.path().join("keys/ada.part"), "-----BEGIN ENCR").unwrap();
    let made = keys.open_or_create("ada").unwrap();
    assert_eq!(keys.open("ada").unwrap().did(), made.did());
    assert_eq!(fs::read_dir(dir.path().join("keys")).unwrap().count(), 1);
}
