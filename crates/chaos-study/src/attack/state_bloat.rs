//! Blocks that add as much state as gas allows.

use alloy_primitives::{Address, Bytes, TxKind, U256};
use chaos_parameters::Parameters;
use revm::{
    bytecode::opcode as op,
    context::{TxEnv, result::ExecutionResult},
    primitives::{eip8037, hardfork::SpecId},
};

use super::{
    Case, Error,
    machine::{Machine, Pricing, Stage, sender},
    result::{Figures, figure},
    rules::{executed_gas_max, transaction_gas},
    worst_case::{self, Operation},
};

/// Bytes of a new slot and of a new account, the sizes that EIP-8037 charges for.
const SLOT_BYTES: u64 = eip8037::SSTORE_SET_BYTES;
const ACCOUNT_BYTES: u64 = eip8037::NEW_ACCOUNT_BYTES;
/// Bytes of the largest contract (EIP-170).
const CODE_BYTES: u64 = 24_576;
/// Gas given to a deployment, above what it needs under any rules here.
const DEPLOYMENT_GAS: u64 = 10_000_000;
/// A month of thirty days.
const MONTH_MS: u64 = 30 * 24 * 3_600_000;
const GIB: u128 = 1 << 30;

/// State of one kind that a block can add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Growth {
    pub(super) name: &'static str,
    /// Accounts, slots or contracts per block.
    pub(super) items: u64,
    /// Bytes of each.
    pub(super) item_bytes: u64,
    /// Gas of the whole block.
    pub(super) gas: u64,
}

impl Growth {
    pub(super) const fn bytes(&self) -> u128 {
        self.items as u128 * self.item_bytes as u128
    }
}

/// New slots by `SSTORE`.
pub(super) fn slots(parameters: &Parameters, spec: SpecId) -> Result<Growth, Error> {
    let cap = executed_gas_max(parameters);
    let pricing = Pricing::with_parameters(spec, parameters);
    let none = Growth { name: "slots", items: 0, item_bytes: SLOT_BYTES, gas: 0 };
    let workload = match worst_case::prepare_capped(
        Operation::SstoreNew,
        parameters.gas_limit(),
        cap,
        pricing,
    ) {
        Err(Error::LimitTooSmall { .. }) => return Ok(none),
        prepared => prepared?,
    };
    let each = worst_case::execute_some(&workload, 1)?;
    let transactions = workload.transactions();
    let (items, gas) = (each.slots_written * transactions, each.gas_used * transactions);
    Ok(Growth { items, gas, ..none })
}

/// New accounts by plain transfers of one wei.
pub(super) fn accounts(parameters: &Parameters, spec: SpecId) -> Result<Growth, Error> {
    let to = TxKind::Call(Address::repeat_byte(0xee));
    let transfer = TxEnv { kind: to, value: U256::from(1), gas_limit: 100_000, ..TxEnv::default() };
    let gas = once(parameters, spec, transfer)?.tx_gas_used();
    let items = parameters.gas_limit() / gas;
    Ok(Growth { name: "accounts", items, item_bytes: ACCOUNT_BYTES, gas: items * gas })
}

/// New code by creating contracts of the largest size, each with its own address inside so that
/// no two are equal.
pub(super) fn codes(parameters: &Parameters, spec: SpecId) -> Result<Growth, Error> {
    let size = u16::try_from(CODE_BYTES).expect("24,576 fits 16 bits").to_be_bytes();
    let code = [op::ADDRESS, op::PUSH1, 0, op::MSTORE, op::PUSH2, size[0], size[1], op::PUSH1, 0];
    let data = Bytes::from([code.as_slice(), &[op::RETURN]].concat());
    let create =
        TxEnv { kind: TxKind::Create, data, gas_limit: DEPLOYMENT_GAS, ..TxEnv::default() };
    let result = once(parameters, spec, create)?;
    let gas = result.tx_gas_used();
    // A cap below the deployment's need rules out code of this size altogether.
    let fits = gas <= transaction_gas(parameters);
    let items = if fits { parameters.gas_limit() / gas } else { 0 };
    Ok(Growth { name: "code", items, item_bytes: CODE_BYTES, gas: items * gas })
}

fn once(
    parameters: &Parameters,
    spec: SpecId,
    transaction: TxEnv,
) -> Result<ExecutionResult, Error> {
    let stage = Stage::empty();
    let mut machine = Machine::new(&stage, Pricing::with_parameters(spec, parameters));
    let result = machine.transact(TxEnv { caller: sender(0), ..transaction })?;
    if result.is_success() { Ok(result) } else { Err(Error::NoGrowth) }
}

pub(super) fn figures(parameters: &Parameters, case: &Case) -> Result<Figures, Error> {
    let kinds = [
        slots(parameters, case.spec)?,
        accounts(parameters, case.spec)?,
        codes(parameters, case.spec)?,
    ];
    let most = kinds.iter().max_by_key(|kind| kind.bytes()).expect("there are three kinds");
    let price = case.base_fee_wei.saturating_add(case.tip_wei);
    let blocks = u128::from(MONTH_MS / parameters.block_time_ms().max(1));
    let month = most.bytes() * blocks;
    let month_cost = price.saturating_mul(u128::from(most.gas)).saturating_mul(blocks);
    let mut figures = vec![
        figure("cost_per_gib", "wei", scale(month_cost, GIB, month)),
        figure("bytes_per_block_max", "bytes", most.bytes()),
        figure("growth_per_month_max", "MiB", month >> 20),
    ];
    for kind in kinds {
        let name = kind.name;
        figures.extend([
            figure(format!("{name}_per_block"), "items", kind.items),
            figure(format!("{name}_bytes_per_block"), "bytes", kind.bytes()),
            figure(format!("{name}_growth_per_month"), "MiB", (kind.bytes() * blocks) >> 20),
            figure(
                format!("{name}_price"),
                "milligas/byte",
                u128::from(kind.gas) * 1_000 / kind.bytes().max(1),
            ),
        ]);
    }
    Ok(figures)
}

/// `amount * numerator / denominator` for a denominator that may be zero, without overflow as
/// long as the result is far from it.
fn scale(amount: u128, numerator: u128, denominator: u128) -> u128 {
    let product = U256::from(amount) * U256::from(numerator);
    let quotient = product.checked_div(U256::from(denominator)).unwrap_or_default();
    quotient.try_into().unwrap_or(u128::MAX)
}

pub(super) const NOTE: &str = "a slot counts 64 bytes and an account 120, the sizes of EIP-8037; the \
    tries above them grow as well, which is not counted; the base fee is held, although full blocks \
    would raise it";

#[cfg(test)]
mod tests;
