use std::{fs, path::Path};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{run, shared};

/// Generated blocks in the recorded format, small enough for a test.
pub(crate) fn write_load(dir: &Path, blocks: u32) {
    let parameters = chaos_evm::load::LoadParameters {
        blocks,
        gas_limit: 5_000_000,
        accounts: 200,
        ..Default::default()
    };
    let load = chaos_evm::load::generate(&parameters).unwrap();
    fs::create_dir_all(dir.join("blocks")).unwrap();
    fs::write(dir.join("bytecodes.json"), load.bytecodes).unwrap();
    for block in load.blocks {
        fs::write(dir.join(format!("blocks/{}.json", block.number)), block.json).unwrap();
    }
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, serde_json::to_vec(&value).unwrap()).unwrap();
}

#[test]
fn recorded_mainnet_blocks_replay_to_their_headers() {
    let Some(data) = shared("chain") else { return };
    let lines = run(["replay", "--blocks", data.to_str().unwrap(), "--json"]).expect_code(0).json();
    let (summary, blocks) = lines.split_last().unwrap();
    assert_eq!(summary["summary"]["blocks"], blocks.len());
    let ethereum: Vec<_> = blocks.iter().filter(|b| b["chain"] == "eip155:1").collect();
    assert_eq!(ethereum.len(), 60);
    for block in ethereum {
        assert_eq!(block["gas_header"], block["gas_replayed"], "{block}");
        assert_ne!(block["outcome"], "differs", "{block}");
        assert_ne!(block["receipts_root"], "mismatch", "{block}");
        assert_eq!(block["unknown_reads"], 0, "{block}");
        assert_eq!(block["skipped_transactions"], 0, "{block}");
    }
}

#[test]
fn simulation_prints_the_same_digest_on_any_number_of_threads() {
    let dir = TempDir::new().unwrap();
    write_load(dir.path(), 8);
    let simulate = |threads: &str, set: &str| {
        let blocks = dir.path().to_str().unwrap();
        run([
            "simulate",
            "--blocks",
            blocks,
            "--set",
            set,
            "--json",
            "--threads",
            threads,
            "--paths",
            "8",
            "--path-blocks",
            "200",
        ])
        .expect_code(0)
        .json()
        .remove(0)
    };
    let one = simulate("1", "gas-limit=6000000");
    assert_eq!(one, simulate("2", "gas-limit=6000000"));
    assert_eq!(one, simulate("2", "gas-limit=6000000"), "twice the same");
    assert!(one["result_digest"].as_str().unwrap().starts_with("sha256:"));
    for (name, row) in one["metrics"].as_object().unwrap() {
        for field in ["baseline", "proposal", "difference", "interval", "layer"] {
            assert!(!row[field].is_null(), "{name} has no {field}");
        }
        assert!(["evm", "fee_market"].contains(&row["layer"].as_str().unwrap()), "{name}");
    }
    // A change to today's value changes nothing, exactly.
    let same = simulate("2", "gas-limit=5000000");
    for (name, row) in same["metrics"].as_object().unwrap() {
        assert_eq!(row["difference"], "0", "{name}");
    }
    assert_ne!(same["result_digest"], one["result_digest"]);
}

#[test]
fn parameters_out_of_bounds_or_unknown_are_refused_with_their_bounds() {
    let dir = TempDir::new().unwrap();
    write_load(dir.path(), 1);
    let blocks = dir.path().to_str().unwrap();
    let simulate = |set: &str| run(["simulate", "--blocks", blocks, "--set", set]);
    simulate("gas-limit=1").expect_error(3, &["gas-limit", "1"]);
    simulate("gas-price=1").expect_error(3, &["gas-price", "gas-limit"]);
    simulate("gas-limit").expect_error(3, &["gas-limit"]);
    simulate("gas-limit=12.5").expect_error(3, &["12.5"]);
    run(["simulate", "--blocks", blocks, "--set", "gas-limit=6000000", "--elasticity", "a lot"])
        .expect_error(3, &["--elasticity", "a lot"]);
}

#[test]
fn damaged_block_files_are_named_with_the_field() {
    let dir = TempDir::new().unwrap();
    write_load(dir.path(), 2);
    let blocks = dir.path().to_str().unwrap();
    run(["replay", "--blocks", blocks]).expect_code(0);
    let path = dir.path().join("blocks/2.json");
    let whole = fs::read(&path).unwrap();

    edit(&path, |value| {
        value["block"].as_object_mut().unwrap().remove("gasUsed");
    });
    run(["replay", "--blocks", blocks]).expect_error(3, &["2.json", "gasUsed"]);

    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    run(["replay", "--blocks", blocks]).expect_error(3, &["2.json"]);

    fs::write(&path, &whole).unwrap();
    edit(&path, |value| {
        value["block"]["transactions"][0]["chainId"] = json!("0x1");
    });
    run(["replay", "--blocks", blocks]).expect_error(3, &["2.json", "chain"]);

    fs::write(&path, &whole).unwrap();
    edit(&path, |value| value["block"]["gasUsed"] = json!("0x1"));
    run(["replay", "--blocks", blocks]).expect_error(3, &["2.json", "block.hash", "hashes to"]);

    edit(&path, |value| {
        value["block"].as_object_mut().unwrap().remove("hash");
    });
    let wrong = run(["replay", "--blocks", blocks, "--json"]).expect_code(1).json();
    assert_eq!(wrong[1]["gas_header"], 1);
    assert_eq!(wrong[1]["outcome"], "differs");

    run(["replay", "--blocks", "/nonexistent"]).expect_error(3, &["/nonexistent"]);
    run(["replay", "--blocks", blocks, "--chain", "eip155:5"]).expect_error(3, &["eip155:5"]);
}

#[test]
fn missing_state_is_counted_never_taken_as_zero_in_silence() {
    let dir = TempDir::new().unwrap();
    write_load(dir.path(), 1);
    edit(&dir.path().join("blocks/1.json"), |value| {
        for account in value["preState"].as_object_mut().unwrap().values_mut() {
            account["storage"] = json!({});
        }
    });
    let lines = run(["replay", "--blocks", dir.path().to_str().unwrap(), "--json"]).json();
    assert!(lines[0]["unknown_reads"].as_u64().unwrap() > 0, "{}", lines[0]);
}

#[test]
fn fee_history_that_is_cut_off_is_refused_by_line() {
    let Some(data) = shared("chain/fee-history") else { return };
    let dir = TempDir::new().unwrap();
    write_load(dir.path(), 1);
    let gz = fs::read(data.join("mainnet-12965000-12999999.csv.gz")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut GzDecoder::new(gz.as_slice()), &mut text).unwrap();
    let cut = text.lines().take(3).collect::<Vec<_>>().join("\n");
    let path = dir.path().join("cut.csv");
    fs::write(&path, &cut[..cut.rfind(',').unwrap()]).unwrap();
    let blocks = dir.path().to_str().unwrap();
    let history = path.to_str().unwrap();
    run(["simulate", "--blocks", blocks, "--set", "gas-limit=6000000", "--fee-history", history])
        .expect_error(3, &["cut.csv", "line 3"]);
}
