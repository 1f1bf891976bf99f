//! Scope, validation, re-execution and forecast.

use chaos_report::quantity;
use chaos_study::StudyResult;

use super::{Facts, spoken};
use crate::study::data::{
    Coverage, Forecast, ForecastRow, GasBin, GasChanges, Outcomes, Part, Scope, Validation,
};

const NO_BLOCKS: &str = "no block was re-executed";

pub(super) fn scope(result: &StudyResult, facts: &Facts) -> Scope {
    let mut blocks = vec![facts.source.clone()];
    if let Some((first, last, count)) = facts.observed {
        blocks.push(format!("Demand is fitted to {count} blocks, {first} to {last}."));
    }
    let mut sample = Vec::new();
    if let Some(evm) = &result.evm {
        sample.push(("blocks re-executed".to_owned(), u64::from(evm.blocks)));
        sample.push(("runs of consecutive blocks among them".to_owned(), u64::from(evm.runs)));
        let transactions = evm.outcomes.iter().map(|row| row.baseline).sum();
        sample.push(("transactions re-executed".to_owned(), transactions));
    }
    sample.push(("simulated paths per cell".to_owned(), result.paths.into()));
    sample.push(("blocks per path".to_owned(), result.blocks.into()));
    Scope { blocks, sample, exclusions: result.flags.clone() }
}

pub(super) fn validation(result: &StudyResult, facts: &Facts) -> Validation {
    let found = &facts.replay;
    let replay = if found.blocks == 0 { Part::missing(NO_BLOCKS) } else { Part::Known(*found) };
    let base_fee_rule = facts
        .base_fee_rule
        .map_or_else(|| Part::missing("there are no consecutive blocks"), Part::Known);
    let coverage = result.validation.as_ref().map_or_else(
        || Part::missing("the history is too short to fit on one window and predict the next"),
        |validation| {
            Part::Known(
                validation
                    .metrics
                    .iter()
                    .map(|(name, row)| Coverage {
                        label: spoken(name),
                        nominal_ppm: 800_000,
                        hits: row.p10_p90.inside,
                        trials: row.p10_p90.of,
                    })
                    .collect(),
            )
        },
    );
    let mut notes = Vec::new();
    if result.generated {
        notes.push(
            "The blocks were generated: these checks show that the engine is exact, not that the \
             model fits a chain."
                .to_owned(),
        );
    }
    if let Some(validation) = &result.validation {
        let (inner, outer) = (&validation.p10_p90, &validation.p2_5_p97_5);
        notes.push(format!(
            "The flow model on {} later windows, all figures pooled: p10 to p90 held {} of {} \
             ({}, 80 % promised), p2.5 to p97.5 held {} of {} ({}, 95 % promised).",
            validation.windows.len(),
            inner.inside,
            inner.of,
            quantity::percent(i128::from(inner.share_ppm)),
            outer.inside,
            outer.of,
            quantity::percent(i128::from(outer.share_ppm)),
        ));
        notes.push(
            "The transaction model (figures 3 to 5, waits, tips, revenue) is not scored on later \
             windows; it is matched to the observed median fee."
                .to_owned(),
        );
    }
    Validation {
        replay,
        model: Part::NotAsked,
        base_fee_rule,
        backtests: Part::missing(
            "no past change lies in the history; `chaoschain backtest` scores one",
        ),
        coverage,
        notes,
    }
}

pub(super) fn outcomes(result: &StudyResult) -> Part<Outcomes> {
    let Some(evm) = &result.evm else {
        return Part::missing(NO_BLOCKS);
    };
    let groups: Vec<(String, u64)> =
        evm.outcomes.iter().map(|row| (row.group.replace('_', " "), row.proposal)).collect();
    let total = evm.outcomes.iter().map(|row| row.baseline).sum();
    match Outcomes::new(groups, total) {
        Ok(outcomes) => Part::Known(outcomes),
        Err(error) => Part::missing(error.to_string()),
    }
}

pub(super) fn gas_changes(result: &StudyResult) -> Part<GasChanges> {
    let Some(evm) = &result.evm else {
        return Part::missing(NO_BLOCKS);
    };
    let (before, after) = (evm.gas_of_included.0.0, evm.gas_of_included.1.0);
    if before == 0 {
        return Part::missing("both arms include no transaction");
    }
    let count: u64 = evm.gas_changes.iter().map(|(_, count)| count).sum();
    let weighted: i128 = evm
        .gas_changes
        .iter()
        .map(|(per_cent, count)| i128::from(*per_cent) * i128::from(*count) * 10_000)
        .sum();
    Part::Known(GasChanges {
        bins: bins(&evm.gas_changes),
        ratio_of_sums_ppm: (after - before) * 1_000_000 / before,
        mean_of_ratios_ppm: weighted.checked_div(count.into()).unwrap_or(0),
    })
}

/// Edges of the bins on either side of zero, in per cent; zero has a bin of its own.
const EDGES: [i32; 4] = [5, 10, 20, 50];

fn bins(changes: &[(i32, u64)]) -> Vec<GasBin> {
    let ppm = |edge: i32| i64::from(edge) * 10_000;
    let count = |holds: &dyn Fn(i32) -> bool| {
        changes.iter().filter(|(change, _)| holds(*change)).map(|(_, count)| count).sum()
    };
    let last = EDGES[EDGES.len() - 1];
    let mut below = vec![GasBin {
        from_ppm: None,
        to_ppm: Some(ppm(-last)),
        count: count(&|change| change < -last),
    }];
    let mut above = Vec::new();
    let mut from = 0;
    for to in EDGES {
        // Changes are rounded away from zero, so no change but none at all is zero.
        above.push(GasBin {
            from_ppm: Some(ppm(from)),
            to_ppm: Some(ppm(to)),
            count: count(&|change| change > from && change <= to),
        });
        below.insert(
            1,
            GasBin {
                from_ppm: Some(ppm(-to)),
                to_ppm: Some(ppm(-from)),
                count: count(&|change| change < -from && change >= -to),
            },
        );
        from = to;
    }
    above.push(GasBin {
        from_ppm: Some(ppm(last)),
        to_ppm: None,
        count: count(&|change| change > last),
    });
    let zero = GasBin { from_ppm: Some(0), to_ppm: Some(0), count: count(&|change| change == 0) };
    below.push(zero);
    below.extend(above);
    below
}

pub(super) fn forecast(result: &StudyResult, facts: &Facts) -> Part<Forecast> {
    let Some(forecast) = &result.forecast else {
        return Part::missing("the history is too short to fit a forecast to");
    };
    let last = forecast.target.first_block + u64::from(forecast.target.blocks) - 1;
    Part::Known(Forecast {
        made: facts.day.clone(),
        activation: format!("block {}", forecast.target.first_block),
        horizon_blocks: forecast.target.blocks.into(),
        score_on: format!("block {last}"),
        digest: facts.forecast,
        is_hindcast: facts.is_hindcast,
        rows: forecast
            .metrics
            .iter()
            .map(|(name, row)| ForecastRow {
                metric: name.clone(),
                label: spoken(name),
                unit: row.unit.clone(),
                p10: row.quantiles.p10,
                p50: Some(row.quantiles.p50),
                p90: row.quantiles.p90,
                actual: None,
            })
            .collect(),
    })
}
