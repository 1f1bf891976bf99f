//! The transaction model against recorded blocks.

use std::{collections::BTreeMap, fs, num::NonZeroUsize, path::PathBuf};

use chaos_evm::{Bytecodes, RecordedBlock, ReplayInput, replay_all};
use chaos_history::FeeHistory;
use chaos_parameters::{ParameterName, Parameters, Setting};
use chaos_simulation::{
    flow::{Assumptions, ObservedBlock, calibrate},
    transactions::{
        Arm, Metric, Spec,
        arrivals::{GasMix, Intervals, Level},
        run,
    },
};

/// A file or folder of the recorded chain data, or `None` with a note when it is not there.
fn data(name: &str) -> Option<PathBuf> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/chain").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: ../shared/data is absent");
    None
}

fn history() -> Option<FeeHistory> {
    let path = data("fee-history/mainnet-12965000-12999999.csv.gz")?;
    Some(FeeHistory::decode(&fs::read(path).unwrap()).unwrap())
}

/// Ethereum in August 2021: proof of work, a block in 13.3 seconds on average.
fn london() -> Parameters {
    Parameters::ethereum(30_000_000)
        .unwrap()
        .with(Setting::new(ParameterName::BlockTime, 13_300).unwrap())
}

/// Figures of the recorded window under the same definitions as the model's.
struct Observed {
    utilisation: f64,
    saturated: f64,
    empty: f64,
    autocorrelation: f64,
    flips: f64,
    volatility: f64,
    median_gwei: f64,
    p95_gwei: f64,
}

fn observed(blocks: &[ObservedBlock]) -> Observed {
    let used: Vec<f64> = blocks.iter().map(|b| b.gas_used as f64 / b.gas_limit as f64).collect();
    let mut fees: Vec<f64> = blocks.iter().map(|b| b.base_fee_wei.unwrap() as f64 / 1e9).collect();
    let count = used.len() as f64;
    let mean = used.iter().sum::<f64>() / count;
    let variance: f64 = used.iter().map(|u| (u - mean).powi(2)).sum();
    let covariance: f64 = used.windows(2).map(|p| (p[0] - mean) * (p[1] - mean)).sum();
    let share = |condition: &dyn Fn(f64) -> bool| {
        used.iter().filter(|used| condition(**used)).count() as f64 / count
    };
    let changes: Vec<f64> = fees.windows(2).map(|p| (p[1] / p[0]).ln()).collect();
    let drift = changes.iter().sum::<f64>() / changes.len() as f64;
    let spread = changes.iter().map(|c| (c - drift).powi(2)).sum::<f64>() / changes.len() as f64;
    let flips = used.windows(2).filter(|p| (p[0] > 0.5) != (p[1] > 0.5)).count();
    fees.sort_by(f64::total_cmp);
    Observed {
        utilisation: mean,
        saturated: share(&|u| u >= 0.99),
        empty: share(&|u| u <= 0.01),
        autocorrelation: covariance / variance,
        flips: flips as f64 / (count - 1.0),
        volatility: spread.sqrt(),
        median_gwei: fees[fees.len() / 2],
        p95_gwei: fees[fees.len() * 95 / 100],
    }
}

/// How far the model with its stated users is from the window; bounds are loose on purpose and
/// written here so that a change of the model shows. Nothing is fitted to a single block: level,
/// anchor and slow noise are calibrated, users are stated, intervals are those of proof of work.
#[test]
fn stated_users_reproduce_the_pattern_of_the_blocks_after_london() {
    let Some(history) = history() else { return };
    let assumptions = Assumptions::default();
    let parameters = Parameters::ethereum(30_000_000).unwrap();
    let demand = calibrate(history.blocks(), &assumptions, &parameters).unwrap();
    let spec = Spec::calibrated(&demand, &assumptions, london(), Intervals::Exponential);
    let spec = spec.matched_to(spec.arrivals.anchor_wei).unwrap().spec;
    let spec = Spec { blocks: 3_000, ..spec };
    let paths = 6;
    let mut sums: BTreeMap<Metric, i128> = BTreeMap::new();
    let mut fees = Vec::new();
    for path in 0..paths {
        let outcome = run(&spec, &Arm::honest(london()), (1, path)).unwrap();
        for (metric, value) in outcome.metrics {
            *sums.entry(metric).or_default() += value;
        }
        fees.extend(outcome.series.base_fee_wei);
    }
    fees.sort_unstable();
    let modelled = |metric: Metric| sums[&metric] as f64 / f64::from(paths) / 1e6;
    let seen = observed(history.blocks());
    let rows = [
        ("utilisation mean", Metric::UtilisationMean, seen.utilisation, 0.005),
        ("saturated share", Metric::BlocksSaturated, seen.saturated, 0.03),
        ("empty share", Metric::BlocksEmpty, seen.empty, 0.01),
        ("autocorrelation", Metric::UtilisationAutocorrelation, seen.autocorrelation, 0.06),
        ("sign flips", Metric::TargetSignFlips, seen.flips, 0.04),
        ("volatility", Metric::BaseFeeVolatility, seen.volatility, 0.005),
    ];
    for (name, metric, seen, bound) in rows {
        let model = modelled(metric);
        eprintln!("{name:<18} observed {seen:>12.4} modelled {model:>12.4}");
        assert!((seen - model).abs() <= bound, "{name}: {seen} {model}");
    }
    // Prices of all paths together, as the window too holds fast and slow days.
    let gwei = |percent: usize| fees[fees.len() * percent / 100] as f64 / 1e9;
    let (median, p95) = (gwei(50), gwei(95));
    eprintln!("median gwei        observed {:>12.1} modelled {median:>12.1}", seen.median_gwei);
    eprintln!("95th, gwei         observed {:>12.1} modelled {p95:>12.1}", seen.p95_gwei);
    eprintln!("level {} matched {}", demand.level_gas, spec.arrivals.level_gas);
    assert!((median / seen.median_gwei - 1.0).abs() < 0.25, "{median}");
    // Mint spikes are not modelled, so the model's dear days are less dear.
    assert!(p95 > 0.5 * seen.p95_gwei && p95 < 1.2 * seen.p95_gwei, "{p95}");
}

/// Demand replayed from the window, price effect taken out with the assumed elasticity.
#[test]
fn replayed_demand_follows_the_window_it_came_from() {
    let Some(history) = history() else { return };
    let blocks = &history.blocks()[10_000..13_000];
    let anchor_wei = 40_000_000_000;
    let mut spec = Spec::stated(london());
    spec.arrivals.anchor_wei = anchor_wei;
    spec.arrivals.level_gas = 15_000_000;
    spec.pool.lifetime_blocks = 50;
    spec.start_base_fee_wei = u64::try_from(blocks[0].base_fee_wei.unwrap()).unwrap();
    spec.arrivals.level = Level::observed(blocks, anchor_wei, 200_000, 50);
    (spec.warmup_blocks, spec.blocks) = (0, 3_000);
    let spec = spec.matched_to(anchor_wei).unwrap().spec;
    let means = |fees: &[f64]| -> Vec<f64> {
        fees.chunks_exact(250).map(|chunk| (chunk.iter().sum::<f64>() / 250.0).ln()).collect()
    };
    let seen: Vec<f64> = blocks.iter().map(|b| b.base_fee_wei.unwrap() as f64).collect();
    let mut model = vec![0.0; 3_000];
    for path in 0..4 {
        let outcome = run(&spec, &Arm::honest(london()), (3, path)).unwrap();
        model
            .iter_mut()
            .zip(outcome.series.base_fee_wei)
            .for_each(|(mean, fee)| *mean += fee as f64 / 4.0);
    }
    let correlation = correlation(&means(&seen), &means(&model));
    let ratio = model.iter().sum::<f64>() / seen.iter().sum::<f64>();
    eprintln!(
        "250-block base fees: correlation of logs {correlation:.3}, ratio of means {ratio:.3}"
    );
    assert!(correlation > 0.5, "{correlation}");
    assert!((ratio - 1.0).abs() < 0.25, "{ratio}");
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product: f64 = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum();
    let square = |values: &[f64], mean: f64| values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    product / (square(a, mean_a) * square(b, mean_b)).sqrt()
}

/// The stated mix is that of the recorded blocks from London on, each block with equal weight.
#[test]
fn the_stated_mix_of_sizes_is_measured_on_recorded_blocks() {
    let Some(directory) = data("ethereum") else { return };
    let codes = Bytecodes::decode(&fs::read(directory.join("bytecodes.json.gz")).unwrap()).unwrap();
    let inputs: Vec<ReplayInput> = fs::read_dir(directory.join("blocks"))
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .map(|bytes| RecordedBlock::decode(&bytes, Some(1)).unwrap())
        .filter(|recorded| recorded.block.header.number >= 12_965_000)
        .filter(|recorded| recorded.block.transactions.len() >= 10)
        .map(|recorded| ReplayInput::new(recorded, &codes))
        .collect();
    let blocks = replay_all(&inputs, NonZeroUsize::MIN).unwrap();
    assert_eq!(blocks.len(), 25);
    let mut mean_gas = 0.0;
    let mut low = 0;
    for class in GasMix::recorded().classes {
        let mut share = 0.0;
        for block in &blocks {
            let sizes = block.transactions.iter().map(|t| t.gas_used);
            let within = |gas: &u64| (low..=u64::from(class.high_gas)).contains(gas);
            share += sizes.filter(within).count() as f64 / block.transactions.len() as f64 / 25.0;
        }
        // The largest class is open: one recorded transaction used 21 million.
        let bound = if class.high_gas >= 1_000_000 { 0.001 } else { 0.000_6 };
        let stated = f64::from(class.share_ppm) / 1e6;
        assert!((share - stated).abs() < bound, "{class:?}: {share}");
        low = u64::from(class.high_gas) + 1;
    }
    for block in &blocks {
        let gas: u64 = block.transactions.iter().map(|t| t.gas_used).sum();
        mean_gas += gas as f64 / block.transactions.len() as f64 / 25.0;
    }
    assert!((mean_gas - 83_317.0).abs() < 1.0, "{mean_gas}");
}
