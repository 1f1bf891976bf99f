use super::*;

fn observed(count: u64, base_fee_wei: u128) -> Vec<ObservedBlock> {
    (0..count)
        .map(|number| ObservedBlock {
            number,
            timestamp: 12 * number,
            gas_used: 15_000_000,
            gas_limit: 30_000_000,
            base_fee_wei: Some(base_fee_wei),
        })
        .collect()
}

fn rows(used: u64) -> RowsUsed {
    RowsUsed {
        given: used,
        without_base_fee: 0,
        not_consecutive: 0,
        other_era: 0,
        used,
        first_block: 0,
        last_block: used.saturating_sub(1),
    }
}

fn judged(seen: &[ObservedBlock], model: &[ObservedBlock], clamps: &[Clamp]) -> Calibration {
    let parameters = Parameters::ethereum(30_000_000).unwrap();
    Compared {
        rows: rows(seen.len() as u64),
        observed: seen,
        modelled: &Pool::of_observed(model),
        clamps,
        baseline: &parameters,
        proposal: &parameters,
    }
    .judge()
}

#[test]
fn a_model_that_is_the_chain_is_calibrated() {
    let chain = observed(1_000, 20_000_000_000);
    let found = judged(&chain, &chain, &[]);
    assert_eq!((found.status, found.reasons.len()), (CalibrationStatus::Calibrated, 0));
    assert!(found.figures.values().all(|row| row.ratio_ppm.is_none_or(|ppm| ppm == 1_000_000)));
}

#[test]
fn a_median_a_tenth_away_passes_and_one_further_does_not() {
    let chain = observed(1_000, 20_000_000_000);
    assert!(judged(&chain, &observed(1_000, 21_900_000_000), &[]).is_usable());
    for far in [22_100_000_000, 17_900_000_000] {
        let found = judged(&chain, &observed(1_000, far), &[]);
        assert_eq!(found.status, CalibrationStatus::NotCalibrated);
        assert!(found.reasons[0].starts_with("base_fee_median is"), "{:?}", found.reasons);
    }
}

#[test]
fn a_fit_at_its_bound_is_not_calibrated_however_near_its_figures() {
    let chain = observed(1_000, 20_000_000_000);
    for clamp in [Clamp::Empty, Clamp::FastNoise, Clamp::Patience] {
        assert_eq!(judged(&chain, &chain, &[clamp]).status, CalibrationStatus::NotCalibrated);
    }
}

#[test]
fn few_rows_show_a_level_and_fewer_show_nothing() {
    let status = |count| judged(&observed(count, 7), &observed(50, 7), &[]).status;
    assert_eq!(status(999), CalibrationStatus::LevelOnly);
    assert_eq!(status(24), CalibrationStatus::LevelOnly);
    assert_eq!(status(23), CalibrationStatus::NotCalibrated);
}

#[test]
fn a_percentile_of_pooled_blocks_is_good_to_a_tenth_of_a_percent() {
    let mut blocks = observed(1_000, 0);
    for (place, block) in blocks.iter_mut().enumerate() {
        block.base_fee_wei = Some(1_000_000_000 + 1_000_000 * place as u128);
    }
    let pool = Pool::of_observed(&blocks);
    for (percent, exact) in [(50, 1_499_000_000i128), (95, 1_949_000_000)] {
        assert!((pool.fee(percent) - exact).abs() * 1_000 < exact, "{}", pool.fee(percent));
    }
    let halves = Pool::of_observed(&blocks[..400]).merge(&Pool::of_observed(&blocks[400..]));
    assert_eq!(halves.fee(50), pool.fee(50));
}

#[test]
fn capacity_beyond_a_third_is_outside_the_data() {
    let of = |limit| {
        let baseline = Parameters::ethereum(30_000_000).unwrap();
        let proposal = Parameters::ethereum(limit).unwrap();
        let chain = observed(24, 7);
        let pool = Pool::of_observed(&chain);
        let compared = Compared {
            rows: rows(24),
            observed: &chain,
            modelled: &pool,
            clamps: &[],
            baseline: &baseline,
            proposal: &proposal,
        };
        compared.judge().outside_the_data
    };
    assert_eq!((of(40_500_000), of(19_500_000)), (None, None));
    assert!(of(60_000_000).unwrap().contains("200 % of today's"));
    assert!(of(19_000_000).is_some());
}
