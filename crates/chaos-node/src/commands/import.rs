//! `chaoschain import`.

use std::process::ExitCode;

use chaos_evm::Under;
use chaos_programs::{
    recorded,
    saved::{self, Saved, State},
    simulation::threads,
};

use super::export::{report, told};
use crate::{
    args::ImportArgs,
    chains,
    exit::{Failure, Kind},
    narration::Terminal,
};

pub(crate) fn run(args: &ImportArgs) -> Result<ExitCode, Failure> {
    recorded::ensure_free(&args.out)?;
    let state = match (&args.state_proof, &args.trace) {
        (Some(proof), _) => State::Proof { proof, parent: args.parent.as_deref() },
        (None, Some(trace)) => State::Trace { trace, diff: args.diff.as_deref() },
        (None, None) => return Err(Failure::message(Kind::Input, "no --trace and no --proof")),
    };
    let config = chains::read_config(&args.config, None)?;
    let under = match (args.hardfork, config) {
        (Some(_), Some(_)) => {
            return Err(Failure::message(
                Kind::Input,
                "--hardfork and --chain-config exclude each other",
            ));
        }
        (hardfork, config) => hardfork.map(Under::Hardfork).or(config.map(Under::Config)),
    };
    let saved = Saved { block: &args.block, chain_id: args.chain_id, under, state };
    let mut pack = saved::import(&saved, &Terminal::default())?;
    let replays = recorded::compare(&mut pack, threads(None))?;
    report(&recorded::write(pack, &args.out)?, &args.out, args.json)?;
    Ok(told(&replays))
}
