use std::sync::Arc;

use chaos_types::Digest;

/// Begins every link of the chain and every encoded transcript.
const TAG: &[u8] = b"chaoschain/transcript/v1";

const READ_INPUT: &[u8] = b"read-input";
const NOTE: &[u8] = b"note";

const ABSENT: u8 = 0;
const PRESENT: u8 = 1;

/// One call of a host function, with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostCall {
    /// `read-input`: the component asked for an input of the job.
    ReadInput {
        /// The name it asked for.
        name: String,
        /// The bytes it got; `None` if the job has no input of that name.
        answer: Option<Arc<[u8]>>,
    },
    /// `note`: the component left a line for readers of the transcript.
    Note {
        /// The line.
        text: String,
    },
}

impl HostCall {
    /// The WIT name of the function.
    #[must_use]
    pub const fn function(&self) -> &'static str {
        match self {
            Self::ReadInput { .. } => "read-input",
            Self::Note { .. } => "note",
        }
    }

    /// The argument: a name or a note.
    #[must_use]
    pub fn argument(&self) -> &str {
        match self {
            Self::ReadInput { name, .. } => name,
            Self::Note { text } => text,
        }
    }

    /// The answer as it is hashed, in two parts: for `read-input` one byte, 1 or 0, that says
    /// whether there is such an input, and its bytes; two empty parts for `note`.
    fn answer(&self) -> (&[u8], &[u8]) {
        match self {
            Self::ReadInput { answer: Some(bytes), .. } => (&[PRESENT], bytes),
            Self::ReadInput { answer: None, .. } => (&[ABSENT], &[]),
            Self::Note { .. } => (&[], &[]),
        }
    }

    fn read([function, argument, presence, bytes]: [&[u8]; 4]) -> Option<Self> {
        let argument = std::str::from_utf8(argument).ok()?.to_owned();
        match (function, presence, bytes) {
            (READ_INPUT, [ABSENT], []) => Some(Self::ReadInput { name: argument, answer: None }),
            (READ_INPUT, [PRESENT], bytes) => {
                Some(Self::ReadInput { name: argument, answer: Some(bytes.into()) })
            }
            (NOTE, [], []) => Some(Self::Note { text: argument }),
            _ => None,
        }
    }
}

/// Why bytes are not a transcript.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptError {
    /// Longer than [`Transcript::BYTES_MAX`].
    #[error("transcript has {bytes} bytes, the limit is {}", Transcript::BYTES_MAX)]
    TooLarge {
        /// Length of the refused bytes.
        bytes: usize,
    },
    /// The bytes do not begin with the format's tag.
    #[error("transcript does not begin with the tag of its format")]
    Format,
    /// The bytes end inside a call.
    #[error("transcript ends inside call {call}")]
    Truncated {
        /// Index of the call.
        call: usize,
    },
    /// A call is not one of a host function of this interface.
    #[error("call {call} of the transcript is not a call of `read-input` or `note`")]
    Call {
        /// Index of the call.
        call: usize,
    },
    /// More calls than [`Transcript::CALLS_MAX`].
    #[error("transcript has more than {} calls", Transcript::CALLS_MAX)]
    TooMany,
}

/// Every call of a host function in one run, in order, chained by hashes.
///
/// The chain begins with `h0 = SHA-256(p(tag))` and goes on with `h(n+1) = SHA-256(p(tag) p(h(n))
/// p(function) p(argument) p(presence) p(answer))`, where `p(x)` is the length of `x` as eight
/// big-endian bytes and then `x`, the tag is `chaoschain/transcript/v1`, and presence is one byte
/// for `read-input`, 1 if there is such an input and 0 if not, and nothing for `note`. The last
/// hash is the head: no other list of calls leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    calls: Vec<HostCall>,
    head: Digest,
}

impl Default for Transcript {
    fn default() -> Self {
        Self { calls: Vec::new(), head: Digest::of_parts(&[TAG]) }
    }
}

impl Transcript {
    /// The longest encoded transcript that is read: 256 MiB.
    pub const BYTES_MAX: usize = 256 << 20;

    /// The most calls that are read: a million, as many as any configuration allows.
    pub const CALLS_MAX: usize = 1_000_000;

    /// The head of the chain.
    #[must_use]
    pub const fn head(&self) -> Digest {
        self.head
    }

    /// The calls in order.
    #[must_use]
    pub fn calls(&self) -> &[HostCall] {
        &self.calls
    }

    pub(crate) fn push(&mut self, call: HostCall) {
        let (presence, answer) = call.answer();
        self.head = Digest::of_parts(&[
            TAG,
            self.head.as_bytes(),
            call.function().as_bytes(),
            call.argument().as_bytes(),
            presence,
            answer,
        ]);
        self.calls.push(call);
    }

    /// The calls as bytes: `p(tag)`, then `p(function) p(argument) p(presence) p(answer)` for each.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        join(&mut bytes, &[TAG]);
        for call in &self.calls {
            let (presence, answer) = call.answer();
            let (function, argument) = (call.function().as_bytes(), call.argument().as_bytes());
            join(&mut bytes, &[function, argument, presence, answer]);
        }
        bytes
    }

    /// Reads what [`Transcript::to_bytes`] wrote, and nothing else.
    ///
    /// # Errors
    /// If the bytes are too long, cut off, or not calls of this interface.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TranscriptError> {
        if bytes.len() > Self::BYTES_MAX {
            return Err(TranscriptError::TooLarge { bytes: bytes.len() });
        }
        let (tag, mut rest) = split(bytes).ok_or(TranscriptError::Format)?;
        if tag != TAG {
            return Err(TranscriptError::Format);
        }
        let mut transcript = Self::default();
        while !rest.is_empty() {
            let call = transcript.calls.len();
            if call == Self::CALLS_MAX {
                return Err(TranscriptError::TooMany);
            }
            let mut next = || {
                let (part, tail) = split(rest).ok_or(TranscriptError::Truncated { call })?;
                rest = tail;
                Ok(part)
            };
            let read = HostCall::read([next()?, next()?, next()?, next()?]);
            transcript.push(read.ok_or(TranscriptError::Call { call })?);
        }
        Ok(transcript)
    }
}

/// Appends each part behind its length.
fn join(bytes: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
}

/// Takes one length-prefixed part off the front.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_be_bytes(*len)).ok()?)
}

#[cfg(test)]
mod tests;
