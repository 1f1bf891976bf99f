//! The data directory: log, views, blobs and keys of one node.

use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
};

use chaos_agency::{
    Action, Evidence, Leaf, Receipt, Views,
    action::Profile,
    receipt::{Draft, Product},
    registry::{Agent, CAPABILITIES},
};
use chaos_log::{Checkpoint, KeyName, LogKey, SignedCheckpoint};
use chaos_store::{Append, Blobs as _, Records as _, Store};
use chaos_types::{AgentKey, Did, Digest, dsse::Envelope};

use crate::{
    clock,
    exit::{Failure, Kind, OrFail as _},
    keys::{Keys, PASSWORD_VARIABLE, successor_of},
};

/// The name of the agent that runs the log.
pub(crate) const OPERATOR: &str = "operator";

const OPERATOR_META: &str = "operator";

/// The key under which the sizes of log are kept that a stored view may have been folded from.
const VIEWS_META: &str = "views";

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
                .hint("`chaoschain agent register` finishes making an interrupted data directory")
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
                let did = Keys::new(dir, password.as_deref()).open_or_create(OPERATOR)?.did();
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
        let size = store.head().or_fail(Kind::Storage)?.size;
        let views = fold(&store, operator, size)?;
        Ok(Self { dir: dir.to_owned(), store, views, password })
    }

    /// The first entry of a log registers its operator.
    fn found(&mut self) -> Result<(), Failure> {
        let key = self.operator_key()?;
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

    /// Folds the first `size` entries of the log anew.
    pub(crate) fn fold(&self, size: u64) -> Result<Views, Failure> {
        fold(&self.store, self.views.registry().operator(), size)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) const fn views(&self) -> &Views {
        &self.views
    }

    /// Signs an action, checks that the log would admit it, and appends it durably.
    pub(crate) fn act(&mut self, deed: Deed<'_>) -> Result<Digest, Failure> {
        // The log's time never goes back, even if the clock does.
        let now = clock::now_ms().max(self.views.last_integrated_at_ms());
        let envelope = Draft {
            log: self.views.registry().operator(),
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
        let receipt = Receipt::open(envelope).or_fail(Kind::Input)?;
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
        // Each view is replaced on its own, so a kill leaves views of either size.
        let mut sizes = self.stored_sizes()?;
        sizes.insert(self.views.size());
        self.put_sizes(&sizes)?;
        for (name, rows) in self.views.to_rows().or_fail(Kind::Check)? {
            self.store.replace_view(name, &rows).or_fail(Kind::Storage)?;
        }
        self.put_sizes(&BTreeSet::from([self.views.size()]))
    }

    /// Drops everything that is stored beside the log and writes the views anew.
    pub(crate) fn rebuild_views(&mut self) -> Result<(), Failure> {
        let mut sizes = self.stored_sizes().unwrap_or_default();
        sizes.insert(0);
        self.put_sizes(&sizes)?;
        self.store.drop_views().or_fail(Kind::Storage)?;
        self.save_views()
    }

    /// The sizes of log that a stored view may have been folded from: one, or several if a kill
    /// came while views were written.
    pub(crate) fn stored_sizes(&self) -> Result<BTreeSet<u64>, Failure> {
        let Some(bytes) = self.store.meta(VIEWS_META).or_fail(Kind::Storage)? else {
            return Ok(BTreeSet::from([0]));
        };
        let text = String::from_utf8_lossy(&bytes);
        let head = self.store.head().or_fail(Kind::Storage)?.size;
        let sizes: Option<BTreeSet<u64>> =
            text.split(',').map(|size| size.parse().ok().filter(|size| *size <= head)).collect();
        sizes.ok_or_else(|| {
            Failure::message(
                Kind::Storage,
                format!(
                    "the views are said to be of `{}` entries, the log has {head}",
                    text.escape_debug()
                ),
            )
            .hint("`chaoschain log rebuild` writes the views anew from the log")
        })
    }

    fn put_sizes(&mut self, sizes: &BTreeSet<u64>) -> Result<(), Failure> {
        let text = sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        self.store.put_meta(VIEWS_META, text.as_bytes()).or_fail(Kind::Storage)
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
        let key = self.operator_key()?;
        let seed = key.as_signing_key().to_bytes();
        Ok(LogKey::from_seed(log_name(&key.did())?, &seed))
    }

    /// The operator's key, which is this log's key and no other.
    pub(crate) fn operator_key(&self) -> Result<AgentKey, Failure> {
        let (key, expected) = (self.key(OPERATOR)?, self.views.registry().operator());
        if key.did() == expected {
            return Ok(key);
        }
        Err(Failure::message(
            Kind::Input,
            format!("the operator's key file holds {}, this log is run by {expected}", key.did()),
        ))
    }

    /// The operator's key, if the log would now admit an action of this kind by the operator.
    pub(crate) fn operator_for(&self, kind: &str) -> Result<AgentKey, Failure> {
        let key = self.operator_key()?;
        let refuse = |why: String| {
            Failure::message(Kind::Input, format!("the operator may not {kind}: {why}"))
        };
        let agent = self
            .views
            .registry()
            .agent(&key.did())
            .ok_or_else(|| refuse("it is not registered in its own log".to_owned()))?;
        if agent.key_at(self.views.size()) != Some(key.did()) {
            return Err(refuse(agent.revoked.as_deref().map_or_else(
                || "its key is not the current one".to_owned(),
                |reason| format!("it is revoked ({reason})"),
            )));
        }
        if !agent.profile.capabilities.iter().any(|capability| capability == kind) {
            return Err(refuse(format!("it is registered for {:?}", agent.profile.capabilities)));
        }
        Ok(key)
    }

    /// The key of an agent. A rotation that the log knows but whose files were not yet exchanged is
    /// finished first.
    pub(crate) fn key(&self, name: &str) -> Result<AgentKey, Failure> {
        let (keys, successor) = (self.keys(), successor_of(name));
        if keys.has(&successor)?
            && let Some(agent) = self.views.registry().named(name)
            && let key = keys.open(&successor)?
            && agent.key_at(self.views.size()) == Some(key.did())
        {
            keys.succeed(name)?;
            return Ok(key);
        }
        keys.open(name)
    }

    /// A key that nobody in this log uses, with its file. A file that an interrupted command left
    /// is taken up.
    pub(crate) fn unused_key(&self, file: &str) -> Result<AgentKey, Failure> {
        let key = self.keys().open_or_create(file)?;
        let uses = |agent: &&Agent| agent.keys.iter().any(|span| span.key == key.did());
        match self.views.registry().agents().find(uses) {
            None => Ok(key),
            Some(owner) => Err(Failure::message(
                Kind::Input,
                format!(
                    "the key file `{file}.pem` holds a key of agent `{}`; move it elsewhere",
                    owner.profile.name
                ),
            )),
        }
    }

    fn keys(&self) -> Keys<'_> {
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

fn fold(store: &Store, operator: Did, size: u64) -> Result<Views, Failure> {
    let mut views = Views::new(operator);
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
