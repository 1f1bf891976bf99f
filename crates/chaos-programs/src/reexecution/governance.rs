//! The governance studio's two programs: the researcher's analysis and the developer's draft.

use chaos_governance::{
    Analysis, Draft, Opportunity, minutes,
    receipts::{self, Blocks, Decision, ParameterChange},
    refine::{self, Outcome},
};
use chaos_simulation::Experiment;
use chaos_studio::Studio;
use chaos_types::{ChainId, Digest, Rejection};
use chaos_verify::Fault;
use serde::{Deserialize, Serialize};

use super::{
    BRIEF, STUDIO, ensure_claim, reject, shown,
    simulation::{block_set, ensure_baseline, is_of_block_set},
    work::Work,
};
use crate::simulation::BlockSet;

/// What a draft starts from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftBrief {
    /// The analyst's rule that found the opportunity.
    pub rule: String,
    /// The experiment of every round; each round puts its own proposal in.
    pub experiment: Experiment,
}

/// Measures the blocks again.
pub(super) fn analyse(work: &Work<'_>, claimed: &receipts::Analyse) -> Result<Digest, Rejection> {
    work.ensure_inputs(|name| name == STUDIO || is_of_block_set(name))?;
    let studio = studio(work)?;
    let analysis = analysis(&block_set(work)?, &studio)?;
    let (first, last) = analysis.metrics.range;
    let count = u32::try_from(analysis.metrics.blocks).map_err(shown)?;
    let opportunities: Vec<String> =
        analysis.opportunities.iter().map(|found| found.reason.clone()).collect();
    ensure_claim("chain", &claimed.chain, &analysis.chain)?;
    ensure_claim("blocks", &claimed.blocks, &Blocks { first, last, count })?;
    ensure_claim("opportunities", &claimed.opportunities, &opportunities)?;
    analysis.to_canonical().map(|bytes| Digest::of(&bytes)).map_err(shown)
}

fn studio(work: &Work<'_>) -> Result<Studio, Rejection> {
    let text = String::from_utf8_lossy(work.attached(STUDIO)?);
    Studio::parse(&text)
        .map_err(|error| reject(Fault::InputMalformed, format!("studio definition: {error}")))
}

fn analysis(block_set: &BlockSet, studio: &Studio) -> Result<Analysis, Rejection> {
    let parameters = block_set.baseline().map_err(shown)?;
    Analysis::run(block_set.chain.clone(), &block_set.facts(), parameters, studio).map_err(shown)
}

/// Runs all rounds of refinement again.
pub(super) fn draft(work: &Work<'_>, claimed: &receipts::Draft) -> Result<Digest, Rejection> {
    work.ensure_inputs(|name| name == BRIEF || name == STUDIO || is_of_block_set(name))?;
    let brief: DraftBrief = work.document(BRIEF)?;
    let studio = studio(work)?;
    let block_set = block_set(work)?;
    ensure_baseline(&brief.experiment, &block_set)?;
    let analysis = analysis(&block_set, &studio)?;
    let opportunity = analysis
        .opportunities
        .iter()
        .find(|opportunity| opportunity.rule.as_str() == brief.rule)
        .ok_or_else(|| {
            reject(
                Fault::ClaimNotRepeated,
                format!("the blocks show no opportunity `{}`", brief.rule),
            )
        })?;
    let first = Draft::new(opportunity, &analysis.parameters, studio.policy()).map_err(shown)?;
    let outcome = refine::run(&first, studio.policy(), |change| {
        let proposal = brief.experiment.baseline.with(change.setting());
        block_set.run(&Experiment { proposal, ..brief.experiment }).map(|done| done.result)
    })
    .map_err(shown)?;
    ensure_draft(claimed, &block_set.chain, opportunity, &outcome)?;
    minutes::to_canonical(opportunity.rule, &outcome).map(|bytes| Digest::of(&bytes)).map_err(shown)
}

/// The draft's body must say what the rounds came to.
fn ensure_draft(
    claimed: &receipts::Draft,
    chain: &ChainId,
    opportunity: &Opportunity,
    outcome: &Outcome,
) -> Result<(), Rejection> {
    let last = outcome.last();
    let changes = vec![ParameterChange {
        parameter: last.change.parameter().flag().to_owned(),
        current: last.change.current().into(),
        proposed: last.change.proposed().into(),
    }];
    let rounds = u32::try_from(outcome.rounds.len()).map_err(shown)?;
    let decision = match &last.decision {
        refine::Decision::GiveUp(reason) => Decision::GivenUp { reason: reason.to_string() },
        refine::Decision::Finalise | refine::Decision::Refine { .. } => Decision::Finalised {},
    };
    let title = format!("{} {}", opportunity.rule.as_str(), last.change);
    ensure_claim("chain", &claimed.chain, chain)?;
    ensure_claim("changes", &claimed.changes, &changes)?;
    ensure_claim("rounds", &claimed.rounds, &rounds)?;
    ensure_claim("decision", &claimed.decision, &decision)?;
    ensure_claim("title", &claimed.title, &title)
}
