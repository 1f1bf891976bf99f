//! Watching a log: a mirror of it, and eyes for what its readers have to know.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
    sync::Arc,
};

use chaos_agency::{Action, Kinds, Receipt};
use chaos_log::SignedCheckpoint;
use chaos_store::{Entry, Records as _};
use chaos_types::{Did, dsse::Envelope};

use crate::{
    alarm::Alarm,
    mirror::{Mirror, MirrorError},
    source::Source,
};

/// The key under which it is kept how many entries were examined, and people told of them.
const EXAMINED_META: &str = "monitor/examined";

/// The key under which it is kept, for each agent that was ever followed, how many entries people were told of it.
const FOLLOWED_META: &str = "monitor/followed";

/// Once a round has so many entries of followed agents it ends, and the next goes on from there.
const FOLLOWED_MAX: usize = 1_000;

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
    /// Entries that were examined before, and looked at again in this round for agents that were not followed then.
    pub examined_again: u64,
    /// How many of them count for nothing by the log's rules, by the code of the reason.
    pub refused: BTreeMap<String, u64>,
    /// What people have to know. Each is in a file. What stands is among it in every round.
    pub alarms: Vec<Alarm>,
    /// How many further findings stand that were only counted.
    pub left_out: u64,
    /// The folder of those files.
    pub folder: PathBuf,
    /// How far entries were examined.
    examined_to: u64,
    /// How far they were for each agent that is followed, or was.
    followed_to: BTreeMap<String, u64>,
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

impl Watched {
    /// Writes down that people were told. What they were not told is an alarm of the next round again.
    ///
    /// # Errors
    /// If the store fails.
    pub fn told(&self, mirror: &mut Mirror) -> Result<(), MonitorError> {
        if !self.followed_to.is_empty() {
            let followed = serde_json::to_string(&self.followed_to).expect("numbers by names");
            mirror.put_meta(FOLLOWED_META, &followed)?;
        }
        Ok(mirror.put_meta(EXAMINED_META, &self.examined_to.to_string())?)
    }
}

/// Mirrors a log into `mirror` and examines what is new. Each alarm is on the disk when this returns; an
/// entry counts as examined only once [`Watched::told`] says so, so that none is lost to a kill.
///
/// Who is followed for the first time is looked for in the entries that are here already.
///
/// What is wrong in the log stands: it is an alarm of every round until a person accepts it. After a fork
/// nothing more is fetched or stored before that.
///
/// # Errors
/// If the log cannot be read, or an alarm cannot be kept.
pub async fn watch(
    mirror: &mut Mirror,
    source: &Arc<Source>,
    now_ms: u64,
    watch: &Watch,
) -> Result<Watched, MonitorError> {
    let mut alarms = Vec::new();
    mirror.fold_by(watch.kinds);
    match mirror.follow(source, now_ms, &|_, _| {}).await {
        Ok(_) => {}
        // It stands among the findings. Once that is accepted, the copy ends there all the same.
        Err(MirrorError::Repeated { index, .. }) if mirror.standings()?.is_repeated_at(index) => {}
        Err(error) => alarms.push(alarm(error)?),
    }
    mirror.fold(watch.kinds, now_ms)?;
    let before = examined(mirror)?;
    let mut told = Told::read(mirror, watch, before)?;
    let start = told.start();
    let reached = examine(mirror, &told, watch, &mut alarms)?;
    let examined_to = reached.max(before);
    told.reach(watch, reached);
    let mut refusals = mirror.refused_among(watch.kinds, start..reached)?;
    let mut refused: BTreeMap<String, u64> = BTreeMap::new();
    for code in refusals.range(before..).map(|(_, code)| code) {
        *refused.entry(code.clone()).or_default() += 1;
    }
    for alarm in &mut alarms {
        if let Alarm::Followed { index, refused: why, .. } = alarm {
            *why = refusals.remove(index);
        }
    }
    let standings = mirror.standings()?;
    // The fork that stands is what following it ended with.
    let entries = standings.open().filter(|finding| !finding.is_fork());
    alarms.extend(entries.cloned().map(Alarm::Entry));
    let folder = mirror.alarms();
    for alarm in &alarms {
        alarm.keep(&folder, mirror.key(), now_ms).map_err(|source| {
            let folder = folder.clone();
            MonitorError::Alarm { folder, source }
        })?;
    }
    let head = mirror.store().checkpoint().map_err(MirrorError::from)?;
    let (examined, left_out) = (examined_to - before, standings.left_out);
    let (examined_again, followed_to) = (reached.min(before) - start, told.followed);
    Ok(Watched {
        head,
        examined,
        examined_again,
        refused,
        alarms,
        left_out,
        folder,
        examined_to,
        followed_to,
    })
}

/// How far people were told of what is examined.
struct Told {
    /// Entries that were examined, for what concerns everybody.
    examined: u64,
    /// For each agent that is followed, or was: what comes before was told.
    followed: BTreeMap<String, u64>,
    /// The first entry that somebody who is followed now was not told of.
    first: u64,
}

impl Told {
    /// What is recorded. What cannot be read has the entries of the followed told again.
    fn read(mirror: &Mirror, watch: &Watch, examined: u64) -> Result<Self, MirrorError> {
        let recorded = mirror.store().meta(FOLLOWED_META)?.unwrap_or_default();
        let followed: BTreeMap<String, u64> = serde_json::from_slice(&recorded).unwrap_or_default();
        let first = |did: &Did| followed.get(&did.to_string()).copied().unwrap_or(0);
        let first = watch.followed.iter().map(first).min().unwrap_or(examined);
        Ok(Self { examined, followed, first })
    }

    fn start(&self) -> u64 {
        self.first.min(self.examined)
    }

    /// Whether people were told of an agent's entry.
    fn is_of(&self, did: &Did, index: u64) -> bool {
        self.followed.get(&did.to_string()).is_some_and(|told| index < *told)
    }

    fn reach(&mut self, watch: &Watch, reached: u64) {
        for did in &watch.followed {
            let told = self.followed.entry(did.to_string()).or_default();
            *told = reached.max(*told);
        }
    }
}

/// How many entries were examined before. A number that cannot be read has all examined again.
fn examined(mirror: &Mirror) -> Result<u64, MirrorError> {
    let recorded = mirror.store().meta(EXAMINED_META)?;
    let recorded = recorded.map(|text| String::from_utf8_lossy(&text).into_owned());
    // Earlier versions kept two numbers more.
    let size = recorded.as_deref().and_then(|text| text.split(' ').next()?.parse().ok());
    Ok(size.unwrap_or(0).min(mirror.store().head()?.size))
}

/// The alarm that a failure to mirror is, or the failure if it says nothing about the log.
fn alarm(error: MirrorError) -> Result<Alarm, MirrorError> {
    match error {
        MirrorError::Fork(fork) | MirrorError::Decided(fork) => Ok(Alarm::Fork(fork)),
        MirrorError::Rollback { kept, found } => Ok(Alarm::Rollback { kept, found }),
        error if error.is_contradiction() => Ok(Alarm::Contradiction(error)),
        error => Err(error),
    }
}

/// Examines the entries that somebody was not told of; says how far it came.
fn examine(
    mirror: &Mirror,
    told: &Told,
    watch: &Watch,
    alarms: &mut Vec<Alarm>,
) -> Result<u64, MirrorError> {
    let (mut next, size) = (told.start(), mirror.store().head()?.size);
    let alarms_max = alarms.len() + FOLLOWED_MAX;
    while next < size && alarms.len() < alarms_max {
        let page = mirror.store().entries(next..size.min(next + EXAMINED_AT_ONCE))?;
        let Some(last) = page.last() else { break };
        next = last.index + 1;
        let new = page.iter().filter(|entry| entry.index >= told.examined);
        alarms.extend(new.filter_map(|entry| delegation(entry, watch)));
        let of_followed = page.iter().filter_map(|entry| followed(entry, told, watch));
        alarms.extend(of_followed);
    }
    Ok(next)
}

/// The alarm for an entry by which the log's root key hands a role to another key: whoever did not
/// expect it asks its operator.
fn delegation(entry: &Entry, watch: &Watch) -> Option<Alarm> {
    let receipt = Receipt::open_bytes(&entry.record, &watch.kinds).ok()?;
    let Action::Delegate(_) = &receipt.action else { return None };
    let (index, says, receipt) = (entry.index, receipt.action.sentence(), entry.digest);
    Some(Alarm::Delegation { index, says, receipt })
}

/// The alarm for an entry by a followed agent, or that revokes one.
fn followed(entry: &Entry, told: &Told, watch: &Watch) -> Option<Alarm> {
    if watch.followed.is_empty() {
        return None;
    }
    let receipt = match Receipt::open_bytes(&entry.record, &watch.kinds) {
        Ok(receipt) => receipt,
        // A followed key may have signed what this program, or anybody, cannot read.
        Err(_) => return unreadable(entry, told, watch),
    };
    let about = match &receipt.action {
        Action::Revoke(revoke) => Some(revoke.agent),
        _ => None,
    };
    let named = std::iter::once(receipt.agent).chain(receipt.signers.iter().copied()).chain(about);
    let is_followed = |did: &Did| watch.followed.contains(did) && !told.is_of(did, entry.index);
    let agent = named.into_iter().find(is_followed)?;
    let kind = receipt.action.kind().to_owned();
    Some(Alarm::Followed { index: entry.index, agent, receipt: entry.digest, kind, refused: None })
}

/// The alarm for a record that is no receipt and names a followed agent as its signer, whether its
/// signatures hold or not.
fn unreadable(entry: &Entry, told: &Told, watch: &Watch) -> Option<Alarm> {
    let envelope: Envelope = serde_json::from_slice(&entry.record).ok()?;
    let signers = envelope.signatures.iter().map(|signature| signature.keyid);
    let is_followed = |did: &Did| watch.followed.contains(did) && !told.is_of(did, entry.index);
    let agent = signers.into_iter().find(is_followed)?;
    let kind = "unreadable".to_owned();
    Some(Alarm::Followed { index: entry.index, agent, receipt: entry.digest, kind, refused: None })
}
