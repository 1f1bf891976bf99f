//! `chaoschain propose`.

use std::process::ExitCode;

use serde_json::json;

use crate::{
    args::ProposeArgs,
    blocks,
    exit::Failure,
    journey::{self, Actor, Proposed, Proposing, Setting, Teller},
    ledger, output,
    simulation::{self, Ground},
    studio,
};
use chaos_ledger::Ledger;

pub(crate) fn run(args: &ProposeArgs) -> Result<ExitCode, Failure> {
    let studio = studio::load(args.studio.as_deref())?;
    let mut ledger = ledger::open(&args.data.data)?;
    let researcher = Actor::of(&ledger, &args.researcher)?;
    let developer = Actor::of(&ledger, &args.developer)?;
    let chain = blocks::load(&args.source)?.main_chain()?;
    let history = args.simulation.fee_history.as_deref().map(blocks::read_fee_history);
    let ground = Ground::prepare(chain, history.transpose()?, args.simulation.threads)?;
    let mut teller = Teller::new(args.json);
    let place = simulation::place(&args.source, &ground);
    let proposed = Proposing {
        ledger: &mut ledger,
        ground: &ground,
        studio: &studio,
        researcher: &researcher,
        developer: &developer,
        simulation: &args.simulation,
        inside: None,
        teller: &mut teller,
    }
    .run(&Setting {
        command: &|change| simulation::command(&place, &ground, change.setting(), &args.simulation),
        call: &|_, _| None,
        needs: "the same blocks; seconds on a laptop".to_owned(),
        disclosure: "Made by deterministic agents; nobody paid for it.".to_owned(),
    });
    // However it ended, the views hold what was logged.
    let saved = ledger.save_views();
    let proposed = proposed?;
    saved?;
    write(args, &mut ledger, &proposed)?;
    report(args, &proposed)
}

fn write(args: &ProposeArgs, ledger: &mut Ledger, proposed: &Proposed) -> Result<(), Failure> {
    if let Some(finished) = &proposed.finished {
        journey::write(finished, &args.out)?;
    }
    let checkpoint = ledger.checkpoint()?;
    let receipts = &proposed.receipts;
    let all = [receipts.analysis].into_iter().chain(receipts.simulations.iter().copied());
    for (number, receipt) in all.chain(receipts.draft).enumerate() {
        let bytes = chaos_ledger::bundle(ledger, &receipt, &checkpoint, None)?;
        let kind = ledger.views().receipt(&receipt).map_or("receipt", |found| found.action.kind());
        let name = format!("{:02}-{kind}.json", number + 1);
        journey::write_file(&args.out.join("bundles").join(name), &bytes)?;
    }
    Ok(())
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
