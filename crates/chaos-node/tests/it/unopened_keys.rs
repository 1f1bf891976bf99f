//! Key files of the operator that are lost where they lie, and the lines that a witness needs after a handover.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    copies::{Machine, text, witness},
    handover::begun,
    program::run_with,
};

/// What a disk makes of a key file.
fn flip(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    bytes[100] ^= 1;
    fs::write(path, &bytes).unwrap();
    bytes
}

/// The files that were set aside since they did not open.
fn unopened(machine: &Machine) -> Vec<PathBuf> {
    let files = fs::read_dir(machine.path("data/keys")).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.to_string_lossy().contains(".unopened-")).collect()
}

/// A log that has handed both roles on, and its root key.
fn handed_on() -> (Machine, String) {
    let (machine, root) = begun();
    for command in ["rotate-key", "replace-operator"] {
        machine.on("data", &["log", command]).expect_code(0);
    }
    (machine, root)
}

#[test]
fn lost_key_is_replaced_while_its_damaged_file_lies_there_and_the_log_goes_on() {
    let lost: [(&str, &str, &[&str]); 2] = [
        ("operator.log", "rotate-key", &["--lost", "--unwitnessed"]),
        ("operator", "replace-operator", &["--lost"]),
    ];
    for (file, command, options) in lost {
        let (machine, _) = handed_on();
        let damaged = flip(&machine.path(&format!("data/keys/{file}.pem")));
        // What the messages say leads there.
        let named = format!("log {command} --lost");
        let stopped = match command {
            "rotate-key" => machine.on("data", &["log", "checkpoint"]),
            _ => machine.on("data", &["agent", "revoke", "ada", "--reason", "x", "--by-operator"]),
        };
        let stopped = stopped.expect_error(3, &["cannot open the key file", "is damaged, or"]);
        assert!(stopped.stderr.contains(&named), "{}", stopped.stderr);
        let replace = [&["log", command], options].concat();
        // A wrong password opens no file: none is damaged by that.
        let (heads, data) = (machine.path("heads"), machine.path("data"));
        let other = [("CHAOSCHAIN_PASSWORD", "other"), ("CHAOSCHAIN_HEADS", text(&heads))];
        let wrong = run_with([&replace[..], &["--data", text(&data)]].concat(), &other);
        wrong.expect_error(3, &["is damaged, or"]);
        let entries = machine.on("data", &["log", "show", "--json"]).expect_code(0).json().len();
        assert_eq!((entries, unopened(&machine).len()), (4, 0));
        let replaced = machine.on("data", &replace).expect_code(0);
        let aside = unopened(&machine);
        assert_eq!(aside.len(), 1, "{aside:?}");
        assert_eq!(fs::read(&aside[0]).unwrap(), damaged);
        let name = aside[0].file_name().unwrap().to_str().unwrap();
        for said in [&format!("keys/{file}.pem in the data directory does not open"), name] {
            assert!(replaced.stderr.contains(said), "{said}: {}", replaced.stderr);
        }
        machine.grow("data", "grace");
        for command in ["rotate-key", "replace-operator"] {
            machine.on("data", &["log", command]).expect_code(0);
        }
        machine.on("data", &["log", "rebuild", "--check"]).expect_code(0);
    }
}

/// As by a version that signed the delegation and then opened the damaged file for each head.
#[test]
fn head_that_a_damaged_file_kept_back_is_published_once_the_witness_has_the_line() {
    let (machine, root) = handed_on();
    let former = machine.on("data", &["log", "checkpoint", "--json"]).expect_code(0).json();
    let former = former[0]["signer"].as_str().unwrap().to_owned();
    let (mut running, policy) = witness(&machine, &format!("{root}\nlog {former}"));
    machine.on("data", &["log", "checkpoint", "--log-policy", text(&policy)]).expect_code(0);
    let file = machine.path("data/keys/operator.log.pem");
    let damaged = flip(&file);
    fs::remove_file(&file).unwrap();
    let lost = machine.on("data", &["log", "rotate-key", "--lost"]).expect_code(4);
    fs::write(&file, &damaged).unwrap();
    running.kill();
    let newer = lost.stdout.lines().find_map(|line| line.strip_prefix("log ")).unwrap();
    let (mut running, policy) = witness(&machine, &format!("{root}\nlog {former}\nlog {newer}"));
    let published = machine.on("data", &["log", "checkpoint", "--log-policy", text(&policy)]);
    let published = published.expect_code(0);
    assert!(published.stderr.contains("was set aside as keys/operator.log.unopened-"));
    assert_eq!(fs::read(&unopened(&machine)[0]).unwrap(), damaged);
    running.kill();
}

#[test]
fn operator_is_replaced_only_where_the_next_head_can_be_signed() {
    let (machine, _) = handed_on();
    flip(&machine.path("data/keys/operator.log.pem"));
    let replace = ["log", "replace-operator", "--lost"];
    let refused = machine.on("data", &replace).expect_error(3, &["nothing was handed on"]);
    assert!(refused.stderr.contains("log rotate-key --lost"), "{}", refused.stderr);
    assert_eq!(machine.on("data", &["log", "show", "--json"]).json().len(), 4);
    machine.on("data", &["log", "rotate-key", "--lost", "--unwitnessed"]).expect_code(0);
    machine.on("data", &replace).expect_code(0);
    // The root key signs the checkpoints, and is elsewhere.
    let (machine, _) = begun();
    let (root, away) = (machine.path("data/keys/operator.pem"), machine.path("root.pem"));
    fs::copy(&root, &away).unwrap();
    flip(&root);
    let replace = ["log", "replace-operator", "--root", text(&away)];
    let refused = machine.on("data", &replace).expect_error(3, &["nothing was handed on"]);
    assert!(refused.stderr.contains("log rotate-key --root FILE"), "{}", refused.stderr);
    machine.on("data", &["log", "rotate-key", "--root", text(&away)]).expect_code(0);
    machine.on("data", &replace).expect_code(0);
    machine.grow("data", "grace");
}

/// The output of a rotation may be lost, and a second one leaves no head by the key that the witness knows.
#[test]
fn lines_that_a_witness_may_lack_are_printed_whenever_it_knows_none_of_the_keys() {
    let (machine, root) = begun();
    let (mut running, policy) = witness(&machine, &root);
    machine.on("data", &["log", "checkpoint", "--log-policy", text(&policy)]).expect_code(0);
    running.kill();
    let mut lines = Vec::new();
    for _ in 0..2 {
        let kept_back = machine.on("data", &["log", "rotate-key"]).expect_code(4);
        lines.extend(
            kept_back.stdout.lines().find(|line| line.starts_with("log ")).map(str::to_owned),
        );
    }
    machine.register("data", "grace").expect_code(0);
    let (mut running, policy) = witness(&machine, &root);
    let publish = ["log", "checkpoint", "--log-policy", text(&policy)];
    let printed = |lines: &[String]| {
        let refused = machine.on("data", &publish).expect_code(4);
        let said: Vec<&str> =
            refused.stderr.lines().filter(|line| line.starts_with("log ")).collect();
        assert_eq!(said, lines, "{}", refused.stderr);
        let told = machine.on("data", &[&publish[..], &["--json"]].concat()).expect_code(4).json();
        assert_eq!(told[0]["published"], false);
        assert_eq!(told[0]["refused"][0]["witness"], "w");
        assert_eq!(told[0]["refused"][0]["lines"], serde_json::json!(lines));
    };
    printed(&lines);
    running.kill();
    // They are what the witness lacks.
    let given = format!("{root}\n{}", lines.join("\n"));
    let (mut running, policy) = witness(&machine, &given);
    let publish = ["log", "checkpoint", "--log-policy", text(&policy)];
    let published = machine.on("data", &[&publish[..], &["--json"]].concat()).expect_code(0);
    assert!(published.json()[0].get("refused").is_none(), "{}", published.stdout);
    running.kill();
    // From then on it knows the newest.
    let kept_back = machine.on("data", &["log", "rotate-key"]).expect_code(4);
    let newest = kept_back.stdout.lines().find(|line| line.starts_with("log ")).unwrap().to_owned();
    machine.register("data", "edsger").expect_code(0);
    let (mut running, policy) = witness(&machine, &given);
    let refused = machine.on("data", &["log", "checkpoint", "--log-policy", text(&policy)]);
    let refused = refused.expect_code(4);
    let said: Vec<&str> = refused.stderr.lines().filter(|line| line.starts_with("log ")).collect();
    assert_eq!(said, [&newest], "{}", refused.stderr);
    running.kill();
}
