//! The page of reason codes lists what the broker refuses.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use chaos_attestation::ReasonCode;
use chaos_broker::Fault;
use chaos_types::Code;

/// Set to write the section instead of comparing it.
const WRITE: &str = "CHAOSCHAIN_WRITE_DOCS";

/// The first line of the section.
const TITLE: &str = "\n## Codes of the key broker\n";

fn section() -> String {
    let mut out = format!(
        "{TITLE}\nWhat is wrong with the evidence, the form of a message or a clock has a code from \
         above.\n\n| code | meaning | what to do |\n| --- | --- | --- |\n"
    );
    for fault in Fault::ALL {
        let (code, meaning, remedy) = (fault.as_str(), fault.meaning(), fault.remedy());
        writeln!(out, "| `{code}` | {meaning} | {remedy} |").unwrap();
    }
    out
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how whoever changes a code has the page written")]
fn page_lists_every_code_of_the_broker_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reason-codes.md");
    let written = fs::read_to_string(&path).unwrap();
    let start = written.find(TITLE).unwrap_or(written.len());
    let after = start + TITLE.len().min(written.len() - start);
    let end = written[after..].find("\n## ").map_or(written.len(), |next| after + next);
    if std::env::var_os(WRITE).is_some() {
        let page = [&written[..start], &section(), &written[end..]].concat();
        fs::write(&path, page).unwrap();
        return;
    }
    assert!(
        written[start..end] == section(),
        "docs/reason-codes.md is stale; its first lines say how to write it"
    );
}

#[test]
fn no_code_of_the_broker_is_one_of_attestation_or_of_receipts() {
    let broker = Fault::ALL.iter().map(|fault| Code::from(*fault));
    let attestation = ReasonCode::ALL.iter().map(|code| Code::from(*code));
    let types = chaos_types::Fault::ALL.iter().map(|fault| fault.code());
    let agency = chaos_agency::Fault::ALL.iter().map(|fault| fault.code());
    let all: Vec<Code> = broker.chain(attestation).chain(types).chain(agency).collect();
    let names: BTreeSet<Code> = all.iter().copied().collect();
    assert_eq!(names.len(), all.len());
}
