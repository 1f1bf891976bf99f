//! The broker's state and what changes it: one owner, one request after the other.

mod fold;
mod orders;

use std::path::Path;

use chaos_agency::Evidence;
use chaos_attestation::{Appraiser as _, ReasonCode, Refusal, Verifier};
use chaos_broker::{
    Answered,
    channel::Claimed,
    directory::{self, Directory},
    release::{self, Broker, Context},
    vault::Secret,
};
use chaos_types::{AgentKey, Did, Digest};

use self::fold::Folded;
use super::{
    Answer, Question, Settings,
    event::{Event, SUBJECT},
    judge::Bench,
    safe::Safe,
};
use crate::{
    clock,
    exit::{Failure, Kind, OrFail as _},
    ledger,
};
use chaos_ledger::{Ledger, NewEntry};

/// Who asks, as the channel showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Attested code that holds this key.
    Executor(Did),
    /// The operator of the log.
    Operator,
    /// Nobody in particular.
    Anyone,
}

/// Directory, release, vault and judge over one data directory.
pub(crate) struct Desk {
    ledger: Ledger,
    key: AgentKey,
    settings: Settings,
    directory: Directory,
    release: Broker,
    safe: Safe,
    bench: Bench,
    /// The receipts that the present request led to.
    receipts: Vec<Digest>,
}

impl Desk {
    /// Opens a data directory as the log last left it, with other settings if `change` makes them
    /// from the recorded ones.
    pub(super) fn open(
        dir: &Path,
        change: impl FnOnce(&Ledger, Option<&Settings>) -> Result<Settings, Failure>,
    ) -> Result<Self, Failure> {
        let mut ledger = ledger::open_or_create(dir)?;
        let key = ledger.operator_for("oversee")?;
        let folded = Folded::read(&ledger)?;
        let settings = change(&ledger, folded.settings.as_ref())?;
        if folded.settings.as_ref() != Some(&settings) {
            settings.ensure_sound(&ledger)?;
            if let Some(recorded) = &folded.settings
                && folded.has_secrets()
            {
                settings.ensure_class_of(recorded, &ledger)?;
            }
            record(&mut ledger, &key, &Event::Settings(settings.clone()))?;
        }
        Self::with(dir, ledger, key, &folded, settings)
    }

    /// Opens a data directory with the settings that it was last served with. One that never was
    /// allows nothing, and nothing is recorded.
    pub(super) fn open_as_it_was(dir: &Path) -> Result<Self, Failure> {
        let ledger = ledger::open_or_create(dir)?;
        let key = ledger.operator_for("oversee")?;
        let folded = Folded::read(&ledger)?;
        let settings = folded.settings.clone().unwrap_or_else(|| Settings::unserved(key.did()));
        Self::with(dir, ledger, key, &folded, settings)
    }

    fn with(
        dir: &Path,
        ledger: Ledger,
        key: AgentKey,
        folded: &Folded,
        settings: Settings,
    ) -> Result<Self, Failure> {
        let (directory, release) = folded.states(&key.did(), &settings)?;
        let policy = settings.policy.open(&ledger)?;
        let anchor = settings.anchor(&policy, &ledger)?;
        let allowlist = folded.allowlist(&ledger, &settings.trust)?;
        let bench = Bench { verifier: Verifier::new(vec![anchor]), policy, allowlist };
        let safe = Safe::open(dir, ledger::password()?.as_str())?;
        let receipts = Vec::new();
        let mut desk = Self { ledger, key, settings, directory, release, safe, bench, receipts };
        desk.learn()?.or_fail(Kind::Storage)?;
        Ok(desk)
    }

    /// The key that signs for the broker.
    pub(super) const fn key(&self) -> &AgentKey {
        &self.key
    }

    /// What it decides by.
    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Stores the views and lets go of the directory.
    pub(super) fn close(mut self) -> Result<(), Failure> {
        Ok(self.ledger.save_views()?)
    }

    /// Puts an allowlist in force.
    pub(super) fn publish(&mut self, envelope: &[u8]) -> Result<Result<(), Refusal>, Failure> {
        self.order_publish(envelope)
    }

    /// Judges the evidence that an executor's channel began with.
    pub(super) fn admit(&self, claimed: &Claimed) -> Result<(), Refusal> {
        let finding = self.bench.judge().appraise(&claimed.evidence, clock::now_s())?;
        claimed.ensure_bound(&finding.report_data)
    }

    /// Answers a question. What it led to is in the log before the answer is known; a failure means
    /// that it could not be recorded, and then nothing more may be answered.
    pub(super) fn answer(
        &mut self,
        caller: Caller,
        question: Question,
        secret: Option<Secret>,
    ) -> Result<Result<Answer, Refusal>, Failure> {
        self.receipts.clear();
        match question {
            Question::Directory(message) => self.answer_directory(caller, *message),
            Question::Release(message) => self.answer_release(caller, *message),
            Question::Order(order) => match ensure_operator(caller) {
                Ok(()) => Ok(self.carry_out(order, secret)?.map(Answer::Report)),
                Err(refusal) => Ok(Err(refusal)),
            },
        }
    }

    fn answer_directory(
        &mut self,
        caller: Caller,
        message: directory::Message,
    ) -> Result<Result<Answer, Refusal>, Failure> {
        use directory::Message as M;
        let at_s = clock::now_s();
        if let M::Discover(query) = &message {
            let found = self.directory.discover(query, &self.bench.judge(), at_s).map(|services| {
                let start = any_of(services.len());
                let rotated = services.iter().cycle().skip(start).take(services.len());
                rotated.take(directory::ROUTES_MAX).map(|s| s.route()).collect()
            });
            return Ok(found.map(|routes| Answer::Directory(Box::new(M::Found(routes)))));
        }
        let caller = match ensure_executor(caller) {
            Ok(key) => key,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let answer = match message {
            M::ChallengeRequest(subject) => {
                let answered = self.directory.challenge(&caller, &subject, &mut clock::fill, at_s);
                self.settle(answered.map_event(Event::Directory))?.map(M::Challenge)
            }
            M::Register(request) => {
                let answered = self.directory.register(&request, &self.bench.judge(), at_s);
                self.settle(answered.map_event(Event::Directory))?.map(|()| M::Done)
            }
            M::Heartbeat(request) => {
                let answered = self.directory.heartbeat(&request, &self.bench.judge(), at_s);
                self.settle(answered.map_event(Event::Directory))?.map(|()| M::Done)
            }
            M::Withdraw(request) => {
                let answered = self.directory.withdraw(&request, at_s);
                self.settle(answered.map_event(Event::Directory))?.map(|()| M::Done)
            }
            M::Discover(_) | M::Challenge(_) | M::Found(_) | M::Done | M::Refused(_) => {
                Err(no_question())
            }
        };
        Ok(answer.map(|message| Answer::Directory(Box::new(message))))
    }

    fn answer_release(
        &mut self,
        caller: Caller,
        message: release::Message,
    ) -> Result<Result<Answer, Refusal>, Failure> {
        use release::Message as M;
        let at_s = clock::now_s();
        let caller = match ensure_executor(caller) {
            Ok(key) => key,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let answer = match message {
            M::RevocationsRequest => self.release.revocations(&self.key, at_s).map(M::Revocations),
            M::ChallengeRequest(purpose) => {
                let answered = self.release.challenge(&caller, &purpose, &mut clock::fill, at_s);
                self.settle(answered.map_event(Event::Release))?.map(M::Challenge)
            }
            M::ReleaseRequest(request) => {
                let means = Context {
                    appraiser: &self.bench.judge(),
                    key: &self.key,
                    vault: self.safe.vault(),
                };
                let answered = self.release.release(&request, &means, &mut clock::fill, at_s);
                self.settle(answered.map_event(Event::Release))?
                    .map(|grant| M::Grant(Box::new(grant)))
            }
            M::Challenge(_) | M::Grant(_) | M::Revocations(_) | M::Refused(_) => Err(no_question()),
        };
        Ok(answer.map(|message| Answer::Release(Box::new(message))))
    }

    /// Takes note of the vault.
    fn learn(&mut self) -> Result<Result<(), Refusal>, Failure> {
        let Answered { event, answer } = self.release.learn(self.safe.vault(), clock::now_s());
        for event in event {
            self.record(&Event::Release(event))?;
        }
        Ok(answer)
    }

    /// Records what happened and only then gives the answer.
    fn settle<T>(&mut self, answered: Answered<T, Event>) -> Result<Result<T, Refusal>, Failure> {
        self.record(&answered.event)?;
        Ok(answered.answer)
    }

    fn record(&mut self, event: &Event) -> Result<(), Failure> {
        let receipt = record(&mut self.ledger, &self.key, event)?;
        self.receipts.push(receipt);
        Ok(())
    }
}

/// Logs an event under the operator's key, its document as a blob.
fn record(ledger: &mut Ledger, key: &AgentKey, event: &Event) -> Result<Digest, Failure> {
    let document = ledger.put_blob(&event.to_bytes().or_fail(Kind::Check)?)?;
    Ok(ledger.record(NewEntry {
        agent: key.did(),
        keys: vec![key],
        parents: vec![],
        subjects: vec![chaos_agency::receipt::Product::new(SUBJECT, document)],
        evidence: Evidence::None {},
        action: event.to_action(),
    })?)
}

/// A random place among so many, so that whoever registered first is not always named first.
fn any_of(count: usize) -> usize {
    let mut bytes = [0; 4];
    clock::fill(&mut bytes);
    let drawn = usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(0);
    drawn.checked_rem(count).unwrap_or(0)
}

fn ensure_operator(caller: Caller) -> Result<(), Refusal> {
    match caller {
        Caller::Operator => Ok(()),
        Caller::Executor(_) | Caller::Anyone => {
            Err(Refusal::new(ReasonCode::CallerRefused, "expected the operator of the log"))
        }
    }
}

fn ensure_executor(caller: Caller) -> Result<Did, Refusal> {
    match caller {
        Caller::Executor(key) => Ok(key),
        Caller::Operator | Caller::Anyone => Err(Refusal::new(
            ReasonCode::CallerRefused,
            "expected attested code, on a channel that began with its evidence",
        )),
    }
}

fn no_question() -> Refusal {
    Refusal::new(ReasonCode::MessageMalformed, "the message is an answer, expected a question")
}

/// Carries an event over into the record's own kind.
trait MapEvent<T, E> {
    fn map_event(self, into: impl FnOnce(E) -> Event) -> Answered<T, Event>;
}

impl<T, E> MapEvent<T, E> for Answered<T, E> {
    fn map_event(self, into: impl FnOnce(E) -> Event) -> Answered<T, Event> {
        Answered { event: into(self.event), answer: self.answer }
    }
}
