/// Fewest blocks.
const BLOCKS_MIN: u32 = 1;
/// Most blocks; they are all held in memory.
const BLOCKS_MAX: u32 = 2_000;
/// Smallest block gas limit: room for a handful of transactions.
const GAS_LIMIT_MIN: u64 = 1_000_000;
/// Largest block gas limit.
const GAS_LIMIT_MAX: u64 = 200_000_000;
/// Fewest accounts.
const ACCOUNTS_MIN: u32 = 16;
/// Most accounts.
const ACCOUNTS_MAX: u32 = 20_000;
/// Smallest first base fee, in wei per gas; below 8 the rule of EIP-1559 cannot lower it.
const BASE_FEE_MIN_WEI: u64 = 8;
/// Largest first base fee, in wei per gas.
const BASE_FEE_MAX_WEI: u64 = 1_000_000_000_000;
/// Largest mean demand, as parts per million of the gas target.
const DEMAND_MAX_PPM: u32 = 10_000_000;

/// What load to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadParameters {
    /// Number of blocks, 1 to 2,000.
    pub blocks: u32,
    /// Gas limit of each block, 1 to 200 million. The target is half of it.
    pub gas_limit: u64,
    /// Number of sending accounts, 16 to 20,000. Each has at most one transaction waiting.
    pub accounts: u32,
    /// Base fee of the first block in wei per gas, 8 to 10^12. What senders will pay is spread
    /// around it, from half to three times, and twice that in a rush.
    pub base_fee_wei: u64,
    /// Mean demand outside bursts, in parts per million of the gas target; at most 10,000,000.
    pub demand_ppm: u32,
    /// Timestamp of the first block, in seconds since 1970; the next follow 12 seconds apart.
    pub timestamp: u64,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for LoadParameters {
    /// 32 blocks of 15 million gas: bursts, calm and a base fee that moves, in a few seconds.
    fn default() -> Self {
        Self {
            blocks: 32,
            gas_limit: 15_000_000,
            accounts: 800,
            base_fee_wei: 5_000_000_000,
            demand_ppm: 1_100_000,
            timestamp: 1_767_225_600,
            seed: 1,
        }
    }
}

/// A load parameter outside its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is {value}, expected {min} to {max}")]
pub struct ParameterError {
    /// The parameter.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
    /// The least allowed.
    pub min: u64,
    /// The most allowed.
    pub max: u64,
}

impl LoadParameters {
    /// Checks every range.
    ///
    /// # Errors
    /// Names the first parameter outside its range.
    pub fn ensure_valid(&self) -> Result<(), ParameterError> {
        let ranges = [
            ("blocks", self.blocks.into(), BLOCKS_MIN.into(), BLOCKS_MAX.into()),
            ("gas_limit", self.gas_limit, GAS_LIMIT_MIN, GAS_LIMIT_MAX),
            ("accounts", self.accounts.into(), ACCOUNTS_MIN.into(), ACCOUNTS_MAX.into()),
            ("base_fee_wei", self.base_fee_wei, BASE_FEE_MIN_WEI, BASE_FEE_MAX_WEI),
            ("demand_ppm", self.demand_ppm.into(), 0, DEMAND_MAX_PPM.into()),
            ("timestamp", self.timestamp, 0, u64::from(u32::MAX)),
        ];
        for (name, value, min, max) in ranges {
            if !(min..=max).contains(&value) {
                return Err(ParameterError { name, value, min, max });
            }
        }
        Ok(())
    }
}
