//! Each receipt here is signed as it must be and breaks one rule that needs nothing else.

use chaos_types::AgentKey;

use super::*;
use crate::{
    Kinds,
    action::{Payment, Profile, Revoke, Verdict},
    receipt::{Draft, Program, Replay},
};

const ACCOUNT: &str = "0x00000000000000000000000000000000000000aa";

fn did() -> chaos_types::Did {
    AgentKey::from_seed(&[7; 32]).did()
}

fn giving(output: Digest) -> Evidence {
    let program = Program { name: "p".into(), version: "1".into() };
    Evidence::Replayable(Replay { program, inputs: vec![], output })
}

fn draft(subjects: Vec<Product>, evidence: Evidence, action: Action) -> Draft {
    let (log, agent) = (did(), did());
    Draft { log, agent, claimed_at_ms: 0, parents: vec![], subjects, evidence, action }
}

fn open(draft: Draft) -> Result<(), Rejection> {
    let envelope = draft.sign(&[&AgentKey::from_seed(&[7; 32])]).unwrap();
    Receipt::open(&envelope, &Kinds::default()).map(|_| ())
}

#[track_caller]
fn refused(draft: Draft, fault: Fault) {
    let rejection = open(draft).expect_err("a rule is broken");
    assert_eq!((rejection.check, rejection.code), (Check::Statement, fault.code()), "{rejection}");
}

fn pay() -> Pay {
    let root = Distribution::new([(account_of(ACCOUNT).unwrap(), U256::from(60))]).unwrap().root();
    Pay {
        chain: ChainId::evm(1),
        token: ACCOUNT.into(),
        distributor: ACCOUNT.into(),
        distribution_id: "1".into(),
        merkle_root: format!("{root:#x}"),
        pool: 100,
        payments: vec![Payment { agent: did(), account: ACCOUNT.into(), amount: 60 }],
        returned: 40,
        outcome: Digest::of(b"outcome"),
        transactions: vec![format!("0x{}", "02".repeat(32))],
        funder: None,
        shown_by: None,
    }
}

fn paying(pay: Pay) -> Draft {
    let shares = Digest::of(b"shares");
    draft(vec![Product::new("shares", shares)], giving(shares), Action::Pay(pay))
}

#[test]
fn payment_that_does_not_hold_together_is_refused_when_it_is_read() {
    assert_eq!(open(paying(pay())), Ok(()));
    let forged = |change: &dyn Fn(&mut Pay), fault| {
        let mut body = pay();
        change(&mut body);
        refused(paying(body), fault);
    };
    forged(&|pay| pay.pool = 101, Fault::PoolNotDivided);
    forged(&|pay| pay.returned = u128::MAX, Fault::PoolNotDivided);
    forged(&|pay| pay.merkle_root = "0xdead".into(), Fault::RootMismatch);
    forged(&|pay| pay.payments[0].amount = 61, Fault::PoolNotDivided);
    forged(&|pay| pay.payments[0].account = ACCOUNT.to_uppercase(), Fault::AccountMalformed);
    forged(&|pay| pay.payments.push(pay.payments[0].clone()), Fault::AccountRepeated);
    forged(&|pay| pay.token = "0x00".into(), Fault::AddressMalformed);
    forged(&|pay| pay.distributor = ACCOUNT.to_uppercase(), Fault::AddressMalformed);
    forged(&|pay| pay.transactions.push("0x02".into()), Fault::HashMalformed);
}

#[test]
fn score_or_payment_without_a_program_is_refused() {
    let table = Digest::of(b"table");
    let score = Score { model: Digest::of(b"model"), as_of_ms: 0, log_size: 0, table };
    let named = || vec![Product::new("score-table", table)];
    assert_eq!(open(draft(named(), giving(table), Action::Score(score.clone()))), Ok(()));
    let word = Evidence::None {};
    refused(draft(named(), word, Action::Score(score.clone())), Fault::EvidenceClassOther);
    let other = Digest::of(b"another table");
    let subjects = vec![Product::new("score-table", other)];
    refused(draft(subjects, giving(other), Action::Score(score)), Fault::SubjectOther);
    refused(draft(vec![], Evidence::None {}, Action::Pay(pay())), Fault::EvidenceClassOther);
}

#[test]
fn subject_is_what_the_action_says_it_made() {
    let verdict =
        || Action::Verify(Verdict { receipt: Digest::of(b"x"), failed: None, reexecuted: false });
    let word = || Evidence::None {};
    assert_eq!(open(draft(vec![], word(), verdict())), Ok(()));
    let product = |name: &str| Product::new(name, Digest::of(name.as_bytes()));
    refused(draft(vec![product("verify")], word(), verdict()), Fault::SubjectOther);
    let twice = vec![product("a"), product("b"), product("a")];
    refused(draft(twice, word(), verdict()), Fault::SubjectRepeated);
}

#[test]
fn registry_entry_claims_no_evidence() {
    let output = Digest::of(b"out");
    let revoke = Action::Revoke(Revoke { agent: did(), reason: "lost".into() });
    let profile = Profile {
        name: "ada".into(),
        role: "researcher".into(),
        capabilities: vec![],
        studio: "workshop".into(),
    };
    for action in [revoke, Action::Register(profile)] {
        let subjects = vec![Product::new("out", output)];
        refused(draft(subjects, giving(output), action), Fault::EvidenceClassOther);
    }
}

/// A chain of another family spells its addresses as it likes.
#[test]
fn addresses_and_hashes_of_evm_chains_have_one_spelling() {
    let other: ChainId = "cosmos:hub".parse().unwrap();
    assert_eq!(ensure_address(&other, "token", "anything"), Ok(()));
    assert_eq!(ensure_hash(&other, "block", "anything"), Ok(()));
    let evm = ChainId::evm(1);
    assert_eq!(ensure_address(&evm, "token", ACCOUNT), Ok(()));
    let hash = format!("0x{}", "0a".repeat(32));
    assert_eq!(ensure_hash(&evm, "block", &hash), Ok(()));
    for text in ["", "0x", "x", &hash, &ACCOUNT[2..], &ACCOUNT.replace('a', "A")] {
        assert!(ensure_address(&evm, "token", text).is_err(), "{text}");
    }
    for text in ["", "0x", ACCOUNT, &hash[2..], &hash.replace('a', "A")] {
        assert!(ensure_hash(&evm, "block", text).is_err(), "{text}");
    }
}
