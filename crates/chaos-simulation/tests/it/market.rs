//! The agents model as a whole and against recorded blocks.

use std::{fs, path::PathBuf, time::Instant};

use chaos_simulation::{
    Parameters,
    fee_market::{Assumptions, FeeHistory, calibrate},
    market::{Arm, Metric, Rules, Spec, arrivals::Intervals, run_arms},
};

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

#[test]
fn london() {
    let Some(history) = history() else { return };
    let assumptions = Assumptions::default();
    let demand =
        calibrate(history.blocks(), &assumptions, &Parameters::ethereum(30_000_000).unwrap())
            .unwrap();
    eprintln!("{demand:?}");
    let rules = Rules { block_time_ms: 13_300, ..Rules::ethereum(30_000_000) };
    let spec = Spec::calibrated(&demand, &assumptions, rules, Intervals::Exponential);
    let spec = Spec { blocks: 3_000, ..spec };
    let start = Instant::now();
    let outcome = &run_arms(&spec, &[Arm::honest(rules)], (1, 0)).unwrap()[0];
    eprintln!("{:?}", start.elapsed());
    for metric in Metric::ALL {
        eprintln!("{:<32} {:?} {}", metric.name(), outcome.metrics.get(metric), metric.unit());
    }
    eprintln!("{:?}", outcome.delays_by_tip);
}
