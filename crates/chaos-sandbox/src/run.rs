use chaos_types::{CodeIdentity, Digest, canonical};
use serde::{Deserialize, Serialize};

use crate::{Answer, Failure, Malformed, Outcome, Transcript, Trap, World};

/// The format of a [`Record`].
const FORMAT: &str = "chaoschain/run/v1";

/// One call of a component: everything in it is the same in every repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How it ended.
    pub outcome: Outcome,
    /// Fuel used; at most [`crate::Limits::fuel`].
    pub fuel: u64,
    /// Which code ran, under which configuration.
    pub code: CodeIdentity,
    /// Which of its functions was called.
    pub world: World,
    /// The digest of what it was called with; see [`crate::Argument::digest`].
    pub argument: Digest,
    /// Everything that it asked its host for, and the answers.
    pub transcript: Transcript,
}

impl Run {
    /// The bytes of the answer of a generic task, a simulation or a scorer; `None` for a strategy's
    /// step and for every other outcome.
    #[must_use]
    pub fn answer(&self) -> Option<&[u8]> {
        match &self.outcome {
            Outcome::Answer(Answer::Bytes(bytes)) => Some(bytes),
            Outcome::Answer(Answer::Step(_))
            | Outcome::Failure(_)
            | Outcome::Trap(_)
            | Outcome::Malformed(_) => None,
        }
    }

    /// What the run claims, with digests in place of bytes.
    #[must_use]
    pub fn record(&self) -> Record {
        let outcome = match &self.outcome {
            Outcome::Answer(answer) => {
                RecordedOutcome::Answer { digest: answer.digest(), bytes: answer.len() as u64 }
            }
            Outcome::Failure(failure) => RecordedOutcome::Failure { failure: failure.clone() },
            Outcome::Trap(trap) => RecordedOutcome::Trap { trap: *trap },
            Outcome::Malformed(malformed) => RecordedOutcome::Malformed { malformed: *malformed },
        };
        Record {
            format: FORMAT.to_owned(),
            code: self.code.clone(),
            world: self.world,
            argument: self.argument,
            outcome,
            fuel: self.fuel,
            transcript: self.transcript.head(),
            host_calls: self.transcript.calls().len() as u64,
        }
    }
}

/// How a run ended, with a digest in place of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RecordedOutcome {
    /// The task answered.
    Answer {
        /// See [`Answer::digest`].
        digest: Digest,
        /// Length of the answer.
        bytes: u64,
    },
    /// The task said why it has no answer.
    Failure {
        /// What it said.
        failure: Failure,
    },
    /// The code was stopped.
    Trap {
        /// By what.
        trap: Trap,
    },
    /// What the code sent breaks the rules of the interface.
    Malformed {
        /// Which rule.
        malformed: Malformed,
    },
}

/// What a run claims: the document that a receipt can hold and that a repeat must give again, byte
/// for byte in its canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Record {
    /// Always `chaoschain/run/v1`.
    pub format: String,
    /// Which code ran, under which configuration.
    pub code: CodeIdentity,
    /// Which of its functions was called.
    pub world: World,
    /// See [`crate::Argument::digest`].
    pub argument: Digest,
    /// How it ended.
    pub outcome: RecordedOutcome,
    /// Fuel used.
    pub fuel: u64,
    /// The head of the transcript.
    pub transcript: Digest,
    /// Number of calls in the transcript.
    pub host_calls: u64,
}

impl Record {
    /// The canonical JSON document.
    ///
    /// # Errors
    /// If a number is above 2^53, which no run's is.
    pub fn to_canonical(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }

    /// SHA-256 of the canonical document.
    ///
    /// # Errors
    /// If a number is above 2^53, which no run's is.
    pub fn digest(&self) -> Result<Digest, canonical::Error> {
        Ok(Digest::of(&self.to_canonical()?))
    }
}
