use proptest::prelude::*;

use super::*;

fn policy(min: u64, max: u64, step_max: Margin) -> Policy {
    Policy {
        parameters: [("p".parse().unwrap(), ParameterBounds { min, max, step_max })].into(),
        evidence: EvidenceRule { blocks_min: 10, classes: [EvidenceClass::Replayable].into() },
        approvals: Approvals { quorum_ppm: 40_000, threshold_ppm: 500_000 },
        objectives: vec![],
        guards: vec![],
        rounds_max: 3,
    }
}

#[track_caller]
fn check(current: u64, proposed: u64, expect: &str) {
    let policy = policy(100, 200, Margin::Ppm(250_000));
    let found = match policy.check_change(&"p".parse().unwrap(), current, proposed) {
        Ok(()) => "allowed".to_owned(),
        Err(violation) => violation.to_string(),
    };
    assert_eq!(found, expect);
}

#[test]
fn change_is_held_against_range_and_step() {
    check(150, 151, "allowed");
    check(150, 187, "allowed");
    check(150, 188, "`p` 150 -> 188 is a step of 38, the largest is 37");
    check(150, 112, "`p` 150 -> 112 is a step of 38, the largest is 37");
    check(150, 150, "`p` stays at 150: nothing is proposed");
    check(190, 201, "`p` = 201 is outside 100 to 200");
    check(101, 99, "`p` = 99 is outside 100 to 200");
    // A chain that already stands outside the range may be led back, step by step.
    check(240, 200, "allowed");
    check(240, 220, "`p` = 220 is outside 100 to 200");
}

#[test]
fn parameter_without_bounds_is_closed() {
    let policy = policy(1, 2, Margin::Absolute(1));
    let violation = policy.check_change(&"q".parse().unwrap(), 1, 2).unwrap_err();
    assert_eq!(violation.to_string(), "parameter `q` is not open to change under this policy");
}

#[test]
fn evidence_needs_enough_blocks_of_an_accepted_class() {
    let rule = policy(1, 2, Margin::Absolute(1)).evidence;
    assert_eq!(rule.check(10, EvidenceClass::Replayable), Ok(()));
    assert_eq!(
        rule.check(9, EvidenceClass::Replayable),
        Err(PolicyViolation::TooFewBlocks { blocks: 9, blocks_min: 10 })
    );
    assert_eq!(
        rule.check(10, EvidenceClass::Attested),
        Err(PolicyViolation::EvidenceClass { class: EvidenceClass::Attested })
    );
}

#[test]
fn vote_needs_quorum_then_majority() {
    let approvals = Approvals { quorum_ppm: 40_000, threshold_ppm: 500_000 };
    let check = |votes_for, votes_against, votes_abstain| {
        let tally = Tally { votes_for, votes_against, votes_abstain, votes_possible: 1_000 };
        approvals.check(&tally)
    };
    assert_eq!(check(40, 0, 0), Ok(()));
    assert_eq!(check(30, 29, 10), Ok(()));
    assert!(matches!(check(39, 0, 0), Err(PolicyViolation::QuorumMissed { cast: 39, .. })));
    // Votes against do not help a proposal over the quorum.
    assert!(matches!(check(39, 1, 0), Err(PolicyViolation::QuorumMissed { .. })));
    assert!(matches!(check(50, 50, 0), Err(PolicyViolation::ThresholdMissed { .. })));
    assert!(matches!(check(0, 0, 100), Err(PolicyViolation::ThresholdMissed { .. })));
}

#[test]
fn vote_of_the_largest_numbers_is_exact() {
    let approvals = Approvals { quorum_ppm: 1_000_000, threshold_ppm: 500_000 };
    let half = u128::MAX / 2;
    let tally = |votes_for, votes_against| Tally {
        votes_for,
        votes_against,
        votes_abstain: half + 1,
        votes_possible: half,
    };
    assert!(approvals.check(&tally(half, half)).is_err());
    assert!(approvals.check(&tally(half + 1, half)).is_ok());
}

fn margin() -> impl Strategy<Value = Margin> {
    prop_oneof![any::<u64>().prop_map(Margin::Absolute), (0..5_000_000_u64).prop_map(Margin::Ppm)]
}

proptest! {
    #[test]
    fn nothing_outside_range_or_step_is_let_through(
        a in any::<u64>(),
        b in any::<u64>(),
        current in any::<u64>(),
        proposed in any::<u64>(),
        step_max in margin(),
    ) {
        let policy = policy(a.min(b), a.max(b), step_max);
        if policy.check_change(&"p".parse().unwrap(), current, proposed).is_ok() {
            prop_assert!(proposed >= a.min(b) && proposed <= a.max(b));
            prop_assert_ne!(proposed, current);
            let step = u128::from(current.abs_diff(proposed));
            match step_max {
                Margin::Absolute(max) => prop_assert!(step <= u128::from(max)),
                Margin::Ppm(ppm) => {
                    prop_assert!(step * 1_000_000 <= u128::from(current) * u128::from(ppm));
                }
            }
        }
    }

    #[test]
    fn reach_is_exactly_what_the_check_allows(
        min in 0_u64..400,
        width in 0_u64..400,
        current in 0_u64..1_000,
        step_max in prop_oneof![
            (0_u64..600).prop_map(Margin::Absolute),
            (0_u64..2_000_000).prop_map(Margin::Ppm),
        ],
    ) {
        let policy = policy(min, min + width, step_max);
        let name = "p".parse().unwrap();
        let allowed = |value: &u64| policy.check_change(&name, current, *value).is_ok();
        let bounds = policy.bounds(&name).unwrap();
        let up = (current + 1..2_000).filter(allowed);
        prop_assert_eq!(
            bounds.reach(current, Direction::Increase),
            up.clone().min().zip(up.max())
        );
        let down = (0..current).filter(allowed);
        prop_assert_eq!(
            bounds.reach(current, Direction::Decrease),
            down.clone().max().zip(down.min())
        );
    }
}
