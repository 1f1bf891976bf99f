//! Fetching what shows a checkpoint in the registry.

use std::time::{Duration, Instant};

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rpc_types_eth::Block;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Error, RegistryProof,
    client::EvmChain,
    error::RegistryRefusal,
    json_rpc::{Outcome, parse},
    registry::{REGISTRY, RegistryKey},
    registry_proof::RegistryFact,
    sending::{Finality, Reached},
};

/// How long a node may not show yet what it has taken: its answers may come from several places, which are not
/// equally far.
const BEHIND_FOR: Duration = Duration::from_secs(30);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What the node has to be able to do.
const PROOFS: &str =
    "eth_getProof for the newest block, by which an anchor in the registry is shown";
/// And what its headers have to be.
const HEADERS: &str = "headers whose state root is that of its proofs (eth_getProof)";

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

/// What came of asking for a proof.
enum Fetched {
    Proof(Box<RegistryProof>),
    /// The node has none for that block.
    None,
}

impl EvmChain {
    /// The newest block's state can be proved from its header.
    pub(super) async fn ensure_state_provable(&self, key: &RegistryKey) -> Result<(), Error> {
        let lacks = |capability| Error::Unsupported { url: self.url().to_owned(), capability };
        match self.rpc.ask("eth_getTransactionReceipt", json!([B256::ZERO])).await? {
            Outcome::Result(_) => {}
            Outcome::Refused { .. } => return Err(lacks("eth_getTransactionReceipt")),
        }
        let start = Instant::now();
        loop {
            let newest = self.block_number().await?;
            let begins = match self.fetch_proof(key, newest).await {
                Ok(Fetched::Proof(proof)) => proof.begins_at_its_header(),
                Ok(Fetched::None) => return Err(lacks(PROOFS)),
                Err(Error::Malformed { .. } | Error::HeaderHash { .. }) => {
                    return Err(lacks(HEADERS));
                }
                Err(error) => return Err(error),
            };
            // Of a first block local chains name another root; nothing is anchored in it.
            if begins || newest == 0 {
                return Ok(());
            }
            // Another block may have come to that height between the answers.
            if start.elapsed() > PAUSE * 3 {
                return Err(lacks(HEADERS));
            }
            tokio::time::sleep(PAUSE / 4).await;
        }
    }

    /// The proof that the registry holds a checkpoint as the newest one of its key, from a block where that is given
    /// and can be, else from the newest.
    pub(super) async fn prove_registered(
        &self,
        key: &RegistryKey,
        size: u64,
        root: [u8; 32],
        at: Option<u64>,
    ) -> Result<(RegistryProof, RegistryFact), Error> {
        let start = Instant::now();
        loop {
            let newest = self.block_number().await?;
            let mut error = Error::Unsupported { url: self.url().to_owned(), capability: PROOFS };
            for number in at.into_iter().chain([newest]) {
                let Fetched::Proof(proof) = self.fetch_proof(key, number).await? else { continue };
                match proof.verify(key) {
                    Ok(fact) if (fact.size, fact.root) == (size, root) => {
                        return Ok((*proof, fact));
                    }
                    Ok(RegistryFact { size: held, .. }) if held > size => {
                        error = RegistryRefusal::Passed { size, held }.into();
                    }
                    // The node is behind, or what was in a block is so no longer.
                    Ok(RegistryFact { block_number, .. }) => {
                        error = RegistryRefusal::NotYet { size, block_number }.into();
                    }
                    Err(reason) => error = Error::RegistryProof(reason),
                }
            }
            if start.elapsed() > BEHIND_FOR
                || matches!(&error, Error::Registry(it) if it.is_passed())
            {
                return Err(error);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What the node says shows a key's slots after a block. Whether it does is another question.
    async fn fetch_proof(&self, key: &RegistryKey, number: u64) -> Result<Fetched, Error> {
        let method = "eth_getProof";
        let at = format!("{number:#x}");
        let answer = match self.rpc.ask(method, json!([REGISTRY, key.slots(), at])).await? {
            Outcome::Result(Value::Null) | Outcome::Refused { .. } => return Ok(Fetched::None),
            Outcome::Result(answer) => answer,
        };
        let Answer { account_proof, storage_proof } = parse(method, answer)?;
        let Ok([size, root]) = <[AnswerSlot; 2]>::try_from(storage_proof) else {
            return Err(Error::malformed(method, "it does not answer for the two slots asked for"));
        };
        let block: Value = self.rpc.request("eth_getBlockByNumber", json!([at, false])).await?;
        if block.is_null() {
            return Ok(Fetched::None);
        }
        let block: Block = parse("eth_getBlockByNumber", block)?;
        let header_rlp = Bytes::from(alloy_rlp::encode(&block.header.inner));
        let (claimed, computed) = (block.header.hash, keccak256(&header_rlp));
        if claimed != computed {
            return Err(Error::HeaderHash { number, claimed, computed });
        }
        Ok(Fetched::Proof(Box::new(RegistryProof {
            header_rlp,
            account: on_the_way(account_proof),
            size: on_the_way(size.proof),
            root: on_the_way(root.proof),
        })))
    }

    /// Waits until a block is as sure as is asked for.
    pub(super) async fn settle_block(
        &self,
        number: u64,
        hash: B256,
        until: Finality,
    ) -> Result<Reached, Error> {
        let (start, patience) = (Instant::now(), self.outbox()?.patience);
        loop {
            let reached = self.horizon().await?.of(number);
            match self.block_hash(number).await? {
                Some(found) if found != hash => return Err(Error::BlockLeft { number, hash }),
                Some(_) if reached.is_enough_for(until) => return Ok(reached),
                // A node that is behind has no such block yet.
                Some(_) | None => {}
            }
            if start.elapsed() > patience {
                let (wanted, waited_s) = (until, patience.as_secs());
                return Err(Error::BlockNotSettled { number, reached, wanted, waited_s });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Without nodes that stand in their parent, which some name once more.
fn on_the_way(nodes: Vec<Bytes>) -> Vec<Bytes> {
    let is_named = |(index, node): &(usize, Bytes)| *index == 0 || node.len() >= B256::len_bytes();
    nodes.into_iter().enumerate().filter(is_named).map(|(_, node)| node).collect()
}
