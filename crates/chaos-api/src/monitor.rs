//! Watching a log: a mirror of it, and eyes for what its readers have to know.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use chaos_agency::{Action, Kinds, Leaf, Receipt};
use chaos_log::SignedCheckpoint;
use chaos_store::{Entry, Records as _};
use chaos_types::{Did, dsse::Envelope};

use crate::{
    alarm::Alarm,
    mirror::{Judge, Mirror, MirrorError, Told},
    source::Source,
};

/// Where alarms are kept within the data directory.
const ALARMS: &str = "alarms";

/// The key under which the number of examined entries is kept.
const EXAMINED_META: &str = "monitor/examined";

/// Once a round has so many findings it ends, and the next goes on from there.
const FINDINGS_MAX: usize = 1_000;

/// Entries that are examined at a time.
const EXAMINED_AT_ONCE: u64 = 500;

/// Whom a monitor looks out for, and what it can read.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Agents whose every entry is told.
    pub followed: BTreeSet<Did>,
    /// The kinds of receipts that the log knows.
    pub kinds: Kinds,
}

/// What a round of watching saw.
#[derive(Debug)]
pub struct Watched {
    /// The newest checkpoint that was kept, if there is one.
    pub head: Option<SignedCheckpoint>,
    /// Entries that were examined in this round.
    pub examined: u64,
    /// What people have to know. Each is in a file.
    pub alarms: Vec<Alarm>,
    /// The folder of those files.
    pub folder: PathBuf,
}

/// Why a log cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// The log cannot be mirrored, for reasons that say nothing about it.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// An alarm cannot be kept.
    #[error("cannot write an alarm into `{folder}`", folder = folder.display())]
    Alarm {
        /// The folder of alarms.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Mirrors a log into `mirror` and examines what is new. An alarm is on the disk before what it is
/// about counts as examined, so that none is lost to a kill.
///
/// After a fork nothing more is stored: both checkpoints are kept, and the alarm is raised again in
/// each round.
///
/// # Errors
/// If the log cannot be read, or an alarm cannot be kept.
pub async fn watch(
    mirror: &mut Mirror,
    directory: &Path,
    source: &Arc<Source>,
    now_ms: u64,
    watch: &Watch,
) -> Result<Watched, MonitorError> {
    let mut alarms = Vec::new();
    match mirror.follow(source, now_ms, &|_, _| {}).await {
        Ok(_) => {}
        Err(error) => alarms.push(alarm(error)?),
    }
    let before = Told::read(mirror.store(), EXAMINED_META).map_err(MirrorError::from)?;
    let mut examined = examine(mirror, before, now_ms, watch, &mut alarms)?;
    alarms.extend(mirror.fold(watch.kinds, before.size..examined.size)?.map(Alarm::Entry));
    let folder = directory.join(ALARMS);
    for alarm in &alarms {
        alarm.keep(&folder, mirror.key(), now_ms).map_err(|source| {
            let folder = folder.clone();
            MonitorError::Alarm { folder, source }
        })?;
    }
    examined.findings += alarms.len() as u64;
    mirror.put_meta(EXAMINED_META, &examined.to_string())?;
    let head = mirror.store().checkpoint().map_err(MirrorError::from)?;
    Ok(Watched { head, examined: examined.size - before.size, alarms, folder })
}

/// The alarm that a failure to mirror is, or the failure if it says nothing about the log.
fn alarm(error: MirrorError) -> Result<Alarm, MirrorError> {
    match error {
        MirrorError::Fork(fork) => Ok(Alarm::Fork(fork)),
        MirrorError::Rollback { kept, found } => Ok(Alarm::Rollback { kept, found }),
        error if error.is_contradiction() => Ok(Alarm::Contradiction(error)),
        error => Err(error),
    }
}

/// Examines the entries after those of `before`; says how far it came.
fn examine(
    mirror: &Mirror,
    before: Told,
    now_ms: u64,
    watch: &Watch,
    alarms: &mut Vec<Alarm>,
) -> Result<Told, MirrorError> {
    // What a page holds is told whole, so that nothing counts as examined that was not.
    let mut judge = Judge::new(now_ms, before.latest_ms, usize::MAX);
    let (mut next, size) = (before.size, mirror.store().head()?.size);
    while next < size && judge.count() < FINDINGS_MAX {
        let page = mirror.store().entries(next..size.min(next + EXAMINED_AT_ONCE))?;
        let Some(last) = page.last() else { break };
        next = last.index + 1;
        for entry in &page {
            let leaf = Leaf::from_bytes(&entry.leaf);
            let leaf = leaf.map_err(|source| MirrorError::Leaf { index: entry.index, source })?;
            let wrong = Envelope::verify_bytes(&entry.record).err();
            judge.see(entry.index, leaf.integrated_at_ms, wrong);
            alarms.extend(followed(entry, watch));
        }
    }
    let latest_ms = judge.latest_ms();
    alarms.extend(judge.end().0.into_iter().map(Alarm::Entry));
    Ok(Told { size: next, latest_ms, ..before })
}

/// The alarm for an entry by a followed agent, or that revokes one.
fn followed(entry: &Entry, watch: &Watch) -> Option<Alarm> {
    if watch.followed.is_empty() {
        return None;
    }
    let receipt = match Receipt::open_bytes(&entry.record, &watch.kinds) {
        Ok(receipt) => receipt,
        // A followed key may have signed what this program, or anybody, cannot read.
        Err(_) => return unreadable(entry, watch),
    };
    let about = match &receipt.action {
        Action::Revoke(revoke) => Some(revoke.agent),
        _ => None,
    };
    let named = std::iter::once(receipt.agent).chain(receipt.signers.iter().copied()).chain(about);
    let agent = named.into_iter().find(|did| watch.followed.contains(did))?;
    let kind = receipt.action.kind().to_owned();
    Some(Alarm::Followed { index: entry.index, agent, receipt: entry.digest, kind })
}

/// The alarm for a record that is no receipt and names a followed agent as its signer, whether its
/// signatures hold or not.
fn unreadable(entry: &Entry, watch: &Watch) -> Option<Alarm> {
    let envelope: Envelope = serde_json::from_slice(&entry.record).ok()?;
    let signers = envelope.signatures.iter().map(|signature| signature.keyid);
    let agent = signers.into_iter().find(|did| watch.followed.contains(did))?;
    let kind = "unreadable".to_owned();
    Some(Alarm::Followed { index: entry.index, agent, receipt: entry.digest, kind })
}
