//! What the operator orders.

use chaos_attestation::{ReasonCode, Refusal};
use chaos_broker::{SecretId, directory::Service, release::Lease, vault::Secret};
use chaos_types::Digest;

use super::{Desk, MapEvent as _, fold};
use crate::{
    broker::{
        LeaseRow, Order, Report, SecretRow, ServiceRow,
        event::{AllowlistEvent, AllowlistOutcome, Event},
    },
    clock,
    exit::Failure,
};

impl Desk {
    pub(super) fn carry_out(
        &mut self,
        order: Order,
        secret: Option<Secret>,
    ) -> Result<Result<Report, Refusal>, Failure> {
        let at_s = clock::now_s();
        let done = match order {
            Order::StoreSecret { secret: id, purpose } => self
                .change_vault(secret, |safe, bytes| {
                    safe.change(|vault, random| vault.store(id, purpose, bytes, random))
                })?,
            Order::RotateSecret { secret: id } => self.change_vault(secret, |safe, bytes| {
                safe.change(|vault, random| vault.rotate(&id, bytes, random))
            })?,
            Order::RevokeSecret { secret: id } => {
                match self.safe.change(|vault, _| vault.revoke(&id))? {
                    Ok(()) => self.learn()?,
                    Err(refusal) => Err(refusal),
                }
            }
            Order::Allow(rule) => match self.ensure_stored(&rule.secret) {
                Ok(()) => {
                    let answered = self.release.allow(rule, at_s);
                    self.settle(answered.map_event(Event::Release))?
                }
                Err(refusal) => Err(refusal),
            },
            Order::Forbid(rule) => {
                let answered = self.release.forbid(&rule, at_s);
                self.settle(answered.map_event(Event::Release))?
            }
            Order::RevokeLease { lease } => {
                let answered = self.release.revoke_lease(&lease, at_s);
                self.settle(answered.map_event(Event::Release))?
            }
            Order::RevokeJob { job } => {
                let answered = self.release.revoke_job(&job, at_s);
                self.settle(answered.map_event(Event::Release))?
            }
            Order::RestoreJob { job } => {
                let answered = self.release.lift_job(&job, at_s);
                self.settle(answered.map_event(Event::Release))?
            }
            Order::RevokeService { service } => {
                let answered = self.directory.revoke(&service, at_s);
                self.settle(answered.map_event(Event::Directory))?
            }
            Order::RestoreService { service } => {
                let answered = self.directory.lift(&service, at_s);
                self.settle(answered.map_event(Event::Directory))?
            }
            Order::PublishAllowlist { envelope } => self.order_publish(envelope.as_bytes())?,
            Order::ShowAllowlist
            | Order::ListSecrets
            | Order::ListLeases
            | Order::ListServices
            | Order::Trail => return self.report(&order, at_s).map(Ok),
        };
        Ok(done.map(|()| Report::Done { receipts: self.receipts.clone() }))
    }

    fn report(&self, order: &Order, at_s: u64) -> Result<Report, Failure> {
        Ok(match order {
            Order::ListSecrets => Report::Secrets(self.secrets()),
            Order::ListLeases => {
                Report::Leases(self.release.leases().map(|lease| self.lease(lease, at_s)).collect())
            }
            Order::ListServices => Report::Services(
                self.directory.services().map(|found| service(found, at_s)).collect(),
            ),
            Order::Trail => Report::Trail(fold::trail(&self.ledger)?),
            Order::ShowAllowlist
            | Order::StoreSecret { .. }
            | Order::RotateSecret { .. }
            | Order::RevokeSecret { .. }
            | Order::Allow(_)
            | Order::Forbid(_)
            | Order::RevokeLease { .. }
            | Order::RevokeJob { .. }
            | Order::RestoreJob { .. }
            | Order::RevokeService { .. }
            | Order::RestoreService { .. }
            | Order::PublishAllowlist { .. } => {
                let list = self.bench.allowlist.list();
                Report::Allowlist {
                    list: list.cloned().map(Box::new),
                    trust: Box::new(self.settings.trust.clone()),
                }
            }
        })
    }

    /// Changes the vault by a secret's bytes, and takes note of it.
    fn change_vault(
        &mut self,
        secret: Option<Secret>,
        how: impl FnOnce(
            &mut crate::broker::safe::Safe,
            &Secret,
        ) -> Result<Result<u64, Refusal>, Failure>,
    ) -> Result<Result<(), Refusal>, Failure> {
        let Some(bytes) = secret else {
            let detail = "the secret's bytes did not follow";
            return Ok(Err(Refusal::new(ReasonCode::MessageMalformed, detail)));
        };
        match how(&mut self.safe, &bytes)? {
            Ok(_version) => self.learn(),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn ensure_stored(&self, secret: &SecretId) -> Result<(), Refusal> {
        if self.safe.has(secret) {
            return Ok(());
        }
        Err(Refusal::new(ReasonCode::SecretUnknown, secret.to_string()))
    }

    /// Puts an allowlist in force. Its envelope is kept before the event that names it.
    pub(super) fn order_publish(
        &mut self,
        envelope: &[u8],
    ) -> Result<Result<(), Refusal>, Failure> {
        let at_s = clock::now_s();
        let mut list = self.bench.allowlist.clone();
        let accepted = list.accept(envelope, at_s);
        if let (Ok(new), Some(old)) = (&accepted, self.bench.allowlist.accepted())
            && new.digest == old.digest
        {
            return Ok(Ok(()));
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
        Ok(accepted.map(|_| self.bench.allowlist = list))
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
