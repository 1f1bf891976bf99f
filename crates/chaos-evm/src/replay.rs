//! Replay: execute a block as it stands and compare the result with its header.

mod agreement;
mod summary;

use std::{convert::Infallible, num::NonZeroUsize, sync::Arc};

use alloy_primitives::{B256, Log};
use chaos_chain_config::Execution;
use chaos_types::Digest;
use rayon::prelude::*;
use revm::{
    context::result::{EVMError, ExecutionResult},
    database_interface::DBErrorMarker,
};

pub use self::{
    agreement::{Agreement, Incomparable, Skipped},
    summary::{ReplaySummary, Verdict},
};
pub use crate::execute::RejectReason;
use crate::{
    block::{
        Block, Part, RecordedBlock, RecordedReceipt, Transaction, TransactionKind, Unbound, Why,
    },
    bytecodes::Bytecodes,
    execute::{Attempt, Executed, Executor},
    overlay::Overlay,
    receipts::{ReceiptParts, ReceiptsRoot, logs_bloom, receipts_root},
    state::{PreState, Snapshot, UnknownReads},
};

/// A recorded block joined with its code: all a replay needs. Immutable, and cheap to clone: clones
/// share block and state.
#[derive(Debug, Clone)]
pub struct ReplayInput {
    block: Arc<Block>,
    snapshot: Arc<Snapshot>,
    receipts: Option<Arc<[RecordedReceipt]>>,
    digest: Digest,
}

impl ReplayInput {
    /// Joins a block with the codes its accounts name.
    #[must_use]
    pub fn new(recorded: RecordedBlock, codes: &Bytecodes) -> Self {
        let snapshot = Snapshot::new(&recorded, codes);
        let mut hashes: Vec<B256> =
            recorded.pre_state.values().map(|account| account.code_hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let codes = codes.digest(&hashes);
        let digest = Digest::of_parts(&[recorded.digest.as_bytes(), codes.as_bytes()]);
        Self {
            block: Arc::new(recorded.block),
            snapshot: Arc::new(snapshot),
            receipts: recorded.receipts.map(Arc::from),
            digest,
        }
    }

    /// The block.
    #[must_use]
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// The state before it.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The state before it, shared.
    pub(crate) fn shared_snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot)
    }

    /// The receipts the chain recorded, if the file held them.
    #[must_use]
    pub fn recorded_receipts(&self) -> Option<&[RecordedReceipt]> {
        self.receipts.as_deref()
    }

    /// Names the input: a digest of the block file and of the codes it uses, and of no other code.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockReplay {
    /// The chain, by EIP-155 number.
    pub chain: u64,
    /// How far blocks of the chain can be executed.
    pub execution: Execution,
    /// The block.
    pub number: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// The header's gas limit.
    pub gas_limit: u64,
    /// The header's base fee in wei per gas.
    pub base_fee_per_gas: Option<u64>,
    /// The header's gas used.
    pub gas_header: u64,
    /// Gas used in the replay.
    pub gas_replayed: u64,
    /// How the receipts root compares.
    pub receipts_root: ReceiptsRoot,
    /// Reads outside the known state.
    pub unknown_reads: UnknownReads,
    /// Whether the union of the logs' blooms is the header's; compared only where the receipts root
    /// cannot be, since the root says more.
    pub logs_bloom_agrees: Option<bool>,
    /// What of the block was not held to its header.
    pub unbound: Vec<Unbound>,
    /// Transactions whose type is not understood.
    pub skipped_transactions: Vec<Skipped>,
    /// Transactions that may not stand where they stand.
    pub rejected: Vec<Rejected>,
    /// Those that ran, in block order.
    pub transactions: Vec<TransactionOutcome>,
}

/// A transaction that may not stand in the block at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the block, from zero.
    pub index: usize,
    /// Its hash.
    pub hash: B256,
    /// Why.
    pub reason: RejectReason,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It succeeded.
    Success,
    /// It reverted and gave back its unused gas.
    Reverted,
    /// It failed and used all its gas.
    Halted,
}

/// What a transaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionOutcome {
    /// Its place in the block, from zero.
    pub index: usize,
    /// Its hash.
    pub hash: B256,
    /// Its EIP-2718 type; 0 for legacy.
    pub type_byte: u8,
    /// Most gas it could use.
    pub gas_limit: u64,
    /// Gas it paid for.
    pub gas_used: u64,
    /// Gas it used before refunds (EIP-3529).
    pub gas_before_refund: u64,
    /// How it ended.
    pub status: Status,
    /// Wei paid per gas.
    pub effective_gas_price: u128,
    /// Wei per gas paid to the block's beneficiary.
    pub effective_tip: u128,
    /// Its logs.
    pub logs: Vec<Log>,
}

impl BlockReplay {
    /// Whether the header's hash, the transactions and the withdrawals were computed again. Senders
    /// that a local chain does not ask for signatures, uncles and requests are not counted: no block
    /// holds what they would need.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        let is_open = |unbound: &Unbound| match unbound.part {
            Part::Header | Part::Transactions => true,
            Part::Withdrawals => unbound.why != Why::OtherMeaning,
            Part::Senders | Part::Uncles | Part::Requests => false,
        };
        !self.unbound.iter().any(is_open)
    }
}

/// Why a block could not be executed at all. A bad transaction is no such reason: it is reported
/// in the result.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError<E: DBErrorMarker = Infallible> {
    /// The state failed, or the header lacks something its fork needs.
    #[error("block {block}: execution stopped at {place}")]
    Execution {
        /// The block.
        block: u64,
        /// The step.
        place: Place,
        /// The cause.
        #[source]
        source: EVMError<E>,
    },
    /// The worker threads could not be started.
    #[error("could not start {threads} threads")]
    Threads {
        /// How many were asked for.
        threads: NonZeroUsize,
        /// The cause.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
}

/// A step of a block's execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The system calls before the first transaction.
    SystemCalls,
    /// A transaction, by its place in the block.
    Transaction(usize),
    /// The withdrawals after the last transaction.
    Withdrawals,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SystemCalls => f.write_str("the system calls"),
            Self::Transaction(index) => write!(f, "transaction {index}"),
            Self::Withdrawals => f.write_str("the withdrawals"),
        }
    }
}

/// Replays a recorded block.
///
/// # Errors
/// [`ReplayError::Execution`] if the EVM stops for a reason that is no transaction's fault.
pub fn replay(input: &ReplayInput) -> Result<BlockReplay, ReplayError> {
    replay_on(&input.block, input.snapshot.view())
}

/// Replays recorded blocks on `threads` threads of their own. Results come in the order of
/// `inputs` and do not depend on the number of threads.
///
/// # Errors
/// As [`replay`], for the first block that fails; or [`ReplayError::Threads`].
pub fn replay_all(
    inputs: &[ReplayInput],
    threads: NonZeroUsize,
) -> Result<Vec<BlockReplay>, ReplayError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build()
        .map_err(|source| ReplayError::Threads { threads, source })?;
    // Collecting results first keeps the choice of the reported error independent of timing.
    let results: Vec<_> = pool.install(|| inputs.par_iter().map(replay).collect());
    results.into_iter().collect()
}

/// Replays a block on any state, such as one that an RPC endpoint answers for.
///
/// # Errors
/// [`ReplayError::Execution`] if the state fails or the header lacks a field.
pub fn replay_on<S: PreState>(
    block: &Block,
    state: S,
) -> Result<BlockReplay, ReplayError<S::Error>> {
    let (mut replay, deposits) = execute_on(block, state)?;
    if !replay.skipped_transactions.is_empty() {
        replay.receipts_root = ReceiptsRoot::NotComparable;
    } else if block.rules.receipts_comparable() {
        replay.receipts_root = compare_receipts(block, &replay.transactions, &deposits);
    } else {
        replay.receipts_root = ReceiptsRoot::NotComparable;
        let bloom = || logs_bloom(replay.transactions.iter().flat_map(|outcome| &outcome.logs));
        replay.logs_bloom_agrees =
            block.header.commitments.logs_bloom.map(|header| header == bloom());
    }
    Ok(replay)
}

/// Runs a recorded block without computing its receipts root, which costs a tenth to a fifth of
/// the time: for callers that want gas and outcomes of blocks already found to agree. The root is
/// reported as not computed, so that such a run agrees with nothing.
///
/// # Errors
/// As [`replay`].
pub fn execute(input: &ReplayInput) -> Result<BlockReplay, ReplayError> {
    Ok(execute_on(&input.block, input.snapshot.view())?.0)
}

/// For each deposit, its place among the transactions that ran and its sender's nonce.
type DepositNonces = Vec<(usize, u64)>;

fn execute_on<S: PreState>(
    block: &Block,
    state: S,
) -> Result<(BlockReplay, DepositNonces), ReplayError<S::Error>> {
    let header = &block.header;
    let stop = |place| move |source| ReplayError::Execution { block: header.number, place, source };
    let mut executor = Executor::new(block, header.gas_limit, Overlay::new(state));
    executor.begin(block).map_err(stop(Place::SystemCalls))?;
    // The system calls overwrite slots they never look at, so what was in them does not matter.
    let unobservable = executor.state().base().unknown_reads();

    let mut skipped_transactions = Vec::new();
    let mut rejected = Vec::new();
    let mut transactions = Vec::with_capacity(block.transactions.len());
    let mut deposits = DepositNonces::new();
    for (index, transaction) in block.transactions.iter().enumerate() {
        let attempt = executor.transaction(transaction).map_err(stop(Place::Transaction(index)))?;
        match attempt {
            Attempt::Executed(executed) => {
                deposits.extend(executed.deposit_nonce.map(|nonce| (transactions.len(), nonce)));
                transactions.push(outcome(index, transaction, header.base_fee_per_gas, executed));
            }
            Attempt::Rejected(reason) => {
                rejected.push(Rejected { index, hash: transaction.hash, reason });
            }
            Attempt::Skipped => skipped_transactions.push(Skipped::of(index, transaction)),
        }
    }
    let unknown_reads = executor.state().base().unknown_reads().since(&unobservable);
    executor.finish(&block.withdrawals).map_err(stop(Place::Withdrawals))?;

    let replay = BlockReplay {
        chain: block.chain_id,
        execution: block.rules.execution,
        number: header.number,
        timestamp: header.timestamp,
        gas_limit: header.gas_limit,
        base_fee_per_gas: header.base_fee_per_gas,
        gas_header: header.gas_used,
        gas_replayed: executor.gas_used(),
        receipts_root: ReceiptsRoot::NotComputed,
        logs_bloom_agrees: None,
        unbound: block.unbound.clone(),
        unknown_reads,
        skipped_transactions,
        rejected,
        transactions,
    };
    Ok((replay, deposits))
}

/// Puts a transaction's result into the form others read.
pub(crate) fn outcome(
    index: usize,
    transaction: &Transaction,
    base_fee: Option<u64>,
    executed: Executed,
) -> TransactionOutcome {
    let base_fee = base_fee.unwrap_or(0);
    let (status, gas, logs) = match executed.result {
        ExecutionResult::Success { gas, logs, .. } => (Status::Success, gas, logs),
        ExecutionResult::Revert { gas, .. } => (Status::Reverted, gas, Vec::new()),
        ExecutionResult::Halt { gas, .. } => (Status::Halted, gas, Vec::new()),
    };
    TransactionOutcome {
        index,
        hash: transaction.hash,
        type_byte: transaction.type_byte(),
        gas_limit: transaction.gas_limit(),
        gas_used: gas.tx_gas_used(),
        gas_before_refund: gas.total_gas_spent(),
        status,
        effective_gas_price: transaction.effective_gas_price(base_fee),
        effective_tip: transaction.effective_tip(base_fee),
        logs,
    }
}

/// The receipt parts of `transactions`, cumulative gas filled in.
pub(crate) fn receipt_parts(transactions: &[TransactionOutcome]) -> Vec<ReceiptParts<'_>> {
    let mut cumulative_gas_used = 0;
    transactions
        .iter()
        .map(|outcome| {
            cumulative_gas_used += outcome.gas_used;
            ReceiptParts {
                type_byte: outcome.type_byte,
                success: outcome.status == Status::Success,
                cumulative_gas_used,
                logs: &outcome.logs,
                deposit: None,
            }
        })
        .collect()
}

/// `deposits` holds, for each deposit, its place in `transactions` and its sender's nonce.
fn compare_receipts(
    block: &Block,
    transactions: &[TransactionOutcome],
    deposits: &[(usize, u64)],
) -> ReceiptsRoot {
    let mut parts = receipt_parts(transactions);
    for (place, nonce) in deposits {
        let index = transactions[*place].index;
        if let TransactionKind::Deposit(deposit) = block.transactions[index].kind {
            parts[*place].deposit = Some((*nonce, deposit.receipt_version));
        }
    }
    let computed = receipts_root(&parts);
    let header = block.header.receipts_root;
    if computed == header {
        ReceiptsRoot::Match
    } else {
        ReceiptsRoot::Mismatch { header, computed }
    }
}
