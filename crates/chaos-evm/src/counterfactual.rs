//! A recorded block under a changed gas limit.
//!
//! The recorded transactions are taken in their recorded order, and one is included while it fits.
//! Nothing is added: a larger limit makes room, but who would have used it is a question for the
//! fee-market model. The base fee stays as recorded, since it depends on the parent alone.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};

use crate::{
    execute::{Attempt, Executor, RejectReason},
    overlay::Overlay,
    replay::{BlockReplay, Place, ReplayError, ReplayInput, Status, outcome},
    state::{PreState, UnknownReads},
};

/// What a block would have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterfactual {
    /// The chain, by EIP-155 number.
    pub chain: u64,
    /// The block.
    pub number: u64,
    /// The header's gas limit.
    pub gas_limit_recorded: u64,
    /// The gas limit it was run with.
    pub gas_limit: u64,
    /// Gas used.
    pub gas_used: u64,
    /// Number of transactions that ran.
    pub included: usize,
    /// Transactions left out.
    pub excluded: Vec<Excluded>,
    /// Transactions that did something else than in the block as recorded.
    pub divergences: Vec<Divergence>,
    /// Reads outside the known state. More than in the replay means the result rests on guesses.
    pub unknown_reads: UnknownReads,
}

/// A transaction that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excluded {
    /// Its place in the recorded block, from zero.
    pub index: usize,
    /// Its hash.
    pub hash: B256,
    /// Why.
    pub cause: ExclusionCause,
}

/// Why a transaction was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExclusionCause {
    /// Its gas limit exceeds what the block has left.
    NoRoom,
    /// An earlier transaction of the same sender was left out, so its nonce comes too early.
    EarlierNonceExcluded,
    /// Its type is not understood.
    Unsupported,
}

/// A transaction that did something else than in the block as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// Its place in the recorded block, from zero.
    pub index: usize,
    /// Its hash.
    pub hash: B256,
    /// What differs.
    pub change: Change,
}

/// How a transaction's result differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It ends another way.
    Status {
        /// As recorded.
        before: Status,
        /// Under the changed limit.
        after: Status,
    },
    /// It ends the same way with other gas.
    Gas {
        /// As recorded.
        before: u64,
        /// Under the changed limit.
        after: u64,
    },
    /// It broke no rule as recorded, and breaks one now.
    Rejected(RejectReason),
}

/// Runs a block with another gas limit. `baseline` is the replay of the same input.
///
/// # Errors
/// As [`crate::replay()`].
pub fn with_gas_limit(
    input: &ReplayInput,
    baseline: &BlockReplay,
    gas_limit: u64,
) -> Result<Counterfactual, ReplayError> {
    let block = input.block();
    let header = &block.header;
    let stop = |place| move |source| ReplayError::Execution { block: header.number, place, source };
    let mut executor = Executor::new(block, gas_limit, Overlay::new(input.snapshot().view()));
    executor.begin(block).map_err(stop(Place::SystemCalls))?;
    let unobservable = executor.state().base().unknown_reads();

    let mut result = Counterfactual {
        chain: block.chain_id,
        number: header.number,
        gas_limit_recorded: header.gas_limit,
        gas_limit,
        gas_used: 0,
        included: 0,
        excluded: Vec::new(),
        divergences: Vec::new(),
        unknown_reads: UnknownReads::default(),
    };
    let mut waiting: BTreeSet<Address> = BTreeSet::new();
    let mut recorded = baseline.transactions.iter().peekable();
    for (index, transaction) in block.transactions.iter().enumerate() {
        let hash = transaction.hash;
        let before = recorded.next_if(|outcome| outcome.index == index);
        if waiting.contains(&transaction.sender()) {
            let cause = ExclusionCause::EarlierNonceExcluded;
            result.excluded.push(Excluded { index, hash, cause });
            continue;
        }
        let attempt = executor.transaction(transaction).map_err(stop(Place::Transaction(index)))?;
        match attempt {
            Attempt::Executed(executed) => {
                result.included += 1;
                let after = outcome(index, transaction, header.base_fee_per_gas, executed);
                let change = match before {
                    Some(before) if before.status != after.status => {
                        Some(Change::Status { before: before.status, after: after.status })
                    }
                    Some(before) if before.gas_used != after.gas_used => {
                        Some(Change::Gas { before: before.gas_used, after: after.gas_used })
                    }
                    _ => None,
                };
                result.divergences.extend(change.map(|change| Divergence { index, hash, change }));
            }
            Attempt::Rejected(RejectReason::BlockGas { .. }) => {
                waiting.insert(transaction.sender());
                result.excluded.push(Excluded { index, hash, cause: ExclusionCause::NoRoom });
            }
            Attempt::Rejected(reason @ RejectReason::Invalid(_)) => {
                waiting.insert(transaction.sender());
                if before.is_some() {
                    let change = Change::Rejected(reason);
                    result.divergences.push(Divergence { index, hash, change });
                }
            }
            Attempt::Skipped => {
                let cause = ExclusionCause::Unsupported;
                result.excluded.push(Excluded { index, hash, cause });
            }
        }
    }
    result.gas_used = executor.gas_used();
    result.unknown_reads = executor.state().base().unknown_reads().since(&unobservable);
    Ok(result)
}
