//! `chaoschain validate`.

use std::{path::Path, process::ExitCode};

use chaos_history::Rules;
use chaos_programs::{
    forecasting::{
        Forecasting,
        words::{coverage, of_validation, optional_percent, percent, share},
    },
    history::{CheckedHistory, ReadHistory},
    simulation::threads,
};
use chaos_simulation::forecast::{Options, Validation};
use chaos_types::ChainId;

use crate::{
    args::{ForecastArgs, ValidateArgs},
    blocks::say_what_was_checked,
    commands::{
        backtest::change::{self, Turn},
        fee_history::read,
        simulate::elasticity_ppm,
    },
    exit::Failure,
    output,
};

pub(crate) fn run(args: &ValidateArgs) -> Result<ExitCode, Failure> {
    let (of, history) = match change::validate(args)? {
        Turn::Done(code) => return Ok(code),
        Turn::Gas(chain, rules, history) => ((chain, *rules), *history),
    };
    let validation = of_gas(of, history, &args.forecast)?.validate()?;
    if args.json {
        output::json(&validation)?;
    } else {
        human(&validation);
    }
    Ok(ExitCode::SUCCESS)
}

/// The blocks of a fee history, and how to forecast from them.
pub(crate) fn forecasting(path: &Path, args: &ForecastArgs) -> Result<Forecasting, Failure> {
    let (chain, history) = read(path, &args.rules)?;
    of_checked(chain, history, args)
}

/// The same of a table that was read already.
pub(crate) fn of_gas(
    (chain, rules): (ChainId, Rules),
    history: ReadHistory,
    args: &ForecastArgs,
) -> Result<Forecasting, Failure> {
    of_checked(chain, history.checked(rules)?, args)
}

fn of_checked(
    chain: ChainId,
    history: CheckedHistory,
    args: &ForecastArgs,
) -> Result<Forecasting, Failure> {
    say_what_was_checked(&history);
    let usual = Options::default();
    let mut options = Options {
        seed: args.seed,
        paths: args.paths,
        fit_blocks: args.window.unwrap_or(usual.fit_blocks),
        horizon_blocks: args.horizon.unwrap_or(usual.horizon_blocks),
        ..usual
    };
    options.assumptions.elasticity_ppm = elasticity_ppm(&args.elasticity)?;
    Ok(Forecasting { chain, history, options, threads: threads(args.threads) })
}

fn human(validation: &Validation) {
    let Validation { windows, fit_blocks, horizon_blocks, .. } = validation;
    output::sentence(format_args!(
        "{}: {} windows, fitted on {fit_blocks} blocks, predicting {horizon_blocks}",
        output::bold(validation.chain.as_str()),
        windows.len()
    ));
    if let (Some(first), Some(last)) = (windows.first(), windows.last()) {
        output::sentence(format_args!(
            "  predicted blocks {} to {}, {} paths, seed {}, elasticity {} %",
            first.score.observed.first_block,
            last.score.observed.last_block,
            validation.paths,
            validation.seed,
            percent(i128::from(validation.assumptions.elasticity_ppm))
        ));
    }
    if validation.windows_skipped > 0 || validation.windows_with_gaps > 0 {
        output::sentence(format_args!(
            "  gaps: {} windows left out, {} scored with blocks missing",
            validation.windows_skipped, validation.windows_with_gaps
        ));
    }
    output::sentence("");
    let rows: Vec<_> = validation
        .metrics
        .iter()
        .map(|(name, row)| {
            vec![
                name.clone(),
                optional_percent(row.error_ppm),
                optional_percent(row.naive_error_ppm),
                optional_percent(row.bias_ppm),
                share(&row.p10_p90),
                share(&row.p2_5_p97_5),
                optional_percent(row.skill_ppm),
            ]
        })
        .collect();
    output::table(
        &["metric", "error %", "naive %", "bias %", "p10-p90", "p2.5-p97.5", "skill %"],
        &rows,
    );
    output::sentence(format_args!(
        "\ninside p10-p90     {}, of good intervals 80 %",
        coverage(&validation.p10_p90)
    ));
    output::sentence(format_args!(
        "inside p2.5-p97.5  {}, of good intervals 95 %",
        coverage(&validation.p2_5_p97_5)
    ));
    output::sentence(format_args!("\n{}", of_validation(validation)));
}
