//! Whether a checkpoint may be cosigned. The order is the specification's: it decides which status a
//! request with several faults gets.

use chaos_log::{
    ConsistencyProof, EMPTY_ROOT, Hash, NoteError, ProofError, SignedCheckpoint, VerifierKey,
};

use crate::request::AddCheckpoint;

/// Why a checkpoint is not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The witness does not know the log.
    #[error("this witness does not know log `{origin}`")]
    UnknownLog {
        /// The log's name in the checkpoint.
        origin: String,
    },
    /// No trusted key of the log has signed, or a line that names one is false.
    #[error("the checkpoint is not signed by a key that this witness trusts for the log")]
    Signature(#[source] NoteError),
    /// A key signed it whose time is over.
    #[error(
        "the older key signs no more: this witness has cosigned a head by a newer one, whose line in its \
         policy stands below the older one's, or belongs there: `{last}` after `{key}`"
    )]
    Superseded {
        /// The key that signed.
        key: Box<VerifierKey>,
        /// The key by which a head was cosigned last.
        last: Box<VerifierKey>,
    },
    /// The old size is above the checkpoint's.
    #[error("old size {old_size} is above the checkpoint's, {size}")]
    OldSize {
        /// The old size of the request.
        old_size: u64,
        /// Size of the checkpoint.
        size: u64,
    },
    /// The old size is not that of the last checkpoint that was cosigned.
    #[error("the last cosigned checkpoint has size {last_size}, the request says {old_size}")]
    Conflict {
        /// The old size of the request.
        old_size: u64,
        /// Size of the last cosigned checkpoint; 0 if there is none.
        last_size: u64,
    },
    /// The empty tree has another root.
    #[error("the root of an empty log is {EMPTY_ROOT}, found {found}")]
    EmptyRoot {
        /// The root in the checkpoint.
        found: Hash,
    },
    /// The checkpoint has the last size and another root: the log forked.
    #[error("the log signed another root for size {size}, {last}, before {found}")]
    OtherRoot {
        /// The size of both.
        size: u64,
        /// The root that was cosigned.
        last: Hash,
        /// The root in the checkpoint.
        found: Hash,
    },
    /// The proof does not lead from the last cosigned checkpoint to this one.
    #[error("the proof does not show that the log continues from size {old_size}")]
    Inconsistent {
        /// Size of the last cosigned checkpoint.
        old_size: u64,
        /// What is wrong with the proof.
        #[source]
        source: ProofError,
    },
}

impl Refusal {
    /// The HTTP status that the specification has for it.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::UnknownLog { .. } => 404,
            Self::Signature(_) | Self::Superseded { .. } => 403,
            Self::OldSize { .. } => 400,
            Self::Conflict { .. } => 409,
            Self::EmptyRoot { .. } | Self::OtherRoot { .. } | Self::Inconsistent { .. } => 422,
        }
    }
}

/// Checks that the checkpoint is signed by a key of its log, before the last one is looked up. Two
/// keys may be trusted for one log, as while it exchanges them; of all of them no line may be false.
pub(crate) fn ensure_signed(request: &AddCheckpoint, keys: &[VerifierKey]) -> Result<(), Refusal> {
    if keys.is_empty() {
        let origin = request.checkpoint().claimed().origin().to_owned();
        return Err(Refusal::UnknownLog { origin });
    }
    request.checkpoint().note().verify(keys).map(drop).map_err(Refusal::Signature)
}

/// Checks that a signed checkpoint is by the newest key by which a head was cosigned, or by one whose line
/// stands below that one's in the policy, and gives what is to be remembered then: the keys by which heads were
/// cosigned, in order. `known` is what was remembered.
///
/// Any of a log's keys may be stolen. Its root key takes a stolen one its role, and no witness knows root keys:
/// the order of the lines is what it was told, and that nobody goes back.
pub(crate) fn ensure_in_order(
    request: &AddCheckpoint,
    keys: &[VerifierKey],
    known: &[VerifierKey],
) -> Result<Vec<VerifierKey>, Refusal> {
    let newest = newest_signer(request.checkpoint(), keys);
    let Some(at) = newest else {
        let origin = request.checkpoint().claimed().origin().to_owned();
        return Err(Refusal::UnknownLog { origin });
    };
    let key = &keys[at];
    let Some(last) = known.last() else { return Ok(vec![key.clone()]) };
    if last == key {
        return Ok(known.to_vec());
    }
    let is_below = keys.iter().position(|known| known == last).is_none_or(|last| last < at);
    if known.contains(key) || !is_below {
        let (key, last) = (Box::new(key.clone()), Box::new(last.clone()));
        return Err(Refusal::Superseded { key, last });
    }
    Ok([known, std::slice::from_ref(key)].concat())
}

/// Which of a log's keys, the lowest in the policy, has signed a checkpoint.
pub(crate) fn newest_signer(signed: &SignedCheckpoint, keys: &[VerifierKey]) -> Option<usize> {
    keys.iter().rposition(|key| signed.verify(key).is_ok())
}

/// Checks that a signed checkpoint continues the last one that was cosigned.
pub(crate) fn ensure_continues(
    request: &AddCheckpoint,
    last: Option<&SignedCheckpoint>,
) -> Result<(), Refusal> {
    let (old_size, checkpoint) = (request.old_size(), request.checkpoint().claimed());
    let (size, root) = (checkpoint.size(), *checkpoint.root());
    if old_size > size {
        return Err(Refusal::OldSize { old_size, size });
    }
    let last = last.map(SignedCheckpoint::claimed);
    let (last_size, last_root) = last.map_or((0, EMPTY_ROOT), |last| (last.size(), *last.root()));
    if old_size != last_size {
        return Err(Refusal::Conflict { old_size, last_size });
    }
    if size == 0 && root != EMPTY_ROOT {
        return Err(Refusal::EmptyRoot { found: root });
    }
    if old_size == size && root != last_root {
        return Err(Refusal::OtherRoot { size, last: last_root, found: root });
    }
    ConsistencyProof::new(old_size, size, request.proof().to_vec())
        .and_then(|proof| proof.verify(&last_root, &root))
        .map_err(|source| Refusal::Inconsistent { old_size, source })
}
