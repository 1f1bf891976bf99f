//! What was found in a log, kept in the copy until a person has accepted it.

use std::{collections::BTreeSet, fmt, path::Path};

use chaos_log::{Hash, SignedCheckpoint};
use chaos_store::{Records as _, Store};
use chaos_types::Digest;
use chaos_verify::ProvedFork;
use serde::{Deserialize, Serialize};

use super::{Finding, KEY_META, Mirror, MirrorError, Signers, head::Known};
use crate::alarm::Alarm;

/// Findings that stand by name; further ones are counted, and get their names once these are accepted.
const STANDING_MAX: usize = 1_000;

/// Longer is no proof of a fork, in bytes (5 MiB).
const FORK_BYTES_MAX: usize = 5 << 20;

/// The key under which it is kept how far the entries were judged, and what was found.
const FINDINGS_META: &str = "mirror/findings/1";

/// The key under which the proof of a fork is kept that nobody has decided about; empty if there is none.
pub(super) const FORK_META: &str = "mirror/fork";

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
    /// What it is about, whatever its name: the hash of the leaf, or the retired key. Former versions did not
    /// write it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    about: Option<String>,
}

impl Standing {
    /// Something that is wrong with the entry whose leaf has this hash.
    pub(super) fn of(finding: &Finding, leaf: &Hash, seen_at_ms: u64) -> Self {
        let (alarm, detail) = (finding.wrong.name().to_owned(), finding.to_string());
        let name = format!("{alarm}-{}", finding.index);
        let about = Some(leaf.to_string());
        Self { name, alarm, detail, seen_at_ms, accepted_at_ms: None, about }
    }

    fn of_fork(proof: &ProvedFork, seen_at_ms: u64) -> Self {
        let (name, detail, about) = (proof.name(), proof.sentence(), retired_key(proof));
        Self { name, alarm: FORK.to_owned(), detail, seen_at_ms, accepted_at_ms: None, about }
    }

    /// What it is called where its name is that of something about another entry.
    fn other_name(&self) -> String {
        let about = self.about.as_deref().unwrap_or_default();
        format!("{}-{}", self.name, Digest::of(about.as_bytes()).short())
    }

    /// Whether this, which is kept, is what was found anew.
    fn is(&self, found: &Self) -> bool {
        (self.name == found.name || self.name == found.other_name())
            && (self.about.is_none() || found.about.is_none() || self.about == found.about)
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
        let other = format!("{name}-");
        self.open().any(|found| found.name == name || found.name.starts_with(&other))
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
        let mut found = found;
        if self.names.contains(&found.name) {
            if let Some(known) = self.found.iter_mut().find(|known| known.is(&found)) {
                // What it is follows from what was found now, whatever became of the word.
                known.alarm = found.alarm;
                return false;
            }
            // One of that name is about an entry that this copy does not hold any more.
            found.name = found.other_name();
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
        let is_todays = |found: &Standing| today.is_some_and(|today| found.is(today));
        self.found.retain(|found| found.alarm != alarm || !found.is_open() || is_todays(found));
        self.names = self.found.iter().map(|found| found.name.clone()).collect();
    }

    /// Whether a person has accepted it.
    pub(super) fn is_accepted(&self, found: &Standing) -> bool {
        self.found.iter().any(|known| known.is(found) && !known.is_open())
    }

    fn accept(&mut self, name: &str, now_ms: u64) -> Result<(), MirrorError> {
        let found = self.found.iter_mut().find(|found| found.name == name);
        let found = found.ok_or_else(|| MirrorError::NotFound { name: name.to_owned() })?;
        // What was accepted stays so, since whoever says it again may have been stopped the first time.
        found.accepted_at_ms.get_or_insert(now_ms);
        Ok(())
    }

    /// Whether a person has accepted what this key signs besides the log.
    fn is_decided(&self, key: &str) -> bool {
        let is_of_key = |found: &&Standing| found.is_fork() && found.about.as_deref() == Some(key);
        self.found.iter().filter(is_of_key).any(|found| !found.is_open())
    }

    /// What a copy that begins anew takes over: the forks, and what was accepted of entries that it may hold
    /// again.
    pub(super) fn carried(self) -> Self {
        let stays =
            |found: &Standing| found.is_fork() || (!found.is_open() && found.about.is_some());
        let found = self.found.into_iter().filter(|found| stays(found)).collect();
        Self { found, ..Self::default() }
    }

    /// The fork whose proof a store keeps, unless it was accepted. That nothing was found of it is no decision:
    /// whoever wrote the proof down may have been stopped before the finding.
    fn undecided(&self, store: &Store) -> Result<Option<Box<ProvedFork>>, MirrorError> {
        let proof = store.meta(FORK_META)?.unwrap_or_default();
        let is_forked = self.found.iter().any(|found| found.is_fork() && found.is_open());
        if proof.is_empty() && !is_forked {
            return Ok(None);
        }
        let proof = ProvedFork::parse(&proof).map_err(MirrorError::RecordedFork)?;
        let is_accepted = self.is_accepted(&Standing::of_fork(&proof, 0));
        Ok((is_forked || !is_accepted).then(|| Box::new(proof)))
    }

    /// What a store has, with how far its log was looked at.
    fn standings(store: &Store) -> Result<Standings, MirrorError> {
        let mut kept = Self::read(store)?;
        if let Some(proof) = kept.undecided(store)? {
            kept.add(Standing::of_fork(&proof, kept.clock_ms));
        }
        let Self { found: findings, left_out, .. } = kept;
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

/// Checks what a copy has kept of whose log it is, which it would take from its source anew: the file of the log's keys.
/// A directory that is no copy has none.
///
/// # Errors
/// If it is damaged, or the directory cannot be read.
pub fn check_copy(directory: &Path) -> Result<(), MirrorError> {
    let store = Store::read(directory)?;
    let Some(key) = store.meta(KEY_META)? else { return Ok(()) };
    let key = String::from_utf8_lossy(&key).parse().map_err(MirrorError::RecordedKey)?;
    Signers::check_kept(&store, &key)
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
        if let Some(proof) = findings.undecided(&self.store)? {
            findings.add(Standing::of_fork(&proof, now_ms));
        }
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

    /// Refuses to go on with a log that forked, until a person has decided, and writes down whatever a kill kept
    /// from being written.
    pub(super) fn ensure_one_history(&mut self, now_ms: u64) -> Result<(), MirrorError> {
        let Some(proof) = Findings::read(&self.store)?.undecided(&self.store)? else {
            return Ok(());
        };
        Err(match self.try_keep_fork(&proof, now_ms) {
            Ok(()) => MirrorError::Fork(proof),
            Err(error) => MirrorError::ForkLost { proof, source: Box::new(error) },
        })
    }

    /// Keeps the proof that a log forked, in the store and in a file for people. One more of a retired key, about
    /// which a person has decided, is refused and stands no more.
    pub(super) fn keep_fork(&mut self, proof: Box<ProvedFork>, now_ms: u64) -> MirrorError {
        if self.is_decided(&proof).unwrap_or(false) {
            return MirrorError::Decided(proof);
        }
        match self.try_keep_fork(&proof, now_ms) {
            Ok(()) => MirrorError::Fork(proof),
            Err(error) => MirrorError::ForkLost { proof, source: Box::new(error) },
        }
    }

    /// Whether a person has decided about what this key signs, and the copy holds nothing of it.
    fn is_decided(&self, proof: &ProvedFork) -> Result<bool, MirrorError> {
        let Some(key) = retired_key(proof) else { return Ok(false) };
        Ok(Findings::read(&self.store)?.is_decided(&key) && !self.holds_one_of(proof)?)
    }

    /// The proof about this very checkpoint that a person has accepted.
    pub(super) fn decided_about(
        &self,
        signers: &Signers,
        found: &SignedCheckpoint,
    ) -> Result<Option<ProvedFork>, MirrorError> {
        for fork in Findings::read(&self.store)?.found {
            if fork.is_open() || !fork.is_fork() || fork.about.is_none() {
                continue;
            }
            let file = self.alarms().join(format!("{}.fork", fork.name));
            // A file that is gone decides nothing, and what it showed is found again.
            let Ok(bytes) = chaos_files::read(&file, FORK_BYTES_MAX) else { continue };
            let Ok(proof) = ProvedFork::parse(&bytes) else { continue };
            if signers.is_about(&proof, found) {
                return Ok(Some(proof));
            }
        }
        Ok(None)
    }

    /// Whether the copy stands for a checkpoint that a proof is about, or began to store what it holds: by the keys
    /// that the proof was made with, since whose the checkpoint is may be known only since then.
    fn holds_one_of(&self, proof: &ProvedFork) -> Result<bool, MirrorError> {
        let Known { stored, pending } = self.known()?;
        let mut signers = Signers::read(&self.store, &self.key, true)?;
        if let ProvedFork::Signer(proof) = proof {
            signers.learn(proof.keys().as_bytes().to_vec())?;
        }
        Ok(stored.iter().chain(&pending).any(|kept| signers.is_about(proof, kept)))
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

/// The key that a proof is about, if it is one that was retired: what it signs is not the log.
pub(super) fn retired_key(proof: &ProvedFork) -> Option<String> {
    match proof {
        ProvedFork::Signer(proof) if !proof.is_of_the_log() => Some(proof.retired().to_string()),
        ProvedFork::Signer(_) | ProvedFork::Trees(_) | ProvedFork::Places(_) => None,
    }
}
