//! One question each.

use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use alloy_sol_types::SolCall as _;
use serde_json::{Value, json};

use super::{Finding, Found, Work, costs::ANY};
use crate::{
    Error,
    client::{EvmChain, registry::REGISTRY},
    contracts::checkpoint_registry::CheckpointRegistry,
    error::shorten,
    json_rpc::Outcome,
    made::DEPLOYER,
    sending::{FeeCap, Fees, decimal},
};

/// Blocks of events that a node may give at once, from many to few.
const LOG_RANGES: [u64; 6] = [1_000_000, 100_000, 10_000, 1_000, 100, 1];
/// With so many at once a year of a chain is read in some minutes.
const LOG_RANGE_ENOUGH: u64 = 10_000;

/// So many blocks back a proof has to be had still.
const PROOF_DEPTH: u64 = 8;

/// Kinds of transactions that blocks are proved with.
const KINDS_KNOWN: [&str; 5] = ["0x0", "0x1", "0x2", "0x3", "0x4"];

/// Unknown kinds that a finding names: it is one line.
const KINDS_NAMED_MAX: usize = 2;

/// Words of a node in a finding, at most: it is one line.
const WORDS_MAX: usize = 38;

const GWEI_DECIMALS: usize = 9;

/// What a question brought.
pub(super) enum Asked {
    Answered(Value),
    Refused(String),
}

impl Asked {
    /// What was said in place of a number; none if it is one.
    pub(super) fn no_number(self) -> Option<String> {
        match self {
            Self::Answered(value) => match serde_json::from_value::<U64>(value) {
                Ok(_) => None,
                Err(_) => Some("no number; another node".to_owned()),
            },
            Self::Refused(words) => Some(words),
        }
    }
}

impl EvmChain {
    pub(super) async fn probe(&self, method: &str, params: Value) -> Result<Asked, Error> {
        let (code, message) = match self.rpc.ask(method, params).await {
            Ok(Outcome::Result(value)) => return Ok(Asked::Answered(value)),
            Ok(Outcome::Refused { code, message, .. }) => (code, message),
            // By the status of HTTP alone.
            Err(Error::Rejected { code, reason, .. }) => (code, reason),
            Err(error) => return Err(error),
        };
        let words: String = shorten(&message).chars().take(WORDS_MAX).collect();
        Ok(Asked::Refused(format!("{code}: {words}")))
    }

    pub(super) fn chain_number(&self) -> Finding {
        let text = self.chain_id().to_string();
        Finding { name: "eth_chainId", found: Found::Here, needed_for: ANY, text }
    }

    /// The hash of the first block, by which the journal tells chains of one number apart.
    pub(super) async fn genesis(&self) -> Result<Finding, Error> {
        let (found, text) = match self.first_block().await {
            Ok(hash) => {
                (Found::Here, format!("{hash:#x}").chars().take(18).collect::<String>() + "…")
            }
            Err(Error::Malformed { .. } | Error::Rejected { .. }) => {
                (Found::Missing, "ask a node that has block 0".to_owned())
            }
            Err(error) => return Err(error),
        };
        Ok(Finding { name: "first block", found, needed_for: ANY, text })
    }

    /// What a transaction would offer now, within the cap.
    pub(super) async fn fees(&self, cap: &FeeCap) -> Result<(Finding, Option<Fees>), Error> {
        let named =
            |found, text: String| Finding { name: "EIP-1559", found, needed_for: ANY, text };
        let quote = match self.quote().await {
            Ok(quote) => quote,
            Err(Error::Unsupported { .. } | Error::Malformed { .. }) => {
                let text = "the chain has no base fee; none stands for it".to_owned();
                return Ok((named(Found::Missing, text), None));
            }
            Err(error) => return Err(error),
        };
        let gwei = |wei| decimal(U256::from(wei), GWEI_DECIMALS);
        Ok(match Fees::choose(&quote, cap) {
            Ok(fees) => {
                let text = format!("base fee {} gwei", gwei(quote.base_fee));
                (named(Found::Here, text), Some(fees))
            }
            Err(_) => {
                let text = format!("{} gwei are above --max-fee; wait", gwei(quote.base_fee));
                (named(Found::Missing, text), None)
            }
        })
    }

    pub(super) async fn fee_history(&self) -> Result<Finding, Error> {
        let asked = self.probe("eth_feeHistory", json!(["0x5", "latest", [50]])).await?;
        let (found, text) = match asked {
            Asked::Answered(value) if value.get("baseFeePerGas").is_some_and(Value::is_array) => {
                (Found::Here, "tips follow the last blocks".to_owned())
            }
            Asked::Answered(_) | Asked::Refused(_) => {
                (Found::Limited, "the node's own tip counts, up to --max-tip".to_owned())
            }
        };
        Ok(Finding { name: "eth_feeHistory", found, needed_for: &[], text })
    }

    pub(super) async fn code(&self) -> Result<Finding, Error> {
        let asked = self.probe("eth_getCode", json!([Address::ZERO, "latest"])).await?;
        let (found, text) = match asked {
            Asked::Answered(Value::String(_)) => {
                (Found::Here, "contracts are told by their code".to_owned())
            }
            Asked::Answered(_) => (Found::Missing, "no bytes; name another node".to_owned()),
            Asked::Refused(words) => (Found::Missing, words),
        };
        Ok(Finding { name: "eth_getCode", found, needed_for: ANY, text })
    }

    /// Whether the node calls contracts: the registry is asked before every anchor, a token before every payment. Where
    /// the registry is not there yet, a call of nothing is answered with nothing.
    pub(super) async fn calls(&self) -> Result<Finding, Error> {
        let latest =
            CheckpointRegistry::latestCall { origin: B256::ZERO, publisher: Address::ZERO };
        let call = json!([{"to": REGISTRY, "data": Bytes::from(latest.abi_encode())}, "latest"]);
        let is_bytes = |answer: &Value| serde_json::from_value::<Bytes>(answer.clone()).is_ok();
        let (found, text) = match self.probe("eth_call", call).await? {
            Asked::Answered(answer) if is_bytes(&answer) => {
                (Found::Here, "registry and tokens can be asked".to_owned())
            }
            Asked::Answered(_) => (Found::Missing, "no bytes; name another node".to_owned()),
            Asked::Refused(words) => (Found::Missing, words),
        };
        Ok(Finding { name: "eth_call", found, needed_for: ANY, text })
    }

    /// Whether the chain executes what endpoint and governor are compiled to.
    pub(super) async fn machine(&self) -> Result<Finding, Error> {
        let found = self.runs_cancun().await?;
        let text = match found {
            Found::Here | Found::Limited => "it executes endpoint and governor",
            Found::Missing => "older: anchoring and paying work, votes do not",
            Found::NotAsked => "the node executes no code of the asker's",
        };
        let needed_for = &[Work::Deploy, Work::Vote];
        Ok(Finding { name: "EVM of Cancun", found, needed_for, text: text.to_owned() })
    }

    /// A proof of storage, whose first node is held against the state root of its block.
    pub(super) async fn storage_proof(&self) -> Result<Finding, Error> {
        let named = |found, text: &str| Finding {
            name: "eth_getProof",
            found,
            needed_for: &[Work::Vote, Work::Pay, Work::Anchor],
            text: text.to_owned(),
        };
        let lacks = "anchors cannot be proved; name another node";
        let block = self.newest(false).await?;
        let number = block["number"].clone();
        if number == "0x0" {
            // Some nodes make up the first block.
            return Ok(named(Found::NotAsked, "the chain has its first block alone"));
        }
        let params = json!([REGISTRY, [B256::ZERO], number]);
        let proof = match self.probe("eth_getProof", params).await? {
            Asked::Answered(proof) => proof,
            Asked::Refused(_) => return Ok(named(Found::Missing, lacks)),
        };
        let node = proof["accountProof"].get(0).and_then(|node| {
            let node: Option<Bytes> = serde_json::from_value(node.clone()).ok();
            node.map(|node| format!("{:#x}", keccak256(&node)))
        });
        if node.is_none() || node.as_deref() != block["stateRoot"].as_str() {
            return Ok(named(Found::Missing, "does not lead to the state root; another node"));
        }
        // What is shown lies some blocks back by the time that it is asked for.
        let number = serde_json::from_value::<U64>(number).unwrap_or_default().to::<u64>();
        let earlier = format!("{:#x}", number.saturating_sub(PROOF_DEPTH).max(1));
        let params = json!([REGISTRY, [B256::ZERO], earlier]);
        Ok(match self.probe("eth_getProof", params).await? {
            Asked::Answered(proof) if proof["accountProof"].is_array() => {
                named(Found::Here, "leads to the block's state root")
            }
            Asked::Answered(_) | Asked::Refused(_) => {
                named(Found::Missing, "of the newest block alone; another node")
            }
        })
    }

    /// How many blocks of events the node gives at once.
    pub(super) async fn logs(&self) -> Result<Finding, Error> {
        let head = self.block_number().await?;
        let named = |found, text| Finding { name: "eth_getLogs", found, needed_for: &[], text };
        for range in LOG_RANGES {
            let filter = json!([{
                "address": REGISTRY,
                "fromBlock": format!("{:#x}", head.saturating_sub(range - 1)),
                "toBlock": format!("{head:#x}"),
            }]);
            match self.probe("eth_getLogs", filter).await? {
                Asked::Answered(Value::Array(_)) if range > head => {
                    return Ok(named(Found::Here, "all blocks at once".to_owned()));
                }
                Asked::Answered(Value::Array(_)) if range >= LOG_RANGE_ENOUGH => {
                    return Ok(named(Found::Here, format!("{range} blocks at once")));
                }
                Asked::Answered(Value::Array(_)) => {
                    let text = format!("{range} blocks at once: an audit takes long");
                    return Ok(named(Found::Limited, text));
                }
                Asked::Answered(_) | Asked::Refused(_) => {}
            }
        }
        Ok(named(Found::Limited, "no events: no `anchor audit` on this node".to_owned()))
    }

    pub(super) async fn named_blocks(&self) -> Result<[Finding; 2], Error> {
        let of = |name, at: Option<u64>, deep: u64| {
            let (found, text) = match (at, self.final_depth) {
                (_, Some(depth)) => (Found::Here, format!("the chain file: under {depth} blocks")),
                (Some(at), None) => (Found::Here, format!("block {at}")),
                (None, None) => {
                    (Found::Limited, format!("none is named: {deep} blocks stand for one"))
                }
            };
            Finding { name, found, needed_for: &[], text }
        };
        let safe = self.named_block("safe").await?;
        let finalized = self.named_block("finalized").await?;
        Ok([of("safe blocks", safe, 32), of("final blocks", finalized, 64)])
    }

    async fn newest(&self, whole: bool) -> Result<Value, Error> {
        self.rpc.request("eth_getBlockByNumber", json!(["latest", whole])).await
    }

    /// The newest block with its transactions.
    pub(super) async fn newest_block(&self) -> Result<Value, Error> {
        self.newest(true).await
    }

    pub(super) async fn receipts(&self, block: &Value) -> Result<Finding, Error> {
        let named = |found, text: &str| {
            let (name, text) = ("receipts of a block", text.to_owned());
            Finding { name, found, needed_for: &[Work::Anchor], text }
        };
        let asked = self.probe("eth_getBlockReceipts", json!([block["number"]])).await?;
        if let Asked::Answered(Value::Array(receipts)) = asked {
            let expected = block["transactions"].as_array().map_or(0, Vec::len);
            if receipts.len() == expected {
                return Ok(named(Found::Here, "all at once"));
            }
        }
        let asked = self.probe("eth_getTransactionReceipt", json!([B256::ZERO])).await?;
        Ok(match asked {
            Asked::Answered(_) => {
                named(Found::Limited, "one by one: a CheckpointAnchor takes longer")
            }
            Asked::Refused(_) => named(Found::Missing, "name another node"),
        })
    }

    /// The kinds of transactions in the newest block.
    pub(super) fn kinds(block: &Value) -> Finding {
        let transactions = block["transactions"].as_array().cloned().unwrap_or_default();
        let mut kinds: Vec<String> = transactions
            .iter()
            .map(|tx| shorten(tx["type"].as_str().unwrap_or("none")).chars().take(6).collect())
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let unknown: Vec<&str> =
            kinds.iter().map(String::as_str).filter(|kind| !KINDS_KNOWN.contains(kind)).collect();
        let named = &unknown[..unknown.len().min(KINDS_NAMED_MAX)];
        let (found, text) = if transactions.is_empty() {
            (Found::NotAsked, "the newest block is empty".to_owned())
        } else if unknown.is_empty() {
            (Found::Here, kinds.join(", "))
        } else {
            (Found::Limited, format!("{}: no proof of a CheckpointAnchor", named.join(", ")))
        };
        // The proof of an event decodes its whole block; that of the registry's storage decodes none.
        Finding { name: "transaction kinds", found, needed_for: &[], text }
    }

    /// The registry of checkpoints, and what it takes to put it there.
    pub(super) async fn registry_and_deployer(&self) -> Result<[Finding; 2], Error> {
        let name = "checkpoint registry";
        let asked = self.probe("eth_getCode", json!([DEPLOYER, "latest"])).await?;
        let Asked::Answered(deployer) = asked else {
            let of = |name| {
                let text = "eth_getCode is missing".to_owned();
                Finding { name, found: Found::NotAsked, needed_for: &[], text }
            };
            return Ok([of(name), of("CREATE2 deployer")]);
        };
        let has_deployer = deployer.as_str().is_some_and(|code| code.len() > 2);
        let (found, text) = match self.has_registry().await {
            Ok(true) => (Found::Here, format!("{REGISTRY:#x}")),
            Ok(false) => (Found::Missing, "`chain deploy registry` puts it there".to_owned()),
            Err(Error::Malformed { .. }) => {
                (Found::Missing, "other code is at its address".to_owned())
            }
            Err(error) => return Err(error),
        };
        let is_lost = found == Found::Missing && !has_deployer;
        let needed_for: &[Work] = if is_lost { &[Work::Anchor] } else { &[] };
        let registry = Finding { name, found, needed_for, text };
        let (found, text) = if has_deployer {
            (Found::Here, format!("{DEPLOYER:#x}"))
        } else {
            (Found::Missing, "anybody may put it there; the guide says how".to_owned())
        };
        let needed_for: &[Work] = if is_lost { &[Work::Deploy] } else { &[] };
        Ok([registry, Finding { name: "CREATE2 deployer", found, needed_for, text }])
    }
}
