//! The published checkpoint beside those that were kept.

use std::{collections::BTreeMap, fmt};

use chaos_log::{
    ConsistencyProof, EMPTY_ROOT, Hash, ProveError, SignedCheckpoint, TILE_WIDTH, TileId, TileKind,
    TilePath, TileRead, VerifierKey, prove_consistency, root_at,
};
use chaos_store::Store;

use super::{
    MirrorError,
    tree::{fetch_tile, narrow},
};
use crate::{resource::Resource, source::Source};

/// Checkpoints that were verified earlier.
#[derive(Debug)]
pub(super) struct Known {
    /// The newest whose entries are all stored.
    pub(super) stored: Option<SignedCheckpoint>,
    /// One whose entries may be stored in part; it may be as old as the other.
    pub(super) pending: Option<SignedCheckpoint>,
}

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The log has not grown.
    Same,
    /// The log has grown.
    Follow,
}

/// Two checkpoints that a log has signed, of which neither is the start of the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The one that was kept.
    pub kept: SignedCheckpoint,
    /// The one that is published now.
    pub found: SignedCheckpoint,
    /// The root that the smaller one would have if it were the start of the larger one.
    pub expected: Hash,
    /// What leads from that root to the larger one's; none where both have one size.
    pub proof: Option<ConsistencyProof>,
}

impl Fork {
    /// Whether it proves itself to somebody who has the log's key and nothing else.
    #[must_use]
    pub fn is_proved(&self, key: &VerifierKey) -> bool {
        let (Ok(kept), Ok(found)) = (self.kept.verify(key), self.found.verify(key)) else {
            return false;
        };
        let (old, new) = if kept.size() <= found.size() { (kept, found) } else { (found, kept) };
        match &self.proof {
            None => old.size() == new.size() && old.root() != new.root(),
            Some(proof) => {
                (proof.old_size(), proof.new_size()) == (old.size(), new.size())
                    && self.expected != *old.root()
                    && proof.verify(&self.expected, new.root()).is_ok()
            }
        }
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept, found) = (self.kept.claimed(), self.found.claimed());
        write!(
            f,
            "it signed size {} with root {}, and size {} with root {}",
            kept.size(),
            kept.root(),
            found.size(),
            found.root()
        )
    }
}

/// The published checkpoint, signed by the log.
pub(crate) async fn fetch(
    source: &Source,
    key: &VerifierKey,
) -> Result<SignedCheckpoint, MirrorError> {
    let bytes = source.get(&Resource::Checkpoint).await?;
    let signed = SignedCheckpoint::parse(&bytes).map_err(MirrorError::Checkpoint)?;
    signed.verify(key).map_err(MirrorError::Checkpoint)?;
    let claimed = signed.claimed();
    if claimed.size() == 0 && *claimed.root() != EMPTY_ROOT {
        let (expected, found) = (*claimed.root(), EMPTY_ROOT);
        return Err(MirrorError::Root { size: 0, expected, found });
    }
    Ok(signed)
}

/// Holds the published checkpoint against every one that was kept.
pub(super) async fn compare(
    source: &Source,
    store: &Store,
    known: &Known,
    found: &SignedCheckpoint,
) -> Result<Next, MirrorError> {
    let stored = known.stored.as_ref().map_or(0, |kept| kept.claimed().size());
    let pending = known.pending.iter().filter(|pending| Some(*pending) != known.stored.as_ref());
    for kept in known.stored.iter().chain(pending) {
        ensure_grown(source, store, kept, found).await?;
    }
    let same = known.stored.is_some() && found.claimed().size() == stored;
    Ok(if same { Next::Same } else { Next::Follow })
}

async fn ensure_grown(
    source: &Source,
    store: &Store,
    kept: &SignedCheckpoint,
    found: &SignedCheckpoint,
) -> Result<(), MirrorError> {
    let (old, new) = (kept.claimed(), found.claimed());
    let fork = |expected, proof| {
        let (kept, found) = (kept.clone(), found.clone());
        Err(MirrorError::Fork(Box::new(Fork { kept, found, expected, proof })))
    };
    if new.size() == old.size() {
        return if new.root() == old.root() { Ok(()) } else { fork(*old.root(), None) };
    }
    if new.size() < old.size() {
        // Only if the entries are stored is it known which root the smaller log had.
        if let Ok(expected) = root_at(store, new.size())
            && expected != *new.root()
            && let Ok(proof) = prove_consistency(store, new.size(), old.size())
        {
            return fork(expected, Some(proof));
        }
        return Err(MirrorError::Rollback { kept: old.size(), found: new.size() });
    }
    if old.size() == 0 {
        return Ok(());
    }
    let (proof, claimed) = fetch_proof(source, old.size(), new.size()).await?;
    let Err(wrong) = proof.verify(old.root(), new.root()) else { return Ok(()) };
    // The tiles lead to the signed root, and what they have as the old root is not the kept one.
    if claimed != *old.root() && proof.verify(&claimed, new.root()).is_ok() {
        return fork(claimed, Some(proof));
    }
    Err(MirrorError::Consistency { kept: old.size(), found: new.size(), source: wrong })
}

/// A proof made from the published tiles, and the root that they have at the old size.
async fn fetch_proof(
    source: &Source,
    old_size: u64,
    new_size: u64,
) -> Result<(ConsistencyProof, Hash), MirrorError> {
    let mut tiles = Fetched::default();
    loop {
        let made = prove_consistency(&tiles, old_size, new_size)
            .and_then(|proof| Ok((proof, root_at(&tiles, old_size)?)));
        let id = match made {
            Ok(made) => return Ok(made),
            Err(ProveError::Read(Absent(id))) => id,
            Err(ProveError::Narrow { tile, expected, found }) => {
                return Err(narrow(tile, expected, found));
            }
            Err(ProveError::Index { .. } | ProveError::Sizes { .. }) => {
                unreachable!("the old size is below the new one")
            }
        };
        let hashes = new_size >> (u32::from(id.level) * 8);
        let start = id.index * u64::from(TILE_WIDTH);
        let width = hashes.saturating_sub(start).min(u64::from(TILE_WIDTH));
        let width = u16::try_from(width).expect("at most 256");
        let path = TilePath::new(TileKind::Hashes { level: id.level }, id.index, width)
            .expect("a proof asks for tiles that its size has");
        // Every turn adds a tile, and a proof asks for two of each level.
        tiles.0.insert(id, fetch_tile(source, path).await?);
    }
}

/// The tiles fetched so far.
#[derive(Debug, Default)]
struct Fetched(BTreeMap<TileId, Vec<Hash>>);

/// A tile that was not fetched yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Absent(TileId);

impl TileRead for Fetched {
    type Error = Absent;

    fn read_tile(&self, id: TileId) -> Result<Option<Vec<Hash>>, Absent> {
        self.0.get(&id).cloned().map(Some).ok_or(Absent(id))
    }
}
