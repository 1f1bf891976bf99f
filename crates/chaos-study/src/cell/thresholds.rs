//! Thresholds as bytes that name a cell.

use std::fmt::Write as _;

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

/// What the keys of kept cells were made of before they were canonical JSON. These bytes never
/// change: they name files that people keep.
pub(super) fn former_text(thresholds: &[Threshold]) -> String {
    let mut text = String::from("[");
    for (index, threshold) in thresholds.iter().enumerate() {
        let side = match threshold.side {
            Side::AtMost => "AtMost",
            Side::AtLeast => "AtLeast",
        };
        let value = match threshold.value {
            ThresholdValue::Proposal(value) => format!("Proposal({value})"),
            ThresholdValue::ChangePpm(value) => format!("ChangePpm({value})"),
        };
        let comma = if index > 0 { ", " } else { "" };
        // A metric is one of a fixed list of names, none of which needs an escape.
        let _ = write!(
            text,
            "{comma}Threshold {{ metric: \"{}\", side: {side}, value: {value} }}",
            threshold.metric
        );
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests;
