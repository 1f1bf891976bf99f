//! The recorded JSON as it is written. Unknown fields are ignored: nodes add new ones often.
//!
//! Every field a block may lack is optional here; `decode` decides which the block's fork needs.

use alloy_primitives::{Address, B64, B256, Bloom, Bytes};
use serde::Deserialize;

use super::quantity::{AccountNonce, Decimal64, Hex8, Hex64, Hex128, Hex256, UniqueMap};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recorded {
    pub(super) block: Option<Block>,
    pub(super) pre_state: Option<UniqueMap<Address, Account>>,
    pub(super) block_hashes: Option<UniqueMap<Decimal64, B256>>,
    pub(super) receipts: Option<Vec<Receipt>>,
    pub(super) hardfork: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Block {
    pub(super) number: Option<Hex64>,
    pub(super) hash: Option<B256>,
    pub(super) parent_hash: Option<B256>,
    pub(super) timestamp: Option<Hex64>,
    pub(super) miner: Option<Address>,
    pub(super) gas_limit: Option<Hex64>,
    pub(super) gas_used: Option<Hex64>,
    pub(super) base_fee_per_gas: Option<Hex64>,
    pub(super) difficulty: Option<Hex256>,
    pub(super) mix_hash: Option<B256>,
    pub(super) receipts_root: Option<B256>,
    pub(super) blob_gas_used: Option<Hex64>,
    pub(super) excess_blob_gas: Option<Hex64>,
    pub(super) parent_beacon_block_root: Option<B256>,
    pub(super) extra_data: Option<Bytes>,
    pub(super) size: Option<Hex64>,
    pub(super) sha3_uncles: Option<B256>,
    pub(super) state_root: Option<B256>,
    pub(super) transactions_root: Option<B256>,
    pub(super) logs_bloom: Option<Box<Bloom>>,
    pub(super) nonce: Option<B64>,
    pub(super) withdrawals_root: Option<B256>,
    pub(super) requests_hash: Option<B256>,
    pub(super) uncles: Option<Vec<B256>>,
    pub(super) transactions: Option<Vec<Transaction>>,
    pub(super) withdrawals: Option<Vec<Withdrawal>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Transaction {
    #[serde(rename = "type")]
    pub(super) kind: Option<Hex8>,
    pub(super) hash: Option<B256>,
    pub(super) from: Option<Address>,
    /// Null for a contract creation.
    pub(super) to: Option<Address>,
    pub(super) nonce: Option<Hex64>,
    pub(super) gas: Option<Hex64>,
    pub(super) value: Option<Hex256>,
    pub(super) input: Option<Bytes>,
    pub(super) chain_id: Option<Hex64>,
    pub(super) gas_price: Option<Hex128>,
    pub(super) max_fee_per_gas: Option<Hex128>,
    pub(super) max_priority_fee_per_gas: Option<Hex128>,
    pub(super) max_fee_per_blob_gas: Option<Hex128>,
    pub(super) access_list: Option<Vec<AccessListItem>>,
    pub(super) blob_versioned_hashes: Option<Vec<B256>>,
    pub(super) authorization_list: Option<Vec<Authorization>>,
    pub(super) mint: Option<Hex256>,
    pub(super) deposit_receipt_version: Option<Hex64>,
    pub(super) source_hash: Option<B256>,
    pub(super) is_system_tx: Option<bool>,
    pub(super) r: Option<Hex256>,
    pub(super) s: Option<Hex256>,
    pub(super) v: Option<Hex64>,
    pub(super) y_parity: Option<Hex64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccessListItem {
    pub(super) address: Address,
    pub(super) storage_keys: Vec<B256>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authorization {
    pub(super) chain_id: Hex256,
    pub(super) address: Address,
    pub(super) nonce: Hex64,
    pub(super) y_parity: Hex8,
    pub(super) r: Hex256,
    pub(super) s: Hex256,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Withdrawal {
    pub(super) address: Address,
    pub(super) amount: Hex64,
    pub(super) index: Option<Hex64>,
    pub(super) validator_index: Option<Hex64>,
}

/// `code_hash` is spelled so in the recorded files.
#[derive(Deserialize)]
pub(super) struct Account {
    pub(super) balance: Option<Hex256>,
    pub(super) nonce: Option<AccountNonce>,
    pub(super) code_hash: Option<B256>,
    pub(super) storage: Option<UniqueMap<Hex256, Hex256>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    pub(super) gas_used: Hex64,
    pub(super) status: Hex8,
    pub(super) effective_gas_price: Option<Hex128>,
    pub(super) logs: Option<u64>,
}
