//! `chaoschain backtest`.

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context as _;
use chaos_parameters::{Setting, parse_setting};
use chaos_programs::{
    blocks,
    simulation::{FEE_HISTORY, threads},
};
use chaos_report::Comparison;
use chaos_simulation::{
    Input, Program,
    flow::FeeHistory,
    forecast::{
        self, Backtest, Basis, Error, Forecast, Request, Score, ScoreRow, Verdict, backtest, score,
    },
};
use serde_json::json;

use crate::{
    args::BacktestArgs,
    clock::now_s,
    commands::validate::{chain, coverage, optional_percent, options, parameters},
    exit::{Failure, Kind, OrFail as _},
    output,
};

pub(crate) fn run(args: &BacktestArgs) -> Result<ExitCode, Failure> {
    let (history, digest) = blocks::read_fee_history(&args.fee_history)?;
    let input = Input { name: FEE_HISTORY.to_owned(), digest };
    match (&args.forecast, args.activation) {
        (Some(path), _) => {
            let forecast = read_forecast(path)?;
            ensure_in_force(&forecast, &history)?;
            let score = score(&forecast, history.blocks()).or_fail(Kind::Input)?;
            report(args, &Backtest { forecast, score }, Some(&input))?;
        }
        (None, Some(activation)) => made(args, &history, input, activation)?,
        (None, None) => {
            return Err(Failure::message(Kind::Input, "--activation or --forecast is needed"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read_forecast(path: &Path) -> Result<Forecast, Failure> {
    let bytes = fs::read(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .or_fail(Kind::Input)?;
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    Forecast::from_canonical(bytes)
        .with_context(|| path.display().to_string())
        .or_fail(Kind::Input)
        .map_err(|error| error.hint("a forecast is what `chaoschain backtest --save` wrote"))
}

/// A forecast of a change says nothing about blocks in which the change was not made.
///
/// The gas limit stands in every header, so it is compared; half a change on its way counts as made.
fn ensure_in_force(forecast: &Forecast, history: &FeeHistory) -> Result<(), Failure> {
    let (from, to) = (forecast.baseline.gas_limit(), forecast.proposal.gas_limit());
    let first = forecast.target.first_block;
    let last = first + u64::from(forecast.target.blocks) - 1;
    let mut limits: Vec<u64> = history
        .blocks()
        .iter()
        .filter(|block| (first..=last).contains(&block.number))
        .map(|block| block.gas_limit)
        .collect();
    limits.sort_unstable();
    let Some(median) = limits.get(limits.len() / 2) else {
        return Ok(());
    };
    if from != to && median.abs_diff(to) > median.abs_diff(from) {
        return Err(Failure::message(
            Kind::Input,
            format!(
                "the change was not made: blocks {first} to {last} have a gas limit of {median}, the \
                 forecast is for {to} after {from}"
            ),
        )
        .hint("score a forecast on blocks that were made under the rules it was made for"));
    }
    Ok(())
}

/// Makes a forecast, keeps it if asked to, and scores it if its blocks are there.
fn made(
    args: &BacktestArgs,
    history: &FeeHistory,
    input: Input,
    activation: u64,
) -> Result<(), Failure> {
    let baseline = parameters(history)?;
    let settings = args
        .set
        .iter()
        .map(|text| parse_setting(text).or_fail(Kind::Input).map_err(|e| e.context("--set")))
        .collect::<Result<Vec<Setting>, Failure>>()?;
    let proposal =
        baseline.apply(&settings).or_fail(Kind::Input).map_err(|error| error.context("--set"))?;
    let last = history.blocks().last().map_or(0, |block| block.number);
    let ahead = activation > last;
    let request = Request {
        chain: chain(&args.options)?,
        program: Program::this(),
        inputs: vec![input],
        // A forecast of blocks that are there already bears no date: it proves nothing.
        made_at: ahead.then(now_s),
        baseline,
        proposal,
        activation_block: activation,
    };
    let (options, threads) = (options(&args.options)?, threads(args.options.threads));
    if ahead && let Some(path) = &args.save {
        let forecast = forecast::forecast(&request, history.blocks(), &options, threads)
            .or_fail(Kind::Input)?;
        write(path, &forecast)?;
        return announce(args, &forecast, path);
    }
    let backtest =
        backtest(&request, history.blocks(), &options, threads).map_err(|error| match error {
            Error::ActivationOutside { .. } => Failure::new(Kind::Input, error).hint(
                "a forecast of blocks to come is kept with --save FILE and scored with --forecast",
            ),
            other => Failure::new(Kind::Input, other),
        })?;
    if let Some(path) = &args.save {
        write(path, &backtest.forecast)?;
    }
    report(args, &backtest, None)
}

fn write(path: &Path, forecast: &Forecast) -> Result<(), Failure> {
    let bytes = forecast.to_canonical().or_fail(Kind::Check)?;
    fs::write(path, bytes)
        .with_context(|| format!("cannot write {}", path.display()))
        .or_fail(Kind::Storage)
}

/// A forecast that cannot be scored yet.
fn announce(args: &BacktestArgs, forecast: &Forecast, path: &Path) -> Result<(), Failure> {
    let digest = forecast.digest().or_fail(Kind::Check)?;
    if args.json {
        return output::json(&json!({ "forecast_digest": digest, "forecast": forecast }));
    }
    heading(forecast);
    let rows: Vec<_> = forecast
        .metrics
        .iter()
        .map(|(name, row)| {
            let q = row.quantiles;
            let quantiles = [q.p2_5, q.p10, q.p50, q.p90, q.p97_5];
            let shown = Comparison::among(&row.unit, &quantiles);
            let mut cells = vec![name.clone()];
            cells.extend(quantiles.map(|value| shown.beside_unit(value)));
            cells.push(shown.unit().to_owned());
            cells
        })
        .collect();
    output::table(&["metric", "p2.5", "p10", "median", "p90", "p97.5", "unit"], &rows);
    output::line(format_args!("\nforecast digest  {digest}"));
    output::say(format_args!(
        "kept in {}; score it with `chaoschain backtest --forecast {} --fee-history FILE`",
        path.display(),
        path.display()
    ));
    Ok(())
}

fn report(args: &BacktestArgs, backtest: &Backtest, scored: Option<&Input>) -> Result<(), Failure> {
    let Backtest { forecast, score } = backtest;
    if args.json {
        return output::json(&json!({
            "forecast_digest": score.forecast,
            "forecast": forecast,
            "score": score,
            "scored_on": scored,
        }));
    }
    heading(forecast);
    let rows: Vec<_> = score.metrics.iter().map(|(name, row)| cells(name, row)).collect();
    output::table(
        &["metric", "observed", "p10", "median", "p90", "unit", "inside", "error %", "skill %"],
        &rows,
    );
    if score.unobserved_blocks > 0 {
        output::line(format_args!(
            "\n{} of the {} predicted blocks are not in the file",
            score.unobserved_blocks, forecast.target.blocks
        ));
    }
    output::line(format_args!("\nforecast digest  {}", score.forecast));
    output::line(verdict(forecast, score));
    Ok(())
}

fn heading(forecast: &Forecast) {
    let Forecast { target, fit, baseline, proposal, .. } = forecast;
    output::line(format_args!(
        "{}: {} blocks from {}, fitted on {} blocks {} to {}",
        output::bold(forecast.chain.as_str()),
        target.blocks,
        target.first_block,
        fit.blocks,
        fit.first_block,
        fit.last_block
    ));
    for (name, from, to) in proposal.changes_from(baseline) {
        output::line(format_args!("  {}: {from} -> {to} {}", name.flag(), name.definition().unit));
    }
    if let Some(made_at) = forecast.made_at {
        output::line(format_args!("  made at Unix time {made_at}"));
    }
    if fit.missing > 0 {
        output::line(format_args!("  {} blocks are missing in the fit", fit.missing));
    }
    match forecast.basis {
        Basis::Before => {}
        Basis::After => output::line(
            "  no blocks before: demand is from after the launch; a test of dynamics, not foresight",
        ),
    }
    output::line("");
}

fn cells(name: &str, row: &ScoreRow) -> Vec<String> {
    let q = row.quantiles;
    let values = [row.observed.0, q.p10, q.p50, q.p90];
    let shown = Comparison::among(&row.unit, &values);
    let [observed, p10, p50, p90] = values.map(|value| shown.beside_unit(value));
    let inside = match (row.inside_p10_p90, row.inside_p2_5_p97_5) {
        (true, _) => "80 %",
        (false, true) => "95 %",
        (false, false) => "no",
    };
    vec![
        name.to_owned(),
        observed,
        p10,
        p50,
        p90,
        shown.unit().to_owned(),
        inside.to_owned(),
        optional_percent(row.error_ppm),
        optional_percent(row.skill_ppm),
    ]
}

/// One line: what became of it, in figures.
fn verdict(forecast: &Forecast, score: &Score) -> String {
    let word = match score.verdict {
        Verdict::Held => output::good("held"),
        Verdict::Partly => output::bold("partly"),
        Verdict::Missed => output::bad("missed"),
    };
    let naive = match forecast.basis {
        Basis::Before => format!(
            "; beats the last window on {} of {}",
            score.better_than_naive, score.naive_compared
        ),
        Basis::After => String::new(),
    };
    format!(
        "{word}: {} of {} figures inside p10-p90, {} inside p2.5-p97.5{naive}",
        score.p10_p90.inside,
        score.p10_p90.of,
        coverage(&score.p2_5_p97_5).split(" (").next().unwrap_or_default()
    )
}
