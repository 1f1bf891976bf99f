//! Changes of the past, predicted from a table and scored on it.

use std::{fs, path::Path};

use chaos_chain_config::ChainConfig;
use chaos_history::day_of;
use chaos_parameters::pricing::{BlobRule, GAS_PER_BLOB};
use tempfile::TempDir;

use crate::program::run;

/// Pectra's time, by which the schedule of mainnet has another rule.
const PECTRA: u64 = 1_746_612_311;

const FIRST: u64 = 22_000_000;

/// Blocks before Pectra.
const BEFORE: u64 = 14_400;

/// A table of blob figures over Pectra, by the chain's own rule and a demand of about 3.6 blobs that price
/// holds back.
fn blobs(path: &Path, after: u64) {
    let mut state = 88_172_645_463_325_252u64;
    let chain = ChainConfig::of(1).unwrap();
    let mut csv =
        "number,timestamp,gas_used,gas_limit,base_fee_wei,excess_blob_gas,blob_gas_used\n"
            .to_owned();
    let mut excess = 20 * 3_338_477u64;
    let rule =
        |number: u64, time: u64| BlobRule::of(&chain.parameters_at(number, time).unwrap()).unwrap();
    for index in 0..BEFORE + after {
        let (number, time) = (FIRST + index, PECTRA + 12 * index - 12 * BEFORE);
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let own = rule(number, time);
        // An e-fold of the price above e^19 wei holds a third of a blob back.
        let held = (excess * 3 / own.update_fraction).saturating_sub(57);
        let wanted = (state % 73).saturating_sub(held * 8);
        let blobs = (wanted / 10).min(own.max);
        csv.push_str(&format!("{number},{time},,,,{excess},{}\n", blobs * GAS_PER_BLOB));
        excess = rule(number + 1, time + 12).next_excess(excess, blobs * GAS_PER_BLOB, false);
    }
    fs::write(path, csv).unwrap();
}

/// A table of days with a raise of the limit by a fifth.
fn days(path: &Path) {
    let mut csv = "date,timestamp,gas_limit_avg,gas_used_total,avg_gas_price_wei\n".to_owned();
    for index in 0..80 {
        let limit: u64 = if index < 60 { 30_000_000 } else { 36_000_000 };
        let used = limit / 2 * 7_200 / 1_000 * (1_005 + index % 4);
        let time = 1_700_006_400 + index * 86_400;
        let (day, price) = (day_of(time), 9_000_000_000 + index % 5);
        csv.push_str(&format!("{day},{time},{limit},{used},{price}\n"));
    }
    fs::write(path, csv).unwrap();
}

const SMALL: [&str; 6] = ["--window", "14400", "--horizon", "600", "--paths", "33"];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_change_of_blobs_is_forecast_by_the_schedule_and_scored_in_a_hundred_and_twenty_columns() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("blobs.csv");
    blobs(&file, 700);
    let at = (FIRST + BEFORE).to_string();
    let by_block = ["backtest", "--fee-history", text(&file), "--activation", &at];
    let human = run(by_block.iter().chain(&SMALL)).expect_code(0).stdout;
    assert!(human.lines().all(|line| line.chars().count() <= 120), "{human}");
    assert!(human.contains("target 3 of 6 -> target 6 of 9"), "{human}");
    assert!(human.contains("skill: fair %") && human.contains("counted figures"), "{human}");
    let json = |activation: &str, more: &[&str]| {
        let arguments = ["backtest", "--fee-history", text(&file), "--activation", activation];
        let all = arguments.iter().chain(&SMALL).chain(&["--json"]).chain(more);
        run(all).expect_code(0).json().remove(0)
    };
    let one = json(&at, &[]);
    assert_eq!(one, json(&PECTRA.to_string(), &["--threads", "1"]), "by its time, on one thread");
    assert_eq!(one["scored_blocks"], 600);
    assert_eq!(one["forecast"]["rows"][0]["name"], "blobs_per_block");
    // What comes after the activation decides no forecast.
    let shorter = dir.path().join("shorter.csv");
    blobs(&shorter, 600);
    let model = |file: &Path| {
        let arguments = ["backtest", "--fee-history", text(file), "--activation", &at, "--json"];
        let found = run(arguments.iter().chain(&SMALL)).expect_code(0).json().remove(0);
        found["forecast"]["rows"][0]["model"].clone()
    };
    assert_eq!(model(&file), model(&shorter));
}

#[test]
fn a_change_that_the_blocks_do_not_show_is_refused() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("blobs.csv");
    blobs(&file, 700);
    let at = (FIRST + BEFORE).to_string();
    let with = |more: &[&str]| {
        let arguments = ["backtest", "--fee-history", text(&file), "--activation", &at];
        run(arguments.iter().chain(&SMALL).chain(more))
    };
    with(&["--set", "blob-target=5"])
        .expect_error(3, &["the change was not made", "blob-target=5", "blob-target=6"]);
    // Another chain, whose rules are named, follows its own.
    let other = ["--chain", "eip155:100200", "--preset", "cancun"];
    with(&other).expect_error(3, &["excess blob gas of block 22014400"]);
    let named: Vec<&str> = other
        .into_iter()
        .chain(["--set", "blob-target=6", "--set", "blob-max=9"])
        .chain(["--set", "blob-update-fraction=5007716", "--json"])
        .collect();
    let found = with(&named).expect_code(0).json().remove(0);
    assert_eq!(found["after"]["target"], 6);
    let first = FIRST.to_string();
    let arguments = ["backtest", "--fee-history", text(&file), "--activation", &first];
    run(arguments).expect_error(3, &["no row with blob figures before block 22000000"]);
}

#[test]
fn a_raise_is_scored_on_a_table_of_days_and_nothing_is_ignored() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("days.csv");
    days(&file);
    let day = day_of(1_700_006_400 + 60 * 86_400);
    let arguments = ["backtest", "--fee-history", text(&file), "--activation", &day];
    let human = run(arguments).expect_code(0).stdout;
    assert!(human.lines().all(|line| line.chars().count() <= 120), "{human}");
    assert!(human.contains("gas limit 30 Mgas -> 36 Mgas"), "{human}");
    assert!(human.contains("mean_price_paid shown, not counted"), "{human}");
    let with = |more: &[&str]| run(arguments.iter().chain(more));
    with(&["--set", "gas-limit=60000000"])
        .expect_error(3, &["the change was not made", "36000000"]);
    with(&["--window", "9"]).expect_error(3, &["--window does nothing"]);
    with(&["--market", "blobs"]).expect_error(3, &["--market blobs does nothing"]);
    let by_block = ["backtest", "--fee-history", text(&file), "--activation", "17000000"];
    run(by_block).expect_error(3, &["name the day of the change"]);
    let windows = run(["validate", "--fee-history", text(&file), "--json"]).expect_code(0);
    assert!(windows.json()[0]["rows"].as_array().unwrap().len() > 3);
}
