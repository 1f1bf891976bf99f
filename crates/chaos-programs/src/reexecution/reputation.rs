//! The score table that follows from a log's evidence.

use chaos_agency::action::Score;
use chaos_reputation::ScoreDocument;
use chaos_types::{Digest, Rejection};

use super::{EVIDENCE, ensure_claim, shown, work::Work};

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
