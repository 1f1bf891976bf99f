//! `chaoschain propose`.

use std::process::ExitCode;

use chaos_governance::study::data::{Source, SourceKind};
use chaos_ledger::{Heads, Ledger};
use chaos_programs::{
    history,
    proposing::{self, Proposed, Proposing, Publication, Signer},
    simulation::{BlockSet, propose_rules, threads},
    studio,
};
use serde_json::json;

use crate::{
    args::{ChainConfigArgs, ProposeArgs},
    blocks, chains,
    commands::{
        simulate::{asked, command},
        tell_unanchored, write_file,
    },
    exit::Failure,
    ledger,
    narration::{Narration, Terminal},
    output,
};

pub(crate) fn run(args: &ProposeArgs) -> Result<ExitCode, Failure> {
    let studio = studio::load(args.studio.as_deref())?;
    let mut ledger = ledger::open(&args.data.data)?;
    let heads = ledger::heads()?;
    let researcher = Signer::of(&ledger, &args.researcher)?;
    let developer = Signer::of(&ledger, &args.developer)?;
    let block_source = chains::with_config(&args.source, &args.config)?;
    let chain = blocks::load(&block_source)?.main_chain()?;
    let history = blocks::fee_history(&args.simulation, || match block_source.config {
        Some(config) => Ok(history::rules_of_config(config, None)?),
        None => Ok(propose_rules(&chain.chain)?),
    })?;
    let threads = threads(args.simulation.threads);
    let block_set = BlockSet::prepare(chain, history, threads, &Terminal::default())?;
    block_set.ensure_consecutive()?;
    let mut narration = Narration::new(args.json);
    let place = command::place(&args.source, &block_set) + &spelled(&args.config);
    let proposed = Proposing {
        ledger: &mut ledger,
        block_set: &block_set,
        studio: &studio,
        researcher: &researcher,
        developer: &developer,
        asked: asked(&args.simulation)?,
        attested: None,
        narrator: &mut narration,
    }
    .run(&Publication {
        command: &|change| command::command(&place, &block_set, change.setting(), &args.simulation),
        call: &|_, _| None,
        needs: "the same blocks; seconds on a laptop".to_owned(),
        disclosure: "Made by deterministic agents; nobody paid for it.".to_owned(),
        source: Source {
            kind: SourceKind::Recorded,
            text: blocks::about(&args.source, &block_set.chain, block_set.inputs.len()),
        },
    });
    let proposed = proposed?;
    write(args, &mut ledger, &heads, &proposed)?;
    report(args, &proposed)
}

fn write(
    args: &ProposeArgs,
    ledger: &mut Ledger,
    heads: &Heads,
    proposed: &Proposed,
) -> Result<(), Failure> {
    if let Some(finished) = &proposed.finished {
        proposing::write(finished, &args.out)?;
    }
    let checkpoint = ledger::publish_head(ledger, heads)?;
    let receipts = &proposed.receipts;
    let all = [receipts.analysis].into_iter().chain(receipts.simulations.iter().copied());
    for (number, receipt) in all.chain(receipts.draft).enumerate() {
        let bytes = chaos_ledger::bundle(ledger, &receipt, &checkpoint, None)?;
        let found = ledger.receipt(&receipt)?;
        let kind = found.as_ref().map_or("receipt", |found| found.action.kind());
        let name = format!("{:02}-{kind}.json", number + 1);
        write_file(&args.out.join("bundles").join(name), &bytes)?;
    }
    tell_unanchored(ledger)
}

fn report(args: &ProposeArgs, proposed: &Proposed) -> Result<ExitCode, Failure> {
    let id = proposed.finished.as_ref().map(|finished| finished.proposal.id());
    if args.json {
        output::json(&json!({
            "outcome": if id.is_some() { "finalised" } else { "given_up" },
            "reason": proposed.reason,
            "proposal": id,
            "result": proposed.finished.as_ref().map(|f| f.proposal.content().result),
            "receipts": {
                "analyse": proposed.receipts.analysis,
                "simulate": proposed.receipts.simulations,
                "draft": proposed.receipts.draft,
            },
            "out": args.out.display().to_string(),
        }))?;
    } else if let Some(id) = id {
        output::line(format_args!("\nproposal {id}\nwritten to {}", args.out.display()));
    } else {
        let reason = proposed.reason.as_deref().unwrap_or("no reason was given");
        output::line(format_args!("\nno proposal: {reason}\nbundles in {}", args.out.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The option as it was typed, to repeat it.
fn spelled(args: &ChainConfigArgs) -> String {
    let path = args.chain_config.as_ref();
    path.map_or_else(String::new, |path| format!(" --chain-config {}", command::quoted(path)))
}
