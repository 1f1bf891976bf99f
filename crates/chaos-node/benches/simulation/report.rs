//! One line per measure.

use serde_json::json;

/// Where figures go.
pub(crate) struct Report {
    /// One JSON object per line instead of a sentence.
    pub(crate) as_json: bool,
}

/// A figure, and the figure to compare it with if there is one.
pub(crate) struct Row {
    pub(crate) measure: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) reference: Option<f64>,
}

impl Report {
    pub(crate) fn row(&self, row: &Row) {
        let Row { measure, value, unit, reference } = row;
        let ratio = reference.map(|reference| value / reference);
        if self.as_json {
            let line = json!({
                "measure": measure, "value": value, "unit": unit,
                "reference": reference, "ratio": ratio,
            });
            println!("{line}");
        } else if let (Some(reference), Some(ratio)) = (reference, ratio) {
            println!("{measure}: {value:.3} {unit}, reference {reference:.3}, ratio {ratio:.3}");
        } else {
            println!("{measure}: {value:.3} {unit}");
        }
    }
}

/// The middle of the values; the upper one of two.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
