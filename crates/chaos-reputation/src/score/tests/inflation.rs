//! What nobody gains by, under `belief/2`.

use proptest::prelude::*;

use super::*;

fn params() -> Params {
    Params::of(Model::Belief2)
}

/// Twelve successes of an agent, each accepted by another payer.
fn twelve() -> Vec<Evidence> {
    (0..12).map(|number| piece(number, Outcome::Success)).collect()
}

/// The lower bound of the worker under a model.
fn lower(evidence: &[Evidence], model: Model) -> u32 {
    let table = score(evidence, NOW, &Params::of(model)).unwrap();
    table.get("did:key:zWorker", "governance", "researcher").unwrap().lower_ppm
}

/// By hand: D = 4 x 13 x 1 / 14^2 = 13/49; each payer of cap 6 gives 6 D / (6 + D) = 78/307, so r = 936/307
/// and lower = 936/2164, less what is cut of each part. A sybil that fails twelve times changes nothing; under `belief/1` it made
/// D = 4 x 13 x 13 / 26^2 = 1.
#[test]
fn failing_on_purpose_raises_nobody() {
    let mut evidence = twelve();
    assert_eq!(lower(&evidence, Model::Belief1), 443_181);
    assert_eq!(lower(&evidence, Model::Belief2), 432_531);
    for number in 0..12 {
        let sybil = Evidence {
            agent: "did:key:zSybil".to_owned(),
            ..piece(100 + number, Outcome::Failure)
        };
        evidence.push(sybil);
    }
    assert_eq!(lower(&evidence, Model::Belief1), 750_000);
    assert_eq!(lower(&evidence, Model::Belief2), 432_531);
}

#[test]
fn own_failures_make_nothing_harder_for_oneself() {
    let mut evidence = twelve();
    evidence.push(piece(100, Outcome::Failure));
    assert!(lower(&evidence, Model::Belief1) > 443_181, "failing once paid");
    assert!(lower(&evidence, Model::Belief2) < 432_531);
    let table = score(&evidence, NOW, &params()).unwrap();
    let first = &table.scores[0].contributions[0];
    assert_eq!(first.difficulty_q32, (52_u64 << 32) / 196);
}

#[test]
fn a_judgement_that_names_many_receipts_is_one_trial_of_each_class() {
    let one = vec![piece(0, Outcome::Success)];
    let mut many = one.clone();
    for number in 1..20 {
        many.push(Evidence { judged_by: one[0].judged_by, ..piece(number, Outcome::Success) });
    }
    let (one, many) = (score(&one, NOW, &params()).unwrap(), score(&many, NOW, &params()).unwrap());
    assert_eq!(many.ignored.repeated, 19);
    assert_eq!(many.scores[0].lower_ppm, one.scores[0].lower_ppm);
}

#[test]
fn those_who_did_more_for_one_payer_stand_higher() {
    let work = |count: u32| -> Vec<Evidence> {
        let paid = |number| Evidence { payer: "one".to_owned(), ..piece(number, Outcome::Success) };
        // Others fail as often as they succeed, so the class teaches something.
        let other = |number: u32| Evidence {
            agent: format!("other{}", number % 10),
            ..piece(number, if number < 1_100 { Outcome::Success } else { Outcome::Failure })
        };
        (0..count).map(paid).chain((1_000..1_200).map(other)).collect()
    };
    let stands = |count, model| lower(&work(count), model);
    assert_eq!(stands(12, Model::Belief1), 600_000);
    assert_eq!(stands(24, Model::Belief1), 600_000, "equal once the cap is full");
    let (twelve, more) = (stands(12, Model::Belief2), stands(24, Model::Belief2));
    assert!(twelve < more && more < 600_000, "{twelve} {more}");
}

#[test]
fn of_more_evidence_than_fits_the_newest_counts() {
    let evidence: Vec<Evidence> = (0..10)
        .map(|number| Evidence {
            at_ms: NOW - u64::from(number),
            ..piece(number, Outcome::Success)
        })
        .collect();
    let admitted = admit(Model::Belief2, &evidence, NOW).unwrap().newest(4);
    assert_eq!(admitted.ignored, Ignored { older: 6, ..Ignored::default() });
    let mut times: Vec<u64> = admitted.evidence.iter().map(|piece| NOW - piece.at_ms).collect();
    times.sort_unstable();
    assert_eq!(times, [0, 1, 2, 3]);
}

#[test]
fn a_table_of_the_first_model_has_no_counts_of_the_second() {
    let mut evidence = twelve();
    evidence[1].judged_by = evidence[0].judged_by;
    let text = |model| {
        let table = score(&evidence, NOW, &Params::of(model)).unwrap();
        String::from_utf8(canonical::to_vec(&table).unwrap()).unwrap()
    };
    let ignored = r#""ignored":{"later":0,"self_paid":0,"unbacked":0}"#;
    assert!(text(Model::Belief1).contains(ignored));
    assert!(text(Model::Belief2).contains(r#""ignored":{"later":0,"repeated":1,"self_paid":0"#));
}

/// Evidence of identities that are not among those of [`any_evidence`].
fn sybils(outcomes: &'static [Outcome]) -> impl Strategy<Value = Vec<Evidence>> {
    let fields = (0u8..5, 0u8..4, 0u8..3, 0u64..1_000, 0..outcomes.len(), 0u32..60);
    prop::collection::vec(fields, 0..40).prop_map(move |rows| {
        let sybil = |((agent, payer, class, day, outcome, vote), number): (
            (u8, u8, u8, u64, usize, u32),
            u32,
        )| {
            Evidence {
                agent: format!("sybil{agent}"),
                payer: format!("agent{payer}"),
                task_class: format!("class{class}"),
                at_ms: day * DAY_MS,
                // Some are named by the judgements of others.
                judged_by: piece(vote, Outcome::Success).judged_by,
                ..piece(number, outcomes[outcome])
            }
        };
        rows.into_iter().zip(10_000u32..).map(sybil).collect()
    })
}

fn honest(table: &Table) -> Vec<&Score> {
    table.scores.iter().filter(|score| !score.agent.starts_with("sybil")).collect()
}

proptest! {
    #[test]
    fn identities_that_only_fail_move_nobody_else(
        evidence in any_evidence(),
        sybils in sybils(&[Outcome::Failure, Outcome::Fraud]),
    ) {
        let before = score(&evidence, NOW, &params()).unwrap();
        let all: Vec<Evidence> = evidence.into_iter().chain(sybils).collect();
        let after = score(&all, NOW, &params()).unwrap();
        prop_assert_eq!(honest(&after), honest(&before));
    }

    #[test]
    fn a_failure_of_its_own_never_raises_an_agent(
        evidence in any_evidence(),
        agent in 0u8..3,
        class in 0u8..3,
        day in 0u64..1_000,
    ) {
        let before = score(&evidence, NOW, &params()).unwrap();
        let failure = Evidence {
            agent: format!("agent{agent}"),
            task_class: format!("class{class}"),
            at_ms: day * DAY_MS,
            ..piece(10_000, Outcome::Failure)
        };
        let mut all = evidence;
        all.push(failure.clone());
        let after = score(&all, NOW, &params()).unwrap();
        let of = |table: &Table| {
            table.get(&failure.agent, "governance", "researcher").map_or(0, |score| score.lower_ppm)
        };
        prop_assert!(of(&after) <= of(&before));
    }

    #[test]
    fn a_class_gets_harder_by_the_share_of_the_successes_that_are_new_alone(
        evidence in any_evidence(),
        sybils in sybils(&[Outcome::Success, Outcome::Failure]),
    ) {
        let all: Vec<Evidence> = evidence.iter().chain(&sybils).cloned().collect();
        let before = admit(Model::Belief2, &evidence, NOW).unwrap().evidence;
        let after = admit(Model::Belief2, &all, NOW).unwrap().evidence;
        let difficulty = [&before, &after].map(|pieces| Difficulties::of(Model::Belief2, pieces));
        for piece in &before {
            let [known, new] = difficulty.each_ref().map(|of| of.met_by(piece));
            // Trials that count without the sybils, and what these may add.
            let of_class = |evidence: &[&Evidence], sybil: bool, outcome: Outcome| -> u128 {
                let counts = |other: &&&Evidence| {
                    other.task_class == piece.task_class
                        && other.agent.starts_with("sybil") == sybil
                        && other.outcome == outcome
                };
                evidence.iter().filter(counts).count() as u128
            };
            let successes = of_class(&before, false, Outcome::Success);
            let added = of_class(&after, true, Outcome::Success);
            let bound = 8 * added * u128::from(ONE_Q32) / (successes + 2 * added + 2) + 1;
            prop_assert!(u128::from(new) <= u128::from(known) + bound, "{} {} {}", known, new, bound);
        }
    }

    #[test]
    fn one_payer_gives_less_than_its_cap_and_never_less_for_more(mass in 0u128..1 << 60, more in 0u128..1 << 60) {
        let params = params();
        let rules = Rules { model: Model::Belief2, params: &params };
        let (some, all) = (rules.of_one_payer(mass), rules.of_one_payer(mass + more));
        prop_assert!(some <= all && all < params.payer_cap_micro);
    }
}
