//! A log of receipts in a folder, as an operator runs it.

use std::{path::Path, sync::Arc};

use chaos_agency::{
    Action, Evidence, Kinds, Leaf,
    action::{CorrectTime, Profile, Run},
    receipt::{Draft, Execution, Input, Product, Program, Replay},
};
use chaos_api::{Disclosure, Mirror, MirrorError, Mirrored, Publication, Published, Source};
use chaos_log::{Checkpoint, LogKey, SignedCheckpoint, VerifierKey};
use chaos_store::{Append, Records as _, Store};
use chaos_types::{AgentKey, CodeIdentity, Did, Digest, dsse::Envelope};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// When the logs of these tests take entries in, milliseconds since 1970.
pub(crate) const NOW_MS: u64 = 1_767_225_600_000;

/// A log with its key.
pub(crate) struct Log {
    pub(crate) dir: TempDir,
    pub(crate) store: Store,
    pub(crate) key: LogKey,
    agent: AgentKey,
}

impl Log {
    /// A log of `size` entries, the last checkpoint signed.
    pub(crate) fn of(size: u64) -> Self {
        let dir = TempDir::new().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let agent = AgentKey::from_seed(&[7; 32]);
        let key = LogKey::from_seed("example.org/log".parse().unwrap(), &[7; 32]);
        chaos_ledger::adopt(&mut store, &agent.did()).unwrap();
        let mut log = Self { dir, store, key, agent };
        log.grow(size);
        log.sign();
        log
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn agent(&self) -> Did {
        self.agent.did()
    }

    pub(crate) fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// Appends `count` receipts, no two of which are the same.
    pub(crate) fn grow(&mut self, count: u64) {
        let start = self.store.head().unwrap().size;
        for index in start..start + count {
            self.append(index, NOW_MS + index);
        }
    }

    /// Appends a receipt with this number, taken in at this time.
    pub(crate) fn append(&mut self, number: u64, at_ms: u64) {
        let record = self.receipt(&format!("agent-{number}"));
        self.append_raw(record, at_ms);
    }

    /// The receipt of a registration.
    fn receipt(&self, name: &str) -> Vec<u8> {
        let profile = Profile {
            name: name.to_owned(),
            role: "worker".to_owned(),
            capabilities: vec![],
            studio: "workshop".to_owned(),
        };
        self.signed_receipt(vec![], Evidence::None {}, Action::Register(profile))
    }

    /// The receipt of a run that read and wrote blobs with these digests.
    pub(crate) fn run_receipt(&self, inputs: &[Digest], output: Digest) -> Vec<u8> {
        let code = CodeIdentity {
            component: Digest::of(b"component"),
            engine: "an engine".to_owned(),
            configuration: Digest::of(b"configuration"),
            interface: "an interface".to_owned(),
        };
        let execution = Execution {
            code,
            world: "generic".to_owned(),
            input: Digest::of(b"input"),
            output,
            fuel: 1,
            transcript: Digest::of(b"transcript"),
        };
        let inputs = inputs.iter().enumerate();
        let inputs = inputs
            .map(|(number, digest)| Input { name: format!("named/{number}"), digest: *digest })
            .collect();
        let program = Program { name: "a program".to_owned(), version: "1".to_owned() };
        let evidence = Evidence::Replayable(Replay { program, inputs, output });
        let action = Action::Run(Run { execution, answered: true });
        self.signed_receipt(vec![Product::new("answer", output)], evidence, action)
    }

    /// The receipt of a correction of the log's clock.
    pub(crate) fn correction(&self, first: u64, true_ms: u64) -> Vec<u8> {
        let body = CorrectTime { first, true_ms };
        self.signed_receipt(vec![], Evidence::None {}, Action::CorrectTime(body))
    }

    fn signed_receipt(
        &self,
        subjects: Vec<Product>,
        evidence: Evidence,
        action: Action,
    ) -> Vec<u8> {
        let draft = Draft {
            log: self.agent.did(),
            agent: self.agent.did(),
            claimed_at_ms: NOW_MS,
            parents: vec![],
            subjects,
            evidence,
            action,
        };
        draft.sign(&[&self.agent]).unwrap().to_bytes().unwrap()
    }

    /// A signed statement of a kind that nobody knows.
    pub(crate) fn unreadable_receipt(&self) -> Vec<u8> {
        Envelope::sign(b"{\"kind\":\"juggle\"}", &[&self.agent]).to_bytes().unwrap()
    }

    /// Appends `count` receipts in one go, those at `wrong` dated as told.
    pub(crate) fn grow_at_once(&mut self, count: u64, wrong: &[(u64, u64)]) {
        let start = self.store.head().unwrap().size;
        let entry = |index: u64| {
            let record = self.receipt(&format!("agent-{index}"));
            let dated = wrong.iter().find(|(at, _)| *at == index);
            let leaf = Leaf::new(Digest::of(&record), dated.map_or(NOW_MS, |(_, at_ms)| *at_ms));
            Append::new(record, leaf.to_bytes()).unwrap()
        };
        let entries: Vec<_> = (start..start + count).map(entry).collect();
        self.store.append_batch(&entries).unwrap();
    }

    /// Appends a record, whatever it is.
    pub(crate) fn append_raw(&mut self, record: Vec<u8>, at_ms: u64) {
        let leaf = Leaf::new(Digest::of(&record), at_ms).to_bytes();
        self.store.append_batch(&[Append::new(record, leaf).unwrap()]).unwrap();
    }

    /// Appends a receipt under a leaf that states a root, whatever the log folds to.
    pub(crate) fn append_stating(&mut self, number: u64, state: chaos_log::map::Hash) {
        let record = self.receipt(&format!("agent-{number}"));
        let leaf = Leaf::new(Digest::of(&record), NOW_MS + number).stating(state).to_bytes();
        self.store.append_batch(&[Append::new(record, leaf).unwrap()]).unwrap();
    }

    /// Signs the head and keeps the checkpoint.
    pub(crate) fn sign(&mut self) -> SignedCheckpoint {
        let head = self.store.head().unwrap();
        let signed = self.signed(head.size, head.root);
        self.store.put_checkpoint(&signed).unwrap();
        signed
    }

    /// A checkpoint by the log's key, of whatever it is told.
    pub(crate) fn signed(&self, size: u64, root: chaos_log::Hash) -> SignedCheckpoint {
        Checkpoint::new("example.org/log", size, root).unwrap().sign(&self.key).unwrap()
    }

    pub(crate) fn publication(&self) -> Publication {
        let disclosure = Disclosure::from_iter(["run".to_owned()]);
        Publication { key: self.verifier().clone(), kinds: Kinds::default(), disclosure }
    }

    pub(crate) fn published(&self) -> Published {
        Published::open(self.path(), self.publication()).unwrap()
    }

    /// It, read in place.
    pub(crate) fn source(&self) -> Arc<Source> {
        Arc::new(Source::data(self.path(), self.publication()).unwrap())
    }
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// One round of mirroring into a folder.
pub(crate) fn follow(
    folder: &Path,
    log: &Log,
    source: &Arc<Source>,
) -> Result<Mirrored, MirrorError> {
    let mut mirror = Mirror::open(folder, Some(log.verifier()))?;
    runtime().block_on(mirror.follow(source, NOW_MS + 1_000_000, &|_, _| {}))
}
