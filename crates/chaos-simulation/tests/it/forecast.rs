//! Forecasts against recorded and made blocks.

use std::{fs, num::NonZeroUsize, path::PathBuf};

use chaos_history::FeeHistory;
use chaos_parameters::{Parameters, Preset, pricing::next_base_fee};
use chaos_simulation::{
    Program,
    flow::ObservedBlock,
    forecast::{
        Backtest, Basis, Error, Forecast, Options, Request, RollingOptions, Verdict, backtest,
        forecast, score, validate,
    },
};
use chaos_types::{ChainId, Digest};

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

/// Blocks that the base-fee rule itself made: use drawn around the target by a fixed recurrence.
fn made(count: u64) -> Vec<ObservedBlock> {
    let parameters = mainnet();
    let mut state = 88_172_645_463_325_252u64;
    let mut base_fee_wei = 30_000_000_000;
    let mut timestamp = 1_700_000_000;
    (0..count)
        .map(|index| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Dearer blocks use less: eight per cent of the limit for a tenth of the price.
            let lean = (30_000_000_000i64 - i64::try_from(base_fee_wei).unwrap()) / 1_250;
            let used = 15_000_000 + lean + i64::try_from(state % 16_000_000).unwrap() - 8_000_000;
            let gas_used = u64::try_from(used.clamp(0, 30_000_000)).unwrap();
            let block = ObservedBlock {
                number: 18_000_000 + index,
                timestamp,
                gas_used,
                gas_limit: 30_000_000,
                base_fee_wei: Some(base_fee_wei),
            };
            base_fee_wei = next_base_fee(base_fee_wei, gas_used, &parameters);
            timestamp += 12;
            block
        })
        .collect()
}

fn small() -> Options {
    Options { paths: 40, fit_blocks: 1_500, horizon_blocks: 300, ..Options::default() }
}

/// The figures that docs/simulation/validation.md states; the bounds are loose.
#[test]
fn recorded_history_is_predicted_window_after_window() {
    let Some(history) = history() else { return };
    let options = Options { paths: 100, ..Options::default() };
    let validation = validate(history.blocks(), &rolling(options), threads(2)).unwrap();
    assert_eq!((validation.windows.len(), validation.windows_skipped), (10, 0));
    let share = validation.p10_p90.share_ppm;
    eprintln!("inside p10 to p90: {share} ppm, p2.5 to p97.5: {:?}", validation.p2_5_p97_5);
    assert!((700_000..=900_000).contains(&share), "{share}");
    assert!(validation.p2_5_p97_5.share_ppm >= 850_000);
    assert_eq!(validation.better_than_naive, validation.naive_compared);
    assert!(validation.skill_median_ppm.unwrap().0 > 300_000);
    let error = |name: &str| validation.metrics[name].error_ppm.unwrap().0;
    assert!(error("base_fee_median") < 300_000);
    assert!(error("utilisation_mean") < 5_000);
}

/// London began at 1 gwei: the climb is the rule's own, (8/9)^n steps of 12.5 %.
#[test]
fn the_launch_is_tested_on_what_came_later() {
    let Some(history) = history() else { return };
    let options = Options { paths: 100, horizon_blocks: 1_500, ..Options::default() };
    let backtest =
        backtest(&request(12_965_000, mainnet()), history.blocks(), &options, threads(2)).unwrap();
    assert_eq!(backtest.forecast.basis, Basis::After);
    assert_eq!(backtest.forecast.fit.first_block, 12_966_500, "what is predicted is not fitted on");
    let climb = &backtest.score.metrics["launch_climb_blocks"];
    assert_eq!(climb.observed.0, 28);
    assert!(climb.inside_p10_p90, "{climb:?}");
    // The first hours paid far more than the days after; the model does not know why.
    assert!(!backtest.score.metrics["base_fee_p95"].inside_p2_5_p97_5);
    assert_eq!(backtest.score.verdict, Verdict::Missed);
}

#[test]
fn a_forecast_does_not_depend_on_threads_or_on_what_came_after() {
    let blocks = made(3_000);
    let request = request(18_002_000, mainnet());
    let make = |blocks: &[ObservedBlock], count| {
        forecast(&request, blocks, &small(), threads(count)).unwrap().to_canonical().unwrap()
    };
    let all = make(&blocks, 1);
    assert_eq!(all, make(&blocks, 3));
    assert_eq!(all, make(&blocks[..2_000], 2), "nothing of the target is read");
}

#[test]
fn a_forecast_of_the_process_that_made_the_blocks_covers_it() {
    let blocks = made(4_500);
    let validation = validate(&blocks, &rolling(small()), threads(2)).unwrap();
    assert_eq!(validation.windows.len(), 10);
    let share = validation.metrics["base_fee_median"].p10_p90.share_ppm;
    assert!(share >= 600_000, "{share}");
    assert!(validation.p2_5_p97_5.share_ppm >= 700_000, "{:?}", validation.p2_5_p97_5);
}

#[test]
fn a_forecast_reads_back_from_its_bytes_and_scores_the_same() {
    let blocks = made(3_000);
    let Backtest { forecast, score: scored } =
        backtest(&request(18_002_000, mainnet()), &blocks, &small(), threads(2)).unwrap();
    let bytes = forecast.to_canonical().unwrap();
    let read = Forecast::from_canonical(&bytes).unwrap();
    assert_eq!(read, forecast);
    assert_eq!(score(&read, &blocks).unwrap(), scored);
    assert_eq!(scored.forecast, Digest::of(&bytes));
    let other = String::from_utf8(bytes).unwrap().replace("forecast/1", "forecast/9");
    let error = Forecast::from_canonical(other.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("forecast/9"), "{error}");
}

/// Independent counting: the shares and flags follow from the rows.
#[test]
fn a_score_counts_what_its_rows_say() {
    let blocks = made(3_000);
    let backtest =
        backtest(&request(18_002_000, mainnet()), &blocks, &small(), threads(2)).unwrap();
    let score = &backtest.score;
    let mut inside = 0;
    for (name, row) in &score.metrics {
        let q = row.quantiles;
        assert!(q.p2_5 <= q.p10 && q.p10 <= q.p50 && q.p50 <= q.p90 && q.p90 <= q.p97_5, "{name}");
        assert_eq!(row.inside_p10_p90, q.p10 <= row.observed.0 && row.observed.0 <= q.p90);
        inside += u64::from(row.inside_p10_p90);
    }
    assert_eq!((score.p10_p90.inside, score.p10_p90.of), (inside, score.metrics.len() as u64));
    let target = &blocks[2_000..2_300];
    assert_eq!((score.observed.blocks, score.unobserved_blocks), (300, 0));
    let served: u64 = target.iter().map(|block| block.gas_used).sum();
    assert_eq!(score.metrics["gas_served"].observed.0, i128::from((served + 150) / 300));
    // Naive: the same figure of the 300 blocks before.
    let before: u64 = blocks[1_700..2_000].iter().map(|block| block.gas_used).sum();
    let naive = backtest.forecast.metrics["gas_served"].naive.unwrap().0;
    assert_eq!(naive, i128::from((before + 150) / 300));
}

#[test]
fn a_larger_limit_is_forecast_to_lower_the_fee() {
    let blocks = made(2_000);
    let doubled = Parameters::ethereum(60_000_000).unwrap();
    let median = |proposal| {
        let request = request(18_002_000, proposal);
        let forecast = forecast(&request, &blocks, &small(), threads(2)).unwrap();
        forecast.metrics["base_fee_median"].quantiles
    };
    assert!(median(doubled).p90 < median(mainnet()).p10);
}

#[test]
fn a_forecast_needs_enough_blocks_before_and_some_after() {
    let blocks = made(3_000);
    let run = |activation, blocks: &[ObservedBlock]| {
        backtest(&request(activation, mainnet()), blocks, &small(), threads(1))
    };
    let message = |activation| run(activation, &blocks).unwrap_err().to_string();
    assert!(message(17_000_000).contains("outside the history, blocks 18000000 to 18002999"));
    assert!(message(18_003_000).contains("outside the history"));
    assert!(message(18_000_500).contains("has 500 blocks, at least 1000"));
    assert!(message(18_002_950).contains("has 50 blocks, at least 100"));
    assert!(matches!(run(18_002_000, &[]), Err(Error::Empty)));
    let mut swapped = blocks.clone();
    swapped.swap(4, 5);
    assert!(run(18_002_000, &swapped).unwrap_err().to_string().contains("does not come after"));
    let arbitrum = Preset::ArbosLegacy.parameters();
    let refused = forecast(&request(18_002_000, arbitrum), &blocks, &small(), threads(1));
    assert!(matches!(refused, Err(Error::Family { .. })));
    let none = Options { horizon_blocks: 99, ..small() };
    let refused = forecast(&request(18_002_000, mainnet()), &blocks, &none, threads(1));
    assert!(refused.unwrap_err().to_string().contains("horizon blocks must be from 100"));
}

#[test]
fn gaps_are_counted_and_windows_without_enough_blocks_are_skipped() {
    let mut blocks = made(6_000);
    // Ten blocks of the target are missing, and five of the fit.
    blocks.drain(2_100..2_110);
    blocks.drain(1_995..2_000);
    let backtest =
        backtest(&request(18_002_000, mainnet()), &blocks, &small(), threads(2)).unwrap();
    assert_eq!(backtest.score.unobserved_blocks, 10);
    assert_eq!(backtest.score.observed.missing, 10);
    // Every other block of a stretch is missing: no window that needs it has a thousand in a row.
    let mut index = 0;
    blocks.retain(|_| {
        index += 1;
        !(2_500..4_500).contains(&index) || index % 2 == 0
    });
    let validation = validate(&blocks, &rolling(small()), threads(2)).unwrap();
    assert!(validation.windows_skipped > 0 && validation.windows_with_gaps > 0);
    let too_few = validate(&blocks[..1_700], &rolling(small()), threads(1)).unwrap_err();
    assert!(too_few.to_string().contains("1700 blocks do not hold 1500 to fit and 300"));
}
