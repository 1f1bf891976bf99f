//! What a receipt says of earlier work.

use std::collections::{BTreeSet, VecDeque};

use chaos_types::Digest;

use super::reject;
use crate::{
    Answer, Fault, Key, Leaf, Outcome, Receipt, State, Stop, Writes,
    action::Contribution,
    state::{ActionRow, EntryRow, EvidenceRow, Once},
};

/// Among so many receipts that led to what is judged, the nearest ones, its contributions are
/// looked for.
const ANCESTORS_MAX: usize = 4_096;

/// The receipt that brings an outcome.
pub(super) struct Judge<'a> {
    pub(super) receipt: &'a Receipt,
    pub(super) index: u64,
    pub(super) leaf: &'a Leaf,
    pub(super) state: &'a dyn State,
}

impl Judge<'_> {
    /// What an outcome judges is work that led to it, and nothing is judged twice. It becomes
    /// evidence for reputations.
    pub(super) fn admit(&self, outcome: &Outcome, writes: &mut Writes) -> Result<(), Stop> {
        let wanted = self.ensure_judged_once(outcome)?;
        let history = self.history_of(outcome.of, &wanted)?;
        let once = Once { index: self.index };
        for (number, contribution) in outcome.contributions.iter().enumerate() {
            let Contribution { receipt, .. } = contribution;
            let known = history.iter().find(|entry| entry.action.receipt == *receipt);
            let Some(entry) = known.filter(|entry| entry.work) else {
                return Err(reject(
                    Fault::ContributionNoWork,
                    format!(
                        "contribution {receipt} is not work that led to the {}, among its nearest \
                         {ANCESTORS_MAX} ancestors",
                        outcome.by
                    ),
                ));
            };
            writes.put(Key::judged(receipt), &once);
            // Nobody earns by judging himself.
            if entry.action.agent != self.receipt.agent {
                let row = self.evidence(outcome, contribution, entry);
                writes.put(Key::evidence(self.index, number), &row);
            }
        }
        writes.put(Key::outcome(&self.receipt.id), &once);
        Ok(())
    }

    /// The evidence that an outcome brought that counts: what it names had led to it.
    pub(super) fn again(&self, outcome: &Outcome, writes: &mut Writes) -> Result<(), Stop> {
        for (number, contribution) in outcome.contributions.iter().enumerate() {
            let key = Key::evidence(self.index, number);
            let index = match self.state.place(&contribution.receipt) {
                Answer::Is(index) => index,
                Answer::Absent => return Err(Stop::Unreadable { key }),
                Answer::NotShown => return Err(Stop::NotShown { key }),
            };
            let action = Key::action(index);
            let entry: EntryRow =
                self.state.read(&action)?.ok_or(Stop::Unreadable { key: action })?;
            if entry.action.agent != self.receipt.agent {
                writes.put(key, &self.evidence(outcome, contribution, &entry));
            }
        }
        Ok(())
    }

    /// No contribution is named twice or was judged before. Asked before their history, which no proof
    /// shows: so a bundle shows that nothing was judged before, and leaves what led where to the log.
    fn ensure_judged_once(&self, outcome: &Outcome) -> Result<BTreeSet<Digest>, Stop> {
        let mut judged = BTreeSet::new();
        for Contribution { receipt, .. } in &outcome.contributions {
            if !judged.insert(*receipt) || self.state.has(&Key::judged(receipt))? {
                return Err(reject(
                    Fault::ContributionRepeated,
                    format!("contribution {receipt} is judged twice"),
                ));
            }
        }
        Ok(judged)
    }

    fn evidence(&self, outcome: &Outcome, of: &Contribution, entry: &EntryRow) -> EvidenceRow {
        let ActionRow { agent, studio, role, .. } = &entry.action;
        EvidenceRow {
            receipt: of.receipt,
            agent: *agent,
            domain: studio.clone(),
            role: role.clone(),
            payer: self.receipt.agent,
            task_class: of.task.clone(),
            judged_by: self.receipt.id,
            client: outcome.client.clone(),
            kind: entry.action.kind.clone(),
            at_ms: self.leaf.integrated_at_ms,
            success: outcome.succeeded,
            // The fold appraises no quotes, and an attestation that nobody appraised, perhaps under
            // a development root, must not earn a reputation.
            replayable: entry.replayable,
        }
    }

    /// Those of the wanted receipts that are `receipt` or that it was built on, nearest first.
    fn history_of(
        &self,
        receipt: Digest,
        wanted: &BTreeSet<Digest>,
    ) -> Result<Vec<EntryRow>, Stop> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::from([receipt]);
        let mut waiting = VecDeque::from([receipt]);
        let mut visited = 0;
        while let Some(id) = waiting.pop_front() {
            if visited == ANCESTORS_MAX || found.len() == wanted.len() {
                break;
            }
            visited += 1;
            let Some(index) = self.state.admitted(&id)? else { continue };
            let key = Key::action(index);
            let entry: EntryRow = self.state.read(&key)?.ok_or(Stop::Unreadable { key })?;
            waiting.extend(entry.action.parents.iter().filter(|parent| seen.insert(**parent)));
            if wanted.contains(&id) {
                found.push(entry);
            }
        }
        Ok(found)
    }
}
