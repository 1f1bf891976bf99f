//! Whether the modelled baseline is the observed chain, over elasticities and histories.

mod model;

use std::{fs, num::NonZeroUsize, path::PathBuf};

use chaos_history::FeeHistory;
use chaos_parameters::Parameters;
use chaos_simulation::{
    CalibrationStatus, Experiment, Material, Program, RESULT_FORMAT_CHECKED, Simulation,
    flow::{ObservedBlock, chain_parameters},
    sensitivity,
};
use chaos_types::{ChainId, canonical};

use self::model::{asked, calibration, generated, simulated};

fn recorded(name: &str) -> Vec<ObservedBlock> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let Ok(bytes) = fs::read(&path) else {
        eprintln!("skipped: ../shared/data/{name} is absent");
        return Vec::new();
    };
    FeeHistory::decode(&bytes).unwrap().blocks().to_vec()
}

#[test]
fn reproduces_the_observed_median_or_says_that_it_does_not() {
    let london = recorded("chain/fee-history/mainnet-12965000-12999999.csv.gz");
    let merged = recorded("fees/eth-mainnet-2023-05-recon.csv.gz");
    let known = generated(200_000, 5, 3_000);
    let windows = [london.get(10_000..14_000), merged.get(..4_000), Some(&known[..])];
    for blocks in windows.into_iter().flatten() {
        for elasticity_ppm in [Some(6_000), Some(100_000), None] {
            let found = calibration(blocks, elasticity_ppm);
            let row = &found.figures["base_fee_median"];
            let near = (900_000..=1_100_000).contains(&row.ratio_ppm.unwrap());
            assert!(near || !found.is_usable(), "{elasticity_ppm:?}: {}", found.line());
            assert_eq!(found.is_usable(), found.reasons.is_empty());
            if elasticity_ppm.is_none() {
                assert_eq!(found.status, CalibrationStatus::Calibrated, "{}", found.line());
            }
        }
    }
}

/// A history whose last half is empty: half of the blocks empty is the fit's bound.
#[test]
fn a_history_that_stops_being_used_is_not_calibrated() {
    let mut blocks = generated(200_000, 3, 3_000);
    let mut fee = blocks[1_500].base_fee_wei.unwrap();
    for block in &mut blocks[1_500..] {
        fee = (fee - fee / 8).max(7);
        (block.gas_used, block.base_fee_wei) = (0, Some(fee));
    }
    let found = calibration(&blocks, None);
    assert_eq!(found.status, CalibrationStatus::NotCalibrated);
    assert!(
        found.reasons.iter().any(|reason| reason.contains("half of the blocks empty")),
        "{found:?}"
    );
}

/// Demand that doubles on purpose is applied after the check, which asks about today.
#[test]
fn a_what_if_is_calibrated_before_it_is_applied() {
    let blocks = generated(200_000, 4, 1_500);
    let plain = Experiment { blocks: 600, ..asked(&blocks, Some(200_000)) };
    let doubled = Experiment { demand_ppm: 2_000_000, ..plain };
    let (plain, doubled) = (simulated(&blocks, &plain), simulated(&blocks, &doubled));
    assert_eq!(plain.result.calibration, doubled.result.calibration);
    let fee = |simulation: &Simulation| simulation.result.metrics["base_fee_median"].baseline;
    assert!(fee(&doubled) > 3 * fee(&plain));
}

#[test]
fn interval_carries_what_is_not_known_and_paths_stand_beside_it() {
    let blocks = generated(200_000, 6, 1_500);
    let today = chain_parameters(&blocks).unwrap();
    let raised = Parameters::ethereum(36_000_000).unwrap();
    let experiment = Experiment { paths: 33, blocks: 600, ..Experiment::new(today, raised) };
    let drawn = simulated(&blocks, &experiment.checked(None)).result;
    let row = &drawn.metrics["base_fee_median"];
    let alone = row.paths_only.unwrap();
    assert!(row.interval.low <= row.difference && row.difference <= row.interval.high);
    assert!(row.interval.high - row.interval.low > alone.high - alone.low, "{row:?}");
    assert_eq!(drawn.format, RESULT_FORMAT_CHECKED);
    let first = simulated(&blocks, &experiment).result;
    assert_eq!((first.calibration, first.metrics["base_fee_median"].paths_only), (None, None));
    assert!(!String::from_utf8(canonical::to_vec(&experiment).unwrap()).unwrap().contains("fit"));
}

#[test]
fn few_consecutive_rows_among_many_scattered_ones_show_nothing() {
    let mut blocks: Vec<ObservedBlock> = generated(200_000, 7, 1_000);
    blocks.iter_mut().zip(0..).for_each(|(block, place)| block.number += 1_000 * (place / 2));
    let found = calibration(&blocks, None);
    assert_eq!(found.status, CalibrationStatus::NotCalibrated);
    assert_eq!((found.rows.used, found.rows.not_consecutive), (2, 998));
    assert!(found.reasons[0].contains("there are 2"), "{found:?}");
}

#[test]
fn sweep_names_the_published_elasticities_with_their_calibration() {
    let blocks = generated(200_000, 8, 1_200);
    let experiment = Experiment { paths: 8, blocks: 300, ..asked(&blocks, None) };
    let material = Material {
        chain: ChainId::evm(1),
        program: Program::this(),
        inputs: Vec::new(),
        observed: &blocks,
        evm: &[],
    };
    let found = sensitivity(&experiment, &material, NonZeroUsize::new(2).unwrap()).unwrap();
    assert!(found.rows.iter().all(|row| row.source().is_some() && row.calibration.is_some()));
    assert_eq!(found.rows[0].elasticity_ppm, 6_000);
}
