use std::collections::BTreeMap;

use chaos_parameters::Parameters;
use chaos_types::{ChainId, Digest, canonical};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::{
    flow::{Assumptions, Demand, ObservedBlock},
    result::{Decimal, Input, Program},
};

/// Names the layout of [`Forecast`]; a change of layout changes it.
pub const FORECAST_FORMAT: &str = "chaos-simulation/forecast/1";

/// A stretch of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Number of the first block.
    pub first_block: u64,
    /// Number of the last block.
    pub last_block: u64,
    /// Unix time of the first block in seconds.
    pub first_time: u64,
    /// Unix time of the last block in seconds.
    pub last_time: u64,
    /// Blocks present.
    pub blocks: u64,
    /// Blocks absent between the first and the last.
    pub missing: u64,
}

impl Window {
    /// The stretch that these ascending blocks span; `None` if there are none.
    #[must_use]
    pub fn of(blocks: &[ObservedBlock]) -> Option<Self> {
        let (first, last) = (blocks.first()?, blocks.last()?);
        let blocks = blocks.len() as u64;
        Some(Self {
            first_block: first.number,
            last_block: last.number,
            first_time: first.timestamp,
            last_time: last.timestamp,
            blocks,
            missing: (last.number - first.number).saturating_add(1).saturating_sub(blocks),
        })
    }
}

/// Which blocks the demand of a forecast was fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Blocks before the activation only: a forecast.
    Before,
    /// Blocks after the launch it describes, because there are none before under the same rule: a
    /// test of the model's dynamics, not of its foresight.
    After,
}

/// The blocks that a forecast is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The first block, at which the change takes effect.
    pub first_block: u64,
    /// How many blocks.
    pub blocks: u32,
}

/// What a forecast is made for, apart from the blocks.
#[derive(Debug, Clone)]
pub struct Request {
    /// The chain.
    pub chain: ChainId,
    /// The program, usually [`Program::this`].
    pub program: Program,
    /// Digests of the files that the blocks were read from.
    pub inputs: Vec<Input>,
    /// Unix time in seconds at which the forecast is made, as the caller's clock has it; `None`
    /// when it is made for scoring at once.
    pub made_at: Option<u64>,
    /// What the chain has before the activation; its gas limit is taken from the blocks.
    pub baseline: Parameters,
    /// What it has from the activation on.
    pub proposal: Parameters,
    /// The first block under the proposal.
    pub activation_block: u64,
}

/// Percentiles over paths, by nearest rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// 2.5th percentile.
    #[serde(with = "chaos_types::decimal")]
    pub p2_5: i128,
    /// 10th percentile.
    #[serde(with = "chaos_types::decimal")]
    pub p10: i128,
    /// Median.
    #[serde(with = "chaos_types::decimal")]
    pub p50: i128,
    /// 90th percentile.
    #[serde(with = "chaos_types::decimal")]
    pub p90: i128,
    /// 97.5th percentile.
    #[serde(with = "chaos_types::decimal")]
    pub p97_5: i128,
}

/// One predicted figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastRow {
    /// Unit of all numbers.
    pub unit: String,
    /// What the model expects.
    pub quantiles: Quantiles,
    /// Factor by which p2.5 and p10 were moved away from the median, because recorded windows lie
    /// further below it than the paths, in ppm; 1,000,000 is none.
    pub widened_low_ppm: u32,
    /// The same of p90 and p97.5.
    pub widened_high_ppm: u32,
    /// The same figure in the last blocks before the activation, as many as are predicted: the
    /// naive forecast. `None` where there are none.
    pub naive: Option<Decimal>,
}

/// What the model expects of the blocks from an activation on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forecast {
    /// [`FORECAST_FORMAT`].
    pub format: String,
    /// The program that made it.
    pub program: Program,
    /// Unix time in seconds at which it was made, if it was made ahead.
    pub made_at: Option<u64>,
    /// The chain.
    pub chain: ChainId,
    /// Everything read, sorted by name.
    pub inputs: Vec<Input>,
    /// Rules before the activation.
    pub baseline: Parameters,
    /// Rules from the activation on.
    pub proposal: Parameters,
    /// The blocks it is about.
    pub target: Target,
    /// The blocks that demand was fitted to.
    pub fit: Window,
    /// Whether those lie before the target.
    pub basis: Basis,
    /// Seed of the random paths.
    #[serde(with = "chaos_types::decimal")]
    pub seed: u64,
    /// Simulated paths.
    pub paths: u32,
    /// What a reader may dispute.
    pub assumptions: Assumptions,
    /// Demand as fitted.
    pub demand: Demand,
    /// Standard error of the level of demand (natural logarithm, ppm), drawn anew for each path.
    pub level_error_ppm: i64,
    /// Standard error of the deviation of slow noise (natural logarithm, ppm), likewise.
    pub slow_error_ppm: i64,
    /// Where slow noise stood at the end of the fit (natural logarithm, ppm).
    pub slow_start_ppm: i64,
    /// Recorded windows, overlapping, that the intervals were widened by; none if the fit is shorter
    /// than the target.
    pub dispersion_windows: u64,
    /// SHA-256 of the canonical model: name, assumptions, demand and the three figures above.
    pub model: Digest,
    /// Predicted figures by name.
    pub metrics: BTreeMap<String, ForecastRow>,
}

impl Forecast {
    /// The canonical bytes (RFC 8785).
    ///
    /// # Errors
    /// If a value built by hand holds integers beyond 2^53 in its small fields.
    pub fn to_canonical(&self) -> Result<Vec<u8>, Error> {
        canonical::to_vec(self).map_err(Error::Canonical)
    }

    /// Reads what [`Self::to_canonical`] wrote, byte for byte.
    ///
    /// # Errors
    /// If the bytes are not canonical or name another format.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, Error> {
        let forecast: Self = canonical::from_slice(bytes).map_err(Error::Canonical)?;
        if forecast.format != FORECAST_FORMAT {
            return Err(Error::Format { found: forecast.format.chars().take(80).collect() });
        }
        Ok(forecast)
    }

    /// SHA-256 of the canonical bytes.
    ///
    /// # Errors
    /// As [`Self::to_canonical`].
    pub fn digest(&self) -> Result<Digest, Error> {
        self.to_canonical().map(|bytes| Digest::of(&bytes))
    }
}
