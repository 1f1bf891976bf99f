//! Proofs of a fork by a later key of the log, which carry what ties that key to the root key.

use std::{collections::BTreeSet, fs, path::PathBuf};

use chaos_agency::{
    Delegation, Key,
    action::{Delegate, Role},
};
use chaos_log::ForkProof;

use super::{state::Stated, *};
use crate::{
    Delegated, Delegations, Heads, KEYS_FORMAT, LogKeys, PlacesProof, ProvedFork, SignerProof,
    StateBundle, TreesProof,
};

const ORIGIN: &str = "test.example/log";

/// The key that the root key hands checkpoints to, and the one after it.
pub(super) const LATER: u8 = 20;
pub(super) const LATEST: u8 = 21;

/// Set to write the golden files instead of comparing them.
const WRITE: &str = "CHAOSCHAIN_WRITE_FIXTURES";

pub(super) fn log_key(byte: u8) -> LogKey {
    LogKey::from_seed(ORIGIN.parse().unwrap(), &[byte; 32])
}

pub(super) fn root() -> VerifierKey {
    log_key(OPERATOR).verifier().clone()
}

pub(super) fn head(log: &Stated, by: u8) -> SignedCheckpoint {
    let claimed = log.checkpoint().claimed().clone();
    claimed.sign(&log_key(by)).unwrap()
}

pub(super) fn handed(number: u64, key_byte: u8, replaced: u8) -> Delegate {
    let (key, replaces) = (key(key_byte).did(), key(replaced).did());
    let (size, root) = (0, chaos_log::EMPTY_ROOT);
    Delegate { role: Role::Checkpoints, number, key, replaces, lost: false, size, root }
}

/// A log that handed checkpoints on with its third entry.
pub(super) fn rotated() -> Stated {
    let mut log = Stated::new();
    let body = Action::Delegate(log.placing(handed(1, LATER, OPERATOR)));
    assert_eq!(log.add(OPERATOR, &[OPERATOR, LATER], Evidence::None {}, body), 2);
    log.go_on();
    log
}

/// The same, with another last entry.
pub(super) fn other_branch() -> Stated {
    let mut log = Stated::new();
    let body = Action::Delegate(log.placing(handed(1, LATER, OPERATOR)));
    log.add(OPERATOR, &[OPERATOR, LATER], Evidence::None {}, body);
    log.run(AGENT);
    log
}

pub(super) fn delegations(log: &Stated, at: &[usize]) -> Delegations {
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

pub(super) fn keys_file(log: &Stated, at: &[usize], by: u8) -> Vec<u8> {
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
pub(super) fn bundle(log: &Stated) -> StateBundle {
    StateBundle {
        checkpoint: head(log, LATER).to_string(),
        keys: Some(delegations(log, &[2])),
        ..log.bundle(1)
    }
}

#[track_caller]
pub(super) fn head_of(bundle: &StateBundle, trusted: Option<&VerifierKey>) -> Head {
    let options = Options { log: trusted, ..Options::default() };
    let report = verify(&bundle.to_bytes().unwrap(), &options);
    assert!(report.result.is_ok(), "{:?}", report.result);
    report.head.unwrap()
}

/// What all that was seen says of a head beside it.
fn refused_by(heads: &Heads, head: &Head) -> Option<Rejection> {
    let mut heads = heads.clone();
    heads.see(head, "itself");
    heads.judge().rejection(head).cloned()
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
        let (size, root) = (place as u64, chaos_log::leaf_hash(&place.to_be_bytes()));
        let body = Delegate { size, root, ..body };
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
    let rejection = refused_by(&heads, &seen).unwrap();
    assert_eq!(rejection.code, Fault::LogForked.code());
    heads.learn(&seen.log, &seen.succession, "the bundle");
    assert_eq!(heads.root_of(&proof, &options).unwrap(), root);
    assert_eq!(refused_by(&heads, &seen).unwrap().code, Fault::LogForked.code());
    // A head of before may be the start of either branch.
    let earlier = Stated::new();
    assert!(refused_by(&heads, &head_of(&earlier.bundle(1), Some(&root))).is_none());
}

#[test]
fn fork_by_a_key_after_its_end_leaves_the_heads_of_the_next_one_alone() {
    let mut log = Stated::new();
    let body = Action::Delegate(log.placing(handed(1, LATER, OPERATOR)));
    log.add(OPERATOR, &[OPERATOR, LATER], Evidence::None {}, body);
    let body = Action::Delegate(log.placing(handed(2, LATEST, LATER)));
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
    assert_eq!(refused_by(&heads, &thief).unwrap().code, Fault::LogForked.code());
    assert_eq!(heads.retired_since(&proof, &root()), None);
    heads.learn(&honest.log, &honest.succession, "the honest bundle");
    assert_eq!(heads.retired_since(&proof, &root()), Some(3));
    assert!(refused_by(&heads, &honest).is_none());
    assert_eq!(refused_by(&heads, &thief).unwrap().code, Fault::KeyRetired.code());
}

/// A log that handed checkpoints on twice; the first key signed sizes up to the index of its end.
pub(super) fn rotated_twice() -> Stated {
    let mut log = rotated();
    log.run(AGENT);
    let body = Action::Delegate(log.placing(handed(2, LATEST, LATER)));
    assert_eq!(log.add(OPERATOR, &[OPERATOR, LATEST, LATER], Evidence::None {}, body), 5);
    log.go_on();
    log
}

pub(super) fn bundle_of_the_latest(log: &Stated) -> Head {
    let bundle = StateBundle {
        checkpoint: head(log, LATEST).to_string(),
        keys: Some(delegations(log, &[2, 5])),
        ..log.bundle(1)
    };
    head_of(&bundle, Some(&root()))
}

/// Two roots of a size that the key could sign for, made up by whoever has it.
pub(super) fn invented(size: u64, by: u8) -> ProvedFork {
    let note = |byte| {
        let root = chaos_log::Hash::from_bytes([byte; 32]);
        Checkpoint::new(ORIGIN, size, root).unwrap().sign(&log_key(by)).unwrap()
    };
    let key = log_key(by).verifier().clone();
    let fork = ForkProof::of_roots(key, note(1), note(2)).unwrap();
    ProvedFork::Trees(Box::new(TreesProof::new(fork)))
}

/// An entry of somebody else's log: the owner's public delegation where it does not belong.
fn laid_elsewhere(before: &[fn(&mut Stated) -> usize], body: &Delegate) -> Stated {
    let mut log = Stated::new();
    for add in before {
        add(&mut log);
    }
    let body = Action::Delegate(body.clone());
    log.add(OPERATOR, &[OPERATOR, LATER], Evidence::None {}, body);
    log.go_on();
    log
}

#[test]
fn delegation_counts_after_the_history_that_the_root_key_signed_and_nowhere_else() {
    let mut owner = Stated::new();
    owner.go_on();
    let body = owner.placing(handed(1, LATER, OPERATOR));
    let run: fn(&mut Stated) -> usize = |log| log.run(AGENT);
    let go_on: fn(&mut Stated) -> usize = Stated::go_on;
    let own = laid_elsewhere(&[go_on], &body);
    assert!(LogKeys::verify(&keys_file(&own, &[3], LATER), &root()).is_ok());
    // Earlier, later, and at the same index of another history.
    for (before, at) in [(&[][..], 2), (&[go_on, run], 4), (&[run], 3)] {
        let thief = laid_elsewhere(before, &body);
        let key = Key::delegation(Role::Checkpoints, 1);
        assert_eq!(chaos_agency::State::get(&thief, &key), chaos_agency::Answer::Absent);
        let place_other = chaos_agency::Fault::DelegationPlaceOther.code();
        for by in [OPERATOR, LATER] {
            let file = keys_file(&thief, &[at], by);
            assert_eq!(code_of(LogKeys::verify(&file, &root())), place_other);
        }
    }
}

#[test]
fn two_trees_by_a_retired_key_speak_against_its_own_heads_alone() {
    let log = rotated_twice();
    let honest = bundle_of_the_latest(&log);
    let early = head_of(&bundle(&rotated()), Some(&root()));
    for size in [3, 4, 5, 20] {
        let proof = invented(size, LATER);
        let mut heads = Heads::default();
        heads.accuse(&proof, "the proof");
        heads.learn(&honest.log, &honest.succession, "the honest bundle");
        assert_eq!(heads.retired_since(&proof, &root()), Some(5));
        assert!(refused_by(&heads, &honest).is_none(), "size {size}");
        // Nothing shows that this head is not of the thief's history.
        assert_eq!(refused_by(&heads, &early).unwrap().code, Fault::RetiredKeyHead.code());
        // Where nothing shows that the key is retired, it is the log's.
        let mut heads = Heads::default();
        heads.accuse(&proof, "the proof");
        heads.learn(&early.log, &early.succession, "the early bundle");
        assert_eq!(heads.retired_since(&proof, &root()), None);
        let code = refused_by(&heads, &early).map(|rejection| rejection.code);
        assert_eq!(code, (size < 5).then(|| Fault::LogForked.code()), "size {size}");
    }
    // The root key's time never ends: what it signs twice is the log's fork.
    let proof = invented(2, OPERATOR);
    let mut heads = Heads::default();
    heads.accuse(&proof, "the proof");
    heads.learn(&honest.log, &honest.succession, "the honest bundle");
    assert_eq!(heads.retired_since(&proof, &root()), None);
    assert_eq!(refused_by(&heads, &honest).unwrap().code, Fault::LogForked.code());
}

#[test]
fn head_of_the_very_history_that_the_root_key_signed_stands_beside_a_retired_keys_trees() {
    let mut log = rotated();
    log.run(AGENT);
    let kept = head_of(&bundle(&log), Some(&root()));
    let honest = bundle_of_the_latest(&rotated_twice());
    let mut heads = Heads::default();
    heads.accuse(&invented(4, LATER), "the proof");
    heads.learn(&honest.log, &honest.succession, "the honest bundle");
    assert!(refused_by(&heads, &kept).is_none());
}

#[test]
fn head_of_a_retired_key_on_another_history_is_refused_and_the_later_one_stays() {
    let honest = bundle_of_the_latest(&rotated_twice());
    let mut branch = rotated();
    branch.go_on();
    let same_size = head_of(&bundle(&branch), Some(&root()));
    let shorter = head_of(&bundle(&other_branch()), Some(&root()));
    for (thief, orders) in [(&same_size, [[0, 1], [1, 0]]), (&shorter, [[0, 1], [1, 0]])] {
        for order in orders {
            let both = [(thief, "thief"), (&honest, "honest")];
            let mut heads = Heads::default();
            for (head, whose) in order.map(|at| both[at]) {
                heads.see(head, whose);
            }
            let judged = heads.judge();
            let refused: Vec<_> = both
                .iter()
                .filter_map(|(head, whose)| Some((*whose, judged.rejection(head)?)))
                .collect();
            // A head with no node in common with the other is comparable where the root key named its size.
            for (whose, rejection) in &refused {
                assert_eq!((*whose, rejection.code), ("thief", Fault::RetiredKeyHead.code()));
            }
            assert!(!refused.is_empty() || thief.checkpoint == shorter.checkpoint);
        }
    }
}

#[test]
fn two_places_of_one_delegation_are_a_fork_by_the_root_key() {
    let (one, mut second) = (rotated(), Stated::new());
    second.go_on();
    let body = Action::Delegate(second.placing(handed(1, LATER, OPERATOR)));
    second.add(OPERATOR, &[OPERATOR, LATER], Evidence::None {}, body);
    second.go_on();
    let later = StateBundle {
        checkpoint: head(&second, LATER).to_string(),
        keys: Some(delegations(&second, &[3])),
        ..second.bundle(1)
    };
    let both = [head_of(&bundle(&one), Some(&root())), head_of(&later, Some(&root()))];
    for order in [[0, 1], [1, 0]] {
        let mut heads = Heads::default();
        for at in order {
            heads.learn(&both[at].log, &both[at].succession, "a bundle");
        }
        assert!(heads.split(&root()).is_some());
        for head in &both {
            let rejection = refused_by(&heads, head).unwrap();
            assert_eq!(rejection.code, Fault::LogForked.code());
            assert!(rejection.reason.contains("delegation 1 of checkpoints twice"), "{rejection}");
        }
        // A head of before may be the start of either.
        let earlier = head_of(&Stated::new().bundle(1), Some(&root()));
        assert!(refused_by(&heads, &earlier).is_none());
    }
    // The two signed statements are a proof of their own.
    let envelopes = [one.entries[2].0.clone(), second.entries[3].0.clone()];
    let proof = PlacesProof::new(root(), &envelopes[0], &envelopes[1]).unwrap();
    assert_eq!(PlacesProof::new(root(), &envelopes[1], &envelopes[0]).as_ref(), Ok(&proof));
    let files = [keys_file(&one, &[2], LATER), keys_file(&second, &[3], LATER)];
    let [one_file, second_file] = &files;
    assert_eq!(PlacesProof::find(&root(), one_file, second_file), Ok(Some(proof.clone())));
    assert_eq!(PlacesProof::find(&root(), one_file, one_file), Ok(None));
    let text = proof.to_string();
    golden("forks/delegations.fork", &text);
    let read = ProvedFork::parse(text.as_bytes()).unwrap();
    assert_eq!(read, ProvedFork::Places(Box::new(proof)));
    let options = Options { log: Some(&root()), ..Options::default() };
    assert!(verify_fork(text.as_bytes(), &options).is_ok());
    for at in (0..text.len()).step_by(7) {
        let mut changed = text.clone().into_bytes();
        changed[at] ^= 1;
        assert!(verify_fork(&changed, &options).is_err(), "byte {at}");
    }
    let mut heads = Heads::default();
    heads.accuse(&read, "the proof");
    for head in &both {
        assert_eq!(refused_by(&heads, head).unwrap().code, Fault::LogForked.code());
    }
    assert_eq!(heads.retired_since(&read, &root()), None);
}

#[test]
fn proof_of_another_history_than_the_root_key_signed_stands_alone() {
    let log = rotated_twice();
    let file = keys_file(&log, &[2, 5], LATEST);
    let mut branch = rotated();
    branch.go_on();
    let mut short = Stated::new();
    let body = Action::Delegate(short.placing(handed(1, LATER, OPERATOR)));
    short.add(OPERATOR, &[OPERATOR, LATER], Evidence::None {}, body);
    short.run(AGENT);
    let prefix = chaos_log::prove_prefix(log.tree(), 4, 5).unwrap();
    let cases = [(&branch, None, "history-same"), (&short, Some(prefix), "history")];
    for (thief, prefix, name) in cases {
        let note = head(thief, LATER);
        let proof = SignerProof::of_history(root(), &file, note, prefix).unwrap();
        let text = proof.to_string();
        golden(&format!("forks/{name}.fork"), &text);
        assert_eq!(SignerProof::parse(text.as_bytes()).unwrap(), proof);
        assert!(proof.sentence().contains("its owner or a thief"), "{}", proof.sentence());
        for at in (0..text.len()).step_by(53) {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            assert!(SignerProof::parse(&changed).is_err(), "byte {at}");
        }
    }
    let mut own = rotated();
    own.run(AGENT);
    let honest = head(&own, LATER);
    let refused = SignerProof::of_history(root(), &file, honest, None);
    assert_eq!(code_of(refused), Fault::ForkNotProved.code());
}

#[test]
fn proof_that_a_retired_keys_tree_lacks_a_delegation_stands_alone() {
    let log = rotated_twice();
    let file = keys_file(&log, &[2, 5], LATEST);
    // The first head that the leaving key may sign, with another last entry than the delegation.
    let mut branch = rotated();
    branch.run(AGENT);
    branch.run(AGENT);
    // And one without the delegation by which that key was named.
    let mut bare = Stated::new();
    bare.go_on();
    bare.go_on();
    let prefix = chaos_log::prove_prefix(bare.tree(), 3, 4).unwrap();
    let cases = [(&branch, 5, None, "place"), (&bare, 2, Some(prefix), "place-before")];
    for (thief, index, prefix, name) in cases {
        let note = head(thief, LATER);
        let proof = SignerProof::of_place(root(), &file, note, index, prefix).unwrap();
        let text = proof.to_string();
        golden(&format!("forks/{name}.fork"), &text);
        assert_eq!(SignerProof::parse(text.as_bytes()).unwrap(), proof);
        assert!(proof.sentence().contains("its owner or a thief"), "{}", proof.sentence());
        // Nothing later is signed by the root key, so that the entry at the last place is a key's word.
        assert_eq!(proof.rests_on(), (index == 5).then(|| key(LATEST).did()));
        for at in (0..text.len()).step_by(53) {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            assert!(SignerProof::parse(&changed).is_err(), "byte {at}");
        }
    }
    let refused = |log: &Stated, by: u8, index: u64, file: &[u8]| {
        let size = log.tree().size();
        let nodes =
            (index + 1 < size).then(|| chaos_log::prove_prefix(log.tree(), index + 1, size));
        let prefix = nodes.transpose().unwrap();
        code_of(SignerProof::of_place(root(), file, head(log, by), index, prefix))
    };
    // A tree that holds the delegation, one by the key in force, and no delegation at that place.
    let mut honest = rotated();
    assert_eq!(refused(&honest, LATER, 2, &file), Fault::ForkNotProved.code());
    assert_eq!(refused(&log, LATEST, 2, &file), Fault::ForkNotProved.code());
    assert_eq!(refused(&bare, LATER, 3, &file), Fault::ForkNotProved.code());
    honest.run(AGENT);
    let body = Action::Delegate(honest.placing(handed(2, LATEST, LATER)));
    honest.add(OPERATOR, &[OPERATOR, LATEST, LATER], Evidence::None {}, body);
    assert_eq!(refused(&honest, LATER, 5, &file), Fault::ForkNotProved.code());
    // What a later key says of the entry itself accuses no root key.
    let mut own = Stated::new();
    own.run(AGENT);
    let first = keys_file(&rotated(), &[2], LATER);
    assert_eq!(refused(&own, OPERATOR, 2, &first), Fault::ForkNotProved.code());
    assert!(SignerProof::of_place(root(), &file, head(&own, OPERATOR), 2, None).is_ok());
}

#[test]
fn bundle_of_a_delegation_shows_the_history_that_it_follows() {
    let log = rotated();
    let bundle = StateBundle {
        checkpoint: head(&log, LATER).to_string(),
        keys: Some(delegations(&log, &[2])),
        ..log.bundle(2)
    };
    assert_eq!(head_of(&bundle, Some(&root())).succession.delegations().len(), 1);
}
