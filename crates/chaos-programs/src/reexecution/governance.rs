//! The governance studio's two programs: the researcher's analysis and the developer's draft.

use chaos_governance::receipts;
use chaos_simulation::Experiment;
use chaos_studio::Studio;
use chaos_types::{Digest, Rejection};
use chaos_verify::{Fault, is_of_a_chain};
use serde::{Deserialize, Serialize};

use super::{
    BRIEF, RECORDING, RUN, STUDIO, ensure_same, former, hold, reject, shown,
    simulation::{block_set, ensure_baseline},
    work::Work,
};
use crate::program::{Analyse, CheckProposal, Draft, Program as _};

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
    work.named.ensure_inputs(|name| name == STUDIO || is_of_a_chain(name))?;
    let studio = studio(work)?;
    hold(Analyse { block_set: &block_set(work)?, studio: &studio }, claimed)
}

/// Runs the recorded proposal again.
pub(super) fn check_proposal(
    work: &Work<'_>,
    claimed: &receipts::CheckProposal,
) -> Result<Digest, Rejection> {
    work.named.ensure_inputs(|name| name == RECORDING)?;
    hold(CheckProposal { recording: &work.bytes(RECORDING)? }, claimed)
}

fn studio(work: &Work<'_>) -> Result<Studio, Rejection> {
    let text = String::from_utf8_lossy(work.named.attached(STUDIO)?);
    Studio::parse(&text)
        .map_err(|error| reject(Fault::InputMalformed, format!("studio definition: {error}")))
}

/// Runs all rounds of refinement again.
pub(super) fn draft(
    work: &Work<'_>,
    claimed: &receipts::Draft,
    output: &Digest,
) -> Result<Digest, Rejection> {
    work.named.ensure_inputs(|name| name == BRIEF || name == STUDIO || is_of_a_chain(name))?;
    let brief: DraftBrief = work.named.document(BRIEF)?;
    let studio = studio(work)?;
    let block_set = block_set(work)?;
    ensure_baseline(&brief.experiment, &block_set)?;
    let analysis = Analyse { block_set: &block_set, studio: &studio }.run().map_err(shown)?.output;
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
    let program = Draft {
        chain: &block_set.chain,
        studio: &studio,
        opportunity,
        template: brief.experiment,
        simulate: &mut |_, experiment| block_set.run(experiment).map(|done| done.result),
    };
    let ran = program.run().map_err(shown)?;
    ensure_same(claimed, &ran.body, RUN)?;
    former::rounds(ran, opportunity.rule, output)
}
