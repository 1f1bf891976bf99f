//! The first blocks of a base fee that starts far from where the market clears.

use crate::flow::percentile;

/// The climb is over within so many blocks or the market has no clearing price.
const CLIMB_BLOCKS: usize = 300;

/// The fee has settled when the median of so many blocks is near the settled price.
const SETTLED_BLOCKS: usize = 100;

/// Near the settled price: within a quarter of it.
const SETTLED_PERCENT: u128 = 25;

/// A figure of a launch. The settled price is the median base fee of the blocks fitted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transient {
    /// Blocks until the base fee is first at half of the settled price.
    ClimbBlocks,
    /// Highest base fee of the first 300 blocks over the settled price, in ppm.
    EarlyPeak,
    /// Blocks until the median of the 100 blocks that begin there is first within a quarter of the
    /// settled price; all blocks if it never is.
    SettlingBlocks,
}

impl Transient {
    pub(super) const ALL: [Self; 3] = [Self::ClimbBlocks, Self::EarlyPeak, Self::SettlingBlocks];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ClimbBlocks => "launch_climb_blocks",
            Self::EarlyPeak => "launch_early_peak",
            Self::SettlingBlocks => "launch_settling_blocks",
        }
    }

    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::ClimbBlocks | Self::SettlingBlocks => "blocks",
            Self::EarlyPeak => "ppm",
        }
    }

    pub(super) fn of(self, fees: &[u128], settled_wei: u128) -> i128 {
        match self {
            Self::ClimbBlocks => {
                let reached = fees.iter().position(|fee| fee.saturating_mul(2) >= settled_wei);
                reached.unwrap_or(fees.len()) as i128
            }
            Self::EarlyPeak => {
                let peak = fees.iter().take(CLIMB_BLOCKS).max().copied().unwrap_or(0);
                let peak = peak.saturating_mul(1_000_000) / settled_wei.max(1);
                i128::try_from(peak).unwrap_or(i128::MAX)
            }
            Self::SettlingBlocks => {
                let near = |window: &[u128]| {
                    let mut window = window.to_vec();
                    window.sort_unstable();
                    let apart = percentile(&window, 50).abs_diff(settled_wei);
                    apart.saturating_mul(100) <= settled_wei.saturating_mul(SETTLED_PERCENT)
                };
                fees.windows(SETTLED_BLOCKS).position(near).unwrap_or(fees.len()) as i128
            }
        }
    }
}
