//! Receipts over fees at their bound, as builds stated them that told revised figures by the parameters
//! alone.

use chaos_agency::{Action, receipt::Input};
use chaos_governance::{DEFAULT_STUDIO, Draft, opportunity::Rule, receipts, refine, rounds};
use chaos_parameters::{ParameterName, Setting};
use chaos_simulation::{Experiment, RESULT_FORMAT, RESULT_FORMAT_REVISED};
use chaos_studio::Studio;
use chaos_types::{Digest, canonical};

use super::{
    super::{EXPERIMENT, SIMULATE, former},
    simulate,
    story::{Case, STORY, block_set, named_inputs},
};
use crate::{
    program::{Program as _, Ran, Simulate},
    simulation::BlockSet,
};

/// A tenth of today's gas limit under demand that no price moves: the base fee runs to its bound.
fn experiment(block_set: &BlockSet) -> Experiment {
    let today = block_set.baseline().unwrap();
    let tenth = Setting::new(ParameterName::GasLimit, today.gas_limit() / 10).unwrap();
    let mut experiment = Experiment::new(today, today.with(tenth));
    (experiment.paths, experiment.blocks) = (4, 4_000);
    experiment.assumptions.elasticity_ppm = 0;
    experiment
}

#[test]
fn a_simulation_of_a_fee_at_its_bound_repeats_under_both_names_of_its_format() {
    let block_set = block_set(STORY.dir.path());
    let experiment = experiment(&block_set);
    let ran = Simulate { block_set: &block_set, experiment: &experiment, round: 1 }.run().unwrap();
    let result = &ran.output.result;
    assert_eq!(result.format, RESULT_FORMAT_REVISED);
    let former = result.under_former_name().unwrap().digest().unwrap();
    assert_ne!(former, ran.digest());

    let files = [(EXPERIMENT, canonical::to_vec(&experiment).unwrap())];
    let inputs: Vec<Input> = named_inputs(&block_set);
    let case = Case::new(SIMULATE, inputs, &files, Action::of(&ran.body));
    for stated in [ran.digest(), former] {
        assert_eq!(case.clone().stating(stated).run(STORY.dir.path()), Ok(stated));
    }
    // The body is held against the run under either name.
    case.stating(former).refuse(|case| simulate(case).changes[0].proposed += 1, &["changes"]);
}

#[test]
fn a_result_that_its_parameters_revise_has_no_former_name() {
    let block_set = block_set(STORY.dir.path());
    let today = block_set.baseline().unwrap();
    let floor = Setting::new(ParameterName::MinBaseFee, 1_000).unwrap();
    let mut experiment = Experiment::new(today, today.with(floor));
    (experiment.paths, experiment.blocks) = (2, 20);
    let ran = Simulate { block_set: &block_set, experiment: &experiment, round: 1 }.run().unwrap();
    assert_eq!(ran.output.result.format, RESULT_FORMAT_REVISED);
    let mut renamed = ran.output.result.clone();
    renamed.format = RESULT_FORMAT.to_owned();
    let (computed, renamed) = (ran.document.clone(), renamed.digest().unwrap());
    assert_eq!(former::simulation(ran, &renamed).unwrap(), computed, "never what was asked for");
}

#[test]
fn the_rounds_of_a_draft_repeat_under_the_former_names_of_their_results() {
    let block_set = block_set(STORY.dir.path());
    let studio = Studio::parse(DEFAULT_STUDIO).unwrap();
    let today = block_set.baseline().unwrap();
    let analysis = chaos_governance::Analysis::run(
        block_set.chain.clone(),
        &block_set.facts(),
        today,
        &studio,
    )
    .unwrap();
    let draft = Draft::new(&analysis.opportunities[0], &today, studio.policy()).unwrap();
    let mut template = Experiment::new(today, today);
    (template.paths, template.blocks) = (2, 40);
    let run = |format: &str| {
        refine::run(&draft, studio.policy(), |change| {
            let proposal = today.with(change.setting());
            let mut result =
                block_set.run(&Experiment { proposal, ..template }).map(|done| done.result)?;
            result.format = format.to_owned();
            Ok::<_, crate::Error>(result)
        })
        .unwrap()
    };
    let rule = analysis.opportunities[0].rule;
    let document = |outcome| rounds::to_canonical(rule, outcome).unwrap();
    let (now, then) = (run(RESULT_FORMAT_REVISED), run(RESULT_FORMAT));
    let former = Digest::of(&document(&then));
    let body = receipts::Draft {
        title: String::new(),
        chain: block_set.chain.clone(),
        changes: vec![],
        rounds: u32::try_from(now.rounds.len()).unwrap(),
        decision: receipts::Decision::Finalised {},
    };
    let ran = || Ran { document: document(&now), output: now.clone(), body: body.clone() };
    let computed = ran().digest();
    assert_ne!(former, computed);
    for (stated, found) in
        [(computed, computed), (former, former), (Digest::of(b"neither"), computed)]
    {
        assert_eq!(former::rounds(ran(), rule, &stated), Ok(found));
    }
    let other: Rule = Rule::Bursts;
    assert_ne!(rule, other);
    assert_eq!(former::rounds(ran(), other, &former), Ok(computed), "the rule is part of it");
}
