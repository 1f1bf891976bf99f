//! A study as others get it: its folder alone, signed or not, repeated and held against another.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    forecast::write_history,
    program::{Run, run, run_with, type_in},
    simulation::write_load,
};

/// One scenario, one threshold, the slow operations and the calldata attack.
const STUDY: &str = r#"
# A comment that belongs to the file.
version = 1
name = "small"
title = "A small study"
question = "Does it work?"
attacks = ["worst_case_gas", "calldata_bloat"]

[sources]
blocks = "../chain/recorded"

[baseline]
preset = "london"

[proposal]
gas-limit = 10_000_000

[market]
paths = 24
blocks = 120
warmup_blocks = 20
agent_paths = 1
elasticity = "0.2"

[[thresholds]]
metric = "base_fee_median"
side = "at_most"
change = "0"
"#;

/// A folder of an author's with blocks, a study beside them and an agent's data.
struct Author(TempDir);

impl Author {
    fn new(study: &str) -> Self {
        let author = Self(TempDir::new().unwrap());
        write_load(&author.path("chain/recorded"), 4);
        author.write(study);
        author
    }

    fn write(&self, study: &str) {
        fs::create_dir_all(self.path("asked")).unwrap();
        fs::write(self.path("asked/study.toml"), study).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Registers an agent for studies.
    fn register(&self, role: &str) {
        let data = self.path("data");
        let line = ["agent", "register", "--name", "ada", "--role", role, "--data"];
        run(line.iter().copied().chain([data.to_str().unwrap()])).expect_code(0);
    }

    fn run(&self, out: &str, more: &[&str]) -> Run {
        let (file, out) = (self.path("asked/study.toml"), self.path(out));
        let words =
            ["simulate", "--experiment", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
        run(words.iter().chain(more))
    }

    fn signed(&self, out: &str) -> Value {
        let data = self.path("data");
        let run = self.run(out, &["--json", "--agent", "ada", "--data", data.to_str().unwrap()]);
        run.expect_code(0).json().remove(0)
    }
}

/// What a stranger types in a folder of his own, to which the study's folder was copied and nothing else.
fn stranger(folder: &Path) -> TempDir {
    let dir = TempDir::new().unwrap();
    copy(folder, &dir.path().join("got"));
    dir
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

fn digest_in(folder: &Path) -> String {
    let manifest = fs::read(folder.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    manifest["result_digest"].as_str().unwrap().to_owned()
}

#[test]
fn stranger_with_the_folder_alone_verifies_and_repeats_a_study_to_the_same_digest() {
    let author = Author::new(STUDY);
    author.register("researcher");
    let printed = author.signed("out");
    let bundle = printed["bundle"].as_str().unwrap().to_owned();
    for name in ["proposal-forum.md", "report.html"] {
        let text = fs::read_to_string(author.path("out").join(name)).unwrap();
        assert!(text.contains(&bundle), "{name} names the bundle that vouches for it");
        assert!(text.contains("chaoschain verify"), "{name} names the command that checks it");
        assert!(
            !text.contains(author.0.path().to_str().unwrap()),
            "{name} names the author's disk"
        );
    }
    let dir = stranger(&author.path("out"));
    drop(author);
    // The claim in a sentence, and the same figures from a run of one's own.
    let told = type_in(dir.path(), "chaoschain verify got --reexecute");
    assert_eq!(told.code, 0, "{}\n{}", told.stdout, told.stderr);
    for words in [
        "studied gas-limit 5000000 to 10000000",
        "on 4 recorded blocks",
        "base fee",
        "p10 to p90",
        "no threshold judged",
        "re-executed",
    ] {
        assert!(told.stdout.contains(words), "{words} is not in:\n{}", told.stdout);
    }
    assert!(told.stderr.contains("as its manifest.json says"), "{}", told.stderr);
    let again = "chaoschain simulate --experiment got/study.toml --out again --json";
    let again = type_in(dir.path(), again);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(!again.stderr.contains("kept from"), "nothing of the first run is reused");
    assert_eq!(digest_in(&dir.path().join("again")), digest_in(&dir.path().join("got")));
    // What was made of it can be handed on.
    let third = stranger(&dir.path().join("again"));
    let line = "chaoschain simulate --experiment got/study.toml --out more --json";
    assert_eq!(type_in(third.path(), line).code, 0);
    assert_eq!(digest_in(&third.path().join("more")), digest_in(&dir.path().join("got")));
    let same = type_in(dir.path(), "chaoschain diff got again");
    assert!(same.stdout.contains("the same result"), "{}", same.stdout);
}

#[test]
fn a_study_of_generated_blocks_and_a_fee_history_is_repeated_from_its_folder() {
    let study = STUDY
        .replace(
            "blocks = \"../chain/recorded\"",
            "chain = \"eip155:1\"\nblocks = \"nowhere\"\nfee_history = \"fees.csv\"\nwhen_absent = \"generate\"",
        )
        .replace("attacks = [\"worst_case_gas\", \"calldata_bloat\"]", "");
    let author = Author::new(&study);
    author.register("researcher");
    write_history(&author.path("asked/fees.csv"), 1_100);
    author.signed("out");
    let dir = stranger(&author.path("out"));
    drop(author);
    // A folder of that name here is not the one that was absent there.
    write_load(&dir.path().join("got/nowhere"), 2);
    let told = type_in(dir.path(), "chaoschain verify got --reexecute");
    assert_eq!(told.code, 0, "{}\n{}", told.stdout, told.stderr);
    assert!(told.stdout.contains("64 GENERATED blocks"), "{}", told.stdout);
    let line = "chaoschain simulate --experiment got/study.toml --out again --json";
    let again = type_in(dir.path(), line);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(digest_in(&dir.path().join("again")), digest_in(&dir.path().join("got")));
}

#[test]
fn what_was_changed_in_a_studys_folder_is_named() {
    let author = Author::new(STUDY);
    author.register("researcher");
    author.signed("out");
    let tamper = |file: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let dir = stranger(&author.path("out"));
        let path = dir.path().join("got").join(file);
        fs::write(&path, change(fs::read(&path).unwrap())).unwrap();
        dir
    };
    let longer = |mut bytes: Vec<u8>| {
        bytes.push(b' ');
        bytes
    };
    for file in ["report.html", "result.json", "study.toml", "inputs/recorded/blocks/1.json.gz"] {
        let dir = tamper(file, &longer);
        let told = type_in(dir.path(), "chaoschain verify got");
        assert_eq!(told.code, 1, "{file}: {}", told.stderr);
        assert!(
            told.stderr.contains(file) && told.stderr.contains("was changed"),
            "{}",
            told.stderr
        );
    }
    // Whoever changes the manifest with the result still has the receipt against him.
    let dir = tamper("result.json", &longer);
    let forged = dir.path().join("got/manifest.json");
    let manifest = fs::read_to_string(&forged).unwrap();
    let found = chaos_types::Digest::of(&fs::read(dir.path().join("got/result.json")).unwrap());
    fs::write(&forged, manifest.replace(&digest_in(&author.path("out")), &found.to_string()))
        .unwrap();
    let told = type_in(dir.path(), "chaoschain verify got");
    assert_eq!(told.code, 1, "{}", told.stderr);
    assert!(told.stdout.contains("result-other"), "{}", told.stdout);
}

#[test]
fn a_study_without_an_agent_says_that_it_is_not_signed_and_how_to_sign_it() {
    let author = Author::new(STUDY);
    let said = author.run("out", &[]).expect_code(0);
    assert!(
        said.stdout.contains("not signed") && said.stdout.contains("--agent NAME"),
        "{}",
        said.stdout
    );
    assert!(said.stderr.contains("simulating cells: 1 of 1 (100 %)"), "{}", said.stderr);
    let out = author.path("out");
    run(["verify", out.to_str().unwrap()]).expect_error(3, &["is not signed", "hint:", "--agent"]);
    // It is signed later, and the cells that are done are kept.
    author.register("researcher");
    let data = author.path("data");
    let signed =
        author.run("out", &["--agent", "ada", "--data", data.to_str().unwrap()]).expect_code(0);
    assert!(signed.stderr.contains("1 of 1 cells were kept"), "{}", signed.stderr);
    run(["verify", out.to_str().unwrap()]).expect_code(0);
    // A bundle stays beside the result that it vouches for, and beside no other.
    author.run("out", &["--json"]).expect_code(0);
    assert!(out.join("bundle.json").exists());
    author.write(&STUDY.replace("10_000_000", "9_000_000"));
    author.run("out", &["--json"]).expect_code(0);
    assert!(!out.join("bundle.json").exists());
}

#[test]
fn an_agent_that_may_not_sign_studies_is_refused_before_anything_is_computed() {
    let author = Author::new(STUDY);
    author.register("core_developer");
    let data = author.path("data");
    let sign = |agent| author.run("out", &["--agent", agent, "--data", data.to_str().unwrap()]);
    sign("ada").expect_error(3, &["ada", "kind study", "hint:"]);
    sign("nobody").expect_error(3, &["nobody"]);
    assert!(!author.path("out").exists());
}

#[test]
fn inputs_are_copied_if_they_are_small_and_never_over_somebody_elses() {
    let author = Author::new(STUDY);
    author.run("out", &["--without-inputs", "--json"]).expect_code(0);
    assert!(!author.path("out/inputs").exists());
    let kept: Value =
        serde_json::from_slice(&fs::read(author.path("out/inputs.json")).unwrap()).unwrap();
    assert_eq!(kept["inputs"].as_array().unwrap().len(), 4);
    assert!(kept["get"][0].as_str().unwrap().contains("--range 1..=4"), "{kept}");
    author.run("out", &["--with-inputs", "--json"]).expect_code(0);
    assert!(author.path("out/inputs/recorded/manifest.json").exists());
    // A folder of this name that no study wrote stays as it is.
    fs::create_dir_all(author.path("mine/inputs")).unwrap();
    author.run("mine", &[]).expect_error(3, &["inputs is there already", "hint:"]);
    // Nor is a place outside of the folder read, whoever wrote that it is one.
    let named = fs::read_to_string(author.path("out/inputs.json")).unwrap();
    fs::write(
        author.path("out/inputs.json"),
        named.replace("\"inputs/recorded\"", "\"../chain/recorded\""),
    )
    .unwrap();
    let repeated = author.path("out/study.toml");
    run(["simulate", "--experiment", repeated.to_str().unwrap(), "--out", "x"])
        .expect_error(3, &["inputs.json", "does not lie in the study's folder"]);
}

/// The kind of `worst-block-noise.toml`: a posted document is the same whatever the machine does.
#[test]
fn documents_that_decide_are_the_same_in_two_runs_and_hold_no_time_of_a_machine() {
    let author = Author::new(STUDY);
    for out in ["one", "other"] {
        author.run(out, &["--json"]).expect_code(0);
    }
    for name in
        ["proposal-forum.md", "proposal-eip.md", "readiness.md", "report.html", "result.json"]
    {
        let read = |out: &str| fs::read_to_string(author.path(out).join(name)).unwrap();
        assert_eq!(read("one"), read("other"), "{name}");
    }
    for name in ["proposal-forum.md", "proposal-eip.md", "readiness.md"] {
        let text = fs::read_to_string(author.path("one").join(name)).unwrap();
        assert!(!text.contains("slowest block") && !text.contains(" ms"), "{name}:\n{text}");
    }
    let report = fs::read_to_string(author.path("one/report.html")).unwrap();
    assert!(
        report.contains("not measured: a development build"),
        "a development build times nothing"
    );
}

#[test]
fn two_studies_are_held_against_each_other_with_what_flips() {
    let author = Author::new(&STUDY.replace("change = \"0\"", "change = \"1\""));
    // So many blocks as a level is read off.
    write_load(&author.path("chain/recorded"), 32);
    author.run("one", &["--json"]).expect_code(0);
    let other = STUDY
        .replace("change = \"0\"", "change = \"-1.5\"")
        .replace("elasticity = \"0.2\"", "elasticity = \"0.1\"");
    author.write(&other);
    author.run("other", &["--json"]).expect_code(0);
    let (one, other) = (author.path("one"), author.path("other"));
    let (one, other) = (one.to_str().unwrap(), other.to_str().unwrap());
    let said = run(["diff", one, other]).expect_code(0).stdout;
    for words in
        ["assumptions.elasticity_ppm", "200000", "100000", "base_fee_median", "verdicts", "FLIPS"]
    {
        assert!(said.contains(words), "{words} is not in:\n{said}");
    }
    let json = run(["diff", one, other, "--json"]).expect_code(0).json().remove(0);
    let figure =
        json["figures"].as_array().unwrap().iter().find(|it| it["metric"] == "base_fee_median");
    let figure = figure.unwrap();
    let number = |value: &Value| value.as_str().unwrap().parse::<i128>().unwrap();
    let change = number(&figure["second"]["difference"]) - number(&figure["first"]["difference"]);
    assert_eq!(number(&figure["change"]), change);
    assert_eq!(json["verdicts"][0]["second"], "missed");
    // Against itself, by its file.
    let file = format!("{one}/result.json");
    let same = run(["diff", one, &file]).expect_code(0).stdout;
    assert!(same.contains("the same result"), "{same}");
    run(["diff", one, "/nonexistent"]).expect_error(3, &["/nonexistent"]);
    fs::write(&file, b"{}").unwrap();
    run(["diff", one, other]).expect_error(3, &["result.json was changed"]);
    run(["diff", &file, other]).expect_error(3, &["result.json", "no result of a study"]);
}

#[test]
fn environment_names_the_data_directory_without_asking_for_an_agent() {
    let author = Author::new(STUDY);
    author.register("researcher");
    let (file, out, data) =
        (author.path("asked/study.toml"), author.path("out"), author.path("data"));
    let line = ["simulate", "--experiment", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let variables = [("CHAOSCHAIN_DATA", data.to_str().unwrap()), ("CHAOSCHAIN_PASSWORD", "test")];
    run_with(line, &variables).expect_code(0);
    assert!(!out.join("bundle.json").exists());
    run_with(line.iter().copied().chain(["--agent", "ada"]), &variables).expect_code(0);
    assert!(out.join("bundle.json").exists());
}

/// Four blocks fit nothing: no document, figure of a comparison or claim takes that for a verdict.
#[test]
fn what_is_not_judged_is_called_so_wherever_it_is_told() {
    let scenario = |name: &str, demand: &str| {
        format!("\n[[scenarios]]\nname = \"{name}\"\nwhat = \"demand\"\ndemand = \"{demand}\"\n")
    };
    let study = [STUDY, &scenario("as observed", "1"), &scenario("twice", "2")].concat();
    let author = Author::new(&study);
    author.register("researcher");
    author.signed("out");
    for name in ["proposal-forum.md", "proposal-eip.md", "report.html"] {
        let text = fs::read_to_string(author.path("out").join(name)).unwrap();
        assert!(!text.contains("thresholds hold in the tails"), "{name}:\n{text}");
        assert!(!text.contains("Demand is calibrated"), "{name}");
        assert!(text.contains("1 of 1 were not judged"), "{name}:\n{text}");
        assert!(text.contains("Not judged: \u{201c}twice\u{201d}"), "{name}:\n{text}");
    }
    let dir = stranger(&author.path("out"));
    let told = type_in(dir.path(), "chaoschain verify got").stdout;
    assert!(told.contains("no threshold judged") && !told.contains("thresholds met"), "{told}");
    author.write(&study.replace("elasticity = \"0.2\"", "elasticity = \"0.1\""));
    author.run("other", &["--json"]).expect_code(0);
    let (one, other) = (author.path("out"), author.path("other"));
    let diff = run(["diff", one.to_str().unwrap(), other.to_str().unwrap()]).expect_code(0).stdout;
    assert!(diff.contains("not judged") && !diff.contains("missed"), "{diff}");
}
