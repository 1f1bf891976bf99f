//! The data directory: log, views, blobs and keys of one node.

use std::{
    env,
    path::{Path, PathBuf},
};

use chaos_agency::{
    Action, Evidence, Leaf, Receipt, Views,
    action::Profile,
    receipt::{Draft, Product},
    registry::CAPABILITIES,
};
use chaos_log::{Checkpoint, KeyName, LogKey, SignedCheckpoint};
use chaos_store::{Append, Blobs as _, Records as _, Store};
use chaos_types::{AgentKey, Did, Digest, dsse::Envelope};

use crate::{
    clock,
    exit::{Failure, Kind, OrFail as _},
    keys::{Keys, PASSWORD_VARIABLE},
};

/// The name of the agent that runs the log.
pub(crate) const OPERATOR: &str = "operator";

const OPERATOR_META: &str = "operator";

/// An open data directory.
pub(crate) struct Home {
    dir: PathBuf,
    store: Store,
    views: Views,
    password: Option<String>,
}

/// An action about to be signed and logged.
pub(crate) struct Deed<'a> {
    /// The agent's name for its root key.
    pub agent: Did,
    /// The keys that sign.
    pub keys: Vec<&'a AgentKey>,
    /// The receipts it builds on.
    pub parents: Vec<Digest>,
    /// What it produced.
    pub subjects: Vec<Product>,
    /// Why to believe it.
    pub evidence: Evidence,
    /// What was done.
    pub action: Action,
}

impl Home {
    /// Opens an existing data directory.
    pub(crate) fn open(dir: &Path) -> Result<Self, Failure> {
        if !dir.join("chaoschain.sqlite").exists() {
            return Err(Failure::message(
                Kind::Input,
                format!("{} holds no ChaosChain data", dir.display()),
            )
            .hint("`chaoschain agent register` creates a data directory; --data names it"));
        }
        let store = open_store(dir)?;
        let recorded = store.meta(OPERATOR_META).or_fail(Kind::Storage)?.ok_or_else(|| {
            Failure::message(Kind::Storage, format!("{} names no log operator", dir.display()))
        })?;
        let operator = String::from_utf8_lossy(&recorded).parse().or_fail(Kind::Storage)?;
        Self::load(dir, store, operator, env::var(PASSWORD_VARIABLE).ok())
    }

    /// Opens a data directory, creating it with a fresh log key if there is none.
    pub(crate) fn open_or_create(dir: &Path, password: Option<String>) -> Result<Self, Failure> {
        let password = password.or_else(|| env::var(PASSWORD_VARIABLE).ok());
        let mut store = open_store(dir)?;
        let operator = match store.meta(OPERATOR_META).or_fail(Kind::Storage)? {
            Some(recorded) => String::from_utf8_lossy(&recorded).parse().or_fail(Kind::Storage)?,
            None => {
                let did = Keys::new(dir, password.as_deref()).create(OPERATOR)?.did();
                store.put_meta(OPERATOR_META, did.to_string().as_bytes()).or_fail(Kind::Storage)?;
                did
            }
        };
        let mut home = Self::load(dir, store, operator, password)?;
        if home.views.size() == 0 {
            home.found()?;
        }
        Ok(home)
    }

    fn load(
        dir: &Path,
        store: Store,
        operator: Did,
        password: Option<String>,
    ) -> Result<Self, Failure> {
        let views = fold(&store, operator)?;
        Ok(Self { dir: dir.to_owned(), store, views, password })
    }

    /// The first entry of a log registers its operator.
    fn found(&mut self) -> Result<(), Failure> {
        let key = self.key(OPERATOR)?;
        let profile = Profile {
            name: OPERATOR.to_owned(),
            role: OPERATOR.to_owned(),
            capabilities: CAPABILITIES.iter().map(|&kind| kind.to_owned()).collect(),
            studio: "platform".to_owned(),
        };
        self.act(Deed {
            agent: key.did(),
            keys: vec![&key],
            parents: vec![],
            subjects: vec![],
            evidence: Evidence::None {},
            action: Action::Register(profile),
        })?;
        Ok(())
    }

    /// Folds the whole log anew.
    pub(crate) fn fold(&self) -> Result<Views, Failure> {
        fold(&self.store, self.views.registry().operator())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) const fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    pub(crate) const fn views(&self) -> &Views {
        &self.views
    }

    /// Signs an action, checks that the log would admit it, and appends it durably.
    pub(crate) fn act(&mut self, deed: Deed<'_>) -> Result<Digest, Failure> {
        let now = clock::now_ms();
        let envelope = Draft {
            agent: deed.agent,
            claimed_at_ms: now,
            parents: deed.parents,
            subjects: deed.subjects,
            evidence: deed.evidence,
            action: deed.action,
        }
        .sign(&deed.keys)
        .or_fail(Kind::Input)?;
        self.append(&envelope, now)
    }

    /// Appends a signed receipt, if the log admits it. Nothing is written otherwise.
    pub(crate) fn append(&mut self, envelope: &Envelope, now_ms: u64) -> Result<Digest, Failure> {
        let receipt = Receipt::open(envelope).or_fail(Kind::Input)?.into_inner();
        self.views.authorise(&receipt).or_fail(Kind::Input)?;
        let record = envelope.to_bytes().or_fail(Kind::Input)?;
        let leaf = Leaf::new(receipt.id, now_ms).to_bytes();
        let append = Append::new(record.clone(), leaf.clone()).or_fail(Kind::Input)?;
        self.store.append_batch(&[append]).or_fail(Kind::Storage)?;
        self.views.apply(&leaf, &record).or_fail(Kind::Check)?;
        Ok(receipt.id)
    }

    /// Writes the views beside the log.
    pub(crate) fn save_views(&mut self) -> Result<(), Failure> {
        for (name, rows) in self.views.to_rows().or_fail(Kind::Check)? {
            self.store.replace_view(name, &rows).or_fail(Kind::Storage)?;
        }
        Ok(())
    }

    /// Stores bytes by digest.
    pub(crate) fn put_blob(&self, bytes: &[u8]) -> Result<Digest, Failure> {
        self.store.blobs().put(bytes).or_fail(Kind::Storage)
    }

    /// Signs the head of the log.
    pub(crate) fn checkpoint(&mut self) -> Result<SignedCheckpoint, Failure> {
        let key = self.log_key()?;
        let head = self.store.head().or_fail(Kind::Storage)?;
        let checkpoint =
            Checkpoint::new(&key.name().to_string(), head.size, head.root).or_fail(Kind::Check)?;
        let signed = checkpoint.sign(&key).or_fail(Kind::Check)?;
        self.store.put_checkpoint(&signed).or_fail(Kind::Storage)?;
        Ok(signed)
    }

    /// The key that signs checkpoints: the operator's, under the log's name.
    pub(crate) fn log_key(&self) -> Result<LogKey, Failure> {
        let key = self.key(OPERATOR)?;
        let seed = key.as_signing_key().to_bytes();
        Ok(LogKey::from_seed(log_name(&key.did())?, &seed))
    }

    /// The key of an agent.
    pub(crate) fn key(&self, name: &str) -> Result<AgentKey, Failure> {
        self.keys().open(name)
    }

    /// The folder of key files.
    pub(crate) fn keys(&self) -> Keys<'_> {
        Keys::new(&self.dir, self.password.as_deref())
    }
}

/// The log's name in its checkpoints, made from the operator's key so that two logs differ.
fn log_name(operator: &Did) -> Result<KeyName, Failure> {
    let suffix = Digest::of(operator.as_bytes()).short();
    format!("chaoschain.local/{suffix}").parse::<KeyName>().or_fail(Kind::Check)
}

fn open_store(dir: &Path) -> Result<Store, Failure> {
    Store::open(dir).or_fail(Kind::Storage).map_err(|failure| {
        failure.context(format!("cannot open the data directory {}", dir.display()))
    })
}

fn fold(store: &Store, operator: Did) -> Result<Views, Failure> {
    let mut views = Views::new(operator);
    let size = store.head().or_fail(Kind::Storage)?.size;
    let mut next = 0;
    while next < size {
        for entry in store.entries(next..size).or_fail(Kind::Storage)? {
            // A refusal is part of the state, recorded in the view `refused`.
            let _refused = views.apply(&entry.leaf, &entry.record);
            next = entry.index + 1;
        }
    }
    Ok(views)
}
