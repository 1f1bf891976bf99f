//! An EVM chain over JSON-RPC: reading, and sending transactions that are safe to repeat.

mod anchored;
mod anchoring;
mod contract_kind;
mod doctor;
mod events;
mod gas;
mod governor;
mod machine;
mod making;
mod observing;
mod outbox;
mod proposals;
mod proving;
mod registry;
mod rewards;
mod stack;
mod tokens;

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U64};
use alloy_sol_types::SolCall;
use chaos_types::ChainId;
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::{
    anchored::{AnchorEvent, AnchorEvents, AnchorQuestion},
    anchoring::{AnchoredCheckpoint, AnchoredLog},
    doctor::{Finding, Found, Prospect, Work, prospect},
    governor::{GovernorCall, GovernorProposal, ProposalState, Support, VoteTally, VotingWindow},
    observing::{GovernorKind, ObservedVote, VoteQuestion},
    outbox::{Change, Ended, Journaled, Outbox, Plan, Told, Word},
    proposals::{EndpointProposal, SubmissionError, SubmittedProposal},
    registry::{Registered, RegistryWriter},
    rewards::{
        Claim, CreatedDistribution, Funding, RefundedRest, StandingDistribution, distribution_id,
    },
    stack::{GovernanceStack, GovernorTerms, StackConfig},
    tokens::{CHAOS_TOKEN_DECIMALS, TokenUnit},
};
use self::{
    gas::Sent,
    outbox::{Act, Sending},
};
use crate::{
    ChainFile, Error, Signer, StateReader,
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
    /// Under so many blocks a block stays, where a file says so.
    final_depth: Option<u64>,
    /// The file that its endpoint is of.
    file: Option<Arc<ChainFile>>,
    sending: Option<Arc<Sending>>,
    /// How sure what is sent has to be before it is gone on with.
    until: Finality,
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
    /// The nonce that it was signed for.
    nonce: u64,
}

impl EvmChain {
    /// Connects to an `http://` or `https://` endpoint and checks which chain it serves.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`], [`Error::Unreachable`] or [`Error::WrongChain`].
    pub async fn connect(rpc_url: &str, expected: Option<&ChainId>) -> Result<Self, Error> {
        Self::over(JsonRpc::new(rpc_url)?, expected).await
    }

    /// Checks which chain an endpoint serves.
    pub(crate) async fn over(rpc: JsonRpc, expected: Option<&ChainId>) -> Result<Self, Error> {
        let number = check_chain(&rpc, expected).await?;
        Ok(Self {
            rpc,
            chain_id: ChainId::evm(number),
            number,
            final_depth: None,
            file: None,
            sending: None,
            until: Finality::IN_A_BLOCK,
        })
    }

    /// Connects to the first endpoint of a chain file that answers, and checks that it serves that chain.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if none answers, [`Error::WrongChain`] or [`Error::WrongGenesis`] if one
    /// serves another chain.
    pub async fn connect_to(file: &ChainFile) -> Result<Self, Error> {
        let mut refused = Error::InvalidUrl { reason: "no endpoint is named" };
        for endpoint in &file.endpoints {
            match Self::connect(endpoint, Some(&file.chain)).await {
                Ok(chain) => {
                    let chain = chain.begun_as(file).await?;
                    return Ok(Self { file: Some(Arc::new(file.clone())), ..chain });
                }
                Err(error) if error.is_transient() => refused = error,
                Err(error) => return Err(error),
            }
        }
        Err(refused)
    }

    /// A reader's connection: to the chain that is expected, and to the one that a file describes if there is one.
    pub(crate) async fn described(
        rpc: JsonRpc,
        expected: Option<&ChainId>,
        file: Option<&ChainFile>,
    ) -> Result<Self, Error> {
        let chain = Self::over(rpc, expected.or(file.map(|file| &file.chain))).await?;
        match file {
            Some(file) => chain.begun_as(file).await,
            None => Ok(chain),
        }
    }

    /// The same connection, if the chain begins as a file says.
    async fn begun_as(self, file: &ChainFile) -> Result<Self, Error> {
        let found = self.first_block().await?;
        if found == file.genesis {
            return Ok(self.staying_by(Some(file)));
        }
        let (chain, expected) = (file.chain.clone(), file.genesis);
        Err(Error::WrongGenesis { chain, expected, found })
    }

    /// The same connection, whose blocks stay when a file says so, if there is one.
    pub(crate) fn staying_by(self, file: Option<&ChainFile>) -> Self {
        Self { final_depth: file.and_then(|file| file.final_depth), ..self }
    }

    /// The same connection, on which everything that is sent is waited for until it is as sure as the outbox
    /// asks, not only until it is in a block.
    ///
    /// # Errors
    /// [`Error::NoOutbox`] if the connection is for reading.
    pub fn settling(&self) -> Result<Self, Error> {
        Ok(Self { until: self.outbox()?.until, ..self.clone() })
    }

    /// The hash of the chain's first block, as the node says.
    ///
    /// # Errors
    /// As every read, and if the node has no first block.
    pub async fn first_block(&self) -> Result<B256, Error> {
        let method = "eth_getBlockByNumber";
        self.block_hash(0).await?.ok_or_else(|| Error::malformed(method, "there is no first block"))
    }

    /// The same node, asked for the state after one block. Blocking.
    ///
    /// # Errors
    /// If no runtime can be had.
    pub fn state_reader(&self) -> Result<StateReader, Error> {
        StateReader::over(self.rpc.clone(), self.chain_id.clone())
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

    /// The time of the newest block, in seconds since 1970.
    ///
    /// # Errors
    /// As every request.
    pub async fn newest_time_s(&self) -> Result<u64, Error> {
        let params = json!(["latest", false]);
        let block: Value = self.rpc.request("eth_getBlockByNumber", params).await?;
        let time = block.get("timestamp").cloned().unwrap_or_default();
        Ok(parse::<U64>("block.timestamp", time)?.to())
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
        self.call_at(to, call, "latest").await
    }

    /// Reads from a contract at a block, by its name or its number in hexadecimal.
    async fn call_at<C: SolCall>(
        &self,
        to: Address,
        call: C,
        at: &str,
    ) -> Result<C::Return, Error> {
        let bytes = self.call_bytes(to, &call, at).await?;
        C::abi_decode_returns_validate(&bytes)
            .map_err(|error| Error::malformed(C::SIGNATURE, error))
    }

    /// The bytes that a contract answers.
    async fn call_bytes<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        at: &str,
    ) -> Result<Bytes, Error> {
        let params = json!([{"to": to, "data": Bytes::from(call.abi_encode())}, at]);
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
        Ok(bytes)
    }

    /// Calls a contract in a transaction and waits until it is in a block.
    async fn send_call<C: Sent>(
        &self,
        from: &Signer,
        to: Address,
        call: C,
    ) -> Result<Mined, Error> {
        self.act(from, Act::call(to, &call), self.until).await
    }

    /// Deploys a contract. Its address follows from account and nonce; a node that says another lies.
    async fn deploy(&self, from: &Signer, act: Act) -> Result<(Address, TxSummary), Error> {
        let what = act.what;
        let mined = self.act(from, act, self.until).await?;
        let address = mined
            .receipt
            .contract_address
            .ok_or_else(|| Error::malformed(what, "the receipt names no contract address"))?;
        let expected = from.address().create(mined.nonce);
        if address != expected {
            let reason = format_args!("expected contract address {expected}, got {address}");
            return Err(Error::malformed(what, reason));
        }
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
        // Ganache calls it its result where it estimates.
        Some(Value::Object(object)) => {
            object.get("data").or_else(|| object.get("result")).and_then(Value::as_str)
        }
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
