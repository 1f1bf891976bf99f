//! The researcher's work as one replayable document.

use chaos_parameters::Parameters;
use chaos_studio::Studio;
use chaos_types::{ChainId, canonical};
use serde::Serialize;

use crate::{BlockFacts, Metrics, Opportunity, Thresholds, analyse, int::Int, metrics, thresholds};

/// The format line of an analysis document.
pub const FORMAT: &str = "chaos-governance/analysis/1";

/// What a researcher measured and what it suggests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// The chain that was read.
    pub chain: ChainId,
    /// The chain's parameters when it was read.
    pub parameters: Parameters,
    /// The measurements.
    pub metrics: Metrics,
    /// What they suggest, strongest first; may be empty.
    pub opportunities: Vec<Opportunity>,
}

/// Why an analysis was not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The studio's thresholds are incomplete.
    #[error("the studio's thresholds cannot be used")]
    Thresholds(#[source] thresholds::Error),
    /// The blocks cannot be measured.
    #[error("the blocks cannot be measured")]
    Metrics(#[source] metrics::Error),
}

impl Analysis {
    /// Measures `blocks` and applies the studio's rules.
    ///
    /// # Errors
    /// If the studio lacks a threshold, or the blocks are too few or contradict themselves.
    pub fn run(
        chain: ChainId,
        blocks: &[BlockFacts],
        parameters: Parameters,
        studio: &Studio,
    ) -> Result<Self, Error> {
        let thresholds = Thresholds::of_studio(studio).map_err(Error::Thresholds)?;
        let policy = studio.policy();
        let metrics =
            Metrics::measure(blocks, parameters.elasticity_multiplier(), policy.evidence())
                .map_err(Error::Metrics)?;
        let opportunities = analyse(&metrics, &parameters, policy, &thresholds);
        Ok(Self { chain, parameters, metrics, opportunities })
    }

    /// The document's canonical bytes.
    ///
    /// # Errors
    /// Never in practice: all numbers are small or decimal strings.
    pub fn to_canonical(&self) -> Result<Vec<u8>, canonical::Error> {
        let metrics = self
            .metrics
            .values
            .iter()
            .map(|(metric, observation)| MetricEntry {
                name: metric.name(),
                unit: metric.unit(),
                formula: metric.formula(),
                value: observation.value,
                n: observation.n,
            })
            .collect();
        let opportunities = self
            .opportunities
            .iter()
            .map(|opportunity| OpportunityEntry {
                rule: opportunity.rule.as_str(),
                parameter: opportunity.parameter.flag(),
                reason: &opportunity.reason,
                strength_ppm: opportunity.strength_ppm,
            })
            .collect();
        canonical::to_vec(&Document {
            format: FORMAT,
            chain: &self.chain,
            first_block: self.metrics.range.0,
            last_block: self.metrics.range.1,
            blocks: self.metrics.blocks,
            parameters: &self.parameters,
            metrics,
            opportunities,
        })
    }
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    chain: &'a ChainId,
    first_block: u64,
    last_block: u64,
    blocks: u64,
    parameters: &'a Parameters,
    metrics: Vec<MetricEntry>,
    opportunities: Vec<OpportunityEntry<'a>>,
}

#[derive(Serialize)]
struct MetricEntry {
    name: &'static str,
    unit: &'static str,
    formula: &'static str,
    value: Int,
    n: u64,
}

#[derive(Serialize)]
struct OpportunityEntry<'a> {
    rule: &'static str,
    parameter: &'static str,
    reason: &'a str,
    strength_ppm: u64,
}
