use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use chaos_parameters::{ParameterName as P, Parameters, Preset, Setting};
use proptest::prelude::*;

use super::*;
use crate::transactions::{
    Metric, PoolRules, Proposer,
    arrivals::{Arrivals, BlobDemand, GasMix, Intervals, Shock, Walk},
    users::Users,
};

const GWEI: u64 = 1_000_000_000;

fn ethereum(gas_limit: u64) -> Parameters {
    Parameters::ethereum(gas_limit).unwrap()
}

/// The parameters with some of them set, whatever they then contradict.
fn with<const N: usize>(parameters: Parameters, settings: [(P, u64); N]) -> Parameters {
    settings.into_iter().fold(parameters, |parameters, (name, value)| {
        parameters.with(Setting::new(name, value).unwrap())
    })
}

fn with_blobs(preset: Preset, parameters: Parameters) -> Parameters {
    let names = [P::BlobTarget, P::BlobMax, P::BlobUpdateFraction, P::BlobBaseCost, P::BlobMinFee];
    with(parameters, names.map(|name| (name, preset.parameters().get(name))))
}

fn small(rules: Parameters) -> Spec {
    Spec { blocks: 150, warmup_blocks: 30, ..Spec::stated(rules) }
}

/// Users who differ in value alone, in demand of unit elasticity.
fn homogeneous(rules: Parameters, level_gas: u64) -> Spec {
    Spec {
        arrivals: Arrivals {
            elasticity_ppm: 1_000_000,
            mix: GasMix::uniform(50_000),
            ..Arrivals::stationary(20 * GWEI, level_gas)
        },
        users: Users::truthful(1),
        warmup_blocks: 200,
        blocks: 1_000,
        ..Spec::stated(rules)
    }
}

fn blobs() -> BlobDemand {
    BlobDemand {
        level_milli: 7_000,
        anchor_wei: GWEI,
        elasticity_ppm: 100_000,
        weights: [4, 2, 1, 1, 1, 6],
        gas: 25_000,
    }
}

#[test]
fn arms_with_equal_rules_have_equal_outcomes_in_any_company() {
    let rules = ethereum(30_000_000);
    let spec = small(rules);
    let other = Arm::honest(ethereum(45_000_000));
    let outcomes =
        run_arms(&spec, &[Arm::honest(rules), other, Arm::honest(rules)], (9, 3)).unwrap();
    assert_eq!(outcomes[0], outcomes[2]);
    assert_ne!(outcomes[0], outcomes[1]);
    assert_eq!(outcomes[0], run(&spec, &Arm::honest(rules), (9, 3)).unwrap());
    assert_ne!(outcomes[0], run(&spec, &Arm::honest(rules), (9, 4)).unwrap());
    assert_ne!(outcomes[0], run(&spec, &Arm::honest(rules), (8, 3)).unwrap());
}

/// `level (p / anchor)^-1 = target` gives `p = anchor level / target`.
#[test]
fn stationary_demand_settles_where_it_equals_the_target() {
    let rules = ethereum(30_000_000);
    for (level_gas, expected_gwei) in [(15_000_000, 20.0), (22_500_000, 30.0), (7_500_000, 10.0)] {
        let outcome = run(&homogeneous(rules, level_gas), &Arm::honest(rules), (1, 0)).unwrap();
        let median = outcome.metrics[&Metric::BaseFeeMedian] as f64 / 1e9;
        assert!((median / expected_gwei - 1.0).abs() < 0.03, "{level_gas}: {median}");
        assert!(outcome.metrics[&Metric::UseVsTarget].abs() < 10_000);
    }
}

/// With the limit doubled, unit elasticity halves the price and spends the same.
#[test]
fn doubling_the_limit_halves_the_price_at_unit_elasticity() {
    let rules = ethereum(30_000_000);
    let arms = [Arm::honest(rules), Arm::honest(ethereum(60_000_000))];
    let outcomes = run_arms(&homogeneous(rules, 22_500_000), &arms, (2, 0)).unwrap();
    // The first blocks still come down from the baseline's price.
    let late: Vec<u64> = outcomes
        .iter()
        .map(|outcome| {
            let mut fees = outcome.series.base_fee_wei[200..].to_vec();
            fees.sort_unstable();
            fees[fees.len() / 2]
        })
        .collect();
    let ratio = late[1] as f64 / late[0] as f64;
    assert!((ratio - 0.5).abs() < 0.02, "{ratio}");
}

/// Backlog pricing too has to bring demand to the target: with unit elasticity at
/// `anchor level / target`, and at the floor if there is less.
#[test]
fn backlog_pricing_settles_where_demand_equals_the_speed_limit() {
    let rules = Preset::ArbosLegacy.parameters();
    let floor = rules.min_base_fee_wei();
    for (share, expected) in [(4, 2.0), (1, 1.0)] {
        let spec = Spec {
            arrivals: Arrivals {
                elasticity_ppm: 1_000_000,
                mix: GasMix::uniform(50_000),
                ..Arrivals::stationary(2 * floor, rules.gas_target() * share / 4)
            },
            start_base_fee_wei: 2 * floor,
            users: Users::truthful(1),
            warmup_blocks: 3_000,
            blocks: 2_000,
            ..Spec::stated(rules)
        };
        let outcome = run(&spec, &Arm::honest(rules), (1, 0)).unwrap();
        let median = outcome.metrics[&Metric::BaseFeeMedian] as f64 / floor as f64;
        assert!((median / expected - 1.0).abs() < 0.1, "{share}: {median}");
    }
    let wrong = with(rules, [(P::GasTarget2, 1_000_000)]);
    let refused = run(&small(wrong), &Arm::honest(wrong), (1, 0)).unwrap_err();
    assert!(
        refused.to_string().starts_with("market: gas-target-2=1000000 contradicts"),
        "{refused}"
    );
}

#[test]
fn a_tenfold_inelastic_shock_takes_twenty_full_blocks_to_price() {
    let rules = ethereum(30_000_000);
    let mut spec = homogeneous(rules, 15_000_000);
    spec.arrivals.shocks = vec![Shock { from_block: 100, blocks: None, factor_ppm: 10_000_000 }];
    let outcome = run(&spec, &Arm::honest(rules), (1, 0)).unwrap();
    let fees = &outcome.series.base_fee_wei;
    let used = &outcome.series.utilisation_ppm;
    let climb = fees[100..].iter().position(|fee| *fee >= 10 * fees[100]).unwrap();
    assert_eq!(climb, 20);
    assert!(used[100..120].iter().all(|used| *used > 990_000));
    let settled = outcome.metrics[&Metric::BaseFeeMedian] as f64 / 1e9;
    assert!((settled / 200.0 - 1.0).abs() < 0.05, "{settled}");
    assert!(outcome.metrics[&Metric::SettlingTime] >= 20);
    assert!(outcome.metrics.contains_key(&Metric::Overshoot));
}

#[test]
fn a_priority_floor_excludes_whom_it_should() {
    let rules = with(ethereum(30_000_000), [(P::PriorityFeeFloor, 5 * GWEI)]);
    let spec = small(ethereum(30_000_000));
    let mut lowest = u64::MAX;
    run_observed(&spec, &[Arm::honest(rules)], (1, 0), |_, block| {
        if block.measured {
            lowest = lowest.min(block.tip_lowest_wei.unwrap_or(u64::MAX));
        }
    })
    .unwrap();
    assert!((5 * GWEI..6 * GWEI).contains(&lowest), "{lowest}");
}

/// Cost of `k` stuffed blocks: the sum of limit x (base fee x (9/8)^i + tip).
#[test]
fn stuffing_costs_what_the_rule_says_until_the_budget_ends() {
    let rules = ethereum(30_000_000);
    let spec = small(rules);
    let stuff = |blocks, budget_wei| Arm {
        parameters: rules,
        proposer: Proposer::Stuffing { from_block: 10, blocks, budget_wei },
    };
    let arms = [Arm::honest(rules), stuff(8, u128::MAX), stuff(8, 5 * 10u128.pow(18))];
    let outcomes = run_arms(&spec, &arms, (4, 0)).unwrap();
    let mut fee = f64::from(u32::try_from(outcomes[0].series.base_fee_wei[10] / GWEI).unwrap());
    let attack = outcomes[1].attack;
    assert_eq!(attack.blocks_stuffed, 8);
    let mut expected = 0.0;
    for _ in 0..8 {
        expected += fee * 0.03;
        fee *= 1.125;
    }
    let burnt = attack.burnt_wei as f64 / 1e18;
    assert!((burnt / expected - 1.0).abs() < 0.1, "{burnt} {expected}");
    assert!(attack.tips_wei > 0);
    let poor = outcomes[2].attack;
    assert!(poor.blocks_stuffed < 8 && poor.burnt_wei + poor.tips_wei <= 5 * 10u128.pow(18));
    assert!(outcomes[1].series.utilisation_ppm[10..18].iter().all(|used| *used == 1_000_000));
    assert_eq!(outcomes[1].series.base_fee_wei[..11], outcomes[0].series.base_fee_wei[..11]);
}

#[test]
fn proposers_leave_the_blocks_empty_that_they_say() {
    let rules = ethereum(30_000_000);
    let spec = small(rules);
    let with = |proposer| Arm { parameters: rules, proposer };
    let arms = [
        with(Proposer::Alternate),
        with(Proposer::EmptyShare { share_ppm: 0 }),
        with(Proposer::EmptyShare { share_ppm: 1_000_000 }),
        with(Proposer::EmptyShare { share_ppm: 300_000 }),
        with(Proposer::Suppression { share_ppm: 500_000 }),
        Arm::honest(rules),
    ];
    let outcomes = run_arms(&spec, &arms, (4, 0)).unwrap();
    let emptied = |arm: usize| outcomes[arm].attack.blocks_emptied;
    assert_eq!((emptied(0), emptied(1), emptied(5)), (75, 0, 0));
    assert!(outcomes[0].series.utilisation_ppm.iter().skip(1).step_by(2).all(|used| *used == 0));
    assert!(emptied(2) >= 149, "its first turn is drawn with the block before");
    assert!((30..60).contains(&emptied(3)), "{}", emptied(3));
    assert!(emptied(4) > 10 && emptied(4) < outcomes[4].attack.coalition_blocks);
    assert!(outcomes[4].attack.coalition_tips_wei > 0);
    assert_eq!(outcomes[1].series, outcomes[5].series);
}

#[test]
fn the_gas_cap_of_a_transaction_holds() {
    let rules = with(ethereum(30_000_000), [(P::TransactionGasCap, 1_000_000)]);
    let spec = small(ethereum(30_000_000));
    let (mut free, mut capped) = (0, 0);
    let arms = [Arm::honest(ethereum(30_000_000)), Arm::honest(rules)];
    let outcomes = run_observed(&spec, &arms, (1, 0), |arm, block| {
        // What was submitted before the cap may still stand in the first blocks.
        if block.height > 130 {
            let largest = if arm == 0 { &mut free } else { &mut capped };
            *largest = block.transaction_gas_max.max(*largest);
        }
    })
    .unwrap();
    let refused = |arm: usize| outcomes[arm].metrics[&Metric::GasRefused];
    assert!(refused(0) == 0 && refused(1) > 100_000, "{} {}", refused(0), refused(1));
    assert!(free > 1_000_000 && capped <= 1_000_000, "{free} {capped}");
}

#[test]
fn arms_of_different_pace_and_numbers_out_of_bounds_are_refused() {
    let rules = ethereum(30_000_000);
    let spec = small(rules);
    let slow = Arm::honest(with(rules, [(P::BlockTime, 2_000)]));
    let message = run(&spec, &slow, (0, 0)).unwrap_err().to_string();
    assert_eq!(message, "market: blocks take 2000 ms in one arm and 12000 ms in the baseline");
    let wrong = |change: fn(&mut Spec)| {
        let mut spec = spec.clone();
        change(&mut spec);
        run(&spec, &Arm::honest(rules), (0, 0)).unwrap_err().to_string()
    };
    assert!(wrong(|s| s.arrivals.mix.classes.clear()).contains("mix (sum of shares)"));
    assert!(wrong(|s| s.pool.capacity = 1).contains("pool.capacity must be from 16"));
    assert!(wrong(|s| s.users.shares.legacy_ppm = 900_000).contains("users.shares"));
    assert!(wrong(|s| s.blocks = 0).contains("blocks"));
}

#[test]
fn a_blob_market_climbs_from_its_floor_to_a_clearing_price() {
    let rules = with_blobs(Preset::Cancun, ethereum(30_000_000));
    let mut spec = Spec { blocks: 1_500, ..small(ethereum(30_000_000)) };
    spec.arrivals.blobs = Some(blobs());
    let outcome = run(&spec, &Arm::honest(rules), (3, 0)).unwrap();
    let figure = |metric| outcome.metrics[&metric];
    assert!(figure(Metric::BlobsMean) > 2_900, "{}", figure(Metric::BlobsMean));
    assert!(figure(Metric::BlobFeeAtFloor) > 0);
    // From 1 wei an eighth per block at most: ln(10^9) / ln(1.125) is 176 blocks.
    assert!(figure(Metric::BlobTimeToClearing) > 176 * 12 * 1_000 / 3_600);
    assert!(outcome.series.blobs.iter().all(|blobs| *blobs <= 6));
}

/// Everything that must hold in every block, whatever the market.
fn check(spec: &Spec, arms: &[Arm]) -> Result<(), TestCaseError> {
    let mut before: Vec<Option<Block>> = vec![None; arms.len()];
    let mut failure = None;
    let outcomes = run_observed(spec, arms, (77, 1), |arm, block| {
        let held = check_block(spec, &arms[arm], block, before[arm].as_ref());
        failure = failure.take().or(held.err());
        before[arm] = Some(*block);
    });
    prop_assert!(outcomes.is_ok());
    failure.map_or(Ok(()), Err)
}

fn check_block(
    spec: &Spec,
    arm: &Arm,
    block: &Block,
    before: Option<&Block>,
) -> Result<(), TestCaseError> {
    let rules = if block.measured { arm.parameters } else { spec.baseline };
    let money = block.payments;
    prop_assert_eq!(money.deposited_wei, money.burnt_wei + money.tips_wei + money.refunded_wei);
    prop_assert_eq!(money.blob_deposited_wei, money.blob_burnt_wei + money.blob_refunded_wei);
    prop_assert_eq!(money.burnt_wei, u128::from(block.base_fee_wei) * u128::from(block.gas_used));
    prop_assert_eq!(
        money.blob_burnt_wei,
        u128::from(block.blob_fee_wei) * u128::from(block.blobs * GAS_PER_BLOB)
    );
    prop_assert!(block.gas_used <= block.gas_limit && block.gas_limit <= 60_000_000);
    prop_assert!(block.blobs <= rules.get(P::BlobMax));
    prop_assert!(block.base_fee_wei >= rules.min_base_fee_wei());
    prop_assert!(block.headroom_lowest_wei.is_none_or(|headroom| headroom >= 0));
    prop_assert!(block.tip_lowest_wei.is_none_or(|tip| tip >= rules.get(P::PriorityFeeFloor)));
    if let Some(before) = before {
        let parameters = BaseFeeParams::new(
            u128::from(before_rules(spec, arm, before).base_fee_change_denominator()),
            2,
        );
        let next = calc_next_block_base_fee(
            before.gas_used,
            // The library halves the limit; an odd one would lose the target's last unit.
            before.gas_target * 2,
            before.base_fee_wei,
            parameters,
        );
        prop_assert_eq!(block.base_fee_wei, next.max(rules.min_base_fee_wei()));
    }
    Ok(())
}

fn before_rules(spec: &Spec, arm: &Arm, block: &Block) -> Parameters {
    if block.measured { arm.parameters } else { spec.baseline }
}

fn any_arm() -> impl Strategy<Value = Arm> {
    let proposer = prop_oneof![
        Just(Proposer::Honest),
        Just(Proposer::Alternate),
        Just(Proposer::EmptyShare { share_ppm: 200_000 }),
        Just(Proposer::Suppression { share_ppm: 600_000 }),
        Just(Proposer::Stuffing { from_block: 3, blocks: 5, budget_wei: 1 << 70 }),
    ];
    let numbers = (10_000_000u64..60_000_000, 1u64..200, 0u64..30 * GWEI, 0u64..10 * GWEI);
    (numbers, proposer, any::<[bool; 3]>()).prop_map(
        |(numbers, proposer, [blobs, gradual, cap])| {
            let (limit, denominator, floor, priority_fee_floor) = numbers;
            let settings = [
                (P::BaseFeeChangeDenominator, denominator),
                (P::MinBaseFee, floor),
                (P::PriorityFeeFloor, priority_fee_floor),
                (P::GasLimitBoundDivisor, if gradual { 1_024 } else { 0 }),
                (P::TransactionGasCap, if cap { 16_777_216 } else { 0 }),
            ];
            let parameters = with(ethereum(limit), settings);
            let parameters = if blobs { with_blobs(Preset::Osaka, parameters) } else { parameters };
            Arm { parameters, proposer }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn fees_are_conserved_and_limits_hold_in_every_block(
        arms in prop::collection::vec(any_arm(), 1..4), level in 1_000_000u64..80_000_000,
        elasticity_ppm in 0u32..2_000_000, capacity in 16u32..2_000, exponential: bool,
    ) {
        let baseline = with_blobs(Preset::Cancun, ethereum(30_000_000));
        let arrivals = Arrivals {
            elasticity_ppm,
            intervals: if exponential { Intervals::Exponential } else { Intervals::Fixed },
            walk: Some(Walk { sigma_ppm: 400_000, persistence_ppm: 900_000 }),
            blobs: Some(blobs()),
            ..Arrivals::stationary(20 * GWEI, level)
        };
        let spec = Spec {
            arrivals,
            pool: PoolRules { capacity, ..PoolRules::geth() },
            blocks: 40,
            warmup_blocks: 10,
            ..Spec::stated(baseline)
        };
        check(&spec, &arms)?;
    }
}
