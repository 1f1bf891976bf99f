//! A recorded block back as JSON, in the form that [`RecordedBlock::decode`] reads.

use alloy_primitives::{Address, TxKind, U64, U128};
use revm::context::either::Either;
use serde_json::{Map, Value, json};

use crate::block::{
    Block, Header, RecordedAccount, RecordedBlock, RecordedReceipt, RecordedSignature, Transaction,
    TransactionKind,
};

impl RecordedBlock {
    /// Writes the block as JSON. Decoding the result gives an equal block, except that
    /// [`RecordedBlock::digest`] names the bytes decoded.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        to_bytes(&to_value(self))
    }
}

/// JSON text of a value.
pub(crate) fn to_bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("a JSON value has string keys and writes to memory")
}

/// The recorded form of a block as a JSON value.
pub(crate) fn to_value(recorded: &RecordedBlock) -> Value {
    let pre_state: Map<String, Value> = recorded
        .pre_state
        .iter()
        .map(|(address, account)| (format!("{address:#x}"), account_value(account)))
        .collect();
    let block_hashes: Map<String, Value> = recorded
        .block_hashes
        .iter()
        .map(|(number, hash)| (number.to_string(), json!(hash)))
        .collect();
    let mut value = json!({
        "block": block_value(&recorded.block),
        "preState": pre_state,
        "blockHashes": block_hashes,
    });
    if let Some(hardfork) = recorded.block.hardfork {
        value["hardfork"] = json!(hardfork.name());
    }
    if let Some(receipts) = &recorded.receipts {
        value["receipts"] = receipts.iter().map(receipt_value).collect();
    }
    value
}

fn hex64(number: u64) -> Value {
    json!(U64::from(number))
}

fn hex128(number: u128) -> Value {
    json!(U128::from(number))
}

fn block_value(block: &Block) -> Value {
    let Header { number, timestamp, gas_limit, gas_used, .. } = block.header;
    let header = &block.header;
    let mut value = json!({
        "number": hex64(number),
        "parentHash": header.parent_hash,
        "timestamp": hex64(timestamp),
        "miner": header.beneficiary,
        "gasLimit": hex64(gas_limit),
        "gasUsed": hex64(gas_used),
        "difficulty": header.difficulty,
    });
    let committed = &header.commitments;
    let is_without_uncles = header.uncles.is_empty()
        && committed.ommers_hash == Some(alloy_consensus::EMPTY_OMMER_ROOT_HASH);
    let optional = [
        ("mixHash", header.mix_hash.map(|hash| json!(hash))),
        ("receiptsRoot", Some(json!(header.receipts_root))),
        ("hash", header.hash.map(|hash| json!(hash))),
        ("baseFeePerGas", header.base_fee_per_gas.map(hex64)),
        ("blobGasUsed", header.blob_gas_used.map(hex64)),
        ("excessBlobGas", header.excess_blob_gas.map(hex64)),
        ("parentBeaconBlockRoot", header.parent_beacon_block_root.map(|root| json!(root))),
        ("extraData", header.extra_data.as_ref().map(|data| json!(data))),
        ("size", header.size_bytes.map(hex64)),
        ("sha3Uncles", committed.ommers_hash.map(|hash| json!(hash))),
        ("stateRoot", committed.state_root.map(|root| json!(root))),
        ("transactionsRoot", committed.transactions_root.map(|root| json!(root))),
        ("logsBloom", committed.logs_bloom.map(|bloom| json!(bloom))),
        ("nonce", committed.nonce.map(|nonce| json!(nonce))),
        ("withdrawalsRoot", committed.withdrawals_root.map(|root| json!(root))),
        ("requestsHash", committed.requests_hash.map(|hash| json!(hash))),
    ];
    for (name, field) in optional {
        if let Some(field) = field {
            value[name] = field;
        }
    }
    if !header.uncles.is_empty() || is_without_uncles {
        value["uncles"] = json!(header.uncles);
    }
    let base_fee = header.base_fee_per_gas.unwrap_or(0);
    value["transactions"] =
        block.transactions.iter().map(|t| transaction_value(t, base_fee)).collect();
    value["withdrawals"] = block
        .withdrawals
        .iter()
        .map(|w| {
            let mut value = json!({"address": w.address, "amount": hex64(w.amount_gwei)});
            if let Some((index, validator)) = w.numbers {
                value["index"] = hex64(index);
                value["validatorIndex"] = hex64(validator);
            }
            value
        })
        .collect();
    value
}

fn transaction_value(transaction: &Transaction, base_fee: u64) -> Value {
    let env = &transaction.env;
    let to: Option<Address> = match env.kind {
        TxKind::Call(to) => Some(to),
        TxKind::Create => None,
    };
    let type_byte = transaction.type_byte();
    let mut value = json!({
        "type": hex64(type_byte.into()),
        "hash": transaction.hash,
        "from": env.caller,
        "to": to,
        "nonce": hex64(env.nonce),
        "gas": hex64(env.gas_limit),
        "value": env.value,
        "input": env.data,
        "gasPrice": hex128(transaction.effective_gas_price(base_fee)),
    });
    if let Some(chain_id) = env.chain_id {
        value["chainId"] = hex64(chain_id);
    }
    if let Some(RecordedSignature { r, s, v }) = transaction.signature {
        value["r"] = json!(r);
        value["s"] = json!(s);
        value["v"] = hex64(v);
    }
    if let TransactionKind::Deposit(deposit) = transaction.kind {
        value["mint"] = json!(deposit.mint_wei);
        if let Some(version) = deposit.receipt_version {
            value["depositReceiptVersion"] = hex64(version);
        }
        if let Some(hash) = deposit.source_hash {
            value["sourceHash"] = json!(hash);
        }
        if deposit.is_system {
            value["isSystemTx"] = json!(true);
        }
        return value;
    }
    if type_byte >= 1 {
        let items = env.access_list.iter();
        value["accessList"] = items
            .map(|item| json!({"address": item.address, "storageKeys": item.storage_keys}))
            .collect();
    }
    if let Some(priority) = env.gas_priority_fee {
        value["maxFeePerGas"] = hex128(env.gas_price);
        value["maxPriorityFeePerGas"] = hex128(priority);
    }
    if type_byte == 3 {
        value["maxFeePerBlobGas"] = hex128(env.max_fee_per_blob_gas);
        value["blobVersionedHashes"] = json!(env.blob_hashes);
    }
    if type_byte == 4 {
        // A recovered authorization has lost its signature and cannot be written; decoding never
        // makes one.
        let signed =
            env.authorization_list.iter().filter_map(|authorization| match authorization {
                Either::Left(signed) => Some(signed),
                Either::Right(_) => None,
            });
        value["authorizationList"] = signed
            .map(|a| {
                json!({
                    "chainId": a.chain_id, "address": a.address, "nonce": hex64(a.nonce),
                    "yParity": hex64(a.y_parity().into()), "r": a.r(), "s": a.s(),
                })
            })
            .collect();
    }
    value
}

fn account_value(account: &RecordedAccount) -> Value {
    let storage: Map<String, Value> =
        account.storage.iter().map(|(slot, value)| (format!("{slot:#x}"), json!(value))).collect();
    let mut value = json!({"balance": account.balance, "nonce": account.nonce, "storage": storage});
    if account.code_hash != alloy_primitives::KECCAK256_EMPTY {
        value["code_hash"] = json!(account.code_hash);
    }
    value
}

fn receipt_value(receipt: &RecordedReceipt) -> Value {
    let mut value = json!({
        "gasUsed": hex64(receipt.gas_used),
        "status": hex64(receipt.success.into()),
    });
    if let Some(price) = receipt.effective_gas_price {
        value["effectiveGasPrice"] = hex128(price);
    }
    if let Some(count) = receipt.logs_count {
        value["logs"] = json!(count);
    }
    value
}
