use std::{cell::RefCell, collections::BTreeSet, ops::Range};

use alloy_primitives::{Address, U256, hex};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use chaos_incentives::Distribution;
use chaos_log::map::MemoryMap;
use chaos_reputation::Model;
use chaos_types::{AgentKey, ChainId, Digest};
use serde::{Deserialize, Serialize};

use super::*;
use crate::{
    Answer, Body, Declaration, Evidence, Extension, Ground, Kind, Memory, Outcome, Row, Signer,
    Source, View,
    account::{Agreement, Payee, accounts},
    action::{
        BindAccount, Contribution, CorrectTime, DeclareAnchoring, Pay, Payment, Profile, Score,
    },
    receipt::{Draft, Form, Product, Program, Replay},
    shown::{self, Wanted},
};

const OPERATOR: u8 = 9;
const ADA: u8 = 1;

/// Work of a workshop's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mend {
    what: String,
}

impl Body for Mend {
    const KIND: &'static str = "mend";
    const SIGNER: Signer = Signer::Agent;
    const IS_WORK: bool = true;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[Ground::new("what was done", Source::Signer)];

    fn ensure(&self, _: &Form<'_>) -> Result<(), Rejection> {
        Ok(())
    }

    fn sentence(&self) -> String {
        format!("did {self:?}")
    }
}

/// The workshop's master says how it went.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inspect {
    of: Digest,
    contributions: Vec<Contribution>,
}

impl Body for Inspect {
    const KIND: &'static str = "inspect";
    const SIGNER: Signer = Signer::Operator;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[Ground::new("what was done", Source::Signer)];

    fn ensure(&self, _: &Form<'_>) -> Result<(), Rejection> {
        Ok(())
    }

    fn sentence(&self) -> String {
        format!("did {self:?}")
    }
}

#[derive(Debug)]
struct Workshop;

impl View for Workshop {
    fn admit(
        &self,
        _: &Verified<Receipt>,
        _: u64,
        _: &dyn State,
        _: &mut Writes,
    ) -> Result<(), Stop> {
        Ok(())
    }

    fn outcome(&self, receipt: &Receipt) -> Option<Outcome> {
        let inspected = receipt.action.read::<Inspect>();
        inspected.map(|Inspect { of, contributions }| Outcome {
            by: "inspection",
            of,
            client: "the village".to_owned(),
            succeeded: true,
            contributions,
        })
    }
}

const KINDS: Kinds = Kinds::new(&[Extension {
    name: "workshop",
    version: 1,
    kinds: &[Kind::of::<Mend>(), Kind::of::<Inspect>()],
    view: Some(&Workshop),
}]);

fn key(byte: u8) -> AgentKey {
    AgentKey::from_seed(&[byte; 32])
}

/// A log of a workshop, folded entry by entry.
struct Log {
    rules: Rules,
    state: Memory,
    next: Place,
}

/// An entry about to be folded.
#[derive(Clone)]
struct Entry {
    leaf: Leaf,
    receipt: Verified<Receipt>,
}

impl Log {
    fn new() -> Self {
        let rules = Rules::new(key(OPERATOR).did(), KINDS);
        Self { rules, state: Memory::default(), next: Place::FIRST }
    }

    fn entry(&self, agent: u8, parents: Vec<Digest>, action: Action) -> Entry {
        let replayed = matches!(&action, Action::Other(_) | Action::Score(_) | Action::Pay(_));
        let output = match &action {
            Action::Score(score) => score.table,
            _ => Digest::of(b"out"),
        };
        let (subjects, evidence) = if replayed {
            let program = Program { name: "p".to_owned(), version: "1".to_owned() };
            let replay = Replay { program, inputs: vec![], output };
            (vec![Product::new("result", output)], Evidence::Replayable(replay))
        } else {
            (vec![], Evidence::None {})
        };
        let draft = Draft {
            log: key(OPERATOR).did(),
            agent: key(agent).did(),
            claimed_at_ms: 0,
            parents,
            subjects,
            evidence,
            action,
        };
        let receipt = Receipt::open(&draft.sign(&[&key(agent)]).unwrap(), &KINDS).unwrap();
        Entry { leaf: Leaf::new(receipt.id, 1_000 * (self.next.index + 1)), receipt }
    }

    fn admit(&self, entry: &Entry, state: &dyn State) -> Result<Writes, Stop> {
        self.rules.admit(self.next, &entry.leaf, &entry.receipt, state)
    }

    /// Folds an entry that counts, and answers its receipt.
    fn add(&mut self, agent: u8, parents: Vec<Digest>, action: Action) -> Digest {
        let entry = self.entry(agent, parents, action);
        self.take(&entry)
    }

    fn take(&mut self, entry: &Entry) -> Digest {
        let writes = self.admit(entry, &self.state).unwrap();
        self.state.apply(writes);
        self.state.stands(entry.receipt.id, self.next.index);
        self.next = self.next.after(&entry.leaf, self.next.state);
        entry.receipt.id
    }

    #[track_caller]
    fn refused(&self, entry: &Entry, fault: Fault) {
        match self.admit(entry, &self.state) {
            Err(Stop::Rejected(rejection)) => {
                assert_eq!(rejection.code, fault.code(), "{rejection}")
            }
            other => panic!("{other:?}, expected {fault:?}"),
        }
    }
}

fn register(name: &str, capabilities: &[&str]) -> Action {
    Action::Register(Profile {
        name: name.to_owned(),
        role: "smith".to_owned(),
        capabilities: capabilities.iter().map(|&name| name.to_owned()).collect(),
        studio: "workshop".to_owned(),
    })
}

fn mend(what: &str) -> Action {
    Action::of(&Mend { what: what.to_owned() })
}

fn inspect(of: Digest, receipts: &[Digest]) -> Action {
    let contribution = |receipt: &Digest| Contribution { receipt: *receipt, task: "mend".into() };
    Action::of(&Inspect { of, contributions: receipts.iter().map(contribution).collect() })
}

fn pay(outcome: Digest, payee: u8, amount: u128) -> Action {
    pay_at("0x00000000000000000000000000000000000000aa", outcome, payee, amount)
}

fn pay_at(account: &str, outcome: Digest, payee: u8, amount: u128) -> Action {
    let address: Address = account.parse().unwrap();
    let root = Distribution::new([(address, U256::from(amount))]).unwrap().root();
    let contract = "0x00000000000000000000000000000000000000bb".to_owned();
    Action::Pay(Pay {
        chain: "eip155:1".parse::<ChainId>().unwrap(),
        token: contract.clone(),
        distributor: contract,
        distribution_id: "1".to_owned(),
        merkle_root: format!("{root:#x}"),
        pool: amount,
        payments: vec![Payment { agent: key(payee).did(), account: account.to_owned(), amount }],
        returned: 0,
        outcome,
        transactions: vec![],
        funder: None,
        shown_by: None,
    })
}

/// An account of chain 1, by its key.
fn account(byte: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[byte; 32]).unwrap()
}

fn spelled(byte: u8) -> String {
    format!("{:#x}", account(byte).address())
}

/// An agent says that it is paid at an account, which agrees.
fn bind(agent: u8, byte: u8) -> Action {
    bind_numbered(agent, byte, None)
}

fn bind_numbered(agent: u8, byte: u8, number: Option<u64>) -> Action {
    let (chain, named) = ("eip155:1".parse().unwrap(), spelled(byte));
    let (log, agent) = (key(OPERATOR).did(), key(agent).did());
    let text = Agreement { log, agent, chain: &chain, account: &named, number }.text();
    let signature = account(byte).sign_message_sync(text.as_bytes()).unwrap();
    let signature = hex::encode_prefixed(signature.as_bytes());
    Action::BindAccount(BindAccount { chain, account: named, number, signature })
}

/// A log with work, and the work.
fn worked() -> (Log, Digest) {
    let mut log = Log::new();
    log.add(OPERATOR, vec![], register("operator", &["inspect", "pay", "score"]));
    log.add(ADA, vec![], register("ada", &["mend"]));
    let work = log.add(ADA, vec![], mend("a wheel"));
    (log, work)
}

/// A log with work that was judged, and the outcome.
fn judged() -> (Log, Digest) {
    let (mut log, work) = worked();
    let outcome = log.add(OPERATOR, vec![work], inspect(work, &[work]));
    (log, outcome)
}

fn score(log: &Log, change: impl FnOnce(&mut Score)) -> Entry {
    score_by(Model::NEWEST, log, change)
}

fn score_by(model: Model, log: &Log, change: impl FnOnce(&mut Score)) -> Entry {
    let (as_of_ms, size) = (log.next.after_ms, log.next.index);
    let evidence = evidence(&log.state, size, as_of_ms, model).unwrap();
    let params = chaos_reputation::Params::of(model);
    let table = chaos_reputation::score(&evidence, as_of_ms, &params).unwrap();
    let mut body = Score {
        model: params.id().unwrap(),
        as_of_ms,
        log_size: size,
        table: table.digest().unwrap(),
    };
    change(&mut body);
    log.entry(OPERATOR, vec![], Action::Score(body))
}

#[test]
fn leaf_and_place_are_held_against_the_receipt() {
    let (log, work) = worked();
    let good = log.entry(ADA, vec![work], mend("a cart"));
    log.admit(&good, &log.state).unwrap();
    let late = Entry { leaf: Leaf::new(good.receipt.id, log.next.after_ms - 1), ..good.clone() };
    log.refused(&late, Fault::TimeGoesBack);
    let other = Entry { leaf: Leaf::new(work, log.next.after_ms), ..good };
    log.refused(&other, Fault::LeafOfAnother);
}

#[test]
fn a_receipt_stands_once_and_after_what_it_was_built_on() {
    let (log, work) = worked();
    log.refused(&log.entry(ADA, vec![Digest::of(b"none")], mend("x")), Fault::ParentUnknown);
    let again = log.entry(ADA, vec![], mend("a wheel"));
    assert_eq!(again.receipt.id, work);
    log.refused(&again, Fault::ReceiptRepeated);
}

#[test]
fn a_refused_receipt_is_no_parent() {
    let (mut log, _) = worked();
    let refused = log.entry(2, vec![], mend("y"));
    let (leaf, read) = (refused.leaf.to_bytes(), Ok(refused.receipt.clone()));
    let entry = super::Entry { leaf: &leaf, read: &read };
    let folded = log.rules.fold(log.next, entry, &log.state, &MemoryMap::new());
    let folded = folded.unwrap();
    assert_eq!(folded.refused.unwrap().code, Fault::AgentUnknown.code());
    assert_eq!(folded.next.after_ms, log.next.after_ms, "what is refused does not move the time");
    log.state.apply(folded.writes);
    log.state.stands(refused.receipt.id, log.next.index);
    log.next = folded.next;
    log.refused(&log.entry(ADA, vec![refused.receipt.id], mend("z")), Fault::ParentUnknown);
}

#[test]
fn what_is_judged_is_work_that_led_there_and_was_not_judged_before() {
    let (mut log, work) = worked();
    let unrelated = log.add(ADA, vec![], mend("a cart"));
    let judge =
        |log: &Log, of, receipts: &[Digest]| log.entry(OPERATOR, vec![], inspect(of, receipts));
    log.refused(&judge(&log, work, &[unrelated]), Fault::ContributionNoWork);
    log.refused(&judge(&log, work, &[work, work]), Fault::ContributionRepeated);
    let later = log.add(ADA, vec![work, unrelated], mend("both"));
    log.add(OPERATOR, vec![], inspect(later, &[work, later]));
    log.refused(&judge(&log, later, &[unrelated, work]), Fault::ContributionRepeated);
    log.add(OPERATOR, vec![], inspect(later, &[unrelated]));
}

#[test]
fn that_nothing_was_judged_before_is_asked_before_what_no_proof_shows() {
    let (mut log, work) = worked();
    let other = log.add(ADA, vec![work], mend("a cart"));
    let entry = log.entry(OPERATOR, vec![], inspect(other, &[work, other]));
    let (leaf, index) = (entry.leaf, log.next.index);
    log.add(OPERATOR, vec![], inspect(other, &[work, other]));
    let wanted = Wanted { index, leaf: &leaf, receipt: &entry.receipt, size: index + 1 };
    let shown = shown::record(&log.rules, wanted, &log.state).unwrap();
    let judged = shown.rows().filter(|(key, _)| key.kind() == "judged");
    assert_eq!(judged.filter(|(_, value)| value.is_some()).count(), 2);
    match log.rules.admit(Place::at(index), &leaf, &entry.receipt, &shown) {
        Err(Stop::NotShown { key }) => assert_eq!(key.kind(), "action"),
        other => panic!("{other:?}"),
    }
    // What stands there without being work, and was judged too, is refused for that.
    let unrelated = log.add(ADA, vec![], mend("a plough"));
    let both = log.entry(OPERATOR, vec![], inspect(other, &[unrelated, work]));
    log.refused(&both, Fault::ContributionRepeated);
}

#[test]
fn contributions_are_looked_for_among_the_nearest_ancestors() {
    let (mut log, work) = worked();
    let mut last = work;
    for number in 0..4_096 {
        last = log.add(ADA, vec![last], mend(&number.to_string()));
    }
    // The walk ends one short of the first work.
    log.refused(&log.entry(OPERATOR, vec![], inspect(last, &[work])), Fault::ContributionNoWork);
    let nearer = log.entry(OPERATOR, vec![], inspect(last, &[last]));
    log.admit(&nearer, &log.state).unwrap();
}

#[test]
fn an_outcome_is_paid_for_once_and_to_agents() {
    let (mut log, outcome) = judged();
    let entry = |log: &Log, outcome, payee, amount| {
        log.entry(OPERATOR, vec![], pay(outcome, payee, amount))
    };
    log.refused(&entry(&log, Digest::of(b"none"), ADA, 5), Fault::OutcomeUnknown);
    log.refused(&entry(&log, outcome, 7, 5), Fault::PayeeUnknown);
    log.add(OPERATOR, vec![], pay(outcome, ADA, u128::MAX));
    log.refused(&entry(&log, outcome, ADA, 6), Fault::OutcomePaid);
    let work = log.add(ADA, vec![], mend("a cart"));
    let second = log.add(OPERATOR, vec![], inspect(work, &[work]));
    log.refused(&entry(&log, second, ADA, 1), Fault::RewardsTooLarge);
    let rewards = RewardRow::of(&key(ADA).did(), &log.state).unwrap();
    assert_eq!((rewards[0].total, rewards[0].receipts.len()), (u128::MAX, 1));
}

#[test]
fn a_payee_is_paid_at_the_account_that_it_had_registered_before_the_outcome() {
    let (mut log, work) = worked();
    log.add(ADA, vec![], bind(ADA, 21));
    let outcome = log.add(OPERATOR, vec![work], inspect(work, &[work]));
    // What it registers later is for what it earns later.
    log.add(ADA, vec![], bind(ADA, 22));
    let paid = |log: &Log, account: &str, outcome| {
        log.entry(OPERATOR, vec![], pay_at(account, outcome, ADA, 5))
    };
    log.refused(&paid(&log, &spelled(22), outcome), Fault::PayeeAccountOther);
    log.refused(&paid(&log, &spelled(23), outcome), Fault::PayeeAccountOther);
    log.admit(&paid(&log, &spelled(21), outcome), &log.state).unwrap();
    let next = log.add(ADA, vec![work], mend("a cart"));
    let second = log.add(OPERATOR, vec![next], inspect(next, &[next]));
    log.refused(&paid(&log, &spelled(21), second), Fault::PayeeAccountOther);
    log.admit(&paid(&log, &spelled(22), second), &log.state).unwrap();
    // On another chain it has none, and the account is the payment's word.
    let elsewhere = |entry: Action| match entry {
        Action::Pay(pay) => Action::Pay(Pay { chain: "eip155:10".parse().unwrap(), ..pay }),
        other => other,
    };
    let action = elsewhere(pay_at(&spelled(23), outcome, ADA, 5));
    log.admit(&log.entry(OPERATOR, vec![], action), &log.state).unwrap();
    let whose = |account: u8, outcome| {
        let Action::Pay(pay) = pay_at(&spelled(account), outcome, ADA, 5) else { unreachable!() };
        Payee::of(&pay, &log.state).unwrap()[0].is_registered
    };
    assert_eq!([whose(21, outcome), whose(23, outcome), whose(22, second)], [true, false, true]);
    let listed = accounts(&log.state, &key(ADA).did()).unwrap();
    let spans: Vec<_> = listed.iter().map(|account| (account.from, account.until)).collect();
    assert_eq!(spans, [(4, Some(6)), (6, None)]);
}

#[test]
fn an_account_is_one_agents_for_ever() {
    let (mut log, _) = worked();
    log.add(2, vec![], register("bob", &["mend"]));
    log.add(ADA, vec![], bind(ADA, 21));
    log.refused(&log.entry(2, vec![], bind(2, 21)), Fault::AccountTaken);
    log.refused(&log.entry(7, vec![], bind(7, 24)), Fault::AgentUnknown);
    log.add(ADA, vec![], bind(ADA, 22));
    log.refused(&log.entry(2, vec![], bind(2, 21)), Fault::AccountTaken);
    let mut again = log.entry(ADA, vec![], bind(ADA, 22));
    again.receipt = Receipt::open(
        &Draft {
            log: key(OPERATOR).did(),
            agent: key(ADA).did(),
            claimed_at_ms: 1,
            parents: vec![],
            subjects: vec![],
            evidence: Evidence::None {},
            action: bind(ADA, 22),
        }
        .sign(&[&key(ADA)])
        .unwrap(),
        &KINDS,
    )
    .unwrap();
    again.leaf = Leaf::new(again.receipt.id, again.leaf.integrated_at_ms);
    log.refused(&again, Fault::AccountUnchanged);
}

/// The log shows what an account once agreed to, and whoever has the agent's key alone gains nothing by it.
#[test]
fn what_an_account_agreed_to_once_is_of_no_use_again() {
    let (mut log, _) = worked();
    let old = bind(ADA, 20);
    log.add(ADA, vec![], old.clone());
    let first = bind_numbered(ADA, 21, Some(2));
    log.add(ADA, vec![], first.clone());
    log.add(ADA, vec![], bind_numbered(ADA, 22, Some(3)));
    // Another parent, so that it is another receipt.
    let parent = log.add(ADA, vec![], mend("a cart"));
    for again in [old, first] {
        log.refused(&log.entry(ADA, vec![parent], again), Fault::AccountNumberOther);
    }
    log.refused(
        &log.entry(ADA, vec![], bind_numbered(ADA, 23, Some(5))),
        Fault::AccountNumberOther,
    );
    // The account itself can agree anew.
    log.add(ADA, vec![], bind_numbered(ADA, 21, Some(4)));
    let number =
        crate::account::next_number(&log.state, &key(ADA).did(), &"eip155:1".parse().unwrap());
    assert_eq!(number.unwrap(), 5);
}

#[test]
fn an_agent_changes_its_account_on_a_chain_so_often_and_no_more() {
    let (mut log, _) = worked();
    for byte in 0..64 {
        log.add(ADA, vec![], bind(ADA, 100 + byte));
    }
    log.refused(&log.entry(ADA, vec![], bind(ADA, 99)), Fault::AccountsTooMany);
}

#[test]
fn whose_an_account_is_the_bundle_of_a_payment_shows_before_what_no_proof_shows() {
    let (mut log, work) = worked();
    log.add(ADA, vec![], bind(ADA, 21));
    let outcome = log.add(OPERATOR, vec![work], inspect(work, &[work]));
    let action = pay_at(&spelled(21), outcome, ADA, 5);
    let entry = log.entry(OPERATOR, vec![], action.clone());
    let (leaf, index) = (entry.leaf, log.next.index);
    log.add(OPERATOR, vec![], action);
    log.add(ADA, vec![], bind(ADA, 22));
    let wanted = Wanted { index, leaf: &leaf, receipt: &entry.receipt, size: index + 2 };
    let shown = shown::record(&log.rules, wanted, &log.state).unwrap();
    assert_eq!(shown.rows().filter(|(key, _)| key.kind() == "account").count(), 1);
    match log.rules.admit(Place::at(index), &leaf, &entry.receipt, &shown) {
        Err(Stop::NotShown { key }) => assert_eq!(key.kind(), "reward"),
        other => panic!("{other:?}"),
    }
    let Action::Pay(pay) = &entry.receipt.action else { unreachable!() };
    assert!(Payee::of(pay, &shown).unwrap()[0].is_registered);
    assert_eq!(shown.refusal().unwrap(), None);
    assert_eq!(shown.unasked(), None);
}

#[test]
fn a_score_repeats_from_the_log() {
    let (log, _) = judged();
    log.admit(&score(&log, |_| {}), &log.state).unwrap();
    log.refused(&score(&log, |score| score.model = Digest::of(b"m")), Fault::ModelOther);
    log.refused(&score(&log, |score| score.log_size -= 1), Fault::LogSizeOther);
    log.refused(&score(&log, |score| score.table = Digest::of(b"t")), Fault::ScoreNotRepeated);
}

const YEARS_MS: u64 = 10 * 365 * 86_400_000;

/// A log whose clock was ten years ahead while work was judged, and which was corrected since; the time of
/// the correction.
fn corrected() -> (Log, u64) {
    let (mut log, work) = worked();
    let first = log.next.index;
    let mut wrong = log.entry(OPERATOR, vec![work], inspect(work, &[work]));
    wrong.leaf.integrated_at_ms += YEARS_MS;
    log.take(&wrong);
    let true_ms = 1_000 * (log.next.index + 1);
    let body = CorrectTime { first, true_ms };
    log.add(OPERATOR, vec![], Action::CorrectTime(body));
    (log, true_ms)
}

#[test]
fn evidence_is_as_old_as_the_corrections_say_that_are_known() {
    let (log, true_ms) = corrected();
    let times = |log: &Log, as_of_ms| -> Vec<u64> {
        let found = evidence(&log.state, log.next.index, as_of_ms, Model::NEWEST).unwrap();
        found.into_iter().map(|piece| piece.at_ms).collect()
    };
    assert_eq!(times(&log, log.next.after_ms), [true_ms]);
    // As of the time that the wrong clock had said, it is ten years old and weighs nothing.
    assert_eq!(times(&log, true_ms + YEARS_MS), [0; 0]);
    // Before the correction nobody knew.
    let (before, _) = judged();
    assert_eq!(times(&before, before.next.after_ms), [before.next.after_ms]);
}

#[test]
fn scores_of_a_corrected_log_are_as_of_a_time_between_the_last_entry_and_their_own() {
    let (log, _) = corrected();
    log.admit(&score(&log, |_| {}), &log.state).unwrap();
    let at = |as_of_ms| {
        let evidence = evidence(&log.state, log.next.index, as_of_ms, Model::NEWEST).unwrap();
        let params = chaos_reputation::Params::of(Model::NEWEST);
        let table = chaos_reputation::score(&evidence, as_of_ms, &params).unwrap();
        score(&log, |score| (score.as_of_ms, score.table) = (as_of_ms, table.digest().unwrap()))
    };
    let (last_ms, own_ms) = (log.next.after_ms, 1_000 * (log.next.index + 1));
    log.refused(&at(last_ms - 1), Fault::ScoredTooEarly);
    log.admit(&at(own_ms), &log.state).unwrap();
    log.refused(&at(own_ms + 1), Fault::ScoredTooLate);
    // An entry of a log that was never corrected folds as ever; its readers hold it to the bounds.
    let (log, _) = judged();
    let early = score(&log, |_| {});
    log.admit(&early, &log.state).unwrap();
    assert!(early.receipt.ensure_times(log.next.after_ms, &early.leaf).is_ok());
    let refused = early.receipt.ensure_times(log.next.after_ms + 1, &early.leaf).unwrap_err();
    assert_eq!(refused.code, Fault::ScoredTooEarly.code());
    let before = Leaf::new(early.receipt.id, log.next.after_ms - 1);
    let refused = early.receipt.ensure_times(0, &before).unwrap_err();
    assert_eq!(refused.code, Fault::ScoredTooLate.code());
}

#[test]
fn scores_by_the_former_model_count_until_the_log_has_one_by_the_newer() {
    let (mut log, _) = judged();
    let former = score_by(Model::Belief1, &log, |_| {});
    log.add(OPERATOR, vec![], former.receipt.action.clone());
    log.admit(&score_by(Model::Belief1, &log, |_| {}), &log.state).unwrap();
    let newer = score(&log, |_| {});
    log.add(OPERATOR, vec![], newer.receipt.action.clone());
    log.refused(&score_by(Model::Belief1, &log, |_| {}), Fault::ModelSuperseded);
    log.admit(&score(&log, |_| {}), &log.state).unwrap();
}

#[test]
fn what_the_judge_calls_a_task_moves_no_score() {
    let named = |tasks: [&str; 2]| {
        let (mut log, work) = worked();
        let other = log.add(ADA, vec![work], mend("a cart"));
        let contributions = [(work, tasks[0]), (other, tasks[1])]
            .map(|(receipt, task)| Contribution { receipt, task: task.to_owned() });
        let inspect = Inspect { of: other, contributions: contributions.to_vec() };
        log.add(OPERATOR, vec![other], Action::of(&inspect));
        let size = log.next.index;
        Model::ALL.map(|model| {
            evidence(&log.state, size, log.next.after_ms, model)
                .unwrap()
                .into_iter()
                .map(|piece| (piece.task_class, piece.payer))
                .collect::<Vec<_>>()
        })
    };
    let ([former, one], [_, two]) = (named(["mend", "mend"]), named(["fresh", "fresher"]));
    assert_eq!(former[0], ("mend".to_owned(), key(OPERATOR).did().to_string()));
    assert_eq!(one, two);
    assert_eq!(one, vec![("mend".to_owned(), "the village".to_owned()); 2]);
}

#[test]
fn evidence_beyond_the_horizon_is_not_read() {
    let (log, _) = judged();
    let size = log.next.index;
    let horizon = (chaos_reputation::DAYS_MAX + 1) * chaos_reputation::DAY_MS;
    let at_ms = evidence(&log.state, size, log.next.after_ms, Model::NEWEST).unwrap()[0].at_ms;
    let read = |as_of_ms| evidence(&log.state, size, as_of_ms, Model::NEWEST).unwrap().len();
    assert_eq!(read(at_ms + horizon - 1), 1);
    assert_eq!(read(at_ms + horizon), 0);
    // What is read last of all still weighs nothing: leaving it out changes no mass.
    let decay = chaos_reputation::DecayTable::new(
        chaos_reputation::Params::of(Model::NEWEST).success_half_life_days,
    );
    assert_eq!(decay.factor_q32(chaos_reputation::DAYS_MAX + 1), 0);
}

/// A state of which one answer is hidden, and which tells what it was asked.
struct Watched<'a> {
    state: &'a Memory,
    hidden: Option<&'a Asked>,
    asked: RefCell<BTreeSet<Asked>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Row(Key),
    Place(Digest),
    Range(Key),
}

impl<'a> Watched<'a> {
    fn new(state: &'a Memory, hidden: Option<&'a Asked>) -> Self {
        Self { state, hidden, asked: RefCell::default() }
    }

    fn answer<T>(&self, asked: Asked, answer: Answer<T>) -> Answer<T> {
        let hidden = self.hidden == Some(&asked);
        self.asked.borrow_mut().insert(asked);
        if hidden { Answer::NotShown } else { answer }
    }
}

impl State for Watched<'_> {
    fn get(&self, key: &Key) -> Answer<Vec<u8>> {
        self.answer(Asked::Row(key.clone()), self.state.get(key))
    }

    fn place(&self, receipt: &Digest) -> Answer<u64> {
        self.answer(Asked::Place(*receipt), self.state.place(receipt))
    }

    fn tree(&self, size: u64) -> Answer<chaos_log::Hash> {
        self.state.tree(size)
    }

    fn range(&self, range: Range<&Key>) -> Answer<Vec<Row>> {
        self.answer(Asked::Range(range.start.clone()), self.state.range(range))
    }
}

/// Whatever a rule asks for, without an answer the receipt is neither admitted nor refused.
#[test]
fn what_is_not_shown_is_neither_admitted_nor_refused() {
    let (log, work) = worked();
    let (other, outcome) = judged();
    let entries = [
        (&log, log.entry(2, vec![], register("bob", &["mend"]))),
        (&log, log.entry(ADA, vec![work], mend("a cart"))),
        (&log, log.entry(OPERATOR, vec![work], inspect(work, &[work]))),
        (&other, other.entry(OPERATOR, vec![], pay(outcome, ADA, 5))),
        (&other, score(&other, |_| {})),
    ];
    for (log, entry) in &entries {
        let all = Watched::new(&log.state, None);
        log.admit(entry, &all).unwrap();
        let asked = all.asked.into_inner();
        assert!(asked.len() > 2, "{asked:?}");
        for hidden in &asked {
            let watched = Watched::new(&log.state, Some(hidden));
            match log.admit(entry, &watched) {
                Err(Stop::NotShown { .. }) => {}
                other => panic!("{hidden:?} hidden: {other:?}"),
            }
        }
    }
}

/// A view that puts a row of the platform's.
#[derive(Debug)]
struct Thief;

impl View for Thief {
    fn admit(
        &self,
        receipt: &Verified<Receipt>,
        index: u64,
        _: &dyn State,
        writes: &mut Writes,
    ) -> Result<(), Stop> {
        let key = if index.is_multiple_of(2) {
            Key::paid(&receipt.id)
        } else {
            Key::of_view("other", "mended", &[&receipt.id])
        };
        writes.put(key, &crate::Once { index });
        Ok(())
    }
}

#[test]
fn a_view_puts_rows_of_its_own_alone() {
    const THIEVES: Kinds = Kinds::new(&[Extension {
        name: "thieves",
        version: 1,
        kinds: &[Kind::of::<Mend>()],
        view: Some(&Thief),
    }]);
    let (mut log, _) = worked();
    log.rules = Rules::new(key(OPERATOR).did(), THIEVES);
    for _both in 0..2 {
        let entry = log.entry(ADA, vec![], mend("a cart"));
        let stop = log.admit(&entry, &log.state).unwrap_err();
        assert!(matches!(stop, Stop::Foreign { extension: "thieves", .. }), "{stop:?}");
        log.next.index += 1;
    }
}

/// From the first leaf that states a root on, each does, and states the right one.
#[test]
fn leaves_state_what_the_log_folds_to() {
    let mut views = crate::Views::new(key(OPERATOR).did(), KINDS);
    let mut add = |agent: u8, action: Action, of: &dyn Fn(&crate::Views, Leaf, &_) -> Leaf| {
        let mut log = Log::new();
        log.next = views.next();
        let entry = log.entry(agent, vec![], action);
        let read = Ok(entry.receipt);
        let leaf = of(&views, entry.leaf, &read);
        let refused = views.apply_read(&leaf.to_bytes(), &read).err();
        (refused.map(|refused| refused.code), views.map().root())
    };
    let silent = |_: &crate::Views, leaf: Leaf, _: &_| leaf;
    let honest = |views: &crate::Views, leaf: Leaf, read: &_| views.stating(leaf, read);
    let stale = |views: &crate::Views, leaf: Leaf, _: &_| leaf.stating(views.map().root());
    let (refused, first) = add(OPERATOR, register("operator", &["inspect"]), &silent);
    assert_eq!(refused, None);
    assert_eq!(add(ADA, register("ada", &["mend"]), &honest).0, None);
    let (refused, before) = add(ADA, mend("a wheel"), &honest);
    assert_eq!(refused, None, "an entry that changes no committed row states the same root");
    assert_ne!(before, first);
    let (refused, after) = add(2, register("bob", &["mend"]), &silent);
    assert_eq!(refused, Some(Fault::StateMissing.code()));
    assert_ne!(after, before, "the refusal is committed to");
    assert_eq!(add(3, register("eve", &["mend"]), &stale).0, Some(Fault::StateOther.code()));
    // A refused entry states its root too, and a wrong one is what is told of it.
    assert_eq!(add(4, mend("a cart"), &honest).0, Some(Fault::AgentUnknown.code()));
    assert_eq!(add(4, mend("a door"), &stale).0, Some(Fault::StateOther.code()));
    assert_eq!(add(ADA, mend("a roof"), &honest).0, None);
    assert_eq!(views.misstated(), Some(3));
    let found = crate::views::misstated(views.state(), 0..views.size()).unwrap();
    assert_eq!(found.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [3, 4, 6]);
}

fn declare(chain: u64) -> Action {
    let (contract, publisher) = (format!("{CONTRACT:#x}"), format!("{:#x}", Address::ZERO));
    Action::DeclareAnchoring(DeclareAnchoring { chain: ChainId::evm(chain), contract, publisher })
}

const CONTRACT: Address = Address::repeat_byte(0xc0);

#[test]
fn where_a_log_is_anchored_is_declared_by_its_operator_and_changed_by_another_place() {
    let (mut log, work) = worked();
    log.refused(&log.entry(ADA, vec![], declare(1)), Fault::OperatorOnly);
    assert_eq!(Declaration::last(&log.state, u64::MAX).unwrap(), (0, None));
    let first = log.next.index;
    log.add(OPERATOR, vec![], declare(1));
    log.refused(&log.entry(OPERATOR, vec![work], declare(1)), Fault::DeclarationNeedless);
    log.add(OPERATOR, vec![], declare(2));
    // Back is a change as well.
    log.add(OPERATOR, vec![work], declare(1));
    let last = |size| Declaration::last(&log.state, size).unwrap();
    let at = |(count, last): (u64, Option<Declaration>)| (count, last.map(|last| last.index));
    assert_eq!(at(last(first)), (0, None), "no head before holds it");
    assert_eq!(at(last(first + 1)), (1, Some(first)));
    assert_eq!(at(last(first + 2)), (2, Some(first + 1)));
    assert_eq!(at(last(u64::MAX)), (3, Some(first + 2)));
}
