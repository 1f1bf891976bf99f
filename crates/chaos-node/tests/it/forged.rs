//! Receipts that an operator makes up: whose input is its own word, and what a copy of the log says.

use std::path::Path;

use chaos_agency::{
    Action, Evidence, Leaf,
    action::{Pay, Payment, Profile, Score},
    receipt::{Draft, Input, Product, Program, Replay},
};
use chaos_log::{Checkpoint, LogKey, TlogProof, prove_inclusion};
use chaos_programs::program::{Divide, Program as _, RewardDocument};
use chaos_reputation::{Model, ScoreDocument};
use chaos_store::{Append, Records as _, Store};
use chaos_types::{AgentKey, ChainId, Digest, canonical, dsse::Envelope};
use chaos_verify::{Attachments, Bundle, FORMAT, Logged};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{root, run};

const ORIGIN: &str = "test.example/log";
const ACCOUNT: &str = "0x00000000000000000000000000000000000000aa";

fn operator() -> AgentKey {
    AgentKey::from_seed(&[9; 32])
}

/// A log of two entries, the second of which its operator made up, and that entry's bundle.
pub(crate) struct Forged {
    dir: TempDir,
    pub(crate) bundle: String,
}

impl Forged {
    /// `document` is what the operator says that the program `name` read as `input`.
    fn new(name: &str, input: &str, document: Vec<u8>, output: Digest, action: Action) -> Self {
        let mut attachments = Attachments::default();
        let digest = attachments.insert(document);
        let program =
            Program { name: name.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let inputs = vec![Input { name: input.to_owned(), digest }];
        let replay = Evidence::Replayable(Replay { program, inputs, output });
        let subjects = vec![Product::new("out", output)];
        Self::of(Made { parents: vec![], subjects, evidence: replay, action }, &attachments)
    }

    /// A receipt of the operator's with documents beside it.
    pub(crate) fn of(made: Made, attachments: &Attachments) -> Self {
        let dir = TempDir::new().unwrap();
        let profile = Profile {
            name: "operator".to_owned(),
            role: "operator".to_owned(),
            capabilities: ["observe_vote", "pay", "score", "submit"].map(str::to_owned).to_vec(),
            studio: "platform".to_owned(),
        };
        let action = Action::Register(profile);
        let nothing = Evidence::None {};
        let registered =
            sign(Made { parents: vec![], subjects: vec![], evidence: nothing, action });
        let forged = sign(made);

        let data = dir.path().join("data");
        let mut store = Store::open(&data).unwrap();
        store.put_meta("operator", operator().did().to_string().as_bytes()).unwrap();
        let entries: Vec<_> = [registered, forged].into_iter().map(logged).collect();
        let appends = entries.iter().map(|(envelope, leaf)| {
            Append::new(envelope.to_bytes().unwrap(), leaf.to_bytes()).unwrap()
        });
        store.append_batch(&appends.collect::<Vec<_>>()).unwrap();

        let key = LogKey::from_seed(ORIGIN.parse().unwrap(), &[9; 32]);
        let head = store.head().unwrap();
        let checkpoint = Checkpoint::new(ORIGIN, head.size, head.root).unwrap().sign(&key).unwrap();
        store.put_checkpoint(&checkpoint).unwrap();
        let proved = |index: u64, (envelope, leaf): &(Envelope, Leaf)| {
            let inclusion = prove_inclusion(&store, index, head.size).unwrap();
            let proof = TlogProof::new(inclusion, checkpoint.clone()).unwrap().to_string();
            Logged { envelope: envelope.clone(), leaf: *leaf, proof }
        };
        let bundle = Bundle {
            format: FORMAT.to_owned(),
            log: key.verifier().to_string(),
            receipt: proved(1, &entries[1]),
            history: vec![proved(0, &entries[0])],
            anchor: None,
            attachments: attachments.to_wire(),
        };
        let path = dir.path().join("forged.json");
        std::fs::write(&path, bundle.to_bytes().unwrap()).unwrap();
        Self { bundle: path.to_str().unwrap().to_owned(), dir }
    }

    pub(crate) fn verify(&self, more: &[&str], code: i32) -> Value {
        run([&["verify", &self.bundle, "--json"], more].concat()).expect_code(code).json().remove(0)
    }

    fn data(&self) -> String {
        path(&self.dir.path().join("data"))
    }

    /// Alone it is claimed and not recomputed; asked for more, it is refused; and so it is by a copy.
    #[track_caller]
    fn is_claimed_and_never_shown(&self) {
        let alone = self.verify(&[], 0);
        assert_eq!(alone["words"]["reexecuted"], "claimed_not_recomputed");
        assert_eq!(alone["words"]["counted"], "not_shown");
        let repeated = self.verify(&["--reexecute"], 1);
        assert_eq!(failure(&repeated), ("evidence", "inputs-not-from-log"));
        let folded = self.verify(&["--log-dir", &self.data()], 1);
        assert_eq!(failure(&folded), ("agent", "not-counted-by-log"));
        let both = self.verify(&["--reexecute", "--log-dir", &self.data()], 1);
        assert_eq!(failure(&both), ("agent", "not-counted-by-log"));
    }
}

fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// What a receipt is made of.
pub(crate) struct Made {
    pub(crate) parents: Vec<Digest>,
    pub(crate) subjects: Vec<Product>,
    pub(crate) evidence: Evidence,
    pub(crate) action: Action,
}

fn sign(made: Made) -> Envelope {
    let Made { parents, subjects, evidence, action } = made;
    let did = operator().did();
    let draft =
        Draft { log: did, agent: did, claimed_at_ms: 0, parents, subjects, evidence, action };
    draft.sign(&[&operator()]).unwrap()
}

fn logged(envelope: Envelope) -> (Envelope, Leaf) {
    let leaf = Leaf::new(Digest::of(&envelope.to_bytes().unwrap()), 1_000);
    (envelope, leaf)
}

pub(crate) fn failure(line: &Value) -> (&str, &str) {
    let checks = line["checks"].as_array().unwrap();
    let failed = checks.iter().find(|check| check["status"] == "failed").unwrap();
    (failed["check"].as_str().unwrap(), failed["code"].as_str().unwrap())
}

/// A score over receipts that never existed, at the place that it says.
fn score() -> Forged {
    let fact = chaos_reputation::Evidence {
        receipt: Digest::of(b"never happened"),
        judged_by: Digest::of(b"never voted"),
        agent: AgentKey::from_seed(&[3; 32]).did().to_string(),
        domain: "governance".to_owned(),
        role: "researcher".to_owned(),
        payer: operator().did().to_string(),
        task_class: "measure".to_owned(),
        at_ms: 1_000,
        outcome: chaos_reputation::Outcome::Success,
        class: chaos_reputation::EvidenceClass::Replayable,
        units_micro: chaos_reputation::TASK_UNIT_MICRO,
    };
    let document = ScoreDocument::new(Model::NEWEST, 1_000, &[fact]);
    let written = canonical::to_vec(&document).unwrap();
    let table = document.score().unwrap();
    let (model, table) = (table.model_id, table.digest().unwrap());
    let body = Score { model, as_of_ms: 1_000, log_size: 1, table };
    Forged::new("chaos-reputation", "evidence", written, table, Action::Score(body))
}

#[test]
fn score_over_receipts_that_never_existed_is_claimed_and_never_shown() {
    score().is_claimed_and_never_shown();
}

/// It is in the log as any other entry, and whoever copies or watches the log is told that it is worth nothing.
#[test]
fn copies_and_monitors_count_the_entries_that_the_rules_refuse() {
    let forged = score();
    let key = LogKey::from_seed(ORIGIN.parse().unwrap(), &[9; 32]).verifier().to_string();
    let code = "score-not-repeated";
    for (command, event) in [("mirror", None), ("monitor", Some("round"))] {
        let copy = path(&forged.dir.path().join(command));
        let ask = ["log", command, &forged.data(), &copy, "--log", &key];
        let lines = run([&ask[..], &["--json"]].concat()).expect_code(0).json();
        let line = lines.iter().find(|line| event.is_none_or(|event| line["event"] == event));
        assert_eq!(line.unwrap()["refused"][code], 1, "{lines:?}");
        let again = format!("{copy}-2");
        let shown = run(["log", command, &forged.data(), &again, "--log", &key]).expect_code(0);
        let told =
            format!("1 entry is refused by the log's rules and counts for nothing: 1 {code}");
        assert!(shown.stdout.contains(&told), "{}", shown.stdout);
        assert!(!shown.stdout.contains("nothing is wrong"), "{}", shown.stdout);
    }
}

#[test]
fn payment_for_no_outcome_to_somebody_who_did_nothing_is_claimed_and_never_shown() {
    let slots = vec![("measure".to_owned(), 1, ACCOUNT.to_owned())];
    let document = RewardDocument { pool: 100, slots };
    let divided = Divide { document: &document }.run().unwrap();
    let agent = AgentKey::from_seed(&[3; 32]).did();
    let body = Pay {
        chain: ChainId::evm(1),
        token: ACCOUNT.into(),
        distributor: ACCOUNT.into(),
        distribution_id: "1".into(),
        merkle_root: divided.body.merkle_root.clone(),
        pool: 100,
        payments: vec![Payment { agent, account: ACCOUNT.into(), amount: 100 }],
        returned: 0,
        outcome: Digest::of(b"no outcome"),
        transactions: vec![],
        funder: None,
        shown_by: None,
    };
    let document = canonical::to_vec(&document).unwrap();
    let shares = divided.digest();
    let forged = Forged::new("chaos-incentives", "rewards", document, shares, Action::Pay(body));
    forged.is_claimed_and_never_shown();
}

#[test]
fn copy_of_another_log_shows_nothing() {
    let (one, other) = (score(), TempDir::new().unwrap());
    let data = path(&other.path().join("data"));
    run(["agent", "register", "--name", "ada", "--role", "researcher", "--data", &data])
        .expect_code(0);
    let line = one.verify(&["--log-dir", &data], 1);
    assert_eq!(failure(&line), ("agent", "log-copy-other"));
    let gone = path(&other.path().join("gone"));
    run(["verify", &one.bundle, "--log-dir", &gone]).expect_error(3, &["gone"]);
    let bundles = path(&root().join("fixtures/first/bundles/13-score.json"));
    let line =
        run(["verify", &bundles, "--log-dir", &data, "--json"]).expect_code(1).json().remove(0);
    assert_eq!(failure(&line), ("agent", "log-copy-other"));
}
