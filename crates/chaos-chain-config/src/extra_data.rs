use chaos_parameters::{Error, ParameterName as P, Parameters, Setting, pricing::BaseFeeRule};

/// Bytes of extra data since Holocene: a version, denominator and elasticity.
const HOLOCENE_BYTES: usize = 9;
/// Bytes since Jovian, with the least base fee.
const JOVIAN_BYTES: usize = 17;

/// The numbers of the fee rule in the extra data of an OP-stack block. They move the base fee of the
/// block after it.
///
/// Version 0 is [Holocene](https://specs.optimism.io/protocol/holocene/exec-engine.html)'s, version 1
/// [Jovian](https://specs.optimism.io/protocol/jovian/exec-engine.html)'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HeaderFees {
    /// Reciprocal of the base fee's largest relative change; never zero.
    pub change_denominator: u32,
    /// Gas limit over gas target; never zero.
    pub elasticity_multiplier: u32,
    /// Least base fee in wei per gas; `None` before Jovian, which has none.
    pub min_base_fee_wei: Option<u64>,
}

/// Why extra data holds no numbers of a fee rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExtraDataError {
    /// Neither form has so many bytes.
    #[error("{found} bytes, expected {HOLOCENE_BYTES} (version 0) or {JOVIAN_BYTES} (version 1)")]
    Length {
        /// How many there are.
        found: usize,
    },
    /// The version is none, or not the one of this length.
    #[error(
        "version {found} with {bytes} bytes, expected version 0 with {HOLOCENE_BYTES} or 1 with {JOVIAN_BYTES}"
    )]
    Version {
        /// The first byte.
        found: u8,
        /// How many bytes there are.
        bytes: usize,
    },
    /// A number by which is divided is zero.
    #[error("denominator {denominator} and elasticity {elasticity}, expected none of them to be 0")]
    Zero {
        /// The denominator.
        denominator: u32,
        /// The elasticity.
        elasticity: u32,
    },
}

impl HeaderFees {
    /// Reads a block's extra data.
    ///
    /// # Errors
    /// If it is of neither form.
    pub fn decode(bytes: &[u8]) -> Result<Self, ExtraDataError> {
        let has_floor = match (bytes.len(), bytes.first()) {
            (HOLOCENE_BYTES, Some(0)) => false,
            (JOVIAN_BYTES, Some(1)) => true,
            (HOLOCENE_BYTES | JOVIAN_BYTES, Some(version)) => {
                return Err(ExtraDataError::Version { found: *version, bytes: bytes.len() });
            }
            (found, _) => return Err(ExtraDataError::Length { found }),
        };
        let number = |from: usize, to: usize| {
            bytes[from..to].iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte))
        };
        let narrow = |from| u32::try_from(number(from, from + 4)).expect("four bytes fit");
        let (denominator, elasticity) = (narrow(1), narrow(5));
        if denominator == 0 || elasticity == 0 {
            return Err(ExtraDataError::Zero { denominator, elasticity });
        }
        Ok(Self {
            change_denominator: denominator,
            elasticity_multiplier: elasticity,
            min_base_fee_wei: has_floor.then(|| number(HOLOCENE_BYTES, JOVIAN_BYTES)),
        })
    }

    /// The bytes that say this.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.min_base_fee_wei.is_some())];
        bytes.extend(self.change_denominator.to_be_bytes());
        bytes.extend(self.elasticity_multiplier.to_be_bytes());
        if let Some(floor) = self.min_base_fee_wei {
            bytes.extend(floor.to_be_bytes());
        }
        bytes
    }

    /// The rule by which the block after this one has its base fee.
    #[must_use]
    pub fn rule(&self) -> BaseFeeRule {
        BaseFeeRule {
            elasticity_multiplier: self.elasticity_multiplier.into(),
            change_denominator: self.change_denominator.into(),
            floor_wei: self.min_base_fee_wei.unwrap_or(0),
        }
    }

    /// These parameters with the numbers in the place of theirs.
    ///
    /// # Errors
    /// If one is out of its bounds, or the parameters are of a family without them.
    pub fn apply(&self, parameters: Parameters) -> Result<Parameters, Error> {
        let rule = self.rule();
        parameters.apply(&[
            Setting::new(P::ElasticityMultiplier, rule.elasticity_multiplier)?,
            Setting::new(P::BaseFeeChangeDenominator, rule.change_denominator)?,
            Setting::new(P::MinBaseFee, rule.floor_wei)?,
        ])
    }
}

#[cfg(test)]
mod tests;
