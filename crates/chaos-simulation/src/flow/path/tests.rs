use chaos_parameters::{ParameterName, Setting};
use proptest::prelude::*;

use super::*;
use crate::flow::{Metric, NoiseSource};

fn demand(level_gas: u64) -> Demand {
    Demand {
        anchor_wei: 20_000_000_000,
        level_gas,
        fast_sigma_ppm: 0,
        slow_sigma_ppm: 0,
        persistence_ppm: 0,
        patient_share_ppm: 0,
        interval_variation_ppm: 0,
        empty_ppm: 0,
        noise: NoiseSource::Stated,
        blocks_used: 1,
        blocks_imputed: 0,
    }
}

fn noisy(level_gas: u64) -> Demand {
    Demand {
        fast_sigma_ppm: 600_000,
        slow_sigma_ppm: 300_000,
        persistence_ppm: 980_000,
        ..demand(level_gas)
    }
}

fn with(name: ParameterName, value: u64) -> Parameters {
    Parameters::ethereum(30_000_000).unwrap().with(Setting::new(name, value).unwrap())
}

fn run(
    demand: &Demand,
    assumptions: &Assumptions,
    shocks: &Shocks,
    parameters: &Parameters,
) -> Path {
    let baseline = Parameters::ethereum(30_000_000).unwrap();
    let spec = PathSpec {
        demand,
        assumptions,
        baseline: &baseline,
        warmup_blocks: 0,
        start_wei: None,
        settle_blocks: 0,
    };
    simulate(&spec, shocks, parameters)
}

/// Theory: the fee stops where level * (fee / anchor)^-elasticity equals the target.
#[test]
fn constant_demand_settles_where_demand_meets_the_target() {
    let parameters = Parameters::ethereum(30_000_000).unwrap();
    // (level, elasticity ppm, fee over anchor in ppm that clears the market at 15M)
    for (level, elasticity_ppm, clearing_ppm) in [
        (15_000_000, 200_000, 1_000_000u128),
        (16_500_000, 200_000, 1_610_510), // 1.1^5
        (18_000_000, 500_000, 1_440_000), // 1.2^2
        (12_000_000, 500_000, 640_000),   // 0.8^2
        (22_500_000, 1_000_000, 1_500_000),
    ] {
        let assumptions = Assumptions { elasticity_ppm, ..Assumptions::default() };
        let path = run(&demand(level), &assumptions, &Shocks::none(2_000), &parameters);
        let last = path.blocks.last().unwrap();
        let fee_ppm = last.base_fee_wei * 1_000_000 / 20_000_000_000;
        assert!(fee_ppm.abs_diff(clearing_ppm) < 100, "{level}: {fee_ppm}");
        assert!(last.gas_used.abs_diff(15_000_000) < 100, "{level}: {}", last.gas_used);
        assert_eq!(path.metrics(&parameters)[&Metric::InclusionDelayMean], 0);
    }
}

/// A higher limit serves the same demand curve at a lower price: (1/2)^(1/elasticity) of it.
#[test]
fn twice_the_limit_lowers_the_clearing_price_by_the_elasticity() {
    let assumptions = Assumptions { elasticity_ppm: 500_000, ..Assumptions::default() };
    let doubled = with(ParameterName::GasLimit, 60_000_000);
    let path = run(&demand(15_000_000), &assumptions, &Shocks::none(3_000), &doubled);
    let fee = path.blocks.last().unwrap().base_fee_wei;
    assert!(fee.abs_diff(5_000_000_000) < 1_000_000, "{fee}");
}

/// Inelastic demand above the limit: the block is always full and the fee rises by 1/8 a block.
#[test]
fn demand_that_ignores_the_price_saturates_and_drops_the_excess() {
    let assumptions = Assumptions {
        elasticity_ppm: 0,
        patience_blocks: 5,
        pool_blocks: 2,
        ..Assumptions::default()
    };
    let parameters = Parameters::ethereum(30_000_000).unwrap();
    let path = run(&demand(40_000_000), &assumptions, &Shocks::none(150), &parameters);
    let metrics = path.metrics(&parameters);
    assert_eq!(metrics[&Metric::BlocksSaturated], 1_000_000);
    assert_eq!(metrics[&Metric::SaturatedRunMax], 150);
    assert_eq!(metrics[&Metric::UseVsTarget], 1_000_000);
    assert_eq!(metrics[&Metric::BaseFeeVolatility], 0, "the same step in every block");
    // In the long run 10 of 40 arriving are dropped; the pool's filling delays that.
    assert!((220_000..=250_000).contains(&metrics[&Metric::DemandDropped]), "{metrics:?}");
    assert!(metrics[&Metric::InclusionDelayP95] <= 5_000);
}

#[test]
fn a_larger_denominator_calms_the_fee() {
    let demand = noisy(15_000_000);
    let assumptions = Assumptions::default();
    let shocks = Shocks::draw((7, 0), 2_000, &demand, &assumptions);
    let volatility = |denominator| {
        let parameters = with(ParameterName::BaseFeeChangeDenominator, denominator);
        run(&demand, &assumptions, &shocks, &parameters).metrics(&parameters)
            [&Metric::BaseFeeVolatility]
    };
    let (four, eight, fifty) = (volatility(4), volatility(8), volatility(50));
    assert!(four > eight && eight > fifty, "{four} {eight} {fifty}");
    assert!((eight * 8).abs_diff(fifty * 50) < (eight * 2).unsigned_abs(), "{eight} {fifty}");
}

#[test]
fn shocks_repeat_for_a_stream_and_differ_between_streams() {
    let demand = noisy(15_000_000);
    let assumptions = Assumptions {
        burst_probability_ppm: 500,
        burst_factor_ppm: 1_500_000,
        burst_blocks: 25,
        ..Assumptions::default()
    };
    let draw = |stream| Shocks::draw(stream, 100, &demand, &assumptions);
    assert_eq!(draw((1, 2)), draw((1, 2)));
    assert_ne!(draw((1, 2)), draw((1, 3)));
    assert_ne!(draw((1, 2)), draw((2, 2)));
    // The first shocks of stream (1, 2) under these bursts, computed by an independent Python program with its own
    // ChaCha8; a change here changes every published digest.
    assert_eq!(draw((1, 2)).exponents_q32[..3], GOLDEN_SHOCKS);
}

const GOLDEN_SHOCKS: [i64; 3] = [2_841_865_719, 437_442_308, -3_558_773_689];

#[test]
fn shocks_leave_mean_demand_at_the_level() {
    let demand = Demand { persistence_ppm: 800_000, ..noisy(1_000_000) };
    let assumptions = Assumptions::default();
    let mut total = 0u128;
    for path in 0..100 {
        for exponent in Shocks::draw((3, path), 2_000, &demand, &assumptions).exponents_q32 {
            total += fixed::scale_exp2(1_000_000, exponent);
        }
    }
    let mean = total / 200_000;
    assert!(mean.abs_diff(1_000_000) < 20_000, "{mean}");
}

#[test]
fn the_warm_up_runs_under_the_baseline() {
    let baseline = Parameters::ethereum(30_000_000).unwrap();
    let assumptions = Assumptions::default();
    let demand = noisy(15_000_000);
    let shocks = Shocks::draw((5, 0), 400, &demand, &assumptions);
    let spec = PathSpec {
        demand: &demand,
        assumptions: &assumptions,
        baseline: &baseline,
        warmup_blocks: 150,
        start_wei: None,
        settle_blocks: 0,
    };
    let ours = simulate(&spec, &shocks, &baseline);
    let other = simulate(&spec, &shocks, &with(ParameterName::GasLimit, 10_000_000));
    assert_eq!(ours.blocks.len(), 250);
    assert_eq!(ours.blocks[0].base_fee_wei, other.blocks[0].base_fee_wei);
    assert_ne!(ours.blocks[50].base_fee_wei, other.blocks[50].base_fee_wei);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn gas_is_neither_made_nor_lost(
        seed: u64,
        level in 1_000_000u64..200_000_000,
        limit in 5_000u64..200_000_000,
        patience_blocks in 0u32..40,
        pool_blocks in 0u32..10,
        patient_share_ppm in 0u32..=1_000_000,
        empty_ppm in 0u32..200_000,
    ) {
        let demand = Demand {
            patient_share_ppm,
            empty_ppm,
            interval_variation_ppm: 1_000_000,
            ..noisy(level)
        };
        let assumptions = Assumptions { patience_blocks, pool_blocks, ..Assumptions::default() };
        let shocks = Shocks::draw((seed, 0), 120, &demand, &assumptions);
        let parameters = with(ParameterName::GasLimit, limit);
        let path = run(&demand, &assumptions, &shocks, &parameters);
        let sum = |field: fn(&BlockOutcome) -> u64| -> u128 {
            path.blocks.iter().map(|block| u128::from(field(block))).sum()
        };
        let served = sum(|block| block.gas_used);
        let settled = served + sum(|block| block.gas_dropped);
        let arrived = sum(|block| block.gas_arrived);
        prop_assert!(settled <= arrived);
        prop_assert!(arrived - settled <= u128::from(limit) * u128::from(pool_blocks));
        prop_assert_eq!(path.gas_by_delay.iter().sum::<u128>(), served);
        prop_assert!(path.blocks.iter().all(|block| block.gas_used <= limit));
    }
}

fn deterministic(baseline: &Parameters, proposal: &Parameters, blocks: u32) -> Path {
    let demand = Demand { anchor_wei: 1_000_000_000, ..demand(baseline.gas_target()) };
    let assumptions = Assumptions { elasticity_ppm: 0, ..Assumptions::default() };
    let spec = PathSpec {
        demand: &demand,
        assumptions: &assumptions,
        baseline,
        warmup_blocks: 10,
        start_wei: None,
        settle_blocks: 0,
    };
    simulate(&spec, &Shocks::none(blocks + 10), proposal)
}

#[test]
fn the_highest_base_fee_of_a_path_may_be_one_of_the_warm_up() {
    let baseline = Parameters::ethereum(30_000_000).unwrap();
    let (demand, assumptions) = (demand(1), Assumptions::default());
    let spec = PathSpec {
        demand: &demand,
        assumptions: &assumptions,
        baseline: &baseline,
        warmup_blocks: 10,
        start_wei: Some(1 << 70),
        settle_blocks: 0,
    };
    let path = simulate(&spec, &Shocks::none(20), &baseline);
    assert_eq!(path.base_fee_max_wei, 1 << 63);
    assert!(path.blocks.iter().all(|block| block.base_fee_wei < 1 << 62));
}

#[test]
fn a_bound_limit_walks_to_the_proposal_and_an_unbound_one_jumps() {
    let baseline = Parameters::ethereum(30_000_000).unwrap();
    let raise = Setting::new(ParameterName::GasLimit, 60_000_000).unwrap();
    let bound = Setting::new(ParameterName::GasLimitBoundDivisor, 1_024).unwrap();
    let jumped = deterministic(&baseline, &baseline.apply(&[raise]).unwrap(), 5);
    assert!(jumped.blocks.iter().all(|block| block.gas_limit == 60_000_000));
    let walked = deterministic(&baseline, &baseline.apply(&[raise, bound]).unwrap(), 800);
    for pair in walked.blocks.windows(2) {
        let step = pair[1].gas_limit - pair[0].gas_limit;
        assert!(step < pair[0].gas_limit / 1_024, "{step}");
    }
    // ln 2 / ln(1 + 1/1024) = 710.1 blocks; a step less than the bound takes a little longer.
    let arrival = walked.blocks.iter().position(|block| block.gas_limit == 60_000_000);
    assert!((708..=713).contains(&arrival.unwrap()), "{arrival:?}");
}

#[test]
fn use_above_arbitrums_targets_raises_the_price_and_use_below_lets_it_fall_to_the_floor() {
    use chaos_parameters::Preset;
    for preset in [Preset::ArbosLegacy, Preset::Arbos51] {
        let parameters = preset.parameters();
        let floor = u128::from(parameters.min_base_fee_wei());
        let calm = deterministic(&parameters, &parameters, 400);
        let last = calm.blocks.last().unwrap().base_fee_wei;
        assert!(last < 1_010_000_000, "{preset}: use at the lowest target, {last}");
        assert!(calm.blocks.iter().all(|block| block.base_fee_wei >= floor), "{preset}");
        // The same demand against targets of a tenth: the backlog grows block by block.
        let tenth = match preset {
            Preset::ArbosLegacy => (ParameterName::SpeedLimit, 700_000),
            _ => (ParameterName::GasTarget6, 1_000_000),
        };
        let tight = parameters.apply(&[Setting::new(tenth.0, tenth.1).unwrap()]).unwrap();
        let path = deterministic(&parameters, &tight, 400);
        let (first, last) = (path.blocks[0].base_fee_wei, path.blocks[399].base_fee_wei);
        let calm_last = calm.blocks[399].base_fee_wei;
        assert!(last > first && last > calm_last, "{preset}: {first} to {last}, {calm_last}");
    }
}

#[test]
fn shorter_blocks_meet_less_demand_each() {
    let baseline = Parameters::ethereum(30_000_000).unwrap();
    let half = Setting::new(ParameterName::BlockTime, 6_000).unwrap();
    let path = deterministic(&baseline, &baseline.apply(&[half]).unwrap(), 20);
    assert!(path.blocks.iter().all(|block| block.gas_arrived == 7_500_000));
}
