use chaos_parameters::{ParameterName as P, Preset, Setting};

use super::*;

fn osaka(settings: &[(P, u64)]) -> Parameters {
    let settings: Vec<Setting> =
        settings.iter().map(|(name, value)| Setting::new(*name, *value).unwrap()).collect();
    Preset::Osaka.parameters().apply(&settings).unwrap()
}

#[test]
fn figures_are_revised_by_a_raised_floor_a_bound_walk_or_a_fee_at_the_bound() {
    let bound = u128::from(BASE_FEE_WEI_MAX);
    let today = osaka(&[]);
    let lower = osaka(&[(P::GasLimit, 30_000_000)]);
    let walk = osaka(&[(P::GasLimit, 30_000_000), (P::GasLimitBoundDivisor, 1_024)]);
    let floor = osaka(&[(P::MinBaseFee, 1)]);
    for (baseline, proposal, base_fee_max_wei, expect) in [
        (today, today, bound - 1, false),
        (today, lower, bound - 1, false),
        (floor, today, bound - 1, false),
        (today, floor, 0, true),
        (today, walk, 0, true),
        (today, lower, bound, true),
    ] {
        assert_eq!(is_revised(&baseline, &proposal, base_fee_max_wei), expect, "{proposal:?}");
    }
}
