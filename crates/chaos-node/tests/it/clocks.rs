//! A log whose clock was wrong for a while, as its operator and its readers meet it.

use std::path::{Path, PathBuf};

use chaos_ledger::{Ledger, System, agents};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    compatibility::KINDS,
    program::{Run, run},
};

/// The fourth of July 2036, a time that the clock of these tests is not at.
const WRONG_MS: u64 = 2_098_742_400_000;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn on(data: &Path, arguments: &[&str], code: i32) -> Run {
    run([arguments, &["--data", text(data)]].concat()).expect_code(code)
}

/// Appends an entry by a clock that is years ahead, which somebody vouched for.
fn append_by_a_wrong_clock(data: &Path, name: &str) {
    let system = System {
        kinds: KINDS,
        now_ms: || WRONG_MS,
        random: |bytes| getrandom::fill(bytes).map_err(std::io::Error::other),
    };
    let mut ledger = Ledger::open(data, Some("test".to_owned().into()), None, system).unwrap();
    ledger.accept_clock().unwrap();
    let profile = chaos_agency::action::Profile {
        name: name.to_owned(),
        role: "researcher".to_owned(),
        capabilities: vec![],
        studio: "workshop".to_owned(),
    };
    agents::enrol(&mut ledger, profile).unwrap();
}

/// A log whose third entry is dated in 2036, its folder, and its key.
pub(crate) fn dated_wrongly(dir: &TempDir) -> (PathBuf, String) {
    let data = dir.path().join("data");
    let register = ["agent", "register", "--role", "researcher", "--name"];
    on(&data, &[&register[..], &["ada"]].concat(), 0);
    append_by_a_wrong_clock(&data, "grace");
    let head = on(&data, &["log", "checkpoint", "--json"], 0).json().remove(0);
    (data, head["log"].as_str().unwrap().to_owned())
}

fn receipt(data: &Path, index: usize) -> String {
    let shown = on(data, &["log", "show", "--json"], 0).json();
    shown[index]["action"]["receipt"].as_str().unwrap().to_owned()
}

#[test]
fn a_log_dated_in_2036_takes_nothing_in_until_its_time_is_corrected() {
    let dir = TempDir::new().unwrap();
    let (data, key) = dated_wrongly(&dir);
    let register = ["agent", "register", "--role", "researcher", "--name", "edsger"];
    let refused = on(&data, &register, 3);
    assert!(refused.stderr.contains("log correct-time"), "{}", refused.stderr);
    let unproved = on(&data, &["log", "prove", &receipt(&data, 1)], 1);
    for said in ["dated in the future", "log correct-time"] {
        assert!(unproved.stderr.contains(said), "{said}: {}", unproved.stderr);
    }
    // What it would say, and nothing is written.
    let proposed = on(&data, &["log", "correct-time", "--json"], 0).json().remove(0);
    assert_eq!((&proposed["first"], &proposed["later"]), (&2.into(), &1.into()), "{proposed}");
    assert_eq!(proposed["latest_ms"], WRONG_MS.to_string());
    assert_eq!(proposed["receipt"], Value::Null);
    let said = on(&data, &["log", "correct-time"], 0).stdout;
    assert!(said.contains("nothing was signed"), "{said}");
    on(&data, &register, 3);

    let (mirror, watched) = (dir.path().join("mirror"), dir.path().join("watched"));
    run(["log", "mirror", text(&data), text(&mirror), "--log", &key]).expect_code(1);
    on(&data, &["log", "correct-time", "--sign"], 0);
    on(&data, &register, 0);
    on(&data, &["log", "checkpoint"], 0);
    on(&data, &["log", "rebuild", "--check"], 0);
    let said = on(&data, &["log", "correct-time"], 0).stdout;
    assert!(said.contains("no entry is dated after the clock here"), "{said}");
    on(&data, &["log", "correct-time", "--sign"], 3);

    // Whoever copies or watches the log is told, and finds nothing else.
    let told = run(["log", "mirror", text(&data), text(&mirror), "--json"]).expect_code(1).json();
    let findings = told[0]["findings"].as_array().unwrap();
    let corrected = |found: &&Value| found.as_str().unwrap().contains("corrects the log's clock");
    let future = |found: &&Value| found.as_str().unwrap().contains("in the future");
    assert_eq!(findings.iter().filter(corrected).count(), 1, "{told:?}");
    assert_eq!(findings.iter().filter(future).count(), 1, "{told:?}");
    assert_eq!(findings.len(), 2, "{told:?}");
    let seen = run(["log", "monitor", text(&data), text(&watched), "--log", &key, "--json"]);
    let seen = seen.expect_code(1).json();
    let alarms: Vec<_> = seen.iter().filter_map(|line| line["alarm"].as_str()).collect();
    assert!(alarms.contains(&"corrected") && !alarms.contains(&"time-back"), "{seen:?}");

    // Receipts of before, within and after the wrong time are shown under the newest head.
    for index in [1, 2, 3, 4] {
        let (receipt, bundle) = (receipt(&data, index), dir.path().join(format!("{index}.json")));
        on(&data, &["log", "prove", &receipt, "--out", text(&bundle)], 0);
        let verify = ["verify", text(&bundle), "--log", &key, "--log-dir", text(&mirror)];
        let verified = run(verify).expect_code(0).stdout;
        assert!(verified.contains("counted: recomputed"), "{verified}");
        assert!(verified.contains("entry 3 corrects the log's clock"), "{verified}");
        // Who has the bundle alone is told both dates.
        let alone = run(["verify", text(&bundle), "--log", &key]).expect_code(0).stdout;
        let both = alone.contains("by the log, which has corrected that to ");
        assert_eq!(both, index == 2, "{alone}");
    }
}
