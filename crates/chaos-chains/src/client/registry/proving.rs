//! Fetching what shows a checkpoint in the registry.

use std::time::{Duration, Instant};

use alloy_primitives::{B256, Bytes};
use serde_json::json;

use crate::{
    Error, RegistryProof,
    client::{
        EvmChain,
        proving::{Paths, gathered},
    },
    error::RegistryRefusal,
    json_rpc::Outcome,
    registry::{REGISTRY, RegistryKey},
    registry_proof::RegistryFact,
    sending::{Finality, Reached},
    state_proof::HeldCheckpoint,
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
            let begins = match self.paths(REGISTRY, &key.slots(), newest).await {
                Ok(Some(paths)) => gathered(paths).begins_at_its_header(),
                Ok(None) => return Err(lacks(PROOFS)),
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
            // Something may be paid by now: that is not for this node to forget.
            let mut error = Error::NoStateProof { url: self.url().to_owned() };
            for number in at.into_iter().chain([newest]) {
                let Some(proof) = self.fetch_proof(key, number).await? else { continue };
                match proof.verify(key) {
                    Ok(fact) if (fact.size, fact.root) == (size, root) => {
                        return Ok((proof, fact));
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

    /// What the registry holds under a key after a block, be it nothing, as the state that a header names has it; none
    /// where the node proves no state of that block, or not the one that its header names.
    pub(in crate::client) async fn shown_after(
        &self,
        key: &RegistryKey,
        number: u64,
    ) -> Result<Option<HeldCheckpoint>, Error> {
        let proof = match self.paths(REGISTRY, &key.slots(), number).await {
            Ok(Some(paths)) => gathered(paths),
            Ok(None) | Err(Error::Malformed { .. } | Error::HeaderHash { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        if !proof.begins_at_its_header() {
            return Ok(None);
        }
        // It can prove, and does not: what it says besides is not taken in place of that.
        proof.checkpoint(key).map(Some).map_err(|reason| {
            let (url, source) = (self.url().to_owned(), Box::new(reason));
            Error::RegistryState { url, number, source }
        })
    }

    /// What the node says shows a key's slots after a block; none if it has none for that block. Whether it does is
    /// another question.
    async fn fetch_proof(
        &self,
        key: &RegistryKey,
        number: u64,
    ) -> Result<Option<RegistryProof>, Error> {
        let Some(paths) = self.paths(REGISTRY, &key.slots(), number).await? else {
            return Ok(None);
        };
        let Paths { header_rlp, account, slots } = paths;
        let slots = <[Vec<Bytes>; 2]>::try_from(slots);
        let [size, root] = slots.expect("as many ways come back as slots were asked for");
        Ok(Some(RegistryProof { header_rlp, account, size, root }))
    }

    /// Waits until a block is as sure as is asked for.
    pub(in crate::client) async fn settle_block(
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
