//! Files that prove that a log forked.

use chaos_log::{ForkProof, Policy, VerifierKey};
use chaos_types::{Check, Rejection};

use crate::{Fault, Options};

/// Reads a file that says that it proves a fork, and checks it.
///
/// Anybody can make a key and fork a log of his own, so a reader who names the logs that he trusts, by
/// a key or by a policy, has a proof about another log refused: it says nothing of theirs.
///
/// # Errors
/// A [`Rejection`] by the check *checkpoint*.
pub fn verify_fork(bytes: &[u8], options: &Options<'_>) -> Result<ForkProof, Rejection> {
    let proof = ForkProof::parse(bytes)
        .map_err(|error| Rejection::caused(Check::Checkpoint, Fault::ForkNotProved, &error))?;
    if is_trusted(proof.log(), options.log, options.policy) {
        return Ok(proof);
    }
    let reason =
        format!("the proof is about log {}, which is not one that is trusted", proof.log());
    Err(Rejection::new(Check::Checkpoint, Fault::LogNotTrusted, reason))
}

/// Whether the reader's words about logs, if there are any, include this one.
fn is_trusted(log: &VerifierKey, named: Option<&VerifierKey>, policy: Option<&Policy>) -> bool {
    let known = policy.map(Policy::logs).filter(|logs| !logs.is_empty());
    named.is_none_or(|named| named == log)
        && known.is_none_or(|logs| logs.iter().any(|known| known.key == *log))
}
