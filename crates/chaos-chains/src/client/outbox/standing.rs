//! Where a transaction stands, as the chain says when it is asked.

use alloy_primitives::{Address, B256, U64, U256};
use serde_json::{Value, json};

use crate::{
    Error,
    client::{EvmChain, Receipt},
    json_rpc::{Outcome, parse},
    sending::{Finality, Horizon, Inclusion, Intent, Purpose, Reached, Stage},
};

/// How far an intent came, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) stage: Stage,
    pub(super) reached: Reached,
    /// Whether the node names a final block, where it was asked for one.
    pub(super) is_named: bool,
}

/// The first of these, which are in the order of their nonces, that the ones before it do not lead to from
/// an account's next nonce.
pub(super) fn gap(next: u64, waiting: &[Intent]) -> Option<usize> {
    let mut expected = next;
    for (at, intent) in waiting.iter().enumerate() {
        if intent.nonce > expected {
            return Some(at);
        }
        expected = expected.max(intent.nonce + 1);
    }
    None
}

impl EvmChain {
    /// How far an intent came, asked anew: a block that was replaced takes its transactions with it.
    pub(super) async fn placed(&self, intent: &Intent) -> Result<Placed, Error> {
        if let Some(placed) = self.landed(intent).await? {
            return Ok(placed);
        }
        let waiting = match intent.stage {
            Stage::Prepared => Stage::Prepared,
            _ => Stage::Sent,
        };
        let waiting = Placed { stage: waiting, reached: Reached::SEEN, is_named: true };
        if self.is_free(intent).await? {
            return Ok(waiting);
        }
        // Something has the nonce. Until its block stays, one of these may still take its place.
        let horizon = self.horizon().await?;
        let Some(last) = horizon.final_block() else { return Ok(waiting) };
        if !self.is_used_by(intent, last).await?.unwrap_or(false) {
            return Ok(waiting);
        }
        // One of them may have come in between the answers.
        if let Some(placed) = self.landed(intent).await? {
            return Ok(placed);
        }
        if let Stage::Included(inclusion) = intent.stage
            && self.block_hash(inclusion.block_number).await? == Some(inclusion.block_hash)
        {
            // Its receipt was seen and its block is still there: the node has forgotten the receipt.
            let Reached { depth, .. } = horizon.of(inclusion.block_number);
            let reached = Reached { finality: Finality::Final, depth };
            return Ok(Placed { stage: settled(intent, inclusion), reached, is_named: true });
        }
        let taker = self.taker(intent, last).await?.ok_or_else(|| self.unshown(intent, None))?;
        if intent.attempt(&taker).is_some() {
            return Err(self.unshown(intent, Some(taker)));
        }
        let reached = Reached { finality: Finality::Final, depth: 0 };
        Ok(Placed { stage: Stage::Replaced, reached, is_named: true })
    }

    /// Where one of the signed transactions is in the chain.
    pub(super) async fn landed(&self, intent: &Intent) -> Result<Option<Placed>, Error> {
        for attempt in intent.attempts.iter().rev() {
            let Some(receipt) = self.receipt(attempt.hash).await? else { continue };
            let inclusion = inclusion(attempt.hash, &receipt);
            let horizon = self.horizon().await?;
            let mut reached = horizon.of(inclusion.block_number);
            let (is_called_final, is_named) =
                (reached.finality == Finality::Final, horizon.finalized.is_some());
            // A block that stays is the one that the chain has at its height.
            let is_final = is_called_final
                && self.block_hash(inclusion.block_number).await? == Some(inclusion.block_hash);
            return Ok(Some(if is_final {
                Placed { stage: settled(intent, inclusion), reached, is_named }
            } else {
                if is_called_final {
                    reached.finality = Finality::Safe;
                }
                Placed { stage: Stage::Included(inclusion), reached, is_named }
            }));
        }
        Ok(None)
    }

    /// Whether nothing in the newest block has an intent's nonce.
    pub(super) async fn is_free(&self, intent: &Intent) -> Result<bool, Error> {
        Ok(self.transaction_count(intent.account, "latest").await? <= intent.nonce)
    }

    /// Whether an intent's nonce is used up to a block; none where the node does not know any more.
    async fn is_used_by(&self, intent: &Intent, block: u64) -> Result<Option<bool>, Error> {
        match self.transaction_count(intent.account, &format!("{block:#x}")).await {
            Ok(count) => Ok(Some(count > intent.nonce)),
            Err(Error::Rejected { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The transaction that took an intent's nonce, of which the block `last` is not older; none where the
    /// node cannot show it.
    async fn taker(&self, intent: &Intent, last: u64) -> Result<Option<B256>, Error> {
        // It is most likely near: look back in strides that double, then halve what is between.
        let (mut unused, mut used, mut stride) = (None, last, 1);
        while unused.is_none() {
            let at = used.checked_sub(stride);
            match at {
                None => break,
                Some(at) => match self.is_used_by(intent, at).await? {
                    None => return Ok(None),
                    Some(true) => (used, stride) = (at, stride * 2),
                    Some(false) => unused = Some(at),
                },
            }
        }
        let mut unused = unused.map_or(0, |at| at + 1);
        while unused < used {
            let middle = unused + (used - unused) / 2;
            match self.is_used_by(intent, middle).await? {
                None => return Ok(None),
                Some(true) => used = middle,
                Some(false) => unused = middle + 1,
            }
        }
        let block = json!([format!("{used:#x}"), true]);
        let block: Value = self.rpc.request("eth_getBlockByNumber", block).await?;
        let is_it = |tx: &&Value| {
            let from = serde_json::from_value::<Address>(tx["from"].clone());
            let nonce = serde_json::from_value::<U256>(tx["nonce"].clone());
            from.is_ok_and(|from| from == intent.account)
                && nonce.is_ok_and(|nonce| nonce == U256::from(intent.nonce))
        };
        let found = block["transactions"].as_array().into_iter().flatten().find(is_it);
        Ok(found.and_then(|tx| serde_json::from_value(tx["hash"].clone()).ok()))
    }

    /// The node shows too little to say what became of an intent.
    pub(super) fn unshown(&self, intent: &Intent, hash: Option<B256>) -> Error {
        let url = self.url().to_owned();
        match hash {
            Some(hash) => Error::Forgotten { hash, url },
            None => Error::Unshown { what: intent.what.clone(), nonce: intent.nonce, url },
        }
    }

    /// How far the chain has come. The head is asked last, so that it is the newest.
    pub(crate) async fn horizon(&self) -> Result<Horizon, Error> {
        if let Some(depth) = self.final_depth {
            let head = self.block_number().await?;
            // Of a chain that is shorter the first block alone stays.
            let finalized = Some((head + 1).saturating_sub(depth));
            return Ok(Horizon { head, safe: finalized, finalized });
        }
        let finalized = self.named_block("finalized").await?;
        let safe = self.named_block("safe").await?;
        Ok(Horizon { head: self.block_number().await?, safe, finalized })
    }

    /// The number of a block that has a name; none where the node does not know the name.
    pub(in crate::client) async fn named_block(&self, name: &str) -> Result<Option<u64>, Error> {
        match self.rpc.ask("eth_getBlockByNumber", json!([name, false])).await? {
            Outcome::Result(block) => match block.get("number").cloned() {
                Some(number) => {
                    let number: U64 = parse("block.number", number)?;
                    Ok(Some(number.to()))
                }
                None => Ok(None),
            },
            Outcome::Refused { .. } => Ok(None),
        }
    }

    /// The hash of the chain's block of this height.
    pub(crate) async fn block_hash(&self, number: u64) -> Result<Option<B256>, Error> {
        let params = json!([format!("{number:#x}"), false]);
        let block: Value = self.rpc.request("eth_getBlockByNumber", params).await?;
        match block.get("hash").cloned() {
            Some(hash) => parse("block.hash", hash).map(Some),
            None => Ok(None),
        }
    }

    /// How many transactions of an account are in the chain.
    ///
    /// # Errors
    /// As every read.
    pub async fn transactions_of(&self, account: Address) -> Result<u64, Error> {
        self.transaction_count(account, "latest").await
    }

    pub(super) async fn transaction_count(&self, account: Address, at: &str) -> Result<u64, Error> {
        let count: U64 = self.rpc.request("eth_getTransactionCount", json!([account, at])).await?;
        Ok(count.to())
    }

    pub(in crate::client) async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, Error> {
        self.rpc.request("eth_getTransactionReceipt", json!([hash])).await
    }
}

/// The stage of what is in a block that stays.
fn settled(intent: &Intent, inclusion: Inclusion) -> Stage {
    match intent.attempt(&inclusion.hash).map(|attempt| attempt.purpose) {
        Some(Purpose::Cancel) => Stage::Dropped(inclusion),
        Some(Purpose::Act) | None => Stage::Final(inclusion),
    }
}

pub(super) fn inclusion(hash: B256, receipt: &Receipt) -> Inclusion {
    Inclusion {
        hash,
        block_number: receipt.block_number.to(),
        block_hash: receipt.block_hash,
        gas_used: receipt.gas_used.to(),
        succeeded: !receipt.status.is_zero(),
    }
}
