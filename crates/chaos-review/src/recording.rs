//! A proposal with the state that running it reads, in one file that anybody runs again.

use alloy_primitives::{Address, B256, U256};
use chaos_evm::{
    Block, DatabaseRef, UnknownChain,
    calls::{Batch, BatchError, BatchRun, GAS_MAX, Payer, run_batch},
    fork,
    import::{ImportError, StateProof, StateProofError},
};
use chaos_types::ChainId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    book::{AbiFault, Book},
    governors::{self, Answers},
    payload::{Payload, PayloadError, Wire as WirePayload},
    review::{GovernorReview, Review, StateGround, Subject, review},
};

/// Name and version of the file's form.
pub(crate) const FORMAT: &str = "chaoschain-proposal-recording/1";
/// Most bytes of such a file.
pub const RECORDING_BYTES_MAX: usize = 64 << 20;

/// A proposal and the state that it reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The chain and block after which the calls are made.
    pub place: Place,
    /// Who makes the calls.
    pub sender: Address,
    /// The proposal.
    pub payload: Payload,
    /// Where the proposal is from.
    pub origin: Origin,
    /// ABIs that somebody gave, each for an address or for any.
    pub abis: Vec<(Option<Address>, String)>,
    /// Trie nodes, codes and headers, as [`StateProof`] reads them.
    pub proof: Value,
}

/// Where the calls are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The chain.
    pub chain: ChainId,
    /// The rules, if not those that the chain is known to have; a name as [`chaos_evm::Hardfork`] has them.
    pub fork: Option<String>,
    /// Height of the block.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// What running a recording's calls did.
#[derive(Debug)]
pub struct Ran {
    /// What the governor says of the proposal, if it is from one.
    pub answers: Option<Answers>,
    /// What the calls did.
    pub run: BatchRun,
    /// What they do if the wei that they send are the sender's, where whoever executes brings them in `run`.
    pub by_sender: Option<BatchRun>,
}

/// Where a proposal is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    /// A file of calls.
    File {},
    /// A governor.
    Governor {
        /// Its address.
        governor: Address,
        /// The proposal's number.
        id: U256,
    },
}

/// Why nothing is said about a recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It is too large.
    #[error("{found} bytes; a recording has at most {RECORDING_BYTES_MAX}")]
    TooLarge {
        /// How many there are.
        found: usize,
    },
    /// It is not of the form.
    #[error("no recording of a proposal")]
    Form(#[source] serde_json::Error),
    /// It is of another form, or of another version.
    #[error("`format` is {found:?}, expected {FORMAT:?}")]
    Format {
        /// What it says.
        found: String,
    },
    /// Its number of the block is none.
    #[error("`block.number` is {found:?}, expected decimal digits")]
    Number {
        /// What it says.
        found: String,
    },
    /// Its proposal is none.
    #[error("`payload`")]
    Payload(#[source] PayloadError),
    /// An ABI in it is none.
    #[error("an ABI")]
    Abi(#[source] AbiFault),
    /// The chain is not of Ethereum's kind.
    #[error("{chain} is no chain of Ethereum's kind")]
    NotEvm {
        /// The chain.
        chain: ChainId,
    },
    /// It names rules that are not known.
    #[error("no rules are called {found:?}")]
    Fork {
        /// What it says.
        found: String,
    },
    /// It names other rules than the chain has in that block.
    #[error("the rules of {found:?} are named, and the chain has those of {expected}")]
    ForkOther {
        /// What it says.
        found: String,
        /// The chain's own.
        expected: String,
    },
    /// The chain's rules are not known, and none are named.
    #[error(transparent)]
    UnknownChain(UnknownChain),
    /// Its proof is none of this block.
    #[error("`proof`")]
    Proof(#[source] ImportError),
    /// The proof does not hold what running the calls reads.
    #[error(transparent)]
    Run(Box<BatchError<StateProofError>>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: String,
    chain: ChainId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fork: Option<String>,
    block: WireBlock,
    sender: Address,
    origin: Origin,
    payload: WirePayload,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    abis: Vec<WireAbi>,
    proof: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireBlock {
    number: String,
    hash: B256,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireAbi {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
    json: String,
}

impl Place {
    /// The chain's number.
    ///
    /// # Errors
    /// If it is no chain of Ethereum's kind.
    pub fn chain_number(&self) -> Result<u64, RecordingError> {
        self.chain.evm_number().ok_or_else(|| RecordingError::NotEvm { chain: self.chain.clone() })
    }

    /// The block, without its transactions, and the name of its rules.
    ///
    /// # Errors
    /// If the rules are not known.
    pub fn block(&self, proof: &StateProof) -> Result<(Block, String), RecordingError> {
        let number = self.chain_number()?;
        let known = fork::rules(number, self.number, proof.timestamp());
        let rules = match &self.fork {
            Some(name) => {
                let named = fork::named(name)
                    .ok_or_else(|| RecordingError::Fork { found: name.clone() })?;
                match known {
                    Ok(known) if known.spec != named.spec => {
                        return Err(RecordingError::ForkOther {
                            found: name.clone(),
                            expected: format!("{:?}", known.spec).to_ascii_lowercase(),
                        });
                    }
                    Ok(known) => known,
                    Err(_) => named,
                }
            }
            None => known.map_err(RecordingError::UnknownChain)?,
        };
        Ok((proof.head(number, rules), format!("{:?}", rules.spec).to_ascii_lowercase()))
    }
}

impl Recording {
    /// Writes it as JSON.
    ///
    /// # Errors
    /// If a value has no JSON text.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let wire = Wire {
            format: FORMAT.to_owned(),
            chain: self.place.chain.clone(),
            fork: self.place.fork.clone(),
            block: WireBlock { number: self.place.number.to_string(), hash: self.place.hash },
            sender: self.sender,
            origin: self.origin.clone(),
            payload: self.payload.to_wire(),
            abis: self
                .abis
                .iter()
                .map(|(address, json)| WireAbi { address: *address, json: json.clone() })
                .collect(),
            proof: self.proof.clone(),
        };
        serde_json::to_vec(&wire)
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// If it is not of the form, or exceeds a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordingError> {
        if bytes.len() > RECORDING_BYTES_MAX {
            return Err(RecordingError::TooLarge { found: bytes.len() });
        }
        let wire: Wire = serde_json::from_slice(bytes).map_err(RecordingError::Form)?;
        if wire.format != FORMAT {
            return Err(RecordingError::Format { found: wire.format });
        }
        let found = wire.block.number;
        let number = found.parse().map_err(|_| RecordingError::Number { found })?;
        Ok(Self {
            place: Place { chain: wire.chain, fork: wire.fork, number, hash: wire.block.hash },
            sender: wire.sender,
            payload: Payload::of(wire.payload).map_err(RecordingError::Payload)?,
            origin: wire.origin,
            abis: wire.abis.into_iter().map(|abi| (abi.address, abi.json)).collect(),
            proof: wire.proof,
        })
    }

    /// Runs the calls as they are made, and, where the wei that they send may be somebody else's, with that as well.
    ///
    /// # Errors
    /// If the state fails.
    pub fn run<S: DatabaseRef>(
        &self,
        block: &Block,
        state: &S,
    ) -> Result<Ran, BatchError<S::Error>> {
        let asked = match self.origin {
            Origin::Governor { governor, id } => {
                Some((governor, governors::ask(block, state, governor, id)?))
            }
            Origin::File {} => None,
        };
        let mut batch = Batch {
            sender: self.sender,
            governor: asked.as_ref().map(|(governor, _)| *governor),
            sent_along: self.payload.sent_along,
            payer: Payer::Sender,
            calls: self.payload.calls(),
            gas_max: GAS_MAX,
        };
        let answers = asked.map(|(_, answers)| answers);
        let by_timelock = answers
            .as_ref()
            .filter(|it| it.timelock == Some(self.sender) && !batch.value().is_zero());
        if let Some(answers) = by_timelock {
            batch.payer = governors::payer(block, state, answers)?;
        }
        let run = run_batch(block, &batch, state)?;
        let by_sender = match batch.payer {
            Payer::Sender => None,
            Payer::Executor => {
                let batch = Batch { payer: Payer::Sender, sent_along: U256::ZERO, ..batch };
                Some(run_batch(block, &batch, state)?)
            }
        };
        Ok(Ran { answers, run, by_sender })
    }

    /// Runs the calls on the recorded state and says what they did.
    ///
    /// # Errors
    /// If the recording does not prove what is read.
    pub fn review(&self) -> Result<Review, RecordingError> {
        let mut book = Book::default();
        for (address, json) in &self.abis {
            book.give(*address, json).map_err(RecordingError::Abi)?;
        }
        let proof = serde_json::to_vec(&self.proof).map_err(RecordingError::Form)?;
        let Place { number, hash, .. } = self.place;
        let proof =
            StateProof::decode_after(&proof, number, hash).map_err(RecordingError::Proof)?;
        let (block, fork) = self.place.block(&proof)?;
        let failed = |error: BatchError<StateProofError>| RecordingError::Run(error.into());
        let Ran { answers, run, by_sender } = self.run(&block, &proof).map_err(failed)?;
        let origin = match (&self.origin, answers) {
            (Origin::Governor { governor, id }, Some(answers)) => {
                let calls = governors::ground(&self.payload, *id, &answers)
                    .map_err(RecordingError::Payload)?;
                Some(GovernorReview::new(*governor, *id, &answers, (self.sender, calls)))
            }
            (Origin::Governor { .. } | Origin::File {}, _) => None,
        };
        let subject = Subject {
            payload: &self.payload,
            governor: origin,
            sender: self.sender,
            block: &block,
            fork,
            state: StateGround::Proven,
            by_sender,
        };
        Ok(review(&book, &subject, &run))
    }
}

#[cfg(test)]
mod tests;
