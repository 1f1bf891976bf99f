//! Damage that a copy mends.

use std::{fs, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_agency::{Kinds, Leaf};
use chaos_api::{RepairError, Repaired, Source, repair};
use chaos_log::{SignedCheckpoint, Tile, TileId, leaf_hash};
use chaos_store::{Append, Blobs as _, DATABASE_FILE, Records as _, Store};
use chaos_types::Digest;
use tempfile::TempDir;

use crate::world::{Log, NOW_MS, follow, runtime};

/// A mirror of a log of 600 entries, and the log's folder closed for others to damage.
struct Case {
    copy: TempDir,
    log: Log,
    healthy: TempDir,
}

impl Case {
    fn new() -> Self {
        let (log, copy, healthy) = (Log::of(600), TempDir::new().unwrap(), TempDir::new().unwrap());
        follow(copy.path(), &log, &log.source()).unwrap();
        follow(healthy.path(), &log, &log.source()).unwrap();
        Self { copy, log, healthy }
    }

    fn source(&self) -> Arc<Source> {
        Arc::new(Source::data(self.healthy.path(), self.log.publication()).unwrap())
    }

    fn damage(&self) -> Store {
        Store::open_damaged(self.copy.path()).unwrap()
    }

    fn repair(&self) -> Result<Repaired, RepairError> {
        mend(self.copy.path(), &self.source())
    }

    #[track_caller]
    fn is_whole(&self, done: &Repaired) {
        assert_eq!(*done.checked.as_ref().unwrap(), self.log.store.head().unwrap());
        let store = Store::open(self.copy.path()).unwrap();
        for index in [0, 255, 256, 300, 599] {
            assert_eq!(store.entry(index).unwrap(), self.log.store.entry(index).unwrap());
        }
    }
}

fn mend(folder: &Path, source: &Arc<Source>) -> Result<Repaired, RepairError> {
    runtime().block_on(repair(folder, source, &Kinds::default(), None, NOW_MS))
}

/// The stored entry as it would be appended.
fn entry(log: &Log, index: u64) -> Append {
    let entry = log.store.entry(index).unwrap().unwrap();
    Append::new(entry.record, entry.leaf).unwrap()
}

#[test]
fn whole_folder_is_left_alone() {
    let case = Case::new();
    let done = case.repair().unwrap();
    assert!(done.entries.is_empty() && done.tiles == 0 && done.blobs.is_empty());
    case.is_whole(&done);
}

/// Tiles of leaves are computed here, so that a copy which lost some of them is good enough to mend from.
#[test]
fn source_without_its_tiles_of_full_leaves_mends() {
    let case = Case::new();
    let mut store = case.damage();
    let wrong = Append::new(b"rot".to_vec(), entry(&case.log, 300).leaf().to_vec()).unwrap();
    store.mend_entries(300..301, &[wrong]).unwrap();
    drop(store);
    let source = crate::liar::start(case.log.published(), |path| match path {
        "tile/0/000" | "tile/0/001" => crate::liar::Answer::Status(404, "", Vec::new()),
        _ => crate::liar::Answer::Honest,
    });
    let done = mend(case.copy.path(), &source).unwrap();
    assert_eq!(done.entries, [300]);
    case.is_whole(&done);
}

#[test]
fn damaged_records_leaves_and_tiles_are_mended() {
    let case = Case::new();
    let mut store = case.damage();
    let wrong_record = Append::new(b"rot".to_vec(), entry(&case.log, 300).leaf().to_vec()).unwrap();
    store.mend_entries(300..301, &[wrong_record]).unwrap();
    let digest = entry(&case.log, 599).digest();
    let wrong_time = Leaf::new(digest, 1).to_bytes();
    let wrong_time = Append::new(entry(&case.log, 599).record().to_vec(), wrong_time).unwrap();
    store.mend_entries(599..600, &[wrong_time]).unwrap();
    let id = TileId { level: 0, index: 0 };
    store.mend_tiles(&[Tile { id, hashes: vec![leaf_hash(b"rot"); 256] }]).unwrap();
    let id = TileId { level: 1, index: 0 };
    store.mend_tiles(&[Tile { id, hashes: vec![leaf_hash(b"rot"); 2] }]).unwrap();
    drop(store);
    assert!(case.damage().check().is_err());
    let done = case.repair().unwrap();
    assert_eq!((done.entries.as_slice(), done.tiles), ([300, 599].as_slice(), 2));
    case.is_whole(&done);
}

#[test]
fn lost_entries_come_back_as_far_as_the_log_has_signed_them() {
    let case = Case::new();
    let database = rusqlite::Connection::open(case.copy.path().join(DATABASE_FILE)).unwrap();
    database.execute("DELETE FROM entries WHERE idx = 7 OR idx >= 590", []).unwrap();
    drop(database);
    let done = case.repair().unwrap();
    assert_eq!(done.entries.len(), 11);
    case.is_whole(&done);
}

/// The way back from a restored copy: what was signed since is with those who copied it.
#[test]
fn old_copy_of_a_log_comes_forward_to_what_the_source_has() {
    let (mut log, healthy, old) = (Log::of(300), TempDir::new().unwrap(), TempDir::new().unwrap());
    let database = old.path().join(DATABASE_FILE);
    let live = rusqlite::Connection::open(log.path().join(DATABASE_FILE)).unwrap();
    live.execute("VACUUM INTO ?1", [database.to_str().unwrap()]).unwrap();
    log.grow(300);
    log.sign();
    follow(healthy.path(), &log, &log.source()).unwrap();
    let source = Arc::new(Source::data(healthy.path(), log.publication()).unwrap());
    let done = mend(old.path(), &source).unwrap();
    assert_eq!(done.entries, (300..600).collect::<Vec<_>>());
    assert_eq!(done.checked.unwrap(), log.store.head().unwrap());
    let restored = Store::open(old.path()).unwrap();
    assert_eq!(restored.entries(0..600).unwrap(), log.store.entries(0..600).unwrap());
}

#[test]
fn entry_that_holds_together_here_is_never_replaced() {
    let case = Case::new();
    // Another log under the same key: its own leaves, its own tiles, no checkpoint that tells.
    let mut other = Log::of(0);
    for index in 0..10 {
        other.append(index + 5_000, NOW_MS);
    }
    let before = other.store.entries(0..10).unwrap();
    let folder = other.path().to_owned();
    let Log { dir, store, .. } = other;
    drop(store);
    let refused = mend(&folder, &case.source()).unwrap_err();
    assert!(
        matches!(refused, RepairError::Differs { index: 0, signed: 0, is_known: true }),
        "{refused}"
    );
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.entries(0..10).unwrap(), before);
}

#[test]
fn damage_above_the_sources_checkpoint_is_told_and_left() {
    let mut log = Log::of(20);
    let healthy = TempDir::new().unwrap();
    follow(healthy.path(), &log, &log.source()).unwrap();
    log.grow(5);
    log.sign();
    let source = Arc::new(Source::data(healthy.path(), log.publication()).unwrap());
    let Log { dir, store, .. } = log;
    drop(store);
    let database = rusqlite::Connection::open(dir.path().join(DATABASE_FILE)).unwrap();
    database.execute("UPDATE entries SET record = x'00' WHERE idx = 22", []).unwrap();
    drop(database);
    let done = mend(dir.path(), &source).unwrap();
    assert_eq!((done.entries_left.as_slice(), done.source_size), ([22].as_slice(), 20));
    assert!(done.checked.is_err());
}

#[test]
fn damaged_and_lost_blobs_are_fetched_and_one_that_is_not_published_is_told() {
    let mut log = Log::of(1);
    let kept: Vec<_> =
        [b"one", b"two", b"six"].iter().map(|b| log.store.blobs().put(*b).unwrap()).collect();
    let record = log.run_receipt(&kept[1..], kept[0]);
    log.append_raw(record, NOW_MS);
    log.sign();
    let folder = TempDir::new().unwrap();
    chaos_api::export(
        &log.published(),
        log.verifier(),
        folder.path(),
        chaos_api::Comparison::Lengths,
    )
    .unwrap();
    fs::remove_file(folder.path().join("blob").join(kept[2].to_hex())).unwrap();
    fs::write(log.store.blobs().path(&kept[0]), b"rot").unwrap();
    fs::remove_file(log.store.blobs().path(&kept[1])).unwrap();
    fs::write(log.store.blobs().path(&kept[2]), b"rot").unwrap();
    let Log { dir, store, .. } = log;
    drop(store);
    let done = mend(dir.path(), &Arc::new(Source::folder(folder.path()))).unwrap();
    let (mut fetched, mut expected) = (done.blobs.clone(), kept[..2].to_vec());
    fetched.sort_unstable();
    expected.sort_unstable();
    assert_eq!((fetched, done.blobs_left), (expected, vec![kept[2]]));
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.blobs().get(&kept[0]).unwrap(), b"one");
    assert_eq!(store.blobs().get(&kept[1]).unwrap(), b"two");
}

/// Turns one letter of the signature of a kept checkpoint into another.
fn falsify(store: &mut Store, size: u64) {
    let kept = store.checkpoint_at(size).unwrap().unwrap();
    let note = kept.to_string();
    let end = note.trim_end().len() - 8;
    let other = if note.as_bytes()[end] == b'A' { "B" } else { "A" };
    let changed = format!("{}{other}{}", &note[..end], &note[end + 1..]);
    let changed = SignedCheckpoint::parse(changed.as_bytes()).unwrap();
    assert_ne!(changed, kept);
    store.replace_checkpoint(size, Some(&changed)).unwrap();
}

#[test]
fn checkpoint_that_a_disk_changed_is_dropped_and_told() {
    let mut case = Case::new();
    let more = case.log.run_receipt(&[], Digest::of(b"out"));
    case.log.append_raw(more, NOW_MS);
    case.log.sign();
    for folder in [&case.copy, &case.healthy] {
        follow(folder.path(), &case.log, &case.log.source()).unwrap();
    }
    let kept = |case: &Case| {
        let kept = case.damage().checkpoints().unwrap();
        kept.iter().map(|kept| kept.claimed().size()).collect::<Vec<_>>()
    };
    assert_eq!(kept(&case), [600, 601]);
    for size in [600, 601] {
        falsify(&mut case.damage(), size);
        let done = case.repair().unwrap();
        assert_eq!((done.falsified, done.unsigned), (vec![size], Vec::new()));
        assert!(done.checked.is_ok() && !kept(&case).contains(&size));
    }
    // A copy that has lost every one begins with the source's, and adds nothing.
    follow(case.copy.path(), &case.log, &case.log.source()).unwrap();
    assert_eq!(kept(&case), [601]);
}

/// A disk changes a letter of what a copy kept, and the log has forked: the copy is not turned round without a word, and
/// what it kept is there for the next source.
#[test]
fn copy_whose_kept_head_is_damaged_does_not_say_what_the_log_signed() {
    let case = Case::new();
    falsify(&mut case.damage(), 600);
    let before = case.damage().kept_notes().unwrap();
    let mut other = Log::of(0);
    for index in 0..610 {
        other.append(index + 5_000, NOW_MS + index);
    }
    other.sign();
    let refused = mend(case.copy.path(), &other.source()).unwrap_err();
    assert!(matches!(refused, RepairError::Differs { is_known: false, .. }), "{refused}");
    assert_eq!(case.damage().kept_notes().unwrap(), before);
    // The log's own still mends it.
    let done = case.repair().unwrap();
    assert_eq!(done.falsified, [600]);
    case.is_whole(&done);
}

/// A repair that was killed after it had dropped what was false has not forgotten it.
#[test]
fn repair_that_was_ended_in_between_finds_the_kept_heads_as_they_were() {
    let case = Case::new();
    let mut store = case.damage();
    falsify(&mut store, 600);
    let notes = store.kept_notes().unwrap();
    let notes: Vec<_> = notes.iter().map(|kept| (kept.size, STANDARD.encode(&kept.note))).collect();
    store.put_meta("repair/checkpoints", &serde_json::to_vec(&notes).unwrap()).unwrap();
    store.replace_checkpoint(600, None).unwrap();
    drop(store);
    let done = case.repair().unwrap();
    assert_eq!(done.falsified, [600]);
    case.is_whole(&done);
}
