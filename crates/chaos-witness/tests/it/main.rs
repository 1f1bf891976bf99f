//! A witness against honest logs, lying ones, damage and haste.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod evidence;
mod memory;
mod order;
mod requests;
mod statuses;

use chaos_log::{
    Checkpoint, Hash, LogKey, MemoryLog, Policy, SignedCheckpoint, WitnessKey, prove_consistency,
    root_at,
};
use chaos_witness::{AddCheckpoint, Answer, Witness};
use tempfile::TempDir;

const ORIGIN: &str = "example.com/log";

/// Some time, in seconds since 1970.
const NOW_S: u64 = 1_700_000_000;

fn log_key() -> LogKey {
    LogKey::from_seed(ORIGIN.parse().unwrap(), &[1; 32])
}

fn witness_key() -> WitnessKey {
    WitnessKey::from_seed("witness.example.org/w".parse().unwrap(), &[2; 32])
}

fn known() -> Policy {
    Policy::parse(format!("log {}\nquorum none\n", log_key().verifier()).as_bytes()).unwrap()
}

/// Entries that differ from those of another `branch` from entry 3 on.
fn log_of(size: u64, branch: &str) -> MemoryLog {
    let mut log = MemoryLog::new();
    let leaf = |index| if index < 3 { format!("{index}") } else { format!("{index} {branch}") };
    log.append_batch((0..size).map(|index| leaf(index).into_bytes()).collect()).unwrap();
    log
}

fn signed(size: u64, root: Hash) -> SignedCheckpoint {
    Checkpoint::new(ORIGIN, size, root).unwrap().sign(&log_key()).unwrap()
}

/// The request of an honest log to go from `old` to `size`.
fn honest(old: u64, size: u64) -> AddCheckpoint {
    of_branch(old, size, "ours")
}

fn of_branch(old: u64, size: u64, branch: &str) -> AddCheckpoint {
    let log = log_of(size, branch);
    let proof = prove_consistency(&log, old, size).unwrap().hashes().to_vec();
    AddCheckpoint::new(old, proof, signed(size, root_at(&log, size).unwrap())).unwrap()
}

struct Fixture {
    folder: TempDir,
    witness: Witness,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let witness = Witness::open(folder.path(), witness_key(), &known()).unwrap();
        Self { folder, witness }
    }

    /// A witness that cosigned the honest log at this size.
    fn at(size: u64) -> Self {
        let fixture = Self::new();
        assert_eq!(fixture.ask(&honest(0, size)).status, 200);
        fixture
    }

    fn ask(&self, request: &AddCheckpoint) -> Answer {
        self.witness.add_checkpoint(request.to_string().as_bytes(), NOW_S).unwrap()
    }

    /// The size of the last checkpoint that it serves.
    fn size(&self) -> Option<u64> {
        let served = self.witness.checkpoint(&chaos_witness::origin_hash(ORIGIN)).unwrap()?;
        Some(SignedCheckpoint::parse(&served).unwrap().claimed().size())
    }

    /// Another process that opens the same folder, once this one is gone.
    fn restarted(self) -> Self {
        let Self { folder, witness } = self;
        drop(witness);
        let witness = Witness::open(folder.path(), witness_key(), &known()).unwrap();
        Self { folder, witness }
    }
}
