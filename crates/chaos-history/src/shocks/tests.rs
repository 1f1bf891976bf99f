use super::*;

/// Blocks whose use relative to the target falls by `response_ppm` of what ln fee rises by, with a fee
/// that wanders by itself.
fn wandering(blocks: u64, response_ppm: i64, full: bool) -> Vec<ObservedBlock> {
    let mut seed = 1u64;
    let mut draw = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(seed >> 44).unwrap() - (1 << 19)
    };
    let mut fee_ppm = 0i64;
    (0..blocks)
        .map(|number| {
            // A new level for every 200 blocks, so that shocks outlast a period.
            if number % 200 == 0 {
                fee_ppm = draw();
            }
            let noise = draw() / 20;
            let used = 500_000 - fee_ppm * response_ppm / 2_000_000 + noise;
            let log2 = fixed::ln_to_log2_q32(fixed::ppm_to_q32(fee_ppm));
            ObservedBlock {
                number,
                timestamp: 12 * number,
                gas_used: if full {
                    30_000_000
                } else {
                    30 * used.clamp(0, 1_000_000).unsigned_abs()
                },
                gas_limit: 30_000_000,
                base_fee_wei: Some(fixed::scale_exp2(20_000_000_000, log2)),
            }
        })
        .collect()
}

#[test]
fn response_of_use_to_a_wandering_fee_is_found() {
    let changes = periods(&wandering(10_000, 110_000, false), 2, 25);
    let found = regress(&changes).unwrap();
    assert!((found - 110_000).abs() < 15_000, "{found}");
}

#[test]
fn elasticity_and_coefficient_are_read_from_one_table() {
    for (ppm, [short, long]) in TABLE {
        assert_eq!((elasticity(short, 0), coefficient(ppm, 0)), (ppm, short));
        assert_eq!(coefficient(ppm, 1), long);
    }
    assert_eq!((elasticity(-1, 0), elasticity(0, 0), elasticity(1_000_000, 0)), (0, 0, 500_000));
    // The rising branch alone.
    assert_eq!(elasticity(300_000, 1), 300_000);
}

#[test]
fn blocks_that_cannot_show_it_are_refused_with_what_is_missing() {
    let short = elasticity_from_shocks(&wandering(4_999, 110_000, false), 2);
    assert_eq!(short, Err(ShockError::TooShort { found: 4_999 }));
    let full = elasticity_from_shocks(&wandering(6_000, 110_000, true), 2);
    assert_eq!(full, Err(ShockError::Saturated { full_ppm: 1_000_000 }));
    let mut gap = wandering(6_000, 110_000, false);
    gap.remove(3_000);
    assert_eq!(elasticity_from_shocks(&gap, 2), Err(ShockError::TooShort { found: 2_999 }));
    let mut still = wandering(6_000, 110_000, false);
    still.iter_mut().for_each(|block| block.base_fee_wei = Some(7));
    assert_eq!(elasticity_from_shocks(&still, 2), Err(ShockError::NoShocks));
}
