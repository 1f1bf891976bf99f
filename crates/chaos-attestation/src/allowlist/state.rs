use std::collections::BTreeSet;

use chaos_types::{Did, Digest, canonical};
use serde::{Deserialize, Serialize};

use super::{Allowlist, Entry, invalid};
use crate::{ReasonCode, Refusal, WorkloadId, Workloads};

/// Whose list a verifier follows, and how many of which builders must vouch for an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// The only key whose lists count.
    pub issuer: Did,
    /// The keys whose rebuilds count.
    pub builders: BTreeSet<Did>,
    /// An entry is active once this many of them vouch for it. Below two, one key decides what may
    /// act.
    pub rebuilds_min: usize,
}

impl Trust {
    /// Checks that no single key decides what may act: at least two rebuilds, by builders none of
    /// whom is the issuer, and enough builders for it.
    ///
    /// # Errors
    /// [`ReasonCode::AllowlistInvalid`], with what is missing.
    pub fn ensure_sound(&self) -> Result<(), Refusal> {
        let Self { issuer, builders, rebuilds_min } = self;
        if *rebuilds_min < 2 || builders.len() < *rebuilds_min || builders.contains(issuer) {
            return Err(invalid(format!(
                "expected two or more rebuilds by builders other than the issuer, found \
                 {rebuilds_min} by {} builders{}",
                builders.len(),
                if builders.contains(issuer) { ", the issuer among them" } else { "" }
            )));
        }
        Ok(())
    }
}

/// A list that a [`State`] took in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its number.
    pub sequence: u64,
    /// The digest of its envelope.
    pub digest: Digest,
}

/// The newest list that a verifier accepted, and the latest time at which it knew the clock.
///
/// It must outlive the process ([`State::to_bytes`]): whoever forgets it can be given an old list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    trust: Trust,
    latest_at_s: u64,
    held: Option<Held>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    accepted: Accepted,
    envelope: Vec<u8>,
    list: Allowlist,
    /// The workloads that enough builders vouch for.
    active: BTreeSet<WorkloadId>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    version: u8,
    latest_at_s: u64,
    /// The envelope as text: it is canonical JSON itself.
    envelope: Option<String>,
}

const SAVED_VERSION: u8 = 1;

impl State {
    /// No list accepted yet: no workload is active.
    #[must_use]
    pub const fn new(trust: Trust) -> Self {
        Self { trust, latest_at_s: 0, held: None }
    }

    /// The state after a restart, from the last list that was accepted and the latest time at which
    /// the clock was known (Unix seconds), as somebody recorded them. The list may be over by now: no
    /// workload is active then, and still no older list is accepted and no revocation forgotten.
    ///
    /// # Errors
    /// [`ReasonCode::MessageTooLarge`], or [`ReasonCode::AllowlistInvalid`] for the list's signature,
    /// issuer or form. Whoever meets an error must not go on with [`State::new`], which would accept
    /// any list of the issuer.
    pub fn restore(trust: Trust, envelope: &[u8], latest_at_s: u64) -> Result<Self, Refusal> {
        let held = Held::open(envelope, &trust)?;
        Ok(Self { trust, latest_at_s, held: Some(held) })
    }

    /// Takes in a signed list at a time (Unix seconds). The same list again changes nothing.
    ///
    /// # Errors
    /// Nothing is changed by a list that is refused: [`ReasonCode::ClockSetBack`] if the time is
    /// before one already seen, [`ReasonCode::MessageTooLarge`], [`ReasonCode::AllowlistInvalid`] for
    /// its signature, issuer or form, [`ReasonCode::AllowlistExpired`] outside its dates, and
    /// [`ReasonCode::AllowlistRollback`] if its number is lower than the held one's, equal for other
    /// content, or if it takes a revocation back.
    pub fn accept(&mut self, envelope: &[u8], at_s: u64) -> Result<Accepted, Refusal> {
        self.ensure_not_before_latest(at_s)?;
        let held = Held::open(envelope, &self.trust)?;
        ensure_in_dates(&held.list, at_s)?;
        if let Some(before) = &self.held {
            held.ensure_follows(before)?;
        }
        let accepted = held.accepted;
        self.latest_at_s = at_s;
        self.held = Some(held);
        Ok(accepted)
    }

    /// Remembers a time (Unix seconds), so that an earlier one is refused from now on.
    ///
    /// # Errors
    /// [`ReasonCode::ClockSetBack`] if it is before one already seen.
    pub fn observe(&mut self, at_s: u64) -> Result<(), Refusal> {
        self.ensure_not_before_latest(at_s)?;
        self.latest_at_s = at_s;
        Ok(())
    }

    /// The entry of a workload that may act at a time (Unix seconds).
    ///
    /// # Errors
    /// [`ReasonCode::ClockSetBack`], [`ReasonCode::AllowlistExpired`], or
    /// [`ReasonCode::WorkloadNotAllowed`] with what is missing.
    pub fn active(&self, workload: &WorkloadId, at_s: u64) -> Result<&Entry, Refusal> {
        self.ensure_not_before_latest(at_s)?;
        let refuse = |detail: String| Err(Refusal::new(ReasonCode::WorkloadNotAllowed, detail));
        let Some(held) = &self.held else {
            return refuse("no allowlist was accepted yet".to_owned());
        };
        ensure_in_dates(&held.list, at_s)?;
        let sequence = held.accepted.sequence;
        if let Some(revoked) = held.list.revocation(workload) {
            return refuse(format!("{workload} is revoked: {}", revoked.reason));
        }
        let Some(entry) = held.list.entry(workload) else {
            return refuse(format!("{workload} is not on allowlist {sequence}"));
        };
        if !held.active.contains(workload) {
            return refuse(format!(
                "{workload} needs {} rebuilds by known builders, has {}",
                self.trust.rebuilds_min,
                entry.rebuilds.iter().filter(|r| self.trust.builders.contains(&r.builder)).count()
            ));
        }
        Ok(entry)
    }

    /// The list that is held, current or not.
    #[must_use]
    pub fn list(&self) -> Option<&Allowlist> {
        self.held.as_ref().map(|held| &held.list)
    }

    /// Which list is held.
    #[must_use]
    pub fn accepted(&self) -> Option<Accepted> {
        self.held.as_ref().map(|held| held.accepted)
    }

    /// Whose list is followed.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The state for keeping, canonical JSON. The trust is configuration and not part of it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let envelope = self.held.as_ref().map(|held| {
            String::from_utf8(held.envelope.clone()).expect("a verified envelope is JSON")
        });
        let saved = Saved { version: SAVED_VERSION, latest_at_s: self.latest_at_s, envelope };
        canonical::to_vec(&saved).expect("times and texts have a canonical form")
    }

    /// Reads a kept state and checks the list in it again.
    ///
    /// # Errors
    /// [`ReasonCode::AllowlistInvalid`] if it is no such state, or its list is not what `trust` asks
    /// for.
    pub fn from_bytes(trust: Trust, bytes: &[u8]) -> Result<Self, Refusal> {
        let saved: Saved = canonical::from_slice(bytes)
            .map_err(|error| invalid(format!("kept allowlist state: {error}")))?;
        if saved.version != SAVED_VERSION {
            return Err(invalid(format!(
                "kept allowlist state: expected version {SAVED_VERSION}, found {}",
                saved.version
            )));
        }
        let held =
            saved.envelope.map(|envelope| Held::open(envelope.as_bytes(), &trust)).transpose()?;
        Ok(Self { trust, latest_at_s: saved.latest_at_s, held })
    }

    fn ensure_not_before_latest(&self, at_s: u64) -> Result<(), Refusal> {
        if at_s >= self.latest_at_s {
            return Ok(());
        }
        let detail = format!("it is {at_s}, and it was already {}", self.latest_at_s);
        Err(Refusal::new(ReasonCode::ClockSetBack, detail))
    }
}

impl Workloads for State {
    fn ensure_active(&self, workload: &WorkloadId, at_s: u64) -> Result<(), Refusal> {
        self.active(workload, at_s).map(|_| ())
    }

    fn about(&self) -> String {
        self.held.as_ref().map_or_else(
            || "an allowlist; none was accepted yet".to_owned(),
            |held| format!("allowlist {} {}", held.accepted.sequence, held.accepted.digest),
        )
    }
}

impl Held {
    fn open(envelope: &[u8], trust: &Trust) -> Result<Self, Refusal> {
        let list = Allowlist::read(envelope)?;
        if list.issuer != trust.issuer {
            return Err(invalid(format!(
                "expected a list by {}, found one by {}",
                trust.issuer, list.issuer
            )));
        }
        let mut active = BTreeSet::new();
        for entry in &list.entries {
            let known = entry.builders()?.intersection(&trust.builders).count();
            if known >= trust.rebuilds_min {
                active.insert(entry.build.workload);
            }
        }
        let accepted = Accepted { sequence: list.sequence, digest: Digest::of(envelope) };
        Ok(Self { accepted, envelope: envelope.to_vec(), list, active })
    }

    /// Whether this list may take the place of `before`.
    fn ensure_follows(&self, before: &Self) -> Result<(), Refusal> {
        let rollback = |detail: String| Err(Refusal::new(ReasonCode::AllowlistRollback, detail));
        let [new, old] = [self.accepted, before.accepted];
        if new.sequence < old.sequence {
            return rollback(format!("number {} after number {}", new.sequence, old.sequence));
        }
        if new.sequence == old.sequence && new.digest != old.digest {
            return rollback(format!("another list under number {}", new.sequence));
        }
        let forgotten = before
            .list
            .revoked
            .iter()
            .find(|revoked| self.list.revocation(&revoked.workload).is_none());
        match forgotten {
            Some(revoked) => rollback(format!("takes back the revocation of {}", revoked.workload)),
            None => Ok(()),
        }
    }
}

fn ensure_in_dates(list: &Allowlist, at_s: u64) -> Result<(), Refusal> {
    if (list.not_before_s..list.expires_at_s).contains(&at_s) {
        return Ok(());
    }
    let detail = format!(
        "allowlist {} holds from {} to {}, it is {at_s}",
        list.sequence, list.not_before_s, list.expires_at_s
    );
    Err(Refusal::new(ReasonCode::AllowlistExpired, detail))
}
