//! What the canonical ABI makes of any memory, written from its text: the judge of the sandbox for
//! the component `area.wat`. The fuzz target `component_output` uses it too.

use chaos_sandbox::{Answer, Failure, Inputs, Limits, Malformed, Outcome, Trap};

/// The component whose caller decides every byte that the host decodes.
pub(crate) const AREA: &str = include_str!("../components/area.wat");

/// Where its input is placed.
pub(crate) const INPUT_AT: usize = 4_096;

/// Where what it reads from its host is placed.
const READ_AT: usize = 65_536;

const MEMORY_BYTES: usize = 2 * 65_536;

/// The named inputs of its job.
pub(crate) fn inputs() -> Inputs {
    Inputs::new([("", b"".as_slice()), ("a", b"bytes".as_slice())]).expect("two names")
}

struct Memory(Vec<u8>);

impl Memory {
    fn slice(&self, at: usize, len: usize) -> Result<&[u8], Outcome> {
        let end = at.saturating_add(len);
        self.0.get(at..end).ok_or(Outcome::Malformed(Malformed::OutOfBounds))
    }

    fn word(&self, at: usize) -> usize {
        let bytes = self.0[at..at + 4].try_into().expect("four bytes");
        usize::try_from(u32::from_le_bytes(bytes)).expect("an address")
    }

    fn set_word(&mut self, at: usize, word: usize) {
        let word = u32::try_from(word).expect("an address");
        self.0[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }

    fn text(&self, at: usize, len: usize) -> Result<String, Outcome> {
        String::from_utf8(self.slice(at, len)?.to_vec())
            .map_err(|_| Outcome::Malformed(Malformed::Text))
    }

    fn ensure_area(&self, at: usize, len: usize) -> Result<(), Outcome> {
        if !at.is_multiple_of(4) {
            return Err(Outcome::Malformed(Malformed::Unaligned));
        }
        self.slice(at, len).map(|_| ())
    }
}

/// How the component ends under the default limits, called with `input` and [`inputs`].
pub(crate) fn judge(input: &[u8]) -> Outcome {
    decide(input).unwrap_or_else(|outcome| outcome)
}

fn decide(input: &[u8]) -> Result<Outcome, Outcome> {
    let mut memory = Memory(vec![0; MEMORY_BYTES]);
    memory.0[INPUT_AT..INPUT_AT + input.len()].copy_from_slice(input);
    let words = [5, 9, 13].map(|offset| memory.word(INPUT_AT + offset));
    match memory.0[INPUT_AT + 4] {
        1 => note(&memory, words[0], words[1])?,
        2 => read_input(&mut memory, words)?,
        _ => {}
    }
    returned(&memory, memory.word(INPUT_AT))
}

fn note(memory: &Memory, at: usize, len: usize) -> Result<(), Outcome> {
    let text = memory.text(at, len)?;
    if text.len() as u64 > Limits::default().note_bytes {
        return Err(Outcome::Trap(Trap::NoteTooLong));
    }
    Ok(())
}

fn read_input(memory: &mut Memory, [at, len, into]: [usize; 3]) -> Result<(), Outcome> {
    let name = memory.text(at, len)?;
    if name.len() as u64 > Limits::default().name_bytes {
        return Err(Outcome::Trap(Trap::NameTooLong));
    }
    memory.ensure_area(into, 12)?;
    let Some(bytes) = inputs().get(&name).cloned() else {
        memory.0[into] = 0;
        return Ok(());
    };
    memory.0[into] = 1;
    memory.0[READ_AT..READ_AT + bytes.len()].copy_from_slice(&bytes);
    memory.set_word(into + 4, READ_AT);
    memory.set_word(into + 8, bytes.len());
    Ok(())
}

/// Reads `result<list<u8>, failure>`.
fn returned(memory: &Memory, at: usize) -> Result<Outcome, Outcome> {
    memory.ensure_area(at, 16)?;
    match (memory.0[at], memory.0[at + 4]) {
        (0, _) => {
            let bytes = memory.slice(memory.word(at + 4), memory.word(at + 8))?;
            Ok(Outcome::Answer(Answer::Bytes(bytes.to_vec())))
        }
        (1, case @ (0 | 1)) => {
            let text = memory.text(memory.word(at + 8), memory.word(at + 12))?;
            if text.len() as u64 > Limits::default().failure_bytes {
                return Err(Outcome::Malformed(Malformed::TooLarge));
            }
            let failure = if case == 0 { Failure::InvalidInput } else { Failure::NoAnswer };
            Ok(Outcome::Failure(failure(text)))
        }
        _ => Err(Outcome::Malformed(Malformed::Case)),
    }
}
