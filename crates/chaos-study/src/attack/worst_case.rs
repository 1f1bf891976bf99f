//! Blocks of the operations that take longest per gas, executed for real.
//!
//! [`prepare`] builds a block of equal transactions that call one contract, which repeats one
//! [`Operation`] until its gas is used; [`execute`] runs it and counts. Both are pure. How long a
//! block takes is for the caller to measure, around [`execute`]; [`block_nanoseconds`] carries a
//! measured time over to another gas limit.
//!
//! ```
//! use chaos_study::attack::worst_case::{self, Operation};
//! use revm::primitives::hardfork::SpecId;
//!
//! let workload = worst_case::prepare(Operation::SloadCold, 2_000_000, SpecId::OSAKA)?;
//! let executed = worst_case::execute(&workload)?;
//! assert!(executed.gas_used <= 2_000_000);
//! assert!(executed.operations > 900);
//! # Ok::<(), chaos_study::attack::Error>(())
//! ```

use alloy_primitives::{TxKind, U256};
use chaos_parameters::Parameters;
use rayon::prelude::*;
use revm::{context::TxEnv, primitives::hardfork::SpecId};

use super::{
    Error,
    machine::{CONTRACT, Machine, Pricing, Stage, sender},
    result::{Figures, figure},
    rules::{TRANSACTION_GAS_MAX, executed_gas_max},
};

mod assembler;
mod input;
mod operation;
mod program;

pub use operation::Operation;

/// A block that does nothing but one operation.
#[derive(Debug, Clone)]
pub struct Workload {
    operation: Operation,
    stage: Stage,
    pricing: Pricing,
    operations_per_count: (u64, u64),
    transactions: u64,
    transaction_gas: u64,
}

/// What executing a workload did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Executed {
    /// Gas paid for.
    pub gas_used: u64,
    /// Gas used before refunds.
    pub gas_before_refund: u64,
    /// How often the operation ran, and succeeded where it can fail.
    pub operations: u64,
    /// Transactions executed; all succeeded.
    pub transactions: u64,
    /// Storage slots whose value changed.
    pub slots_written: u64,
    /// Accounts written, senders and the contract included.
    pub accounts_written: u64,
    /// Logs written.
    pub logs: u64,
}

impl Workload {
    /// The operation.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// Name of the operation.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.operation.name()
    }

    /// The block's transactions, all equal but for their sender.
    #[must_use]
    pub const fn transactions(&self) -> u64 {
        self.transactions
    }

    /// Gas limit of each transaction.
    #[must_use]
    pub const fn transaction_gas(&self) -> u64 {
        self.transaction_gas
    }
}

/// Builds the block that repeats `operation` up to `gas_limit`, at the prices of `spec`: as few
/// transactions of at most 2^24 gas (EIP-7825) as fill it, each with the same share.
///
/// # Errors
/// [`Error::NotInFork`] if `spec` lacks the operation; [`Error::LimitTooSmall`] if the limit does
/// not hold one round of it.
pub fn prepare(operation: Operation, gas_limit: u64, spec: SpecId) -> Result<Workload, Error> {
    prepare_capped(operation, gas_limit, TRANSACTION_GAS_MAX, Pricing::of(spec))
}

pub(super) fn prepare_capped(
    operation: Operation,
    gas_limit: u64,
    transaction_gas_max: u64,
    pricing: Pricing,
) -> Result<Workload, Error> {
    if !pricing.spec.is_enabled_in(operation.since()) {
        return Err(Error::NotInFork { operation, spec: pricing.spec });
    }
    let program = program::program(operation);
    let transactions = gas_limit.div_ceil(transaction_gas_max.max(1)).max(1);
    let transaction_gas = gas_limit / transactions;
    if transaction_gas < program.gas_min {
        return Err(Error::LimitTooSmall { operation, transaction_gas, needed: program.gas_min });
    }
    Ok(Workload {
        operation,
        stage: program.stage,
        pricing,
        operations_per_count: program.operations_per_count,
        transactions,
        transaction_gas,
    })
}

/// Executes the whole block.
///
/// # Errors
/// [`Error::Failed`] if a transaction fails, which means that the workload is not what it says;
/// [`Error::Refused`] or [`Error::Stopped`] if the EVM does not run it.
pub fn execute(workload: &Workload) -> Result<Executed, Error> {
    execute_some(workload, workload.transactions)
}

/// Executes the first `transactions` of the block; the others do the same at other places.
pub(super) fn execute_some(workload: &Workload, transactions: u64) -> Result<Executed, Error> {
    let mut machine = Machine::new(&workload.stage, workload.pricing);
    let mut executed = Executed::default();
    for index in 0..transactions {
        let result = machine.transact(TxEnv {
            caller: sender(index),
            gas_limit: workload.transaction_gas,
            kind: TxKind::Call(CONTRACT),
            ..TxEnv::default()
        })?;
        let count = result
            .output()
            .filter(|output| result.is_success() && output.len() == 32)
            .and_then(|output| u64::try_from(U256::from_be_slice(output)).ok())
            .ok_or(Error::Failed { operation: workload.operation, transaction: index })?;
        let (numerator, denominator) = workload.operations_per_count;
        executed.operations += count * numerator / denominator;
        executed.gas_used += result.tx_gas_used();
        executed.gas_before_refund += result.gas().total_gas_spent();
        executed.transactions += 1;
        executed.logs += result.logs().len() as u64;
    }
    let written = machine.into_state().into_written();
    executed.accounts_written = written.len() as u64;
    executed.slots_written = written.values().map(|account| account.storage.len() as u64).sum();
    Ok(executed)
}

/// Nanoseconds that a full block at `gas_limit` takes, if `measured_gas` took `measured_ns`;
/// zero gas gives zero.
#[must_use]
pub fn block_nanoseconds(measured_ns: u64, measured_gas: u64, gas_limit: u64) -> u64 {
    let product = u128::from(measured_ns) * u128::from(gas_limit);
    let nanoseconds = product.checked_div(u128::from(measured_gas)).unwrap_or(0);
    u64::try_from(nanoseconds).unwrap_or(u64::MAX)
}

/// Gas per second, if `measured_gas` took `measured_ns`; no time at all counts as one nanosecond.
#[must_use]
pub fn gas_per_second(measured_ns: u64, measured_gas: u64) -> u64 {
    let product = u128::from(measured_gas) * 1_000_000_000;
    u64::try_from(product / u128::from(measured_ns.max(1))).unwrap_or(u64::MAX)
}

/// Gas of the transaction that [`super::run`] executes of each operation: small enough for a run
/// of seconds, large enough that the 21,000 gas of a transaction weigh about one per cent.
const SAMPLE_GAS: u64 = 1 << 21;

/// Operations of each kind that a block at the arm's limit pays for, and their price, from
/// executing one transaction. An operation of which no round fits is left out.
pub(super) fn figures(
    parameters: &Parameters,
    base_fee_wei: u128,
    tip_wei: u128,
    spec: SpecId,
) -> Result<Figures, Error> {
    let gas = executed_gas_max(parameters).min(SAMPLE_GAS);
    let measured: Vec<Option<Result<_, Error>>> = Operation::ALL
        .par_iter()
        .map(|operation| {
            let pricing = Pricing::with_parameters(spec, parameters);
            match prepare_capped(*operation, gas, gas, pricing) {
                Ok(workload) => Some(execute(&workload).map(|executed| (*operation, executed))),
                Err(Error::NotInFork { .. } | Error::LimitTooSmall { .. }) => None,
                Err(error) => Some(Err(error)),
            }
        })
        .collect();
    let price = base_fee_wei.saturating_add(tip_wei);
    let limit = u128::from(parameters.gas_limit());
    let mut figures = vec![figure("cost_per_block", "wei", price.saturating_mul(limit))];
    for one in measured.into_iter().flatten() {
        let (operation, executed) = one?;
        let operations = u128::from(executed.operations).max(1);
        let gas = u128::from(executed.gas_used).max(1);
        figures.extend([
            figure(format!("{operation}_per_block"), "operations", limit * operations / gas),
            figure(format!("{operation}_gas"), "milligas", gas * 1_000 / operations),
        ]);
    }
    Ok(figures)
}

pub(super) const NOTE: &str = "operations are counted by execution; how long they take depends on the \
    machine and is measured outside the digest; state is in memory, so reads from disk are not part of it";

#[cfg(test)]
mod tests;
