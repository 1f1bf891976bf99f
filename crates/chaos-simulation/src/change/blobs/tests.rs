use chaos_parameters::{Preset, pricing::GAS_PER_BLOB};

use super::*;

fn rule(preset: Preset) -> BlobRule {
    BlobRule::of(&preset.parameters()).unwrap()
}

/// Demand in hundredths of a blob, slope in hundredths of it, kink in wei.
fn curve(free: i64, slope: i64, kink_wei: u64) -> Curve {
    let free_q32 = (free << 32) / 100;
    Curve {
        free_q32,
        slope_q32: free_q32 * slope / 100,
        kink_ln_q32: fixed::ln_q32(kink_wei.into()),
    }
}

/// Blobs as blocks have them: many with few, some with many.
const DRAWS: [u8; 20] = [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 6, 6];

/// Blocks by a known demand under a rule, from `first` on.
fn generated(
    rule: &BlobRule,
    curve: Curve,
    (first, blocks, excess): (u64, usize, u64),
    base_fee_wei: Option<u64>,
    seed: u64,
) -> Vec<BlobBlock> {
    let persistence_q32 = fixed::ppm_to_q32(950_000);
    let slow = path::Slow { persistence_q32, sd_q32: fixed::ppm_to_q32(100_000), start_q32: 0 };
    let market = Market {
        rule,
        curve,
        slow,
        draws: &DRAWS,
        excess_blob_gas: excess,
        base_fee_ln_q32: base_fee_wei.map(|fee| fixed::ln_q32(fee.into())),
    };
    let (mut found, mut excess) = (Vec::with_capacity(blocks), excess);
    let mut number = first;
    let mut random = generator(seed, 0, b"test");
    market.run(&SoftKink::new(), blocks, &mut random, |step| {
        found.push(BlobBlock {
            number,
            timestamp: 1_700_000_000 + 12 * number,
            excess_blob_gas: excess,
            blobs: step.blobs,
            base_fee_wei: None,
            rule: *rule,
            reserved: None,
        });
        excess = rule.next_excess(excess, step.blobs * GAS_PER_BLOB, step.reserved);
        number += 1;
    });
    found
}

/// A market held back by its target, whose demand is known.
fn held_back(seed: u64, truth: Curve, blocks: usize) -> Vec<BlobBlock> {
    let cancun = rule(Preset::Cancun);
    // ln of the price is 20, where such a demand is near its target.
    generated(&cancun, truth, (1_000, blocks, 20 * 3_338_477), None, seed)
}

fn options() -> Options {
    Options { seed: 1, paths: 66, fit_blocks: 60_000, horizon_blocks: 7_200 }
}

const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

#[test]
fn more_room_than_demand_fills_to_the_demand_and_not_to_the_target() {
    let truth = curve(370, 12, 700_000_000);
    let before = held_back(3, truth, 60_000);
    let prague = rule(Preset::Prague);
    let mut forecast = forecast(&before, &prague, &options(), TWO).unwrap();
    let first = before[before.len() - 1].number + 1;
    let last = before[before.len() - 1];
    let used = last.blobs * GAS_PER_BLOB;
    let excess = prague.next_excess(last.excess_blob_gas, used, false);
    let after = generated(&prague, truth, (first, 7_200, excess), None, 4);
    score(&mut forecast, &after).unwrap();
    let row = |name: &str| forecast.rows.iter().find(|row| row.name == name).unwrap();
    let blobs = row("blobs_per_block");
    assert!(blobs.error().unwrap().abs() < 600_000, "{blobs:?}");
    assert!(blobs.skill_proportional_ppm().unwrap() > 800_000, "six blobs were never wanted");
    assert!(forecast.demand.below_target_ppm > 950_000);
    assert!(forecast.rows.iter().all(|row| row.name != "reserve_share"), "Prague has none");
    let fee = row("blob_fee_median");
    assert!(matches!(fee.standing, Standing::Shown(_)), "the floor was certain: {fee:?}");
    assert!(row("floor_share").skill_fair_ppm().unwrap() > 500_000, "it was never there");
}

#[test]
fn known_demand_is_read_at_most_a_fifth_too_low_and_hardly_too_high() {
    let near = (0..10)
        .filter(|seed: &u64| {
            let step = i64::try_from(*seed).unwrap();
            let truth = curve(330 + 6 * step, 8 + step, 400_000_000 + 60_000_000 * seed);
            let before = held_back(10 + seed, truth, 40_000);
            let asked = Options { paths: 99, fit_blocks: 40_000, horizon_blocks: 600, ..options() };
            let found = forecast(&before, &rule(Preset::Prague), &asked, TWO).unwrap();
            let free = i128::from(fixed::q32_to_ppm(truth.free_q32));
            let read = found.demand.free_demand.p50;
            (free * 8 / 10..=free * 21 / 20).contains(&read)
        })
        .count();
    assert_eq!(near, 10);
}

#[test]
fn the_reserve_share_is_the_closed_form_and_branches_are_read_from_the_rows() {
    let (osaka, bpo1) = (rule(Preset::Osaka), rule(Preset::Bpo1));
    let truth = curve(490, 10, 60_000_000);
    let base_fee = 80_000_000u64;
    let before =
        generated(&osaka, truth, (1_000, 40_000, osaka.update_fraction * 15), Some(base_fee), 5);
    let asked = Options { fit_blocks: 40_000, ..options() };
    let mut forecast = forecast(&before, &bpo1, &asked, TWO).unwrap();
    let implied = forecast.demand.base_fee_wei.unwrap().0;
    assert!((50_000_000..130_000_000).contains(&implied), "{implied}");
    let first = before[before.len() - 1].number + 1;
    let excess = bpo1.update_fraction * 15;
    let after = generated(&bpo1, truth, (first, 7_200, excess), Some(base_fee), 6);
    score(&mut forecast, &after).unwrap();
    let row = |name: &str| forecast.rows.iter().find(|row| row.name == name).unwrap();
    let share = row("reserve_share");
    assert_eq!(share.inside_80(), Some(true), "{share:?}");
    let closed = forecast.reserve_share_closed_form_observed.unwrap().0;
    assert!((closed - share.observed.unwrap().0).abs() < 30_000, "{closed} {share:?}");
    let fee = row("blob_fee_median");
    assert!(matches!(fee.standing, Standing::Refused(_)), "no base fee, no score: {fee:?}");
    assert_eq!((fee.inside_80(), fee.skill_fair_ppm()), (None, None));
    // With base fees the price is scored.
    let priced: Vec<BlobBlock> = after
        .iter()
        .map(|block| BlobBlock { base_fee_wei: Some(base_fee.into()), ..*block })
        .collect();
    let mut told = self::forecast(&before, &bpo1, &asked, TWO).unwrap();
    score(&mut told, &priced).unwrap();
    let fee = told.rows.iter().find(|row| row.name == "blob_fee_median").unwrap();
    assert_eq!(fee.standing, Standing::Counted);
}

#[test]
fn the_reserve_share_is_one_without_blobs_and_nothing_at_the_target() {
    let bpo1 = rule(Preset::Bpo1);
    assert_eq!(reserve_share_ppm(&bpo1, 0), 1_000_000);
    assert_eq!(reserve_share_ppm(&bpo1, 10_000_000), 0);
    assert_eq!(reserve_share_ppm(&bpo1, 14_000_000), 0);
    // demand.md's day at 4.93 blobs: (10 - 4.93) / (5.07 + 4.93 / 3).
    assert_eq!(reserve_share_ppm(&bpo1, 4_930_000), 755_213);
}

#[test]
fn threads_change_nothing_and_seeds_do() {
    let before = held_back(7, curve(350, 12, 500_000_000), 20_000);
    let asked = Options { paths: 33, fit_blocks: 20_000, horizon_blocks: 1_200, ..options() };
    let prague = rule(Preset::Prague);
    let run = |seed, threads| {
        forecast(&before, &prague, &Options { seed, ..asked }, threads).unwrap().rows
    };
    assert_eq!(run(1, NonZeroUsize::MIN), run(1, TWO));
    assert_ne!(run(1, TWO), run(2, TWO));
}

#[test]
fn blocks_that_are_missing_or_few_are_refused() {
    let mut before = held_back(8, curve(350, 12, 500_000_000), 15_000);
    let prague = rule(Preset::Prague);
    let asked = Options { paths: 33, ..options() };
    let short = forecast(&before[1_000..], &prague, &asked, TWO);
    assert!(matches!(short, Err(Error::TooFew { found: 14_000, .. })), "{short:?}");
    before.remove(14_990);
    let gap = forecast(&before, &prague, &asked, TWO);
    assert!(matches!(gap, Err(Error::Gap { missing: 1, after: 15_989, .. })), "{gap:?}");
    let few = Options { paths: 32, ..options() };
    assert!(matches!(forecast(&before, &prague, &few, TWO), Err(Error::OutOfBounds { .. })));
}
