//! What the operator commands.

use chaos_attestation::ReasonCode;
use chaos_types::Digest;

use super::{
    Command, Error, LeaseRow, Report, SecretRow, ServiceRow, State,
    audit::{AllowlistEvent, AllowlistOutcome, Event},
    state::{MapEvent as _, audit_trail},
    vault_file::VaultFile,
};
use crate::{Fault, Refusal, SecretId, directory::Service, release::Lease, vault::Secret};

impl State {
    pub(super) fn carry_out(
        &mut self,
        command: Command,
        secret: Option<Secret>,
    ) -> Result<Report, Error> {
        let at_s = self.now_s();
        match command {
            Command::StoreSecret { secret: id, purpose } => {
                self.change_vault(secret, |file, bytes| {
                    file.change(|vault, random| vault.store(id, purpose, bytes, random))
                })?;
            }
            Command::RotateSecret { secret: id } => {
                self.change_vault(secret, |file, bytes| {
                    file.change(|vault, random| vault.rotate(&id, bytes, random))
                })?;
            }
            Command::RevokeSecret { secret: id } => {
                self.vault.change(|vault, _| vault.revoke(&id))?;
                self.learn()?;
            }
            Command::Allow(rule) => {
                self.ensure_stored(&rule.secret)?;
                let answered = self.release.allow(rule, at_s);
                self.settle(answered.map_event(Event::Release))?;
            }
            Command::Forbid(rule) => {
                let answered = self.release.forbid(&rule, at_s);
                self.settle(answered.map_event(Event::Release))?;
            }
            Command::RevokeLease { lease } => {
                let answered = self.release.revoke_lease(&lease, at_s);
                self.settle(answered.map_event(Event::Release))?;
            }
            Command::RevokeJob { job } => {
                let answered = self.release.revoke_job(&job, at_s);
                self.settle(answered.map_event(Event::Release))?;
            }
            Command::RestoreJob { job } => {
                let answered = self.release.lift_job(&job, at_s);
                self.settle(answered.map_event(Event::Release))?;
            }
            Command::RevokeService { service } => {
                let answered = self.directory.revoke(&service, at_s);
                self.settle(answered.map_event(Event::Directory))?;
            }
            Command::RestoreService { service } => {
                let answered = self.directory.lift(&service, at_s);
                self.settle(answered.map_event(Event::Directory))?;
            }
            Command::PublishAllowlist { envelope } => self.publish(envelope.as_bytes())?,
            Command::ShowAllowlist
            | Command::ListSecrets
            | Command::ListLeases
            | Command::ListServices
            | Command::Trail => return self.report(&command, at_s),
        }
        Ok(Report::Done { receipts: self.receipts.clone() })
    }

    fn report(&self, command: &Command, at_s: u64) -> Result<Report, Error> {
        Ok(match command {
            Command::ListSecrets => Report::Secrets(self.secrets()),
            Command::ListLeases => {
                Report::Leases(self.release.leases().map(|lease| self.lease(lease, at_s)).collect())
            }
            Command::ListServices => Report::Services(
                self.directory.services().map(|found| service(found, at_s)).collect(),
            ),
            Command::Trail => Report::Trail(audit_trail(&self.ledger)?),
            Command::ShowAllowlist
            | Command::StoreSecret { .. }
            | Command::RotateSecret { .. }
            | Command::RevokeSecret { .. }
            | Command::Allow(_)
            | Command::Forbid(_)
            | Command::RevokeLease { .. }
            | Command::RevokeJob { .. }
            | Command::RestoreJob { .. }
            | Command::RevokeService { .. }
            | Command::RestoreService { .. }
            | Command::PublishAllowlist { .. } => {
                let list = self.in_force.allowlist.list();
                Report::Allowlist {
                    list: list.cloned().map(Box::new),
                    trust: Box::new(self.settings.trust.clone()),
                }
            }
        })
    }

    /// Changes the vault by a secret's bytes, and records the change.
    fn change_vault(
        &mut self,
        secret: Option<Secret>,
        how: impl FnOnce(&mut VaultFile, &Secret) -> Result<u64, Error>,
    ) -> Result<(), Error> {
        let Some(bytes) = secret else {
            let detail = "the secret's bytes did not follow";
            return Err(Refusal::new(ReasonCode::MessageMalformed, detail).into());
        };
        how(&mut self.vault, &bytes)?;
        self.learn()
    }

    fn ensure_stored(&self, secret: &SecretId) -> Result<(), Refusal> {
        if self.vault.has(secret) {
            return Ok(());
        }
        Err(Refusal::new(Fault::SecretUnknown, secret.to_string()))
    }

    /// Puts a signed allowlist in force. Its envelope is kept before the event that names it.
    ///
    /// # Errors
    /// [`Error::Refused`] if it is not accepted, which is recorded.
    pub fn publish(&mut self, envelope: &[u8]) -> Result<(), Error> {
        let at_s = self.now_s();
        let mut list = self.in_force.allowlist.clone();
        let accepted = list.accept(envelope, at_s).map_err(Refusal::from);
        if let (Ok(new), Some(old)) = (&accepted, self.in_force.allowlist.accepted())
            && new.digest == old.digest
        {
            return Ok(());
        }
        let (digest, outcome) = match &accepted {
            Ok(new) => {
                self.ledger.put_blob(envelope)?;
                (new.digest, AllowlistOutcome::Accepted { sequence: new.sequence })
            }
            Err(refusal) => {
                (Digest::of(envelope), AllowlistOutcome::Refused { code: refusal.code })
            }
        };
        self.record(&Event::Allowlist(AllowlistEvent { at_s, envelope: digest, outcome }))?;
        accepted?;
        self.in_force.allowlist = list;
        Ok(())
    }

    fn secrets(&self) -> Vec<SecretRow> {
        let readers = |secret: &SecretId| {
            self.release.rules().filter(|rule| rule.secret == *secret).cloned().collect()
        };
        self.release
            .secrets()
            .map(|(secret, known)| SecretRow {
                secret: secret.clone(),
                version: known.version,
                revoked: known.revoked,
                readers: readers(secret),
            })
            .collect()
    }

    fn lease(&self, lease: &Lease, at_s: u64) -> LeaseRow {
        let stale =
            lease.secrets.keys().any(|id| self.release.ensure_lease(&lease.id, id, at_s).is_err());
        let state = match (lease.revoked, lease.expires_at_s <= at_s, stale) {
            (true, ..) => "revoked",
            (_, true, _) => "expired",
            (.., true) => "stale",
            (false, false, false) => "live",
        };
        LeaseRow {
            lease: lease.id,
            state: state.to_owned(),
            job: lease.job.clone(),
            role: lease.role.clone(),
            workload: lease.workload,
            evidence: lease.evidence,
            secrets: lease.secrets.iter().map(|(id, version)| format!("{id} v{version}")).collect(),
            expires_at_s: lease.expires_at_s,
        }
    }
}

fn service(found: &Service, at_s: u64) -> ServiceRow {
    let state = match (found.revoked, found.expires_at_s <= at_s) {
        (true, _) => "revoked",
        (false, true) => "expired",
        (false, false) => "live",
    };
    ServiceRow {
        service: found.service.clone(),
        state: state.to_owned(),
        owner: found.owner,
        endpoints: found.endpoints.clone(),
        tags: found.tags.clone(),
        workload: found.workload,
        anchor: found.anchor,
        expires_at_s: found.expires_at_s,
    }
}
