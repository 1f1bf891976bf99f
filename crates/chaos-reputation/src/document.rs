use std::error::Error as _;

use chaos_types::{Digest, canonical};
use serde::{Deserialize, Serialize};

use crate::{Error, Evidence, EvidenceClass, Outcome, Params, Table, score};

/// What a table is computed from, as it travels: evidence, and the time that it is judged at.
///
/// It holds what the log of a studio says: work that ended well or badly, and is replayable or has
/// nothing behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreDocument {
    #[serde(with = "chaos_types::decimal")]
    as_of_ms: u64,
    evidence: Vec<EvidenceRow>,
}

/// One fact as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceRow {
    receipt: Digest,
    agent: String,
    domain: String,
    role: String,
    payer: String,
    task_class: String,
    #[serde(with = "chaos_types::decimal")]
    at_ms: u64,
    success: bool,
    replayable: bool,
    #[serde(with = "chaos_types::decimal")]
    units_micro: u64,
}

/// Why a document gave no table.
#[derive(Debug, thiserror::Error)]
pub enum ScoreDocumentError {
    /// The bytes are not a canonical document of this layout.
    #[error("evidence")]
    Canonical(#[source] canonical::Error),
    /// The evidence gives no table.
    #[error("score")]
    Score(#[source] Error),
}

impl ScoreDocumentError {
    /// Whether the document was read and has no answer; otherwise it is not what is read here.
    #[must_use]
    pub const fn is_no_answer(&self) -> bool {
        match self {
            Self::Canonical(_) => false,
            Self::Score(_) => true,
        }
    }

    /// The message with its causes, as a component reports it: the same on every machine.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl ScoreDocument {
    /// The facts of a log, in log order, at a time in milliseconds since 1970.
    #[must_use]
    pub fn new(as_of_ms: u64, evidence: &[Evidence]) -> Self {
        let rows = evidence.iter().map(|fact| EvidenceRow {
            receipt: fact.receipt,
            agent: fact.agent.clone(),
            domain: fact.domain.clone(),
            role: fact.role.clone(),
            payer: fact.payer.clone(),
            task_class: fact.task_class.clone(),
            at_ms: fact.at_ms,
            success: fact.outcome == Outcome::Success,
            replayable: fact.class == EvidenceClass::Replayable,
            units_micro: fact.units_micro,
        });
        Self { as_of_ms, evidence: rows.collect() }
    }

    /// The table under the default parameters.
    ///
    /// # Errors
    /// As [`score()`].
    pub fn score(self) -> Result<Table, Error> {
        let evidence: Vec<Evidence> = self.evidence.into_iter().map(Evidence::from).collect();
        score(&evidence, self.as_of_ms, &Params::default())
    }
}

impl From<EvidenceRow> for Evidence {
    fn from(row: EvidenceRow) -> Self {
        Self {
            receipt: row.receipt,
            agent: row.agent,
            domain: row.domain,
            role: row.role,
            payer: row.payer,
            task_class: row.task_class,
            at_ms: row.at_ms,
            outcome: if row.success { Outcome::Success } else { Outcome::Failure },
            class: if row.replayable { EvidenceClass::Replayable } else { EvidenceClass::None },
            units_micro: row.units_micro,
        }
    }
}

/// Reads a canonical [`ScoreDocument`] and writes the canonical [`Table`].
///
/// This is the whole program of the sandbox's scorer component.
///
/// # Errors
/// If the bytes are not such a document, or as [`score()`].
pub fn score_document(evidence: &[u8]) -> Result<Vec<u8>, ScoreDocumentError> {
    let document: ScoreDocument =
        canonical::from_slice(evidence).map_err(ScoreDocumentError::Canonical)?;
    let table = document.score().map_err(ScoreDocumentError::Score)?;
    canonical::to_vec(&table).map_err(|error| ScoreDocumentError::Score(Error::Canonical(error)))
}

#[cfg(test)]
mod tests;
