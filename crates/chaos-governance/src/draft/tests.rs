use chaos_parameters::ParameterName;
use chaos_studio::Studio;
use proptest::prelude::*;

use super::*;
use crate::{DEFAULT_STUDIO, opportunity::Rule};

fn opportunity(parameter: ParameterName, direction: Direction) -> Opportunity {
    Opportunity {
        rule: Rule::Congestion,
        parameter,
        direction,
        reason: String::new(),
        evidence: vec![],
        range: (1, 2),
        blocks: 2,
        strength_ppm: 1_000_000,
    }
}

#[test]
fn first_step_is_a_round_number_half_way() {
    let policy = Studio::parse(DEFAULT_STUDIO).unwrap().policy().clone();
    let parameters = Parameters::ethereum(30_000_000).unwrap();
    let draft = |parameter| {
        let opportunity = opportunity(parameter, Direction::Increase);
        let draft = Draft::new(&opportunity, &parameters, &policy).unwrap();
        (draft.change().proposed(), draft.farthest)
    };
    assert_eq!(draft(ParameterName::GasLimit), (35_000_000, 40_000_000));
    assert_eq!(draft(ParameterName::BaseFeeChangeDenominator), (12, 16));
    assert_eq!(draft(ParameterName::ElasticityMultiplier), (3, 3));
}

#[test]
fn no_room_is_an_error_that_names_the_parameter() {
    let policy = Studio::parse(DEFAULT_STUDIO).unwrap().policy().clone();
    let parameters = Parameters::ethereum(150_000_000).unwrap();
    let opportunity = opportunity(ParameterName::GasLimit, Direction::Increase);
    assert_eq!(
        Draft::new(&opportunity, &parameters, &policy).unwrap_err().to_string(),
        "policy leaves no room to increase `gas-limit` from 150000000"
    );
}

#[test]
fn round_numbers_prefer_zeros_then_nearness() {
    assert_eq!(round_value(40_000_020, 30_000_001, 40_000_020, 156_250), 40_000_000);
    assert_eq!(round_value(37_512_345, 35_000_001, 40_000_000, 625_000), 38_000_000);
    assert_eq!(round_value(13, 9, 16, 0), 13);
    assert_eq!(round_value(u64::MAX, 0, u64::MAX, u64::MAX), 18_000_000_000_000_000_000);
}

proptest! {
    #[test]
    fn rounding_stays_in_range_and_tolerance(
        a in any::<u64>(), b in any::<u64>(), at in any::<u64>(), tolerance in any::<u64>(),
    ) {
        let (low, high) = (a.min(b), a.max(b));
        let target = at.clamp(low, high);
        let value = round_value(target, low, high, tolerance);
        prop_assert!((low..=high).contains(&value));
        prop_assert!(value.abs_diff(target) <= tolerance);
    }

    #[test]
    fn every_draft_is_within_the_policy(gas_limit in 5_000_u64..200_000_000) {
        let policy = Studio::parse(DEFAULT_STUDIO).unwrap().policy().clone();
        let parameters = Parameters::ethereum(gas_limit).unwrap();
        for direction in [Direction::Increase, Direction::Decrease] {
            let opportunity = opportunity(ParameterName::GasLimit, direction);
            if let Ok(draft) = Draft::new(&opportunity, &parameters, &policy) {
                let name = studio_name(ParameterName::GasLimit);
                for value in [draft.change().proposed(), draft.nearest, draft.farthest] {
                    prop_assert_eq!(policy.check_change(&name, gas_limit, value), Ok(()));
                }
            }
        }
    }
}

#[test]
fn half_of_a_step_is_a_change_unless_nothing_is_left_of_it() {
    let policy = Studio::parse(DEFAULT_STUDIO).unwrap().policy().clone();
    let parameters = Parameters::ethereum(30_000_000).unwrap();
    let change = |parameter, proposed| {
        Change::new(&policy, &parameters, parameter, proposed).unwrap().half(&policy, &parameters)
    };
    let half = change(ParameterName::GasLimit, 37_000_000).unwrap();
    assert_eq!(half.proposed(), 33_500_000);
    assert!(change(ParameterName::ElasticityMultiplier, 3).is_err());
}
