//! What a command printed and nobody could keep.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::{
    forecast::write_history,
    program::{root, run, type_in},
    simulation::write_load,
};

/// What the others read.
const SETUP: &[&str] = &[
    "chaoschain agent register --name ada --role researcher",
    "chaoschain run scorer.wasm --input evidence.json --bundle bundle.json",
    "chaoschain attest quote --report-data $(printf '5a%.0s' $(seq 64)) --out quote",
];

/// Commands that print without a network.
const LINES: &[&str] = &[
    "chaoschain --help",
    "chaoschain --version",
    "chaoschain demo --help",
    "chaoschain replay --blocks recorded",
    "chaoschain replay --blocks recorded --json",
    "chaoschain simulate --blocks recorded --set gas-limit=6000000 --paths 4 --path-blocks 50",
    "chaoschain simulate --blocks recorded --set gas-limit=6000000 --paths 4 --path-blocks 50 --json",
    "chaoschain validate --fee-history fees.csv --window 1200 --horizon 200 --paths 40",
    "chaoschain fee-history fees.csv",
    "chaoschain chains",
    "chaoschain chains base",
    "chaoschain chains eip155:42161 --json",
    "chaoschain run scorer.wasm --input evidence.json",
    "chaoschain verify bundle.json",
    "chaoschain verify bundle.json --json",
    "chaoschain attest verify quote/quote.bin --collateral quote/collateral.json \
     --root quote/root.der --policy development",
    "chaoschain agent list",
    "chaoschain agent show ada --json",
    "chaoschain log show",
    "chaoschain log checkpoint",
    "chaoschain log rebuild --check",
    "chaoschain broker allowlist",
    "chaoschain executor workload --provider development --machine executor",
    "chaoschain service list",
    "chaoschain secret list",
    "chaoschain lease list",
];

/// Commands that need a chain, a node's answers or minutes, or serve until they are stopped; they
/// print by the same functions.
const ELSEWHERE: [&str; 13] = [
    "anchor", "backtest", "chain", "demo", "diff", "export", "import", "pay", "proposal",
    "propose", "tx", "vote", "witness",
];

fn prepared() -> TempDir {
    let dir = TempDir::new().unwrap();
    write_load(&dir.path().join("recorded"), 4);
    write_history(&dir.path().join("fees.csv"), 1_600);
    for (from, to) in [
        ("guests/artifacts/scorer.wasm", "scorer.wasm"),
        ("examples/evidence.json", "evidence.json"),
    ] {
        fs::copy(root().join(from), dir.path().join(to)).unwrap();
    }
    for line in SETUP {
        type_in(dir.path(), line).expect_code(0);
    }
    dir
}

/// The devices that lose what is written to them are the system's.
fn there_is_no_full_device() -> bool {
    let absent = !Path::new("/dev/full").exists();
    if absent {
        eprintln!("skipped: this system has no /dev/full");
    }
    absent
}

#[test]
fn output_that_cannot_be_written_is_an_error_of_every_command() {
    if there_is_no_full_device() {
        return;
    }
    let dir = prepared();
    for line in LINES {
        let kept = type_in(dir.path(), line).expect_code(0);
        assert!(!kept.stdout.is_empty(), "`{line}` prints nothing");
        let lost = type_in(dir.path(), &format!("{line} > /dev/full"));
        assert_eq!(lost.code, 5, "{line}: {}", lost.stderr);
        assert!(lost.stderr.contains("cannot write the output"), "{line}: {}", lost.stderr);
    }
}

#[test]
fn output_to_a_closed_descriptor_is_lost_and_output_that_is_thrown_away_is_not() {
    let dir = prepared();
    for line in LINES {
        let lost = type_in(dir.path(), &format!("{line} >&-"));
        assert_eq!(lost.code, 5, "{line}: {}", lost.stderr);
        assert!(lost.stderr.contains("cannot write the output"), "{line}: {}", lost.stderr);
    }
    // Programs that start others often open it for reading too.
    for thrown_away in ["> /dev/null", "1<> /dev/null"] {
        type_in(dir.path(), &format!("chaoschain log show {thrown_away}")).expect_code(0);
    }
    // Nothing was to be printed, so that nothing is lost.
    type_in(dir.path(), "chaoschain log show --last 0 --json >&-").expect_code(0);
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let dir = prepared();
    for line in LINES {
        let left = type_in(dir.path(), &format!("{{ {line}; echo $? >&2; }} | true"));
        assert_eq!(left.stderr.lines().last(), Some("0"), "{line}: {}", left.stderr);
    }
}

#[test]
fn a_check_that_failed_stays_one_when_its_output_is_lost() {
    if there_is_no_full_device() {
        return;
    }
    let dir = prepared();
    let lost = type_in(dir.path(), "chaoschain verify bundle.json --policy production > /dev/full");
    let kept = type_in(dir.path(), "chaoschain verify bundle.json --require attested > /dev/full");
    assert_eq!((lost.code, kept.code), (5, 1), "{} {}", lost.stderr, kept.stderr);
    assert!(kept.stderr.contains("cannot write the output"), "{}", kept.stderr);
}

#[test]
fn every_command_is_tried_with_lost_output_or_named_as_one_that_cannot_be() {
    let help = run(["--help"]).expect_code(0).stdout;
    let (_, rest) = help.split_once("Commands:\n").expect("the help lists commands");
    let commands = rest
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    for command in commands.filter(|command| *command != "help") {
        let start = format!("chaoschain {command} ");
        let tried = LINES.iter().any(|line| line.starts_with(&start));
        assert!(tried || ELSEWHERE.contains(&command), "`{command}` is not tried");
    }
}
