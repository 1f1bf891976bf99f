//! A ledger on a bad day: processes that are killed, bits that rot, clocks that are wrong.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod anchoring;
mod clock;
mod key_files;
mod keys;
mod kill;
mod rot;
mod rows;

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use chaos_agency::{Action, Evidence, Kinds, action::Profile, receipt::Draft};
use chaos_ledger::{Heads, Ledger, Prepared, System};
use chaos_types::{AgentKey, Did};

/// When the logs of these tests take entries in, milliseconds since 1970.
const NOW_MS: u64 = 1_767_225_600_000;

const SYSTEM: System = System { kinds: Kinds::new(&[]), now_ms: || NOW_MS, random };

fn random(bytes: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(bytes)
}

fn open_with(dir: &Path, system: System) -> Ledger {
    // The memory of the machine is beside the data directory.
    let heads = Heads::new(dir.with_file_name("heads"));
    Ledger::open_or_create(dir, Some("test".to_owned().into()), Some(&heads), system).unwrap()
}

fn open(dir: &Path) -> Ledger {
    open_with(dir, SYSTEM)
}

/// The registration of an agent of its own number.
fn registration(log: Did, number: u64) -> Prepared {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    let key = AgentKey::from_seed(&seed);
    let profile = Profile {
        name: format!("agent-{number}"),
        role: "worker".to_owned(),
        capabilities: vec!["run".to_owned()],
        studio: "workshop".to_owned(),
    };
    let draft = Draft {
        log,
        agent: key.did(),
        claimed_at_ms: NOW_MS,
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action: Action::Register(profile),
    };
    Prepared::read(&draft.sign(&[&key]).unwrap(), &Kinds::default()).unwrap()
}

/// A copy of a folder that no process has open.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
