//! The page of reason codes is what the crate says of itself.

use std::{fmt::Write as _, fs, path::Path};

use chaos_attestation::{ReasonCode, Rule};

/// Set to write the page instead of comparing it.
const WRITE: &str = "CHAOSCHAIN_WRITE_DOCS";

/// Where the codes of other crates begin.
const NEXT: &str = "\n## Codes of the key broker\n";

fn page() -> String {
    let mut out = String::from(
        "# Reason codes and rules\n\nWritten by `CHAOSCHAIN_WRITE_DOCS=1 cargo test -p \
         chaos-attestation -p chaos-broker -p chaos-verify -p chaos-governance --test it docs`; \
         tests\ncompare it with the program.\n\nEvery refusal of evidence, of a registration, of a secret and of a receipt \
         carries one code. A code\nnever changes its meaning, so programs can match on it; the \
         detail beside it is for people and may\nchange.\n\n## Codes of attestation\n\n| code | meaning | what to do |\n| --- | --- | --- \
         |\n",
    );
    for code in ReasonCode::ALL {
        writeln!(out, "| `{code}` | {} | {} |", code.meaning(), code.remedy()).unwrap();
    }
    out.push_str(
        "\n## Rules of the appraisal\n\nEvery rule is tried and leaves a decision: passed, \
         refused, or not applicable. The first that\nrefuses, in this order, gives the \
         code.\n\n| rule | demands |\n| --- | --- |\n",
    );
    for rule in Rule::ALL {
        writeln!(out, "| `{rule}` | {} |", rule.meaning()).unwrap();
    }
    out
}

#[test]
fn the_page_of_reason_codes_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reason-codes.md");
    let written = fs::read_to_string(&path).unwrap_or_default();
    // What follows is written by the crates whose codes they are.
    let (own, others) = written.split_at(written.find(NEXT).unwrap_or(written.len()));
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, page() + others).unwrap();
        return;
    }
    assert!(own == page(), "docs/reason-codes.md is stale; its first lines say how to write it");
}

#[test]
fn no_two_codes_and_no_two_rules_share_a_name() {
    let codes: std::collections::BTreeSet<_> =
        ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), ReasonCode::ALL.len());
    let rules: std::collections::BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
    assert_eq!(rules.len(), Rule::ALL.len());
}
