//! The state as the log has it.

use chaos_agency::{Body as _, Receipt};
use chaos_attestation::allowlist::{Allowlist, State, Trust};
use chaos_ledger::Ledger;
use chaos_store::Records as _;
use chaos_types::{Did, Digest, canonical, dsse::Envelope};
use serde_json::Value;

use crate::{
    directory::{self, Directory},
    receipts::Oversee,
    release::{self, Broker},
    service::{
        AuditEntry, Error, Settings,
        audit::{AllowlistOutcome, Event, of_receipt},
        settings::blob,
    },
};

/// At most this many lines of the audit trail are given at once, the latest.
const TRAIL_MAX: usize = 2000;

/// What the log's events say, before the settings that they are folded under are known.
#[derive(Default)]
pub(super) struct Recorded {
    pub(super) settings: Option<Settings>,
    /// The allowlists that were put in force, each with the time at which it was.
    lists: Vec<(Digest, u64)>,
    directory: Vec<directory::Event>,
    release: Vec<release::Event>,
}

impl Recorded {
    /// Reads every event of the log.
    pub(super) fn read(ledger: &Ledger) -> Result<Self, Error> {
        let mut recorded = Self::default();
        for_each(ledger, |_, receipt| {
            let Some((document, _)) = of_receipt(receipt) else { return Ok(()) };
            let bytes = blob(ledger, &document)?;
            let event: Event = canonical::from_slice(&bytes)
                .map_err(|source| Error::Event { document, source })?;
            match event {
                Event::Directory(event) => recorded.directory.push(event),
                Event::Release(event) => recorded.release.push(event),
                Event::Settings(settings) => recorded.settings = Some(settings),
                Event::Allowlist(event) => {
                    if let AllowlistOutcome::Accepted { .. } = event.outcome {
                        recorded.lists.push((event.envelope, event.at_s));
                    }
                }
            }
            Ok(())
        })?;
        Ok(recorded)
    }

    /// Directory and release as they were.
    pub(super) fn states(
        &self,
        identity: &Did,
        settings: &Settings,
    ) -> Result<(Directory, Broker), Error> {
        let directory = Directory::fold(*identity, settings.lives.directory(), &self.directory);
        let release = Broker::fold(*identity, settings.lives.release(), &self.release);
        Ok((directory.map_err(Error::Fold)?, release.map_err(Error::Fold)?))
    }

    /// The last allowlist of the trusted issuer, whether its dates are over or not: neither its
    /// number nor a revocation is forgotten. Without one, none was ever accepted.
    pub(super) fn allowlist(&self, ledger: &Ledger, trust: &Trust) -> Result<State, Error> {
        for (digest, at_s) in self.lists.iter().rev() {
            let damaged = |refusal: chaos_attestation::Refusal| Error::Allowlist {
                digest: *digest,
                source: refusal.into(),
            };
            let envelope = blob(ledger, digest)?;
            let list = Allowlist::open(&envelope).map_err(damaged)?;
            if list.issuer == trust.issuer {
                return State::restore(trust.clone(), &envelope, *at_s).map_err(damaged);
            }
        }
        Ok(State::new(trust.clone()))
    }

    /// Whether a secret was ever stored.
    pub(super) fn has_secrets(&self) -> bool {
        self.release.iter().any(|event| matches!(event, release::Event::SecretStored(_)))
    }
}

/// The latest lines of the audit trail, oldest first.
pub(in crate::service) fn audit_trail(ledger: &Ledger) -> Result<Vec<AuditEntry>, Error> {
    let mut lines = std::collections::VecDeque::new();
    for_each(ledger, |place, receipt| {
        if let Some((_, oversee)) = of_receipt(receipt) {
            if lines.len() == TRAIL_MAX {
                lines.pop_front();
            }
            let Place { index, integrated_at_ms } = place;
            lines.push_back(AuditEntry { index, integrated_at_ms, receipt: receipt.id, oversee });
        }
        Ok(())
    })?;
    Ok(lines.into())
}

/// Where in the log a receipt is, and when the log took it in.
struct Place {
    index: u64,
    integrated_at_ms: u64,
}

/// Every receipt of the log's operator, with its place.
fn for_each(
    ledger: &Ledger,
    mut of: impl FnMut(Place, &Receipt) -> Result<(), Error>,
) -> Result<(), Error> {
    let (operator, size) = (ledger.operator(), ledger.size());
    // The root key until it hands that on, and then the key in force at each entry.
    let agent = ledger.agent(&operator)?;
    let key_at = |index| agent.as_ref().and_then(|agent| agent.key_at(index)).unwrap_or(operator);
    let mut next = 0;
    while next < size {
        for entry in ledger.store().entries(next..size)? {
            next = entry.index + 1;
            let receipt = match Receipt::open_bytes(&entry.record, &ledger.system().kinds) {
                Ok(receipt) => receipt,
                // An event that cannot be read may be what forbids a release.
                Err(reason) if is_signed_event(&entry.record, &key_at(entry.index)) => {
                    return Err(Error::Unreadable { index: entry.index, source: reason });
                }
                // What the log refuses has no effect; what others sign is no event of the broker's.
                Err(_) => continue,
            };
            if receipt.agent == operator && receipt.signers.first() == Some(&key_at(entry.index)) {
                let leaf = chaos_agency::Leaf::from_bytes(&entry.leaf)?;
                of(
                    Place { index: entry.index, integrated_at_ms: leaf.integrated_at_ms },
                    &receipt,
                )?;
            }
        }
    }
    Ok(())
}

/// Whether the operator signed a record as an event of the broker's.
fn is_signed_event(record: &[u8], operator: &Did) -> bool {
    Envelope::verify_bytes(record).is_ok_and(|opened| {
        let statement: Value = serde_json::from_slice(&opened.payload).unwrap_or_default();
        opened.signers.first() == Some(operator)
            && statement["predicate"]["action"]["kind"] == Oversee::KIND
    })
}
