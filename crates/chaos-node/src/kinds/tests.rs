use std::{fmt::Write as _, fs, path::Path};

use chaos_agency::Source;

use super::*;

/// The operator's first entry lists them, so a log's first bytes depend on these words.
#[test]
fn operator_is_registered_for_the_kinds_that_are_listed() {
    let expected = [
        "analyse",
        "anchor",
        "check_proposal",
        "draft",
        "forecast",
        "observe_vote",
        "oversee",
        "pay",
        "run",
        "score",
        "simulate",
        "study",
        "submit",
        "verify",
    ];
    assert_eq!(KINDS.capabilities(), expected);
}

/// Set to write the page instead of comparing it.
const WRITE: &str = "CHAOSCHAIN_WRITE_DOCS";

const TOP: &str = "\
# What each kind of receipt rests on

Written by `CHAOSCHAIN_WRITE_DOCS=1 cargo nextest run -p chaos-node --bin chaoschain kinds`; a test compares it
with the program, and a kind without its rows does not compile.

Running a program again shows that its output follows from its inputs, and nothing about the inputs. So the law:
what a receipt rests on is in its own bytes, in the log, on a chain, vouched for by a maker of hardware, or it is
the signer's word; and `verify` says *ok* only of what is not the signer's word. *Input* is the name under which a
receipt's program reads it. Where the program reads a summary of the log, the word without the log is *claimed,
not recomputed*.

## Who could lie

| what comes from | who could lie about it |
| --- | --- |
";

/// The page, from what the kinds say of themselves.
fn page() -> String {
    let mut out = TOP.to_owned();
    for source in Source::ALL {
        writeln!(out, "| {} | {} |", source.name(), source.liar()).unwrap();
    }
    out.push_str(
        "\n## By kind\n\n| kind | what it rests on | from | input |\n| --- | --- | --- | --- |\n",
    );
    for (kind, grounds) in KINDS.grounds() {
        for ground in grounds {
            let input = ground.input.map_or_else(String::new, |input| format!("`{input}`"));
            let from = ground.source.name();
            writeln!(out, "| `{kind}` | {} | {from} | {input} |", ground.what).unwrap();
        }
    }
    out
}

#[test]
fn page_of_evidence_lists_every_kind_with_what_it_rests_on() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/evidence.md");
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, page()).unwrap();
        return;
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "docs/evidence.md is stale; its first lines say how to write it");
}

/// Every kind says what it rests on, and nothing else is known of it.
#[test]
fn every_kind_says_what_it_rests_on() {
    let grounds = KINDS.grounds();
    let listed = |kind: &str| grounds.iter().filter(|(name, _)| *name == kind).count();
    for kind in KINDS.capabilities() {
        assert_eq!(listed(kind), 1, "{kind}");
    }
    let without = [
        "register",
        "update",
        "rotate_key",
        "revoke",
        "delegate",
        "bind_account",
        "correct_time",
        "report_fork",
        "declare_anchoring",
    ];
    for kind in without {
        assert_eq!(listed(kind), 1, "{kind}");
    }
    assert_eq!(grounds.len(), KINDS.capabilities().len() + without.len());
    assert!(grounds.iter().all(|(_, grounds)| !grounds.is_empty()));
}
