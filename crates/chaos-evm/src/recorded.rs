//! Blocks in the recorded format, packed into files that anyone can replay without a node.
//!
//! `blocks/<number>.json.gz`, `bytecodes.json.gz` with the codes those blocks use and no others,
//! `fee-history.csv`, and `manifest.json` with the SHA-256 of every file's plain content. Equal packs
//! give equal bytes. Where the files are put is the caller's.

use std::{collections::BTreeMap, io, io::Write as _};

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY};
use chaos_chain_config::HeaderFees;
use chaos_types::{ChainId, Digest};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use crate::{
    block::{BLOCK_BYTES_MAX, DecodeError, Header, RecordedBlock, decode},
    encode,
    fork::Under,
};

/// Name and version of the manifest's form.
pub const FORMAT: &str = "chaoschain-recorded/1";
/// Columns of a fee history, as the fee market reads them.
const COLUMNS: &str = "number,timestamp,gas_used,gas_limit,base_fee_wei";

/// Blocks on their way into files.
#[derive(Debug)]
pub struct Pack {
    /// The chain of all blocks.
    pub chain: ChainId,
    /// In ascending order; none for a fee history alone.
    pub blocks: Vec<PackedBlock>,
    /// Codes by hash; those that no block names are left out.
    pub codes: BTreeMap<B256, Bytes>,
    /// One row per block.
    pub fees: Vec<FeeRow>,
    /// Where all this came from. It goes into the manifest, so it must hold no secret.
    pub source: Value,
    /// What was checked, with counts.
    pub checks: Value,
    /// The version of the program that packs.
    pub version: &'static str,
}

/// A recorded block and its file's plain content.
#[derive(Debug)]
pub struct PackedBlock {
    /// What the content says.
    pub recorded: RecordedBlock,
    /// The content.
    pub json: Vec<u8>,
}

/// What a fee history says of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeRow {
    /// Height.
    pub number: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Gas the block used.
    pub gas_used: u64,
    /// Most gas it might use.
    pub gas_limit: u64,
    /// Base fee in wei per gas, from London on.
    pub base_fee_wei: Option<u64>,
    /// What an OP-stack block says of its fee rule.
    pub rule: Option<SaidRule>,
}

/// What an OP-stack block says of the fee rule since Holocene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SaidRule {
    /// The numbers in its extra data.
    pub fees: HeaderFees,
    /// Its blob gas used, the data footprint since Jovian.
    pub blob_gas_used: Option<u64>,
}

/// The files of a pack.
#[derive(Debug)]
pub struct PackedFiles {
    /// Name below the folder, with `/` between its parts, and content of each; the manifest is last.
    pub files: Vec<(String, Vec<u8>)>,
    /// What the manifest says.
    pub manifest: Value,
}

/// Why a pack has no files.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A value has no JSON text.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Bytes cannot be compressed.
    #[error(transparent)]
    Gzip(#[from] io::Error),
}

/// Why bytes cannot be unzipped.
#[derive(Debug, thiserror::Error)]
pub enum PlainError {
    /// The gzip stream is damaged or cut short.
    #[error(transparent)]
    Gzip(io::Error),
    /// There are more bytes than a recorded block may have.
    #[error("more than {limit_bytes} bytes after decompression")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
}

/// Why bytes are no recorded block that can be packed.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// They cannot be unzipped.
    #[error(transparent)]
    Plain(#[from] PlainError),
    /// They are no block.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// The bytes, unzipped if they are gzipped, then at most as many as a recorded block may have.
///
/// # Errors
/// If the gzip stream is damaged or holds too much.
pub fn plain(bytes: Vec<u8>) -> Result<Vec<u8>, PlainError> {
    if !decode::is_gzip(&bytes) {
        return Ok(bytes);
    }
    let limit_bytes = BLOCK_BYTES_MAX;
    decode::gunzip(&bytes, limit_bytes)
        .map_err(PlainError::Gzip)?
        .ok_or(PlainError::TooLarge { limit_bytes })
}

/// The recorded form with the block and the receipts as the node gave them, which say more than
/// execution needs.
#[must_use]
pub fn encode_with(recorded: &RecordedBlock, block: &Value, receipts: Option<Value>) -> Vec<u8> {
    let mut value = encode::to_value(recorded);
    value["block"] = block.clone();
    if let Some(receipts) = receipts {
        value["receipts"] = receipts;
    }
    encode::to_bytes(&value)
}

impl PackedBlock {
    /// Reads a recorded block, plain or gzipped. A hard fork that is named and that the file does not
    /// name is written into its content.
    ///
    /// # Errors
    /// If the bytes are none.
    pub fn decode(bytes: Vec<u8>, under: Option<Under>) -> Result<Self, UnpackError> {
        let json = plain(bytes)?;
        let recorded = RecordedBlock::decode_under(&json, None, under)?;
        let json = match recorded.block.hardfork {
            Some(hardfork) if Digest::of(&json) != recorded.digest => {
                decode::with_hardfork(&json, hardfork)?
            }
            _ => json,
        };
        Ok(Self { recorded, json })
    }

    /// The block's header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.recorded.block.header
    }
}

impl From<&Header> for FeeRow {
    fn from(header: &Header) -> Self {
        Self {
            number: header.number,
            timestamp: header.timestamp,
            gas_used: header.gas_used,
            gas_limit: header.gas_limit,
            base_fee_wei: header.base_fee_per_gas,
            rule: header.extra_data.as_ref().and_then(|data| {
                let fees = HeaderFees::decode(data).ok()?;
                Some(SaidRule { fees, blob_gas_used: header.blob_gas_used })
            }),
        }
    }
}

impl Pack {
    /// The files, and what their manifest says.
    ///
    /// # Errors
    /// If a value has no JSON text or bytes cannot be compressed.
    pub fn encode(self) -> Result<PackedFiles, PackError> {
        let Self { chain, blocks, codes, fees, source, checks, version } = self;
        let mut files = Vec::with_capacity(blocks.len() + 3);
        let mut manifest = json!({
            "format": FORMAT,
            "chain": chain.to_string(),
            "source": source,
            "checks": checks,
            "program": {"name": "chaoschain", "version": version},
        });
        if let (Some(first), Some(last)) = (fees.first(), fees.last()) {
            manifest["first"] = json!(first.number);
            manifest["last"] = json!(last.number);
        }
        if !blocks.is_empty() {
            let (used, missing) = used_codes(&blocks, &codes);
            let json = serde_json::to_vec(&used)?;
            let rows: Vec<Value> = blocks.iter().map(row).collect();
            manifest["blocks"] = Value::Array(rows);
            manifest["bytecodes"] = json!({
                "count": used.len(),
                "missing": missing,
                "digest": Digest::of(&json).to_string(),
            });
            for block in blocks {
                let name = format!("blocks/{}.json.gz", block.header().number);
                files.push((name, gzip(&block.json)?));
            }
            files.push(("bytecodes.json.gz".to_owned(), gzip(&json)?));
        }
        let csv = csv(&fees);
        manifest["fee_history"] =
            json!({"blocks": fees.len(), "digest": Digest::of(csv.as_bytes()).to_string()});
        files.push(("fee-history.csv".to_owned(), csv.into_bytes()));
        let mut text = serde_json::to_string_pretty(&manifest)?;
        text.push('\n');
        files.push(("manifest.json".to_owned(), text.into_bytes()));
        Ok(PackedFiles { files, manifest })
    }
}

/// What the manifest says of a block.
fn row(block: &PackedBlock) -> Value {
    let header = block.header();
    json!({
        "number": header.number,
        "hash": header.hash,
        "transactions": block.recorded.block.transactions.len(),
        "gas_used": header.gas_used,
        "digest": block.recorded.digest.to_string(),
    })
}

/// The codes that the blocks name, and how many of them are not there.
fn used_codes<'a>(
    blocks: &[PackedBlock],
    codes: &'a BTreeMap<B256, Bytes>,
) -> (BTreeMap<B256, &'a Bytes>, usize) {
    let accounts = blocks.iter().flat_map(|block| block.recorded.pre_state.values());
    let mut hashes: Vec<B256> =
        accounts.map(|account| account.code_hash).filter(|hash| *hash != KECCAK256_EMPTY).collect();
    hashes.sort_unstable();
    hashes.dedup();
    let used: BTreeMap<B256, &Bytes> =
        hashes.iter().filter_map(|hash| Some((*hash, codes.get(hash)?))).collect();
    let missing = hashes.len() - used.len();
    (used, missing)
}

/// The table of a chain whose blocks say their fee rule has three columns more.
fn csv(fees: &[FeeRow]) -> String {
    let is_said = fees.iter().any(|block| block.rule.is_some());
    let with_footprint =
        fees.iter().any(|block| block.rule.is_some_and(|rule| rule.blob_gas_used.is_some()));
    let mut text = COLUMNS.to_owned();
    text.push_str(if with_footprint { ",excess_blob_gas,blob_gas_used" } else { "" });
    text.push_str(if is_said { ",extra_data\n" } else { "\n" });
    for block in fees {
        let base_fee = block.base_fee_wei.map(|fee| fee.to_string()).unwrap_or_default();
        text.push_str(&format!(
            "{},{},{},{},{base_fee}",
            block.number, block.timestamp, block.gas_used, block.gas_limit
        ));
        if with_footprint {
            match block.rule.and_then(|rule| rule.blob_gas_used) {
                Some(used) => text.push_str(&format!(",0,{used}")),
                None => text.push_str(",,"),
            }
        }
        if is_said {
            let said =
                block.rule.map(|rule| alloy_primitives::hex::encode_prefixed(rule.fees.encode()));
            text.push_str(&format!(",{}", said.unwrap_or_default()));
        }
        text.push('\n');
    }
    text
}

/// Compressed, without a name or a time in it, so that equal content gives equal files.
///
/// # Errors
/// If bytes cannot be compressed.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>, io::Error> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}
