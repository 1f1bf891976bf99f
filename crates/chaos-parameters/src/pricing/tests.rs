use alloy_eips::eip7840::BlobParams;
use proptest::prelude::*;

use super::*;
use crate::{ParameterName as P, Preset, Setting};

fn full(parameters: &Parameters) -> BlockUse {
    BlockUse { gas: parameters.gas_limit(), blob_gas: 0, elapsed_ms: parameters.block_time_ms() }
}

fn published(preset: Preset) -> BlobParams {
    match preset {
        Preset::Cancun => BlobParams::cancun(),
        Preset::Prague => BlobParams::prague(),
        Preset::Osaka => BlobParams::osaka(),
        Preset::Bpo1 => BlobParams::bpo1(),
        Preset::Bpo2 => BlobParams::bpo2(),
        other => unreachable!("{other} has no blobs"),
    }
}

const WITH_BLOBS: [Preset; 5] =
    [Preset::Cancun, Preset::Prague, Preset::Osaka, Preset::Bpo1, Preset::Bpo2];

#[test]
fn blob_presets_are_the_published_ones() {
    for preset in WITH_BLOBS {
        let (ours, theirs) = (preset.parameters(), published(preset));
        assert_eq!(ours.get(P::BlobTarget), theirs.target_blob_count, "{preset}");
        assert_eq!(ours.get(P::BlobMax), theirs.max_blob_count, "{preset}");
        assert_eq!(u128::from(ours.get(P::BlobUpdateFraction)), theirs.update_fraction);
        assert_eq!(u128::from(ours.get(P::BlobMinFee)), theirs.min_blob_fee, "{preset}");
        assert_eq!(ours.get(P::BlobBaseCost), theirs.blob_base_cost, "{preset}");
    }
}

proptest! {
    #[test]
    fn blob_fee_and_excess_follow_the_reference_rule(
        preset in prop::sample::select(&WITH_BLOBS),
        excess in 0u64..60_000_000,
        blobs in 0u64..=21,
        base_fee in 1u64..1_000_000_000_000,
    ) {
        let (parameters, reference) = (preset.parameters(), published(preset));
        let blob_gas = blobs.min(reference.max_blob_count) * GAS_PER_BLOB;
        let mut state = FeeState::settled(&parameters, base_fee.into());
        state.excess_blob_gas = excess;
        prop_assert_eq!(state.blob_fee_wei(&parameters), reference.calc_blob_fee(excess));
        let next = state.advance(&parameters, BlockUse { gas: 0, blob_gas, elapsed_ms: 12_000 });
        prop_assert_eq!(
            next.excess_blob_gas,
            reference.next_block_excess_blob_gas_osaka(excess, blob_gas, base_fee)
        );
    }

    #[test]
    fn the_base_fee_never_falls_below_its_floor(
        floor in 0u64..10_000_000,
        start in 0u128..1_000_000_000,
        uses in prop::collection::vec(0u64..=400_000_000, 1..60),
    ) {
        let floor_setting = Setting::new(P::MinBaseFee, floor).unwrap();
        for preset in [Preset::Base2026, Preset::Osaka, Preset::Arbos51] {
            let parameters = preset.parameters().apply(&[floor_setting]).unwrap();
            let mut state = FeeState::settled(&parameters, start);
            for gas in &uses {
                let gas = (*gas).min(state.gas_limit);
                state = state.advance(&parameters, BlockUse { gas, blob_gas: 0, elapsed_ms: 2_000 });
                prop_assert!(state.base_fee_wei >= u128::from(floor));
            }
        }
    }
}

#[test]
fn the_limit_reaches_200_mgas_from_60_at_the_published_block() {
    // https://github.com/misilva73/glamsterdam-gas-limit-sim: +1/1024 per block, block 1,234.
    let at = |name, value| Setting::new(name, value).unwrap();
    let target = [at(P::GasLimit, 200_000_000), at(P::GasLimitBoundDivisor, 1_024)];
    let proposal = Preset::Osaka.parameters().apply(&target).unwrap();
    let mut state = FeeState::settled(&Preset::Osaka.parameters(), 1_000_000_000);
    let mut blocks = 0;
    while state.gas_limit < 200_000_000 {
        state = state.advance(&proposal, BlockUse { gas: 0, blob_gas: 0, elapsed_ms: 12_000 });
        blocks += 1;
    }
    assert_eq!(blocks, 1_234);
}

fn changed(preset: Preset, settings: &[(P, u64)]) -> Parameters {
    let settings: Vec<Setting> =
        settings.iter().map(|(name, value)| Setting::new(*name, *value).unwrap()).collect();
    preset.parameters().apply(&settings).unwrap()
}

#[test]
fn a_raised_floor_holds_in_the_first_block_under_it() {
    let before = Preset::Osaka.parameters();
    let floor = changed(Preset::Osaka, &[(P::MinBaseFee, 5_000_000_000)]);
    let settled = FeeState::settled(&before, 1_000_000_000);
    assert_eq!(settled.enact(&floor).base_fee_wei, 5_000_000_000);
    let dear = FeeState::settled(&before, 7_000_000_000);
    assert_eq!(dear.enact(&floor).base_fee_wei, 7_000_000_000);
    // A lowered floor lets the fee fall from the next block on, by the rule's step.
    let low = FeeState::settled(&floor, 1).enact(&before);
    assert_eq!(low.base_fee_wei, 5_000_000_000);
    let empty = BlockUse { gas: 0, blob_gas: 0, elapsed_ms: 12_000 };
    assert_eq!(low.advance(&before, empty).base_fee_wei, 4_375_000_000);
}

#[test]
fn the_first_block_of_a_bound_limit_takes_the_first_step() {
    let before = Preset::Osaka.parameters();
    for (divisor, limits) in
        [(1_024, [60_058_592, 60_117_241, 60_175_948]), (100, [60_599_999, 61_205_997, 61_818_055])]
    {
        let raised = [(P::GasLimit, 120_000_000), (P::GasLimitBoundDivisor, divisor)];
        let proposal = changed(Preset::Osaka, &raised);
        let mut state = FeeState::settled(&before, 1_000_000_000).enact(&proposal);
        for limit in limits {
            assert_eq!((state.gas_limit, state.gas_target(&proposal)), (limit, limit / 2));
            state = state.advance(&proposal, full(&proposal));
        }
    }
}

#[test]
fn a_change_in_the_middle_of_a_walk_takes_one_step_per_block() {
    let up = changed(Preset::Osaka, &[(P::GasLimit, 120_000_000), (P::GasLimitBoundDivisor, 100)]);
    let down = changed(Preset::Osaka, &[(P::GasLimit, 30_000_000), (P::GasLimitBoundDivisor, 100)]);
    let first = FeeState::settled(&Preset::Osaka.parameters(), 1).enact(&up);
    let second = first.advance(&up, full(&up));
    assert_eq!(second.gas_limit, 61_205_997);
    // The second block is made under the lower limit after all: one step below its parent.
    assert_eq!(second.enact(&down).gas_limit, 60_599_999 - 605_998);
    assert_eq!(second.enact(&down).enact(&up), second);
}

#[test]
fn a_limit_whose_bound_is_below_two_gas_cannot_move() {
    let rule = LimitRule { wanted: 30_000_000, bound_divisor: 1_000_000 };
    assert_eq!((rule.next(1_999_999), rule.next(2_000_000)), (1_999_999, 2_000_001));
}

proptest! {
    #[test]
    fn rules_that_do_not_change_change_nothing(
        preset in prop::sample::select(&Preset::ALL[..]), fee in 0u128..1 << 64, blocks in 0u32..5,
    ) {
        let parameters = preset.parameters();
        let mut state = FeeState::settled(&parameters, fee);
        for _ in 0..blocks {
            state = state.advance(&parameters, full(&parameters));
        }
        prop_assert_eq!(state.enact(&parameters), state);
    }
}

#[test]
fn a_limit_without_a_bound_takes_effect_at_once() {
    let setting = Setting::new(P::GasLimit, 200_000_000).unwrap();
    let proposal = Preset::Osaka.parameters().apply(&[setting]).unwrap();
    let state = FeeState::settled(&Preset::Osaka.parameters(), 1);
    assert_eq!(state.advance(&proposal, full(&proposal)).gas_limit, 200_000_000);
}

#[test]
fn a_floor_shortens_the_climb_to_the_market_price() {
    // The OP-stack design document on the minimum base fee gives 411 blocks from 1 wei and 59 with
    // its floor, at denominator 50 and elasticity 2 on its example; the exact integer rule is
    // slower below the denominator, where a step is one wei.
    let parameters = Preset::Base2026.parameters();
    let floor = Setting::new(P::MinBaseFee, 0).unwrap();
    let without = parameters.apply(&[floor]).unwrap();
    let market = 10_000_000;
    let from_floor = climb(&parameters, 0, market).unwrap();
    let from_one = climb(&without, 1, market).unwrap();
    // ln(5) / ln(1.04) = 41.04.
    assert_eq!(from_floor.blocks, 42);
    assert_eq!(from_floor.duration_ms, 84_000);
    assert!(from_one.blocks > 5 * from_floor.blocks, "{from_one:?}");
}

#[test]
fn doubling_times_are_the_logarithms() {
    // ln 2 / ln(1 + (e - 1) / d): 5.88 at d = 8, e = 2; 35.0 at d = 250, e = 6.
    assert_eq!(doubling_blocks(&Preset::London.parameters()), Some(6));
    assert_eq!(doubling_blocks(&Preset::OpCanyon.parameters()), Some(36));
}

#[test]
fn elasticity_one_never_climbs() {
    let setting = Setting::new(P::ElasticityMultiplier, 1).unwrap();
    let parameters = Preset::London.parameters().apply(&[setting]).unwrap();
    assert_eq!(climb(&parameters, 1_000, 2_000), None);
}
