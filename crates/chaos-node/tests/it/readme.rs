//! The commands of README.md, as a reader pastes them.

use std::{fs, os::unix::fs::symlink};

use tempfile::TempDir;

use crate::program::{anvil_is_there, root, type_in};

/// Lines that are not run here, and why.
const ELSEWHERE: [&str; 2] = [
    // It is what runs this test.
    "cargo xtask test",
    // Minutes of work; the tests of studies run smaller ones.
    "chaoschain simulate --experiment examples/gas-limit-60m.toml --out study-out",
];
/// What `cargo xtask demo` comes to once the program is built.
const DEMO: (&str, &str) = ("cargo xtask demo", "chaoschain demo --out demo-out");

/// The lines of the blocks in a shell's language, in order, continued lines joined.
fn lines(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let text = blocks.collect::<String>().replace("\\\n", " ");
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The exit code that a line's comment promises; 0 where it promises none.
fn promised(line: &str) -> i32 {
    let (_, promise) = line.split_once("exit code ").unwrap_or(("", "0"));
    promise.trim().parse().unwrap_or_else(|_| panic!("a number after `exit code`: {line}"))
}

#[test]
fn every_command_of_the_readme_can_be_pasted() {
    if !anvil_is_there() {
        return;
    }
    let dir = TempDir::new().unwrap();
    for folder in ["examples", "guests", "studios"] {
        symlink(root().join(folder), dir.path().join(folder)).unwrap();
    }
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    let (mut set, mut tried) = (String::new(), Vec::new());
    for line in lines(&page) {
        let command = line.split(" #").next().unwrap_or_default().trim();
        if command.starts_with("export ") {
            set.push_str(&format!("{command}\n"));
        } else if !ELSEWHERE.contains(&command) {
            let typed = if command == DEMO.0 { DEMO.1 } else { command };
            let run = type_in(dir.path(), &format!("{set}{typed}"));
            assert_eq!(run.code, promised(&line), "{line}\n{}\n{}", run.stdout, run.stderr);
            tried.push(command.to_owned());
        }
    }
    let says = |words: &str| tried.iter().any(|line| line.starts_with(words));
    for words in ["cargo xtask demo", "chaoschain verify", "chaoschain run", "chaoschain attest"] {
        assert!(says(words), "the page no longer shows `{words}`: {tried:?}");
    }
}
