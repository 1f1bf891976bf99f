use chaos_types::Digest;
use serde::{Deserialize, Serialize};

mod classify;
mod wire;

pub(crate) use classify::{End, classify};
pub use wire::{Failure, Step};

/// Separates the digest of a strategy's step from everything else that is hashed.
const STEP_TAG: &[u8] = b"chaoschain/strategy-step/v1";

/// How a run ended. Each of these endings depends on nothing but the code, its configuration, the
/// argument and the answers of the host: a repeat on any machine ends the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The task answered.
    Answer(Answer),
    /// The task said why it has no answer.
    Failure(Failure),
    /// The code was stopped.
    Trap(Trap),
    /// The code ended, but what it sent to its host breaks the rules of the interface.
    Malformed(Malformed),
}

/// What a task answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The bytes of a generic task, a simulation or a scorer.
    Bytes(Vec<u8>),
    /// The step of a strategy.
    Step(Step),
}

impl Answer {
    /// SHA-256 of the bytes; for a step, of its tagged and length-prefixed parts.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::Bytes(bytes) => Digest::of(bytes),
            Self::Step(Step { state, intents }) => Digest::of_parts(&[STEP_TAG, state, intents]),
        }
    }

    /// Length of all parts together.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Step(step) => step.state.len() + step.intents.len(),
        }
    }

    /// Whether all parts are empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What stopped the code.
///
/// The first nine are traps of the WebAssembly specification, which defines for each instruction on
/// which operands it traps. The others are limits of the configuration that count something which
/// itself repeats: fuel, calls and bytes. Fuel is charged by counters that the compiler writes into
/// the code, one place for each loop and function, the same for every processor. (The fuel that a
/// run reports after a trap is what had been written back by then; it repeats too.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Trap {
    /// An `unreachable` instruction: how compiled code panics or aborts.
    #[error("the code reached `unreachable`")]
    Unreachable,
    /// A load, store or bulk operation outside of a memory.
    #[error("out-of-bounds access to memory")]
    MemoryOutOfBounds,
    /// An access outside of a table.
    #[error("out-of-bounds access to a table")]
    TableOutOfBounds,
    /// An indirect call of an empty table element.
    #[error("call of an empty table element")]
    EmptyElement,
    /// An indirect call of a function of another type.
    #[error("indirect call of a function of another type")]
    CallType,
    /// A signed division that overflows, or a conversion of a float beyond the integer's range.
    #[error("integer overflow")]
    IntegerOverflow,
    /// An integer division by zero.
    #[error("integer division by zero")]
    DivisionByZero,
    /// A conversion of a NaN to an integer.
    #[error("conversion of a NaN to an integer")]
    Conversion,
    /// A call of a null reference.
    #[error("null reference")]
    NullReference,
    /// The run used all of [`crate::Limits::fuel`].
    #[error("all fuel is used up")]
    OutOfFuel,
    /// The run made more than [`crate::Limits::host_calls`] calls.
    #[error("more calls of host functions than the limit")]
    HostCalls,
    /// A name is longer than [`crate::Limits::name_bytes`].
    #[error("name of an input longer than the limit")]
    NameTooLong,
    /// A note is longer than [`crate::Limits::note_bytes`].
    #[error("note longer than the limit")]
    NoteTooLong,
}

/// What is wrong with what a component sent.
///
/// The rules are those of the component model's [canonical
/// ABI](https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md), which
/// decides every case by the bytes in the component's memory, so that each repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Malformed {
    /// A text is not in its encoding.
    #[error("a text is not valid in its encoding")]
    Text,
    /// A list, a text, a returned value or a freshly allocated buffer lies outside of the memory.
    #[error("a value lies outside of the memory")]
    OutOfBounds,
    /// A pointer is not aligned as its value requires.
    #[error("a pointer is not aligned")]
    Unaligned,
    /// A case number of a variant has no case.
    #[error("a variant has a case that does not exist")]
    Case,
    /// The answer, or the text of a failure, a name or a note, is longer than its limit.
    #[error("a value is longer than its limit")]
    TooLarge,
    /// The code called its host while it was being called for memory or for cleaning up.
    #[error("a call at a moment when the interface forbids it")]
    Reentrance,
}

/// An ending that another machine need not repeat; a run that ends so proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotProvable {
    /// The call stack was used up: how much a call needs is the compiler's affair.
    #[error("not provable: the call stack was used up")]
    StackOverflow,
    /// A memory could not grow, for want of [`crate::Limits::memory_bytes`] or of the machine's.
    #[error("not provable: memory could not grow to {bytes} bytes")]
    MemoryGrowth {
        /// What all memories together would have been.
        bytes: u64,
    },
    /// A table could not grow, for want of [`crate::Limits::table_elements`] or of memory.
    #[error("not provable: tables could not grow to {elements} elements")]
    TableGrowth {
        /// What all tables together would have been.
        elements: u64,
    },
    /// The engine or the machine failed, or ended the run for a reason that has no name here.
    #[error("not provable: the host failed")]
    Host(#[source] HostError),
}

/// What the engine said about a failure, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HostError {
    message: String,
}

impl HostError {
    /// The longest message that is kept, in bytes.
    pub const MESSAGE_BYTES_MAX: usize = 4_096;

    pub(crate) fn new(error: &wasmtime::Error) -> Self {
        Self::from_message(format!("{error:#}"))
    }

    pub(crate) fn from_message(mut message: String) -> Self {
        let end = message.floor_char_boundary(Self::MESSAGE_BYTES_MAX);
        message.truncate(end);
        Self { message }
    }
}
