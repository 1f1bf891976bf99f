use std::{collections::BTreeMap, fs};

use chaos_agency::{Action, Evidence, Leaf, action::Profile, receipt::Draft};
use chaos_log::{
    Checkpoint, ForkProof, LogKey, MemoryLog, SignedCheckpoint, TlogProof, WitnessKey,
    prove_inclusion,
};
use chaos_types::{AgentKey, Digest};
use chaos_verify::{Bundle, FORMAT, Logged};
use serde_json::Value;
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

/// The key of the logs that these tests make.
fn log_key() -> LogKey {
    LogKey::from_seed("test.example/log".parse().unwrap(), &[9; 32])
}

/// The bundle of the one entry of a log, whose operator registers under `name`, and its head, which
/// these witnesses have cosigned.
fn log_of_one(name: &str, witnesses: &[&WitnessKey]) -> (Vec<u8>, SignedCheckpoint) {
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
    let log_key = log_key();
    let checkpoint = Checkpoint::new("test.example/log", 1, log.root()).unwrap();
    let mut checkpoint = checkpoint.sign(&log_key).unwrap();
    for witness in witnesses {
        checkpoint.add(witness.cosign(&checkpoint, 1_700).unwrap()).unwrap();
    }
    let inclusion = prove_inclusion(&log, 0, 1).unwrap();
    let proof = TlogProof::new(inclusion, checkpoint.clone()).unwrap();
    let bundle = Bundle {
        format: FORMAT.to_owned(),
        log: log_key.verifier().to_string(),
        receipt: Logged { envelope, leaf, proof: proof.to_string() },
        history: vec![],
        anchor: None,
        attachments: BTreeMap::new(),
    };
    (bundle.to_bytes().unwrap(), checkpoint)
}

#[test]
fn two_trees_of_one_size_in_one_call_are_a_fork() {
    let dir = TempDir::new().unwrap();
    let file = |name: &str| {
        let path = dir.path().join(name);
        fs::write(&path, log_of_one(name, &[]).0).unwrap();
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

/// All that can be required, as `--require` names it.
const FACTS: [&str; 6] =
    ["counted", "anchored", "reexecuted", "attested", "replayable", "witnessed"];

/// What the reader lacks is no forgery, and what was asked for and not done is no success.
#[test]
fn input_that_is_not_here_is_not_re_executed_and_not_rejected() {
    let dir = TempDir::new().unwrap();
    let (bundle, empty) = (format!("{}/04-analyse.json", bundles()), dir.path().to_str().unwrap());
    let asked = ["verify", &bundle, "--reexecute", "--inputs", empty];
    let shown = run(asked).expect_code(3).stdout;
    assert!(shown.contains("  said  evidence     passed over: "), "{shown}");
    assert!(shown.contains("  not re-executed  by evidence (input-missing)"), "{shown}");
    assert!(!shown.contains("rejected"), "{shown}");
    let line = run([&asked[..], &["--json"]].concat()).expect_code(3).json().remove(0);
    assert_eq!(line["verdict"], "not_reexecuted");
    let required = |facts: &str, code: i32| {
        let line = run([&asked[..], &["--json", "--require", facts]].concat());
        let line = line.expect_code(code).json().remove(0);
        let names = line["lacks"].as_array().unwrap().iter();
        let names: Vec<_> =
            names.map(|lack| lack["require"].as_str().unwrap().to_owned()).collect();
        (line["verdict"].as_str().unwrap().to_owned(), names.join(","))
    };
    // Every set of facts names what of it is not shown, and that decides.
    for facts in 1..64_u8 {
        let facts: Vec<_> =
            FACTS.iter().enumerate().filter(|(at, _)| facts >> at & 1 == 1).collect();
        let facts: Vec<_> = facts.into_iter().map(|(_, fact)| *fact).collect();
        let lacking: Vec<_> = facts.iter().copied().filter(|fact| *fact != "replayable").collect();
        let follows = lacking.iter().all(|fact| *fact == "reexecuted");
        let (verdict, code) = if follows { ("not_reexecuted", 3) } else { ("rejected", 1) };
        assert_eq!(required(&facts.join(","), code), (verdict.to_owned(), lacking.join(",")));
    }
    let shown = run([&asked[..], &["--require", "witnessed,reexecuted"]].concat()).expect_code(1);
    for line in [
        "  not re-executed  by evidence (input-missing)\n",
        "  rejected  by what is required\n",
        "  --require witnessed: required, found no witnesses named (not-witnessed)\n",
    ] {
        assert!(shown.stdout.contains(line), "{}", shown.stdout);
    }
    let both = run(["verify", &bundle, &bundle, "--reexecute", "--inputs", empty]).expect_code(3);
    assert!(
        both.stdout.ends_with("0 accepted, 0 rejected, 2 not re-executed\n"),
        "{}",
        both.stdout
    );
}

#[test]
fn development_trust_is_marked_as_somebodys_word() {
    let bundle = format!("{}/05-simulate.json", bundles());
    let shown = run(["verify", &bundle]).expect_code(0).stdout;
    let line = shown.lines().find(|line| line.contains("  attestation ")).unwrap();
    assert!(line.trim_start().starts_with("said"), "{line}");
    assert!(shown.contains("attested under development trust"), "{shown}");
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

/// What `verify --json` says of some files, and that it ends with this code.
#[track_caller]
fn told(arguments: &[&str], code: i32) -> Vec<Value> {
    run([&["verify", "--json"], arguments].concat()).expect_code(code).json()
}

#[test]
fn fork_proofs_say_what_they_prove_and_end_with_6() {
    let forks = root().join("fixtures/forks");
    let forks = forks.to_str().unwrap();
    let lines = told(&[forks], 6);
    assert_eq!(lines.len(), 10);
    for line in &lines {
        // Files of kind `history` and `place` show the end of the key that they are about, and of the other's.
        let is_later = line["file"].as_str().is_some_and(|file| file.ends_with("/later-key.fork"));
        let is_retired = is_later || line["kind"] == "history" || line["kind"] == "place";
        let expected = if is_retired { "retired_key" } else { "forked" };
        assert_eq!(line["verdict"], expected, "{line}");
    }
    let shown = run(["verify", forks]).expect_code(6).stdout;
    assert!(shown.contains("forked  log example.com/log forked: it signed roots"), "{shown}");
    assert!(shown.contains("does not start with the tree of size 7"), "{shown}");
    let sum = "0 accepted, 0 rejected, 5 proofs of a fork, 5 about a retired key\n";
    assert!(shown.ends_with(sum), "{shown}");

    let file = format!("{forks}/root.fork");
    let rooted = lines
        .iter()
        .find(|line| line["file"].as_str().is_some_and(|file| file.ends_with("/root.fork")));
    let key = rooted.unwrap()["log"].as_str().unwrap();
    told(&[&file, "--log", key], 6);
    // Anybody can fork a log of his own.
    let other = log_key().verifier().to_string();
    let line = told(&[&file, "--log", &other], 1).remove(0);
    assert_eq!((&line["verdict"], &line["code"]), (&"rejected".into(), &"log-not-trusted".into()));
    let shown = type_in(&root(), &format!("chaoschain verify - < {file}")).expect_code(6).stdout;
    assert!(shown.starts_with("-\n  forked"), "{shown}");

    let dir = TempDir::new().unwrap();
    let altered = dir.path().join("altered.fork");
    let text = fs::read_to_string(&file).unwrap();
    for wrong in [text.replacen("13", "14", 1), text.replacen("/1", "/2", 1), text + "\n"] {
        fs::write(&altered, wrong).unwrap();
        let line = told(&[altered.to_str().unwrap()], 1).remove(0);
        assert_eq!(line["code"], "fork-not-proved", "{line}");
    }
}

/// What a monitor wrote down for people lies beside the proofs; it is none, and no bundle.
#[test]
fn alarm_of_a_monitor_is_named_and_hides_nothing_that_was_to_be_verified() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let proof = fs::read_to_string(root().join("fixtures/forks/root.fork")).unwrap();
    write("fork-13-1.fork", &proof);
    let kept = |more: &str| {
        format!(
            "{{\"alarm\":\"fork\",\"log\":\"l\",\"seen_at_ms\":\"1\",\"detail\":\"it forked\"{more}}}\n"
        )
    };
    write("fork-13-1.json", &kept(",\"proof\":\"fork-13-1.fork\""));
    let alarm = write("rollback-5-2.json", &kept(""));
    let folder = dir.path().to_str().unwrap();
    let lines = told(&[folder], 6);
    let verdicts: Vec<_> = lines.iter().map(|line| line["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["forked", "alarm", "alarm"]);
    let shown = run(["verify", folder]).expect_code(6).stdout;
    assert!(shown.ends_with("1 proof of a fork, 2 alarms not verified\n"), "{shown}");
    fs::remove_file(dir.path().join("fork-13-1.fork")).unwrap();
    told(&[folder], 3);
    // Where a bundle was meant, an alarm in its place is none.
    let good = format!("{}/10-draft.json", bundles());
    told(&[&good, folder], 0);
    told(&[&good, &alarm], 3);
    write("more.json", &kept(",\"more\":1"));
    told(&[&good, folder], 1);
}

#[test]
fn fork_proof_refuses_the_bundles_of_that_log_in_the_same_call() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (file, proof) = (path("a.json"), path("it.fork"));
    let ((bundle, one), (_, other)) = (log_of_one("a", &[]), log_of_one("b", &[]));
    fs::write(&file, bundle).unwrap();
    let fork = ForkProof::of_roots(log_key().verifier().clone(), one, other).unwrap();
    fs::write(&proof, fork.to_string()).unwrap();
    told(&[&file], 0);
    let stranger = format!("{}/10-draft.json", bundles());
    let lines = told(&[&file, &stranger, &proof, "--require", "counted"], 6);
    assert_eq!(
        (&lines[0]["verdict"], &lines[2]["verdict"]),
        (&"rejected".into(), &"forked".into())
    );
    let checks = lines[0]["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["code"] == "log-forked"), "{}", lines[0]);
    let lines = told(&[&proof, &stranger, &file], 6);
    assert_eq!(lines[1]["verdict"], "accepted", "it is of another log");
    assert_eq!(lines[2]["verdict"], "rejected");
}

#[test]
fn log_policy_enforces_its_quorum_and_says_which_logs_are_trusted() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let key = |number: u8| {
        let name = format!("witness.example.org/{number}").parse().unwrap();
        WitnessKey::from_seed(name, &[number; 32])
    };
    let (one, two) = (key(1), key(2));
    let bundle = write("cosigned.json", &log_of_one("a", &[&one]).0);
    let bare = write("bare.json", &log_of_one("a", &[]).0);
    let witnesses = format!("witness w1 {}\nwitness w2 {}\n", one.verifier(), two.verifier());
    let log = format!("log {}\n", log_key().verifier());
    let any = write("any", format!("{witnesses}group g any w1 w2\nquorum g\n").as_bytes());
    let all = write("all", format!("{witnesses}group g all w1 w2\nquorum g\n").as_bytes());
    let named = write("named", format!("{log}{witnesses}quorum w1\n").as_bytes());
    let none = write("none", b"quorum none\n");
    let word = |line: &Value| line["words"]["witnessed"].as_str().unwrap().to_owned();

    let line = told(&[&bundle, "--log-policy", &any, "--require", "witnessed"], 0).remove(0);
    assert_eq!(
        (word(&line), line["words"]["placed"].as_str()),
        ("witnessed".into(), Some("in_its_own_log"))
    );
    let line = told(&[&bundle, "--log-policy", &named], 0).remove(0);
    assert_eq!(line["words"]["placed"], "in_the_log");
    let head = |line: &Value| {
        let checks = line["checks"].as_array().unwrap().iter();
        let head = checks.into_iter().find(|check| check["check"] == "checkpoint").unwrap();
        head["detail"].as_str().unwrap().to_owned()
    };
    assert!(head(&line).contains(", signed by the key that the policy names"), "{line}");
    let line = told(&[&bundle, "--log-policy", &any], 0).remove(0);
    assert!(head(&line).contains(", signed by the bundle's own log key"), "{line}");
    for (file, policy) in [(&bundle, &all), (&bare, &any), (&bare, &all)] {
        let line = told(&[file, "--log-policy", policy], 1).remove(0);
        let checks = line["checks"].as_array().unwrap();
        let failed = checks.iter().find(|check| check["status"] == "failed").unwrap();
        assert_eq!(
            (&failed["check"], &failed["code"]),
            (&"checkpoint".into(), &"not-witnessed".into())
        );
    }
    let line = told(&[&bundle, "--log-policy", &none, "--require", "witnessed"], 1).remove(0);
    assert_eq!(
        (word(&line), &line["lacks"][0]["code"]),
        ("no_quorum".into(), &"not-witnessed".into())
    );
    let line = told(&[&bundle, "--require", "witnessed"], 1).remove(0);
    assert_eq!(
        (word(&line), &line["lacks"][0]["code"]),
        ("not_yours".into(), &"not-witnessed".into())
    );
    let shown = run(["verify", &bundle]).expect_code(0).stdout;
    assert!(shown.contains("not witnessed by a policy of yours"), "{shown}");
    let shown = run(["verify", &bundle, "--log-policy", &any]).expect_code(0).stdout;
    assert!(shown.contains("quorum `g` (1 of 2) has cosigned: w1 at 1700 s"), "{shown}");
    let gone = dir.path().join("gone");
    run(["verify", &bundle, "--log-policy", gone.to_str().unwrap()]).expect_error(3, &["gone"]);
}
