//! Exit codes, one table for the whole program.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done, and everything that was checked holds |
//! | 1 | a check failed: a bundle was rejected, evidence was refused, a block or view differed |
//! | 2 | the command line is wrong |
//! | 3 | an input is wrong: a file, a parameter, an agent's name, a password |
//! | 4 | something outside is missing or unreachable: an RPC endpoint, `anvil` |
//! | 5 | the data directory is locked, damaged or full, or what a command printed could not be written |
//! | 6 | a log forked: its key signed two trees of which neither is the start of the other |
//!
//! Output that was lost turns 0 into 5; any other code says more and stays. A reader that went away
//! (`| head`) took what it wanted: that loses nothing.

mod api;
mod auditing;
mod blocks;
mod broker;
mod chains;
mod ledger;
mod programs;
mod proposals;
mod witness;

use std::process::ExitCode;

use chaos_store::OpenError;

pub(crate) use self::ledger::no_password;
use crate::output;

/// What kind of failure it was; the numbers are the exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A check failed.
    Check = 1,
    /// An input is wrong.
    Input = 3,
    /// Something outside is missing.
    Outside = 4,
    /// The data directory cannot be used, or output cannot be written.
    Storage = 5,
    /// A log signed two trees of which neither is the start of the other.
    Fork = 6,
}

/// The way out of a log that cannot be read where it is.
pub(crate) const UNREADABLE: &str = "`chaoschain log repair --from SOURCE` fetches what is damaged from a mirror, a server or an export. If \
     SQLite itself cannot read the file, move chaoschain.sqlite out of the data directory first, and together with it \
     chaoschain.sqlite-wal and chaoschain.sqlite-shm where they lie there, which are parts of it: the whole log then \
     comes from the source, and the keys stay where they are. What no copy has yet is lost by that: keep what was moved";

/// Why a command did not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, error: impl Into<anyhow::Error>) -> Self {
        Self { kind, error: error.into(), hint: None }
    }

    pub(crate) fn message(kind: Kind, message: impl std::fmt::Display) -> Self {
        Self::new(kind, anyhow::anyhow!("{message}"))
    }

    /// What the user can do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The hint alone, for what is told among others.
    pub(crate) fn into_hint(self) -> Option<String> {
        self.hint
    }

    /// Says what was being done.
    pub(crate) fn context(mut self, what: impl std::fmt::Display) -> Self {
        self.error = self.error.context(what.to_string());
        self
    }

    pub(crate) fn report(&self) -> ExitCode {
        output::error(&format!("{:#}", self.error));
        if let Some(hint) = &self.hint {
            output::hint(hint);
        }
        self.code()
    }

    /// Whether the same may go well later although nobody does anything about it: something outside failed, or
    /// another process has the data directory. What was paid for and came to nothing is looked at by a person.
    pub(crate) fn is_passing(&self) -> bool {
        let is_in_use = |cause: &(dyn std::error::Error + 'static)| {
            matches!(cause.downcast_ref(), Some(OpenError::InUse { .. }))
        };
        let is_paid = |cause: &(dyn std::error::Error + 'static)| {
            matches!(
                cause.downcast_ref(),
                Some(
                    chaos_chains::Error::Failed { .. }
                        | chaos_chains::Error::Unvouched(_)
                        | chaos_chains::Error::Contradicted(_)
                )
            )
        };
        match self.kind {
            Kind::Outside => !self.error.chain().any(is_paid),
            Kind::Storage => self.error.chain().any(is_in_use),
            Kind::Check | Kind::Input | Kind::Fork => false,
        }
    }

    /// Whether something was looked at and does not hold.
    pub(crate) const fn is_of_a_check(&self) -> bool {
        matches!(self.kind, Kind::Check)
    }

    /// The exit code.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.kind as u8)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

impl std::error::Error for Failure {}

/// Turns any error into a [`Failure`] of a kind.
pub(crate) trait OrFail<T> {
    fn or_fail(self, kind: Kind) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, kind: Kind) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(kind, error))
    }
}

/// Help goes to stdout with code 0, a wrong command line to stderr with code 2.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    output::usage(error);
    let code = if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
    ended(code)
}

/// The code of a command that ran, once what it printed is out.
pub(crate) fn ended(code: ExitCode) -> ExitCode {
    match output::ensure_written() {
        Ok(()) => code,
        Err(lost) => {
            let told = lost.report();
            if code == ExitCode::SUCCESS { told } else { code }
        }
    }
}
