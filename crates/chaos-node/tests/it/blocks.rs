//! Recorded blocks and their folders: what is believed of them, and what three outcomes are told apart.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    program::{Run, run},
    simulation::write_load,
};

/// An exported folder of generated blocks, with its manifest.
fn exported(blocks: u32) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    write_load(&dir.path().join("load"), blocks);
    let out = dir.path().join("recorded");
    let load = dir.path().join("load");
    run(["export", "--blocks", text(&load), "--out", text(&out)]).expect_code(0);
    (dir, out)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn replay(folder: &Path) -> Run {
    run(["replay", "--blocks", text(folder)])
}

/// A block's file, unzipped, changed, and put back under another name.
fn change(folder: &Path, from: &str, to: &str, change: impl FnOnce(&mut Value)) {
    let path = folder.join("blocks").join(from);
    let mut json = Vec::new();
    let bytes = fs::read(&path).unwrap();
    if from.ends_with(".gz") {
        let mut decoder = flate2::read::GzDecoder::new(&bytes[..]);
        std::io::Read::read_to_end(&mut decoder, &mut json).unwrap();
    } else {
        json = bytes;
    }
    let mut value: Value = serde_json::from_slice(&json).unwrap();
    change(&mut value);
    fs::write(folder.join("blocks").join(to), serde_json::to_vec(&value).unwrap()).unwrap();
}

#[test]
fn block_that_is_there_twice_counts_once_and_another_one_of_its_height_is_refused() {
    let (_dir, out) = exported(3);
    fs::copy(out.join("blocks/2.json.gz"), out.join("blocks/2 (1).json.gz")).unwrap();
    change(&out, "3.json.gz", "3.json", |_| {});
    let whole = replay(&out).expect_code(0);
    assert!(whole.stdout.contains("3 of 3 blocks agree"), "{}", whole.stdout);

    // Without a manifest that would name the change first.
    fs::remove_file(out.join("manifest.json")).unwrap();
    change(&out, "2.json.gz", "2 (2).json", |value| value["blockHashes"] = json!({}));
    for command in ["replay", "simulate", "export"] {
        let mut arguments = vec![command, "--blocks", text(&out)];
        let to = out.with_file_name("again");
        match command {
            "simulate" => arguments.extend(["--set", "gas-limit=6000000"]),
            "export" => arguments.extend(["--out", text(&to)]),
            _ => {}
        }
        run(arguments).expect_error(3, &["block 2 is there twice", "2 (2).json"]);
    }
}

#[test]
fn folder_is_held_to_its_manifest() {
    let (_dir, out) = exported(3);
    replay(&out).expect_code(0);
    let restored = |name: &str, bytes: &[u8]| fs::write(out.join(name), bytes).unwrap();
    for name in ["blocks/2.json.gz", "bytecodes.json.gz", "fee-history.csv"] {
        let whole = fs::read(out.join(name)).unwrap();
        fs::remove_file(out.join(name)).unwrap();
        if name != "bytecodes.json.gz" {
            replay(&out).expect_error(3, &[name, "missing", "manifest"]);
        }
        restored(name, &whole);
    }
    let block = fs::read(out.join("blocks/2.json.gz")).unwrap();
    fs::remove_file(out.join("blocks/2.json.gz")).unwrap();
    restored("blocks/two.json.gz", &block);
    replay(&out).expect_code(0);
    change(&out, "two.json.gz", "two.json.gz", |value| {
        let accounts = value["preState"].as_object_mut().unwrap();
        accounts.values_mut().next().unwrap()["balance"] = json!("0x1");
    });
    replay(&out).expect_error(3, &["two.json.gz", "was changed", "manifest"]);
    restored("blocks/two.json.gz", &block);

    let fees = fs::read(out.join("fee-history.csv")).unwrap();
    restored("fee-history.csv", &[&fees[..], b"4,1,1,5000,1\n"].concat());
    replay(&out).expect_error(3, &["fee-history.csv", "was changed"]);
    restored("fee-history.csv", &fees);

    let load = out.with_file_name("load");
    write_load(&load, 4);
    fs::copy(load.join("blocks/4.json"), out.join("blocks/4.json")).unwrap();
    replay(&out).expect_error(3, &["4.json", "was added", "names no block 4"]);
    fs::remove_file(out.join("blocks/4.json")).unwrap();

    let manifest = fs::read_to_string(out.join("manifest.json")).unwrap();
    restored("manifest.json", manifest.replace("recorded/1", "recorded/9").as_bytes());
    replay(&out).expect_error(3, &["manifest.json", "chaoschain-recorded/9"]);
}

#[test]
fn files_that_macos_leaves_beside_others_are_passed_over() {
    let (_dir, out) = exported(2);
    fs::write(out.join("blocks/._2.json.gz"), b"\0\x05\x16\x07").unwrap();
    replay(&out).expect_code(0);
}

#[test]
fn white_space_and_the_type_of_a_legacy_transaction_are_spelling() {
    let (_dir, out) = exported(2);
    change(&out, "2.json.gz", "2.json", |value| {
        for transaction in value["block"]["transactions"].as_array_mut().unwrap() {
            if transaction["type"] == "0x0" {
                transaction.as_object_mut().unwrap().shift_remove("type");
            }
        }
    });
    fs::remove_file(out.join("blocks/2.json.gz")).unwrap();
    let run = replay(&out).expect_code(0);
    assert!(run.stdout.contains("2 of 2 blocks agree"), "{}", run.stdout);
}

/// A generated block without the fields that its body is held to, so that it can be changed.
fn loose(dir: &Path, edit: impl FnOnce(&mut Value)) {
    write_load(dir, 1);
    change(dir, "1.json", "1.json", |value| {
        value["block"].as_object_mut().unwrap().remove("transactionsRoot");
        edit(value);
    });
}

#[test]
fn what_cannot_be_compared_is_neither_success_nor_difference() {
    let dir = TempDir::new().unwrap();
    loose(dir.path(), |value| {
        let transactions = value["block"]["transactions"].as_array_mut().unwrap();
        let mut foreign = transactions[0].clone();
        foreign["type"] = json!("0x7e");
        transactions.insert(0, foreign);
    });
    let shown = replay(dir.path()).expect_code(3);
    assert!(shown.stdout.contains("0 of 1 blocks agree, 1 not comparable"), "{}", shown.stdout);
    assert!(shown.stdout.contains("transaction 0 has type 0x7e"), "{}", shown.stdout);
    let lines = run(["replay", "--blocks", text(dir.path()), "--json"]).expect_code(3).json();
    assert_eq!(lines[0]["outcome"], "not_comparable");
    assert_eq!(lines[0]["reason"]["code"], "unknown_type");
    assert_eq!(lines[0]["skipped"], json!([{"transaction": 0, "type": "0x7e"}]));
    assert_eq!(lines[1]["summary"]["agreeing"], 0);
    assert_eq!(lines[1]["summary"]["not_comparable"], 1);

    // An export says the same, and does not end as if all were well.
    let out = dir.path().join("out");
    run(["export", "--blocks", text(dir.path()), "--out", text(&out)]).expect_code(3);
}

#[test]
fn block_that_differs_is_explained_by_its_first_transaction() {
    let dir = TempDir::new().unwrap();
    loose(dir.path(), |value| value["block"]["transactions"][3]["nonce"] = json!("0x77"));
    let lines = run(["replay", "--blocks", text(dir.path()), "--json"]).expect_code(1).json();
    assert_eq!(lines[0]["rejected"][0]["transaction"], 3);
    let reason = lines[0]["rejected"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("nonce") && !reason.contains("NonceToo"), "{reason}");
    assert!(lines[0]["receipts_root_header"].is_string(), "{}", lines[0]);
    assert!(lines[0]["receipts_root_replayed"].is_string(), "{}", lines[0]);

    let explain = ["replay", "--blocks", text(dir.path()), "--explain", "1"];
    let shown = run(explain).expect_code(1);
    assert!(shown.stdout.contains("first to differ: transaction 3"), "{}", shown.stdout);
    let traced = ["--trace", "--transaction", "0", "--json"];
    let lines = run(explain.into_iter().chain(traced)).expect_code(1).json();
    assert!(lines[0]["trace"]["instructions"].as_u64().unwrap() > 0, "{}", lines[0]["trace"]);
    assert_eq!(lines[0]["trace"]["first"][0]["depth"], 1);
    run(explain.into_iter().chain(["--trace", "--transaction", "999"]))
        .expect_error(3, &["--transaction", "999"]);
    run(["replay", "--blocks", text(dir.path()), "--explain", "9"])
        .expect_error(3, &["--explain", "9"]);

    let out = dir.path().join("out");
    run(["export", "--blocks", text(dir.path()), "--out", text(&out)]).expect_code(1);
    let manifest: Value =
        serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["checks"]["differing"], json!([1]));
}

#[test]
fn hard_fork_can_be_named_and_is_remembered() {
    let dir = TempDir::new().unwrap();
    let load = dir.path().join("load");
    write_load(&load, 8);
    for number in 1..=8 {
        let name = format!("{number}.json");
        change(&load, &name, &name, |value| {
            let block = value["block"].as_object_mut().unwrap();
            block.remove("transactionsRoot");
            for transaction in block["transactions"].as_array_mut().unwrap() {
                transaction["chainId"] = json!("0x309");
            }
        });
    }
    run(["replay", "--blocks", text(&load)]).expect_error(
        3,
        &["chain 777 has no known fork schedule", "--hardfork", "spurious-dragon", "Sepolia"],
    );
    run(["replay", "--blocks", text(&load), "--hardfork", "Osaka"]).expect_code(0);
    run(["replay", "--blocks", text(&load), "--hardfork", "oslo"])
        .expect_error(2, &["oslo", "bpo2"]);

    let out = dir.path().join("out");
    run(["export", "--blocks", text(&load), "--hardfork", "osaka", "--out", text(&out)])
        .expect_code(0);
    replay(&out).expect_code(0);
    run(["replay", "--blocks", text(&out), "--hardfork", "cancun"])
        .expect_error(3, &["recorded under osaka", "asked for was cancun"]);
    // What is concluded names the same input, whoever reads the name where.
    let digest = |folder: &Path, named: &[&str]| {
        let simulate =
            ["simulate", "--set", "gas-limit=6000000", "--paths", "2", "--path-blocks", "50"];
        let rest = ["--json", "--blocks", text(folder)];
        let lines = run(simulate.iter().chain(&rest).chain(named)).expect_code(0).json();
        lines[0]["result_digest"].clone()
    };
    let named = digest(&load, &["--hardfork", "osaka"]);
    assert!(named.is_string(), "{named}");
    assert_eq!(named, digest(&out, &[]));
}

#[test]
fn range_of_no_blocks_is_refused_before_anybody_is_asked() {
    for range in ["0", "0..=0", "5..=3", "abc"] {
        run(["replay", "--rpc-url", "http://127.0.0.1:9", "--range", range])
            .expect_error(3, &["--range"]);
    }
}
