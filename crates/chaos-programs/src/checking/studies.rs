//! What a log holds about the parameters that a proposal sets.
//!
//! The proposal's own text is not asked. What is found is what entries that count say: the word of who signed
//! them, until somebody runs their receipts again.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use chaos_agency::{Action, Body as _, Receipt, action::Verdict};
use chaos_chains::{Address, U256};
use chaos_governance::receipts::{Draft, ParameterChange, Simulate};
use chaos_ledger::{Error, Ledger};
use chaos_parameters::ParameterName;
use chaos_review::{ParameterWrite, Review};
use chaos_types::{ChainId, Digest};
use serde::Serialize;

/// Most studies that a receipt of a check names.
const NAMED_MAX: usize = 64;

/// A parameter that a proposal sets, and what a log holds about that very change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StudiedWrite {
    registry: Address,
    chain: String,
    parameter: String,
    /// Whether simulations know a parameter of this name.
    is_known: bool,
    /// What the registry has before the calls, if somebody ever set it.
    current: Option<String>,
    proposed: String,
    /// Studies of this value of this parameter of this chain; `None` if no log was asked.
    studies: Option<Vec<Study>>,
    /// Other values of it that the log has studies of.
    other_values: Vec<String>,
}

/// An entry that simulates or drafts a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Study {
    entry: u64,
    receipt: Digest,
    agent: String,
    says: String,
    evidence: String,
    /// The value that it starts from.
    current: String,
    /// Whether it changes nothing else.
    is_alone: bool,
    verdicts: Vec<StudyVerdict>,
}

/// What somebody's entry says of a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct StudyVerdict {
    entry: u64,
    agent: String,
    says: String,
    holds: bool,
    reexecuted: bool,
}

/// Looks for what a log holds about each parameter that a proposal sets; without a log nothing is looked for.
///
/// # Errors
/// If the log cannot be read.
pub fn studied(review: &Review, log: Option<&Ledger>) -> Result<Vec<StudiedWrite>, Error> {
    let writes = review.parameter_writes();
    let entries = match log {
        Some(log) if !writes.is_empty() => Some(Entries::read(log)?),
        _ => None,
    };
    Ok(writes.into_iter().map(|write| StudiedWrite::new(write, entries.as_ref())).collect())
}

/// The receipts of the studies that were found, as far as a receipt of a check names them.
#[must_use]
pub fn receipts(writes: &[StudiedWrite]) -> Vec<Digest> {
    let studies = writes.iter().flat_map(|it| it.studies.iter().flatten());
    let distinct: BTreeSet<Digest> = studies.map(|study| study.receipt).collect();
    distinct.into_iter().take(NAMED_MAX).collect()
}

/// Entries of a log about changes of parameters.
#[derive(Default)]
struct Entries {
    changes: Vec<(ChainId, Vec<ParameterChange>, Study)>,
    verdicts: BTreeMap<Digest, Vec<StudyVerdict>>,
}

impl Entries {
    fn read(log: &Ledger) -> Result<Self, Error> {
        let mut entries = Self::default();
        for (index, row) in log.actions(0..log.size())? {
            if ![Simulate::KIND, Draft::KIND, Verdict::KIND].contains(&row.kind.as_str()) {
                continue;
            }
            let Some(receipt) = log.receipt(&row.receipt)? else { continue };
            let agent = log.agent(&row.agent)?.map(|agent| agent.profile.name);
            entries.add(index, agent.unwrap_or_else(|| row.agent.to_string()), &receipt);
        }
        Ok(entries)
    }

    fn add(&mut self, entry: u64, agent: String, receipt: &Receipt) {
        let action = &receipt.action;
        let says = action.sentence();
        if let Action::Verify(Verdict { receipt, failed, reexecuted }) = action {
            let (holds, reexecuted) = (failed.is_none(), *reexecuted);
            let verdict = StudyVerdict { entry, agent, says, holds, reexecuted };
            return self.verdicts.entry(*receipt).or_default().push(verdict);
        }
        let simulated = action.read::<Simulate>().map(|it| (it.chain, it.changes));
        let drafted = || action.read::<Draft>().map(|it| (it.chain, it.changes));
        let Some((chain, changes)) = simulated.or_else(drafted) else { return };
        let study = Study {
            entry,
            receipt: receipt.id,
            agent,
            says,
            evidence: receipt.evidence.classes().to_owned(),
            current: String::new(),
            is_alone: changes.len() == 1,
            verdicts: Vec::new(),
        };
        self.changes.push((chain, changes, study));
    }

    /// Changes of one parameter of one chain.
    fn of<'a>(
        &'a self,
        chain: &'a str,
        parameter: &'a str,
    ) -> impl Iterator<Item = (&'a ParameterChange, &'a Study)> {
        let of_chain = self.changes.iter().filter(move |(of, ..)| of.to_string() == chain);
        of_chain.flat_map(move |(_, changes, study)| {
            let named = changes.iter().filter(move |change| change.parameter == parameter);
            named.map(move |change| (change, study))
        })
    }

    fn study(&self, change: &ParameterChange, study: &Study) -> Study {
        let verdicts = self.verdicts.get(&study.receipt).cloned().unwrap_or_default();
        Study { current: change.current.to_string(), verdicts, ..study.clone() }
    }
}

impl StudiedWrite {
    fn new(write: ParameterWrite, entries: Option<&Entries>) -> Self {
        let ParameterWrite { registry, chain, name, before, after } = write;
        let is_it = |change: &ParameterChange| U256::from(change.proposed) == after;
        let studies = entries.map(|entries| {
            let found = entries.of(&chain, &name).filter(|(change, _)| is_it(change));
            found.map(|(change, study)| entries.study(change, study)).collect()
        });
        let others = entries.iter().flat_map(|entries| entries.of(&chain, &name));
        let others = others.map(|(change, _)| change).filter(|change| !is_it(change));
        let others: BTreeSet<u128> = others.map(|change| change.proposed).collect();
        Self {
            registry,
            // One name has one spelling in a registry; another one is another parameter there.
            is_known: name.parse().is_ok_and(|known: ParameterName| known.flag() == name),
            current: before.map(|value| value.to_string()),
            proposed: after.to_string(),
            studies,
            other_values: others.iter().map(u128::to_string).collect(),
            chain,
            parameter: name,
        }
    }
}

#[cfg(test)]
mod tests;
