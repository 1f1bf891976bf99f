//! Receipts: who did what, when they say it was, from what, and why to believe it.

mod rules;

use chaos_types::{
    AgentKey, Check, CodeIdentity, Did, Digest, Narrow, Rejection, Verified, canonical, decimal,
    dsse::{Envelope, Opened},
    statement::{Statement, Subject},
};
use serde::{Deserialize, Serialize};

pub(crate) use self::rules::ensure_own;
pub use self::rules::{Form, ensure_address, ensure_hash};
use crate::{Action, Fault, Kinds, kind::Written};

/// The predicate type of every receipt. An identifier: nothing is fetched from it.
pub const PREDICATE_TYPE: &str = "https://chaoschain.org/receipt/v1";

/// A receipt names at most this many causal parents.
pub(crate) const PARENTS_MAX: usize = 256;

/// A receipt's content, its signatures checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// SHA-256 of the envelope's canonical bytes.
    pub id: Digest,
    /// The keys that signed, the agent's own first.
    pub signers: Vec<Did>,
    /// The log that the receipt is meant for, named by its operator's root key. Another log refuses
    /// it, so that work cannot be carried off to earn a reputation elsewhere.
    pub log: Did,
    /// The agent, named by its root key.
    pub agent: Did,
    /// When the agent says it acted, milliseconds since 1970. Nothing is decided by it: the time
    /// that counts is the log's.
    pub claimed_at_ms: u64,
    /// The receipts that this action built on.
    pub parents: Vec<Digest>,
    /// What was produced.
    pub subjects: Vec<Product>,
    /// Why the receipt deserves belief.
    pub evidence: Evidence,
    /// What was done.
    pub action: Action,
}

/// A named digest of something an action produced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// A name for people.
    pub name: String,
    /// The SHA-256 of the bytes.
    pub digest: Digest,
}

impl Product {
    /// Names the digest of something produced.
    pub fn new(name: impl Into<String>, digest: Digest) -> Self {
        Self { name: name.into(), digest }
    }
}

/// Why a receipt deserves belief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case", deny_unknown_fields)]
pub enum Evidence {
    /// The agent's word.
    None {},
    /// Anyone can run a program again and must get the same output.
    Replayable(Replay),
    /// A key that a quote binds to an environment signed the receipt, and with it what ran there.
    Attested(Box<Attested>),
}

/// What anyone can run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// What was run.
    pub program: Program,
    /// Everything it read, by digest.
    pub inputs: Vec<Input>,
    /// The digest of what it wrote; one of the receipt's subjects.
    pub output: Digest,
}

/// What an attested environment vouches for: it signs the whole receipt, after the agent, with a
/// key that was made inside and that a quote binds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attested {
    /// The key made inside; the receipt's last signer.
    pub key: Did,
    /// What the key's quote says about it.
    pub period: Period,
    /// SHA-256 of the part of the quote that the hardware signed: what names the quote.
    pub evidence_id: Digest,
    /// SHA-256 of the quote's canonical bytes.
    pub quote: Digest,
    /// SHA-256 of the collateral that the quote is verified with.
    pub collateral: Digest,
    /// What ran inside.
    pub execution: Execution,
    /// What else anyone can run again, if the receipt is replayable too.
    pub replay: Option<Replay>,
}

/// How long an attested key may sign; bound by its quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// From this second on, Unix time.
    #[serde(with = "decimal")]
    pub from_s: u64,
    /// Up to this second and not in it, Unix time.
    #[serde(with = "decimal")]
    pub until_s: u64,
}

/// One run of a component in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// Which code ran.
    pub code: CodeIdentity,
    /// The world of the host interface that it was run in, such as `generic`.
    pub world: String,
    /// SHA-256 of the input bytes.
    pub input: Digest,
    /// SHA-256 of the output bytes; one of the receipt's subjects.
    pub output: Digest,
    /// How much fuel it used.
    #[serde(with = "decimal")]
    pub fuel: u64,
    /// The head of the hash chain over every call to the host and its answer.
    pub transcript: Digest,
}

impl Evidence {
    /// The class as written on the wire.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::None {} => "none",
            Self::Replayable(_) => "replayable",
            Self::Attested(_) => "attested",
        }
    }

    /// All classes that the receipt claims, as people read them.
    #[must_use]
    pub fn classes(&self) -> &'static str {
        match (self.class(), self.replay()) {
            ("attested", Some(_)) => "attested and replayable",
            (class, _) => class,
        }
    }

    /// What anyone can run again, if there is something.
    #[must_use]
    pub fn replay(&self) -> Option<&Replay> {
        match self {
            Self::None {} => None,
            Self::Replayable(replay) => Some(replay),
            Self::Attested(attested) => attested.replay.as_ref(),
        }
    }

    /// What an attested environment vouches for, if one does.
    #[must_use]
    pub fn attested(&self) -> Option<&Attested> {
        match self {
            Self::None {} | Self::Replayable(_) => None,
            Self::Attested(attested) => Some(attested),
        }
    }
}

/// A deterministic program and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Such as `chaos-reputation`.
    pub name: String,
    /// Its release.
    pub version: String,
}

/// A named input of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What the program knows it as.
    pub name: String,
    /// The SHA-256 of its bytes.
    pub digest: Digest,
}

/// The predicate as it travels.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate<A> {
    log: Did,
    agent: Did,
    #[serde(with = "decimal")]
    claimed_at_ms: u64,
    parents: Vec<Digest>,
    evidence: Evidence,
    action: A,
}

/// What an agent is about to sign.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The operator of the log it is meant for.
    pub log: Did,
    /// The agent, named by its root key.
    pub agent: Did,
    /// When it acted, milliseconds since 1970.
    pub claimed_at_ms: u64,
    /// The receipts it built on.
    pub parents: Vec<Digest>,
    /// What it produced. If empty, the digest of the action itself becomes the subject.
    pub subjects: Vec<Product>,
    /// Why to believe it.
    pub evidence: Evidence,
    /// What it did.
    pub action: Action,
}

impl Draft {
    /// Signs with the agent's key and after it, for a rotation, with the new key, and for attested
    /// evidence with the key that was made inside.
    ///
    /// # Errors
    /// If the receipt has no canonical form.
    pub fn sign(self, keys: &[&AgentKey]) -> Result<Envelope, canonical::Error> {
        let subjects = if self.subjects.is_empty() {
            let digest = Digest::of(&canonical::to_vec(&self.action)?);
            vec![Subject::new(self.action.kind(), digest)]
        } else {
            self.subjects.iter().map(|p| Subject::new(&p.name, p.digest)).collect()
        };
        let statement = Statement::new(
            subjects,
            PREDICATE_TYPE,
            Predicate {
                log: self.log,
                agent: self.agent,
                claimed_at_ms: self.claimed_at_ms,
                parents: self.parents,
                evidence: self.evidence,
                action: self.action,
            },
        );
        Ok(Envelope::sign(&canonical::to_vec(&statement)?, keys))
    }
}

impl Receipt {
    /// Checks an envelope's signatures and reads the statement in it. Whether the signers may speak
    /// for the agent is another question, which the registry answers. A receipt of a kind that is not
    /// among `kinds` is refused.
    ///
    /// # Errors
    /// A [`Rejection`] by *envelope* or *statement*.
    pub fn open(envelope: &Envelope, kinds: &Kinds) -> Result<Verified<Self>, Rejection> {
        envelope.verify()?.narrow(kinds)
    }

    /// Like [`Receipt::open`], from the envelope's canonical bytes as the log keeps them.
    ///
    /// # Errors
    /// A [`Rejection`] by *format*, *envelope* or *statement*.
    pub fn open_bytes(record: &[u8], kinds: &Kinds) -> Result<Verified<Self>, Rejection> {
        Envelope::verify_bytes(record)?.narrow(kinds)
    }
}

impl Narrow for Receipt {
    type From = Opened;
    type Given = Kinds;
    type Error = Rejection;

    fn narrow(opened: Opened, kinds: &Kinds) -> Result<Self, Rejection> {
        let reject = |fault: Fault, reason| Rejection::new(Check::Statement, fault, reason);
        let malformed = chaos_types::Fault::DocumentMalformed;
        let statement: Statement<Predicate<Written>> = canonical::from_slice(&opened.payload)
            .map_err(|error| Rejection::caused(Check::Statement, malformed, &error))?;
        statement.ensure_types(PREDICATE_TYPE)?;
        let subjects =
            statement.subject.iter().map(product).collect::<Result<Vec<_>, Rejection>>()?;
        rules::ensure_names_differ(&subjects)?;
        let Predicate { log, agent, claimed_at_ms, parents, evidence, action } =
            statement.predicate;
        let replayed = evidence.replay().map(|replay| replay.output);
        let executed = evidence.attested().map(|attested| attested.execution.output);
        for output in replayed.into_iter().chain(executed) {
            if !subjects.iter().any(|subject| subject.digest == output) {
                return Err(reject(
                    Fault::OutputNoSubject,
                    format!("evidence output {output} is not among the subjects"),
                ));
            }
        }
        let form = Form {
            written: &action,
            subjects: &subjects,
            evidence: &evidence,
            log: &log,
            agent: &agent,
        };
        let action = kinds.read(&form)?;
        if parents.len() > PARENTS_MAX {
            return Err(reject(
                Fault::ParentsTooMany,
                format!("{} parents, the limit is {PARENTS_MAX}", parents.len()),
            ));
        }
        if let Some(attested) = evidence.attested() {
            ensure_attested(attested, &opened.signers, &action)?;
        }
        Ok(Self {
            id: opened.digest,
            signers: opened.signers,
            log,
            agent,
            claimed_at_ms,
            parents,
            subjects,
            evidence,
            action,
        })
    }
}

/// What a subject names; by SHA-256 alone, since a digest that nobody compares says nothing.
fn product(subject: &Subject) -> Result<Product, Rejection> {
    let digest = subject.sha256()?;
    if subject.digest.len() != 1 {
        let algorithms: Vec<_> = subject.digest.keys().collect();
        return Err(Rejection::new(
            Check::Statement,
            Fault::SubjectAlgorithm,
            format!("a subject is named by sha256 alone, found {algorithms:?}"),
        ));
    }
    Ok(Product { name: subject.name.clone(), digest })
}

/// The attested key signs last, and whatever the receipt says about the run is one story: two outputs
/// would let the one that can be repeated lend its belief to the other.
fn ensure_attested(attested: &Attested, signers: &[Did], action: &Action) -> Result<(), Rejection> {
    let reject =
        |fault: Fault, reason: String| Err(Rejection::new(Check::Statement, fault, reason));
    if signers.len() < 2 || signers.last() != Some(&attested.key) {
        return reject(
            Fault::AttestedKeyNotLast,
            format!(
                "the attested key {} signs after the agent, found signers {signers:?}",
                attested.key
            ),
        );
    }
    let execution = &attested.execution;
    if let Some(replay) = &attested.replay
        && replay.output != execution.output
    {
        return reject(
            Fault::OutputsDiffer,
            format!(
                "what ran inside gave {}, what can be run again gave {}",
                execution.output, replay.output
            ),
        );
    }
    if let Action::Run(run) = action
        && run.execution != *execution
    {
        return reject(
            Fault::ExecutionsDiffer,
            "the run and the attested execution are not the same".to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
