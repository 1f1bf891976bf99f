//! The view of scores: a score receipt must repeat.

use chaos_types::{Check, Rejection, Verified};

use super::{Record, Rows, rows::rows};
use crate::{Action, Fault, Outcome, Receipt, View, action::Score};

/// Reputations as of the log's last entry. They follow from the record alone.
#[derive(Debug)]
pub(super) struct Reputation;

impl View for Reputation {
    fn admit(
        &self,
        receipt: &Verified<Receipt>,
        record: &Record,
    ) -> Result<Option<Outcome>, Rejection> {
        if let Action::Score(score) = &receipt.action {
            ensure_score(score, record)?;
        }
        Ok(None)
    }

    fn apply(&mut self, _: &Verified<Receipt>) {}

    fn rows(&self, record: &Record) -> Result<Rows, chaos_reputation::Error> {
        let table = record.scores(record.last_integrated_at_ms())?;
        Ok(rows(
            table
                .scores
                .iter()
                .map(|score| (format!("{}|{}|{}", score.agent, score.domain, score.role), score)),
        ))
    }
}

/// The same log gives the same table.
fn ensure_score(score: &Score, record: &Record) -> Result<(), Rejection> {
    let reject = |fault: Fault, reason| Err(Rejection::new(Check::Evidence, fault, reason));
    let impossible = |error: &dyn std::error::Error| {
        Rejection::caused(Check::Evidence, Fault::ScoreImpossible, error)
    };
    let model = record.model().id().map_err(|error| impossible(&error))?;
    if score.model != model {
        return reject(
            Fault::ModelOther,
            format!("scored by model {}, this log uses {model}", score.model),
        );
    }
    let index = record.size();
    if score.log_size != index {
        return reject(
            Fault::LogSizeOther,
            format!("scores {} entries, {index} came before it", score.log_size),
        );
    }
    let found = record
        .scores(score.as_of_ms)
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
