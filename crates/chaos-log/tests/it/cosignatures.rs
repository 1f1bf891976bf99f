//! Cosignatures and policies against notes that Python signed and judged
//! (`fixtures/log/cosignatures.py`).

use chaos_log::{
    COSIGNATURE_TIME_S_MAX, Checkpoint, CosignError, EMPTY_ROOT, LogKey, NoteError,
    POLICY_MEMBERS_MAX, Policy, Signature, SignedCheckpoint, UnsatisfiedError, VerifierKey,
    WitnessKey, WitnessVerifier,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::{bytes_from_hex, fixture};

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn note(vectors: &Value, name: &str) -> SignedCheckpoint {
    SignedCheckpoint::parse(text(vectors, name).as_bytes()).unwrap()
}

fn witness_of(value: &Value) -> WitnessKey {
    let seed = bytes_from_hex(text(value, "seed")).try_into().unwrap();
    WitnessKey::from_seed(text(value, "name").parse().unwrap(), &seed)
}

fn line(text: &str) -> Signature {
    let [line] = Signature::parse_lines(text.as_bytes()).unwrap().try_into().unwrap();
    line
}

#[test]
fn signs_the_cosignatures_that_python_signs() {
    let vectors = fixture("cosignatures.json");
    let signed = note(&vectors, "signed");
    for value in vectors["witnesses"].as_array().unwrap() {
        let witness = witness_of(value);
        assert_eq!(witness.verifier().to_string(), text(value, "verifier_key"));
        let time_s = value["time_s"].as_u64().unwrap();
        let signature = witness.cosign(&signed, time_s).unwrap();
        assert_eq!(signature.to_string(), text(value, "cosignature"));
    }
}

#[test]
fn finds_each_cosignature_below_a_note_and_passes_over_lines_of_other_keys() {
    let vectors = fixture("cosignatures.json");
    let cosigned = note(&vectors, "cosigned");
    assert_eq!(cosigned.to_string(), text(&vectors, "cosigned"));
    for value in vectors["witnesses"].as_array().unwrap() {
        let key: WitnessVerifier = text(value, "verifier_key").parse().unwrap();
        assert_eq!(key.cosigned(&cosigned).unwrap(), value["time_s"].as_u64());
        assert_eq!(key.cosigned(&note(&vectors, "signed")).unwrap(), None);
    }
    let log: VerifierKey = text(&vectors["log"], "verifier_key").parse().unwrap();
    assert_eq!(cosigned.verify(&log).unwrap().size(), 20_852_163);
    let stranger = witness("witness.example.com/stranger", 99);
    assert_eq!(stranger.verifier().cosigned(&cosigned).unwrap(), None);
}

#[test]
fn a_cosignature_covers_extension_lines() {
    let vectors = fixture("cosignatures.json");
    let key: WitnessVerifier = text(&vectors["witnesses"][0], "verifier_key").parse().unwrap();
    assert!(key.cosigned(&note(&vectors, "extended")).unwrap().is_some());
    let changed = text(&vectors, "extended").replace("an extension", "no extension");
    let changed = SignedCheckpoint::parse(changed.as_bytes()).unwrap();
    assert!(matches!(key.cosigned(&changed), Err(NoteError::BadSignature { .. })));
}

#[test]
fn reads_the_time_of_the_cosignature_in_the_specification() {
    // The key of this example is not published, so that only its form can be compared.
    let line = line(
        "\u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n",
    );
    assert_eq!(line.bytes().len(), 72);
    assert_eq!(u64::from_be_bytes(line.bytes()[..8].try_into().unwrap()), 1_679_315_147);
}

fn witness(name: &str, seed: u8) -> WitnessKey {
    WitnessKey::from_seed(name.parse().unwrap(), &[seed; 32])
}

fn signed(size: u64) -> SignedCheckpoint {
    let log = LogKey::from_seed("example.com/log".parse().unwrap(), &[1; 32]);
    Checkpoint::new("example.com/log", size, EMPTY_ROOT).unwrap().sign(&log).unwrap()
}

#[test]
fn a_false_line_under_a_known_key_condemns_the_note() {
    let key = witness("example.org/w", 2);
    let mut other = signed(1);
    other.add(key.cosign(&signed(2), 5).unwrap()).unwrap();
    let refusal = key.verifier().cosigned(&other).unwrap_err();
    assert!(matches!(refusal, NoteError::BadSignature { .. }), "{refusal}");
    // One good line beside it does not save it.
    other.add(key.cosign(&signed(1), 5).unwrap()).unwrap();
    assert!(key.verifier().cosigned(&other).is_err());
    let policy = policy(&format!("witness w {}\nquorum none\n", key.verifier()));
    assert!(matches!(policy.witnessed(&other), Err(UnsatisfiedError::Cosignature(_))));
}

#[test]
fn the_earliest_of_several_cosignatures_counts() {
    let key = witness("example.org/w", 2);
    let mut note = signed(1);
    for time_s in [9, 7, 8, 7] {
        note.add(key.cosign(&signed(1), time_s).unwrap()).unwrap();
    }
    assert_eq!(key.verifier().cosigned(&note).unwrap(), Some(7));
    assert_eq!(note.note().signatures().len(), 4, "the same line is not added twice");
}

#[test]
fn times_out_of_range_are_neither_signed_nor_accepted() {
    let key = witness("example.org/w", 2);
    for time_s in [0, COSIGNATURE_TIME_S_MAX + 1, u64::MAX] {
        assert_eq!(key.cosign(&signed(1), time_s), Err(CosignError::Time { found: time_s }));
    }
    assert!(key.cosign(&signed(1), COSIGNATURE_TIME_S_MAX).is_ok());
}

#[test]
fn keys_of_logs_and_of_witnesses_do_not_pass_for_each_other() {
    let (log, witness) = (
        LogKey::from_seed("example.com/log".parse().unwrap(), &[1; 32]),
        WitnessKey::from_seed("example.com/log".parse().unwrap(), &[1; 32]),
    );
    let refusal = witness.verifier().to_string().parse::<VerifierKey>().unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "key `example.com/log` has signature type 0x04, expected 0x01 (Ed25519)"
    );
    let refusal = log.verifier().to_string().parse::<WitnessVerifier>().unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "key `example.com/log` has signature type 0x01, expected 0x04 (Ed25519 cosignature)"
    );
    assert_ne!(log.verifier().id(), witness.verifier().id());
    assert_eq!(witness.verifier().cosigned(&signed(1)).unwrap(), None);
}

#[test]
fn damaged_answers_of_a_witness_are_refused_by_name() {
    let check = |bytes: &[u8], expect: &str| {
        assert_eq!(Signature::parse_lines(bytes).unwrap_err().to_string(), expect);
    };
    check(b"", "note has no empty line between its text and its signatures");
    check(b"\n", "signature line 1 is not `\u{2014} <name> <base64>`");
    check(b"hello\n", "signature line 1 is not `\u{2014} <name> <base64>`");
    let good = "\u{2014} a AAAAAAA=\n";
    check(good.trim_end().as_bytes(), "signature line 1 is not `\u{2014} <name> <base64>`");
    check(good.repeat(101).as_bytes(), "note has more than 100 signatures");
    assert_eq!(Signature::parse_lines(good.repeat(100).as_bytes()).unwrap().len(), 100);
}

fn policy(text: &str) -> Policy {
    Policy::parse(text.as_bytes()).unwrap()
}

#[test]
fn quorums_hold_exactly_where_python_says_so() {
    let vectors = fixture("cosignatures.json");
    let cosignatures: Vec<Signature> = vectors["witnesses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| line(text(value, "cosignature")))
        .collect();
    let judged = vectors["judged"].as_array().unwrap();
    assert_eq!(judged.len(), 56);
    for case in judged {
        let rule = text(case, "rule");
        let policy = policy(&format!("{}{rule}", text(&vectors, "policy_head")));
        let mut note = note(&vectors, "signed");
        note.add(line(text(&vectors, "unknown"))).unwrap();
        let cosigned = case["cosigned"].as_array().unwrap();
        for name in cosigned {
            let index = name.as_str().unwrap()[1..].parse::<usize>().unwrap() - 1;
            note.add(cosignatures[index].clone()).unwrap();
        }
        match policy.verify(&note) {
            Ok(witnessed) => {
                assert_eq!(case["met"], true, "{case}");
                let names: Vec<_> =
                    witnessed.cosigners.iter().map(|it| it.witness.name.as_str()).collect();
                assert_eq!(serde_json::json!(names), case["cosigned"]);
                assert_eq!(witnessed.quorum, !rule.contains("none"));
                assert_eq!(witnessed.checkpoint.size(), 20_852_163);
                assert_eq!(witnessed.log.to_string(), text(&vectors["log"], "verifier_key"));
            }
            Err(UnsatisfiedError::Quorum { found, .. }) => {
                assert_eq!(case["met"], false, "{case}");
                assert_eq!(found, cosigned.len());
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_policy_trusts_the_logs_that_it_names_and_no_other() {
    let w = witness("example.org/w", 2);
    let other = LogKey::from_seed("example.com/log".parse().unwrap(), &[3; 32]);
    let ours = LogKey::from_seed("example.com/log".parse().unwrap(), &[1; 32]);
    let elsewhere = LogKey::from_seed("example.com/elsewhere".parse().unwrap(), &[4; 32]);
    let rule = format!("witness w {} https://w.example.org/\nquorum none\n", w.verifier());
    let named = |keys: &[&LogKey]| -> Policy {
        let logs: String = keys.iter().map(|key| format!("log {}\n", key.verifier())).collect();
        policy(&format!("{logs}{rule}"))
    };
    let note = signed(1);
    assert!(named(&[&ours]).verify(&note).is_ok());
    // Two keys of one log, as during a rotation: either of them is enough.
    assert_eq!(named(&[&other, &ours]).verify(&note).unwrap().log, ours.verifier());
    let refusal = named(&[&other]).verify(&note).unwrap_err();
    assert!(matches!(refusal, UnsatisfiedError::Log(_)), "{refusal}");
    let refusal = named(&[&elsewhere]).verify(&note).unwrap_err();
    assert_eq!(refusal.to_string(), "the policy names no log `example.com/log`");
    let empty = named(&[]);
    assert!(matches!(empty.verify(&note), Err(UnsatisfiedError::UnknownLog { .. })));
    assert!(empty.witnessed(&note).unwrap().is_empty());
    let known = named(&[&ours]);
    assert_eq!(known.logs()[0].url, None);
    assert_eq!(known.witnesses()[0].url.as_deref(), Some("https://w.example.org/"));
}

#[test]
fn the_quorum_is_said_in_words() {
    let w = witness("example.org/w", 2);
    let check = |rule: &str, expect: &str| {
        let policy = policy(&format!("witness w {}\n{rule}", w.verifier()));
        assert_eq!(policy.quorum(), expect);
        let refusal = policy.witnessed(&signed(1)).map(|found| found.len());
        if expect != "none" {
            let expect =
                format!("0 of the policy's witnesses have cosigned, short of quorum {expect}");
            assert_eq!(refusal.unwrap_err().to_string(), expect);
        }
    };
    check("quorum none\n", "none");
    check("quorum w\n", "`w`");
    check("group g any w\nquorum g\n", "`g` (1 of 1)");
}

#[track_caller]
fn check_policy(text: impl AsRef<[u8]>, expect: &str) {
    assert_eq!(Policy::parse(text.as_ref()).unwrap_err().to_string(), expect);
}

#[test]
fn damaged_policies_are_refused_by_name() {
    let (a, b) = (witness("example.org/a", 2), witness("example.org/b", 3));
    let log = LogKey::from_seed("example.com/log".parse().unwrap(), &[1; 32]);
    let (a, b, log) = (a.verifier(), b.verifier(), log.verifier());
    let two = format!("witness a {a}\nwitness b {b}\n");
    check_policy("", "policy has 0 quorum lines, expected one");
    check_policy("quorum none\nquorum none\n", "policy has 2 quorum lines, expected one");
    let line = "line 1 of the policy has a control character or is not ended by a newline";
    check_policy("quorum none", line);
    check_policy("quorum none\r\n", line);
    check_policy(b"quorum none\x7f\n", line);
    check_policy(
        "witnesses\n",
        "line 1 of the policy should be `log <vkey> [<url>]`, `witness <name> <vkey> [<url>]`, \
         `group <name> <all, any or number> <name>...` or `quorum <name>`",
    );
    check_policy(format!("log {a}\nquorum none\n"), "line 1 of the policy names no usable key");
    check_policy(format!("witness l {log}\n"), "line 1 of the policy names no usable key");
    check_policy("log\n", "line 1 of the policy should be `log <vkey> [<url>]`");
    check_policy("quorum a b\n", "line 1 of the policy should be `quorum <name>`");
    check_policy(format!("log {log}\nlog {log}\n"), "line 2 of the policy repeats a public key");
    // One key under two names would count twice.
    let twice = WitnessVerifier::new("example.org/c".parse().unwrap(), a.public()).unwrap();
    check_policy(
        format!("witness a {a}\nwitness c {twice}\n"),
        "line 2 of the policy repeats a public key",
    );
    check_policy(
        format!("witness a {a}\nwitness a {b}\n"),
        "line 2 of the policy defines the name `a` again",
    );
    check_policy(
        format!("witness none {a}\n"),
        "line 1 of the policy defines the name `none` again",
    );
    check_policy(
        format!("{two}group a any b\n"),
        "line 3 of the policy defines the name `a` again",
    );
    let undefined = "line 3 of the policy refers to `c`, which no earlier line defines";
    check_policy(format!("{two}quorum c\n"), undefined);
    check_policy(format!("{two}group g any c\n"), undefined);
    let itself = "line 3 of the policy refers to `g`, which no earlier line defines";
    check_policy(format!("{two}group g any g\n"), itself);
    let none = "line 3 of the policy refers to `none`, which no earlier line defines";
    check_policy(format!("{two}group g any none\n"), none);
    check_policy(
        format!("{two}group g any a\ngroup h any a\n"),
        "line 4 of the policy makes `a` a member a second time",
    );
    check_policy(
        format!("{two}group g any a a\n"),
        "line 3 of the policy makes `a` a member a second time",
    );
    for number in ["0", "3", "-1", "+1", "02", "x", "18446744073709551616"] {
        let expect = format!("line 3 of the policy asks for {number} of 2 members");
        check_policy(format!("{two}group g {number} a b\n"), &expect);
    }
    check_policy("\n".repeat((256 << 10) + 1), "policy has 262145 bytes, the limit is 262144");
}

#[test]
fn a_policy_has_at_most_a_hundred_witnesses() {
    let lines = |count: u8| -> String {
        (0..count)
            .map(|n| {
                format!("witness w{n} {}\n", witness(&format!("example.org/{n}"), n).verifier())
            })
            .collect()
    };
    assert_eq!(POLICY_MEMBERS_MAX, 100);
    assert!(Policy::parse(format!("{}quorum w99\n", lines(100)).as_bytes()).is_ok());
    check_policy(lines(101), "line 101 of the policy is one too many: the limit is 100");
}

#[test]
fn names_are_octets_and_comments_are_free() {
    let w = witness("example.org/w", 2);
    let head = format!("# caf\u{e9} \u{2028}\n\t# indented\n \t \nwitness K {}\n", w.verifier());
    let mut latin = head.clone().into_bytes();
    latin.extend_from_slice(b"# \xff\xfe\nquorum K\n");
    assert_eq!(Policy::parse(&latin).unwrap().witnesses().len(), 1);
    // The Kelvin sign is another name than the letter.
    check_policy(
        format!("{head}quorum \u{212a}\n"),
        "line 5 of the policy refers to `\u{212a}`, which no earlier line defines",
    );
}

proptest! {
    #[test]
    fn no_byte_of_a_cosignature_can_change_unnoticed(position in 0usize..72, flip in 1u8..=255) {
        let key = witness("example.org/w", 2);
        let line = key.cosign(&signed(1), 1_679_315_147).unwrap();
        let mut bytes = line.bytes().to_vec();
        bytes[position] ^= flip;
        let mut whole = key.verifier().id().to_string();
        whole.push_str(&hex::encode(&bytes));
        let encoded = {
            use base64::Engine as _;
            base64::prelude::BASE64_STANDARD.encode(hex::decode(whole).unwrap())
        };
        let text = format!("{}\u{2014} example.org/w {encoded}\n", signed(1));
        let note = SignedCheckpoint::parse(text.as_bytes()).unwrap();
        prop_assert!(key.verifier().cosigned(&note).is_err());
    }

    #[test]
    fn more_cosignatures_never_break_a_quorum(
        threshold in 1usize..=5, mask in 0u32..32, added in 0u32..5,
    ) {
        let keys: Vec<_> = (0..5u8).map(|n| witness(&format!("example.org/{n}"), 10 + n)).collect();
        let lines: String =
            keys.iter().enumerate().map(|(n, key)| format!("witness w{n} {}\n", key.verifier())).collect();
        let policy = policy(&format!("{lines}group g {threshold} w0 w1 w2 w3 w4\nquorum g\n"));
        let cosigned = |mask: u32| {
            let mut note = signed(1);
            for (n, key) in keys.iter().enumerate().filter(|(n, _)| mask >> n & 1 == 1) {
                note.add(key.cosign(&signed(1), n as u64 + 1).unwrap()).unwrap();
            }
            policy.witnessed(&note).is_ok()
        };
        prop_assert_eq!(cosigned(mask), mask.count_ones() as usize >= threshold);
        prop_assert!(!cosigned(mask) || cosigned(mask | 1 << added));
    }
}
