use crate::{ParameterName as P, Parameters};

/// How a gas limit gets from the parent's to the wanted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitRule {
    /// The limit that is wanted.
    pub wanted: u64,
    /// A block's limit differs from its parent's by less than the parent's over this; zero where
    /// nothing binds it.
    pub bound_divisor: u64,
}

impl LimitRule {
    /// The rule of these parameters.
    #[must_use]
    pub const fn of(parameters: &Parameters) -> Self {
        Self {
            wanted: parameters.gas_limit(),
            bound_divisor: parameters.get(P::GasLimitBoundDivisor),
        }
    }

    /// The limit of a block whose parent had this one.
    ///
    /// Strictly less than `parent / divisor` away from it, in whole gas
    /// ([EIP-1559](https://eips.ethereum.org/EIPS/eip-1559), block validity): where that quotient is
    /// 1 or less the limit cannot move.
    #[must_use]
    #[inline]
    pub fn next(&self, parent: u64) -> u64 {
        match parent.checked_div(self.bound_divisor) {
            None => self.wanted,
            Some(bound) => {
                let reach = bound.saturating_sub(1);
                self.wanted.clamp(parent.saturating_sub(reach), parent.saturating_add(reach))
            }
        }
    }
}
