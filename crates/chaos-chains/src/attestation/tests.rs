use std::{fs, path::Path};

use serde_json::Value;

use super::*;

fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/endpoint-attestation");
    fs::read_to_string(Path::new(folder).join(name)).unwrap()
}

/// The first development account of anvil and hardhat, published with them.
fn signer() -> Signer {
    Signer::from_hex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80").unwrap()
}

/// What the typed data of the fixture is about.
struct Case {
    chain: ChainId,
    endpoint: Address,
    submitter: Address,
    receipt: Digest,
    checkpoint: Digest,
}

const URI: &str = "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk";

fn case() -> Case {
    let typed: Value = serde_json::from_str(&fixture("typed-data.json")).unwrap();
    let (domain, message) = (&typed["domain"], &typed["message"]);
    let uri_hash: B256 = message["uriHash"].as_str().unwrap().parse().unwrap();
    assert_eq!(uri_hash, keccak256(URI));
    let digest = |name: &str| {
        let word: B256 = message[name].as_str().unwrap().parse().unwrap();
        Digest::from_bytes(word.0)
    };
    Case {
        chain: ChainId::evm(domain["chainId"].as_u64().unwrap()),
        endpoint: domain["verifyingContract"].as_str().unwrap().parse().unwrap(),
        submitter: message["submitter"].as_str().unwrap().parse().unwrap(),
        receipt: digest("receipt"),
        checkpoint: digest("checkpoint"),
    }
}

impl Case {
    const fn submission(&self) -> Submission<'_> {
        let Self { chain, endpoint, submitter, .. } = self;
        Submission { chain, endpoint: *endpoint, submitter: *submitter, uri: URI }
    }

    fn attestation(&self) -> Attestation {
        let (signer, submission) = (signer(), self.submission());
        let signing = Attestation::sign(&signer, &submission, self.receipt, self.checkpoint);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(signing).unwrap()
    }
}

/// Two other programs signed the same typed data with the same key; this one signs and lays out the same.
#[test]
fn the_signature_is_the_one_that_cast_makes() {
    let (case, expected) = (case(), fixture("signature.txt"));
    let bytes = case.attestation().to_bytes();
    assert_eq!(hex::encode(&bytes[65..]), expected.trim().trim_start_matches("0x"));
    assert_eq!(bytes[0], 2);
    assert_eq!(&bytes[1..33], case.receipt.as_bytes());
    assert_eq!(&bytes[33..65], case.checkpoint.as_bytes());
    assert_eq!(hex::encode(bytes), fixture("attestation.txt").trim());
}

#[test]
fn a_remote_signer_is_given_the_same_typed_data() {
    let case = case();
    let typed = case.submission().typed(&case.receipt, &case.checkpoint).unwrap();
    // An address has capitals or none.
    let lower = |text: &str| serde_json::from_str::<Value>(&text.to_lowercase()).unwrap();
    assert_eq!(lower(&typed.json.to_string()), lower(&fixture("typed-data.json")));
}

#[test]
fn what_is_signed_for_one_submission_holds_for_no_other() {
    let case = case();
    let (attestation, right) = (case.attestation(), case.submission());
    let account = signer().address();
    attestation.ensure_by(account, &right).unwrap();
    let chain = ChainId::evm(1);
    let others = [
        Submission { chain: &chain, ..right },
        Submission { endpoint: Address::repeat_byte(0x12), ..right },
        Submission { submitter: account, ..right },
        Submission { uri: "ni:///sha-256;other", ..right },
    ];
    for other in others {
        let error = attestation.ensure_by(account, &other).unwrap_err();
        assert!(matches!(error, AttestationError::SignedByAnother { .. }), "{error}");
    }
    let swapped = Attestation {
        receipt: attestation.checkpoint,
        checkpoint: attestation.receipt,
        ..attestation
    };
    assert!(swapped.ensure_by(account, &right).is_err());
    assert!(attestation.ensure_by(right.submitter, &right).is_err());
    let bitcoin: ChainId = "bip122:000000000019d6689c085ae165831e93".parse().unwrap();
    let elsewhere = Submission { chain: &bitcoin, ..right };
    let error = attestation.ensure_by(account, &elsewhere).unwrap_err();
    assert!(matches!(error, AttestationError::Chain { .. }), "{error}");
}

#[test]
fn no_flipped_bit_leaves_an_attestation_that_holds() {
    let case = case();
    let bytes = case.attestation().to_bytes();
    for bit in 0..8 * FULL_BYTES {
        let mut flipped = bytes;
        flipped[bit / 8] ^= 1 << (bit % 8);
        let holds = decode(&flipped).is_ok_and(|carried| match carried {
            Carried::Full(it) => it.ensure_by(signer().address(), &case.submission()).is_ok(),
            Carried::Digest(_) | Carried::First { .. } => true,
        });
        assert!(!holds, "bit {bit}");
    }
}

/// One signature has one spelling: neither the twin with s in the upper half nor v as 0 or 1.
#[test]
fn refuses_a_second_spelling_of_the_signature() {
    let attestation = case().attestation();
    let twin = alloy_primitives::uint!(
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256
    ) - attestation.signature.s();
    let (r, v) = (attestation.signature.r(), !attestation.signature.v());
    let twin = Attestation { signature: Signature::new(r, twin, v), ..attestation };
    let error = decode(&twin.to_bytes()).unwrap_err();
    assert!(matches!(error, AttestationError::Signature), "{error}");
    let mut bytes = attestation.to_bytes();
    bytes[FULL_BYTES - 1] -= 27;
    let error = decode(&bytes).unwrap_err();
    assert!(matches!(error, AttestationError::Signature), "{error}");
}

#[test]
fn the_digest_form_names_the_full_one() {
    let attestation = case().attestation();
    let carried = decode(attestation.digest().as_bytes()).unwrap();
    assert_eq!(carried, Carried::Digest(Digest::of(&attestation.to_bytes())));
}

#[test]
fn refuses_another_version() {
    let mut bytes = case().attestation().to_bytes();
    bytes[0] = 3;
    let error = decode(&bytes).unwrap_err();
    assert!(matches!(error, AttestationError::Version { found: 3 }), "{error}");
}

/// The first edition's bytes: the words of the Solidity ABI specification, head with the digest and the
/// offset 0x40, tail with the length and the padded text.
fn first_edition(receipt: &str, note: &str) -> Vec<u8> {
    let padding = "00".repeat(note.len().next_multiple_of(32) - note.len());
    let text = hex::encode(note);
    hex::decode(format!("{receipt}{:064x}{:064x}{text}{padding}", 0x40, note.len())).unwrap()
}

#[test]
fn layout_is_the_solidity_abi_encoding() {
    let bytes = first_edition(&"ab".repeat(32), "note\n");
    assert_eq!((B256::repeat_byte(0xab), "note\n".to_owned()).abi_encode_params(), bytes);
    let carried = decode(&bytes).unwrap();
    let receipt = Digest::from_bytes([0xab; 32]);
    assert_eq!(carried, Carried::First { receipt, checkpoint: "note\n".to_owned() });
    // Also one that begins like the second edition, and the shortest.
    assert!(matches!(decode(&first_edition(&"02".repeat(32), "n")), Ok(Carried::First { .. })));
    assert!(matches!(decode(&first_edition(&"02".repeat(32), "")), Ok(Carried::First { .. })));
}

#[test]
fn refuses_truncated_and_foreign_bytes() {
    let bytes = first_edition(&"01".repeat(32), "note\n");
    assert!(decode(&bytes[..bytes.len() - 32]).is_err());
    assert!(decode(b"").is_err());
    assert!(decode(&[0xff; 96]).is_err());
    let full = case().attestation().to_bytes();
    assert!(decode(&full[..FULL_BYTES - 1]).is_err());
    assert!(decode(&[full.as_slice(), &[0]].concat()).is_err());
    let long = first_edition(&"01".repeat(32), &"n".repeat(CHECKPOINT_BYTES_MAX + 1));
    let error = decode(&long).unwrap_err();
    assert!(matches!(error, AttestationError::TooLong { .. }), "{error}");
}
