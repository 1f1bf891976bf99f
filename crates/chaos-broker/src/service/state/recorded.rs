//! The state as the log has it.

use chaos_agency::Receipt;
use chaos_attestation::allowlist::{Allowlist, State, Trust};
use chaos_broker::{
    directory::Directory,
    release::{self, Broker},
};
use chaos_store::Records as _;
use chaos_types::{Did, Digest, canonical};

use crate::{
    broker::{
        Passage, Settings,
        event::{AllowlistOutcome, Event, of_receipt},
        settings::blob,
    },
    exit::{Failure, Kind, OrFail as _},
};
use chaos_ledger::Ledger;

/// At most this many lines of the trail are told at once, the latest.
const TRAIL_MAX: usize = 2000;

/// What the log's events say, before it is known by which settings they are folded.
#[derive(Default)]
pub(super) struct Folded {
    pub(super) settings: Option<Settings>,
    /// The allowlists that were put in force, each with the time at which it was.
    lists: Vec<(Digest, u64)>,
    directory: Vec<chaos_broker::directory::Event>,
    release: Vec<chaos_broker::release::Event>,
}

impl Folded {
    /// Reads every event of the log.
    pub(super) fn read(ledger: &Ledger) -> Result<Self, Failure> {
        let mut folded = Self::default();
        for_each(ledger, |_, receipt| {
            let Some((document, _)) = of_receipt(receipt) else { return Ok(()) };
            let bytes = blob(ledger, &document)?;
            let event: Event = canonical::from_slice(&bytes)
                .or_fail(Kind::Storage)
                .map_err(|failure| failure.context(format!("event {document}")))?;
            match event {
                Event::Directory(event) => folded.directory.push(event),
                Event::Release(event) => folded.release.push(event),
                Event::Settings(settings) => folded.settings = Some(settings),
                Event::Allowlist(event) => {
                    if let AllowlistOutcome::Accepted { .. } = event.outcome {
                        folded.lists.push((event.envelope, event.at_s));
                    }
                }
            }
            Ok(())
        })?;
        Ok(folded)
    }

    /// Directory and release as they were.
    pub(super) fn states(
        &self,
        identity: &Did,
        settings: &Settings,
    ) -> Result<(Directory, Broker), Failure> {
        let directory = Directory::fold(*identity, settings.lives.directory(), &self.directory);
        let release = Broker::fold(*identity, settings.lives.release(), &self.release);
        let damaged = |failure: Failure| failure.context("the log's events do not fold");
        Ok((
            directory.or_fail(Kind::Storage).map_err(damaged)?,
            release.or_fail(Kind::Storage).map_err(damaged)?,
        ))
    }

    /// The last allowlist of the trusted issuer, whether its dates are over or not: neither its
    /// number nor a revocation is forgotten. Without one, none was ever accepted.
    pub(super) fn allowlist(&self, ledger: &Ledger, trust: &Trust) -> Result<State, Failure> {
        for (digest, at_s) in self.lists.iter().rev() {
            let damaged =
                |failure: Failure| failure.context(format!("the recorded allowlist {digest}"));
            let envelope = blob(ledger, digest)?;
            let list = Allowlist::open(&envelope).or_fail(Kind::Storage).map_err(damaged)?;
            if list.issuer == trust.issuer {
                return State::restore(trust.clone(), &envelope, *at_s)
                    .or_fail(Kind::Storage)
                    .map_err(damaged);
            }
        }
        Ok(State::new(trust.clone()))
    }

    /// Whether a secret was ever stored.
    pub(super) fn has_secrets(&self) -> bool {
        self.release.iter().any(|event| matches!(event, release::Event::SecretStored(_)))
    }
}

/// The latest lines of the trail, oldest first.
pub(super) fn trail(ledger: &Ledger) -> Result<Vec<Passage>, Failure> {
    let mut lines = std::collections::VecDeque::new();
    for_each(ledger, |(index, integrated_at_ms), receipt| {
        if let Some((_, oversee)) = of_receipt(receipt) {
            if lines.len() == TRAIL_MAX {
                lines.pop_front();
            }
            let oversee = oversee.clone();
            lines.push_back(Passage { index, integrated_at_ms, receipt: receipt.id, oversee });
        }
        Ok(())
    })?;
    Ok(lines.into())
}

/// Every receipt of the log's operator, with its place and time.
fn for_each(
    ledger: &Ledger,
    mut of: impl FnMut((u64, u64), &Receipt) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (operator, size) = (ledger.views().registry().operator(), ledger.views().size());
    let mut next = 0;
    while next < size {
        for entry in ledger.store().entries(next..size).or_fail(Kind::Storage)? {
            next = entry.index + 1;
            // What the log refuses has no effect; what others sign is no event of the broker's.
            let Ok(receipt) = Receipt::open_bytes(&entry.record) else { continue };
            if receipt.agent == operator && receipt.signers.first() == Some(&operator) {
                let leaf = chaos_agency::Leaf::from_bytes(&entry.leaf).or_fail(Kind::Storage)?;
                of((entry.index, leaf.integrated_at_ms), &receipt)?;
            }
        }
    }
    Ok(())
}
