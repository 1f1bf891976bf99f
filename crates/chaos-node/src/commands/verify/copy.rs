//! The reader's copy of the log, and what is done where it cannot be read.

use std::path::Path;

use chaos_programs::{LogCopy, ReportedFork};
use chaos_store::holds_database;
use chaos_types::{Check, Code, Rejection};
use chaos_verify::{Fault, ProvedFork, Report, TreesProof};

use super::{Found, Verifier, together::ReportedForks};
use crate::{
    exit::{Failure, Kind, UNREADABLE},
    kinds::KINDS,
};

/// Opens the copy that the command line names, or says why it does not open: what else was named is judged all
/// the same.
///
/// # Errors
/// If no log was named.
pub(super) fn open(dir: &Path) -> Result<Result<LogCopy, Failure>, Failure> {
    if holds_database(dir) {
        return Ok(LogCopy::open(dir, KINDS).map_err(Failure::from));
    }
    let refusal = format!("--log-dir: `{}` holds no log", dir.display());
    Err(Failure::message(Kind::Input, refusal).hint(
        "it is the folder of a mirror, as `chaoschain log mirror` makes one, or the log's own data directory",
    ))
}

impl Verifier<'_> {
    /// What the reader's copy reports, if there are heads to hold against it.
    pub(super) fn reported(&self, found: &[Found]) -> ReportedForks {
        if let Some(failure) = &self.unopened {
            return Err(Rejection::new(Check::Agent, Fault::LogCopyUnread, failure.to_string()));
        }
        let has_head = |found: &Found| found.head().is_some();
        let Some(copy) = self.copy.as_ref().filter(|_| found.iter().any(has_head)) else {
            return Ok(Vec::new());
        };
        let dir = self.args.log_dir.as_deref().unwrap_or(Path::new("")).display();
        let placed = |found: ReportedFork| {
            let place = format!("entry {} of the log in {dir}, which reports it", found.index);
            (ProvedFork::Trees(Box::new(TreesProof::new(found.proof))), place)
        };
        Ok(copy.reported_forks()?.into_iter().map(placed).collect())
    }

    /// Verifies a bundle, and says why the copy was not read for it. What only the copy would have shown is not
    /// held to be so; what speaks against the bundle without it is found all the same.
    pub(super) fn verify(&self, bytes: &[u8], path: Option<&Path>) -> (Report, Option<Rejection>) {
        let report = self.report(bytes, path, self.copy.as_ref());
        let is_unread = |rejection: &&Rejection| rejection.code == Code::from(Fault::LogCopyUnread);
        let Some(unread) = report.result.as_ref().err().filter(is_unread).cloned() else {
            return (report, None);
        };
        let mut alone = self.report(bytes, path, None);
        if alone.result.is_ok() {
            alone.reject(unread.clone());
        }
        (alone, Some(unread))
    }

    /// Says that the copy was not read, if it was not: nothing else does where all files are refused or proofs.
    pub(super) fn tell_unread(self, unread: Option<Rejection>) {
        let Some(unread) = unread else { return };
        let dir = self.args.log_dir.as_deref().unwrap_or(Path::new("")).display();
        let failure = match self.unopened {
            Some(failure) => failure,
            None => Failure::message(Kind::Storage, unread.reason).hint(UNREADABLE),
        };
        let what = format!(
            "the copy of the log in `{dir}` was not read, so that every file was judged without it"
        );
        let _code = failure.context(what).report();
    }
}
