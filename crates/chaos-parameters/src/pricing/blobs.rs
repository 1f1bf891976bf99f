use crate::{ParameterName as P, Parameters};

/// Blob gas of one blob: 2^17 ([EIP-4844](https://eips.ethereum.org/EIPS/eip-4844)).
pub const GAS_PER_BLOB: u64 = 1 << 17;

/// Most blobs that one transaction carries
/// ([EIP-7594](https://eips.ethereum.org/EIPS/eip-7594)).
pub const BLOBS_PER_TRANSACTION_MAX: u64 = 6;

/// Where the blob fee stops rising: 2^64 - 1 wei per unit of blob gas, two million ether per blob.
///
/// The consensus rule has no such bound; no chain comes near it.
pub const BLOB_FEE_WEI_MAX: u64 = u64::MAX;

/// Excess blob gas stops here: 2^40, eight million blobs above the target.
///
/// The consensus rule has no such bound. It keeps the exponential short when a simulated demand for
/// blobs never ends; no chain comes near it.
const EXCESS_BLOB_GAS_MAX: u64 = 1 << 40;

/// The blob market's rule: [EIP-4844](https://eips.ethereum.org/EIPS/eip-4844) with a schedule
/// ([EIP-7840](https://eips.ethereum.org/EIPS/eip-7840)) and a reserve price
/// ([EIP-7918](https://eips.ethereum.org/EIPS/eip-7918)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRule {
    /// Blobs per block at which the price stands still.
    pub target: u64,
    /// Most blobs in a block.
    pub max: u64,
    /// The excess blob gas that multiplies the price by e.
    pub update_fraction: u64,
    /// Execution gas whose price is the reserve price of a blob; zero turns it off.
    pub base_cost: u64,
    /// The smallest price of a unit of blob gas, in wei.
    pub min_fee_wei: u64,
}

impl BlobRule {
    /// The rule of these parameters; `None` for a chain without blobs.
    #[must_use]
    #[inline]
    pub fn of(parameters: &Parameters) -> Option<Self> {
        let max = parameters.get(P::BlobMax);
        (max > 0).then(|| Self {
            target: parameters.get(P::BlobTarget),
            max,
            update_fraction: parameters.get(P::BlobUpdateFraction),
            base_cost: parameters.get(P::BlobBaseCost),
            min_fee_wei: parameters.get(P::BlobMinFee),
        })
    }

    /// Most blobs that one transaction carries.
    #[must_use]
    pub fn per_transaction_max(&self) -> u64 {
        self.max.min(BLOBS_PER_TRANSACTION_MAX)
    }

    /// The price of a unit of blob gas in wei: `min fee x e^(excess / update fraction)` by the
    /// integer series of EIP-4844, held at [`BLOB_FEE_WEI_MAX`].
    #[must_use]
    pub fn fee_wei(&self, excess_blob_gas: u64) -> u64 {
        let excess = excess_blob_gas.min(EXCESS_BLOB_GAS_MAX);
        exponential(self.min_fee_wei, excess, self.update_fraction.clamp(1, EXCESS_BLOB_GAS_MAX))
    }

    /// Whether the reserve price of EIP-7918 holds the blob price at this base fee.
    #[must_use]
    #[inline]
    pub fn reserve_price_active(&self, base_fee_wei: u128, blob_fee_wei: u64) -> bool {
        u128::from(self.base_cost).saturating_mul(base_fee_wei)
            > u128::from(GAS_PER_BLOB) * u128::from(blob_fee_wei)
    }

    /// Excess blob gas of the block after one with this excess and use.
    #[must_use]
    pub fn next_excess(&self, excess_blob_gas: u64, blob_gas_used: u64, reserved: bool) -> u64 {
        let target = self.target.saturating_mul(GAS_PER_BLOB);
        let total = excess_blob_gas.saturating_add(blob_gas_used);
        let next = if total < target {
            0
        } else if reserved {
            let above = u128::from(self.max.saturating_sub(self.target));
            let scaled = u128::from(blob_gas_used) * above / u128::from(self.max.max(1));
            excess_blob_gas.saturating_add(u64::try_from(scaled).unwrap_or(u64::MAX))
        } else {
            total - target
        };
        next.min(EXCESS_BLOB_GAS_MAX)
    }
}

/// `factor x e^(numerator / denominator)`, floored term by term as EIP-4844's `fake_exponential`,
/// exact below [`BLOB_FEE_WEI_MAX`] and held there. Numerator and denominator are at most 2^40.
fn exponential(factor: u64, numerator: u64, denominator: u64) -> u64 {
    let most = (u128::from(BLOB_FEE_WEI_MAX) + 1) * u128::from(denominator);
    let mut term = u128::from(factor) * u128::from(denominator);
    let (mut sum, mut index) = (0u128, 1u64);
    while term > 0 {
        sum += term;
        if sum >= most {
            return BLOB_FEE_WEI_MAX;
        }
        let Some(next) = multiply_divide(term, numerator, denominator * index) else {
            return BLOB_FEE_WEI_MAX;
        };
        term = next;
        index += 1;
    }
    u64::try_from(sum / u128::from(denominator)).unwrap_or(BLOB_FEE_WEI_MAX)
}

/// `value x by / over`, floored; `None` if that is 2^104 or more, above any term that counts.
fn multiply_divide(value: u128, by: u64, over: u64) -> Option<u128> {
    let (by, over) = (u128::from(by), u128::from(over));
    if let Some(product) = value.checked_mul(by) {
        return Some(product / over);
    }
    // A value below 2^104 in two halves; what is left of the first is below 2^64.
    let first = (value >> 64) * by;
    let high = first / over;
    let low = ((first % over) << 64).checked_add((value & u128::from(u64::MAX)) * by)? / over;
    (high < 1 << 40).then(|| (high << 64) + low)
}

#[cfg(test)]
mod tests;
