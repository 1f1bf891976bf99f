use alloy_primitives::{Address, U256};
use chaos_agency::{
    Action, Evidence, Kinds, Leaf, Views,
    action::{Contribution, Pay, Payment, Profile, Score},
    receipt::{Draft, Product, Program, Replay},
    views::{self, RewardRow},
};
use chaos_incentives::Distribution;
use chaos_reputation::Model;
use chaos_types::{AgentKey, ChainId};
use proptest::prelude::*;

use super::*;
use crate::receipts::{Analyse, Blocks, Draft as DraftBody, EXTENSION, VoteState};

const KINDS: Kinds = Kinds::new(&[EXTENSION]);

const OPERATOR: u8 = 9;
const ADA: u8 = 1;

fn key(byte: u8) -> AgentKey {
    AgentKey::from_seed(&[byte; 32])
}

fn chain() -> ChainId {
    "eip155:1".parse().unwrap()
}

/// A log as its two columns of bytes.
#[derive(Default)]
struct Written(Vec<(Vec<u8>, Vec<u8>)>);

impl Written {
    fn add(
        &mut self,
        agent: u8,
        parents: Vec<Digest>,
        evidence: Evidence,
        action: Action,
    ) -> Digest {
        let subjects = match &evidence {
            Evidence::None {} => vec![],
            Evidence::Replayable(replay) => vec![Product::new("result", replay.output)],
            Evidence::Attested(attested) => {
                vec![Product::new("result", attested.execution.output)]
            }
        };
        let did = key(agent).did();
        let log = key(OPERATOR).did();
        let draft =
            Draft { log, agent: did, claimed_at_ms: 0, parents, subjects, evidence, action };
        let envelope = draft.sign(&[&key(agent)]).unwrap();
        let record = envelope.to_bytes().unwrap();
        let id = Digest::of(&record);
        let leaf = Leaf::new(id, 1_700_000_000_000 + 1_000 * self.0.len() as u64).to_bytes();
        self.0.push((leaf, record));
        id
    }

    fn fold(&self) -> Views {
        let mut views = Views::new(key(OPERATOR).did(), KINDS);
        for (leaf, record) in &self.0 {
            let _refused = views.apply(leaf, record);
        }
        views
    }
}

fn register(name: &str, capabilities: &[&str]) -> Action {
    Action::Register(Profile {
        name: name.to_owned(),
        role: "researcher".to_owned(),
        capabilities: capabilities.iter().map(|&c| c.to_owned()).collect(),
        studio: "governance".to_owned(),
    })
}

fn replayable() -> Evidence {
    giving(Digest::of(b"out"))
}

/// The evidence of a program that gave this output.
fn giving(output: Digest) -> Evidence {
    Evidence::Replayable(Replay {
        program: Program { name: "p".into(), version: "1".into() },
        inputs: vec![],
        output,
    })
}

struct Story {
    written: Written,
    analysis: Digest,
    submission: Digest,
    outcome: Digest,
}

/// Two agents, an analysis, a draft, a submission and a passed vote.
fn story() -> Story {
    let mut written = Written::default();
    let none = || Evidence::None {};
    written.add(OPERATOR, vec![], none(), register("operator", &["observe_vote", "pay", "score"]));
    written.add(ADA, vec![], none(), register("ada", &["analyse", "draft", "submit"]));
    let blocks = Blocks { first: 1, last: 2, count: 2 };
    let analysis = Action::of(&Analyse { chain: chain(), blocks, opportunities: vec![] });
    let analysis = written.add(ADA, vec![], replayable(), analysis);
    let draft = Action::of(&DraftBody {
        title: "raise the limit".into(),
        chain: chain(),
        changes: vec![],
        rounds: 1,
        decision: Decision::Finalised {},
    });
    let draft = written.add(ADA, vec![analysis], none(), draft);
    let submission = Action::of(&Submit {
        chain: chain(),
        contract: CONTRACT.into(),
        proposal_id: "1".into(),
        metadata_uri: "https://example.org/1".into(),
        transaction: format!("0x{}", "02".repeat(32)),
        block_number: 3,
        shown_by: None,
    });
    let submission = written.add(ADA, vec![draft], none(), submission);
    let outcome = written.add(OPERATOR, vec![submission], none(), vote(submission, analysis));
    Story { written, analysis, submission, outcome }
}

fn vote(submission: Digest, contribution: Digest) -> Action {
    Action::of(&ObserveVote {
        chain: chain(),
        governor: CONTRACT.into(),
        proposal_id: "4".into(),
        state: VoteState::Executed,
        votes_for: 3,
        votes_against: 0,
        votes_abstain: 0,
        block_number: 5,
        shown_by: None,
        submission,
        contributions: vec![Contribution { receipt: contribution, task: "measure".into() }],
    })
}

const CONTRACT: &str = "0x0000000000000000000000000000000000000001";

const ACCOUNT: &str = "0x00000000000000000000000000000000000000aa";

fn pay(outcome: Digest, amount: u128, returned: u128) -> Action {
    let account: Address = ACCOUNT.parse().unwrap();
    let root = Distribution::new([(account, U256::from(amount))]).unwrap().root();
    Action::Pay(Pay {
        chain: chain(),
        token: CONTRACT.into(),
        distributor: CONTRACT.into(),
        distribution_id: "1".into(),
        merkle_root: format!("{root:#x}"),
        pool: 100,
        payments: vec![Payment { agent: key(ADA).did(), account: ACCOUNT.into(), amount }],
        returned,
        outcome,
        transactions: vec![],
        funder: None,
        shown_by: None,
    })
}

/// The rows of a kind, by key.
fn rows_of(views: &Views, kind: &str) -> Vec<(String, String)> {
    let rows = views.state().iter().filter(|(key, _)| key.kind() == kind);
    rows.map(|(key, value)| (key.to_string(), String::from_utf8(value.to_vec()).unwrap())).collect()
}

#[track_caller]
fn last_refused(written: &Written, expected: &str) {
    let views = written.fold();
    let last = views.size() - 1;
    let refused = views.refused().unwrap();
    let row = refused.get(&last).expect(expected);
    assert!(row.reason.contains(expected), "{row:?}");
    assert!(!views.actions().unwrap().contains_key(&last), "a refused entry counts for nothing");
}

#[test]
fn proposal_is_followed_from_draft_to_vote_and_scores_point_at_receipts() {
    let story = story();
    let views = story.written.fold();
    assert!(views.refused().unwrap().is_empty(), "{:?}", views.refused());
    let [(draft, _)] = &rows_of(&views, "governance.draft")[..] else { panic!("one draft") };
    let draft = draft.strip_prefix("governance.draft/").unwrap();
    let submitted = rows_of(&views, "governance.submitted");
    assert_eq!(submitted, [(format!("governance.submitted/{draft}"), r#"{"index":4}"#.to_owned())]);
    let observed = rows_of(&views, "governance.observed");
    let key = format!("governance.observed/{}", story.submission);
    assert_eq!(observed, [(key, r#"{"index":5}"#.to_owned())]);
    assert_eq!(views.actions().unwrap()[&5].receipt, story.outcome);
    let evidence = views.evidence(views.last_integrated_at_ms(), Model::NEWEST).unwrap();
    assert_eq!(evidence.len(), 1);
    assert_eq!(evidence[0].receipt, story.analysis);
    assert_eq!(evidence[0].outcome, chaos_reputation::Outcome::Success);
}

#[test]
fn rewards_add_up_and_an_outcome_is_paid_once() {
    let mut story = story();
    story.written.add(OPERATOR, vec![], replayable(), pay(story.outcome, 60, 30));
    last_refused(&story.written, "not the pool");
    story.written.add(OPERATOR, vec![], replayable(), pay(story.outcome, 60, 40));
    let views = story.written.fold();
    let rewards = RewardRow::of(&key(ADA).did(), views.state()).unwrap();
    assert_eq!(
        rewards.iter().map(|row| (row.total, row.receipts.len())).collect::<Vec<_>>(),
        [(60, 1)]
    );
    story.written.add(OPERATOR, vec![], replayable(), pay(story.outcome, 70, 30));
    last_refused(&story.written, "already paid");
}

#[test]
fn payments_that_do_not_hold_together_are_refused() {
    let story = story();
    let forged = |change: &dyn Fn(&mut Pay)| {
        let Action::Pay(mut body) = pay(story.outcome, 60, 40) else { panic!("a payment") };
        change(&mut body);
        Action::Pay(body)
    };
    for (expected, action) in [
        ("Merkle root", forged(&|pay| pay.merkle_root = format!("0x{}", "11".repeat(32)))),
        ("not registered", forged(&|pay| pay.payments[0].agent = key(7).did())),
        ("lower-case", forged(&|pay| pay.payments[0].account = ACCOUNT.to_uppercase())),
        ("paid twice", forged(&|pay| pay.payments.push(pay.payments[0].clone()))),
        ("not the pool", forged(&|pay| pay.pool = 101)),
        ("no outcome", forged(&|pay| pay.outcome = Digest::of(b"nothing"))),
    ] {
        let mut story = self::story();
        story.written.add(OPERATOR, vec![], replayable(), action);
        last_refused(&story.written, expected);
    }
}

#[test]
fn votes_that_do_not_hold_together_are_refused() {
    let with = |change: &dyn Fn(&mut ObserveVote, &Story)| {
        let mut story = story();
        // The story ends with the vote; tell it again with another ending.
        story.written.0.pop();
        let mut body: ObserveVote = vote(story.submission, story.analysis).read().unwrap();
        change(&mut body, &story);
        let submission = story.submission;
        story.written.add(OPERATOR, vec![submission], Evidence::None {}, Action::of(&body));
        story
    };
    let again = |vote: &mut ObserveVote, story: &Story| {
        let task = "simulate".to_owned();
        vote.contributions.push(Contribution { receipt: story.analysis, task });
    };
    last_refused(&with(&again).written, "judged twice");
    let registration = |vote: &mut ObserveVote, story: &Story| {
        vote.contributions[0].receipt = Digest::of(&story.written.0[1].1);
    };
    last_refused(&with(&registration).written, "not work that led to the vote");
    last_refused(
        &with(&|vote, _| vote.chain = "eip155:2".parse().unwrap()).written,
        "the submission on eip155:1",
    );
    last_refused(&with(&|vote, _| vote.votes_against = 9).written, "did not pass");
    let views = with(&|_, _| {}).written.fold();
    assert!(views.refused().unwrap().is_empty(), "{:?}", views.refused());
}

#[test]
fn only_its_author_submits_a_draft() {
    let mut story = story();
    story.written.0.truncate(4);
    let draft = Digest::of(&story.written.0[3].1);
    let eve = 5;
    story.written.add(eve, vec![], Evidence::None {}, register("eve", &["submit"]));
    let submission = Action::of(&Submit {
        chain: chain(),
        contract: CONTRACT.into(),
        proposal_id: "1".into(),
        metadata_uri: "https://example.org/1".into(),
        transaction: format!("0x{}", "02".repeat(32)),
        block_number: 3,
        shown_by: None,
    });
    story.written.add(eve, vec![draft], Evidence::None {}, submission);
    last_refused(&story.written, "another agent's");
}

#[test]
fn evidence_keeps_the_role_that_the_agent_had_when_it_worked() {
    let mut story = story();
    let outcome = story.written.0.pop().unwrap();
    let Action::Register(mut profile) = register("ada", &["analyse"]) else { panic!("a profile") };
    profile.role = "core_developer".to_owned();
    story.written.add(ADA, vec![], Evidence::None {}, Action::Update(profile));
    drop(outcome);
    let vote = vote(story.submission, story.analysis);
    story.written.add(OPERATOR, vec![story.submission], Evidence::None {}, vote);
    let views = story.written.fold();
    assert!(views.refused().unwrap().is_empty(), "{:?}", views.refused());
    let evidence = views.evidence(views.last_integrated_at_ms(), Model::NEWEST).unwrap();
    assert_eq!(evidence[0].role, "researcher");
}

#[test]
fn time_of_the_log_does_not_go_back_and_refused_entries_do_not_move_it() {
    let mut story = story();
    let before = story.written.fold().last_integrated_at_ms();
    let far = Leaf::new(Digest::of(b"junk"), u64::MAX).to_bytes();
    story.written.0.push((far, b"junk".to_vec()));
    assert_eq!(story.written.fold().last_integrated_at_ms(), before);
    let record = story.written.0[1].1.clone();
    let early = Leaf::new(Digest::of(&record), before - 1).to_bytes();
    story.written.0.push((early, record));
    last_refused(&story.written, "time goes back");
}

#[test]
fn refuses_a_vote_seen_twice_and_unknown_parents() {
    let mut story = story();
    let again = vote(story.submission, story.analysis);
    let mut again: ObserveVote = again.read().unwrap();
    again.block_number = 6;
    story.written.add(OPERATOR, vec![], Evidence::None {}, Action::of(&again));
    last_refused(&story.written, "already in the log");
    let blocks = Blocks { first: 1, last: 2, count: 2 };
    let orphan = Action::of(&Analyse { chain: chain(), blocks, opportunities: vec![] });
    story.written.add(ADA, vec![Digest::of(b"nobody")], Evidence::None {}, orphan);
    last_refused(&story.written, "is not in the log before it");
}

#[test]
fn score_receipt_must_repeat_from_the_log() {
    let mut story = story();
    let views = story.written.fold();
    let as_of_ms = views.last_integrated_at_ms();
    let evidence = views.evidence(as_of_ms, Model::NEWEST).unwrap();
    let table = views::scores(&evidence, as_of_ms, Model::NEWEST).unwrap().digest().unwrap();
    let score = |table| {
        Action::Score(Score {
            model: chaos_reputation::Params::of(Model::NEWEST).id().unwrap(),
            as_of_ms,
            log_size: views.size(),
            table,
        })
    };
    let made_up = Digest::of(b"made up");
    story.written.add(OPERATOR, vec![], giving(made_up), score(made_up));
    last_refused(&story.written, "the log gives table");
    let mut story = self::story();
    story.written.add(OPERATOR, vec![], giving(table), score(table));
    assert!(story.written.fold().refused().unwrap().is_empty());
}

#[test]
fn entry_that_is_no_receipt_is_refused_and_the_fold_goes_on() {
    let mut story = story();
    let before = story.written.fold();
    story.written.0.insert(2, (b"junk".to_vec(), b"junk".to_vec()));
    let views = story.written.fold();
    assert_eq!(views.refused().unwrap().len(), 1);
    let keys =
        |views: &Views| rows_of(views, "draft").into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys(&views), keys(&before));
}

proptest! {
    /// The same entries give the same rows, and every entry counts or is refused.
    #[test]
    fn fold_is_a_function_of_the_log(dropped in prop::collection::vec(any::<bool>(), 6)) {
        let story = story();
        let kept = Written(
            story.written.0.into_iter().zip(dropped).filter(|(_, d)| !d).map(|(e, _)| e).collect(),
        );
        let folded = kept.fold();
        let again = kept.fold();
        prop_assert_eq!(again.state(), folded.state());
        let counted = folded.actions().unwrap().len() + folded.refused().unwrap().len();
        prop_assert_eq!(counted, kept.0.len());
        for (key, _) in folded.state().iter() {
            prop_assert!(KINDS_OF_ROWS.contains(&key.kind()), "{}", key);
        }
    }
}

/// The kinds of rows that a log of the studio's has.
const KINDS_OF_ROWS: [&str; 17] = [
    "action",
    "agent",
    "governance.draft",
    "evidence",
    "judged",
    "key",
    "name",
    "governance.observed",
    "outcome",
    "paid",
    "payment",
    "refusal",
    "refused",
    "reward",
    "span",
    "governance.submission",
    "governance.submitted",
];
