//! The examples of `--help`: run as they are written, or named here with why they cannot be.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use crate::program::{root, run, type_in};

/// Pages whose first paragraph of examples is run as it is written: beside a demo, by its test, or here.
const RUN: [&str; 11] = [
    "agent",
    "attest quote",
    "backtest",
    "chains",
    "diff",
    "log",
    "propose",
    "replay",
    "run",
    "simulate",
    "verify",
];

/// Pages whose every example is run as it is written.
const RUN_WHOLE: [&str; 4] = ["backtest", "chains", "diff", "run"];

/// Pages whose examples need more than a test has; what they do is tested with other arguments.
const ELSEWHERE: &[(&str, &str)] = &[
    ("anchor", "a chain and a key"),
    ("anchor audit", "a chain on which something was anchored"),
    ("attest allowlist", "ids of workloads and keys, which differ for everybody"),
    ("attest verify", "a quote of the reader's own"),
    ("chain", "a chain and a key"),
    ("broker", "ids of workloads, and one line serves until it is stopped"),
    ("demo", "minutes; `cargo xtask demo` is the first line, and the demo's tests run the others"),
    ("executor", "a broker that serves"),
    ("export", "a node"),
    ("fee-history", "a fee history"),
    ("import", "what a node answered"),
    ("lease", "a broker with leases"),
    ("log replace-operator", "a log whose root key has that role"),
    ("log correct-time", "a log whose clock was wrong"),
    ("log findings", "a copy of a log in which something was found"),
    ("log report-fork", "a log that forked; the guide of `verify` makes one"),
    ("log resume", "a memory of signed heads that was lost"),
    ("log rotate-key", "a log whose root key has that role"),
    ("pay", "a chain, a key and an outcome"),
    ("proposal", "a chain and a key"),
    ("proposal check", "a chain with a governor; the guide of proposals runs them"),
    ("vote", "a chain, a key and a proposal"),
    ("secret", "a broker and a secret"),
    ("service", "a broker with services"),
    ("tx", "a chain, and something that was sent to it"),
    ("validate", "a fee history"),
    ("witness", "a policy with keys, and the line serves until it is stopped"),
];

/// What stands for something of the reader's own.
const PLACEHOLDERS: [&str; 8] = ["...", "URL", "VKEY", "DIR", "BUNDLE", "HASH", "HEX", "fees.csv"];

/// Every page of help, by the words that lead to it.
fn pages() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let mut left = vec![Vec::<String>::new()];
    while let Some(words) = left.pop() {
        let arguments = words.iter().map(String::as_str).chain(["--help"]);
        let page = run(arguments).expect_code(0).stdout;
        if let Some((_, list)) = page.split_once("Commands:\n") {
            let names = list
                .lines()
                .take_while(|line| !line.is_empty())
                .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
                .filter_map(|line| line.split_whitespace().next())
                .filter(|name| *name != "help");
            left.extend(names.map(|name| [&words[..], &[name.to_owned()]].concat()));
        }
        pages.push((words.join(" "), page));
    }
    pages
}

/// The examples of a page in paragraphs, continued lines joined.
fn examples(page: &str) -> Vec<Vec<String>> {
    let page = page.replace(" \\\n", " ");
    let (_, examples) = page.split_once("\nExamples:\n").unwrap_or_default();
    examples
        .split("\n\n")
        .map(|paragraph| {
            let lines = paragraph.lines().filter(|line| {
                let command = ["chaoschain ", "printf ", "export ", "pass show "];
                line.strip_prefix("  ").is_some_and(|it| command.iter().any(|c| it.starts_with(c)))
            });
            lines.map(|line| line.trim().to_owned()).collect()
        })
        .filter(|lines: &Vec<String>| !lines.is_empty())
        .collect()
}

#[test]
fn every_example_is_run_or_named_with_what_it_lacks() {
    for (name, page) in pages() {
        let paragraphs = examples(&page);
        let Some((_, further)) = paragraphs.split_first() else { continue };
        let lacks = ELSEWHERE.iter().any(|(page, _)| *page == name);
        assert_ne!(RUN.contains(&name.as_str()), lacks, "`{name}` is in one of the lists");
        if lacks || RUN_WHOLE.contains(&name.as_str()) {
            continue;
        }
        for line in further.iter().flatten() {
            let stands_for_another = PLACEHOLDERS.iter().any(|words| line.contains(words));
            // The test of the guide runs those of a study on a small one.
            let of_study = line.contains("--experiment") || line.contains(" study-out");
            let long = of_study || line.starts_with("chaoschain log ");
            assert!(stands_for_another || long, "`{line}` could be run");
        }
    }
}

#[test]
fn examples_of_chains_run_as_they_are_written() {
    let dir = TempDir::new().unwrap();
    let (_, page) = pages().into_iter().find(|(name, _)| name == "chains").unwrap();
    let lines = examples(&page).concat();
    assert_eq!(lines.len(), 3);
    for line in lines {
        type_in(dir.path(), &line).expect_code(0);
    }
}

/// Where an example cannot be run, its words are still those that the program takes.
#[test]
fn every_example_is_a_command_line() {
    let dir = TempDir::new().unwrap();
    let fill = |line: &str| {
        let line = line.split(" > ").next().unwrap_or_default();
        line.replace("sha256:...", &format!("sha256:{}", "0".repeat(64)))
            .replace("did:key:z6Mk...", DID)
            .replace("did:key:...", DID)
            .replace("HASH", &format!("0x{}", "0".repeat(64)))
            .replace("VKEY", VKEY)
            .replace("ADDRESS", &format!("0x{}", "0".repeat(40)))
    };
    for (name, page) in pages() {
        for line in examples(&page).iter().flatten() {
            if !line.contains("chaoschain ") {
                continue;
            }
            let told = type_in(
                dir.path(),
                &format!("{} --help", fill(line).replace("pass show binance", "true")),
            );
            assert_eq!(told.code, 0, "`{name}`: {line}\n{}", told.stderr);
        }
    }
}

/// A key that is nobody's.
const DID: &str = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";

/// A verifier key of a log that is nobody's.
const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

#[test]
fn examples_of_runs_name_what_the_repository_holds_or_a_line_makes() {
    let dir = TempDir::new().unwrap();
    for folder in ["examples", "guests"] {
        symlink(root().join(folder), dir.path().join(folder)).unwrap();
    }
    for page in ["run", "attest quote"] {
        let words = page.split(' ').chain(["--help"]);
        let paragraphs = examples(&run(words).expect_code(0).stdout);
        let lines = paragraphs.iter().flatten();
        for line in lines.filter(|line| !line.starts_with("export ") && !line.contains(" HEX ")) {
            type_in(dir.path(), line).expect_code(0);
        }
    }
}

/// An option as a page of help shows it.
struct Shown {
    /// With its dashes.
    name: String,
    /// A value that it takes, if it takes one.
    value: Option<&'static str>,
    /// The option that it is of use with, if it says so.
    master: Option<String>,
}

/// The options of a page. What one is for stands in the paragraph below it.
fn options(page: &str) -> Vec<Shown> {
    let (_, list) = page.split_once("\nOptions:\n").unwrap_or_default();
    // An example that goes on in a second line may begin it with an option.
    let (list, _) = list.split_once("\nExamples:").unwrap_or((list, ""));
    let lines: Vec<&str> = list.lines().collect();
    let start = |line: &&str| line.trim_start().starts_with('-') && !line.starts_with("         ");
    let starts: Vec<usize> = (0..lines.len()).filter(|&at| start(&lines[at])).collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let shown = starts.iter().zip(ends).filter_map(|(&at, end)| {
        let words: Vec<&str> = lines[at].split_whitespace().collect();
        let name = words.iter().find(|word| word.starts_with("--"))?.trim_end_matches("...");
        let text = lines[at..end].iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        let master = text.split_once("With --").map(|(_, rest)| {
            let word = rest.split([':', ' ', ',']).next().unwrap_or_default();
            format!("--{word}")
        });
        let value = words.iter().find(|word| word.starts_with('<'));
        Some(Shown {
            name: name.to_owned(),
            value: value.map(|kind| value_of(kind, &text)),
            master,
        })
    });
    shown.collect()
}

/// A value of a kind that help names in angle brackets.
fn value_of(kind: &str, text: &str) -> &'static str {
    let kind = kind.trim_matches(|c| "<>.".contains(c));
    match kind {
        "URL" => "http://127.0.0.1:9",
        "RANGE" => "1..=2",
        "CAIP-2" | "CHAIN" => "eip155:1",
        "NAME=VALUE" => "gas-limit=6000000",
        "MARKET" => "gas",
        "SOURCE" => "trace",
        "PROVIDER" => "development",
        "VKEY" => VKEY,
        "DID" => DID,
        "SHA256" => "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "HASH" => "0x0000000000000000000000000000000000000000000000000000000000000000",
        "ADDRESS" if text.contains("contract") => "0x0000000000000000000000000000000000000000",
        "ACCOUNT" | "CONTRACT" | "FUNDER" => "0x0000000000000000000000000000000000000000",
        "FINALITY" => "final",
        "CHOICE" => "for",
        "FORK" => "cancun",
        "PRESET" => "osaka",
        "WORK" => "anchor",
        "DURATION" => "1h",
        "ADDRESS" => "127.0.0.1:9",
        "DIR" | "FILE" | "NAME" | "AGENT" | "TEXT" | "DIR|URL" | "FILE|NAME" => "name",
        "WORLD" => "score",
        "FACT" | "WORD" | "REQUIREMENT" => "counted",
        _ => "1",
    }
}

/// The options that a command cannot do without, from its usage.
fn required(page: &str) -> Vec<String> {
    let (_, usage) = page.split_once("Usage: chaoschain").unwrap_or_default();
    let usage = usage.lines().next().unwrap_or_default();
    let words: Vec<&str> = usage.split_whitespace().collect();
    let needed = words.iter().enumerate().filter(|(_, word)| word.starts_with("--"));
    let given = needed.flat_map(|(at, name)| {
        let kind = words.get(at + 1).copied().unwrap_or_default();
        [(*name).to_owned(), value_of(kind, page).to_owned()]
    });
    let places = words.iter().enumerate().filter(|(at, word)| {
        word.starts_with('<') && !words[at.saturating_sub(1)].starts_with("--")
    });
    given.chain(places.map(|(_, kind)| value_of(kind, page).to_owned())).collect()
}

/// `requires` says nothing to clap beside an option that excludes what is required, so an option of no
/// effect has to exclude it as well.
#[test]
fn option_of_no_effect_is_refused_alone_and_beside_every_other() {
    let dir = TempDir::new().unwrap();
    let mut tried = 0;
    for (name, page) in pages() {
        let options = options(&page);
        for option in options.iter().filter(|option| option.master.is_some()) {
            let master = option.master.as_deref().unwrap_or_default();
            let needed = required(&page);
            let others = options.iter().filter(|other| {
                let is_talk = ["--help", "--version", "--json"].contains(&other.name.as_str());
                !is_talk && other.name != master && other.name != option.name
            });
            for other in std::iter::once(None).chain(others.map(Some)) {
                let mut line = vec!["chaoschain".to_owned(), name.clone()];
                line.extend(needed.iter().cloned());
                for given in std::iter::once(option).chain(other) {
                    if !needed.contains(&given.name) {
                        line.push(given.name.clone());
                        line.extend(given.value.map(str::to_owned));
                    }
                }
                let line = line.join(" ");
                let told = type_in(dir.path(), &line);
                let (reason, _) = told.stderr.split_once("\nUsage:").unwrap_or((&told.stderr, ""));
                let named = reason.contains(&option.name) || reason.contains(master);
                assert!(told.code == 2 && named, "`{line}` ended with {}:\n{reason}", told.code);
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "only {tried} lines were tried");
}

/// What a study's file says is not said beside it, and a folder for a study goes with one.
#[test]
fn study_takes_its_own_word_for_everything() {
    let dir = TempDir::new().unwrap();
    let study = "chaoschain simulate --experiment study.toml";
    let without = "chaoschain simulate --blocks recorded --set gas-limit=6000000";
    for line in [
        format!("{study} --seed 9"),
        format!("{study} --paths 3"),
        format!("{study} --path-blocks 3"),
        format!("{study} --elasticity 0.1"),
        format!("{study} --chain eip155:1"),
        format!("{study} --range 3"),
        format!("{study} --fee-history fees.csv"),
        format!("{study} --fee-history fees.csv --columns number=height"),
        format!("{study} --preset osaka"),
        format!("{study} --hardfork cancun"),
        format!("{study} --set gas-limit=6000000"),
        format!("{study} --with-inputs --without-inputs"),
        format!("{study} --data folder"),
        format!("{without} --out folder"),
        format!("{without} --agent ada"),
        format!("{without} --with-inputs"),
        format!("{without} --without-inputs"),
        format!("{without} --threads 100000"),
        format!("{without} --threads 0"),
    ] {
        let told = type_in(dir.path(), &line);
        assert_eq!(told.code, 2, "{line}: {}", told.stderr);
    }
}

#[test]
fn resume_names_both_ways_of_saying_what_was_signed_last() {
    let refused = run(["log", "resume"]).expect_code(2).stderr;
    assert!(refused.contains("--from <FILE>") && refused.contains("--only-copy"), "{refused}");
    run(["log", "resume", "--only-copy", "--from", "x"]).expect_code(2);
}
