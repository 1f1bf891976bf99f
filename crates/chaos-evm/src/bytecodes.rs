use std::{collections::BTreeMap, sync::OnceLock};

use alloy_primitives::{B256, Bytes, keccak256};
use chaos_types::Digest;
use revm::bytecode::Bytecode;

use crate::block::{DecodeError, decode, quantity::UniqueMap};

/// Largest bytecode file accepted, in bytes after decompression.
const BYTECODES_BYTES_MAX: usize = 512 << 20;

/// Contract codes by their Keccak-256 hash. Every code was hashed and found to match its key.
#[derive(Debug, Clone, Default)]
pub struct Bytecodes {
    codes: BTreeMap<B256, Code>,
}

#[derive(Debug, Clone)]
struct Code {
    raw: Bytes,
    // Analysing code for jump targets costs more than reading it, and most files hold far more
    // codes than one run needs.
    analysed: OnceLock<Bytecode>,
}

impl Bytecodes {
    /// Reads a JSON object `{"0x<code hash>": "0x<code>"}`, plain or gzipped.
    ///
    /// # Errors
    /// If the bytes are no such object, exceed `BYTECODES_BYTES_MAX`, or a code does not hash to
    /// its key.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let json = decode::decompress(bytes, BYTECODES_BYTES_MAX)?;
        let wire: UniqueMap<B256, Bytes> = decode::typed(&json)?;
        Self::from_codes(wire.0)
    }

    /// Takes codes by hash.
    ///
    /// # Errors
    /// If a code does not hash to its key.
    pub fn from_codes(codes: BTreeMap<B256, Bytes>) -> Result<Self, DecodeError> {
        let codes = codes
            .into_iter()
            .map(|(expected, raw)| {
                let found = keccak256(&raw);
                if found == expected {
                    Ok((expected, Code { raw, analysed: OnceLock::new() }))
                } else {
                    Err(DecodeError::CodeHash { expected, found })
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { codes })
    }

    /// Adds a code; gives its hash.
    pub(crate) fn insert(&mut self, raw: Bytes) -> B256 {
        let hash = keccak256(&raw);
        self.codes.entry(hash).or_insert_with(|| Code { raw, analysed: OnceLock::new() });
        hash
    }

    /// The number of codes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Every code with its hash, in the order of the hashes.
    pub fn iter(&self) -> impl Iterator<Item = (B256, &Bytes)> {
        self.codes.iter().map(|(hash, code)| (*hash, &code.raw))
    }

    /// The code with this hash, ready to run.
    pub(crate) fn get(&self, hash: B256) -> Option<Bytecode> {
        let code = self.codes.get(&hash)?;
        Some(code.analysed.get_or_init(|| analyse(&code.raw)).clone())
    }

    /// A digest over those of `hashes` that are known, in the order given.
    ///
    /// The hashes stand for the codes: each was checked against its code.
    pub(crate) fn digest(&self, hashes: &[B256]) -> Digest {
        let known: Vec<&[u8]> = hashes
            .iter()
            .filter(|hash| self.codes.contains_key(*hash))
            .map(|hash| hash.as_slice())
            .collect();
        Digest::of_parts(&known)
    }
}

/// Code that only looks like an EIP-7702 delegation runs as ordinary code, and so halts.
fn analyse(raw: &Bytes) -> Bytecode {
    Bytecode::new_raw_checked(raw.clone()).unwrap_or_else(|_| Bytecode::new_legacy(raw.clone()))
}
