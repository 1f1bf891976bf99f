//! The score table that follows from a log's evidence.

use chaos_agency::action;
use chaos_reputation::ScoreDocument;
use chaos_types::{Digest, Rejection};

use super::{EVIDENCE, hold, work::Work};
use crate::program::Score;

/// Scores the evidence again.
pub(super) fn score(work: &Work<'_>, claimed: &action::Score) -> Result<Digest, Rejection> {
    work.named.ensure_inputs(|name| name == EVIDENCE)?;
    let document: ScoreDocument = work.named.document(EVIDENCE)?;
    hold(Score { document, log_size: claimed.log_size }, claimed)
}
