//! Fields of a header that are not known here.

use serde_json::Value;

/// Fields of a JSON-RPC block that are not part of its header or hold the header's hash.
const OUTSIDE: [&str; 9] = [
    "hash",
    "size",
    "totalDifficulty",
    "uncles",
    "transactions",
    "withdrawals",
    "author",
    "l1BlockNumber",
    "sealFields",
];
/// Fields of a header that are known, up to Osaka.
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

/// The first field of a header that is not known, for a header that has another hash than it should.
pub(super) fn foreign_field(json: &[u8], is_recorded: bool) -> Option<String> {
    let value: Value = serde_json::from_slice(json).ok()?;
    let block = if is_recorded { value.get("block")? } else { &value };
    let fields = block.as_object()?.iter().filter(|(_, value)| !value.is_null());
    let mut names = fields.map(|(name, _)| name.as_str());
    names.find(|name| !INSIDE.contains(name) && !OUTSIDE.contains(name)).map(str::to_owned)
}
