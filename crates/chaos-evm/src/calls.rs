//! Calls that one account makes in one transaction, as a governor or its timelock executes a proposal.
//!
//! The calls run one after the other on one state, in one journal: storage that lasts a transaction
//! lasts from the first to the last, what one touched is warm for the next, and if one fails nothing
//! of any of them stays. What stands around them in a real transaction (the executor's own work
//! before and after each call, and what every transaction pays) is not run, so gas is that of the
//! calls alone.

mod queue;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Log, TxKind, U256, map::B256Map};
use revm::{
    Context, DatabaseRef, MainBuilder, MainnetEvm,
    context::{
        ContextSetters as _, ContextTr, JournalTr, LocalContextTr as _, TxEnv, result::EVMError,
    },
    context_interface::context::take_error,
    database_interface::{DBErrorMarker, WrapDatabaseRef},
    handler::{EthFrame, EvmTr as _, FrameResult, Handler as _, MainnetContext, MainnetHandler},
    inspector::InspectorHandler as _,
    interpreter::{
        CallInputs, FrameInput, GasTracker, InstructionResult, interpreter::EthInterpreter,
    },
    state::EvmState,
};

pub use self::watch::{Circumstance, Step, StepKind};
use self::{
    queue::Queue,
    watch::{Seen, Watch},
};
use crate::{
    Block,
    changes::Changes,
    execute::{Terms, block_env},
};

/// Most calls of a batch.
pub const CALLS_MAX: usize = 1_000;
/// Most gas a batch is given, whatever a block says of itself.
pub const GAS_MAX: u64 = 100_000_000;

/// Calls by one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Who calls: what holds the powers, a timelock or a governor.
    pub sender: Address,
    /// The governor that decided, if it is another than the sender. An OpenZeppelin governor refuses calls
    /// to itself that it has not put down before it executes; where it does, they are put down for it.
    pub governor: Option<Address>,
    /// Wei that whoever starts the execution sends along.
    pub sent_along: U256,
    /// Whose wei the calls send.
    pub payer: Payer,
    /// The calls, in their order.
    pub calls: Vec<Call>,
    /// Most gas that they get; a transaction's own bound and [`GAS_MAX`] hold as well.
    pub gas_max: u64,
}

/// Whose wei the calls of a batch send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payer {
    /// The sender's, who has what was sent along before the first call.
    Sender,
    /// That of whoever starts the execution: the governor has all of it before the first call, and hands the sender
    /// with each call what that call sends (Compound's kind). What was sent along beyond it stays with the governor.
    Executor,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Whom it calls.
    pub target: Address,
    /// Wei that it sends.
    pub value: U256,
    /// Its input.
    pub input: Bytes,
}

/// What a batch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRun {
    /// How it ended.
    pub ending: Ending,
    /// Most gas that the calls could use: a transaction's, on this block, at most [`GAS_MAX`].
    pub gas_limit: u64,
    /// Gas of each call that ran, before refunds.
    pub gas: Vec<u64>,
    /// What each call that succeeded gave back.
    pub outputs: Vec<Bytes>,
    /// Events, with the place of the call that they came from; none if a call failed.
    pub logs: Vec<(usize, Log)>,
    /// What ran below the calls, as far as it was kept.
    pub steps: Vec<Step>,
    /// Calls and creations beyond the 4,096 that are kept.
    pub steps_left_out: u64,
    /// Calls that could change nothing, which are counted and not kept.
    pub static_calls: u64,
    /// What is different afterwards; nothing if a call failed.
    pub changes: BTreeMap<Address, Change>,
    /// The slot in which the governor keeps the calls to itself, if they were put down there for it. What
    /// it and its entries hold is not among the changes.
    pub filled_queue: Option<U256>,
    /// Codes, before the calls, of the accounts that are named here and have any.
    pub codes: BTreeMap<Address, Bytes>,
    /// Keys and slots that were hashed together, by the hash: what names the slot of a mapping.
    pub preimages: B256Map<(B256, B256)>,
    /// Whose code asked for what is other in a real execution, whether it had an effect or not.
    pub asked: BTreeSet<(Address, Circumstance)>,
    /// Whose code ran, that of a contract which is created included.
    pub ran: BTreeSet<Address>,
}

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every call succeeded.
    Succeeded,
    /// A call reverted, with what it gave as the reason.
    Reverted {
        /// The call's place, from zero.
        call: usize,
        /// What it gave.
        output: Bytes,
    },
    /// A call failed for a reason of the machine's.
    Failed {
        /// The call's place, from zero.
        call: usize,
        /// Why.
        reason: Failing,
    },
}

/// Why the machine ends a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// The sender has not what the call sends.
    Funds,
    /// The gas is used up.
    Gas,
    /// An instruction that has no meaning, such as `INVALID`.
    Instruction,
    /// Something else, in revm's words.
    Other(InstructionResult),
}

/// What is different about an account afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Wei before and after.
    pub balance: (U256, U256),
    /// Nonce before and after.
    pub nonce: (u64, u64),
    /// Hash of the code before and after; that of nothing where there is none.
    pub code_hash: (B256, B256),
    /// The code afterwards, where it is another one.
    pub new_code: Option<Bytes>,
    /// Whether it was destroyed.
    pub is_destroyed: bool,
    /// Slots with their value before and after.
    pub slots: BTreeMap<U256, (U256, U256)>,
}

/// Why a batch was not run.
#[derive(Debug, thiserror::Error)]
pub enum BatchError<E: DBErrorMarker> {
    /// There are too many calls.
    #[error("{found} calls; a batch has at most {CALLS_MAX}")]
    TooManyCalls {
        /// How many there are.
        found: usize,
    },
    /// The state failed.
    #[error("execution stopped at call {}", call + 1)]
    Execution {
        /// The call's place, from zero.
        call: usize,
        /// The cause.
        #[source]
        source: EVMError<E>,
    },
}

type Machine<S> = MainnetEvm<MainnetContext<WrapDatabaseRef<S>>, Watch>;
type Handling<S> =
    MainnetHandler<Machine<S>, EVMError<<S as DatabaseRef>::Error>, EthFrame<EthInterpreter>>;

/// Runs a batch in `block`, after its last transaction: `state` is the one that the block leaves.
///
/// The account that starts the transaction is the zero address, which holds no powers.
///
/// # Errors
/// If there are more than [`CALLS_MAX`] calls, or the state fails. A call that fails is a result.
pub fn run_batch<S: DatabaseRef>(
    block: &Block,
    batch: &Batch,
    state: S,
) -> Result<BatchRun, BatchError<S::Error>> {
    let found = batch.calls.len();
    if found > CALLS_MAX {
        return Err(BatchError::TooManyCalls { found });
    }
    let (run, last_read) = attempt(block, batch, &state, None)?;
    match queue::needed(batch, &run, last_read) {
        None => Ok(run),
        Some(queue) => Ok(attempt(block, batch, &state, Some(&queue))?.0),
    }
}

/// A run, and the place that was read last.
type Attempt = (BatchRun, Option<(Address, U256)>);

fn attempt<S: DatabaseRef>(
    block: &Block,
    batch: &Batch,
    state: &S,
    queue: Option<&Queue>,
) -> Result<Attempt, BatchError<S::Error>> {
    let mut running = Running::new(block, batch, state);
    let stop = |call| move |source| BatchError::Execution { call, source };
    running.begin(batch).map_err(stop(0))?;
    let entries = match queue {
        Some(queue) => queue.fill(batch, &mut running.evm.ctx).map_err(stop(0))?,
        None => BTreeSet::new(),
    };
    let checkpoint = running.evm.ctx.journal_mut().checkpoint();
    for (index, call) in batch.calls.iter().enumerate() {
        if !running.call(batch, call).map_err(stop(index))? {
            running.evm.ctx.journal_mut().checkpoint_revert(checkpoint);
            break;
        }
    }
    let last_read = running.evm.inspector.last_read();
    let last = batch.calls.len().saturating_sub(1);
    let run = running.finish(batch, state);
    let mut run = run.map_err(|source| stop(last)(EVMError::Database(source)))?;
    if let Some(queue) = queue {
        run.filled_queue = Some(queue.slot);
        queue.forget(&entries, &mut run.changes);
    }
    Ok((run, last_read))
}

/// A batch in its machine.
struct Running<S: DatabaseRef> {
    evm: Machine<S>,
    gas_limit: u64,
    gas_left: u64,
    gas: Vec<u64>,
    outputs: Vec<Bytes>,
    /// For each call, how many events there were after it.
    logs_after: Vec<usize>,
    ending: Ending,
}

impl<'a, S: DatabaseRef> Running<&'a S> {
    fn new(block: &Block, batch: &Batch, state: &'a S) -> Self {
        let rules = block.rules;
        let header = &block.header;
        let terms = Terms {
            gas_limit: header.gas_limit,
            base_fee: header.base_fee_per_gas,
            changes: &Changes::NONE,
        };
        let configuration = rules.configuration(block.chain_id);
        let context: MainnetContext<WrapDatabaseRef<&'a S>> =
            Context::new(WrapDatabaseRef(state), rules.spec);
        let context = context.with_cfg(configuration).with_block(block_env(block, &terms));
        let watch = Watch::of(batch.governor.into_iter().chain([batch.sender]));
        let mut evm = context.build_mainnet_with_inspector(watch);
        evm.precompiles = rules.precompiles();
        let cap = revm::context::Cfg::tx_gas_limit_cap(&evm.ctx.cfg);
        let gas_limit = header.gas_limit.min(cap).min(batch.gas_max).min(GAS_MAX);
        Self {
            evm,
            gas_limit,
            gas_left: gas_limit,
            gas: Vec::new(),
            outputs: Vec::new(),
            logs_after: Vec::new(),
            ending: Ending::Succeeded,
        }
    }

    fn begin(&mut self, batch: &Batch) -> Result<(), EVMError<S::Error>> {
        Handling::<&'a S>::default().load_accounts(&mut self.evm)?;
        let journal = self.evm.ctx.journal_mut();
        journal.load_account(batch.sender)?;
        // Any execution goes through it, so what touches it costs as little then.
        if let Some(governor) = batch.governor {
            journal.load_account(governor)?;
        }
        let (holder, brought) = batch.brought();
        if !brought.is_zero() {
            journal.balance_incr(holder, brought)?;
        }
        Ok(())
    }

    /// Runs the next call; whether it succeeded.
    fn call(&mut self, batch: &Batch, call: &Call) -> Result<bool, EVMError<S::Error>> {
        self.evm.inspector.begin_call();
        let sender = batch.sender;
        if let Some(governor) = batch.paying_governor().filter(|_| !call.value.is_zero())
            && self.evm.ctx.journal_mut().transfer(governor, sender, call.value)?.is_some()
        {
            self.gas.push(0);
            self.ending = Ending::Failed { call: self.gas.len() - 1, reason: Failing::Funds };
            return Ok(false);
        }
        let transaction = TxEnv {
            caller: Address::ZERO,
            gas_limit: self.gas_left,
            gas_price: 0,
            kind: TxKind::Call(call.target),
            value: call.value,
            data: call.input.clone(),
            ..TxEnv::default()
        };
        self.evm.ctx.set_tx(transaction);
        let mut handler = Handling::<&'a S>::default();
        let mut gas = GasTracker::new(self.gas_left, self.gas_left, 0);
        let result = match handler.first_frame_input(&mut self.evm, &mut gas)? {
            Some(mut first) => {
                if let FrameInput::Call(inputs) = &mut first.frame_input {
                    let CallInputs { caller, .. } = inputs.as_mut();
                    *caller = sender;
                }
                handler.inspect_run_exec_loop(&mut self.evm, first)?
            }
            None => FrameResult::new_call_oog(self.gas_left, 0..0, 0),
        };
        take_error::<EVMError<S::Error>, _>(self.evm.ctx().error())?;
        self.evm.ctx.local_mut().clear();
        self.evm.frame_stack().clear();
        Ok(self.settle(&result))
    }

    fn settle(&mut self, result: &FrameResult) -> bool {
        let result = result.interpreter_result();
        let used = if result.result.is_ok_or_revert() {
            result.gas.total_gas_spent()
        } else {
            self.gas_left
        };
        self.gas_left = self.gas_left.saturating_sub(used);
        self.gas.push(used);
        let call = self.gas.len() - 1;
        if result.result.is_ok() {
            self.outputs.push(result.output.clone());
            self.logs_after.push(self.evm.ctx.journal().logs().len());
            return true;
        }
        let failed = |reason| Ending::Failed { call, reason };
        self.ending = match result.result {
            InstructionResult::Revert => Ending::Reverted { call, output: result.output.clone() },
            InstructionResult::OutOfFunds => failed(Failing::Funds),
            reason if is_out_of_gas(reason) => failed(Failing::Gas),
            InstructionResult::OpcodeNotFound | InstructionResult::InvalidFEOpcode => {
                failed(Failing::Instruction)
            }
            other => failed(Failing::Other(other)),
        };
        false
    }

    fn finish(mut self, batch: &Batch, state: &S) -> Result<BatchRun, S::Error> {
        let is_done = self.ending == Ending::Succeeded;
        let journal = self.evm.ctx.journal_mut();
        let logs = if is_done { journal.take_logs() } else { Vec::new() };
        let after = journal.finalize();
        let changes = if is_done { changes(after, state)? } else { BTreeMap::new() };
        let call_of = |place: usize| self.logs_after.partition_point(|after| *after <= place);
        let logs = logs.into_iter().enumerate().map(|(place, log)| (call_of(place), log));
        let logs: Vec<(usize, Log)> = logs.collect();
        let Seen { steps, steps_left_out, static_calls, preimages, asked, ran } =
            self.evm.inspector.into_seen();
        let named = batch.calls.iter().map(|call| call.target);
        let named = named.chain(logs.iter().map(|(_, log)| log.address));
        let named = named.chain(steps.iter().flat_map(|step| [step.from, step.to]));
        let named = named.chain(ran.iter().copied());
        let codes = codes(named.chain(changes.keys().copied()).collect(), state)?;
        Ok(BatchRun {
            codes,
            filled_queue: None,
            ending: self.ending,
            gas_limit: self.gas_limit,
            gas: self.gas,
            outputs: self.outputs,
            logs,
            steps,
            steps_left_out,
            static_calls,
            changes,
            preimages,
            asked,
            ran,
        })
    }
}

impl Batch {
    /// The governor that hands on what the calls send, if it is not the sender that pays.
    fn paying_governor(&self) -> Option<Address> {
        let governor = self.governor.filter(|governor| *governor != self.sender);
        governor.filter(|_| self.payer == Payer::Executor)
    }

    /// Who has what was sent along before the first call, and how much that is.
    fn brought(&self) -> (Address, U256) {
        let Some(governor) = self.paying_governor() else { return (self.sender, self.sent_along) };
        (governor, self.sent_along.max(self.value()))
    }

    /// Wei that all calls send.
    #[must_use]
    pub fn value(&self) -> U256 {
        let values = self.calls.iter().map(|call| call.value);
        values.fold(U256::ZERO, U256::saturating_add)
    }
}

/// Whether a frame ended because its gas did not suffice.
const fn is_out_of_gas(result: InstructionResult) -> bool {
    matches!(
        result,
        InstructionResult::OutOfGas
            | InstructionResult::MemoryOOG
            | InstructionResult::MemoryLimitOOG
            | InstructionResult::PrecompileOOG
            | InstructionResult::InvalidOperandOOG
            | InstructionResult::ReentrancySentryOOG
    )
}

fn codes<S: DatabaseRef>(
    accounts: BTreeSet<Address>,
    state: &S,
) -> Result<BTreeMap<Address, Bytes>, S::Error> {
    let mut codes = BTreeMap::new();
    for account in accounts {
        let Some(info) = state.basic_ref(account)? else { continue };
        let code = match info.code {
            Some(code) => code,
            None if info.code_hash == KECCAK256_EMPTY => continue,
            None => state.code_by_hash_ref(info.code_hash)?,
        };
        if !code.is_empty() {
            codes.insert(account, code.original_bytes());
        }
    }
    Ok(codes)
}

/// What is different from `state`.
fn changes<S: DatabaseRef>(
    after: EvmState,
    state: &S,
) -> Result<BTreeMap<Address, Change>, S::Error> {
    let mut changes = BTreeMap::new();
    #[expect(clippy::iter_over_hash_type, reason = "each account goes to its own place")]
    for (address, account) in after {
        if !account.is_touched() {
            continue;
        }
        let before = state.basic_ref(address)?.unwrap_or_default();
        let is_destroyed = account.is_selfdestructed();
        let now = if is_destroyed { Default::default() } else { account.info };
        let hash = |hash: B256| if hash.is_zero() { KECCAK256_EMPTY } else { hash };
        let code_hash = (hash(before.code_hash), hash(now.code_hash));
        let slots = account.storage.into_iter().filter(|(_, slot)| slot.is_changed());
        let change = Change {
            balance: (before.balance, now.balance),
            nonce: (before.nonce, now.nonce),
            code_hash,
            new_code: (code_hash.0 != code_hash.1)
                .then(|| now.code.map(|code| code.original_bytes()).unwrap_or_default()),
            is_destroyed,
            slots: slots.map(|(slot, it)| (slot, (it.original_value, it.present_value))).collect(),
        };
        if !change.is_nothing() {
            changes.insert(address, change);
        }
    }
    Ok(changes)
}

impl Change {
    /// Whether everything is as it was before.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.balance.0 == self.balance.1
            && self.nonce.0 == self.nonce.1
            && self.code_hash.0 == self.code_hash.1
            && self.slots.is_empty()
            && !self.is_destroyed
    }
}

#[cfg(test)]
mod tests;
