use alloy_eips::eip7840::BlobParams;
use proptest::prelude::*;

use super::*;
use crate::{Preset, Setting};

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
        let blob_gas = blobs.min(reference.max_blob_count) * DATA_GAS_PER_BLOB;
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
