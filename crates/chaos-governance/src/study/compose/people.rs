//! Sentences: verdict, who is affected, assumptions, limits, rollout.

use alloy_primitives::keccak256;
use chaos_simulation::{
    MetricRow, ParameterName as P, Parameters,
    fee_market::{cost_of, doubling_blocks},
    parameters::Family,
    study::{Study as Plan, StudyResult},
};

use super::{market::decimal, spoken};
use crate::{
    proposal::Call,
    study::data::{
        Affected, Assumption, Climb, Effect, Floor, Launch, Origin, Part, Readiness, Rollout, Row,
        Standing,
    },
    text,
};

/// Gas of the token transfer that floors are priced with.
const TRANSFER_GAS: u64 = 65_000;

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
    }
    for row in decision.iter().take(1) {
        let relative = text::relative(row.difference, row.baseline)
            .map_or_else(String::new, |relative| format!(" ({relative})"));
        sentences.push(format!(
            "{}: {} becomes {}{relative}.",
            capital(&row.label),
            text::quantity(row.baseline, &row.unit),
            text::quantity(row.proposal, &row.unit)
        ));
    }
    sentences.push(elsewhere(result));
    let main = result.scenarios.first();
    sentences.push(format!(
        "The verdict assumes {} and an elasticity of {}; {} alternatives stand beside it.",
        main.map_or("no scenario", |scenario| scenario.what.as_str()),
        main.map_or_else(String::new, |scenario| decimal(scenario.elasticity_ppm)),
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

/// What the thresholds come to under the other demand scenarios.
fn elsewhere(result: &StudyResult) -> String {
    let missed: Vec<String> = result
        .scenarios
        .iter()
        .skip(1)
        .filter_map(|scenario| {
            let metrics: Vec<String> = scenario
                .judgements
                .iter()
                .filter(|row| !row.robust)
                .map(|row| spoken(&row.metric))
                .collect();
            (!metrics.is_empty())
                .then(|| format!("\u{201c}{}\u{201d} ({})", scenario.name, metrics.join(", ")))
        })
        .collect();
    if missed.is_empty() {
        return format!(
            "The same thresholds hold in the tails of all {} other demand scenarios.",
            result.scenarios.len().saturating_sub(1)
        );
    }
    format!("Not all thresholds hold under {}.", missed.join(" and "))
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
    let agents = &main.agents.metrics;
    let mut groups = Vec::new();
    let mut push = |who: &str, row: Option<&MetricRow>, lower_is_better: bool, what: &str| {
        let Some(row) = row else {
            return;
        };
        groups.push(Affected {
            who: who.to_owned(),
            effect: effect(row, lower_is_better),
            text: format!(
                "{what}: {} becomes {} (paired p10 to p90 {})",
                text::quantity(row.baseline, &row.unit),
                text::quantity(row.proposal, &row.unit),
                text::interval(row.interval.low, row.interval.high, &row.unit)
            ),
            origin: Origin::from(row.layer),
        });
    };
    push("everybody who pays for gas", main.flow.get("base_fee_median"), true, "median base fee");
    push(
        "senders in the lowest tenth of tips",
        agents.get("inclusion_delay_p95_low_tips"),
        true,
        "95th percentile of the wait",
    );
    push(
        "senders in the highest tenth of tips",
        agents.get("inclusion_delay_p95_high_tips"),
        true,
        "95th percentile of the wait",
    );
    push("users as a whole", agents.get("user_welfare"), false, "value less fees and waiting");
    let (tips, base_fee) = match result.parameters.proposal.family() {
        Family::Ethereum => ("proposers", "holders of the burnt coin"),
        Family::OpStack | Family::Arbitrum => {
            ("the sequencer, by tips", "the sequencer, by base fees")
        }
    };
    push(tips, agents.get("proposer_revenue"), false, "tips");
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
            main.map_or_else(String::new, |scenario| decimal(scenario.elasticity_ppm)),
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
                text::quantity(assumed.burst_probability_ppm.into(), "ppm"),
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
    let ran_agents = main.is_some_and(|scenario| scenario.agents.paths > 0);
    if proposal.get(P::BlobMax) > 0 && ran_agents {
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
            "set gas-limit-bound-divisor = 1024 in [proposal] to follow the protocol's bound",
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

pub(super) fn rollout(plan: &Plan, result: &StudyResult) -> Rollout {
    let (baseline, proposal) = (&result.parameters.baseline, &result.parameters.proposal);
    let changes = proposal.changes_from(baseline);
    let steps = changes
        .iter()
        .map(|(name, _, to)| {
            let definition = name.definition();
            format!(
                "{} to {}: {}",
                definition.flag,
                text::quantity((*to).into(), definition.unit),
                definition.takes_effect
            )
        })
        .collect();
    let stop_conditions = plan
        .thresholds
        .iter()
        .zip(result.scenarios.first().map_or(&[][..], |main| &main.judgements))
        .filter(|(threshold, _)| {
            // A condition is of use only if blocks show it.
            result
                .forecast
                .as_ref()
                .is_some_and(|made| made.metrics.contains_key(&threshold.metric))
        })
        .map(|(threshold, judged)| {
            let side = match judged.side {
                chaos_simulation::study::Side::AtMost => "above",
                chaos_simulation::study::Side::AtLeast => "below",
            };
            format!(
                "{} {side} {} over a forecast horizon",
                spoken(&threshold.metric),
                text::quantity(judged.threshold.0, &judged.unit)
            )
        })
        .collect();
    Rollout {
        signer: match proposal.family() {
            Family::Ethereum => "validators (gas limit) or a fork (everything else)".to_owned(),
            Family::OpStack => "the owner of SystemConfig".to_owned(),
            Family::Arbitrum => "a chain owner, through ArbOwner".to_owned(),
        },
        effective: result.forecast.as_ref().map_or_else(
            || "not dated".to_owned(),
            |forecast| format!("studied as if from block {}", forecast.target.first_block),
        ),
        steps,
        stop_conditions,
        payload: calls(baseline, proposal),
        rollback: calls(proposal, baseline),
    }
}

/// The configuration calls that turn `from` into `to`; none on Ethereum, where there is no owner.
fn calls(from: &Parameters, to: &Parameters) -> Vec<Call> {
    let changed = |name: P| from.get(name) != to.get(name);
    let mut calls = Vec::new();
    match to.family() {
        Family::Ethereum => {}
        Family::OpStack => {
            let target = "SystemConfig on L1 (the chain's own address)";
            if changed(P::GasLimit) {
                calls.push(call(target, "setGasLimit(uint64)", &[("gasLimit", to.gas_limit())]));
            }
            if changed(P::BaseFeeChangeDenominator) || changed(P::ElasticityMultiplier) {
                let arguments = [
                    ("denominator", to.base_fee_change_denominator()),
                    ("elasticity", to.elasticity_multiplier()),
                ];
                calls.push(call(target, "setEIP1559Params(uint32,uint32)", &arguments));
            }
            if changed(P::MinBaseFee) {
                let arguments = [("minBaseFee", to.min_base_fee_wei())];
                calls.push(call(target, "setMinBaseFee(uint64)", &arguments));
            }
        }
        Family::Arbitrum => {
            let target = "ArbOwner, 0x0000000000000000000000000000000000000070";
            let single = [
                (P::GasLimit, "setMaxBlockGasLimit(uint64)", "limit"),
                (P::MinBaseFee, "setMinimumL2BaseFee(uint256)", "priceInWei"),
                (P::SpeedLimit, "setSpeedLimit(uint64)", "limit"),
                (P::PricingInertia, "setL2GasPricingInertia(uint64)", "sec"),
                (P::BacklogTolerance, "setL2GasBacklogTolerance(uint64)", "sec"),
            ];
            for (name, function, argument) in single {
                if changed(name) {
                    calls.push(call(target, function, &[(argument, to.get(name))]));
                }
            }
            if !from.gas_targets().eq(to.gas_targets()) {
                calls.push(constraints_call(target, to));
            }
        }
    }
    calls
}

/// A call whose arguments are static words.
fn call(target: &str, function: &str, arguments: &[(&str, u64)]) -> Call {
    let words: String = arguments.iter().map(|(_, value)| format!("{value:064x}")).collect();
    Call {
        target: target.to_owned(),
        function: function.to_owned(),
        arguments: arguments
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_string()))
            .collect(),
        calldata: format!("{}{words}", selector(function)),
    }
}

/// `setGasPricingConstraints(uint64[3][])`: (gas target, adjustment window, starting backlog).
fn constraints_call(target: &str, to: &Parameters) -> Call {
    let function = "setGasPricingConstraints(uint64[3][])";
    let targets: Vec<_> = to.gas_targets().collect();
    let mut words = format!("{:064x}{:064x}", 32, targets.len());
    let mut shown = Vec::new();
    for target in &targets {
        let (speed, window) = (target.gas_per_second, target.window_seconds);
        words.push_str(&format!("{speed:064x}{window:064x}{:064x}", 0));
        shown.push(format!("[{speed}, {window}, 0]"));
    }
    Call {
        target: target.to_owned(),
        function: function.to_owned(),
        arguments: vec![("constraints".to_owned(), format!("[{}]", shown.join(", ")))],
        calldata: format!("{}{words}", selector(function)),
    }
}

fn selector(function: &str) -> String {
    let hash = keccak256(function.as_bytes()).to_string();
    hash.get(..10).unwrap_or_default().to_owned()
}

/// What the owner of a rollup checks; Ethereum has no owner and no such sheet.
pub(super) fn readiness(result: &StudyResult) -> Part<Readiness> {
    let (baseline, proposal) = (&result.parameters.baseline, &result.parameters.proposal);
    if proposal.family() == Family::Ethereum {
        return Part::missing("Ethereum has no owner who signs a configuration call");
    }
    let market = result
        .scenarios
        .first()
        .and_then(|main| main.flow.get("base_fee_median"))
        .and_then(|row| u128::try_from(row.baseline).ok())
        .unwrap_or(0)
        .max(1);
    let status = readiness_status(result);
    let doubling = |parameters: &Parameters| doubling_blocks(parameters).unwrap_or(0) * 1_000;
    let climbs = [("baseline", baseline), ("proposal", proposal)]
        .into_iter()
        .filter_map(|(arm, parameters)| {
            let from = u128::from(parameters.min_base_fee_wei()).max(1);
            let climb = chaos_simulation::fee_market::climb(parameters, from, market)?;
            Some(Climb {
                label: format!("{arm}: from its floor of {from} wei"),
                from_wei: from,
                to_wei: market,
                blocks: climb.blocks,
            })
        })
        .collect();
    let floors = [baseline, proposal].map(|parameters| {
        let floor_wei = u128::from(parameters.min_base_fee_wei());
        let transfer_wei = cost_of(TRANSFER_GAS, floor_wei);
        Floor { floor_wei, transfer_wei, transfer_usd_micros: None }
    });
    Part::Known(Readiness {
        status,
        step: (1, 1),
        plan: "one step".to_owned(),
        block_time_ms: proposal.block_time_ms(),
        doubling_milli_blocks: (doubling(baseline), doubling(proposal)),
        climbs,
        floors: floors.to_vec(),
        transfer_gas: TRANSFER_GAS,
        built_in_time_ppm: Part::missing("the sequencer's own clock has it"),
        launch: launch(result),
        checks: Vec::new(),
    })
}

/// Ready only on recorded blocks, with a scored model, a way back, and thresholds that hold in every
/// scenario's tail.
fn readiness_status(result: &StudyResult) -> String {
    let (baseline, proposal) = (&result.parameters.baseline, &result.parameters.proposal);
    let judged: usize = result.scenarios.iter().map(|scenario| scenario.judgements.len()).sum();
    let robust: usize = result
        .scenarios
        .iter()
        .flat_map(|scenario| &scenario.judgements)
        .filter(|row| row.robust)
        .count();
    let mut reasons = Vec::new();
    if result.generated {
        reasons.push("the blocks were generated".to_owned());
    }
    if result.validation.is_none() {
        reasons.push("the model was not validated on this chain".to_owned());
    }
    if calls(proposal, baseline).is_empty() {
        reasons.push("no reverting call is known".to_owned());
    }
    if robust < judged || judged == 0 {
        reasons.push(format!("{robust} of {judged} thresholds hold over all scenarios"));
    }
    if reasons.is_empty() {
        "ready: every threshold holds in the tail of every scenario".to_owned()
    } else {
        format!("not ready: {}", reasons.join("; "))
    }
}

/// The scenario with most demand stands for the next rush.
fn launch(result: &StudyResult) -> Part<Launch> {
    let busiest = result.scenarios.iter().max_by_key(|scenario| scenario.demand_ppm);
    let Some(scenario) = busiest.filter(|scenario| scenario.agents.paths > 0) else {
        return Part::missing("the study left the transaction model out");
    };
    Part::Known(Launch {
        what: scenario.what.clone(),
        delays: super::market::delay_rows(&scenario.agents.delays_by_tip),
    })
}
