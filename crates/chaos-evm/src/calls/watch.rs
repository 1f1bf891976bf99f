use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256, map::B256Map};
use revm::{
    Inspector,
    bytecode::opcode,
    context::ContextTr,
    interpreter::{
        CallInputs, CallOutcome, CallScheme, CreateInputs, CreateOutcome, CreateScheme,
        InstructionResult, Interpreter,
        interpreter_types::{Jumps, MemoryTr},
    },
};

use super::{GAS_MAX, is_out_of_gas};

/// Most steps that are kept.
const STEPS_MAX: usize = 4_096;
/// Most hashed pairs that are kept.
const PREIMAGES_MAX: usize = 65_536;
/// Bytes of an input that are kept of each step.
const INPUT_BYTES_KEPT: usize = 1_024;
/// Bytes of a key with the slot of its mapping.
const PAIR_BYTES: usize = 64;

/// Something that ran below a call, in the order in which it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The call that it came from, from zero.
    pub call: usize,
    /// How deep it was; the call itself is at zero.
    pub depth: usize,
    /// What it was.
    pub kind: StepKind,
    /// Whose storage it ran on before: who called, created or was destroyed.
    pub from: Address,
    /// Whom it called, created or paid.
    pub to: Address,
    /// Wei that it moved.
    pub value: U256,
    /// The first bytes of its input; none of a creation.
    pub input: Bytes,
    /// How many bytes its input has.
    pub input_bytes: usize,
    /// Whether something above it failed, so that nothing of it stayed, or it failed itself.
    pub is_undone: bool,
}

/// What a step was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// An ordinary call.
    Call,
    /// The code of `to` ran as if it were that of `from`.
    DelegateCall,
    /// A contract was created at `to`.
    Create,
    /// `from` destroyed itself and its wei went to `to`. From Cancun on the code stays, unless it was
    /// created in the same transaction.
    SelfDestruct,
}

/// What code can ask of the transaction or the block that it runs in, or find out by what a call costs. A real
/// execution has another one of each, so that code which asks may behave otherwise there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Circumstance {
    /// Who started the transaction (`ORIGIN`).
    Origin,
    /// What it pays for gas (`GASPRICE`).
    GasPrice,
    /// The hash of a block (`BLOCKHASH`).
    BlockHash,
    /// Who gets the block's tips (`COINBASE`).
    Coinbase,
    /// The block's time (`TIMESTAMP`).
    Timestamp,
    /// The block's height (`NUMBER`).
    Number,
    /// The block's random word (`PREVRANDAO`).
    Randomness,
    /// The block's bound of gas (`GASLIMIT`).
    GasLimit,
    /// The base fee (`BASEFEE`).
    BaseFee,
    /// The hash of a blob (`BLOBHASH`) or the blobs' base fee (`BLOBBASEFEE`).
    Blobs,
    /// How much gas is left (`GAS`), otherwise than to pass it on to a call.
    GasLeft,
    /// Whether other code is done within a bound of gas that is not all that is left. What it touches costs more
    /// where nothing in the transaction touched it before.
    GasBound,
    /// Whether what it called or created ran out of gas, as something did.
    OutOfGas,
    /// What was put down earlier in the transaction (`TLOAD`), which whoever executes may have done.
    Transient,
    /// What the sender or the governor says, which know that they execute.
    Executor,
    /// How much wei the sender or the governor has (`BALANCE`, or `SELFBALANCE` as one of them), to which whoever
    /// executes may add.
    Wei,
    /// The chain's number (`CHAINID`), which no block proves.
    Chain,
}

impl Circumstance {
    const fn asked_by(opcode: u8) -> Option<Self> {
        Some(match opcode {
            opcode::ORIGIN => Self::Origin,
            opcode::GASPRICE => Self::GasPrice,
            opcode::BLOCKHASH => Self::BlockHash,
            opcode::COINBASE => Self::Coinbase,
            opcode::TIMESTAMP => Self::Timestamp,
            opcode::NUMBER => Self::Number,
            opcode::DIFFICULTY => Self::Randomness,
            opcode::GASLIMIT => Self::GasLimit,
            opcode::BASEFEE => Self::BaseFee,
            opcode::TLOAD => Self::Transient,
            opcode::CHAINID => Self::Chain,
            opcode::BLOBHASH | opcode::BLOBBASEFEE => Self::Blobs,
            _ => return None,
        })
    }
}

/// What was seen of a batch.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) steps: Vec<Step>,
    pub(super) steps_left_out: u64,
    pub(super) static_calls: u64,
    pub(super) preimages: B256Map<(B256, B256)>,
    pub(super) asked: BTreeSet<(Address, Circumstance)>,
    pub(super) ran: BTreeSet<Address>,
}

/// A frame that runs.
#[derive(Debug)]
struct Frame {
    /// How many steps were kept before it.
    before: usize,
    /// Its own place among them, if it was kept.
    place: Option<usize>,
    /// Whose code bounds its gas by another number than all that is left.
    bounded_by: Option<Address>,
    /// Whose code it is, once an instruction of it ran.
    code: Option<Address>,
}

/// Notes what runs.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: Seen,
    calls_begun: usize,
    open: Vec<Frame>,
    last_read: Option<(Address, U256)>,
    /// Whose code put the gas that is left on its stack with the last instruction.
    gas_left_at: Option<Address>,
    /// Whose code bounds the gas of a call with the last instruction.
    bounds_at: Option<Address>,
    /// Who executes: the sender, and the governor.
    executors: BTreeSet<Address>,
}

impl Watch {
    pub(super) fn of(executors: impl IntoIterator<Item = Address>) -> Self {
        Self { executors: executors.into_iter().collect(), ..Self::default() }
    }

    pub(super) fn begin_call(&mut self) {
        self.calls_begun += 1;
        self.open.clear();
    }

    /// Whose slot was read last, and which.
    pub(super) const fn last_read(&self) -> Option<(Address, U256)> {
        self.last_read
    }

    pub(super) fn into_seen(self) -> Seen {
        self.seen
    }

    /// Notes what `code` asks of where it runs. The gas that is left is asked for by every call, which only
    /// passes it on.
    fn note_asked(&mut self, opcode: u8, code: Address, interpreter: &Interpreter) {
        let is_call = matches!(
            opcode,
            opcode::CALL | opcode::CALLCODE | opcode::DELEGATECALL | opcode::STATICCALL
        );
        let gas_left = self.gas_left_at.take();
        self.bounds_at = None;
        let top = interpreter.stack.data().last();
        match (gas_left, is_call) {
            (Some(code), false) => self.note(code, Circumstance::GasLeft),
            // Nothing is given more than the most that a batch has.
            (None, true) if top.is_some_and(|gas| *gas < U256::from(GAS_MAX)) => {
                self.bounds_at = Some(code);
            }
            (Some(_), true) | (None, _) => {}
        }
        if opcode == opcode::GAS {
            self.gas_left_at = Some(code);
        }
        if let Some(circumstance) = Circumstance::asked_by(opcode) {
            self.note(code, circumstance);
        }
        let whose = match opcode {
            opcode::BALANCE => top.map(|word| Address::from_word(B256::from(*word))),
            opcode::SELFBALANCE => Some(interpreter.input.target_address),
            _ => None,
        };
        if whose.is_some_and(|account| self.executors.contains(&account)) {
            self.note(code, Circumstance::Wei);
        }
    }

    fn note(&mut self, code: Address, circumstance: Circumstance) {
        self.seen.asked.insert((code, circumstance));
    }

    /// Notes that an instruction of `code` runs, and with the first of a frame that there was something to run.
    fn note_code(&mut self, code: Address) {
        let Some(frame) = self.open.last_mut().filter(|frame| frame.code.is_none()) else { return };
        frame.code = Some(code);
        let bounded_by = frame.bounded_by;
        self.seen.ran.insert(code);
        if let Some(by) = bounded_by {
            self.note(by, Circumstance::GasBound);
        }
    }

    /// Notes that the code that runs calls one that knows whether this is an execution.
    fn note_called(&mut self, called: Address) {
        let caller = self.open.last().and_then(|frame| frame.code);
        if let Some(code) = caller.filter(|_| self.executors.contains(&called)) {
            self.note(code, Circumstance::Executor);
        }
    }

    fn keep(&mut self, step: Step) -> Option<usize> {
        if self.seen.steps.len() >= STEPS_MAX {
            self.seen.steps_left_out += 1;
            return None;
        }
        self.seen.steps.push(step);
        Some(self.seen.steps.len() - 1)
    }

    fn enter(&mut self, step: Option<Step>) {
        let before = self.seen.steps.len();
        let place = step.and_then(|step| self.keep(step));
        let bounded_by = self.bounds_at.take();
        self.open.push(Frame { before, place, bounded_by, code: None });
    }

    /// Ends a frame; what failed takes back all that ran below it.
    fn leave(&mut self, result: InstructionResult) -> Option<&mut Step> {
        let Frame { before, place, .. } = self.open.pop()?;
        let caller = self.open.last().and_then(|frame| frame.code);
        if let Some(code) = caller.filter(|_| is_out_of_gas(result)) {
            self.note(code, Circumstance::OutOfGas);
        }
        if !result.is_ok() {
            self.seen.steps.iter_mut().skip(before).for_each(|step| step.is_undone = true);
        }
        place.and_then(|place| self.seen.steps.get_mut(place))
    }

    fn step_of(&self, kind: StepKind, from: Address, to: Address, value: U256) -> Step {
        Step {
            call: self.calls_begun.saturating_sub(1),
            depth: self.open.len(),
            kind,
            from,
            to,
            value,
            input: Bytes::new(),
            input_bytes: 0,
            is_undone: false,
        }
    }
}

impl<C: ContextTr> Inspector<C> for Watch {
    fn step(&mut self, interpreter: &mut Interpreter, _: &mut C) {
        let opcode = interpreter.bytecode.opcode();
        let input = &interpreter.input;
        let code = input.bytecode_address.unwrap_or(input.target_address);
        self.note_code(code);
        self.note_asked(opcode, code, interpreter);
        if opcode == opcode::SLOAD
            && let Some(slot) = interpreter.stack.data().last()
        {
            self.last_read = Some((interpreter.input.target_address, *slot));
        }
        if opcode != opcode::KECCAK256 || self.seen.preimages.len() >= PREIMAGES_MAX {
            return;
        }
        let [.., length, offset] = interpreter.stack.data().as_slice() else { return };
        let (Ok(length), Ok(offset)) = (usize::try_from(*length), usize::try_from(*offset)) else {
            return;
        };
        let ends_in_memory = offset.checked_add(PAIR_BYTES);
        if length != PAIR_BYTES || ends_in_memory.is_none_or(|end| end > interpreter.memory.size())
        {
            return;
        }
        let pair = interpreter.memory.slice(offset..offset + PAIR_BYTES).to_vec();
        let (key, slot) = pair.split_at(PAIR_BYTES / 2);
        let words = (B256::from_slice(key), B256::from_slice(slot));
        self.seen.preimages.insert(keccak256(&pair), words);
    }

    fn call(&mut self, context: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.note_called(inputs.target_address);
        let kind = match inputs.scheme {
            CallScheme::Call => Some(StepKind::Call),
            CallScheme::DelegateCall | CallScheme::CallCode => Some(StepKind::DelegateCall),
            CallScheme::StaticCall => None,
        };
        let kind = kind.filter(|_| !inputs.is_static);
        if kind.is_none() {
            self.seen.static_calls += 1;
        }
        let step = kind.map(|kind| {
            let value = inputs.transfer_value().unwrap_or_default();
            let from = match kind {
                StepKind::DelegateCall => inputs.target_address,
                _ => inputs.caller,
            };
            let input = inputs.input.as_bytes(context);
            let kept = input.len().min(INPUT_BYTES_KEPT);
            Step {
                input: Bytes::copy_from_slice(&input[..kept]),
                input_bytes: input.len(),
                ..self.step_of(kind, from, inputs.bytecode_address, value)
            }
        });
        self.enter(step);
        None
    }

    fn call_end(&mut self, _: &mut C, _: &CallInputs, outcome: &mut CallOutcome) {
        self.leave(outcome.result.result);
    }

    fn create(&mut self, _: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        debug_assert!(!matches!(inputs.scheme(), CreateScheme::Custom { .. }), "nothing makes one");
        let step = self.step_of(StepKind::Create, inputs.caller(), Address::ZERO, inputs.value());
        self.enter(Some(step));
        None
    }

    fn create_end(&mut self, _: &mut C, _: &CreateInputs, outcome: &mut CreateOutcome) {
        let address = outcome.address;
        if let (Some(step), Some(address)) = (self.leave(outcome.result.result), address) {
            step.to = address;
        }
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        let step = self.step_of(StepKind::SelfDestruct, contract, target, value);
        self.keep(step);
    }
}
