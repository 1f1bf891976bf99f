//! What an attested key vouches for is held against the same inputs, and so is a component's run.

use chaos_agency::{
    Action, Evidence, action,
    receipt::{Attested, Execution, Period, Program, Replay},
};
use chaos_sandbox::{Argument, Inputs};
use chaos_types::{AgentKey, Digest, canonical};

use super::story::{Case, STORY};
use crate::{
    reexecution::{COMPONENT, SANDBOX, ensure_repeatable},
    sandbox,
};

const SCORER: &[u8] = include_bytes!("../../../../../guests/artifacts/scorer.wasm");

fn attested(execution: Execution, replay: Replay) -> Evidence {
    Evidence::Attested(Box::new(Attested {
        key: AgentKey::from_seed(&[8; 32]).did(),
        period: Period { from_s: 0, until_s: 1 },
        evidence_id: Digest::of(b"signed part"),
        quote: Digest::of(b"quote"),
        collateral: Digest::of(b"collateral"),
        execution,
        replay: Some(replay),
    }))
}

/// An honest simulation whose run in the sandbox is vouched for too.
fn simulation() -> Case {
    let mut case = STORY.simulate.clone();
    let Evidence::Replayable(replay) = case.receipt.evidence.clone() else { unreachable!() };
    let component = sandbox::shared().unwrap().compile(sandbox::FEE_MARKET).unwrap();
    let run = component.run(Argument::Simulate(&STORY.material), &Inputs::default()).unwrap();
    case.receipt.evidence = attested(sandbox::execution(&run).unwrap(), replay);
    case
}

fn execution(case: &mut Case) -> &mut Execution {
    match &mut case.receipt.evidence {
        Evidence::Attested(attested) => &mut attested.execution,
        Evidence::None {} | Evidence::Replayable(_) => unreachable!("the case is attested"),
    }
}

#[test]
fn rejects_a_vouched_simulation_that_ran_on_something_else_or_otherwise() {
    let case = simulation();
    assert_eq!(case.run(STORY.dir.path()), Ok(STORY.outputs[1]));
    case.refuse(|case| execution(case).fuel -= 1, &["execution", "fuel"]);
    case.refuse(|case| execution(case).input = Digest::of(b"other"), &["execution", "input"]);
    case.refuse(|case| execution(case).output = Digest::of(b"other"), &["execution", "output"]);
    case.refuse(|case| execution(case).transcript = Digest::of(b"other"), &["transcript"]);
    case.refuse(|case| execution(case).code.component = Digest::of(b"x"), &["component"]);
    case.refuse(|case| execution(case).code.engine = "other 1".to_owned(), &["engine", "other 1"]);
    case.refuse(|case| execution(case).world = "generic".to_owned(), &["execution", "generic"]);
}

#[test]
fn a_vouched_simulation_by_other_code_is_refused_before_a_block_is_read() {
    let case = simulation();
    assert!(ensure_repeatable(&case.receipt, &case.attachments).is_ok());
    let other = Digest::of(b"other");
    case.refuse_unread(|case| execution(case).code.component = other, &["does not hold"]);
    for (lie, word) in [
        ((|case| execution(case).code.engine = "other 1".to_owned()) as fn(&mut Case), "other 1"),
        (|case| execution(case).code.interface = "other 2".to_owned(), "other 2"),
        (|case| execution(case).code.configuration = Digest::of(b"other"), "configuration"),
        (|case| execution(case).world = "generic".to_owned(), "generic"),
    ] {
        case.refuse_unread(lie, &["execution", word, "this release runs"]);
    }
}

/// A run of the scorer on bytes that it cannot read: it says so, and that can be repeated.
fn run() -> Case {
    let run = sandbox::shared()
        .unwrap()
        .compile(SCORER)
        .unwrap()
        .run(Argument::Score(b"not evidence"), &Inputs::default())
        .unwrap();
    let execution = sandbox::execution(&run).unwrap();
    let action = Action::Run(action::Run { execution, answered: false });
    let files = [(COMPONENT, SCORER.to_vec()), ("input", b"not evidence".to_vec())];
    Case::new(SANDBOX, vec![], &files, action)
}

fn body(case: &mut Case) -> &mut action::Run {
    match &mut case.receipt.action {
        Action::Run(body) => body,
        other => unreachable!("{}", other.kind()),
    }
}

#[test]
fn a_task_that_says_why_it_has_no_answer_can_be_repeated() {
    let case = run();
    let output = case.run(STORY.dir.path()).unwrap();
    let record = sandbox::shared().unwrap().compile(SCORER).unwrap();
    let record = record.run(Argument::Score(b"not evidence"), &Inputs::default()).unwrap().record();
    assert_eq!(output, Digest::of(&canonical::to_vec(&record).unwrap()));
    case.refuse(|case| body(case).answered = true, &["answered", "true", "false"]);
    case.refuse(|case| body(case).execution.fuel += 1, &["execution"]);
    case.refuse(|case| body(case).execution.world = "simulate".to_owned(), &["no world"]);
}

#[test]
fn a_component_that_is_not_at_hand_is_asked_for_by_name() {
    let mut case = run();
    case.attachments = chaos_verify::Attachments::default();
    case.refuse(|_| {}, &["`component`", "--inputs"]);
    let program = Program { name: SANDBOX.to_owned(), version: "9.9.9".to_owned() };
    case.refuse(
        |case| match &mut case.receipt.evidence {
            Evidence::Replayable(replay) => replay.program = program,
            Evidence::None {} | Evidence::Attested(_) => unreachable!(),
        },
        &["9.9.9"],
    );
}
