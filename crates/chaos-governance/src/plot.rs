//! Figures as SVG: the same bytes for the report, the forum and the repository.
//!
//! Coordinates are integers and nothing is measured on screen, so a figure is a function of its
//! data. No scripts, no external fonts; a dark scheme follows the reader's setting.

mod fan;
mod forest;
mod fullness;
mod sensitivity;

use chaos_report::Figure;
use chaos_simulation::Series;

use crate::{facts::BlockFacts, proposal::Proposal};

/// All figures of a proposal that its data allows, in the order of the report.
///
/// `observed` are the blocks the analysis read, `elasticity` is their gas limit over gas target.
#[must_use]
pub fn figures(
    proposal: &Proposal,
    series: &Series,
    observed: &[BlockFacts],
    elasticity: u64,
) -> Vec<Figure> {
    [
        series.fans.get("base_fee").and_then(|fan| fan::draw(proposal, fan)),
        fullness::draw(observed, elasticity),
        forest::draw(proposal),
        sensitivity::draw(proposal),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests;
