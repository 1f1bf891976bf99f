//! A study from its file to its folder, undisturbed and killed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use chaos_types::Digest;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    program::{Run, run},
    simulation::write_load,
};

/// Two scenarios and eight alternatives, one of them the proposal.
const STUDY: &str = r#"
version = 1
name = "small"
title = "A small study"
question = "Does it work?"
attacks = ["calldata_bloat"]

[sources]
blocks = "recorded"

[baseline]
preset = "london"

[proposal]
gas-limit = 10_000_000

[grid]
gas-limit = [4_000_000, 6_000_000, 8_000_000, 10_000_000]
base-fee-change-denominator = [8, 16]

[[scenarios]]
name = "as observed"
what = "demand of the blocks"

[[scenarios]]
name = "demand doubles"
what = "twice the demand at every price"
demand = "2"

[market]
paths = 12
blocks = 240
warmup_blocks = 20
screen_paths = 4
agent_paths = 2

[[thresholds]]
metric = "base_fee_median"
side = "at_most"
change = "0"

[[goals]]
metric = "base_fee_median"
better = "lower"
"#;

/// Cells of [`STUDY`].
const CELLS: usize = 2 + 4 * 2 - 1 + 1;

/// A folder with a study and, if asked for, the blocks that it names.
struct Place(TempDir);

impl Place {
    fn new(study: &str, blocks: u32) -> Self {
        let place = Self(TempDir::new().unwrap());
        fs::write(place.path("study.toml"), study).unwrap();
        if blocks > 0 {
            write_load(&place.path("recorded"), blocks);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn arguments(&self, out: &str, threads: &str) -> Vec<String> {
        let (file, out) = (self.path("study.toml"), self.path(out));
        let words = ["simulate", "--experiment", file.to_str().unwrap(), "--out"];
        let more = [out.to_str().unwrap(), "--json", "--threads", threads];
        words.iter().chain(&more).map(|word| (*word).to_owned()).collect()
    }

    fn run(&self, out: &str, threads: &str) -> Run {
        run(self.arguments(out, threads))
    }

    /// Runs to the end; what was printed as JSON, and what was said.
    #[track_caller]
    fn done(&self, out: &str, threads: &str) -> (Value, String) {
        let run = self.run(out, threads).expect_code(0);
        let mut lines = run.json();
        assert_eq!(lines.len(), 1, "one JSON object: {}", run.stdout);
        (lines.remove(0), run.stderr)
    }

    /// The files of finished cells.
    fn cells(&self, out: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path(out).join("cells")) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        files
    }
}

/// Every file under a folder, by its path in it.
fn files_under(folder: &Path, prefix: &str, files: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            files_under(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, entry.path());
        }
    }
}

#[test]
fn every_file_of_a_study_is_in_its_manifest_with_its_digest() {
    let place = Place::new(STUDY, 4);
    let (printed, _) = place.done("out", "2");
    let mut files = BTreeMap::new();
    files_under(&place.path("out"), "", &mut files);
    let manifest: Value =
        serde_json::from_slice(&fs::read(files.remove("manifest.json").unwrap()).unwrap()).unwrap();
    let cells = files.extract_if(.., |name, _| name.starts_with("cells/")).count();
    assert_eq!(cells, CELLS);
    let digests: BTreeMap<String, String> = files
        .iter()
        .map(|(name, path)| (name.clone(), Digest::of(&fs::read(path).unwrap()).to_string()))
        .collect();
    assert_eq!(manifest["files"], serde_json::to_value(&digests).unwrap());
    assert_eq!(printed["files"], manifest["files"]);
    assert_eq!(printed["result_digest"], manifest["result_digest"]);
    assert_eq!(manifest["result_digest"], digests["result.json"].as_str());
    for name in [
        "metrics.parquet",
        "paths.parquet",
        "series.parquet",
        "report.html",
        "proposal-forum.md",
        "proposal-eip.md",
        "readiness.md",
    ] {
        assert!(digests.contains_key(name), "{name} is absent: {digests:?}");
    }
    assert!(digests.keys().any(|name| name.starts_with("figures/") && name.ends_with(".svg")));
    assert_eq!(printed["generated"], false);
    let result: Value =
        serde_json::from_slice(&fs::read(place.path("out").join("result.json")).unwrap()).unwrap();
    assert_eq!(printed["study"], result["study"]);

    // Again: nothing is computed twice, and on other threads it is the same result.
    let cells = place.cells("out");
    let before: Vec<_> = cells.iter().map(|cell| fs::metadata(cell).unwrap().modified()).collect();
    let before: Vec<_> = before.into_iter().map(Result::unwrap).collect();
    let (again, said) = place.done("out", "1");
    assert!(said.contains(&format!("{CELLS} of {CELLS} cells were kept")), "{said}");
    assert_eq!(again["result_digest"], printed["result_digest"]);
    for (cell, before) in cells.iter().zip(before) {
        assert_eq!(fs::metadata(cell).unwrap().modified().unwrap(), before, "{}", cell.display());
    }
}

/// Starts the study and kills it as soon as a cell is finished.
fn kill_after_first_cell(place: &Place, out: &str) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chaoschain"))
        .args(place.arguments(out, "1"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while place.cells(out).is_empty() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before its first cell");
        assert!(Instant::now() < deadline, "no cell was finished in time");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_study_killed_between_its_cells_comes_to_the_result_of_an_undisturbed_one() {
    let place = Place::new(&STUDY.replace("blocks = 240", "blocks = 2_400"), 4);
    let (undisturbed, said) = place.done("undisturbed", "2");
    assert!(!said.contains("kept"), "{said}");
    kill_after_first_cell(&place, "killed");
    let kept = place.cells("killed").len();
    assert!((1..CELLS).contains(&kept), "{kept} of {CELLS} cells were finished");
    assert!(!place.path("killed").join("manifest.json").exists());
    let (resumed, said) = place.done("killed", "2");
    assert!(said.contains(&format!("{kept} of {CELLS} cells were kept")), "{said}");
    assert_eq!(resumed["result_digest"], undisturbed["result_digest"]);
    let bytes = |out: &str, name: &str| fs::read(place.path(out).join(name)).unwrap();
    for name in ["result.json", "metrics.parquet", "paths.parquet", "series.parquet"] {
        assert_eq!(bytes("killed", name), bytes("undisturbed", name), "{name}");
    }

    // Half a file and another cell's file count as absent.
    let cells = place.cells("killed");
    let half = fs::read(&cells[0]).unwrap();
    fs::write(&cells[0], &half[..half.len() / 2]).unwrap();
    fs::copy(&cells[2], &cells[1]).unwrap();
    let (repaired, said) = place.done("killed", "2");
    assert!(said.contains(&format!("{} of {CELLS} cells were kept", CELLS - 2)), "{said}");
    assert_eq!(repaired["result_digest"], undisturbed["result_digest"]);
    assert_eq!(fs::read(&cells[0]).unwrap(), half);
}

#[test]
fn a_wrong_study_is_refused_before_anything_is_written() {
    for (from, to, words) in [
        ("paths = 12", "path = 12", ["study.toml", "unknown field `path`", "screen_paths"]),
        ("[proposal]\ngas-limit", "[proposal]\ngaslimit", ["[proposal]", "`gaslimit`", "known:"]),
        ("version = 1", "version = 9", ["study.toml", "version 9", "expected 1"]),
    ] {
        let place = Place::new(&STUDY.replace(from, to), 0);
        place.run("out", "1").expect_error(3, &words);
        assert!(!place.path("out").exists());
    }
    let place = Place::new(STUDY, 0);
    fs::remove_file(place.path("study.toml")).unwrap();
    place.run("out", "1").expect_error(3, &["cannot read", "study.toml"]);
}

#[test]
fn an_absent_source_is_refused_with_a_hint_unless_the_study_allows_generated_blocks() {
    let place = Place::new(STUDY, 0);
    let absent = ["recorded does not exist", "hint:", "when_absent = \"generate\""];
    place.run("out", "1").expect_error(3, &absent);
    let nameless = Place::new(&STUDY.replace("blocks = \"recorded\"", ""), 0);
    nameless.run("out", "1").expect_error(3, &["names no blocks", "hint:", "[sources] blocks"]);

    let allowed = "blocks = \"recorded\"\nwhen_absent = \"generate\"";
    let place = Place::new(&STUDY.replace("blocks = \"recorded\"", allowed), 0);
    // A folder that no study wrote is not taken for this one's inputs.
    write_load(&place.path("other/inputs"), 1);
    place.run("other", "2").expect_error(3, &["other/inputs is there already", "--out"]);
    assert_eq!(fs::read_dir(place.path("other/inputs/blocks")).unwrap().count(), 1, "not its own");
    let (printed, said) = place.done("out", "2");
    assert!(said.contains("recorded does not exist: generating blocks instead"), "{said}");
    assert_eq!(printed["generated"], true);
    let flags = printed["flags"].to_string();
    assert!(flags.contains("all blocks were generated, and no figure is a fact"), "{flags}");
    let report = fs::read_to_string(place.path("out").join("report.html")).unwrap();
    assert!(report.contains("generated blocks"), "the report says it, too");
}
