//! What a block's header says, checked as far as the header itself allows.

use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes};
use chaos_chain_config::HeaderFees;
use serde_json::Value;

use crate::{
    Error,
    json_rpc::{Quantity64, parse},
};

/// Fields of a JSON-RPC block that are not part of the hashed header.
const OUTSIDE: [&str; 8] = [
    "hash",
    "size",
    "totalDifficulty",
    "uncles",
    "transactions",
    "withdrawals",
    "author",
    "l1BlockNumber",
];
/// Fields of the hashed header that are understood, up to Osaka.
const INSIDE: [&str; 21] = [
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
];

/// A header's own figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderFacts {
    /// Height.
    pub number: u64,
    /// Hash, as the node gave it.
    pub hash: B256,
    /// Hash of the parent.
    pub parent_hash: B256,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Gas the block used.
    pub gas_used: u64,
    /// Most gas the block may use.
    pub gas_limit: u64,
    /// Base fee in wei per gas, from London on.
    pub base_fee_wei: Option<u64>,
    /// What an OP-stack block says of its fee rule in its extra data.
    pub fees: Option<HeaderFees>,
    /// Blob gas used, from Cancun on; on OP-stack chains the data footprint since Jovian.
    pub blob_gas_used: Option<u64>,
    /// Whether the hash was computed again from the header and agreed. Not so where the header has
    /// fields this program does not know.
    pub hash_recomputed: bool,
}

impl HeaderFacts {
    /// Reads a JSON-RPC block object and checks its hash where it can.
    ///
    /// # Errors
    /// [`Error::Malformed`] naming the field; [`Error::HeaderHash`] if the hash is not the header's.
    pub fn read(block: &Value, number: u64) -> Result<Self, Error> {
        let word = |name: &'static str| -> Result<u64, Error> {
            let Quantity64(value) = field(block, name)?;
            Ok(value)
        };
        let found = word("number")?;
        if found != number {
            let reason = format_args!("expected {number:#x}, found {found:#x}");
            return Err(Error::malformed("block.number", reason));
        }
        let is_there = |name: &str| block.get(name).is_some_and(|value| !value.is_null());
        let base_fee = is_there("baseFeePerGas");
        let extra: Option<Bytes> =
            if is_there("extraData") { Some(field(block, "extraData")?) } else { None };
        let fees = extra.and_then(|data| HeaderFees::decode(&data).ok());
        let blobs = is_there("blobGasUsed");
        let hash: B256 = field(block, "hash")?;
        let hash_recomputed = match recompute(block) {
            Some(computed) if computed != hash => {
                return Err(Error::HeaderHash { number, claimed: hash, computed });
            }
            Some(_) => true,
            None => false,
        };
        Ok(Self {
            number,
            hash,
            parent_hash: field(block, "parentHash")?,
            timestamp: word("timestamp")?,
            gas_used: word("gasUsed")?,
            gas_limit: word("gasLimit")?,
            base_fee_wei: if base_fee { Some(word("baseFeePerGas")?) } else { None },
            fees,
            blob_gas_used: if blobs { Some(word("blobGasUsed")?) } else { None },
            hash_recomputed,
        })
    }
}

fn field<T: serde::de::DeserializeOwned>(block: &Value, name: &'static str) -> Result<T, Error> {
    let value = block.get(name).cloned().unwrap_or_default();
    parse(&format!("block.{name}"), value)
}

/// The hash of the header, if all of it is understood.
fn recompute(block: &Value) -> Option<B256> {
    let mut fields = block.as_object()?.iter().filter(|(_, value)| !value.is_null());
    let known =
        fields.all(|(name, _)| OUTSIDE.contains(&name.as_str()) || INSIDE.contains(&name.as_str()));
    // The library reads these two as zero where they are absent.
    let is_there = |name| block.get(name).is_some_and(|value: &Value| !value.is_null());
    if !known || !is_there("mixHash") || !is_there("nonce") {
        return None;
    }
    let header: Header = serde_json::from_value(block.clone()).ok()?;
    Some(header.hash_slow())
}
