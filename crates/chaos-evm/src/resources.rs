//! What a block costs those who run it: gas by kind, state, logs and bytes, from execution.
//!
//! [`measure`] executes a recorded block under an inspector that watches every instruction. That is
//! several times slower than [`crate::execute`], and so it is a run of its own.
//!
//! Time is not measured here: this crate reads no clock. Callers time [`crate::execute`], and
//! keep the milliseconds out of anything that is hashed.

use alloy_primitives::{B256, KECCAK256_EMPTY, map::AddressMap};

use crate::{
    block::Block,
    changes::Changes,
    execute::{Attempt, Executed, Executor, Terms},
    overlay::{Overlay, WrittenAccount},
    replay::{Place, ReplayError, ReplayInput},
    state::Snapshot,
};

mod meter;
mod size;

use meter::Meter;

/// Bytes of an address and of a topic in a log.
const ADDRESS_BYTES: u64 = 20;
const TOPIC_BYTES: u64 = 32;

/// What gas is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GasKind {
    /// The fixed price of a transaction, its access list, its authorizations and, if it creates a
    /// contract, the fixed price of that.
    Intrinsic,
    /// Input data and init code by size, and what the floor of EIP-7623 adds.
    Calldata,
    /// `SSTORE`.
    StorageWrites,
    /// `SLOAD`, and instructions that look at another account.
    StateReads,
    /// `LOG0` to `LOG4`.
    Logs,
    /// `CREATE`, `CREATE2` and the deposit of code.
    ContractCreation,
    /// Precompiled contracts.
    Precompiles,
    /// Instructions that call or end a contract, without what the callee spends: account access,
    /// value and new accounts.
    Calls,
    /// `KECCAK256`.
    Hashing,
    /// Growth of memory, whatever instruction causes it.
    MemoryExpansion,
    /// Gas taken from a call that halts, beyond the work it did.
    Forfeited,
    /// All other instructions.
    OtherComputation,
}

/// Gas by what it was spent on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GasByKind([u64; GasKind::ALL.len()]);

/// What one block took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockResources {
    /// The chain, by EIP-155 number.
    pub chain: u64,
    /// The block.
    pub number: u64,
    /// Gas by kind; the kinds sum to `gas_gross`.
    pub gas: GasByKind,
    /// Gas before refunds, and with what a calldata floor adds.
    pub gas_gross: u64,
    /// Gas paid for, after refunds: what counts against the limit.
    pub gas_net: u64,
    /// State written, as it stands after the block.
    pub state: StateGrowth,
    /// Number of logs.
    pub logs: u64,
    /// Bytes of logs: address, topics and data.
    pub log_bytes: u64,
    /// Bytes of the encoded block (RLP), if signatures are recorded and there are no uncles.
    pub block_bytes: Option<u64>,
    /// The transaction with most gas before refunds.
    pub worst_transaction: Option<WorstTransaction>,
}

/// State before and after a block compared. A place written and restored counts as nothing, and so
/// does a slot whose value before is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateGrowth {
    /// Slots that were zero and are not.
    pub slots_new: u64,
    /// Slots that were not zero and are. Slots of destroyed accounts are not counted.
    pub slots_cleared: u64,
    /// Slots that were not zero and hold another value.
    pub slots_changed: u64,
    /// Accounts that did not exist and do.
    pub accounts_new: u64,
    /// Accounts that existed and do not.
    pub accounts_removed: u64,
    /// Bytes of code that was not there.
    pub code_bytes_new: u64,
}

/// The transaction of a block that does most work by gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorstTransaction {
    /// Its place in the block, from zero.
    pub index: usize,
    /// Its hash.
    pub hash: B256,
    /// Its gas before refunds.
    pub gas_gross: u64,
    /// That gas by kind.
    pub gas: GasByKind,
}

impl GasKind {
    /// All kinds, in the order of reports.
    pub const ALL: [Self; 12] = [
        Self::Intrinsic,
        Self::Calldata,
        Self::StorageWrites,
        Self::StateReads,
        Self::Logs,
        Self::ContractCreation,
        Self::Precompiles,
        Self::Calls,
        Self::Hashing,
        Self::MemoryExpansion,
        Self::Forfeited,
        Self::OtherComputation,
    ];

    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intrinsic => "intrinsic",
            Self::Calldata => "calldata",
            Self::StorageWrites => "storage_writes",
            Self::StateReads => "state_reads",
            Self::Logs => "logs",
            Self::ContractCreation => "contract_creation",
            Self::Precompiles => "precompiles",
            Self::Calls => "calls",
            Self::Hashing => "hashing",
            Self::MemoryExpansion => "memory_expansion",
            Self::Forfeited => "forfeited",
            Self::OtherComputation => "other_computation",
        }
    }
}

impl GasByKind {
    /// Gas spent on `kind`.
    #[must_use]
    pub const fn get(&self, kind: GasKind) -> u64 {
        self.0[kind as usize]
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    const fn add(&mut self, kind: GasKind, gas: u64) {
        self.0[kind as usize] += gas;
    }
}

impl std::ops::AddAssign for GasByKind {
    fn add_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, gas)| *sum += gas);
    }
}

/// Executes a recorded block and measures what it takes. Transactions that may not run, or whose
/// type is not understood, take nothing.
///
/// # Errors
/// As [`crate::replay()`].
pub fn measure(input: &ReplayInput) -> Result<BlockResources, ReplayError> {
    let block = input.block();
    let header = &block.header;
    let stop = |place| move |source| ReplayError::Execution { block: header.number, place, source };
    let terms = Terms {
        gas_limit: header.gas_limit,
        base_fee: header.base_fee_per_gas,
        changes: &Changes::NONE,
    };
    let state = Overlay::new(input.snapshot().view());
    let mut executor = Executor::under(block, &terms, state, Meter::default());
    executor.begin(block).map_err(stop(Place::SystemCalls))?;
    let mut resources = empty(block);
    for (index, transaction) in block.transactions.iter().enumerate() {
        executor.watch_mut().reset();
        let attempt = executor.transaction(transaction).map_err(stop(Place::Transaction(index)))?;
        if let Attempt::Executed(executed) = attempt {
            let intrinsic = executor.intrinsic(transaction);
            let gas = executor.watch().of(&intrinsic, executed.result.gas());
            resources.add(index, transaction.hash, gas, &executed);
        }
    }
    executor.finish(&block.withdrawals).map_err(stop(Place::Withdrawals))?;
    resources.state = growth(input.snapshot(), &executor.into_state().into_written());
    Ok(resources)
}

fn empty(block: &Block) -> BlockResources {
    BlockResources {
        chain: block.chain_id,
        number: block.header.number,
        gas: GasByKind::default(),
        gas_gross: 0,
        gas_net: 0,
        state: StateGrowth::default(),
        logs: 0,
        log_bytes: 0,
        block_bytes: size::block_bytes(block),
        worst_transaction: None,
    }
}

impl BlockResources {
    fn add(&mut self, index: usize, hash: B256, gas: GasByKind, executed: &Executed) {
        let used = executed.result.gas();
        let gas_gross = used.total_gas_spent().max(used.tx_gas_used());
        self.gas += gas;
        self.gas_gross += gas_gross;
        self.gas_net += used.tx_gas_used();
        for log in executed.result.logs() {
            self.logs += 1;
            self.log_bytes += ADDRESS_BYTES
                + TOPIC_BYTES * log.topics().len() as u64
                + log.data.data.len() as u64;
        }
        if self.worst_transaction.is_none_or(|worst| worst.gas_gross < gas_gross) {
            self.worst_transaction = Some(WorstTransaction { index, hash, gas_gross, gas });
        }
    }
}

fn growth(before: &Snapshot, written: &AddressMap<WrittenAccount>) -> StateGrowth {
    let mut growth = StateGrowth::default();
    #[expect(clippy::iter_over_hash_type, reason = "the result is a sum")]
    for (address, after) in written {
        let known = before.account(*address);
        let exists = after.info.as_ref().is_some_and(|info| !info.is_empty());
        growth.accounts_new += u64::from(known.is_none() && exists);
        growth.accounts_removed += u64::from(known.is_some() && !exists);
        if let Some(info) = &after.info
            && info.code_hash != known.map_or(KECCAK256_EMPTY, |account| account.info.code_hash)
            && let Some(code) = &info.code
        {
            growth.code_bytes_new += code.len() as u64;
        }
        for (slot, value) in &after.storage {
            let own = known.and_then(|account| account.storage.get(slot).copied());
            // What was created or destroyed in the block starts from zero.
            let own = if after.storage_complete { Some(own.unwrap_or_default()) } else { own };
            let Some(own) = own else { continue };
            growth.slots_new += u64::from(own.is_zero() && !value.is_zero());
            growth.slots_cleared += u64::from(!own.is_zero() && value.is_zero());
            growth.slots_changed += u64::from(!own.is_zero() && !value.is_zero() && own != *value);
        }
    }
    growth
}

#[cfg(test)]
mod tests;
