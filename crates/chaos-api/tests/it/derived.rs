//! What follows from other data is written anew from it, and costs nothing that it follows from.

use std::{path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_agency::Kinds;
use chaos_api::{Repaired, Resource, Source, repair};
use chaos_log::{SignedCheckpoint, WitnessKey};
use chaos_store::{DATABASE_FILE, Records as _, Store};
use chaos_types::Digest;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::world::{Log, NOW_MS, follow, runtime};

fn mend(folder: &Path, source: &Arc<Source>) -> Repaired {
    runtime().block_on(repair(folder, source, &Kinds::default(), None, NOW_MS)).unwrap()
}

/// The same log as it is now, in another folder.
fn backup(log: &Log) -> TempDir {
    let folder = TempDir::new().unwrap();
    let to = folder.path().join(DATABASE_FILE);
    let live = Connection::open(log.path().join(DATABASE_FILE)).unwrap();
    live.execute("VACUUM INTO ?1", [to.to_str().unwrap()]).unwrap();
    folder
}

fn alter(folder: &Path, sql: &str) {
    let database = Connection::open(folder.join(DATABASE_FILE)).unwrap();
    assert_ne!(database.execute(sql, []).unwrap(), 0, "{sql}");
}

/// A log of 20 signed entries with a mirror of those, and five more that no head covers.
fn ahead() -> (Log, TempDir) {
    let (mut log, copy) = (Log::of(20), TempDir::new().unwrap());
    follow(copy.path(), &log, &log.source()).unwrap();
    log.grow(5);
    (log, copy)
}

fn source(folder: &Path, log: &Log) -> Arc<Source> {
    Arc::new(Source::data(folder, log.publication()).unwrap())
}

#[test]
fn entry_that_no_head_covers_survives_what_a_disk_makes_of_its_digest_and_its_number() {
    let (log, copy) = ahead();
    let (source, head) = (source(copy.path(), &log), log.store.head().unwrap());
    for sql in [
        "UPDATE entries SET digest = randomblob(32) WHERE idx = 22",
        "UPDATE entries SET digest = randomblob(32) WHERE idx = 7",
        "UPDATE entries SET idx = idx + 64 WHERE idx = 24",
        "UPDATE entries SET idx = idx + 64 WHERE idx = 22",
        "UPDATE entries SET idx = idx + 64 WHERE idx = 3",
    ] {
        let damaged = backup(&log);
        alter(damaged.path(), sql);
        let done = mend(damaged.path(), &source);
        assert_eq!(done.checked.unwrap(), head, "{sql}");
        assert_eq!((done.rows, done.entries, done.entries_left), (1, vec![], vec![]), "{sql}");
        let mended = Store::open(damaged.path()).unwrap();
        assert_eq!(mended.entries(0..25).unwrap(), log.store.entries(0..25).unwrap(), "{sql}");
    }
}

/// The number of a row is no measure of a copy, and neither is a note.
#[test]
fn copy_gets_well_from_its_source_whatever_numbers_its_rows_have() {
    let (log, healthy) = ahead();
    for sql in [
        "UPDATE entries SET idx = idx + 64 WHERE idx = 19",
        "UPDATE entries SET idx = 83, record = x'00', leaf = x'00' WHERE idx = 19",
        "INSERT INTO entries VALUES (1 << 40, randomblob(32), x'00', x'00')",
        "INSERT INTO meta VALUES ('former', CAST('1000000000000' AS BLOB))",
    ] {
        let copy = TempDir::new().unwrap();
        follow(copy.path(), &log, &log.source()).unwrap();
        alter(copy.path(), sql);
        let done = mend(copy.path(), &source(healthy.path(), &log));
        assert_eq!(done.checked.unwrap().size, 20, "{sql}");
        follow(copy.path(), &log, &log.source()).unwrap();
    }
}

/// The head of a backup is as old as its owner's last checkpoint; what lies behind it is there all the same.
#[test]
fn entry_that_lies_in_a_backup_behind_its_head_is_taken_where_the_tile_here_has_it() {
    let (mut log, _) = ahead();
    let kept = backup(&log);
    log.grow(1);
    let damage = "UPDATE entries SET record = x'00' WHERE idx = 22";
    let damaged = backup(&log);
    alter(damaged.path(), damage);
    let done = mend(damaged.path(), &source(kept.path(), &log));
    assert_eq!((done.source_size, done.source_stored), (20, Some(25)));
    assert_eq!((done.entries, done.entries_left), (vec![22], vec![]));
    assert_eq!(done.checked.unwrap(), log.store.head().unwrap());
    // Nothing says which entry it was where the tile is lost, or has another leaf.
    for tile in ["DELETE FROM edge WHERE level = 0", "UPDATE edge SET hashes = zeroblob(128)"] {
        let damaged = backup(&log);
        alter(damaged.path(), damage);
        alter(damaged.path(), tile);
        let done = mend(damaged.path(), &source(kept.path(), &log));
        assert_eq!(
            (done.source_stored, done.entries_left.contains(&22)),
            (Some(25), true),
            "{tile}"
        );
    }
}

/// A signed note with its last line as a disk left it: a byte of what is after the name in another bit, or the first
/// letter of the name another.
fn rotten(signed: &SignedCheckpoint, rot: &Rot) -> String {
    let note = signed.to_string();
    let (others, last) = note.trim_end().rsplit_once('\n').unwrap();
    let (start, bytes) = last.rsplit_once(' ').unwrap();
    let (mut start, mut bytes) = (start.to_owned(), STANDARD.decode(bytes).unwrap());
    match rot {
        Rot::Byte(at) => bytes[*at] ^= 1,
        Rot::Name => start = start.replacen('w', "v", 1),
    }
    format!("{others}\n{start} {}\n", STANDARD.encode(bytes))
}

/// What a disk makes of a line: four bytes of the key's id come first, eight of the time, and then the signature.
enum Rot {
    Byte(usize),
    Name,
}

/// Each with whether the signature holds still.
const ROTS: [(Rot, bool); 4] =
    [(Rot::Byte(40), false), (Rot::Byte(11), false), (Rot::Byte(2), true), (Rot::Name, true)];

/// A false line condemns the whole note for each reader who knows the witness, and the log has its key.
#[test]
fn line_of_a_witness_that_a_disk_changed_is_published_by_nobody_and_put_right() {
    let mut log = Log::of(20);
    let witness = WitnessKey::from_seed("w.example/w".parse().unwrap(), &[3; 32]);
    let policy = format!("witness w {}\nquorum w\n", witness.verifier()).into_bytes();
    let kept = [Digest::of(&policy).as_bytes().as_slice(), &policy].concat();
    log.store.put_meta("log-policy", &kept).unwrap();
    let (alone, cosigned) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    follow(alone.path(), &log, &log.source()).unwrap();
    let mut signed = log.store.checkpoint().unwrap().unwrap();
    signed.add(witness.cosign(&signed, NOW_MS / 1_000 + 10).unwrap()).unwrap();
    log.store.put_checkpoint(&signed).unwrap();
    follow(cosigned.path(), &log, &log.source()).unwrap();
    for (rot, holds) in ROTS {
        for (folder, has_line) in [(&alone, false), (&cosigned, true)] {
            let damaged = backup(&log);
            let note = rotten(&signed, &rot);
            let database = Connection::open(damaged.path().join(DATABASE_FILE)).unwrap();
            database.execute("UPDATE checkpoints SET note = ?1 WHERE size = 20", [note]).unwrap();
            drop(database);
            let published = chaos_api::Published::open(damaged.path(), log.publication()).unwrap();
            let refused = published.answer(&Resource::Checkpoint).unwrap_err();
            assert!(matches!(refused, chaos_api::PublishError::Cosigners(_)), "{refused}");
            drop(published);
            let done = mend(damaged.path(), &source(folder.path(), &log));
            assert_eq!((done.falsified, done.unsigned), (vec![20], vec![]));
            let mended = Store::open(damaged.path()).unwrap().checkpoint().unwrap().unwrap();
            let time = witness.verifier().cosigned(&mended).unwrap();
            assert_eq!(time.is_some(), holds || has_line);
            assert!(mended.is_by(log.verifier()));
        }
    }
    // Whose lines they are cannot be read: nothing is judged, and that is said.
    let damaged = backup(&log);
    alter(
        damaged.path(),
        "UPDATE meta SET value = CAST(value || x'20' AS BLOB) WHERE key = 'log-policy'",
    );
    assert!(mend(damaged.path(), &source(cosigned.path(), &log)).policy_damaged);
}
