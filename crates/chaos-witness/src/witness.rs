use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Mutex, PoisonError},
};

use chaos_log::{Policy, SignedCheckpoint, VerifierKey, WitnessKey, WitnessVerifier};
use sha2::{Digest as _, Sha256};

use crate::{
    error::{OpenError, WitnessError},
    evidence,
    folder::Folder,
    judge::{Refusal, ensure_continues, ensure_in_order, ensure_signed, newest_signer},
    order::{Notice, Order},
    request::AddCheckpoint,
};

/// What clocks may drift back without a question, in seconds.
const DRIFT_S: u64 = 60;

/// A witness at work: its key, the logs that it knows, and what it remembers of them.
#[derive(Debug)]
pub struct Witness {
    key: WitnessKey,
    logs: BTreeMap<String, Vec<VerifierKey>>,
    /// When the last checkpoint of a log was cosigned by a clock that was ahead, where somebody vouched for
    /// the clock of now.
    mistaken: BTreeMap<String, u64>,
    /// The keys of which it was told since it began that heads by them are refused.
    refused: Mutex<BTreeSet<String>>,
    // Held from looking up the last checkpoint until the next one is kept.
    folder: Mutex<Folder>,
}

/// What to answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// What whoever runs the witness has to know; not for the one who asked.
    pub notice: Option<Notice>,
}

const TEXT: &str = "text/plain; charset=utf-8";

/// The media type of the size that a conflict is answered with.
const SIZE: &str = "text/x.tlog.size";

impl Witness {
    /// Opens or makes the folder of a witness, which knows the logs of a policy.
    ///
    /// # Errors
    /// If the policy names no log, or has a log's keys in an order in which heads by them cannot be cosigned; if
    /// the folder cannot be used, is in use, or is another witness's.
    pub fn open(folder: &Path, key: WitnessKey, known: &Policy) -> Result<Self, OpenError> {
        let mut logs: BTreeMap<String, Vec<VerifierKey>> = BTreeMap::new();
        for log in known.logs() {
            logs.entry(log.key.name().to_string()).or_default().push(log.key.clone());
        }
        if logs.is_empty() {
            return Err(OpenError::NoLogs);
        }
        let folder = Folder::open(folder, key.verifier())?;
        ensure_order(&logs, &folder)?;
        let folder = Mutex::new(folder);
        let refused = Mutex::new(BTreeSet::new());
        Ok(Self { key, logs, mistaken: BTreeMap::new(), refused, folder })
    }

    /// Also remembers the last checkpoints in a folder of its own within `elsewhere`, which is not to be
    /// copied together with the other: a witness whose folder is restored from an old copy then goes on
    /// from what it cosigned last.
    ///
    /// # Errors
    /// If that folder cannot be used, another process has this witness's there, or it lacks a log that the
    /// first folder knows: that one may be an old copy.
    pub fn remembering(self, elsewhere: &Path) -> Result<Self, OpenError> {
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        folder.remember(elsewhere, self.key.verifier())?;
        ensure_order(&self.logs, &folder)?;
        drop(folder);
        Ok(self)
    }

    /// As [`Self::remembering`], where somebody vouches that what the first folder holds is the last that was
    /// cosigned, because the other was lost.
    ///
    /// # Errors
    /// As [`Self::remembering`].
    pub fn as_only_copy(self, elsewhere: &Path) -> Result<Self, OpenError> {
        let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        folder.restore(elsewhere, self.key.verifier())?;
        drop(folder);
        self.remembering(elsewhere)
    }

    /// Takes the clock, which says `now_s`, for right: what was cosigned at later times was cosigned by a
    /// clock that was ahead, and no later cosignature has to wait for that time. What each log was is not
    /// forgotten.
    ///
    /// # Errors
    /// If what it remembers cannot be read.
    pub fn accepting_clock(mut self, now_s: u64) -> Result<Self, WitnessError> {
        let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        for (origin, keys) in &self.logs {
            if let Some((_, last_s)) = folder.last(origin, keys, self.key.verifier())?
                && now_s.saturating_add(DRIFT_S) < last_s
            {
                self.mistaken.insert(origin.clone(), last_s);
            }
        }
        drop(folder);
        Ok(self)
    }

    /// The public side of its key.
    #[must_use]
    pub const fn verifier(&self) -> &WitnessVerifier {
        self.key.verifier()
    }

    /// The names of the logs that it knows.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.logs.keys().map(String::as_str)
    }

    /// Reads what is remembered of each log that it knows, so that damage is told before anybody asks.
    ///
    /// # Errors
    /// If something that it remembers cannot be read, or is not what it cosigned.
    pub fn ensure_intact(&self) -> Result<(), WitnessError> {
        let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        for (origin, keys) in &self.logs {
            folder.last(origin, keys, self.verifier())?;
        }
        Ok(())
    }

    /// What is held of each log whose policy has several lines, and what is remembered in one of two places alone.
    ///
    /// # Errors
    /// If what it remembers cannot be read.
    pub fn notices(&self) -> Result<Vec<Notice>, WitnessError> {
        let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let mut notices: Vec<Notice> = folder.named_anew(self.verifier()).into_iter().collect();
        for (origin, keys) in &self.logs {
            notices.extend(folder.order(origin)?.held(origin, keys));
            notices.extend(folder.unequal(origin, keys, self.verifier())?);
        }
        Ok(notices)
    }

    /// Answers `POST add-checkpoint` with the body `request` at `now_s` seconds since 1970.
    ///
    /// # Errors
    /// If it cannot say what it remembers, or cannot keep what it would cosign. That is an internal
    /// error, status 500, and nothing was cosigned.
    pub fn add_checkpoint(&self, request: &[u8], now_s: u64) -> Result<Answer, WitnessError> {
        match AddCheckpoint::parse(request) {
            Ok(request) => self.judged(&request, now_s),
            Err(error) => Ok(Answer::new(400, TEXT, told(&error))),
        }
    }

    /// Answers `GET <hash>/checkpoint`, where `hash` is the SHA-256 of a log's origin as 64
    /// lower-case hexadecimal digits: the last checkpoint that it cosigned, or `None` for 404.
    ///
    /// # Errors
    /// If what it remembers cannot be read.
    pub fn checkpoint(&self, hash: &str) -> Result<Option<Vec<u8>>, WitnessError> {
        let Some((_, keys)) = self.logs.iter().find(|(origin, _)| origin_hash(origin) == hash)
        else {
            return Ok(None);
        };
        let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        folder.served(hash, keys, self.verifier())
    }

    fn judged(&self, request: &AddCheckpoint, now_s: u64) -> Result<Answer, WitnessError> {
        let origin = request.checkpoint().claimed().origin();
        let keys = self.logs.get(origin).map(Vec::as_slice).unwrap_or_default();
        if let Err(refusal) = ensure_signed(request, keys) {
            return Ok(refused(&refusal));
        }
        let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let last = folder.last(origin, keys, self.verifier())?;
        let last_note = last.as_ref().map(|(note, _)| note);
        let mut known = folder.order(origin)?.keys;
        if let (true, Some(at)) =
            (known.is_empty(), last_note.and_then(|note| newest_signer(note, keys)))
        {
            // Former versions remembered the note alone.
            known = vec![keys[at].clone()];
        }
        let in_order = match ensure_in_order(request, keys, &known) {
            Ok(in_order) => in_order,
            Err(refusal) => {
                return Ok(Answer { notice: self.first(&refusal, keys), ..refused(&refusal) });
            }
        };
        if let Err(refusal) = ensure_continues(request, last_note) {
            if is_evidence(&refusal, request, last_note) {
                let refused = folder.refused(origin);
                evidence::keep(&refused, keys, request.checkpoint(), last_note);
            }
            return Ok(refused(&refusal));
        }
        let last_s = last.as_ref().map_or(0, |(_, time_s)| *time_s);
        let last_s = if self.mistaken.get(origin) == Some(&last_s) { 0 } else { last_s };
        if now_s.saturating_add(DRIFT_S) < last_s {
            return Err(WitnessError::ClockBack { origin: origin.to_owned(), now_s, last_s });
        }
        let cosignature = self.key.cosign(request.checkpoint(), now_s.max(last_s))?;
        let mut note = request.checkpoint().clone();
        note.retain(|line| keys.iter().any(|key| key.is_named_by(line)));
        note.add(cosignature.clone())?;
        let order = Order::new(in_order, keys);
        // Before the checkpoint: a key that is taken for over too early signs nothing that its owner wants.
        folder.keep_order(origin, &order)?;
        folder.keep(&note)?;
        let notice = order.passing(origin, keys).filter(|_| order.keys != known);
        Ok(Answer { notice, ..Answer::new(200, TEXT, cosignature.to_string()) })
    }

    /// That heads by a key are refused since its line stands above another one's, the first time.
    fn first(&self, refusal: &Refusal, keys: &[VerifierKey]) -> Option<Notice> {
        let Refusal::Superseded { key, last } = refusal else { return None };
        let place = |key: &VerifierKey| keys.iter().position(|listed| listed == key);
        if place(key) >= place(last) {
            return None;
        }
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let over = vec![VerifierKey::clone(key)];
        let (origin, last) = (key.name().to_string(), VerifierKey::clone(last));
        refused.insert(key.to_string()).then_some(Notice::Passed { origin, last, over })
    }
}

impl Answer {
    const fn new(status: u16, content_type: &'static str, body: String) -> Self {
        Self { status, content_type, body, notice: None }
    }
}

/// Checks that a policy has each log's keys in an order in which heads by them can be cosigned.
fn ensure_order(
    logs: &BTreeMap<String, Vec<VerifierKey>>,
    folder: &Folder,
) -> Result<(), OpenError> {
    for (origin, keys) in logs {
        let order = folder.order(origin).map_err(|error| OpenError::Keys(Box::new(error)))?;
        if let Some([later, earlier]) = order.reversed(keys) {
            let (earlier, later) = (earlier.to_string(), later.to_string());
            return Err(OpenError::Order { earlier, later });
        }
        if let Some([added, last]) = order.added_above(keys) {
            let (added, last) = (added.to_string(), last.to_string());
            return Err(OpenError::Above { added, last });
        }
    }
    Ok(())
}

/// The name under which a log's checkpoint is served: the SHA-256 of its origin, in hexadecimal.
#[must_use]
pub fn origin_hash(origin: &str) -> String {
    hex::encode(Sha256::digest(origin))
}

/// Whether a refused note says something of the log: a tree that does not follow from the last one,
/// or another root for its size, even where the caller named another old size.
fn is_evidence(
    refusal: &Refusal,
    request: &AddCheckpoint,
    last: Option<&SignedCheckpoint>,
) -> bool {
    match refusal {
        Refusal::EmptyRoot { .. } | Refusal::OtherRoot { .. } | Refusal::Inconsistent { .. } => {
            true
        }
        Refusal::OldSize { .. } | Refusal::Conflict { .. } => {
            let found = request.checkpoint().claimed();
            last.map(SignedCheckpoint::claimed)
                .is_some_and(|last| last.size() == found.size() && last.root() != found.root())
        }
        Refusal::UnknownLog { .. } | Refusal::Signature(_) | Refusal::Superseded { .. } => false,
    }
}

fn refused(refusal: &Refusal) -> Answer {
    let (content_type, body) = match refusal {
        Refusal::Conflict { last_size, .. } => (SIZE, format!("{last_size}\n")),
        Refusal::UnknownLog { .. }
        | Refusal::Signature(_)
        | Refusal::Superseded { .. }
        | Refusal::OldSize { .. }
        | Refusal::EmptyRoot { .. }
        | Refusal::OtherRoot { .. }
        | Refusal::Inconsistent { .. } => (TEXT, told(refusal)),
    };
    Answer::new(refusal.status(), content_type, body)
}

/// An error with its causes, in a line.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text.push('\n');
    text
}
