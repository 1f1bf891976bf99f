use std::{fs, path::Path};

use chaos_parameters::{Parameters, pricing::next_base_fee};
use tempfile::TempDir;

use crate::program::run;

/// A fee history of blocks whose base fee follows the rule.
pub(crate) fn write_history(path: &Path, blocks: u64) {
    let parameters = Parameters::ethereum(30_000_000).unwrap();
    let (mut base_fee, mut state) = (30_000_000_000u128, 88_172_645_463_325_252u64);
    let mut csv = "number,timestamp,gas_used,gas_limit,base_fee_wei\n".to_owned();
    for index in 0..blocks {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let dear = u64::try_from(base_fee / 5_000).unwrap();
        let used = (13_000_000 + state % 16_000_000).saturating_sub(dear).min(30_000_000);
        let (number, time) = (18_000_000 + index, 1_700_000_000 + 12 * index);
        csv.push_str(&format!("{number},{time},{used},30000000,{base_fee}\n"));
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
    // One changed byte is noticed.
    let text = fs::read_to_string(kept).unwrap().replacen("forecast/1", "forecast/2", 1);
    fs::write(kept, text).unwrap();
    run(["backtest", "--forecast", kept, "--fee-history", &later])
        .expect_error(3, &["forecast.json", "forecast/2"]);
}

#[test]
fn a_past_change_is_forecast_and_scored_in_a_hundred_columns() {
    let dir = TempDir::new().unwrap();
    let file = history(&dir, "fees.csv", 1_500);
    let past = ["backtest", "--fee-history", &file, "--activation", "18001300"];
    let human = run(past.iter().chain(&SMALL)).expect_code(0).stdout;
    assert!(human.lines().all(|line| line.chars().count() <= 100), "{human}");
    assert!(human.contains("figures inside p10-p90"), "{human}");
    let set = ["--set", "gas-limit=60000000"];
    let changed = run(past.iter().chain(&SMALL).chain(&set)).expect_code(0).stdout;
    assert!(changed.contains("gas-limit: 30000000 -> 60000000 gas"), "{changed}");
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
