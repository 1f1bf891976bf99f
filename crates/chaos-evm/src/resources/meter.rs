use revm::{
    Database, InspectEvm, Inspector, MainnetEvm,
    bytecode::opcode as op,
    context::{
        TxEnv,
        result::{EVMError, ExecutionResult, ResultGas},
    },
    handler::MainnetContext,
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, Gas, InstructionResult, Interpreter,
        InterpreterAction,
        interpreter_types::{Jumps, LoopControl, MemoryTr},
    },
};

use super::{GasByKind, GasKind};
use crate::execute::{Intrinsic, Watch};

/// Bytes of a word of memory.
const WORD_BYTES: usize = 32;

/// Adds up what each instruction of one transaction spends, by kind.
#[derive(Debug, Default)]
pub(super) struct Meter {
    gas: GasByKind,
    frames: Vec<Frame>,
    step: Step,
    /// What a call or create has cost so far, with the gas it hands on, until that is known.
    pending: Option<(GasKind, u64)>,
}

/// A call in progress.
#[derive(Debug, Clone, Copy)]
struct Frame {
    gas_limit: u64,
    /// What it is known to have spent, with its own calls.
    spent: u64,
}

/// The instruction in progress.
#[derive(Debug, Default)]
struct Step {
    opcode: u8,
    gas_left: u64,
    memory_words: usize,
}

impl Meter {
    /// Starts a transaction.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The gas of the transaction that has ended.
    pub(super) fn of(&self, intrinsic: &Intrinsic, used: &ResultGas) -> GasByKind {
        let mut gas = self.gas;
        gas.add(GasKind::Intrinsic, intrinsic.fixed);
        gas.add(GasKind::Calldata, intrinsic.calldata);
        let floor = used.tx_gas_used().saturating_sub(used.total_gas_spent());
        gas.add(GasKind::Calldata, floor);
        gas
    }

    fn spend(&mut self, kind: GasKind, gas: u64) {
        self.gas.add(kind, gas);
        if let Some(frame) = self.frames.last_mut() {
            frame.spent += gas;
        }
    }

    fn enter(&mut self, gas_limit: u64) {
        if let Some((kind, gas)) = self.pending.take() {
            self.spend(kind, gas.saturating_sub(gas_limit));
        }
        self.frames.push(Frame { gas_limit, spent: 0 });
    }

    /// Ends a call; `rest` is what the gas not seen in instructions went to.
    fn leave(&mut self, result: InstructionResult, gas: &Gas, rest: GasKind) {
        if let Some((kind, gas)) = self.pending.take() {
            self.spend(kind, gas);
        }
        let Some(frame) = self.frames.pop() else { return };
        let halted = !result.is_ok_or_revert();
        let used =
            if halted { frame.gas_limit } else { frame.gas_limit.saturating_sub(gas.remaining()) };
        let kind = if halted { GasKind::Forfeited } else { rest };
        self.gas.add(kind, used.saturating_sub(frame.spent));
        if let Some(parent) = self.frames.last_mut() {
            parent.spent += used;
        }
    }
}

impl<DB: Database> Inspector<MainnetContext<DB>> for Meter {
    fn step(&mut self, interpreter: &mut Interpreter, _: &mut MainnetContext<DB>) {
        self.step = Step {
            opcode: interpreter.bytecode.opcode(),
            gas_left: interpreter.gas.remaining(),
            memory_words: interpreter.memory.size() / WORD_BYTES,
        };
    }

    fn step_end(&mut self, interpreter: &mut Interpreter, context: &mut MainnetContext<DB>) {
        let gas = self.step.gas_left.saturating_sub(interpreter.gas.remaining());
        let words = interpreter.memory.size() / WORD_BYTES;
        let mut memory = 0;
        if words > self.step.memory_words {
            let price = &context.cfg.gas_params;
            memory = price.memory_cost(words) - price.memory_cost(self.step.memory_words);
            self.spend(GasKind::MemoryExpansion, memory);
        }
        let (kind, gas) = (kind_of(self.step.opcode), gas.saturating_sub(memory));
        if matches!(interpreter.bytecode.action(), Some(InterpreterAction::NewFrame(_))) {
            self.pending = Some((kind, gas));
        } else {
            self.spend(kind, gas);
        }
    }

    fn call(&mut self, _: &mut MainnetContext<DB>, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.enter(inputs.gas_limit);
        None
    }

    fn call_end(&mut self, _: &mut MainnetContext<DB>, _: &CallInputs, outcome: &mut CallOutcome) {
        let rest = if outcome.was_precompile_called {
            GasKind::Precompiles
        } else {
            GasKind::OtherComputation
        };
        self.leave(outcome.result.result, &outcome.result.gas, rest);
    }

    fn create(
        &mut self,
        _: &mut MainnetContext<DB>,
        inputs: &mut CreateInputs,
    ) -> Option<CreateOutcome> {
        self.enter(inputs.gas_limit());
        None
    }

    fn create_end(
        &mut self,
        _: &mut MainnetContext<DB>,
        _: &CreateInputs,
        outcome: &mut CreateOutcome,
    ) {
        self.leave(outcome.result.result, &outcome.result.gas, GasKind::ContractCreation);
    }
}

impl<DB: Database> Watch<DB> for Meter {
    fn transact(
        evm: &mut MainnetEvm<MainnetContext<DB>, Self>,
        env: TxEnv,
    ) -> Result<ExecutionResult, EVMError<DB::Error>> {
        evm.inspect_one_tx(env)
    }
}

const fn kind_of(opcode: u8) -> GasKind {
    match opcode {
        op::SSTORE => GasKind::StorageWrites,
        op::SLOAD | op::BALANCE | op::EXTCODESIZE | op::EXTCODECOPY | op::EXTCODEHASH => {
            GasKind::StateReads
        }
        op::LOG0..=op::LOG4 => GasKind::Logs,
        op::CREATE | op::CREATE2 => GasKind::ContractCreation,
        op::CALL | op::CALLCODE | op::DELEGATECALL | op::STATICCALL | op::SELFDESTRUCT => {
            GasKind::Calls
        }
        op::KECCAK256 => GasKind::Hashing,
        _ => GasKind::OtherComputation,
    }
}
