//! An EVM chain over JSON-RPC: reading, and sending transactions that are safe to repeat.

mod anchoring;
mod governor;
mod proposals;
mod rewards;
mod stack;

use std::time::{Duration, Instant};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U256};
use alloy_sol_types::SolCall;
use chaos_types::ChainId;
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::{
    anchoring::AnchoredCheckpoint,
    governor::{GovernorCall, GovernorProposal, ProposalState, Support, VoteTally, VotingWindow},
    proposals::{EndpointProposal, SubmittedProposal},
    rewards::{Claim, CreatedDistribution},
    stack::{GovernanceStack, StackConfig},
};
use crate::{
    Error, Signer,
    chain_id::check_chain,
    contracts,
    error::shorten,
    json_rpc::{JsonRpc, Outcome, parse},
};

/// Time a sent transaction has to get into a block, in seconds.
const MINING_TIMEOUT_S: u64 = 180;
/// First pause between two looks for a receipt, in milliseconds; it doubles up to the largest.
const RECEIPT_PAUSE_MS: u64 = 10;
/// Largest pause between two looks for a receipt, in milliseconds.
const RECEIPT_PAUSE_MS_MAX: u64 = 2_000;
/// Tip if the node has no opinion, in wei per gas.
const DEFAULT_TIP_WEI: u128 = 1_000_000_000;

/// A connection to one EVM chain whose identity has been checked. Cheap to clone. Async.
#[derive(Debug, Clone)]
pub struct EvmChain {
    rpc: JsonRpc,
    chain_id: ChainId,
    number: u64,
}

/// A transaction that is in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxSummary {
    /// Hash of the transaction.
    pub hash: B256,
    /// Number of the block it is in.
    pub block_number: u64,
    /// Hash of that block.
    pub block_hash: B256,
    /// Gas it used.
    pub gas_used: u64,
}

/// The parts of a receipt this crate reads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    status: U64,
    block_number: U64,
    block_hash: B256,
    gas_used: U64,
    contract_address: Option<Address>,
    logs: Vec<ReceiptLog>,
}

#[derive(Debug, Deserialize)]
struct ReceiptLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
}

/// A receipt together with the transaction's hash.
struct Mined {
    summary: TxSummary,
    receipt: Receipt,
}

impl EvmChain {
    /// Connects to an `http://` or `https://` endpoint and checks which chain it serves.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`], [`Error::Unreachable`] or [`Error::WrongChain`].
    pub async fn connect(rpc_url: &str, expected: Option<&ChainId>) -> Result<Self, Error> {
        let rpc = JsonRpc::new(rpc_url)?;
        let number = check_chain(&rpc, expected).await?;
        Ok(Self { rpc, chain_id: ChainId::evm(number), number })
    }

    /// The chain this is.
    #[must_use]
    pub const fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// Scheme, host and port of the endpoint; nothing that could be a key.
    #[must_use]
    pub fn url(&self) -> &str {
        self.rpc.shown_url()
    }

    /// Number of the newest block.
    ///
    /// # Errors
    /// As every request.
    pub async fn block_number(&self) -> Result<u64, Error> {
        let number: U64 = self.rpc.request("eth_blockNumber", json!([])).await?;
        Ok(number.to())
    }

    /// Mines empty blocks. Only local chains can; it is how a demo gets through a voting period.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on any other chain.
    pub async fn mine_blocks(&self, count: u64) -> Result<(), Error> {
        match self.rpc.ask("anvil_mine", json!([format!("{count:#x}")])).await? {
            Outcome::Result(_) => Ok(()),
            Outcome::Refused { .. } => Err(Error::Unsupported {
                url: self.url().to_owned(),
                capability: "mining blocks on demand",
            }),
        }
    }

    /// Reads from a contract at the newest block.
    async fn call<C: SolCall>(&self, to: Address, call: C) -> Result<C::Return, Error> {
        let params = json!([{"to": to, "data": Bytes::from(call.abi_encode())}, "latest"]);
        let bytes: Bytes = match self.rpc.ask("eth_call", params).await? {
            Outcome::Result(value) => parse(C::SIGNATURE, value)?,
            Outcome::Refused { code, message, data } => {
                return Err(refusal("eth_call", C::SIGNATURE, code, &message, data));
            }
        };
        // An address without code answers nothing, successfully; that must not decode to zero.
        if bytes.is_empty() {
            let reason = format_args!("no contract answers at {to}");
            return Err(Error::malformed(C::SIGNATURE, reason));
        }
        C::abi_decode_returns_validate(&bytes)
            .map_err(|error| Error::malformed(C::SIGNATURE, error))
    }

    /// Calls a contract in a transaction and waits until it is in a block.
    async fn send_call<C: SolCall>(
        &self,
        from: &Signer,
        to: Address,
        call: C,
    ) -> Result<Mined, Error> {
        self.send(from, TxKind::Call(to), call.abi_encode().into(), C::SIGNATURE).await
    }

    /// Deploys bytecode with encoded constructor arguments.
    async fn deploy(
        &self,
        from: &Signer,
        bytecode: &Bytes,
        arguments: &[u8],
        what: &'static str,
    ) -> Result<(Address, TxSummary), Error> {
        let input = [bytecode.as_ref(), arguments].concat();
        let mined = self.send(from, TxKind::Create, input.into(), what).await?;
        let address = mined
            .receipt
            .contract_address
            .ok_or_else(|| Error::malformed(what, "the receipt names no contract address"))?;
        Ok((address, mined.summary))
    }

    /// Signs once, then sends the same bytes until they are in a block: a lost answer cannot make a
    /// second transaction.
    async fn send(
        &self,
        from: &Signer,
        to: TxKind,
        input: Bytes,
        what: &'static str,
    ) -> Result<Mined, Error> {
        let mut transaction = self.prepare(from, to, input, what).await?;
        let signature =
            from.key().sign_transaction_sync(&mut transaction).map_err(Error::Signing)?;
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        let hash = *signed.tx_hash();
        let raw = Bytes::from(signed.encoded_2718());
        if let Outcome::Refused { code, message, data } =
            self.rpc.ask("eth_sendRawTransaction", json!([raw])).await?
        {
            // After a lost answer the node already has it; its receipt or its absence will tell.
            let known: Option<Value> =
                self.rpc.request("eth_getTransactionByHash", json!([hash])).await?;
            if known.is_none() {
                return Err(refusal("eth_sendRawTransaction", what, code, &message, data));
            }
        }
        let receipt = self.wait_for_receipt(hash).await?;
        if receipt.status.is_zero() {
            let reason = format!("transaction {hash} failed in block {}", receipt.block_number);
            return Err(Error::Reverted { call: what, reason });
        }
        let summary = TxSummary {
            hash,
            block_number: receipt.block_number.to(),
            block_hash: receipt.block_hash,
            gas_used: receipt.gas_used.to(),
        };
        Ok(Mined { summary, receipt })
    }

    async fn prepare(
        &self,
        from: &Signer,
        to: TxKind,
        input: Bytes,
        what: &'static str,
    ) -> Result<TxEip1559, Error> {
        let sender = from.address();
        let mut request = json!({"from": sender, "data": input});
        if let TxKind::Call(to) = to {
            request["to"] = json!(to);
        }
        let estimate: U64 = match self.rpc.ask("eth_estimateGas", json!([request])).await? {
            Outcome::Result(value) => parse("eth_estimateGas", value)?,
            Outcome::Refused { code, message, data } => {
                return Err(refusal("eth_estimateGas", what, code, &message, data));
            }
        };
        let estimate: u64 = estimate.to();
        let nonce: U64 =
            self.rpc.request("eth_getTransactionCount", json!([sender, "pending"])).await?;
        let (max_fee_per_gas, max_priority_fee_per_gas) = self.fees_wei().await?;
        Ok(TxEip1559 {
            chain_id: self.number,
            nonce: nonce.to(),
            // A fifth more, because the state may have moved when it is mined.
            gas_limit: estimate.saturating_add(estimate / 5),
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value: U256::ZERO,
            access_list: alloy_eips::eip2930::AccessList::default(),
            input,
        })
    }

    /// Highest fee and tip per gas, in wei: twice the base fee lasts six full blocks.
    async fn fees_wei(&self) -> Result<(u128, u128), Error> {
        let block: Value =
            self.rpc.request("eth_getBlockByNumber", json!(["latest", false])).await?;
        let Some(base_fee) = block.get("baseFeePerGas").cloned() else {
            let capability = "EIP-1559 transactions";
            return Err(Error::Unsupported { url: self.url().to_owned(), capability });
        };
        let base_fee: alloy_primitives::U128 = parse("block.baseFeePerGas", base_fee)?;
        let tip = match self.rpc.ask("eth_maxPriorityFeePerGas", json!([])).await? {
            Outcome::Result(value) => {
                parse::<alloy_primitives::U128>("eth_maxPriorityFeePerGas", value)?.to()
            }
            Outcome::Refused { .. } => DEFAULT_TIP_WEI,
        };
        Ok((base_fee.to::<u128>().saturating_mul(2).saturating_add(tip), tip))
    }

    async fn wait_for_receipt(&self, hash: B256) -> Result<Receipt, Error> {
        let start = Instant::now();
        let mut pause_ms = RECEIPT_PAUSE_MS;
        loop {
            let receipt: Option<Receipt> =
                self.rpc.request("eth_getTransactionReceipt", json!([hash])).await?;
            if let Some(receipt) = receipt {
                return Ok(receipt);
            }
            if start.elapsed() > Duration::from_secs(MINING_TIMEOUT_S) {
                return Err(Error::NotMined { hash, waited_s: MINING_TIMEOUT_S });
            }
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            pause_ms = (pause_ms * 2).min(RECEIPT_PAUSE_MS_MAX);
        }
    }
}

/// Finds the event of a contract in a receipt.
fn event<E: alloy_sol_types::SolEvent>(mined: &Mined, contract: Address) -> Result<E, Error> {
    mined
        .receipt
        .logs
        .iter()
        .filter(|log| log.address == contract)
        .find_map(|log| E::decode_raw_log(log.topics.iter().copied(), &log.data).ok())
        .ok_or_else(|| Error::malformed(E::SIGNATURE, "the receipt has no such event"))
}

/// Types a node's refusal: a revert carries the contract's error as hex in `data`.
fn refusal(
    method: &str,
    what: &'static str,
    code: i64,
    message: &str,
    data: Option<Value>,
) -> Error {
    let hex_text = match &data {
        Some(Value::String(text)) => Some(text.as_str()),
        Some(Value::Object(object)) => object.get("data").and_then(Value::as_str),
        _ => None,
    };
    let bytes = hex_text
        .and_then(|text| text.strip_prefix("0x"))
        .and_then(|digits| hex::decode(digits).ok())
        .filter(|bytes| bytes.len() >= 4);
    match bytes {
        Some(bytes) => Error::Reverted { call: what, reason: contracts::revert_reason(&bytes) },
        None => Error::Rejected { method: method.to_owned(), code, reason: shorten(message) },
    }
}
