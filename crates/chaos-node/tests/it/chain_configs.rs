//! Chains by name, by files that somebody brings, and simulations from a fee history alone.

use std::{fs, path::Path};

use chaos_chain_config::{ChainConfig, HeaderFees};
use chaos_parameters::Preset;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    fee_history::rollup,
    program::{Run, run},
    simulation::write_load,
};

const SMALL: [&str; 4] = ["--paths", "2", "--path-blocks", "60"];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Blocks of Base since Jovian that say their fee rule.
fn base_history(path: &Path, blocks: u64) {
    let fees = HeaderFees {
        change_denominator: 125,
        elasticity_multiplier: 6,
        min_base_fee_wei: Some(2_000_000),
    };
    let data: String = fees.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut table = "number,timestamp,gas_used,gas_limit,base_fee_wei,extra_data\n".to_owned();
    let (limit, mut fee, mut state) = (240_000_000_u64, 5_000_000_u128, 88_172_645_463_325_252_u64);
    for index in 0..blocks {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let used = state % 80_000_000;
        let (number, time) = (39_000_000 + index, 1_765_000_000 + 2 * index);
        table.push_str(&format!("{number},{time},{used},{limit},{fee},0x{data}\n"));
        fee = fees.rule().next(fee, used, limit);
    }
    fs::write(path, table).unwrap();
}

fn simulate(path: &Path, chain: &str, more: &[&str]) -> Run {
    let words = ["simulate", "--fee-history", text(path), "--chain", chain, "--json"];
    run(words.iter().chain(more).chain(&SMALL))
}

#[test]
fn base_is_simulated_from_a_fee_history_alone_by_the_rule_its_blocks_say() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("base.csv");
    base_history(&path, 1_200);
    let done = simulate(&path, "base", &["--set", "min-base-fee=20000000"]).expect_code(0);
    assert!(done.stderr.contains("NOTHING WAS EXECUTED"), "{}", done.stderr);
    assert!(done.stderr.contains("1199 of 1199 pairs"), "{}", done.stderr);
    let result = done.json().remove(0);
    let baseline = &result["parameters"]["baseline"];
    assert_eq!(result["chain"], "eip155:8453");
    assert_eq!(
        (baseline["base_fee_change_denominator"].as_u64(), baseline["gas_limit"].as_u64()),
        (Some(125), Some(240_000_000))
    );
    assert_eq!(baseline["min_base_fee"].as_u64(), Some(2_000_000));
    let metrics = result["metrics"].as_object().unwrap();
    assert!(metrics.values().all(|row| row["layer"] == "fee_market"), "{metrics:?}");
    let lowest = metrics["base_fee_median"]["proposal"].to_string();
    assert!(lowest.trim_matches('"').parse::<f64>().unwrap() >= 20_000_000.0, "{lowest}");
    // Without the chain nobody knows by which rule.
    run(["simulate", "--fee-history", text(&path), "--set", "min-base-fee=20000000"])
        .expect_error(3, &["--chain"]);
}

#[test]
fn a_base_history_without_extra_data_is_simulated_by_a_named_rule() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("fees.csv");
    rollup(&path, &Preset::OpCanyon.parameters(), 1_750_000_000, 1_200);
    let set = ["--set", "min-base-fee=20000000"];
    simulate(&path, "base", &set).expect_error(3, &["not known for 1199 pairs", "extra_data"]);
    let named = ["--preset", "op-canyon", set[0], set[1]];
    let done = simulate(&path, "eip155:8453", &named).expect_code(0);
    assert_eq!(done.json()[0]["parameters"]["baseline"]["elasticity_multiplier"], 6);
}

#[test]
fn arbitrum_and_ethereum_are_simulated_from_a_fee_history_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("arbitrum.csv");
    let mut table = "number,timestamp,gas_used,gas_limit,base_fee_wei\n".to_owned();
    for index in 0..1_200_u64 {
        let used = 1_000_000 + index * 7_919 % 3_000_000;
        let (number, time) = (420_000_000 + index, 1_770_000_000 + index / 4);
        table.push_str(&format!("{number},{time},{used},1125899906842624,20000000\n"));
    }
    fs::write(&path, table).unwrap();
    let done = simulate(&path, "arbitrum", &["--set", "min-base-fee=30000000"]).expect_code(0);
    assert!(done.stderr.contains("NOT CHECKED"), "{}", done.stderr);
    let baseline = done.json()[0]["parameters"]["baseline"].clone();
    assert_eq!(baseline["min_base_fee"], 20_000_000);
    crate::forecast::write_history(&path, 1_200);
    let done = simulate(&path, "ethereum", &["--set", "gas-limit=45000000"]).expect_code(0);
    assert_eq!(done.json()[0]["chain"], "eip155:1");
}

#[test]
fn chains_are_listed_in_a_terminal_and_shown_with_their_sources() {
    let list = run(["chains"]).expect_code(0).stdout;
    for chain in ChainConfig::all() {
        assert!(list.contains(&chain.names[0]), "{list}");
    }
    assert!(list.lines().all(|line| line.chars().count() <= 100), "{list}");
    let base = run(["chains", "base"]).expect_code(0).stdout;
    for words in ["eip155:8453", "isthmus", "extra data", "SystemConfig", "superchain-registry"] {
        assert!(base.contains(words), "{words}: {base}");
    }
    let json = run(["chains", "eip155:42161", "--json"]).expect_code(0).json().remove(0);
    assert_eq!(
        (json["family"].as_str(), json["execution"].as_str()),
        (Some("arbitrum"), Some("partial"))
    );
    run(["chains", "bease"]).expect_error(3, &["bease", "arbitrum"]);
    run(["chains", "8453"]).expect_error(3, &["eip155:8453"]);
    run(["chains", "eip155:777"]).expect_error(3, &["eip155:777 is not built in"]);
}

/// A genesis as geth writes it for a private network.
fn genesis(chain: u64) -> Value {
    json!({"config": {
        "chainId": chain, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
        "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0,
        "berlinBlock": 0, "londonBlock": 0, "terminalTotalDifficulty": 0, "shanghaiTime": 0,
        "cancunTime": 0, "pragueTime": 0, "osakaTime": 0
    }, "alloc": {}})
}

#[test]
fn a_chain_that_is_not_built_in_is_read_by_its_genesis() {
    let dir = TempDir::new().unwrap();
    let (config, fees) = (dir.path().join("genesis.json"), dir.path().join("fees.csv"));
    fs::write(&config, genesis(777).to_string()).unwrap();
    crate::forecast::write_history(&fees, 1_100);
    let check = |more: &[&str]| run(["fee-history", text(&fees)].iter().chain(more));
    check(&["--chain", "eip155:777"])
        .expect_error(3, &["eip155:777 is not known", "--chain-config"]);
    let found = check(&["--chain-config", text(&config)]).expect_code(0).stdout;
    assert!(found.contains("eip155:777") && found.contains("1099 of 1099"), "{found}");
    check(&["--chain", "base", "--chain-config", text(&config)])
        .expect_error(3, &["--chain is eip155:8453", "eip155:777"]);
    let mut odd = genesis(777);
    odd["config"]["amsterdamTime"] = json!(9);
    fs::write(&config, odd.to_string()).unwrap();
    check(&["--chain-config", text(&config)]).expect_error(3, &["config.amsterdamTime"]);
}

#[test]
fn blocks_run_under_the_schedule_of_a_file_and_remember_their_fork() {
    let dir = TempDir::new().unwrap();
    write_load(dir.path(), 2);
    let config = dir.path().join("genesis.json");
    let replay = |more: &[&str]| run(["replay", "--blocks", text(dir.path())].iter().chain(more));
    fs::write(&config, genesis(1_337_001).to_string()).unwrap();
    let done = replay(&["--chain-config", text(&config)]).expect_code(0);
    assert!(
        done.stderr.contains("not by what is built in for generated blocks"),
        "{}",
        done.stderr
    );
    let out = dir.path().join("out");
    let export = ["export", "--blocks", text(dir.path()), "--chain-config", text(&config)];
    run(export.iter().chain(&["--out", text(&out)])).expect_code(0);
    run(["replay", "--blocks", text(&out)]).expect_code(0);
    run(["replay", "--blocks", text(&out), "--hardfork", "cancun"]).expect_error(3, &["osaka"]);
    // The file is of another chain than the blocks.
    fs::write(&config, genesis(777).to_string()).unwrap();
    replay(&["--chain-config", text(&config)]).expect_error(3, &["777"]);
    let both = ["--chain-config", text(&config), "--hardfork", "osaka"];
    replay(&both).expect_error(3, &["leave one of them out"]);
}
