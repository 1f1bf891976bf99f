use chaos_log::{Checkpoint, FORK_BYTES_MAX, ForkProof, LogKey, leaf_hash};
use chaos_types::{AgentKey, Digest, Verified, canonical};

use super::*;
use crate::{
    Action, Evidence, Fault, Kinds, Leaf, Receipt, Views,
    action::Profile,
    receipt::{Draft, Product, Program, Replay},
    shown::{self, Wanted},
};

const OPERATOR: u8 = 9;
const ADA: u8 = 1;

fn key(byte: u8) -> AgentKey {
    AgentKey::from_seed(&[byte; 32])
}

/// A report that the log with the key of this seed signed two roots for a size.
pub(crate) fn forked(seed: u8, size: u64) -> ReportFork {
    let key = LogKey::from_seed("example.com/log".parse().unwrap(), &[seed; 32]);
    let head = |root: &[u8]| {
        Checkpoint::new("example.com/log", size, leaf_hash(root)).unwrap().sign(&key).unwrap()
    };
    let proof = ForkProof::of_roots(key.verifier().clone(), head(b"one"), head(b"other")).unwrap();
    ReportFork { proof: proof.to_string() }
}

const ROOT: &str = include_str!("../../../../fixtures/forks/root.fork");
const PREFIX: &str = include_str!("../../../../fixtures/forks/prefix.fork");
const PREFIX_8: &str = include_str!("../../../../fixtures/forks/prefix-8.fork");

fn report(proof: &str) -> Action {
    Action::ReportFork(ReportFork { proof: proof.to_owned() })
}

fn draft(agent: u8, action: Action) -> Draft {
    Draft {
        log: key(OPERATOR).did(),
        agent: key(agent).did(),
        claimed_at_ms: 0,
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action,
    }
}

fn opened(draft: Draft, with: u8) -> Result<Verified<Receipt>, Rejection> {
    Receipt::open(&draft.sign(&[&key(with)]).unwrap(), &Kinds::default())
}

/// A log with its operator and an agent that has no capability at all.
fn log() -> Views {
    let mut views = Views::new(key(OPERATOR).did(), Kinds::default());
    for (agent, name) in [(OPERATOR, "operator"), (ADA, "ada")] {
        let profile = Profile {
            name: name.to_owned(),
            role: "reader".to_owned(),
            capabilities: vec![],
            studio: "workshop".to_owned(),
        };
        assert_eq!(add(&mut views, agent, Action::Register(profile)), None);
    }
    views
}

fn leaf(receipt: &Receipt, index: u64) -> Leaf {
    Leaf::new(receipt.id, 1_000 * (index + 1))
}

/// Folds an entry; the code that it is refused with.
fn add(views: &mut Views, agent: u8, action: Action) -> Option<String> {
    let receipt = opened(draft(agent, action), agent).unwrap();
    let leaf = leaf(&receipt, views.size());
    let refused = views.apply_read(&leaf.to_bytes(), &Ok(receipt)).err();
    refused.map(|rejection| rejection.code.as_str().to_owned())
}

/// The entry that reports two heads of these sizes by the key of a seed.
fn reported(views: &Views, seed: u8, sizes: [u64; 2]) -> Option<u64> {
    About { log: key(seed).did(), sizes }.reported(views.state()).unwrap()
}

#[test]
fn a_fork_is_reported_by_any_agent_once_for_each_two_sizes() {
    let mut views = log();
    let again = Action::ReportFork(forked(1, 40));
    assert_eq!(add(&mut views, ADA, again.clone()), None);
    assert_eq!(add(&mut views, OPERATOR, again).as_deref(), Some("fork-reported"));
    let mut report = |seed, size| add(&mut views, ADA, Action::ReportFork(forked(seed, size)));
    assert_eq!(report(2, 40), None, "another key's");
    assert_eq!(report(OPERATOR, 7), None, "of the very log that takes it in");
    assert_eq!(reported(&views, 1, [40, 40]), Some(2));
    assert_eq!(reported(&views, 2, [40, 40]), Some(4));
    assert_eq!(reported(&views, OPERATOR, [7, 7]), Some(5));
    assert_eq!(reported(&views, 3, [40, 40]), None);
    let stranger = add(&mut views, 5, Action::ReportFork(forked(3, 1)));
    assert_eq!(stranger.as_deref(), Some("agent-unknown"));
}

/// Whoever has a former key can sign two trees of any size with it. If the smallest size stood for all of
/// them, such a report would keep the true one out, or take its place.
#[test]
fn no_report_keeps_another_of_other_sizes_out() {
    let mut views = log();
    let mut report = |size| add(&mut views, ADA, Action::ReportFork(forked(1, size)));
    assert_eq!([report(0), report(41), report(12)], [None, None, None]);
    assert_eq!(
        [0, 41, 12].map(|size| reported(&views, 1, [size, size])),
        [Some(2), Some(3), Some(4)]
    );
}

#[test]
fn a_proof_of_a_prefix_reports_both_sizes_under_the_same_key() {
    let mut views = log();
    assert_eq!(add(&mut views, ADA, report(ROOT)), None);
    assert_eq!(add(&mut views, ADA, report(PREFIX_8)), None);
    assert_eq!(add(&mut views, ADA, report(PREFIX)), None);
    let found = [[13, 13], [8, 70], [7, 13]].map(|sizes| reported(&views, 1, sizes));
    assert_eq!(found, [Some(2), Some(3), Some(4)]);
}

#[test]
fn what_proves_no_fork_is_refused_where_the_receipt_is_read() {
    let good = ROOT;
    let first = good.split("\n\n").nth(1).unwrap();
    let last = good.split("\n\n").nth(3).unwrap();
    let texts = [
        String::new(),
        good.replace("kind root", "kind prefix"),
        good.replace("kind root", "kind signer"),
        good.replace("\n13\n", "\n12\n"),
        good.replace("chaoschain-fork/1", "chaoschain-fork/2"),
        format!("{good}\n"),
        good.replace(last, first),
        format!("{good}{}", " ".repeat(FORK_BYTES_MAX)),
    ];
    for proof in texts {
        let refused = opened(draft(ADA, report(&proof)), ADA);
        let refused = refused.expect_err("it proves nothing");
        assert_eq!(refused.code, Fault::ReportNotProved.code(), "{refused}");
    }
}

#[test]
fn a_report_claims_no_evidence_and_is_about_itself() {
    let report = || Action::ReportFork(forked(1, 5));
    let output = Digest::of(b"out");
    let program = Program { name: "p".to_owned(), version: "1".to_owned() };
    let replay = Replay { program, inputs: vec![], output };
    let subjects = || vec![Product::new("result", output)];
    let dressed = Draft {
        evidence: Evidence::Replayable(replay),
        subjects: subjects(),
        ..draft(ADA, report())
    };
    let refused = opened(dressed, ADA).unwrap_err();
    assert_eq!(refused.code, Fault::EvidenceClassOther.code());
    let other = Draft { subjects: subjects(), ..draft(ADA, report()) };
    assert_eq!(opened(other, ADA).unwrap_err().code, Fault::SubjectOther.code());
}

/// However many reports somebody writes about a key of his own, few rows show the next one.
#[test]
fn many_reports_of_one_key_make_no_long_bundle() {
    let mut views = log();
    for size in (1..=200u64).rev() {
        assert_eq!(add(&mut views, ADA, Action::ReportFork(forked(1, size))), None);
    }
    assert_eq!(reported(&views, 1, [1, 1]), Some(201));
    let index = 150;
    let receipt = opened(draft(ADA, Action::ReportFork(forked(1, 202 - index))), ADA).unwrap();
    let leaf = leaf(&receipt, index);
    let rules = crate::Rules::new(key(OPERATOR).did(), Kinds::default());
    let wanted = Wanted { index, leaf: &leaf, receipt: &receipt, size: views.size() };
    let shown = shown::record(&rules, wanted, views.state()).unwrap();
    let count = shown.rows().filter(|(key, _)| key.kind() == "forked").count();
    assert!(count <= 1, "{count}");
    let writes = rules.admit(crate::Place::at(index), &leaf, &receipt, &shown).unwrap();
    shown.ensure_written(&rules, &writes).unwrap();
    assert_eq!(shown.refusal().unwrap(), None);
    assert_eq!(shown.unasked(), None);
}

#[test]
fn report_is_signed_over_these_bytes() {
    let report = report(ROOT);
    let action = Digest::of(&canonical::to_vec(&report).unwrap());
    let receipt = opened(draft(ADA, report), ADA).unwrap();
    let expected = [
        "sha256:cdcd14b042b089f192478e834aba5b732be601ac079b094c3f9292d8efcf4eac",
        "sha256:587f56b81dcaec61519b3e3f263d811e75b16a76b134ae3e4f924dbf0fa60baf",
    ];
    assert_eq!([action.to_string(), receipt.id.to_string()], expected);
    assert!(
        receipt
            .action
            .sentence()
            .starts_with("reported that log example.com/log forked: it signed roots"),
        "{}",
        receipt.action.sentence()
    );
}
