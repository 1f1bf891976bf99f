use super::*;
use crate::flow::BlockOutcome;

fn path(blocks: &[(u128, u64)], gas_by_delay: &[u128]) -> Path {
    Path {
        blocks: blocks
            .iter()
            .map(|(base_fee_wei, gas_used)| BlockOutcome {
                base_fee_wei: *base_fee_wei,
                gas_limit: 20_000,
                gas_used: *gas_used,
                gas_arrived: 20_000,
                gas_dropped: 500,
                response_clamped: false,
            })
            .collect(),
        gas_by_delay: gas_by_delay.to_vec(),
        base_fee_max_wei: blocks.iter().map(|(base_fee_wei, _)| *base_fee_wei).max().unwrap_or(0),
    }
}

/// Worked by hand for a limit of 20,000.
#[test]
fn figures_match_a_path_worked_by_hand() {
    let parameters = Parameters::ethereum(20_000).unwrap();
    let metrics =
        path(&[(100, 20_000), (112, 19_800), (126, 200), (110, 10_000)], &[30_000, 15_000, 5_000])
            .metrics(&parameters);
    for (metric, expected) in [
        (Metric::UtilisationMean, 625_000),
        (Metric::UseVsTarget, 250_000),
        (Metric::BlocksSaturated, 500_000),
        (Metric::BlocksEmpty, 250_000),
        (Metric::SaturatedRunMax, 2),
        (Metric::TimeAboveTarget, 500_000),
        // Deviations from 0.625: 0.375, 0.365, -0.615, -0.125; products -0.0107, squares 0.668.
        (Metric::UtilisationAutocorrelation, -16_062),
        (Metric::TargetCrossings, 333_333),
        (Metric::BaseFeeTailRatio, 1_145_455),
        (Metric::BaseFeeRunUp, 260_000),
        (Metric::BaseFeeDrawdown, 126_984),
        (Metric::BaseFeeMedian, 110),
        (Metric::BaseFeeP95, 126),
        (Metric::BaseFeeP99, 126),
        // (100 x 20000 + 112 x 19800 + 126 x 200 + 110 x 10000) / 4
        (Metric::FeeBurned, 1_335_700),
        (Metric::GasServed, 12_500),
        (Metric::InclusionDelayMean, 500),
        (Metric::InclusionDelayP95, 2_000),
        (Metric::DemandDropped, 25_000),
        (Metric::ResponseClamped, 0),
    ] {
        assert_eq!(metrics[&metric], expected, "{}", metric.name());
    }
    // Changes ln 1.12, ln 1.125, ln(110/126); deviation by float 0.1185050.
    assert!(metrics[&Metric::BaseFeeVolatility].abs_diff(118_505) <= 1, "{metrics:?}");
}

#[test]
fn names_are_unique_and_every_metric_is_computed() {
    let parameters = Parameters::ethereum(20_000).unwrap();
    let metrics = path(&[(1, 1), (1, 1)], &[2]).metrics(&parameters);
    let names: std::collections::BTreeSet<_> = Metric::ALL.map(Metric::name).into();
    assert_eq!(names.len(), Metric::ALL.len());
    assert!(Metric::ALL.iter().all(|metric| metrics.contains_key(metric)));
}

#[test]
fn percentiles_use_the_nearest_rank() {
    let values: Vec<u32> = (1..=100).collect();
    assert_eq!((percentile(&values, 50), percentile(&values, 99)), (50, 99));
    assert_eq!(percentile(&[7u32], 1), 7);
    assert_eq!(percentile::<u32>(&[], 50), 0);
}

#[test]
fn an_empty_or_idle_path_gives_zeros() {
    let parameters = Parameters::ethereum(20_000).unwrap();
    let metrics = path(&[], &[]).metrics(&parameters);
    assert_eq!(metrics[&Metric::InclusionDelayP95], 0);
    assert_eq!(metrics[&Metric::BaseFeeMedian], 0);
}
