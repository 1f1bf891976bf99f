//! `chaoschain backtest`.

pub(crate) mod change;
mod dated;

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context as _;
use chaos_agency::Body as _;
use chaos_governance::receipts::MakeForecast;
use chaos_parameters::{Setting, parse_setting};
use chaos_programs::forecasting::{
    Activation, Forecasting, kept, score,
    words::{self, optional_percent},
};
use chaos_report::Comparison;
use chaos_simulation::{
    Input,
    forecast::{Backtest, Basis, Forecast, Score, ScoreRow, Verdict},
};
use serde_json::json;

use self::{change::Turn, dated::Dated};
use crate::{
    args::BacktestArgs,
    clock::now_s,
    commands::{
        signing::{self, Signing},
        simulate::say_what_changes_nothing,
        validate::{forecasting, of_gas},
        write_file,
    },
    exit::{Failure, Kind, OrFail as _},
    output,
};

pub(crate) fn run(args: &BacktestArgs) -> Result<ExitCode, Failure> {
    match (&args.forecast, args.activation) {
        (Some(path), _) => {
            let forecasting = forecasting(&args.fee_history, &args.options)?;
            let forecast = read_forecast(path)?;
            let dated = Dated::of(path, &forecast)?;
            ensure_same_chain(&forecast, &forecasting)?;
            let score = score(&forecast, &forecasting.history.history)?;
            report(args, &Backtest { forecast, score }, Some((&forecasting.input(), dated)))?;
        }
        (None, Some(activation)) => {
            let settings = settings(args)?;
            match change::backtest(args, activation, &settings)? {
                Turn::Done(code) => return Ok(code),
                Turn::Gas(chain, rules, history) => {
                    let forecasting = of_gas((chain, *rules), *history, &args.options)?;
                    made(args, &forecasting, forecasting.block_of(activation), &settings)?;
                }
            }
        }
        (None, None) => {
            return Err(Failure::message(Kind::Input, "--activation or --forecast is needed"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The blocks were held to the rule of the chain that `--chain` names.
fn ensure_same_chain(forecast: &Forecast, forecasting: &Forecasting) -> Result<(), Failure> {
    if forecast.chain == forecasting.chain {
        return Ok(());
    }
    let (of, named) = (&forecast.chain, &forecasting.chain);
    let what = format!("the forecast is of {of}, and --chain says that the blocks are of {named}");
    Err(Failure::message(Kind::Input, what).hint("score a forecast on blocks of its own chain"))
}

fn read_forecast(path: &Path) -> Result<Forecast, Failure> {
    let bytes = fs::read(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .or_fail(Kind::Input)?;
    let read = kept::read(&bytes).map_err(chaos_programs::Error::from);
    read.map_err(|error| Failure::from(error).context(path.display()))
}

/// What `--set` says.
fn settings(args: &BacktestArgs) -> Result<Vec<Setting>, Failure> {
    args.set
        .iter()
        .map(|text| parse_setting(text).or_fail(Kind::Input).map_err(|e| e.context("--set")))
        .collect()
}

/// Makes a forecast, keeps it if asked to, and scores it if its blocks are there.
fn made(
    args: &BacktestArgs,
    forecasting: &Forecasting,
    block: u64,
    settings: &[Setting],
) -> Result<(), Failure> {
    let baseline = forecasting.parameters()?;
    let parameters = baseline.apply(settings).or_fail(Kind::Input);
    let parameters = parameters.map_err(|error| error.context("--set"))?;
    if !settings.is_empty() {
        say_what_changes_nothing(&baseline, &parameters);
    }
    let activation = Activation { block, parameters };
    if forecasting.is_ahead(&activation)
        && let Some(path) = &args.save
    {
        let signer = signer(args)?;
        let forecast = forecasting.forecast(&activation, now_s())?;
        write(path, &forecast)?;
        sign(signer.as_ref(), path, forecasting, &activation)?;
        return announce(args, &forecast, path);
    }
    let backtest = forecasting.backtest(&activation)?;
    if let Some(path) = &args.save {
        let signer = signer(args)?;
        write(path, &backtest.forecast)?;
        sign(signer.as_ref(), path, forecasting, &activation)?;
    }
    report(args, &backtest, None)
}

fn write(path: &Path, forecast: &Forecast) -> Result<(), Failure> {
    let bytes = kept::kept_form(forecast).or_fail(Kind::Check)?;
    write_file(path, &bytes)
}

/// Who signs, if somebody does: an agent that cannot is refused before anything is computed.
fn signer(args: &BacktestArgs) -> Result<Option<Signing<'_>>, Failure> {
    let Some(agent) = args.agent.as_deref() else { return Ok(None) };
    let signer = Signing { agent, data: signing::data(args.data.as_deref()) };
    signer.ensure_can(MakeForecast::KIND)?;
    Ok(Some(signer))
}

/// Puts the forecast into the log, whose entry dates it, and the bundle beside its file.
fn sign(
    signer: Option<&Signing<'_>>,
    path: &Path,
    forecasting: &Forecasting,
    activation: &Activation,
) -> Result<(), Failure> {
    let Some(signer) = signer else { return Ok(()) };
    #[expect(clippy::result_large_err, reason = "the error ends the program")]
    let signed = signer.sign(|ledger, actor| forecasting.sign(ledger, actor, activation))?;
    let bundle = path.with_extension("bundle.json");
    write_file(&bundle, &signed.bundle)?;
    output::say(format_args!("logged as receipt {}, bundle {}", signed.receipt, bundle.display()));
    Ok(())
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
    output::sentence(format_args!("\nforecast digest  {digest}"));
    if args.agent.is_none() {
        output::say(
            "not dated: nobody but this machine says when it was made; --agent NAME logs it",
        );
    }
    output::say(format_args!(
        "kept in {}; score it with `chaoschain backtest --forecast {} --fee-history FILE`",
        path.display(),
        path.display()
    ));
    Ok(())
}

/// Shows a score: of a forecast that was made earlier, with what it was scored on and who dates it, or of a
/// hindcast.
fn report(
    args: &BacktestArgs,
    backtest: &Backtest,
    earlier: Option<(&Input, Dated)>,
) -> Result<(), Failure> {
    let Backtest { forecast, score } = backtest;
    let first_ms = score.observed.first_time.saturating_mul(1_000);
    let dated = earlier.map_or(Dated::Hindcast, |(_, dated)| dated.held_to(first_ms));
    if args.json {
        return output::json(&json!({
            "forecast_digest": score.forecast,
            "forecast": forecast,
            "score": score,
            "scored_on": earlier.map(|(input, _)| input),
            "dated": dated.name(),
            "logged_ms": dated.logged_ms(),
        }));
    }
    heading(forecast);
    let rows: Vec<_> = score.metrics.iter().map(|(name, row)| cells(name, row)).collect();
    output::table(
        &["metric", "observed", "p10", "median", "p90", "unit", "inside", "error %", "skill %"],
        &rows,
    );
    if score.unobserved_blocks > 0 {
        output::sentence(format_args!(
            "\n{} of the {} predicted blocks are not in the file",
            score.unobserved_blocks, forecast.target.blocks
        ));
    }
    output::sentence(format_args!("\nforecast digest  {}", score.forecast));
    output::sentence(dated.sentence());
    output::sentence(verdict(forecast, score));
    Ok(())
}

fn heading(forecast: &Forecast) {
    let Forecast { target, fit, baseline, proposal, .. } = forecast;
    output::sentence(format_args!(
        "{}: {} blocks from {}, fitted on {} blocks {} to {}",
        output::bold(forecast.chain.as_str()),
        target.blocks,
        target.first_block,
        fit.blocks,
        fit.first_block,
        fit.last_block
    ));
    for (name, from, to) in proposal.changes_from(baseline) {
        output::sentence(format_args!(
            "  {}: {from} -> {to} {}",
            name.flag(),
            name.definition().unit
        ));
    }
    if let Some(made_at) = forecast.made_at {
        output::sentence(format_args!("  made at Unix time {made_at}"));
    }
    if fit.missing > 0 {
        output::sentence(format_args!("  {} blocks are missing in the fit", fit.missing));
    }
    match forecast.basis {
        Basis::Before => {}
        Basis::After => output::sentence(
            "  no blocks before: demand is from after the launch; a test of dynamics, not foresight",
        ),
    }
    output::sentence("");
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
    format!("{word}: {}", words::of_score(forecast, score))
}
