//! Scores: the same log gives the same table.

use chaos_reputation::{DAY_MS, DAYS_MAX, EVIDENCE_MAX, Evidence, Params};
use chaos_types::{Check, Rejection};

use crate::{Fault, Key, State, Stop, action::Score, state::EvidenceRow};

/// How many log entries' evidence is read at a time.
const STEP: u64 = 4_096;

/// The evidence that the log holds before an entry, in log order, for scores as of a time. What is
/// older than the horizon of the decay weighs nothing and is not read.
///
/// The log's time does not go back, so the evidence is read from its end until the horizon.
pub(crate) fn evidence(state: &dyn State, size: u64, as_of_ms: u64) -> Result<Vec<Evidence>, Stop> {
    let horizon_ms = as_of_ms.checked_sub((DAYS_MAX + 1) * DAY_MS);
    let within = |row: &EvidenceRow| horizon_ms.is_none_or(|horizon| row.at_ms > horizon);
    let mut steps = Vec::new();
    let (mut end, mut pieces) = (size, 0);
    while end > 0 && pieces <= EVIDENCE_MAX {
        let start = end.saturating_sub(STEP);
        let (from, to) = (Key::evidence_from(start), Key::evidence_from(end));
        let rows: Vec<(Key, EvidenceRow)> = state.rows(&from..&to)?;
        let read = rows.len();
        let kept: Vec<Evidence> =
            rows.into_iter().map(|(_, row)| row).filter(within).map(Evidence::from).collect();
        let older = kept.len() < read;
        pieces += kept.len();
        steps.push(kept);
        if older {
            break;
        }
        end = start;
    }
    Ok(steps.into_iter().rev().flatten().collect())
}

pub(super) fn ensure(score: &Score, index: u64, state: &dyn State) -> Result<(), Stop> {
    let reject = |fault: Fault, reason| Err(Rejection::new(Check::Evidence, fault, reason).into());
    let impossible = |error: &dyn std::error::Error| {
        Rejection::caused(Check::Evidence, Fault::ScoreImpossible, error)
    };
    let params = Params::default();
    let model = params.id().map_err(|error| impossible(&error))?;
    if score.model != model {
        return reject(
            Fault::ModelOther,
            format!("scored by model {}, this log uses {model}", score.model),
        );
    }
    let evidence = evidence(state, index, score.as_of_ms)?;
    let found = chaos_reputation::score(&evidence, score.as_of_ms, &params)
        .and_then(|table| table.digest())
        .map_err(|error| impossible(&error))?;
    if found != score.table {
        return reject(
            Fault::ScoreNotRepeated,
            format!("the log gives table {found}, not {}", score.table),
        );
    }
    Ok(())
}
