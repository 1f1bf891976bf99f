//! One measure: a figure, what it is compared with, and whether it reaches its aim.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::aim::Aim;

/// The columns of [`table`].
const HEAD: [&str; 7] = ["measure", "value", "unit", "reference", "ratio", "aim", "met"];

/// A measure as a bench printed it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) measure: String,
    pub(crate) value: f64,
    pub(crate) unit: String,
    pub(crate) reference: Option<f64>,
    pub(crate) ratio: Option<f64>,
}

impl Row {
    /// Reads what a bench printed.
    pub(crate) fn read(object: &Value) -> Result<Self> {
        let text = |key: &str| -> Result<String> {
            let text = object[key].as_str().with_context(|| format!("no `{key}` in {object}"))?;
            Ok(text.to_owned())
        };
        Ok(Self {
            measure: text("measure")?,
            value: object["value"].as_f64().with_context(|| format!("no `value` in {object}"))?,
            unit: text("unit")?,
            reference: object["reference"].as_f64(),
            ratio: object["ratio"].as_f64(),
        })
    }

    /// Whether it reaches its aim; `None` if it has none.
    pub(crate) fn met(&self) -> Option<bool> {
        Aim::of(&self.measure)?.met(self.value, self.ratio)
    }

    /// The same with the aim and whether it is met.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "measure": self.measure, "value": self.value, "unit": self.unit,
            "reference": self.reference, "ratio": self.ratio,
            "aim": Aim::of(&self.measure).map(|aim| aim.to_string()), "met": self.met(),
        })
    }

    fn cells(&self) -> [String; 7] {
        let aim = Aim::of(&self.measure).map_or(String::new(), |aim| aim.to_string());
        let met = match self.met() {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        [
            self.measure.clone(),
            number(self.value),
            self.unit.clone(),
            self.reference.map_or(String::new(), number),
            self.ratio.map_or(String::new(), |ratio| format!("{ratio:.3}")),
            aim,
            met.to_owned(),
        ]
    }
}

/// The rows under each other, numbers to the right.
pub(crate) fn table(rows: &[Row]) -> String {
    let lines: Vec<[String; 7]> =
        [HEAD.map(str::to_owned)].into_iter().chain(rows.iter().map(Row::cells)).collect();
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut table = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if matches!(column, 1 | 3 | 4) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        });
        table.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        table.push('\n');
    }
    table
}

/// Three digits after the point where they tell something.
fn number(value: f64) -> String {
    if value.abs() >= 1e3 { format!("{value:.0}") } else { format!("{value:.3}") }
}

#[cfg(test)]
mod tests;
