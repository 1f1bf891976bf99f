//! What a witness remembers, through restarts, haste, clocks and damage.

use std::{fs, path::PathBuf, sync::Barrier};

use chaos_log::{SignedCheckpoint, WitnessKey};
use chaos_witness::{OpenError, Witness, WitnessError, origin_hash};

use crate::{Fixture, NOW_S, ORIGIN, honest, known, of_branch, witness_key};

fn kept(fixture: &Fixture) -> PathBuf {
    fixture.folder.path().join("logs").join(origin_hash(ORIGIN)).join("checkpoint")
}

#[test]
fn a_restarted_witness_remembers() {
    let fixture = Fixture::at(5).restarted();
    assert_eq!(fixture.size(), Some(5));
    assert_eq!(fixture.ask(&honest(0, 4)).status, 409);
    assert_eq!(fixture.ask(&of_branch(5, 9, "theirs")).status, 422);
    assert_eq!(fixture.ask(&honest(5, 9)).status, 200);
}

#[test]
fn what_was_answered_is_on_the_disk_already() {
    let fixture = Fixture::new();
    let answer = fixture.ask(&honest(0, 5));
    let text = fs::read_to_string(kept(&fixture)).unwrap();
    assert!(text.ends_with(&answer.body));
}

#[test]
fn of_two_branches_that_are_asked_for_at_once_one_is_cosigned() {
    for _ in 0..20 {
        let fixture = Fixture::at(3);
        let barrier = Barrier::new(8);
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8u64)
                .map(|number| {
                    let (fixture, barrier) = (&fixture, &barrier);
                    let branch = if number % 2 == 0 { "ours" } else { "theirs" };
                    let request = of_branch(3, 5 + number / 2, branch);
                    scope.spawn(move || {
                        barrier.wait();
                        fixture.ask(&request).status
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    }
}

#[test]
fn a_folder_is_used_by_one_witness_at_a_time() {
    let fixture = Fixture::at(5);
    let second = Witness::open(fixture.folder.path(), witness_key(), &known());
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
}

#[test]
fn a_folder_is_the_memory_of_one_witness() {
    let fixture = Fixture::at(5);
    let Fixture { folder, witness } = fixture;
    drop(witness);
    let other = WitnessKey::from_seed("witness.example.org/w".parse().unwrap(), &[3; 32]);
    let refused = Witness::open(folder.path(), other, &known());
    assert!(matches!(refused, Err(OpenError::OtherWitness { .. })), "{refused:?}");
}

#[test]
fn a_damaged_memory_cosigns_nothing() {
    let damages: [fn(&str) -> String; 5] = [
        |_| String::new(),
        |text| text.replacen("\n5\n", "\n4\n", 1),
        |text| text.lines().take(5).map(|line| format!("{line}\n")).collect(),
        |text| text.replacen("example.com/log\n", "example.com/lag\n", 1),
        |text| text[..text.len() - 1].to_owned(),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let fixture = Fixture::at(5);
        let text = fs::read_to_string(kept(&fixture)).unwrap();
        fs::write(kept(&fixture), damage(&text)).unwrap();
        for request in [honest(5, 9), honest(0, 9), honest(4, 9)] {
            let body = request.to_string();
            let refused = fixture.witness.add_checkpoint(body.as_bytes(), NOW_S);
            let error = refused.expect_err("nothing is cosigned from a damaged memory");
            let is_damage =
                matches!(error, WitnessError::Damaged { .. } | WitnessError::NotOurs { .. });
            assert!(is_damage, "damage {number}: {error}");
        }
    }
}

#[test]
fn a_checkpoint_that_cannot_be_kept_is_not_cosigned() {
    let fixture = Fixture::at(5);
    // A folder in the place of the file that would be renamed to.
    fs::remove_file(kept(&fixture)).unwrap();
    fs::create_dir_all(kept(&fixture).join("in the way")).unwrap();
    let body = honest(0, 9).to_string();
    assert!(fixture.witness.add_checkpoint(body.as_bytes(), NOW_S).is_err());
}

#[test]
fn the_time_of_cosignatures_does_not_go_back() {
    let fixture = Fixture::at(5);
    let ask = |request: &chaos_witness::AddCheckpoint, now_s| {
        fixture.witness.add_checkpoint(request.to_string().as_bytes(), now_s)
    };
    let refused = ask(&honest(5, 6), NOW_S - 61).unwrap_err();
    let expect = format!(
        "the clock says {} s, but log `{ORIGIN}` was cosigned at {NOW_S} s: one of the two was wrong; if this one is right, `chaoschain witness --accept-clock` says so",
        NOW_S - 61
    );
    assert_eq!(refused.to_string(), expect);
    assert_eq!(fixture.size(), Some(5));
    // What clocks drift is taken as no time at all.
    assert_eq!(ask(&honest(5, 6), NOW_S - 60).unwrap().status, 200);
    let served = fixture.witness.checkpoint(&origin_hash(ORIGIN)).unwrap().unwrap();
    let served = SignedCheckpoint::parse(&served).unwrap();
    assert_eq!(witness_key().verifier().cosigned(&served).unwrap(), Some(NOW_S));
    let never = Fixture::new();
    let zero = never.witness.add_checkpoint(honest(0, 1).to_string().as_bytes(), 0);
    assert!(matches!(zero, Err(WitnessError::Cosign(_))), "{zero:?}");
    assert_eq!(never.size(), None);
}

#[test]
fn a_clock_that_was_ahead_once_is_taken_back_by_whoever_vouches_for_the_one_of_now() {
    let witness = Restored::new();
    let ask = |witness: &Witness, request: &chaos_witness::AddCheckpoint, now_s| {
        witness.add_checkpoint(request.to_string().as_bytes(), now_s)
    };
    let ten_years = NOW_S + 10 * 365 * 86_400;
    assert_eq!(ask(&witness.open(), &honest(0, 5), ten_years).unwrap().status, 200);
    let refused = ask(&witness.open(), &honest(5, 9), NOW_S).unwrap_err();
    assert!(refused.to_string().contains("witness --accept-clock"), "{refused}");
    let open = witness.open().accepting_clock(NOW_S).unwrap();
    // It forgets a time, and no tree.
    assert_eq!(ask(&open, &of_branch(5, 9, "theirs"), NOW_S).unwrap().status, 422);
    assert_eq!(ask(&open, &honest(5, 9), NOW_S).unwrap().status, 200);
    let refused = ask(&open, &honest(9, 12), NOW_S - 61);
    assert!(matches!(refused, Err(WitnessError::ClockBack { .. })), "{refused:?}");
    drop(open);
    assert_eq!(witness.status(&honest(9, 12)), 200);
}

/// A witness that remembers elsewhere, and a way to set its folder back to what it was.
struct Restored {
    folder: tempfile::TempDir,
    elsewhere: tempfile::TempDir,
}

impl Restored {
    fn new() -> Self {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Self { folder, elsewhere }
    }

    fn open(&self) -> Witness {
        let witness = Witness::open(self.folder.path(), witness_key(), &known()).unwrap();
        witness.remembering(self.elsewhere.path()).unwrap()
    }

    fn status(&self, request: &chaos_witness::AddCheckpoint) -> u16 {
        self.open().add_checkpoint(request.to_string().as_bytes(), NOW_S).unwrap().status
    }

    fn kept(&self) -> PathBuf {
        self.folder.path().join("logs").join(origin_hash(ORIGIN)).join("checkpoint")
    }

    fn kept_elsewhere(&self) -> PathBuf {
        let folders = fs::read_dir(self.elsewhere.path()).unwrap();
        let folders: Vec<_> = folders.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(folders.len(), 1, "{folders:?}");
        folders[0].join(origin_hash(ORIGIN))
    }
}

#[test]
fn a_folder_restored_from_an_old_copy_forgets_nothing() {
    let witness = Restored::new();
    assert_eq!(witness.status(&honest(0, 5)), 200);
    let old = fs::read(witness.kept()).unwrap();
    assert_eq!(witness.status(&honest(5, 9)), 200);
    let restores: [&dyn Fn(); 2] = [&|| fs::write(witness.kept(), &old).unwrap(), &|| {
        fs::remove_dir_all(witness.folder.path().join("logs")).unwrap();
    }];
    for restore in restores {
        restore();
        for (request, expect) in [
            (of_branch(5, 9, "theirs"), 409),
            (of_branch(0, 9, "theirs"), 409),
            (of_branch(9, 12, "theirs"), 422),
            (honest(9, 9), 200),
        ] {
            assert_eq!(witness.status(&request), expect, "{request}");
        }
    }
    restores[0]();
    let served = witness.open().checkpoint(&origin_hash(ORIGIN)).unwrap().unwrap();
    assert_eq!(SignedCheckpoint::parse(&served).unwrap().claimed().size(), 9);
    // The memory elsewhere may be the one that was lost.
    fs::write(witness.kept(), served).unwrap();
    fs::remove_file(witness.kept_elsewhere()).unwrap();
    // Then the folder may be an old copy, until somebody vouches that it is none.
    let open = || Witness::open(witness.folder.path(), witness_key(), &known()).unwrap();
    let refused = open().remembering(witness.elsewhere.path());
    assert!(matches!(refused, Err(OpenError::Forgotten { .. })), "{refused:?}");
    drop(refused);
    drop(open().as_only_copy(witness.elsewhere.path()).unwrap());
    assert_eq!(witness.status(&honest(9, 12)), 200);
    assert_eq!(fs::read(witness.kept()).unwrap(), fs::read(witness.kept_elsewhere()).unwrap());
}

#[test]
fn two_memories_that_contradict_each_other_cosign_nothing() {
    let (one, other) = (Restored::new(), Restored::new());
    assert_eq!(one.status(&of_branch(0, 9, "ours")), 200);
    assert_eq!(other.status(&of_branch(0, 9, "theirs")), 200);
    fs::copy(other.kept(), one.kept()).unwrap();
    let refused = one.open().add_checkpoint(honest(9, 12).to_string().as_bytes(), NOW_S);
    assert!(matches!(refused, Err(WitnessError::Divided { size: 9, .. })), "{refused:?}");
    fs::write(one.kept_elsewhere(), "nothing").unwrap();
    let refused = one.open().add_checkpoint(honest(9, 12).to_string().as_bytes(), NOW_S);
    assert!(matches!(refused, Err(WitnessError::Damaged { .. })), "{refused:?}");
}

#[test]
fn one_witness_remembers_elsewhere_at_a_time() {
    let witness = Restored::new();
    let _open = witness.open();
    let copy = tempfile::tempdir().unwrap();
    let second = Witness::open(copy.path(), witness_key(), &known()).unwrap();
    let refused = second.remembering(witness.elsewhere.path());
    assert!(matches!(refused, Err(OpenError::InUse { .. })), "{refused:?}");
}
