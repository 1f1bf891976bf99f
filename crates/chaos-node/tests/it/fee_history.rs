//! Fee histories of other people, as their users bring them.

use std::{fs, io::Write as _, path::Path};

use chaos_parameters::{Parameters, Preset, pricing::next_base_fee};
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use tempfile::TempDir;

use crate::{program::run, simulation::write_load};

/// Blocks of a rollup since Canyon, around their target, from this time on.
pub(crate) fn rollup(path: &Path, parameters: &Parameters, time: u64, blocks: u64) {
    let (mut fee, mut state) = (10_000_000u128, 88_172_645_463_325_252u64);
    let (limit, target) = (parameters.gas_limit(), parameters.gas_target());
    let mut text = "number,timestamp,gas_used,gas_limit,base_fee_wei\n".to_owned();
    for index in 0..blocks {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let used = state % (2 * target);
        text.push_str(&format!(
            "{},{},{used},{limit},{fee}\n",
            30_000_000 + index,
            time + 2 * index
        ));
        fee = next_base_fee(fee, used, parameters);
    }
    fs::write(path, text).unwrap();
}

const SMALL: [&str; 6] = ["--window", "1000", "--horizon", "200", "--paths", "40"];
const CANYON_TIME: u64 = 1_710_000_000;
const HOLOCENE_TIME: u64 = 1_750_000_000;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_history_is_read_checked_and_named_by_its_rows() {
    let dir = TempDir::new().unwrap();
    let (plain, zipped) = (dir.path().join("fees.csv"), dir.path().join("fees.csv.gz"));
    crate::forecast::write_history(&plain, 50);
    let bytes = fs::read(&plain).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(&String::from_utf8(bytes).unwrap().replace('\n', "\r\n").into_bytes())
        .unwrap();
    fs::write(&zipped, encoder.finish().unwrap()).unwrap();
    let json =
        |path: &Path| run(["fee-history", text(path), "--json"]).expect_code(0).json().remove(0);
    let found = json(&plain);
    assert_eq!(found, json(&zipped));
    assert_eq!(found["base_fee"]["exact"], 49);
    assert_eq!(found["gaps"]["count"], 0);
    let human = run(["fee-history", text(&plain)]).expect_code(0).stdout;
    assert!(human.contains("49 of 49 pairs follow the rule of Ethereum"), "{human}");
    let unknown = ["fee-history", text(&plain), "--columns", "number=height"];
    run(unknown).expect_error(3, &["no column `height`"]);
    run(["fee-history", text(&plain), "--columns", "height"]).expect_error(3, &["--columns"]);
}

#[test]
fn a_chain_is_no_label() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("fees.csv");
    rollup(&path, &Preset::OpCanyon.parameters(), CANYON_TIME, 1_300);
    let validate = |more: &[&str]| {
        run(["validate", "--fee-history", text(&path)].iter().chain(&SMALL).chain(more))
    };
    validate(&[]).expect_error(3, &["line 3", "--preset op-canyon", "of 1299 pairs"]);
    validate(&["--chain", "foo:bar"])
        .expect_error(3, &["foo:bar", "chaoschain chains", "--preset"]);
    let family = ["--chain", "eip155:1", "--preset", "op-canyon"];
    validate(&family).expect_error(3, &["eip155:1 is of the family ethereum"]);
    // The chain's own rule, or a named one, is what the forecasts go by.
    let known = validate(&["--chain", "eip155:8453", "--json"]).expect_code(0);
    assert!(known.stderr.contains("1299 of 1299 pairs"), "{}", known.stderr);
    let named =
        validate(&["--chain", "eip155:777", "--preset", "op-canyon", "--json"]).expect_code(0);
    let windows = |run: &crate::program::Run| run.json().remove(0)["metrics"].clone();
    assert_eq!(windows(&known), windows(&named));
}

#[test]
fn an_era_that_is_not_known_is_named_by_its_parameters() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("fees.csv");
    let changed = [chaos_parameters::parse_setting("base-fee-change-denominator=125").unwrap()];
    let parameters = Preset::OpCanyon.parameters().apply(&changed).unwrap();
    rollup(&path, &parameters, HOLOCENE_TIME, 200);
    let check = |more: &[&str]| {
        run(["fee-history", text(&path), "--chain", "eip155:8453"].iter().chain(more))
    };
    check(&[]).expect_error(3, &["not known for 199 pairs", "--baseline"]);
    check(&["--preset", "op-canyon"]).expect_error(3, &["line 3", "Base in February 2026"]);
    let baseline = ["--preset", "op-canyon", "--baseline", "base-fee-change-denominator=125"];
    check(&baseline).expect_code(0);
    check(&["--preset", "op-canyon", "--baseline", "blob-target=3"])
        .expect_error(3, &["--baseline"]);
}

#[test]
fn a_base_fee_of_zero_stays_zero_in_a_forecast() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("fees.csv");
    let mut table = "number,timestamp,gas_used,gas_limit,base_fee_wei\n".to_owned();
    for index in 0..1_500u64 {
        let used = 2_000_000 + index * 7_919 % 1_000_000;
        table.push_str(&format!(
            "{},{},{used},30000000,0\n",
            7_000_000 + index,
            1_700_000_000 + 12 * index
        ));
    }
    fs::write(&path, table).unwrap();
    let arguments = ["backtest", "--fee-history", text(&path), "--activation", "7001200", "--json"];
    let found = run(arguments.iter().chain(&SMALL)).expect_code(0).json().remove(0);
    let quantiles = &found["forecast"]["metrics"]["base_fee_median"]["quantiles"];
    assert!(quantiles.as_object().unwrap().values().all(|value| value == "0"), "{quantiles}");
}

#[test]
fn no_demand_is_fitted_to_what_is_none() {
    let dir = TempDir::new().unwrap();
    let blocks = dir.path().join("blocks-of");
    fs::create_dir_all(&blocks).unwrap();
    write_load(&blocks, 1);
    let path = dir.path().join("fees.csv");
    let simulate = |change: &dyn Fn(usize) -> bool| {
        crate::forecast::write_history(&path, 1_500);
        let table = fs::read_to_string(&path).unwrap();
        let kept = table.lines().enumerate().filter(|(at, _)| *at == 0 || change(*at));
        fs::write(&path, kept.map(|(_, line)| format!("{line}\n")).collect::<String>()).unwrap();
        run([
            "simulate",
            "--blocks",
            text(&blocks),
            "--set",
            "gas-limit=6000000",
            "--fee-history",
            text(&path),
            "--paths",
            "2",
            "--path-blocks",
            "50",
        ])
    };
    simulate(&|at| at % 7 != 0).expect_error(3, &["1000 consecutive", "longest run has 6"]);
    simulate(&|at| at == 1).expect_error(3, &["longest run has 1 of 1"]);
    simulate(&|at| at != 1_400).expect_error(3, &["no one demand", "1 are missing in 1 gaps"]);
    simulate(&|_| true).expect_code(0);
}

#[test]
fn a_proposal_of_what_is_there_and_a_preset_of_another_family_are_said() {
    let dir = TempDir::new().unwrap();
    write_load(dir.path(), 2);
    let small = ["--paths", "2", "--path-blocks", "50"];
    let simulate = |more: &[&str]| {
        run(["simulate", "--blocks", text(dir.path())].iter().chain(more).chain(&small))
    };
    let same = simulate(&["--set", "gas-limit=5000000"]).expect_code(0);
    assert!(same.stderr.contains("the proposal changes nothing"), "{}", same.stderr);
    let other = simulate(&["--set", "gas-limit=6000000"]).expect_code(0);
    assert!(!other.stderr.contains("changes nothing"), "{}", other.stderr);
    // A block that is missing makes the rest no one demand.
    write_load(dir.path(), 3);
    fs::remove_file(dir.path().join("blocks/2.json")).unwrap();
    let scattered = simulate(&["--set", "gas-limit=6000000"]).expect_code(0);
    assert!(scattered.stderr.contains("NO ONE DEMAND"), "{}", scattered.stderr);
}

const STUDY: &str = "\
version = 1
name = \"small\"
title = \"t\"
question = \"q?\"
[sources]
SOURCES
[baseline]
preset = \"op-canyon\"
gas-limit = 40_000_000
[proposal]
base-fee-change-denominator = 125
[[scenarios]]
name = \"one\"
what = \"it\"
[market]
paths = 4
blocks = 300
warmup_blocks = 20
agent_paths = 1
[[goals]]
metric = \"base_fee_median\"
better = \"lower\"
";

fn study(
    dir: &Path,
    name: &str,
    sources: &str,
    change: impl Fn(String) -> String,
) -> crate::program::Run {
    let file = dir.join(format!("{name}.toml"));
    fs::write(&file, change(STUDY.replace("SOURCES", sources))).unwrap();
    run(["simulate", "--experiment", text(&file), "--out", text(&dir.join(name))])
}

fn result(dir: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(dir.join(name).join("result.json")).unwrap()).unwrap()
}

#[test]
fn a_study_uses_the_fee_history_that_it_names_or_says_why_not() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    rollup(&dir.join("fees.csv"), &Preset::OpCanyon.parameters(), CANYON_TIME, 1_100);
    let generate = "when_absent = \"generate\"";
    let named = format!("{generate}\nfee_history = \"fees.csv\"");
    study(dir, "no-chain", &named, |text| text).expect_error(3, &["[sources] chain"]);
    let base = format!("{named}\nchain = \"eip155:8453\"");
    study(dir, "with", &base, |text| text).expect_code(0);
    study(dir, "without", generate, |text| text).expect_code(0);
    let (with, without) = (result(dir, "with"), result(dir, "without"));
    assert_ne!(with["scenarios"], without["scenarios"], "the history is what demand is fitted to");
    assert_eq!(with["chain"], "eip155:8453");
    let inputs = with["inputs"].as_array().unwrap();
    assert!(inputs.iter().any(|input| input["name"] == "fee-history"), "{inputs:?}");
    // By another rule than the chain's, and of another family.
    let other = |text: String| text.replace("op-canyon", "london").replace("= 125", "= 16");
    study(dir, "family", &base, other).expect_error(3, &["eip155:8453 is of the family op_stack"]);
    // What the study names is held to as well.
    rollup(&dir.join("fees.csv"), &Preset::London.parameters(), CANYON_TIME, 1_100);
    study(dir, "rule", &base, |text| text).expect_error(3, &["fees.csv", "line 3"]);
}

#[test]
fn a_study_is_named_by_what_it_says() {
    let dir = TempDir::new().unwrap();
    let generate = "when_absent = \"generate\"";
    let digest = |name: &str, change: &dyn Fn(String) -> String| {
        study(dir.path(), name, generate, change).expect_code(0);
        result(dir.path(), name)["study"].clone()
    };
    let plain = digest("plain", &|text| text);
    assert_eq!(digest("crlf", &|text| text.replace('\n', "\r\n")), plain);
    assert_eq!(digest("comment", &|text| format!("\u{feff}# why\n{text}")), plain);
    assert_ne!(digest("other", &|text| text.replace("= 125", "= 126")), plain);
}
