use std::cell::Cell;

use chaos_agency::{
    Action, Evidence, Leaf,
    action::{Anchor, Profile, Revoke, RotateKey, Run},
    receipt::{Draft, Execution, Input, Product, Program, Replay},
};
use chaos_log::{LogKey, MemoryLog, SignedCheckpoint, TlogProof, prove_inclusion};
use chaos_types::{AgentKey, Code, CodeIdentity, canonical};
use proptest::prelude::*;

use super::*;
use crate::{Anchored, Bundle, FORMAT, Logged, Outcome};

mod attested;
mod claim;
mod forks;
mod mutations;
mod order;
mod state;
mod together;
mod witnesses;
mod words;

const OPERATOR: u8 = 9;
const AGENT: u8 = 1;

fn key(byte: u8) -> AgentKey {
    AgentKey::from_seed(&[byte; 32])
}

fn replay() -> Replay {
    Replay {
        program: Program { name: "double".into(), version: "1".into() },
        inputs: vec![Input { name: "x".into(), digest: Digest::of(b"21") }],
        output: Digest::of(b"42"),
    }
}

fn execution() -> Execution {
    Execution {
        code: CodeIdentity {
            component: Digest::of(b"component"),
            engine: "wasmtime 48.0.8".into(),
            configuration: Digest::of(b"configuration"),
            interface: "chaoschain:agent@0.1.0".into(),
        },
        world: "generic".into(),
        input: Digest::of(b"material"),
        output: Digest::of(b"42"),
        fuel: u64::MAX,
        transcript: Digest::of(b"transcript"),
    }
}

fn ran() -> Action {
    Action::Run(Run { execution: execution(), answered: true })
}

/// What a caller hands in, with a count of how often it was asked.
struct Hands {
    repeatable: Result<(), Rejection>,
    output: Digest,
    appraised: Result<Appraisal, Rejection>,
    /// The block that an anchor is in.
    block: Block,
    reexecutions: Cell<u32>,
    appraisals: Cell<u32>,
    /// The second that an appraisal was asked for.
    at_s: Cell<Option<u64>>,
}

impl Hands {
    fn new() -> Self {
        Self {
            repeatable: Ok(()),
            output: Digest::of(b"42"),
            appraised: Ok(Appraisal { trust: Trust::Production, detail: "appraised".to_owned() }),
            block: Block {
                is_placed: true,
                time_s: Some(2),
                detail: "in block 7".to_owned(),
                said: vec![],
            },
            reexecutions: Cell::new(0),
            appraisals: Cell::new(0),
            at_s: Cell::new(None),
        }
    }

    fn options(&self) -> Options<'_> {
        Options {
            root: None,
            log: None,
            policy: None,
            now_ms: None,
            copy: None,
            kinds: Kinds::default(),
            reexecute: Some(self),
            appraise: Some(self),
            anchor: Some(self),
            claim: None,
        }
    }
}

impl Reexecute for Hands {
    fn ensure_repeatable(&self, _: &Verified<Receipt>, _: &Attachments) -> Result<(), Rejection> {
        self.repeatable.clone()
    }

    fn reexecute(
        &self,
        _: &Verified<Receipt>,
        _: u64,
        _: &Attachments,
    ) -> Result<Digest, Rejection> {
        self.reexecutions.set(self.reexecutions.get() + 1);
        Ok(self.output)
    }
}

impl Appraise for Hands {
    fn appraise(
        &self,
        receipt: &Verified<Receipt>,
        attested: &Attested,
        with: &Attachments,
        at_s: u64,
    ) -> Result<Appraisal, Rejection> {
        assert_eq!(receipt.signers.last(), Some(&attested.key));
        if with.get(&attested.quote) != Some(&b"quote"[..]) {
            let fault = Fault::AttachmentMissing;
            return Err(Rejection::new(Check::Attestation, fault, "the bundle lacks the quote"));
        }
        self.appraisals.set(self.appraisals.get() + 1);
        self.at_s.set(Some(at_s));
        self.appraised.clone()
    }
}

impl ReadAnchor for Hands {
    fn read_anchor(
        &self,
        proof: &serde_json::Value,
        _: &Anchor,
        _: &Checkpoint,
    ) -> Result<Block, Rejection> {
        if *proof == serde_json::json!({"block": "7"}) {
            Ok(self.block.clone())
        } else {
            let reason = "another block";
            Err(Rejection::new(Check::Anchor, Fault::AnchorProofOther, reason))
        }
    }
}

/// A log in memory with everything signed that a bundle is made from.
struct World {
    log: MemoryLog,
    entries: Vec<(chaos_types::dsse::Envelope, Leaf)>,
}

impl World {
    fn new() -> Self {
        let mut world = Self { log: MemoryLog::new(), entries: Vec::new() };
        world.register(OPERATOR, "operator", &["anchor", "pay"]);
        world.register(AGENT, "ada", &["run"]);
        world
    }

    fn append(&mut self, agent: u8, signers: &[u8], evidence: Evidence, action: Action) -> usize {
        let subjects = match &evidence {
            Evidence::None {} => vec![],
            Evidence::Replayable(replay) => vec![Product::new("result", replay.output)],
            Evidence::Attested(attested) => {
                vec![Product::new("result", attested.execution.output)]
            }
        };
        let draft = Draft {
            log: key(OPERATOR).did(),
            agent: key(agent).did(),
            claimed_at_ms: 5,
            parents: vec![],
            subjects,
            evidence,
            action,
        };
        let keys: Vec<AgentKey> = signers.iter().map(|&byte| key(byte)).collect();
        let envelope = draft.sign(&keys.iter().collect::<Vec<_>>()).unwrap();
        let id = Digest::of(&envelope.to_bytes().unwrap());
        let leaf = Leaf::new(id, 1_000 + self.entries.len() as u64);
        self.log.append(leaf.to_bytes()).unwrap();
        self.entries.push((envelope, leaf));
        self.entries.len() - 1
    }

    fn register(&mut self, agent: u8, name: &str, capabilities: &[&str]) -> usize {
        let profile = Profile {
            name: name.to_owned(),
            role: "researcher".to_owned(),
            capabilities: capabilities.iter().map(|&c| c.to_owned()).collect(),
            studio: "workshop".to_owned(),
        };
        self.append(agent, &[agent], Evidence::None {}, Action::Register(profile))
    }

    fn run(&mut self, with: u8) -> usize {
        self.append(AGENT, &[with], Evidence::Replayable(replay()), ran())
    }

    fn log_key() -> LogKey {
        LogKey::from_seed("test.example/log".parse().unwrap(), &[OPERATOR; 32])
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        Checkpoint::new("test.example/log", self.log.size(), self.log.root())
            .unwrap()
            .sign(&Self::log_key())
            .unwrap()
    }

    fn logged(&self, index: usize) -> Logged {
        let inclusion = prove_inclusion(&self.log, index as u64, self.log.size()).unwrap();
        let (envelope, leaf) = self.entries[index].clone();
        let proof = TlogProof::new(inclusion, self.checkpoint()).unwrap().to_string();
        Logged { envelope, leaf, proof }
    }

    fn bundle(&self, receipt: usize, history: &[usize]) -> Bundle {
        let mut attachments = Attachments::default();
        attachments.insert(b"21".to_vec());
        Bundle {
            format: FORMAT.to_owned(),
            log: Self::log_key().verifier().to_string(),
            receipt: self.logged(receipt),
            history: history.iter().map(|&index| self.logged(index)).collect(),
            anchor: None,
            attachments: attachments.to_wire(),
        }
    }
}

/// The bundle of the third entry, a run by a registered agent.
fn good() -> Bundle {
    let mut world = World::new();
    let receipt = world.run(AGENT);
    world.bundle(receipt, &[1])
}

fn bytes(bundle: &Bundle) -> Vec<u8> {
    bundle.to_bytes().unwrap()
}

#[track_caller]
fn rejected(bundle: &Bundle, check: Check) -> Rejection {
    let report = verify(&bytes(bundle), &Options::default());
    let rejection = report.result.expect_err("must be rejected");
    assert_eq!(rejection.check, check, "{rejection}");
    let failed: Vec<_> = report.outcomes.iter().filter(|o| o.status == Status::Failed).collect();
    assert_eq!(failed.len(), 1, "exactly one check is named as failed");
    assert_eq!(failed[0].check, check);
    rejection
}

#[test]
fn accepts_a_good_bundle_and_lists_every_check_once() {
    let report = verify(&bytes(&good()), &Options::default());
    let receipt = report.result.expect("a good bundle");
    assert_eq!(receipt.agent, key(AGENT).did());
    let checks: Vec<_> = report.outcomes.iter().map(|outcome| outcome.check).collect();
    assert_eq!(checks, Check::ALL);
    let status = |check| report.outcomes.iter().find(|o| o.check == check).unwrap().status;
    assert_eq!(status(Check::Anchor), Status::NotApplicable);
    assert_eq!(status(Check::Inclusion), Status::Passed);
    // Nobody but the bundle says whose log it is, and that no registry entry was left out.
    assert_eq!(status(Check::Checkpoint), Status::OwnLog);
    assert_eq!(status(Check::Agent), Status::NotShown);
}

#[test]
fn rejects_a_truncated_file() {
    let bytes = bytes(&good());
    for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        let rejection =
            verify(&bytes[..length], &Options::default()).result.expect_err("truncated");
        assert_eq!(rejection.check, Check::Format);
    }
}

#[test]
fn names_the_check_that_each_forgery_fails() {
    let mut world = World::new();
    let first = world.run(AGENT);
    let second = world.run(AGENT);
    let good = world.bundle(first, &[1]);

    let mut other_signature = good.clone();
    other_signature.receipt.envelope.signatures[0].sig =
        world.logged(0).envelope.signatures[0].sig.clone();
    rejected(&other_signature, Check::Envelope);

    let mut other_leaf = good.clone();
    other_leaf.receipt.leaf = world.logged(second).leaf;
    rejected(&other_leaf, Check::Inclusion);

    let mut later = good.clone();
    later.receipt.leaf.integrated_at_ms += 1;
    rejected(&later, Check::Inclusion);

    let mut other_log = good.clone();
    other_log.log =
        LogKey::from_seed("test.example/log".parse().unwrap(), &[8; 32]).verifier().to_string();
    rejected(&other_log, Check::Checkpoint);
    other_log.log = LogKey::from_seed("other.example/log".parse().unwrap(), &[OPERATOR; 32])
        .verifier()
        .to_string();
    rejected(&other_log, Check::Checkpoint);

    let mut other_attachment = good.clone();
    let extra = Attachments::default();
    other_attachment.attachments = {
        let mut extra = extra;
        extra.insert(b"not named".to_vec());
        extra.to_wire()
    };
    rejected(&other_attachment, Check::Format);

    rejected(&Bundle { history: vec![], ..good.clone() }, Check::Agent);
    rejected(&Bundle { history: vec![world.logged(0)], ..good }, Check::Agent);
}

#[test]
fn rejects_receipts_by_rotated_and_revoked_keys_in_log_order() {
    let mut world = World::new();
    let before = world.run(AGENT);
    let rotation = Action::RotateKey(RotateKey { new_key: key(5).did() });
    let rotated = world.append(AGENT, &[AGENT, 5], Evidence::None {}, rotation);
    let by_old = world.run(AGENT);
    let by_new = world.run(5);
    let action = Action::Revoke(Revoke { agent: key(AGENT).did(), reason: "stolen".into() });
    let revoked = world.append(AGENT, &[5], Evidence::None {}, action);
    let after = world.run(5);

    let accepted = |receipt, history: &[usize]| {
        verify(&bytes(&world.bundle(receipt, history)), &Options::default()).result.is_ok()
    };
    assert!(accepted(before, &[1]));
    assert!(accepted(by_new, &[1, rotated]));
    rejected(&world.bundle(by_old, &[1, rotated]), Check::Agent);
    let rejection = rejected(&world.bundle(after, &[1, rotated, revoked]), Check::Agent);
    assert!(rejection.reason.contains("revoked (stolen)"), "{rejection}");
    // An entry from after the receipt cannot vouch for it, nor can entries out of order.
    rejected(&world.bundle(before, &[1, rotated]), Check::Agent);
    rejected(&world.bundle(by_new, &[rotated, 1]), Check::Agent);
}

#[test]
fn trusted_log_must_be_the_bundles_log() {
    let bundle = bytes(&good());
    let right = World::log_key();
    let wrong = LogKey::from_seed("test.example/log".parse().unwrap(), &[7; 32]);
    let (right, wrong) = (right.verifier(), wrong.verifier());
    let with = |log| verify(&bundle, &Options { log: Some(log), ..Options::default() });
    assert!(with(right).result.is_ok());
    assert_eq!(with(wrong).result.expect_err("another log").check, Check::Checkpoint);
}

#[test]
fn reexecution_decides_the_evidence_check() {
    let bundle = bytes(&good());
    let run = |output: &[u8]| {
        let hands = Hands { output: Digest::of(output), ..Hands::new() };
        verify(&bundle, &hands.options()).result
    };
    assert!(run(b"42").is_ok());
    let rejection = run(b"63").expect_err("63 is not 42");
    assert_eq!(rejection.check, Check::Evidence);
    assert_eq!(rejection.code, Fault::OutputNotRepeated.code());
    assert!(rejection.reason.contains(&Digest::of(b"42").to_string()));
}

/// The operator's word on a checkpoint, with a chain's proof.
fn anchored(by: u8, size: u64, root: String) -> Anchored {
    let action = Action::Anchor(Anchor {
        chain: "eip155:31337".parse().unwrap(),
        contract: format!("0x{}", "01".repeat(20)),
        log_size: size,
        root,
        publisher: None,
        shown_by: None,
        transaction: Some(format!("0x{}", "02".repeat(32))),
        block_number: 7,
        block_hash: format!("0x{}", "03".repeat(32)),
    });
    let draft = Draft {
        log: key(OPERATOR).did(),
        agent: key(by).did(),
        claimed_at_ms: 0,
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action,
    };
    Anchored {
        envelope: draft.sign(&[&key(by)]).unwrap(),
        proof: serde_json::json!({"block": "7"}),
    }
}

/// An anchor must be the operator's word on exactly this checkpoint.
#[test]
fn anchor_must_match_the_checkpoint_and_be_the_operators() {
    let mut world = World::new();
    let receipt = world.run(AGENT);
    let base = world.bundle(receipt, &[1]);
    let checkpoint = world.checkpoint();
    let (size, root) =
        (checkpoint.claimed().size(), hex::encode(checkpoint.claimed().root().as_bytes()));
    let with = |anchor| {
        let bundle = Bundle { anchor: Some(anchor), ..base.clone() };
        verify(&bytes(&bundle), &Hands::new().options()).result
    };
    assert!(with(anchored(OPERATOR, size, root.clone())).is_ok());
    for forged in [
        anchored(AGENT, size, root.clone()),
        anchored(OPERATOR, size - 1, root.clone()),
        anchored(OPERATOR, size, root.replace(['0', '1'], "2")),
    ] {
        assert_eq!(with(forged).expect_err("forged").check, Check::Anchor);
    }
    let mut other_block = anchored(OPERATOR, size, root);
    other_block.proof = serde_json::json!({"block": "8"});
    assert_eq!(with(other_block).expect_err("another block").check, Check::Anchor);
}

#[test]
fn bundle_of_another_format_is_refused() {
    let newer = Bundle { format: "chaoschain-bundle/2".into(), ..good() };
    rejected(&newer, Check::Format);
    let mut value: serde_json::Value = serde_json::from_slice(&bytes(&good())).unwrap();
    value["extra"] = serde_json::json!(1);
    let report = verify(&canonical::to_vec(&value).unwrap(), &Options::default());
    assert_eq!(report.result.expect_err("unknown field").check, Check::Format);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// No byte can change unnoticed: any single byte replaced by any other is rejected.
    #[test]
    fn any_changed_byte_is_rejected(at: prop::sample::Index, to: u8) {
        let good = bytes(&good());
        let mut changed = good.clone();
        let at = at.index(good.len());
        prop_assume!(changed[at] != to);
        changed[at] = to;
        prop_assert!(verify(&changed, &Options::default()).result.is_err(), "byte {} to {}", at, to);
    }
}
