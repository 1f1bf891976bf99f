//! Thresholds as bytes that name a cell.

use serde::Serialize;

use crate::{Side, Threshold, ThresholdValue};
use chaos_simulation::Decimal;

/// One threshold as it is hashed.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    metric: &'a str,
    side: Side,
    /// Whether `value` is the proposal's figure or its change in ppm.
    of: &'static str,
    value: Decimal,
}

pub(super) fn documents(thresholds: &[Threshold]) -> Vec<Document<'_>> {
    thresholds
        .iter()
        .map(|threshold| {
            let (of, value) = match threshold.value {
                ThresholdValue::Proposal(value) => ("proposal", value),
                ThresholdValue::ChangePpm(value) => ("change_ppm", value.into()),
            };
            Document { metric: &threshold.metric, side: threshold.side, of, value: Decimal(value) }
        })
        .collect()
}

#[cfg(test)]
mod tests;
