//! A node asked about the state that one block leaves: proofs, calls and events. Blocking.
//!
//! Nothing is kept on disk. What a proof shows is for whoever holds it against the block's state root;
//! what a node answers to a call is its word.

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use chaos_types::ChainId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    ChainFile, Error,
    block_source::{HeaderFacts, Node},
    chain_id::check_chain,
    json_rpc::{JsonRpc, Outcome, RpcLimits, parse},
};

/// The JSON-RPC code for a method that does not exist.
const NO_SUCH_METHOD: i64 = -32601;
/// Blocks that are asked for events at once, at first.
const LOG_BLOCKS: u64 = 10_000;
/// Most questions of one search.
const LOG_QUESTIONS_MAX: u32 = 2_000;

/// A node, and the chain it serves.
#[derive(Debug)]
pub struct StateReader {
    node: Node,
    chain_id: ChainId,
}

/// A block whose state is asked about.
#[derive(Debug, Clone)]
pub struct BlockAt {
    /// What its header says.
    pub facts: HeaderFacts,
    /// The header as the node gave it.
    pub header: Value,
}

/// Proofs of an account and of slots of it, as `eth_getProof` gives them (EIP-1186).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountProof {
    account_proof: Vec<Bytes>,
    #[serde(default)]
    storage_proof: Vec<SlotProof>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct SlotProof {
    proof: Vec<Bytes>,
}

/// An event as a node gives it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FoundLog {
    /// Who emitted it.
    pub address: Address,
    /// Its topics.
    pub topics: Vec<B256>,
    /// Its data.
    pub data: Bytes,
}

/// How a search ended.
#[derive(Debug, Clone)]
pub struct Searched {
    /// What was found.
    pub found: Option<FoundLog>,
    /// The lowest block that was looked at.
    pub down_to: u64,
}

/// Which events are looked for.
#[derive(Debug, Clone, Copy)]
pub struct LogFilter {
    /// Who emits them.
    pub address: Address,
    /// Their first topic.
    pub topic: B256,
    /// The highest block.
    pub last: u64,
}

impl StateReader {
    /// Connects and checks which chain the node serves.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`], [`Error::Unreachable`], or [`Error::WrongChain`].
    pub fn connect(
        rpc_url: &str,
        expected: Option<&ChainId>,
        limits: RpcLimits,
    ) -> Result<Self, Error> {
        let rpc = JsonRpc::with_limits(rpc_url, limits)?;
        let node = Node::new(rpc.clone())?;
        let expected = expected.cloned();
        let number =
            node.blocking().run(async move { check_chain(&rpc, expected.as_ref()).await })?;
        Ok(Self { node, chain_id: ChainId::evm(number) })
    }

    /// Connects to the first endpoint of a chain file that answers, and checks that it serves the chain that the file
    /// describes.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if none answers, [`Error::WrongChain`] or [`Error::WrongGenesis`] if one serves another
    /// chain.
    pub fn connect_to(file: &ChainFile, limits: RpcLimits) -> Result<Self, Error> {
        let mut refused = Error::InvalidUrl { reason: "no endpoint is named" };
        for endpoint in &file.endpoints {
            match Self::connect(endpoint, Some(&file.chain), limits) {
                Ok(reader) => return reader.begun_as(file),
                Err(error) if error.is_transient() => refused = error,
                Err(error) => return Err(error),
            }
        }
        Err(refused)
    }

    fn begun_as(self, file: &ChainFile) -> Result<Self, Error> {
        let found = self.block(Some(0))?.facts.hash;
        if found == file.genesis {
            return Ok(self);
        }
        let (chain, expected) = (file.chain.clone(), file.genesis);
        Err(Error::WrongGenesis { chain, expected, found })
    }

    /// Over a connection that is there already.
    pub(crate) fn over(rpc: JsonRpc, chain_id: ChainId) -> Result<Self, Error> {
        Ok(Self { node: Node::new(rpc)?, chain_id })
    }

    /// The chain that the node serves.
    #[must_use]
    pub const fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// Scheme, host and port of the endpoint; the rest of its URL may hold a key.
    #[must_use]
    pub fn shown_url(&self) -> &str {
        self.node.rpc().shown_url()
    }

    /// Questions asked of the node so far; retries count.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.node.rpc().requests()
    }

    /// A block's header; the newest block's without a number. Its hash is computed again where all of
    /// its fields are known.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`]; [`Error::HeaderHash`] if its hash is not its header's.
    pub fn block(&self, number: Option<u64>) -> Result<BlockAt, Error> {
        let number = match number {
            Some(number) => number,
            None => self.node.request::<U64>("eth_blockNumber", json!([]))?.to(),
        };
        let tag = format!("{number:#x}");
        let header: Value = self.node.request("eth_getBlockByNumber", json!([tag, false]))?;
        if header.is_null() {
            return Err(Error::UnknownBlock { number, url: self.shown_url().to_owned() });
        }
        Ok(BlockAt { facts: HeaderFacts::read(&header, number)?, header })
    }

    /// Trie nodes that prove an account, and a slot of it; `None` if the node proves nothing.
    ///
    /// # Errors
    /// As every request.
    pub fn proof(
        &self,
        at: &HeaderFacts,
        address: Address,
        slot: Option<U256>,
    ) -> Result<Option<Vec<Bytes>>, Error> {
        let slots: Vec<B256> = slot.map(B256::from).into_iter().collect();
        let calls = [("eth_getProof", vec![json!(address), json!(slots)])];
        let answers = match self.node.read_state(at.number, at.hash, &calls) {
            Ok(answers) => answers,
            Err(Error::Rejected { code, reason, .. }) if is_absent(code, &reason) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let answer = answers.into_iter().next().unwrap_or_default();
        let proof: AccountProof = parse("eth_getProof", answer)?;
        let slots = proof.storage_proof.into_iter().flat_map(|slot| slot.proof);
        Ok(Some(proof.account_proof.into_iter().chain(slots).collect()))
    }

    /// The code of an account.
    ///
    /// # Errors
    /// As every request.
    pub fn code(&self, at: &HeaderFacts, address: Address) -> Result<Bytes, Error> {
        let calls = [("eth_getCode", vec![json!(address)])];
        let answers = self.node.read_state(at.number, at.hash, &calls)?;
        parse("eth_getCode", answers.into_iter().next().unwrap_or_default())
    }

    /// Looks for an event from the highest block downwards, page by page, until `is_it` says so. A node
    /// that takes fewer blocks at once is asked for fewer, and at most 2,000 times in all.
    ///
    /// # Errors
    /// As every request; what a node says of a single block that it refuses.
    pub fn find_log(
        &self,
        filter: &LogFilter,
        is_it: impl Fn(&FoundLog) -> bool,
    ) -> Result<Searched, Error> {
        let mut page = LOG_BLOCKS;
        let mut last = filter.last;
        for _ in 0..LOG_QUESTIONS_MAX {
            let first = last.saturating_sub(page - 1);
            match self.logs(filter, first, last)? {
                Outcome::Result(value) => {
                    let found: Vec<FoundLog> = parse("eth_getLogs", value)?;
                    // What the node was not asked for is not what was looked for.
                    let asked_for = |log: &FoundLog| {
                        log.address == filter.address && log.topics.first() == Some(&filter.topic)
                    };
                    let found = found.into_iter().rev().find(|log| asked_for(log) && is_it(log));
                    if found.is_some() || first == 0 {
                        return Ok(Searched { found, down_to: first });
                    }
                    last = first - 1;
                }
                Outcome::Refused { .. } if page > 1 => page = (page / 4).max(1),
                Outcome::Refused { code, message, .. } => {
                    let reason = crate::error::shorten(&message);
                    return Err(Error::Rejected { method: "eth_getLogs".to_owned(), code, reason });
                }
            }
        }
        Ok(Searched { found: None, down_to: last.saturating_add(1) })
    }

    fn logs(&self, filter: &LogFilter, first: u64, last: u64) -> Result<Outcome, Error> {
        let asked = json!([{
            "address": filter.address,
            "topics": [filter.topic],
            "fromBlock": format!("{first:#x}"),
            "toBlock": format!("{last:#x}"),
        }]);
        self.node.ask("eth_getLogs", asked)
    }
}

fn is_absent(code: i64, reason: &str) -> bool {
    let words = reason.to_ascii_lowercase();
    code == NO_SUCH_METHOD
        || ["method not found", "does not exist", "not available", "not supported"]
            .iter()
            .any(|absent| words.contains(absent))
}
