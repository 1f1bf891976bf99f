use std::{
    fmt,
    path::{Path, PathBuf},
};

use chaos_agency::{
    Action, Evidence, Place, Rules,
    action::Profile,
    receipt::{Draft, Product},
};
use chaos_log::{Checkpoint, KeyName, VerifierKey};
use chaos_store::{Blobs as _, Records as _, Store, holds_database};
use chaos_types::{AgentKey, Did, Digest, dsse::Envelope};

use crate::{
    Error, Heads, Prepared, Refused, System,
    delegating::ROOT_FILE,
    folding::{catch_up, folded},
    keys::{Keys, Password, holds_key, is_unopened, successor_of},
    origin::{recorded, shown_operator},
    signing::found_current,
};

/// The name of the agent that runs the log.
pub const OPERATOR: &str = "operator";

pub(crate) const OPERATOR_META: &str = "operator";

/// The key that marks a log whose database was lost: it is filled from a copy and never founded anew.
const RECOVERED_META: &str = "recovered";

/// What stands there until a repair has come to its end, and then, with how many entries that left.
const BEING_FILLED: &str = "being filled";
const FILLED_TO: &str = "filled to ";

/// An open data directory. While one is open for writing, no other process writes to it.
///
/// Invariant: the stored rows are the fold of the entries before `next`.
pub struct Ledger {
    dir: PathBuf,
    pub(crate) store: Store,
    pub(crate) rules: Rules,
    pub(crate) next: Place,
    password: Option<Password>,
    system: System,
    /// Where signed heads are remembered, asked before each append.
    pub(crate) heads: Option<Heads>,
    /// The remembered head that the store was last found to continue.
    pub(crate) continued: Option<Checkpoint>,
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
    /// Opens an existing data directory. Entries that its rows do not hold yet, as those of an earlier
    /// version, are folded first.
    ///
    /// # Errors
    /// If there is none, or it is in use, damaged, of a newer version, does not go on from the newest
    /// head that `heads` remembers, or holds a signed head while nothing is remembered.
    pub fn open(
        dir: &Path,
        password: Option<Password>,
        heads: Option<&Heads>,
        system: System,
    ) -> Result<Self, Error> {
        let (store, operator) = open_existing(dir)?;
        ensure_filled(&store, dir)?;
        let continued = found_current(&store, &operator, heads)?;
        let ledger = Self::load(dir, store, operator, password, system)?;
        let continued = continued.map_err(|found| ledger.judged(heads, found))?;
        Ok(Self { heads: heads.cloned(), continued, ..ledger })
    }

    /// Opens an existing data directory, drops its rows and folds the log anew. Before anything is dropped,
    /// every entry, tile and checkpoint is held against the others: a false entry must not be folded. As
    /// with [`Self::open_rows`], no memory is asked.
    ///
    /// # Errors
    /// As [`Self::open_rows`], and if entries, tiles and checkpoints contradict each other.
    pub fn rebuild(dir: &Path, password: Option<Password>, system: System) -> Result<Self, Error> {
        let (mut store, operator) = open_existing(dir)?;
        store.check()?;
        store.clear_rows()?;
        Self::load(dir, store, operator, password, system)
    }

    /// Opens an existing data directory to write its rows, or to say what was signed last
    /// ([`Self::resume`]): no memory is asked, and a log that has signed takes no entry so.
    ///
    /// # Errors
    /// If there is none, or it is in use, damaged or of a newer version.
    pub fn open_rows(
        dir: &Path,
        password: Option<Password>,
        system: System,
    ) -> Result<Self, Error> {
        let (store, operator) = open_existing(dir)?;
        Self::load(dir, store, operator, password, system)
    }

    /// Makes room for a log whose key lies in `dir` and whose database is lost, so that it can be filled
    /// from a copy. In a directory that knows its log only what it says of that is put right, where its entries say
    /// otherwise; answers what it said then. `root` is the log's root key, where its file is kept elsewhere: the operator's
    /// key in `dir` is another one then.
    ///
    /// # Errors
    /// If there is neither log nor key, the key does not open, the log is another one than that of `root`,
    /// or the store fails.
    pub fn recover(
        dir: &Path,
        password: Option<&Password>,
        root: Option<Did>,
        system: System,
    ) -> Result<Option<String>, Error> {
        let keys = Keys::new(dir, password, system);
        let exists = holds_database(dir);
        if !exists && !keys.has(OPERATOR)? {
            return Err(Error::NoData { dir: dir.to_owned() });
        }
        let failed = |source| Error::Open { dir: dir.to_owned(), source };
        let (mut was, mut shown) = (None, None);
        if exists {
            let store = Store::open_damaged(dir).map_err(failed)?;
            let is_empty = store.stored_size()? == 0 && store.meta(RECOVERED_META)?.is_some();
            let known = match recorded(&store) {
                Err(Error::OperatorRow { found, shown: by_entries, .. }) => {
                    (was, shown) = (Some(found), by_entries.map(|shown| *shown));
                    None
                }
                Ok(None) => {
                    shown = shown_operator(&store)?;
                    None
                }
                known => known?,
            };
            match (known.or(shown), root) {
                (Some(known), Some(root)) if known != root && !is_empty => {
                    return Err(Error::OtherRoot { expected: known.into(), found: root.into() });
                }
                // What an attempt without the root key took for it.
                (Some(known), Some(root)) if known != root => {}
                (Some(_), _) if known.is_some() => return Ok(None),
                (_, _) => {}
            }
        }
        let operator = match root.or(shown) {
            Some(root) => root,
            None => keys.open(if keys.has(ROOT_FILE)? { ROOT_FILE } else { OPERATOR })?.did(),
        };
        let mut store = Store::open_damaged(dir).map_err(failed)?;
        if shown.is_none() {
            store.put_meta(RECOVERED_META, BEING_FILLED.as_bytes())?;
        }
        store.put_meta(OPERATOR_META, operator.to_string().as_bytes())?;
        Ok(was)
    }

    /// Opens an existing data directory for reading as it is now: without its lock, beside a process
    /// that writes to it, and without a key.
    ///
    /// # Errors
    /// If there is none, it is damaged, or its rows are behind the log or of another version, which
    /// opening it for writing mends.
    pub fn read(dir: &Path, system: System) -> Result<Self, Error> {
        if !holds_database(dir) {
            return Err(absent(dir));
        }
        let store =
            Store::read(dir).map_err(|source| Error::Open { dir: dir.to_owned(), source })?;
        ensure_filled(&store, dir)?;
        let operator =
            recorded(&store)?.ok_or_else(|| Error::NoOperator { dir: dir.to_owned() })?;
        let log_size = store.head()?.size;
        let rules = Rules::new(operator, system.kinds);
        let next = folded(&store, &rules)?.unwrap_or(Place::FIRST);
        if next.index < log_size {
            return Err(Error::FoldBehind { folded: next.index, log_size });
        }
        let dir = dir.to_owned();
        Ok(Self { dir, store, rules, next, password: None, system, heads: None, continued: None })
    }

    /// Opens a data directory, creating it with a fresh log key if there is none.
    ///
    /// # Errors
    /// As [`Self::open`], if a log of the key that lies there was lost, and if a fresh one cannot be made.
    pub fn open_or_create(
        dir: &Path,
        password: Option<Password>,
        heads: Option<&Heads>,
        system: System,
    ) -> Result<Self, Error> {
        let lost = || Error::LogLost { dir: dir.to_owned() };
        let keys = Keys::new(dir, password.as_ref(), system);
        // Whoever founds a log makes its database before its key.
        if !holds_database(dir) && keys.has(OPERATOR)? {
            return Err(lost());
        }
        let mut store = open_store(dir)?;
        let known = recorded(&store)?;
        let operator = match known {
            Some(operator) => operator,
            None => keys.open_or_create(OPERATOR)?.did(),
        };
        let mut continued = found_current(&store, &operator, heads)?;
        if known.is_none() {
            continued = Ok(continued?);
            store.put_meta(OPERATOR_META, operator.to_string().as_bytes())?;
        }
        let ledger = Self::load(dir, store, operator, password, system)?;
        let continued = continued.map_err(|found| ledger.judged(heads, found))?;
        let mut ledger = Self { heads: heads.cloned(), continued, ..ledger };
        if ledger.size() == 0 {
            if ledger.store.meta(RECOVERED_META)?.is_some() {
                return Err(lost());
            }
            ledger.found()?;
        }
        Ok(ledger)
    }

    fn load(
        dir: &Path,
        mut store: Store,
        operator: Did,
        password: Option<Password>,
        system: System,
    ) -> Result<Self, Error> {
        let rules = Rules::new(operator, system.kinds);
        let next = catch_up(&mut store, &rules)?;
        let dir = dir.to_owned();
        Ok(Self { dir, store, rules, next, password, system, heads: None, continued: None })
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

    /// With the memory of signed heads, for one that was opened without: it says which policy the log
    /// published under.
    #[must_use]
    pub fn remembering(self, heads: Option<&Heads>) -> Self {
        Self { heads: heads.cloned(), ..self }
    }

    /// The clock and the randomness that were handed in.
    #[must_use]
    pub const fn system(&self) -> System {
        self.system
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

    /// Signs an action, checks that the log would admit it, and appends it durably.
    ///
    /// # Errors
    /// If the log would not admit it; nothing is then written. If the store fails.
    pub fn record(&mut self, entry: NewEntry<'_>) -> Result<Digest, Error> {
        self.ensure_clock()?;
        // The log's time never goes back, even if the clock does.
        let now = self.system.now_ms().max(self.last_integrated_at_ms());
        let envelope = self.sign(entry, now)?;
        self.append(&envelope, now)
    }

    /// Signs what an agent did at a time that it says.
    pub(crate) fn sign(&self, entry: NewEntry<'_>, now_ms: u64) -> Result<Envelope, Error> {
        let draft = Draft {
            log: self.operator(),
            agent: entry.agent,
            claimed_at_ms: now_ms,
            parents: entry.parents,
            subjects: entry.subjects,
            evidence: entry.evidence,
            action: entry.action,
        };
        draft.sign(&entry.keys).map_err(Error::Encode)
    }

    /// Appends a signed receipt, if the log admits it: a group of one. Nothing is written otherwise.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub fn append(&mut self, envelope: &Envelope, now_ms: u64) -> Result<Digest, Error> {
        let prepared = Prepared::read(envelope, &self.system.kinds)?;
        let mut answers = self.append_group(&[prepared], now_ms)?;
        let answer = answers.pop().expect("a group of one is answered once");
        answer.map(|accepted| accepted.receipt).map_err(Error::Inadmissible)
    }

    /// Stores bytes by digest.
    ///
    /// # Errors
    /// If the store fails, or the bytes are too many.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Digest, Error> {
        Ok(self.store.blobs().put(bytes)?)
    }

    /// The verifier key of the log's root key, which names the log for ever. Checkpoints are verified with
    /// [`Ledger::signer`].
    ///
    /// # Errors
    /// If the log cannot be named after its operator.
    pub fn verifier(&self) -> Result<VerifierKey, Error> {
        let operator = self.operator();
        VerifierKey::new(log_name(&operator)?, operator.as_bytes()).map_err(Error::LogName)
    }

    /// The operator's key, if the log would now admit an action of this kind by the operator.
    ///
    /// # Errors
    /// If it would not, or the key file does not open.
    pub fn operator_for(&self, kind: &str) -> Result<AgentKey, Error> {
        let key = self.operator_key()?;
        let refuse = |why| Error::OperatorRefused { kind: kind.to_owned(), why };
        let agent = self.agent(&self.operator())?.ok_or_else(|| refuse(Refused::Unregistered))?;
        if agent.key_at(self.size()) != Some(key.did()) {
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
        if name == OPERATOR {
            return self.operator_key();
        }
        let (keys, successor) = (self.keys(), successor_of(name));
        if keys.has(&successor)?
            && let Some(agent) = self.active(name)?
        {
            let in_force = agent.key_at(self.size());
            match keys.open(&successor) {
                Ok(key) if in_force == Some(key.did()) => {
                    keys.succeed(name)?;
                    return Ok(key);
                }
                Ok(_) => {}
                // What an attempt left there stands in nobody's way.
                Err(error) if is_unopened(&error) => {
                    let key = keys.open(name)?;
                    return if in_force == Some(key.did()) { Ok(key) } else { Err(error) };
                }
                Err(error) => return Err(error),
            }
        }
        keys.open(name)
    }

    /// A key that nobody in this log uses, with its file. A file that an interrupted command left
    /// is taken up.
    ///
    /// # Errors
    /// If the key file does not open or cannot be made, or its key is an agent's.
    pub(crate) fn unused_key(&self, file: &str) -> Result<AgentKey, Error> {
        let key = self.keys().open_or_create(file)?;
        match self.owner_of(&key.did())? {
            None => Ok(key),
            Some(owner) => {
                Err(Error::KeyInUse { file: file.to_owned(), owner: owner.profile.name.clone() })
            }
        }
    }

    /// A key that was made just now, in the file of a successor. One that an attempt left there is put aside: a key
    /// comes into force in the command that makes it, or never.
    pub(crate) fn fresh_key(&self, file: &str) -> Result<AgentKey, Error> {
        self.keys().put_aside(file)?;
        self.unused_key(file)
    }

    /// The agent that acts under this name.
    fn active(&self, name: &str) -> Result<Option<chaos_agency::registry::Agent>, Error> {
        let found = self.named(name)?;
        Ok(found.filter(|agent| agent.revoked.is_none() && agent.profile.name == name))
    }

    pub(crate) fn keys(&self) -> Keys<'_> {
        Keys::new(&self.dir, self.password.as_ref(), self.system)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("dir", &self.dir)
            .field("operator", &self.operator())
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// The log's name in its checkpoints, made from the operator's key so that two logs differ.
pub(crate) fn log_name(operator: &Did) -> Result<KeyName, Error> {
    let suffix = Digest::of(operator.as_bytes()).short();
    format!("chaoschain.local/{suffix}").parse::<KeyName>().map_err(Error::LogName)
}

/// The store of an existing data directory that goes on from what `heads` remembers, and its operator.
fn open_existing(dir: &Path) -> Result<(Store, Did), Error> {
    if !holds_database(dir) {
        return Err(absent(dir));
    }
    let store = open_store(dir)?;
    let operator = recorded(&store)?.ok_or_else(|| Error::NoOperator { dir: dir.to_owned() })?;
    Ok((store, operator))
}

/// A database that was made for a log to be fetched into, and got none of it, holds no log: whoever signed its head
/// would begin another one.
fn ensure_filled(store: &Store, dir: &Path) -> Result<(), Error> {
    if store.head()?.size == 0 && store.meta(RECOVERED_META)?.is_some() {
        return Err(Error::LogLost { dir: dir.to_owned() });
    }
    Ok(())
}

/// Whether an earlier database of this directory was lost and nothing was written since but what came from a copy: what
/// that one had and no copy has is not here, whichever command began to fill it.
///
/// # Errors
/// If the directory cannot be opened, or the store fails.
pub fn is_filled_from_copy(dir: &Path) -> Result<bool, Error> {
    let failed = |source| Error::Open { dir: dir.to_owned(), source };
    let store = Store::open_damaged(dir).map_err(failed)?;
    let Some(kept) = store.meta(RECOVERED_META)? else { return Ok(false) };
    let (kept, size) = (String::from_utf8_lossy(&kept).into_owned(), store.stored_size()?);
    let filled_to = kept.strip_prefix(FILLED_TO).and_then(|size| size.parse::<u64>().ok());
    // Earlier versions did not write down how far.
    Ok(kept == BEING_FILLED || size == 0 || filled_to.is_some_and(|filled| size <= filled))
}

/// Writes down how far a directory was filled from a copy, so that it is known whether anything was written since.
///
/// # Errors
/// If the directory cannot be opened, or the store fails.
pub fn filled_from_copy(dir: &Path) -> Result<(), Error> {
    let failed = |source| Error::Open { dir: dir.to_owned(), source };
    let mut store = Store::open_damaged(dir).map_err(failed)?;
    let filled = format!("{FILLED_TO}{}", store.stored_size()?);
    Ok(store.put_meta(RECOVERED_META, filled.as_bytes())?)
}

/// There is no database: nothing at all, or what is left of a log.
fn absent(dir: &Path) -> Error {
    let dir = dir.to_owned();
    if holds_key(&dir) { Error::LogLost { dir } } else { Error::NoData { dir } }
}

fn open_store(dir: &Path) -> Result<Store, Error> {
    Store::open(dir).map_err(|source| Error::Open { dir: dir.to_owned(), source })
}
