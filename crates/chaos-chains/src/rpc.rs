//! Blocks and the state they read, fetched from a node for replay, cached on disk. Blocking.
//!
//! What is fetched for a block is kept in one file in the form of recorded blocks
//! (`{block, preState, blockHashes, receipts}`, bytecodes apart), so that a replay over RPC can be
//! resumed after a kill, and repeated with one small request per block. [`RpcState::export`] gives the
//! recorded form, which needs no node at all.

mod cache;
mod state;

use std::{path::Path, sync::Arc};

use chaos_types::ChainId;
use serde_json::{Value, json};

use self::cache::{BlockFile, Cache};
pub use self::{
    cache::CacheError,
    state::{RecordedBlock, RpcState, StateError},
};
use crate::{
    Error,
    blocking::Blocking,
    client::check_chain,
    json_rpc::{JsonRpc, Outcome},
};

/// A node's blocks. Blocking; may be used from any thread, also inside an async runtime, where it
/// blocks the thread.
#[derive(Debug)]
pub struct BlockSource {
    node: Arc<Node>,
    cache: Cache,
    chain_id: ChainId,
}

/// A connection together with the runtime it needs.
#[derive(Debug)]
struct Node {
    rpc: JsonRpc,
    blocking: Blocking,
}

/// A block as the node sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedBlock {
    /// Its number.
    pub number: u64,
    /// The JSON-RPC block object with full transactions.
    pub block: Value,
    /// The JSON-RPC receipts in order; none if the node cannot give them.
    pub receipts: Option<Value>,
}

impl Node {
    fn request<T>(&self, method: &'static str, params: Value) -> Result<T, Error>
    where
        T: serde::de::DeserializeOwned + Send + 'static,
    {
        let rpc = self.rpc.clone();
        self.blocking.run(async move { rpc.request(method, params).await })
    }

    fn batch(&self, calls: Vec<(&'static str, Value)>) -> Result<Vec<Value>, Error> {
        let rpc = self.rpc.clone();
        self.blocking.run(async move { rpc.batch(&calls).await })
    }
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
        let rpc = JsonRpc::new(rpc_url)?;
        let node = Node { rpc: rpc.clone(), blocking: Blocking::new()? };
        let expected = expected.cloned();
        let number =
            node.blocking.run(async move { check_chain(&rpc, expected.as_ref()).await })?;
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
        let number: alloy_primitives::U64 = self.node.request("eth_blockNumber", json!([]))?;
        Ok(number.to())
    }

    /// Fetches a block with its transactions and, where the node has them, its receipts. A block in the
    /// cache is not fetched again, unless the chain has another block at that height by now, as after
    /// a reorganisation or a restart of a local chain.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`] if the chain has no such block.
    pub fn fetch(&self, number: u64) -> Result<FetchedBlock, Error> {
        let tag = format!("{number:#x}");
        if let Some(file) = self.cache.load(number)? {
            let header: Value = self.node.request("eth_getBlockByNumber", json!([tag, false]))?;
            if header.get("hash").is_some_and(|hash| file.block.get("hash") == Some(hash)) {
                return Ok(FetchedBlock { number, block: file.block, receipts: file.receipts });
            }
        }
        let block: Value = self.node.request("eth_getBlockByNumber", json!([tag, true]))?;
        if block.is_null() {
            let url = self.node.rpc.shown_url().to_owned();
            return Err(Error::UnknownBlock { number, url });
        }
        ensure_block(&block, number)?;
        let rpc = self.node.rpc.clone();
        let receipts = self
            .node
            .blocking
            .run(async move { rpc.ask("eth_getBlockReceipts", json!([tag])).await })?;
        let receipts = match receipts {
            Outcome::Result(value) if value.is_array() => Some(value),
            Outcome::Result(_) | Outcome::Refused { .. } => None,
        };
        self.cache.store(&BlockFile::new(number, block.clone(), receipts.clone()))?;
        Ok(FetchedBlock { number, block, receipts })
    }

    /// The state at the start of a block, which is the state after its parent.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`] for block 0, which has no parent; [`Error::Cache`] if its file is broken.
    pub fn state(&self, block: &FetchedBlock) -> Result<RpcState, Error> {
        let unknown = || Error::UnknownBlock {
            number: block.number,
            url: self.node.rpc.shown_url().to_owned(),
        };
        let parent = block.number.checked_sub(1).ok_or_else(unknown)?;
        let cached = self.cache.load(block.number)?;
        let file = cached.filter(|file| file.block == block.block).unwrap_or_else(|| {
            BlockFile::new(block.number, block.block.clone(), block.receipts.clone())
        });
        RpcState::new(Arc::clone(&self.node), self.cache.clone(), file, parent)
    }

    /// Questions asked of the node so far; retries count.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.node.rpc.requests()
    }
}

fn ensure_block(block: &Value, number: u64) -> Result<(), Error> {
    let expected = format!("{number:#x}");
    if block.get("number").and_then(Value::as_str) != Some(&expected) {
        return Err(Error::malformed("block.number", format_args!("expected {expected}")));
    }
    let transactions = block.get("transactions").and_then(Value::as_array);
    if !transactions.is_some_and(|list| list.iter().all(Value::is_object)) {
        return Err(Error::malformed("block.transactions", "expected full transactions"));
    }
    Ok(())
}
