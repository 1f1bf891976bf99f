//! The page of reason codes lists what the studio's rules refuse.

use std::{fmt::Write as _, fs, path::Path};

use chaos_governance::view::fault::Fault;

/// Set to write the section instead of comparing it.
const WRITE: &str = "CHAOSCHAIN_WRITE_DOCS";

/// The first line of the section, which is the page's last.
const TITLE: &str = "\n## Codes of the governance studio\n";

fn section() -> String {
    let mut out = format!("{TITLE}\n| code | meaning |\n| --- | --- |\n");
    for fault in Fault::ALL {
        writeln!(out, "| `{}` | {} |", fault.code(), fault.meaning()).unwrap();
    }
    out
}

#[test]
fn page_lists_every_code_of_the_studio_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reason-codes.md");
    let written = fs::read_to_string(&path).unwrap();
    let start = written.find(TITLE).unwrap_or(written.len());
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, [&written[..start], &section()].concat()).unwrap();
        return;
    }
    assert!(
        written[start..] == section(),
        "docs/reason-codes.md is stale; its first lines say how to write it"
    );
    for fault in Fault::ALL {
        let row = format!("| `{}` |", fault.code());
        assert_eq!(written.matches(&row).count(), 1, "`{}` is listed twice", fault.code());
    }
}
