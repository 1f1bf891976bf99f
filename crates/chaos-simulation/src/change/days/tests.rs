use super::*;

/// Days whose use is about its target, with a limit that is raised on day 40 by a fifth.
fn raised() -> Vec<Day> {
    (0..60)
        .map(|index: u64| {
            let gas_limit: u64 = if index < 40 { 30_000_000 } else { 36_000_000 };
            // Weeks differ by three in a thousand, so that there are past errors.
            let wobble = 1_000 + index % 3 + 3 * (index / 7 % 2);
            Day {
                timestamp: 1_700_006_400 + index * DAY_S,
                gas_limit,
                gas_used: gas_limit / 2 * 7_200 / 1_000 * wobble,
                price_wei: Some(10_000_000_000 - u128::from(index % 5) * 400_000_000),
            }
        })
        .collect()
}

const LONDON: Pricing = Pricing::BaseFee { elasticity_multiplier: 2, change_denominator: 8 };

fn request() -> Request {
    Request {
        window_days: 7,
        before: LONDON,
        after: LONDON,
        gas_limit: None,
        block_time_ms: NonZeroU64::new(12_000).unwrap(),
    }
}

#[test]
fn use_follows_the_target_and_beats_the_last_window() {
    let days = raised();
    let found = backtest(&days, days[40].timestamp, &request()).unwrap();
    assert_eq!((found.gas_limit_before, found.gas_limit_after), (30_000_000, 36_000_000));
    assert_eq!(found.after_from, days[41].timestamp, "the day of the raise is not scored");
    let used = &found.rows[0];
    assert!(used.error().unwrap().abs() < 5_000, "{used:?}");
    assert_eq!(used.inside_95(), Some(true));
    assert!(used.skill_fair_ppm().unwrap() > 900_000, "{used:?}");
    let price = &found.rows[1];
    assert!(matches!(price.standing, Standing::Shown(_)));
    assert!(price.model.p50 < price.last.unwrap().0, "more room is cheaper");
}

#[test]
fn a_forecast_does_not_change_with_what_came() {
    let mut days = raised();
    let named = Request { gas_limit: Some(36_000_000), ..request() };
    let told = backtest(&days, days[40].timestamp, &named).unwrap();
    for day in &mut days[41..] {
        day.gas_used /= 3;
        day.price_wei = Some(1);
    }
    let other = backtest(&days, days[40].timestamp, &named).unwrap();
    assert_eq!(told.rows[0].model, other.rows[0].model);
    assert_eq!(told.rows[1].model, other.rows[1].model);
    assert_ne!(told.rows[0].observed, other.rows[0].observed);
}

#[test]
fn a_base_fee_after_an_auction_is_overshot_by_the_middle_of_its_bound() {
    assert_eq!(overshoot_ppm(2, 8), 62_663);
    assert_eq!(overshoot_ppm(1, 8), 0, "a block cannot be above its own limit");
    let mut days = raised();
    for day in &mut days {
        // Twice the limit with the target where the limit was.
        day.gas_limit =
            if day.timestamp < 1_700_006_400 + 40 * DAY_S { 15_000_000 } else { 30_000_000 };
        day.gas_used = day.gas_limit.min(15_000_000) * 7_200 / 100 * 95;
    }
    let asked = Request { before: Pricing::Auction, ..request() };
    let found = backtest(&days, days[40].timestamp, &asked).unwrap();
    let used = &found.rows[0];
    let expected = ln_ppm(15_000_000 * 7_200 * 1_031_332 / 1_000_000);
    assert!((used.model.p50 - expected).abs() < 100, "{used:?}");
    assert!(used.proportional.unwrap().0 - used.model.p50 > 500_000, "proportional doubles use");
}

#[test]
fn missing_days_and_short_tables_are_refused() {
    let mut days = raised();
    let at = days[40].timestamp;
    assert!(matches!(backtest(&days[30..], at, &request()), Err(Error::TooFew { found: 10, .. })));
    assert!(matches!(backtest(&days[..44], at, &request()), Err(Error::TooFew { found: 4, .. })));
    let long = Request { window_days: 61, ..request() };
    assert!(matches!(backtest(&days, at, &long), Err(Error::OutOfBounds { .. })));
    days.remove(35);
    assert!(matches!(backtest(&days, at, &request()), Err(Error::Gap { missing: 1, .. })));
}
