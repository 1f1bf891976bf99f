//! The named numbers that steer the analyst.

use chaos_studio::{Studio, ThresholdName};

/// When the analyst names an opportunity; all in parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Congestion: smallest share of full blocks.
    pub congestion_full_share_ppm: u64,
    /// Congestion: smallest mean use, as a share of the target.
    pub congestion_use_of_target_ppm: u64,
    /// Oscillation: smallest standard deviation of the base fee's relative change per block.
    pub oscillation_volatility_ppm: u64,
    /// Oscillation: the lag-1 autocorrelation of utilisation is at most minus this.
    pub oscillation_autocorrelation_ppm: u64,
    /// Bursts: smallest share of full blocks.
    pub burst_full_share_ppm: u64,
    /// Bursts: largest mean use, as a share of the target.
    pub burst_use_of_target_ppm: u64,
}

/// Why the thresholds of a studio definition cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A threshold that the analyst needs is not set.
    #[error("`thresholds.{name}` is missing")]
    Missing {
        /// Name of the threshold.
        name: &'static str,
    },
    /// A threshold is set that the analyst does not know.
    #[error("`thresholds.{name}` is not known to the governance studio")]
    Unknown {
        /// Name of the threshold.
        name: ThresholdName,
    },
}

const NAMES: [&str; 6] = [
    "congestion_full_share_ppm",
    "congestion_use_of_target_ppm",
    "oscillation_volatility_ppm",
    "oscillation_autocorrelation_ppm",
    "burst_full_share_ppm",
    "burst_use_of_target_ppm",
];

impl Thresholds {
    /// Takes the thresholds of a studio definition, which must be exactly the known ones.
    ///
    /// # Errors
    /// If one is missing or unknown.
    pub fn of_studio(studio: &Studio) -> Result<Self, Error> {
        let known = |name: &ThresholdName| NAMES.contains(&name.as_str());
        if let Some(name) = studio.thresholds().keys().find(|name| !known(name)) {
            return Err(Error::Unknown { name: name.clone() });
        }
        let value = |name: &'static str| {
            let found = studio.thresholds().iter().find(|(key, _)| key.as_str() == name);
            found.map(|(_, value)| *value).ok_or(Error::Missing { name })
        };
        let [full, near, volatility, oscillation, burst, idle] = NAMES;
        Ok(Self {
            congestion_full_share_ppm: value(full)?,
            congestion_use_of_target_ppm: value(near)?,
            oscillation_volatility_ppm: value(volatility)?,
            oscillation_autocorrelation_ppm: value(oscillation)?,
            burst_full_share_ppm: value(burst)?,
            burst_use_of_target_ppm: value(idle)?,
        })
    }
}

#[cfg(test)]
mod tests;
