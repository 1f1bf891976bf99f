//! An EVM chain over JSON-RPC: reading, and sending transactions that are safe to repeat.

mod anchoring;
mod governor;
mod outbox;
mod proposals;
mod registry;
mod rewards;
mod stack;

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, TxKind, U64};
use alloy_sol_types::SolCall;
use chaos_types::ChainId;
use serde::Deserialize;
use serde_json::{Value, json};

use self::outbox::{Act, Sending};
pub use self::{
    anchoring::{AnchoredCheckpoint, AnchoredLog},
    governor::{GovernorCall, GovernorProposal, ProposalState, Support, VoteTally, VotingWindow},
    outbox::{Ended, Journaled, Outbox, Plan, Told, Word},
    proposals::{EndpointProposal, SubmittedProposal},
    registry::{RegistryKey, RegistryWriter},
    rewards::{Claim, CreatedDistribution, Funding, distribution_id},
    stack::{GovernanceStack, StackConfig},
};
use crate::{
    Error, Signer,
    chain_id::check_chain,
    contracts,
    error::shorten,
    json_rpc::{JsonRpc, Outcome, parse},
    sending::{Finality, Reached},
};

/// A connection to one EVM chain whose identity has been checked. Cheap to clone. Async.
#[derive(Debug, Clone)]
pub struct EvmChain {
    rpc: JsonRpc,
    chain_id: ChainId,
    number: u64,
    sending: Option<Arc<Sending>>,
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

/// A receipt together with the transaction's hash, and how sure it is that it stays.
struct Mined {
    summary: TxSummary,
    receipt: Receipt,
    reached: Reached,
}

impl EvmChain {
    /// Connects to an `http://` or `https://` endpoint and checks which chain it serves.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`], [`Error::Unreachable`] or [`Error::WrongChain`].
    pub async fn connect(rpc_url: &str, expected: Option<&ChainId>) -> Result<Self, Error> {
        let rpc = JsonRpc::new(rpc_url)?;
        let number = check_chain(&rpc, expected).await?;
        Ok(Self { rpc, chain_id: ChainId::evm(number), number, sending: None })
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
        let input = call.abi_encode().into();
        let act = Act { what: C::SIGNATURE, to: TxKind::Call(to), input };
        self.act(from, act, Finality::IN_A_BLOCK).await
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
        let act = Act { what, to: TxKind::Create, input: input.into() };
        let mined = self.act(from, act, Finality::IN_A_BLOCK).await?;
        let address = mined
            .receipt
            .contract_address
            .ok_or_else(|| Error::malformed(what, "the receipt names no contract address"))?;
        Ok((address, mined.summary))
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
