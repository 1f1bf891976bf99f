use std::collections::BTreeMap;

use chaos_types::{Digest, canonical};
use serde::{Deserialize, Serialize};

use self::{
    admission::{Admitted, admit},
    difficulty::{Difficulties, ONE_Q32},
};
use crate::{
    DAY_MS, DecayTable, Evidence, Model, Opinion, Outcome, Params, ParamsError, Wilson, opinion,
    wilson,
};

mod admission;
mod difficulty;

/// Most pieces of evidence in one table: one million. Under `belief/1` more give no table; under
/// `belief/2` the newest count.
pub const EVIDENCE_MAX: usize = 1_000_000;

/// Scores of all agents at one time under one model, ascending by (agent, domain, role).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Digest of the parameter file.
    pub model_id: Digest,
    /// Evidence up to and including this time counts, in milliseconds since 1970.
    #[serde(with = "chaos_types::decimal")]
    pub as_of_ms: u64,
    /// The scores.
    pub scores: Vec<Score>,
    /// What was given but does not count.
    pub ignored: Ignored,
}

/// Evidence that does not count, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ignored {
    /// Logged after the as-of time.
    pub later: u64,
    /// Paid for by the agent itself.
    pub self_paid: u64,
    /// Of evidence class none.
    pub unbacked: u64,
    /// Of a class in which the same judgement counted the agent's work already; `belief/2`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: u64,
    /// Older than the newest [`EVIDENCE_MAX`] of those that count; `belief/2`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub older: u64,
}

/// A count of nothing is left out, so tables of `belief/1`, which has no such count, keep their bytes.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One agent's standing in one domain and role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The agent.
    pub agent: String,
    /// The field of work.
    pub domain: String,
    /// The role in it.
    pub role: String,
    /// Success mass r in micro-units.
    #[serde(with = "chaos_types::decimal")]
    pub success_micro: u128,
    /// Failure mass s in micro-units, failure factor included.
    #[serde(with = "chaos_types::decimal")]
    pub failure_micro: u128,
    /// Lower bound of the opinion: the score to rank by.
    pub lower_ppm: u32,
    /// What the evidence leaves open.
    pub uncertainty_ppm: u32,
    /// Upper bound of the opinion.
    pub upper_ppm: u32,
    /// 95 % interval of the success rate and its effective sample size.
    pub wilson: Wilson,
    /// What each receipt gave, largest first, ties by receipt; the parts sum to r and s.
    pub contributions: Vec<Contribution>,
}

/// The exact share of one receipt in a score, with the factors that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// The receipt.
    pub receipt: Digest,
    /// Added to r, after the cap per payer.
    #[serde(with = "chaos_types::decimal")]
    pub success_micro: u128,
    /// Added to s.
    #[serde(with = "chaos_types::decimal")]
    pub failure_micro: u128,
    /// Difficulty of the task class in Q32.
    #[serde(with = "chaos_types::decimal")]
    pub difficulty_q32: u64,
    /// Decay at the receipt's age in Q32.
    #[serde(with = "chaos_types::decimal")]
    pub decay_q32: u64,
}

/// Why no table was computed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The parameters are unusable.
    #[error("unusable parameters")]
    Params(#[source] ParamsError),
    /// More than [`EVIDENCE_MAX`] pieces for `belief/1`.
    #[error("{pieces} pieces of evidence, the limit is {EVIDENCE_MAX}")]
    TooMuch {
        /// Pieces given.
        pieces: usize,
    },
    /// One receipt makes two different claims about the same agent, domain and role.
    #[error("receipt {receipt} makes two different claims about {agent}")]
    Conflict {
        /// The receipt.
        receipt: Digest,
        /// The agent.
        agent: String,
    },
    /// The table has no canonical form.
    #[error("table has no canonical form")]
    Canonical(#[source] canonical::Error),
}

impl Table {
    /// SHA-256 of the canonical bytes.
    ///
    /// # Errors
    /// Never for a table made by [`score`].
    pub fn digest(&self) -> Result<Digest, Error> {
        canonical::to_vec(self).map(|bytes| Digest::of(&bytes)).map_err(Error::Canonical)
    }

    /// The score of one agent in one domain and role.
    #[must_use]
    pub fn get(&self, agent: &str, domain: &str, role: &str) -> Option<&Score> {
        let wanted = (agent, domain, role);
        let key = |score: &Score| {
            (score.agent.as_str(), score.domain.as_str(), score.role.as_str()).cmp(&wanted)
        };
        self.scores.binary_search_by(key).ok().map(|index| &self.scores[index])
    }
}

type Key<'a> = (&'a str, &'a str, &'a str);

/// Computes the table at `as_of_ms`.
///
/// Per receipt, in micro-units, floored after each step: the size of the task, at most
/// `units_max_micro`; times the evidence class; times the payer's gate, which is 1 in these models;
/// times the difficulty of its task class, `4 (S + 1) (F + 1) / (S + F + 2)^2` with S successes and F
/// failures; times the decay at its age in whole days. Successes add to r, the largest receipts
/// first; failures add to s times `failure_factor`, frauds times `fraud_factor`.
///
/// | | `belief/1` | `belief/2` |
/// |---|---|---|
/// | trials of a class | all | one of an agent for each judgement; its failures up to its successes, and not for itself |
/// | one payer gives | at most `payer_cap_micro` C | of a mass M in all `floor(C M / (M + C))`, which is less than C and grows with M |
/// | more than [`EVIDENCE_MAX`] pieces | no table | the newest count |
///
/// The same evidence given twice counts once; the order does not matter.
///
/// # Errors
/// If the parameters are unusable, there is too much evidence for `belief/1`, or a receipt contradicts
/// itself.
pub fn score(evidence: &[Evidence], as_of_ms: u64, params: &Params) -> Result<Table, Error> {
    let model = params.model().map_err(Error::Params)?;
    let model_id = params.id().map_err(Error::Params)?;
    if model == Model::Belief1 && evidence.len() > EVIDENCE_MAX {
        return Err(Error::TooMuch { pieces: evidence.len() });
    }
    let Admitted { evidence, ignored } = admit(model, evidence, as_of_ms)?;
    let weigher = Weigher {
        params,
        as_of_ms,
        difficulties: Difficulties::of(model, &evidence),
        success_decay: DecayTable::new(params.success_half_life_days),
        failure_decay: DecayTable::new(params.failure_half_life_days),
    };
    let mut groups: BTreeMap<Key<'_>, Vec<Weighed<'_>>> = BTreeMap::new();
    for piece in evidence {
        let key = (piece.agent.as_str(), piece.domain.as_str(), piece.role.as_str());
        groups.entry(key).or_default().push(weigher.weigh(piece));
    }
    let rules = Rules { model, params };
    let scores = groups.into_iter().map(|(key, group)| rules.fold(key, group)).collect();
    Ok(Table { model_id, as_of_ms, scores, ignored })
}

struct Weigher<'a> {
    params: &'a Params,
    as_of_ms: u64,
    difficulties: Difficulties<'a>,
    success_decay: DecayTable,
    failure_decay: DecayTable,
}

struct Weighed<'a> {
    evidence: &'a Evidence,
    /// Weight before cap and failure factor.
    mass_micro: u64,
    difficulty_q32: u64,
    decay_q32: u64,
}

impl Weigher<'_> {
    fn weigh<'e>(&self, evidence: &'e Evidence) -> Weighed<'e> {
        let age_days = (self.as_of_ms - evidence.at_ms) / DAY_MS;
        let decay = match evidence.outcome {
            Outcome::Success => &self.success_decay,
            Outcome::Failure | Outcome::Fraud => &self.failure_decay,
        };
        let decay_q32 = decay.factor_q32(age_days);
        let difficulty_q32 = self.difficulties.met_by(evidence);
        // The gate is the place of the trust flow; a payer without one has gate 1.
        let gate_q32 = ONE_Q32;
        let size = evidence.units_micro.min(self.params.units_max_micro);
        let classed = size * u64::from(self.params.class_ppm(evidence.class)) / 1_000_000;
        let mass_micro = [gate_q32, difficulty_q32, decay_q32].into_iter().fold(classed, scale_q32);
        Weighed { evidence, mass_micro, difficulty_q32, decay_q32 }
    }
}

/// `mass * factor >> 32` for a factor of at most one.
fn scale_q32(mass: u64, factor: u64) -> u64 {
    u64::try_from((u128::from(mass) * u128::from(factor)) >> 32).unwrap_or(u64::MAX)
}

/// A model with its parameters.
#[derive(Clone, Copy)]
struct Rules<'a> {
    model: Model,
    params: &'a Params,
}

/// What one payer has given one agent, domain and role so far.
#[derive(Default)]
struct Given {
    /// Mass of the receipts.
    mass: u128,
    /// What of it counted.
    counted: u64,
}

impl Rules<'_> {
    /// What counts of so much success that one payer gives in all.
    fn of_one_payer(self, mass_micro: u128) -> u64 {
        let cap = u128::from(self.params.payer_cap_micro);
        let counted = match self.model {
            Model::Belief1 => mass_micro.min(cap),
            // Less than the cap, and more for more: who did more for one payer stands higher.
            Model::Belief2 => cap * mass_micro / (cap + mass_micro),
        };
        u64::try_from(counted).unwrap_or(self.params.payer_cap_micro)
    }

    fn fold(self, key: Key<'_>, mut group: Vec<Weighed<'_>>) -> Score {
        let params = self.params;
        group.sort_unstable_by(|a, b| {
            b.mass_micro
                .cmp(&a.mass_micro)
                .then_with(|| a.evidence.receipt.cmp(&b.evidence.receipt))
        });
        let mut payers: BTreeMap<&str, Given> = BTreeMap::new();
        let mut contributions = Vec::with_capacity(group.len());
        let (mut success, mut failure) = (0u128, 0u128);
        let (mut trials, mut squares) = (0u128, 0u128);
        for weighed in group {
            let Weighed { evidence, mass_micro, difficulty_q32, decay_q32 } = weighed;
            let counted = if evidence.outcome == Outcome::Success {
                let given = payers.entry(&evidence.payer).or_default();
                given.mass += u128::from(mass_micro);
                let before = std::mem::replace(&mut given.counted, self.of_one_payer(given.mass));
                given.counted - before
            } else {
                mass_micro
            };
            let weight = u128::from(counted) * u128::from(params.factor(evidence.outcome));
            let (success_micro, failure_micro) = match evidence.outcome {
                Outcome::Success => (weight, 0),
                Outcome::Failure | Outcome::Fraud => (0, weight),
            };
            success += success_micro;
            failure += failure_micro;
            // The interval counts trials, so a failure weighs one here whatever its factor.
            trials += u128::from(counted);
            squares += u128::from(counted).pow(2);
            contributions.push(Contribution {
                receipt: evidence.receipt,
                success_micro,
                failure_micro,
                difficulty_q32,
                decay_q32,
            });
        }
        contributions.sort_by(|a, b| {
            let size = |part: &Contribution| part.success_micro + part.failure_micro;
            size(b).cmp(&size(a)).then_with(|| a.receipt.cmp(&b.receipt))
        });
        let Opinion { lower_ppm, uncertainty_ppm, upper_ppm } =
            opinion(success, failure, params.prior_micro.into());
        let (agent, domain, role) = key;
        Score {
            agent: agent.to_owned(),
            domain: domain.to_owned(),
            role: role.to_owned(),
            success_micro: success,
            failure_micro: failure,
            lower_ppm,
            uncertainty_ppm,
            upper_ppm,
            wilson: wilson(success, trials, squares),
            contributions,
        }
    }
}

#[cfg(test)]
mod tests;
