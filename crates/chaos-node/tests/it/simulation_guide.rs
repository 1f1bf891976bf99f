//! The commands of docs/guides/simulation.md and of the help on studies and forecasts, as a reader pastes them.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::{
    forecast::{write_from, write_history, write_raised},
    program::{root, run, type_in},
    simulation::write_load,
};

/// A study as small as one can be, in the place of the reader's own.
const STUDY: &str = "version = 1\nname = \"small\"\ntitle = \"t\"\nquestion = \"q?\"\n\
    sources.blocks = \"BLOCKS\"\nbaseline.preset = \"london\"\nproposal.gas-limit = 6_000_000\n\
    [market]\npaths = 4\nblocks = 60\nwarmup_blocks = 20\nagent_paths = 1\n";

/// Lines that need what no test has; the export from a node is tested elsewhere.
const ELSEWHERE: [&str; 4] = [
    "chaoschain export ",
    "chaoschain simulate --chain base --fee-history FILE",
    "chaoschain backtest --fee-history blobs.csv.gz",
    "chaoschain backtest --fee-history daily.csv.gz",
];

/// What stands for something of the reader's own.
const OWN: [(&str, &str); 2] = [("BLOCK ", "18009000 "), ("NEXT", "18012500")];

fn lines(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let text = blocks.collect::<String>().replace("\\\n", " ");
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What the guide takes to be there.
fn reader() -> TempDir {
    let dir = TempDir::new().unwrap();
    write_load(&dir.path().join("BLOCKS"), 4);
    fs::write(dir.path().join("my-study.toml"), STUDY).unwrap();
    fs::create_dir(dir.path().join("my-fees")).unwrap();
    write_history(&dir.path().join("my-fees/fee-history.csv"), 12_500);
    dir
}

#[test]
fn every_command_of_the_guide_can_be_pasted() {
    let dir = reader();
    let page = fs::read_to_string(root().join("docs/guides/simulation.md")).unwrap();
    let mut tried = Vec::new();
    for line in lines(&page).iter().filter(|line| !ELSEWHERE.iter().any(|it| line.starts_with(it)))
    {
        // The blocks that were forecast are there, and were made under the change.
        if line.contains("later.csv") {
            write_raised(&dir.path().join("later.csv"), 15_000, 12_500);
        }
        let mut typed = format!("{line} ");
        for (own, value) in OWN {
            typed = typed.replace(own, value);
        }
        // The guide's own value fits mainnet, not these blocks.
        let typed = typed.replace("gas-limit=60000000", "gas-limit=6000000");
        let typed = typed.replace("gas-limit=45000000", "gas-limit=30020000");
        let run = type_in(dir.path(), &typed);
        assert_eq!(run.code, 0, "{typed}\n{}\n{}", run.stdout, run.stderr);
        tried.push(typed);
    }
    let read = |name: &str| fs::read_to_string(dir.path().join("my-study").join(name)).unwrap();
    assert_ne!(read("study.toml"), read("disputed.toml"), "what is disputed is changed");
    for words in ["simulate", "agent register", "verify", "diff", "validate", "backtest"] {
        let shown = tried.iter().any(|line| line.starts_with(&format!("chaoschain {words}")));
        assert!(shown, "the page no longer shows `{words}`: {tried:?}");
    }
}

/// The examples of a page, continued lines joined.
fn examples(page: &str) -> Vec<String> {
    let page = run(page.split(' ').chain(["--help"])).expect_code(0).stdout.replace("\\\n", " ");
    let (_, examples) = page.split_once("\nExamples:\n").unwrap_or_default();
    let lines = examples.lines().filter_map(|line| line.strip_prefix("  "));
    lines.filter(|line| line.starts_with("chaoschain ")).map(str::to_owned).collect()
}

fn all_run(dir: &Path, lines: &[String]) {
    assert!(!lines.is_empty());
    for line in lines {
        let run = type_in(dir, line);
        assert_eq!(run.code, 0, "{line}\n{}\n{}", run.stdout, run.stderr);
    }
}

#[test]
fn examples_of_studies_can_be_pasted() {
    let dir = reader();
    let register = "chaoschain agent register --name ada --role researcher";
    assert_eq!(type_in(dir.path(), register).code, 0);
    // A small study has the name of the shipped one, which takes minutes.
    fs::create_dir(dir.path().join("examples")).unwrap();
    let study = STUDY.replace("BLOCKS", "../BLOCKS");
    fs::write(dir.path().join("examples/gas-limit-60m.toml"), study).unwrap();
    let lines = examples("simulate");
    let studies: Vec<String> = lines
        .into_iter()
        .filter(|line| line.contains("--experiment") || !line.starts_with("chaoschain simulate"))
        .collect();
    assert!(studies.iter().any(|line| line.contains("--agent ada")), "{studies:?}");
    all_run(dir.path(), &studies);
    for name in ["a.toml", "b.toml"] {
        fs::write(dir.path().join(name), STUDY).unwrap();
    }
    all_run(dir.path(), &examples("diff"));
}

#[test]
fn examples_of_forecasts_can_be_pasted() {
    let dir = TempDir::new().unwrap();
    let register = "chaoschain agent register --name ada --role researcher";
    assert_eq!(type_in(dir.path(), register).code, 0);
    let lines: Vec<String> = examples("backtest")
        .into_iter()
        .filter(|line| !ELSEWHERE.iter().any(|it| line.starts_with(it)))
        .collect();
    let history = |name: &str, first: u64, blocks: u64, raised: u64, to: u64| {
        let path = dir.path().join(name);
        write_from(&path, first, blocks, (raised, to));
    };
    history("fees.csv.gz", 12_980_000, 12_500, 12_500, 0);
    history("raised.csv", 21_788_000, 14_500, 12_000, 36_000_000);
    history("today.csv", 22_987_500, 12_500, 12_500, 0);
    history("later.csv", 22_987_500, 15_000, 12_500, 60_000_000);
    all_run(dir.path(), &lines);
    for page in ["validate", "fee-history"] {
        let lines = examples(page);
        let line = lines.first().unwrap();
        all_run(dir.path(), std::slice::from_ref(line));
    }
}
