//! The places that the log names, and which of them nobody looked at.

use chaos_agency::Declaration;
use chaos_programs::auditing::{Audit, Named};

use super::short;
use crate::output;

/// The places that the log's entries name and that none of the audits looked at.
pub(super) fn unlooked<'a>(named: &'a [Named], found: &[Audit]) -> Vec<&'a Named> {
    named.iter().filter(|it| !found.iter().any(|audit| it.is_in(audit))).collect()
}

/// A place, and by which entry it is one.
pub(super) fn told(it: &Named) -> String {
    let Named { index, chain, contract, is_declared } = it;
    let says = if *is_declared { "declares" } else { "says that it was anchored in" };
    format!("{contract} on {chain}, which entry {index} {says}")
}

pub(super) fn tell_unlooked(found: &[Audit], left: &[&Named]) {
    let declared = found.first().map(|audit| &audit.declared[..]).unwrap_or_default();
    if declared.len() < 2 && left.is_empty() {
        return;
    }
    let word = |is_left| {
        if is_left { output::bad("not looked at") } else { output::good("looked at") }
    };
    if !declared.is_empty() {
        output::sentence("declared");
    }
    for Declaration { index, body } in declared {
        let is_left =
            left.iter().any(|it| (&it.chain, &it.contract) == (&body.chain, &body.contract));
        let (contract, publisher) = (short(&body.contract), short(&body.publisher));
        output::sentence(format_args!(
            "  entry {index}: {} in {contract} by {publisher}, {}",
            body.chain,
            word(is_left)
        ));
    }
    let mut anchored = left.iter().filter(|it| !it.is_declared).peekable();
    if anchored.peek().is_some() {
        output::sentence("anchored before");
    }
    for Named { index, chain, contract, .. } in anchored {
        output::sentence(format_args!(
            "  entry {index}: {chain} in {}, {}",
            short(contract),
            word(true)
        ));
    }
    output::sentence("");
}
