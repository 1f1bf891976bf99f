use proptest::prelude::*;

use super::*;

const GWEI: u64 = 1_000_000_000;

fn view() -> View {
    View {
        height: 100,
        base_fee_wei: 20 * GWEI,
        blob_fee_wei: 0,
        recent_wei: 16 * GWEI,
        crowded_tip_wei: None,
        tip_floor_wei: 0,
        lifetime_blocks: 900,
    }
}

fn user(value_wei: u64, bits: u64) -> User {
    User { value_wei, blob_value_wei: 0, bits, gas: 21_000, kind_bits: 0, blobs: 0 }
}

fn only(change: impl Fn(&mut Shares)) -> Users {
    let mut users = Users::truthful(GWEI);
    change(&mut users.shares);
    users
}

fn bid(users: &Users, user: &User, view: &View) -> Option<Bid> {
    let scale = Scale::new();
    Habits::new(users, &scale).bid(user, view, &scale)
}

#[test]
fn truthful_users_offer_their_value_or_nothing() {
    let users = Users::truthful(GWEI);
    let seen = bid(&users, &user(30 * GWEI, 7), &view()).unwrap();
    assert_eq!((seen.max_fee_wei, seen.tip_wei, seen.kind), (30 * GWEI, GWEI, Kind::Truthful));
    assert!(bid(&users, &user(21 * GWEI, 7), &view()).is_none(), "no surplus, no bid");
    assert!(bid(&users, &user(21 * GWEI + 1, 7), &view()).is_some());
}

#[test]
fn strategic_users_outbid_the_lowest_tip_of_a_crowded_block() {
    let users = only(|shares| shares.strategic_ppm = 1_000_000);
    let crowded = View { crowded_tip_wei: Some(8 * GWEI), ..view() };
    assert_eq!(bid(&users, &user(90 * GWEI, 7), &crowded).unwrap().tip_wei, 9 * GWEI + 1);
    assert_eq!(bid(&users, &user(90 * GWEI, 7), &view()).unwrap().tip_wei, GWEI);
    let poor = bid(&users, &user(25 * GWEI, 7), &crowded).unwrap();
    assert_eq!(poor.tip_wei, GWEI, "a tip beyond the value is not offered");
}

#[test]
fn legacy_users_pay_one_price_and_patient_users_wait_for_theirs() {
    let legacy = only(|shares| shares.legacy_ppm = 1_000_000);
    let legacy = Users { legacy_price_ppm: Range { low: 1_250_000, high: 1_250_000 }, ..legacy };
    let seen = bid(&legacy, &user(90 * GWEI, 7), &view()).unwrap();
    assert_eq!((seen.max_fee_wei, seen.tip_wei), (21 * GWEI, 21 * GWEI));
    let patient = only(|shares| shares.patient_ppm = 1_000_000);
    let patient = Users { patient_cap_ppm: Range { low: 750_000, high: 750_000 }, ..patient };
    let seen = bid(&patient, &user(90 * GWEI, 7), &view()).unwrap();
    assert_eq!((seen.max_fee_wei, seen.tip_wei), (13 * GWEI, GWEI));
    let hopeless = View { recent_wei: 10 * GWEI, ..view() };
    assert!(bid(&patient, &user(90 * GWEI, 7), &hopeless).is_none(), "below half the base fee");
}

#[test]
fn users_wait_until_waiting_has_eaten_their_surplus() {
    let users = Users { delay_cost_ppm: Range { low: 10_000, high: 10_000 }, ..Users::truthful(1) };
    let affine = Users { discounted_ppm: 0, ..users };
    // A surplus of half the value lasts 50 blocks at one per cent per block.
    let seen = bid(&affine, &user(40 * GWEI, 7), &view()).unwrap();
    assert!((148..=151).contains(&seen.deadline), "{}", seen.deadline);
    let discounted = Users { discounted_ppm: 1_000_000, ..users };
    // ln 2 / 0.01 is 69.3.
    let seen = bid(&discounted, &user(40 * GWEI, 7), &view()).unwrap();
    assert!((168..=170).contains(&seen.deadline), "{}", seen.deadline);
}

#[test]
fn usual_tips_span_their_range_around_its_middle() {
    let users = Users { tip_wei: Range { low: 1 << 20, high: 1 << 30 }, ..Users::stated() };
    let habits = Habits::new(&users, &Scale::new());
    let tips = &habits.tips_wei;
    assert!(tips.is_sorted());
    assert!(tips[0] < 3 << 19 && tips[POINTS - 1] > 3 << 28);
    assert!(tips[POINTS / 2].abs_diff(1 << 25) < 1 << 20);
    // A quarter of a triangular distribution lies below sqrt(1/8) of its range.
    let quarter = (tips[POINTS / 4] as f64).log2();
    assert!((quarter - (20.0 + 10.0 * 0.125f64.sqrt())).abs() < 0.02, "{quarter}");
}

proptest! {
    #[test]
    fn waiting_costs_what_the_model_says(
        value in 1_000_000u64..1 << 50, blocks in 0u32..500, cost in 1u64..100_000,
    ) {
        let scale = Scale::new();
        let cost_q32 = u32::try_from((cost << 32) / 1_000_000).unwrap();
        let share = cost as f64 / 1e6;
        let affine = value_after(value, blocks, cost_q32, false, &scale) as f64;
        let expected = value as f64 * (1.0 - share * f64::from(blocks)).max(0.0);
        prop_assert!((affine - expected).abs() <= value as f64 * 1e-5 + 2.0);
        let discounted = value_after(value, blocks, cost_q32, true, &scale) as f64;
        let expected = value as f64 * (1.0 - share).powi(blocks.cast_signed());
        prop_assert!((discounted - expected).abs() <= value as f64 * 1e-3 + 2.0);
    }

    /// Whoever bids never offers more than its value, and its tip never exceeds its maximum fee.
    #[test]
    fn nobody_offers_more_than_its_value(
        value in 1u64..1 << 50, bits: u64, kind_bits: u16, base in 1u64..1 << 50,
        recent in 1u64..1 << 50, crowded in prop::option::of(0u64..1 << 50),
    ) {
        let view = View {
            base_fee_wei: base, recent_wei: recent, crowded_tip_wei: crowded, ..view()
        };
        let user = User { kind_bits, ..user(value, bits) };
        if let Some(seen) = bid(&Users::stated(), &user, &view) {
            prop_assert!(seen.max_fee_wei <= value);
            prop_assert!(seen.deadline > view.height);
        }
    }
}
