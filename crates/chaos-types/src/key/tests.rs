use proptest::prelude::*;

use super::*;

/// Test vector 1 of RFC 8032 section 7.1, and the did:key of a key published in the did:key
/// specification's Ed25519 examples (`z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp`).
#[test]
fn agrees_with_rfc_8032_and_the_did_key_examples() {
    let seed: [u8; 32] =
        hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
            .unwrap()
            .try_into()
            .unwrap();
    let key = AgentKey::from_seed(&seed);
    assert_eq!(
        hex::encode(key.did().as_bytes()),
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    );
    assert_eq!(
        hex::encode(key.sign(b"")),
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    );
    let did: Did = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp".parse().unwrap();
    assert_eq!(
        hex::encode(did.as_bytes()),
        "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
    );
}

#[test]
fn refuses_dids_of_other_keys_and_spellings() {
    for text in [
        "",
        "did:key:z6Mk",
        "did:web:example.com",
        // a secp256k1 did:key
        "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
        "did:key:Z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
    ] {
        assert!(text.parse::<Did>().is_err(), "{text}");
    }
}

#[test]
fn key_file_opens_with_its_password_only() {
    let key = AgentKey::from_seed(&[7; 32]);
    let pem = key.to_encrypted_pem(b"correct horse", &[1; 16], [2; 16]).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let read = AgentKey::from_encrypted_pem(&pem, b"correct horse").unwrap();
    assert_eq!(read.did(), key.did());
    assert!(AgentKey::from_encrypted_pem(&pem, b"wrong").is_err());
}

#[test]
fn debug_shows_the_public_half_only() {
    let key = AgentKey::from_seed(&[7; 32]);
    let shown = format!("{key:?}");
    assert!(shown.contains("did:key") && !shown.contains(&hex::encode([7; 32])));
}

proptest! {
    #[test]
    fn did_text_round_trips(seed: [u8; 32]) {
        let did = AgentKey::from_seed(&seed).did();
        prop_assert_eq!(did.to_string().parse::<Did>().unwrap(), did);
    }
}
