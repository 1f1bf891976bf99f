//! What a log publishes, by the path that it is asked for.

use std::{fmt, str::FromStr};

use chaos_log::{NOTE_BYTES_MAX, TILE_WIDTH, TileKind, TilePath};
use chaos_store::RECORD_BYTES_MAX;
use chaos_types::Digest;

use crate::records::RECORDS_BYTES_MAX;

/// A larger blob is not served, in bytes (64 MiB).
pub(crate) const BLOB_BYTES_MAX: usize = 64 << 20;

/// Longer is no file that says who signs for a log, in bytes (4 MiB).
const KEYS_BYTES_MAX: usize = 4 << 20;

/// Longer paths name nothing, in bytes.
const PATH_BYTES_MAX: usize = 128;

/// The prefix of the paths of entry bundles, which the paths of records follow.
const ENTRIES: &str = "tile/entries/";

/// The prefix of the paths of records.
const RECORDS: &str = "records/";

/// One thing that a log publishes. Its text is its path below the log's prefix.
///
/// `checkpoint` and `tile/…` are [C2SP tlog-tiles](https://c2sp.org/tlog-tiles); the others are this
/// project's, since a leaf holds a receipt's digest and not the receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// `checkpoint`: the newest signed one.
    Checkpoint,
    /// `keys`: who signs for the log, once its root key has handed a role on.
    Keys,
    /// `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`: hashes, or leaves.
    Tile(TilePath),
    /// `records/<N>[.p/<W>]`: the receipts of the leaves in the entry bundle of the same number.
    Records(TilePath),
    /// `receipt/<64 hex>`: one receipt.
    Receipt(Digest),
    /// `blob/<64 hex>`: something that a receipt names.
    Blob(Digest),
}

/// A path names nothing that a log publishes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no path of a log")]
pub struct ResourceError {
    found: String,
}

impl Resource {
    /// The most bytes that it has.
    pub(crate) const fn bytes_max(&self) -> usize {
        match self {
            Self::Checkpoint => NOTE_BYTES_MAX,
            Self::Keys => KEYS_BYTES_MAX,
            Self::Tile(path) => match path.kind() {
                TileKind::Hashes { .. } => path.width() as usize * 32,
                TileKind::Entries => path.width() as usize * (2 + chaos_log::LEAF_BYTES_MAX),
            },
            Self::Records(_) => RECORDS_BYTES_MAX,
            Self::Receipt(_) => RECORD_BYTES_MAX,
            Self::Blob(_) => BLOB_BYTES_MAX,
        }
    }

    /// Whether its bytes never change. What can change is the checkpoint, and what is proved under it.
    pub(crate) const fn is_immutable(&self) -> bool {
        match self {
            Self::Checkpoint | Self::Keys => false,
            Self::Tile(_) | Self::Records(_) | Self::Receipt(_) | Self::Blob(_) => true,
        }
    }

    pub(crate) const fn content_type(&self) -> &'static str {
        match self {
            Self::Checkpoint => "text/plain; charset=utf-8",
            Self::Keys | Self::Receipt(_) => "application/json",
            Self::Tile(_) | Self::Records(_) | Self::Blob(_) => "application/octet-stream",
        }
    }

    /// What to ask for if a part of a tile is no longer served: the whole of it.
    pub(crate) fn whole(&self) -> Option<Self> {
        let whole = |path: &TilePath| TilePath::new(path.kind(), path.index(), TILE_WIDTH).ok();
        match self {
            Self::Tile(path) if path.width() < TILE_WIDTH => whole(path).map(Self::Tile),
            Self::Records(path) if path.width() < TILE_WIDTH => whole(path).map(Self::Records),
            Self::Tile(_)
            | Self::Records(_)
            | Self::Checkpoint
            | Self::Keys
            | Self::Receipt(_)
            | Self::Blob(_) => None,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::Keys => f.write_str("keys"),
            Self::Tile(path) => fmt::Display::fmt(path, f),
            Self::Records(path) => {
                let path = path.to_string();
                write!(f, "{RECORDS}{}", path.strip_prefix(ENTRIES).unwrap_or(&path))
            }
            Self::Receipt(digest) => write!(f, "receipt/{}", digest.to_hex()),
            Self::Blob(digest) => write!(f, "blob/{}", digest.to_hex()),
        }
    }
}

impl FromStr for Resource {
    type Err = ResourceError;

    fn from_str(text: &str) -> Result<Self, ResourceError> {
        let error = || ResourceError { found: text.chars().take(80).collect() };
        if text.len() > PATH_BYTES_MAX {
            return Err(error());
        }
        let resource = if text == "checkpoint" {
            Some(Self::Checkpoint)
        } else if text == "keys" {
            Some(Self::Keys)
        } else if let Some(rest) = text.strip_prefix(RECORDS) {
            format!("{ENTRIES}{rest}").parse().ok().map(Self::Records)
        } else if let Some(hex) = text.strip_prefix("receipt/") {
            Digest::from_hex(hex).ok().map(Self::Receipt)
        } else if let Some(hex) = text.strip_prefix("blob/") {
            Digest::from_hex(hex).ok().map(Self::Blob)
        } else {
            text.parse().ok().map(Self::Tile)
        };
        resource.ok_or_else(error)
    }
}

#[cfg(test)]
mod tests;
