//! Heads that their signer made hard to hold against him, shown to copies.

use std::{fs, path::PathBuf, sync::Arc};

use chaos_api::{Comparison, MirrorError, Source, export};
use chaos_log::{CheckpointError, Note};
use chaos_store::Records as _;
use tempfile::TempDir;

use crate::world::{Log, NOW_MS, follow};

/// The note of a log's head.
fn signed_by(log: &Log) -> String {
    let head = log.store.head().unwrap();
    log.signed(head.size, head.root).to_string()
}

/// What a log of 12 entries publishes that has not the first 12 of [`Log::of`]: under this note.
fn other_history(note: impl FnOnce(&Log) -> String) -> (TempDir, PathBuf) {
    let mut log = Log::of(5);
    (100..107).for_each(|number| log.append(number, NOW_MS + number));
    log.sign();
    let place = TempDir::new().unwrap();
    let folder = place.path().join("public");
    export(&log.published(), log.verifier(), &folder, Comparison::Lengths).unwrap();
    fs::write(folder.join("checkpoint"), note(&log)).unwrap();
    (place, folder)
}

#[test]
fn doubled_lines_hide_no_fork_by_the_key_in_force() {
    let (_place, folder) = other_history(|log| {
        let note = signed_by(log);
        let line = note.lines().last().unwrap().to_owned();
        format!("{note}{}", format!("{line}\n").repeat(99))
    });
    for size in [12, 13] {
        let log = Log::of(size);
        let copies = TempDir::new().unwrap();
        let copy = copies.path().join("copy");
        follow(&copy, &log, &log.source()).unwrap();
        let refusal = follow(&copy, &log, &Arc::new(Source::folder(&folder))).unwrap_err();
        assert!(matches!(refusal, MirrorError::Fork(_)), "{refusal}");
        let refusal = follow(&copy, &log, &log.source()).unwrap_err();
        assert!(matches!(refusal, MirrorError::Fork(_)), "{refusal}");
    }
}

#[test]
fn checkpoint_too_long_to_be_held_against_its_signer_is_none() {
    let (_place, folder) = other_history(|log| {
        let text = signed_by(log).split_once("\n\n").unwrap().0.to_owned();
        let mut note = Note::new(format!("{text}\n{}\n", "x".repeat(17_000))).unwrap();
        note.sign(&log.key).unwrap();
        note.to_string()
    });
    let (log, longer) = (Log::of(13), Arc::new(Source::folder(&folder)));
    let copies = TempDir::new().unwrap();
    let (copy, other) = (copies.path().join("copy"), copies.path().join("other"));
    follow(&copy, &log, &log.source()).unwrap();
    for copy in [&copy, &other] {
        let refusal = follow(copy, &log, &longer).unwrap_err();
        let is_long = |error: &MirrorError| {
            matches!(error, MirrorError::Checkpoint(CheckpointError::TooLong { .. }))
        };
        assert!(is_long(&refusal) && refusal.is_contradiction(), "{refusal}");
        follow(copy, &log, &log.source()).unwrap();
    }
}
