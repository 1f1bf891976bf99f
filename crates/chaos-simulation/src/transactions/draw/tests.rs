use super::*;
use crate::transactions::arrivals::{GasMix, Walk};

const ANCHOR: u64 = 20_000_000_000;

fn level(blocks: u32, arrivals: &Arrivals) -> (f64, f64) {
    let mut draw = Draw::new(arrivals, 0, (11, 0));
    let (mut gas, mut users) = (0.0, 0.0);
    for height in 0..blocks {
        draw.next_block(height);
        let willing = draw.users.iter().filter(|user| user.value_wei > ANCHOR);
        gas += willing.clone().map(|user| f64::from(user.gas)).sum::<f64>();
        users += willing.count() as f64;
    }
    (gas / f64::from(blocks), users / f64::from(blocks))
}

/// The oracle is the Pareto law itself: P(value > k anchor | value > anchor) = k^-elasticity.
#[test]
fn values_have_the_assumed_elasticity() {
    for elasticity_ppm in [50_000, 200_000, 1_000_000, 2_000_000] {
        let values = Values::new(ANCHOR, elasticity_ppm);
        let scale = Scale::new();
        let mut generator = generator((3, 1), b"test");
        let draws: Vec<u64> =
            (0..400_000).map(|_| values.draw(&scale, generator.next_u32())).collect();
        let above = |factor: f64| {
            let price = ANCHOR as f64 * factor;
            draws.iter().filter(|value| **value as f64 > price).count() as f64
        };
        for factor in [2.0f64, 4.0, 16.0] {
            let expected = factor.powf(-f64::from(elasticity_ppm) / 1e6);
            let found = above(factor) / above(1.0);
            let deviation = (expected * (1.0 - expected) / above(1.0)).sqrt();
            assert!(
                (found - expected).abs() < 4.0 * deviation,
                "{elasticity_ppm} {factor} {found}"
            );
        }
    }
}

#[test]
fn demand_at_the_anchor_is_the_level_at_any_elasticity() {
    for elasticity_ppm in [0, 6_000, 200_000, 1_000_000, 3_000_000] {
        let arrivals = Arrivals {
            elasticity_ppm,
            mix: GasMix::uniform(100_000),
            ..Arrivals::stationary(ANCHOR, 15_000_000)
        };
        let (gas, users) = level(2_000, &arrivals);
        // 150 users per block; the mean over 2,000 blocks deviates by 0.2 %.
        assert!((gas / 15e6 - 1.0).abs() < 0.01, "{elasticity_ppm}: {gas}");
        assert!((users / 150.0 - 1.0).abs() < 0.01);
    }
}

#[test]
fn cycle_walk_bursts_and_intervals_keep_the_mean() {
    let plain =
        Arrivals { mix: GasMix::uniform(50_000), ..Arrivals::stationary(ANCHOR, 15_000_000) };
    let cycle = Some(Cycle { period_blocks: 500, amplitude_ppm: 400_000, phase_blocks: 77 });
    let walk = Some(Walk { sigma_ppm: 300_000, persistence_ppm: 500_000 });
    let bursts = Some(Bursts { probability_ppm: 10_000, factor_ppm: 3_000_000, blocks: 20 });
    for arrivals in [
        Arrivals { cycle, ..plain.clone() },
        Arrivals { walk, ..plain.clone() },
        Arrivals { bursts, ..plain.clone() },
        Arrivals { intervals: Intervals::Exponential, ..plain.clone() },
        Arrivals { level: Level::Replayed(vec![5_000_000, 25_000_000]), ..plain.clone() },
    ] {
        let (gas, _) = level(10_000, &arrivals);
        assert!((gas / 15e6 - 1.0).abs() < 0.04, "{arrivals:?}: {gas}");
    }
}

#[test]
fn a_shock_multiplies_demand_while_it_lasts() {
    let arrivals = Arrivals {
        shocks: vec![Shock { from_block: 10, blocks: Some(5), factor_ppm: 10_000_000 }],
        ..Arrivals::stationary(ANCHOR, 15_000_000)
    };
    let mut draw = Draw::new(&arrivals, 100, (1, 1));
    let factors: Vec<i64> = (0..130).map(|height| draw.factor_log2_q32(height)).collect();
    let ten = fixed::log2_q32(10_000_000) - fixed::log2_q32(1_000_000);
    for (height, factor) in factors.into_iter().enumerate() {
        assert_eq!(factor, if (110..115).contains(&height) { ten } else { 0 }, "{height}");
    }
}

#[test]
fn the_cycle_is_a_sine() {
    let cycle = Cycle { period_blocks: 360, amplitude_ppm: 500_000, phase_blocks: 0 };
    for height in 0..720u32 {
        let expected = 1.0 + 0.5 * f64::from(height).to_radians().sin();
        let found = (cycle_log2_q32(&cycle, height) as f64 / 2f64.powi(32)).exp2();
        assert!((found - expected).abs() < 0.001, "{height}: {found} {expected}");
    }
}

/// A Poisson number's variance is its mean, whichever of the two ways draws it.
#[test]
fn counts_have_the_mean_and_variance_of_a_poisson_number() {
    let scale = Scale::new();
    let mut generator = generator((5, 0), b"test");
    for mean_milli in [300u32, 4_000, 31_900, 33_000, 800_000] {
        let mean = f64::from(mean_milli) / 1e3;
        let mean_q24 = (u64::from(mean_milli) << 24) / 1_000;
        let draws: Vec<f64> =
            (0..20_000).map(|_| poisson(mean_q24, &scale, &mut generator) as f64).collect();
        let found = draws.iter().sum::<f64>() / 2e4;
        let variance = draws.iter().map(|draw| (draw - found).powi(2)).sum::<f64>() / 2e4;
        assert!((found - mean).abs() < 4.0 * (mean / 2e4).sqrt(), "{mean}: {found}");
        assert!((variance / mean - 1.0).abs() < 0.06, "{mean}: {variance}");
    }
}

#[test]
fn the_recorded_mix_has_the_measured_mean() {
    let arrivals = Arrivals::stationary(ANCHOR, 15_000_000);
    let sizes = gas_quantiles(&arrivals, &Scale::new());
    assert_eq!(sizes.len(), GAS_POINTS);
    let mean = sizes.iter().map(|gas| f64::from(*gas)).sum::<f64>() / GAS_POINTS as f64;
    assert!((mean / 83_317.0 - 1.0).abs() < 0.01, "{mean}");
}

#[test]
fn blobs_arrive_at_their_level_with_their_weights() {
    let blobs = BlobDemand {
        level_milli: 7_000,
        anchor_wei: 1_000_000_000,
        elasticity_ppm: 500_000,
        weights: [1, 0, 0, 0, 0, 3],
        gas: 21_000,
    };
    let arrivals = Arrivals { blobs: Some(blobs), ..Arrivals::stationary(ANCHOR, 1_000_000) };
    let mut draw = Draw::new(&arrivals, 0, (1, 0));
    let (mut ones, mut sixes) = (0u32, 0u32);
    for height in 0..8_000 {
        draw.next_block(height);
        for user in draw.users.iter().filter(|user| user.blob_value_wei > 1_000_000_000) {
            match user.blobs {
                1 => ones += 1,
                6 => sixes += 1,
                other => panic!("{other} blobs have no weight"),
            }
        }
    }
    let per_block = f64::from(ones + 6 * sixes) / 8e3;
    assert!((per_block / 7.0 - 1.0).abs() < 0.04, "{per_block}");
    assert!((f64::from(sixes) / f64::from(ones) - 3.0).abs() < 0.3);
}
