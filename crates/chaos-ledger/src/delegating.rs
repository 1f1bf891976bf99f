//! Handing the roles of the log's root key to other keys, and finding the key that has one.

use std::{collections::BTreeSet, fs, path::Path};

use chaos_agency::{
    Action, Evidence, Place, Succession,
    action::{Delegate, Role},
};
use chaos_log::{KeyName, LogKey, VerifierKey};
use chaos_store::Records;
use chaos_types::{AgentKey, Did, Digest};
use chaos_verify::DELEGATIONS_MAX;

use crate::{
    Error, Ledger, NewEntry, OPERATOR, Refused,
    keys::{KEY_BYTES_MAX, UNOPENED, Unopened, is_numbered, is_unopened, successor_of},
    ledger::log_name,
    tables::Tables,
};

/// The file of the key that signs checkpoints, once the root key has handed that on. No agent has such a
/// name.
const LOG_FILE: &str = "operator.log";

/// The file of the root key, once another one signs for the operator.
pub(crate) const ROOT_FILE: &str = "operator.root";

/// Which role of the log's root key is to be handed to a fresh key.
#[derive(Debug, Clone, Copy)]
pub struct Handover<'a> {
    /// The role.
    pub role: Role,
    /// The root key's file, if it is not in the data directory.
    pub root: Option<&'a Path>,
    /// Whether the replaced key is lost or stolen, so that it does not agree.
    pub lost: bool,
}

/// A role that was handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// The receipt of it.
    pub receipt: Digest,
    /// Its log index.
    pub index: u64,
    /// What it says.
    pub body: Delegate,
    /// How many more handovers the log can have, of both roles together.
    pub left: usize,
    /// What became of key files before.
    pub settled: Settled,
}

/// What became of key files once a role was handed on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Whether the root key's file got its own name, `operator.root.pem`.
    pub is_root: bool,
    /// The name that another file got which lay there, without its ending.
    pub aside: Option<String>,
    /// The files that did not open and were set aside.
    pub unopened: Vec<Unopened>,
}

/// Which of the operator's files in a data directory hold the log's root key, by their whole names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RootFiles {
    /// Those that hold it.
    pub held: Vec<String>,
    /// Those that do not open, so that they may.
    pub unseen: Vec<String>,
}

impl Ledger {
    /// Which keys have had a role of the log's root key.
    ///
    /// # Errors
    /// If the store fails.
    pub fn succession(&self, role: Role) -> Result<Succession, Error> {
        let root = self.operator();
        self.ask(|state| Succession::of(state, root, role))
    }

    /// The key that checkpoints of the log as it stands are verified with, under the log's name. Until the
    /// root key hands that on it is the root key's, [`Ledger::verifier`].
    ///
    /// # Errors
    /// If the store fails.
    pub fn signer(&self) -> Result<VerifierKey, Error> {
        let key = self.succession(Role::Checkpoints)?.key_for(self.size());
        VerifierKey::new(self.name()?, key.as_bytes()).map_err(Error::LogName)
    }

    /// The key that signs checkpoints of the log as it stands, under the log's name.
    ///
    /// # Errors
    /// If its file does not open.
    pub fn log_key(&self) -> Result<LogKey, Error> {
        self.needed_log_key(self.succession(Role::Checkpoints)?.key_for(self.size()))
    }

    /// The key for checkpoints.
    pub(crate) fn needed_log_key(&self, did: Did) -> Result<LogKey, Error> {
        match self.log_key_of(did)? {
            Some(key) => Ok(key),
            None if did == self.operator() => Err(self.foreign_operator(did)),
            None => Err(Error::NoRoleKey { role: Role::Checkpoints.name(), key: did.into() }),
        }
    }

    /// The key for checkpoints, if its file is here.
    pub(crate) fn log_key_of(&self, did: Did) -> Result<Option<LogKey>, Error> {
        let name = self.name()?;
        let key = if did == self.operator() {
            self.key_among(did, &[OPERATOR, ROOT_FILE])?
        } else {
            self.key_among(did, &[LOG_FILE, &successor_of(LOG_FILE)])?
        };
        Ok(key.map(|key| LogKey::from_seed(name, &key.as_signing_key().to_bytes())))
    }

    /// The key that signs the operator's receipts, and no other.
    ///
    /// # Errors
    /// If the key file does not open or holds another key.
    pub(crate) fn operator_key(&self) -> Result<AgentKey, Error> {
        let root = self.operator();
        let expected = self.agent(&root)?.and_then(|agent| agent.key_at(self.size()));
        let expected = expected.unwrap_or(root);
        if expected == root {
            return self.root_key(None);
        }
        match self.key_among(expected, &[OPERATOR, &successor_of(OPERATOR)])? {
            Some(key) => Ok(key),
            None => Err(self.foreign_operator(expected)),
        }
    }

    /// Hands a role of the root key to a fresh key, whatever file an attempt that failed has left. Checkpoints of the
    /// log as it then stands are signed by both keys, if the one that is replaced is not lost; call
    /// [`Ledger::settle`] when that is done.
    ///
    /// The file of a lost key may lie there, damaged or with a forgotten password. That it does not open says so only
    /// once another key has opened with the password, so the root key comes first.
    ///
    /// # Errors
    /// If the root key, or the replaced key where it has to agree, does not open, the head that will hold the
    /// delegation could not be signed, or the log refuses the delegation.
    pub fn delegate(&mut self, handover: Handover<'_>) -> Result<HandedOver, Error> {
        let Handover { role, root, lost } = handover;
        let left = self.delegations_left()?.checked_sub(1);
        let left = left.ok_or_else(|| Error::OperatorRefused {
            kind: "delegate".to_owned(),
            why: Refused::Delegations { count: DELEGATIONS_MAX },
        })?;
        let succession = self.succession(role)?;
        let (replaces, next) = (succession.key(), successor_of(file_of(role)));
        let (is_elsewhere, root) = (root.is_some(), self.root_key(root)?);
        if lost && is_elsewhere {
            self.ensure_password()?;
        }
        let replaced = if lost || replaces == root.did() {
            None
        } else {
            let found = self.key_among(replaces, &[file_of(role), &next])?;
            Some(
                found
                    .ok_or_else(|| Error::NoRoleKey { role: role.name(), key: replaces.into() })?,
            )
        };
        self.ensure_next_head(role)?;
        let mut settled = self.settle(role)?;
        if self.keys().has(&next)? && self.keys().opened(&next)?.is_none() {
            settled.unopened.push(self.keys().put_unopened_aside(&next)?);
        }
        let new = self.fresh_key(&next)?;
        let number = succession.next_number();
        let (index, history) = (self.size(), self.store().head()?.root);
        let size = index;
        let body = Delegate { role, number, key: new.did(), replaces, lost, size, root: history };
        let receipt = self.record(NewEntry {
            agent: root.did(),
            keys: [&root, &new].into_iter().chain(&replaced).collect(),
            parents: vec![],
            subjects: vec![],
            evidence: Evidence::None {},
            action: Action::Delegate(body.clone()),
        })?;
        Ok(HandedOver { receipt, index, body, left, settled })
    }

    /// Checks that the password is that of the key files here: that of a root key which is kept elsewhere may be another,
    /// and a file that does not open with it is not lost by that.
    fn ensure_password(&self) -> Result<(), Error> {
        let (keys, mut is_any_here) = (self.keys(), false);
        for file in [OPERATOR, LOG_FILE, ROOT_FILE] {
            if keys.has(file)? {
                is_any_here = true;
                if keys.opened(file)?.is_some() {
                    return Ok(());
                }
            }
        }
        if is_any_here { Err(Error::NoneOpens { folder: keys.file("") }) } else { Ok(()) }
    }

    /// Checks that the head can be signed that will hold the delegation: one that nobody can be shown is signed all
    /// the same, and cannot be taken back. The next head after one of checkpoints is signed by the fresh key.
    fn ensure_next_head(&self, role: Role) -> Result<(), Error> {
        if role == Role::Checkpoints {
            return Ok(());
        }
        let key = self.succession(Role::Checkpoints)?.key();
        match self.needed_log_key(key) {
            Ok(_) => Ok(()),
            Err(source) if is_not_at_hand(&source) => Err(Error::HeadUnsignable {
                key: key.into(),
                is_root: key == self.operator(),
                source: source.into(),
            }),
            Err(error) => Err(error),
        }
    }

    /// How many more delegations can be shown under one head.
    fn delegations_left(&self) -> Result<usize, Error> {
        let mut left = DELEGATIONS_MAX;
        for role in Role::ALL {
            left = left.saturating_sub(self.succession(role)?.delegations().len());
        }
        Ok(left)
    }

    /// Puts the file of a role's new key in the place of the replaced one's, which is kept beside it; the
    /// root key's becomes `operator.root.pem`, and another file that lies there gets a name of its own, as does a
    /// replaced key's that does not open. Does nothing if there is nothing to do.
    ///
    /// # Errors
    /// If a file cannot be moved.
    pub fn settle(&mut self, role: Role) -> Result<Settled, Error> {
        let (keys, file) = (self.keys(), file_of(role));
        let succession = self.succession(role)?;
        if !keys.has(&successor_of(file))? || succession.delegations().is_empty() {
            return Ok(Settled::default());
        }
        // One that does not open has signed nothing, and the next handover sets it aside.
        let next = keys.opened(&successor_of(file))?;
        if next.is_none_or(|next| next.did() != succession.key()) {
            return Ok(Settled::default());
        }
        let mut settled = Settled::default();
        if keys.has(file)? {
            match keys.opened(file)? {
                Some(replaced) if replaced.did() == succession.root() => {
                    settled.aside = keys.make_room(ROOT_FILE, file)?;
                    keys.succeed_as(file, ROOT_FILE)?;
                    return Ok(Settled { is_root: true, ..settled });
                }
                Some(_) => {}
                None => settled.unopened.push(keys.put_unopened_aside(file)?),
            }
        }
        keys.succeed(file)?;
        Ok(settled)
    }

    /// Where the log's root key is in the data directory, by what the operator's files and their copies hold.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn root_files(&self) -> Result<RootFiles, Error> {
        let (keys, root) = (self.keys(), self.operator());
        let mut found = RootFiles::default();
        for (file, is_an_agents) in keys.files_with(OPERATOR)? {
            match keys.open_file(&keys.file(&file)) {
                Ok(key) if key.did() == root => found.held.push(file),
                Ok(_) => {}
                Err(Error::NoPassword) => return Err(Error::NoPassword),
                // An agent's key has the password of whoever made it.
                Err(_) if is_an_agents => {}
                Err(_) => found.unseen.push(file),
            }
        }
        Ok(found)
    }

    /// The log's root key: from a file elsewhere, or in the data directory.
    fn root_key(&self, elsewhere: Option<&Path>) -> Result<AgentKey, Error> {
        let root = self.operator();
        let found = match elsewhere {
            Some(path) => {
                let key = self.keys().open_file(path)?;
                let did = key.did();
                return if did == root {
                    Ok(key)
                } else {
                    Err(Error::ForeignOperator { expected: root.into(), found: did.into() })
                };
            }
            None => self.key_among(root, &[OPERATOR, ROOT_FILE])?,
        };
        found.ok_or_else(|| self.foreign_operator(root))
    }

    /// The first of these files' keys that is the wanted one. Files that are not there are passed over, and so are
    /// those that do not open, unless no other holds it: then it may be in one of them.
    fn key_among(&self, wanted: Did, files: &[&str]) -> Result<Option<AgentKey>, Error> {
        let (keys, mut unopened) = (self.keys(), None);
        for file in files {
            if !keys.has(file)? {
                continue;
            }
            match keys.open(file) {
                Ok(key) if key.did() == wanted => return Ok(Some(key)),
                Ok(_) => {}
                Err(error) if is_unopened(&error) => unopened = unopened.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        unopened.map_or(Ok(None), Err)
    }

    /// Why the operator's key is not at hand: its file is missing, does not open, or holds another key.
    fn foreign_operator(&self, expected: Did) -> Error {
        match self.keys().open(OPERATOR) {
            Ok(found) => {
                Error::ForeignOperator { expected: expected.into(), found: found.did().into() }
            }
            Err(error) => error,
        }
    }

    pub(crate) fn name(&self) -> Result<KeyName, Error> {
        log_name(&self.operator())
    }
}

/// Whether an error says that a key is not in its file, or that the file does not open.
const fn is_not_at_hand(error: &Error) -> bool {
    matches!(error, Error::ForeignOperator { .. } | Error::NoRoleKey { .. }) || is_unopened(error)
}

const fn file_of(role: Role) -> &'static str {
    match role {
        Role::Checkpoints => LOG_FILE,
        Role::Operator => OPERATOR,
    }
}

/// By how many delegations of the log's checkpoints the key files of a data directory came into it, as far as
/// they are there: those of retired keys stay beside the one that signs. None of them has to open. Files under other
/// names than a rotation gives are nobody's keys, and a copy under such a name is none more.
///
/// # Errors
/// If a file cannot be read.
pub fn delegations_by_key_files(dir: &Path) -> Result<usize, Error> {
    let folder = dir.join("keys");
    if !folder.try_exists().map_err(Error::KeyFolder)? {
        return Ok(0);
    }
    let mut keys = BTreeSet::new();
    for file in fs::read_dir(&folder).map_err(Error::KeyFolder)? {
        let file = file.map_err(Error::KeyFolder)?;
        if is_of_a_rotation(&file.file_name().to_string_lossy()) {
            keys.insert(chaos_files::read(&file.path(), KEY_BYTES_MAX)?);
        }
    }
    Ok(keys.len())
}

/// Whether a rotation gives a file of the log's key this name.
fn is_of_a_rotation(file: &str) -> bool {
    let Some(name) = file.strip_suffix(".pem").and_then(|name| name.strip_prefix(LOG_FILE)) else {
        return false;
    };
    let dated = |kind: &str| name.strip_prefix(&format!(".{kind}-")).is_some_and(is_numbered);
    name.is_empty() || dated("retired") || dated(UNOPENED)
}

/// Which keys have had a role of the root key of the log that `store` holds, by its rows as they are
/// stored. Whoever rests something on them holds them against the map, or is shown the proofs.
///
/// # Errors
/// If the store fails.
pub fn succession<R: Records>(store: &R, root: Did, role: Role) -> Result<Succession, Error> {
    let tables = Tables::unproved(store, Place::FIRST);
    Succession::of(&tables, root, role).map_err(|stop| tables.error(stop))
}
