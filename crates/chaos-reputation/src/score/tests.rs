use proptest::prelude::*;

use super::*;
use crate::EvidenceClass;

mod inflation;

const NOW: u64 = 1_000 * DAY_MS;

fn piece(number: u32, outcome: Outcome) -> Evidence {
    Evidence {
        receipt: Digest::of(&number.to_be_bytes()),
        judged_by: Digest::of(&[number.to_be_bytes(), *b"vote"].concat()),
        agent: "did:key:zWorker".to_owned(),
        domain: "governance".to_owned(),
        role: "researcher".to_owned(),
        payer: format!("did:key:zPayer{number}"),
        task_class: "analysis".to_owned(),
        at_ms: NOW,
        outcome,
        class: EvidenceClass::Replayable,
        units_micro: 1_000_000,
    }
}

/// Eight successes and two failures, each paid by someone else.
fn ten() -> Vec<Evidence> {
    (0..10)
        .map(|number| piece(number, if number < 8 { Outcome::Success } else { Outcome::Failure }))
        .collect()
}

fn one(evidence: &[Evidence]) -> Score {
    let mut table = score(evidence, NOW, &Params::of(Model::Belief1)).unwrap();
    assert_eq!(table.scores.len(), 1);
    table.scores.remove(0)
}

/// By hand: difficulty 4 x 9 x 3 / 12^2 = 3/4 exactly, so r = 8 x 0.75 = 6 and
/// s = 2 x 2 x 0.75 = 3; lower 6/13, uncertainty 4/13. Wilson of 8/10 as published.
#[test]
fn ten_tasks_score_as_worked_by_hand() {
    let score = one(&ten());
    assert_eq!((score.success_micro, score.failure_micro), (6_000_000, 3_000_000));
    assert_eq!((score.lower_ppm, score.uncertainty_ppm), (461_538, 307_693));
    assert_eq!((score.wilson.low_ppm, score.wilson.high_ppm), (490_156, 943_320));
    assert_eq!(score.wilson.trials_milli, 10_000);
    assert!(score.contributions.iter().all(|part| part.difficulty_q32 == 3 << 30));
}

#[test]
fn classes_weigh_as_stated_and_unbacked_evidence_does_not_count() {
    for (class, mass) in [
        (EvidenceClass::Replayable, 750_000),
        (EvidenceClass::Attested, 675_000),
        (EvidenceClass::Corroborated, 600_000),
    ] {
        let mut evidence = ten();
        evidence[0].class = class;
        let receipt = evidence[0].receipt;
        let score = one(&evidence);
        let part = score.contributions.iter().find(|part| part.receipt == receipt).unwrap();
        assert_eq!(part.success_micro, mass);
    }
    let mut evidence = ten();
    evidence[0].class = EvidenceClass::None;
    evidence[1].payer = evidence[1].agent.clone();
    let table = score(&evidence, NOW, &Params::of(Model::Belief1)).unwrap();
    assert_eq!(table.ignored, Ignored { self_paid: 1, unbacked: 1, ..Ignored::default() });
    assert_eq!(table.scores[0].contributions.len(), 8);
}

#[test]
fn one_payer_gives_at_most_the_cap_largest_receipts_first() {
    let mut evidence = ten();
    for piece in &mut evidence[..8] {
        piece.payer = "did:key:zFriend".to_owned();
        piece.units_micro = 2_000_000;
    }
    evidence[3].units_micro = 100_000_000;
    // Masses 8 x 0.75 = 6 and 1.5; the first alone fills the cap of 6.
    let score = one(&evidence);
    assert_eq!(score.success_micro, 6_000_000);
    let first = &score.contributions[0];
    assert_eq!((first.receipt, first.success_micro), (evidence[3].receipt, 6_000_000));
    assert_eq!(score.contributions.iter().filter(|part| part.success_micro > 0).count(), 1);
}

#[test]
fn successes_halve_in_ninety_days_and_failures_in_a_hundred_and_eighty() {
    let evidence = ten();
    let later = score(&evidence, NOW + 180 * DAY_MS, &Params::of(Model::Belief1)).unwrap();
    let later = &later.scores[0];
    assert_eq!((later.success_micro, later.failure_micro), (1_500_000, 1_500_000));
    let table = score(&evidence, NOW + 1_025 * DAY_MS, &Params::of(Model::Belief1)).unwrap();
    assert_eq!(table.scores[0].lower_ppm, 0);
    assert_eq!(table.scores[0].upper_ppm, 1_000_000);
}

#[test]
fn a_table_as_of_the_past_knows_nothing_later() {
    let mut evidence = ten();
    evidence[9].at_ms = NOW + 1;
    evidence[9].task_class = "another".to_owned();
    let past = score(&evidence, NOW, &Params::of(Model::Belief1)).unwrap();
    assert_eq!(past.ignored.later, 1);
    let mut known = score(&evidence[..9], NOW, &Params::of(Model::Belief1)).unwrap();
    known.ignored.later = 1;
    assert_eq!(past, known);
}

#[test]
fn proved_fraud_weighs_twenty_successes() {
    let mut evidence = ten();
    evidence[9].outcome = Outcome::Fraud;
    // 0.75 x 2 for the failure and 0.75 x 20 for the fraud.
    assert_eq!(one(&evidence).failure_micro, 16_500_000);
}

#[test]
fn a_task_class_that_nobody_fails_teaches_little() {
    let easy: Vec<Evidence> = (0..98).map(|number| piece(number, Outcome::Success)).collect();
    // 4 x 99 x 1 / 100^2 = 0.0396 each.
    let score = one(&easy);
    assert_eq!(score.contributions[0].difficulty_q32, (396u64 << 32) / 10_000);
    assert_eq!(score.contributions[0].success_micro, 39_599);
}

#[test]
fn domains_and_roles_do_not_leak() {
    let mut evidence = ten();
    evidence[0].role = "developer".to_owned();
    evidence[1].domain = "liquidity".to_owned();
    let table = score(&evidence, NOW, &Params::of(Model::Belief1)).unwrap();
    assert_eq!(table.scores.len(), 3);
    let developer = table.get("did:key:zWorker", "governance", "developer").unwrap();
    assert_eq!(developer.contributions.len(), 1);
    assert_eq!(table.get("did:key:zNobody", "governance", "developer"), None);
}

#[test]
fn a_repeated_receipt_counts_once_and_a_contradiction_is_refused() {
    let mut evidence = ten();
    evidence.push(evidence[0].clone());
    assert_eq!(one(&evidence), one(&ten()));
    evidence[10].outcome = Outcome::Failure;
    let error = score(&evidence, NOW, &Params::of(Model::Belief1)).unwrap_err();
    assert!(error.to_string().contains("makes two different claims about did:key:zWorker"));
}

#[test]
fn a_newcomer_stands_at_zero() {
    assert_eq!(opinion(0, 0, 4_000_000).lower_ppm, 0);
    let table = score(&[], NOW, &Params::of(Model::Belief1)).unwrap();
    assert!(table.scores.is_empty() && table.digest().is_ok());
}

fn any_evidence() -> impl Strategy<Value = Vec<Evidence>> {
    let fields = (0u8..3, 0u8..4, 0u8..3, 0u64..1_200, 0u8..4, any::<u64>());
    prop::collection::vec(fields, 0..60).prop_map(|rows| {
        let mut evidence: Vec<Evidence> = rows
            .into_iter()
            .zip(0u32..)
            .map(|((agent, payer, class, day, kind, units), number)| Evidence {
                agent: format!("agent{agent}"),
                payer: format!("agent{payer}"),
                task_class: format!("class{class}"),
                at_ms: day * DAY_MS,
                outcome: [Outcome::Success, Outcome::Success, Outcome::Failure, Outcome::Fraud]
                    [kind as usize],
                units_micro: units % 10_000_000,
                ..piece(number, Outcome::Success)
            })
            .collect();
        evidence.sort();
        evidence
    })
}

proptest! {
    #[test]
    fn order_and_repetition_do_not_matter(evidence in any_evidence(), turn in 0usize..60) {
        let params = Params::of(Model::Belief1);
        let table = score(&evidence, NOW, &params).unwrap();
        let mut turned = evidence.clone();
        if !turned.is_empty() {
            let middle = turn % turned.len();
            turned.rotate_left(middle);
            turned.reverse();
            turned.push(turned[0].clone());
        }
        let again = score(&turned, NOW, &params).unwrap();
        prop_assert_eq!(again.digest().unwrap(), table.digest().unwrap());
    }

    #[test]
    fn contributions_sum_to_the_score(evidence in any_evidence()) {
        for score in score(&evidence, NOW, &Params::of(Model::Belief1)).unwrap().scores {
            let sum = |part: fn(&Contribution) -> u128| -> u128 {
                score.contributions.iter().map(part).sum()
            };
            prop_assert_eq!(sum(|part| part.success_micro), score.success_micro);
            prop_assert_eq!(sum(|part| part.failure_micro), score.failure_micro);
            let wilson = score.wilson;
            prop_assert!(wilson.low_ppm <= wilson.high_ppm && score.upper_ppm <= 1_000_000);
        }
    }

    #[test]
    fn later_evidence_never_changes_an_earlier_table(evidence in any_evidence(), day in 0u64..1_200) {
        let params = Params::of(Model::Belief1);
        let as_of = day * DAY_MS;
        let known: Vec<Evidence> =
            evidence.iter().filter(|piece| piece.at_ms <= as_of).cloned().collect();
        let all = score(&evidence, as_of, &params).unwrap();
        let some = score(&known, as_of, &params).unwrap();
        prop_assert_eq!(all.scores, some.scores);
    }
}
