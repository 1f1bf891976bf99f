//! The figures of a claim that stand in its documents and not in its receipt's own bytes.

use chaos_agency::{Action, Receipt};
use chaos_report::quantity::Comparison;
use chaos_reputation::Table;
use chaos_simulation::{MetricRow, SimulationResult};
use chaos_verify::Attachments;

/// The longest sentence, in characters: its names are the signer's, of any length.
const CHARS_MAX: usize = 2_000;

/// How many scores a sentence has at most.
const SCORES_MAX: usize = 8;

/// The metrics of a simulation that its sentence has.
const METRICS: [(&str, &str); 4] = [
    ("base_fee_median", "median base fee"),
    ("base_fee_p95", "95 % of base fees up to"),
    ("blocks_saturated", "full blocks"),
    ("inclusion_delay_mean", "mean wait"),
];

/// What the receipt of a simulation is called.
const SIMULATE: &str = "simulate";

/// The figures of what a receipt claims, as the document has them that it names by digest; or that the
/// document is not at hand. `None` for a receipt whose own bytes have them all.
///
/// They are the signer's as all of the claim: re-execution is what shows them.
#[must_use]
pub fn figures(receipt: &Receipt, documents: &Attachments) -> Option<String> {
    let mut told = told(receipt, documents)?;
    if let Some((end, _)) = told.char_indices().nth(CHARS_MAX) {
        told.truncate(end);
        told.push('…');
    }
    Some(told)
}

fn told(receipt: &Receipt, documents: &Attachments) -> Option<String> {
    match &receipt.action {
        Action::Score(score) => {
            let table = documents.get(&score.table).map(serde_json::from_slice::<Table>);
            Some(match table {
                Some(Ok(table)) => scored(&table),
                Some(Err(_)) => unread("table"),
                None => absent("table"),
            })
        }
        action if action.kind() == SIMULATE => {
            let replay = receipt.evidence.replay();
            let result = replay.and_then(|replay| documents.get(&replay.output));
            Some(match result.map(serde_json::from_slice::<SimulationResult>) {
                Some(Ok(result)) => simulated(&result),
                Some(Err(_)) => unread("result"),
                None => absent("result"),
            })
        }
        _ => None,
    }
}

fn absent(what: &str) -> String {
    format!("its {what} is not in the bundle, so that no figure is shown")
}

fn unread(what: &str) -> String {
    format!("its {what} is none that this program can read, so that no figure is shown")
}

fn scored(table: &Table) -> String {
    if table.scores.is_empty() {
        return "its table scores nobody".to_owned();
    }
    let rows = table.scores.iter().take(SCORES_MAX).map(|row| {
        let (agent, role, domain) = (&row.agent, &row.role, &row.domain);
        format!("{agent} as {role} in {domain} {} to {}", row.lower_ppm, row.upper_ppm)
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    let more = match table.scores.len().saturating_sub(SCORES_MAX) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("its table says, of 1000000: {rows}{more}")
}

fn simulated(result: &SimulationResult) -> String {
    let rows = METRICS.iter().filter_map(|(name, words)| {
        let MetricRow { unit, baseline, proposal, .. } = result.metrics.get(*name)?;
        let both = Comparison::of(unit, *baseline, *proposal);
        Some(format!("{words} {} to {}", both.value(*baseline), both.value(*proposal)))
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return format!(
            "its result has {} figures, none of which is told here",
            result.metrics.len()
        );
    }
    format!("its result says: {}", rows.join(", "))
}

#[cfg(test)]
mod tests;
