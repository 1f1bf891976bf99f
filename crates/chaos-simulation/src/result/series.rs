use std::collections::BTreeMap;

use chaos_types::{Digest, canonical};
use serde::{Deserialize, Serialize};

/// What is needed to draw a result: bands over time, and the paired differences of every metric.
///
/// Kept beside the result and bound to it by digest, so that the result stays small.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Bands by name: `base_fee` (wei) and `utilisation` (ppm).
    pub fans: BTreeMap<String, Fan>,
    /// Per metric, proposal less baseline of every path, ascending.
    pub differences: BTreeMap<String, Vec<Decimal>>,
}

impl Series {
    /// SHA-256 of the canonical bytes, the `series` field of the result.
    ///
    /// # Errors
    /// Never for a series made by [`crate::run`].
    pub fn digest(&self) -> Result<Digest, canonical::Error> {
        canonical::to_vec(self).map(|bytes| Digest::of(&bytes))
    }
}

/// One quantity over time in both arms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fan {
    /// Unit of the bands.
    pub unit: String,
    /// The measured blocks at which the bands are given, from 0.
    pub blocks: Vec<u32>,
    /// The baseline arm.
    pub baseline: Band,
    /// The proposal arm.
    pub proposal: Band,
    /// Proposal less baseline for every path and every block of the fan, paired, ascending.
    pub difference: Vec<Decimal>,
}

/// Percentiles over paths, nearest rank, one entry per block of the [`Fan`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// 10th percentile.
    pub p10: Vec<Decimal>,
    /// Median.
    pub p50: Vec<Decimal>,
    /// 90th percentile.
    pub p90: Vec<Decimal>,
}

/// An integer that JSON writes as a decimal string.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Decimal(#[serde(with = "chaos_types::decimal")] pub i128);
