//! Changing a list before it is signed. Nothing here says that the list will be accepted.

use chaos_types::{AgentKey, Did};

use super::{Allowlist, Build, Entry, Revocation, invalid};
use crate::{Refusal, WorkloadId};

const DAY_S: u64 = 86_400;

impl Allowlist {
    /// The next issue of an issuer's list, with what the one before holds, from a time (Unix seconds)
    /// and for so many days.
    #[must_use]
    pub fn next(issuer: Did, before: Option<Self>, from_s: u64, days: u64) -> Self {
        let (sequence, entries, revoked) = match before {
            Some(before) => (before.sequence, before.entries, before.revoked),
            None => (0, Vec::new(), Vec::new()),
        };
        Self {
            issuer,
            sequence: sequence + 1,
            not_before_s: from_s,
            expires_at_s: from_s + days * DAY_S,
            entries,
            revoked,
        }
    }

    /// Enters a workload that nobody vouches for yet.
    ///
    /// # Errors
    /// [`crate::ReasonCode::AllowlistInvalid`] if the build breaks a rule, or the workload is entered
    /// or revoked.
    pub fn add(&mut self, build: Build) -> Result<(), Refusal> {
        build.ensure_valid()?;
        self.ensure_not_revoked(&build.workload)?;
        match self.place(&build.workload) {
            Ok(_) => Err(invalid(format!("{} is on the draft already", build.workload))),
            Err(index) => {
                self.entries.insert(index, Entry { build, rebuilds: Vec::new() });
                Ok(())
            }
        }
    }

    /// Enters a workload, in the place of an earlier entry.
    ///
    /// # Errors
    /// [`crate::ReasonCode::AllowlistInvalid`] if it is revoked.
    pub fn enter(&mut self, entry: Entry) -> Result<(), Refusal> {
        let workload = entry.build.workload;
        self.ensure_not_revoked(&workload)?;
        self.entries.retain(|other| other.build.workload != workload);
        let index = self.place(&workload).unwrap_or_else(|index| index);
        self.entries.insert(index, entry);
        Ok(())
    }

    /// Signs for an entry, in the place of an earlier signature by the same key; gives how many vouch
    /// for it now.
    ///
    /// # Errors
    /// [`crate::ReasonCode::AllowlistInvalid`] if there is no such entry, or it breaks a rule.
    pub fn vouch(&mut self, workload: &WorkloadId, key: &AgentKey) -> Result<usize, Refusal> {
        let index = self.place(workload);
        let index = index.map_err(|_| invalid(format!("{workload} is not on the draft")))?;
        let entry = &mut self.entries[index];
        let rebuild = entry.build.vouch(key)?;
        entry.rebuilds.retain(|other| other.builder != rebuild.builder);
        entry.rebuilds.push(rebuild);
        Ok(entry.rebuilds.len())
    }

    /// Takes a workload off, for ever.
    ///
    /// # Errors
    /// [`crate::ReasonCode::AllowlistInvalid`] if it is revoked already.
    pub fn revoke(&mut self, revocation: Revocation) -> Result<(), Refusal> {
        let workload = revocation.workload;
        let place = self.revoked.binary_search_by_key(&workload, |revoked| revoked.workload);
        let Err(index) = place else {
            return Err(invalid(format!("{workload} is revoked already")));
        };
        self.revoked.insert(index, revocation);
        self.entries.retain(|entry| entry.build.workload != workload);
        Ok(())
    }

    fn ensure_not_revoked(&self, workload: &WorkloadId) -> Result<(), Refusal> {
        match self.revocation(workload) {
            Some(Revocation { reason, .. }) => {
                Err(invalid(format!("{workload} is revoked, for ever: {reason}")))
            }
            None => Ok(()),
        }
    }

    /// Where a workload is among the entries, or belongs.
    fn place(&self, workload: &WorkloadId) -> Result<usize, usize> {
        self.entries.binary_search_by_key(workload, |entry| entry.build.workload)
    }
}
