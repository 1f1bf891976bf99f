//! The size of an encoded block, from lengths alone.

use alloy_primitives::{Bytes, TxKind};
use alloy_rlp::{Encodable, length_of_length};
use revm::{
    context::{TxEnv, either::Either},
    primitives::hardfork::SpecId,
};

use crate::block::{Block, RecordedSignature, Transaction, TransactionKind, Withdrawal};

/// Bytes of an encoded hash, address, header bloom and header nonce.
const HASH: usize = 33;
const ADDRESS: usize = 21;
const BLOOM: usize = 259;
const NONCE: usize = 9;

/// Bytes of the block in RLP, as `eth_getBlockByNumber` gives them in `size`. `None` where the
/// recording lacks a part: extra data, signatures, or the headers of uncles.
pub(super) fn block_bytes(block: &Block) -> Option<u64> {
    if !block.header.uncles.is_empty() {
        return None;
    }
    let mut payload = header_length(block)?;
    let mut transactions = 0;
    for transaction in &block.transactions {
        transactions += transaction_length(transaction)?;
    }
    payload += list(transactions);
    payload += list(0);
    if block.rules.has(SpecId::SHANGHAI) {
        payload += list(withdrawals_length(block)?);
    }
    u64::try_from(list(payload)).ok()
}

/// Bytes of a list whose items take `payload` bytes.
const fn list(payload: usize) -> usize {
    payload + length_of_length(payload)
}

fn header_length(block: &Block) -> Option<usize> {
    let header = &block.header;
    let extra_data: &Bytes = header.extra_data.as_ref()?;
    // Hashes of parent, uncles, state, transactions, receipts, and the mix hash.
    let mut payload = 6 * HASH + ADDRESS + BLOOM + NONCE;
    payload += header.difficulty.length() + header.number.length() + header.gas_limit.length();
    payload += header.gas_used.length() + header.timestamp.length() + extra_data.length();
    payload += header.base_fee_per_gas.map_or(0, |fee| fee.length());
    if block.rules.has(SpecId::SHANGHAI) {
        payload += HASH;
    }
    if block.rules.has(SpecId::CANCUN) {
        payload += header.blob_gas_used?.length() + header.excess_blob_gas?.length() + HASH;
    }
    if block.rules.has(SpecId::PRAGUE) {
        payload += HASH;
    }
    Some(list(payload))
}

fn withdrawals_length(block: &Block) -> Option<usize> {
    let one = |withdrawal: &Withdrawal| {
        let (index, validator) = withdrawal.numbers?;
        let numbers = index.length() + validator.length();
        Some(list(numbers + ADDRESS + withdrawal.amount_gwei.length()))
    };
    block.withdrawals.iter().map(one).sum()
}

fn transaction_length(transaction: &Transaction) -> Option<usize> {
    let env = &transaction.env;
    let common = env.gas_limit.length() + to_length(env) + env.value.length() + env.data.length();
    let payload = match transaction.kind {
        TransactionKind::Unsupported => return None,
        TransactionKind::Deposit(deposit) => {
            // Source hash, sender, and whether it is a system transaction.
            HASH + ADDRESS + 1 + deposit.mint_wei.length() + common
        }
        TransactionKind::Ordinary => {
            let RecordedSignature { r, s, v } = transaction.signature?;
            let signature = r.length() + s.length() + v.length();
            let payload = common + env.nonce.length() + env.gas_price.length() + signature;
            if env.tx_type == 0 {
                return Some(list(payload));
            }
            payload + env.chain_id?.length() + typed_length(env)
        }
    };
    // An envelope is a string: its type, and the list.
    let envelope = 1 + list(payload);
    Some(envelope + length_of_length(envelope))
}

const fn to_length(env: &TxEnv) -> usize {
    match env.kind {
        TxKind::Call(_) => ADDRESS,
        TxKind::Create => 1,
    }
}

/// What typed transactions have beside the fields of a legacy one.
fn typed_length(env: &TxEnv) -> usize {
    let items = env.access_list.iter();
    let access: usize =
        items.map(|item| list(ADDRESS + list(item.storage_keys.len() * HASH))).sum();
    let mut length = list(access);
    length += env.gas_priority_fee.map_or(0, |fee| fee.length());
    if env.tx_type == 3 {
        length += env.max_fee_per_blob_gas.length() + list(env.blob_hashes.len() * HASH);
    }
    if env.tx_type == 4 {
        let signed = env.authorization_list.iter().map(|authorization| match authorization {
            Either::Left(signed) => signed.length(),
            Either::Right(_) => 0,
        });
        length += list(signed.sum());
    }
    length
}
