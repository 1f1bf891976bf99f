//! A payment follows from who did the work, not from what its signer wrote about it.

use chaos_agency::{
    Action, Evidence, Kinds, Leaf, Source, Views,
    action::{Contribution, Payment, Profile},
    receipt::{Draft, Input, Product, Program, Replay},
};
use chaos_governance::{
    DEFAULT_STUDIO,
    receipts::{self, Analyse, Blocks, Decision, EXTENSION, Simulate, Submit, VoteState},
};
use chaos_store::MemoryBlobs;
use chaos_types::{AgentKey, ChainId};

use super::*;

const KINDS: Kinds = Kinds::new(&[EXTENSION]);
const OPERATOR: u8 = 9;
const ADA: u8 = 1;
const BOB: u8 = 2;
const IDLER: u8 = 3;
const CONTRACT: &str = "0x0000000000000000000000000000000000000001";

fn did(byte: u8) -> Did {
    AgentKey::from_seed(&[byte; 32]).did()
}

fn account(byte: u8) -> String {
    format!("0x{}", format!("{byte:02x}").repeat(20))
}

/// A log that is folded while it is written.
struct Log {
    views: Views,
    receipts: BTreeMap<Digest, Verified<Receipt>>,
    blobs: MemoryBlobs,
}

impl Log {
    fn new() -> Self {
        let views = Views::new(did(OPERATOR), KINDS);
        let mut log = Self { views, receipts: BTreeMap::new(), blobs: MemoryBlobs::new() };
        let all = KINDS.capabilities();
        for (agent, name) in [(OPERATOR, "operator"), (ADA, "ada"), (BOB, "bob"), (IDLER, "idler")]
        {
            let profile = Profile {
                name: name.to_owned(),
                role: "researcher".to_owned(),
                capabilities: all.iter().map(|&kind| kind.to_owned()).collect(),
                studio: "governance".to_owned(),
            };
            log.add(agent, vec![], Evidence::None {}, Action::Register(profile));
        }
        log
    }

    fn add(
        &mut self,
        agent: u8,
        parents: Vec<Digest>,
        evidence: Evidence,
        action: Action,
    ) -> Digest {
        let subjects =
            evidence.replay().map(|replay| Product::new("out", replay.output)).into_iter();
        let draft = Draft {
            log: did(OPERATOR),
            agent: did(agent),
            claimed_at_ms: 0,
            parents,
            subjects: subjects.collect(),
            evidence,
            action,
        };
        let envelope = draft.sign(&[&AgentKey::from_seed(&[agent; 32])]).unwrap();
        let record = envelope.to_bytes().unwrap();
        let id = Digest::of(&record);
        self.views.apply(&Leaf::new(id, 1_000).to_bytes(), &record).unwrap();
        self.receipts.insert(id, Receipt::open(&envelope, &KINDS).unwrap());
        id
    }

    fn document(&self, pay: &Pay) -> Result<RewardDocument, Rejection> {
        let counted = |id: &Digest| {
            let missing = || reject(format!("receipt {id} is not in the log before"));
            self.receipts.get(id).cloned().ok_or_else(missing)
        };
        document(pay, counted, &self.blobs)
    }

    /// Work under a studio's definition.
    fn under(&self, definition: &str) -> Evidence {
        let digest = self.blobs.put(definition.as_bytes()).unwrap();
        Evidence::Replayable(Replay {
            program: Program { name: "p".into(), version: "1".into() },
            inputs: vec![Input { name: STUDIO.to_owned(), digest }],
            output: Digest::of(b"out"),
        })
    }
}

/// Ada measures and simulates, Bob drafts and submits, and the vote passes.
fn story(drafted_under: &str) -> (Log, Digest) {
    story_under(DEFAULT_STUDIO, drafted_under)
}

fn story_under(measured_under: &str, drafted_under: &str) -> (Log, Digest) {
    let mut log = Log::new();
    let chain = ChainId::evm(1);
    let blocks = Blocks { first: 1, last: 2, count: 2 };
    let body = Analyse { chain: chain.clone(), blocks, opportunities: vec![] };
    let evidence = log.under(measured_under);
    let measure = log.add(ADA, vec![], evidence, Action::of(&body));
    let body = Simulate { chain: chain.clone(), changes: vec![], round: 1 };
    let simulate = log.add(ADA, vec![measure], Evidence::None {}, Action::of(&body));
    let body = receipts::Draft {
        title: "raise".into(),
        chain: chain.clone(),
        changes: vec![],
        rounds: 1,
        decision: Decision::Finalised {},
    };
    let evidence = log.under(drafted_under);
    let draft = log.add(BOB, vec![simulate], evidence, Action::of(&body));
    let body = Submit {
        chain: chain.clone(),
        contract: CONTRACT.into(),
        proposal_id: "1".into(),
        metadata_uri: "https://example.org/1".into(),
        transaction: format!("0x{}", "02".repeat(32)),
        block_number: 3,
        shown_by: None,
    };
    let submit = log.add(BOB, vec![draft], Evidence::None {}, Action::of(&body));
    let named =
        [(measure, "measure"), (draft, "draft"), (simulate, "simulate"), (submit, "submit")];
    let body = ObserveVote {
        chain,
        governor: CONTRACT.into(),
        proposal_id: "4".into(),
        state: VoteState::Executed,
        votes_for: 3,
        votes_against: 0,
        votes_abstain: 0,
        block_number: 5,
        shown_by: None,
        submission: submit,
        contributions: named
            .map(|(receipt, task)| Contribution { receipt, task: task.to_owned() })
            .to_vec(),
    };
    let outcome = log.add(OPERATOR, vec![submit], Evidence::None {}, Action::of(&body));
    (log, outcome)
}

fn pay(outcome: Digest, payees: &[u8]) -> Pay {
    let payment = |&byte: &u8| Payment { agent: did(byte), account: account(byte), amount: 1 };
    Pay {
        chain: ChainId::evm(1),
        token: CONTRACT.into(),
        distributor: CONTRACT.into(),
        distribution_id: "1".into(),
        merkle_root: String::new(),
        pool: 110,
        payments: payees.iter().map(payment).collect(),
        returned: 0,
        outcome,
        transactions: vec![],
        funder: None,
        shown_by: None,
    }
}

#[track_caller]
fn refused(log: &Log, pay: &Pay, words: &str) {
    let rejection = log.document(pay).expect_err(words);
    assert_eq!(rejection.code, Fault::LogGivesOther.code(), "{rejection}");
    assert!(rejection.reason.contains(words), "{rejection}");
}

#[test]
fn each_task_is_paid_to_whoever_fulfilled_it_by_the_studios_weights() {
    let (log, outcome) = story(DEFAULT_STUDIO);
    let found = log.document(&pay(outcome, &[ADA, BOB])).unwrap();
    let slot = |task: &str, weight, agent| (task.to_owned(), weight, account(agent));
    let slots = [
        slot("measure", 3, ADA),
        slot("draft", 2, BOB),
        slot("simulate", 4, ADA),
        slot("submit", 2, BOB),
    ];
    assert_eq!((found.pool, found.slots), (110, slots.to_vec()));
}

#[test]
fn payment_to_somebody_who_did_nothing_does_not_follow_from_the_log() {
    let (log, outcome) = story(DEFAULT_STUDIO);
    refused(&log, &pay(outcome, &[IDLER, BOB]), "and is not paid");
    refused(&log, &pay(outcome, &[ADA, BOB, ADA]), "two accounts");
    // An idler beside those who worked gets no slot, so that the shares differ.
    let found = log.document(&pay(outcome, &[ADA, BOB, IDLER])).unwrap();
    assert!(found.slots.iter().all(|(_, _, account)| *account != self::account(IDLER)));
}

#[test]
fn payment_for_what_is_no_outcome_of_the_log_is_refused() {
    let (log, outcome) = story(DEFAULT_STUDIO);
    refused(&log, &pay(Digest::of(b"nothing"), &[ADA, BOB]), "is not in the log before");
    let mut short = pay(outcome, &[ADA, BOB]);
    let vote: ObserveVote = log.receipts[&outcome].action.read().unwrap();
    short.outcome = vote.submission;
    refused(&log, &short, "expected a vote");
}

#[test]
fn weights_are_those_that_the_work_was_done_under() {
    let other = DEFAULT_STUDIO.replace("reward_weight = 3", "reward_weight = 30");
    let (log, outcome) = story(&other);
    refused(&log, &pay(outcome, &[ADA, BOB]), "two definitions");
}

/// Contributors may name a definition of their own, and an operator may count them: the log carries
/// it and vouches for nothing in it.
#[test]
fn tasks_and_weights_are_said_and_never_the_logs() {
    let own = DEFAULT_STUDIO.replace("reward_weight = 3", "reward_weight = 30");
    let (log, outcome) = story_under(&own, &own);
    let pay = pay(outcome, &[ADA, BOB]);
    assert_eq!(log.document(&pay).unwrap().slots[0].1, 30);
    let pay = Action::Pay(pay);
    let of = |source| -> Vec<&str> {
        let grounds = pay.grounds().iter().filter(|ground| ground.input.is_some());
        grounds.filter(|ground| ground.source == source).map(|ground| ground.what).collect()
    };
    assert_eq!(
        of(Source::Log),
        [
            "the outcome and who contributed to it",
            "the account of each payee that had registered one before the outcome",
        ]
    );
    assert_eq!(
        of(Source::Signer),
        [
            "which definition of the studio gives tasks and weights",
            "which work fulfilled which task",
            "the account of every other payee",
        ]
    );
    assert!(pay.sums_up_the_log(), "and so it is claimed without a copy of the log");
}
