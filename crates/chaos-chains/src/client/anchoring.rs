//! Anchoring checkpoints and fetching what an offline proof of it needs.

pub(super) mod code;

use std::time::{Duration, Instant};

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, keccak256};
use alloy_rpc_types_eth::{Block, TransactionReceipt};
use alloy_sol_types::{SolCall as _, SolEvent};
use chaos_types::Digest;
use serde_json::{Value, json};

use super::{
    Act, EvmChain, Mined, Plan, Receipt, TxSummary, event,
    events::{EVENTS_MAX, EventFilter},
};
use crate::{
    AnchorParts, AnchorProof, Error, Signer,
    contracts::checkpoint_anchor::CheckpointAnchor,
    error::NotTheAnchor,
    json_rpc::{Outcome, parse},
    sending::{Fees, Finality, Reached},
};

/// Pause between two looks at a transaction that somebody else sent.
const SETTLE_PAUSE: Duration = Duration::from_secs(1);

/// Receipts of a block that are asked for one by one, at most: a block of 60 million gas that holds nothing
/// but transfers has no more.
const RECEIPTS_ONE_BY_ONE_MAX: usize = 3_000;

/// A log, and where it is anchored by whom.
#[derive(Debug, Clone, Copy)]
pub struct AnchoredLog<'a> {
    /// Origin line of the log.
    pub origin: &'a str,
    /// The only account that may anchor.
    pub publisher: Address,
    /// The `CheckpointAnchor` contract; none if it is to be deployed.
    pub contract: Option<Address>,
}

impl AnchoredLog<'_> {
    /// What the contract knows the log by.
    pub(super) fn origin_hash(&self) -> B256 {
        B256::from(*Digest::of(self.origin.as_bytes()).as_bytes())
    }
}

/// A checkpoint that is anchored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchoredCheckpoint {
    /// Leaves in the log.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: [u8; 32],
    /// The transaction that anchored it.
    pub transaction: TxSummary,
    /// How sure it was when it was last looked at.
    pub reached: Reached,
}

impl EvmChain {
    /// Anchors a checkpoint, and returns once that is as sure as the outbox asks for. If the same checkpoint is
    /// the latest already, nothing is sent and the transaction that anchored it is returned, so this may be
    /// repeated after a crash, and by another process.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `SizeBelowLatest`, `RootConflict` or `NotPublisher`.
    pub async fn anchor_checkpoint(
        &self,
        anchor: Address,
        from: &Signer,
        size: u64,
        root: [u8; 32],
    ) -> Result<AnchoredCheckpoint, Error> {
        let act = anchoring(anchor, size, root);
        let until = self.outbox()?.until;
        // What the journal knows needs no search among the chain's events.
        if self.sent(from.address(), &act)?.is_some()
            || self.latest_anchor(anchor).await? != Some((size, root))
        {
            let mined = self.act(from, act, until).await?;
            match event::<CheckpointAnchor::CheckpointAnchored>(&mined, anchor) {
                Ok(_) => {
                    let Mined { summary: transaction, reached, .. } = mined;
                    return Ok(AnchoredCheckpoint { size, root, transaction, reached });
                }
                // Somebody was faster, and a repeat emits nothing.
                Err(_) if self.latest_anchor(anchor).await? == Some((size, root)) => {}
                Err(error) => return Err(error),
            }
        }
        let transaction = self.find_anchor(anchor, size, root).await?;
        let (transaction, reached) = self.settle(transaction, until).await?;
        Ok(AnchoredCheckpoint { size, root, transaction, reached })
    }

    /// The checkpoints that the journal says this account sent to a contract, as size and root, by size,
    /// without those that were cancelled or replaced.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn anchors_sent(
        &self,
        anchor: Address,
        from: Address,
    ) -> Result<Vec<(u64, [u8; 32])>, Error> {
        let sent = self.sent_to(anchor, from)?;
        let mut anchors: Vec<(u64, [u8; 32])> = sent
            .iter()
            .filter_map(|input| CheckpointAnchor::anchorCall::abi_decode(input).ok())
            .map(|call| (call.size, call.root.0))
            .collect();
        anchors.sort_unstable();
        anchors.dedup();
        Ok(anchors)
    }

    /// What anchoring a checkpoint would send, deploying the contract first if there is none. Nothing is
    /// signed or written. Nothing, if the checkpoint is anchored or under way.
    ///
    /// # Errors
    /// As [`EvmChain::ensure_anchorable`] and everything that is looked at before something is paid.
    pub async fn plan_anchor(
        &self,
        log: &AnchoredLog<'_>,
        size: u64,
        root: [u8; 32],
    ) -> Result<Vec<Plan>, Error> {
        self.ensure_anchorable(log).await?;
        let publisher = log.publisher;
        self.ensure_one_chain(self.outbox()?, publisher)?;
        let Some(contract) = log.contract else {
            let input = code::deployment(log.origin_hash(), publisher);
            let act = Act::deploying("CheckpointAnchor", TxKind::Create, input);
            let mut plans = Vec::new();
            let nonce = match self.sent(publisher, &act)? {
                Some(deploy) => deploy.nonce,
                None => {
                    let plan = self.plan(publisher, &act).await?;
                    let nonce = plan.nonce;
                    plans.push(plan);
                    nonce
                }
            };
            let made = code::make(log.origin_hash(), publisher);
            let gas = made.ok_or(Error::NoPublisher)?.first_anchor_gas;
            let act = anchoring(publisher.create(nonce), size, root);
            if self.sent(publisher, &act)?.is_some() {
                return Ok(plans);
            }
            let mut plan = self.priced(publisher, &act, gas).await?;
            // What deploys it may wait still.
            plan.nonce = plan.nonce.max(nonce + 1);
            plans.push(plan);
            return Ok(plans);
        };
        let act = anchoring(contract, size, root);
        if self.sent(publisher, &act)?.is_some()
            || self.latest_anchor(contract).await? == Some((size, root))
        {
            return Ok(Vec::new());
        }
        Ok(vec![self.plan(publisher, &act).await?])
    }

    /// Looks for everything that anchoring and its proof need, before anything is paid: EIP-1559, the methods
    /// that are asked later, blocks that can be proved from, and that the contract is this log's.
    ///
    /// # Errors
    /// [`Error::Unsupported`] names what is missing; [`Error::NotTheAnchor`] says what the contract is not.
    pub async fn ensure_anchorable(&self, log: &AnchoredLog<'_>) -> Result<(), Error> {
        let quote = self.quote().await?;
        Fees::choose(&quote, &self.outbox()?.cap)?;
        self.ensure_provable().await?;
        match log.contract {
            Some(contract) => self.ensure_contract(contract, log).await,
            None => Ok(()),
        }
    }

    /// The newest block can be read as the proof of an anchor is.
    async fn ensure_provable(&self) -> Result<(), Error> {
        let lacks = |capability| Error::Unsupported { url: self.url().to_owned(), capability };
        match self.rpc.ask("eth_getTransactionReceipt", json!([B256::ZERO])).await? {
            Outcome::Result(_) => {}
            Outcome::Refused { .. } => return Err(lacks("eth_getTransactionReceipt")),
        }
        let newest: Value =
            self.rpc.request("eth_getBlockByNumber", json!(["latest", false])).await?;
        let hash: B256 = parse("block.hash", newest.get("hash").cloned().unwrap_or_default())?;
        let block = match self.rpc.ask("eth_getBlockByHash", json!([hash, true])).await? {
            Outcome::Result(block) => block,
            Outcome::Refused { .. } => return Err(lacks("eth_getBlockByHash")),
        };
        let foreign =
            "proving an anchor by the receipts of its block: its blocks hold what is unknown here";
        let block: Block = serde_json::from_value(block).map_err(|_| lacks(foreign))?;
        let Some(first) = block.transactions.hashes().next() else { return Ok(()) };
        match self.prove(block, first, Address::ZERO).await {
            Ok(_) => Ok(()),
            Err(Error::Malformed { .. } | Error::AnchorProof(_) | Error::HeaderHash { .. }) => {
                Err(lacks(foreign))
            }
            Err(error) => Err(error),
        }
    }

    /// The receipts of a block, in one answer where the node offers that, else one by one.
    async fn block_receipts(&self, block: &Block) -> Result<Vec<TransactionReceipt>, Error> {
        let method = "eth_getBlockReceipts";
        let params = json!([{"blockHash": block.header.hash}]);
        if let Outcome::Result(receipts @ Value::Array(_)) = self.rpc.ask(method, params).await? {
            return parse(method, receipts);
        }
        let hashes: Vec<B256> = block.transactions.hashes().collect();
        if hashes.len() > RECEIPTS_ONE_BY_ONE_MAX {
            return Err(Error::Unsupported { url: self.url().to_owned(), capability: method });
        }
        let mut receipts = Vec::with_capacity(hashes.len());
        for hash in hashes {
            let params = json!([hash]);
            receipts.push(self.rpc.request("eth_getTransactionReceipt", params).await?);
        }
        Ok(receipts)
    }

    /// The contract has the code that a `CheckpointAnchor` of this log and publisher has on every chain.
    async fn ensure_contract(&self, contract: Address, log: &AnchoredLog<'_>) -> Result<(), Error> {
        let made = code::make(log.origin_hash(), log.publisher).ok_or(Error::NoPublisher)?;
        let code: Bytes = self.rpc.request("eth_getCode", json!([contract, "latest"])).await?;
        let is_not = |what, expected: String, found: String| {
            Err(Error::NotTheAnchor(Box::new(NotTheAnchor { contract, what, expected, found })))
        };
        if code == made.code {
            return Ok(());
        }
        if code.is_empty() {
            return is_not("code", "a CheckpointAnchor".to_owned(), "none".to_owned());
        }
        if code.len() == made.code.len() {
            let origin = self.call(contract, CheckpointAnchor::originHashCall {}).await?;
            if origin != log.origin_hash() {
                let expected = format!("{:#x} ({})", log.origin_hash(), log.origin);
                return is_not("log", expected, format!("{origin:#x}"));
            }
            let publisher = self.call(contract, CheckpointAnchor::publisherCall {}).await?;
            if publisher != log.publisher {
                return is_not("publisher", log.publisher.to_string(), publisher.to_string());
            }
        }
        let hash = |code: &Bytes| format!("{:#x}", keccak256(code));
        is_not("code hash", hash(&made.code), hash(&code))
    }

    /// Waits until a transaction is as sure as is asked for that may not be in the journal.
    async fn settle(
        &self,
        transaction: TxSummary,
        until: Finality,
    ) -> Result<(TxSummary, Reached), Error> {
        let (start, patience) = (Instant::now(), self.outbox()?.patience);
        loop {
            let hash = transaction.hash;
            let Some(receipt) = self.receipt(hash).await? else {
                return Err(Error::LeftChain { hash });
            };
            let block_number: u64 = receipt.block_number.to();
            let reached = self.horizon().await?.of(block_number);
            if reached.is_enough_for(until)
                && self.block_hash(block_number).await? == Some(receipt.block_hash)
            {
                let (block_hash, gas_used) = (receipt.block_hash, receipt.gas_used.to());
                return Ok((TxSummary { hash, block_number, block_hash, gas_used }, reached));
            }
            if start.elapsed() > patience {
                let (wanted, waited_s) = (until, patience.as_secs());
                return Err(Error::NotSettled { hash, block_number, reached, wanted, waited_s });
            }
            tokio::time::sleep(SETTLE_PAUSE).await;
        }
    }

    /// The newest anchored checkpoint as (size, root); none before the first.
    ///
    /// # Errors
    /// As every read.
    pub async fn latest_anchor(&self, anchor: Address) -> Result<Option<(u64, [u8; 32])>, Error> {
        let latest = self.call(anchor, CheckpointAnchor::latestCall {}).await?;
        Ok((latest.size > 0).then_some((latest.size, latest.root.0)))
    }

    /// The transaction that anchored a checkpoint.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the chain has no such log.
    pub(crate) async fn find_anchor(
        &self,
        anchor: Address,
        size: u64,
        root: [u8; 32],
    ) -> Result<TxSummary, Error> {
        let last = self.block_number().await?;
        let filter = EventFilter {
            contract: anchor,
            topics: vec![
                Some(CheckpointAnchor::CheckpointAnchored::SIGNATURE_HASH),
                Some(size_topic(size)),
            ],
            except: Vec::new(),
            first: self.first_block_of(anchor, last).await?,
            last,
            most: EVENTS_MAX,
        };
        let events = self.events(&filter, &|_, _| {}).await?;
        let log = events.iter().find(|event| event.data.as_ref() == root.as_slice());
        let log = log.ok_or_else(|| {
            Error::malformed("eth_getLogs", format_args!("no anchor of size {size} was found"))
        })?;
        let hash = log.transaction_hash;
        let receipt: Receipt = self.rpc.request("eth_getTransactionReceipt", json!([hash])).await?;
        Ok(TxSummary {
            hash,
            block_number: receipt.block_number.to(),
            block_hash: receipt.block_hash,
            gas_used: receipt.gas_used.to(),
        })
    }

    /// Fetches the block of an anchoring transaction and builds the offline proof from it.
    ///
    /// # Errors
    /// [`Error::AnchorProof`] if the node's block does not hash to its own roots, for example because
    /// it has transaction kinds this crate does not know.
    pub async fn anchor_proof(
        &self,
        transaction: &TxSummary,
        anchor: Address,
    ) -> Result<AnchorProof, Error> {
        let hash = transaction.block_hash;
        let block: Value = self.rpc.request("eth_getBlockByHash", json!([hash, true])).await?;
        let block: Block = parse("eth_getBlockByHash", block)?;
        self.prove(block, transaction.hash, anchor).await
    }

    /// The proof of a transaction's event, from all of its block.
    async fn prove(
        &self,
        block: Block,
        transaction: B256,
        anchor: Address,
    ) -> Result<AnchorProof, Error> {
        let receipts = self.block_receipts(&block).await?;
        let encoded_receipts: Vec<Vec<u8>> = receipts
            .into_iter()
            .map(|receipt| receipt.inner.into_primitives_receipt().encoded_2718())
            .collect();
        let (claimed, computed) = (block.header.hash, block.header.inner.hash_slow());
        if claimed != computed {
            let number = block.header.inner.number;
            return Err(Error::HeaderHash { number, claimed, computed });
        }
        let mut index = None;
        let mut encoded_transactions = Vec::with_capacity(encoded_receipts.len());
        for (position, tx) in block.transactions.into_transactions().enumerate() {
            if *tx.inner.tx_hash() == transaction {
                index = Some(position);
            }
            encoded_transactions.push(tx.inner.encoded_2718());
        }
        let index = index.ok_or_else(|| {
            let reason = format_args!("transaction {transaction} is not in the block");
            Error::malformed("eth_getBlockByHash", reason)
        })?;
        AnchorProof::build(&AnchorParts {
            chain: self.chain_id(),
            contract: anchor,
            header: &block.header.inner,
            transactions: &encoded_transactions,
            receipts: &encoded_receipts,
            index,
        })
        .map_err(Error::AnchorProof)
    }
}

/// The call that anchors a checkpoint.
fn anchoring(contract: Address, size: u64, root: [u8; 32]) -> Act {
    Act::call(contract, &CheckpointAnchor::anchorCall { size, root: root.into() })
}

fn size_topic(size: u64) -> B256 {
    B256::from(alloy_primitives::U256::from(size))
}
