//! Replaying blocks, and a simulation on them.

use chaos_agency::receipt::{Attested, Execution};
use chaos_evm::ReplayInput;
use chaos_governance::receipts;
use chaos_sandbox::World;
use chaos_simulation::Experiment;
use chaos_types::{ChainId, Digest, Rejection};
use chaos_verify::{Fault, is_of_a_chain};

use serde::Serialize;

use super::{
    EXPERIMENT, RUN, difference, ensure_same, former, json, reject, shown,
    work::{Named, Work},
};
use crate::{
    blocks::ChainBlocks,
    enclave,
    history::ReadHistory,
    program::{Program as _, Simulate},
    sandbox,
    simulation::{BlockSet, FEE_HISTORY, propose_rules, threads},
};

/// Refuses what does not follow from the experiment and the names of its inputs. No block is read for
/// that and nothing is run, so that a lie about the change costs its reader nothing.
pub(super) fn ensure_stated(
    named: &Named<'_>,
    claimed: &receipts::Simulate,
    attested: Option<&Attested>,
) -> Result<(), Rejection> {
    named.ensure_inputs(|name| name == EXPERIMENT || is_of_a_chain(name))?;
    let experiment: Experiment = named.document(EXPERIMENT)?;
    // Blocks of several chains under several names are refused when they are read.
    let chain = named_chain(named).unwrap_or_else(|| claimed.chain.clone());
    let stated = Simulate::body(chain, &experiment, claimed.round);
    ensure_same(claimed, &stated, "the receipt's own inputs give")?;
    let Some(Attested { execution, .. }) = attested else { return Ok(()) };
    let code = sandbox::code_of(component(execution)?).map_err(shown)?;
    let world = World::Simulate.to_string();
    ensure_same(
        &Vouched { execution: (&execution.world, &execution.code) },
        &Vouched { execution: (&world, &code) },
        "this release runs",
    )
}

/// The chain of the blocks by their names, if they name one alone.
fn named_chain(named: &Named<'_>) -> Option<ChainId> {
    let mut chains = named
        .inputs
        .iter()
        .filter_map(|input| input.name.split_once("/blocks/"))
        .map(|(chain, _)| chain);
    let chain = chains.next()?;
    if chains.all(|other| other == chain) { chain.parse().ok() } else { None }
}

/// Runs the experiment again.
pub(super) fn simulate(
    work: &Work<'_>,
    claimed: &receipts::Simulate,
    attested: Option<&Attested>,
    output: &Digest,
) -> Result<Digest, Rejection> {
    work.named.ensure_inputs(|name| name == EXPERIMENT || is_of_a_chain(name))?;
    let experiment: Experiment = work.named.document(EXPERIMENT)?;
    let block_set = block_set(work)?;
    ensure_baseline(&experiment, &block_set)?;
    let round = claimed.round;
    let ran =
        Simulate { block_set: &block_set, experiment: &experiment, round }.run().map_err(shown)?;
    ensure_same(claimed, &ran.body, RUN)?;
    let document = former::simulation(ran, output)?;
    if let Some(attested) = attested {
        ensure_execution(&attested.execution, &block_set, &experiment, &document)?;
    }
    let digest = Digest::of(&document);
    if digest == *output {
        Ok(digest)
    } else {
        Err(difference::refuse(output, work.named.attachments, &document))
    }
}

/// What the attested key vouches for must follow from the same inputs: the material that the component
/// was given, what it answered, and how much fuel it used.
fn ensure_execution(
    claimed: &Execution,
    block_set: &BlockSet,
    experiment: &Experiment,
    native: &[u8],
) -> Result<(), Rejection> {
    let bytes = component(claimed)?;
    let material = block_set.document(experiment).map_err(shown)?;
    let component = sandbox::shared().map_err(shown)?.compile(bytes).map_err(shown)?;
    let execution = enclave::simulate(&component, &material, native).map_err(shown)?;
    ensure_same(&Vouched { execution: claimed }, &Vouched { execution: &execution }, RUN)
}

/// The part of a body that attested evidence vouches for, as rejections name it.
#[derive(PartialEq, Serialize)]
struct Vouched<T> {
    execution: T,
}

/// The component that the execution names, if this release holds it.
fn component(claimed: &Execution) -> Result<&'static [u8], Rejection> {
    sandbox::fee_market(&claimed.code.component).ok_or_else(|| {
        let reason = format!(
            "the receipt vouches for the component {}, which this release does not hold; its own is {}",
            claimed.code.component,
            Digest::of(sandbox::FEE_MARKET)
        );
        reject(Fault::ReleaseOther, reason)
    })
}

/// An experiment starts from what the blocks show; any other start would make its changes look
/// smaller or larger than they are.
pub(super) fn ensure_baseline(
    experiment: &Experiment,
    block_set: &BlockSet,
) -> Result<(), Rejection> {
    let today = block_set.baseline().map_err(shown)?;
    if experiment.baseline == today {
        return Ok(());
    }
    Err(reject(
        Fault::ClaimNotRepeated,
        format!(
            "the experiment starts from {}, the blocks show {}",
            json(&experiment.baseline),
            json(&today)
        ),
    ))
}

/// Gathers the named blocks, and the fee history if one is named.
pub(super) fn block_set(work: &Work<'_>) -> Result<BlockSet, Rejection> {
    let (blocks, history) = recorded(work, false)?;
    let Some(blocks) = blocks else {
        return Err(reject(Fault::InputUnnamed, "the receipt names no blocks".to_owned()));
    };
    let history = match history {
        Some(history) => {
            let rules = propose_rules(&blocks.chain).map_err(shown)?;
            Some(history.checked(rules).map_err(shown)?)
        }
        None => None,
    };
    BlockSet::prepare(blocks, history, threads(None), work.progress).map_err(shown)
}

/// The named blocks, if any are looked for, and the fee history if one is named.
pub(super) fn recorded(
    work: &Work<'_>,
    generated: bool,
) -> Result<(Option<ChainBlocks>, Option<ReadHistory>), Rejection> {
    let mut recorded: Vec<ReplayInput> = Vec::new();
    let mut history = None;
    for named in work.named.inputs {
        if named.name == FEE_HISTORY {
            history = Some(work.inputs.fee_history(named)?);
        } else if is_of_a_chain(&named.name) && !generated {
            let input = work.inputs.block(named, work.progress)?;
            let first = recorded.first().unwrap_or(&input).block().chain_id;
            let expected =
                format!("{}/blocks/{}", ChainId::evm(first), input.block().header.number);
            if named.name != expected || input.block().chain_id != first {
                return Err(reject(
                    Fault::InputUnexpected,
                    format!(
                        "input `{}` ({}) is block {} of {}, which a receipt on {} would name `{expected}`",
                        named.name,
                        named.digest,
                        input.block().header.number,
                        ChainId::evm(input.block().chain_id),
                        ChainId::evm(first),
                    ),
                ));
            }
            recorded.push(input);
        }
    }
    recorded.sort_by_key(|input| input.block().header.number);
    let Some(first) = recorded.first() else { return Ok((None, history)) };
    let chain = ChainId::evm(first.block().chain_id);
    Ok((Some(ChainBlocks { chain, inputs: recorded }), history))
}
