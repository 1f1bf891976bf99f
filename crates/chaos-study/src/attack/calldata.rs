//! Blocks as large in bytes as gas allows.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::{
    Encodable2718,
    eip2930::{AccessList, AccessListItem},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use chaos_parameters::Parameters;
use revm::{context::TxEnv, primitives::hardfork::SpecId};

use super::{
    Case, Error,
    machine::{Machine, Pricing, Stage, sender},
    result::{Figures, figure},
    rules::{calldata_floor, executed_gas_max, transaction_gas},
};

/// Gas of any transaction.
const BASE_GAS: u64 = 21_000;
/// Gas per token of calldata; a zero byte is one token, any other four (EIP-7623).
const TOKEN_GAS: u64 = 4;
/// Gas per address and per key of an access list (EIP-2930).
const ADDRESS_GAS: u64 = 2_400;
const KEY_GAS: u64 = 1_900;
/// Largest message on the gossip network, 10 MiB.
const GOSSIP_BYTES_MAX: u64 = 10_485_760;
/// Largest encoded block: the gossip bound less a margin of 2 MiB
/// (<https://eips.ethereum.org/EIPS/eip-7934>).
const BLOCK_BYTES_MAX: u64 = 8_388_608;

/// What the bytes of a bloated block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Construction {
    /// Calldata of zeros.
    Zeros,
    /// Calldata without zeros.
    NonZeros,
    /// Zeros, and an access list as long as the floor makes free.
    ZerosAndList,
    /// Non-zeros, and an access list as long as the floor makes free.
    NonZerosAndList,
}

impl Construction {
    pub(super) const ALL: [Self; 4] =
        [Self::Zeros, Self::NonZeros, Self::ZerosAndList, Self::NonZerosAndList];

    const fn name(self) -> &'static str {
        match self {
            Self::Zeros => "zeros",
            Self::NonZeros => "non_zeros",
            Self::ZerosAndList => "zeros_and_list",
            Self::NonZerosAndList => "non_zeros_and_list",
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Zeros | Self::ZerosAndList => 0,
            Self::NonZeros | Self::NonZerosAndList => 0xff,
        }
    }

    const fn tokens_per_byte(self) -> u64 {
        match self {
            Self::Zeros | Self::ZerosAndList => 1,
            Self::NonZeros | Self::NonZerosAndList => 4,
        }
    }

    const fn has_list(self) -> bool {
        match self {
            Self::Zeros | Self::NonZeros => false,
            Self::ZerosAndList | Self::NonZerosAndList => true,
        }
    }
}

/// One of the equal transactions of a bloated block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bloat {
    pub(super) construction: Construction,
    /// Transactions in the block.
    pub(super) transactions: u64,
    /// Gas that each may use.
    pub(super) transaction_gas: u64,
    /// Bytes of calldata of each.
    pub(super) data_bytes: u64,
    /// Keys in the access list of each; one address if there are any.
    pub(super) list_keys: u64,
    /// Gas of each, by the rule of EIP-7623.
    pub(super) gas: u64,
}

/// The largest transaction in bytes, by closed form.
///
/// With `t` tokens and a list worth `a` gas, a transaction costs
/// `21000 + max(4 t + a, floor * t)`, so under a floor above 4 a list of `(floor - 4) t` is free.
pub(super) fn bloat(parameters: &Parameters, spec: SpecId, construction: Construction) -> Bloat {
    let cap = executed_gas_max(parameters).max(BASE_GAS);
    let transactions = parameters.gas_limit().div_ceil(cap).max(1);
    let transaction_gas = parameters.gas_limit() / transactions;
    let floor = calldata_floor(parameters, spec);
    let budget = transaction_gas.saturating_sub(BASE_GAS);
    let per_token = floor.max(TOKEN_GAS);
    let data_bytes = budget / per_token / construction.tokens_per_byte();
    let tokens = data_bytes * construction.tokens_per_byte();
    let free = floor.saturating_sub(TOKEN_GAS) * tokens;
    let list_keys =
        if construction.has_list() { free.saturating_sub(ADDRESS_GAS) / KEY_GAS } else { 0 };
    let list_gas = if list_keys > 0 { ADDRESS_GAS + KEY_GAS * list_keys } else { 0 };
    let gas = BASE_GAS + (TOKEN_GAS * tokens + list_gas).max(floor * tokens);
    Bloat { construction, transactions, transaction_gas, data_bytes, list_keys, gas }
}

impl Bloat {
    fn data(&self) -> Bytes {
        let length = usize::try_from(self.data_bytes).unwrap_or(usize::MAX);
        vec![self.construction.byte(); length].into()
    }

    fn access_list(&self) -> AccessList {
        if self.list_keys == 0 {
            return AccessList::default();
        }
        let keys = (0..self.list_keys).map(|key| B256::from(!U256::from(key))).collect();
        AccessList(vec![AccessListItem { address: Address::repeat_byte(0xee), storage_keys: keys }])
    }

    /// Bytes of each transaction in a block's list, signature and headers included.
    pub(super) fn encoded_bytes(&self) -> u64 {
        let transaction = TxEip1559 {
            chain_id: 1,
            nonce: 1,
            gas_limit: self.transaction_gas,
            max_fee_per_gas: 1_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to: TxKind::Call(Address::repeat_byte(0xee)),
            value: U256::ZERO,
            access_list: self.access_list(),
            input: self.data(),
        };
        let signature = Signature::new(U256::MAX, U256::MAX, true);
        let length = TxEnvelope::from(transaction.into_signed(signature)).encode_2718_len();
        (length + alloy_rlp::length_of_length(length)) as u64
    }

    /// Executes one of the transactions and returns its gas.
    pub(super) fn executed_gas(&self, parameters: &Parameters, spec: SpecId) -> Result<u64, Error> {
        let stage = Stage::empty();
        let mut machine = Machine::new(&stage, Pricing::with_parameters(spec, parameters));
        let result = machine.transact(TxEnv {
            tx_type: 2,
            caller: sender(0),
            gas_limit: self.transaction_gas,
            kind: TxKind::Call(Address::repeat_byte(0xee)),
            data: self.data(),
            access_list: self.access_list(),
            gas_priority_fee: Some(0),
            ..TxEnv::default()
        })?;
        Ok(result.tx_gas_used())
    }
}

pub(super) fn figures(parameters: &Parameters, case: &Case) -> Result<Figures, Error> {
    if transaction_gas(parameters) < BASE_GAS {
        return Ok(vec![figure("cost_per_block", "wei", 0)]);
    }
    let mut rows = Vec::new();
    let (mut largest, mut executed) = (0u128, 0u128);
    for construction in Construction::ALL {
        let bloat = bloat(parameters, case.spec, construction);
        let bytes = u128::from(bloat.encoded_bytes()) * u128::from(bloat.transactions);
        let gas =
            u128::from(bloat.executed_gas(parameters, case.spec)?) * u128::from(bloat.transactions);
        let name = construction.name();
        rows.extend([
            figure(format!("block_bytes_{name}"), "bytes", bytes),
            figure(format!("gas_{name}"), "gas", gas),
            figure(
                format!("headroom_{name}"),
                "bytes",
                i128::from(BLOCK_BYTES_MAX) - i128::try_from(bytes).unwrap_or(i128::MAX),
            ),
        ]);
        if bytes > largest {
            (largest, executed) = (bytes, gas);
        }
    }
    let price = case.base_fee_wei.saturating_add(case.tip_wei);
    let gossip = i128::from(GOSSIP_BYTES_MAX) - i128::try_from(largest).unwrap_or(i128::MAX);
    // Bytes grow with gas in proportion, up to one transaction's rounding.
    let binding = u128::from(BLOCK_BYTES_MAX) * u128::from(parameters.gas_limit()) / largest.max(1);
    let mut figures = vec![
        figure("cost_per_block", "wei", price.saturating_mul(executed)),
        figure("block_bytes_max", "bytes", largest),
        figure("headroom_gossip", "bytes", gossip),
        figure("gas_limit_at_block_bytes_bound", "gas", binding),
    ];
    figures.extend(rows);
    Ok(figures)
}

pub(super) const NOTE: &str = "bytes are those of the encoded transactions, before compression; the \
    header and withdrawals add less than 2 KiB; headroom is against the 8 MiB of EIP-7934, \
    headroom_gossip against 10 MiB; negative headroom means that bytes bind before gas; zeros compress \
    almost to nothing on the wire, non-zeros may be random";

#[cfg(test)]
mod tests;
