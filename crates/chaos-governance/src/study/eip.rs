//! The proposal under the headings of EIP-1.

use chaos_report::{
    inert,
    inert::{code, markdown as plain},
    quantity,
};

use super::{
    data::{Study, Validation},
    sections::post,
    words,
};

/// Renders the text of an Ethereum improvement proposal.
///
/// Headings and their order follow [EIP-1](https://eips.ethereum.org/EIPS/eip-1); the number,
/// author and discussion link are given by its editors and submitter.
#[must_use]
pub fn markdown(study: &Study) -> String {
    let mut out = String::with_capacity(16 << 10);
    preamble(&mut out, study);
    post::warning(&mut out, study);
    section(&mut out, "Abstract");
    post::ask(&mut out, study);
    post::summary(&mut out, study);
    section(&mut out, "Motivation");
    post::motivation(&mut out, study);
    post::affected(&mut out, study);
    section(&mut out, "Specification");
    specification(&mut out, study);
    section(&mut out, "Rationale");
    post::decision(&mut out, study);
    out.push_str("### Alternatives\n\n");
    post::alternatives(&mut out, study);
    out.push_str("### Assumptions\n\n");
    post::assumptions(&mut out, study);
    out.push_str("### Forecast\n\n");
    post::forecast(&mut out, study);
    section(&mut out, "Backwards Compatibility");
    compatibility(&mut out, study);
    section(&mut out, "Test Cases");
    evidence(&mut out, &study.validation);
    worst_blocks(&mut out, study);
    post::reproduce(&mut out, study);
    section(&mut out, "Security Considerations");
    post::risks(&mut out, study);
    for limit in &study.limits {
        put!(&mut out, "- {}\n", plain(limit));
    }
    out.push('\n');
    post::disclosure(&mut out, study);
    section(&mut out, "Copyright");
    out.push_str("Copyright and related rights waived via [CC0](../LICENSE.md).\n");
    out
}

fn section(out: &mut String, title: &str) {
    put!(out, "## {title}\n\n");
}

/// The header of an EIP; the title has at most 44 characters and the description 140.
fn preamble(out: &mut String, study: &Study) {
    let heading = &study.heading;
    put!(out, "---\ntitle: {}\n", scalar(&heading.title, 44));
    put!(out, "description: {}\n", scalar(&heading.ask, 140));
    out.push_str("status: Draft\ntype: Standards Track\ncategory: Core\n---\n\n");
}

/// A double-quoted YAML scalar on one line.
fn scalar(text: &str, characters: usize) -> String {
    let text: String = inert::line(text).chars().take(characters).collect();
    format!("\"{}\"", text.trim().replace('\\', "\\\\").replace('"', "\\\""))
}

fn specification(out: &mut String, study: &Study) {
    out.push_str(
        "| parameter | now | after | takes effect | defined in |\n|---|--:|--:|---|---|\n",
    );
    for change in &study.heading.changes {
        put!(
            out,
            "| {} | {} | {} | {} | {} |\n",
            code(&change.name),
            plain(&quantity::of(change.current, &change.unit)),
            plain(&quantity::of(change.proposed, &change.unit)),
            plain(&change.takes_effect),
            plain(&change.source)
        );
    }
    out.push('\n');
    post::payload(out, study);
    post::rollout(out, study);
}

/// What happens to transactions that were valid before.
fn compatibility(out: &mut String, study: &Study) {
    match words::known(&study.outcomes) {
        Ok(outcomes) => {
            put!(
                out,
                "Each of {} recorded transactions was executed again under the new rules. It is in \
                 exactly one of these groups, which add up to 100 %:\n\n",
                quantity::grouped(outcomes.total().into())
            );
            let shares = super::figures::outcomes::shares(outcomes);
            out.push_str("| group | transactions | share |\n|---|--:|--:|\n");
            for ((name, count), share) in outcomes.groups().iter().zip(shares) {
                put!(
                    out,
                    "| {} | {} | {} |\n",
                    plain(name),
                    quantity::grouped((*count).into()),
                    super::figures::outcomes::share_text(share)
                );
            }
            out.push('\n');
        }
        Err(reason) => {
            post::missing(out, "effect on existing transactions", &reason);
            out.push('\n');
        }
    }
}

fn evidence(out: &mut String, validation: &Validation) {
    match words::known(&validation.replay) {
        Ok(replay) => put!(
            out,
            "- re-execution reproduces {} of {} header gas totals and {} of {} receipts roots\n",
            quantity::grouped(replay.gas_matched.into()),
            quantity::grouped(replay.blocks.into()),
            quantity::grouped(replay.roots_matched.into()),
            quantity::grouped(replay.roots_comparable.into())
        ),
        Err(reason) => post::missing(out, "re-execution", &reason),
    }
    match words::known(&validation.base_fee_rule) {
        Ok((matched, all)) => put!(
            out,
            "- the base-fee rule reproduces {} of {} observed transitions\n",
            quantity::grouped((*matched).into()),
            quantity::grouped((*all).into())
        ),
        Err(reason) => post::missing(out, "base-fee rule", &reason),
    }
    match words::known(&validation.coverage) {
        Ok(rows) => {
            for row in rows {
                put!(
                    out,
                    "- {} intervals of {} held {} of {} times\n",
                    plain(&quantity::percent(row.nominal_ppm.into())),
                    plain(&row.label),
                    quantity::grouped(row.hits.into()),
                    quantity::grouped(row.trials.into())
                );
            }
        }
        Err(reason) => post::missing(out, "coverage of intervals", &reason),
    }
    out.push('\n');
}

fn worst_blocks(out: &mut String, study: &Study) {
    let worst = match words::known(&study.worst_blocks) {
        Ok(worst) => worst,
        Err(reason) => {
            post::missing(out, "worst blocks", &reason);
            out.push('\n');
            return;
        }
    };
    put!(
        out,
        "Worst blocks, timed on {}, without disk and network; times are outside the digest:\n\n",
        plain(&worst.machine)
    );
    for block in &worst.blocks {
        let time = block.microseconds.map_or_else(
            || "time not measured".to_owned(),
            |(before, after)| {
                format!(
                    "{} → {}",
                    quantity::of(before.into(), "microseconds"),
                    quantity::of(after.into(), "microseconds")
                )
            },
        );
        let fixture =
            block.fixture.as_ref().map_or_else(String::new, |path| format!(", {}", code(path)));
        put!(out, "- {}: {}{fixture}\n", plain(&block.operation), plain(&time));
    }
    out.push('\n');
}

#[cfg(test)]
mod tests;
