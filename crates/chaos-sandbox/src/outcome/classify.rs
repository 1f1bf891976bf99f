//! From the engine's errors to endings.
//!
//! Only errors that are known to repeat become an [`Outcome`]. The engine names its traps by a type
//! and breaches of the canonical ABI by their text alone, so those texts are listed here and each
//! is tested against the engine; an error that is not listed is not provable.

use std::{char::DecodeUtf16Error, str::Utf8Error};

use wasmtime::{Error, Trap as EngineTrap};

use super::{HostError, Malformed, NotProvable, Outcome, Trap};
use crate::{component::Diverged, host::Stop};

/// What an error of the engine means for the run.
#[derive(Debug)]
pub(crate) enum End {
    /// The run ended so, and every repeat will.
    Proven(Outcome),
    /// The run proves nothing.
    NotProvable(NotProvable),
    /// The run is not the recorded one.
    Diverged(Diverged),
}

/// Texts of the engine for breaches of the canonical ABI.
const BREACHES: [(&str, Malformed); 11] = [
    ("list pointer/length out of bounds of memory", Malformed::OutOfBounds),
    ("string pointer/length out of bounds of memory", Malformed::OutOfBounds),
    ("pointer out of bounds of memory", Malformed::OutOfBounds),
    ("pointer out of bounds", Malformed::OutOfBounds),
    ("realloc return: beyond end of memory", Malformed::OutOfBounds),
    ("return pointer not aligned", Malformed::Unaligned),
    ("pointer not aligned", Malformed::Unaligned),
    ("string pointer not aligned to ", Malformed::Unaligned),
    ("invalid expected discriminant", Malformed::Case),
    ("unexpected discriminant: ", Malformed::Case),
    ("too much data is being copied between the host and the guest", Malformed::TooLarge),
];

/// Names the ending behind an error that a call of the component gave.
pub(crate) fn classify(error: &Error) -> End {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return stopped(stop);
    }
    if let Some(trap) = error.downcast_ref::<EngineTrap>() {
        return trapped(*trap, error);
    }
    match breach(error) {
        Some(malformed) => End::Proven(Outcome::Malformed(malformed)),
        None => unknown(error),
    }
}

fn unknown(error: &Error) -> End {
    End::NotProvable(NotProvable::Host(HostError::new(error)))
}

fn breach(error: &Error) -> Option<Malformed> {
    if error.is::<Utf8Error>() || error.is::<DecodeUtf16Error>() {
        return Some(Malformed::Text);
    }
    let text = error.root_cause().to_string();
    BREACHES.iter().find(|(start, _)| text.starts_with(start)).map(|(_, malformed)| *malformed)
}

fn stopped(stop: &Stop) -> End {
    match stop {
        Stop::Trap(trap) => End::Proven(Outcome::Trap(*trap)),
        Stop::NotProvable(reason) => End::NotProvable(reason.clone()),
        Stop::Diverged(diverged) => End::Diverged(diverged.clone()),
    }
}

/// The engine's traps that the configuration leaves possible; the rest belong to features that are
/// off, or are faults of the engine.
fn trapped(trap: EngineTrap, error: &Error) -> End {
    let trap = match trap {
        EngineTrap::StackOverflow => return End::NotProvable(NotProvable::StackOverflow),
        EngineTrap::UnreachableCodeReached => Trap::Unreachable,
        EngineTrap::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
        EngineTrap::TableOutOfBounds => Trap::TableOutOfBounds,
        EngineTrap::IndirectCallToNull => Trap::EmptyElement,
        EngineTrap::BadSignature => Trap::CallType,
        EngineTrap::IntegerOverflow => Trap::IntegerOverflow,
        EngineTrap::IntegerDivisionByZero => Trap::DivisionByZero,
        EngineTrap::BadConversionToInteger => Trap::Conversion,
        EngineTrap::NullReference => Trap::NullReference,
        EngineTrap::OutOfFuel => Trap::OutOfFuel,
        // Between the components of which a component is made, the compiled adapters check.
        EngineTrap::StringOutOfBounds | EngineTrap::ListOutOfBounds => {
            return malformed(Malformed::OutOfBounds);
        }
        EngineTrap::UnalignedPointer => return malformed(Malformed::Unaligned),
        EngineTrap::InvalidDiscriminant => return malformed(Malformed::Case),
        EngineTrap::InvalidChar => return malformed(Malformed::Text),
        EngineTrap::CannotEnterComponent | EngineTrap::CannotLeaveComponent => {
            return malformed(Malformed::Reentrance);
        }
        _ => return unknown(error),
    };
    End::Proven(Outcome::Trap(trap))
}

const fn malformed(malformed: Malformed) -> End {
    End::Proven(Outcome::Malformed(malformed))
}
