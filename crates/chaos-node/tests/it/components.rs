//! `chaoschain run`: components from the command line, and the receipts they leave.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, root, run, run_with, type_in};

/// What the scorer reads: no facts, at a time.
const EVIDENCE: &str = r#"{"as_of_ms":"2000","evidence":[]}"#;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        fs::write(place.path("evidence.json"), EVIDENCE).unwrap();
        fs::write(place.path("prose.txt"), "not evidence").unwrap();
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, input: &str, more: &[&str]) -> Run {
        let scorer = artifact("scorer.wasm");
        let (input, data) = (self.path(input), self.path("data"));
        let start = ["run", &scorer, "--input", &input, "--data", &data];
        run([&start[..], more].concat())
    }

    fn data(&self) -> &Path {
        self.0.path()
    }
}

fn artifact(name: &str) -> String {
    root().join("guests/artifacts").join(name).to_str().unwrap().to_owned()
}

fn one(run: &Run) -> Value {
    run.json().remove(0)
}

#[test]
fn a_run_says_what_it_answered_and_leaves_a_receipt_that_repeats() {
    let place = Place::new();
    let bundle = place.path("bundle.json");
    let first = one(&place.run("evidence.json", &["--json", "--bundle", &bundle]).expect_code(0));
    let again = one(&place.run("evidence.json", &["--json"]).expect_code(0));
    assert_eq!(first["execution"], again["execution"], "answer, fuel and transcript");
    assert_eq!(first["code_identity"], again["code_identity"]);
    assert_ne!(first["receipt"], again["receipt"]);
    let table: Value = serde_json::from_str(first["answer"]["text"].as_str().unwrap()).unwrap();
    assert_eq!(table["as_of_ms"], "2000");

    let artifacts = root().join("guests/artifacts");
    let inputs = ["--reexecute", "--inputs", artifacts.to_str().unwrap()];
    let verify = [&["verify", &bundle, "--json"], &inputs[..]].concat();
    let line = one(&run(verify).expect_code(0));
    assert_eq!(line["receipt"]["evidence"], "replayable");
    let line = one(&run(["verify", &bundle, "--json", "--require", "attested"]).expect_code(1));
    assert_eq!(line["verdict"], "rejected");
    assert_eq!(line["lacks"][0]["code"], "not-attested", "{line}");
}

#[test]
fn an_attested_run_is_compiled_in_memory_and_is_development_trust() {
    let place = Place::new();
    let bundle = place.path("bundle.json");
    let more = ["--attest", "development", "--bundle", &bundle, "--json"];
    place.run("evidence.json", &more).expect_code(0);
    let stored: Vec<_> = fs::read_dir(place.data().join("data"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!stored.contains(&"compiled".to_owned()), "no machine code from a disk: {stored:?}");
    let insist = ["verify", &bundle, "--json", "--require", "attested"];
    let line = one(&run(insist).expect_code(1));
    assert_eq!(line["lacks"][0]["code"], "not-attested", "development trust is not asked for");
    let line = one(&run([&insist[..], &["--policy", "development"]].concat()).expect_code(0));
    assert_eq!(line["receipt"]["evidence"], "attested and replayable");
    assert_eq!(line["receipt"]["anchor_class"], "development");
    let other = format!("sha256:{}", "0".repeat(64));
    let line = one(&run(["verify", &bundle, "--json", "--workload", &other]).expect_code(1));
    assert!(line.to_string().contains("workload-not-allowed"), "{line}");
    let refused = run(["verify", &bundle, "--policy", "production"]).expect_code(1);
    assert!(refused.stdout.contains("anchor-class-refused"), "{}", refused.stdout);
}

#[test]
fn a_task_that_refuses_its_input_has_run_and_exits_with_code_1() {
    let place = Place::new();
    let line = one(&place.run("prose.txt", &["--json"]).expect_code(1));
    assert!(line["ended"].as_str().unwrap().contains("invalid input"), "{line}");
    assert!(line["receipt"].as_str().unwrap().starts_with("sha256:"), "{line}");
    assert_eq!(line["answer"], Value::Null);
}

#[test]
fn bad_command_lines_name_what_is_wrong_and_leave_nothing() {
    let place = Place::new();
    let missing = place.path("missing.wasm");
    let evidence = place.path("evidence.json");
    run(["run", &missing, "--input", &evidence]).expect_error(3, &["missing.wasm"]);
    run(["run", &evidence, "--input", &evidence, "--no-receipt"])
        .expect_error(3, &["evidence.json"]);
    place.run("evidence.json", &["--world", "simulate"]).expect_error(3, &["score", "simulate"]);
    place.run("evidence.json", &["--input", &evidence]).expect_error(3, &["2 inputs"]);
    place.run("evidence.json", &["--named", "x"]).expect_error(3, &["NAME=FILE"]);
    let scorer = artifact("scorer.wasm");
    let data = place.path("data");
    let arguments = ["run", &scorer, "--input", &evidence, "--data", &data];
    run_with(arguments, &[]).expect_error(3, &["CHAOSCHAIN_PASSWORD"]);
    let log = run(["log", "show", "--data", &data]);
    assert_ne!(log.code, 0, "nothing was logged: {}", log.stdout);
}

/// A shell's redirection is written to, never replaced.
#[test]
fn answer_goes_to_a_pipe_or_behind_what_a_file_holds() {
    let place = Place::new();
    let scorer = artifact("scorer.wasm");
    let line =
        format!("chaoschain run {scorer} --input evidence.json --no-receipt --out /dev/stdout");
    let piped = type_in(place.data(), &format!("{line} | cat")).expect_code(0).stdout;
    let table: Value = serde_json::from_str(&piped).unwrap();
    assert_eq!(table["as_of_ms"], "2000");
    type_in(place.data(), &format!("printf before > kept; {line} >> kept")).expect_code(0);
    let kept = fs::read_to_string(place.path("kept")).unwrap();
    assert_eq!(kept, format!("before{piped}"));
    let linked = line.replace("/dev/stdout", "link");
    type_in(place.data(), &format!("ln -s answer link; {linked}")).expect_code(0);
    assert_eq!(fs::read_to_string(place.path("answer")).unwrap(), piped);
    assert!(Path::new("/dev/stdout").is_symlink(), "the system's link is one still");
}

/// What is no key, no digest and no number is the command line's fault, wherever it stands.
#[test]
fn words_that_are_no_value_end_with_the_same_code_everywhere() {
    let place = Place::new();
    for line in [
        "verify bundle.json --log nonsense",
        "log mirror published copy --log nonsense",
        "log prove sha256:zz",
        "verify bundle.json --workload sha256:00",
        "log show --last many",
    ] {
        let told = type_in(place.data(), &format!("chaoschain {line}"));
        assert_eq!(told.code, 2, "{line}: {}", told.stderr);
    }
}
