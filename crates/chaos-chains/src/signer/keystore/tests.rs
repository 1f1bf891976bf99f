use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Error, FileError, Signer};
use crate::signer::Error as SignerError;

/// The key of both test vectors of the Web3 Secret Storage definition.
const PUBLISHED_KEY: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const PUBLISHED_PASSWORD: &str = "testpassword";
/// Of a keystore that is cheap to open: n = 2.
const CHEAP_PASSWORD: &str = "foo";

/// The definition's test vector of PBKDF2.
fn published_pbkdf2() -> Value {
    json!({
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
    })
}

/// The definition's test vector of scrypt, with r = 1 and p = 8.
fn published_scrypt() -> Value {
    json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
            "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32, "n": 262144, "r": 1, "p": 8,
                "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"
            },
            "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3
    })
}

/// go-ethereum's test vector of a key that begins with a zero which is not written.
fn cheap() -> Value {
    json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "e0c41130a323adc1446fc82f724bca2f"},
            "ciphertext": "9517cd5bdbe69076f9bf5057248c6c050141e970efa36ce53692d5d59a3984",
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32, "n": 2, "r": 8, "p": 1,
                "salt": "711f816911c92d649fb4c84b047915679933555030b3552c1212609b38208c63"
            },
            "mac": "d5e116151c6aa71470e67a7d42c9620c75c4d23229847dcc127794f0732b0db5"
        },
        "id": "fecfc4ce-e956-48fd-953b-30f8b52ed66c",
        "version": 3
    })
}

/// A file in a folder that lives as long.
fn file(keystore: &Value) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.json");
    std::fs::write(&path, keystore.to_string()).unwrap();
    (dir, path)
}

fn open(path: &Path, password: &str) -> Result<Signer, Error> {
    Signer::open_keystore(path, password).map_err(|error| match error {
        SignerError::Keystore(error) => error,
        other => panic!("{other:?}"),
    })
}

/// Opens the cheap keystore after it was changed.
fn changed(change: impl FnOnce(&mut Value)) -> Result<Signer, Error> {
    let mut keystore = cheap();
    change(&mut keystore);
    let (_dir, path) = file(&keystore);
    open(&path, CHEAP_PASSWORD)
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Value), expected: &str) {
    match changed(change).unwrap_err() {
        Error::File { source, .. } => {
            let mut told = source.to_string();
            if let FileError::Form(form) = &source {
                told = format!("{told}: {form}");
            }
            assert!(told.contains(expected), "{told}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn opens_both_published_keystores_and_hides_their_key() {
    let expected = Signer::from_hex(PUBLISHED_KEY).unwrap();
    for keystore in [published_pbkdf2(), published_scrypt()] {
        let (_dir, path) = file(&keystore);
        let signer = open(&path, PUBLISHED_PASSWORD).unwrap();
        assert_eq!(signer.address(), expected.address());
        assert_eq!(format!("{signer:?}"), format!("Signer({})", expected.address()));
    }
}

#[test]
fn names_a_wrong_password_without_showing_it() {
    let (_dir, path) = file(&cheap());
    let error = open(&path, "wrong password").unwrap_err();
    assert!(matches!(error, Error::Locked { .. }));
    assert!(!format!("{error:?} {error}").contains("wrong password"));
}

#[test]
fn opens_a_key_whose_first_zeros_were_not_written() {
    let (_dir, path) = file(&cheap());
    let key = "00fa7b3db73dc7dfdf8c5fbdb796d741e4488628c41fc4febd9160a866ba0f35";
    let expected = Signer::from_hex(key).unwrap().address();
    assert_eq!(open(&path, CHEAP_PASSWORD).unwrap().address(), expected);
}

#[test]
fn opens_the_spellings_that_programs_write() {
    let expected = changed(|_| ()).unwrap().address();
    let same = |change: fn(&mut Value)| assert_eq!(changed(change).unwrap().address(), expected);
    same(|it| drop(it.as_object_mut().unwrap().remove("id")));
    same(|it| it["id"] = json!("no uuid at all"));
    same(|it| it["address"] = json!(""));
    same(|it| {
        let crypto = it.as_object_mut().unwrap().remove("crypto").unwrap();
        it["Crypto"] = crypto;
    });
    same(|it| {
        let mac = format!("0x{}", it["crypto"]["mac"].as_str().unwrap().to_uppercase());
        it["crypto"]["mac"] = json!(mac);
    });
    same(|it| it["x-ethers"] = json!({"client": "ethers.js", "version": "0.1"}));
    let address = expected.to_string();
    for spelt in [address.to_lowercase(), address[2..].to_lowercase(), address] {
        assert_eq!(changed(|it| it["address"] = json!(spelt)).unwrap().address(), expected);
    }
}

#[test]
fn refuses_a_key_of_another_account_than_the_file_names() {
    let found = changed(|_| ()).unwrap().address();
    let stated = "1563915e194d8cfba1943570603f7606a3115508";
    let error = changed(|it| it["address"] = json!(stated)).unwrap_err();
    let told = error.to_string();
    assert!(told.contains(&found.to_string()), "{told}");
    assert!(told.to_lowercase().contains(stated), "{told}");
}

#[test]
fn refuses_a_cost_above_the_limits_before_it_is_paid() {
    let scrypt = |n: u64, r: u64, p: u64| {
        move |it: &mut Value| {
            let params = &mut it["crypto"]["kdfparams"];
            (params["n"], params["r"], params["p"]) = (json!(n), json!(r), json!(p));
        }
    };
    refused(scrypt(1 << 31, 8, 1), "2097152 MiB of memory by its scrypt parameters");
    refused(scrypt(1 << 21, 8, 1), "the limit is 1024");
    refused(scrypt(2, 1 << 40, 1), "MiB of memory");
    refused(scrypt(2, 8, 1 << 40), "MiB of memory");
    refused(scrypt(1 << 63, u64::MAX, u64::MAX), "MiB of memory");
    refused(scrypt(1 << 20, 8, 5), "5120 MiB to be filled");
    let pbkdf2 = |rounds: u64| {
        move |it: &mut Value| {
            *it = published_pbkdf2();
            it["crypto"]["kdfparams"]["c"] = json!(rounds);
        }
    };
    refused(pbkdf2(1 << 31), "2147483648 rounds by its pbkdf2 parameter c, the limit is 10000000");
    refused(pbkdf2((1 << 32) + 1), "4294967297 rounds");
    refused(pbkdf2(0), "expected c from 1 on, found 0");
}

#[test]
fn refuses_parameters_that_are_none() {
    let set = |name: &'static str, value: Value| {
        move |it: &mut Value| it["crypto"]["kdfparams"][name] = value
    };
    refused(set("n", json!(3)), "expected n a power of two");
    refused(set("n", json!(1)), "expected n a power of two");
    refused(set("n", json!(0)), "expected n a power of two");
    refused(set("r", json!(0)), "expected r from 1 on");
    refused(set("p", json!(0)), "expected p from 1 on");
    refused(set("dklen", json!(31)), "expected dklen from 32 on");
    refused(set("n", json!(-2)), "it is no keystore: invalid value");
    refused(set("salt", json!("zz")), "expected salt");
}

#[test]
fn names_what_it_does_not_know() {
    refused(|it| it["version"] = json!(1), "expected version 3, found 1");
    refused(|it| *it = json!({"version": 1, "KeyHeader": {}}), "expected version 3, found 1");
    refused(|it| it["crypto"]["cipher"] = json!("aes-256-gcm"), "expected cipher aes-128-ctr");
    refused(|it| it["crypto"]["kdf"] = json!("argon2id"), "expected kdf scrypt or pbkdf2");
    let other_prf = |it: &mut Value| {
        *it = published_pbkdf2();
        it["crypto"]["kdfparams"]["prf"] = json!("hmac-md5");
    };
    refused(other_prf, "expected prf hmac-sha256");
    refused(|it| it["crypto"]["ciphertext"] = json!(""), "expected ciphertext of 1 to 32 bytes");
    refused(|it| it["crypto"]["ciphertext"] = json!("00".repeat(33)), "found 33 bytes");
    refused(|it| it["crypto"]["cipherparams"]["iv"] = json!("00"), "expected iv of 16 bytes");
    refused(|it| it["address"] = json!("0x00"), "expected address of 20 bytes");
}

#[test]
fn names_a_keystore_that_is_missing_broken_or_too_large() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.json");
    let opened = || open(&path, "").unwrap_err();
    assert!(matches!(opened(), Error::Unreadable { .. }));
    std::fs::write(&path, "{}").unwrap();
    assert!(opened().to_string().contains("key.json"), "{}", opened());
    assert!(matches!(opened(), Error::File { .. }));
    std::fs::write(&path, vec![b' '; 70_000]).unwrap();
    assert!(matches!(opened(), Error::TooLarge { found: 70_000, .. }));
    let endless = open(Path::new("/dev/zero"), "").unwrap_err();
    assert!(matches!(endless, Error::TooLarge { .. }), "{endless}");
}
