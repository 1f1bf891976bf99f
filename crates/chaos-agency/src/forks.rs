//! Forks of logs that receipts report, with the proof in their body.

use chaos_log::ForkProof;
use chaos_types::{Check, Did, Rejection};

use crate::{Fault, Key, State, Stop, action::ReportFork, state::ForkedRow};

/// Who signed two heads that conflict, and of which sizes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The key that signed both.
    pub log: Did,
    /// The smaller size, and the larger, which may be the same.
    pub sizes: [u64; 2],
}

impl About {
    /// The entry that reports such a fork, if the log has one. Another proof by the same key of the same
    /// sizes says nothing more; one of other sizes may speak against other heads, whichever are smaller:
    /// which of them the key could sign for a log is for whoever reads the report to know.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn reported(&self, state: &dyn State) -> Result<Option<u64>, Stop> {
        let row: Option<ForkedRow> = state.read(&Key::forked(self))?;
        Ok(row.map(|row| row.index))
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

/// Whose fork a proof shows, as the rows have it.
///
/// # Errors
/// A [`Rejection`] by *statement* if the key is no curve point, with which nothing can be signed.
pub fn about(proof: &ForkProof) -> Result<About, Rejection> {
    let log = Did::from_public_bytes(proof.log().public()).ok_or_else(|| {
        let reason = "the log's key is not a curve point";
        Rejection::new(Check::Statement, Fault::ReportNotProved, reason)
    })?;
    let sizes = [proof.first(), proof.second()].map(|head| head.claimed().size());
    Ok(About { log, sizes })
}

/// What the receipt says, to follow its signer's name.
pub(crate) fn sentence(report: &ReportFork) -> String {
    match read(report) {
        Ok(proof) => format!("reported that {}, both by {}", proof.sentence(), proof.log()),
        Err(_) => "reported a fork that its proof does not show".to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
