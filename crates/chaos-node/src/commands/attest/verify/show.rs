//! Claims and decisions for people, in lines of at most 80 characters.

use chaos_attestation::{Claims, Decision, Policy, Refusal, Verdict};
use chaos_programs::appraisal::{Fact, facts};

use crate::output;

/// The columns that a field's name takes.
const NAME_COLUMNS: usize = 22;

/// The columns that a value may take.
const VALUE_COLUMNS: usize = 56;

/// One field. Registers are longer than a line: they go on under themselves.
pub(super) fn field(name: &str, value: &str) {
    let value = output::one_line(value);
    let mut name = name;
    let mut rest = value.as_str();
    loop {
        let cut = rest.char_indices().nth(VALUE_COLUMNS).map_or(rest.len(), |(at, _)| at);
        // an even cut for registers, a cut at a blank for sentences
        let cut = if cut == rest.len() {
            cut
        } else {
            rest[..cut].rfind(' ').map_or(rest.len().div_ceil(2).min(cut), |blank| blank + 1)
        };
        output::line(format_args!("  {name:<NAME_COLUMNS$}{}", rest[..cut].trim_end()));
        rest = &rest[cut..];
        name = "";
        if rest.is_empty() {
            return;
        }
    }
}

pub(super) fn claims(claims: &Claims) {
    output::line(output::bold("claims"));
    for Fact { name, value } in facts(claims) {
        field(name, &value);
    }
}

pub(super) fn decisions(decisions: &[Decision]) {
    output::line("");
    output::line(output::bold("policy"));
    for decision in decisions {
        let mark = match decision.verdict {
            Verdict::Passed => output::good("ok  "),
            Verdict::Refused => output::bad("FAIL"),
            Verdict::NotApplicable => output::dim("n/a "),
        };
        let found = fit(&output::one_line(&decision.found), 50);
        output::line(format_args!("  {mark}  {:<18}  {found}", decision.rule.as_str()));
        if decision.verdict == Verdict::Refused {
            let expected = fit(&output::one_line(&decision.expected), 41);
            output::line(format_args!("  {:<24}  expected {expected}", ""));
        }
    }
    output::line("");
}

pub(super) fn accepted(policy: &Policy) {
    output::line(format_args!("{}  by policy {}", output::good("accepted"), policy.id()));
}

pub(super) fn refusal(refusal: &Refusal) {
    output::line(format_args!("{}  {}", output::bad("refused"), refusal.code));
    field("", &refusal.detail);
    field("", refusal.code.meaning());
}

/// The text, or its beginning and an ellipsis.
fn fit(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns - 1).chain(['…']).collect()
}
