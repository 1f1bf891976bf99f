//! How the operator's commands reach the desk: themselves while no broker runs, else through the
//! broker, by the operator's key over the attested channel.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chaos_store::OpenError;
use chaos_types::Did;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use super::{Answer, Caller, Order, Question, Report, desk::Desk, safe::secret_of};
use crate::{
    channel::{Channel, Error, Session},
    clock,
    exit::{Failure, Kind, OrFail as _},
    ledger,
};
use chaos_ledger::{Keys, OPERATOR};

/// The notice's file is at most this long, in bytes.
const NOTICE_BYTES_MAX: usize = 4096;

/// Where the broker of a data directory listens, written while it runs.
pub(super) struct Notice(PathBuf);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    address: String,
    broker: Did,
}

impl Notice {
    fn path(dir: &Path) -> PathBuf {
        dir.join("broker.json")
    }

    pub(super) fn post(dir: &Path, address: &str, broker: &Did) -> Result<Self, Failure> {
        let posted = Posted { address: address.to_owned(), broker: *broker };
        let text = serde_json::to_vec(&posted).or_fail(Kind::Storage)?;
        chaos_files::write_synced(&Self::path(dir), chaos_files::Readers::Owner, &text)
            .or_fail(Kind::Storage)?;
        Ok(Self(Self::path(dir)))
    }

    /// A notice that stays behind does no harm: the lock says whether a broker runs.
    pub(super) fn take_down(self) {
        let _gone = fs::remove_file(self.0);
    }

    fn read(dir: &Path) -> Result<Posted, Failure> {
        let bytes = chaos_files::read(&Self::path(dir), NOTICE_BYTES_MAX)?;
        serde_json::from_slice(&bytes).or_fail(Kind::Storage)
    }
}

/// A way to the desk.
pub(crate) enum Access {
    /// No broker runs: this process has the data directory.
    Here(Box<Desk>),
    /// A broker runs.
    There { runtime: Runtime, channel: Box<Channel> },
}

impl Access {
    /// Opens the data directory, or a channel to the broker that has it open.
    pub(crate) fn open(dir: &Path) -> Result<Self, Failure> {
        let failure = match Desk::open_as_it_was(dir) {
            Ok(desk) => return Ok(Self::Here(Box::new(desk))),
            Err(failure) => failure,
        };
        if !matches!(failure.cause::<OpenError>(), Some(OpenError::InUse { .. })) {
            return Err(failure);
        }
        let Ok(posted) = Notice::read(dir) else { return Err(failure) };
        let password = ledger::password()?;
        let key = Keys::new(dir, Some(&password), clock::SYSTEM).open(OPERATOR)?;
        let runtime = runtime()?;
        let channel = runtime
            .block_on(async {
                Session::open(&posted.address, &posted.broker).await?.operate(&key).await
            })
            .map_err(into_failure)?;
        Ok(Self::There { runtime, channel: Box::new(channel) })
    }

    /// Asks a question that needs no secret.
    pub(crate) fn ask(&mut self, question: Question) -> Result<Answer, Failure> {
        self.converse(question, None)
    }

    /// Carries out an order, with the bytes of a secret if it has one.
    pub(crate) fn order(
        &mut self,
        order: Order,
        secret: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Report, Failure> {
        match self.converse(Question::Order(order), secret)? {
            Answer::Report(report) => Ok(report),
            Answer::Directory(_) | Answer::Release(_) => {
                Err(Failure::message(Kind::Outside, "the broker answered another question"))
            }
        }
    }

    fn converse(
        &mut self,
        question: Question,
        secret: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Answer, Failure> {
        match self {
            Self::Here(desk) => {
                let secret = secret.map(secret_of).transpose().or_fail(Kind::Input)?;
                desk.answer(Caller::Operator, question, secret)?.or_fail(Kind::Input)
            }
            Self::There { runtime, channel } => {
                runtime.block_on(channel.ask_with(&question, secret.as_ref())).map_err(into_failure)
            }
        }
    }

    /// Lets go of the data directory or the channel.
    pub(crate) fn close(self) -> Result<(), Failure> {
        match self {
            Self::Here(desk) => desk.close(),
            Self::There { .. } => Ok(()),
        }
    }
}

/// A runtime for one conversation.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().or_fail(Kind::Outside)
}

/// A refusal is a wrong input; the rest is outside.
pub(crate) fn into_failure(error: Error) -> Failure {
    match error {
        Error::Refused(refusal) => Failure::new(Kind::Input, refusal),
        error => Failure::new(Kind::Outside, error),
    }
}
