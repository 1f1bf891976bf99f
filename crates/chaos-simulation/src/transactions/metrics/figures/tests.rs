use chaos_parameters::Parameters;

use super::*;
use crate::transactions::{
    Arm, Spec,
    arrivals::{Arrivals, Shock},
    builder::Candidate,
    pool::Waiting,
};

fn meter(shock: Option<Shock>) -> Meter {
    let rules = Parameters::ethereum(30_000_000).unwrap();
    let mut spec = Spec::stated(rules);
    spec.arrivals = Arrivals { shocks: shock.into_iter().collect(), ..spec.arrivals };
    Meter::new(&spec, &Arm::honest(rules))
}

fn include(meter: &mut Meter, tip_wei: u64, waited: u32) {
    let candidate =
        Candidate { effective_tip_wei: tip_wei, gas: 21_000, sequence: 0, index: 0, blobs: 0 };
    let waiting = Waiting {
        value_wei: 100,
        blob_value_wei: 0,
        max_fee_wei: 100,
        offered_tip_wei: tip_wei,
        arrived: 0,
        deadline: 1,
        delay_cost_q32: 0,
        discounted: false,
    };
    meter.included(&candidate, &waiting, waited, 100, true);
}

#[test]
fn waits_are_ranked_overall_and_by_tenths_of_the_tip() {
    let mut meter = meter(None);
    // A hundred transactions: the higher the tip, the shorter the wait.
    for rank in 0..100u32 {
        include(&mut meter, 1 << (rank / 10 * 2), 99 - rank);
    }
    let mut metrics = Figures::new();
    let deciles = meter.delay_figures(&mut metrics);
    assert_eq!(metrics[&Metric::InclusionDelayMean], 49_500);
    assert_eq!(metrics[&Metric::InclusionDelayMedian], 49_000);
    // 94 and 98 lie in buckets of eight blocks that begin at 88 and 96.
    assert_eq!(metrics[&Metric::InclusionDelayP95], 88_000);
    assert_eq!(metrics[&Metric::InclusionDelayP99], 96_000);
    let median: Vec<u32> = deciles.iter().map(|decile| decile.p50_blocks).collect();
    assert_eq!(median, [88, 80, 72, 64, 54, 44, 34, 24, 14, 4]);
    let tips: Vec<u64> = deciles.iter().map(|decile| decile.tip_wei).collect();
    assert_eq!(tips[2..], [16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144]);
    assert_eq!(metrics[&Metric::InclusionDelayP95HighTips], 9_000);
}

#[test]
fn one_bucket_of_tips_is_split_among_the_tenths_it_spans() {
    let mut meter = meter(None);
    for waited in 0..40 {
        include(&mut meter, 1_000, waited % 4);
    }
    let deciles = meter.delay_figures(&mut Figures::new());
    assert!(deciles.iter().all(|decile| (decile.p50_blocks, decile.p99_blocks) == (1, 3)));
}

#[test]
fn a_step_overshoots_settles_and_undershoots_where_it_was_built_to() {
    let shock = Shock { from_block: 100, blocks: None, factor_ppm: 2_000_000 };
    let mut meter = meter(Some(shock));
    // Flat, then a rise to 1.5 times the new level, a fall to 0.8 times, and flat at 200.
    let mut fees = vec![100; 100];
    fees.extend([100, 150, 200, 250, 300, 250, 200, 160, 180]);
    fees.extend([200; 400]);
    meter.series.base_fee_wei = fees;
    let mut metrics = Figures::new();
    meter.shock_figures(&mut metrics);
    assert_eq!(metrics[&Metric::Overshoot], 500_000);
    assert_eq!(metrics[&Metric::Undershoot], 200_000);
    // The median of the first 25 is 200 already.
    assert_eq!(metrics[&Metric::SettlingTime], 0);
}

#[test]
fn a_price_that_keeps_moving_has_no_settling_time() {
    let shock = Shock { from_block: 0, blocks: None, factor_ppm: 2_000_000 };
    let mut meter = meter(Some(shock));
    meter.series.base_fee_wei = (0..1_000).map(|block| 1_000 + block * 10).collect();
    let mut metrics = Figures::new();
    meter.shock_figures(&mut metrics);
    assert!(!metrics.contains_key(&Metric::SettlingTime));
    // One that stands still after 300 blocks settles 24 blocks later at the latest.
    meter.series.base_fee_wei = (0..1_000u64).map(|block| 1_000 + block.min(300) * 10).collect();
    meter.shock_figures(&mut metrics);
    // b* is 4,000; the median of 25 is within a tenth of it from the one centred on 3,600 on.
    assert_eq!(metrics[&Metric::SettlingTime], 260 + 12);
}

#[test]
fn the_best_welfare_serves_the_highest_values_first() {
    let mut meter = meter(None);
    meter.arrived[300] = (100, 100 * 50);
    meter.arrived[200] = (1_000, 1_000 * 20);
    meter.arrived[100] = (10_000, 10_000 * 3);
    meter.sums.gas_limit = 600;
    assert_eq!(meter.best_welfare_wei(), 100 * 50 + 500 * 20);
    meter.sums.gas_limit = 1_000_000;
    assert_eq!(meter.best_welfare_wei(), 100 * 50 + 1_000 * 20 + 10_000 * 3);
}
