use super::*;
use crate::flow::{PathSpec, Shocks, simulate};

fn calibrate_mainnet(
    observed: &[ObservedBlock],
    assumptions: &Assumptions,
) -> Result<Demand, CalibrationError> {
    calibrate(observed, assumptions, &Parameters::ethereum(30_000_000).unwrap())
}

fn block(number: u64, gas_used: u64, base_fee_wei: u128) -> ObservedBlock {
    ObservedBlock {
        number,
        timestamp: number * 12,
        gas_used,
        gas_limit: 30_000_000,
        base_fee_wei: Some(base_fee_wei),
    }
}

#[test]
fn anchor_and_level_are_median_and_mean_at_a_steady_price() {
    let blocks: Vec<_> =
        (0..9).map(|i| block(i, 10_000_000 + i * 1_000_000, 5_000_000_000)).collect();
    let demand = calibrate_mainnet(&blocks, &Assumptions::default()).unwrap();
    assert_eq!(demand.anchor_wei, 5_000_000_000);
    assert_eq!(demand.level_gas, 14_000_000);
    assert_eq!(demand.noise, NoiseSource::Stated);
}

#[test]
fn the_price_effect_is_taken_out() {
    // At elasticity 1 demand halves when the price doubles: both blocks show 12M at the anchor.
    let blocks = [block(1, 12_000_000, 1_000), block(3, 6_000_000, 2_000)];
    let assumptions = Assumptions { elasticity_ppm: 1_000_000, ..Assumptions::default() };
    let demand = calibrate_mainnet(&blocks, &assumptions).unwrap();
    assert_eq!((demand.anchor_wei, demand.level_gas), (1_000, 12_000_000));
}

#[test]
fn full_blocks_are_imputed_only_beyond_the_patience() {
    let assumptions = Assumptions { patience_blocks: 3, ..Assumptions::default() };
    // Runs of three lose nothing: what they hide shows in the blocks between.
    let short: Vec<_> =
        (0..40).map(|i| block(i, if i % 4 == 3 { 0 } else { 30_000_000 }, 7)).collect();
    assert_eq!(calibrate_mainnet(&short, &assumptions).unwrap().blocks_imputed, 0);
    // Of a run of ten, seven stand beyond it, and the mean of the exponential is 10 x 30M / 3.
    let long: Vec<_> = (0..10).map(|i| block(i, 30_000_000, 7)).collect();
    let demand = calibrate_mainnet(&long, &assumptions).unwrap();
    assert_eq!((demand.blocks_imputed, demand.level_gas), (7, 100_000_000));
    // A gap in the numbers ends a run.
    let gaps: Vec<_> = (0..10).map(|i| block(i * 5, 30_000_000, 7)).collect();
    assert_eq!(calibrate_mainnet(&gaps, &assumptions).unwrap().blocks_imputed, 0);
}

#[test]
fn steady_use_has_no_noise() {
    let blocks: Vec<_> = (0..1_200).map(|i| block(i, 15_000_000, 7)).collect();
    let demand = calibrate_mainnet(&blocks, &Assumptions::default()).unwrap();
    assert_eq!(demand.noise, NoiseSource::Observed);
    assert_eq!((demand.fast_sigma_ppm, demand.slow_sigma_ppm, demand.persistence_ppm), (0, 0, 0));
}

/// Ten-block means cannot tell: the level changes every hundred blocks.
#[test]
fn a_level_that_changes_every_two_hundred_blocks_is_slow_noise() {
    let swing: Vec<_> = (0..2_000)
        .map(|i| block(i, if i / 200 % 2 == 0 { 10_000_000 } else { 20_000_000 }, 7))
        .collect();
    let demand = calibrate_mainnet(&swing, &Assumptions::default()).unwrap();
    // Variation 1/3, so the logarithmic deviation is sqrt(ln(1 + 1/9)) = 0.32459.
    assert!(demand.slow_sigma_ppm.abs_diff(324_593) < 50, "{demand:?}");
}

#[test]
fn alternation_is_not_slow_noise() {
    let flip: Vec<_> =
        (0..2_000).map(|i| block(i, if i % 2 == 0 { 10_000_000 } else { 20_000_000 }, 7)).collect();
    let demand = calibrate_mainnet(&flip, &Assumptions::default()).unwrap();
    assert_eq!((demand.slow_sigma_ppm, demand.persistence_ppm), (0, 0));
}

/// Blocks made by the model itself give back the demand they were made with.
#[test]
fn calibration_recovers_a_known_demand() {
    let chain = Parameters::ethereum(30_000_000).unwrap();
    let assumptions = Assumptions { burst_probability_ppm: 0, ..Assumptions::default() };
    let known = Demand {
        anchor_wei: 20_000_000_000,
        level_gas: 15_000_000,
        fast_sigma_ppm: 600_000,
        slow_sigma_ppm: 150_000,
        persistence_ppm: 998_000,
        patient_share_ppm: 0,
        interval_variation_ppm: 0,
        empty_ppm: 0,
        noise: NoiseSource::Stated,
        blocks_used: 0,
        blocks_imputed: 0,
    };
    let spec = PathSpec {
        demand: &known,
        assumptions: &assumptions,
        baseline: &chain,
        warmup_blocks: 500,
        start_wei: None,
        settle_blocks: 0,
    };
    let path = simulate(&spec, &Shocks::draw((11, 0), 30_500, &known, &assumptions), &chain);
    let blocks: Vec<_> = path
        .blocks
        .iter()
        .zip(0..)
        .map(|(outcome, number)| block(number, outcome.gas_used, outcome.base_fee_wei))
        .collect();
    let found = calibrate(&blocks, &assumptions, &chain).unwrap();
    // The level at the found anchor, moved to the known one, within 5 %: the slow noise alone leaves
    // a standard error of 0.15 x sqrt(2 x 500 / 30,000), 2.7 %, in the median price.
    let moved = fixed::mul_q32(
        fixed::log2_q32(known.anchor_wei) - fixed::log2_q32(found.anchor_wei),
        fixed::ppm_to_q32(assumptions.elasticity_ppm.into()),
    );
    let level = fixed::scale_exp2(found.level_gas, -moved);
    assert!(level.abs_diff(15_000_000) < 750_000, "{level} {found:?}");
    assert!(found.fast_sigma_ppm.abs_diff(600_000) < 40_000, "{found:?}");
    assert!(found.slow_sigma_ppm.abs_diff(150_000) < 50_000, "{found:?}");
    assert!(found.persistence_ppm > 990_000, "{found:?}");
}

#[test]
fn blocks_without_a_base_fee_are_left_out_and_named_when_there_are_no_others() {
    let old = ObservedBlock { base_fee_wei: None, ..block(1, 5, 0) };
    let error = calibrate_mainnet(&[old, old], &Assumptions::default()).unwrap_err();
    assert_eq!(error, CalibrationError::NoBaseFee { blocks: 2 });
    let error = calibrate_mainnet(&[old, block(2, 0, 5)], &Assumptions::default()).unwrap_err();
    assert_eq!(error, CalibrationError::NoGas { blocks: 1 });
}

#[test]
fn extreme_blocks_do_not_overflow() {
    let blocks: Vec<_> = (0..1_200)
        .map(|i| ObservedBlock {
            gas_limit: u64::MAX,
            ..block(
                i,
                if i % 2 == 0 { u64::MAX } else { 1 },
                if i % 3 == 0 { u128::MAX } else { 0 },
            )
        })
        .collect();
    let assumptions = Assumptions { elasticity_ppm: 5_000_000, ..Assumptions::default() };
    assert!(calibrate_mainnet(&blocks, &assumptions).unwrap().level_gas > 0);
}

#[test]
fn the_longest_run_is_found_at_either_end() {
    let run = |numbers: &[u64]| longest_run(numbers, |number| *number).to_vec();
    assert_eq!(run(&[1, 2, 3, 7, 8]), [1, 2, 3]);
    assert_eq!(run(&[1, 5, 6, u64::MAX]), [5, 6]);
    assert_eq!(run(&[]), [0u64; 0]);
}
