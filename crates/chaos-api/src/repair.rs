//! Mending a damaged data directory from a mirror. Nothing is signed, and no key is needed.

mod beside;
mod beyond;
mod derived;
mod dropped;
mod error;
mod fetching;
mod held;
mod notes;

use std::{path::Path, sync::Arc};

use chaos_agency::Kinds;
use chaos_ledger::{Heads, holds_key};
use chaos_log::{Policy, SignedCheckpoint, TilePath, root_at};
use chaos_store::{Head, KeptNote, Records as _, Store, StoreError};
use chaos_types::Digest;

use self::{
    beyond::Beyond,
    derived::{mend_blobs, mend_tiles},
    dropped::Dropped,
    fetching::Repair,
    held::Held,
    notes::mend_falsified,
};
pub use self::{error::RepairError, held::Continuation};
use crate::{
    alarm::Alarm,
    mirror::{
        ALARMS, KEY_META, MirrorError, Signers, ensure_held, ensure_keys_fit, ensure_shown,
        fetch_head, fetch_tree,
    },
    source::Source,
};

/// What was mended, and what could not be.
#[derive(Debug)]
pub struct Repaired {
    /// The head of the log after it, with everything checked, or why it does not hold yet.
    pub checked: Result<Head, StoreError>,
    /// Size of the checkpoint that the source was held against.
    pub source_size: u64,
    /// How many entries the source's directory holds, where it is a directory on this machine; its checkpoint may cover
    /// fewer.
    pub source_stored: Option<u64>,
    /// Rows of entries whose digest, leaf or place was not what follows from record and tiles, and that were put right.
    pub rows: u64,
    /// Entries that were fetched.
    pub entries: Vec<u64>,
    /// Tiles that were computed anew from the leaves.
    pub tiles: u64,
    /// Kept checkpoints that were put in their place or, where nobody could read them, dropped.
    pub checkpoints: u64,
    /// Sizes of kept checkpoints that were dropped, or lost a line, since what a disk has made of them the log has not
    /// signed.
    pub falsified: Vec<u64>,
    /// Sizes of kept checkpoints that the log has not signed, as far as is known, and that were left.
    pub unsigned: Vec<u64>,
    /// Whether the log's policy of witnesses cannot be read, so that no line of theirs was judged.
    pub policy_damaged: bool,
    /// Blobs that were fetched.
    pub blobs: Vec<Digest>,
    /// Entries above the source's checkpoint that are damaged or missing.
    pub entries_left: Vec<u64>,
    /// Entries that hold together, that no head covers, and whose tile had another hash, which was computed anew.
    pub unproved: Vec<u64>,
    /// Size of the newest head that is known without the source: what comes after it, the log has not signed.
    pub signed: u64,
    /// Damaged blobs that the source does not publish.
    pub blobs_left: Vec<Digest>,
    /// How many entries there were before.
    pub old_size: u64,
    /// Whether the directory is a copy of somebody's log, which holds nothing that was not signed.
    pub is_copy: bool,
    /// How the directory now stands to what was signed on this machine.
    pub continuation: Continuation,
}

/// Finds what fails its digest in a data directory and fetches it from `source`: entries that are
/// missing, up to the source's checkpoint where the directory was restored from an old copy, whose record is not the one in their leaf, or whose leaf is not the one in the tree that
/// the log has signed; tiles that are not those of the leaves; and blobs that receipts name.
///
/// What comes is held against the source's checkpoint, which the log's key has signed, before it is
/// written. An entry that holds together here is never replaced. The source and the result are held against
/// the head that `heads` remembers, and a fork is refused before anything is changed; the proof of it is kept
/// among the directory's alarms.
///
/// # Errors
/// If the source cannot be read, is not this log's, or contradicts it or what was signed, or the store
/// fails.
pub async fn repair(
    directory: &Path,
    source: &Arc<Source>,
    kinds: &Kinds,
    heads: Option<&Heads>,
    now_ms: u64,
) -> Result<Repaired, RepairError> {
    let error = match mend(directory, source, kinds, heads).await {
        Err(RepairError::Source(error)) => error,
        done => return done,
    };
    let MirrorError::Fork(proof) = *error else { return Err(RepairError::Source(error)) };
    let alarm = Alarm::Fork(proof);
    let key = chaos_ledger::log_verifier(&Store::open_damaged(directory)?, directory)?;
    let folder = directory.join(ALARMS);
    let kept = alarm.keep(&folder, &key, now_ms).map(|()| folder.join(alarm.proof_file()));
    Err(RepairError::Forked { alarm: Box::new(alarm), kept })
}

async fn mend(
    directory: &Path,
    source: &Arc<Source>,
    kinds: &Kinds,
    heads: Option<&Heads>,
) -> Result<Repaired, RepairError> {
    let mut store = Store::open_damaged(directory)?;
    let mut dropped = Dropped::of(&mut store)?;
    let mut done = mend_noted(&mut store, &mut dropped, directory, source, kinds, heads).await;
    if !done.as_ref().is_ok_and(|done| done.checked.is_ok()) {
        // What was kept judges the next source too.
        dropped.put_back(&mut store)?;
        if let Ok(done) = &mut done {
            done.checkpoints = 0;
            done.falsified.clear();
        }
    }
    dropped.forget(&mut store)?;
    done
}

async fn mend_noted(
    store: &mut Store,
    dropped: &mut Dropped,
    directory: &Path,
    source: &Arc<Source>,
    kinds: &Kinds,
    heads: Option<&Heads>,
) -> Result<Repaired, RepairError> {
    let rows = store.mend_rows()?;
    dropped.remember(store, KeptNote::is_in_place)?;
    let checkpoints = store.mend_checkpoints()?;
    let key = chaos_ledger::log_verifier(store, directory)?;
    let mut signers = Signers::read(store, &key, true)?;
    if store.stored_size()? == 0 {
        // The key of a directory that lost its log may be one that the root key has named.
        signers.ensure_root(source).await?;
    }
    let head = fetch_head(source, &mut signers).await?;
    // A source that ends before the last rotation does not know.
    signers.learn_from(store);
    let (policy, policy_damaged) = kept_policy(store)?;
    let (falsified, is_own_false) =
        mend_falsified(store, dropped, &signers, (policy.as_ref(), &head))?;
    signers.learn_from(store);
    // A mirror of the source's log goes on by mirroring, which judges what is new; one that has the log's key is the log.
    let is_copy = store.meta(KEY_META)?.is_some() && !holds_key(directory);
    let held = Held::of(store, (&key, is_copy), heads, &signers)?;
    held.ensure_stored_is_signed(source, &mut signers).await?;
    ensure_keys_fit(source, (store, &signers), &head, 0).await?;
    ensure_held(source, (store, &signers), &head, 0).await?;
    ensure_shown(source, (store, &signers), &head).await?;
    held.ensure_no_fork(source, (store, &signers), &head).await?;
    ensure_keys_known(directory, &signers)?;
    let is_known = checkpoints == 0 && !is_own_false;
    let told = Told { head, held, signers, is_copy, is_known };
    let entries = mend_entries(store, source, &told).await?;
    let Told { head, held, signers, .. } = told;
    let (blobs, blobs_left) = mend_blobs(store, source, kinds, entries.end).await?;
    let source_size = head.claimed().size();
    let mut checked = store.check();
    if !is_copy && source_size > held.stored_size() && is_whole_to(store, &checked, &head) {
        // That the log has signed is not forgotten together with its database.
        store.put_checkpoint(&signers.of_the_log(&head))?;
        checked = store.check();
    }
    let unsigned = unsigned_heads(store, &signers)?;
    if checked.as_ref().is_ok_and(|head| head.size >= entries.old_size) {
        store.forget_former()?;
        if is_copy {
            signers.keep(store)?;
        }
    }
    let continuation =
        if is_copy { Continuation::Copy } else { held.continuation(store, &checked) };
    Ok(Repaired {
        checked,
        source_size,
        source_stored: source.stored_size().map_err(MirrorError::Source)?,
        rows,
        entries: entries.mended,
        tiles: entries.tiles,
        checkpoints,
        falsified,
        unsigned,
        policy_damaged,
        blobs,
        entries_left: entries.beyond.damaged,
        unproved: entries.beyond.unproved,
        signed: held.newest_size(),
        blobs_left,
        old_size: entries.old_size,
        is_copy,
        continuation,
    })
}

/// The log's policy of witnesses, and whether one is kept that cannot be read.
fn kept_policy(store: &Store) -> Result<(Option<Policy>, bool), RepairError> {
    match chaos_ledger::kept_policy(store) {
        Err(chaos_ledger::Error::PolicyDamaged | chaos_ledger::Error::Policy(_)) => {
            Ok((None, true))
        }
        policy => Ok((policy?, false)),
    }
}

/// Sizes of the kept checkpoints that the log has not signed, as far as is known.
fn unsigned_heads(store: &Store, signers: &Signers) -> Result<Vec<u64>, RepairError> {
    let kept = store.checkpoints()?;
    let unsigned = kept.iter().filter(|kept| !signers.holds(kept));
    Ok(unsigned.map(|kept| kept.claimed().size()).collect())
}

/// What source and directory say of the log, held against one another.
struct Told {
    head: SignedCheckpoint,
    held: Held,
    signers: Signers,
    is_copy: bool,
    /// Whether it is known what the log signed: no kept checkpoint was damaged.
    is_known: bool,
}

/// What became of the entries, and of the tiles over them.
struct Mended {
    /// Entries that were fetched.
    mended: Vec<u64>,
    beyond: Beyond,
    tiles: u64,
    /// How many entries there were before.
    old_size: u64,
    /// How many there are now, with those that are missing.
    end: u64,
}

async fn mend_entries(
    store: &mut Store,
    source: &Arc<Source>,
    told: &Told,
) -> Result<Mended, RepairError> {
    let Told { head, held, signers, is_copy, .. } = told;
    let source_size = head.claimed().size();
    let by_rows = store.acknowledged_size()?;
    let old_size = if *is_copy {
        // A copy holds nothing that was not signed, so that no note is needed of what it had.
        store.forget_former()?;
        by_rows
    } else {
        by_rows.max(store.former_size()?)
    };
    let tree = fetch_tree(source, store, 0, head).await?;
    let (signed, newest) = (held.stored_size(), held.newest_size());
    let shown = held.shown_size(store, &tree, head)?;
    // A copy takes in nothing that was not signed.
    let is_known = told.is_known && (!is_copy || signed > 0);
    // Entries that were lost at the end, or that an old copy never had, come back as far as the log has signed them.
    let end = old_size.max(held.covered(!is_copy, source_size));
    let entries = Vec::new();
    let mut repair = Repair { source, tree: &tree, signed, newest, shown, is_known, entries };
    for path in TilePath::between(0, source_size).take_while(|path| path.tile().is_none()) {
        repair.mend(store, &path, end).await?;
    }
    let mut mended = repair.entries;
    if *is_copy {
        // A row beyond all that the copy had is none of the log's.
        store.drop_rows_from(end)?;
    }
    let kept = store.checkpoints()?;
    let heads = kept.iter().filter(|kept| signers.holds(kept)).chain(held.heads());
    let heads: Vec<SignedCheckpoint> = heads.cloned().collect();
    let judge =
        |store: &Store| Beyond::judge(store, source_size..end.max(source_size), &tree, &heads);
    let mut beyond = judge(store)?;
    let taken = beside::take(store, source, &beyond.damaged)?;
    if !taken.is_empty() {
        mended.extend(taken);
        beyond = judge(store)?;
    }
    beyond.damaged.extend(store.rows_from(end)?);
    // A leaf that may be wrong must not make tiles.
    let tiles = if beyond.damaged.is_empty() { mend_tiles(store, end)? } else { 0 };
    Ok(Mended { mended, beyond, tiles, old_size, end })
}

/// Refuses a source that knows of fewer delegations than the directory has keys by: whoever has one of the
/// retired ones publishes such a history, whichever entries are lost here.
fn ensure_keys_known(directory: &Path, signers: &Signers) -> Result<(), RepairError> {
    let held = chaos_ledger::delegations_by_key_files(directory)?;
    let shown = signers.delegations();
    if shown < held {
        return Err(RepairError::KeysAhead { held, shown });
    }
    Ok(())
}

/// Whether the store holds together and has the tree of this head.
fn is_whole_to(store: &Store, checked: &Result<Head, StoreError>, head: &SignedCheckpoint) -> bool {
    let (size, root) = (head.claimed().size(), head.claimed().root());
    checked.as_ref().is_ok_and(|found| found.size >= size)
        && root_at(store, size).is_ok_and(|found| found == *root)
}
