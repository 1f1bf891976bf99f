//! The result of a comparison: one canonical document with one digest.
//!
//! Every figure is an integer with a stated unit, written as a decimal string so that no JSON
//! reader rounds it, and says which layer it came from.

use std::collections::BTreeMap;

use chaos_parameters::Parameters;
use chaos_types::{ChainId, Digest, canonical};
use serde::{Deserialize, Serialize};

use crate::{
    calibration::{Calibration, Fit},
    experiment::Experiment,
    flow::{Assumptions, Demand},
    transition::is_revised,
};

mod evm_rows;
mod rows;
mod series;

pub(crate) use evm_rows::evm_rows;
pub use evm_rows::{EvmBlockFigures, EvmMetric};
pub use rows::{BacktestRow, Interval, MetricRow, Pairs};
pub use series::{Band, Decimal, Fan, Series};

/// Names the layout of [`SimulationResult`]; a change of layout changes it.
pub const RESULT_FORMAT: &str = "chaos-simulation/result/2";

/// The same layout where the one fee rule gives other figures than [`RESULT_FORMAT`] once named: a
/// raised floor or a bound gas limit holds from the first block of the change, or the base fee of a
/// path ran to its bound of 2^63 wei (`docs/adr/0012-one-fee-rule.md`).
pub const RESULT_FORMAT_REVISED: &str = "chaos-simulation/result/3";

/// The layout of results whose fit was checked: [`SimulationResult::calibration`] is there, the arms
/// and the difference of a metric are medians, and its interval carries what of the demand is not known
/// (`docs/adr/0048-a-calibration-that-can-fail.md`).
pub const RESULT_FORMAT_CHECKED: &str = "chaos-simulation/result/4";

/// The format of the result of a comparison in whose paths no base fee was above `base_fee_max_wei`,
/// those included that demand was calibrated with.
pub(crate) fn format_of(experiment: &Experiment, base_fee_max_wei: u128) -> &'static str {
    let Experiment { baseline, proposal, .. } = experiment;
    if experiment.fit != Fit::First {
        RESULT_FORMAT_CHECKED
    } else if is_revised(baseline, proposal, base_fee_max_wei) {
        RESULT_FORMAT_REVISED
    } else {
        RESULT_FORMAT
    }
}

/// The program that made a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Package name.
    pub name: String,
    /// Package version.
    pub version: String,
}

impl Program {
    /// This crate as built.
    #[must_use]
    pub fn this() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// One input of a simulation: a block file, a fee history, a set of contract codes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What it is, such as `eip155:1/blocks/19426586`.
    pub name: String,
    /// SHA-256 of its bytes.
    pub digest: Digest,
}

/// The parameters of both arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arms {
    /// What the chain has.
    pub baseline: Parameters,
    /// What is proposed.
    pub proposal: Parameters,
}

/// What was compared, under which assumptions, and what came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulationResult {
    /// [`RESULT_FORMAT`], [`RESULT_FORMAT_REVISED`] or [`RESULT_FORMAT_CHECKED`].
    pub format: String,
    /// The program that computed it.
    pub program: Program,
    /// The chain whose blocks were used.
    pub chain: ChainId,
    /// Everything read, sorted by name.
    pub inputs: Vec<Input>,
    /// The two sets of parameters.
    pub parameters: Arms,
    /// Seed of the random paths.
    #[serde(with = "chaos_types::decimal")]
    pub seed: u64,
    /// Simulated paths.
    pub paths: u32,
    /// Measured blocks per path.
    pub blocks: u32,
    /// Blocks before the measured ones, under the baseline in both arms.
    pub warmup_blocks: u32,
    /// Measured blocks after the change that no figure counts.
    pub settle_blocks: u32,
    /// Demand over the calibrated demand in ppm.
    pub demand_ppm: u32,
    /// How demand was fitted, and whether the paths drew its elasticity.
    #[serde(default, skip_serializing_if = "Fit::is_first")]
    pub fit: Fit,
    /// What a reader may dispute.
    pub assumptions: Assumptions,
    /// Demand as calibrated from the observed blocks; where paths draw it, that of the median elasticity.
    pub demand: Demand,
    /// The modelled baseline beside the observed chain; `None` of the first kind of fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Figures by name.
    pub metrics: BTreeMap<String, MetricRow>,
    /// The baseline model beside the observed blocks; empty without enough consecutive blocks.
    pub backtest: BTreeMap<String, BacktestRow>,
    /// Digest of the [`Series`] computed with it.
    pub series: Digest,
}

impl SimulationResult {
    /// The canonical bytes (RFC 8785).
    ///
    /// # Errors
    /// Never for a result made by [`crate::run`]; a value built by hand may hold integers beyond
    /// 2^53 in its small fields.
    pub fn to_canonical(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }

    /// Whether the one fee rule gives these parameters and this demand other figures than
    /// [`RESULT_FORMAT`] once named.
    #[must_use]
    pub fn is_revised(&self) -> bool {
        self.format == RESULT_FORMAT_REVISED
    }

    /// The same figures as builds named them that told revised ones by the parameters alone: of
    /// [`RESULT_FORMAT`] where nothing but a base fee at its bound revises them. `None` elsewhere.
    #[must_use]
    pub fn under_former_name(&self) -> Option<Self> {
        let Arms { baseline, proposal } = &self.parameters;
        let by_fee_alone = self.is_revised() && !is_revised(baseline, proposal, 0);
        by_fee_alone.then(|| Self { format: RESULT_FORMAT.to_owned(), ..self.clone() })
    }

    /// SHA-256 of the canonical bytes: what two runs must agree on.
    ///
    /// # Errors
    /// As [`Self::to_canonical`].
    pub fn digest(&self) -> Result<Digest, canonical::Error> {
        self.to_canonical().map(|bytes| Digest::of(&bytes))
    }
}
