//! Logs of any size, through the ledger.

use std::{error::Error, path::Path, thread};

use chaos_agency::{
    Action, Evidence, Kinds,
    action::{Profile, Verdict},
    receipt::Draft,
};
use chaos_ledger::{Heads, Ledger, Prepared, System};
use chaos_types::{AgentKey, Did, Digest, canonical, dsse::Envelope};

/// The password of the generated logs' keys, which the program is given too.
pub(crate) const PASSWORD: &str = "bench";

/// How many receipts are appended at a time.
const GROUP: u64 = 2_048;

/// The kinds of the program, so that it folds what is generated here.
const KINDS: Kinds =
    Kinds::new(&[chaos_governance::receipts::EXTENSION, chaos_broker::receipts::EXTENSION]);

/// The machine's time, as the program's, and numbers that repeat with every run.
pub(crate) const SYSTEM: System = System {
    kinds: KINDS,
    now_ms,
    random: |bytes| {
        bytes.fill(7);
        Ok(())
    },
};

#[expect(clippy::disallowed_methods, reason = "the program appends to these logs by its clock")]
fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or(0)
}

/// An agent whose key follows from its number.
pub(crate) struct Actor {
    number: u64,
    key: AgentKey,
}

impl Actor {
    pub(crate) fn numbered(number: u64) -> Self {
        let seed = Digest::of(&number.to_be_bytes());
        Self { number, key: AgentKey::from_seed(seed.as_bytes()) }
    }

    pub(crate) fn registration(&self, log: Did) -> Result<Envelope, canonical::Error> {
        self.sign(
            log,
            Action::Register(Profile {
                name: format!("agent-{}", self.number),
                role: "verifier".to_owned(),
                capabilities: vec!["verify".to_owned()],
                studio: "governance".to_owned(),
            }),
        )
    }

    /// A change of the role, which no other of the agent's has.
    fn change(&self, log: Did, number: u64) -> Result<Envelope, canonical::Error> {
        self.sign(
            log,
            Action::Update(Profile {
                name: format!("agent-{}", self.number),
                role: format!("role-{number}"),
                capabilities: vec!["verify".to_owned()],
                studio: "governance".to_owned(),
            }),
        )
    }

    /// A verdict that no other has.
    pub(crate) fn verdict(&self, log: Did, number: u64) -> Result<Envelope, canonical::Error> {
        let receipt = Digest::of(&number.to_be_bytes());
        self.sign(log, Action::Verify(Verdict { receipt, failed: None, reexecuted: true }))
    }

    fn sign(&self, log: Did, action: Action) -> Result<Envelope, canonical::Error> {
        Draft {
            log,
            agent: self.key.did(),
            claimed_at_ms: 0,
            parents: vec![],
            subjects: vec![],
            evidence: Evidence::None {},
            action,
        }
        .sign(&[&self.key])
    }
}

/// A new log with its operator and one agent.
pub(crate) fn ledger(data: &Path, actor: &Actor) -> Result<Ledger, Box<dyn Error>> {
    let mut ledger = Ledger::open_or_create(data, Some(PASSWORD.to_owned().into()), None, SYSTEM)?;
    let envelope = actor.registration(ledger.operator())?;
    ledger.append(&envelope, SYSTEM.now_ms())?;
    Ok(ledger)
}

/// A log of verdicts by one agent, with its newest head signed.
pub(crate) fn receipts(data: &Path, size: u64) -> Result<(), Box<dyn Error>> {
    let actor = Actor::numbered(0);
    let mut ledger = ledger(data, &actor)?;
    let log = ledger.operator();
    fill(&mut ledger, size, |number| actor.verdict(log, number))?;
    ledger.checkpoint(&Heads::new(data.with_extension("heads")))?;
    Ok(())
}

/// A log in which one agent has many registry entries, and the receipt of its verdict after them.
pub(crate) fn history(
    ledger: &mut Ledger,
    actor: &Actor,
    entries: u64,
) -> Result<Digest, Box<dyn Error>> {
    let log = ledger.operator();
    fill(ledger, entries + 1, |number| actor.change(log, number))?;
    let envelope = actor.verdict(log, 0)?;
    Ok(ledger.append(&envelope, SYSTEM.now_ms())?)
}

/// A log of registrations.
pub(crate) fn agents(data: &Path, count: u64) -> Result<(), Box<dyn Error>> {
    let mut ledger = ledger(data, &Actor::numbered(0))?;
    let log = ledger.operator();
    fill(&mut ledger, count, |number| Actor::numbered(number).registration(log))
}

fn fill(
    ledger: &mut Ledger,
    size: u64,
    make: impl Fn(u64) -> Result<Envelope, canonical::Error> + Sync,
) -> Result<(), Box<dyn Error>> {
    while ledger.size() < size {
        let numbers: Vec<u64> = (ledger.size()..size.min(ledger.size() + GROUP)).collect();
        let (first, second) = numbers.split_at(numbers.len() / 2);
        let prepare = |numbers: &[u64]| -> Result<Vec<Prepared>, String> {
            let text = |error: &dyn Error| error.to_string();
            let one = |number: &u64| {
                let envelope = make(*number).map_err(|error| text(&error))?;
                Prepared::read(&envelope, &KINDS).map_err(|error| text(&error))
            };
            numbers.iter().map(one).collect()
        };
        let mut group = thread::scope(|scope| {
            let other = scope.spawn(|| prepare(first));
            let own = prepare(second)?;
            let other = other.join().unwrap_or_else(|_| Err("a thread ended".to_owned()))?;
            Ok::<_, String>([other, own].concat())
        })?;
        group.truncate(numbers.len());
        for answer in ledger.append_group(&group, SYSTEM.now_ms())? {
            answer?;
        }
    }
    Ok(())
}
