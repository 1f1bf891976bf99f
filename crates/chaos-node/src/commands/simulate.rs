//! `chaoschain simulate`.

use std::process::ExitCode;

use chaos_simulation::{Setting, Simulation, parse_setting};
use serde_json::json;

use crate::{
    args::SimulateArgs,
    blocks,
    exit::{Failure, Kind, OrFail as _},
    output,
    simulation::{Ground, digest_of, experiment},
};

pub(crate) fn run(args: &SimulateArgs) -> Result<ExitCode, Failure> {
    let settings = args
        .set
        .iter()
        .map(|text| parse_setting(text).or_fail(Kind::Input).map_err(|e| e.context("--set")))
        .collect::<Result<Vec<Setting>, Failure>>()?;
    let loaded = blocks::load(&args.source)?;
    let others = loaded.chains.len().saturating_sub(1);
    let chain = loaded.main_chain()?;
    if others > 0 {
        output::say(format_args!(
            "simulating {}; {others} other chains in the folder are left out, choose with --chain",
            chain.chain
        ));
    }
    let history = args.simulation.fee_history.as_deref().map(blocks::read_fee_history);
    let ground = Ground::prepare(chain, history.transpose()?, args.simulation.threads)?;
    let experiment = experiment(ground.baseline()?, &settings, &args.simulation)?;
    let simulation = ground.run(&experiment)?;
    if args.json {
        print_json(&simulation)?;
    } else {
        print_human(&ground, &simulation)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print_json(simulation: &Simulation) -> Result<(), Failure> {
    let result = &simulation.result;
    output::json(&json!({
        "result_digest": digest_of(simulation)?,
        "chain": result.chain,
        "parameters": result.parameters,
        "seed": result.seed,
        "paths": result.paths,
        "path_blocks": result.blocks,
        "assumptions": result.assumptions,
        "demand": result.demand,
        "metrics": result.metrics,
        "backtest": result.backtest,
        "inputs": result.inputs.len(),
        "program": result.program,
    }))
}

fn print_human(ground: &Ground, simulation: &Simulation) -> Result<(), Failure> {
    let result = &simulation.result;
    let changes = result.parameters.proposal.changes_from(&result.parameters.baseline);
    output::line(format_args!(
        "{} on {} blocks",
        output::bold(result.chain.as_str()),
        ground.inputs.len()
    ));
    for (name, from, to) in changes {
        output::line(format_args!("  {}: {from} -> {to} {}", name.flag(), name.definition().unit));
    }
    let ppm = result.assumptions.elasticity_ppm;
    output::line(format_args!(
        "  elasticity {}.{:06}, seed {}, {} paths of {} blocks\n",
        ppm / 1_000_000,
        ppm % 1_000_000,
        result.seed,
        result.paths,
        result.blocks
    ));
    let rows: Vec<_> = result
        .metrics
        .iter()
        .map(|(name, row)| {
            vec![
                name.clone(),
                row.unit.clone(),
                row.baseline.to_string(),
                row.proposal.to_string(),
                row.difference.to_string(),
                format!("{} to {}", row.interval.low, row.interval.high),
                row.layer.name().to_owned(),
            ]
        })
        .collect();
    output::table(
        &["metric", "unit", "baseline", "proposal", "difference", "p10 to p90", "layer"],
        &rows,
    );
    output::line(format_args!("\nresult digest  {}", digest_of(simulation)?));
    Ok(())
}
