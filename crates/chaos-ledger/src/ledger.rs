use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};

use chaos_agency::{
    Action, Evidence, Leaf, Receipt, Views,
    action::Profile,
    receipt::{Draft, Product},
    registry::Agent,
};
use chaos_log::{KeyName, LogKey};
use chaos_store::{Append, Blobs as _, DATABASE_FILE, Records as _, Store};
use chaos_types::{AgentKey, Did, Digest, dsse::Envelope};

use crate::{
    Error, Refused, System,
    keys::{Keys, Password, successor_of},
};

/// The name of the agent that runs the log.
pub const OPERATOR: &str = "operator";

const OPERATOR_META: &str = "operator";

/// The key under which the sizes of log are kept that a stored view may have been folded from.
const VIEWS_META: &str = "views";

/// The key under which the time is kept that somebody vouched for.
const CLOCK_META: &str = "clock";

const DAY_MS: u64 = 86_400_000;

/// A clock that is further ahead of the log's last entry than this has to be vouched for: 30 days.
const CLOCK_JUMP_MS_MAX: u64 = 30 * DAY_MS;

/// An open data directory. While it is open, no other process writes to it.
pub struct Ledger {
    dir: PathBuf,
    pub(crate) store: Store,
    views: Views,
    password: Option<Password>,
    system: System,
}

/// An action about to be signed and appended.
#[derive(Debug)]
pub struct NewEntry<'a> {
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

impl Ledger {
    /// Opens an existing data directory.
    ///
    /// # Errors
    /// If there is none, or it is in use, damaged or of a newer version.
    pub fn open(dir: &Path, password: Option<Password>, system: System) -> Result<Self, Error> {
        if !dir.join(DATABASE_FILE).exists() {
            return Err(Error::NoData { dir: dir.to_owned() });
        }
        let store = open_store(dir)?;
        let recorded = store.meta(OPERATOR_META)?;
        let recorded = recorded.ok_or_else(|| Error::NoOperator { dir: dir.to_owned() })?;
        let operator = String::from_utf8_lossy(&recorded).parse().map_err(Error::Operator)?;
        Self::load(dir, store, operator, password, system)
    }

    /// Opens a data directory, creating it with a fresh log key if there is none.
    ///
    /// # Errors
    /// As [`Self::open`], and if a fresh one cannot be made.
    pub fn open_or_create(
        dir: &Path,
        password: Option<Password>,
        system: System,
    ) -> Result<Self, Error> {
        let mut store = open_store(dir)?;
        let operator = match store.meta(OPERATOR_META)? {
            Some(recorded) => {
                String::from_utf8_lossy(&recorded).parse().map_err(Error::Operator)?
            }
            None => {
                let keys = Keys::new(dir, password.as_ref(), system);
                let did = keys.open_or_create(OPERATOR)?.did();
                store.put_meta(OPERATOR_META, did.to_string().as_bytes())?;
                did
            }
        };
        let mut ledger = Self::load(dir, store, operator, password, system)?;
        if ledger.views.size() == 0 {
            ledger.found()?;
        }
        Ok(ledger)
    }

    fn load(
        dir: &Path,
        store: Store,
        operator: Did,
        password: Option<Password>,
        system: System,
    ) -> Result<Self, Error> {
        let size = store.head()?.size;
        let views = fold(&store, Views::new(operator, system.kinds), size)?;
        Ok(Self { dir: dir.to_owned(), store, views, password, system })
    }

    /// The first entry of a log registers its operator.
    fn found(&mut self) -> Result<(), Error> {
        let key = self.operator_key()?;
        let profile = Profile {
            name: OPERATOR.to_owned(),
            role: OPERATOR.to_owned(),
            capabilities: self.system.kinds.capabilities().into_iter().map(str::to_owned).collect(),
            studio: "platform".to_owned(),
        };
        self.record(NewEntry {
            agent: key.did(),
            keys: vec![&key],
            parents: vec![],
            subjects: vec![],
            evidence: Evidence::None {},
            action: Action::Register(profile),
        })?;
        Ok(())
    }

    /// The clock and the randomness that were handed in.
    #[must_use]
    pub const fn system(&self) -> System {
        self.system
    }

    /// Folds the first `size` entries of the log anew.
    ///
    /// # Errors
    /// If the store fails.
    pub fn fold(&self, size: u64) -> Result<Views, Error> {
        fold(&self.store, Views::new(self.views.registry().operator(), self.system.kinds), size)
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its records and blobs.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// What the log folds to.
    #[must_use]
    pub const fn views(&self) -> &Views {
        &self.views
    }

    /// Signs an action, checks that the log would admit it, and appends it durably.
    ///
    /// # Errors
    /// If the log would not admit it; nothing is then written. If the store fails.
    pub fn record(&mut self, entry: NewEntry<'_>) -> Result<Digest, Error> {
        self.ensure_clock()?;
        // The log's time never goes back, even if the clock does.
        let now = self.system.now_ms().max(self.views.last_integrated_at_ms());
        let envelope = Draft {
            log: self.views.registry().operator(),
            agent: entry.agent,
            claimed_at_ms: now,
            parents: entry.parents,
            subjects: entry.subjects,
            evidence: entry.evidence,
            action: entry.action,
        }
        .sign(&entry.keys)
        .map_err(Error::Encode)?;
        self.append(&envelope, now)
    }

    /// A clock that is far ahead would date every later entry, since the log's time never goes back.
    fn ensure_clock(&self) -> Result<(), Error> {
        let now_ms = self.system.now_ms();
        let last_ms = self.views.last_integrated_at_ms();
        let accepted_ms = match self.store.meta(CLOCK_META)? {
            Some(bytes) => String::from_utf8_lossy(&bytes).parse().unwrap_or(0),
            None => 0,
        };
        let ahead_ms = now_ms.saturating_sub(last_ms.max(accepted_ms));
        if self.views.size() == 0 || ahead_ms <= CLOCK_JUMP_MS_MAX {
            return Ok(());
        }
        let days = now_ms.saturating_sub(last_ms) / DAY_MS;
        Err(Error::ClockAhead { now_ms, last_ms, days })
    }

    /// Lets the log be written to although its last entry is long past, because the clock is right.
    ///
    /// # Errors
    /// If the store fails.
    pub fn accept_clock(&mut self) -> Result<u64, Error> {
        let now_ms = self.system.now_ms();
        self.store.put_meta(CLOCK_META, now_ms.to_string().as_bytes())?;
        Ok(now_ms)
    }

    /// Appends a signed receipt, if the log admits it. Nothing is written otherwise.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub fn append(&mut self, envelope: &Envelope, now_ms: u64) -> Result<Digest, Error> {
        let receipt = Receipt::open(envelope, &self.system.kinds).map_err(Error::Inadmissible)?;
        self.views.authorise(&receipt).map_err(Error::Inadmissible)?;
        let record = envelope.to_bytes().map_err(Error::Encode)?;
        let leaf = Leaf::new(receipt.id, now_ms).to_bytes();
        let append = Append::new(record.clone(), leaf.clone()).map_err(Error::Append)?;
        self.store.append_batch(&[append])?;
        self.views.apply(&leaf, &record).map_err(Error::Diverged)?;
        Ok(receipt.id)
    }

    /// Writes the views beside the log.
    ///
    /// # Errors
    /// If the store fails.
    pub fn save_views(&mut self) -> Result<(), Error> {
        // Each view is replaced on its own, so a kill leaves views of either size.
        let mut sizes = self.stored_sizes()?;
        sizes.insert(self.views.size());
        self.put_sizes(&sizes)?;
        for (name, rows) in self.views.to_rows().map_err(Error::Scores)? {
            self.store.replace_view(name, &rows)?;
        }
        self.put_sizes(&BTreeSet::from([self.views.size()]))
    }

    /// Drops everything that is stored beside the log and writes the views anew.
    ///
    /// # Errors
    /// If the store fails.
    pub fn rebuild_views(&mut self) -> Result<(), Error> {
        let mut sizes = self.stored_sizes().unwrap_or_default();
        sizes.insert(0);
        self.put_sizes(&sizes)?;
        self.store.drop_views()?;
        self.save_views()
    }

    /// The sizes of log that a stored view may have been folded from: one, or several if a kill
    /// came while views were written.
    ///
    /// # Errors
    /// If the store fails, or what it holds is no list of sizes of this log.
    pub fn stored_sizes(&self) -> Result<BTreeSet<u64>, Error> {
        let Some(bytes) = self.store.meta(VIEWS_META)? else {
            return Ok(BTreeSet::from([0]));
        };
        let text = String::from_utf8_lossy(&bytes);
        let head = self.store.head()?.size;
        let sizes: Option<BTreeSet<u64>> =
            text.split(',').map(|size| size.parse().ok().filter(|size| *size <= head)).collect();
        sizes.ok_or_else(|| Error::ViewSizes {
            found: text.escape_debug().to_string(),
            log_size: head,
        })
    }

    fn put_sizes(&mut self, sizes: &BTreeSet<u64>) -> Result<(), Error> {
        let text = sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        self.store.put_meta(VIEWS_META, text.as_bytes())?;
        Ok(())
    }

    /// Stores bytes by digest.
    ///
    /// # Errors
    /// If the store fails, or the bytes are too many.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Digest, Error> {
        Ok(self.store.blobs().put(bytes)?)
    }

    /// The key that signs checkpoints: the operator's, under the log's name.
    ///
    /// # Errors
    /// If the operator's key does not open.
    pub fn log_key(&self) -> Result<LogKey, Error> {
        let key = self.operator_key()?;
        let seed = key.as_signing_key().to_bytes();
        Ok(LogKey::from_seed(log_name(&key.did())?, &seed))
    }

    /// The operator's key, which is this log's key and no other.
    ///
    /// # Errors
    /// If the key file does not open or holds another key.
    pub(crate) fn operator_key(&self) -> Result<AgentKey, Error> {
        let (key, expected) = (self.key(OPERATOR)?, self.views.registry().operator());
        if key.did() == expected {
            return Ok(key);
        }
        Err(Error::ForeignOperator { expected: expected.into(), found: key.did().into() })
    }

    /// The operator's key, if the log would now admit an action of this kind by the operator.
    ///
    /// # Errors
    /// If it would not, or the key file does not open.
    pub fn operator_for(&self, kind: &str) -> Result<AgentKey, Error> {
        let key = self.operator_key()?;
        let refuse = |why| Error::OperatorRefused { kind: kind.to_owned(), why };
        let agent =
            self.views.registry().agent(&key.did()).ok_or_else(|| refuse(Refused::Unregistered))?;
        if agent.key_at(self.views.size()) != Some(key.did()) {
            let revoked = |reason: &String| Refused::Revoked { reason: reason.clone() };
            return Err(refuse(agent.revoked.as_ref().map_or(Refused::OldKey, revoked)));
        }
        let capabilities = &agent.profile.capabilities;
        if !capabilities.iter().any(|capability| capability == kind) {
            return Err(refuse(Refused::Capability { capabilities: capabilities.clone() }));
        }
        Ok(key)
    }

    /// The key of an agent. A rotation that the log knows but whose files were not yet exchanged is
    /// finished first.
    ///
    /// # Errors
    /// If the key file does not open.
    pub fn key(&self, name: &str) -> Result<AgentKey, Error> {
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
    ///
    /// # Errors
    /// If the key file does not open or cannot be made, or its key is an agent's.
    pub fn unused_key(&self, file: &str) -> Result<AgentKey, Error> {
        let key = self.keys().open_or_create(file)?;
        let uses = |agent: &&Agent| agent.keys.iter().any(|span| span.key == key.did());
        match self.views.registry().agents().find(uses) {
            None => Ok(key),
            Some(owner) => {
                Err(Error::KeyInUse { file: file.to_owned(), owner: owner.profile.name.clone() })
            }
        }
    }

    fn keys(&self) -> Keys<'_> {
        Keys::new(&self.dir, self.password.as_ref(), self.system)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("dir", &self.dir)
            .field("operator", &self.views.registry().operator())
            .field("size", &self.views.size())
            .finish_non_exhaustive()
    }
}

/// The log's name in its checkpoints, made from the operator's key so that two logs differ.
fn log_name(operator: &Did) -> Result<KeyName, Error> {
    let suffix = Digest::of(operator.as_bytes()).short();
    format!("chaoschain.local/{suffix}").parse::<KeyName>().map_err(Error::LogName)
}

fn open_store(dir: &Path) -> Result<Store, Error> {
    Store::open(dir).map_err(|source| Error::Open { dir: dir.to_owned(), source })
}

fn fold(store: &Store, mut views: Views, size: u64) -> Result<Views, Error> {
    let mut next = 0;
    while next < size {
        for entry in store.entries(next..size)? {
            // A refusal is part of the state, recorded in the view `refused`.
            let _refused = views.apply(&entry.leaf, &entry.record);
            next = entry.index + 1;
        }
    }
    Ok(views)
}
