use std::{fmt, path::Path};

use chaos_attestation::{
    Refusal,
    allowlist::{Allowlist, Trust},
};
use chaos_ledger::{Error as LedgerError, Heads, Keys, OPERATOR, Password, System};
use chaos_store::OpenError;
use chaos_types::{AgentKey, Did, Digest};
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use super::{
    Answer, Caller, Command, Error, Opened, Question, Report, State, address_file::AddressFile,
    vault_file::secret_of,
};
use crate::{
    directory::{Message, Query, Route},
    transport::{Channel, Session},
};

/// The allowlist that is in force, and whose lists are.
#[derive(Debug, Clone)]
pub struct ListInForce {
    /// The list, if there is one.
    pub list: Option<Allowlist>,
    /// Whose lists count.
    pub trust: Trust,
}

/// An allowlist that was put in force.
#[derive(Debug, Clone)]
pub struct Amended {
    /// Its number.
    pub sequence: u64,
    /// The receipts of it.
    pub receipts: Vec<Digest>,
}

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
    pub fn open(
        dir: &Path,
        password: Option<Password>,
        heads: Option<&Heads>,
        system: System,
    ) -> Result<Self, Error> {
        let failure = match Opened::open(dir, password.clone(), heads, system) {
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

    /// Carries out a command that changes something; gives the receipts of it.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn carry_out(
        &mut self,
        command: Command,
        secret: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Vec<Digest>, Error> {
        match self.command(command, secret)? {
            Report::Done { receipts } => Ok(receipts),
            Report::Allowlist { .. }
            | Report::Secrets(_)
            | Report::Leases(_)
            | Report::Services(_)
            | Report::Trail(_) => Err(Error::OtherAnswer),
        }
    }

    /// The allowlist that is in force.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn allowlist(&mut self) -> Result<ListInForce, Error> {
        match self.command(Command::ShowAllowlist, None)? {
            Report::Allowlist { list, trust } => {
                Ok(ListInForce { list: list.map(|list| *list), trust: *trust })
            }
            Report::Done { .. }
            | Report::Secrets(_)
            | Report::Leases(_)
            | Report::Services(_)
            | Report::Trail(_) => Err(Error::OtherAnswer),
        }
    }

    /// Puts a signed allowlist in force; gives the receipts of it.
    ///
    /// # Errors
    /// As [`Self::command`], and if it is not text.
    pub fn publish(&mut self, envelope: Vec<u8>) -> Result<Vec<Digest>, Error> {
        let envelope = String::from_utf8(envelope)?;
        self.carry_out(Command::PublishAllowlist { envelope }, None)
    }

    /// Signs the next issue of the operator's allowlist, changed, and puts it in force from a time
    /// (Unix seconds) and for so many days.
    ///
    /// # Errors
    /// As [`Self::publish`]; [`Error::ForeignIssuer`], or what refuses the change.
    pub fn amend(
        &mut self,
        operator: &AgentKey,
        from_s: u64,
        days: u64,
        change: impl FnOnce(&mut Allowlist) -> Result<(), Refusal>,
    ) -> Result<Amended, Error> {
        let ListInForce { list: held, trust: Trust { issuer, .. } } = self.allowlist()?;
        if issuer != operator.did() {
            return Err(Error::ForeignIssuer { issuer });
        }
        let mut list = Allowlist::next(issuer, held, from_s, days);
        change(&mut list).map_err(Error::Amend)?;
        let receipts = self.publish(list.sign(operator).map_err(Error::Amend)?)?;
        Ok(Amended { sequence: list.sequence, receipts })
    }

    /// The services that a query finds.
    ///
    /// # Errors
    /// As [`Self::ask`], and [`Error::OtherAnswer`].
    pub fn find(&mut self, query: Query) -> Result<Vec<Route>, Error> {
        routes(self.ask(discover(query))?)
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

/// Asks the broker of this key at an address for the services that a query finds, as anybody may.
///
/// # Errors
/// If the broker cannot be asked, or answers something else.
pub async fn find_at(address: &str, broker: &Did, query: Query) -> Result<Vec<Route>, Error> {
    let mut channel = Session::open(address, broker).await?.look().await?;
    routes(channel.ask(&discover(query)).await?)
}

fn discover(query: Query) -> Question {
    Question::Directory(Box::new(Message::Discover(query)))
}

fn routes(answer: Answer) -> Result<Vec<Route>, Error> {
    let Answer::Directory(message) = answer else { return Err(Error::OtherAnswer) };
    match *message {
        Message::Found(routes) => Ok(routes),
        Message::ChallengeRequest(_)
        | Message::Challenge(_)
        | Message::Register(_)
        | Message::Heartbeat(_)
        | Message::Withdraw(_)
        | Message::Discover(_)
        | Message::Done
        | Message::Refused(_) => Err(Error::OtherAnswer),
    }
}
