//! Headers and transaction envelopes of generated blocks.

use alloy_consensus::{
    Header as ConsensusHeader, SignableTransaction, TxEip1559, TxEip2930, TxEnvelope, TxLegacy,
    proofs::calculate_transaction_root,
};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B256, Bloom, Bytes, Signature, TxKind, U256, b256};
use alloy_trie::EMPTY_ROOT_HASH;
use revm::context::TxEnv;
use serde_json::{Value, json};

use super::{CHAIN_ID, demand::Wish};
use crate::{Header, Transaction, TransactionKind};

/// The hash of an empty list of uncles.
const NO_UNCLES: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");

/// The transaction that grants a wish, and its envelope.
///
/// Nobody signed it: the signature's `r` holds the sender's address and `s` is 1, so that hashes
/// of transactions from different senders differ. Replay takes the sender from `from`.
pub(super) fn transaction(wish: &Wish, nonce: u64) -> (Transaction, TxEnvelope) {
    let Wish { sender, to, value, gas_limit, fee_max, tip_max, type_byte, .. } = *wish;
    let (kind, input) = (TxKind::Call(to), wish.input.clone());
    let r = U256::from_be_slice(sender.as_slice());
    let signature = Signature::new(r, U256::ONE, false);
    let chain_id = CHAIN_ID;
    let access_list = alloy_eips::eip2930::AccessList::default();
    let envelope: TxEnvelope = match type_byte {
        0 => TxLegacy {
            chain_id: Some(chain_id),
            nonce,
            gas_price: fee_max,
            gas_limit,
            to: kind,
            value,
            input: input.clone(),
        }
        .into_signed(signature)
        .into(),
        1 => TxEip2930 {
            chain_id,
            nonce,
            gas_price: fee_max,
            gas_limit,
            to: kind,
            value,
            access_list,
            input: input.clone(),
        }
        .into_signed(signature)
        .into(),
        _ => TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: fee_max,
            max_priority_fee_per_gas: tip_max,
            to: kind,
            value,
            access_list,
            input: input.clone(),
        }
        .into_signed(signature)
        .into(),
    };
    let env = TxEnv {
        tx_type: type_byte,
        caller: sender,
        gas_limit,
        gas_price: fee_max,
        kind,
        value,
        data: input,
        nonce,
        chain_id: Some(chain_id),
        gas_priority_fee: (type_byte == 2).then_some(tip_max),
        ..TxEnv::default()
    };
    let transaction = Transaction {
        hash: *envelope.tx_hash(),
        kind: TransactionKind::Ordinary,
        env,
        signature: None,
    };
    (transaction, envelope)
}

/// A header in full, for its hash and for the fields that replay does not read.
pub(super) fn full_header(
    header: &Header,
    transactions: &[TxEnvelope],
    logs_bloom: Bloom,
) -> ConsensusHeader {
    ConsensusHeader {
        parent_hash: header.parent_hash,
        ommers_hash: NO_UNCLES,
        beneficiary: header.beneficiary,
        state_root: B256::ZERO,
        transactions_root: calculate_transaction_root(transactions),
        receipts_root: header.receipts_root,
        logs_bloom,
        number: header.number,
        gas_limit: header.gas_limit,
        gas_used: header.gas_used,
        timestamp: header.timestamp,
        extra_data: Bytes::from_static(b"generated load"),
        mix_hash: header.mix_hash.unwrap_or_default(),
        base_fee_per_gas: header.base_fee_per_gas,
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..ConsensusHeader::default()
    }
}

/// Adds to a recorded block what a node's JSON also holds, so that its hash can be recomputed.
pub(super) fn complete(block: &mut Value, full: &ConsensusHeader) {
    let fields = [
        ("sha3Uncles", json!(full.ommers_hash)),
        ("stateRoot", json!(full.state_root)),
        ("transactionsRoot", json!(full.transactions_root)),
        ("logsBloom", json!(full.logs_bloom)),
        ("extraData", json!(full.extra_data)),
        ("nonce", json!(full.nonce)),
        ("withdrawalsRoot", json!(full.withdrawals_root)),
        ("requestsHash", json!(full.requests_hash)),
        ("uncles", json!([])),
    ];
    for (name, value) in fields {
        block[name] = value;
    }
    for transaction in block["transactions"].as_array_mut().into_iter().flatten() {
        let sender: Option<Address> = transaction["from"].as_str().and_then(|s| s.parse().ok());
        let r = sender.map(|sender| U256::from_be_slice(sender.as_slice()));
        transaction["r"] = json!(r);
        transaction["s"] = json!("0x1");
        transaction["yParity"] = json!("0x0");
    }
}
