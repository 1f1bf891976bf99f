//! More work in a block than its limit says.

use chaos_parameters::Parameters;
use revm::primitives::hardfork::SpecId;

use super::{
    Case, Error,
    machine::Pricing,
    result::{Figures, figure},
    rules::{refund_quotient, transaction_gas},
    worst_case::{self, Executed, Operation},
};

/// The block is filled with about this many transactions, so that little room is left at its end.
const TRANSACTIONS: u64 = 512;
/// Less than this cannot clear enough slots to matter.
const TRANSACTION_GAS_MIN: u64 = 200_000;

/// A block of transactions that clear storage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Overclocked {
    /// Transactions that fit, counting gas after refunds.
    pub(super) transactions: u128,
    /// Gas limit of each.
    pub(super) transaction_gas: u64,
    /// What executing one of them did.
    pub(super) each: Executed,
}

impl Overclocked {
    pub(super) const fn gross(&self) -> u128 {
        self.transactions * self.each.gas_before_refund as u128
    }

    pub(super) const fn net(&self) -> u128 {
        self.transactions * self.each.gas_used as u128
    }
}

/// Executes one transaction and packs the block with its like: each must find its whole gas limit
/// free, and then counts only what it used after refunds.
pub(super) fn overclock(parameters: &Parameters, spec: SpecId) -> Result<Overclocked, Error> {
    let limit = parameters.gas_limit();
    let transaction_gas =
        (limit / TRANSACTIONS).max(TRANSACTION_GAS_MIN).min(transaction_gas(parameters));
    let prepared = worst_case::prepare_capped(
        Operation::SstoreClear,
        transaction_gas,
        transaction_gas,
        Pricing::with_parameters(spec, parameters),
    );
    let workload = match prepared {
        // No such transaction fits.
        Err(Error::LimitTooSmall { .. }) => return Ok(Overclocked::default()),
        prepared => prepared?,
    };
    let each = worst_case::execute_some(&workload, 1)?;
    let more = (limit - transaction_gas) / each.gas_used.max(1);
    Ok(Overclocked { transactions: u128::from(more) + 1, transaction_gas, each })
}

pub(super) fn figures(parameters: &Parameters, case: &Case) -> Result<Figures, Error> {
    let block = overclock(parameters, case.spec)?;
    let price = case.base_fee_wei.saturating_add(case.tip_wei);
    let limit = u128::from(parameters.gas_limit());
    let bound = match u128::from(refund_quotient(parameters)) {
        // All gas may come back, so that gas no longer bounds the work.
        0 | 1 => u128::from(u64::MAX),
        quotient => quotient * 1_000_000 / (quotient - 1),
    };
    Ok(vec![
        figure("cost_per_block", "wei", price.saturating_mul(block.net())),
        figure("gross_gas", "gas", block.gross()),
        figure("net_gas", "gas", block.net()),
        figure("gross_over_net", "ppm", block.gross() * 1_000_000 / block.net().max(1)),
        figure("gross_over_limit", "ppm", block.gross() * 1_000_000 / limit),
        figure("gross_over_limit_bound", "ppm", bound),
        figure("gas_over_limit", "gas", block.gross().saturating_sub(limit)),
        figure("slots_cleared", "slots", block.transactions * u128::from(block.each.operations)),
    ])
}

pub(super) const NOTE: &str = "the slots were filled beforehand, which costs 22100 gas each and is not \
    counted; the bound is q / (q - 1) for a refund quotient q; a chain that counts gas before refunds \
    (EIP-7778) is the arm without refund quotient";

#[cfg(test)]
mod tests;
