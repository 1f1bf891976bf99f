//! Proofs that a retired key signs what is not the log's.

use std::fmt;

use chaos_agency::{Delegation, HeadSigner, SignerError, Succession};
use chaos_log::{Hash, PrefixProof, SignedCheckpoint, VerifierKey};
use chaos_types::{Check, Did, Rejection};

use crate::{DelegationPlace, Fault, LogKeys};

/// The first line of every proof.
const HEADER: &str = "chaoschain-fork/1\n";

/// Longer proofs are refused before they are parsed, in bytes (5 MiB): the file of a log's keys may have 4.
const BYTES_MAX: usize = 5 << 20;

/// A checkpoint of a key that handed its role on, beside the delegation that ended its time: it signed after
/// that, or another history than the one which the root key has signed with the delegation, or a tree in
/// which a delegation does not stand where it stands.
///
/// Whoever holds a value of this type has checked it. The delegation stands where the root key has signed
/// that it stands, so that no honest head gives cause to one, whoever lays the delegation elsewhere: the
/// leaving key may sign the first checkpoint that holds the delegation, beside the new key, and such a one
/// with the new key's line cut off proves nothing.
///
/// ```text
/// chaoschain-fork/1
/// kind signer            after its end; or `kind history` or `kind place`
/// log <verifier key of the root key>
/// <the file `keys` of the log, canonical JSON in a line>
/// <hash>                 of kind `history` and a smaller size than the delegation names: one a line, the
/// <hash>                 largest node at the smaller tree's right edge first, then in the order of RFC 6962
/// place <index>          of kind `place` alone: where the delegation stands that is not in the note's tree
/// <hash>                 and of a note that does not end with that entry, such nodes of the note's tree
///
/// <the leaving key's note, as it was signed>
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerProof {
    log: VerifierKey,
    file: String,
    succession: Succession,
    note: SignedCheckpoint,
    end: Delegation,
    wrong: Wrong,
}

/// What is wrong with the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wrong {
    /// It is larger than the key could sign.
    After,
    /// It is no start of the history that the delegation names; nodes of that tree, if it is smaller.
    Other(Option<PrefixProof>),
    /// It reaches over a delegation, and does not hold it there or other entries before it; nodes of its
    /// tree, if it does not end there.
    Lacks { place: DelegationPlace, prefix: Option<PrefixProof>, is_root_signed: bool },
}

/// The kinds, as their second line has them.
const KINDS: [&str; 3] = ["kind signer\n", "kind history\n", "kind place\n"];

impl SignerProof {
    /// Shows by the log's file of keys that a checkpoint is by a retired key.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *checkpoint* if the file does not hold, or the key may have signed.
    pub fn new(log: VerifierKey, file: &[u8], note: SignedCheckpoint) -> Result<Self, Rejection> {
        let (_, successions) = LogKeys::verify(file, &log)?;
        let succession = successions.checkpoints;
        let (key, index) = match succession.signer(&note, log.name()) {
            HeadSigner::Retired { key, index } => (key, index),
            HeadSigner::InForce(_) => {
                return Err(not_proved("the key in force signed the checkpoint"));
            }
            HeadSigner::Nobody => return Err(not_signed()),
        };
        if succession.leaving(note.claimed().size()) == Some(key) {
            let why = "the key could sign this checkpoint beside the one that took its place";
            return Err(not_proved(why));
        }
        let mut delegations = succession.delegations().iter();
        let end = delegations.find(|delegation| delegation.index == index).cloned();
        let end = end.ok_or_else(|| not_proved("no delegation ended the key's time"))?;
        let file = String::from_utf8_lossy(file).into_owned();
        let note = of_key(note, &log, key)?;
        Ok(Self { log, file, succession, note, end, wrong: Wrong::After })
    }

    /// Shows by the log's file of keys that a checkpoint by a key within its time is no start of the history
    /// that the root key has signed with the delegation that ended it; `prefix` are nodes of that history's
    /// tree, and none where the checkpoint is of its size.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *checkpoint* if the file does not hold, or the checkpoint is such a start.
    pub fn of_history(
        log: VerifierKey,
        file: &[u8],
        note: SignedCheckpoint,
        prefix: Option<PrefixProof>,
    ) -> Result<Self, Rejection> {
        let (_, successions) = LogKeys::verify(file, &log)?;
        let succession = successions.checkpoints;
        let HeadSigner::InForce(key) = succession.signer(&note, log.name()) else {
            return Err(not_signed());
        };
        let size = note.claimed().size();
        let end = succession.end_after(size).cloned();
        let end = end.ok_or_else(|| not_proved("no delegation ended the key's time"))?;
        let found = root_of_start(&end, size, prefix.as_ref())?;
        if found == *note.claimed().root() {
            return Err(not_proved(
                "the root key signed a history that goes on from the checkpoint",
            ));
        }
        let file = String::from_utf8_lossy(file).into_owned();
        let note = of_key(note, &log, key)?;
        Ok(Self { log, file, succession, note, end, wrong: Wrong::Other(prefix) })
    }

    /// Shows by the log's file of keys that a checkpoint by a key which was retired since, within its time or
    /// the first that holds the delegation which ended that, does not hold a delegation at its place:
    /// `index`, or other entries before it. `prefix` are nodes of the checkpoint's tree from there on, and
    /// none where it ends with that entry.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *checkpoint* if the file does not hold, or the checkpoint's tree holds the
    /// delegation.
    pub fn of_place(
        log: VerifierKey,
        file: &[u8],
        note: SignedCheckpoint,
        index: u64,
        prefix: Option<PrefixProof>,
    ) -> Result<Self, Rejection> {
        let (keys, successions) = LogKeys::verify(file, &log)?;
        let succession = successions.checkpoints;
        let size = note.claimed().size();
        let (key, ended) = match succession.signer(&note, log.name()) {
            HeadSigner::InForce(key) => (key, succession.end_after(size)),
            HeadSigner::Retired { key, .. } if succession.leaving(size) == Some(key) => {
                (key, succession.end_after(size.saturating_sub(1)))
            }
            HeadSigner::Retired { key, index } => {
                let error = SignerError::Retired { key, size, index };
                return Err(Rejection::caused(Check::Checkpoint, Fault::ForkNotProved, &error));
            }
            HeadSigner::Nobody => return Err(not_signed()),
        };
        let end = ended.cloned().ok_or_else(|| not_proved("no delegation ended the key's time"))?;
        let places = keys.places()?;
        let place = places.iter().find(|place| place.index == index).copied();
        let place = place.ok_or_else(|| not_proved("no delegation stands at that place"))?;
        let is_root_signed = places.iter().any(|later| later.index > index);
        if !is_root_signed && end.body.replaces == succession.root() {
            // A later key's word about the entry itself says nothing against the root key.
            return Err(not_proved("the root key has signed nothing that goes on from that entry"));
        }
        let ends_at = index.saturating_add(1);
        if root_of(&note, ends_at, prefix.as_ref())? == place.through {
            return Err(not_proved("the checkpoint's tree holds the delegation at its place"));
        }
        let file = String::from_utf8_lossy(file).into_owned();
        let note = of_key(note, &log, key)?;
        let wrong = Wrong::Lacks { place, prefix, is_root_signed };
        Ok(Self { log, file, succession, note, end, wrong })
    }

    /// Whether a file says that it is such a proof, by its first bytes.
    #[must_use]
    pub fn is_claimed_by(bytes: &[u8]) -> bool {
        let rest = bytes.strip_prefix(HEADER.as_bytes());
        rest.is_some_and(|rest| KINDS.iter().any(|kind| rest.starts_with(kind.as_bytes())))
    }

    /// Reads a proof and checks it.
    ///
    /// # Errors
    /// As [`Self::new`] and [`Self::of_history`], and if the file is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
        if bytes.len() > BYTES_MAX {
            let reason = format!("proof of {} bytes, the limit is {BYTES_MAX}", bytes.len());
            return Err(not_proved(&reason));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| not_proved("proof is not UTF-8"))?;
        let form = || not_proved("expected a header, a line of keys, an empty line and a note");
        let (head, note) = text.split_once("\n\n").ok_or_else(form)?;
        let mut lines = head.strip_prefix(HEADER).ok_or_else(form)?.split('\n');
        let mut next = || lines.next().ok_or_else(form);
        let (kind, log, file) = (next()?, next()?, next()?);
        let caused = |error: &dyn std::error::Error| {
            Rejection::caused(Check::Checkpoint, Fault::ForkNotProved, error)
        };
        let log = log.strip_prefix("log ").ok_or_else(form)?;
        let log: VerifierKey = log.parse().map_err(|error| caused(&error))?;
        let place = if kind == "kind place" { Some(next()?) } else { None };
        let hashes = lines.map(|line| line.parse().map_err(|error| caused(&error)));
        let hashes = hashes.collect::<Result<Vec<Hash>, _>>()?;
        let note = SignedCheckpoint::parse(note.as_bytes()).map_err(|error| caused(&error))?;
        let written = note.to_string();
        let prefix = |from: u64, to: u64| {
            let nodes = (from < to).then(|| PrefixProof::new(from, to, hashes));
            nodes.transpose().map_err(|error| caused(&error))
        };
        let size = note.claimed().size();
        let proof = match (kind, place) {
            ("kind signer", _) => Self::new(log, file.as_bytes(), note)?,
            ("kind history", _) => {
                let (_, successions) = LogKeys::verify(file.as_bytes(), &log)?;
                let end = successions.checkpoints.end_after(size);
                let end = end.map_or(size, |end| end.body.size);
                Self::of_history(log, file.as_bytes(), note, prefix(size, end)?)?
            }
            ("kind place", Some(place)) => {
                let index: Option<u64> =
                    place.strip_prefix("place ").and_then(|at| at.parse().ok());
                let index = index.ok_or_else(form)?;
                let prefix = prefix(index.saturating_add(1), size)?;
                Self::of_place(log, file.as_bytes(), note, index, prefix)?
            }
            _ => return Err(form()),
        };
        // The note may have lines that the proof leaves away: witnesses', or whoever's.
        let written = format!("{}\n{written}", proof.head());
        if written == text { Ok(proof) } else { Err(form()) }
    }

    /// What stands in the file before the empty line and the note.
    fn head(&self) -> String {
        let mut head = format!("{HEADER}kind {}\nlog {}\n{}\n", self.kind(), self.log, self.file);
        let prefix = match &self.wrong {
            Wrong::After => &None,
            Wrong::Other(prefix) => prefix,
            Wrong::Lacks { place, prefix, .. } => {
                head.push_str(&format!("place {}\n", place.index));
                prefix
            }
        };
        for hash in prefix.iter().flat_map(PrefixProof::hashes) {
            head.push_str(&format!("{hash}\n"));
        }
        head
    }

    /// The log's root key.
    #[must_use]
    pub const fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// The retired key's checkpoint.
    #[must_use]
    pub const fn note(&self) -> &SignedCheckpoint {
        &self.note
    }

    /// The file of the log's keys that it rests on, as it was read.
    #[must_use]
    pub fn keys(&self) -> &str {
        &self.file
    }

    /// Whether the root key signed what it may not: its time never ends, and the log is what it signs.
    #[must_use]
    pub fn is_of_the_log(&self) -> bool {
        self.retired() == self.succession.root()
    }

    /// The key that signed what it may not.
    #[must_use]
    pub const fn retired(&self) -> Did {
        self.end.body.replaces
    }

    /// The smallest size of a checkpoint that the key may not sign alone, if that is what it did.
    pub(crate) const fn after(&self) -> Option<u64> {
        match self.wrong {
            // The first checkpoint that holds the delegation it may sign beside the new key.
            Wrong::After => Some(self.end.index.saturating_add(2)),
            Wrong::Other(_) | Wrong::Lacks { .. } => None,
        }
    }

    /// Whose word alone it is that the delegation stands there, if the root key has signed nothing that goes
    /// on from it.
    #[must_use]
    pub(crate) fn rests_on(&self) -> Option<Did> {
        match self.wrong {
            Wrong::Lacks { is_root_signed: false, .. } => Some(self.end.body.key),
            Wrong::Lacks { .. } | Wrong::After | Wrong::Other(_) => None,
        }
    }

    pub(crate) const fn succession(&self) -> &Succession {
        &self.succession
    }

    /// The kind as the file writes it.
    #[must_use]
    pub(crate) const fn kind(&self) -> &'static str {
        match self.wrong {
            Wrong::After => "signer",
            Wrong::Other(_) => "history",
            Wrong::Lacks { .. } => "place",
        }
    }

    /// What is shown, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (checkpoint, index) = (self.note.claimed(), self.end.index);
        let (origin, size) = (checkpoint.origin(), checkpoint.size());
        let key = self.retired();
        let is_root = self.is_of_the_log();
        match &self.wrong {
            Wrong::After if is_root => format!(
                "log {origin} forked: its root key {key} signed the checkpoint of {size} entries alone, after \
                 entry {index} had put another key in its place"
            ),
            Wrong::After => format!(
                "a retired key of log {origin} signs: {key} signed the checkpoint of {size} entries alone, \
                 its owner or a thief, after entry {index} had put another key in its place"
            ),
            Wrong::Other(_) if is_root => format!(
                "log {origin} forked: its root key signed root {} for size {size}, and with the delegation \
                 at entry {index} a history that does not start with that tree",
                checkpoint.root()
            ),
            Wrong::Other(_) => format!(
                "a key of log {origin} that entry {index} retired signs another history: {key} signed root \
                 {} for size {size}, its owner or a thief, and the root key signed with that entry a history \
                 that does not start with that tree",
                checkpoint.root()
            ),
            Wrong::Lacks { place, .. } if is_root => format!(
                "log {origin} forked: its root key {key} signed root {} for size {size}, a tree without the \
                 delegation that it signed to stand at entry {}",
                checkpoint.root(),
                place.index
            ),
            Wrong::Lacks { place, .. } => format!(
                "a key of log {origin} that entry {index} retired signs another history: {key} signed root \
                 {} for size {size}, its owner or a thief, a tree without the delegation of the root key at \
                 entry {}{}",
                checkpoint.root(),
                place.index,
                self.rests_on().map_or_else(String::new, |key| format!(", where {key} has it"))
            ),
        }
    }
}

impl fmt::Display for SignerProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.head(), self.note)
    }
}

/// The root that the first `size` entries have in the history that a delegation names.
fn root_of_start(
    end: &Delegation,
    size: u64,
    prefix: Option<&PrefixProof>,
) -> Result<Hash, Rejection> {
    match prefix {
        None if size == end.body.size => Ok(end.body.root),
        Some(prefix) if (prefix.old_size(), prefix.new_size()) == (size, end.body.size) => prefix
            .old_root(&end.body.root)
            .map_err(|error| Rejection::caused(Check::Checkpoint, Fault::ForkNotProved, &error)),
        Some(_) | None => Err(not_proved("the hashes are not of the delegation's history")),
    }
}

/// The root that the first `size` entries have in a checkpoint's tree.
fn root_of(
    note: &SignedCheckpoint,
    size: u64,
    prefix: Option<&PrefixProof>,
) -> Result<Hash, Rejection> {
    let claimed = note.claimed();
    match prefix {
        None if size == claimed.size() => Ok(*claimed.root()),
        Some(prefix) if (prefix.old_size(), prefix.new_size()) == (size, claimed.size()) => prefix
            .old_root(claimed.root())
            .map_err(|error| Rejection::caused(Check::Checkpoint, Fault::ForkNotProved, &error)),
        Some(_) | None => Err(not_proved("the hashes are not of the checkpoint's tree")),
    }
}

/// The note with the lines of the key that is accused, and of the log's no others: what a proof says is who
/// signed which tree. Witnesses' lines stay.
fn of_key(
    note: SignedCheckpoint,
    log: &VerifierKey,
    key: Did,
) -> Result<SignedCheckpoint, Rejection> {
    let key = VerifierKey::new(log.name().clone(), key.as_bytes())
        .map_err(|error| Rejection::caused(Check::Checkpoint, Fault::ForkNotProved, &error))?;
    let mut note = note;
    note.retain_by(&[key]);
    Ok(note)
}

fn not_signed() -> Rejection {
    not_proved("the checkpoint is not signed by a key of the log's that was in force by then")
}

fn not_proved(reason: &str) -> Rejection {
    Rejection::new(Check::Checkpoint, Fault::ForkNotProved, reason)
}
