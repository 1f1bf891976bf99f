//! Laws that the fuzz targets under `fuzz/` hold as well, here on a few thousand inputs per run:
//! no decoder panics, and whatever one accepts is written again byte for byte.

use chaos_log::{
    Checkpoint, ForkProof, Note, Policy, Signature, SignedCheckpoint, TilePath, TlogProof,
    VerifierKey, WitnessVerifier, map,
};
use proptest::prelude::*;

/// Text that is mostly made of what the formats are made of.
fn near_miss() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n"),
        Just("\n\n"),
        Just("\u{2014} "),
        Just("example.com/log"),
        Just(" "),
        Just("AAAAAAA="),
        Just("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        Just("c2sp.org/tlog-proof@v1\n"),
        Just("index "),
        Just("extra "),
        Just("tile/"),
        Just("entries/"),
        Just("x001/"),
        Just("067"),
        Just(".p/"),
        Just("0"),
        Just("1"),
        Just("12"),
        Just("+"),
        Just("chaoschain-fork/1\nkind root\nlog "),
        Just("witness "),
        Just("group "),
        Just("quorum "),
        Just("none"),
        Just("any "),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn check(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
    }
    if let Ok(lines) = Signature::parse_lines(bytes) {
        let written: String = lines.iter().map(ToString::to_string).collect();
        assert_eq!(written.as_bytes(), bytes);
    }
    if let Ok(proof) = ForkProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
    }
    if let Ok(node) = map::Node::from_bytes(bytes) {
        assert_eq!(node.to_bytes(), bytes);
    }
    if let Ok(policy) = Policy::parse(bytes) {
        assert!(!policy.quorum().is_empty());
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.to_string(), text);
    }
    if let Ok(checkpoint) = SignedCheckpoint::parse(bytes) {
        assert_eq!(checkpoint.to_string().as_bytes(), bytes);
    }
    if let Ok(proof) = TlogProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
    }
    if let Ok(path) = text.parse::<TilePath>() {
        assert_eq!(path.to_string(), text);
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(key) = text.parse::<WitnessVerifier>() {
        assert_eq!(key.to_string(), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn accepted_texts_are_written_again_byte_for_byte(text in near_miss()) {
        check(text.as_bytes());
    }

    #[test]
    fn arbitrary_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }
}
