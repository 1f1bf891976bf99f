use std::{fmt, path::Path};

use chaos_ledger::{Error as LedgerError, Keys, OPERATOR, Password, System};
use chaos_store::OpenError;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use super::{
    Answer, Caller, Command, Error, Opened, Question, Report, State, address_file::AddressFile,
    vault_file::secret_of,
};
use crate::transport::{Channel, Session};

/// The operator's way to the broker: its state, while no server has the data directory open, else
/// the server, by the operator's key over the attested channel.
pub struct Client(Way);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

enum Way {
    /// This process has the data directory.
    Local(Box<State>),
    /// A server has it.
    Remote { runtime: Runtime, channel: Box<Channel> },
}

impl Client {
    /// Opens the data directory, or a channel to the server that has it open.
    ///
    /// # Errors
    /// If neither opens.
    pub fn open(dir: &Path, password: Option<Password>, system: System) -> Result<Self, Error> {
        let failure = match Opened::open(dir, password.clone(), system) {
            Ok(opened) => return Ok(Self(Way::Local(Box::new(opened.as_recorded()?)))),
            Err(failure) => failure,
        };
        let in_use = matches!(
            &failure,
            Error::Ledger(LedgerError::Open { source: OpenError::InUse { .. }, .. })
        );
        let Some(found) = in_use.then(|| AddressFile::read(dir)).flatten() else {
            return Err(failure);
        };
        let key = Keys::new(dir, password.as_ref(), system).open(OPERATOR)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::System)?;
        let channel = runtime.block_on(async {
            Session::open(&found.address, &found.broker).await?.operate(&key).await
        })?;
        Ok(Self(Way::Remote { runtime, channel: Box::new(channel) }))
    }

    /// Asks a question that needs no secret.
    ///
    /// # Errors
    /// [`Error::Refused`], or what keeps the broker from answering.
    pub fn ask(&mut self, question: Question) -> Result<Answer, Error> {
        self.ask_with(question, None)
    }

    /// Carries out a command, with the bytes of a secret if it has one.
    ///
    /// # Errors
    /// As [`Self::ask`], and [`Error::OtherAnswer`].
    pub fn command(
        &mut self,
        command: Command,
        secret: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Report, Error> {
        match self.ask_with(Question::Command(command), secret)? {
            Answer::Report(report) => Ok(report),
            Answer::Directory(_) | Answer::Release(_) => Err(Error::OtherAnswer),
        }
    }

    fn ask_with(
        &mut self,
        question: Question,
        secret: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Answer, Error> {
        match &mut self.0 {
            Way::Local(state) => {
                let secret = secret.map(secret_of).transpose()?;
                state.answer(Caller::Operator, question, secret)
            }
            Way::Remote { runtime, channel } => {
                Ok(runtime.block_on(channel.ask_with(&question, secret.as_ref()))?)
            }
        }
    }
}
