use alloy_eips::eip7840::BlobParams;
use chaos_parameters::Preset;

use super::*;
use crate::attack::tests::case;

const PRESETS: [(Preset, BlobParams); 5] = [
    (Preset::Cancun, BlobParams::cancun()),
    (Preset::Prague, BlobParams::prague()),
    (Preset::Osaka, BlobParams::osaka()),
    (Preset::Bpo1, BlobParams::bpo1()),
    (Preset::Bpo2, BlobParams::bpo2()),
];

#[test]
fn fees_and_excess_are_those_of_alloy_in_every_preset() {
    for (preset, blobs) in PRESETS {
        let parameters = preset.parameters();
        let case = case(parameters);
        let (mut excess, mut paid) = (0, 0u128);
        for blocks in 0..300 {
            if blocks % 29 == 0 {
                let run = grief(&parameters, &case, |done, _| done >= blocks);
                assert_eq!(run.fees.excess_blob_gas, excess, "{preset} block {blocks}");
                assert_eq!(run.fees.blob_fee_wei(&parameters), blobs.calc_blob_fee(excess));
                assert_eq!(run.blob_fees_wei, paid);
            }
            let used = blobs.max_blob_gas_per_block();
            paid += blobs.calc_blob_fee(excess) * u128::from(used);
            excess = blobs.next_block_excess_blob_gas_osaka(excess, used, 1_000_000_000);
        }
    }
}

/// From 1 wei to 1 gwei full blocks take `ln(10^9) / ln(r)`, where `r` is the largest rise per
/// block: +12.5 % at a maximum of twice the target, +8.2 % at three to two.
#[test]
fn the_climb_takes_as_long_as_the_published_rises_say() {
    for (preset, rise) in [
        (Preset::Cancun, 1.125f64),
        (Preset::Prague, 1.082),
        (Preset::Osaka, 1.082),
        (Preset::Bpo1, 1.082),
        (Preset::Bpo2, 1.082),
    ] {
        let parameters = preset.parameters();
        let run = grief(&parameters, &case(parameters), |_, fee| fee >= 1_000_000_000);
        let expect = 1e9f64.ln() / rise.ln();
        let blocks = f64::from(u32::try_from(run.blocks).unwrap());
        assert!((blocks - expect).abs() < 2.0, "{preset}: {blocks} {expect}");
    }
}

/// EIP-7762 moves the floor to 2^25 wei so that the climb is short.
#[test]
fn a_higher_floor_shortens_the_climb() {
    let blocks = |floor| {
        let floor = chaos_parameters::Setting::new(P::BlobMinFee, floor).unwrap();
        let parameters = Preset::Cancun.parameters().with(floor);
        grief(&parameters, &case(parameters), |_, fee| fee >= 1_000_000_000).blocks
    };
    assert_eq!(blocks(1), 176);
    assert_eq!(blocks(1 << 25), 29);
}

#[test]
fn the_reserve_price_holds_the_fee_after_the_attack() {
    let value = |preset: Preset, name: &str| {
        let parameters = preset.parameters();
        let rows = figures(&parameters, &case(parameters));
        rows.iter().find(|row| row.name == name).unwrap().value
    };
    // 8192 x 1 gwei / 131072.
    assert_eq!(value(Preset::Osaka, "reserve_price"), 62_500_000);
    assert_eq!(value(Preset::Prague, "reserve_price"), 0);
    assert_eq!(value(Preset::Prague, "reserve_price_active_at_floor"), 0);
    assert_eq!(value(Preset::Osaka, "reserve_price_active_at_floor"), 1);
    assert_eq!(value(Preset::Prague, "blob_fee_after_1_empty_hour"), 1);
    let held = value(Preset::Osaka, "blob_fee_after_1_empty_hour");
    assert!(held < 62_500_000 && held > 62_500_000 * 8 / 10, "{held}");
}
