use chaos_attestation::ReasonCode;
use proptest::prelude::*;

use super::*;
use crate::{Reason, tests::random, wire};

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec()).unwrap()
}

fn id(text: &str) -> SecretId {
    text.parse().unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn source(byte: u8) -> KeyFile {
    KeyFile::new(&Secret::new(vec![byte; 32]).unwrap()).unwrap()
}

/// A vault with two secrets of two tenants under the key of sevens.
fn vault() -> Vault {
    let mut random = random(1);
    let mut vault = Vault::create(&source(7), &mut random).unwrap();
    vault.store(id("a/key"), name("exchange"), &secret("alpha-alpha"), &mut random).unwrap();
    vault.store(id("b/key"), name("exchange"), &secret("bravo-bravo"), &mut random).unwrap();
    vault
}

fn refused<T>(result: Result<T, Refusal>) -> Reason {
    result.err().expect("it is refused").code
}

#[test]
fn what_was_stored_is_opened_again_from_the_file() {
    let bytes = vault().to_bytes(&mut random(2)).unwrap();
    let vault = Vault::from_bytes(&bytes, &source(7)).unwrap();
    let (version, opened) = vault.open(&id("a/key")).unwrap();
    assert_eq!((version, opened.expose()), (1, &b"alpha-alpha"[..]));
    assert_eq!(vault.open(&id("b/key")).unwrap().1.expose(), b"bravo-bravo");
    assert_eq!(refused(vault.open(&id("c/key"))), Fault::SecretUnknown);
}

#[test]
fn the_passphrase_opens_and_another_does_not() {
    let mut random = random(1);
    let right = Passphrase::new(secret("correct horse"));
    let mut vault = Vault::create(&right, &mut random).unwrap();
    vault.store(id("a/key"), name("exchange"), &secret("alpha-alpha"), &mut random).unwrap();
    let bytes = vault.to_bytes(&mut random).unwrap();
    let opened = Vault::from_bytes(&bytes, &right).unwrap();
    assert_eq!(opened.open(&id("a/key")).unwrap().1.expose(), b"alpha-alpha");
    let wrong = Passphrase::new(secret("correct horsf"));
    assert_eq!(refused(Vault::from_bytes(&bytes, &wrong)), Fault::VaultInvalid);
    assert_eq!(refused(Vault::from_bytes(&bytes, &source(7))), Fault::VaultInvalid);
}

#[test]
fn another_key_file_does_not_open() {
    let bytes = vault().to_bytes(&mut random(2)).unwrap();
    assert_eq!(refused(Vault::from_bytes(&bytes, &source(8))), Fault::VaultInvalid);
    let short = Secret::new(vec![7; 31]).unwrap();
    assert_eq!(refused(KeyFile::new(&short)), Fault::VaultInvalid);
}

#[test]
fn records_cannot_be_swapped_within_or_between_vaults() {
    let mut swapped = vault();
    let record = swapped.records[&id("b/key")].clone();
    swapped.records.insert(id("a/key"), record);
    assert_eq!(refused(swapped.open(&id("a/key"))), Fault::VaultInvalid);

    let mut repurposed = vault();
    repurposed.records.get_mut(&id("a/key")).unwrap().purpose = name("signing");
    assert_eq!(refused(repurposed.open(&id("a/key"))), Fault::VaultInvalid);

    let mut older = vault();
    let first = older.records[&id("a/key")].clone();
    older.rotate(&id("a/key"), &secret("alpha-two"), &mut random(3)).unwrap();
    older.records.get_mut(&id("a/key")).unwrap().sealed = first.sealed;
    assert_eq!(refused(older.open(&id("a/key"))), Fault::VaultInvalid);

    // Even under the same data key.
    let (one, mut other) = (vault(), vault());
    other.id = Hex([9; 16]);
    other.records = one.records.clone();
    assert_eq!(refused(other.open(&id("a/key"))), Fault::VaultInvalid);
}

#[test]
fn a_record_can_be_neither_dropped_nor_unrevoked_in_the_file() {
    let mut before = vault();
    let whole = before.to_bytes(&mut random(2)).unwrap();
    before.revoke(&id("a/key")).unwrap();
    let after = before.to_bytes(&mut random(3)).unwrap();
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    let mut unrevoked = json(&after);
    unrevoked["body"]["records"] = json(&whole)["body"]["records"].clone();
    let mut dropped = json(&whole);
    dropped["body"]["records"].as_array_mut().unwrap().pop();
    for changed in [unrevoked, dropped] {
        let bytes = wire::to_bytes(&changed).unwrap();
        assert_eq!(refused(Vault::from_bytes(&bytes, &source(7))), Fault::VaultInvalid);
    }
}

#[test]
fn rotation_counts_up_and_revocation_is_for_ever() {
    let mut random = random(4);
    let mut vault = vault();
    let key = id("a/key");
    let again = vault.store(key.clone(), name("exchange"), &secret("again"), &mut random);
    assert_eq!(refused(again), Fault::SecretExists);
    assert_eq!(vault.rotate(&key, &secret("alpha-two"), &mut random).unwrap(), 2);
    let (version, opened) = vault.open(&key).unwrap();
    assert_eq!((version, opened.expose()), (2, &b"alpha-two"[..]));
    vault.revoke(&key).unwrap();
    assert_eq!(refused(vault.open(&key)), Fault::SecretRevoked);
    assert_eq!(refused(vault.revoke(&key)), Fault::SecretRevoked);
    assert_eq!(refused(vault.rotate(&key, &secret("x"), &mut random)), Fault::SecretRevoked);
    let again = vault.store(key, name("exchange"), &secret("x"), &mut random);
    assert_eq!(refused(again), Fault::SecretRevoked);
    let listed: Vec<_> = vault.index().map(|listed| (listed.version, listed.revoked)).collect();
    assert_eq!(listed, [(2, true), (1, false)]);
}

#[test]
fn secrets_have_bounds() {
    assert_eq!(refused(Secret::new(Vec::new())), Fault::SecretInvalid);
    assert_eq!(refused(Secret::new(vec![0; SECRET_BYTES_MAX + 1])), Fault::SecretInvalid);
    assert_eq!(Secret::new(vec![0; SECRET_BYTES_MAX]).unwrap().expose().len(), SECRET_BYTES_MAX);
}

#[test]
fn a_vault_of_more_bytes_than_vaults_have_is_not_read() {
    let bytes = vec![b' '; VAULT_BYTES_MAX + 1];
    assert_eq!(refused(Vault::from_bytes(&bytes, &source(7))), ReasonCode::MessageTooLarge);
}

#[test]
fn neither_file_nor_debug_shows_a_secret_or_key() {
    let mut random = random(1);
    let passphrase = Passphrase::new(secret("correct horse"));
    let mut vault = Vault::create(&passphrase, &mut random).unwrap();
    vault.store(id("a/key"), name("exchange"), &secret("alpha-alpha"), &mut random).unwrap();
    let file = String::from_utf8(vault.to_bytes(&mut random).unwrap()).unwrap();
    let key = source(0xab);
    let (_, opened) = vault.open(&id("a/key")).unwrap();
    let shown = format!("{file} {vault:?} {passphrase:?} {key:?} {opened:?} {:?}", vault.key);
    let encoded = |bytes: &[u8]| {
        use base64::Engine as _;
        let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
        [hex::encode(bytes), base64, format!("{bytes:?}"), format!("{bytes:x?}")]
    };
    let needles = [&b"alpha-alpha"[..], b"correct horse", &[0xab; 32], vault.key.expose()];
    for needle in needles {
        for text in encoded(needle) {
            assert!(!shown.contains(&text), "{text}");
        }
    }
    assert!(!shown.contains("alpha-alpha") && !shown.contains("correct horse"));
}

proptest! {
    /// The file is canonical JSON under a tag: no changed bit is taken for the same vault.
    #[test]
    fn no_flipped_bit_is_accepted(bit in any::<usize>()) {
        let mut bytes = vault().to_bytes(&mut random(2)).unwrap();
        let bit = bit % (8 * bytes.len());
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Vault::from_bytes(&bytes, &source(7)).is_err());
    }

    #[test]
    fn any_secret_comes_back(bytes in prop::collection::vec(any::<u8>(), 1..600)) {
        let mut random = random(1);
        let mut vault = Vault::create(&source(7), &mut random).unwrap();
        let secret = Secret::new(bytes.clone()).unwrap();
        vault.store(id("a/key"), name("exchange"), &secret, &mut random).unwrap();
        let file = vault.to_bytes(&mut random).unwrap();
        let vault = Vault::from_bytes(&file, &source(7)).unwrap();
        let (_, secret) = vault.open(&id("a/key")).unwrap();
        prop_assert_eq!(secret.expose(), &bytes[..]);
    }
}
