//! `chaoschain validate`.

use std::{path::Path, process::ExitCode};

use chaos_programs::{blocks, forecasting::Forecasting, simulation::threads};
use chaos_simulation::{
    Decimal,
    forecast::{Coverage, Options, Validation},
};

use crate::{
    args::{ForecastArgs, ValidateArgs},
    commands::simulate::elasticity_ppm,
    exit::{Failure, Kind, OrFail as _},
    output,
};

pub(crate) fn run(args: &ValidateArgs) -> Result<ExitCode, Failure> {
    let validation = forecasting(&args.fee_history, &args.forecast)?.validate()?;
    if args.json {
        output::json(&validation)?;
    } else {
        human(&validation);
    }
    Ok(ExitCode::SUCCESS)
}

/// The blocks of a fee history, and how to forecast from them.
pub(crate) fn forecasting(path: &Path, args: &ForecastArgs) -> Result<Forecasting, Failure> {
    let (history, digest) = blocks::read_fee_history(path)?;
    let mut options = Options {
        seed: args.seed,
        paths: args.paths,
        fit_blocks: args.window,
        horizon_blocks: args.horizon,
        ..Options::default()
    };
    options.assumptions.elasticity_ppm = elasticity_ppm(&args.elasticity)?;
    let chain =
        args.chain.parse().or_fail(Kind::Input).map_err(|error| error.context("--chain"))?;
    Ok(Forecasting { chain, history, digest, options, threads: threads(args.threads) })
}

/// Parts per million as per cent with one place.
pub(crate) fn percent(ppm: i128) -> String {
    let tenths = ppm / 1_000;
    let sign = if ppm < 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10)
}

pub(crate) fn optional_percent(ppm: Option<Decimal>) -> String {
    ppm.map_or_else(|| "-".to_owned(), |ppm| percent(ppm.0))
}

pub(crate) fn share(coverage: &Coverage) -> String {
    format!("{}/{}", coverage.inside, coverage.of)
}

/// "81.8 % (50.8 to 95.1)", the interval being that of the true share.
pub(crate) fn coverage(coverage: &Coverage) -> String {
    format!(
        "{} % ({} to {})",
        percent(coverage.share_ppm.into()),
        percent(coverage.low_ppm.into()),
        percent(coverage.high_ppm.into())
    )
}

fn human(validation: &Validation) {
    let Validation { windows, fit_blocks, horizon_blocks, .. } = validation;
    output::line(format_args!(
        "{}: {} windows, fitted on {fit_blocks} blocks, predicting {horizon_blocks}",
        output::bold(validation.chain.as_str()),
        windows.len()
    ));
    if let (Some(first), Some(last)) = (windows.first(), windows.last()) {
        output::line(format_args!(
            "  predicted blocks {} to {}, {} paths, seed {}, elasticity {} %",
            first.score.observed.first_block,
            last.score.observed.last_block,
            validation.paths,
            validation.seed,
            percent(i128::from(validation.assumptions.elasticity_ppm))
        ));
    }
    if validation.windows_skipped > 0 || validation.windows_with_gaps > 0 {
        output::line(format_args!(
            "  gaps: {} windows left out, {} scored with blocks missing",
            validation.windows_skipped, validation.windows_with_gaps
        ));
    }
    output::line("");
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
    output::line(format_args!(
        "\ninside p10-p90     {}, of good intervals 80 %",
        coverage(&validation.p10_p90)
    ));
    output::line(format_args!(
        "inside p2.5-p97.5  {}, of good intervals 95 %",
        coverage(&validation.p2_5_p97_5)
    ));
    output::line(format_args!("\n{}", verdict(validation)));
}

/// One line: whether intervals can be believed, and whether the model beats the naive forecast.
fn verdict(validation: &Validation) -> String {
    let Coverage { share_ppm, low_ppm, high_ppm, .. } = validation.p10_p90;
    let intervals = if high_ppm < 800_000 {
        "intervals are too narrow"
    } else if low_ppm > 800_000 {
        "intervals are too wide"
    } else if share_ppm < 700_000 {
        "intervals may be too narrow"
    } else {
        "intervals hold"
    };
    format!(
        "{intervals}; beats the last window on {} of {} figures (median skill {} %)",
        validation.better_than_naive,
        validation.naive_compared,
        optional_percent(validation.skill_median_ppm)
    )
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn per_cent_keep_their_sign_below_one() {
        assert_eq!([-4_000, -130_999, 0, 812_345].map(percent), ["-0.4", "-13.0", "0.0", "81.2"]);
    }
}
