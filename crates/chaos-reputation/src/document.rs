use std::error::Error as _;

use chaos_types::{Digest, canonical};
use serde::{Deserialize, Serialize};

use crate::{Error, Evidence, EvidenceClass, Model, Outcome, Params, Table, score};

/// The format line of documents for `belief/2`; those for `belief/1` have none.
const FORMAT: &str = "chaos-reputation/evidence/2";

/// What a table is computed from, as it travels: evidence, the time that it is judged at, and the
/// model that the layout is for.
///
/// It holds what the log of a studio says: work that ended well or badly, and is replayable or has
/// nothing behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct ScoreDocument {
    model: Model,
    as_of_ms: u64,
    evidence: Vec<EvidenceRow>,
}

/// Both layouts; [`FORMAT`] and [`EvidenceRow::judged_by`] stand in that of `belief/2` alone.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(with = "chaos_types::decimal")]
    as_of_ms: u64,
    evidence: Vec<EvidenceRow>,
}

/// One fact as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceRow {
    receipt: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    judged_by: Option<Digest>,
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

/// Why a document is of no layout.
#[derive(Debug, thiserror::Error)]
enum LayoutError {
    #[error("expected format `{FORMAT}` or none, found `{0}`")]
    Format(String),
    #[error("receipt {receipt} {found} what judged it, which the format {expected}")]
    Judgement { receipt: Digest, found: &'static str, expected: &'static str },
}

impl TryFrom<Wire> for ScoreDocument {
    type Error = LayoutError;

    fn try_from(Wire { format, as_of_ms, evidence }: Wire) -> Result<Self, LayoutError> {
        let model = match format.as_deref() {
            None => Model::Belief1,
            Some(FORMAT) => Model::Belief2,
            Some(other) => return Err(LayoutError::Format(other.chars().take(80).collect())),
        };
        let judged = model == Model::Belief2;
        if let Some(row) = evidence.iter().find(|row| row.judged_by.is_some() != judged) {
            let (found, expected) =
                if judged { ("lacks", "asks for") } else { ("names", "does not have") };
            return Err(LayoutError::Judgement { receipt: row.receipt, found, expected });
        }
        Ok(Self { model, as_of_ms, evidence })
    }
}

impl From<ScoreDocument> for Wire {
    fn from(ScoreDocument { model, as_of_ms, evidence }: ScoreDocument) -> Self {
        let format = (model == Model::Belief2).then(|| FORMAT.to_owned());
        Self { format, as_of_ms, evidence }
    }
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
    /// The facts of a log, in log order, at a time in milliseconds since 1970, for a model.
    #[must_use]
    pub fn new(model: Model, as_of_ms: u64, evidence: &[Evidence]) -> Self {
        let rows = evidence.iter().map(|fact| EvidenceRow {
            receipt: fact.receipt,
            judged_by: (model == Model::Belief2).then_some(fact.judged_by),
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
        Self { model, as_of_ms, evidence: rows.collect() }
    }

    /// The model that the document is for.
    #[must_use]
    pub const fn model(&self) -> Model {
        self.model
    }

    /// The table under the published parameters of the document's model.
    ///
    /// # Errors
    /// As [`score()`].
    pub fn score(self) -> Result<Table, Error> {
        let evidence: Vec<Evidence> = self.evidence.into_iter().map(Evidence::from).collect();
        score(&evidence, self.as_of_ms, &Params::of(self.model))
    }
}

impl From<EvidenceRow> for Evidence {
    fn from(row: EvidenceRow) -> Self {
        Self {
            receipt: row.receipt,
            judged_by: row.judged_by.unwrap_or(row.receipt),
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
