//! Anchoring checkpoints and fetching what an offline proof of it needs.

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::{Block, TransactionReceipt};
use alloy_sol_types::SolEvent;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{EvmChain, Receipt, TxSummary, event};
use crate::{
    AnchorParts, AnchorProof, Error, Signer, contracts::checkpoint_anchor::CheckpointAnchor,
    json_rpc::parse,
};

/// A checkpoint that is anchored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchoredCheckpoint {
    /// Leaves in the log.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: [u8; 32],
    /// The transaction that anchored it.
    pub transaction: TxSummary,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundLog {
    transaction_hash: B256,
    data: alloy_primitives::Bytes,
}

impl EvmChain {
    /// Anchors a checkpoint. If the same checkpoint is the latest already, nothing is sent and the
    /// transaction that anchored it is returned, so this may be repeated after a crash.
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
        if self.latest_anchor(anchor).await? == Some((size, root)) {
            let transaction = self.find_anchor(anchor, size, root).await?;
            return Ok(AnchoredCheckpoint { size, root, transaction });
        }
        let call = CheckpointAnchor::anchorCall { size, root: root.into() };
        let mined = self.send_call(from, anchor, call).await?;
        let _: CheckpointAnchor::CheckpointAnchored = event(&mined, anchor)?;
        Ok(AnchoredCheckpoint { size, root, transaction: mined.summary })
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
        let filter = json!([{
            "address": anchor,
            "fromBlock": "earliest",
            "toBlock": "latest",
            "topics": [CheckpointAnchor::CheckpointAnchored::SIGNATURE_HASH, size_topic(size)],
        }]);
        let logs: Vec<FoundLog> = self.rpc.request("eth_getLogs", filter).await?;
        let log =
            logs.iter().find(|log| log.data.as_ref() == root.as_slice()).ok_or_else(|| {
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
        let receipts: Vec<Value> =
            self.rpc.request("eth_getBlockReceipts", json!([{"blockHash": hash}])).await?;
        let mut encoded_receipts = Vec::with_capacity(receipts.len());
        for receipt in receipts {
            let receipt: TransactionReceipt = parse("eth_getBlockReceipts", receipt)?;
            encoded_receipts.push(receipt.inner.into_primitives_receipt().encoded_2718());
        }
        let mut index = None;
        let mut encoded_transactions = Vec::with_capacity(encoded_receipts.len());
        for (position, tx) in block.transactions.into_transactions().enumerate() {
            if *tx.inner.tx_hash() == transaction.hash {
                index = Some(position);
            }
            encoded_transactions.push(tx.inner.encoded_2718());
        }
        let index = index.ok_or_else(|| {
            let reason = format_args!("transaction {} is not in the block", transaction.hash);
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

fn size_topic(size: u64) -> B256 {
    B256::from(alloy_primitives::U256::from(size))
}
