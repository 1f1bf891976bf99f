use chaos_governance::{
    Change, Opportunity, draft,
    receipts::{self, Decision},
    refine::{self, Outcome},
    rounds,
};
use chaos_simulation::{Experiment, SimulationResult};
use chaos_studio::Studio;
use chaos_types::ChainId;

use super::{Program, Ran, changes};
use crate::Error;

/// The developer's program: blocks, a studio and a brief in, a record of all rounds out.
#[expect(missing_debug_implementations, reason = "it holds what the caller does")]
pub struct Draft<'a> {
    /// The chain of the blocks.
    pub chain: &'a ChainId,
    /// Whose policy the draft must meet.
    pub studio: &'a Studio,
    /// What the analysis found.
    pub opportunity: &'a Opportunity,
    /// The experiment of every round, but for its proposal.
    pub template: Experiment,
    /// Runs a round's experiment on the blocks. An agent also signs its result.
    pub simulate: &'a mut dyn FnMut(&Change, &Experiment) -> Result<SimulationResult, Error>,
}

impl Program for Draft<'_> {
    const NAME: &'static str = "chaos-governance/draft";
    type Output = Outcome;
    type Body = receipts::Draft;

    fn run(self) -> Result<Ran<Outcome, receipts::Draft>, Error> {
        let Self { chain, studio, opportunity, template, simulate } = self;
        let (policy, baseline) = (studio.policy(), template.baseline);
        let first = draft::Draft::new(opportunity, &baseline, policy).map_err(Error::Draft)?;
        let outcome = refine::run(&first, policy, |change| {
            let proposal = baseline.with(change.setting());
            simulate(change, &Experiment { proposal, ..template })
        })
        .map_err(|error| Error::Refine(error.into()))?;
        let last = outcome.last();
        let decision = match &last.decision {
            refine::Decision::GiveUp(reason) => Decision::GivenUp { reason: reason.to_string() },
            refine::Decision::Finalise | refine::Decision::Refine { .. } => Decision::Finalised {},
        };
        let body = receipts::Draft {
            title: format!("{} {}", opportunity.rule.as_str(), last.change),
            chain: chain.clone(),
            changes: changes(&baseline, &baseline.with(last.change.setting())),
            rounds: u32::try_from(outcome.rounds.len())?,
            decision,
        };
        let document = rounds::to_canonical(opportunity.rule, &outcome)?;
        Ok(Ran { output: outcome, document, body })
    }
}
