//! Figures of the two fee-market models.

use chaos_report::quantity;
use chaos_simulation::{Calibration, MetricRow};
use chaos_study::{DelayRow, Study as Plan, StudyResult};

use super::{Facts, spoken};
use crate::study::data::{
    Arm, Better, Component, Delay, Differences, Fan, Fullness, Histogram, Origin, Part,
    Percentiles, Revenue, Tornado, TornadoRow,
};

/// The metric whose difference the tornado shows unless a threshold names another.
const TORNADO_METRIC: &str = "base_fee_median";

const NO_TRANSACTIONS: &str =
    "the study left the transaction model out (market.transaction_paths = 0)";

/// Blocks of a day at 12 seconds; other block times scale.
const DAY_MS: u64 = 86_400_000;

pub(super) fn fans(result: &StudyResult, facts: &Facts) -> Part<Vec<Fan>> {
    let order = ["base_fee", "utilisation"];
    let fans: Vec<Fan> = order
        .into_iter()
        .filter_map(|name| {
            let fan = facts.fans.get(name)?;
            let band = |band: &chaos_simulation::Band| Percentiles {
                p10: band.p10.iter().map(|value| value.0).collect(),
                p50: band.p50.iter().map(|value| value.0).collect(),
                p90: band.p90.iter().map(|value| value.0).collect(),
            };
            Some(Fan {
                label: name.replace('_', " "),
                unit: fan.unit.clone(),
                origin: Origin::Model,
                blocks: fan.blocks.iter().map(|block| i64::from(*block)).collect(),
                baseline: band(&fan.baseline),
                proposal: band(&fan.proposal),
                sample: format!("{} paths", quantity::grouped(result.paths.into())),
            })
        })
        .collect();
    if fans.is_empty() { Part::missing("no paths were simulated") } else { Part::Known(fans) }
}

pub(super) fn differences(facts: &Facts) -> Part<Differences> {
    facts.fans.get("base_fee").map_or_else(
        || Part::missing("no paths were simulated"),
        |fan| {
            Part::Known(Differences {
                label: "base fee".to_owned(),
                unit: fan.unit.clone(),
                origin: Origin::Model,
                better: Better::Lower,
                samples: fan.difference.iter().map(|value| value.0).collect(),
            })
        },
    )
}

pub(super) fn delays(result: &StudyResult) -> Part<Vec<Delay>> {
    let rows = result.scenarios.first().map_or(&[][..], |main| &main.transactions.delays_by_tip);
    if rows.is_empty() {
        return Part::missing(NO_TRANSACTIONS);
    }
    Part::Known(delay_rows(rows))
}

pub(super) fn delay_rows(rows: &[DelayRow]) -> Vec<Delay> {
    let arm = |p50: u32, p95: u32| Arm {
        p50_milli_blocks: u64::from(p50) * 1_000,
        p95_milli_blocks: u64::from(p95) * 1_000,
        never_ppm: None,
    };
    (1u8..)
        .zip(rows)
        .map(|(decile, row)| Delay {
            decile,
            baseline: arm(row.baseline_p50, row.baseline_p95),
            proposal: arm(row.proposal_p50, row.proposal_p95),
        })
        .collect()
}

pub(super) fn fullness(result: &StudyResult) -> Part<Fullness> {
    let Some(transactions) = result
        .scenarios
        .first()
        .map(|main| &main.transactions)
        .filter(|transactions| transactions.paths > 0)
    else {
        return Part::missing(NO_TRANSACTIONS);
    };
    let counts = |classes: &[u32]| classes.iter().map(|count| u64::from(*count)).collect();
    let target = |parameters: &chaos_parameters::Parameters| {
        let share = u128::from(parameters.gas_target()) * 1_000_000;
        u32::try_from(share / u128::from(parameters.gas_limit())).unwrap_or(1_000_000)
    };
    Part::Known(Fullness {
        origin: Origin::Model,
        baseline: Histogram {
            counts: counts(&transactions.utilisation.0),
            target_ppm: target(&result.parameters.baseline),
        },
        proposal: Some(Histogram {
            counts: counts(&transactions.utilisation.1),
            target_ppm: target(&result.parameters.proposal),
        }),
        finding: String::new(),
    })
}

pub(super) fn revenue(result: &StudyResult) -> Part<Revenue> {
    let Some(transactions) = result
        .scenarios
        .first()
        .map(|main| &main.transactions)
        .filter(|transactions| transactions.paths > 0)
    else {
        return Part::missing(NO_TRANSACTIONS);
    };
    let blocks_per_day = |parameters: &chaos_parameters::Parameters| {
        i128::from(DAY_MS / parameters.block_time_ms().max(1))
    };
    let component = |name: &str, metric: &str| {
        let row = transactions.metrics.get(metric)?;
        Some(Component {
            name: name.to_owned(),
            baseline: row.baseline * blocks_per_day(&result.parameters.baseline),
            proposal: row.proposal * blocks_per_day(&result.parameters.proposal),
        })
    };
    let components = [
        component("base fee", "fee_burned"),
        component("tips", "proposer_revenue"),
        component("blob fee", "blob_fee_burned"),
    ];
    Part::Known(Revenue {
        unit: "wei_per_day".to_owned(),
        origin: Origin::Model,
        components: components.into_iter().flatten().collect(),
    })
}

/// The main difference at the ends of elasticity and of the demand scenarios.
pub(super) fn tornado(plan: &Plan, result: &StudyResult) -> Part<Tornado> {
    let metric = plan.thresholds.first().map_or(TORNADO_METRIC, |first| first.metric.as_str());
    let Some(main) = result.scenarios.first() else {
        return Part::missing("no scenario was simulated");
    };
    let Some(base) = main.flow.get(metric) else {
        return Part::missing("the main metric was not computed");
    };
    let mut rows = Vec::new();
    let at = |metrics: &std::collections::BTreeMap<String, MetricRow>| {
        metrics.get(metric).map(|row| row.difference)
    };
    // An elasticity at which the chain is not reproduced bounds nothing.
    let mut usable = result
        .sensitivity
        .iter()
        .filter(|row| row.calibration.as_ref().is_none_or(Calibration::is_usable));
    if let (Some(low), Some(high)) = (usable.next(), usable.next_back())
        && let (Some(at_low), Some(at_high)) = (at(&low.metrics), at(&high.metrics))
    {
        rows.push(TornadoRow {
            assumption: "price elasticity of demand".to_owned(),
            low_setting: decimal(low.elasticity_ppm),
            base_setting: decimal(main.elasticity_ppm),
            high_setting: decimal(high.elasticity_ppm),
            low: at_low,
            high: at_high,
        });
    }
    for scenario in result.scenarios.iter().skip(1) {
        let Some(difference) = at(&scenario.flow) else {
            continue;
        };
        rows.push(TornadoRow {
            assumption: format!("scenario: {}", scenario.name),
            low_setting: "as in the study".to_owned(),
            base_setting: "as in the study".to_owned(),
            high_setting: scenario.what.clone(),
            low: base.difference,
            high: difference,
        });
    }
    if rows.is_empty() {
        return Part::missing("only one set of assumptions was simulated");
    }
    Part::Known(Tornado {
        label: spoken(metric),
        unit: base.unit.clone(),
        origin: Origin::Model,
        base: base.difference,
        rows,
    })
}

/// Parts per million as a decimal without trailing zeros.
pub(super) fn decimal(ppm: u32) -> String {
    let text = format!("{}.{:06}", ppm / 1_000_000, ppm % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
