//! Somebody else's proposal, run on the state that a block left.
//!
//! A node is asked for proofs of what running the calls reads, and of what a governor keeps of the
//! proposal. What comes out is a [`Recording`], and what is said about the proposal is said of the
//! recording: so whoever is given the file sees what was seen here, without a node. What a log holds about
//! the parameters that it sets stands beside the review, and is no part of it.

mod studies;

use chaos_agency::{
    Action,
    receipt::{Input, Product},
};
use chaos_chains::{Address, BlockAt, Bytes, Error as ChainError, LogFilter, StateReader, U256};
use chaos_evm::{
    Block,
    calls::BatchError,
    import::{Growing, GrowingError, ImportError, Prover, StateProof},
};
use chaos_ledger::{Ledger, NewEntry};
use chaos_review::{
    Origin, Payload, PayloadError, Place, Recording, RecordingError,
    governors::{self, Answers},
};
use chaos_types::Digest;

pub use self::studies::{StudiedWrite, receipts, studied};
use crate::{
    program::{CheckProposal, Program as _},
    proposing::Signer,
    reexecution::RECORDING,
};

/// What is run, and where.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The node.
    pub node: &'a StateReader,
    /// The block after which the calls are made.
    pub at: &'a BlockAt,
    /// Rules of a chain whose own are not known.
    pub fork: Option<String>,
    /// What is proposed.
    pub proposal: Proposed,
    /// Who makes the calls, if it is not who the proposal or the governor names.
    pub sender: Option<Address>,
    /// Wei that whoever executes it sends along, if it is not what the proposal says.
    pub sent_along: Option<U256>,
    /// ABIs that somebody gave, each for an address or for any.
    pub abis: Vec<(Option<Address>, String)>,
}

/// What is proposed.
#[derive(Debug)]
pub enum Proposed {
    /// Calls from a file.
    File(Payload),
    /// What a governor has.
    Governor {
        /// Its address.
        governor: Address,
        /// The proposal's number.
        id: U256,
    },
}

/// Why a proposal was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The node failed.
    #[error(transparent)]
    Node(#[from] ChainError),
    /// The node proves no state.
    #[error("{url} gives no state proofs (eth_getProof)")]
    NoProofs {
        /// Which node.
        url: String,
    },
    /// The node's header of the block is none, or not of that block.
    #[error("the header of block {number}")]
    Header {
        /// Height of the block.
        number: u64,
        /// What is wrong with it.
        #[source]
        source: Box<ImportError>,
    },
    /// The header says that there is no state, as that of a local chain's first block does.
    #[error("the header of block {number} says that no account has anything")]
    NoState {
        /// Height of the block.
        number: u64,
    },
    /// The header has no JSON text.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Where the calls are made is not known well enough.
    #[error(transparent)]
    Place(Box<RecordingError>),
    /// The node does not prove what running the calls reads.
    #[error("the state after block {number}")]
    State {
        /// Height of the block.
        number: u64,
        /// What was wrong.
        #[source]
        source: Box<BatchError<GrowingError<ProverError>>>,
    },
    /// The governor knows no such proposal.
    #[error("{governor} knows no proposal {id} at block {number}")]
    NoProposal {
        /// The governor.
        governor: Address,
        /// The number asked for.
        id: U256,
        /// Height of the block.
        number: u64,
    },
    /// The event by which it was proposed was not found.
    #[error("no ProposalCreated event of {governor} for {id} from block {down_to} to {last}")]
    NoEvent {
        /// The governor.
        governor: Address,
        /// The number asked for.
        id: U256,
        /// The lowest block that was looked at.
        down_to: u64,
        /// The highest.
        last: u64,
    },
    /// The node's event has other calls or another text than the proposal.
    #[error(
        "{url} shows an event whose calls and text are not those of proposal {id}: {governor}'s own code gives \
         them another number"
    )]
    OtherProposal {
        /// Which node.
        url: String,
        /// The governor.
        governor: Address,
        /// The number asked for.
        id: U256,
    },
    /// The calls cannot be run.
    #[error("the proposal's calls")]
    Payload(#[from] PayloadError),
    /// Nobody says who makes the calls.
    #[error("nobody is named who makes the calls")]
    NoSender,
}

/// What a node does not prove.
#[derive(Debug, thiserror::Error)]
pub enum ProverError {
    /// It fails, or refuses.
    #[error(transparent)]
    Node(#[from] ChainError),
    /// It gives no proofs.
    #[error("the node gives no state proofs (eth_getProof)")]
    None,
    /// A header has no JSON text.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// A node that proves the state after one block.
pub(crate) struct NodeProver<'a> {
    pub(crate) node: &'a StateReader,
    pub(crate) at: &'a BlockAt,
}

impl Prover for NodeProver<'_> {
    type Error = ProverError;

    fn account(&self, address: Address) -> Result<Vec<Bytes>, ProverError> {
        self.node.proof(&self.at.facts, address, None)?.ok_or(ProverError::None)
    }

    fn slot(&self, address: Address, slot: U256) -> Result<Vec<Bytes>, ProverError> {
        self.node.proof(&self.at.facts, address, Some(slot))?.ok_or(ProverError::None)
    }

    fn code(&self, address: Address) -> Result<Bytes, ProverError> {
        Ok(self.node.code(&self.at.facts, address)?)
    }

    fn header(&self, number: u64) -> Result<Vec<u8>, ProverError> {
        let block = self.node.block(Some(number))?;
        Ok(serde_json::to_vec(&block.header)?)
    }
}

/// Runs the calls once on what the node proves, and keeps what they read.
///
/// # Errors
/// If the node fails, or proves nothing or something else than the state after the block.
pub fn record(asked: Asked<'_>) -> Result<Recording, Error> {
    let Asked { node, at, fork, proposal, sender, sent_along, abis } = asked;
    let facts = &at.facts;
    let chain = node.chain_id().clone();
    let place = Place { chain, fork, number: facts.number, hash: facts.hash };
    if node.proof(facts, Address::ZERO, None)?.is_none() {
        return Err(Error::NoProofs { url: node.shown_url().to_owned() });
    }
    let header = serde_json::to_vec(&at.header)?;
    let proof = StateProof::begin(&header, facts.number, facts.hash)
        .map_err(|source| Error::Header { number: facts.number, source: source.into() })?;
    if proof.is_of_nothing() {
        return Err(Error::NoState { number: facts.number });
    }
    let (block, _) = place.block(&proof).map_err(|error| Error::Place(error.into()))?;
    let state = Growing::new(proof, NodeProver { node, at });
    let failed = |source: BatchError<GrowingError<ProverError>>| Error::State {
        number: facts.number,
        source: source.into(),
    };
    let (mut payload, origin, executor) = match proposal {
        Proposed::File(payload) => (payload, Origin::File {}, None),
        Proposed::Governor { governor, id } => {
            let answers = governors::ask(&block, &state, governor, id).map_err(failed)?;
            let executor = answers.timelock.unwrap_or(governor);
            let kept = answers.actions.is_some();
            let payload = of_governor(node, &block, (governor, id), answers)?;
            let place = (governor, id);
            if !kept && governors::is_of_another(&block, &state, &payload, place).map_err(failed)? {
                return Err(Error::OtherProposal {
                    url: node.shown_url().to_owned(),
                    governor,
                    id,
                });
            }
            (payload, Origin::Governor { governor, id }, Some(executor))
        }
    };
    let sender = sender.or(payload.sender).or(executor).ok_or(Error::NoSender)?;
    payload.sent_along = sent_along.unwrap_or(payload.sent_along);
    let proof = serde_json::Value::Null;
    let mut recording = Recording { place, sender, payload, origin, abis, proof };
    recording.run(&block, &state).map_err(failed)?;
    recording.proof = state.into_proof().to_json();
    Ok(recording)
}

/// The calls that the governor keeps, or those of the event by which they were proposed; the text is
/// in the event alone.
fn of_governor(
    node: &StateReader,
    block: &Block,
    (governor, id): (Address, U256),
    answers: Answers,
) -> Result<Payload, Error> {
    let number = block.header.number;
    if answers.state.is_none() && answers.actions.is_none() {
        return Err(Error::NoProposal { governor, id, number });
    }
    // Votes start after it was proposed, at a height, or at a time that is above every height.
    let last = answers.vote_start.map_or(number, |start| start.min(number));
    let filter = LogFilter { address: governor, topic: governors::created_topic(), last };
    let searched = node.find_log(&filter, |log| governors::created(&log.data, id).is_some())?;
    let event = searched.found.and_then(|log| governors::created(&log.data, id));
    match (answers.actions, event) {
        (Some(actions), event) => {
            let text = event.map(|(_, text)| text).unwrap_or_default();
            Ok(Payload::of_lists(actions, text)?)
        }
        (None, Some((lists, text))) => Ok(Payload::of_lists(lists, text)?),
        (None, None) => Err(Error::NoEvent { governor, id, down_to: searched.down_to, last }),
    }
}

/// Runs what is written of a recording, and signs and logs what it did, after the receipts of `studies` that the log
/// holds. Gives the receipt.
///
/// # Errors
/// If the recording gives no review, or the ledger refuses or fails.
pub fn sign(
    ledger: &mut Ledger,
    actor: &Signer,
    recording: &[u8],
    studies: Vec<Digest>,
) -> Result<Digest, crate::Error> {
    let ran = CheckProposal { recording }.run()?;
    let digest = ledger.put_blob(recording)?;
    let output = ledger.put_blob(&ran.document)?;
    let inputs = vec![Input { name: RECORDING.to_owned(), digest }];
    Ok(ledger.record(NewEntry {
        agent: actor.did,
        keys: vec![&actor.key],
        parents: studies,
        subjects: vec![Product::new("review", output)],
        evidence: CheckProposal::evidence(inputs, output),
        action: Action::of(&ran.body),
    })?)
}
