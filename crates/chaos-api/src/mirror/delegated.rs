//! Trees held against the delegations that the root key has signed, whoever signed the trees.
//!
//! A delegation names the tree that it follows, so that every tree of the log which reaches as far begins
//! with it. One that does not is not the log's.

use chaos_log::{ForkError, PrefixProof, SignedCheckpoint, prove_prefix};
use chaos_store::Store;
use chaos_verify::DelegationPlace;

use super::{
    MirrorError, Signers,
    fetched::Fetched,
    head::{ensure_grown, stored_history},
};
use crate::source::Source;

/// Refuses a kept checkpoint whose stored tree is not the one of a delegation that is known now: whoever
/// signed it was asked before the log's owner.
pub(super) fn ensure_holds(
    (store, signers): (&Store, &Signers),
    kept: &SignedCheckpoint,
) -> Result<(), MirrorError> {
    let size = kept.claimed().size();
    for place in signers.places() {
        let through = place.index.saturating_add(1);
        // Of one whose entries are not all stored there is no tree.
        let prefix = (through < size).then(|| prove_prefix(store, through, size)).transpose();
        let Ok(prefix) = prefix else { continue };
        if prefix.as_ref().is_none_or(|nodes| nodes.old_root(kept.claimed().root()).is_ok()) {
            ensure_at(signers, kept, *place, prefix)?;
        }
    }
    Ok(())
}

/// Refuses a published checkpoint whose tree is not that of each delegation from `from` entries on. Where it is
/// smaller than the next one, it is held against that as far as the nodes are at hand. The checkpoint and
/// the tiles are as they are published; nothing of them is stored yet.
pub(crate) async fn ensure_held(
    source: &Source,
    (store, signers): (&Store, &Signers),
    found: &SignedCheckpoint,
    from: u64,
) -> Result<(), MirrorError> {
    let (size, root) = (found.claimed().size(), found.claimed().root());
    let mut tiles = Fetched::of(size);
    for place in signers.places().iter().filter(|place| place.index >= from) {
        let through = place.index.saturating_add(1);
        let mut prefix = None;
        if through < size {
            let nodes = tiles.prefix(source, through, size).await?;
            if let Err(error) = nodes.old_root(root) {
                let (kept, source) = (through, ForkError::Prefix(error));
                return Err(MirrorError::Consistency { kept, found: size, source });
            }
            prefix = Some(nodes);
        }
        ensure_at(signers, found, *place, prefix)?;
    }
    stored_history(store, signers, found).map_or(Ok(()), Err)
}

/// Refuses to take a head for the log's that a key signed which is known to be retired, where nothing at hand
/// shows that it is of the history that the root key has signed: whoever has that key signs such a head today.
pub(crate) async fn ensure_shown(
    source: &Source,
    (store, signers): (&Store, &Signers),
    found: &SignedCheckpoint,
) -> Result<(), MirrorError> {
    let (size, root) = (found.claimed().size(), *found.claimed().root());
    let Some((key, index)) = signers.retired(found) else { return Ok(()) };
    let mut later = signers.places().iter().filter(|place| place.index > size);
    let (Some(next), Some(checkpoint)) = (later.next(), signers.checkpoint()) else {
        return Ok(());
    };
    let is_start = |nodes: &PrefixProof| nodes.old_root(&next.before) == Ok(root);
    if prove_prefix(store, size, next.index).is_ok_and(|nodes| is_start(&nodes)) {
        return Ok(());
    }
    // A source that grew meanwhile has the tiles of the head that its keys are proved under.
    let mut tiles = Fetched::of(checkpoint.claimed().size());
    match tiles.prefix(source, size, next.index).await {
        Ok(nodes) if is_start(&nodes) => Ok(()),
        Ok(_) | Err(_) => Err(MirrorError::NotHeld { size, key, index }),
    }
}

/// Holds a checkpoint against one delegation that stands below its size, by nodes of its tree, or right at it.
fn ensure_at(
    signers: &Signers,
    signed: &SignedCheckpoint,
    place: DelegationPlace,
    prefix: Option<PrefixProof>,
) -> Result<(), MirrorError> {
    let (size, root) = (signed.claimed().size(), *signed.claimed().root());
    let through = place.index.saturating_add(1);
    let other = |entries, expected, found| {
        let index = place.index;
        MirrorError::Place { size, index, entries, expected, found }
    };
    if place.index == size && root != place.before {
        let proof = signers.other_history(signed, None);
        return Err(proof.unwrap_or_else(|| other(size, place.before, root)));
    }
    let found = match &prefix {
        Some(nodes) => nodes.old_root(&root).ok(),
        None => (through == size).then_some(root),
    };
    match found {
        Some(found) if found != place.through => {
            let proof = signers.lacks(signed, place.index, prefix);
            Err(proof.unwrap_or_else(|| other(through, place.through, found)))
        }
        Some(_) | None => Ok(()),
    }
}

/// Refuses a published checkpoint beside a file of the log's keys that is proved under another history. What
/// is beyond the published tiles is not held against it.
pub(crate) async fn ensure_keys_fit(
    source: &Source,
    mirror: (&Store, &Signers),
    found: &SignedCheckpoint,
    stored: u64,
) -> Result<(), MirrorError> {
    let Some(checkpoint) = mirror.1.checkpoint() else { return Ok(()) };
    let (of_keys, size) = (checkpoint.claimed().size(), found.claimed().size());
    if of_keys <= stored {
        return Ok(());
    }
    if of_keys <= size {
        return ensure_grown(source, mirror, checkpoint, found).await;
    }
    match ensure_grown(source, mirror, found, checkpoint).await {
        Err(error @ MirrorError::Fork(_)) => Err(error),
        // A source has the tiles of what it has published, and need not have those of a later one.
        Ok(()) | Err(_) => Ok(()),
    }
}
