use chaos_types::{AgentKey, Digest};
use proptest::prelude::*;

use super::*;
use crate::{
    Action, Body, Evidence, Extension, Ground, Kind, Signer, Source,
    action::{Anchor, Delegate, Revoke, Role, RotateKey},
    receipt::{Draft, Form},
};

fn key(byte: u8) -> AgentKey {
    AgentKey::from_seed(&[byte; 32])
}

const OPERATOR: u8 = 9;

/// A kind that a workshop brings.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Analyse {
    found: Vec<String>,
}

impl Body for Analyse {
    const KIND: &'static str = "analyse";
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

const KINDS: Kinds = Kinds::new(&[Extension {
    name: "workshop",
    version: 1,
    kinds: &[Kind::of::<Analyse>()],
    view: None,
}]);

fn sign(agent: u8, signers: &[u8], action: Action) -> Verified<Receipt> {
    signed_for(OPERATOR, agent, signers, action)
}

fn signed_for(log: u8, agent: u8, signers: &[u8], action: Action) -> Verified<Receipt> {
    let keys: Vec<AgentKey> = signers.iter().map(|&byte| key(byte)).collect();
    let draft = Draft {
        log: key(log).did(),
        agent: key(agent).did(),
        claimed_at_ms: 0,
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action,
    };
    let envelope = draft.sign(&keys.iter().collect::<Vec<_>>()).unwrap();
    Receipt::open(&envelope, &KINDS).unwrap()
}

fn profile(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        role: "researcher".to_owned(),
        capabilities: vec!["analyse".to_owned()],
        studio: "governance".to_owned(),
    }
}

fn register(agent: u8, name: &str) -> Verified<Receipt> {
    sign(agent, &[agent], Action::Register(profile(name)))
}

fn rotate(agent: u8, from: u8, to: u8) -> Verified<Receipt> {
    sign(agent, &[from, to], Action::RotateKey(RotateKey { new_key: key(to).did() }))
}

fn revoke(by: u8, target: u8) -> Verified<Receipt> {
    let action = Action::Revoke(Revoke { agent: key(target).did(), reason: "stolen".to_owned() });
    sign(by, &[by], action)
}

fn analyse(agent: u8, with: u8) -> Verified<Receipt> {
    sign(agent, &[with], Action::of(&Analyse { found: vec![] }))
}

fn registry() -> Registry {
    let mut registry = Registry::new(key(OPERATOR).did(), &KINDS);
    registry.admit(0, &register(OPERATOR, "operator")).unwrap();
    registry.admit(1, &register(1, "ada")).unwrap();
    registry
}

#[track_caller]
fn refused(outcome: Result<(), Rejection>, expected: &str) {
    let rejection = outcome.expect_err(expected);
    assert_eq!(rejection.check, Check::Agent);
    assert!(rejection.reason.contains(expected), "{rejection}");
}

#[test]
fn registered_agent_may_do_what_it_is_registered_for() {
    let registry = registry();
    registry.authorise(2, &analyse(1, 1)).unwrap();
    let verdict =
        crate::action::Verdict { receipt: Digest::of(b"x"), failed: None, reexecuted: false };
    refused(registry.authorise(2, &sign(1, &[1], Action::Verify(verdict))), "not for verify");
    refused(registry.authorise(2, &analyse(2, 2)), "not registered");
}

#[test]
fn refuses_duplicate_agents_by_key_and_by_name() {
    let mut registry = registry();
    refused(registry.admit(2, &register(1, "ada-two")), "duplicate agent");
    refused(registry.admit(2, &register(2, "ada")), "duplicate agent");
    registry.admit(2, &revoke(1, 1)).unwrap();
    refused(registry.admit(3, &register(2, "ada")), "duplicate agent");
    refused(registry.admit(3, &register(1, "eve")), "duplicate agent");
}

#[test]
fn refuses_registration_signed_by_another_key_or_with_odd_names() {
    let registry = registry();
    refused(registry.authorise(2, &sign(2, &[3], Action::Register(profile("bob")))), "root key");
    for name in ["", "Bob", "a b", "a/b", "é", &"x".repeat(65)] {
        refused(registry.authorise(2, &register(2, name)), "name must be");
    }
    let mut odd = profile("bob");
    odd.capabilities = vec!["mint_money".to_owned()];
    refused(registry.authorise(2, &sign(2, &[2], Action::Register(odd))), "unknown capability");
}

#[test]
fn rejects_receipt_signed_after_revocation() {
    let mut registry = registry();
    registry.admit(2, &revoke(1, 1)).unwrap();
    refused(registry.authorise(3, &analyse(1, 1)), "revoked (stolen)");
    refused(registry.authorise(3, &revoke(1, 1)), "revoked");
}

#[test]
fn only_the_operator_revokes_others() {
    let mut registry = registry();
    registry.admit(2, &register(2, "bob")).unwrap();
    refused(registry.authorise(3, &revoke(1, 2)), "may not revoke");
    registry.admit(3, &revoke(OPERATOR, 2)).unwrap();
    refused(registry.authorise(4, &analyse(2, 2)), "revoked");
    refused(registry.authorise(4, &revoke(OPERATOR, 2)), "already revoked");
}

#[test]
fn operator_can_neither_leave_nor_rotate() {
    let registry = registry();
    refused(registry.authorise(2, &revoke(OPERATOR, OPERATOR)), "cannot be revoked");
    refused(registry.authorise(2, &rotate(OPERATOR, OPERATOR, 5)), "handed on by a delegation");
}

/// A delegation of a role from one seed's key to another's. The registry asks nothing of its place.
fn delegate(role: Role, number: u64, from: u8, to: u8) -> Delegate {
    let (key, replaces) = (key(to).did(), key(from).did());
    Delegate { role, number, key, replaces, lost: false, size: 0, root: chaos_log::EMPTY_ROOT }
}

#[test]
fn delegation_counts_only_with_every_signature_and_as_the_next_one() {
    let mut registry = registry();
    let first = || Action::Delegate(delegate(Role::Operator, 1, OPERATOR, 5));
    for signers in [&[OPERATOR][..], &[5], &[5, OPERATOR], &[OPERATOR, 5, 4], &[1, 5]] {
        refused(registry.authorise(2, &sign(OPERATOR, signers, first())), "signs with");
    }
    refused(registry.authorise(2, &sign(1, &[OPERATOR, 5], first())), "operator only");
    let lost = Delegate { lost: true, ..delegate(Role::Operator, 1, OPERATOR, 5) };
    let lost = sign(OPERATOR, &[OPERATOR, 5], Action::Delegate(lost));
    refused(registry.authorise(2, &lost), "the root key is the log");
    for (number, from, expected) in
        [(0, OPERATOR, "not the next"), (2, OPERATOR, "not the next"), (1, 4, "does not have")]
    {
        let wrong = delegate(Role::Operator, number, from, 5);
        let signers: &[u8] = if from == OPERATOR { &[OPERATOR, 5] } else { &[OPERATOR, 5, 4] };
        refused(registry.authorise(2, &sign(OPERATOR, signers, Action::Delegate(wrong))), expected);
    }
    let taken = Action::Delegate(delegate(Role::Operator, 1, OPERATOR, 1));
    refused(registry.authorise(2, &sign(OPERATOR, &[OPERATOR, 1], taken)), "already belongs");
    registry.admit(2, &sign(OPERATOR, &[OPERATOR, 5], first())).unwrap();
    let again = Action::Delegate(delegate(Role::Operator, 1, OPERATOR, 6));
    refused(registry.authorise(3, &sign(OPERATOR, &[OPERATOR, 6], again)), "not the next");
    // The replaced key agrees, unless it is lost.
    let second = || Action::Delegate(delegate(Role::Operator, 2, 5, 6));
    refused(registry.authorise(3, &sign(OPERATOR, &[OPERATOR, 6], second())), "signs with");
    registry.authorise(3, &sign(OPERATOR, &[OPERATOR, 6, 5], second())).unwrap();
    let lost = Delegate { lost: true, ..delegate(Role::Operator, 2, 5, 6) };
    registry.authorise(3, &sign(OPERATOR, &[OPERATOR, 6], Action::Delegate(lost))).unwrap();
}

#[test]
fn operators_receipts_are_judged_by_the_key_in_force_at_their_index() {
    let mut registry = registry();
    registry.admit(2, &register(2, "bob")).unwrap();
    registry.admit(3, &register(3, "eve")).unwrap();
    let by = |signer: u8, target: u8| {
        let body = Revoke { agent: key(target).did(), reason: "gone".to_owned() };
        sign(OPERATOR, &[signer], Action::Revoke(body))
    };
    registry.authorise(4, &by(OPERATOR, 2)).unwrap();
    let first = Action::Delegate(delegate(Role::Operator, 1, OPERATOR, 5));
    registry.admit(4, &sign(OPERATOR, &[OPERATOR, 5], first)).unwrap();
    refused(registry.authorise(5, &by(OPERATOR, 2)), "signs with");
    registry.admit(5, &by(5, 2)).unwrap();
    // Who signs checkpoints signs no receipt.
    let log_key = Action::Delegate(delegate(Role::Checkpoints, 1, OPERATOR, 6));
    registry.admit(6, &sign(OPERATOR, &[OPERATOR, 6], log_key)).unwrap();
    refused(registry.authorise(7, &by(6, 3)), "signs with");
    registry.admit(7, &by(5, 3)).unwrap();
    refused(registry.authorise(8, &register(6, "mallory")), "already belongs");
}

#[test]
fn receipt_meant_for_another_log_is_refused() {
    let foreign = signed_for(7, 2, &[2], Action::Register(profile("bob")));
    refused(registry().authorise(2, &foreign), "meant for the log of");
}

#[test]
fn old_key_signs_nothing_after_rotation_and_the_new_one_does() {
    let mut registry = registry();
    registry.admit(2, &rotate(1, 1, 5)).unwrap();
    refused(registry.authorise(3, &analyse(1, 1)), "signs with");
    registry.authorise(3, &analyse(1, 5)).unwrap();
    let agent = registry.agent(&key(1).did()).unwrap();
    assert_eq!(agent.key_at(1), Some(key(1).did()));
    assert_eq!(agent.key_at(2), Some(key(1).did()));
    assert_eq!(agent.key_at(3), Some(key(5).did()));
}

#[test]
fn rotation_needs_both_signatures_and_an_unused_key() {
    let mut registry = registry();
    let action = || Action::RotateKey(RotateKey { new_key: key(5).did() });
    refused(registry.authorise(2, &sign(1, &[1], action())), "signs with");
    refused(registry.authorise(2, &sign(1, &[5, 1], action())), "signs with");
    registry.admit(2, &register(5, "bob")).unwrap();
    refused(registry.authorise(3, &rotate(1, 1, 5)), "already belongs");
}

#[test]
fn outcomes_count_from_the_operator_only() {
    let registry = registry();
    let anchor = Anchor {
        chain: chaos_types::ChainId::evm(1),
        contract: format!("0x{}", "01".repeat(20)),
        log_size: 2,
        root: "00".repeat(32),
        publisher: None,
        shown_by: None,
        transaction: Some(format!("0x{}", "02".repeat(32))),
        block_number: 7,
        block_hash: format!("0x{}", "03".repeat(32)),
    };
    refused(registry.authorise(2, &sign(1, &[1], Action::Anchor(anchor))), "operator only");
}

proptest! {
    /// Whatever is attempted in whatever order, a key never speaks for two agents, and at every
    /// index an agent has at most one valid key.
    #[test]
    fn key_belongs_to_one_agent_and_an_agent_has_one_key_at_a_time(
        steps in prop::collection::vec((0_u8..4, 1_u8..6, 1_u8..6, 1_u8..6), 0..40),
    ) {
        let mut registry = registry();
        for (index, (what, agent, a, b)) in (2_u64..).zip(steps) {
            let receipt = match what {
                0 => register(agent, &format!("n{a}")),
                1 => if a == b { register(agent, "x") } else { rotate(agent, a, b) },
                2 => revoke(agent, a),
                _ => analyse(agent, a),
            };
            let before = registry.clone();
            if registry.admit(index, &receipt).is_err() {
                prop_assert_eq!(&registry, &before);
            }
        }
        let mut seen = std::collections::BTreeMap::new();
        for agent in registry.agents() {
            for span in &agent.keys {
                let other = seen.insert(span.key, agent.did);
                prop_assert!(other.is_none_or(|other| other == agent.did));
            }
            for pair in agent.keys.windows(2) {
                prop_assert_eq!(pair[0].until, Some(pair[1].from));
            }
        }
    }
}
