//! Proofs of a fork by a later key of the log, which carry what ties that key to the root key.

use std::{collections::BTreeSet, fs, path::PathBuf};

use chaos_agency::{
    Delegation, Key,
    action::{Delegate, Role},
};
use chaos_log::ForkProof;

use super::{state::Stated, *};
use crate::{
    Delegated, Delegations, Heads, KEYS_FORMAT, LogKeys, ProvedFork, SignerProof, StateBundle,
    TreesProof,
};

const ORIGIN: &str = "test.example/log";

/// The key that the root key hands checkpoints to, and the one after it.
const LATER: u8 = 20;
const LATEST: u8 = 21;

/// Set to write the golden files instead of comparing them.
const WRITE: &str = "CHAOSCHAIN_WRITE_FIXTURES";

fn log_key(byte: u8) -> LogKey {
    LogKey::from_seed(ORIGIN.parse().unwrap(), &[byte; 32])
}

fn root() -> VerifierKey {
    log_key(OPERATOR).verifier().clone()
}

fn head(log: &Stated, by: u8) -> SignedCheckpoint {
    let claimed = log.checkpoint().claimed().clone();
    claimed.sign(&log_key(by)).unwrap()
}

fn handed(number: u64, key_byte: u8, replaced: u8) -> Delegate {
    let (key, replaces) = (key(key_byte).did(), key(replaced).did());
    Delegate { role: Role::Checkpoints, number, key, replaces, lost: false }
}

/// A log that handed checkpoints on with its third entry.
fn rotated() -> Stated {
    let mut log = Stated::new();
    let body = Action::Delegate(handed(1, LATER, OPERATOR));
    assert_eq!(log.add(OPERATOR, &[OPERATOR, LATER], Evidence::None {}, body), 2);
    log.go_on();
    log
}

/// The same, with another last entry.
fn other_branch() -> Stated {
    let mut log = Stated::new();
    let body = Action::Delegate(handed(1, LATER, OPERATOR));
    log.add(OPERATOR, &[OPERATOR, LATER], Evidence::None {}, body);
    log.run(AGENT);
    log
}

fn delegations(log: &Stated, at: &[usize]) -> Delegations {
    let entry = |index: &usize| {
        let (envelope, _) = log.entries[*index].clone();
        Delegated { envelope, place: log.placed(*index) }
    };
    let mut keys: BTreeSet<Key> =
        (1..=at.len() as u64 + 1).map(|n| Key::delegation(Role::Checkpoints, n)).collect();
    keys.insert(Key::delegation(Role::Operator, 1));
    Delegations {
        entries: at.iter().map(entry).collect(),
        rows: keys.iter().map(|key| log.row(key)).collect(),
    }
}

fn keys_file(log: &Stated, at: &[usize], by: u8) -> Vec<u8> {
    let file = LogKeys {
        format: KEYS_FORMAT.to_owned(),
        log: root().to_string(),
        checkpoint: head(log, by).to_string(),
        edge: log.placed(log.entries.len() - 1),
        keys: delegations(log, at),
    };
    file.to_bytes().unwrap()
}

/// Two trees that the later key signed.
fn fork() -> ForkProof {
    let heads = [head(&rotated(), LATER), head(&other_branch(), LATER)];
    let [one, other] = heads;
    ForkProof::of_roots(log_key(LATER).verifier().clone(), one, other).unwrap()
}

fn tied() -> TreesProof {
    TreesProof::tied(fork(), &keys_file(&rotated(), &[2], LATER)).unwrap()
}

/// What a reader makes of a proof alone.
fn verify_fork(bytes: &[u8], options: &Options<'_>) -> Result<ProvedFork, Rejection> {
    let proof = ProvedFork::parse(bytes)?;
    let mut heads = Heads::default();
    heads.accuse(&proof, "the proof");
    heads.root_of(&proof, options).map(|_root| proof)
}

/// A bundle under a head of the branch, by the later key.
fn bundle(log: &Stated) -> StateBundle {
    StateBundle {
        checkpoint: head(log, LATER).to_string(),
        keys: Some(delegations(log, &[2])),
        ..log.bundle(1)
    }
}

#[track_caller]
fn head_of(bundle: &StateBundle, trusted: Option<&VerifierKey>) -> Head {
    let options = Options { log: trusted, ..Options::default() };
    let report = verify(&bundle.to_bytes().unwrap(), &options);
    assert!(report.result.is_ok(), "{:?}", report.result);
    report.head.unwrap()
}

#[track_caller]
fn golden(name: &str, found: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/");
    let path = PathBuf::from(folder).join(name);
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, found).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), found, "{name}");
}

#[track_caller]
fn code_of<T: std::fmt::Debug>(result: Result<T, Rejection>) -> Code {
    result.expect_err("must be refused").code
}

#[test]
fn proofs_with_the_keys_of_the_log_keep_their_bytes() {
    let proof = tied();
    golden("forks/later-key.fork", &proof.to_string());
    assert_eq!(TreesProof::parse(proof.to_string().as_bytes()).unwrap(), proof);
    let retired = head(&rotated(), OPERATOR);
    let signer = SignerProof::new(root(), &keys_file(&rotated(), &[2], LATER), retired).unwrap();
    golden("forks/signer.fork", &signer.to_string());
    assert_eq!(SignerProof::parse(signer.to_string().as_bytes()).unwrap(), signer);
    // Without the line the file is the one that was.
    let bare = TreesProof::new(fork());
    assert_eq!(bare.to_string(), fork().to_string());
    assert_eq!(TreesProof::parse(bare.to_string().as_bytes()).unwrap(), bare);
}

/// What the root key signs when it hands a role on, and the row that the log commits to for it.
#[test]
fn delegations_keep_their_bytes() {
    let lost = Delegate { lost: true, ..handed(3, 22, LATEST) };
    let operator = Delegate { role: Role::Operator, ..handed(1, 23, OPERATOR) };
    let bodies = [handed(1, LATER, OPERATOR), handed(2, LATEST, LATER), lost, operator];
    let vectors = bodies.into_iter().enumerate().map(|(place, body)| {
        let of_key = |did: &Did| {
            let byte =
                [OPERATOR, LATER, LATEST, 22, 23].into_iter().find(|b| key(*b).did() == *did);
            key(byte.unwrap())
        };
        let signers: Vec<AgentKey> = body.signers(key(OPERATOR).did()).iter().map(of_key).collect();
        let draft = Draft {
            log: key(OPERATOR).did(),
            agent: key(OPERATOR).did(),
            claimed_at_ms: 5,
            parents: vec![],
            subjects: vec![],
            evidence: Evidence::None {},
            action: Action::Delegate(body.clone()),
        };
        let envelope = draft.sign(&signers.iter().collect::<Vec<_>>()).unwrap();
        let read = Receipt::open(&envelope, &Kinds::default()).unwrap();
        let (row_key, row) = Delegation { index: place as u64, body }.row();
        serde_json::json!({
            "envelope": envelope,
            "receipt": read.id,
            "signers": read.signers,
            "row": { "key": row_key.parts().collect::<Vec<_>>(),
                     "value": String::from_utf8(row).unwrap() },
        })
    });
    let text = serde_json::to_string_pretty(&vectors.collect::<Vec<_>>()).unwrap();
    golden("delegations/signed.json", &(text + "\n"));
}

#[test]
fn proof_with_any_byte_changed_proves_nothing() {
    let text = tied().to_string();
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] ^= 1;
        let read = TreesProof::parse(&changed);
        assert!(read.is_err(), "byte {at}");
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let swapped = [lines[0], lines[1], lines[3], lines[2]].concat() + &lines[4..].concat();
    assert_eq!(code_of(TreesProof::parse(swapped.as_bytes())), Fault::ForkNotProved.code());
    let twice = lines[..4].concat() + lines[3] + &lines[4..].concat();
    assert_eq!(code_of(TreesProof::parse(twice.as_bytes())), Fault::ForkNotProved.code());
    let long = vec![b'x'; 6 << 20];
    assert_eq!(code_of(TreesProof::parse(&long)), Fault::ForkNotProved.code());
}

#[test]
fn proof_is_about_the_log_of_the_root_key_that_named_its_key() {
    let (root, stranger) = (root(), log_key(77).verifier().clone());
    let (tied, bare) = (tied().to_string(), fork().to_string());
    let read = |text: &str, log: &VerifierKey| {
        verify_fork(text.as_bytes(), &Options { log: Some(log), ..Options::default() })
    };
    assert!(read(&tied, &root).is_ok());
    assert!(read(&bare, log_key(LATER).verifier()).is_ok());
    assert_eq!(code_of(read(&bare, &root)), Fault::ForkNotTied.code());
    assert_eq!(code_of(read(&tied, &stranger)), Fault::ForkNotTied.code());
    let elsewhere = LogKey::from_seed("other.example/log".parse().unwrap(), &[OPERATOR; 32]);
    assert_eq!(code_of(read(&tied, elsewhere.verifier())), Fault::LogNotTrusted.code());
    // The root key needs no tie, and a file that leads to another key is none.
    let of_root = [head(&rotated(), OPERATOR), head(&other_branch(), OPERATOR)];
    let [one, other] = of_root;
    let of_root = ForkProof::of_roots(root, one, other).unwrap();
    let file = keys_file(&rotated(), &[2], LATER);
    assert_eq!(code_of(TreesProof::tied(of_root, &file)), Fault::ForkNotProved.code());
}

#[test]
fn bundle_tells_whose_key_a_proof_is_by_and_is_refused_by_it() {
    let (root, branch) = (root(), bundle(&rotated()));
    let seen = head_of(&branch, Some(&root));
    let proof = ProvedFork::Trees(Box::new(TreesProof::new(fork())));
    let options = Options { log: Some(&root), ..Options::default() };
    let mut heads = Heads::default();
    heads.accuse(&proof, "the proof");
    assert_eq!(code_of(heads.root_of(&proof, &options)), Fault::ForkNotTied.code());
    // Whatever that very key has signed is refused before anybody knows whose it is.
    let rejection = heads.rejection(&seen).unwrap();
    assert_eq!(rejection.code, Fault::LogForked.code());
    heads.learn(&seen.log, &seen.succession, "the bundle");
    assert_eq!(heads.root_of(&proof, &options).unwrap(), root);
    assert_eq!(heads.rejection(&seen).unwrap().code, Fault::LogForked.code());
    // A head of before may be the start of either branch.
    let earlier = Stated::new();
    assert!(heads.rejection(&head_of(&earlier.bundle(1), Some(&root))).is_none());
}

#[test]
fn fork_by_a_key_after_its_end_leaves_the_heads_of_the_next_one_alone() {
    let mut log = Stated::new();
    let body = Action::Delegate(handed(1, LATER, OPERATOR));
    log.add(OPERATOR, &[OPERATOR, LATER], Evidence::None {}, body);
    let body = Action::Delegate(handed(2, LATEST, LATER));
    log.add(OPERATOR, &[OPERATOR, LATEST, LATER], Evidence::None {}, body);
    log.go_on();
    let mut honest = log.bundle(1);
    honest.checkpoint = head(&log, LATEST).to_string();
    honest.keys = Some(delegations(&log, &[2, 3]));
    let honest = head_of(&honest, Some(&root()));
    let branches = [AGENT, OPERATOR].map(|by| {
        let mut branch = rotated();
        if by == AGENT {
            branch.run(AGENT)
        } else {
            branch.go_on()
        };
        branch
    });
    let heads = branches.each_ref().map(|branch| head(branch, LATER));
    let [one, other] = heads;
    let fork = ForkProof::of_roots(log_key(LATER).verifier().clone(), one, other).unwrap();
    let file = keys_file(&rotated(), &[2], LATER);
    let proof = ProvedFork::Trees(Box::new(TreesProof::tied(fork, &file).unwrap()));
    let mut heads = Heads::default();
    heads.accuse(&proof, "the proof");
    let thief = head_of(&bundle(&branches[0]), Some(&root()));
    assert_eq!(heads.rejection(&thief).unwrap().code, Fault::LogForked.code());
    heads.learn(&honest.log, &honest.succession, "the honest bundle");
    assert!(heads.rejection(&honest).is_none());
    assert_eq!(heads.rejection(&thief).unwrap().code, Fault::KeyRetired.code());
}
