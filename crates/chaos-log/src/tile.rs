//! Tiles: the tree cut into pieces of 256 hashes that never change once they are full.
//!
//! Paths and bytes follow [C2SP tlog-tiles](https://c2sp.org/tlog-tiles).

use std::{fmt, str::FromStr};

use crate::hash::{HASH_BYTES, Hash};

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// Bits of an entry's index that are spent within one tile.
pub(crate) const TILE_BITS: u32 = 8;

/// The highest level that a path may name, as the specification has it. A log of 2^64 entries
/// only reaches level 7.
pub const LEVEL_MAX: u8 = 63;

/// Tile indices are below this, so that entry indices fit 64 bits.
const INDEX_END: u64 = 1 << (u64::BITS - TILE_BITS);

/// Longer paths cannot name an index below 2^56.
const PATH_BYTES_MAX: usize = 64;

/// The place of a tile in the tree: each of its hashes spans `256^level` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// Level, 0 at the leaf hashes.
    pub level: u8,
    /// Index within the level, from the left.
    pub index: u64,
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile {} of level {}", self.index, self.level)
    }
}

/// A tile's hashes, 1 to 256 of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Where the tile stands.
    pub id: TileId,
    /// Its hashes from the left; fewer than 256 while the tile is partial.
    pub hashes: Vec<Hash>,
}

/// Why bytes are not a tile's hashes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 256 hashes of 32 bytes, found {bytes} bytes")]
pub struct TileError {
    bytes: usize,
}

/// Writes the hashes one after another, as a tile is served.
#[must_use]
pub fn tile_to_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(Hash::as_bytes).copied().collect()
}

/// Reads the hashes of a tile.
///
/// # Errors
/// If there are not 1 to 256 whole hashes.
pub fn tile_from_bytes(bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    if !rest.is_empty() || hashes.is_empty() || hashes.len() > usize::from(TILE_WIDTH) {
        return Err(TileError { bytes: bytes.len() });
    }
    Ok(hashes.iter().copied().map(Hash::from_bytes).collect())
}

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// A tile of hashes at this level.
    Hashes {
        /// Level, at most [`LEVEL_MAX`].
        level: u8,
    },
    /// A bundle of entries.
    Entries,
}

/// The path of a tile or an entry bundle, such as `tile/0/x001/x234/067` or
/// `tile/entries/000.p/12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    kind: TileKind,
    index: u64,
    width: u16,
}

/// Why a text or its parts do not name a tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The text does not have the form of a tile path.
    #[error("expected `tile/<level or entries>/<index>[.p/<width>]`, found `{found}`")]
    Form {
        /// The start of the text.
        found: String,
    },
    /// The level is above [`LEVEL_MAX`].
    #[error("level {level} is above {LEVEL_MAX}")]
    Level {
        /// The refused level.
        level: u8,
    },
    /// The index is 2^56 or more.
    #[error("tile index {index} is 2^56 or more")]
    Index {
        /// The refused index.
        index: u64,
    },
    /// The width is not 1 to 256.
    #[error("width {width} is not between 1 and 256")]
    Width {
        /// The refused width.
        width: u16,
    },
}

impl TilePath {
    /// Names a tile or a bundle by its parts; `width` 256 means a full one.
    ///
    /// # Errors
    /// If a part is out of its range.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, PathError> {
        if let TileKind::Hashes { level } = kind
            && level > LEVEL_MAX
        {
            return Err(PathError::Level { level });
        }
        if index >= INDEX_END {
            return Err(PathError::Index { index });
        }
        if !(1..=TILE_WIDTH).contains(&width) {
            return Err(PathError::Width { width });
        }
        Ok(Self { kind, index, width })
    }

    /// What the path names.
    #[must_use]
    pub const fn kind(&self) -> TileKind {
        self.kind
    }

    /// The index within the level.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The number of hashes or entries, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// The tile's place in the tree, if this is a tile of hashes.
    #[must_use]
    pub const fn tile(&self) -> Option<TileId> {
        match self.kind {
            TileKind::Hashes { level } => Some(TileId { level, index: self.index }),
            TileKind::Entries => None,
        }
    }

    /// Every tile and bundle that a log of `new_size` serves and a log of `old_size` did not, in
    /// order: bundles first, then hashes by level. With `old_size` 0, all that the size needs.
    pub fn between(old_size: u64, new_size: u64) -> impl Iterator<Item = Self> {
        let hashes = (0u8..).map_while(move |level| {
            let shift = u32::from(level) * TILE_BITS;
            (shift < u64::BITS && new_size >> shift > 0)
                .then(|| (TileKind::Hashes { level }, old_size >> shift, new_size >> shift))
        });
        std::iter::once((TileKind::Entries, old_size, new_size)).chain(hashes).flat_map(
            |(kind, old, new)| {
                let width = u64::from(TILE_WIDTH);
                let first = old / width;
                let end = if old < new { new.div_ceil(width) } else { first };
                (first..end).map(move |index| {
                    let within = u16::try_from((new - index * width).min(width))
                        .expect("the minimum with 256 fits 16 bits");
                    Self { kind, index, width: within }
                })
            },
        )
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut divisor = 1;
        while self.index / divisor >= 1000 {
            divisor *= 1000;
        }
        while divisor > 1 {
            write!(f, "x{:03}/", self.index / divisor % 1000)?;
            divisor /= 1000;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.width < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for TilePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let form = || PathError::Form { found: text.chars().take(80).collect() };
        if text.len() > PATH_BYTES_MAX {
            return Err(form());
        }
        let rest = text.strip_prefix("tile/").ok_or_else(form)?;
        let (kind, rest) = rest.split_once('/').ok_or_else(form)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes { level: level.parse().map_err(|_| form())? },
        };
        let (groups, width) = match rest.split_once(".p/") {
            Some((groups, width)) => (groups, width.parse().map_err(|_| form())?),
            None => (rest, TILE_WIDTH),
        };
        let mut index: u64 = 0;
        for group in groups.split('/') {
            let group = group.strip_prefix('x').unwrap_or(group);
            let value: u64 = group.parse().map_err(|_| form())?;
            let longer = index.checked_mul(1000).and_then(|index| index.checked_add(value));
            index = longer.ok_or_else(form)?;
        }
        let path = Self::new(kind, index, width)?;
        // The parts above are read leniently; only the one spelling that we would write is a path.
        if path.to_string() == text { Ok(path) } else { Err(form()) }
    }
}
