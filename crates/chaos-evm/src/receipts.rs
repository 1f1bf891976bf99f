//! The receipts root of a replayed block, compared with the header's.

use alloy_primitives::{
    B256, Bloom, Log, keccak256,
    map::{AddressMap, B256Map},
};
use alloy_rlp::{Encodable, Header};
use alloy_trie::root::ordered_trie_root_with_encoder;

use crate::block::decode::DEPOSIT_TYPE;

/// How the receipts root of a replay compares with the header's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptsRoot {
    /// They are equal: every status, gas figure and log of the block is as the chain had it.
    Match,
    /// They differ.
    Mismatch {
        /// The header's.
        header: B256,
        /// The replay's.
        computed: B256,
    },
    /// They cannot be compared: receipts before Byzantium hold state roots, and a block with
    /// skipped transactions has too few receipts.
    NotComparable,
    /// It was left out, for speed.
    NotComputed,
}

impl ReceiptsRoot {
    /// The word used in machine-readable output.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Mismatch { .. } => "mismatch",
            Self::NotComparable => "not_comparable",
            Self::NotComputed => "not_computed",
        }
    }
}

/// What goes into one receipt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReceiptParts<'a> {
    pub(crate) type_byte: u8,
    pub(crate) success: bool,
    pub(crate) cumulative_gas_used: u64,
    pub(crate) logs: &'a [Log],
    /// The nonce and version fields of an OP-stack deposit receipt.
    pub(crate) deposit: Option<(u64, Option<u64>)>,
}

/// The root of the receipts trie (EIP-658 receipts in EIP-2718 envelopes).
pub(crate) fn receipts_root(receipts: &[ReceiptParts<'_>]) -> B256 {
    let mut blooms = Blooms::default();
    let mut payload = Vec::new();
    ordered_trie_root_with_encoder(receipts, |parts, out| {
        payload.clear();
        encode_payload(parts, &blooms.of(parts.logs), &mut payload);
        if parts.type_byte != 0 {
            out.push(parts.type_byte);
        }
        Header { list: true, payload_length: payload.len() }.encode(out);
        out.extend_from_slice(&payload);
    })
}

/// The union of the logs' blooms, as a header holds it.
pub(crate) fn logs_bloom<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Bloom {
    alloy_primitives::logs_bloom(logs)
}

/// Fields are encoded in place rather than through an owned receipt: cloning the logs of a block
/// costs more than hashing them.
fn encode_payload(parts: &ReceiptParts<'_>, bloom: &Bloom, out: &mut Vec<u8>) {
    parts.success.encode(out);
    parts.cumulative_gas_used.encode(out);
    bloom.encode(out);
    alloy_rlp::encode_list(parts.logs, out);
    if let Some((nonce, version)) = parts.deposit {
        debug_assert_eq!(parts.type_byte, DEPOSIT_TYPE);
        nonce.encode(out);
        if let Some(version) = version {
            version.encode(out);
        }
    }
}

/// Log blooms that hash each address and topic once: those of a block repeat, and hashing them is
/// most of the cost of a bloom.
#[derive(Default)]
struct Blooms {
    addresses: AddressMap<B256>,
    topics: B256Map<B256>,
}

impl Blooms {
    fn of(&mut self, logs: &[Log]) -> Bloom {
        let mut bloom = Bloom::ZERO;
        for log in logs {
            let hash = self.addresses.entry(log.address).or_insert_with(|| keccak256(log.address));
            bloom.m3_2048_hashed(hash);
            for topic in log.topics() {
                let hash = self.topics.entry(*topic).or_insert_with(|| keccak256(topic));
                bloom.m3_2048_hashed(hash);
            }
        }
        bloom
    }
}

#[cfg(test)]
mod tests;
