//! The examples of `--help`: run as they are written, or named here with why they cannot be.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use crate::program::{root, run, type_in};

/// Pages whose first paragraph of examples is run as it is written: beside a demo, by its test, or here.
const RUN: [&str; 8] =
    ["agent", "attest quote", "log", "propose", "replay", "run", "simulate", "verify"];

/// Pages whose examples need more than a test has; what they do is tested with other arguments.
const ELSEWHERE: &[(&str, &str)] = &[
    ("anchor", "a chain and a key"),
    ("attest allowlist", "ids of workloads and keys, which differ for everybody"),
    ("attest verify", "a quote of the reader's own"),
    ("backtest", "a fee history"),
    ("broker", "ids of workloads, and one line serves until it is stopped"),
    ("demo", "minutes; `cargo xtask demo` is the first line, and the demo's tests run the others"),
    ("executor", "a broker that serves"),
    ("export", "a node"),
    ("import", "what a node answered"),
    ("lease", "a broker with leases"),
    ("log resume", "a memory of signed heads that was lost"),
    ("secret", "a broker and a secret"),
    ("service", "a broker with services"),
    ("validate", "a fee history"),
    ("witness", "a policy with keys, and the line serves until it is stopped"),
];

/// What stands for something of the reader's own.
const PLACEHOLDERS: [&str; 8] =
    ["...", "URL", "VKEY", "DIR", "BUNDLE", "HASH", "HEX", "fees.csv.gz"];

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
    page.split("\n\n")
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
        // `run` is run to its last line, and so are its files made.
        if lacks || name == "run" {
            continue;
        }
        for line in further.iter().flatten() {
            let stands_for_another = PLACEHOLDERS.iter().any(|words| line.contains(words));
            let long = line.contains("--experiment") || line.starts_with("chaoschain log ");
            assert!(stands_for_another || long, "`{line}` could be run");
        }
    }
}

/// Where an example cannot be run, its words are still those that the program takes.
#[test]
fn every_example_is_a_command_line() {
    let dir = TempDir::new().unwrap();
    let did = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
    let fill = |line: &str| {
        let line = line.split(" > ").next().unwrap_or_default();
        line.replace("sha256:...", &format!("sha256:{}", "0".repeat(64)))
            .replace("did:key:z6Mk...", did)
            .replace("did:key:...", did)
            .replace("HASH", &format!("0x{}", "0".repeat(64)))
            .replace("VKEY", VKEY)
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
