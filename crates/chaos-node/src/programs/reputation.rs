//! The score table that follows from a log's evidence.

use chaos_agency::action::Score;
use chaos_types::{Digest, Rejection};
use serde::{Deserialize, Serialize};

use super::{EVIDENCE, ensure_claim, shown, work::Work};

/// What a score table is computed from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScoreDocument {
    #[serde(with = "chaos_types::decimal")]
    as_of_ms: u64,
    evidence: Vec<EvidenceRow>,
}

/// One fact as it travels.
#[derive(Debug, Serialize, Deserialize)]
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

impl ScoreDocument {
    /// The facts of a log, in log order, at a time in milliseconds since 1970.
    pub(crate) fn new(as_of_ms: u64, evidence: &[chaos_reputation::Evidence]) -> Self {
        let rows = evidence.iter().map(|fact| EvidenceRow {
            receipt: fact.receipt,
            agent: fact.agent.clone(),
            domain: fact.domain.clone(),
            role: fact.role.clone(),
            payer: fact.payer.clone(),
            task_class: fact.task_class.clone(),
            at_ms: fact.at_ms,
            success: fact.outcome == chaos_reputation::Outcome::Success,
            replayable: fact.class == chaos_reputation::EvidenceClass::Replayable,
            units_micro: fact.units_micro,
        });
        Self { as_of_ms, evidence: rows.collect() }
    }

    fn score(self) -> Result<chaos_reputation::Table, chaos_reputation::Error> {
        use chaos_reputation::{EvidenceClass, Outcome};

        let evidence: Vec<_> = self
            .evidence
            .into_iter()
            .map(|row| chaos_reputation::Evidence {
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
            })
            .collect();
        let model = chaos_reputation::Params::default();
        chaos_reputation::score(&evidence, self.as_of_ms, &model)
    }
}

/// Scores the evidence again.
pub(super) fn score(work: &Work<'_>, claimed: &Score) -> Result<Digest, Rejection> {
    work.ensure_inputs(|name| name == EVIDENCE)?;
    let document: ScoreDocument = work.document(EVIDENCE)?;
    let table = document.score().map_err(shown)?;
    let digest = table.digest().map_err(shown)?;
    ensure_claim("as_of_ms", &claimed.as_of_ms, &table.as_of_ms)?;
    ensure_claim("model", &claimed.model, &table.model_id)?;
    ensure_claim("table", &claimed.table, &digest)?;
    Ok(digest)
}
