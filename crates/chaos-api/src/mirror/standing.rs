//! What was found in a log, kept in the copy until a person has accepted it.

use std::{
    collections::BTreeSet,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use chaos_store::{DATABASE_FILE, Records as _, Store};
use chaos_verify::ProvedFork;
use serde::{Deserialize, Serialize};

use super::{Finding, KEY_META, Mirror, MirrorError, signers::KEYS_META};
use crate::alarm::Alarm;

/// Findings that stand by name; further ones are counted, and get their names once these are accepted.
const STANDING_MAX: usize = 1_000;

/// The key under which it is kept how far the entries were judged, and what was found.
const FINDINGS_META: &str = "mirror/findings/1";

/// The key under which the proof of a fork is kept that nobody has decided about; empty if there is none.
const FORK_META: &str = "mirror/fork";

/// What a fork is called among findings and alarms.
pub(crate) const FORK: &str = "fork";

/// What an entry is called that repeats an earlier one's receipt.
pub(super) const REPEATED: &str = "repeated";

/// Something wrong that was found in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its name within the copy, and that of its alarm's file.
    pub name: String,
    /// What it is, in a word.
    pub alarm: String,
    /// What it is, in a sentence.
    pub detail: String,
    /// When it was first seen, milliseconds since 1970.
    pub seen_at_ms: u64,
    /// When a person accepted it, milliseconds since 1970.
    pub accepted_at_ms: Option<u64>,
}

impl Standing {
    pub(super) fn of(finding: &Finding, seen_at_ms: u64) -> Self {
        let (alarm, detail) = (finding.wrong.name().to_owned(), finding.to_string());
        let name = format!("{alarm}-{}", finding.index);
        Self { name, alarm, detail, seen_at_ms, accepted_at_ms: None }
    }

    fn of_fork(proof: &ProvedFork, seen_at_ms: u64) -> Self {
        let (name, detail) = (proof.name(), proof.sentence());
        Self { name, alarm: FORK.to_owned(), detail, seen_at_ms, accepted_at_ms: None }
    }

    /// Whether nobody has accepted it yet.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.accepted_at_ms.is_none()
    }

    /// Whether it is the fork of the log.
    #[must_use]
    pub fn is_fork(&self) -> bool {
        self.alarm == FORK
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// All that was found in a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standings {
    /// Size of the newest checkpoint that was held against the log. `None` while no round has ended, so that
    /// nothing found says nothing.
    pub size: Option<u64>,
    /// What has a name, in the order in which it was found; what was accepted is among it.
    pub findings: Vec<Standing>,
    /// How many further findings were counted.
    pub left_out: u64,
}

impl Standings {
    /// What nobody has accepted yet.
    pub fn open(&self) -> impl Iterator<Item = &Standing> {
        self.findings.iter().filter(|finding| finding.is_open())
    }

    /// Whether something stands that nobody has accepted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.left_out > 0 || self.open().next().is_some()
    }

    /// Whether it stands that the entry at an index repeats an earlier one's receipt.
    pub(crate) fn is_repeated_at(&self, index: u64) -> bool {
        let name = format!("{REPEATED}-{index}");
        self.open().any(|found| found.name == name)
    }

    /// Whether the log was seen to fork, and nobody has decided about it.
    #[must_use]
    pub fn is_forked(&self) -> bool {
        self.open().any(Standing::is_fork)
    }
}

/// How far the entries of a copy were judged, and what was found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Findings {
    /// How many entries were judged.
    pub(super) size: u64,
    /// The latest time among them that no correction took back, milliseconds since 1970.
    pub(super) latest_ms: u64,
    /// The latest time among all of them, milliseconds since 1970.
    #[serde(default)]
    pub(super) furthest_ms: u64,
    /// The latest clock that any of them was held against, milliseconds since 1970.
    pub(super) clock_ms: u64,
    left_out: u64,
    found: Vec<Standing>,
    #[serde(skip)]
    names: BTreeSet<String>,
}

impl Findings {
    /// What is recorded. Where nothing is, everything is judged.
    pub(super) fn read(store: &Store) -> Result<Self, MirrorError> {
        let Some(recorded) = store.meta(FINDINGS_META)? else { return Ok(Self::default()) };
        let mut findings: Self =
            serde_json::from_slice(&recorded).map_err(MirrorError::RecordedFindings)?;
        findings.names = findings.found.iter().map(|found| found.name.clone()).collect();
        Ok(findings)
    }

    pub(super) fn keep(&self, store: &mut Store) -> Result<(), MirrorError> {
        let text = serde_json::to_vec(self).expect("numbers and texts can be written");
        Ok(store.put_meta(FINDINGS_META, &text)?)
    }

    /// Takes in something that was found; whether it is new and has its name. What was found before stays
    /// as it was.
    pub(super) fn add(&mut self, found: Standing) -> bool {
        if self.names.contains(&found.name) {
            return false;
        }
        let open = self.found.iter().filter(|found| found.is_open()).count();
        // What ends the following of a log is never only counted.
        if open >= STANDING_MAX && !found.is_fork() {
            self.left_out += 1;
            return false;
        }
        self.names.insert(found.name.clone());
        self.found.push(found);
        true
    }

    /// Leaves away what nobody has accepted of the findings of a kind, and that `today` does not find.
    pub(super) fn retain(&mut self, alarm: &str, today: Option<&Standing>) {
        let is_todays = |found: &Standing| today.is_some_and(|today| today.name == found.name);
        self.found.retain(|found| found.alarm != alarm || !found.is_open() || is_todays(found));
        self.names = self.found.iter().map(|found| found.name.clone()).collect();
    }

    /// Whether a person has accepted it.
    pub(super) fn is_accepted(&self, found: &Standing) -> bool {
        self.found.iter().any(|known| known.name == found.name && !known.is_open())
    }

    fn accept(&mut self, name: &str, now_ms: u64) -> Result<(), MirrorError> {
        let found = self.found.iter_mut().find(|found| found.name == name && found.is_open());
        let found = found.ok_or_else(|| MirrorError::NotFound { name: name.to_owned() })?;
        found.accepted_at_ms = Some(now_ms);
        Ok(())
    }

    /// What a store has, with how far its log was looked at.
    fn standings(store: &Store) -> Result<Standings, MirrorError> {
        let Self { found: findings, left_out, .. } = Self::read(store)?;
        let size = store.checkpoint()?.map(|signed| signed.claimed().size());
        Ok(Standings { size, findings, left_out })
    }
}

/// What was found in the log of which a data directory holds a copy.
///
/// # Errors
/// If it holds no copy, or cannot be read.
pub fn standings(directory: &Path) -> Result<Standings, MirrorError> {
    let store = Store::read(directory)?;
    if store.meta(KEY_META)?.is_none() {
        return Err(MirrorError::NoMirror);
    }
    Findings::standings(&store)
}

impl Mirror {
    /// What was found in the log so far.
    ///
    /// # Errors
    /// If the store fails.
    pub fn standings(&self) -> Result<Standings, MirrorError> {
        Findings::standings(&self.store)
    }

    /// Writes down that a person has looked at what stands under these names, and wants the log to be
    /// followed all the same. After a fork, the branch that is kept here is followed.
    ///
    /// # Errors
    /// If nothing stands under a name, or the store fails.
    pub fn accept(&mut self, names: &[String], now_ms: u64) -> Result<(), MirrorError> {
        let mut findings = Findings::read(&self.store)?;
        for name in names {
            findings.accept(name, now_ms)?;
        }
        if findings.left_out > 0 {
            // Those that were counted are looked for again, and get their names.
            let found = findings.found;
            findings = Findings { found, ..Findings::default() };
        }
        findings.keep(&mut self.store)
    }

    /// Puts a copy aside that ends with what a retired key signed besides the log, once a person has accepted
    /// that, and begins an empty one in its place, which knows the log's keys and what was found. Answers where
    /// the former database is; `None` where the copy is one to go on with.
    ///
    /// A store never drops an entry, and what such a copy holds is not the start of the log.
    ///
    /// # Errors
    /// If a file cannot be moved, or a store fails.
    pub fn leave_retired(self) -> Result<Option<PathBuf>, MirrorError> {
        let proof = self.store.meta(FORK_META)?.filter(|proof| !proof.is_empty());
        let Some(proof) = proof.filter(|_| self.standings().is_ok_and(|all| !all.is_forked()))
        else {
            return Ok(None);
        };
        let proof = ProvedFork::parse(&proof).map_err(MirrorError::RecordedFork)?;
        let kept = self.store.checkpoint()?;
        let ProvedFork::Signer(signed) = &proof else { return Ok(None) };
        if signed.is_of_the_log() || kept.as_ref() != Some(signed.note()) {
            return Ok(None);
        }
        let found = Findings::read(&self.store)?.found;
        let Self { store, key, directory, .. } = self;
        drop(store);
        let aside = format!("{DATABASE_FILE}.{}", proof.name());
        let aside = put_aside(&directory, &aside)?;
        let mut anew = Self::open(&directory, Some(&key))?;
        anew.store.put_meta(KEYS_META, signed.keys().as_bytes())?;
        Findings { found, ..Findings::default() }.keep(&mut anew.store)?;
        Ok(Some(aside))
    }

    /// Refuses to go on with a log that forked, until a person has decided.
    pub(super) fn ensure_one_history(&self) -> Result<(), MirrorError> {
        if !self.standings()?.is_forked() {
            return Ok(());
        }
        let proof = self.store.meta(FORK_META)?.unwrap_or_default();
        let proof = ProvedFork::parse(&proof).map_err(MirrorError::RecordedFork)?;
        Err(MirrorError::Fork(Box::new(proof)))
    }

    /// Keeps the proof that a log forked, in the store and in a file for people.
    pub(super) fn keep_fork(&mut self, proof: Box<ProvedFork>, now_ms: u64) -> MirrorError {
        match self.try_keep_fork(&proof, now_ms) {
            Ok(()) => MirrorError::Fork(proof),
            Err(error) => MirrorError::ForkLost { proof, source: Box::new(error) },
        }
    }

    fn try_keep_fork(&mut self, proof: &ProvedFork, now_ms: u64) -> Result<(), MirrorError> {
        self.store.put_meta(FORK_META, proof.to_string().as_bytes())?;
        let mut findings = Findings::read(&self.store)?;
        findings.add(Standing::of_fork(proof, now_ms));
        findings.keep(&mut self.store)?;
        let folder = self.alarms();
        let kept = Alarm::Fork(Box::new(proof.clone())).keep(&folder, &self.key, now_ms);
        kept.map_err(|source| MirrorError::Alarm { folder, source })
    }
}

/// Gives a database another name, with what SQLite may have left beside it: a journal that stayed would be
/// taken for the next database's.
fn put_aside(directory: &Path, name: &str) -> Result<PathBuf, MirrorError> {
    for suffix in ["-wal", "-shm", ""] {
        let from = directory.join(format!("{DATABASE_FILE}{suffix}"));
        let to = directory.join(format!("{name}{suffix}"));
        match fs::rename(&from, to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {}
            Err(source) => return Err(MirrorError::Aside { path: from, source }),
        }
    }
    Ok(directory.join(name))
}
