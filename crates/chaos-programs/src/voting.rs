//! What shows how a vote stood: a governor, asked on the state that a block left.
//!
//! Governors differ in where they keep votes, and whether one passed follows from a quorum, a token and a timelock. So no
//! slot is read: the governor's own code is run on proven state, by whoever makes the proof and by whoever checks it.

use chaos_chains::{
    Address, Bytes, Error as ChainError, ProposalState, ProvedBlock, STATE_PROOF_BYTES_MAX,
    StateProof as Kept, StateProofError as KeptError, StateReader, U256, VoteQuestion, VoteTally,
};
use chaos_evm::{
    Block, DatabaseRef,
    calls::{Batch, BatchError, Call, Ending, Payer, run_batch},
    fork,
    import::{Growing, GrowingError, ImportError, StateProof, StateProofError},
};
use chaos_types::ChainId;
use serde_json::{Value, json};

use crate::checking::{NodeProver, ProverError};

/// Most gas that a question gets.
const QUESTION_GAS_MAX: u64 = 10_000_000;

/// A vote whose number a governor has.
#[derive(Debug, Clone, Copy)]
pub struct VoteAt<'a> {
    /// The chain.
    pub chain: &'a ChainId,
    /// The governor.
    pub governor: Address,
    /// The vote's number there.
    pub id: U256,
}

/// What a governor says of a vote after a block. True if, and only if, the block is on the chain; and whoever made the
/// governor decides what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoteFact {
    /// The block after which it is so.
    pub block: ProvedBlock,
    /// Where it stands.
    pub state: ProposalState,
    /// The votes.
    pub tally: VoteTally,
}

/// Why a vote is not shown.
#[derive(Debug, thiserror::Error)]
pub enum VoteProofError {
    /// The node failed.
    #[error(transparent)]
    Node(#[from] ChainError),
    /// What is kept is none.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// The header is not one.
    #[error("the header")]
    Header(#[from] ImportError),
    /// The chain is not of Ethereum's kind.
    #[error("{chain} is no chain of Ethereum's kind")]
    NotEvm {
        /// The chain.
        chain: ChainId,
    },
    /// The node does not prove what the governor reads.
    #[error("what the governor reads")]
    Growing(#[source] Box<BatchError<GrowingError<ProverError>>>),
    /// The proof does not hold what the governor reads.
    #[error("what the governor reads")]
    Run(#[source] Box<BatchError<StateProofError>>),
    /// It answers as no governor does.
    #[error("{governor} answers to `{question}` of vote {id} as no governor does")]
    NoAnswer {
        /// What was asked.
        governor: Address,
        /// The vote.
        id: U256,
        /// Of what.
        question: &'static str,
    },
    /// The proof would be larger than any bundle carries.
    #[error("{found} bytes, at most {STATE_PROOF_BYTES_MAX} are kept")]
    TooLarge {
        /// Its size.
        found: usize,
    },
}

/// Asks a governor about a vote on the state that a block left, and keeps all that this read.
///
/// # Errors
/// If the node proves nothing, or there is no such vote.
pub fn prove(
    node: &StateReader,
    vote: &VoteAt<'_>,
    block_number: u64,
) -> Result<(Kept, VoteFact), VoteProofError> {
    let at = node.block(Some(block_number))?;
    let head = serde_json::to_vec(&at.header).unwrap_or_default();
    let proof = StateProof::begin(&head, at.facts.number, at.facts.hash)?;
    let block = block(vote.chain, &proof)?;
    let state = Growing::new(proof, NodeProver { node, at: &at });
    let failed = |error| VoteProofError::Growing(Box::new(error));
    ask(&block, &state, vote, failed)?;
    let proof = state.into_proof();
    let kept = kept(&proof.to_json());
    let found = kept.to_bytes().len();
    if found > STATE_PROOF_BYTES_MAX {
        return Err(VoteProofError::TooLarge { found });
    }
    // As whoever is handed it reads it.
    let fact = read(&kept, vote)?;
    Ok((kept, fact))
}

/// Asks the governor again, on what a proof holds.
///
/// # Errors
/// If it does not hold all that this reads, or there is no such vote.
pub fn read(kept: &Kept, vote: &VoteAt<'_>) -> Result<VoteFact, VoteProofError> {
    let proved = kept.block()?;
    let Kept { header_rlp, nodes, codes } = kept;
    let json = json!({ "state": nodes, "codes": codes, "headers": [header_rlp] });
    let proof = StateProof::decode_after(json.to_string().as_bytes(), proved.number, proved.hash)?;
    let block = block(vote.chain, &proof)?;
    let failed = |error| VoteProofError::Run(Box::new(error));
    let (state, tally) = ask(&block, &proof, vote, failed)?;
    Ok(VoteFact { block: proved, state, tally })
}

/// What a state proof has learnt, as it is kept.
fn kept(json: &Value) -> Kept {
    let list = |name: &str| -> Vec<Bytes> {
        json.get(name)
            .and_then(|list| serde_json::from_value(list.clone()).ok())
            .unwrap_or_default()
    };
    let header_rlp = list("headers").into_iter().next().unwrap_or_default();
    Kept { header_rlp, nodes: list("state"), codes: list("codes") }
}

/// The block, by the rules that its chain is known to have, else by those that its header has the fields of: nobody
/// chooses them.
fn block(chain: &ChainId, proof: &StateProof) -> Result<Block, VoteProofError> {
    let number =
        chain.evm_number().ok_or_else(|| VoteProofError::NotEvm { chain: chain.clone() })?;
    let known = |name| fork::named(name).expect("it is named");
    let head = proof.head(number, known("shanghai"));
    let rules = match fork::rules(number, head.header.number, head.header.timestamp) {
        Ok(rules) => rules,
        Err(_) if head.header.excess_blob_gas.is_some() => known("prague"),
        Err(_) => known("shanghai"),
    };
    Ok(proof.head(number, rules))
}

fn ask<S: DatabaseRef>(
    block: &Block,
    state: &S,
    vote: &VoteAt<'_>,
    failed: impl Fn(BatchError<S::Error>) -> VoteProofError,
) -> Result<(ProposalState, VoteTally), VoteProofError> {
    let VoteAt { governor, id, .. } = *vote;
    let answer = |question: VoteQuestion| {
        let call = Call { target: governor, value: U256::ZERO, input: question.input(id) };
        let batch = Batch {
            sender: Address::ZERO,
            governor: None,
            sent_along: U256::ZERO,
            payer: Payer::Sender,
            calls: vec![call],
            gas_max: QUESTION_GAS_MAX,
        };
        let run = run_batch(block, &batch, state).map_err(&failed)?;
        let answered = run.ending == Ending::Succeeded;
        Ok::<_, VoteProofError>(run.outputs.into_iter().next().filter(|_| answered))
    };
    let none = |question| VoteProofError::NoAnswer { governor, id, question };
    let stands = answer(VoteQuestion::State)?;
    let stands = stands.and_then(|bytes| VoteQuestion::state(&bytes)).ok_or(none("state"))?;
    for question in [VoteQuestion::Votes, VoteQuestion::Proposal] {
        let votes = answer(question)?.and_then(|bytes| question.tally(&bytes));
        if let Some(tally) = votes {
            return Ok((stands, tally));
        }
    }
    Err(none("votes"))
}
