use std::cell::Cell;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::{
    DatabaseRef, bytecode::Bytecode, database_interface::DBErrorMarker, state::AccountInfo,
};

use super::{ImportError, StateProof, StateProofError, TrieError};

/// Most questions that are asked of a prover for one state.
const QUESTIONS_MAX: u32 = 20_000;
/// Most bytes of trie nodes and codes that are taken from a prover.
const ANSWER_BYTES_MAX: usize = 24 << 20;
/// How far back `BLOCKHASH` sees.
const ANCESTORS_MAX: u64 = 256;

/// Whoever proves what a state proof lacks.
///
/// Contract: nothing that it gives is believed, so it may give anything; an error ends the reading.
/// Each question comes once as long as its answer proves what was asked.
pub trait Prover {
    /// Why it gave nothing.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Trie nodes from the state root to an account.
    ///
    /// # Errors
    /// If it gives none.
    fn account(&self, address: Address) -> Result<Vec<Bytes>, Self::Error>;

    /// Trie nodes from an account's storage root to a slot.
    ///
    /// # Errors
    /// If it gives none.
    fn slot(&self, address: Address, slot: U256) -> Result<Vec<Bytes>, Self::Error>;

    /// An account's code.
    ///
    /// # Errors
    /// If it gives none.
    fn code(&self, address: Address) -> Result<Bytes, Self::Error>;

    /// The header of a block of this height, as JSON.
    ///
    /// # Errors
    /// If it gives none.
    fn header(&self, number: u64) -> Result<Vec<u8>, Self::Error>;
}

/// A state that is proven as it is read: what the proof lacks is asked for, and an answer that proves
/// nothing is an error.
#[derive(Debug)]
pub struct Growing<P> {
    proof: StateProof,
    prover: P,
    asked: Cell<u32>,
    taken_bytes: Cell<usize>,
}

/// A read that was not proven.
#[derive(Debug, thiserror::Error)]
pub enum GrowingError<E: std::error::Error + Send + Sync + 'static> {
    /// Nothing was given.
    #[error("{what} was not given")]
    Prover {
        /// What was asked for.
        what: String,
        /// The cause.
        #[source]
        source: E,
    },
    /// What was given does not prove what was asked: it is of another state, or of none.
    #[error("what was given proves nothing of the state after this block")]
    Unproven(#[source] StateProofError),
    /// A header that was given is not the parent of the one above it.
    #[error(transparent)]
    Header(ImportError),
    /// The execution reads too much.
    #[error("the execution reads more than {QUESTIONS_MAX} places")]
    TooMany,
    /// What was given is too much.
    #[error("proofs and codes of more than {ANSWER_BYTES_MAX} bytes")]
    TooMuch,
}

impl<E: std::error::Error + Send + Sync + 'static> DBErrorMarker for GrowingError<E> {}

impl<P: Prover> Growing<P> {
    /// Reads `proof`, and asks `prover` for what it lacks.
    #[must_use]
    pub const fn new(proof: StateProof, prover: P) -> Self {
        Self { proof, prover, asked: Cell::new(0), taken_bytes: Cell::new(0) }
    }

    /// All that was proven.
    #[must_use]
    pub fn into_proof(self) -> StateProof {
        self.proof
    }

    fn ask<T>(
        &self,
        what: impl FnOnce() -> String,
        answer: Result<T, P::Error>,
    ) -> Result<T, GrowingError<P::Error>> {
        answer.map_err(|source| GrowingError::Prover { what: what(), source })
    }

    fn count(&self) -> Result<(), GrowingError<P::Error>> {
        self.asked.set(self.asked.get() + 1);
        if self.asked.get() > QUESTIONS_MAX { Err(GrowingError::TooMany) } else { Ok(()) }
    }

    fn take(&self, bytes: usize) -> Result<(), GrowingError<P::Error>> {
        let taken = self.taken_bytes.get().saturating_add(bytes);
        self.taken_bytes.set(taken);
        if taken > ANSWER_BYTES_MAX { Err(GrowingError::TooMuch) } else { Ok(()) }
    }

    /// Reads, asks for what is missing, and reads again. `account` and `slot` come from different
    /// tries, so both may be missing.
    fn read<T>(
        &self,
        read: impl Fn(&StateProof) -> Result<T, StateProofError>,
        address: Address,
        slot: Option<U256>,
    ) -> Result<T, GrowingError<P::Error>> {
        let missing = match read(&self.proof) {
            Err(
                error @ (StateProofError::Account { source: TrieError::Missing { .. }, .. }
                | StateProofError::Slot { source: TrieError::Missing { .. }, .. }),
            ) => error,
            answer => return answer.map_err(GrowingError::Unproven),
        };
        self.count()?;
        let nodes = match (slot, missing) {
            (Some(slot), StateProofError::Slot { .. }) => {
                let what = || format!("a proof of slot {slot:#x} of {address}");
                self.ask(what, self.prover.slot(address, slot))?
            }
            _ => self.ask(|| format!("a proof of {address}"), self.prover.account(address))?,
        };
        self.take(nodes.iter().map(|node| node.len()).sum())?;
        self.proof.learn_nodes(nodes);
        read(&self.proof).map_err(GrowingError::Unproven)
    }
}

impl<P: Prover> DatabaseRef for Growing<P> {
    type Error = GrowingError<P::Error>;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        let info = self.read(|proof| proof.basic_ref(address), address, None)?;
        let Some(mut info) = info else { return Ok(None) };
        if info.code.is_none() && info.code_hash != KECCAK256_EMPTY {
            self.count()?;
            let code = self.ask(|| format!("the code of {address}"), self.prover.code(address))?;
            self.take(code.len())?;
            // A code of another hash is kept by its own, and the one that is needed is still missing.
            self.proof.learn_code(code);
            let code = self.proof.code_by_hash_ref(info.code_hash);
            info.code = Some(code.map_err(GrowingError::Unproven)?);
        }
        Ok(Some(info))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Self::Error> {
        self.proof.code_by_hash_ref(hash).map_err(GrowingError::Unproven)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Self::Error> {
        self.read(|proof| proof.basic_ref(address), address, None)?;
        self.read(|proof| proof.storage_ref(address, slot), address, Some(slot))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Self::Error> {
        for _ in 0..ANCESTORS_MAX {
            if let Ok(hash) = self.proof.block_hash_ref(number) {
                return Ok(hash);
            }
            self.count()?;
            let oldest = self.proof.oldest();
            let what = || format!("the header of block {oldest}");
            let header = self.ask(what, self.prover.header(oldest))?;
            self.proof.learn_header(&header).map_err(GrowingError::Header)?;
        }
        self.proof.block_hash_ref(number).map_err(GrowingError::Unproven)
    }
}
