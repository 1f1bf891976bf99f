//! What a simulation starts from: blocks, a fee history, or both, and the chain's rules today.

use chaos_history::Rules;
use chaos_parameters::{Family, ParameterName, Parameters, Setting};
use chaos_programs::{
    history,
    simulation::{BlockSet, threads},
};
use chaos_types::ChainId;

use crate::{
    args::{BlockSource, SimulateArgs},
    blocks, chains,
    exit::{Failure, Kind, OrFail as _},
    narration::Terminal,
    output,
};

/// The blocks with what demand is calibrated from, and the rules of their chain, if they are known.
pub(super) fn of(
    args: &SimulateArgs,
    source: &BlockSource,
    preset: Option<Parameters>,
) -> Result<(BlockSet, Option<Rules>), Failure> {
    let threads = threads(args.simulation.threads);
    let by = |chain: &ChainId| -> Result<Rules, Failure> {
        match source.config {
            Some(config) => Ok(history::rules_of_config(config, preset)?),
            None => Ok(history::rules(chain, preset)?),
        }
    };
    let is_alone = source.blocks.is_none() && source.rpc_url.is_none();
    if let (true, Some(path)) = (is_alone, &args.simulation.fee_history) {
        if source.hardfork.is_some() {
            let what =
                "--hardfork is of blocks that are executed, and a fee history alone has none";
            return Err(Failure::message(Kind::Input, what));
        }
        let columns = blocks::columns(args.simulation.columns.as_deref())?;
        let read = history::read(path, &columns)?;
        let chain = match (blocks::chosen(source)?, read.chain_number()) {
            (Some(chain), _) => chain,
            (None, Some(number)) => ChainId::evm(number),
            (None, None) => {
                let what = "whose blocks the fee history holds is not said, and no blocks are there to tell";
                return Err(Failure::message(Kind::Input, what).hint(
                    "name the chain by --chain, such as base; `chaoschain chains` lists them",
                ));
            }
        };
        let rules = by(&chain)?;
        let checked = read.checked(rules)?;
        blocks::say_what_was_checked(&checked);
        output::say(
            "NOTHING WAS EXECUTED: a fee history alone has no transactions, so every figure is of the fee-market model",
        );
        return Ok((BlockSet::of_history(chain, checked, threads)?, Some(rules)));
    }
    let loaded = blocks::load(source)?;
    let others = loaded.chains.len().saturating_sub(1);
    let chain = loaded.main_chain()?;
    if others > 0 {
        output::say(format_args!(
            "simulating {}; {others} other chains in the folder are left out, choose with --chain",
            chain.chain
        ));
    }
    let rules = match (preset, by(&chain.chain)) {
        (_, Ok(rules)) => Some(rules),
        (Some(_), Err(error)) => return Err(error),
        (None, Err(_)) => None,
    };
    let history = blocks::fee_history(&args.simulation, || by(&chain.chain))?;
    let block_set = BlockSet::prepare(chain, history, threads, &Terminal::default())?;
    say_what_is_kept_out(&block_set);
    Ok((block_set, rules))
}

fn say_what_is_kept_out(block_set: &BlockSet) {
    let (out, all) = (block_set.not_comparable(), block_set.inputs.len());
    if out > 0 {
        output::say(format_args!(
            "NOT COMPARABLE: the execution of {out} of {all} blocks does not come out as their headers say, and of this \
             chain a part is not executed here; they are kept out of the figures of the EVM, their fees are used \
             (`chaoschain replay` says more)"
        ));
    }
}

/// The chain as it is: the preset that is named, or its own rules at the newest block.
pub(super) fn baseline(
    block_set: &BlockSet,
    rules: Option<Rules>,
    preset: Option<Parameters>,
) -> Result<Parameters, Failure> {
    let family = chains::family(&block_set.chain, rules);
    if let Some(preset) = preset {
        let has_limit = match preset.family() {
            Family::Ethereum => true,
            // Demand may be of another chain, whose limit is none of this one's.
            Family::OpStack => family == Some(Family::OpStack),
            Family::Arbitrum => false,
        };
        if !has_limit {
            return Ok(preset);
        }
        let newest = block_set.observed.last().map_or(0, |block| block.gas_limit);
        let limit = Setting::new(ParameterName::GasLimit, newest).or_fail(Kind::Input)?;
        return preset.apply(&[limit]).or_fail(Kind::Input);
    }
    if let Some(rules) = rules
        && let Some(own) = block_set.baseline_by(&rules)?
    {
        return Ok(own);
    }
    match family {
        None | Some(Family::Ethereum) => Ok(block_set.baseline()?),
        Some(family) => {
            let what = format!(
                "the fee rule of {} (family {family}) at its newest block is not known: the block does not say it, and no \
                 source does",
                block_set.chain
            );
            Err(Failure::message(Kind::Input, what)
                .hint("name it by --preset, such as op-canyon, base-2026 or arbos-51, or bring a --chain-config"))
        }
    }
}

/// What was read, in words.
pub(super) fn about(block_set: &BlockSet) -> String {
    match (block_set.inputs.len(), block_set.not_comparable()) {
        (0, _) => format!("a fee history of {} blocks, none executed", block_set.observed.len()),
        (blocks, 0) => format!("{blocks} blocks"),
        (blocks, out) => format!("{blocks} blocks, {} of them executed", blocks - out),
    }
}
