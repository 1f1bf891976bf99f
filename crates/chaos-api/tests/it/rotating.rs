//! A log whose root key hands checkpoints to another key, copied and watched.

use std::{collections::BTreeSet, fs, io::Read as _, path::Path, sync::Arc};

use chaos_agency::{Kinds, action::Profile, action::Role};
use chaos_api::{
    Alarm, Comparison, Disclosure, Mirror, MirrorError, Mirrored, Publication, Source, Watch,
    Watched, export, watch,
};
use chaos_ledger::{Handover, Heads, Ledger, System, agents};
use chaos_log::{LogKey, VerifierKey};
use chaos_types::Rejection;
use chaos_verify::{Heads as Seen, Options, ProvedFork, SignerProof};
use tempfile::TempDir;

use crate::world::{NOW_MS, runtime};

pub(crate) const SYSTEM: System = System {
    kinds: Kinds::new(&[]),
    now_ms: || NOW_MS,
    random: |bytes| fs::File::open("/dev/urandom")?.read_exact(bytes),
};

pub(crate) struct World {
    folder: TempDir,
    pub(crate) heads: Heads,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let heads = Heads::new(folder.path().join("heads"));
        Self { folder, heads }
    }

    pub(crate) fn ledger(&self) -> Ledger {
        let password = Some("test".to_owned().into());
        let data = self.folder.path().join("data");
        Ledger::open_or_create(&data, password, Some(&self.heads), SYSTEM).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

/// What a reader makes of a proof alone.
fn verify_fork(bytes: &[u8], options: &Options<'_>) -> Result<ProvedFork, Rejection> {
    let proof = ProvedFork::parse(bytes)?;
    let mut seen = Seen::default();
    seen.accuse(&proof, "the proof");
    seen.root_of(&proof, options).map(|_root| proof)
}

pub(crate) fn enrol(ledger: &mut Ledger, name: &str) {
    let profile = Profile {
        name: name.to_owned(),
        role: "researcher".to_owned(),
        capabilities: vec![],
        studio: "workshop".to_owned(),
    };
    agents::enrol(ledger, profile).unwrap();
}

pub(crate) fn rotate(ledger: &mut Ledger, heads: &Heads, lost: bool) {
    let role = Role::Checkpoints;
    ledger.delegate(Handover { role, root: None, lost }).unwrap();
    ledger.checkpoint(heads).unwrap();
    ledger.settle(role).unwrap();
}

pub(crate) fn published(dir: &Path, key: &VerifierKey) -> Publication {
    drop(Ledger::read(dir, SYSTEM).unwrap());
    let disclosure = Disclosure::by_default(&Kinds::default());
    Publication { key: key.clone(), kinds: Kinds::default(), disclosure }
}

pub(crate) fn source(dir: &Path, key: &VerifierKey) -> Arc<Source> {
    Arc::new(Source::data(dir, published(dir, key)).unwrap())
}

pub(crate) fn follow(
    copy: &Path,
    key: &VerifierKey,
    source: &Arc<Source>,
) -> Result<Mirrored, MirrorError> {
    let mut mirror = Mirror::open(copy, Some(key)).unwrap();
    mirror.fold_by(Kinds::default());
    runtime().block_on(mirror.follow(source, NOW_MS, &|_, _| {}))
}

fn look(copy: &Path, key: &VerifierKey, source: &Arc<Source>) -> Watched {
    let mut mirror = Mirror::open(copy, Some(key)).unwrap();
    let watching = Watch { followed: BTreeSet::new(), kinds: Kinds::default() };
    let seen = runtime().block_on(watch(&mut mirror, source, NOW_MS, &watching)).unwrap();
    seen.told(&mut mirror).unwrap();
    seen
}

#[test]
fn mirror_that_knows_the_root_key_follows_before_within_and_after_a_rotation() {
    let world = World::new();
    let mut ledger = world.ledger();
    let (root, data) = (ledger.verifier().unwrap(), world.path("data"));
    enrol(&mut ledger, "ada");
    ledger.checkpoint(&world.heads).unwrap();
    let (always, seldom, late) = (world.path("always"), world.path("seldom"), world.path("late"));
    assert_eq!(follow(&always, &root, &source(&data, &root)).unwrap().head.claimed().size(), 2);
    follow(&seldom, &root, &source(&data, &root)).unwrap();
    rotate(&mut ledger, &world.heads, false);
    follow(&always, &root, &source(&data, &root)).unwrap();
    enrol(&mut ledger, "grace");
    ledger.checkpoint(&world.heads).unwrap();
    for copy in [&always, &seldom, &late] {
        let done = follow(copy, &root, &source(&data, &root)).unwrap();
        assert_eq!((done.head.claimed().size(), done.findings.len()), (4, 0));
        // A copy is published as the log is.
        let again = world.path("again");
        Mirror::open(copy, None).unwrap().fold(Kinds::default(), NOW_MS).unwrap();
        follow(&again, &root, &source(copy, &root)).unwrap();
        fs::remove_dir_all(again).unwrap();
    }
    let folder = world.path("public");
    let publication = chaos_api::Published::open(&data, published(&data, &root)).unwrap();
    export(&publication, &root, &folder, Comparison::Lengths).unwrap();
    assert!(folder.join("keys").exists());
    enrol(&mut ledger, "edsger");
    ledger.checkpoint(&world.heads).unwrap();
    let publication = chaos_api::Published::open(&data, published(&data, &root)).unwrap();
    export(&publication, &root, &folder, Comparison::Lengths).unwrap();
    follow(&world.path("static"), &root, &Arc::new(Source::folder(&folder))).unwrap();
}

#[test]
fn monitor_tells_each_delegation_and_proves_that_a_retired_key_signs() {
    let world = World::new();
    let mut ledger = world.ledger();
    let (root, data) = (ledger.verifier().unwrap(), world.path("data"));
    enrol(&mut ledger, "ada");
    ledger.checkpoint(&world.heads).unwrap();
    drop(ledger);
    copy_folder(&data, &world.path("stolen"));
    let mut ledger = world.ledger();
    rotate(&mut ledger, &world.heads, false);
    let eyes = world.path("eyes");
    let seen = look(&eyes, &root, &source(&data, &root));
    let names: Vec<_> = seen.alarms.iter().map(Alarm::name).collect();
    assert_eq!(names, ["delegation"]);
    let password = Some("test".to_owned().into());
    let mut thief = Ledger::open_rows(&world.path("stolen"), password, SYSTEM).unwrap();
    let elsewhere = Heads::new(world.path("thief"));
    thief.resume(&elsewhere, &[]).unwrap();
    enrol(&mut thief, "mallory");
    enrol(&mut thief, "trent");
    thief.checkpoint(&elsewhere).unwrap();
    drop(thief);
    let seen = look(&eyes, &root, &source(&world.path("stolen"), &root));
    let [Alarm::Fork(proof)] = &seen.alarms[..] else { panic!("{:?}", seen.alarms) };
    let file = fs::read(seen.folder.join(seen.alarms[0].file().replace(".json", ".fork"))).unwrap();
    let options = Options { log: Some(&root), ..Options::default() };
    let read = verify_fork(&file, &options).unwrap();
    assert_eq!(&read, &**proof);
    assert!(matches!(read, ProvedFork::Signer(_)));
    assert_eq!(SignerProof::parse(&file).unwrap().to_string().as_bytes(), file);
    let mut heads = Seen::default();
    heads.accuse(&read, "the proof");
    // One byte or another key, and it proves nothing.
    for at in (0..file.len()).step_by(97) {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(verify_fork(&changed, &options).is_err(), "byte {at}");
    }
}

#[test]
fn head_that_a_leaving_key_may_sign_proves_nothing_with_a_line_cut_off() {
    let world = World::new();
    let mut ledger = world.ledger();
    let (root, data) = (ledger.verifier().unwrap(), world.path("data"));
    enrol(&mut ledger, "ada");
    let leaving: LogKey = ledger.log_key().unwrap();
    rotate(&mut ledger, &world.heads, false);
    let published = chaos_api::Published::open(&data, published(&data, &root)).unwrap();
    let keys = published.answer(&"keys".parse().unwrap()).unwrap().unwrap();
    let mut cut = published.head().unwrap().unwrap();
    cut.retain(|line| leaving.verifier().is_named_by(line));
    assert!(SignerProof::new(root.clone(), &keys, cut.clone()).is_err());
    let larger = chaos_log::Checkpoint::new(root.name().as_str(), 4, *cut.claimed().root());
    let larger = larger.unwrap().sign(&leaving).unwrap();
    assert!(SignerProof::new(root, &keys, larger).is_ok());
}

#[test]
fn lost_key_is_followed_by_a_mirror_with_a_quorum_alone() {
    let world = World::new();
    let mut ledger = world.ledger();
    let (root, data) = (ledger.verifier().unwrap(), world.path("data"));
    rotate(&mut ledger, &world.heads, false);
    rotate(&mut ledger, &world.heads, true);
    let copy = world.path("copy");
    let refusal = follow(&copy, &root, &source(&data, &root)).unwrap_err();
    assert!(matches!(refusal, MirrorError::LostKey { index: 2 }), "{refusal}");
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
