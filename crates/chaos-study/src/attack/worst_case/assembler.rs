//! Just enough of an assembler for loops.

use revm::bytecode::opcode as op;

/// EVM code under construction.
#[derive(Debug, Clone, Default)]
pub(super) struct Assembler {
    code: Vec<u8>,
}

impl Assembler {
    /// Appends opcodes.
    pub(super) fn ops(mut self, opcodes: &[u8]) -> Self {
        self.code.extend_from_slice(opcodes);
        self
    }

    /// Appends the shortest push of a number that is not `PUSH0`, which old forks lack.
    pub(super) fn push(self, value: u64) -> Self {
        let bytes = value.to_be_bytes();
        let skip = bytes.iter().take(7).take_while(|byte| **byte == 0).count();
        self.push_bytes(&bytes[skip..])
    }

    /// Appends a push of these bytes; 1 to 32 of them.
    pub(super) fn push_bytes(mut self, bytes: &[u8]) -> Self {
        let length = u8::try_from(bytes.len()).expect("a push holds at most 32 bytes");
        self.code.push(op::PUSH1 - 1 + length);
        self.code.extend_from_slice(bytes);
        self
    }

    /// Appends a two-byte push whose value is filled in later; returns the place of the value.
    pub(super) fn push_later(self) -> (Self, usize) {
        let assembler = self.push_bytes(&[0, 0]);
        let place = assembler.code.len() - 2;
        (assembler, place)
    }

    /// Fills in a value left open by [`Self::push_later`].
    pub(super) fn fill(mut self, place: usize, value: usize) -> Self {
        let value = u16::try_from(value).expect("programs are shorter than 64 KiB");
        self.code[place..place + 2].copy_from_slice(&value.to_be_bytes());
        self
    }

    /// Appends code `times` times.
    pub(super) fn repeat(mut self, code: &[u8], times: usize) -> Self {
        for _ in 0..times {
            self.code.extend_from_slice(code);
        }
        self
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.code.len()
    }

    /// The code.
    pub(super) fn finish(self) -> Vec<u8> {
        self.code
    }
}
