//! Long fee histories: headers alone, in batches, kept chunk by chunk.

use std::{fs, path::Path};

use chaos_chain_config::HeaderFees;
use chaos_chains::{Bytes, block_source::HeaderFacts};
use chaos_evm::recorded::{FeeRow, Pack, SaidRule};
use chaos_types::ChainId;
use serde_json::json;

use super::{AskedNode, Error, LiveSource, Range, connect, fetch::write, note_requests};
use crate::{Progress, recorded::Recorded};

/// One range holds at most this many headers.
const RANGE_HEADERS_MAX: u64 = 5_000_000;
/// Headers in one file of the cache, and lost at most by a kill.
const CHUNK_HEADERS: u64 = 500;
const COLUMNS: &str =
    "number,timestamp,gas_used,gas_limit,base_fee_wei,hash,parent_hash,extra_data,blob_gas_used";
/// What former programs kept, without what OP-stack blocks say; it is fetched again.
const FORMER_COLUMNS: &str = "number,timestamp,gas_used,gas_limit,base_fee_wei,hash,parent_hash";

/// A range of headers, and where it came from.
#[derive(Debug)]
pub struct FetchedHeaders {
    /// Their chain.
    pub chain: ChainId,
    /// The headers in ascending order.
    pub headers: Vec<HeaderFacts>,
    /// The node they came from.
    pub node: AskedNode,
}

impl FetchedHeaders {
    /// Their fee history, without blocks, as it is written.
    #[must_use]
    pub fn into_pack(self) -> Pack {
        let source = json!({"kind": "rpc", "endpoint": self.node.endpoint, "headers_only": true});
        let checks = json!({"parent_hashes": self.headers.len().saturating_sub(1)});
        let fees = self.fees();
        Pack { fees, ..Recorded::default().into_pack(self.chain, source, checks) }
    }

    /// A row of a fee history for each header.
    fn fees(&self) -> Vec<FeeRow> {
        let rows = self.headers.iter().map(|header| FeeRow {
            number: header.number,
            timestamp: header.timestamp,
            gas_used: header.gas_used,
            gas_limit: header.gas_limit,
            base_fee_wei: header.base_fee_wei,
            rule: header.fees.map(|fees| SaidRule { fees, blob_gas_used: header.blob_gas_used }),
        });
        rows.collect()
    }
}

/// Fetches the headers of a range, each checked to be the parent of the next.
///
/// # Errors
/// If the range is none, the node fails or its answers do not agree, or a file cannot be kept.
pub fn fetch_headers(
    source: &LiveSource<'_>,
    progress: &dyn Progress,
) -> Result<FetchedHeaders, Error> {
    let range = Range::parse(source.range, RANGE_HEADERS_MAX)?;
    let (node, number) = connect(source)?;
    let chain = node.chain_id().clone();
    let (first, last) = range.ends(&node, RANGE_HEADERS_MAX)?;
    let cache = || source.cache.to_owned();
    let folder = source.cache.join(format!("eip155-{number}")).join("headers");
    progress.begin(&format!("fetching {chain}"), last - first + 1);
    let mut headers: Vec<HeaderFacts> = Vec::new();
    let mut start = first;
    while start <= last {
        note_requests(progress, &node);
        let end = (start - start % CHUNK_HEADERS + CHUNK_HEADERS - 1).min(last);
        let path = folder.join(format!("{start}-{end}.csv"));
        let chunk = match read(&path, start, end)? {
            Some(chunk) => chunk,
            None => {
                let chunk = node.headers(start, end).map_err(|error| match error {
                    error @ chaos_chains::Error::DifferentBlock { .. } => {
                        Error::Moved { cache: cache(), source: error.into() }
                    }
                    error => error.into(),
                })?;
                write(&path, encode(&chunk).as_bytes())?;
                chunk
            }
        };
        if let (Some(parent), Some(child)) = (headers.last(), chunk.first()) {
            node.ensure_follows(parent, child).map_err(|source| Error::ChunkMoved {
                path: path.clone(),
                cache: cache(),
                source: source.into(),
            })?;
        }
        progress.advance(end - start + 1);
        headers.extend(chunk);
        start = end + 1;
    }
    progress.end();
    Ok(FetchedHeaders { chain, headers, node: AskedNode::of(&node) })
}

fn encode(headers: &[HeaderFacts]) -> String {
    let mut text = format!("{COLUMNS}\n");
    for header in headers {
        let base_fee = header.base_fee_wei.map(|fee| fee.to_string()).unwrap_or_default();
        let said =
            header.fees.map(|fees| Bytes::from(fees.encode()).to_string()).unwrap_or_default();
        let blobs = header.blob_gas_used.map(|used| used.to_string()).unwrap_or_default();
        text.push_str(&format!(
            "{},{},{},{},{base_fee},{},{},{said},{blobs}\n",
            header.number,
            header.timestamp,
            header.gas_used,
            header.gas_limit,
            header.hash,
            header.parent_hash
        ));
    }
    text
}

/// A chunk that was kept, if there is one.
fn read(path: &Path, first: u64, last: u64) -> Result<Option<Vec<HeaderFacts>>, Error> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(None) };
    let mut lines = text.lines();
    let found = lines.next();
    if found == Some(FORMER_COLUMNS) {
        return Ok(None);
    }
    let columns = found == Some(COLUMNS);
    let headers: Option<Vec<HeaderFacts>> = lines.map(row).collect();
    headers
        .filter(|headers| columns && headers.iter().map(|h| h.number).eq(first..=last))
        .map(Some)
        .ok_or_else(|| Error::DamagedHeaders { path: path.to_owned() })
}

fn row(line: &str) -> Option<HeaderFacts> {
    let cells: Vec<&str> = line.split(',').collect();
    let [number, timestamp, gas_used, gas_limit, base_fee, hash, parent_hash, said, blobs] =
        cells[..]
    else {
        return None;
    };
    let fees = match said {
        "" => None,
        said => Some(HeaderFees::decode(&said.parse::<Bytes>().ok()?).ok()?),
    };
    Some(HeaderFacts {
        number: number.parse().ok()?,
        hash: hash.parse().ok()?,
        parent_hash: parent_hash.parse().ok()?,
        timestamp: timestamp.parse().ok()?,
        gas_used: gas_used.parse().ok()?,
        gas_limit: gas_limit.parse().ok()?,
        base_fee_wei: if base_fee.is_empty() { None } else { Some(base_fee.parse().ok()?) },
        fees,
        blob_gas_used: if blobs.is_empty() { None } else { Some(blobs.parse().ok()?) },
        hash_recomputed: false,
    })
}
