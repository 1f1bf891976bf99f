use std::{collections::BTreeMap, fs};

use chaos_agency::{Action, Evidence, Leaf, action::Profile, receipt::Draft};
use chaos_log::{Checkpoint, LogKey, MemoryLog, TlogProof, prove_inclusion};
use chaos_types::{AgentKey, Digest};
use chaos_verify::{Bundle, FORMAT, Logged};
use tempfile::TempDir;

use crate::program::{root, run, type_in};

#[test]
fn control_characters_of_a_bundle_are_shown_and_draw_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x\x1b[31m\n  ok    evidence.json");
    // RFC 8785 escapes the newline and ESC, but leaves the one-byte CSI of ECMA-48 as it is.
    let bundle = "{\"\\n  \\u001b[32maccepted\\u001b[0m  submit\u{9b}8m\":1}";
    fs::write(&path, bundle).unwrap();
    let out = run(["verify", path.to_str().unwrap()]).expect_code(1).stdout;
    assert!(out.contains(r"\u000a  \u001b[32maccepted\u001b[0m  submit\u009b8m"), "{out}");
    assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out:?}");
    assert!(!out.lines().any(|line| line.trim_start().starts_with("accepted")), "{out}");
    assert!(!out.lines().any(|line| line.trim_start().starts_with("ok ")), "{out}");

    let json = run(["verify", path.to_str().unwrap(), "--json"]).expect_code(1);
    assert!(!json.stdout.chars().any(|c| c.is_control() && c != '\n'), "{:?}", json.stdout);
    assert_eq!(json.json()[0]["file"], path.to_str().unwrap());

    let gone = dir.path().join("gone\x1b[31m\n  accepted");
    let error = run(["verify", gone.to_str().unwrap()]).expect_error(3, &["gone\\u001b"]).stderr;
    assert!(!error.lines().any(|line| line.starts_with("  accepted")), "{error}");
}

/// The bundles that the first version wrote.
fn bundles() -> String {
    root().join("fixtures/first/bundles").to_str().unwrap().to_owned()
}

#[test]
fn devices_pipes_and_empty_folders_are_no_bundles() {
    let dir = TempDir::new().unwrap();
    for path in ["/dev/zero", "/dev/stdin"] {
        run(["verify", path]).expect_error(3, &[path, "not a regular file"]);
    }
    let path = dir.path().to_str().unwrap();
    run(["verify", path]).expect_error(3, &[path, "holds no *.json"]);
}

#[test]
fn folder_and_stdin_are_verified_like_files() {
    let folder = run(["verify", &bundles(), "--json"]).expect_code(0).json();
    assert_eq!(folder.len(), 16);
    assert!(folder.iter().all(|line| line["verdict"] == "accepted"), "{folder:?}");
    let line = format!("chaoschain verify - --json < {}/10-draft.json", bundles());
    let stdin = type_in(&root(), &line).expect_code(0).json().remove(0);
    let draft = &folder[10];
    assert_eq!((&stdin["receipt"], &stdin["words"]), (&draft["receipt"], &draft["words"]));
}

#[test]
fn one_bad_file_does_not_stop_the_others_and_each_end_has_its_exit_code() {
    let dir = TempDir::new().unwrap();
    let good = format!("{}/10-draft.json", bundles());
    let gone = dir.path().join("gone.json");
    let (gone, bad) = (gone.to_str().unwrap(), dir.path().join("bad.json"));
    fs::write(&bad, "{}").unwrap();
    let bad = bad.to_str().unwrap();
    let verdicts = |files: &[&str], code| {
        let lines = run([&["verify", "--json"], files].concat()).expect_code(code).json();
        lines.iter().map(|line| line["verdict"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(verdicts(&[&good], 0), ["accepted"]);
    assert_eq!(verdicts(&[gone, &good], 3), ["unread", "accepted"]);
    assert_eq!(verdicts(&[gone, bad, &good], 1), ["unread", "rejected", "accepted"]);
    let inputs = ["verify", &good, "--reexecute", "--inputs", gone];
    run(inputs).expect_error(3, &["--inputs", "gone.json"]);
}

/// The bundle of the one entry of a log, whose operator registers under `name`.
fn log_of_one(name: &str) -> Vec<u8> {
    let key = AgentKey::from_seed(&[9; 32]);
    let profile = Profile {
        name: name.to_owned(),
        role: "operator".to_owned(),
        capabilities: vec![],
        studio: "platform".to_owned(),
    };
    let draft = Draft {
        log: key.did(),
        agent: key.did(),
        claimed_at_ms: 0,
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action: Action::Register(profile),
    };
    let envelope = draft.sign(&[&key]).unwrap();
    let leaf = Leaf::new(Digest::of(&envelope.to_bytes().unwrap()), 1_000);
    let mut log = MemoryLog::new();
    log.append(leaf.to_bytes()).unwrap();
    let log_key = LogKey::from_seed("test.example/log".parse().unwrap(), &[9; 32]);
    let checkpoint = Checkpoint::new("test.example/log", 1, log.root()).unwrap();
    let checkpoint = checkpoint.sign(&log_key).unwrap();
    let proof = TlogProof::new(prove_inclusion(&log, 0, 1).unwrap(), checkpoint).unwrap();
    let bundle = Bundle {
        format: FORMAT.to_owned(),
        log: log_key.verifier().to_string(),
        receipt: Logged { envelope, leaf, proof: proof.to_string() },
        history: vec![],
        anchor: None,
        attachments: BTreeMap::new(),
    };
    bundle.to_bytes().unwrap()
}

#[test]
fn two_trees_of_one_size_in_one_call_are_a_fork() {
    let dir = TempDir::new().unwrap();
    let file = |name: &str| {
        let path = dir.path().join(name);
        fs::write(&path, log_of_one(name)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (a, b) = (file("a"), file("b"));
    for alone in [&a, &b] {
        run(["verify", alone]).expect_code(0);
    }
    let lines = run(["verify", &a, &b, "--json"]).expect_code(6).json();
    for line in &lines {
        assert_eq!(line["verdict"], "rejected");
        let checks = line["checks"].as_array().unwrap();
        assert!(checks.iter().any(|check| check["code"] == "log-forked"), "{line}");
    }
    let good = format!("{}/10-draft.json", bundles());
    let lines = run(["verify", &a, &good, &b, "--json"]).expect_code(6).json();
    assert_eq!(lines[1]["verdict"], "accepted", "it is of another log");
}

#[test]
fn nothing_that_rests_on_somebodys_word_is_marked_ok() {
    let shown = run(["verify", &format!("{}/13-score.json", bundles())]).expect_code(0).stdout;
    for check in ["checkpoint", "agent", "anchor", "evidence"] {
        let line = shown.lines().find(|line| line.contains(&format!("  {check} "))).unwrap();
        assert!(line.trim_start().starts_with("said"), "{line}");
    }
    for word in
        ["in a log that it names itself", "counted: not shown", "not placed", "claimed, not"]
    {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert!(shown.contains("scored the 13 entries before it"), "{shown}");
}

#[test]
fn each_requirement_that_is_not_shown_has_a_code() {
    let bundle = format!("{}/00-register.json", bundles());
    let facts = "counted,anchored,reexecuted,attested,replayable";
    let line =
        run(["verify", &bundle, "--json", "--require", facts]).expect_code(1).json().remove(0);
    let codes: Vec<_> =
        line["lacks"].as_array().unwrap().iter().map(|lack| &lack["code"]).collect();
    assert_eq!(
        codes,
        ["not-counted", "not-anchored", "not-reexecuted", "not-attested", "not-replayable"]
    );
    assert_eq!(line["verdict"], "rejected");
}
