//! Long fee histories: headers alone, in batches, kept chunk by chunk.

use std::{fs, path::Path};

use anyhow::Context as _;
use chaos_chains::block_source::HeaderFacts;
use chaos_types::ChainId;

use super::{connect, fetch::write, moved, outside, progress, range, show_requests};
use crate::{
    args::BlockSource,
    exit::{Failure, Kind, OrFail as _},
    output,
};

/// One range holds at most this many headers.
const RANGE_HEADERS_MAX: u64 = 5_000_000;
/// Headers in one file of the cache, and lost at most by a kill.
const CHUNK_HEADERS: u64 = 500;
const COLUMNS: &str = "number,timestamp,gas_used,gas_limit,base_fee_wei,hash,parent_hash";

/// A range of headers, and where it came from.
pub(crate) struct FetchedHeaders {
    pub(crate) chain: ChainId,
    pub(crate) headers: Vec<HeaderFacts>,
    /// Scheme, host and port.
    pub(crate) endpoint: String,
}

/// Fetches the headers of `source.range`, each checked to be the parent of the next.
pub(crate) fn load(
    url: &str,
    source: &BlockSource,
    wanted: Option<&ChainId>,
) -> Result<FetchedHeaders, Failure> {
    let (endpoint, number) = connect(url, source, wanted)?;
    let chain = endpoint.chain_id().clone();
    let (first, last) = range(&source.range, &endpoint, RANGE_HEADERS_MAX)?;
    let folder = source.cache.join(format!("eip155-{number}")).join("headers");
    let bar = progress(&chain, last - first + 1);
    let mut headers: Vec<HeaderFacts> = Vec::new();
    let mut start = first;
    while start <= last {
        show_requests(&bar, &endpoint);
        let end = (start - start % CHUNK_HEADERS + CHUNK_HEADERS - 1).min(last);
        let path = folder.join(format!("{start}-{end}.csv"));
        let chunk = match read(&path, start, end)? {
            Some(chunk) => chunk,
            None => {
                let chunk = endpoint.headers(start, end).map_err(|error| match error {
                    error @ chaos_chains::Error::DifferentBlock { .. } => {
                        moved(error, &source.cache)
                    }
                    error => outside(error),
                })?;
                write(&path, encode(&chunk).as_bytes())?;
                chunk
            }
        };
        if let (Some(parent), Some(child)) = (headers.last(), chunk.first()) {
            endpoint.ensure_follows(parent, child).map_err(|error| {
                moved(error, &source.cache)
                    .context(format_args!("{} does not follow", path.display()))
            })?;
        }
        bar.inc(end - start + 1);
        headers.extend(chunk);
        start = end + 1;
    }
    bar.finish_and_clear();
    output::say(format_args!(
        "{} headers of {chain}, {} requests, {} of them retries, kept in {}",
        headers.len(),
        endpoint.requests(),
        endpoint.retries(),
        source.cache.display()
    ));
    Ok(FetchedHeaders { chain, headers, endpoint: endpoint.shown_url().to_owned() })
}

fn encode(headers: &[HeaderFacts]) -> String {
    let mut text = format!("{COLUMNS}\n");
    for header in headers {
        let base_fee = header.base_fee_wei.map(|fee| fee.to_string()).unwrap_or_default();
        text.push_str(&format!(
            "{},{},{},{},{base_fee},{},{}\n",
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
fn read(path: &Path, first: u64, last: u64) -> Result<Option<Vec<HeaderFacts>>, Failure> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(None) };
    let damaged = || format!("{} is damaged; delete it to fetch it again", path.display());
    let mut lines = text.lines();
    let columns = lines.next() == Some(COLUMNS);
    let headers: Option<Vec<HeaderFacts>> = lines.map(row).collect();
    headers
        .filter(|headers| columns && headers.iter().map(|h| h.number).eq(first..=last))
        .map(Some)
        .with_context(damaged)
        .or_fail(Kind::Storage)
}

fn row(line: &str) -> Option<HeaderFacts> {
    let cells: Vec<&str> = line.split(',').collect();
    let [number, timestamp, gas_used, gas_limit, base_fee, hash, parent_hash] = cells[..] else {
        return None;
    };
    Some(HeaderFacts {
        number: number.parse().ok()?,
        hash: hash.parse().ok()?,
        parent_hash: parent_hash.parse().ok()?,
        timestamp: timestamp.parse().ok()?,
        gas_used: gas_used.parse().ok()?,
        gas_limit: gas_limit.parse().ok()?,
        base_fee_wei: if base_fee.is_empty() { None } else { Some(base_fee.parse().ok()?) },
        hash_recomputed: false,
    })
}
