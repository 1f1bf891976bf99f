use super::{Error, Signer};
use crate::signer::Error as SignerError;

/// The first test vector of the Web3 Secret Storage definition (PBKDF2-SHA-256).
const PUBLISHED_KEYSTORE: &str = r#"{
  "crypto": {
    "cipher": "aes-128-ctr",
    "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
    "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    "kdf": "pbkdf2",
    "kdfparams": {
      "c": 262144, "dklen": 32, "prf": "hmac-sha256",
      "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"
    },
    "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
  },
  "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  "version": 3
}"#;
const PUBLISHED_KEY: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";

#[test]
fn opens_the_published_keystore_and_hides_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.json");
    std::fs::write(&path, PUBLISHED_KEYSTORE).unwrap();
    let signer = Signer::open_keystore(&path, "testpassword").unwrap();
    let expected = Signer::from_hex(PUBLISHED_KEY).unwrap();
    assert_eq!(signer.address(), expected.address());
    assert_eq!(format!("{signer:?}"), format!("Signer({})", expected.address()));

    let error = Signer::open_keystore(&path, "wrong password").unwrap_err();
    assert!(matches!(error, SignerError::Keystore(Error::Locked { .. })));
    assert!(!format!("{error:?} {error}").contains("wrong password"));
}

#[test]
fn names_a_keystore_that_is_missing_broken_or_too_large() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.json");
    let opened = || match Signer::open_keystore(&path, "") {
        Err(SignerError::Keystore(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(opened(), Error::Unreadable { .. }));
    std::fs::write(&path, "{}").unwrap();
    assert!(opened().to_string().contains("key.json"), "{}", opened());
    std::fs::write(&path, vec![b' '; 70_000]).unwrap();
    assert!(matches!(opened(), Error::TooLarge { found: 70_000, .. }));
}
