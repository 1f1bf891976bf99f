//! The table of docs/simulation/validation.md: whether the modelled baseline is the observed chain, over
//! elasticities, in windows of 10,000 blocks of the histories named, and in ten generated ones.
//!
//! `cargo run --release -p chaos-simulation --example calibration -- FILE...`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "an example stops and prints")]

#[path = "../tests/it/calibration/model.rs"]
mod model;

use std::{fs, path::Path};

use chaos_history::FeeHistory;
use chaos_simulation::{Calibration, CalibrationStatus, flow::ObservedBlock};

use self::model::{calibration, generated};

const ELASTICITIES_PPM: [u32; 7] = [6_000, 10_000, 50_000, 100_000, 250_000, 500_000, 1_000_000];

/// One line of the table: median and 95th percentile over the observed ones, or why not.
fn cell(found: &Calibration) -> String {
    let ratio = |name: &str| {
        let ppm = found.figures[name].ratio_ppm.unwrap_or(0);
        format!("{}.{:02}", ppm / 1_000_000, ppm % 1_000_000 / 10_000)
    };
    let mark = match found.status {
        CalibrationStatus::Calibrated => "",
        CalibrationStatus::LevelOnly => " level",
        CalibrationStatus::NotCalibrated => " NOT",
    };
    format!("{}/{}{mark}", ratio("base_fee_median"), ratio("base_fee_p95"))
}

fn main() {
    let mut histories: Vec<(String, Vec<ObservedBlock>)> = Vec::new();
    for file in std::env::args().skip(1) {
        let history = FeeHistory::decode(&fs::read(&file).unwrap()).unwrap();
        let name = Path::new(&file).file_name().unwrap().to_string_lossy().into_owned();
        for window in history.blocks().chunks(10_000) {
            histories.push((format!("{name} {}", window[0].number), window.to_vec()));
        }
    }
    let known =
        [50_000, 80_000, 110_000, 140_000, 170_000, 200_000, 230_000, 250_000, 280_000, 300_000];
    for (elasticity_ppm, seed) in known.into_iter().zip(0..) {
        let name = format!("made with 0.{:02}", elasticity_ppm / 10_000);
        histories.push((name, generated(elasticity_ppm, seed, 4_000)));
    }
    println!("| history | 0.006 | 0.01 | 0.05 | 0.1 | 0.25 | 0.5 | 1 | posterior |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut reasons = Vec::new();
    for (name, blocks) in &histories {
        let mut cells = vec![name.clone()];
        for elasticity_ppm in ELASTICITIES_PPM.into_iter().map(Some).chain([None]) {
            let found = calibration(blocks, elasticity_ppm);
            if !found.reasons.is_empty() {
                reasons.push(format!("{name}, {elasticity_ppm:?}: {}", found.reasons.join("; ")));
            }
            cells.push(cell(&found));
        }
        println!("| {} |", cells.join(" | "));
    }
    for reason in reasons {
        println!("{reason}");
    }
}
