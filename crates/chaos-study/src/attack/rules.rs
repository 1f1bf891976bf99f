//! What an attacker reads from an arm's parameters.

use chaos_parameters::{
    Family, ParameterName as P, Parameters,
    pricing::{BASE_FEE_WEI_MAX, BlockUse, FeeState},
};
use revm::primitives::hardfork::SpecId;

/// Most gas one transaction may ask for since Osaka: 2^24
/// ([EIP-7825](https://eips.ethereum.org/EIPS/eip-7825)).
pub(super) const TRANSACTION_GAS_MAX: u64 = 1 << 24;

/// Most gas that one transaction may ask for: the cap, or the block's limit.
pub(super) fn transaction_gas(parameters: &Parameters) -> u64 {
    let limit = parameters.gas_limit();
    match parameters.get(P::TransactionGasCap) {
        0 => limit,
        cap => cap.min(limit),
    }
}

/// Most gas of a transaction that is executed here: the cap, or 2^24 where there is none, so that
/// a block is made of several equal transactions on every chain.
pub(super) fn executed_gas_max(parameters: &Parameters) -> u64 {
    transaction_gas(parameters).min(TRANSACTION_GAS_MAX)
}

/// The divisor that bounds refunds. Families without the parameter keep that of London
/// ([EIP-3529](https://eips.ethereum.org/EIPS/eip-3529)).
pub(super) fn refund_quotient(parameters: &Parameters) -> u64 {
    if P::RefundQuotient.applies_to(parameters.family()) {
        parameters.get(P::RefundQuotient).max(1)
    } else {
        5
    }
}

/// Gas per calldata token below which a transaction is not charged, zero for none. Families
/// without the parameter have that of [EIP-7623](https://eips.ethereum.org/EIPS/eip-7623); no
/// fork before Prague has one.
pub(super) fn calldata_floor(parameters: &Parameters, spec: SpecId) -> u64 {
    if !spec.is_enabled_in(SpecId::PRAGUE) {
        0
    } else if P::CalldataFloor.applies_to(parameters.family()) {
        parameters.get(P::CalldataFloor)
    } else {
        10
    }
}

/// Whether the base fee follows EIP-1559.
pub(super) fn is_eip_1559(parameters: &Parameters) -> bool {
    match parameters.family() {
        Family::Ethereum | Family::OpStack => true,
        Family::Arbitrum => false,
    }
}

/// Blocks that begin within `duration_ms`, at least one.
pub(super) fn blocks_in(parameters: &Parameters, duration_ms: u64) -> u64 {
    duration_ms.div_ceil(parameters.block_time_ms().max(1)).max(1)
}

/// Whether a full block takes a base fee up to this one to the rule's bound.
pub(super) fn full_block_reaches_bound(parameters: &Parameters, base_fee_wei: u128) -> bool {
    let start = FeeState::settled(parameters, base_fee_wei);
    let next = after(start, parameters, parameters.gas_limit());
    start.base_fee_wei.max(next.base_fee_wei) >= u128::from(BASE_FEE_WEI_MAX)
}

/// The fees after a block that used this much gas, a block time later.
pub(super) fn after(state: FeeState, parameters: &Parameters, gas: u64) -> FeeState {
    let elapsed_ms = parameters.block_time_ms();
    state.advance(parameters, BlockUse { gas, blob_gas: 0, elapsed_ms })
}
