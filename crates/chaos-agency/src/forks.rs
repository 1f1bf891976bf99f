//! Forks of logs that receipts report, with the proof in their body.

use chaos_log::ForkProof;
use chaos_types::{Check, Did, Rejection};

use crate::{Fault, Key, State, Stop, action::ReportFork, state::ForkedRow};

/// What a log holds of forks by the key of one log, which may be itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    /// The entry whose proof is of the smallest size, which is the last of them.
    pub index: u64,
    /// From this size on every head that the key signed is on one of two branches.
    pub size: u64,
    /// How many entries report such a fork.
    pub count: u64,
}

impl Reported {
    /// What the rows of a state hold of a key, if there is something.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn of(state: &dyn State, log: &Did) -> Result<Option<Self>, Stop> {
        let count = count(state, log)?;
        let Some(last) = count.checked_sub(1) else { return Ok(None) };
        let key = Key::forked(log, last);
        let row: Option<ForkedRow> = state.read(&key)?;
        let ForkedRow { index, size } = row.ok_or(Stop::Unreadable { key })?;
        Ok(Some(Self { index, size, count }))
    }
}

/// The proof that a receipt carries.
///
/// # Errors
/// A [`Rejection`] by *statement* if it proves no fork.
pub fn read(report: &ReportFork) -> Result<ForkProof, Rejection> {
    ForkProof::parse(report.proof.as_bytes())
        .map_err(|error| Rejection::caused(Check::Statement, Fault::ReportNotProved, &error))
}

/// The key that signed both heads of a proof, as the rows have it, and the size from which on the two
/// conflict.
///
/// # Errors
/// A [`Rejection`] by *statement* if the key is no curve point, with which nothing can be signed.
pub fn about(proof: &ForkProof) -> Result<(Did, u64), Rejection> {
    let log = Did::from_public_bytes(proof.log().public()).ok_or_else(|| {
        let reason = "the log's key is not a curve point";
        Rejection::new(Check::Statement, Fault::ReportNotProved, reason)
    })?;
    Ok((log, proof.first().claimed().size()))
}

/// What the receipt says, to follow its signer's name.
pub(crate) fn sentence(report: &ReportFork) -> String {
    match read(report) {
        Ok(proof) => format!("reported that {}", proof.sentence()),
        Err(_) => "reported a fork that its proof does not show".to_owned(),
    }
}

/// How many rows there are of a key: they are numbered without a gap, so that few of them are asked for
/// however many somebody writes about a key of his own.
fn count(state: &dyn State, log: &Did) -> Result<u64, Stop> {
    let has = |number| state.has(&Key::forked(log, number));
    let mut width = 1;
    while has(width - 1)? {
        width *= 2;
    }
    let (mut low, mut high) = (width / 2, width - 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if has(middle)? { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

#[cfg(test)]
pub(crate) mod tests;
