//! A studio of one craft: what is mended is inspected, and pays.

use std::cell::Cell;

use alloy_primitives::{Address, U256, hex};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use chaos_agency::{
    Action, Body, Evidence, Extension, Ground, Kind, Kinds, Outcome, Receipt, Signer, Source,
    State, Stop, View, Writes,
    account::Agreement,
    action::{BindAccount, Contribution, Pay, Payment, Profile, ReportFork, Score},
    receipt::{Draft, Form, Product, Program, Replay},
};
use chaos_incentives::Distribution;
use chaos_ledger::System;
use chaos_log::{Checkpoint, ForkProof, LogKey, leaf_hash};
use chaos_reputation::{Model, Params};
use chaos_types::{AgentKey, ChainId, Did, Digest, Rejection, Verified, dsse::Envelope};
use serde::{Deserialize, Serialize};

pub(super) const ADA: u8 = 1;
pub(super) const BOB: u8 = 2;
pub(super) const CAROL: u8 = 3;
/// Who never registered.
pub(super) const DAVE: u8 = 4;

thread_local! {
    static NOW_MS: Cell<u64> = const { Cell::new(0) };
}

/// Sets the clock of the test.
pub(super) fn set(now_ms: u64) {
    NOW_MS.set(now_ms);
}

pub(super) const SYSTEM: System =
    System { kinds: KINDS, now_ms: || NOW_MS.get(), random: crate::random };

/// Work.
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

/// How it went.
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
        receipt.action.read::<Inspect>().map(|Inspect { of, contributions }| Outcome {
            by: "inspection",
            of,
            client: "the village".to_owned(),
            succeeded: true,
            contributions,
        })
    }
}

pub(super) const KINDS: Kinds = Kinds::new(&[Extension {
    name: "workshop",
    version: 1,
    kinds: &[Kind::of::<Mend>(), Kind::of::<Inspect>()],
    view: Some(&Workshop),
}]);

pub(super) fn key(byte: u8) -> AgentKey {
    AgentKey::from_seed(&[byte; 32])
}

pub(super) fn profile(name: &str, role: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        role: role.to_owned(),
        capabilities: vec!["mend".to_owned()],
        studio: "workshop".to_owned(),
    }
}

/// A receipt by the first of the keys, which is an agent's root key.
pub(super) fn sign(log: Did, keys: &[&AgentKey], parents: Vec<Digest>, action: Action) -> Envelope {
    let output = match &action {
        Action::Score(score) => Some(score.table),
        Action::Pay(_) | Action::Other(_) => Some(Digest::of(b"out")),
        _ => None,
    };
    let evidence = output.map_or(Evidence::None {}, |output| {
        let program = Program { name: "p".to_owned(), version: "1".to_owned() };
        Evidence::Replayable(Replay { program, inputs: vec![], output })
    });
    let draft = Draft {
        log,
        agent: keys[0].did(),
        claimed_at_ms: 0,
        parents,
        subjects: output.into_iter().map(|output| Product::new("result", output)).collect(),
        evidence,
        action,
    };
    draft.sign(keys).unwrap()
}

pub(super) fn mend(what: &str) -> Action {
    Action::of(&Mend { what: what.to_owned() })
}

pub(super) fn inspect(of: Digest, receipts: &[Digest]) -> Action {
    let contribution = |receipt: &Digest| Contribution { receipt: *receipt, task: "mend".into() };
    Action::of(&Inspect { of, contributions: receipts.iter().map(contribution).collect() })
}

fn account(byte: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[byte; 32]).unwrap()
}

fn chain() -> ChainId {
    "eip155:1".parse().unwrap()
}

/// An agent says that it is paid at an account of its own number, which agrees.
pub(super) fn bind(log: Did, agent: u8) -> Action {
    let (chain, named) = (chain(), format!("{:#x}", account(agent).address()));
    let agreement =
        Agreement { log, agent: key(agent).did(), chain: &chain, account: &named, number: Some(1) };
    let signature = account(agent).sign_message_sync(agreement.text().as_bytes()).unwrap();
    let signature = hex::encode_prefixed(signature.as_bytes());
    Action::BindAccount(BindAccount { chain, account: named, number: Some(1), signature })
}

/// A report that some log signed two roots for a size.
pub(super) fn report(size: u64) -> Action {
    let key = LogKey::from_seed("example.com/log".parse().unwrap(), &[7; 32]);
    let head = |root: &[u8]| {
        Checkpoint::new("example.com/log", size, leaf_hash(root)).unwrap().sign(&key).unwrap()
    };
    let proof = ForkProof::of_roots(key.verifier().clone(), head(b"one"), head(b"other")).unwrap();
    Action::ReportFork(ReportFork { proof: proof.to_string() })
}

pub(super) fn pay(outcome: Digest, shares: &[(u8, u128)]) -> Action {
    let address = |agent: u8| account(agent).address();
    let divided = shares.iter().map(|(agent, amount)| (address(*agent), U256::from(*amount)));
    let root = Distribution::new(divided).unwrap().root();
    let payment = |(agent, amount): &(u8, u128)| {
        let (account, agent): (Address, _) = (address(*agent), key(*agent).did());
        Payment { agent, account: format!("{account:#x}"), amount: *amount }
    };
    let contract = "0x00000000000000000000000000000000000000bb".to_owned();
    Action::Pay(Pay {
        chain: chain(),
        token: contract.clone(),
        distributor: contract,
        distribution_id: "1".to_owned(),
        merkle_root: format!("{root:#x}"),
        pool: shares.iter().map(|(_, amount)| amount).sum(),
        payments: shares.iter().map(payment).collect(),
        returned: 0,
        outcome,
        transactions: vec![],
        funder: None,
        shown_by: None,
    })
}

/// A score of this evidence.
pub(super) fn score(
    evidence: &[chaos_reputation::Evidence],
    as_of_ms: u64,
    log_size: u64,
) -> Action {
    let params = Params::of(Model::NEWEST);
    let table = chaos_reputation::score(evidence, as_of_ms, &params).unwrap();
    Action::Score(Score {
        model: params.id().unwrap(),
        as_of_ms,
        log_size,
        table: table.digest().unwrap(),
    })
}
