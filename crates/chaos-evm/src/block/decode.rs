//! From bytes to a checked block.

use std::{
    borrow::Cow,
    io::{self, Read},
};

use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{B256, KECCAK256_EMPTY, TxKind};
use chaos_types::Digest;
use flate2::read::MultiGzDecoder;
use revm::{
    context::{TxEnv, either::Either},
    primitives::hardfork::SpecId,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Block, Commitments, DecodeError, Deposit, Header, RecordedAccount, RecordedBlock,
    RecordedReceipt, RecordedSignature, Transaction, TransactionKind, Withdrawal, body,
    foreign::foreign_field, quantity::Hex64, wire,
};
use crate::{
    encode,
    fork::{self, ForkRules, Hardfork, Under},
};

/// Largest recorded block accepted, in bytes after decompression.
pub const BLOCK_BYTES_MAX: usize = 256 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const HASH: &str = "32 bytes in hexadecimal";
const ADDRESS: &str = "an address";
const QUANTITY: &str = "a 0x-prefixed hexadecimal quantity";

/// The type byte of an OP-stack deposit.
pub(crate) const DEPOSIT_TYPE: u8 = 0x7e;

/// Undoes gzip if the bytes are gzipped, reading at most `limit_bytes`.
pub(crate) fn decompress(bytes: &[u8], limit_bytes: usize) -> Result<Cow<'_, [u8]>, DecodeError> {
    let too_large = DecodeError::TooLarge { limit_bytes };
    if !is_gzip(bytes) {
        return if bytes.len() > limit_bytes { Err(too_large) } else { Ok(Cow::Borrowed(bytes)) };
    }
    gunzip(bytes, limit_bytes)
        .map_err(|source| DecodeError::Gzip { source })?
        .map_or(Err(too_large), |plain| Ok(Cow::Owned(plain)))
}

/// Whether the bytes begin like a gzip stream.
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP_MAGIC)
}

/// Undoes gzip, or `None` if there are more than `limit_bytes`.
pub(crate) fn gunzip(bytes: &[u8], limit_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes).take(limit_bytes as u64 + 1).read_to_end(&mut plain)?;
    Ok((plain.len() <= limit_bytes).then_some(plain))
}

/// Reads a value, naming the path of the first bad field.
pub(crate) fn typed<T: DeserializeOwned>(json: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(json).map_err(|source| {
        if !source.is_data() {
            return DecodeError::Json { source };
        }
        // Following the path costs time, so it is done only when there is something to report.
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Ok(_) => DecodeError::Json { source },
            Err(error) => DecodeError::Field {
                block: peek_number(json),
                path: error.path().to_string(),
                source: error.into_inner(),
            },
        }
    })
}

/// The block number of a file that is otherwise wrong, if it can be read.
fn peek_number(json: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Outer {
        block: Option<Inner>,
        number: Option<Hex64>,
    }
    #[derive(Deserialize)]
    struct Inner {
        number: Option<Hex64>,
    }
    let outer: Outer = serde_json::from_slice(json).ok()?;
    outer.block.and_then(|block| block.number).or(outer.number).map(|number| number.0)
}

pub(super) fn recorded_block(
    bytes: &[u8],
    expected_chain: Option<u64>,
    asked: Option<Under>,
) -> Result<RecordedBlock, DecodeError> {
    let json = decompress(bytes, BLOCK_BYTES_MAX)?;
    let wire: wire::Recorded = typed(&json)?;
    let at = At { block: None, path: String::new() };
    let wire_block = at.need(wire.block, "block", "a block object")?;
    let number = wire_block.number.map(|number| number.0);
    let named = match wire.hardfork.as_deref().map(str::parse::<Hardfork>).transpose() {
        Ok(named) => named,
        Err(source) => return Err(DecodeError::Hardfork { block: number, source }),
    };
    let expected = Expected { chain: expected_chain, under: asked, named };
    let block = block(wire_block, &expected, || foreign_field(&json, true))?;
    // A name that came with the command line is part of what is named by the digest.
    let digest = match block.hardfork {
        Some(hardfork) if named.is_none() => Digest::of(&with_hardfork(&json, hardfork)?),
        _ => Digest::of(&json),
    };

    let at = At { block: Some(block.header.number), path: String::new() };
    let pre_state = at
        .need(wire.pre_state, "preState", "an object of accounts by address")?
        .0
        .into_iter()
        .map(|(address, account)| {
            let at = At { block: at.block, path: format!("preState.{address:#x}.") };
            Ok((address, recorded_account(account, &at)?))
        })
        .collect::<Result<_, _>>()?;
    let block_hashes = at
        .need(wire.block_hashes, "blockHashes", "an object of hashes by block number")?
        .0
        .into_iter()
        .map(|(number, hash)| (number.0, hash))
        .collect();
    let receipts = wire.receipts.map(|receipts| receipts.iter().map(recorded_receipt).collect());
    Ok(RecordedBlock { block, pre_state, block_hashes, receipts, digest })
}

/// A recorded block's text with a hard fork named in it.
pub(crate) fn with_hardfork(json: &[u8], hardfork: Hardfork) -> Result<Vec<u8>, DecodeError> {
    let mut value: Value =
        serde_json::from_slice(json).map_err(|source| DecodeError::Json { source })?;
    value["hardfork"] = hardfork.name().into();
    Ok(encode::to_bytes(&value))
}

pub(super) fn rpc_block(
    json: &[u8],
    expected_chain: Option<u64>,
    under: Option<Under>,
) -> Result<Block, DecodeError> {
    if json.len() > BLOCK_BYTES_MAX {
        return Err(DecodeError::TooLarge { limit_bytes: BLOCK_BYTES_MAX });
    }
    let wire = typed(json).map_err(|error| match error {
        DecodeError::Field { block, path, source } => {
            DecodeError::Field { block, path: format!("block.{path}"), source }
        }
        other => other,
    })?;
    let expected = Expected { chain: expected_chain, under, named: None };
    block(wire, &expected, || foreign_field(json, false))
}

/// What the reader knows of a block before reading it.
struct Expected {
    chain: Option<u64>,
    /// What the command line names.
    under: Option<Under>,
    /// What the file names.
    named: Option<Hardfork>,
}

/// Where in the document we are, for messages.
struct At {
    block: Option<u64>,
    path: String,
}

impl At {
    fn need<T>(
        &self,
        value: Option<T>,
        name: &str,
        expected: &'static str,
    ) -> Result<T, DecodeError> {
        value.ok_or_else(|| DecodeError::Missing {
            block: self.block,
            path: format!("{}{name}", self.path),
            expected,
        })
    }

    /// Needs the field only if `wanted`.
    fn need_if<T>(
        &self,
        wanted: bool,
        value: Option<T>,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, DecodeError> {
        if wanted { self.need(value, name, expected).map(Some) } else { Ok(value) }
    }
}

fn block(
    mut wire: wire::Block,
    expected: &Expected,
    foreign: impl FnOnce() -> Option<String>,
) -> Result<Block, DecodeError> {
    let at = At { block: wire.number.map(|number| number.0), path: "block.".to_owned() };
    let number = at.need(wire.number, "number", QUANTITY)?.0;
    let timestamp = at.need(wire.timestamp, "timestamp", QUANTITY)?.0;
    let transactions =
        at.need(wire.transactions.take(), "transactions", "an array of full transactions")?;
    let of_config = expected.under.and_then(Under::chain_id);
    let chain_id = chain_of(&transactions, number, expected.chain.or(of_config))?;
    let (hardfork, rules) = rules_of(chain_id, number, timestamp, expected)?;
    let withdrawals = withdrawals(&mut wire, rules, &at)?;
    let header = header(&wire, number, timestamp, rules, &at)?;
    let is_bound = header.commitments.transactions_root.is_some();
    let transactions = transactions
        .into_iter()
        .enumerate()
        .map(|(index, wire)| {
            let path = format!("block.transactions[{index}].");
            transaction(wire, rules, is_bound, &At { block: at.block, path })
        })
        .collect::<Result<_, _>>()?;
    let unbound = Vec::new();
    let mut block = Block { chain_id, rules, header, transactions, withdrawals, hardfork, unbound };
    block.unbound = body::bind(&block, foreign)?;
    Ok(block)
}

/// The rules of a block, and its hard fork if somebody named one.
fn rules_of(
    chain_id: u64,
    number: u64,
    timestamp: u64,
    expected: &Expected,
) -> Result<(Option<Hardfork>, ForkRules), DecodeError> {
    let unknown = |source| DecodeError::UnknownChain { block: number, source };
    let Some(under) = expected.under else {
        return match expected.named {
            Some(named) => Ok((Some(named), fork::rules_under(chain_id, named))),
            None => fork::rules(chain_id, number, timestamp).map(|r| (None, r)).map_err(unknown),
        };
    };
    if let Some(expected) = under.chain_id()
        && expected != chain_id
    {
        return Err(DecodeError::WrongChain { block: number, expected, found: chain_id });
    }
    let (hardfork, rules) = under
        .of_block(chain_id, number, timestamp)
        .ok_or(fork::UnknownChain { chain_id })
        .map_err(unknown)?;
    match expected.named {
        Some(found) if found != hardfork => {
            Err(DecodeError::OtherHardfork { block: Some(number), expected: hardfork, found })
        }
        _ => Ok((Some(hardfork), rules)),
    }
}

/// The withdrawals; none where the fork has none, or where the header says that there are none.
fn withdrawals(
    wire: &mut wire::Block,
    rules: ForkRules,
    at: &At,
) -> Result<Vec<Withdrawal>, DecodeError> {
    let is_needed = rules.has(SpecId::SHANGHAI)
        && rules.has_consensus_fields()
        && wire.withdrawals_root != Some(alloy_trie::EMPTY_ROOT_HASH);
    let list =
        at.need_if(is_needed, wire.withdrawals.take(), "withdrawals", "an array of withdrawals")?;
    let numbers = |w: &wire::Withdrawal| {
        w.index.zip(w.validator_index).map(|(index, validator)| (index.0, validator.0))
    };
    let list = list.unwrap_or_default();
    let withdrawal = |w: &wire::Withdrawal| Withdrawal {
        address: w.address,
        amount_gwei: w.amount.0,
        numbers: numbers(w),
    };
    Ok(list.iter().map(withdrawal).collect())
}

/// The chain that the transactions name, or the expected one, or Ethereum mainnet.
fn chain_of(
    transactions: &[wire::Transaction],
    block: u64,
    expected_chain: Option<u64>,
) -> Result<u64, DecodeError> {
    let mut named: Option<u64> = None;
    for (index, transaction) in transactions.iter().enumerate() {
        let Some(Hex64(found)) = transaction.chain_id else { continue };
        match named {
            Some(expected) if expected != found => {
                return Err(DecodeError::ChainsDisagree { block, index, expected, found });
            }
            _ => named = Some(found),
        }
    }
    match (named, expected_chain) {
        (Some(found), Some(expected)) if found != expected => {
            Err(DecodeError::WrongChain { block, expected, found })
        }
        (named, expected) => Ok(named.or(expected).unwrap_or(fork::ETHEREUM)),
    }
}

fn header(
    wire: &wire::Block,
    number: u64,
    timestamp: u64,
    rules: ForkRules,
    at: &At,
) -> Result<Header, DecodeError> {
    let london = rules.has(SpecId::LONDON);
    let cancun = rules.has(SpecId::CANCUN) && rules.has_consensus_fields();
    let quantity = |wanted, value: Option<Hex64>, name| {
        Ok::<_, DecodeError>(at.need_if(wanted, value, name, QUANTITY)?.map(|v| v.0))
    };
    Ok(Header {
        number,
        hash: wire.hash,
        parent_hash: at.need(wire.parent_hash, "parentHash", HASH)?,
        timestamp,
        beneficiary: at.need(wire.miner, "miner", ADDRESS)?,
        gas_limit: at.need(wire.gas_limit, "gasLimit", QUANTITY)?.0,
        gas_used: at.need(wire.gas_used, "gasUsed", QUANTITY)?.0,
        base_fee_per_gas: quantity(london, wire.base_fee_per_gas, "baseFeePerGas")?,
        difficulty: at.need(wire.difficulty, "difficulty", QUANTITY)?.0,
        mix_hash: at.need_if(rules.has(SpecId::MERGE), wire.mix_hash, "mixHash", HASH)?,
        receipts_root: at.need(wire.receipts_root, "receiptsRoot", HASH)?,
        blob_gas_used: quantity(cancun, wire.blob_gas_used, "blobGasUsed")?,
        excess_blob_gas: quantity(cancun, wire.excess_blob_gas, "excessBlobGas")?,
        parent_beacon_block_root: at.need_if(
            cancun,
            wire.parent_beacon_block_root,
            "parentBeaconBlockRoot",
            HASH,
        )?,
        extra_data: wire.extra_data.clone(),
        size_bytes: wire.size.map(|size| size.0),
        uncles: wire.uncles.clone().unwrap_or_default(),
        commitments: Commitments {
            ommers_hash: wire.sha3_uncles,
            state_root: wire.state_root,
            transactions_root: wire.transactions_root,
            logs_bloom: wire.logs_bloom.as_deref().copied(),
            nonce: wire.nonce,
            withdrawals_root: wire.withdrawals_root,
            requests_hash: wire.requests_hash,
        },
    })
}

/// The type of a transaction that does not name it. Older nodes know one type and leave it out: what
/// has a gas price, no fee cap and no list is legacy. Of the later types the fields tell as much, which
/// is believed only where the hash of the transaction is computed again.
fn type_of(wire: &wire::Transaction, is_bound: bool) -> Option<u8> {
    if let Some(kind) = wire.kind {
        return Some(kind.0);
    }
    let later = [
        (4, wire.authorization_list.is_some()),
        (3, wire.blob_versioned_hashes.is_some() || wire.max_fee_per_blob_gas.is_some()),
        (2, wire.max_fee_per_gas.is_some()),
        (1, wire.access_list.is_some()),
    ];
    match later.into_iter().find(|(_, is_so)| *is_so) {
        Some((kind, _)) => is_bound.then_some(kind),
        None => wire.gas_price.map(|_| 0),
    }
}

fn transaction(
    wire: wire::Transaction,
    rules: ForkRules,
    is_bound: bool,
    at: &At,
) -> Result<Transaction, DecodeError> {
    let tx_type = at.need(type_of(&wire, is_bound), "type", QUANTITY)?;
    let hash = at.need(wire.hash, "hash", HASH)?;
    let caller = at.need(wire.from, "from", ADDRESS)?;
    let deposit = tx_type == DEPOSIT_TYPE && rules.family == fork::Family::OpStack;
    if tx_type > 4 && !deposit {
        let env = TxEnv { tx_type, caller, ..TxEnv::default() };
        return Ok(Transaction { hash, kind: TransactionKind::Unsupported, env, signature: None });
    }

    let signature = signature(&wire, tx_type);
    // Type 3 and 4 transactions cannot create a contract; only for them must `to` be present.
    let to = at.need_if((3..=4).contains(&tx_type), wire.to, "to", ADDRESS)?;
    let kind = to.map_or(TxKind::Create, TxKind::Call);
    let mut env = TxEnv {
        tx_type,
        caller,
        gas_limit: at.need(wire.gas, "gas", QUANTITY)?.0,
        kind,
        value: at.need(wire.value, "value", QUANTITY)?.0,
        data: at.need(wire.input, "input", "bytes in hexadecimal")?,
        chain_id: None,
        ..TxEnv::default()
    };
    if deposit {
        // The EVM runs it as a legacy transaction that pays nothing.
        env.tx_type = 0;
        env.gas_price = 0;
        env.nonce = wire.nonce.map_or(0, |nonce| nonce.0);
        let deposit = Deposit {
            mint_wei: wire.mint.map_or_else(Default::default, |mint| mint.0),
            receipt_version: wire.deposit_receipt_version.map(|version| version.0),
            source_hash: wire.source_hash,
            is_system: wire.is_system_tx.unwrap_or(false),
        };
        return Ok(Transaction {
            hash,
            kind: TransactionKind::Deposit(deposit),
            env,
            signature: None,
        });
    }

    env.nonce = at.need(wire.nonce, "nonce", QUANTITY)?.0;
    env.chain_id = at.need_if(tx_type > 0, wire.chain_id, "chainId", QUANTITY)?.map(|id| id.0);
    if tx_type >= 2 {
        env.gas_price = at.need(wire.max_fee_per_gas, "maxFeePerGas", QUANTITY)?.0;
        let priority = at.need(wire.max_priority_fee_per_gas, "maxPriorityFeePerGas", QUANTITY)?;
        env.gas_priority_fee = Some(priority.0);
    } else {
        env.gas_price = at.need(wire.gas_price, "gasPrice", QUANTITY)?.0;
    }
    let list = at.need_if(tx_type > 0, wire.access_list, "accessList", "an access list")?;
    env.access_list = AccessList(list.unwrap_or_default().into_iter().map(access).collect());
    if tx_type == 3 {
        env.max_fee_per_blob_gas =
            at.need(wire.max_fee_per_blob_gas, "maxFeePerBlobGas", QUANTITY)?.0;
        env.blob_hashes =
            at.need(wire.blob_versioned_hashes, "blobVersionedHashes", "an array of hashes")?;
    }
    if tx_type == 4 {
        let list =
            at.need(wire.authorization_list, "authorizationList", "an array of authorizations")?;
        env.authorization_list = list.iter().map(|a| Either::Left(authorization(a))).collect();
    }
    Ok(Transaction { hash, kind: TransactionKind::Ordinary, env, signature })
}

/// The signature, if all of it is there. Older nodes give `v` alone, newer ones the parity too.
fn signature(wire: &wire::Transaction, tx_type: u8) -> Option<RecordedSignature> {
    let parity = wire.y_parity.map(|parity| parity.0);
    let v = match (wire.v, wire.chain_id) {
        (Some(v), _) => v.0,
        (None, _) if tx_type > 0 => parity?,
        (None, None) => parity?.saturating_add(27),
        (None, Some(chain)) => chain.0.saturating_mul(2).saturating_add(parity?).saturating_add(35),
    };
    Some(RecordedSignature { r: wire.r?.0, s: wire.s?.0, v })
}

fn access(item: wire::AccessListItem) -> AccessListItem {
    AccessListItem { address: item.address, storage_keys: item.storage_keys }
}

fn authorization(wire: &wire::Authorization) -> SignedAuthorization {
    let inner =
        Authorization { chain_id: wire.chain_id.0, address: wire.address, nonce: wire.nonce.0 };
    SignedAuthorization::new_unchecked(inner, wire.y_parity.0, wire.r.0, wire.s.0)
}

fn recorded_account(wire: wire::Account, at: &At) -> Result<RecordedAccount, DecodeError> {
    let code_hash = match wire.code_hash {
        None | Some(B256::ZERO) => KECCAK256_EMPTY,
        Some(hash) => hash,
    };
    let storage = at.need(wire.storage, "storage", "an object of values by slot")?;
    Ok(RecordedAccount {
        balance: at.need(wire.balance, "balance", QUANTITY)?.0,
        nonce: at.need(wire.nonce, "nonce", "an integer")?.0,
        code_hash,
        storage: storage.0.into_iter().map(|(slot, value)| (slot.0, value.0)).collect(),
    })
}

fn recorded_receipt(wire: &wire::Receipt) -> RecordedReceipt {
    RecordedReceipt {
        gas_used: wire.gas_used.0,
        success: wire.status.0 != 0,
        effective_gas_price: wire.effective_gas_price.map(|price| price.0),
        logs_count: wire.logs,
    }
}
