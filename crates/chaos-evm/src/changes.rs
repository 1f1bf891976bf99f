//! The rule changes under which a block is run.

use chaos_chain_config::HeaderFees;
use chaos_parameters::{
    ParameterName as P, Parameters, Preset,
    pricing::{BaseFeeRule, LimitRule},
};
use revm::{
    context::CfgEnv, context_interface::cfg::gas_params::GasId, primitives::hardfork::SpecId,
};

use crate::{
    block::Block,
    fork::{Family, ForkRules},
};

/// Gas of the cheapest possible transaction.
pub const GAS_LIMIT_MIN: u64 = 21_000;
/// Largest calldata floor accepted, in gas per token. The EIP's value is 10.
const CALLDATA_FLOOR_MAX: u64 = 100_000;

/// Changes to the rules a block runs under. `None` leaves the rule of the block's fork in force;
/// [`Changes::NONE`] leaves all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Changes {
    /// Most gas a block may use. At least [`GAS_LIMIT_MIN`].
    pub gas_limit: Option<u64>,
    /// A block's limit is nearer to `gas_limit` than its parent's by less than the parent's over
    /// this; `None` puts it there at once. The limit of a run's first block takes the first step,
    /// from the recorded one.
    pub gas_limit_bound_divisor: Option<u64>,
    /// Gas per calldata token that a transaction pays at least
    /// ([EIP-7623](https://eips.ethereum.org/EIPS/eip-7623); 10 from Prague on); 0 switches the
    /// floor off. A zero byte is one token, any other byte is four. It may be set on blocks
    /// before Prague too.
    pub calldata_floor_per_token: Option<u64>,
    /// Most gas one transaction may ask for
    /// ([EIP-7825](https://eips.ethereum.org/EIPS/eip-7825); 16,777,216 from Osaka on); 0 means no
    /// cap. OP-stack deposits are exempt.
    pub transaction_gas_cap: Option<u64>,
    /// Refunds are at most gas used over this
    /// ([EIP-3529](https://eips.ethereum.org/EIPS/eip-3529); 5 from London on, 2 before). At
    /// least 1; the largest number switches refunds off.
    pub refund_quotient: Option<u64>,
    /// Least tip in wei per gas for which the builder includes a transaction. No fork has one.
    pub priority_fee_floor_wei: Option<u64>,
    /// Least base fee in wei per gas.
    pub base_fee_min_wei: Option<u64>,
    /// Gas limit over gas target
    /// ([EIP-1559](https://eips.ethereum.org/EIPS/eip-1559); 2 on Ethereum). At least 1.
    pub elasticity_multiplier: Option<u64>,
    /// A full block raises the base fee by one over this (8 on Ethereum). At least 1.
    pub base_fee_change_denominator: Option<u64>,
    /// Most blobs in a block ([EIP-7691](https://eips.ethereum.org/EIPS/eip-7691)).
    pub blobs_per_block_max: Option<u64>,
}

/// The chain's own base-fee rule. An OP-stack block says it in its extra data ([`HeaderFees`]); one
/// whose extra data is of neither form has the numbers of Canyon. Any other chain has Ethereum's.
fn own_base_fee_rule(block: &Block) -> BaseFeeRule {
    let of = |preset: Preset| BaseFeeRule::of(&preset.parameters());
    match &block.header.extra_data {
        Some(data) if block.rules.family == Family::OpStack => {
            HeaderFees::decode(data).map_or_else(|_| of(Preset::OpCanyon), |fees| fees.rule())
        }
        Some(_) | None => of(Preset::London),
    }
}

/// Why changes contradict themselves or the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangesError {
    /// No transaction fits.
    #[error("gas limit is {found}, expected at least {GAS_LIMIT_MIN}, the gas of a plain transfer")]
    GasLimit {
        /// The gas limit.
        found: u64,
    },
    /// No transaction is allowed.
    #[error(
        "transaction gas cap is {found}, expected 0 for none or at least {GAS_LIMIT_MIN}, the gas \
         of a plain transfer"
    )]
    TransactionGasCap {
        /// The cap.
        found: u64,
    },
    /// The floor is beyond any use.
    #[error("calldata floor is {found} gas per token, expected at most {CALLDATA_FLOOR_MAX}")]
    CalldataFloor {
        /// The floor.
        found: u64,
    },
    /// A rule would divide by zero.
    #[error("{name} is 0, expected at least 1")]
    Zero {
        /// The rule.
        name: &'static str,
    },
    /// The target would be no gas at all.
    #[error(
        "elasticity multiplier {elasticity} leaves a target of 0 gas under gas limit {gas_limit}"
    )]
    NoTarget {
        /// The elasticity multiplier.
        elasticity: u64,
        /// The gas limit in force.
        gas_limit: u64,
    },
}

impl Changes {
    /// No change.
    pub const NONE: Self = Self {
        gas_limit: None,
        gas_limit_bound_divisor: None,
        calldata_floor_per_token: None,
        transaction_gas_cap: None,
        refund_quotient: None,
        priority_fee_floor_wei: None,
        base_fee_min_wei: None,
        elasticity_multiplier: None,
        base_fee_change_denominator: None,
        blobs_per_block_max: None,
    };

    /// What a proposal changes of a baseline, and nothing else, so that every other rule stays the
    /// recorded fork's own. The divisor comes with a changed limit, whichever of the two set it.
    #[must_use]
    pub fn between(baseline: &Parameters, proposal: &Parameters) -> Self {
        let changed = |name: P| {
            let value = proposal.get(name);
            (name.applies_to(proposal.family()) && value != baseline.get(name)).then_some(value)
        };
        let gas_limit = changed(P::GasLimit);
        let divisor = LimitRule::of(proposal).bound_divisor;
        Self {
            gas_limit,
            gas_limit_bound_divisor: gas_limit.and((divisor > 0).then_some(divisor)),
            calldata_floor_per_token: changed(P::CalldataFloor),
            transaction_gas_cap: changed(P::TransactionGasCap),
            refund_quotient: changed(P::RefundQuotient),
            priority_fee_floor_wei: changed(P::PriorityFeeFloor),
            base_fee_min_wei: changed(P::MinBaseFee),
            elasticity_multiplier: changed(P::ElasticityMultiplier),
            base_fee_change_denominator: changed(P::BaseFeeChangeDenominator),
            blobs_per_block_max: changed(P::BlobMax),
        }
    }

    /// The same after the transition: the limit has arrived.
    ///
    /// Recorded blocks are short runs from many days. Each run stands for the chain after the
    /// change, as the models' figures do that leave out the first blocks.
    #[must_use]
    pub const fn settled(self) -> Self {
        Self { gas_limit_bound_divisor: None, ..self }
    }

    /// Whether every rule stays as it is.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// Refuses settings no chain could run under.
    ///
    /// # Errors
    /// [`ChangesError`], with the reason.
    pub fn ensure_possible(&self) -> Result<(), ChangesError> {
        if let Some(found) = self.gas_limit.filter(|gas| *gas < GAS_LIMIT_MIN) {
            return Err(ChangesError::GasLimit { found });
        }
        if let Some(found) = self.transaction_gas_cap.filter(|gas| (1..GAS_LIMIT_MIN).contains(gas))
        {
            return Err(ChangesError::TransactionGasCap { found });
        }
        if let Some(found) = self.calldata_floor_per_token.filter(|gas| *gas > CALLDATA_FLOOR_MAX) {
            return Err(ChangesError::CalldataFloor { found });
        }
        let divisors = [
            (self.refund_quotient, "refund quotient"),
            (self.elasticity_multiplier, "elasticity multiplier"),
            (self.base_fee_change_denominator, "base-fee change denominator"),
        ];
        if let Some((_, name)) = divisors.into_iter().find(|(value, _)| *value == Some(0)) {
            return Err(ChangesError::Zero { name });
        }
        if let (Some(elasticity), Some(gas_limit)) = (self.elasticity_multiplier, self.gas_limit)
            && gas_limit / elasticity == 0
        {
            return Err(ChangesError::NoTarget { elasticity, gas_limit });
        }
        Ok(())
    }

    /// The gas limit in force after a block with the limit `parent`, where the header says
    /// `recorded`.
    pub(crate) fn gas_limit(&self, parent: u64, recorded: u64) -> u64 {
        let bound_divisor = self.gas_limit_bound_divisor.unwrap_or(0);
        self.gas_limit.map_or(recorded, |wanted| LimitRule { wanted, bound_divisor }.next(parent))
    }

    /// Most gas a transaction may ask for, under `rules`.
    pub(crate) fn transaction_gas_cap(&self, rules: &ForkRules) -> u64 {
        match self.transaction_gas_cap {
            Some(0) => u64::MAX,
            Some(cap) => cap,
            None if rules.has(SpecId::OSAKA) => alloy_eips::eip7825::MAX_TX_GAS_LIMIT_OSAKA,
            None => u64::MAX,
        }
    }

    /// Most blobs in a block, under `rules`.
    pub(crate) fn blobs_max(&self, rules: &ForkRules) -> u64 {
        let own = rules.blobs.map_or(0, |blobs| blobs.per_block_max);
        self.blobs_per_block_max.filter(|_| rules.blobs.is_some()).unwrap_or(own)
    }

    /// The first block's base fee where its header says `recorded`.
    pub(crate) fn base_fee(&self, recorded: Option<u64>) -> Option<u64> {
        recorded.map(|fee| fee.max(self.base_fee_min_wei.unwrap_or(0)))
    }

    /// The base-fee rule that a block sets for the next one.
    pub(crate) fn base_fee_rule(&self, block: &Block) -> BaseFeeRule {
        let own = own_base_fee_rule(block);
        BaseFeeRule {
            elasticity_multiplier: self.elasticity_multiplier.unwrap_or(own.elasticity_multiplier),
            change_denominator: self.base_fee_change_denominator.unwrap_or(own.change_denominator),
            floor_wei: self.base_fee_min_wei.unwrap_or(own.floor_wei),
        }
    }

    /// Puts the changes the EVM itself obeys into its configuration.
    pub(crate) fn configure(&self, rules: &ForkRules, configuration: &mut CfgEnv) {
        let mut gas = Vec::new();
        if let Some(floor) = self.calldata_floor_per_token {
            let on = u64::from(floor > 0);
            gas.extend([
                (GasId::tx_floor_cost_per_token(), floor),
                (GasId::tx_floor_cost_base_gas(), on * GAS_LIMIT_MIN),
                (GasId::tx_floor_token_zero_byte_multiplier(), on),
            ]);
        }
        gas.extend(self.refund_quotient.map(|quotient| (GasId::max_refund_quotient(), quotient)));
        if !gas.is_empty() {
            configuration.gas_params.override_gas(gas);
        }
        if let Some(cap) = self.transaction_gas_cap {
            configuration.tx_gas_limit_cap = Some(if cap == 0 { u64::MAX } else { cap });
        }
        if let (Some(max), Some(blobs)) = (self.blobs_per_block_max, rules.blobs) {
            // Before Osaka only the block's maximum binds a transaction.
            let own = if rules.has(SpecId::OSAKA) { blobs.per_transaction_max } else { max };
            configuration.max_blobs_per_tx = Some(own.min(max));
        }
    }
}

#[cfg(test)]
mod tests;
