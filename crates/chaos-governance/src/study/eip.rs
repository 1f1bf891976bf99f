//! The proposal under the headings of EIP-1.

use chaos_report::{Code, Markdown, add, add_line, inert, markdown::Scalar, quantity};

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
    let mut out = Markdown::new();
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
    out.raw("### Alternatives\n\n");
    post::alternatives(&mut out, study);
    out.raw("### Assumptions\n\n");
    post::assumptions(&mut out, study);
    out.raw("### Forecast\n\n");
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
        add_line!(out, "- {}", limit);
    }
    out.raw("\n");
    post::disclosure(&mut out, study);
    section(&mut out, "Copyright");
    out.raw("Copyright and related rights waived via [CC0](../LICENSE.md).\n");
    out.finish()
}

fn section(out: &mut Markdown, title: &str) {
    add!(out, "## {}\n\n", title);
}

/// The header of an EIP; the title has at most 44 characters and the description 140.
fn preamble(out: &mut Markdown, study: &Study) {
    let heading = &study.heading;
    add_line!(out, "---\ntitle: {}", Scalar(&cut(&heading.title, 44)));
    add_line!(out, "description: {}", Scalar(&cut(&heading.ask, 140)));
    out.raw("status: Draft\ntype: Standards Track\ncategory: Core\n---\n\n");
}

/// The first characters of one line.
fn cut(text: &str, characters: usize) -> String {
    inert::line(text).chars().take(characters).collect()
}

fn specification(out: &mut Markdown, study: &Study) {
    out.raw("| parameter | now | after | takes effect | defined in |\n|---|--:|--:|---|---|\n");
    for change in &study.heading.changes {
        add_line!(
            out,
            "| {} | {} | {} | {} | {} |",
            Code(&change.name),
            quantity::of(change.current, &change.unit),
            quantity::of(change.proposed, &change.unit),
            change.takes_effect,
            change.source
        );
    }
    out.raw("\n");
    post::payload(out, study);
    post::rollout(out, study);
}

/// What happens to transactions that were valid before.
fn compatibility(out: &mut Markdown, study: &Study) {
    match words::known(&study.outcomes) {
        Ok(outcomes) => {
            add!(
                out,
                "Each of {} recorded transactions was executed again under the new rules. It is in \
                 exactly one of these groups, which add up to 100 %:\n\n",
                quantity::grouped(outcomes.total().into())
            );
            let shares = super::figures::outcomes::shares(outcomes);
            out.raw("| group | transactions | share |\n|---|--:|--:|\n");
            for ((name, count), share) in outcomes.groups().iter().zip(shares) {
                add_line!(
                    out,
                    "| {} | {} | {} |",
                    name,
                    quantity::grouped((*count).into()),
                    super::figures::outcomes::share_text(share)
                );
            }
            out.raw("\n");
        }
        Err(reason) => {
            post::missing(out, "effect on existing transactions", &reason);
            out.raw("\n");
        }
    }
}

fn evidence(out: &mut Markdown, validation: &Validation) {
    match words::known(&validation.replay) {
        Ok(replay) => add_line!(
            out,
            "- re-execution reproduces {} of {} header gas totals and {} of {} receipts roots",
            quantity::grouped(replay.gas_matched.into()),
            quantity::grouped(replay.blocks.into()),
            quantity::grouped(replay.roots_matched.into()),
            quantity::grouped(replay.roots_comparable.into())
        ),
        Err(reason) => post::missing(out, "re-execution", &reason),
    }
    match words::known(&validation.base_fee_rule) {
        Ok((matched, all)) => add_line!(
            out,
            "- the base-fee rule reproduces {} of {} observed transitions",
            quantity::grouped((*matched).into()),
            quantity::grouped((*all).into())
        ),
        Err(reason) => post::missing(out, "base-fee rule", &reason),
    }
    match words::known(&validation.coverage) {
        Ok(rows) => {
            for row in rows {
                add_line!(
                    out,
                    "- {} intervals of {} held {} of {} times",
                    quantity::percent(row.nominal_ppm.into()),
                    row.label,
                    quantity::grouped(row.hits.into()),
                    quantity::grouped(row.trials.into())
                );
            }
        }
        Err(reason) => post::missing(out, "coverage of intervals", &reason),
    }
    out.raw("\n");
}

/// The largest blocks that the rules allow. How long a block takes belongs to a machine, and decides nothing here.
fn worst_blocks(out: &mut Markdown, study: &Study) {
    let worst = match words::known(&study.worst_blocks) {
        Ok(worst) => worst,
        Err(reason) => {
            post::missing(out, "worst blocks", &reason);
            out.raw("\n");
            return;
        }
    };
    for block in &worst.blocks {
        let Some((before, after)) = block.bytes else { continue };
        add_line!(
            out,
            "- {}: {} → {}",
            block.operation,
            quantity::of(before.into(), "bytes"),
            quantity::of(after.into(), "bytes")
        );
    }
    out.raw(
        "- execution time of worst blocks: not in this document, since it belongs to a machine\n\n",
    );
}

#[cfg(test)]
mod tests;
