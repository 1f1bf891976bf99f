//! Heads below which a retired key's line stands beside another's, shown to copies.

use std::{fs, path::PathBuf, sync::Arc};

use chaos_agency::Kinds;
use chaos_api::{Comparison, Mirror, MirrorError, Mirrored, Published, Source, export};
use chaos_ledger::{Heads, Ledger};
use chaos_log::{Checkpoint, Hash, LogKey, SignedCheckpoint, VerifierKey};
use chaos_types::Did;
use chaos_verify::ProvedFork;

use crate::{
    rotating::{SYSTEM, World, copy_folder, enrol, follow, published, rotate, source},
    world::{NOW_MS, runtime},
};

/// A log that handed checkpoints on twice, with its keys, and a copy that has decided that the first of them, whoever
/// has it, signs besides the log.
struct Dispute {
    world: World,
    root: VerifierKey,
    ledger: Ledger,
    first: LogKey,
    second: LogKey,
}

impl Dispute {
    fn new() -> Self {
        let world = World::new();
        let mut ledger = world.ledger();
        let root = ledger.verifier().unwrap();
        enrol(&mut ledger, "ada");
        rotate(&mut ledger, &world.heads, false);
        let first = ledger.log_key().unwrap();
        rotate(&mut ledger, &world.heads, false);
        enrol(&mut ledger, "grace");
        ledger.checkpoint(&world.heads).unwrap();
        let second = ledger.log_key().unwrap();
        Self { world, root, ledger, first, second }
    }

    /// The head that a data directory publishes.
    fn head(&self, data: &str) -> SignedCheckpoint {
        let data = self.world.path(data);
        let publication = Published::open(&data, published(&data, &self.root)).unwrap();
        publication.head().unwrap().unwrap()
    }

    /// What a data directory publishes, in a folder.
    fn exported(&self, data: &str, name: &str) -> PathBuf {
        let (data, folder) = (self.world.path(data), self.world.path(name));
        let publication = Published::open(&data, published(&data, &self.root)).unwrap();
        export(&publication, &self.root, &folder, Comparison::Lengths).unwrap();
        folder
    }

    /// The same under another note.
    fn shown(&self, data: &str, name: &str, note: &SignedCheckpoint) -> Arc<Source> {
        let folder = self.exported(data, name);
        fs::write(folder.join("checkpoint"), note.to_string()).unwrap();
        Arc::new(Source::folder(&folder))
    }

    fn follow(&self, copy: &str, source: &Arc<Source>) -> Result<Mirrored, MirrorError> {
        follow(&self.world.path(copy), &self.root, source)
    }

    fn follow_owner(&self, copy: &str) -> Result<Mirrored, MirrorError> {
        self.follow(copy, &source(&self.world.path("data"), &self.root))
    }

    fn accept_all(&self, copy: &str) {
        let mut mirror = Mirror::open(&self.world.path(copy), None).unwrap();
        let open: Vec<_> =
            mirror.standings().unwrap().open().map(|found| found.name.clone()).collect();
        mirror.accept(&open, 1).unwrap();
    }

    /// Has a copy see a head that the first key signed after its end, beside what a data directory publishes, and decide
    /// about it.
    fn decide_about_first(&self, copy: &str, data: &str) {
        let own = Checkpoint::new(self.root.name().as_str(), 9, Hash::from_bytes([9; 32]));
        let source = self.shown(data, "decided", &own.unwrap().sign(&self.first).unwrap());
        let refusal = self.follow(copy, &source).unwrap_err();
        assert_eq!(accused(&refusal), Some(did(&self.first)), "{refusal}");
        self.accept_all(copy);
    }
}

/// The retired key that a refusal proves to sign, if it is such a proof.
fn accused(refusal: &MirrorError) -> Option<Did> {
    let MirrorError::Fork(proof) = refusal else { return None };
    let ProvedFork::Signer(proof) = &**proof else { return None };
    Some(proof.retired())
}

fn did(key: &LogKey) -> Did {
    Did::from_public_bytes(key.verifier().public()).unwrap()
}

/// A note with this key's line below it too.
fn with_line(mut note: SignedCheckpoint, key: &LogKey) -> SignedCheckpoint {
    let signed = note.claimed().clone().sign(key).unwrap();
    note.add(signed.note().signatures()[0].clone()).unwrap();
    note
}

#[test]
fn line_of_a_key_that_was_decided_about_keeps_no_copy_from_the_owners_head() {
    let mut dispute = Dispute::new();
    dispute.follow_owner("copy").unwrap();
    dispute.decide_about_first("copy", "data");
    let folder = dispute.exported("data", "before");
    let keys = fs::read(folder.join("keys")).unwrap();
    let Dispute { world, ledger, .. } = &mut dispute;
    rotate(ledger, &world.heads, false);
    // The owner's first head after that, with the leaving key's line and the first key's.
    let mut cut = dispute.head("data");
    cut.retain(|line| dispute.second.verifier().is_named_by(line));
    assert_eq!(cut.note().signatures().len(), 1);
    let source = dispute.shown("data", "cut", &with_line(cut, &dispute.first));
    fs::write(dispute.world.path("cut").join("keys"), keys).unwrap();
    let refusal = dispute.follow("copy", &source).unwrap_err();
    assert!(matches!(refusal, MirrorError::Retired(_)), "{refusal}");
    let Dispute { world, ledger, .. } = &mut dispute;
    enrol(ledger, "edsger");
    ledger.checkpoint(&world.heads).unwrap();
    for _ in 0..2 {
        let done = dispute.follow_owner("copy").unwrap();
        assert_eq!(done.head.claimed(), dispute.head("data").claimed());
    }
}

#[test]
fn decision_about_one_key_is_none_about_a_kept_head_that_a_later_one_signed_too() {
    let mut dispute = Dispute::new();
    copy_folder(&dispute.world.path("data"), &dispute.world.path("stolen"));
    let Dispute { world, ledger, .. } = &mut dispute;
    rotate(ledger, &world.heads, false);
    enrol(ledger, "edsger");
    ledger.checkpoint(&world.heads).unwrap();
    let password = Some("test".to_owned().into());
    let mut thief = Ledger::open_rows(&world.path("stolen"), password, SYSTEM).unwrap();
    let elsewhere = Heads::new(world.path("thief"));
    thief.resume(&elsewhere, &[]).unwrap();
    enrol(&mut thief, "mallory");
    enrol(&mut thief, "trent");
    thief.checkpoint(&elsewhere).unwrap();
    drop(thief);
    let note = with_line(dispute.head("stolen"), &dispute.first);
    let source = dispute.shown("stolen", "theirs", &note);
    dispute.follow("copy", &source).unwrap();
    dispute.decide_about_first("copy", "stolen");
    for _ in 0..2 {
        let refusal = dispute.follow_owner("copy").unwrap_err();
        assert_eq!(accused(&refusal), Some(did(&dispute.second)), "{refusal}");
    }
    dispute.accept_all("copy");
    let done = dispute.follow_owner("copy").unwrap();
    assert_eq!(done.head.claimed(), dispute.head("data").claimed());
}

#[test]
fn first_round_on_a_copy_whose_rows_are_of_no_known_rules_asks_the_entries_who_signs() {
    let mut dispute = Dispute::new();
    let copy = dispute.world.path("copy");
    let mut mirror = Mirror::open(&copy, Some(&dispute.root)).unwrap();
    let owner = source(&dispute.world.path("data"), &dispute.root);
    // As an earlier program left it: what it folded to counts as not folded.
    runtime().block_on(mirror.follow(&owner, NOW_MS, &|_, _| {})).unwrap();
    drop(mirror);
    let keys = fs::read(dispute.exported("data", "before").join("keys")).unwrap();
    let Dispute { world, ledger, .. } = &mut dispute;
    rotate(ledger, &world.heads, false);
    let mut cut = dispute.head("data");
    cut.retain(|line| dispute.second.verifier().is_named_by(line));
    let source = dispute.shown("data", "cut", &cut);
    fs::write(dispute.world.path("cut").join("keys"), keys).unwrap();
    for _ in 0..2 {
        let refusal = dispute.follow("copy", &source).unwrap_err();
        assert!(matches!(refusal, MirrorError::Retired(_)), "{refusal}");
    }
    dispute.follow_owner("copy").unwrap();
    let mut mirror = Mirror::open(&copy, None).unwrap();
    mirror.fold(Kinds::default(), NOW_MS).unwrap();
    assert!(!mirror.standings().unwrap().is_open());
}
