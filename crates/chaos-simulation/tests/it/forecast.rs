//! Forecasts against recorded and made blocks.

use std::{fs, num::NonZeroUsize, path::PathBuf};

use chaos_simulation::{
    Parameters, Program,
    fee_market::{FeeHistory, ObservedBlock},
    forecast::{
        Backtest, Basis, Error, Forecast, Options, Request, RollingOptions, Validation, backtest,
        forecast, score, validate,
    },
};
use chaos_types::ChainId;

/// The recorded history, or `None` with a note when the shared data is not there.
fn history() -> Option<FeeHistory> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/chain/fee-history/mainnet-12965000-12999999.csv.gz");
    let Ok(bytes) = fs::read(&path) else {
        eprintln!("skipped: ../shared/data is absent");
        return None;
    };
    Some(FeeHistory::decode(&bytes).expect("recorded history decodes"))
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

fn mainnet() -> Parameters {
    Parameters::ethereum(30_000_000).unwrap()
}

fn request(activation_block: u64, proposal: Parameters) -> Request {
    Request {
        chain: ChainId::evm(1),
        program: Program::this(),
        inputs: Vec::new(),
        made_at: None,
        baseline: mainnet(),
        proposal,
        activation_block,
    }
}

fn rolling(options: Options) -> RollingOptions {
    RollingOptions {
        chain: ChainId::evm(1),
        program: Program::this(),
        inputs: Vec::new(),
        parameters: mainnet(),
        options,
    }
}

fn show(validation: &Validation) {
    for (name, row) in &validation.metrics {
        let value = |v: &Option<chaos_simulation::Decimal>| v.map_or(0, |v| v.0 / 1_000);
        eprintln!(
            "{name:<28} err {:>6} naive {:>6} bias {:>6} in80 {:>2}/{} in95 {:>2}/{} skill {:>6}",
            value(&row.error_ppm),
            value(&row.naive_error_ppm),
            value(&row.bias_ppm),
            row.p10_p90.inside,
            row.p10_p90.of,
            row.p2_5_p97_5.inside,
            row.p2_5_p97_5.of,
            value(&row.skill_ppm)
        );
    }
    eprintln!("{:?} {:?}", validation.p10_p90, validation.p2_5_p97_5);
    eprintln!("skill median {:?}", validation.skill_median_ppm);
}

#[test]
fn recorded_history_is_predicted_window_after_window() {
    let Some(history) = history() else { return };
    let fit = std::env::var("FIT").map_or(5_000, |v| v.parse().unwrap());
    let horizon = std::env::var("HOR").map_or(2_500, |v| v.parse().unwrap());
    let options =
        Options { paths: 100, fit_blocks: fit, horizon_blocks: horizon, ..Options::default() };
    let mut options = options;
    if let Ok(v) = std::env::var("EPS") {
        options.assumptions.elasticity_ppm = v.parse().unwrap();
    }
    if let Ok(v) = std::env::var("SPR") {
        options.assumptions.reservation_spread_ppm = v.parse().unwrap();
    }
    if let Ok(v) = std::env::var("PAT") {
        options.assumptions.patience_blocks = v.parse().unwrap();
    }
    let validation = validate(history.blocks(), &rolling(options), threads(2)).unwrap();
    for w in &validation.windows {
        let r = &w.score.metrics["base_fee_median"];
        let p = &w.score.metrics["base_fee_p95"];
        let g = |x: i128| x / 1_000_000_00;
        eprintln!(
            "{} median {} [{} {} {}] p95 {} [{} {} {}] {}/{}",
            w.score.observed.first_block,
            g(r.observed.0),
            g(r.quantiles.p10),
            g(r.quantiles.p50),
            g(r.quantiles.p90),
            g(p.observed.0),
            g(p.quantiles.p10),
            g(p.quantiles.p50),
            g(p.quantiles.p90),
            w.score.p10_p90.inside,
            w.score.p10_p90.of
        );
    }
    for name in [
        "base_fee_run_up",
        "base_fee_drawdown",
        "saturated_run_max",
        "blocks_saturated",
        "base_fee_volatility",
        "base_fee_tail_ratio",
    ] {
        for w in &validation.windows {
            let r = &w.score.metrics[name];
            eprint!(
                " {}[{} {} {}]",
                r.observed.0, r.quantiles.p10, r.quantiles.p50, r.quantiles.p90
            );
        }
        eprintln!(" {name}");
    }
    show(&validation);
}

#[test]
fn the_launch_is_tested_on_what_came_later() {
    let Some(history) = history() else { return };
    let options = Options { paths: 100, horizon_blocks: 1_500, ..Options::default() };
    let Backtest { forecast, score } =
        backtest(&request(12_965_000, mainnet()), history.blocks(), &options, threads(2)).unwrap();
    for (name, row) in &score.metrics {
        let q = row.quantiles;
        eprintln!(
            "{name:<28} obs {:>20} [{} {} {}] {}",
            row.observed.0, q.p10, q.p50, q.p90, row.inside_p10_p90
        );
    }
    eprintln!("{:#?}", forecast.demand);
    assert_eq!(forecast.basis, Basis::After);
}

#[test]
fn zz_fits() {
    let Some(history) = history() else { return };
    for chunk in history.blocks().chunks(5_000) {
        let d = chaos_simulation::fee_market::calibrate(chunk, &Default::default(), &mainnet())
            .unwrap();
        eprintln!("{} {:?}", chunk[0].number, d);
    }
}
