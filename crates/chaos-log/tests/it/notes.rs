use chaos_log::{
    Checkpoint, CheckpointError, EMPTY_ROOT, EXTRA_BYTES_MAX, KeyName, LogKey, NOTE_BYTES_MAX,
    Note, NoteError, SignedCheckpoint, TlogProof, TlogProofError, VerifierKey, leaf_hash,
    prove_inclusion,
};
use proptest::prelude::*;

use crate::{fixture, leaf, log_of};

fn key(name: &str, seed: u8) -> LogKey {
    LogKey::from_seed(name.parse().unwrap(), &[seed; 32])
}

fn signed(size: u64) -> SignedCheckpoint {
    let checkpoint = Checkpoint::new("example.com/log", size, log_of(size).root()).unwrap();
    checkpoint.sign(&key("example.com/log", 1)).unwrap()
}

fn proof(index: u64, size: u64) -> TlogProof {
    TlogProof::new(prove_inclusion(&log_of(size), index, size).unwrap(), signed(size)).unwrap()
}

#[track_caller]
fn check_note(bytes: &[u8], expect: &str) {
    assert_eq!(Note::parse(bytes).unwrap_err().to_string(), expect);
}

#[test]
fn damaged_notes_are_refused_by_name() {
    check_note(b"", "note has no empty line between its text and its signatures");
    check_note(b"text\n\n", "note has no empty line between its text and its signatures");
    check_note(b"\xff\n\n", "note is not UTF-8 at byte 0");
    check_note(b"te\txt\n\nx\n", "note has control character 0x09 at byte 2");
    check_note(b"text\r\n\nx\n", "note has control character 0x0d at byte 4");
    check_note(b"text\n\nsigned\n", "signature line 1 is not `\u{2014} <name> <base64>`");
    let line = "\u{2014} a AAAAAAA=\n";
    Note::parse(format!("text\n\n{line}").as_bytes()).unwrap();
    for bad in ["\u{2014} a AAAAAA==\n", "\u{2014} a AAAAAAA\n", "\u{2014} a AAAAAAA= \n"] {
        let expect = "signature line 2 is not `\u{2014} <name> <base64>`";
        check_note(format!("text\n\n{line}{bad}").as_bytes(), expect);
    }
    check_note(
        format!("text\n\n{}", line.trim_end()).as_bytes(),
        "signature line 1 is not `\u{2014} <name> <base64>`",
    );
    check_note(
        "text\n\n\u{2014} a+b AAAAAAA=\n".as_bytes(),
        "signature line 1 does not name a key",
    );
    check_note(
        format!("text\n\n{}", line.repeat(101)).as_bytes(),
        "note has more than 100 signatures",
    );
    check_note(&vec![b'a'; NOTE_BYTES_MAX + 1], "note has 1000001 bytes, the limit is 1000000");
    assert_eq!(Note::new("no newline".to_owned()).unwrap_err(), NoteError::NoFinalNewline);
}

#[test]
fn a_text_with_empty_lines_is_cut_at_the_last_one() {
    let mut note = Note::new("a\n\nb\n\n".to_owned()).unwrap();
    note.sign(&key("k", 1)).unwrap();
    let read = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(read.verify(&[key("k", 1).verifier().clone()]).unwrap(), "a\n\nb\n\n");
}

#[test]
fn a_false_signature_by_a_trusted_key_condemns_the_note() {
    let mut note = Note::new("text\n".to_owned()).unwrap();
    note.sign(&key("good", 1)).unwrap();
    note.sign(&key("other", 2)).unwrap();
    let forged = note.to_string().replace("text\n", "test\n");
    let forged = Note::parse(forged.as_bytes()).unwrap();
    let trusted = [key("good", 1).verifier().clone()];
    let error = forged.verify(&trusted).unwrap_err();
    assert!(matches!(&error, NoteError::BadSignature { name, .. } if name.as_str() == "good"));
    let unknown = [key("good", 3).verifier().clone(), key("third", 1).verifier().clone()];
    let error = note.verify(&unknown).unwrap_err().to_string();
    assert!(error.starts_with("note carries no signature by `good` ("), "{error}");
}

#[test]
fn keys_are_read_in_their_one_form_only() {
    let text = fixture("notes.json")["go_note"]["verifier_key"].as_str().unwrap().to_owned();
    let check = |text: &str, expect: &str| {
        assert_eq!(text.parse::<VerifierKey>().unwrap_err().to_string(), expect);
    };
    let form = "expected a verifier key `<name>+<8 hexadecimal digits>+<base64>`";
    check("", form);
    check("PeterNeumann", form);
    check(&text[..text.len() - 1], form);
    check(&text.replace("+ARpc", "+Rpc"), form);
    check(
        &text.replace("c74f20a3", "C74F20A3"),
        "key `PeterNeumann` says id C74F20A3, expected c74f20a3",
    );
    check(&text.replace("Peter", "Paul"), "key `PaulNeumann` says id c74f20a3, expected 55e343b6");
    check(
        &text.replace("+AR", "+Ah"),
        "key `PeterNeumann` has signature type 0x02, expected 0x01 (Ed25519)",
    );
    let zero = [0; 32];
    let error = VerifierKey::new("zero".parse().unwrap(), &zero).unwrap_err();
    assert_eq!(error.to_string(), "key `zero` holds no usable Ed25519 public key");
    for name in ["", "a b", "a+b", "a\nb", "a\u{2003}b"] {
        assert!(name.parse::<KeyName>().is_err(), "{name:?}");
    }
}

#[test]
fn errors_and_debug_output_keep_the_secret() {
    let key = key("example.com/log", 1);
    let secret = key.to_secret();
    assert_eq!(LogKey::from_secret(&secret).unwrap().verifier(), key.verifier());
    let data = secret.rsplit('+').next().unwrap();
    assert!(!format!("{key:?}").contains(data));
    for damaged in [&secret[1..], &secret[..secret.len() - 1], &secret.replace("log", "lag")] {
        let error = LogKey::from_secret(damaged).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(&data[..data.len() - 1]), "{error}");
    }
}

#[track_caller]
fn check_checkpoint(text: &str, expect: &str) {
    assert_eq!(Checkpoint::parse(text).unwrap_err().to_string(), expect);
}

#[test]
fn damaged_checkpoints_are_refused_by_name() {
    let root = EMPTY_ROOT.to_string();
    check_checkpoint("", "checkpoint lacks its origin line");
    check_checkpoint("log\n", "checkpoint lacks its size line");
    check_checkpoint("log\n0\n", "checkpoint lacks its root line");
    check_checkpoint(
        &format!("log\n0\n{root}"),
        "line 3 of the checkpoint is empty or not ended by a newline",
    );
    check_checkpoint(
        &format!("log\n\n{root}\n"),
        "line 2 of the checkpoint is empty or not ended by a newline",
    );
    for size in ["00", "+1", "-1", "1 ", "0x1", "18446744073709551616"] {
        check_checkpoint(
            &format!("log\n{size}\n{root}\n"),
            &format!("tree size must be a decimal number without leading zeros, found `{size}`"),
        );
    }
    check_checkpoint("log\n0\nAAAA\n", "checkpoint has no root hash");
    let extended = format!("log\n18446744073709551615\n{root}\nsome extension\n");
    let checkpoint = Checkpoint::parse(&extended).unwrap();
    assert_eq!(checkpoint.extensions(), ["some extension"]);
    assert_eq!(checkpoint.to_string(), extended);
    assert!(Checkpoint::new("", 0, EMPTY_ROOT).is_err());
    assert!(Checkpoint::new("a\nb", 0, EMPTY_ROOT).is_err());
}

#[test]
fn a_checkpoint_counts_only_under_its_own_logs_key() {
    let signed = signed(5);
    let error = signed.verify(key("example.com/log", 2).verifier()).unwrap_err();
    assert!(matches!(error, CheckpointError::Note(NoteError::Unsigned { .. })), "{error:?}");
    let error = signed.verify(key("example.com/other", 1).verifier()).unwrap_err();
    let expect = "checkpoint is of log `example.com/log`, expected `example.com/other`";
    assert_eq!(error.to_string(), expect);
    let error = signed.claimed().clone().sign(&key("example.com/other", 1)).unwrap_err();
    assert_eq!(error.to_string(), expect);
}

#[test]
fn a_proof_has_the_lines_of_the_specification() {
    let text = proof(2, 3).with_extra(b"extra information".to_vec()).unwrap().to_string();
    let sibling = chaos_log::root_at(&log_of(2), 2).unwrap();
    let expect = format!(
        "c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 2\n{sibling}\n\n{}",
        signed(3)
    );
    assert_eq!(text, expect);
    let read = TlogProof::parse(text.as_bytes()).unwrap();
    assert_eq!(read.extra(), Some(b"extra information".as_slice()));
    let key = key("example.com/log", 1);
    assert_eq!(read.verify(&leaf_hash(&leaf(2)), key.verifier()).unwrap().size(), 3);
    read.verify_inclusion(&leaf_hash(&leaf(2))).unwrap();
    assert_eq!(
        read.verify(&leaf_hash(&leaf(1)), key.verifier()).unwrap_err().to_string(),
        "leaf is not proven to be in the log"
    );
    assert!(proof(0, 1).with_extra(vec![0; EXTRA_BYTES_MAX + 1]).is_err());
    let longest = proof(0, 1).with_extra(vec![0; EXTRA_BYTES_MAX]).unwrap();
    assert_eq!(TlogProof::parse(longest.to_string().as_bytes()).unwrap(), longest);
}

#[test]
fn damaged_proofs_are_refused_by_name() {
    let text = proof(2, 3).to_string();
    let check = |from: &str, to: &str, expect: &str| {
        let error = TlogProof::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expect);
    };
    check(
        "@v1",
        "@v2",
        "line 1 of the proof should be `c2sp.org/tlog-proof@v1`, found `c2sp.org/tlog-proof@v2`",
    );
    check(
        "index 2",
        "index 02",
        "line 2 of the proof should be `index <decimal number>`, found `index 02`",
    );
    check(
        "index 2",
        "extra A\nindex 2",
        "line 2 of the proof should be `extra <base64>`, found `extra A`",
    );
    check("index 2\n", "index 2\nAAAA\n", "line 3 of the proof is not a hash");
    check("index 2", "index 3", "leaf is not proven to be in the log");
    let hash = format!("index 2\n{}", format!("{EMPTY_ROOT}\n").repeat(65));
    let expect = format!(
        "line 67 of the proof should be empty, after at most 64 hashes, found `{EMPTY_ROOT}`"
    );
    check("index 2\n", &hash, &expect);
    assert_eq!(
        TlogProof::parse(b"c2sp.org/tlog-proof@v1\nindex 0").unwrap_err().to_string(),
        "line 2 of the proof should be a line ended by a newline, found `index 0`"
    );
    let other = TlogProof::new(prove_inclusion(&log_of(3), 2, 3).unwrap(), signed(4)).unwrap_err();
    assert_eq!(other, TlogProofError::Size { expected: 4, found: 3 });
}

proptest! {
    #[test]
    fn no_byte_of_a_proof_can_change_unnoticed(
        size in 1u64..40, at in any::<(u64, usize)>(), flip in 1u8..=255,
    ) {
        let index = at.0 % size;
        let mut bytes = proof(index, size).to_string().into_bytes();
        let position = at.1 % bytes.len();
        bytes[position] ^= flip;
        let key = key("example.com/log", 1);
        let accepted = TlogProof::parse(&bytes)
            .and_then(|proof| proof.verify(&leaf_hash(&leaf(index)), key.verifier()).cloned());
        prop_assert!(accepted.is_err(), "byte {} of {:?}", position, String::from_utf8_lossy(&bytes));
    }
}
