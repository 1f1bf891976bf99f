use tempfile::TempDir;

use super::*;

const SYSTEM: System = System {
    kinds: chaos_agency::Kinds::new(&[]),
    now_ms: || 1_767_225_600_000,
    random: |bytes| {
        bytes.fill(7);
        Ok(())
    },
};

fn password() -> Password {
    "test".to_owned().into()
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let dir = TempDir::new().unwrap();
    let password = password();
    let keys = Keys::new(dir.path(), Some(&password), SYSTEM);
    for name in ["../../evil", "/tmp/evil", "a/b", "a\\b", "..", ".hidden", "", "Ada", "a\0b"] {
        let failure = keys.open_or_create(name).unwrap_err().to_string();
        assert!(failure.contains("cannot name a key file"), "{name}: {failure}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn half_written_file_is_never_taken_for_a_key() {
    let dir = TempDir::new().unwrap();
    let password = password();
    let keys = Keys::new(dir.path(), Some(&password), SYSTEM);
    fs::create_dir(dir.path().join("keys")).unwrap();
    // The second is how earlier versions named it.
    for name in ["keys/ada.pem.part", "keys/ada.part"] {
        fs::write(dir.path().join(name), "-----BEGIN ENCR").unwrap();
    }
    let made = keys.open_or_create("ada").unwrap();
    assert_eq!(keys.open("ada").unwrap().did(), made.did());
    assert_eq!(fs::read_dir(dir.path().join("keys")).unwrap().count(), 1);
}

#[test]
fn empty_password_is_none() {
    let dir = TempDir::new().unwrap();
    let empty = Password::from(String::new());
    for password in [None, Some(&empty)] {
        let failure = Keys::new(dir.path(), password, SYSTEM).open_or_create("ada").unwrap_err();
        assert!(matches!(failure, Error::NoPassword), "{failure}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn password_is_never_shown() {
    assert_eq!(format!("{:?}", password()), "Password");
}
