//! The page of reason codes lists what verification refuses.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use chaos_attestation::ReasonCode;
use chaos_types::Code;

/// Set to write the section instead of comparing it.
const WRITE: &str = "CHAOSCHAIN_WRITE_DOCS";

/// The first line of the section.
const TITLE: &str = "\n## Codes of verification\n";

/// Every code of verification with its meaning, by the part that refuses.
fn codes() -> [(&'static str, Vec<(Code, &'static str)>); 3] {
    let types = chaos_types::Fault::ALL.iter().map(|fault| (fault.code(), fault.meaning()));
    let agency = chaos_agency::Fault::ALL.iter().map(|fault| (fault.code(), fault.meaning()));
    let verify = chaos_verify::Fault::ALL.iter().map(|fault| (fault.code(), fault.meaning()));
    [
        ("Envelopes and statements", types.collect()),
        ("Receipts and their place in a log", agency.collect()),
        ("Bundles, anchors and evidence", verify.collect()),
    ]
}

fn section() -> String {
    let mut out = format!(
        "{TITLE}\nThe check says which of the nine refused, the code why; a refused quote has a \
         code from above.\n"
    );
    for (part, codes) in codes() {
        writeln!(out, "\n### {part}\n\n| code | meaning |\n| --- | --- |").unwrap();
        for (code, meaning) in codes {
            writeln!(out, "| `{code}` | {meaning} |").unwrap();
        }
    }
    out
}

#[test]
fn page_lists_every_code_of_verification_and_no_other() {
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
fn no_two_codes_share_a_name() {
    let verification = codes().into_iter().flat_map(|(_, codes)| codes).map(|(code, _)| code);
    let attestation = ReasonCode::ALL.iter().map(|code| Code::from(*code));
    let all: Vec<Code> = verification.chain(attestation).collect();
    let names: BTreeSet<Code> = all.iter().copied().collect();
    assert_eq!(names.len(), all.len());
    let kebab =
        |code: &Code| code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    assert!(names.iter().all(kebab), "{names:?}");
}
