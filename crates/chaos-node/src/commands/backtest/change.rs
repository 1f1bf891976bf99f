//! `chaoschain backtest` and `validate` on the market of blobs and on tables of days.

use std::process::ExitCode;

use chaos_history::{Rules, day_of};
use chaos_parameters::Setting;
use chaos_programs::{
    changes::{self, BlobChange, BlobRequest, BlobTerms, Moment, Raise, RaiseOptions, Table},
    forecasting::words,
    history::ReadHistory,
    simulation::threads,
};
use chaos_report::{Comparison, quantity};
use chaos_simulation::change::{Row, Scale, Standing, Tally, blobs, days::Pricing};
use chaos_types::ChainId;

use crate::{
    args::{BacktestArgs, ForecastArgs, Market, ValidateArgs},
    blocks::columns,
    commands::fee_history,
    exit::{Failure, Kind},
    output,
};

/// What there is to do, once the file was looked at.
pub(crate) enum Turn {
    /// It was done here.
    Done(ExitCode),
    /// The market for gas, block by block, is somebody else's part.
    Gas(ChainId, Box<Rules>, Box<ReadHistory>),
}

/// Days of a window in a table of days.
const WINDOW_DAYS: usize = 7;

/// A file, looked at.
struct Opened {
    chain: ChainId,
    rules: Rules,
    table: Table,
}

fn open(path: &std::path::Path, args: &ForecastArgs) -> Result<Opened, Failure> {
    let (chain, rules) = fee_history::rules(&args.rules)?;
    let table = changes::read(path, &columns(args.rules.columns.as_deref())?)?;
    Ok(Opened { chain, rules, table })
}

/// Scores a change if the file or `--market` asks for another market than that for gas by the block.
pub(crate) fn backtest(
    args: &BacktestArgs,
    activation: Moment,
    settings: &[Setting],
) -> Result<Turn, Failure> {
    let Opened { chain, rules, table } = open(&args.fee_history, &args.options)?;
    match table {
        Table::Days => {
            ensure_for_days(args.market, args.save.is_some(), &args.options)?;
            let table = changes::read_days(&args.fee_history)?;
            let options = raise_options(chain, rules, settings, &args.options);
            let raise = changes::raise(&table, activation, &options)?;
            if args.json {
                output::json(&raise)?;
            } else {
                say_raise(&raise);
            }
            Ok(Turn::Done(ExitCode::SUCCESS))
        }
        Table::Blocks(history) => {
            let blobs = match args.market {
                Some(market) => market == Market::Blobs,
                None => changes::is_of_blobs(&history, &rules, activation, settings),
            };
            if !blobs {
                return Ok(Turn::Gas(chain, Box::new(rules), history));
            }
            if args.save.is_some() {
                return Err(no_option("--save", "a forecast of blobs"));
            }
            let request = blob_request(chain, rules, activation, settings.to_vec(), &args.options);
            let change = changes::blobs(*history, &request)?;
            if args.json {
                output::json(&change)?;
            } else {
                say_blobs(&change);
            }
            Ok(Turn::Done(ExitCode::SUCCESS))
        }
    }
}

/// Rolling windows of blobs or of days, if the file or `--market` asks for them.
pub(crate) fn validate(args: &ValidateArgs) -> Result<Turn, Failure> {
    let Opened { chain, rules, table } = open(&args.fee_history, &args.forecast)?;
    match table {
        Table::Days => {
            ensure_for_days(args.market, false, &args.forecast)?;
            let table = changes::read_days(&args.fee_history)?;
            let options = raise_options(chain, rules, &[], &args.forecast);
            let from = match args.since {
                Some(Moment::Time(time)) => time,
                Some(block @ Moment::Block(_)) => {
                    let activation = block.to_string();
                    return Err(chaos_programs::Error::DaysByTime { activation }.into());
                }
                None => 0,
            };
            let weeks = changes::weeks(&table, from, &options)?;
            if args.json {
                output::json(&weeks)?;
            } else {
                let left_out = (weeks.with_raises, "with a raise of the limit");
                let title = format!("{} days each", weeks.window_days);
                say_windows(&weeks.chain, &title, &weeks.rows, left_out, &weeks.tally);
            }
            Ok(Turn::Done(ExitCode::SUCCESS))
        }
        Table::Blocks(history) => {
            if args.since.is_some() {
                return Err(no_option("--since", "a table of blocks"));
            }
            let bare = history.prices_no_gas();
            if args.market.map_or(!bare, |market| market != Market::Blobs) {
                return Ok(Turn::Gas(chain, Box::new(rules), history));
            }
            let request = blob_request(chain, rules, Moment::Block(0), Vec::new(), &args.forecast);
            let windows = changes::blob_windows(*history, &request)?;
            if args.json {
                output::json(&windows)?;
            } else {
                let blobs::Options { fit_blocks, horizon_blocks, .. } = windows.options;
                let title = format!("fitted on {fit_blocks} blocks, predicting {horizon_blocks}");
                let left_out = (windows.with_changes, "with a change of the rule");
                say_windows(&windows.chain, &title, &windows.rows, left_out, &windows.tally);
            }
            Ok(Turn::Done(ExitCode::SUCCESS))
        }
    }
}

fn no_option(option: &str, what: &str) -> Failure {
    Failure::message(Kind::Input, format!("{option} does nothing for {what}"))
        .hint("leave it out; `--help` says what applies to which table")
}

fn ensure_for_days(market: Option<Market>, save: bool, args: &ForecastArgs) -> Result<(), Failure> {
    let days = "a table of days";
    match market {
        Some(Market::Blobs) => return Err(no_option("--market blobs", days)),
        Some(Market::Gas) | None => {}
    }
    for (given, option) in [
        (save, "--save"),
        (args.window.is_some(), "--window"),
        (args.rules.columns.is_some(), "--columns"),
    ] {
        if given {
            return Err(no_option(option, days));
        }
    }
    Ok(())
}

fn raise_options(
    chain: ChainId,
    rules: Rules,
    settings: &[Setting],
    args: &ForecastArgs,
) -> RaiseOptions {
    let window_days = args.horizon.map_or(WINDOW_DAYS, |days| days as usize);
    RaiseOptions { chain, rules, settings: settings.to_vec(), window_days }
}

fn blob_request(
    chain: ChainId,
    rules: Rules,
    activation: Moment,
    settings: Vec<Setting>,
    args: &ForecastArgs,
) -> BlobRequest {
    let usual = blobs::Options::default();
    let options = blobs::Options {
        seed: args.seed,
        paths: args.paths,
        fit_blocks: args.window.map_or(usual.fit_blocks, u64::from),
        horizon_blocks: args.horizon.map_or(usual.horizon_blocks, u64::from),
    };
    let threads = threads(args.threads);
    BlobRequest { chain, rules, activation, settings, options, threads }
}

fn say_blobs(change: &BlobChange) {
    let BlobChange { before, after, forecast, .. } = change;
    let blobs::Demand { blocks, first_block, last_block, .. } = forecast.demand;
    output::sentence(format_args!(
        "{}: blobs, {} blocks from {}, fitted on {blocks} blocks {first_block} to {last_block}",
        output::bold(change.chain.as_str()),
        forecast.options.horizon_blocks,
        change.activation_block,
    ));
    output::sentence(format_args!("  {}", terms(before, after)));
    if change.cut_blocks > 0 {
        output::sentence(format_args!(
            "  {} blocks fewer than asked for: the file ends or the rule changes again",
            change.cut_blocks
        ));
    }
    let demand = &forecast.demand;
    let level = |value: i128| quantity::decimal(value / 10_000, 2, 2);
    output::sentence(format_args!(
        "  demand at a free price {} blobs [{}, {}], read {}",
        level(demand.free_demand.p50),
        level(demand.free_demand.p10),
        level(demand.free_demand.p90),
        level(demand.free_demand_read.0),
    ));
    output::sentence(format_args!(
        "  the target exceeds it in {} % of paths",
        words::percent(demand.below_target_ppm.into())
    ));
    if let Some(fee) = demand.base_fee_wei {
        output::sentence(format_args!(
            "  execution base fee at the end of the fit {}",
            quantity::of(fee.0, "wei")
        ));
    }
    output::sentence("");
    say_rows(&forecast.rows);
    if let Some(share) = forecast.reserve_share_closed_form {
        let at = |share: i128| format!("{} %", words::percent(share));
        let observed = forecast
            .reserve_share_closed_form_observed
            .map(|share| format!(", {} at the blobs that came", at(share.0)))
            .unwrap_or_default();
        output::sentence(format_args!(
            "reserve share in closed form: {} at the predicted blobs{observed}",
            at(share.0)
        ));
    }
    say_tally(change.tally.as_ref());
}

fn terms(before: &BlobTerms, after: &BlobTerms) -> String {
    if before == after {
        return "nothing changes at the activation: a placebo".to_owned();
    }
    let of = |terms: &BlobTerms| {
        let reserve = if terms.base_cost > 0 { ", with a reserve price" } else { "" };
        format!("target {} of {}{reserve}", terms.target, terms.max)
    };
    format!("{} -> {}", of(before), of(after))
}

fn say_raise(raise: &Raise) {
    let found = &raise.backtest;
    output::sentence(format_args!(
        "{}: gas used per day, {} days from {}, fitted on {} days from {}",
        output::bold(raise.chain.as_str()),
        found.window_days,
        day_of(found.after_from),
        found.window_days,
        day_of(found.before_from),
    ));
    let origin = if raise.limit_named { "named" } else { "as the days show it" };
    output::sentence(format_args!(
        "  gas limit {} -> {} ({origin}), {}\n  errors from {} past changes",
        quantity::of(found.gas_limit_before.into(), "gas"),
        quantity::of(found.gas_limit_after.into(), "gas"),
        match (raise.before, raise.after) {
            (Pricing::Auction, Pricing::Auction) => "a first-price auction",
            (Pricing::Auction, Pricing::BaseFee { .. }) => "an auction gives way to a base fee",
            (Pricing::BaseFee { .. }, Pricing::BaseFee { .. }) => "with a base fee",
            (Pricing::BaseFee { .. }, Pricing::Auction) => "a base fee gives way to an auction",
        },
        found.past_windows,
    ));
    output::sentence("");
    say_rows(&found.rows);
    say_tally(Some(&raise.tally));
}

/// The figures: the model, what came, and three naive forecasts.
fn say_rows(rows: &[Row]) {
    let shown: Vec<_> = rows.iter().map(cells).collect();
    output::table(
        &[
            "figure", "observed", "p10", "median", "p90", "unit", "in", "fair p10", "fair p90",
            "last", "prop.",
        ],
        &shown,
    );
    output::sentence("");
    let skills: Vec<_> = rows.iter().filter(|row| row.pinball().is_some()).map(skills).collect();
    if !skills.is_empty() {
        output::table(&["figure", "error", "skill: fair %", "last %", "proportional %"], &skills);
        output::sentence("");
    }
    for row in rows {
        let (name, word, reason) = match row.standing {
            Standing::Counted => continue,
            Standing::Shown(reason) => (row.name, "shown, not counted", reason),
            Standing::Refused(reason) => (row.name, "not scored", reason),
        };
        output::sentence(format_args!("{name} {word}:\n  {reason}"));
    }
}

fn cells(row: &Row) -> Vec<String> {
    let q = row.model;
    // What is not scored is compared with nothing.
    let (observed, fair) = match row.standing {
        Standing::Refused(_) => (None, None),
        Standing::Counted | Standing::Shown(_) => (row.observed, row.fair),
    };
    let fair = fair.map(|fair| [fair.p10, fair.p90]);
    let values: Vec<Option<i128>> = vec![
        observed.map(|value| value.0),
        Some(q.p10),
        Some(q.p50),
        Some(q.p90),
        fair.map(|fair| fair[0]),
        fair.map(|fair| fair[1]),
        row.last.map(|value| value.0),
        row.proportional.map(|value| value.0),
    ];
    let numbers: Vec<i128> = values.iter().flatten().map(|value| row.in_unit(*value)).collect();
    let comparison = Comparison::among(unit(row), &numbers);
    let text = |value: &Option<i128>| match value {
        None => "-".to_owned(),
        Some(value) if row.unit == "blobs" => quantity::decimal(*value / 1_000, 3, 3),
        // Days of gas are of one size, and differences matter below a per cent.
        Some(value) if row.unit == "gas" => {
            quantity::decimal(row.in_unit(*value) / 10_000_000, 2, 2)
        }
        Some(value) => comparison.beside_unit(row.in_unit(*value)),
    };
    let shown_unit = match row.unit {
        "blobs" => "blobs",
        "gas" => "Ggas",
        _ => comparison.unit(),
    };
    let inside = match (row.inside_80(), row.inside_95()) {
        (None, _) => "-",
        (Some(true), _) => "80 %",
        (Some(false), Some(true)) => "95 %",
        (Some(false), _) => "no",
    };
    let mut cells = vec![row.name.to_owned()];
    cells.extend(values[..4].iter().map(text));
    cells.extend([shown_unit.to_owned(), inside.to_owned()]);
    cells.extend(values[4..].iter().map(text));
    cells
}

/// The unit of [`Row::in_unit`].
fn unit(row: &Row) -> &'static str {
    match (row.scale, row.unit) {
        (Scale::Millionths, "share") => "ppm",
        (_, unit) => unit,
    }
}

fn skills(row: &Row) -> Vec<String> {
    let percent = |ppm: Option<i128>| ppm.map_or_else(|| "-".to_owned(), words::percent);
    let error = match row.scale {
        Scale::Millionths => row.error().map(|error| quantity::decimal(error / 1_000, 3, 3)),
        Scale::LogMillionths => {
            row.error().map(|error| format!("ln {}", quantity::decimal(error / 1_000, 3, 3)))
        }
    };
    vec![
        row.name.to_owned(),
        error.unwrap_or_default(),
        percent(row.skill_fair_ppm()),
        percent(row.skill_last_ppm()),
        percent(row.skill_proportional_ppm()),
    ]
}

fn say_tally(tally: Option<&Tally>) {
    let Some(tally) = tally else {
        output::sentence("no block after the activation is in the file: nothing is scored");
        return;
    };
    output::sentence(format_args!(
        "{} of {} counted figures inside p10-p90, {} inside p2.5-p97.5; beats the fair forecast on {} of {}",
        tally.inside_80.inside,
        tally.inside_80.of,
        tally.inside_95.inside,
        tally.better_than_fair,
        tally.fair_compared
    ));
}

/// Windows: how often intervals held, by figure.
fn say_windows(
    chain: &ChainId,
    title: &str,
    windows: &[Vec<Row>],
    (left_out, why): (u64, &str),
    tally: &Tally,
) {
    output::sentence(format_args!(
        "{}: {} windows, {title}",
        output::bold(chain.as_str()),
        windows.len()
    ));
    if left_out > 0 {
        output::sentence(format_args!("  {left_out} windows {why} left out"));
    }
    output::sentence("");
    let names: Vec<&str> =
        windows.first().map_or_else(Vec::new, |rows| rows.iter().map(|row| row.name).collect());
    let rows: Vec<_> = names.iter().map(|name| of_windows(name, windows)).collect();
    output::table(
        &[
            "figure",
            "scored",
            "inside 80 %",
            "Wilson 95 %",
            "inside 95 %",
            "fair inside 80 %",
            "skill: fair %",
            "last %",
        ],
        &rows,
    );
    output::sentence(format_args!(
        "\ncounted figures inside p10-p90     {}, of good intervals 80 %",
        words::coverage(&tally.inside_80)
    ));
    output::sentence(format_args!(
        "counted figures inside p2.5-p97.5  {}, of good intervals 95 %",
        words::coverage(&tally.inside_95)
    ));
}

fn of_windows(name: &str, windows: &[Vec<Row>]) -> Vec<String> {
    let rows: Vec<&Row> = windows
        .iter()
        .flatten()
        .filter(|row| row.name == name && row.pinball().is_some())
        .collect();
    let summary = chaos_simulation::change::summary(&rows);
    let percent = |ppm: Option<i128>| ppm.map_or_else(|| "-".to_owned(), words::percent);
    vec![
        name.to_owned(),
        rows.len().to_string(),
        words::share(&summary.inside_80),
        format!(
            "{} to {}",
            words::percent(summary.inside_80.low_ppm.into()),
            words::percent(summary.inside_80.high_ppm.into())
        ),
        words::share(&summary.inside_95),
        summary.fair_inside_80.to_string(),
        percent(summary.skill_fair_ppm),
        percent(summary.skill_last_ppm),
    ]
}
