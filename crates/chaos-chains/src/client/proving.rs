//! Fetching what shows values in the state that a block leaves.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rpc_types_eth::Block;
use serde::Deserialize;
use serde_json::{Value, json};

use super::EvmChain;
use crate::{
    Error, PaymentClaim, PaymentFact, ProvedBlock, StateProof, SubmissionClaim, SubmissionFact,
    json_rpc::{Outcome, parse},
    state_proof::StateProofError,
};

/// How long a node may not show yet what it has taken: its answers may come from several places, which are not
/// equally far.
const BEHIND_FOR: Duration = Duration::from_secs(30);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What the node has to be able to do.
const PROOFS: &str = "eth_getProof for recent blocks, by which what is logged of a chain is shown";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    account_proof: Vec<Bytes>,
    storage_proof: Vec<AnswerSlot>,
}

#[derive(Deserialize)]
struct AnswerSlot {
    proof: Vec<Bytes>,
}

/// What a proof shows, and after which block.
type Read<'a, F> = dyn Fn(&StateProof) -> Result<(F, ProvedBlock), StateProofError> + 'a;

/// The ways to an account and to slots of its storage, under a block's header.
pub(super) struct Paths {
    pub(super) header_rlp: Bytes,
    pub(super) account: Vec<Bytes>,
    pub(super) slots: Vec<Vec<Bytes>>,
}

impl EvmChain {
    /// What the node says are the ways to an account and some of its slots after a block; none if it has none for that
    /// block. Whether they lead there is another question.
    pub(super) async fn paths(
        &self,
        address: Address,
        slots: &[B256],
        number: u64,
    ) -> Result<Option<Paths>, Error> {
        let method = "eth_getProof";
        let at = format!("{number:#x}");
        let answer = match self.rpc.ask(method, json!([address, slots, at])).await? {
            Outcome::Result(Value::Null) | Outcome::Refused { .. } => return Ok(None),
            Outcome::Result(answer) => answer,
        };
        let Answer { account_proof, storage_proof } = parse(method, answer)?;
        if storage_proof.len() != slots.len() {
            return Err(Error::malformed(method, "it does not answer for the slots asked for"));
        }
        let block: Value = self.rpc.request("eth_getBlockByNumber", json!([at, false])).await?;
        if block.is_null() {
            return Ok(None);
        }
        let block: Block = parse("eth_getBlockByNumber", block)?;
        let header_rlp = Bytes::from(alloy_rlp::encode(&block.header.inner));
        let (claimed, computed) = (block.header.hash, keccak256(&header_rlp));
        if claimed != computed {
            return Err(Error::HeaderHash { number, claimed, computed });
        }
        let slots = storage_proof.into_iter().map(|slot| on_the_way(slot.proof)).collect();
        Ok(Some(Paths { header_rlp, account: on_the_way(account_proof), slots }))
    }

    /// The node proves state after its newest block, so that what is paid for can be shown.
    ///
    /// # Errors
    /// [`Error::Unsupported`].
    pub async fn ensure_claims_provable(&self, contract: Address) -> Result<(), Error> {
        let newest = self.block_number().await?;
        match self.paths(contract, &[B256::ZERO], newest).await? {
            Some(_) => Ok(()),
            None => Err(Error::Unsupported { url: self.url().to_owned(), capability: PROOFS }),
        }
    }

    /// What shows a submission: after the block that took it if the node has that state still, else after a newer one that
    /// stays as this chain's blocks have to.
    ///
    /// # Errors
    /// [`Error::NoStateProof`] if the node proves no state, [`Error::StateProof`] if what it proves is not that.
    pub async fn prove_submission(
        &self,
        claim: &SubmissionClaim<'_>,
        block_number: u64,
    ) -> Result<(StateProof, SubmissionFact), Error> {
        let slots = claim.slots().map_err(proof_error)?;
        let read = |proof: &StateProof| {
            let fact = proof.submission(claim)?;
            Ok((fact, fact.block))
        };
        self.prove_claim(claim.endpoint, &slots, block_number, &read).await
    }

    /// What shows a payment, as [`Self::prove_submission`].
    ///
    /// # Errors
    /// As there.
    pub async fn prove_payment(
        &self,
        claim: &PaymentClaim,
        block_number: u64,
    ) -> Result<(StateProof, PaymentFact), Error> {
        let slots = claim.slots().map_err(proof_error)?;
        let read = |proof: &StateProof| {
            let fact = proof.payment(claim)?;
            Ok((fact, fact.block))
        };
        self.prove_claim(claim.distributor, &slots, block_number, &read).await
    }

    async fn prove_claim<F>(
        &self,
        contract: Address,
        slots: &[U256],
        block_number: u64,
        read: &Read<'_, F>,
    ) -> Result<(StateProof, F), Error> {
        let keys: Vec<B256> = slots.iter().map(|slot| B256::from(*slot)).collect();
        let start = Instant::now();
        loop {
            let newest = self.settled_block().await?;
            let mut error = Error::NoStateProof { url: self.url().to_owned() };
            for number in [block_number, newest.max(block_number)] {
                let Some(paths) = self.paths(contract, &keys, number).await? else { continue };
                let proof = gathered(paths);
                match read(&proof) {
                    // A block that was replaced since is the chain's no more.
                    Ok((fact, block)) if self.block_hash(number).await? == Some(block.hash) => {
                        return Ok((proof, fact));
                    }
                    Ok((_, ProvedBlock { hash, .. })) => error = Error::BlockLeft { number, hash },
                    Err(reason) => error = proof_error(reason),
                }
            }
            if start.elapsed() > BEHIND_FOR {
                return Err(error);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn proof_error(error: StateProofError) -> Error {
    Error::StateProof(Box::new(error))
}

/// Each node once.
pub(super) fn gathered(paths: Paths) -> StateProof {
    let Paths { header_rlp, account, slots } = paths;
    let mut seen = BTreeSet::new();
    let nodes = account.into_iter().chain(slots.into_iter().flatten());
    let nodes = nodes.filter(|node| seen.insert(node.clone())).collect();
    StateProof { header_rlp, nodes, codes: Vec::new() }
}

/// Without nodes that stand in their parent, which some name once more.
fn on_the_way(nodes: Vec<Bytes>) -> Vec<Bytes> {
    let is_named = |(index, node): &(usize, Bytes)| *index == 0 || node.len() >= B256::len_bytes();
    nodes.into_iter().enumerate().filter(is_named).map(|(_, node)| node).collect()
}
