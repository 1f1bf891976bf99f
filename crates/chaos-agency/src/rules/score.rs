//! Scores: the same log gives the same table.

use chaos_reputation::{DAY_MS, DAYS_MAX, EVIDENCE_MAX, Evidence, Model, Params};
use chaos_types::{Check, Rejection};

use crate::{
    Fault, Key, Leaf, Place, State, Stop, Writes,
    action::Score,
    corrections::Corrections,
    state::{EvidenceRow, Once},
};

/// How many log entries' evidence is read at a time.
const STEP: u64 = 4_096;

/// The evidence that the log holds before an entry, in log order, for scores as of a time by a model.
/// What is older than the horizon of the decay weighs nothing and is not read; of what is within it,
/// `belief/2` counts the newest [`EVIDENCE_MAX`] pieces.
///
/// Its times are the effective ones as the log knows them there. They do not go back, so the evidence is
/// read from its end until the horizon.
pub(crate) fn evidence(
    state: &dyn State,
    size: u64,
    as_of_ms: u64,
    model: Model,
) -> Result<Vec<Evidence>, Stop> {
    let horizon_ms = as_of_ms.checked_sub((DAYS_MAX + 1) * DAY_MS);
    let within = |row: &EvidenceRow| horizon_ms.is_none_or(|horizon| row.at_ms > horizon);
    let mut corrections = None;
    let mut steps = Vec::new();
    let (mut end, mut pieces) = (size, 0);
    while end > 0 && pieces <= EVIDENCE_MAX {
        let start = end.saturating_sub(STEP);
        let (from, to) = (Key::evidence_from(start), Key::evidence_from(end));
        let rows: Vec<(Key, EvidenceRow)> = state.rows(&from..&to)?;
        let read = rows.len();
        // Asked after what no proof shows, so that a proof about a score needs no row for it.
        let corrections = match &mut corrections {
            Some(corrections) => &*corrections,
            none => &*none.insert(Corrections::read(state)?),
        };
        let kept: Vec<Evidence> = rows
            .into_iter()
            .map(|(key, row)| dated(&key, row, corrections))
            .collect::<Result<Vec<_>, Stop>>()?
            .into_iter()
            .filter(within)
            .map(|row| row.under(model))
            .collect();
        let older = kept.len() < read;
        pieces += kept.len();
        steps.push(kept);
        if older {
            break;
        }
        end = start;
    }
    let evidence: Vec<Evidence> = steps.into_iter().rev().flatten().collect();
    Ok(match model {
        // More gives no table, which is said where it is asked for.
        Model::Belief1 => evidence,
        Model::Belief2 => newest(evidence, EVIDENCE_MAX),
    })
}

/// A row of evidence with the effective time of its entry.
fn dated(key: &Key, row: EvidenceRow, corrections: &Corrections) -> Result<EvidenceRow, Stop> {
    let index = key.sorted().ok_or_else(|| Stop::Unreadable { key: key.clone() })?;
    let at_ms = corrections.effective_ms(index, row.at_ms);
    Ok(EvidenceRow { at_ms, ..row })
}

/// The last pieces of evidence in log order, at most so many.
fn newest(mut evidence: Vec<Evidence>, pieces_max: usize) -> Vec<Evidence> {
    evidence.drain(..evidence.len().saturating_sub(pieces_max));
    evidence
}

/// Scores are as of a time from that of the last entry that they count to that at which the log takes
/// them in; otherwise whoever scores could choose how much of the past has decayed.
pub(crate) fn ensure_as_of(score: &Score, last_ms: u64, leaf: &Leaf) -> Result<(), Rejection> {
    let (as_of_ms, own_ms) = (score.as_of_ms, leaf.integrated_at_ms);
    let (fault, reason) = if as_of_ms < last_ms {
        let reason =
            format!("scored as of {as_of_ms} ms, the last counted entry is of {last_ms} ms");
        (Fault::ScoredTooEarly, reason)
    } else if as_of_ms > own_ms {
        let reason = format!("scored as of {as_of_ms} ms, the log took it in at {own_ms} ms");
        (Fault::ScoredTooLate, reason)
    } else {
        return Ok(());
    };
    Err(Rejection::new(Check::Evidence, fault, reason))
}

/// What a score is held against.
pub(super) struct Counted<'a> {
    pub(super) place: Place,
    pub(super) leaf: &'a Leaf,
    pub(super) state: &'a dyn State,
}

impl Counted<'_> {
    /// A score counts if the log gives its table by its model, and the log has none by a newer one. In a
    /// log whose clock was corrected its time is bounded too; elsewhere readers say so, since an entry
    /// of an older log must fold as it did.
    pub(super) fn admit(&self, score: &Score, writes: &mut Writes) -> Result<(), Stop> {
        let Self { place, leaf, state } = *self;
        admit(score, place.index, state, writes)?;
        if !Corrections::read(state)?.is_empty() {
            ensure_as_of(score, place.after_ms, leaf)?;
        }
        Ok(())
    }
}

fn admit(score: &Score, index: u64, state: &dyn State, writes: &mut Writes) -> Result<(), Stop> {
    let reject = |fault: Fault, reason| Err(Rejection::new(Check::Evidence, fault, reason).into());
    let Some(model) = Model::of_id(&score.model) else {
        let known = Model::ALL.map(Model::name).join(", ");
        return reject(
            Fault::ModelOther,
            format!("scored by model {}, which is none of {known}", score.model),
        );
    };
    for newer in Model::ALL.into_iter().filter(|other| *other > model) {
        if state.has(&Key::model(newer.name()))? {
            let (older, newer) = (model.name(), newer.name());
            return reject(
                Fault::ModelSuperseded,
                format!("scored by {older}, the log has scores by {newer}"),
            );
        }
    }
    let evidence = evidence(state, index, score.as_of_ms, model)?;
    let found = chaos_reputation::score(&evidence, score.as_of_ms, &Params::of(model))
        .and_then(|table| table.digest())
        .map_err(|error| Rejection::caused(Check::Evidence, Fault::ScoreImpossible, &error))?;
    if found != score.table {
        return reject(
            Fault::ScoreNotRepeated,
            format!("the log gives table {found}, not {}", score.table),
        );
    }
    let key = Key::model(model.name());
    if !state.has(&key)? {
        writes.put(key, &Once { index });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chaos_reputation::{EvidenceClass, Outcome};
    use chaos_types::Digest;

    use super::*;

    #[test]
    fn of_more_evidence_than_counts_the_last_is_kept_in_log_order() {
        let piece = |at_ms| Evidence {
            receipt: Digest::of(b"work"),
            judged_by: Digest::of(b"vote"),
            agent: String::new(),
            domain: String::new(),
            role: String::new(),
            payer: String::new(),
            task_class: String::new(),
            at_ms,
            outcome: Outcome::Success,
            class: EvidenceClass::Replayable,
            units_micro: 1,
        };
        let times = |pieces_max| -> Vec<u64> {
            let kept = newest((0..5).map(piece).collect(), pieces_max);
            kept.into_iter().map(|piece| piece.at_ms).collect()
        };
        assert_eq!(times(2), [3, 4]);
        assert_eq!(times(5), [0, 1, 2, 3, 4]);
        assert_eq!(times(9), [0, 1, 2, 3, 4]);
    }
}
