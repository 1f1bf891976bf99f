use super::*;

fn blocks(numbers: impl Iterator<Item = u64>, gas_limit: u64) -> Vec<ObservedBlock> {
    numbers
        .map(|number| ObservedBlock {
            number,
            timestamp: 12 * number,
            gas_used: gas_limit / 2,
            gas_limit,
            base_fee_wei: Some(20_000_000_000),
        })
        .collect()
}

#[test]
fn rows_of_one_run_and_one_era_are_used_and_the_others_counted() {
    let mut all = blocks(1..=500, 30_000_000);
    all.extend(blocks(1_000..=2_999, 30_000_000));
    all.extend(blocks(3_000..=4_499, 36_000_000));
    all[0].base_fee_wei = None;
    let (rows, counts) = used(&all).unwrap();
    assert_eq!((rows[0].number, rows.len()), (3_000, 1_500));
    let expected = RowsUsed {
        given: 4_000,
        without_base_fee: 1,
        not_consecutive: 499,
        other_era: 2_000,
        used: 1_500,
        first_block: 3_000,
        last_block: 4_499,
    };
    assert_eq!(counts, expected);
}

#[test]
fn the_newest_long_run_is_taken_before_a_longer_one() {
    let mut all = blocks(1..=5_000, 30_000_000);
    all.extend(blocks(6_000..=6_999, 30_000_000));
    assert_eq!(used(&all).unwrap().1.first_block, 6_000);
    all.pop();
    assert_eq!(used(&all).unwrap().1.first_block, 1);
}

#[test]
fn posterior_has_its_stated_quantiles() {
    let points = POSTERIOR_ELASTICITIES_PPM;
    assert!(points.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(POSTERIOR_MEDIAN_PPM, 250_000);
    // The tenth of 33 lies between the third and the fourth point.
    assert!(
        (points[2]..points[3]).contains(&123_500) && (points[29]..points[30]).contains(&506_000)
    );
}

#[test]
fn demand_between_knots_lies_between_theirs() {
    let demand = |level_gas, slow_sigma_ppm| Demand {
        level_gas,
        slow_sigma_ppm,
        ..read_off(&blocks(1..=30, 30_000_000), &Assumptions::default()).unwrap()
    };
    let fitted = Fitted {
        knots: vec![(100_000, demand(16_000_000, 10_000)), (400_000, demand(20_000_000, 50_000))],
        rows: used(&blocks(1..=30, 30_000_000)).unwrap().1,
        blocks: Vec::new(),
        clamps: Vec::new(),
        base_fee_max_wei: 0,
    };
    assert_eq!(fitted.at(100_000).level_gas, 16_000_000);
    assert_eq!(fitted.at(50_000).level_gas, 16_000_000);
    assert_eq!(fitted.at(400_000).level_gas, 20_000_000);
    assert_eq!(fitted.at(900_000).level_gas, 20_000_000);
    // Half way of a factor of four is a factor of two.
    let middle = fitted.at(200_000);
    assert!(middle.level_gas.abs_diff(17_888_543) < 5, "{}", middle.level_gas);
    assert!((middle.slow_sigma_ppm - 30_000).abs() < 2, "{}", middle.slow_sigma_ppm);
}
