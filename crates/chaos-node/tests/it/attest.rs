//! `attest verify` on recorded quotes: the verdict of the index, as an exit code, in JSON and for
//! people.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, run};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/attestation"))
}

fn vectors() -> Vec<Value> {
    let Ok(index) = fs::read(folder().join("vectors.json")) else {
        eprintln!("skipped: no recorded quotes beside the repository");
        return Vec::new();
    };
    serde_json::from_slice(&index).unwrap()
}

fn file(vector: &Value, key: &str) -> String {
    folder().join(vector[key].as_str().unwrap()).to_str().unwrap().to_owned()
}

/// Accepts what no flag of the index is about.
fn policy(class: &str, debug: &str, service_td: &str) -> String {
    let service_tds =
        if service_td.is_empty() { String::new() } else { format!("\"{service_td}\"") };
    format!(
        r#"
        version = 1
        class = "{class}"
        tee_types = ["tdx", "sgx"]
        [tcb]
        statuses = [
            "UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "OutOfDate",
            "ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded",
        ]
        grace_days = 0
        refused_advisories = []
        evaluation_number_min = 0
        [platform]
        smt = "accept"
        dynamic_platform = "accept"
        cached_keys = "accept"
        [environment]
        debug = "{debug}"
        service_tds = [{service_tds}]
        [collateral]
        age_days_max = 3653
        root_crl_age_days_max = 3653
        spread_days_max = 3653
        [workloads]
        accept = "any"
        "#
    )
}

fn verify(dir: &Path, vector: &Value, policy: &str, more: &[&str]) -> Run {
    let path = dir.join("policy.toml");
    fs::write(&path, policy).unwrap();
    let (quote, collateral, root) =
        (file(vector, "quote"), file(vector, "collateral"), file(vector, "root"));
    let (policy, at) = (path.to_str().unwrap(), vector["verify_at"].to_string());
    let mut arguments = vec!["attest", "verify", &quote, "--collateral", &collateral];
    arguments.extend(["--policy", policy, "--root", &root, "--at", &at]);
    arguments.extend(more);
    run(arguments)
}

/// The service TD that a quote is bound to, as a first verification prints it.
fn service_td(dir: &Path, vector: &Value) -> String {
    let refused = verify(dir, vector, &policy("production", "refuse", ""), &["--json"]);
    let claims = &refused.json()[0]["result"]["submods"]["tdx"]["ear_attester_claims"];
    claims["measurements"]["tdx"]["tdx_mrservicetd"].as_str().unwrap().to_owned()
}

#[test]
fn every_recorded_quote_gets_its_verdict_on_the_command_line() {
    let dir = TempDir::new().unwrap();
    for vector in vectors() {
        let id = vector["id"].as_str().unwrap();
        let flag = |name: &str| vector["flags"].as_array().unwrap().iter().any(|flag| flag == name);
        let class =
            if file(&vector, "root").contains("intel_sgx") { "production" } else { "development" };
        let debug = if flag("allow_debug") { "accept" } else { "refuse" };
        let bound =
            if flag("allow_service_td") { service_td(dir.path(), &vector) } else { String::new() };
        let policy = policy(class, debug, &bound);
        let found = verify(dir.path(), &vector, &policy, &["--json"]);
        let expect = &vector["expect"];
        let ok = expect["ok"].as_bool().unwrap();
        let found = found.expect_code(if ok { 0 } else { 1 }).json().remove(0);
        assert_eq!(found["verdict"], if ok { "accepted" } else { "refused" }, "{id}");
        assert_eq!(found["code"].is_null(), ok, "{id}");
        if ok {
            let submods = found["result"]["submods"].as_object().unwrap();
            let claims = &submods.values().next().unwrap()["ear_attester_claims"];
            assert_eq!(claims["tcb"]["attester_tcb_status"], expect["status"], "{id}");
            if expect["advisories"].is_array() {
                assert_eq!(claims["tcb"]["attester_advisory_ids"], expect["advisories"], "{id}");
            }
        } else {
            assert!(found["detail"].as_str().unwrap().len() > 3, "{found}");
        }
        // for people: the same verdict, in lines that fit
        let shown = verify(dir.path(), &vector, &policy, &[]).expect_code(if ok { 0 } else { 1 });
        assert!(shown.stdout.contains(if ok { "accepted" } else { "refused" }), "{}", shown.stdout);
        let widest = shown.stdout.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= 80 || shown.stdout.contains("by policy"), "{id}: {widest}");
    }
}

#[test]
fn evidence_that_a_policy_refuses_shows_every_decision() {
    let Some(vector) = vectors().into_iter().find(|vector| vector["id"] == "dev-ok-v4") else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let strict = policy("production", "refuse", "").replace("\"any\"", "\"allowlist\"");
    let shown = verify(dir.path(), &vector, &strict, &["--report-data", &"00".repeat(64)]);
    let shown = shown.expect_code(1).stdout;
    for line in [
        "FAIL  anchor-class        development",
        "ok    tcb-status          UpToDate",
        "FAIL  workload            none given",
        "FAIL  binding",
        "refused  anchor-class-refused",
    ] {
        assert!(shown.contains(line), "`{line}` is not in:\n{shown}");
    }
}

#[test]
fn bad_input_is_told_from_refused_evidence() {
    let Some(vector) = vectors().into_iter().find(|vector| vector["id"] == "dev-ok-v4") else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let good = policy("development", "refuse", "");
    let typo = good.replace("debug =", "debugging =");
    verify(dir.path(), &vector, &typo, &[]).expect_error(3, &["policy.toml", "debugging", "line"]);
    let short = ["--report-data", "00"];
    verify(dir.path(), &vector, &good, &short).expect_error(3, &["128 hexadecimal digits"]);
    let (collateral, quote) = (file(&vector, "collateral"), file(&vector, "quote"));
    let missing =
        ["attest", "verify", "gone.bin", "--collateral", &collateral, "--policy", "production"];
    run(missing).expect_error(3, &["cannot read gone.bin"]);
    // a quote of another form is evidence, and refused
    let swapped =
        ["attest", "verify", &collateral, "--collateral", &quote, "--policy", "production"];
    let refused = run(swapped).expect_code(1).stdout;
    assert!(refused.contains("quote-"), "{refused}");
    let big = dir.path().join("big.json");
    fs::write(&big, vec![b' '; (512 << 10) + 1]).unwrap();
    let oversized = ["attest", "verify", &quote, "--collateral", big.to_str().unwrap()];
    let refused = run(oversized.iter().chain(&["--policy", "production"])).expect_code(1).stdout;
    assert!(refused.contains("collateral-too-large"), "{refused}");
    let bare = ["attest", "verify", &quote, "--collateral", &collateral];
    assert_eq!(run(bare).code, 2);
}
