use chaos_simulation::flow::ObservedBlock;
use chaos_studio::Studio;

use super::*;
use crate::{BlockFacts, DEFAULT_STUDIO};

/// Metrics, ready to have single values replaced.
fn quiet() -> Metrics {
    let studio = Studio::parse(DEFAULT_STUDIO).unwrap();
    let blocks: Vec<BlockFacts> = (1..=30)
        .map(|number| {
            let (gas_used, gas_limit) = (15_000_000, 30_000_000);
            let base_fee_wei = Some(1_000_000_000);
            ObservedBlock { number, timestamp: number * 12, gas_used, gas_limit, base_fee_wei }
                .into()
        })
        .collect();
    Metrics::measure(&blocks, 2, studio.policy().evidence()).unwrap()
}

#[track_caller]
fn check(values: &[(Metric, i128)], gas_limit: u64, expect: &[Rule]) -> Vec<Opportunity> {
    let studio = Studio::parse(DEFAULT_STUDIO).unwrap();
    let mut metrics = quiet();
    for (metric, value) in values {
        let observation = crate::metrics::Observation { value: Int(*value), n: 30 };
        metrics.values.insert(*metric, observation);
    }
    let thresholds = Thresholds::of_studio(&studio).unwrap();
    let parameters = Parameters::ethereum(gas_limit).unwrap();
    let found = analyse(&metrics, &parameters, studio.policy(), &thresholds);
    assert_eq!(found.iter().map(|o| o.rule).collect::<Vec<_>>(), expect);
    found
}

#[test]
fn a_calm_chain_gives_no_opportunity() {
    check(&[], 30_000_000, &[]);
}

#[test]
fn rules_fire_at_their_thresholds_and_not_below() {
    let full = |share| [(Metric::BlocksFull, share), (Metric::UseOfTarget, 900_000)];
    check(&full(149_999), 30_000_000, &[]);
    check(&full(150_000), 30_000_000, &[Rule::Congestion]);
    let swing = |correlation| {
        [(Metric::BaseFeeVolatility, 89_000), (Metric::UtilisationAutocorrelation, correlation)]
    };
    check(&swing(-199_999), 30_000_000, &[]);
    check(&swing(-200_000), 30_000_000, &[Rule::Oscillation]);
    check(
        &[(Metric::BlocksFull, 20_000), (Metric::UseOfTarget, 700_000)],
        30_000_000,
        &[Rule::Bursts],
    );
}

#[test]
fn the_strongest_opportunity_comes_first_and_states_its_numbers() {
    let values = [
        (Metric::BlocksFull, 233_000),
        (Metric::UseOfTarget, 1_032_000),
        (Metric::BaseFeeVolatility, 89_000),
        (Metric::UtilisationAutocorrelation, -410_000),
    ];
    let found = check(&values, 30_000_000, &[Rule::Oscillation, Rule::Congestion]);
    assert_eq!(found[0].strength_ppm, 1_483_333);
    assert_eq!(
        found[0].reason,
        "the base fee changes by 8.9 % per block (standard deviation over 30 observed blocks) and \
         utilisation swings back (lag-1 autocorrelation \u{2212}0.41), so the rule over-corrects"
    );
    assert_eq!(
        found[1].reason,
        "23.3 % of 30 observed blocks are full while mean use is 103.2 % of the target, so demand \
         presses against the gas limit"
    );
    assert_eq!(found[1].evidence[0].metric, "blocks_full");
    assert_eq!(found[1].evidence[0].threshold, Int(150_000));
}

#[test]
fn nothing_is_suggested_where_the_policy_leaves_no_room() {
    let full = [(Metric::BlocksFull, 500_000), (Metric::UseOfTarget, 1_000_000)];
    check(&full, 150_000_000, &[]);
}
