//! `chaoschain fee-history`.

use std::{path::Path, process::ExitCode};

use chaos_history::{Counts, FeeHistory, Rules, elasticity_from_shocks};
use chaos_parameters::{Parameters, Preset, Setting, parse_setting};
use chaos_programs::history::{self, CheckedHistory};
use chaos_report::quantity;
use chaos_simulation::PUBLISHED_ELASTICITIES;
use chaos_types::ChainId;
use serde_json::{Value, json};

use crate::{
    args::{FeeHistoryArgs, RulesArgs},
    blocks::columns,
    chains,
    commands::simulate::preset,
    exit::{Failure, Kind, OrFail as _},
    output,
};

pub(crate) fn run(args: &FeeHistoryArgs) -> Result<ExitCode, Failure> {
    let (chain, checked) = read(&args.file, &args.rules)?;
    if args.elasticity {
        return elasticity(&checked, args.json);
    }
    if args.json {
        output::json(&as_json(&chain, &checked))?;
    } else {
        human(&chain, &checked);
    }
    Ok(ExitCode::SUCCESS)
}

/// What the history's own shocks say of the elasticity, beside what others found.
fn elasticity(checked: &CheckedHistory, as_json: bool) -> Result<ExitCode, Failure> {
    let blocks = checked.history.blocks();
    let newest =
        blocks.last().and_then(|block| checked.rules.parameters_at(block.number, block.timestamp));
    let multiplier = newest.map_or(2, |parameters| parameters.elasticity_multiplier());
    let found = elasticity_from_shocks(blocks, multiplier).or_fail(Kind::Input)?;
    if as_json {
        output::json(&json!({
            "blocks": found.blocks,
            "elasticity_ppm": found.elasticity_ppm,
            "p10_ppm": found.low_ppm,
            "p90_ppm": found.high_ppm,
            "responses": found.responses.map(|row| json!({
                "period_blocks": row.period_blocks,
                "coefficient_ppm": row.coefficient_ppm,
                "error_ppm": row.error_ppm,
                "elasticity_ppm": row.elasticity_ppm,
            })),
            "published": PUBLISHED_ELASTICITIES.map(|(ppm, source)| json!({
                "elasticity_ppm": ppm,
                "source": source,
            })),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let shown = |ppm: i64| quantity::decimal(ppm.into(), 6, 3);
    let mut rows = vec![vec![
        "this history's shocks".to_owned(),
        shown(found.elasticity_ppm),
        format!("{} to {}", shown(found.low_ppm), shown(found.high_ppm)),
    ]];
    rows.extend(
        PUBLISHED_ELASTICITIES
            .map(|(ppm, source)| vec![source.to_owned(), shown(ppm.into()), String::new()]),
    );
    output::table(&["elasticity by", "value", "80 %"], &rows);
    for row in found.responses {
        output::sentence(format_args!(
            "  periods of {} blocks: use answers by {} (error {}), which goes with an elasticity of {}",
            row.period_blocks,
            shown(row.coefficient_ppm),
            shown(row.error_ppm),
            shown(row.elasticity_ppm)
        ));
    }
    output::sentence(
        "  corrected by paths of the model with known elasticities, whose prices scatter more than recorded ones",
    );
    Ok(ExitCode::SUCCESS)
}

/// Reads a fee history and holds it to the rules that the command line names, or to the chain's.
pub(crate) fn read(path: &Path, args: &RulesArgs) -> Result<(ChainId, CheckedHistory), Failure> {
    let (chain, rules) = rules(args)?;
    let history = history::read(path, &columns(args.columns.as_deref())?)?;
    Ok((chain, history.checked(rules)?))
}

/// The chain of a fee history and its rules, as the command line names them.
pub(crate) fn rules(args: &RulesArgs) -> Result<(ChainId, Rules), Failure> {
    let named_chain = args.chain.as_deref().map(chains::chain_id).transpose()?;
    let config = chains::read_config(&args.config, named_chain.as_ref())?;
    let chain = named_chain
        .or(config.map(|config| ChainId::evm(config.number)))
        .unwrap_or_else(|| ChainId::evm(1));
    let rules = match config {
        Some(config) => history::rules_of_config(config, named(args)?)?,
        None => history::rules(&chain, named(args)?)?,
    };
    Ok((chain, rules))
}

/// What `--preset` and `--baseline` name, if they name anything.
pub(crate) fn named(args: &RulesArgs) -> Result<Option<Parameters>, Failure> {
    let preset = args.preset.as_deref().map(preset).transpose()?;
    if args.baseline.is_empty() {
        return Ok(preset);
    }
    let in_baseline = |error: Failure| error.context("--baseline");
    let settings = args
        .baseline
        .iter()
        .map(|text| parse_setting(text).or_fail(Kind::Input).map_err(in_baseline))
        .collect::<Result<Vec<Setting>, Failure>>()?;
    let parameters = preset.unwrap_or(Preset::London.parameters());
    Ok(Some(parameters.apply(&settings).or_fail(Kind::Input).map_err(in_baseline)?))
}

fn as_json(chain: &ChainId, checked: &CheckedHistory) -> Value {
    let CheckedHistory { history, digest, rules, report, .. } = checked;
    let counts = |counts: &Counts| {
        json!({
            "pairs": counts.pairs,
            "holding": counts.holding,
            "exact": counts.exact,
            "by_extra_data": counts.by_extra_data,
            "rule_not_known": counts.unruled,
        })
    };
    let gaps = history.gaps();
    json!({
        "chain": chain,
        "rules": rules.name(),
        "digest": digest,
        "rows": history.rows(),
        "first_block": history.span().map(|[first, _]| first.0),
        "last_block": history.span().map(|[_, last]| last.0),
        "gaps": { "count": gaps.count, "blocks": gaps.blocks, "first_after": gaps.first_after },
        "blocks_with_gas": history.blocks().len(),
        "blocks_without_base_fee": history.unpriced(),
        "blocks_with_blobs": history.blobs().len(),
        "base_fee": counts(&report.base_fee),
        "base_fee_not_checked": report.unchecked,
        "excess_blob_gas": counts(&report.blobs),
    })
}

fn human(chain: &ChainId, checked: &CheckedHistory) {
    let CheckedHistory { history, digest, rules, report, .. } = checked;
    let range = match history.span() {
        Some([first, last]) => format!(", blocks {} to {}", first.0, last.0),
        None => String::new(),
    };
    output::sentence(format_args!(
        "{}: {} rows{range}\n",
        output::bold(chain.as_str()),
        history.rows()
    ));
    let gaps = history.gaps();
    let gaps = match gaps.first_after {
        None => "none".to_owned(),
        Some(after) => format!(
            "{} blocks missing in {} gaps, the first after block {after}",
            gaps.blocks, gaps.count
        ),
    };
    let base_fee = match report.unchecked {
        Some(family) => {
            format!(
                "not checked: on {family} chains they follow from a backlog that no header holds"
            )
        }
        None => about(
            &report.base_fee,
            &format!("the rule of {}", rules.name()),
            "no two consecutive blocks have a base fee",
        ),
    };
    let blobs =
        about(&report.blobs, "the blob schedule", "no two consecutive blocks have blob figures");
    for (name, text) in [
        ("base fees", base_fee),
        ("excess blob gas", blobs),
        ("gaps", gaps),
        ("lacks", lacks(history)),
        ("digest", digest.to_string()),
    ] {
        output::sentence(format_args!("  {name:<16} {text}"));
    }
}

/// One line on what was held to a rule.
fn about(counts: &Counts, rule: &str, nothing: &str) -> String {
    let unruled = match counts.unruled {
        0 => String::new(),
        pairs => format!("; of {pairs} pairs no rule is known, so they were not checked"),
    };
    if counts.pairs == 0 {
        let nothing = if counts.unruled > 0 { "nothing checked" } else { nothing };
        return format!("{nothing}{unruled}");
    }
    let said = match counts.by_extra_data {
        0 => String::new(),
        pairs if pairs == counts.pairs => ", as the blocks say it in their extra data".to_owned(),
        pairs => format!(", {pairs} of them as the blocks say it in their extra data"),
    };
    format!(
        "{} of {} pairs follow {rule}{said}, {} to the last unit{unruled}",
        counts.holding, counts.pairs, counts.exact
    )
}

/// What a fit or a check would need and the table does not have.
fn lacks(history: &FeeHistory) -> String {
    let mut parts = Vec::new();
    match (history.blocks().len(), history.unpriced()) {
        (0, _) => parts
            .push("gas use, gas limits and base fees: no demand for gas can be fitted".to_owned()),
        (blocks, unpriced) if unpriced == blocks as u64 => {
            parts.push("base fees: no fee rule can be checked and no demand fitted".to_owned());
        }
        (_, 0) => {}
        (_, unpriced) => parts.push(format!("the base fee of {unpriced} blocks")),
    }
    if history.bare_rows() > 0 {
        parts.push(format!("everything but number and time of {} rows", history.bare_rows()));
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
}
