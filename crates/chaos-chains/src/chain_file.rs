//! A chain as a file describes it: which one it is, where its nodes are, and when its blocks stay.

use alloy_primitives::B256;
use chaos_types::ChainId;
use reqwest::Url;
use serde::Deserialize;

use crate::sending::Finality;

/// Longest chain file that is read, in bytes.
pub const CHAIN_FILE_BYTES_MAX: usize = 16 << 10;
/// Endpoints a file names at most.
const ENDPOINTS_MAX: usize = 8;
/// Longest URL, in bytes.
const URL_BYTES_MAX: usize = 2_000;
/// Longest time between two blocks, in milliseconds: a day.
const BLOCK_TIME_MS_MAX: u64 = 86_400_000;
/// Deepest block that stands for a final one.
const DEPTH_MAX: u64 = 1_000_000;
/// The version this program reads.
const VERSION: u32 = 1;
/// What a file says of a chain whose nodes name their safe and final blocks.
const NAMED: &str = "named";

/// A chain by a TOML file.
///
/// ```toml
/// version = 1
/// id = "eip155:1337"                       # CAIP-2
/// genesis = "0x…"                          # hash of the first block
/// endpoints = ["http://127.0.0.1:8545"]    # 1 to 8, the first that answers is used
/// block_time_ms = 2000                     # 1 to a day
/// finality = "named"                       # or "included:12": under 12 blocks it stays
/// explorer = "https://explorer.example"    # optional
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ChainFile {
    /// The chain; one of the EVM's family.
    pub chain: ChainId,
    /// The hash of its first block, which tells chains of one number apart.
    pub genesis: B256,
    /// JSON-RPC endpoints, in the order in which they are tried. They may hold keys.
    pub endpoints: Vec<String>,
    /// Time between two blocks, in milliseconds.
    pub block_time_ms: u64,
    /// Under so many blocks, its own included, a block stays. Without it the chain's nodes name the
    /// blocks that do.
    pub final_depth: Option<u64>,
    /// Where people look transactions up.
    pub explorer: Option<String>,
}

/// Endpoints may hold keys, so none is shown.
impl std::fmt::Debug for ChainFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChainFile").field("chain", &self.chain).finish_non_exhaustive()
    }
}

/// Why a text describes no chain. Never repeats an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum ChainFileError {
    /// The text is longer than [`CHAIN_FILE_BYTES_MAX`].
    #[error("{bytes} bytes, at most {CHAIN_FILE_BYTES_MAX} are read")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
    },
    /// The text is no TOML of this shape.
    #[error("line {line}: {reason}")]
    Toml {
        /// Where, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A field does not hold what it should.
    #[error("{field}: expected {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    id: String,
    genesis: String,
    endpoints: Vec<String>,
    block_time_ms: u64,
    #[serde(default)]
    finality: Option<String>,
    #[serde(default)]
    explorer: Option<String>,
}

impl ChainFile {
    /// Reads a chain file.
    ///
    /// # Errors
    /// The first field that does not hold what it should; fields that nobody reads are refused.
    pub fn parse(text: &str) -> Result<Self, ChainFileError> {
        if text.len() > CHAIN_FILE_BYTES_MAX {
            return Err(ChainFileError::TooLarge { bytes: text.len() });
        }
        // Only the reason is kept: the error itself repeats the line, which may hold a key.
        let wire: Wire = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
            ChainFileError::Toml { line, reason: reason(error.message()) }
        })?;
        ensure(wire.version == VERSION, "version", "1")?;
        let chain: Option<ChainId> = wire.id.parse().ok();
        let chain = chain.filter(|chain| chain.evm_number().is_some());
        let chain = chain.ok_or(field("id", "a chain of the EVM's family such as eip155:1"))?;
        let digits = wire.genesis.strip_prefix("0x").filter(|digits| digits.len() == 64);
        let genesis = digits.and_then(|digits| digits.parse().ok());
        let genesis = genesis.ok_or(field("genesis", "0x and 64 hex digits"))?;
        let count = wire.endpoints.len();
        ensure((1..=ENDPOINTS_MAX).contains(&count), "endpoints", "1 to 8 URLs")?;
        let are_urls = wire.endpoints.iter().all(|text| is_url(text));
        ensure(are_urls, "endpoints", "http:// or https:// URLs of at most 2,000 bytes")?;
        let is_time = (1..=BLOCK_TIME_MS_MAX).contains(&wire.block_time_ms);
        ensure(is_time, "block_time_ms", "1 to 86400000")?;
        let explorer = wire.explorer.map(|text| text.trim_end_matches('/').to_owned());
        let is_place = explorer.as_deref().is_none_or(is_url);
        ensure(is_place, "explorer", "an http:// or https:// URL of at most 2,000 bytes")?;
        Ok(Self {
            chain,
            genesis,
            endpoints: wire.endpoints,
            block_time_ms: wire.block_time_ms,
            final_depth: final_depth(wire.finality.as_deref().unwrap_or(NAMED))?,
            explorer,
        })
    }
}

impl ChainFile {
    /// Whether one of its endpoints has more than a host and a port: a name, a path or a question, each of which is where
    /// keys are.
    #[must_use]
    pub fn may_hold_keys(&self) -> bool {
        self.endpoints.iter().filter_map(|text| Url::parse(text).ok()).any(|url| {
            !url.username().is_empty()
                || url.password().is_some()
                || url.query().is_some()
                || !matches!(url.path(), "" | "/")
        })
    }
}

fn field(field: &'static str, expected: &'static str) -> ChainFileError {
    ChainFileError::Field { field, expected }
}

fn ensure(holds: bool, name: &'static str, expected: &'static str) -> Result<(), ChainFileError> {
    if holds { Ok(()) } else { Err(field(name, expected)) }
}

/// What TOML says without the value that it was said of.
fn reason(message: &str) -> String {
    let (reason, _) = message.split_once(": string \"").unwrap_or((message, ""));
    crate::error::shorten(reason)
}

fn is_url(text: &str) -> bool {
    let url = Url::parse(text).ok().filter(|_| text.len() <= URL_BYTES_MAX);
    url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn final_depth(text: &str) -> Result<Option<u64>, ChainFileError> {
    if text == NAMED {
        return Ok(None);
    }
    match text.parse() {
        Ok(Finality::Included { depth }) if depth <= DEPTH_MAX => Ok(Some(depth)),
        _ => Err(field("finality", "`named`, or `included:N` with N from 1 to 1000000")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
version = 1
id = "eip155:1337"
genesis = "0x00000000000000000000000000000000000000000000000000000000000000aa"
endpoints = ["http://127.0.0.1:8545", "https://node.example/v1/topsecretkey"]
block_time_ms = 2000
finality = "included:3"
explorer = "https://explorer.example/"
"#;

    #[track_caller]
    fn refuses(from: &str, to: &str, expect: &str) {
        assert!(FILE.contains(from), "{from}");
        let error = ChainFile::parse(&FILE.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
        assert!(!error.contains("topsecret"), "{error}");
    }

    #[test]
    fn a_file_says_which_chain_and_when_its_blocks_stay() {
        let file = ChainFile::parse(FILE).unwrap();
        assert_eq!(file.chain, ChainId::evm(1337));
        assert_eq!(file.final_depth, Some(3));
        assert_eq!(file.explorer.as_deref(), Some("https://explorer.example"));
        let named = FILE.replace("included:3", "named");
        assert_eq!(ChainFile::parse(&named).unwrap().final_depth, None);
        let without = FILE.replace("finality = \"included:3\"\n", "");
        assert_eq!(ChainFile::parse(&without).unwrap().final_depth, None);
        assert!(!format!("{file:?}").contains("topsecret"));
        assert!(file.may_hold_keys());
        let without = FILE.replace(", \"https://node.example/v1/topsecretkey\"", "");
        assert!(!ChainFile::parse(&without).unwrap().may_hold_keys());
        for key in ["http://key@127.0.0.1:8545", "http://127.0.0.1:8545?key=1"] {
            let file = ChainFile::parse(&without.replace("http://127.0.0.1:8545", key)).unwrap();
            assert!(file.may_hold_keys(), "{key}");
        }
    }

    #[test]
    fn what_no_field_holds_is_refused_with_the_field() {
        refuses("version = 1", "version = 2", "version");
        refuses("version = 1", "version = 1\nfee = 3", "unknown field `fee`");
        refuses("eip155:1337", "cosmos:hub", "id");
        refuses("0x00", "0x", "genesis");
        refuses("0x00", "0xzz", "genesis");
        refuses("http://127", "ftp://127", "endpoints");
        refuses("2000", "0", "block_time_ms");
        refuses("2000", "86400001", "block_time_ms");
        refuses("included:3", "included:0", "finality");
        refuses("included:3", "safe", "finality");
        refuses("included:3", "final", "finality");
        refuses("included:3", "included:1000001", "finality");
        refuses("https://explorer.example/", "explorer", "explorer");
        refuses("endpoints = [", "endpoints = 3 #", "line 5");
        refuses("[\"http://127.0.0.1:8545\", ", "[] #", "endpoints");
        // A line that may hold a key is not repeated.
        refuses("block_time_ms = 2000", "block_time_ms = \"topsecret\"", "line 6");
        let long = format!("{FILE}#{}", "x".repeat(CHAIN_FILE_BYTES_MAX));
        assert!(matches!(ChainFile::parse(&long), Err(ChainFileError::TooLarge { .. })));
    }
}
