use std::{fs, path::Path};

use chaos_types::canonical;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    program::{Run, anvil_is_there, run, run_with, shared, type_in},
    running::Running,
};

fn demo(out: &Path) -> Run {
    run(["demo", "--out", out.to_str().unwrap(), "--json"])
}

fn bundles(out: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(out.join("bundles")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn bundle(out: &Path, kind: &str) -> std::path::PathBuf {
    let ends = format!("-{kind}.json");
    bundles(out)
        .into_iter()
        .rfind(|path| path.to_string_lossy().ends_with(&ends))
        .unwrap_or_else(|| panic!("no bundle of kind {kind}"))
}

fn verify(path: &Path, more: &[&str]) -> Run {
    run([&["verify", path.to_str().unwrap(), "--json"], more].concat())
}

/// One run, looked at from all sides: a demo takes a few seconds.
#[test]
fn demo_takes_no_chain_where_it_makes_its_own_blocks() {
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("demo");
    let refused = run(["demo", "--chain", "eip155:9", "--out", out.to_str().unwrap()]);
    refused.expect_error(3, &["--chain", "neither --blocks nor --rpc-url"]);
}

#[test]
fn demo_tells_the_whole_story_and_strangers_can_check_it() {
    if !anvil_is_there() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("demo-out");
    let first = demo(&out).expect_code(0).json().remove(0);
    assert_eq!(first["outcome"], "finalised");
    for file in ["proposal.md", "proposal.json", "report.html"] {
        assert!(fs::metadata(out.join(file)).unwrap().len() > 1_000, "{file}");
    }
    every_kind_of_action_has_a_bundle(&out);
    every_bundle_verifies(&out, &first);
    payees_had_registered_their_accounts(&out);
    bundle_of_the_vote_shows_that_nothing_was_judged_before(&out);
    flipped_and_truncated_bundles_are_rejected(&out);
    reexecution_needs_its_inputs(&out);
    forged_proof_is_refused_before_anything_runs_again(&out);
    simulations_are_attested_by_development_trust_and_by_no_other(&out);
    rows_rebuild_from_the_log(&out);
    help_examples_work_beside_the_demo(dir.path());

    let before = fs::read(out.join("proposal.json")).unwrap();
    demo(&out).expect_error(3, &["holds an earlier demo", "name another folder with --out"]);
    assert_eq!(fs::read(out.join("proposal.json")).unwrap(), before);
    every_bundle_verifies(&out, &first);
    let elsewhere = dir.path().join("demo-out-2");
    let second = demo(&elsewhere).expect_code(0).json().remove(0);
    assert_eq!(first["result_digest"], second["result_digest"], "same blocks, same result");
    assert_ne!(first["log"], second["log"], "another log with other keys");
    let foreign = first["log"].as_str().unwrap();
    let rejected = verify(&bundle(&elsewhere, "draft"), &["--log", foreign]).expect_code(1).json();
    assert_eq!(failed(&rejected[0]), "checkpoint");
}

fn every_kind_of_action_has_a_bundle(out: &Path) {
    for kind in [
        "register",
        "analyse",
        "simulate",
        "draft",
        "declare-anchoring",
        "submit",
        "bind-account",
        "observe-vote",
        "score",
        "pay",
        "verify",
    ] {
        bundle(out, kind);
    }
}

fn every_bundle_verifies(out: &Path, summary: &Value) {
    let log = summary["log"].as_str().unwrap();
    for path in bundles(out) {
        let line = verify(&path, &["--log", log]).expect_code(0).json().remove(0);
        assert_eq!(line["verdict"], "accepted");
        let checks = line["checks"].as_array().unwrap();
        assert_eq!(checks.len(), 9, "every check is listed: {line}");
        // Ancestors of judged work, evidence of scores and sums of rewards are in no row of the map.
        let beyond = ["observe_vote", "pay", "score"].contains(&kind_of(&line));
        let counted = if beyond { "stated" } else { "shown" };
        assert_eq!(line["words"]["counted"], counted, "{line}");
        let anchor = checks.iter().find(|check| check["check"] == "anchor").unwrap();
        assert_eq!(anchor["status"], "not_placed", "nobody named the block: {line}");
    }
    anchors_are_placed_by_the_hash_of_their_block(out, summary);
    let draft = verify(&bundle(out, "draft"), &[]).json().remove(0);
    assert_eq!(draft["receipt"]["id"], summary["receipt"]);
}

fn payees_had_registered_their_accounts(out: &Path) {
    let line = verify(&bundle(out, "pay"), &[]).expect_code(0).json().remove(0);
    let payees = line["payees"].as_array().unwrap();
    assert_eq!(payees.len(), 2, "{line}");
    assert!(payees.iter().all(|payee| payee["account_from"] == "log"), "{line}");
    let shown = run(["verify", bundle(out, "pay").to_str().unwrap()]).expect_code(0).stdout;
    assert!(shown.contains("registered in the log before the outcome"), "{shown}");
    // Whoever hands the file on may withhold that; then it is not said.
    let mut file: Value = serde_json::from_slice(&fs::read(bundle(out, "pay")).unwrap()).unwrap();
    file["state"].as_array_mut().unwrap().retain(|row| row["key"][0] != "account");
    let elsewhere = TempDir::new().unwrap();
    let path = elsewhere.path().join("without.json");
    fs::write(&path, canonical::to_vec(&file).unwrap()).unwrap();
    let line = verify(&path, &[]).expect_code(0).json().remove(0);
    let payees = line["payees"].as_array().unwrap();
    assert!(payees.iter().all(|payee| payee["account_from"] == "signer"), "{line}");
    assert_eq!(line["words"]["counted"], "stated", "{line}");
}

/// The rows that the vote itself wrote: what an earlier one had judged would be another's.
fn bundle_of_the_vote_shows_that_nothing_was_judged_before(out: &Path) {
    let file: Value =
        serde_json::from_slice(&fs::read(bundle(out, "observe-vote")).unwrap()).unwrap();
    let index: u64 = file["place"]["index"].as_str().unwrap().parse().unwrap();
    let rows = file["state"].as_array().unwrap();
    let judged: Vec<_> = rows.iter().filter(|row| row["key"][0] == "judged").collect();
    assert_eq!(judged.len(), 4, "{file}");
    assert!(judged.iter().all(|row| row["value"]["index"] == index), "{file}");
}

/// A header is easily invented: only a hash from elsewhere places the block.
fn anchors_are_placed_by_the_hash_of_their_block(out: &Path, summary: &Value) {
    let path = bundle(out, "draft");
    let log = summary["log"].as_str().unwrap();
    let hash = summary["anchor"]["block_hash"].as_str().unwrap();
    let contract = summary["anchor"]["contract"].as_str().unwrap();
    let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(file["anchor"]["proof"]["format"], "chaoschain-registry-proof/1");
    let declared = &file["anchoring"][0]["value"];
    for field in ["chain", "contract", "publisher"] {
        assert_eq!(declared[field], summary["anchor"][field], "{declared}");
    }
    let insist = ["--log", log, "--require", "anchored"];
    let line = verify(&path, &insist).expect_code(1).json().remove(0);
    assert_eq!(line["lacks"][0]["code"], "not-anchored");
    let placed = [&insist[..], &["--block-hash", hash, "--contract", contract]].concat();
    // The demo's chain begins with the year. That its clock bounds nothing is for the reader to say.
    let line = verify(&path, &placed).expect_code(1).json().remove(0);
    assert_eq!(check(&line, "anchor")["code"], "anchor-too-old");
    let placed = [&placed[..], &["--chain", "eip155:31337"]].concat();
    let line = verify(&path, &placed).expect_code(0).json().remove(0);
    assert_eq!(check(&line, "anchor")["status"], "passed");
    assert_eq!(line["words"]["anchored"], "anchored");
    assert_eq!(line["words"]["declared"], "there");
    let other = format!("0x{}", "12".repeat(32));
    let line = verify(&path, &["--block-hash", &other]).expect_code(1).json().remove(0);
    assert_eq!(check(&line, "anchor")["code"], "anchor-block-other");
    let line = verify(&path, &["--contract", &other[..42]]).expect_code(1).json().remove(0);
    assert_eq!(check(&line, "anchor")["code"], "anchor-contract-other");
}

fn kind_of(line: &Value) -> &str {
    line["receipt"]["kind"].as_str().unwrap()
}

fn failed(line: &Value) -> String {
    let checks = line["checks"].as_array().unwrap();
    let failed: Vec<_> = checks.iter().filter(|check| check["status"] == "failed").collect();
    assert_eq!(failed.len(), 1, "the first failing check is named: {line}");
    assert!(failed[0]["code"].is_string(), "what is wrong has a code: {line}");
    failed[0]["check"].as_str().unwrap().to_owned()
}

/// Every part of the file, in 64 places; the property over all bytes is tested in chaos-verify.
fn flipped_and_truncated_bundles_are_rejected(out: &Path) {
    let good = fs::read(bundle(out, "draft")).unwrap();
    let path = out.join("tampered.json");
    for step in 0..64 {
        let at = step * good.len() / 64;
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        fs::write(&path, &flipped).unwrap();
        let line = verify(&path, &[]).expect_code(1).json().remove(0);
        assert_eq!(line["verdict"], "rejected", "byte {at}");
        failed(&line);
    }
    fs::write(&path, &good[..good.len() - 1]).unwrap();
    assert_eq!(failed(&verify(&path, &[]).expect_code(1).json()[0]), "format");
    fs::remove_file(&path).unwrap();
    let line = verify(&path, &[]).expect_code(3).json().remove(0);
    assert_eq!(line["verdict"], "unread");
    assert!(line["error"].as_str().unwrap().contains("tampered.json"), "{line}");
}

fn reexecution_needs_its_inputs(out: &Path) {
    for kind in ["analyse", "simulate", "draft"] {
        let line = verify(&bundle(out, kind), &["--reexecute"]).expect_code(0).json().remove(0);
        let detail = check(&line, "evidence")["detail"].as_str().unwrap();
        assert!(detail.starts_with("re-executed"), "{line}");
    }
    for kind in ["score", "pay"] {
        let line = verify(&bundle(out, kind), &["--reexecute"]).expect_code(1).json().remove(0);
        assert_eq!(check(&line, "evidence")["code"], "inputs-not-from-log");
        let line = verify(&bundle(out, kind), &[]).expect_code(0).json().remove(0);
        assert_eq!(check(&line, "evidence")["status"], "claimed_not_recomputed");
        let data = out.join("data");
        let copy = ["--reexecute", "--log-dir", data.to_str().unwrap(), "--require", "counted"];
        let line = verify(&bundle(out, kind), &copy).expect_code(0).json().remove(0);
        assert_eq!(check(&line, "evidence")["status"], "passed");
        assert_eq!(line["words"]["counted"], "recomputed");
        // Each payee had registered an account; what the chain has of the payment nobody looked up.
        let detail = check(&line, "evidence")["detail"].as_str().unwrap();
        assert!(!detail.contains("every other payee"), "{detail}");
        let chain = line["not_placed"].as_array().unwrap();
        assert_eq!(chain.len(), usize::from(kind == "pay"), "{line}");
    }
    for kind in ["pay", "submit", "observe-vote"] {
        let shown = run(["verify", bundle(out, kind).to_str().unwrap()]).expect_code(0).stdout;
        assert!(shown.contains("            not placed: "), "{shown}");
    }
    let elsewhere = TempDir::new().unwrap();
    let empty = elsewhere.path().to_str().unwrap();
    let more = ["--reexecute", "--inputs", empty];
    let line = verify(&bundle(out, "simulate"), &more).expect_code(3).json().remove(0);
    assert_eq!(line["verdict"], "not_reexecuted");
    assert_eq!(check(&line, "evidence")["status"], "not_reexecuted");
    assert!(line.to_string().contains("--inputs"), "says what to do: {line}");
}

/// The folder holds no inputs, so a re-execution would be refused first, and by *evidence*.
fn forged_proof_is_refused_before_anything_runs_again(out: &Path) {
    let elsewhere = TempDir::new().unwrap();
    let good: Value = serde_json::from_slice(&fs::read(bundle(out, "simulate")).unwrap()).unwrap();
    let path = good["place"]["path"].as_str().unwrap();
    let first = if path.starts_with('A') { "B" } else { "A" };
    let forged = format!("{first}{}", &path[1..]);
    let mut bad = good.clone();
    bad["place"]["path"] = forged.into();
    let path = elsewhere.path().join("forged.json");
    fs::write(&path, canonical::to_vec(&bad).unwrap()).unwrap();
    let more = ["--reexecute", "--inputs", elsewhere.path().to_str().unwrap()];
    let line = verify(&path, &more).expect_code(1).json().remove(0);
    assert_eq!(failed(&line), "inclusion");
    assert_eq!(check(&line, "inclusion")["code"], "not-included");
    assert_eq!(check(&line, "agent")["status"], "not_reached", "nothing shows the entry");
}

fn check<'a>(line: &'a Value, name: &str) -> &'a Value {
    let checks = line["checks"].as_array().unwrap();
    checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("{name}: {line}"))
}

fn simulations_are_attested_by_development_trust_and_by_no_other(out: &Path) {
    let simulation = bundle(out, "simulate");
    let line = verify(&simulation, &["--reexecute"]).expect_code(0).json().remove(0);
    assert_eq!(line["receipt"]["evidence"], "attested and replayable");
    assert_eq!(check(&line, "evidence")["status"], "passed");
    assert_eq!(check(&line, "attestation")["status"], "development_trust");
    let detail = check(&line, "attestation")["detail"].as_str().unwrap();
    assert!(detail.contains("development trust, no hardware"), "{detail}");

    let line = verify(&simulation, &["--policy", "production"]).expect_code(1).json().remove(0);
    assert_eq!(failed(&line), "attestation");
    let detail = check(&line, "attestation")["detail"].as_str().unwrap();
    assert!(detail.starts_with("anchor-class-refused: "), "{detail}");
    assert_eq!(check(&line, "evidence")["status"], "not_reached", "what costs more never starts");

    assert_eq!(line["receipt"], Value::Null);
    verify(&bundle(out, "draft"), &["--require", "attested"]).expect_code(1);
    let draft = verify(&bundle(out, "draft"), &["--policy", "production"]).expect_code(0).json();
    assert_eq!(draft[0]["receipt"]["evidence"], "replayable");
    assert_eq!(check(&draft[0], "attestation")["status"], "not_applicable");

    let good = fs::read(&simulation).unwrap();
    let path = out.join("tampered.json");
    for step in 0..64 {
        let at = step * good.len() / 64;
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        fs::write(&path, &flipped).unwrap();
        let line = verify(&path, &[]).expect_code(1).json().remove(0);
        assert_eq!(line["verdict"], "rejected", "byte {at}");
    }
    fs::remove_file(&path).unwrap();
}

fn rows_rebuild_from_the_log(out: &Path) {
    let data = out.join("data");
    let arguments = ["log", "rebuild", "--check", "--json", "--data", data.to_str().unwrap()];
    let line = run(arguments).expect_code(0).json().remove(0);
    assert_eq!(line["agree"], true);
    let of_studio = ["governance.draft", "governance.observed", "governance.submitted"];
    for table in ["action", "agent", "evidence", "map", "paid", "reward"].iter().chain(&of_studio) {
        let rows = line["tables"][table]["rows"].as_u64();
        assert!(rows.is_some_and(|rows| rows > 0), "{table} is empty");
    }
    assert!(line["tables"]["refused"].is_null(), "{line}");
}

#[test]
fn demo_leaves_a_folder_that_is_not_its_own_alone() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("thesis.tex"), "years of work").unwrap();
    demo(dir.path()).expect_error(3, &["not empty"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// The lines under `Examples:` of a command's help, up to the first empty one.
fn examples(command: &str) -> Vec<String> {
    let help = run([command, "--help"]).expect_code(0).stdout;
    let (_, examples) = help.split_once("Examples:\n").expect("every help has examples");
    examples
        .lines()
        .take_while(|line| !line.is_empty())
        .map(str::trim)
        .filter(|line| !line.starts_with("export "))
        .map(str::to_owned)
        .collect()
}

fn help_examples_work_beside_the_demo(cwd: &Path) {
    for command in ["replay", "simulate", "verify", "log", "propose"] {
        for line in examples(command) {
            let run = type_in(cwd, &line);
            assert_eq!(run.code, 0, "{line}\n{}\n{}", run.stdout, run.stderr);
        }
    }
    let elsewhere = TempDir::new().unwrap();
    for line in examples("agent") {
        let run = type_in(elsewhere.path(), &line);
        assert_eq!(run.code, 0, "{line}\n{}\n{}", run.stdout, run.stderr);
    }
}

/// The proposal's own command gives the proposal's result, in its folder, wherever that is.
fn proposal_reproduces(options: &[&str]) {
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("out");
    let told = run([&["demo", "--out", out.to_str().unwrap(), "--json"], options].concat())
        .expect_code(0)
        .json()
        .remove(0);
    assert_eq!(told["outcome"], "finalised", "{told}");
    let machine = dir.path().to_str().unwrap();
    for file in ["proposal.md", "proposal.json", "report.html"] {
        let text = fs::read_to_string(out.join(file)).unwrap();
        assert!(!text.contains(machine), "{file} tells of this machine's folders");
    }
    let moved = dir.path().join("moved");
    fs::rename(&out, &moved).unwrap();
    let proposal = fs::read_to_string(moved.join("proposal.md")).unwrap();
    let command = proposal.lines().find_map(|line| line.strip_prefix("    chaoschain ")).unwrap();
    let again = type_in(&moved, &format!("chaoschain {command} --json")).expect_code(0).json();
    assert_eq!(again[0]["result_digest"], told["result_digest"], "{command}");
}

#[test]
fn printed_command_reproduces_a_proposal_made_with_other_assumptions() {
    if anvil_is_there() {
        proposal_reproduces(&["--elasticity", "0.25", "--paths", "64"]);
    }
}

#[test]
fn printed_command_reproduces_a_proposal_made_with_a_fee_history() {
    let Some(data) = shared("chain/fee-history") else { return };
    if anvil_is_there() {
        let history = data.join("mainnet-12965000-12999999.csv.gz");
        let history = history.to_str().unwrap();
        proposal_reproduces(&["--fee-history", history, "--paths", "8", "--elasticity", "0.2"]);
    }
}

/// Demand that no price moves reproduces no chain: nothing is proposed on it, and that is an outcome too.
#[test]
fn demo_that_gives_up_ends_with_the_bundles_of_what_was_done() {
    if !anvil_is_there() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("out");
    let arguments = ["demo", "--out", out.to_str().unwrap(), "--elasticity", "0"];
    let told =
        run_with([&arguments[..], &["--json"]].concat(), &[]).expect_code(0).json().remove(0);
    assert_eq!(told["outcome"], "given_up");
    assert!(told["reason"].as_str().unwrap().contains("is not the chain"), "{told}");
    assert_eq!(told["keys_open"], false);
    for kind in ["register", "analyse", "simulate", "draft"] {
        verify(&bundle(&out, kind), &["--reexecute"]).expect_code(0);
    }
    assert_eq!(told["verified"], bundles(&out).len());
    for absent in ["proposal.md", "proposal.json", "report.html"] {
        assert!(!out.join(absent).exists(), "{absent}");
    }
    let data = out.join("data");
    let check = ["log", "rebuild", "--check", "--json", "--data", data.to_str().unwrap()];
    assert_eq!(run(check).expect_code(0).json()[0]["agree"], true);

    let again = dir.path().join("again");
    let arguments = ["demo", "--out", again.to_str().unwrap(), "--elasticity", "0"];
    let text = run_with(arguments, &[]).expect_code(0).stdout;
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("no proposal") && last.contains("report.html"), "{last}");
    assert!(text.contains("set CHAOSCHAIN_PASSWORD before a demo"), "{text}");
}

/// Whoever starts one by mistake must not lose the other.
#[test]
fn second_demo_in_the_folder_of_a_running_one_is_refused() {
    if !anvil_is_there() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("out");
    let mut first = Running::start(&["demo", "--out", out.to_str().unwrap()], None);
    first.wait_for_words("registers as researcher");
    demo(&out).expect_error(5, &["a demo runs in"]);
    assert!(out.join("data").exists(), "what the first one wrote is there");
    first.kill();
    let again = Running::start(&["demo", "--out", out.to_str().unwrap()], None)
        .wait_for_words("clearing what an unfinished demo left");
    assert!(again.contains("out"), "{again}");
}

#[test]
fn demo_without_anvil_ends_before_it_begins() {
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("out");
    let line =
        format!("CHAOSCHAIN_ANVIL= PATH= $(command -v chaoschain) demo --out {}", out.display());
    let absent = dir.path().join("bin");
    fs::create_dir(&absent).unwrap();
    // A copy of the program stands beside no checkout.
    let program = absent.join("chaoschain");
    fs::copy(env!("CARGO_BIN_EXE_chaoschain"), &program).unwrap();
    let line = line.replace("$(command -v chaoschain)", program.to_str().unwrap());
    type_in(dir.path(), &line).expect_error(4, &["anvil was not found"]);
    assert!(!out.exists(), "nothing was begun");
}
