use super::*;
use crate::{Preset, Setting};

fn initial() -> Parameters {
    let floor = Setting::new(P::MinBaseFee, 100_000_000).unwrap();
    Preset::ArbosLegacy.parameters().apply(&[floor]).unwrap()
}

#[test]
fn the_polynomial_price_at_recorded_backlogs_is_the_published_one() {
    // 3.686 gwei where the closed form would give 6.056; equal to it at a small backlog.
    let at = |backlog| price_wei(&initial(), &[backlog]);
    assert_eq!(at(3_000_000_000) / 1_000_000, 3_685);
    let closed = 1e8 * ((1.4e8f64 - 7e7) / (7e6 * 102.0)).exp();
    let relative = (at(140_000_000) as f64 - closed).abs() / closed;
    assert!(relative < 1e-4, "{relative}");
}

#[test]
fn a_backlog_within_the_tolerance_costs_the_floor() {
    assert_eq!(price_wei(&initial(), &[70_000_000]), 100_000_000);
    assert!(price_wei(&initial(), &[72_000_000]) > 100_000_000);
}

#[test]
fn with_several_targets_the_exponents_add_up() {
    let parameters = Preset::Arbos51.parameters();
    let mut backlogs = [0; 6];
    // e-fold of the first target and of the last, each alone worth the same exponent.
    backlogs[0] = 60_000_000 * 9;
    assert_eq!(exponent_bips(&parameters, &backlogs), 10_000);
    backlogs[5] = 10_000_000 * 86_400;
    assert_eq!(exponent_bips(&parameters, &backlogs), 20_000);
}

#[test]
fn a_settled_price_is_reproduced_by_its_backlogs() {
    for parameters in [initial(), Preset::Arbos51.parameters()] {
        let wanted = 3 * u128::from(parameters.min_base_fee_wei());
        let price = price_wei(&parameters, &backlogs_at(&parameters, wanted));
        assert!(price.abs_diff(wanted) * 1_000 <= wanted, "{price} {wanted}");
    }
}

#[test]
fn use_at_the_speed_limit_leaves_the_backlog_where_it_is() {
    let parameters = initial();
    let mut state = FeeState::settled(&parameters, 300_000_000);
    let before = state.backlog_gas[0];
    for _ in 0..40 {
        let used = BlockUse { gas: 1_750_000, blob_gas: 0, elapsed_ms: 250 };
        advance(&mut state, &parameters, used);
    }
    assert_eq!(state.backlog_gas[0], before);
}
