//! Blocks and the state they read, fetched from a node for replay, cached on disk. Blocking.
//!
//! What is fetched for a block is kept in one file in the form of recorded blocks
//! (`{block, preState, blockHashes, receipts}`, bytecodes apart), so that a replay over RPC can be
//! resumed after a kill, and repeated with one small request per block.

mod cache;
mod guess;
mod header;
mod node;
mod shortcuts;
mod state;

use std::{path::Path, sync::Arc};

use alloy_primitives::B256;
use chaos_types::ChainId;
use serde_json::{Value, json};

use self::cache::{BlockFile, Cache};
pub(crate) use self::node::Node;
pub use self::{
    guess::{Guess, Missing},
    header::HeaderFacts,
    shortcuts::Traces,
    state::{KnownAccount, RpcState, StateError},
};
use crate::{
    Error,
    chain_id::check_chain,
    json_rpc::{JsonRpc, Outcome, Quantity64, RpcLimits, parse},
};

/// A node's blocks. Blocking; may be used from any thread, also inside an async runtime, where it
/// blocks the thread.
#[derive(Debug)]
pub struct BlockSource {
    node: Arc<Node>,
    cache: Cache,
    chain_id: ChainId,
}

/// A block as the node sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedBlock {
    /// Its number.
    pub number: u64,
    /// What its header says.
    pub header: HeaderFacts,
    /// The JSON-RPC block object with full transactions.
    pub block: Value,
    /// The JSON-RPC receipts in order; none if the node cannot give them.
    pub receipts: Option<Value>,
}

impl BlockSource {
    /// Connects, checks which chain the node serves, and opens the cache folder for that chain.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`], [`Error::Unreachable`], [`Error::WrongChain`], or [`Error::Cache`] if the
    /// folder cannot be made.
    pub fn connect(
        rpc_url: &str,
        expected: Option<&ChainId>,
        cache_dir: &Path,
    ) -> Result<Self, Error> {
        Self::connect_with(rpc_url, expected, cache_dir, RpcLimits::patient())
    }

    /// As [`BlockSource::connect`], with bounds of the caller's.
    ///
    /// # Errors
    /// As [`BlockSource::connect`].
    pub fn connect_with(
        rpc_url: &str,
        expected: Option<&ChainId>,
        cache_dir: &Path,
        limits: RpcLimits,
    ) -> Result<Self, Error> {
        let rpc = JsonRpc::with_limits(rpc_url, limits)?;
        let node = Node::new(rpc.clone())?;
        let expected = expected.cloned();
        let number =
            node.blocking().run(async move { check_chain(&rpc, expected.as_ref()).await })?;
        let cache = Cache::open(cache_dir, number)?;
        Ok(Self { node: Arc::new(node), cache, chain_id: ChainId::evm(number) })
    }

    /// The chain the node serves.
    #[must_use]
    pub const fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// Number of the newest block.
    ///
    /// # Errors
    /// As every request.
    pub fn latest_block_number(&self) -> Result<u64, Error> {
        let Quantity64(number) = self.node.request("eth_blockNumber", json!([]))?;
        Ok(number)
    }

    /// Keeps a fetched block, for a caller who has held its body to its header: [`BlockSource::fetch`]
    /// keeps nothing. The state that was fetched for it stays.
    ///
    /// # Errors
    /// [`Error::Cache`] if the file cannot be written.
    pub fn keep(&self, block: &FetchedBlock) -> Result<(), Error> {
        let is_kept = self.cache.load(block.number)?.is_some_and(|file| file.block == block.block);
        if !is_kept {
            let (body, receipts) = (block.block.clone(), block.receipts.clone());
            self.cache.store(&BlockFile::new(block.number, body, receipts))?;
        }
        Ok(())
    }

    /// Fetches a block with its transactions and, where the node has them, its receipts. A block in the
    /// cache is not fetched again, unless the chain has another block at that height by now, as after
    /// a reorganisation or a restart of a local chain.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`] if the chain has no such block; [`Error::HeaderHash`] if its hash is not
    /// its header's; [`Error::DifferentBlock`] if the receipts are another block's.
    pub fn fetch(&self, number: u64) -> Result<FetchedBlock, Error> {
        let tag = format!("{number:#x}");
        if let Some(file) = self.cache.load(number)? {
            let header: Value = self.node.request("eth_getBlockByNumber", json!([tag, false]))?;
            if header.get("hash").is_some_and(|hash| file.block.get("hash") == Some(hash)) {
                let header = HeaderFacts::read(&file.block, number)?;
                let BlockFile { block, receipts, .. } = file;
                return Ok(FetchedBlock { number, header, block, receipts });
            }
        }
        let block: Value = self.node.request("eth_getBlockByNumber", json!([tag, true]))?;
        if block.is_null() {
            let url = self.shown_url().to_owned();
            return Err(Error::UnknownBlock { number, url });
        }
        let header = HeaderFacts::read(&block, number)?;
        ensure_full(&block)?;
        let receipts = match self.node.ask("eth_getBlockReceipts", json!([tag]))? {
            Outcome::Result(value) if value.is_array() => Some(value),
            Outcome::Result(_) | Outcome::Refused { .. } => None,
        };
        for receipt in receipts.iter().flat_map(|list| list.as_array()).flatten() {
            let found = receipt.get("blockHash").cloned().unwrap_or_default();
            self.ensure_same(number, header.hash, parse("receipt.blockHash", found)?, "receipts")?;
        }
        Ok(FetchedBlock { number, header, block, receipts })
    }

    /// Reads the headers of `first..=last` in batches, checks their hashes where it can, and that each
    /// names the one before it as its parent. The range is bounded by the caller.
    ///
    /// # Errors
    /// As [`BlockSource::fetch`]; [`Error::DifferentBlock`] where the chain is broken.
    pub fn headers(&self, first: u64, last: u64) -> Result<Vec<HeaderFacts>, Error> {
        let calls = (first..=last)
            .map(|number| ("eth_getBlockByNumber", json!([format!("{number:#x}"), false])))
            .collect();
        let answers = self.node.batch(calls)?;
        let mut headers: Vec<HeaderFacts> = Vec::with_capacity(answers.len());
        for (number, block) in (first..=last).zip(answers) {
            if block.is_null() {
                return Err(Error::UnknownBlock { number, url: self.shown_url().to_owned() });
            }
            let header = HeaderFacts::read(&block, number)?;
            if let Some(parent) = headers.last() {
                self.ensure_follows(parent, &header)?;
            }
            headers.push(header);
        }
        Ok(headers)
    }

    /// Checks that one header names the other as its parent.
    ///
    /// # Errors
    /// [`Error::DifferentBlock`] with the parent's height, its own hash, and the hash its child names.
    pub fn ensure_follows(&self, parent: &HeaderFacts, child: &HeaderFacts) -> Result<(), Error> {
        self.ensure_same(parent.number, parent.hash, child.parent_hash, "the next block's parent")
    }

    fn ensure_same(
        &self,
        number: u64,
        expected: B256,
        found: B256,
        place: &'static str,
    ) -> Result<(), Error> {
        if expected == found {
            return Ok(());
        }
        let url = self.shown_url().to_owned();
        Err(Error::DifferentBlock { number, expected, found, place, url })
    }

    /// Scheme, host and port of the endpoint; the rest of its URL may hold a key.
    #[must_use]
    pub fn shown_url(&self) -> &str {
        self.node.rpc().shown_url()
    }

    /// The state at the start of a block, which is the state after its parent.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`] for block 0, which has no parent; [`Error::Cache`] if its file is broken.
    pub fn state(&self, block: &FetchedBlock) -> Result<RpcState, Error> {
        let unknown =
            || Error::UnknownBlock { number: block.number, url: self.shown_url().to_owned() };
        let parent = block.number.checked_sub(1).ok_or_else(unknown)?;
        let cached = self.cache.load(block.number)?;
        let file = cached.filter(|file| file.block == block.block).unwrap_or_else(|| {
            BlockFile::new(block.number, block.block.clone(), block.receipts.clone())
        });
        let at = (parent, block.header.parent_hash);
        RpcState::new(Arc::clone(&self.node), self.cache.clone(), file, at)
    }

    /// Questions asked of the node so far; retries count.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.node.rpc().requests()
    }

    /// Requests that were sent again, after a failure or because the node limits the rate.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.node.rpc().retries()
    }
}

impl FetchedBlock {
    /// The receipts as the recorded format holds them: the outcome of each, and how many logs it has.
    #[must_use]
    pub fn recorded_receipts(&self) -> Option<Value> {
        self.receipts.as_ref().map(state::recorded_receipts)
    }
}

fn ensure_full(block: &Value) -> Result<(), Error> {
    let transactions = block.get("transactions").and_then(Value::as_array);
    if !transactions.is_some_and(|list| list.iter().all(Value::is_object)) {
        return Err(Error::malformed("block.transactions", "expected full transactions"));
    }
    Ok(())
}
