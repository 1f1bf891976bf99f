//! Views: every table is a fold of the log and can be dropped and rebuilt.

mod record;
mod reputation;
mod rewards;
mod rows;

use std::{any::Any, collections::BTreeMap};

use chaos_types::{Check, Did, Digest, Rejection, Verified};

use self::{reputation::Reputation, rows::index_key};
use crate::{Fault, Kinds, Leaf, Outcome, Receipt, Registry, View};

pub use self::{
    record::Record,
    rewards::{RewardRow, Rewards},
    rows::{ActionRow, RefusedRow, Rows, rows},
};

/// The views that are not asked, since they are kept for all: agents, the causal graph, and what
/// was refused.
const KEPT: [&str; 3] = ["actions", "agents", "refused"];

/// All views of one log, folded up to some size.
///
/// An entry that breaks a rule stays in the log, since nothing can remove it, but counts for
/// nothing: it goes to `refused` with the check that it failed.
#[derive(Debug)]
pub struct Views {
    kinds: Kinds,
    record: Record,
    views: Vec<(&'static str, Box<dyn View>)>,
    refused: BTreeMap<u64, RefusedRow>,
}

impl Views {
    /// The views of an empty log run by `operator`, which knows `kinds` of receipts.
    #[must_use]
    pub fn new(operator: Did, kinds: Kinds) -> Self {
        let mut views: Vec<(&'static str, Box<dyn View>)> =
            vec![("reputation", Box::new(Reputation)), ("rewards", Box::new(Rewards::default()))];
        views.extend(kinds.views());
        let record = Record::new(Registry::new(operator, &kinds));
        Self { kinds, record, views, refused: BTreeMap::new() }
    }

    /// How many log entries were folded.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.record.size
    }

    /// The kinds of receipts that the log knows.
    #[must_use]
    pub const fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The names of all views, sorted, as stored.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = KEPT.to_vec();
        names.extend(self.views.iter().map(|(name, _)| *name));
        names.sort_unstable();
        names
    }

    /// The view of this type, if the log has one.
    #[must_use]
    pub fn view<V: View>(&self) -> Option<&V> {
        self.views.iter().find_map(|(_, view)| (view.as_ref() as &dyn Any).downcast_ref())
    }

    /// What is known of every admitted entry.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// The agent registry.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.record.registry
    }

    /// The causal graph, by log index.
    #[must_use]
    pub const fn actions(&self) -> &BTreeMap<u64, ActionRow> {
        &self.record.actions
    }

    /// Entries that count for nothing, by log index.
    #[must_use]
    pub const fn refused(&self) -> &BTreeMap<u64, RefusedRow> {
        &self.refused
    }

    /// An admitted receipt.
    #[must_use]
    pub fn receipt(&self, id: &Digest) -> Option<&Verified<Receipt>> {
        self.record.receipt(id)
    }

    /// The facts that reputation is computed from, in log order.
    #[must_use]
    pub fn evidence(&self) -> &[chaos_reputation::Evidence] {
        &self.record.evidence
    }

    /// When the log took in its last entry, milliseconds since 1970: the time that scores are
    /// computed for unless another is asked.
    #[must_use]
    pub const fn last_integrated_at_ms(&self) -> u64 {
        self.record.last_integrated_at_ms
    }

    /// Reputation as of `as_of_ms`.
    ///
    /// # Errors
    /// If the evidence cannot be scored.
    pub fn scores(
        &self,
        as_of_ms: u64,
    ) -> Result<chaos_reputation::Table, chaos_reputation::Error> {
        self.record.scores(as_of_ms)
    }

    /// Says whether a receipt would be admitted as the next entry.
    ///
    /// # Errors
    /// The [`Rejection`] it would be refused with.
    pub fn authorise(&self, receipt: &Verified<Receipt>) -> Result<(), Rejection> {
        self.admit(receipt).map(|_| ())
    }

    /// Folds the next log entry. Returns the refusal, which is also recorded, if it breaks a rule.
    ///
    /// # Errors
    /// The refusal.
    pub fn apply(&mut self, leaf: &[u8], record: &[u8]) -> Result<(), Rejection> {
        let folded = self.fold(leaf, record);
        if let Err(rejection) = &folded {
            let row = RefusedRow { check: rejection.check, reason: rejection.reason.clone() };
            self.refused.insert(self.record.size, row);
        }
        self.record.size += 1;
        folded
    }

    fn fold(&mut self, leaf: &[u8], record: &[u8]) -> Result<(), Rejection> {
        let leaf = Leaf::from_bytes(leaf)
            .map_err(|error| Rejection::caused(Check::Inclusion, Fault::LeafMalformed, &error))?;
        let last = self.record.last_integrated_at_ms;
        if leaf.integrated_at_ms < last {
            return Err(Rejection::new(
                Check::Inclusion,
                Fault::TimeGoesBack,
                format!("the log's time goes back from {last} to {} ms", leaf.integrated_at_ms),
            ));
        }
        let receipt = Receipt::open_bytes(record, &self.kinds)?;
        if receipt.id != leaf.receipt {
            return Err(Rejection::new(
                Check::Inclusion,
                Fault::LeafOfAnother,
                format!("the log entry names {}, the record is {}", leaf.receipt, receipt.id),
            ));
        }
        let outcome = self.admit(&receipt)?;
        self.record.registry.admit(self.record.size, &receipt)?;
        for (_, view) in &mut self.views {
            view.apply(&receipt);
        }
        self.record.insert(receipt, outcome.as_ref(), &leaf);
        Ok(())
    }

    /// Every rule of the platform and of the views, and the outcome that the receipt brings.
    fn admit(&self, receipt: &Verified<Receipt>) -> Result<Option<Outcome>, Rejection> {
        self.record.admit(receipt)?;
        let mut outcome = None;
        for (_, view) in &self.views {
            outcome = view.admit(receipt, &self.record)?.or(outcome);
        }
        if let Some(outcome) = &outcome {
            self.record.ensure_contributions(outcome)?;
        }
        Ok(outcome)
    }

    /// Every view as rows of canonical JSON, for storage and for comparison.
    ///
    /// # Errors
    /// If the reputation cannot be computed.
    pub fn to_rows(&self) -> Result<BTreeMap<&'static str, Rows>, chaos_reputation::Error> {
        let record = &self.record;
        let indexed = |index: &u64| index_key(*index);
        let mut all = BTreeMap::from([
            ("actions", rows(record.actions.iter().map(|(index, row)| (indexed(index), row)))),
            ("agents", rows(record.registry.agents().map(|a| (a.did.to_string(), a)))),
            ("refused", rows(self.refused.iter().map(|(index, row)| (indexed(index), row)))),
        ]);
        for (name, view) in &self.views {
            all.insert(name, view.rows(record)?);
        }
        Ok(all)
    }
}
