//! What is known of every admitted entry, whatever its kind.

use std::collections::{BTreeMap, BTreeSet};

use chaos_types::{Check, Digest, Rejection, Verified};

use super::ActionRow;
use crate::{Evidence, Fault, Leaf, Outcome, Receipt, Registry, action::Contribution};

/// The admitted receipts with their places, and the outcomes among them.
#[derive(Debug)]
pub struct Record {
    pub(super) registry: Registry,
    receipts: BTreeMap<Digest, Verified<Receipt>>,
    /// The log index of every admitted receipt.
    places: BTreeMap<Digest, u64>,
    pub(super) actions: BTreeMap<u64, ActionRow>,
    pub(super) evidence: Vec<chaos_reputation::Evidence>,
    judged: BTreeSet<Digest>,
    outcomes: BTreeSet<Digest>,
    pub(super) size: u64,
    pub(super) last_integrated_at_ms: u64,
    model: chaos_reputation::Params,
}

impl Record {
    pub(super) fn new(registry: Registry) -> Self {
        Self {
            registry,
            receipts: BTreeMap::new(),
            places: BTreeMap::new(),
            actions: BTreeMap::new(),
            evidence: Vec::new(),
            judged: BTreeSet::new(),
            outcomes: BTreeSet::new(),
            size: 0,
            last_integrated_at_ms: 0,
            model: chaos_reputation::Params::default(),
        }
    }

    /// How many log entries were folded: the index of the next one.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The agent registry.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// An admitted receipt.
    #[must_use]
    pub fn receipt(&self, id: &Digest) -> Option<&Verified<Receipt>> {
        self.receipts.get(id)
    }

    /// Whether this admitted receipt brought an outcome.
    #[must_use]
    pub(crate) fn is_outcome(&self, id: &Digest) -> bool {
        self.outcomes.contains(id)
    }

    /// When the log took in its last entry, milliseconds since 1970.
    #[must_use]
    pub const fn last_integrated_at_ms(&self) -> u64 {
        self.last_integrated_at_ms
    }

    /// The model that scores are computed by.
    #[must_use]
    pub const fn model(&self) -> &chaos_reputation::Params {
        &self.model
    }

    /// Reputation as of `as_of_ms`.
    ///
    /// # Errors
    /// If the evidence cannot be scored.
    pub fn scores(
        &self,
        as_of_ms: u64,
    ) -> Result<chaos_reputation::Table, chaos_reputation::Error> {
        chaos_reputation::score(&self.evidence, as_of_ms, &self.model)
    }

    /// The rules that hold for every kind.
    pub(super) fn admit(&self, receipt: &Verified<Receipt>) -> Result<(), Rejection> {
        self.registry.authorise(self.size, receipt)?;
        let reject = |fault: Fault, reason| Err(Rejection::new(Check::Statement, fault, reason));
        if self.receipts.contains_key(&receipt.id) {
            return reject(
                Fault::ReceiptRepeated,
                format!("receipt {} is already in the log", receipt.id),
            );
        }
        match receipt.parents.iter().find(|id| !self.receipts.contains_key(*id)) {
            Some(parent) => {
                reject(Fault::ParentUnknown, format!("parent {parent} is not in the log before it"))
            }
            None => Ok(()),
        }
    }

    /// What an outcome judges is work that led to it, and nothing is judged twice.
    pub(super) fn ensure_contributions(&self, outcome: &Outcome) -> Result<(), Rejection> {
        let reject = |fault: Fault, reason| Err(Rejection::new(Check::Statement, fault, reason));
        let history = self.history_of(outcome.of);
        let mut seen = BTreeSet::new();
        for Contribution { receipt, .. } in &outcome.contributions {
            if !seen.insert(receipt) || self.judged.contains(receipt) {
                return reject(
                    Fault::ContributionRepeated,
                    format!("contribution {receipt} is judged twice"),
                );
            }
            let known = self.receipts.get(receipt).filter(|_| history.contains(receipt));
            if !known.is_some_and(|found| found.action.is_work()) {
                return reject(
                    Fault::ContributionNoWork,
                    format!("contribution {receipt} is not work that led to the {}", outcome.by),
                );
            }
        }
        Ok(())
    }

    /// A receipt and everything it was built on.
    fn history_of(&self, receipt: Digest) -> BTreeSet<Digest> {
        let mut history = BTreeSet::new();
        let mut waiting = vec![receipt];
        while let Some(id) = waiting.pop() {
            if history.insert(id)
                && let Some(found) = self.receipts.get(&id)
            {
                waiting.extend(&found.parents);
            }
        }
        history
    }

    /// Takes in an admitted receipt, which the registry has taken in.
    pub(super) fn insert(
        &mut self,
        receipt: Verified<Receipt>,
        outcome: Option<&Outcome>,
        leaf: &Leaf,
    ) {
        self.last_integrated_at_ms = leaf.integrated_at_ms;
        if let Some(outcome) = outcome {
            self.outcomes.insert(receipt.id);
            for contribution in &outcome.contributions {
                self.judge(&receipt, outcome.succeeded, contribution);
            }
        }
        let agent = self.registry.agent(&receipt.agent).expect("the registry took it in");
        self.places.insert(receipt.id, self.size);
        self.actions.insert(
            self.size,
            ActionRow {
                receipt: receipt.id,
                agent: receipt.agent,
                studio: agent.profile.studio.clone(),
                role: agent.profile.role.clone(),
                kind: receipt.action.kind().to_owned(),
                evidence: receipt.evidence.class().to_owned(),
                parents: receipt.parents.clone(),
                integrated_at_ms: leaf.integrated_at_ms,
            },
        );
        self.receipts.insert(receipt.id, receipt);
    }

    /// A contribution becomes reputation evidence. Nobody earns by judging himself.
    fn judge(&mut self, outcome: &Receipt, succeeded: bool, of: &Contribution) {
        let receipt = &self.receipts[&of.receipt];
        let then = &self.actions[&self.places[&of.receipt]];
        self.judged.insert(of.receipt);
        if receipt.agent == outcome.agent {
            return;
        }
        self.evidence.push(chaos_reputation::Evidence {
            receipt: of.receipt,
            agent: receipt.agent.to_string(),
            domain: then.studio.clone(),
            role: then.role.clone(),
            payer: outcome.agent.to_string(),
            task_class: of.task.clone(),
            at_ms: self.last_integrated_at_ms,
            outcome: if succeeded {
                chaos_reputation::Outcome::Success
            } else {
                chaos_reputation::Outcome::Failure
            },
            class: class(&receipt.evidence),
            units_micro: chaos_reputation::TASK_UNIT_MICRO,
        });
    }
}

fn class(evidence: &Evidence) -> chaos_reputation::EvidenceClass {
    match evidence {
        Evidence::None {} => chaos_reputation::EvidenceClass::None,
        Evidence::Replayable(_) => chaos_reputation::EvidenceClass::Replayable,
        // The fold appraises no quotes, and an attestation that nobody appraised, perhaps under a
        // development root, must not earn a reputation.
        Evidence::Attested(attested) => match &attested.replay {
            Some(_) => chaos_reputation::EvidenceClass::Replayable,
            None => chaos_reputation::EvidenceClass::None,
        },
    }
}
