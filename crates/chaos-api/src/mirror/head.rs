//! The published checkpoint beside those that were kept.

use chaos_log::{
    EMPTY_ROOT, FindError, ForkError, ForkProof, Policy, ProveError, SignedCheckpoint, VerifierKey,
    prove_prefix,
};
use chaos_store::{Store, StoreError};

use super::{
    MirrorError, Signers,
    delegated::{ensure_held, ensure_holds, ensure_keys_fit, ensure_shown},
    fetched::{Absent, Fetched},
    tree::narrow,
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

/// The published checkpoint, signed by the log.
pub(crate) async fn fetch(
    source: &Source,
    signers: &mut Signers,
) -> Result<SignedCheckpoint, MirrorError> {
    let bytes = source.get(&Resource::Checkpoint).await?;
    let signed = SignedCheckpoint::parse(&bytes).map_err(MirrorError::Checkpoint)?;
    signers.ensure_signed(source, &signed).await?;
    let claimed = signed.claimed();
    if claimed.size() == 0 && *claimed.root() != EMPTY_ROOT {
        let (expected, found) = (*claimed.root(), EMPTY_ROOT);
        return Err(MirrorError::Root { size: 0, expected, found });
    }
    Ok(signed)
}

/// Holds the published checkpoint against every one that was kept, and each of them against the delegations
/// that the root key has signed.
pub(super) async fn compare(
    source: &Source,
    mirror: (&Store, &Signers),
    known: &Known,
    found: &SignedCheckpoint,
) -> Result<Next, MirrorError> {
    for kept in known.stored.iter().chain(&known.pending) {
        mirror.1.ensure_in_force(kept)?;
        ensure_holds(mirror, kept).map_err(|error| match error {
            MirrorError::Place { .. } => mirror
                .1
                .two_trees(kept, found)
                .unwrap_or_else(|| MirrorError::KeptPlace(Box::new(error))),
            error => error,
        })?;
    }
    let stored = known.stored.as_ref().map_or(0, |kept| kept.claimed().size());
    // What the kept one holds, its continuation holds.
    let from = if stored < found.claimed().size() { stored } else { 0 };
    ensure_keys_fit(source, mirror, found, from).await?;
    ensure_held(source, mirror, found, from).await?;
    if stored < found.claimed().size() {
        ensure_shown(source, mirror, found).await?;
    }
    let pending = known.pending.iter().filter(|pending| Some(*pending) != known.stored.as_ref());
    for kept in known.stored.iter().chain(pending) {
        ensure_grown(source, mirror, kept, found).await?;
    }
    let same = known.stored.is_some() && found.claimed().size() == stored;
    Ok(if same { Next::Same } else { Next::Follow })
}

/// One note of a checkpoint with the lines of the kept and of the found one. A source that leaves cosignatures
/// away takes none from what the mirror can show, and one that adds lines keeps none from it. Where a policy says
/// which cosignatures hold, those of the found note were held against it; otherwise a line that is kept stays.
pub(super) fn with_more_cosigners(
    kept: Option<SignedCheckpoint>,
    found: SignedCheckpoint,
    policy: Option<&Policy>,
) -> SignedCheckpoint {
    let Some(kept) = kept else { return found };
    let (mut note, more) = if policy.is_some() { (found, kept) } else { (kept, found) };
    for line in more.note().signatures() {
        let mut lines = note.note().signatures().iter();
        let is_there = lines.any(|own| (own.name(), own.id()) == (line.name(), line.id()));
        // A note that is full of lines has no place for more.
        if !is_there && note.add(line.clone()).is_err() {
            break;
        }
    }
    note
}

/// Refuses a published checkpoint that is no continuation of one that was kept.
pub(crate) async fn ensure_grown(
    source: &Source,
    (store, signers): (&Store, &Signers),
    kept: &SignedCheckpoint,
    found: &SignedCheckpoint,
) -> Result<(), MirrorError> {
    let (old, new) = (kept.claimed(), found.claimed());
    if new.size() == old.size() {
        if new.root() == old.root() {
            return Ok(());
        }
        let Some(key) = signers.of_both(kept, found) else {
            let branches = MirrorError::Branches { kept: old.size(), found: new.size() };
            return Err(stored_history(store, signers, found).unwrap_or(branches));
        };
        let proof = ForkProof::of_roots(key, kept.clone(), found.clone());
        return Err(match proof {
            Ok(proof) => signers.fork(proof),
            Err(source) => unproved(kept, found, source),
        });
    }
    if new.size() < old.size() {
        let older = MirrorError::Rollback { kept: old.size(), found: new.size() };
        let Some(key) = signers.of_both(kept, found) else {
            return Err(stored_history(store, signers, found).unwrap_or(older));
        };
        return Err(match ForkProof::find(&key, found, kept, store) {
            Ok(Some(proof)) => signers.fork(proof),
            Ok(None) => older,
            Err(error) => failed(kept, found, error).err().unwrap_or(older),
        });
    }
    if old.size() == 0 {
        return Ok(());
    }
    let key = signers.of_both(kept, found);
    match find(source, key.as_ref(), kept, found).await {
        Ok(Some(proof)) => Err(signers.fork(proof)),
        Ok(None) => Ok(()),
        // Two keys have signed: the root key has said which history the later one goes on from.
        Err(MirrorError::Branches { kept: size, found: new }) => {
            let proof = published_history(source, signers, kept, found).await?;
            Err(proof.unwrap_or(MirrorError::Branches { kept: size, found: new }))
        }
        Err(error) => Err(error),
    }
}

/// What it means that no fork was found because two checkpoints could not be compared by what is stored: nothing, where
/// the entries are not all stored, so that nobody knows which root the smaller log had.
pub(crate) fn failed(
    kept: &SignedCheckpoint,
    found: &SignedCheckpoint,
    error: FindError<StoreError>,
) -> Result<(), MirrorError> {
    match error {
        FindError::Tiles(ProveError::Read(error)) => Err(MirrorError::Store(error)),
        FindError::Tiles(
            ProveError::Narrow { .. } | ProveError::Index { .. } | ProveError::Sizes { .. },
        )
        | FindError::Fork(ForkError::Prefix(_)) => Ok(()),
        FindError::Fork(source) => Err(unproved(kept, found, source)),
    }
}

fn unproved(kept: &SignedCheckpoint, found: &SignedCheckpoint, source: ForkError) -> MirrorError {
    let (kept, found) = (kept.claimed().size(), found.claimed().size());
    MirrorError::Consistency { kept, found, source }
}

/// The proof that a published checkpoint is no start of the history that the root key has signed, by what is
/// stored of that.
pub(super) fn stored_history(
    store: &Store,
    signers: &Signers,
    found: &SignedCheckpoint,
) -> Option<MirrorError> {
    let (size, end) = (found.claimed().size(), signers.signed_history(found)?);
    let prefix = if size < end { Some(prove_prefix(store, size, end).ok()?) } else { None };
    signers.other_history(found, prefix)
}

/// The same of a kept checkpoint, by what is published.
async fn published_history(
    source: &Source,
    signers: &Signers,
    kept: &SignedCheckpoint,
    found: &SignedCheckpoint,
) -> Result<Option<MirrorError>, MirrorError> {
    let size = kept.claimed().size();
    let Some(end) = signers.signed_history(kept) else { return Ok(None) };
    if size == end {
        return Ok(signers.other_history(kept, None));
    }
    let prefix = Fetched::of(found.claimed().size()).prefix(source, size, end).await?;
    Ok(signers.other_history(kept, Some(prefix)))
}

/// Holds a kept checkpoint against a larger one with the published tiles: none if it is its start, a
/// proof if it is not. Tiles that lead to neither are an error.
async fn find(
    source: &Source,
    key: Option<&VerifierKey>,
    kept: &SignedCheckpoint,
    found: &SignedCheckpoint,
) -> Result<Option<ForkProof>, MirrorError> {
    let (old_size, new_size) = (kept.claimed().size(), found.claimed().size());
    let mut tiles = Fetched::of(new_size);
    loop {
        let held = match key {
            Some(key) => ForkProof::find(key, kept, found, &tiles),
            None => begins_with(kept, found, &tiles),
        };
        let id = match held {
            Ok(proof) => return Ok(proof),
            Err(FindError::Tiles(ProveError::Read(Absent(id)))) => id,
            Err(FindError::Tiles(ProveError::Narrow { tile, expected, found })) => {
                return Err(narrow(tile, expected, found));
            }
            Err(FindError::Tiles(ProveError::Index { .. } | ProveError::Sizes { .. })) => {
                unreachable!("the old size is below the new one")
            }
            Err(FindError::Fork(ForkError::Consistent { .. })) => {
                return Err(MirrorError::Branches { kept: old_size, found: new_size });
            }
            Err(FindError::Fork(source)) => {
                return Err(MirrorError::Consistency { kept: old_size, found: new_size, source });
            }
        };
        // Every turn adds a tile, and a proof asks for two of each level.
        tiles.fetch(source, id).await?;
    }
}

/// Whether one tree is the start of another, whoever signed them. Two that are not make no proof by
/// themselves where two keys signed, and are told as the contrary of consistent.
fn begins_with(
    kept: &SignedCheckpoint,
    found: &SignedCheckpoint,
    tiles: &Fetched,
) -> Result<Option<ForkProof>, FindError<Absent>> {
    let (old, new) = (kept.claimed(), found.claimed());
    let prefix = prove_prefix(tiles, old.size(), new.size()).map_err(FindError::Tiles)?;
    let root = prefix.old_root(new.root()).map_err(ForkError::Prefix)?;
    if root == *old.root() {
        return Ok(None);
    }
    Err(FindError::Fork(ForkError::Consistent { size: old.size(), root }))
}
