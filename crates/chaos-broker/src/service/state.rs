//! The broker's state and what changes it: one owner, one request after the other.

mod recorded;

use std::{fmt, path::Path};

use chaos_agency::{Body as _, Evidence, receipt::Product};
use chaos_attestation::{Appraiser as _, ReasonCode, Verifier};
use chaos_ledger::{Heads, Ledger, NewEntry, Password, System};
use chaos_types::{AgentKey, Did, Digest};

use self::recorded::Recorded;
pub(super) use self::recorded::audit_trail;
use super::{
    Answer, Error, Question, Settings,
    audit::{Event, SUBJECT},
    in_force::InForce,
    vault_file::VaultFile,
};
use crate::{
    Answered, Fault, Refusal,
    channel::Claimed,
    directory::{self, Directory},
    receipts::Oversee,
    release::{self, Broker, Context},
    system::source,
    vault::Secret,
};

/// Who asks, as the channel showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Attested code that holds this key.
    Executor(Did),
    /// The operator of the log.
    Operator,
    /// Anybody, without a key.
    Anyone,
}

/// A data directory as its log last left it, before its settings are chosen.
pub struct Opened {
    ledger: Ledger,
    key: AgentKey,
    password: Option<Password>,
    recorded: Recorded,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("dir", &self.ledger.dir()).finish_non_exhaustive()
    }
}

impl Opened {
    /// Opens a data directory, creating it if there is none.
    ///
    /// # Errors
    /// If it does not open, does not go on from the newest head that `heads` remembers or has signed while
    /// nothing is remembered, its entries are
    /// not those of its tree, its operator may not oversee, or its events cannot be read.
    pub fn open(
        dir: &Path,
        password: Option<Password>,
        heads: Option<&Heads>,
        system: System,
    ) -> Result<Self, Error> {
        let ledger = Ledger::open_or_create(dir, password.clone(), heads, system)?;
        // What is released goes by these entries, so none of them may be another than was signed.
        ledger.store().recompute(0)?;
        let key = ledger.operator_for(Oversee::KIND)?;
        let recorded = Recorded::read(&ledger)?;
        Ok(Self { ledger, key, password, recorded })
    }

    /// The ledger, in which documents that new settings name are kept.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The settings that it was last served with.
    #[must_use]
    pub const fn settings(&self) -> Option<&Settings> {
        self.recorded.settings.as_ref()
    }

    /// The state under these settings, which are recorded if they are new.
    ///
    /// # Errors
    /// [`Error::Unsound`] and [`Error::AnchorClass`] for the settings, or what keeps the state from
    /// being restored.
    pub fn with(mut self, settings: Settings) -> Result<State, Error> {
        let recorded = self.recorded.settings.as_ref();
        if recorded != Some(&settings) {
            settings.ensure_sound(&self.ledger)?;
            if let Some(recorded) = recorded
                && self.recorded.has_secrets()
            {
                settings.ensure_class_of(recorded, &self.ledger)?;
            }
            record(&mut self.ledger, &self.key, &Event::Settings(settings.clone()))?;
        }
        self.restore(settings)
    }

    /// The state under the settings that it was last served with. One that never was served allows
    /// nothing, and nothing is recorded.
    ///
    /// # Errors
    /// What keeps the state from being restored.
    pub fn as_recorded(self) -> Result<State, Error> {
        let settings = self.recorded.settings.clone();
        let settings = settings.unwrap_or_else(|| Settings::unserved(self.key.did()));
        self.restore(settings)
    }

    fn restore(self, settings: Settings) -> Result<State, Error> {
        let Self { ledger, key, password, recorded } = self;
        let (directory, release) = recorded.states(&key.did(), &settings)?;
        let policy = settings.policy.open(&ledger)?;
        let anchor = settings.anchor(&policy, &ledger)?;
        let allowlist = recorded.allowlist(&ledger, &settings.trust)?;
        let in_force = InForce { verifier: Verifier::new(vec![anchor]), policy, allowlist };
        let password = password.ok_or(chaos_ledger::Error::NoPassword)?;
        let password =
            Secret::new(password.as_str().as_bytes().to_vec()).map_err(Error::Password)?;
        let vault = VaultFile::open(ledger.dir(), password, ledger.system())?;
        let receipts = Vec::new();
        let mut state =
            State { ledger, key, settings, directory, release, vault, in_force, receipts };
        match state.learn() {
            Err(Error::Refused(refusal)) => Err(Error::Rollback(refusal)),
            Err(error) => Err(error),
            Ok(()) => Ok(state),
        }
    }
}

/// Directory, release, vault and appraisal over one data directory.
pub struct State {
    pub(super) ledger: Ledger,
    key: AgentKey,
    pub(super) settings: Settings,
    pub(super) directory: Directory,
    pub(super) release: Broker,
    pub(super) vault: VaultFile,
    pub(super) in_force: InForce,
    /// The receipts that the present request led to.
    pub(super) receipts: Vec<Digest>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("dir", &self.ledger.dir())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl State {
    /// The key that signs for the broker.
    pub(super) const fn key(&self) -> &AgentKey {
        &self.key
    }

    /// What it decides by.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn dir(&self) -> &Path {
        self.ledger.dir()
    }

    pub(super) const fn system(&self) -> System {
        self.ledger.system()
    }

    pub(super) fn now_s(&self) -> u64 {
        self.system().now_s()
    }

    /// Appraises the evidence that an executor's channel began with.
    pub(super) fn admit(&self, claimed: &Claimed) -> Result<(), Refusal> {
        let finding = self.in_force.appraiser().appraise(&claimed.evidence, self.now_s())?;
        claimed.ensure_bound(&finding.report_data)
    }

    /// Answers a question. What it led to is in the log before the answer is known.
    ///
    /// # Errors
    /// [`Error::Refused`] is an answer. Every other error means that something could not be
    /// recorded, and then nothing more may be answered.
    pub fn answer(
        &mut self,
        caller: Caller,
        question: Question,
        secret: Option<Secret>,
    ) -> Result<Answer, Error> {
        self.receipts.clear();
        // Another copy of this directory may have signed meanwhile, with dismissals that this one lacks.
        self.ledger.ensure_current()?;
        match question {
            Question::Directory(message) => self.answer_directory(caller, *message),
            Question::Release(message) => self.answer_release(caller, *message),
            Question::Command(command) => {
                ensure_operator(caller)?;
                Ok(Answer::Report(self.carry_out(command, secret)?))
            }
        }
    }

    fn answer_directory(
        &mut self,
        caller: Caller,
        message: directory::Message,
    ) -> Result<Answer, Error> {
        use directory::Message as M;
        let at_s = self.now_s();
        if let M::Discover(query) = &message {
            let services = self.directory.discover(query, &self.in_force.appraiser(), at_s)?;
            let start = any_of(services.len(), self.system());
            let rotated = services.iter().cycle().skip(start).take(services.len());
            let routes = rotated.take(directory::ROUTES_MAX).map(|s| s.route()).collect();
            return Ok(Answer::Directory(Box::new(M::Found(routes))));
        }
        let caller = ensure_executor(caller)?;
        let answer = match message {
            M::ChallengeRequest(subject) => {
                let answered = self.directory.challenge(
                    &caller,
                    &subject,
                    &mut source(self.ledger.system()),
                    at_s,
                );
                M::Challenge(self.settle(answered.map_event(Event::Directory))?)
            }
            M::Register(request) => {
                let answered = self.directory.register(&request, &self.in_force.appraiser(), at_s);
                self.settle(answered.map_event(Event::Directory))?;
                M::Done
            }
            M::Heartbeat(request) => {
                let answered = self.directory.heartbeat(&request, &self.in_force.appraiser(), at_s);
                self.settle(answered.map_event(Event::Directory))?;
                M::Done
            }
            M::Withdraw(request) => {
                let answered = self.directory.withdraw(&request, at_s);
                self.settle(answered.map_event(Event::Directory))?;
                M::Done
            }
            M::Discover(_) | M::Challenge(_) | M::Found(_) | M::Done | M::Refused(_) => {
                return Err(no_question().into());
            }
        };
        Ok(Answer::Directory(Box::new(answer)))
    }

    fn answer_release(
        &mut self,
        caller: Caller,
        message: release::Message,
    ) -> Result<Answer, Error> {
        use release::Message as M;
        let at_s = self.now_s();
        let caller = ensure_executor(caller)?;
        let answer = match message {
            M::RevocationsRequest => M::Revocations(self.release.revocations(&self.key, at_s)?),
            M::ChallengeRequest(purpose) => {
                let answered = self.release.challenge(
                    &caller,
                    &purpose,
                    &mut source(self.ledger.system()),
                    at_s,
                );
                M::Challenge(self.settle(answered.map_event(Event::Release))?)
            }
            M::ReleaseRequest(request) => {
                let context = Context {
                    appraiser: &self.in_force.appraiser(),
                    key: &self.key,
                    vault: self.vault.vault(),
                };
                let answered = self.release.release(
                    &request,
                    &context,
                    &mut source(self.ledger.system()),
                    at_s,
                );
                M::Grant(Box::new(self.settle(answered.map_event(Event::Release))?))
            }
            M::Challenge(_) | M::Grant(_) | M::Revocations(_) | M::Refused(_) => {
                return Err(no_question().into());
            }
        };
        Ok(Answer::Release(Box::new(answer)))
    }

    /// Records what changed in the vault.
    pub(super) fn learn(&mut self) -> Result<(), Error> {
        let Answered { event, answer } = self.release.learn(self.vault.vault(), self.now_s());
        for event in event {
            self.record(&Event::Release(event))?;
        }
        Ok(answer?)
    }

    /// Records what happened and only then gives the answer.
    pub(super) fn settle<T>(&mut self, answered: Answered<T, Event>) -> Result<T, Error> {
        self.record(&answered.event)?;
        Ok(answered.answer?)
    }

    pub(super) fn record(&mut self, event: &Event) -> Result<(), Error> {
        let receipt = record(&mut self.ledger, &self.key, event)?;
        self.receipts.push(receipt);
        Ok(())
    }
}

/// Logs an event under the operator's key, its document as a blob.
fn record(ledger: &mut Ledger, key: &AgentKey, event: &Event) -> Result<Digest, Error> {
    let document = ledger.put_blob(&event.to_bytes().map_err(Error::Encode)?)?;
    let entry = NewEntry {
        agent: ledger.operator(),
        keys: vec![key],
        parents: vec![],
        subjects: vec![Product::new(SUBJECT, document)],
        evidence: Evidence::None {},
        action: event.to_action(),
    };
    Ok(ledger.record(entry)?)
}

/// A random place among so many, so that whoever registered first is not always named first.
fn any_of(count: usize, system: System) -> usize {
    let mut bytes = [0; 4];
    source(system)(&mut bytes);
    let drawn = usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(0);
    drawn.checked_rem(count).unwrap_or(0)
}

fn ensure_operator(caller: Caller) -> Result<(), Refusal> {
    match caller {
        Caller::Operator => Ok(()),
        Caller::Executor(_) | Caller::Anyone => {
            Err(Refusal::new(Fault::CallerRefused, "expected the operator of the log"))
        }
    }
}

fn ensure_executor(caller: Caller) -> Result<Did, Refusal> {
    match caller {
        Caller::Executor(key) => Ok(key),
        Caller::Operator | Caller::Anyone => Err(Refusal::new(
            Fault::CallerRefused,
            "expected attested code, on a channel that began with its evidence",
        )),
    }
}

fn no_question() -> Refusal {
    Refusal::new(ReasonCode::MessageMalformed, "the message is an answer, expected a question")
}

/// Carries an event over into the kind that is recorded.
pub(super) trait MapEvent<T, E> {
    fn map_event(self, into: impl FnOnce(E) -> Event) -> Answered<T, Event>;
}

impl<T, E> MapEvent<T, E> for Answered<T, E> {
    fn map_event(self, into: impl FnOnce(E) -> Event) -> Answered<T, Event> {
        Answered { event: into(self.event), answer: self.answer }
    }
}
