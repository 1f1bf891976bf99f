//! Writing blocks in the recorded format: a folder that anyone can replay without a node.
//!
//! `blocks/<number>.json.gz`, `bytecodes.json.gz` with the codes those blocks use and no others,
//! `fee-history.csv`, and `manifest.json` with the SHA-256 of every file's plain content. The folder
//! is written beside its place and renamed, so that it is there whole or not at all.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chaos_chains::{B256, Bytes, KECCAK256_EMPTY};
use chaos_evm::{BLOCK_BYTES_MAX, RecordedBlock};
use chaos_simulation::fee_market::ObservedBlock;
use chaos_types::{ChainId, Digest};
use flate2::{Compression, GzBuilder, read::MultiGzDecoder};
use serde_json::{Value, json};

use crate::exit::{Failure, Kind, OrFail as _};

/// Name and version of the manifest's form.
const FORMAT: &str = "chaoschain-recorded/1";
/// Columns of a fee history, as `simulate --fee-history` reads them.
const COLUMNS: &str = "number,timestamp,gas_used,gas_limit,base_fee_wei";

/// A recorded block and its file's plain content.
pub(crate) struct Packed {
    pub(crate) recorded: RecordedBlock,
    pub(crate) json: Vec<u8>,
}

/// A folder to be written.
pub(crate) struct Pack<'a> {
    pub(crate) chain: ChainId,
    /// In ascending order; none for a fee history alone.
    pub(crate) blocks: Vec<Packed>,
    /// Codes by hash; those that no block names are left out.
    pub(crate) codes: &'a BTreeMap<B256, Bytes>,
    /// One row per block.
    pub(crate) fees: Vec<ObservedBlock>,
    /// Where all this came from. It goes into the manifest, so it must hold no secret.
    pub(crate) source: Value,
    /// What was checked, with counts.
    pub(crate) checks: Value,
}

/// The bytes, unzipped if they are gzipped, at most as many as a recorded block may have.
pub(crate) fn plain(bytes: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    let limit = BLOCK_BYTES_MAX as u64;
    MultiGzDecoder::new(&bytes[..]).take(limit + 1).read_to_end(&mut plain)?;
    anyhow::ensure!(plain.len() <= BLOCK_BYTES_MAX, "more than {limit} bytes after decompression");
    Ok(plain)
}

/// Fails early if `out` is a folder with something in it.
pub(crate) fn ensure_free(out: &Path) -> Result<(), Failure> {
    let free = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !out.exists(),
    };
    if free {
        return Ok(());
    }
    Err(Failure::message(Kind::Input, format!("--out {} is there already", out.display()))
        .hint("name a folder that does not exist yet"))
}

impl Pack<'_> {
    /// Writes the folder and returns its manifest.
    pub(crate) fn write(self, out: &Path) -> Result<Value, Failure> {
        ensure_free(out)?;
        let part = part_of(out)?;
        let manifest = self.write_part(&part)?;
        let placed = fs::remove_dir(out)
            .or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })
            .and_then(|()| fs::rename(&part, out));
        placed.with_context(|| format!("cannot write {}", out.display())).or_fail(Kind::Storage)?;
        Ok(manifest)
    }

    fn write_part(self, part: &Path) -> Result<Value, Failure> {
        let Self { chain, blocks, codes, fees, source, checks } = self;
        let mut manifest = json!({
            "format": FORMAT,
            "chain": chain.to_string(),
            "source": source,
            "checks": checks,
            "program": {"name": "chaoschain", "version": env!("CARGO_PKG_VERSION")},
        });
        if let (Some(first), Some(last)) = (fees.first(), fees.last()) {
            manifest["first"] = json!(first.number);
            manifest["last"] = json!(last.number);
        }
        if !blocks.is_empty() {
            let mut rows = Vec::with_capacity(blocks.len());
            for Packed { recorded, json } in &blocks {
                let header = &recorded.block.header;
                let name = format!("{}.json.gz", header.number);
                write(&part.join("blocks").join(name), &gzip(json)?)?;
                rows.push(json!({
                    "number": header.number,
                    "hash": header.hash,
                    "transactions": recorded.block.transactions.len(),
                    "gas_used": header.gas_used,
                    "digest": recorded.digest.to_string(),
                }));
            }
            manifest["blocks"] = Value::Array(rows);
            let (used, missing) = used_codes(&blocks, codes);
            let json = serde_json::to_vec(&used).or_fail(Kind::Input)?;
            write(&part.join("bytecodes.json.gz"), &gzip(&json)?)?;
            manifest["bytecodes"] = json!({
                "count": used.len(),
                "missing": missing,
                "digest": Digest::of(&json).to_string(),
            });
        }
        let csv = csv(&fees);
        write(&part.join("fee-history.csv"), csv.as_bytes())?;
        manifest["fee_history"] =
            json!({"blocks": fees.len(), "digest": Digest::of(csv.as_bytes()).to_string()});
        let mut text = serde_json::to_string_pretty(&manifest).or_fail(Kind::Input)?;
        text.push('\n');
        write(&part.join("manifest.json"), text.as_bytes())?;
        Ok(manifest)
    }
}

/// A folder beside `out`, empty: what an earlier run left there is removed.
fn part_of(out: &Path) -> Result<PathBuf, Failure> {
    let name =
        out.file_name().map(|name| name.to_string_lossy().into_owned()).ok_or_else(|| {
            Failure::message(Kind::Input, format!("--out {} is no folder's name", out.display()))
        })?;
    let part = out.with_file_name(format!(".{name}.chaoschain-part"));
    if part.exists() {
        fs::remove_dir_all(&part)
            .with_context(|| format!("cannot remove {}", part.display()))
            .or_fail(Kind::Storage)?;
    }
    Ok(part)
}

/// The codes that the blocks name, and how many of them are not there.
fn used_codes<'a>(
    blocks: &[Packed],
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

fn csv(fees: &[ObservedBlock]) -> String {
    let mut text = format!("{COLUMNS}\n");
    for block in fees {
        let base_fee = block.base_fee_wei.map(|fee| fee.to_string()).unwrap_or_default();
        text.push_str(&format!(
            "{},{},{},{},{base_fee}\n",
            block.number, block.timestamp, block.gas_used, block.gas_limit
        ));
    }
    text
}

/// Without a name or a time in it, so that equal content gives equal files.
fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).or_fail(Kind::Storage)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written =
        path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, bytes));
    written.with_context(|| format!("cannot write {}", path.display())).or_fail(Kind::Storage)
}
