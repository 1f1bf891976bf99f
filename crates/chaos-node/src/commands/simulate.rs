//! `chaoschain simulate`.

pub(crate) mod command;
mod prepared;
mod summary;

use std::{path::Path, process::ExitCode};

use chaos_agency::Body as _;
use chaos_governance::receipts::RunStudy;
use chaos_parameters::{ParameterName, Parameters, Preset, Setting, parse_setting};
use chaos_programs::{
    simulation::{Asked, BlockSet, experiment, threads},
    study::{Conditions, Copied, StudyFile},
};
use chaos_report::{Comparison, quantity};
use chaos_simulation::{Fit, Simulation, SimulationResult};
use chaos_study::parse_ppm;
use serde_json::json;

use crate::{
    args::{SimulateArgs, SimulationArgs},
    chains, clock,
    commands::signing::{self, Signing},
    exit::{Failure, Kind, OrFail as _},
    narration::Terminal,
    output,
};

pub(crate) fn run(args: &SimulateArgs) -> Result<ExitCode, Failure> {
    if let Some(path) = &args.experiment {
        return study(args, path);
    }
    let settings = args
        .set
        .iter()
        .map(|text| parse_setting(text).or_fail(Kind::Input).map_err(|e| e.context("--set")))
        .collect::<Result<Vec<Setting>, Failure>>()?;
    let source = chains::with_config(&args.source, &args.config)?;
    let preset = args.preset.as_deref().map(preset).transpose()?;
    let (block_set, rules) = prepared::of(args, &source, preset)?;
    let baseline = prepared::baseline(&block_set, rules, preset)?;
    say_what_is_not_modelled(&settings);
    let proposal =
        baseline.apply(&settings).or_fail(Kind::Input).map_err(|e| e.context("--set"))?;
    say_what_changes_nothing(&baseline, &proposal);
    if let Err(error) = block_set.ensure_consecutive() {
        output::say(format_args!("NO ONE DEMAND: {error}"));
    }
    let experiment = experiment(baseline, proposal, asked(&args.simulation)?);
    let simulation = block_set.run(&experiment)?;
    if args.json {
        print_json(&simulation)?;
    } else {
        print_human(&block_set, &simulation)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a whole study from its file.
fn study(args: &SimulateArgs, path: &Path) -> Result<ExitCode, Failure> {
    let file = StudyFile::read(path)?;
    let folder = args.out.clone().unwrap_or_else(|| Path::new("study-out").join(&file.study.name));
    let signer = args
        .signing
        .agent
        .as_deref()
        .map(|agent| Signing { agent, data: signing::data(args.signing.data.as_deref()) });
    if let Some(signer) = &signer {
        signer.ensure_can(RunStudy::KIND)?;
    }
    let conditions = Conditions {
        threads: threads(args.simulation.threads),
        now_s: clock::now_s(),
        elapsed: clock::elapsed,
        progress: &Terminal::with_lines(!args.json),
        copied: match (args.with_inputs, args.without_inputs) {
            (true, _) => Copied::Always,
            (false, true) => Copied::Never,
            (false, false) => Copied::IfSmall,
        },
    };
    let finished = file.run(&folder, &conditions)?;
    let signed = match &signer {
        #[expect(clippy::result_large_err, reason = "the error ends the program")]
        Some(signer) => Some(signer.sign(|ledger, actor| finished.sign(ledger, actor))?),
        None => None,
    };
    let bundle = signed.as_ref().map(|signed| signed.bundle.as_slice());
    let run = finished.write(&folder, &conditions, bundle)?;
    let receipt = signed.as_ref().map(|signed| signed.receipt);
    if args.json {
        summary::json(&file, &run, receipt)?;
    } else {
        summary::human(&file, &run, receipt);
    }
    Ok(ExitCode::SUCCESS)
}

/// What the command line says about the simulation.
pub(crate) fn asked(args: &SimulationArgs) -> Result<Asked, Failure> {
    Ok(Asked {
        seed: args.seed,
        elasticity_ppm: args.elasticity.as_deref().map(elasticity_ppm).transpose()?,
        paths: args.paths,
        blocks: args.path_blocks,
    })
}

/// Reads a decimal fraction with up to six digits as parts per million, without floats.
pub(crate) fn elasticity_ppm(text: &str) -> Result<u32, Failure> {
    parse_ppm(text).ok_or_else(|| {
        Failure::message(
            Kind::Input,
            format!(
                "--elasticity: expected a decimal such as 0.2 with up to six places, found `{text}`"
            ),
        )
    })
}

/// A difference of zero may mean that nothing here depends on the parameter; that is said.
fn say_what_is_not_modelled(settings: &[Setting]) {
    use ParameterName as P;
    for setting in settings {
        let name = setting.name();
        match name {
            P::BlobTarget | P::BlobUpdateFraction | P::BlobMinFee | P::BlobBaseCost => {
                output::say(format_args!(
                    "{name}: neither the flow model nor re-execution depends on it; a study \
                     (--experiment) runs the transaction model, which does"
                ));
            }
            P::PriorityFeeFloor | P::TransactionGasCap | P::BlobMax => {
                output::say(format_args!(
                    "{name}: the flow model does not depend on it, re-execution does; a study \
                     (--experiment) also runs the transaction model"
                ));
            }
            _ => {}
        }
    }
}

/// The parameters that `--preset` names.
pub(crate) fn preset(name: &str) -> Result<Parameters, Failure> {
    let preset: Preset = name.parse().or_fail(Kind::Input).map_err(|e| e.context("--preset"))?;
    Ok(preset.parameters())
}

/// Figures without a difference may be read as `harmless`; a proposal of what is there is none.
pub(crate) fn say_what_changes_nothing(baseline: &Parameters, proposal: &Parameters) {
    if baseline == proposal {
        output::say("the proposal changes nothing: it is equal to the baseline");
    }
}

fn print_json(simulation: &Simulation) -> Result<(), Failure> {
    let result = &simulation.result;
    output::json(&json!({
        "result_digest": simulation.result.digest().or_fail(Kind::Check)?,
        "chain": result.chain,
        "parameters": result.parameters,
        "seed": result.seed,
        "paths": result.paths,
        "path_blocks": result.blocks,
        "fit": result.fit,
        "assumptions": result.assumptions,
        "calibration": result.calibration,
        "demand": result.demand,
        "metrics": result.metrics,
        "backtest": result.backtest,
        "inputs": result.inputs.len(),
        "program": result.program,
    }))
}

/// What the figures stand on, before any of them.
fn print_calibration(result: &SimulationResult) {
    if let Some(calibration) = &result.calibration {
        output::sentence(format_args!("  demand {}", calibration.rows_line()));
        output::sentence(format_args!("  {}", calibration.line()));
        if let Some(outside) = &calibration.outside_the_data {
            output::sentence(format_args!("  {outside}"));
        }
    }
    let ppm = result.assumptions.elasticity_ppm;
    let elasticity = match result.fit {
        Fit::Posterior => "drawn (median 0.25, 80 % within 0.12 to 0.51)".to_owned(),
        Fit::First | Fit::Point => format!("{}, named", quantity::decimal(ppm.into(), 6, 6)),
    };
    output::sentence(format_args!(
        "  elasticity {elasticity}, seed {}, {} paths of {} blocks",
        result.seed, result.paths, result.blocks
    ));
    if result.fit == Fit::Point && ppm < 100_000 {
        output::sentence(
            "  below 0.1: recorded raises of the gas limit exclude it (docs/simulation/sources.md)",
        );
    }
    output::sentence("");
}

fn print_human(block_set: &BlockSet, simulation: &Simulation) -> Result<(), Failure> {
    let result = &simulation.result;
    let changes = result.parameters.proposal.changes_from(&result.parameters.baseline);
    output::sentence(format_args!(
        "{} on {}",
        output::bold(result.chain.as_str()),
        prepared::about(block_set)
    ));
    for (name, from, to) in changes {
        output::sentence(format_args!(
            "  {}: {from} -> {to} {}",
            name.flag(),
            name.definition().unit
        ));
    }
    print_calibration(&simulation.result);
    let rows: Vec<_> = result
        .metrics
        .iter()
        .map(|(name, row)| {
            let shown = Comparison::of(&row.unit, row.baseline, row.proposal);
            let (low, high) = (row.interval.low, row.interval.high);
            vec![
                name.clone(),
                shown.value(row.baseline),
                shown.value(row.proposal),
                shown.difference(row.difference),
                shown.interval(low, high),
                row.paths_only.map_or_else(String::new, |own| shown.interval(own.low, own.high)),
                row.layer.name().to_owned(),
            ]
        })
        .collect();
    output::table(
        &[
            "metric",
            "baseline",
            "proposal",
            "difference",
            "p10 to p90",
            "of it paths only",
            "layer",
        ],
        &rows,
    );
    output::sentence(
        "\nfee_market: medians over paths; a difference is the median of the paths' own differences, so that it \
         need not be the one between the arms. p10 to p90 carries the elasticity and the paths' scatter, not the growth of demand; \
         paths only, the scatter alone.",
    );
    output::sentence(format_args!(
        "\nresult digest  {}",
        simulation.result.digest().or_fail(Kind::Check)?
    ));
    Ok(())
}
