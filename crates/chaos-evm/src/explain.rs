//! Why a block differs from its header: the first transaction that does, and what it did.
//!
//! A header commits to gas and receipts of a block as a whole. Which transaction is the first that
//! differs can be told by the receipts that the chain recorded, by a transaction that may not stand where
//! it stands, or by a log that the header's bloom denies; where none of these is there, it is not told.

use std::collections::VecDeque;

use alloy_primitives::{B256, Bloom, BloomInput, U256};
use revm::{
    Database, InspectEvm, Inspector, MainnetEvm,
    bytecode::OpCode,
    context::{
        TxEnv,
        result::{EVMError, ExecutionResult},
    },
    handler::MainnetContext,
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter, interpreter_types::Jumps,
    },
};

use crate::{
    BlockReplay, RecordedReceipt, RejectReason, ReplayError, ReplayInput, Status,
    changes::Changes,
    execute::{Executor, Terms, Watch},
    overlay::Overlay,
    replay::Place,
};

/// Instructions that a trace keeps from the start of a transaction, and from its end.
const TRACE_STEPS_MAX: usize = 1_000;

/// The first transaction that is not what the chain had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstDifference {
    /// Its place in the block, from zero.
    pub index: usize,
    /// Its hash.
    pub hash: B256,
    /// What is different.
    pub what: Difference,
}

/// How a transaction differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It may not stand in the block at its place.
    Rejected(RejectReason),
    /// Its receipt is another.
    Receipt {
        /// What the chain recorded.
        recorded: RecordedReceipt,
        /// What the replay gives.
        replayed: RecordedReceipt,
    },
    /// It makes a log that no transaction of the chain's block made: the header's bloom denies it.
    DeniedLog {
        /// The log's place among the transaction's, from zero.
        log: usize,
    },
}

/// The first transaction that differs, if it can be told.
#[must_use]
pub fn first_difference(input: &ReplayInput, replay: &BlockReplay) -> Option<FirstDifference> {
    let block = input.block();
    let rejected = replay.rejected.first().map(|rejected| FirstDifference {
        index: rejected.index,
        hash: rejected.hash,
        what: Difference::Rejected(rejected.reason.clone()),
    });
    // Receipts are those of the block only if there is one for each of its transactions.
    let receipts =
        input.recorded_receipts().filter(|receipts| receipts.len() == block.transactions.len());
    let bloom = block.header.commitments.logs_bloom;
    let ran = replay.transactions.iter().find_map(|outcome| {
        let replayed = RecordedReceipt {
            gas_used: outcome.gas_used,
            success: outcome.status == Status::Success,
            effective_gas_price: None,
            logs_count: Some(outcome.logs.len() as u64),
        };
        let recorded = receipts.map(|receipts| receipts[outcome.index]);
        let of_receipt = recorded.filter(|recorded| {
            // A receipt before Byzantium has no status, and a file may leave out how many logs there are.
            let is_other_end =
                block.rules.receipts_comparable() && recorded.success != replayed.success;
            let is_other_count =
                recorded.logs_count.is_some() && recorded.logs_count != replayed.logs_count;
            recorded.gas_used != replayed.gas_used || is_other_end || is_other_count
        });
        let what = match of_receipt {
            Some(recorded) => Difference::Receipt { recorded, replayed },
            None => Difference::DeniedLog { log: denied(&outcome.logs, bloom?)? },
        };
        Some(FirstDifference { index: outcome.index, hash: outcome.hash, what })
    });
    [rejected, ran].into_iter().flatten().min_by_key(|difference| difference.index)
}

/// The first log that a bloom denies.
fn denied(logs: &[alloy_primitives::Log], bloom: Bloom) -> Option<usize> {
    logs.iter().position(|log| {
        let topics = log.topics().iter().map(|topic| BloomInput::Raw(topic.as_slice()));
        let mut inputs = topics.chain([BloomInput::Raw(log.address.as_slice())]);
        inputs.any(|input| !bloom.contains_input(input))
    })
}

/// An instruction that a transaction ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Its number in the transaction, from zero.
    pub number: u64,
    /// How deep the call is, from 1.
    pub depth: usize,
    /// Its place in the code, in bytes.
    pub pc: usize,
    /// The instruction.
    pub opcode: u8,
    /// Gas left before it.
    pub gas_left: u64,
    /// The value on top of the stack before it.
    pub top: Option<U256>,
}

impl Step {
    /// The instruction's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        OpCode::new(self.opcode).map_or("UNKNOWN", |opcode| opcode.as_str())
    }
}

/// The instructions of a transaction, from its start and from its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// The first ones.
    pub first: Vec<Step>,
    /// The last ones; empty if `first` holds all.
    pub last: VecDeque<Step>,
    /// How many there were.
    pub steps: u64,
}

impl Trace {
    /// How many were left out between the first and the last.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.steps - (self.first.len() + self.last.len()) as u64
    }

    fn push(&mut self, step: Step) {
        self.steps += 1;
        if self.first.len() < TRACE_STEPS_MAX {
            self.first.push(step);
            return;
        }
        if self.last.len() == TRACE_STEPS_MAX {
            self.last.pop_front();
        }
        self.last.push_back(step);
    }
}

/// Runs a block up to the transaction at `index`, and notes the instructions of that one; none if it is not
/// run.
///
/// # Errors
/// As [`replay()`](crate::replay()).
pub fn trace(input: &ReplayInput, index: usize) -> Result<Trace, ReplayError> {
    let block = input.block();
    let header = &block.header;
    let (gas_limit, base_fee) = (header.gas_limit, header.base_fee_per_gas);
    let terms = Terms { gas_limit, base_fee, changes: &Changes::NONE };
    let stop = |place| move |source| ReplayError::Execution { block: header.number, place, source };
    let state = Overlay::new(input.snapshot().view());
    let mut executor = Executor::under(block, &terms, state, Tracer::default());
    executor.begin(block).map_err(stop(Place::SystemCalls))?;
    for (at, transaction) in block.transactions.iter().enumerate().take(index.saturating_add(1)) {
        executor.watch_mut().is_on = at == index;
        executor.transaction(transaction).map_err(stop(Place::Transaction(at)))?;
    }
    Ok(std::mem::take(&mut executor.watch_mut().trace))
}

/// Notes instructions while it is on.
#[derive(Debug, Default)]
struct Tracer {
    is_on: bool,
    depth: usize,
    trace: Trace,
}

impl<DB: Database> Inspector<MainnetContext<DB>> for Tracer {
    fn step(&mut self, interpreter: &mut Interpreter, _: &mut MainnetContext<DB>) {
        self.trace.push(Step {
            number: self.trace.steps,
            depth: self.depth,
            pc: interpreter.bytecode.pc(),
            opcode: interpreter.bytecode.opcode(),
            gas_left: interpreter.gas.remaining(),
            top: interpreter.stack.data().last().copied(),
        });
    }

    fn call(&mut self, _: &mut MainnetContext<DB>, _: &mut CallInputs) -> Option<CallOutcome> {
        self.depth += 1;
        None
    }

    fn call_end(&mut self, _: &mut MainnetContext<DB>, _: &CallInputs, _: &mut CallOutcome) {
        self.depth -= 1;
    }

    fn create(
        &mut self,
        _: &mut MainnetContext<DB>,
        _: &mut CreateInputs,
    ) -> Option<CreateOutcome> {
        self.depth += 1;
        None
    }

    fn create_end(&mut self, _: &mut MainnetContext<DB>, _: &CreateInputs, _: &mut CreateOutcome) {
        self.depth -= 1;
    }
}

impl<DB: Database> Watch<DB> for Tracer {
    fn transact(
        evm: &mut MainnetEvm<MainnetContext<DB>, Self>,
        env: TxEnv,
    ) -> Result<ExecutionResult, EVMError<DB::Error>> {
        use revm::ExecuteEvm as _;
        if evm.inspector.is_on { evm.inspect_one_tx(env) } else { evm.transact_one(env) }
    }
}
