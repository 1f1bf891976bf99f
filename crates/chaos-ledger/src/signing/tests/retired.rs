//! A remembered head by a key that was retired: the owner's of another copy, or a thief's.

use std::path::PathBuf;

use chaos_agency::action::Role;
use chaos_log::LogKey;

use super::*;
use crate::{Handover, Resumed};

/// A log whose head is signed by its second key, `data`; a copy of then, `stolen`, whose keys a thief has; and the
/// same log after one more agent, the next rotation and the operator's replacement, all of it published.
struct Machine {
    dir: TempDir,
    heads: Heads,
}

fn hand_over(ledger: &mut Ledger, role: Role) {
    ledger.delegate(Handover { role, root: None, lost: false }).unwrap();
}

fn rotate(ledger: &mut Ledger, heads: &Heads) {
    hand_over(ledger, Role::Checkpoints);
    ledger.checkpoint(heads).unwrap();
    ledger.settle(Role::Checkpoints).unwrap();
}

impl Machine {
    /// A log that rotated once.
    fn begun() -> Self {
        let (dir, heads) = signed();
        let machine = Self { dir, heads };
        rotate(&mut machine.open("data"), &machine.heads);
        machine.copy("data", "stolen");
        machine
    }

    fn rotated() -> Self {
        let machine = Self::begun();
        let mut ledger = machine.open("data");
        enrol(&mut ledger, "grace");
        ledger.checkpoint(&machine.heads).unwrap();
        rotate(&mut ledger, &machine.heads);
        hand_over(&mut ledger, Role::Operator);
        ledger.checkpoint(&machine.heads).unwrap();
        ledger.settle(Role::Operator).unwrap();
        drop(ledger);
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn copy(&self, from: &str, to: &str) {
        copy(&self.path(from), &self.path(to));
    }

    fn open(&self, name: &str) -> Ledger {
        Ledger::open(&self.path(name), password(), Some(&self.heads), SYSTEM).unwrap()
    }

    fn rows(&self, name: &str) -> Ledger {
        Ledger::open_rows(&self.path(name), password(), SYSTEM).unwrap()
    }

    /// Why a directory is not opened beside a memory.
    #[track_caller]
    fn refused(&self, name: &str, heads: &Heads) -> Error {
        Ledger::open(&self.path(name), password(), Some(heads), SYSTEM).unwrap_err()
    }

    fn memory(&self, name: &str) -> Heads {
        Heads::new(self.path(name))
    }

    /// The thief goes on with a copy of what he stole up to a size, and signs that.
    fn stolen(&self, name: &str, size: u64) -> SignedCheckpoint {
        self.copy("stolen", name);
        let (mut thief, heads) = (self.rows(name), self.memory(&format!("{name}-heads")));
        thief.resume(&heads, &[]).unwrap();
        for number in thief.size()..size {
            enrol(&mut thief, &format!("mallory-{number}"));
        }
        thief.checkpoint(&heads).unwrap()
    }
}

#[test]
fn retired_keys_head_in_the_memory_is_put_aside_whatever_its_size_and_the_newest_directory_goes_on()
{
    // The second key's time ends at entry 4; the directory has 6 entries.
    for size in [4, 5, 6, 9] {
        let machine = Machine::rotated();
        let theirs = machine.stolen("theirs", size);
        let new = machine.memory("new");
        // What a source of the thief's makes of an old copy, which cannot know better.
        machine.rows("theirs").resume(&new, std::slice::from_ref(&theirs)).unwrap();
        let refused = machine.refused("data", &new);
        let Error::HeadRetired { head } = &refused else { panic!("{size}: {refused}") };
        assert_eq!((head.size, head.index), (size, 4), "{refused}");
        let mut ledger = machine.rows("data");
        assert_eq!(ledger.retired_head(&new).unwrap().as_ref(), Some(&**head));
        // Nothing is remembered of the key in force, so that somebody has to say it first.
        let refused = ledger.sign_head(&new).unwrap_err();
        assert!(matches!(refused, Error::HeadRetired { .. }), "{refused}");
        let refused = ledger.resume(&new, std::slice::from_ref(&theirs)).unwrap_err();
        assert!(
            matches!(refused, Error::HeadForeign { .. } | Error::HeadOther { .. }),
            "{refused}"
        );
        let Resumed { size: resumed, aside } = ledger.resume(&new, &[]).unwrap();
        let aside = aside.unwrap();
        assert_eq!((resumed, aside.size, aside.key), (6, size, head.key));
        assert_eq!(std::fs::read_to_string(&aside.path).unwrap(), theirs.to_string());
        drop(ledger);
        let mut ledger =
            Ledger::open(&machine.path("data"), password(), Some(&new), SYSTEM).unwrap();
        enrol(&mut ledger, "edsger");
        ledger.checkpoint(&new).unwrap();
        // The other way round nothing is put aside: the thief's directory does not know the key.
        let refused = machine.refused("theirs", &new);
        assert!(matches!(refused, Error::HeadBehind { .. } | Error::HeadOther { .. }), "{refused}");
        machine.rows("theirs").resume(&new, &[theirs]).unwrap_err();
    }
}

/// The root key has signed the rotation, and nobody was shown it; meanwhile another copy went on.
#[test]
fn copy_with_a_rotation_that_was_never_published_signs_nothing_beside_the_old_keys_later_head() {
    for (more_here, more_there) in [(0, 3), (4, 2)] {
        let machine = Machine::begun();
        machine.copy("data", "going-on");
        let mut unpublished = machine.open("data");
        hand_over(&mut unpublished, Role::Checkpoints);
        for number in 0..more_here {
            enrol(&mut unpublished, &format!("ada-{number}"));
        }
        let mut going_on = machine.open("going-on");
        for number in 0..more_there {
            enrol(&mut going_on, &format!("grace-{number}"));
        }
        let head = going_on.checkpoint(&machine.heads).unwrap();
        for refused in [
            unpublished.ensure_current().unwrap_err(),
            unpublished.sign_head(&machine.heads).unwrap_err(),
            unpublished.resume(&machine.heads, &[]).unwrap_err(),
        ] {
            let is_of_it = matches!(refused, Error::HeadBehind { .. } | Error::HeadOther { .. });
            assert!(is_of_it, "{refused}");
        }
        assert_eq!(unpublished.retired_head(&machine.heads).unwrap(), None);
        drop(unpublished);
        let refused = machine.refused("data", &machine.heads);
        assert!(matches!(refused, Error::HeadBehind { .. } | Error::HeadOther { .. }), "{refused}");
        let remembered = machine.heads.newest(&going_on.verifier().unwrap()).unwrap();
        assert_eq!(remembered, Some(head));
        enrol(&mut going_on, "edsger");
        going_on.checkpoint(&machine.heads).unwrap();
    }
}

/// Whoever has a retired key can sign the owner's newest head too, and a copy of before the newest rotation knows no
/// other line of it.
#[test]
fn old_copy_takes_no_newer_head_for_a_retired_keys_though_that_one_signed_it_too() {
    let machine = Machine::rotated();
    machine.copy("data", "old");
    let mut ledger = machine.open("data");
    rotate(&mut ledger, &machine.heads);
    enrol(&mut ledger, "edsger");
    let mut newest = ledger.checkpoint(&machine.heads).unwrap();
    let also: LogKey = machine.rows("stolen").log_key().unwrap();
    let line = newest.claimed().clone().sign(&also).unwrap().note().signatures()[0].clone();
    newest.add(line).unwrap();
    let new = machine.memory("new");
    ledger.resume(&new, &[newest]).unwrap();
    let refused = machine.refused("old", &new);
    assert!(matches!(refused, Error::HeadBehind { .. }), "{refused}");
    let refused = machine.rows("old").resume(&new, &[]).unwrap_err();
    assert!(matches!(refused, Error::HeadBehind { .. }), "{refused}");
}

#[test]
fn root_keys_head_counts_for_ever() {
    let (dir, heads) = signed();
    let machine = Machine { dir, heads };
    machine.copy("data", "stolen");
    rotate(&mut machine.open("data"), &machine.heads);
    let (new, theirs) = (machine.memory("new"), machine.stolen("theirs", 6));
    machine.rows("theirs").resume(&new, &[theirs]).unwrap();
    let refused = machine.refused("data", &new);
    assert!(matches!(refused, Error::HeadBehind { signed: 6, found: 3 }), "{refused}");
    machine.rows("data").resume(&new, &[]).unwrap_err();
}

#[test]
fn line_that_is_nobodys_does_not_keep_a_retired_keys_head_in_the_memory() {
    let machine = Machine::rotated();
    let mut theirs = machine.stolen("theirs", 9);
    let name = machine.rows("data").verifier().unwrap().name().clone();
    let nobody = LogKey::from_seed(name, &[9; 32]);
    let line = theirs.claimed().clone().sign(&nobody).unwrap().note().signatures()[0].clone();
    theirs.add(line).unwrap();
    let new = machine.memory("new");
    machine.rows("theirs").resume(&new, &[theirs]).unwrap();
    let refused = machine.refused("data", &new);
    assert!(matches!(refused, Error::HeadRetired { .. }), "{refused}");
}

#[test]
fn nothing_is_said_of_a_first_head_where_one_is_remembered() {
    let (dir, heads) = signed();
    let data = dir.path().join("data");
    for file in std::fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
    Ledger::recover(&data, password().as_ref(), None, SYSTEM).unwrap();
    let mut empty = Ledger::open_rows(&data, password(), SYSTEM).unwrap();
    let refused = empty.resume(&heads, &[]).unwrap_err();
    assert!(matches!(refused, Error::HeadBehind { signed: 2, found: 0 }), "{refused}");
    let refused = empty.resume(&Heads::new(dir.path().join("new")), &[]).unwrap_err();
    assert!(matches!(refused, Error::NoHead), "{refused}");
}
