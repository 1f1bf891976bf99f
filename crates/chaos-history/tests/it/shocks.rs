//! The elasticity that recorded shocks show.

use std::{fs, path::PathBuf};

use chaos_history::{FeeHistory, ShockError, elasticity_from_shocks};

fn recorded(name: &str) -> Option<FeeHistory> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let Ok(bytes) = fs::read(&path) else {
        eprintln!("skipped: ../shared/data/{name} is absent");
        return None;
    };
    Some(FeeHistory::decode(&bytes).unwrap())
}

#[test]
fn shocks_of_august_2021_show_an_elasticity_of_a_fifth() {
    let Some(history) = recorded("chain/fee-history/mainnet-12965000-12999999.csv.gz") else {
        return;
    };
    // The first 1,500 blocks are the launch, when the fee had not found its level.
    let found = elasticity_from_shocks(&history.blocks()[1_500..], 2).unwrap();
    eprintln!("{found:?}");
    assert!((150_000..=260_000).contains(&found.elasticity_ppm), "{found:?}");
    assert!(found.low_ppm < found.elasticity_ppm && found.elasticity_ppm < found.high_ppm);
}

#[test]
fn shocks_of_july_2022_agree_and_those_of_may_2023_do_not() {
    let Some(history) = recorded("fees/eth-mainnet-2022-07-recon.csv.gz") else { return };
    let found = elasticity_from_shocks(history.blocks(), 2).unwrap();
    eprintln!("{found:?}");
    assert!(found.low_ppm < 510_000 && found.high_ppm > 120_000, "{found:?}");
    let Some(history) = recorded("fees/eth-mainnet-2023-05-recon.csv.gz") else { return };
    let refused = elasticity_from_shocks(history.blocks(), 2);
    eprintln!("{refused:?}");
    assert!(matches!(refused, Err(ShockError::Disagree { .. })), "{refused:?}");
}
