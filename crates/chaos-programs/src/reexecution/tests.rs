//! Each lie here keeps the honest evidence and changes only what the receipt says.

mod former;
mod inside;
mod story;

use std::{
    fs,
    ops::{Deref, DerefMut},
};

use chaos_agency::{
    Action, Body,
    action::{Pay, Revoke, Score},
    receipt::{Input, Product},
};
use chaos_evm::load::LoadParameters;
use chaos_governance::receipts::{Analyse, Decision, Draft, Simulate};
use chaos_simulation::Experiment;
use chaos_types::{ChainId, Digest, canonical};
use chaos_verify::Attachments;
use tempfile::TempDir;

use self::story::{ACCOUNTS, Case, STORY, pay_case, score_case};
use super::{ANALYSE, EXPERIMENT, SIMULATE, ensure_repeatable};
use crate::fixture::write_blocks;

/// A body that is being changed; it is put back when the change is done.
struct Changed<'a, B: Body> {
    action: &'a mut Action,
    body: B,
}

impl<'a, B: Body> Changed<'a, B> {
    fn of(case: &'a mut Case) -> Self {
        let body = case.receipt.action.read().unwrap();
        Self { action: &mut case.receipt.action, body }
    }
}

impl<B: Body> Deref for Changed<'_, B> {
    type Target = B;

    fn deref(&self) -> &B {
        &self.body
    }
}

impl<B: Body> DerefMut for Changed<'_, B> {
    fn deref_mut(&mut self) -> &mut B {
        &mut self.body
    }
}

impl<B: Body> Drop for Changed<'_, B> {
    fn drop(&mut self) {
        *self.action = Action::of(&self.body);
    }
}

fn analyse(case: &mut Case) -> Changed<'_, Analyse> {
    Changed::of(case)
}

fn simulate(case: &mut Case) -> Changed<'_, Simulate> {
    Changed::of(case)
}

fn draft(case: &mut Case) -> Changed<'_, Draft> {
    Changed::of(case)
}

#[test]
fn honest_receipts_repeat() {
    for (case, output) in [&STORY.analyse, &STORY.simulate, &STORY.draft].iter().zip(STORY.outputs)
    {
        assert_eq!(case.run(STORY.dir.path()), Ok(output));
    }
}

#[test]
fn rejects_an_analysis_that_says_what_was_not_measured() {
    let case = &STORY.analyse;
    case.refuse(
        |case| analyse(case).chain = ChainId::evm(1),
        &["chain", "eip155:1\"", "eip155:1337001"],
    );
    case.refuse(|case| analyse(case).blocks.first = 0, &["blocks", "\"first\":\"0\""]);
    case.refuse(|case| analyse(case).blocks.last = 33, &["blocks", "\"last\":\"33\""]);
    case.refuse(|case| analyse(case).blocks.count = 31, &["blocks", "31", "32"]);
    case.refuse(|case| analyse(case).opportunities.clear(), &["opportunities", "[]"]);
    case.refuse(
        |case| analyse(case).opportunities.push("raise everything".to_owned()),
        &["opportunities", "raise everything"],
    );
}

#[test]
fn rejects_a_simulation_of_another_change_or_chain() {
    let case = &STORY.simulate;
    case.refuse(
        |case| simulate(case).chain = ChainId::evm(1),
        &["chain", "eip155:1\"", "eip155:1337001"],
    );
    case.refuse(|case| simulate(case).changes[0].proposed += 1, &["changes", "gas-limit"]);
    case.refuse(|case| simulate(case).changes[0].current -= 1, &["changes", "gas-limit"]);
    case.refuse(|case| simulate(case).changes.clear(), &["changes", "[]"]);
    case.refuse(
        |case| {
            let again = simulate(case).changes[0].clone();
            simulate(case).changes.push(again);
        },
        &["changes"],
    );
}

#[test]
fn a_simulation_of_another_change_or_chain_is_refused_before_a_block_is_read() {
    let case = &STORY.simulate;
    assert!(ensure_repeatable(&case.receipt, &case.attachments).is_ok());
    let chain = ["chain", "eip155:1\"", "eip155:1337001", "inputs give"];
    case.refuse_unread(|case| simulate(case).chain = ChainId::evm(1), &chain);
    let change = ["changes", "gas-limit", "inputs give"];
    case.refuse_unread(|case| simulate(case).changes[0].proposed += 1, &change);
    case.refuse_unread(|case| simulate(case).changes[0].current -= 1, &change);
    case.refuse_unread(|case| simulate(case).changes.clear(), &["changes", "[]"]);
    case.refuse_unread(|case| case.attachments = Attachments::default(), &["bundle lacks input"]);
}

#[test]
fn rejects_an_experiment_that_does_not_start_from_todays_parameters() {
    STORY.simulate.refuse(
        |case| {
            let bytes = case.inputs().pop().map(|input| input.digest).unwrap();
            let bytes = case.attachments.get(&bytes).unwrap();
            let mut experiment: Experiment = canonical::from_slice(bytes).unwrap();
            let limit = experiment.baseline.gas_limit() + 1_000_000;
            experiment.baseline =
                chaos_parameters::Parameters::ethereum(limit).expect("within bounds");
            let digest = case.attachments.insert(canonical::to_vec(&experiment).unwrap());
            case.inputs().push(Input { name: EXPERIMENT.to_owned(), digest });
            simulate(case).changes[0].current = limit.into();
        },
        &["starts from", "16000000", "15000000"],
    );
}

#[test]
fn rejects_a_draft_that_says_what_the_rounds_did_not_come_to() {
    let case = &STORY.draft;
    case.refuse(|case| draft(case).chain = ChainId::evm(1), &["chain", "eip155:1\""]);
    case.refuse(|case| draft(case).changes[0].proposed = 7_500_000, &["changes", "7500000"]);
    case.refuse(|case| draft(case).rounds += 1, &["rounds"]);
    case.refuse(|case| draft(case).title = "halve the gas limit".to_owned(), &["title", "halve"]);
    case.refuse(
        |case| {
            let mut draft = draft(case);
            draft.decision = match draft.decision {
                Decision::Finalised {} => Decision::GivenUp { reason: "none".to_owned() },
                Decision::GivenUp { .. } => Decision::Finalised {},
            };
        },
        &["decision", "finalised", "given_up"],
    );
}

#[test]
fn rejects_blocks_under_other_names() {
    for case in [&STORY.analyse, &STORY.simulate, &STORY.draft] {
        case.refuse(
            |case| case.inputs()[0].name = "eip155:1/blocks/23000001".to_owned(),
            &["eip155:1/blocks/23000001", "eip155:1337001/blocks/1`"],
        );
        case.refuse(
            |case| {
                let name = case.inputs()[1].name.clone();
                case.inputs()[1].name = std::mem::replace(&mut case.inputs()[2].name, name);
            },
            &["blocks/2", "blocks/3"],
        );
    }
}

#[test]
fn rejects_inputs_that_the_program_does_not_read() {
    let more = |name: &str| Input { name: name.to_owned(), digest: Digest::of(b"more") };
    for case in [&STORY.analyse, &STORY.simulate, &STORY.draft, &score_case(), &pay_case()] {
        case.refuse(
            |case| case.inputs().push(more("audited-by-experts")),
            &["audited-by-experts", "does not read"],
        );
        case.refuse(
            |case| {
                let first = case.inputs()[0].name.clone();
                case.inputs().push(more(&first));
            },
            &["twice"],
        );
    }
    score_case().refuse(|case| case.inputs().push(more("eip155:1/blocks/1")), &["blocks/1"]);
}

#[test]
fn rejects_a_program_that_does_not_show_the_kind_and_a_second_subject() {
    let simulation = STORY.simulate.receipt.action.clone();
    STORY.analyse.refuse(|case| case.receipt.action = simulation, &["`simulate`", ANALYSE]);
    let analysis = STORY.analyse.receipt.action.clone();
    STORY.simulate.refuse(|case| case.receipt.action = analysis, &["`analyse`", SIMULATE]);
    for case in [&STORY.draft, &score_case(), &pay_case()] {
        let agent = case.receipt.agent;
        let other = Action::Revoke(Revoke { agent, reason: String::new() });
        case.refuse(|case| case.receipt.action = other, &["`revoke`", "does not show"]);
        case.refuse(
            |case| case.receipt.subjects.push(Product::new("audit", Digest::of(b"audit"))),
            &["audit"],
        );
    }
}

#[test]
fn damaged_block_file_is_named_with_its_error() {
    let dir = TempDir::new().unwrap();
    let load =
        LoadParameters { blocks: 2, gas_limit: 5_000_000, accounts: 200, ..Default::default() };
    write_blocks(dir.path(), &load);
    fs::write(dir.path().join("blocks/2.json"), "{").unwrap();
    let reason = STORY.simulate.run(dir.path()).unwrap_err().reason;
    for word in ["2.json", "EOF", "eip155:1337001/blocks/1", "--inputs"] {
        assert!(reason.contains(word), "`{word}` is not in: {reason}");
    }
    let first_named = reason.find("2.json").unwrap() < reason.find("blocks/1`").unwrap();
    assert!(first_named, "the damaged file comes first: {reason}");
}

fn score(case: &mut Case) -> &mut Score {
    match &mut case.receipt.action {
        Action::Score(body) => body,
        other => unreachable!("{}", other.kind()),
    }
}

#[test]
fn rejects_a_score_of_another_table_time_or_model() {
    let case = score_case();
    let mut honest = case.clone();
    let table = score(&mut honest).table;
    assert_eq!(honest.run(STORY.dir.path()), Ok(table));
    let other = Digest::of(b"another");
    case.refuse(|case| score(case).table = other, &["table", &other.to_string()]);
    case.refuse(|case| score(case).model = other, &["model", &other.to_string()]);
    case.refuse(|case| score(case).as_of_ms += 1, &["as_of_ms", "2001", "2000"]);
}

fn pay(case: &mut Case) -> &mut Pay {
    match &mut case.receipt.action {
        Action::Pay(body) => body,
        other => unreachable!("{}", other.kind()),
    }
}

#[test]
fn rejects_a_payment_that_divides_otherwise() {
    let case = pay_case();
    let shares =
        format!(r#"{{"returned":"0","shares":{{"{}":"75","{}":"25"}}}}"#, ACCOUNTS[0], ACCOUNTS[1]);
    assert_eq!(case.run(STORY.dir.path()), Ok(Digest::of(shares.as_bytes())));
    case.refuse(|case| pay(case).pool = 101, &["pool", "101", "100"]);
    case.refuse(|case| pay(case).returned = 1, &["returned", "1", "0"]);
    case.refuse(
        |case| {
            pay(case).payments.truncate(1);
            pay(case).payments[0].amount = 100;
        },
        &["payments", "\"100\"", "\"75\""],
    );
    case.refuse(|case| pay(case).payments[1].account = ACCOUNTS[0].to_owned(), &["twice"]);
    case.refuse(
        |case| pay(case).payments[1].account = format!("0x{}", "3".repeat(40)),
        &["payments", "0x3333"],
    );
    let root = format!("0x{}", "0".repeat(64));
    case.refuse(|case| pay(case).merkle_root.clone_from(&root), &["merkle_root", &root]);
}
