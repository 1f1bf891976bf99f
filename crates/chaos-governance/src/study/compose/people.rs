//! Sentences: verdict, who is affected, assumptions, limits.

use chaos_parameters::{Family, ParameterName as P};
use chaos_report::{Comparison, quantity};
use chaos_simulation::MetricRow;
use chaos_study::{ScenarioResult, Study as Plan, StudyResult};

use super::{market::decimal, spoken};
use crate::study::data::{Affected, Assumption, Effect, Origin, Row, Standing};

pub(super) fn verdict(plan: &Plan, result: &StudyResult, decision: &[Row]) -> Vec<String> {
    let judged: Vec<&Row> = decision.iter().filter(|row| row.threshold.is_some()).collect();
    let count = |wanted: Standing| {
        judged
            .iter()
            .filter(|row| row.threshold.is_some_and(|threshold| threshold.standing == wanted))
            .count()
    };
    let mut sentences = Vec::new();
    if judged.is_empty() {
        sentences.push("The study names no thresholds, so it gives no verdict.".to_owned());
    } else {
        sentences.push(format!(
            "{} of {} thresholds are met, {} are missed, {} cannot be told apart from the \
             threshold.",
            count(Standing::Met),
            judged.len(),
            count(Standing::Missed),
            count(Standing::Undecided)
        ));
        let left = count(Standing::NotJudged);
        if left > 0 {
            sentences.push(format!("{left} of {} were not judged{}.", judged.len(), why(result)));
        }
    }
    for row in decision.iter().take(1) {
        let shown = row.shown();
        let relative = quantity::relative(row.difference, row.baseline)
            .map_or_else(String::new, |relative| format!(" ({relative})"));
        sentences.push(format!(
            "{}: {} becomes {}{relative}.",
            capital(&row.label),
            shown.value(row.baseline),
            shown.value(row.proposal)
        ));
    }
    sentences.extend(elsewhere(result));
    let main = result.scenarios.first();
    sentences.push(format!(
        "The verdict assumes {} and an elasticity of {}; {} alternatives stand beside it.",
        main.map_or("no scenario", |scenario| scenario.what.as_str()),
        main.map_or_else(String::new, ScenarioResult::elasticity),
        result.grid.len(),
    ));
    let executed = result.evm.as_ref().map_or(0, |evm| evm.metrics.len());
    sentences.push(format!(
        "{executed} figures come from re-executed transactions, the others from the fee-market \
         models; attacks: {} scenarios, {} metrics with thresholds named in advance.",
        result.attacks.len(),
        plan.thresholds.len()
    ));
    sentences
}

/// Why nothing follows from the study's own scenario, if its first threshold says so.
fn why(result: &StudyResult) -> String {
    let main = result.scenarios.first();
    let reason =
        main.and_then(|main| main.judgements.iter().find_map(|row| row.not_judged.clone()));
    reason.map_or_else(String::new, |reason| format!(" ({reason})"))
}

/// What the thresholds come to under the other demand scenarios: where they do not hold, where nobody looked, and
/// only then where they hold.
fn elsewhere(result: &StudyResult) -> Vec<String> {
    let others: Vec<&ScenarioResult> =
        result.scenarios.iter().skip(1).filter(|it| !it.judgements.is_empty()).collect();
    let named = |scenario: &ScenarioResult, what: &str| {
        format!("\u{201c}{}\u{201d} ({what})", scenario.name)
    };
    let (mut missed, mut left, mut held) = (Vec::new(), Vec::new(), 0);
    for scenario in &others {
        let reason = scenario.judgements.iter().find_map(|row| row.not_judged.as_deref());
        let judged = scenario.judgements.iter().filter(|row| row.not_judged.is_none());
        let metrics: Vec<String> =
            judged.filter(|row| !row.robust).map(|row| spoken(&row.metric)).collect();
        if !metrics.is_empty() {
            missed.push(named(scenario, &metrics.join(", ")));
        }
        match reason {
            Some(reason) => left.push(named(scenario, reason)),
            None if !scenario.is_usable() => left.push(named(scenario, "not calibrated")),
            None if metrics.is_empty() => held += 1,
            None => {}
        }
    }
    let mut sentences = Vec::new();
    if !missed.is_empty() {
        sentences.push(format!("Not all thresholds hold under {}.", missed.join(" and ")));
    }
    if !left.is_empty() {
        sentences.push(format!("Not judged: {}.", left.join(" and ")));
    }
    if held > 0 && held == others.len() {
        sentences.push(format!(
            "The same thresholds hold in the tails of all {held} other demand scenarios."
        ));
    } else if held > 0 {
        sentences.push(format!(
            "They hold in the tails of {held} of {} other demand scenarios.",
            others.len()
        ));
    }
    sentences
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Groups that the models tell apart.
pub(super) fn affected(result: &StudyResult) -> Vec<Affected> {
    let Some(main) = result.scenarios.first() else {
        return Vec::new();
    };
    let transactions = &main.transactions.metrics;
    let mut groups = Vec::new();
    let mut push = |who: &str, row: Option<&MetricRow>, lower_is_better: bool, what: &str| {
        let Some(row) = row else {
            return;
        };
        let shown = Comparison::of(&row.unit, row.baseline, row.proposal);
        groups.push(Affected {
            who: who.to_owned(),
            effect: effect(row, lower_is_better),
            text: format!(
                "{what}: {} becomes {} (paired p10 to p90 {})",
                shown.value(row.baseline),
                shown.value(row.proposal),
                shown.interval(row.interval.low, row.interval.high)
            ),
            origin: Origin::from(row.layer),
        });
    };
    push("everybody who pays for gas", main.flow.get("base_fee_median"), true, "median base fee");
    push(
        "senders in the lowest tenth of tips",
        transactions.get("inclusion_delay_p95_low_tips"),
        true,
        "95th percentile of the wait",
    );
    push(
        "senders in the highest tenth of tips",
        transactions.get("inclusion_delay_p95_high_tips"),
        true,
        "95th percentile of the wait",
    );
    push(
        "users as a whole",
        transactions.get("user_welfare"),
        false,
        "value less fees and waiting",
    );
    let (tips, base_fee) = match result.parameters.proposal.family() {
        Family::Ethereum => ("proposers", "holders of the burnt coin"),
        Family::OpStack | Family::Arbitrum => {
            ("the sequencer, by tips", "the sequencer, by base fees")
        }
    };
    push(tips, transactions.get("proposer_revenue"), false, "tips");
    push(base_fee, main.flow.get("fee_burned"), false, "base fees paid");
    push(
        "node operators",
        main.flow.get("gas_served"),
        true,
        "gas to execute per block in the model",
    );
    groups
}

fn effect(row: &MetricRow, lower_is_better: bool) -> Effect {
    let (low, high) = (row.interval.low, row.interval.high);
    if low == 0 && high == 0 && row.difference == 0 {
        return Effect::Unchanged;
    }
    if low <= 0 && high >= 0 {
        return Effect::Unclear;
    }
    if (row.difference < 0) == lower_is_better { Effect::Gains } else { Effect::Loses }
}

pub(super) fn assumptions(result: &StudyResult) -> Vec<Assumption> {
    let main = result.scenarios.first();
    let assumed = &result.assumptions;
    let row = |name: &str, value: String, note: &str| Assumption {
        name: name.to_owned(),
        value,
        note: note.to_owned(),
    };
    let mut rows = vec![
        row(
            "price elasticity of demand",
            main.map_or_else(String::new, ScenarioResult::elasticity),
            "published estimates run from 0.006 to 0.3; the tornado shows both ends",
        ),
        row(
            "level of demand",
            main.map_or_else(String::new, |scenario| {
                format!("{} x the calibrated level", decimal(scenario.demand_ppm))
            }),
            "demand does not grow because there is room; other levels are scenarios",
        ),
        row(
            "patience of waiting demand",
            format!("{} blocks", assumed.patience_blocks),
            "after that, demand gives up and counts as dropped",
        ),
        row(
            "bursts",
            format!(
                "{} of blocks start one, {} x demand for {} blocks",
                quantity::of(assumed.burst_probability_ppm.into(), "ppm"),
                decimal(assumed.burst_factor_ppm),
                assumed.burst_blocks
            ),
            "spikes beyond this are the demand-shock attack",
        ),
        row(
            "builder",
            "highest effective tip first, nonce order per sender".to_owned(),
            "bundles and private order flow are not modelled",
        ),
    ];
    let (baseline, proposal) = (&result.parameters.baseline, &result.parameters.proposal);
    let ran_transactions = main.is_some_and(|scenario| scenario.transactions.paths > 0);
    if proposal.get(P::BlobMax) > 0 && ran_transactions {
        rows.push(row(
            "demand for blobs",
            format!("{} per block at 1 gwei, elasticity 0.03", baseline.get(P::BlobTarget)),
            "stated, not observed: no recorded series of blob fees was at hand",
        ));
    }
    if proposal.family() == Family::Ethereum && proposal.gas_limit() != baseline.gas_limit() {
        let divisor = proposal.get(P::GasLimitBoundDivisor);
        rows.push(row(
            "path of the gas limit",
            if divisor == 0 {
                "at once, in the first block".to_owned()
            } else {
                format!("less than 1/{divisor} of the parent's limit per block")
            },
            if divisor == 0 {
                "gas-limit-bound-divisor = 1024 follows the protocol's bound"
            } else {
                "validators may vote more slowly, or not at all"
            },
        ));
    }
    rows
}

pub(super) fn limits(result: &StudyResult) -> Vec<String> {
    let mut limits = result.flags.clone();
    if !result.attacks.is_empty() {
        limits.push(
            "Attacks start from the calibrated base fee in both arms: where the proposal lowers \
             the fee, they cost proportionally less than shown."
                .to_owned(),
        );
    }
    limits.push(
        "User welfare depends on how the highest values are cut off; read its ratio, not its \
         level."
            .to_owned(),
    );
    limits.push(
        "Demand is a model calibrated on past blocks; a lasting change of who uses the chain is \
         outside it."
            .to_owned(),
    );
    limits.push(
        "Execution time is EVM-only and in memory: no disk, no trie, no network, so it is a lower \
         bound."
            .to_owned(),
    );
    limits.push(
        "Re-executed transactions were signed under the old rules; wallets and contracts that \
         would adapt are not modelled."
            .to_owned(),
    );
    limits
}
