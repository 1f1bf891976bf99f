//! The commands of the guides about logs, as a reader pastes them into one shell.

use std::{fs, os::unix::fs::symlink};

use tempfile::TempDir;

use chaos_chains::{Anvil, AnvilConfig, U256};

use crate::{
    program::{DEVELOPMENT_KEY, anvil_is_there, root, type_in},
    proxy::ask,
};

/// Ends the script at the first line that ends otherwise than its comment says.
const CHECK: &str = "expect() { code=$?; [ $code = $1 ] || { echo \"line $2: $code\" >&2; \
                     kill $SERVER $WITNESS; exit 1; }; }\n";

/// The guide's blocks as one script; the exit code of each line of a program is checked.
pub(crate) fn script(page: &str) -> String {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut script = CHECK.to_owned();
    for (number, line) in blocks.flat_map(str::lines).enumerate() {
        script.push_str(line);
        script.push('\n');
        if line.starts_with("chaoschain") && !line.ends_with('&') {
            let (_, code) = line.split_once("# exit code ").unwrap_or(("", "0"));
            script.push_str(&format!("expect {code} {number}\n"));
        }
    }
    script
}

#[test]
fn every_command_of_the_guide_can_be_pasted() {
    let page = fs::read_to_string(root().join("docs/guides/log.md")).unwrap();
    let script = script(&page);
    for command in [
        "serve",
        "export",
        "mirror",
        "monitor",
        "repair",
        "rebuild --check",
        "rotate-key",
        "replace-operator",
    ] {
        let line = format!("chaoschain log {command}");
        assert!(script.contains(&line), "the guide no longer shows `{line}`");
    }
    assert!(script.contains("\nchaoschain witness "), "the guide no longer shows a witness");
    let dir = TempDir::new().unwrap();
    let run = type_in(dir.path(), &script).expect_code(0);
    assert!(run.stdout.contains("fetched 1 entries"), "{}", run.stdout);
    assert!(run.stdout.contains("followed-3.json"), "{}", run.stdout);
    assert!(run.stdout.contains("  forked  log chaoschain.local/"), "{}", run.stdout);
    let server = fs::read_to_string(dir.path().join("serve.err")).unwrap();
    assert_eq!(server, "", "the server had nothing to complain of");
}

#[test]
fn every_command_of_the_verify_guide_can_be_pasted() {
    let page = fs::read_to_string(root().join("docs/guides/verify.md")).unwrap();
    let script = script(&page);
    for shown in [
        "--require counted,reexecuted",
        "--block-hash",
        "--rpc-url",
        "--log-policy mine.policy --require witnessed",
        "verify watched/alarms/fork-*.fork",
        "log report-fork watched/alarms/fork-*.fork",
    ] {
        assert!(script.contains(shown), "the guide no longer shows `{shown}`");
    }
    let dir = TempDir::new().unwrap();
    symlink(root().join("fixtures"), dir.path().join("fixtures")).unwrap();
    let run = type_in(dir.path(), &script).expect_code(0);
    for said in [
        "counted: recomputed",
        "re-executed",
        "; anchored (what the log declares about it: not shown); ",
        "; witnessed",
        "forked  log chaoschain.local/",
        "(log-forked)",
        "(not-witnessed)",
        "(inputs-not-from-log)",
        "which reports it",
    ] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
}

#[test]
fn every_command_of_the_chain_guide_can_be_pasted() {
    if !anvil_is_there() {
        return;
    }
    let anvil =
        Anvil::start(&AnvilConfig { root: Some(root()), ..AnvilConfig::default() }).unwrap();
    let page = fs::read_to_string(root().join("docs/guides/chain.md")).unwrap();
    let (page, further) = page.split_once("## From a proposal to its vote").unwrap();
    let script = script(page);
    for command in ["anchor", "anchor audit", "tx list", "tx resume", "tx cancel"] {
        let line = format!("chaoschain {command} ");
        assert!(script.contains(&line), "the guide no longer shows `{line}`");
    }
    let dir = TempDir::new().unwrap();
    // What the guide says that its reader has.
    let has = format!(
        "URL={} CHAIN=eip155:31337; export CHAOSCHAIN_PRIVATE_KEY={DEVELOPMENT_KEY} \
         CHAOSCHAIN_HEADS=\"$PWD/heads\"\n",
        anvil.endpoint()
    );
    let run = type_in(dir.path(), &format!("{has}{script}")).expect_code(0);
    for said in [
        "would send CheckpointRegistry",
        "nothing was signed, sent or written",
        "anchored size 3 on eip155:31337, included",
        "1 in the log, 0 ahead of this copy, 0 of another history",
        "CheckpointRegistry (nonce 0) landed in block 1",
        "nothing to anchor: size 3 is anchored",
        "; not placed (where the log declares it); ",
        "; anchored (where the log declares it); ",
        "said by 1 of 1 nodes",
    ] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
    votes_by_the_guide(
        &dir,
        &anvil,
        &format!("export CHAOSCHAIN_PASSWORD=a-password-of-your-own\n{has}"),
        further,
    );
}

/// The guide's second part, on the same log, once the chain makes blocks by itself.
fn votes_by_the_guide(dir: &TempDir, anvil: &Anvil, has: &str, page: &str) {
    let script = script(page);
    for command in [
        "agent account",
        "chain doctor",
        "chain deploy",
        "proposal submit",
        "vote open",
        "vote cast",
        "pay plan",
        "pay fund",
        "pay claim",
        "anchor",
        "log prove",
        "verify",
    ] {
        let line = format!("chaoschain {command} ");
        assert!(script.contains(&line), "the guide no longer shows `{line}`");
    }
    symlink(root().join("fixtures"), dir.path().join("fixtures")).unwrap();
    let body = r#"{"jsonrpc":"2.0","id":0,"method":"evm_setIntervalMining","params":[1]}"#;
    assert!(!ask(anvil.endpoint(), body).contains("error"));
    let run = type_in(dir.path(), &format!("{has}{script}")).expect_code(0);
    for said in [
        "would send submitProposal(string,bytes)",
        "a vote on gas-limit = 18500000 is open",
        "1000000 votes are cast: for",
        "succeeded: 1000000 for, 0 against, 0 abstain",
        "the vote is carried out: gas-limit of eip155:1337001 is 18500000",
        "would send approve(address,uint256)",
        "; anchored (where the log declares it); ",
        "said by 1 of 1 nodes",
        "1000 CHAOS are funded, included",
        "\nreceipt  sha256:",
    ] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
    let observed = fs::read_to_string(dir.path().join("observed.json")).unwrap();
    assert!(observed.contains("\"executed\""), "{observed}");
    costs_are_those_of(
        &page_rows(page),
        &fs::read_to_string(dir.path().join("costs.json")).unwrap(),
    );
}

/// The rows of the table of costs, as cells.
fn page_rows(page: &str) -> Vec<Vec<&str>> {
    let (_, table) = page.split_once("|---|---|---|---|---|---|\n").expect("a table of costs");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Each transaction of the run has a row, whose gas is no more than three parts in a hundred from what it used, and whose
/// prices are that gas at 0.1, 1 and 20 gwei.
fn costs_are_those_of(rows: &[Vec<&str>], costs: &str) {
    let used: Vec<serde_json::Value> =
        costs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (all, each) = rows.split_last().expect("a table with rows");
    assert_eq!(each.len(), used.len(), "{rows:?}\n{costs}");
    let gas = |row: &[&str]| row[2].replace(',', "").parse::<u64>().unwrap();
    for (row, used) in each.iter().zip(&used) {
        assert_eq!(row[1].trim_matches('`'), used["what"].as_str().unwrap());
        let measured: u64 = used["gas_used"].as_str().unwrap().parse().unwrap();
        assert!(gas(row).abs_diff(measured) * 100 <= measured * 3, "{row:?}: {measured}");
    }
    assert_eq!(gas(all), each.iter().map(|row| gas(row)).sum::<u64>());
    for row in rows {
        for (cell, tenths_of_gwei) in row[3..].iter().zip([1_u64, 10, 200]) {
            let wei = U256::from(gas(row)) * U256::from(tenths_of_gwei * 100_000_000);
            assert_eq!(chaos_chains::sending::wei(cell, 18), Some(wei), "{row:?}");
        }
    }
}
