use std::{fs, path::Path};

use chaos_parameters::{Parameters, pricing::next_base_fee};
use tempfile::TempDir;

use crate::program::run;

/// A fee history of blocks whose base fee follows the rule.
pub(crate) fn write_history(path: &Path, blocks: u64) {
    write_raised(path, blocks, blocks);
}

/// The same with a gas limit that is raised a little at the block of this index.
pub(crate) fn write_raised(path: &Path, blocks: u64, raised: u64) {
    write_from(path, 18_000_000, blocks, (raised, 30_020_000));
}

/// Blocks from `first` on, whose gas limit is `to` from the block of the index `raised` on.
pub(crate) fn write_from(path: &Path, first: u64, blocks: u64, (raised, to): (u64, u64)) {
    let (mut base_fee, mut state) = (30_000_000_000u128, 88_172_645_463_325_252u64);
    let mut csv = "number,timestamp,gas_used,gas_limit,base_fee_wei\n".to_owned();
    for index in 0..blocks {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let limit = if index < raised { 30_000_000 } else { to };
        let parameters = Parameters::ethereum(limit).unwrap();
        let dear = u64::try_from(base_fee / 5_000).unwrap();
        let used = (13_000_000 + state % 16_000_000).saturating_sub(dear).min(limit);
        let (number, time) = (first + index, 1_700_000_000 + 12 * index);
        csv.push_str(&format!("{number},{time},{used},{limit},{base_fee}\n"));
        base_fee = next_base_fee(base_fee, used, &parameters);
    }
    fs::write(path, csv).unwrap();
}

const SMALL: [&str; 6] = ["--window", "1200", "--horizon", "200", "--paths", "40"];

fn history(dir: &TempDir, name: &str, blocks: u64) -> String {
    let path = dir.path().join(name);
    write_history(&path, blocks);
    path.to_str().unwrap().to_owned()
}

#[test]
fn validation_prints_windows_coverage_and_one_verdict() {
    let dir = TempDir::new().unwrap();
    let file = history(&dir, "fees.csv", 1_600);
    let arguments = ["validate", "--fee-history", &file];
    let human = run(arguments.iter().chain(&SMALL)).expect_code(0).stdout;
    assert!(human.lines().all(|line| line.chars().count() <= 100), "{human}");
    assert!(human.contains("2 windows") && human.contains("beats the last window on"));
    let json = |threads: &str| {
        let more = ["--json", "--threads", threads];
        run(arguments.iter().chain(&SMALL).chain(&more)).expect_code(0).json().remove(0)
    };
    let one = json("1");
    assert_eq!(one, json("2"), "the number of threads does not matter");
    assert_eq!(one["windows"].as_array().unwrap().len(), 2);
    assert_eq!(one["p10_p90"]["of"], 34);
}

#[test]
fn a_dated_forecast_is_kept_and_scored_when_its_blocks_are_there() {
    let dir = TempDir::new().unwrap();
    let (today, later) = (history(&dir, "today.csv", 1_300), history(&dir, "later.csv", 1_500));
    let kept = dir.path().join("forecast.json");
    let kept = kept.to_str().unwrap();
    let ahead = ["backtest", "--fee-history", &today, "--activation", "18001300"];
    run(ahead.iter().chain(&SMALL)).expect_error(3, &["18001300", "outside the history", "--save"]);
    let save = ["--save", kept, "--json"];
    let made = run(ahead.iter().chain(&SMALL).chain(&save)).expect_code(0).json().remove(0);
    assert!(made["forecast"]["made_at"].as_u64().unwrap() > 1_600_000_000);
    let scored = run(["backtest", "--forecast", kept, "--fee-history", &later, "--json"])
        .expect_code(0)
        .json()
        .remove(0);
    assert_eq!(scored["forecast_digest"], made["forecast_digest"]);
    assert_eq!(scored["score"]["observed"]["first_block"], 18_001_300);
    assert_eq!(scored["score"]["unobserved_blocks"], 0);
    // Too early: none of its blocks is there.
    run(["backtest", "--forecast", kept, "--fee-history", &today])
        .expect_error(3, &["blocks that the forecast is about", "has 0 blocks"]);
    assert_eq!(scored["dated"], "not_dated", "no log says when it was made");
    // What was edited is no forecast, whatever was edited, and the format of another release is named.
    let whole = fs::read_to_string(kept).unwrap();
    for (from, to, words) in [
        ("\"first_block\":18001300", "\"first_block\":18001200", "was edited"),
        ("\"made_at\":1", "\"made_at\":2", "was edited"),
        ("chaoschain-forecast/1", "chaoschain-forecast/2", "chaoschain-forecast/2"),
    ] {
        assert!(whole.contains(from), "{from} is not in {whole}");
        fs::write(kept, whole.replacen(from, to, 1)).unwrap();
        run(["backtest", "--forecast", kept, "--fee-history", &later])
            .expect_error(3, &["forecast.json", words]);
    }
}

/// The value of an option that says how a forecast is made is one that the forecast was not made with.
#[test]
fn options_of_a_forecast_are_refused_where_one_is_scored() {
    for option in [
        ["--window", "1200"],
        ["--horizon", "200"],
        ["--paths", "40"],
        ["--seed", "2"],
        ["--elasticity", "0.1"],
        ["--threads", "1"],
        ["--set", "gas-limit=60000000"],
        ["--save", "x"],
        ["--activation", "1"],
        ["--agent", "ada"],
        ["--data", "d"],
    ] {
        let line = ["backtest", "--forecast", "f", "--fee-history", "h"];
        let told = run(line.iter().chain(&option)).expect_code(2);
        assert!(told.stderr.contains(option[0]), "{option:?}: {}", told.stderr);
    }
}

#[test]
fn a_logged_forecast_is_dated_by_its_log_and_no_other_passes_for_it() {
    let dir = TempDir::new().unwrap();
    let (today, later) = (history(&dir, "today.csv", 1_300), history(&dir, "later.csv", 1_500));
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (data, kept) = (path("data"), path("forecast.json"));
    let register = ["agent", "register", "--name", "ada", "--role", "researcher", "--data", &data];
    run(register).expect_code(0);
    let make = |kept: &str, activation: &str, agent: &str| {
        let line = [
            "backtest",
            "--fee-history",
            &today,
            "--activation",
            activation,
            "--save",
            kept,
            "--agent",
            agent,
            "--data",
            &data,
        ];
        run(line.iter().chain(&SMALL))
    };
    make(&kept, "18001300", "nobody").expect_error(3, &["nobody"]);
    make(&kept, "18001300", "ada").expect_code(0);
    let bundle = path("forecast.bundle.json");
    let verified =
        run(["verify", &bundle, "--reexecute", "--inputs", dir.path().to_str().unwrap()]);
    let said = verified.expect_code(0).stdout;
    assert!(said.contains("forecast 200 blocks of eip155:1 from block 18001300"), "{said}");
    assert!(said.contains("re-executed"), "{said}");
    // These blocks are of 2023, so that a log of today dates nothing before them.
    let score =
        |kept: &str| run(["backtest", "--forecast", kept, "--fee-history", &later, "--json"]);
    let scored = score(&kept).expect_code(0).json().remove(0);
    assert_eq!(scored["dated"], "late");
    assert!(scored["logged_ms"].as_u64().unwrap() > 1_600_000_000_000);
    // Another forecast beside the bundle of the first one.
    make(&path("other.json"), "18001301", "ada").expect_code(0);
    fs::copy(path("forecast.bundle.json"), path("other.bundle.json")).unwrap();
    score(&path("other.json"))
        .expect_error(3, &["other.bundle.json", "not the one that was logged"]);
    // A damaged bundle dates nothing and is not passed over.
    fs::write(&bundle, fs::read_to_string(&bundle).unwrap().replacen("sha256", "sha255", 1))
        .unwrap();
    score(&kept).expect_error(1, &["forecast.bundle.json"]);
}

#[test]
fn a_past_change_is_forecast_and_scored_in_a_hundred_columns() {
    let dir = TempDir::new().unwrap();
    let file = history(&dir, "fees.csv", 1_500);
    let past = ["backtest", "--fee-history", &file, "--activation", "18001300"];
    let human = run(past.iter().chain(&SMALL)).expect_code(0).stdout;
    assert!(human.lines().all(|line| line.chars().count() <= 100), "{human}");
    assert!(human.contains("figures inside p10-p90"), "{human}");
    assert!(human.contains("a hindcast"), "{human}");
    // A change that these blocks do not show is none that can be scored on them.
    for (set, words) in [
        ("gas-limit=60000000", "gas limit of 30000000"),
        ("base-fee-change-denominator=16", "base-fee-change-denominator 8, not 16"),
    ] {
        let set = ["--set", set];
        run(past.iter().chain(&SMALL).chain(&set))
            .expect_error(3, &["the change was not made", words]);
    }
    // One that they show is.
    let raised = dir.path().join("raised.csv");
    write_raised(&raised, 1_500, 1_300);
    let raised =
        ["backtest", "--fee-history", raised.to_str().unwrap(), "--activation", "18001300"];
    let set = ["--set", "gas-limit=30020000"];
    let changed = run(raised.iter().chain(&SMALL).chain(&set)).expect_code(0).stdout;
    assert!(changed.contains("gas-limit: 30000000 -> 30020000 gas"), "{changed}");
    let wrong = ["--set", "gas-limit=1"];
    run(past.iter().chain(&SMALL).chain(&wrong)).expect_error(3, &["--set", "gas-limit"]);
    run(["backtest", "--fee-history", &file]).expect_code(2);
}

#[test]
fn a_damaged_history_is_named_with_its_line() {
    let dir = TempDir::new().unwrap();
    let file = history(&dir, "fees.csv", 20);
    run(["validate", "--fee-history", &file]).expect_error(3, &["20 blocks do not hold"]);
    let mut lines: Vec<String> =
        fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
    lines.swap(4, 5);
    fs::write(&file, lines.join("\n")).unwrap();
    run(["validate", "--fee-history", &file]).expect_error(3, &["line 6", "does not come after"]);
}
