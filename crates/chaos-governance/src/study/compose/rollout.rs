//! How a change is made and taken back, and what the owner of a rollup checks before signing.

use alloy_primitives::keccak256;
use chaos_parameters::{
    Family, ParameterName as P, Parameters,
    pricing::{cost_of, doubling_blocks},
};
use chaos_report::quantity;
use chaos_study::{Study as Plan, StudyResult};

use super::spoken;
use crate::{
    proposal::Call,
    study::data::{Climb, Floor, Launch, Part, Readiness, Rollout},
};

/// Gas of the token transfer that floors are priced with.
const TRANSFER_GAS: u64 = 65_000;

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
                quantity::of((*to).into(), definition.unit),
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
                chaos_study::Side::AtMost => "above",
                chaos_study::Side::AtLeast => "below",
            };
            format!(
                "{} {side} {} over a forecast horizon",
                spoken(&threshold.metric),
                quantity::of(judged.threshold.0, &judged.unit)
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
            let climb = chaos_parameters::pricing::climb(parameters, from, market)?;
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
    let usable = || result.scenarios.iter().filter(|scenario| scenario.is_usable());
    let judged: usize = usable().map(|scenario| scenario.judgements.len()).sum();
    let robust: usize =
        usable().flat_map(|scenario| &scenario.judgements).filter(|row| row.robust).count();
    let mut reasons = Vec::new();
    if result.generated {
        reasons.push("the blocks were generated".to_owned());
    }
    if result.validation.is_none() {
        reasons.push("the model was not validated on this chain".to_owned());
    }
    if result.scenarios.first().is_some_and(|main| !main.is_usable()) {
        reasons.push("the scenario of the verdict is not calibrated".to_owned());
    }
    let others = result.scenarios.iter().skip(1).filter(|scenario| !scenario.is_usable()).count();
    if others > 0 {
        reasons.push(format!("{others} other scenarios are not calibrated"));
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
    let Some(scenario) = busiest.filter(|scenario| scenario.transactions.paths > 0) else {
        return Part::missing("the study left the transaction model out");
    };
    Part::Known(Launch {
        what: scenario.what.clone(),
        delays: super::market::delay_rows(&scenario.transactions.delays_by_tip),
    })
}

#[cfg(test)]
mod tests {
    use chaos_parameters::{Preset, parse_setting};

    use super::*;

    fn changed(preset: Preset, settings: &str) -> (Parameters, Parameters) {
        let settings: Vec<_> =
            settings.split(' ').map(|text| parse_setting(text).unwrap()).collect();
        let baseline = preset.parameters();
        (baseline, baseline.apply(&settings).unwrap())
    }

    #[test]
    fn the_reverting_call_restores_the_parameters_that_the_change_moved() {
        let (baseline, proposal) =
            changed(Preset::Base2026, "min-base-fee=5000000 base-fee-change-denominator=125");
        let functions: Vec<_> =
            calls(&baseline, &proposal).into_iter().map(|call| call.function).collect();
        assert_eq!(functions, ["setEIP1559Params(uint32,uint32)", "setMinBaseFee(uint64)"]);
        let back = calls(&proposal, &baseline);
        assert_eq!(back[1].arguments, [("minBaseFee".to_owned(), "2000000".to_owned())]);
        assert!(back[1].calldata.ends_with(&format!("{:064x}", 2_000_000)));
    }

    #[test]
    fn selectors_are_those_of_the_deployed_interfaces() {
        // https://github.com/ethereum-optimism/optimism SystemConfig; Nitro's ArbOwner.
        for (function, expected) in [
            ("setGasLimit(uint64)", "0xb40a817c"),
            ("setEIP1559Params(uint32,uint32)", "0xc0fd4b41"),
            ("setSpeedLimit(uint64)", "0x4d7a060d"),
        ] {
            assert_eq!(selector(function), expected, "{function}");
        }
    }

    #[test]
    fn gas_targets_are_encoded_as_a_dynamic_array_of_triples() {
        let baseline = Preset::ArbosLegacy.parameters();
        let all = calls(&baseline, &Preset::Arbos51.parameters());
        let call = all.last().unwrap();
        assert_eq!(call.function, "setGasPricingConstraints(uint64[3][])");
        let words = &call.calldata[10..];
        assert_eq!(words.len(), 64 * (2 + 6 * 3));
        assert_eq!(words[..64], format!("{:064x}", 32));
        assert_eq!(words[64..128], format!("{:064x}", 6));
        assert_eq!(words[128..192], format!("{:064x}", 60_000_000));
        assert_eq!(words[192..256], format!("{:064x}", 9));
    }

    #[test]
    fn every_owned_parameter_has_a_call_and_ethereum_has_none() {
        for preset in Preset::ALL {
            let baseline = preset.parameters();
            for name in P::ALL.into_iter().filter(|name| name.applies_to(baseline.family())) {
                // Not set by a call: block time is the chain's, the floor of tips the sequencer's.
                let free = [P::BlockTime, P::PriorityFeeFloor].contains(&name);
                let Ok(setting) = chaos_parameters::Setting::new(name, baseline.get(name) + 1)
                else {
                    continue;
                };
                let Ok(proposal) = baseline.apply(&[setting]) else {
                    continue;
                };
                let owned = baseline.family() != Family::Ethereum && !free;
                assert_eq!(!calls(&baseline, &proposal).is_empty(), owned, "{preset} {name}");
            }
        }
    }
}
