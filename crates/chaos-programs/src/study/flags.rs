//! What a study says about its own figures.

use std::collections::BTreeSet;

use chaos_parameters::{Family, Layer, ParameterName};
use chaos_simulation::flow::{NoiseSource, ObservedBlock};
use chaos_study::EvmFigures;

use super::{cells::Done, models::Parts};

/// Said first: every difference is then zero, and none is a finding.
pub(super) const CHANGES_NOTHING: &str =
    "The proposal changes nothing: it is equal to the baseline.";

/// Of an elasticity below 0.1.
pub(super) const EXCLUDED_BELOW: &str = "A named elasticity is below 0.1: as an answer to a raise of the gas limit \
     recorded changes exclude it (0.006 needs a price fall by e^-30; docs/simulation/sources.md).";

/// What a reader must know before believing a figure, counted.
pub(super) fn of(parts: &Parts<'_>, main: &[Done]) -> Vec<String> {
    let mut flags = Vec::new();
    if parts.proposal == parts.baseline {
        flags.push(CHANGES_NOTHING.to_owned());
    }
    flags.extend(calibrations(parts));
    flags.extend(parts.predicted.flags.iter().cloned());
    if parts.blocks.generated && parts.blocks.by_history {
        flags.push(
            "The executed blocks were generated: what re-execution shows is no fact about the chain. Demand \
             comes from the fee history."
                .to_owned(),
        );
    } else if parts.blocks.generated {
        flags.push(
            "A source of the study is absent: all blocks were generated, and no figure is a fact \
             about a chain."
                .to_owned(),
        );
    }
    flags.extend(missing_blocks(parts.blocks.observed()));
    if main.iter().any(|done| done.result.demand.noise == NoiseSource::Stated) {
        flags.push(
            "Fewer than 1,000 consecutive blocks were observed: the noise of demand is stated, not \
             estimated."
                .to_owned(),
        );
    }
    flags.extend(parts.executed.as_ref().map(executed_flags).unwrap_or_default());
    flags.extend(model_flags(parts, main));
    for (layer, what) in [
        (Layer::Evm, "the fee-market models do not know"),
        (Layer::FeeMarket, "re-execution does not depend on"),
    ] {
        let alone: Vec<&str> = parts
            .proposal
            .changes_from(&parts.baseline)
            .into_iter()
            .map(|(name, _, _)| name.definition())
            .filter(|definition| definition.layers == [layer])
            .map(|definition| definition.flag)
            .collect();
        if !alone.is_empty() {
            flags.push(format!("One layer only: {what} {}.", alone.join(", ")));
        }
    }
    flags
}

/// What scenarios do not reproduce the chain, and how far the proposal is from what changes have shown.
fn calibrations(parts: &Parts<'_>) -> Vec<String> {
    let scenarios = &parts.file.study.scenarios;
    let mut flags: Vec<String> = parts
        .cells
        .iter()
        .take(scenarios.len())
        .filter_map(|done| Some((done, done.result.calibration.as_ref()?)))
        .filter(|(_, calibration)| !calibration.is_usable())
        .map(|(done, calibration)| {
            format!(
                "Scenario \u{201c}{}\u{201d} is not calibrated, so it is not judged and takes no part in the verdict: {}.",
                scenarios[done.cell.scenario].name,
                calibration.reasons.join("; ")
            )
        })
        .collect();
    let main = parts.cells.first().and_then(|done| done.result.calibration.as_ref());
    if let Some(calibration) = main {
        flags.push(format!("Demand: {}.", calibration.rows_line()));
        flags.extend(
            calibration.outside_the_data.as_ref().map(|text| format!("The proposal is {text}.")),
        );
    }
    let low =
        scenarios.iter().any(|scenario| scenario.elasticity_ppm.is_some_and(|ppm| ppm < 100_000));
    if low {
        flags.push(EXCLUDED_BELOW.to_owned());
    }
    flags
}

/// Blocks absent between the first and the last that demand is calibrated on.
fn missing_blocks(observed: &[ObservedBlock]) -> Option<String> {
    let numbers: BTreeSet<u64> = observed
        .iter()
        .filter(|block| block.base_fee_wei.is_some())
        .map(|block| block.number)
        .collect();
    let (first, last) = (numbers.first()?, numbers.last()?);
    let missing = last - first + 1 - numbers.len() as u64;
    (missing > 0).then(|| {
        format!(
            "Of blocks {first} to {last}, {missing} are absent from the blocks that demand is \
             calibrated on."
        )
    })
}

fn executed_flags(evm: &EvmFigures) -> Vec<String> {
    let mut flags = Vec::new();
    let unknown = evm.metrics.get("unknown_reads").map_or(0, |row| row.proposal);
    if unknown > 0 {
        flags.push(format!(
            "{unknown} state reads of the re-executed blocks fall outside the recorded state; the \
             transactions that made them are in the group `unknown`."
        ));
    }
    flags.push(format!(
        "Re-executed blocks keep the rules of their own fork and their own gas limits, {} to {}, \
         except for what the proposal changes; the rest of [baseline] does not reach them.",
        evm.gas_limits.0.0, evm.gas_limits.1.0
    ));
    let changed: u64 = evm
        .outcomes
        .iter()
        .filter(|row| row.group != "unchanged" && row.group != "already_failing")
        .map(|row| row.by_tip)
        .sum();
    flags.push(format!(
        "Packed by effective tip instead of in recorded order, {changed} recorded transactions end \
         otherwise, are left out, or are unknown."
    ));
    if evm.runs == evm.blocks {
        flags.push(
            "No two recorded blocks are consecutive, so a larger limit finds no further \
             transactions to include; what fills it is the fee-market models' question."
                .to_owned(),
        );
    }
    flags
}

/// What the fee-market models say about themselves and of each other.
fn model_flags(parts: &Parts<'_>, main: &[Done]) -> Vec<String> {
    let mut flags = Vec::new();
    let clamped = main
        .iter()
        .filter_map(|done| done.result.metrics.get("response_clamped"))
        .any(|row| row.baseline > 0 || row.proposal > 0);
    if clamped {
        flags.push(
            "In some blocks the answer of demand to the price was held at its bound of a factor \
             of 20."
                .to_owned(),
        );
    }
    flags.extend(disagreements(parts, main));
    let cut: u32 = parts.transactions.iter().map(|run| run.figures.blocks_cut).sum();
    if cut > 0 {
        flags.push(format!(
            "In {cut} blocks of the transaction model, over all scenarios and arms, not every \
             potential user was drawn."
        ));
    }
    let unknown: Vec<&str> = [ParameterName::PriorityFeeFloor, ParameterName::TransactionGasCap]
        .into_iter()
        .filter(|name| parts.proposal.get(*name) != parts.baseline.get(*name))
        .map(ParameterName::flag)
        .collect();
    if !unknown.is_empty() {
        flags.push(format!(
            "The flow model, and so every threshold, does not know {}; the transaction model and \
             re-execution do.",
            unknown.join(" and ")
        ));
    }
    let family = parts.baseline.family();
    if !parts.blocks.generated
        && family != Family::Ethereum
        && parts.blocks.chain().evm_number() == Some(1)
    {
        flags.push(format!(
            "Demand of Ethereum mainnet under the rules of an {family} chain: the levels mean \
             nothing for that chain."
        ));
    }
    if parts.file.study.market.settle_blocks == 0 {
        flags.push(
            "Figures include the transition after the change (market.settle_blocks = 0)."
                .to_owned(),
        );
    } else {
        flags.push(format!(
            "Flow figures leave out the first {} blocks after the change, transaction-model figures \
             do not.",
            parts.file.study.market.settle_blocks
        ));
    }
    flags
}

/// Figures of the baseline on which the two fee-market models are half as much again apart.
fn disagreements(parts: &Parts<'_>, main: &[Done]) -> Vec<String> {
    let (Some(done), Some(transactions)) = (main.first(), parts.transactions.first()) else {
        return Vec::new();
    };
    ["base_fee_median", "blocks_saturated", "blocks_empty"]
        .into_iter()
        .filter_map(|metric| {
            let flow = done.result.metrics.get(metric)?;
            let transaction = transactions.figures.metrics.get(metric)?.baseline;
            let (low, high) = (flow.baseline.min(transaction), flow.baseline.max(transaction));
            (high > low.saturating_mul(3) / 2).then(|| {
                format!(
                    "The two fee-market models differ on the baseline's {metric}: {} in the flow \
                     model, {transaction} in the transaction model ({}).",
                    flow.baseline, flow.unit
                )
            })
        })
        .collect()
}
