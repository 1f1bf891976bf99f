use super::{Error, Experiment};

/// Most simulated blocks in one run, both arms and all paths together: 100 million.
pub const WORK_BLOCKS_MAX: u64 = 100_000_000;

/// The accepted range of one number of an [`Experiment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The field.
    pub field: &'static str,
    /// The smallest value accepted.
    pub min: u64,
    /// The largest value accepted.
    pub max: u64,
}

impl Bound {
    const fn new(field: &'static str, min: u64, max: u64) -> Self {
        Self { field, min, max }
    }

    const fn ensure(self, found: u64) -> Result<(), Error> {
        let Self { field, min, max } = self;
        if found < min || found > max {
            return Err(Error::OutOfBounds { field, min, max, found });
        }
        Ok(())
    }
}

/// Refuses what would overflow, never end, or mean nothing.
pub(super) fn ensure(experiment: &Experiment) -> Result<(), Error> {
    let assumptions = &experiment.assumptions;
    let checks = [
        (Bound::new("paths", 1, 10_000), experiment.paths),
        // Burnt fees are summed over blocks: 2^63 wei x 2^40 gas x 2^15 blocks stays below 2^127.
        (Bound::new("blocks", 2, 32_768), experiment.blocks),
        (Bound::new("warmup_blocks", 0, 32_768), experiment.warmup_blocks),
        (
            Bound::new("settle_blocks", 0, u64::from(experiment.blocks.saturating_sub(2))),
            experiment.settle_blocks,
        ),
        (Bound::new("demand_ppm", 1, 1_000_000_000), experiment.demand_ppm),
        (Bound::new("elasticity_ppm", 0, 5_000_000), assumptions.elasticity_ppm),
        (Bound::new("patience_blocks", 0, 10_000), assumptions.patience_blocks),
        (Bound::new("pool_blocks", 0, 1_000), assumptions.pool_blocks),
        (Bound::new("reservation_spread_ppm", 0, 1_000_000), assumptions.reservation_spread_ppm),
        (Bound::new("burst_probability_ppm", 0, 1_000_000), assumptions.burst_probability_ppm),
        (Bound::new("burst_factor_ppm", 1, 100_000_000), assumptions.burst_factor_ppm),
        (Bound::new("burst_blocks", 0, 10_000), assumptions.burst_blocks),
    ];
    for (bound, found) in checks {
        bound.ensure(found.into())?;
    }
    let per_path = u64::from(experiment.blocks) + u64::from(experiment.warmup_blocks);
    Bound::new("2 x paths x (blocks + warmup_blocks)", 1, WORK_BLOCKS_MAX)
        .ensure(2 * u64::from(experiment.paths) * per_path)
}
