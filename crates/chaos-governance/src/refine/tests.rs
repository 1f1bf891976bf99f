use std::{collections::BTreeMap, convert::Infallible};

use chaos_simulation::{Calibration, CalibrationStatus, flow::RowsUsed};
use proptest::prelude::*;

use super::*;
use crate::fixture::{draft, parameters, refined, set, simulation, studio};

/// The default policy wants `base_fee_p95` down by a quarter of 1,000 and lets `demand_dropped`
/// rise by 5,000; the reach from 30 Mgas is 40 Mgas.
const MET: i128 = -250;
const BROKEN: i128 = 5_001;

fn trail(outcome: &Outcome) -> Vec<u64> {
    outcome.rounds.iter().map(|round| round.change.proposed()).collect()
}

#[test]
fn first_value_that_satisfies_the_policy_is_final() {
    let outcome = refined(|_| (MET, 5_000));
    assert_eq!(trail(&outcome), [35_000_000]);
    assert_eq!(outcome.finalised().unwrap().change.proposed(), 35_000_000);
}

#[test]
fn missed_objective_leads_to_larger_steps() {
    let outcome = refined(|value| (if value >= 39_000_000 { MET } else { -249 }, 0));
    assert_eq!(trail(&outcome), [35_000_000, 37_000_000, 38_500_000, 39_200_000]);
    assert!(outcome.finalised().is_some());
    let Decision::Refine { why, .. } = &outcome.rounds[0].decision else { panic!("must refine") };
    assert_eq!(
        why,
        "35,000,000 fails (base fee, 95th percentile changes by \u{2212}249 wei, at most \
         \u{2212}250 wei was required), so a larger step is tried"
    );
}

#[test]
fn broken_guard_leads_to_smaller_steps() {
    let outcome = refined(|value| (MET, if value > 32_000_000 { BROKEN } else { 0 }));
    assert_eq!(trail(&outcome), [35_000_000, 32_000_000]);
    assert!(outcome.finalised().is_some());
}

#[test]
fn the_window_between_too_small_and_too_large_is_found() {
    let outcome = refined(|value| {
        let objective = if value >= 36_200_000 { MET } else { 0 };
        (objective, if value > 36_500_000 { BROKEN } else { 0 })
    });
    assert_eq!(trail(&outcome), [35_000_000, 37_000_000, 36_000_000, 36_500_000]);
    assert!(outcome.finalised().is_some());
}

#[test]
fn objective_out_of_reach_is_given_up_at_the_farthest_value() {
    let outcome = refined(|_| (0, 0));
    assert_eq!(outcome.last().change.proposed(), 40_000_000);
    let Decision::GiveUp(reason) = &outcome.last().decision else { panic!("must give up") };
    assert_eq!(
        reason.to_string(),
        "even 40,000,000, the farthest value, misses: base fee, 95th percentile changes by 0 wei, \
         at most \u{2212}250 wei was required"
    );
    assert!(outcome.finalised().is_none());
}

#[test]
fn value_that_misses_and_breaks_at_once_is_a_conflict() {
    let outcome = refined(|_| (0, BROKEN));
    assert_eq!(outcome.rounds.len(), 1);
    assert!(matches!(outcome.last().decision, Decision::GiveUp(Reason::Conflict { .. })));
}

#[test]
fn draft_on_a_model_that_is_not_the_chain_is_given_up_whatever_its_figures() {
    // One that keeps to the policy, but for what its figures stand on.
    let met = refined(|_| (MET, 0)).last().result.clone();
    let mut checked = simulation(parameters()).result;
    let rows = RowsUsed {
        given: 60,
        without_base_fee: 33,
        not_consecutive: 26,
        other_era: 0,
        used: 1,
        first_block: 7,
        last_block: 7,
    };
    checked.calibration = Some(Calibration {
        status: CalibrationStatus::NotCalibrated,
        rows,
        figures: BTreeMap::new(),
        reasons: vec!["too few".to_owned()],
        outside_the_data: None,
    });
    checked.metrics = met.metrics;
    let simulate = |change: &Change| {
        let mut result = checked.clone();
        result.parameters.proposal = parameters().with(change.setting());
        Ok::<_, Infallible>(result)
    };
    let outcome = run(&draft(), studio().policy(), simulate).unwrap();
    assert_eq!(outcome.rounds.len(), 1);
    let Decision::GiveUp(reason) = &outcome.last().decision else { panic!("must give up") };
    assert!(reason.to_string().contains("fitted to 1 of 60 rows"), "{reason}");
}

#[test]
fn rounds_of_the_policy_are_not_exceeded() {
    let outcome = refined(|value| (MET, if value > 30_000_001 { BROKEN } else { 0 }));
    assert_eq!(outcome.rounds.len(), 6);
    assert_eq!(outcome.last().decision, Decision::GiveUp(Reason::RoundsUsedUp { rounds: 6 }));
}

#[test]
fn result_about_another_change_is_refused() {
    let result = simulation(parameters()).result;
    let error =
        run(&draft(), studio().policy(), |_| Ok::<_, Infallible>(result.clone())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "round 1: the result is not about gas-limit 30000000 -> 35000000"
    );
}

#[test]
fn result_without_a_judged_metric_is_refused() {
    let error = run(&draft(), studio().policy(), |change| {
        let mut result = simulation(parameters().with(change.setting())).result;
        result.metrics.remove("demand_dropped");
        Ok::<_, Infallible>(result)
    })
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "round 1: the result has no metric `demand_dropped`, which the policy judges"
    );
}

#[test]
fn failure_of_the_simulator_keeps_its_cause() {
    use std::error::Error as _;
    let error = run(&draft(), studio().policy(), |_| Err(std::fmt::Error)).unwrap_err();
    assert_eq!(error.to_string(), "round 1: simulation failed");
    assert!(error.source().unwrap().is::<std::fmt::Error>());
}

/// An answer without any order in it, different for every seed and value.
fn arbitrary_answer(seed: u64, value: u64) -> (i128, i128) {
    let digest = Digest::of_parts(&[&seed.to_be_bytes(), &value.to_be_bytes()]);
    let byte = |index: usize| i128::from(digest.as_bytes()[index]);
    (byte(0) * -2, byte(1) * 40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_simulator_leads_to_an_end_within_the_policy(seed in any::<u64>()) {
        let policy = studio().policy().clone();
        let outcome = refined(|value| arbitrary_answer(seed, value));
        prop_assert!(!outcome.rounds.is_empty());
        prop_assert!(outcome.rounds.len() <= policy.rounds_max() as usize);
        for round in &outcome.rounds {
            let name = studio_name(round.change.parameter());
            prop_assert_eq!(
                policy.check_change(&name, 30_000_000, round.change.proposed()),
                Ok(())
            );
        }
        let (last, earlier) = outcome.rounds.split_last().unwrap();
        let goes_on = |round: &Round| matches!(round.decision, Decision::Refine { .. });
        prop_assert!(earlier.iter().all(goes_on));
        prop_assert!(!goes_on(last));
        let mut values = trail(&outcome);
        values.sort_unstable();
        values.dedup();
        prop_assert_eq!(values.len(), outcome.rounds.len(), "a value was tried twice");
    }

    #[test]
    fn what_misses_an_objective_or_breaks_a_guard_is_never_final(seed in any::<u64>()) {
        let outcome = refined(|value| arbitrary_answer(seed, value));
        if let Some(round) = outcome.finalised() {
            let (objective, guard) = arbitrary_answer(seed, round.change.proposed());
            prop_assert!(objective <= MET && guard < BROKEN);
        }
    }

    #[test]
    fn same_simulator_gives_the_same_outcome(seed in any::<u64>()) {
        let run = || refined(|value| arbitrary_answer(seed, value));
        prop_assert_eq!(run(), run());
    }
}

#[test]
fn made_up_figures_reach_the_verdicts() {
    let mut result = simulation(parameters().with(draft().change.setting())).result;
    set(&mut result, "base_fee_p95", -300);
    let verdicts = judge(studio().policy(), draft().change(), &result).unwrap();
    assert_eq!(verdicts[0].judgement.judged, -300);
    assert_eq!(verdicts[0].judgement.threshold, -250);
}
