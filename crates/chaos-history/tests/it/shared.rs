//! Real histories, which are not part of the repository.

use std::{fs, path::PathBuf};

use chaos_history::{FeeHistory, HistoryError, Rules, ensure_rule};
use chaos_types::ChainId;

/// A file of the shared data, or `None` with a note when it is not there.
fn bytes(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let bytes = fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("skipped: {} is absent", path.display());
    }
    bytes
}

/// Pairs of base fees that were checked and those that are exact, and pairs of blobs.
#[track_caller]
fn check(name: &str, base_fee: (u64, u64), blobs: u64) {
    let Some(bytes) = bytes(name) else { return };
    let history = FeeHistory::decode(&bytes).unwrap();
    let report = ensure_rule(&history, &Rules::of(&ChainId::evm(1)).unwrap()).unwrap();
    assert_eq!(report.base_fee.holding, report.base_fee.pairs);
    assert_eq!((report.base_fee.pairs, report.base_fee.exact), base_fee, "{name}");
    assert_eq!((report.blobs.pairs, report.blobs.holding), (blobs, blobs), "{name}");
    assert_eq!((report.base_fee.unruled, report.blobs.unruled), (0, 0), "{name}");
}

#[test]
fn recorded_mainnet_fees_follow_the_rule_to_the_wei() {
    check("chain/fee-history/mainnet-12965000-12999999.csv.gz", (34_999, 34_999), 0);
}

#[test]
fn reconstructed_mainnet_fees_follow_the_rule_within_a_unit_of_gas() {
    check("fees/eth-mainnet-2023-05-recon.csv.gz", (14_649, 14_626), 0);
    check("fees/eth-mainnet-2022-07-recon.csv.gz", (9_899, 5_405), 0);
}

#[test]
fn recorded_blobs_follow_the_schedule_over_their_forks() {
    check("fees/eth-blob-dencun-2024-03.csv.gz", (0, 0), 344_972);
    check("fees/eth-blob-pectra-2025-05.csv.gz", (0, 0), 349_738);
    check("fees/eth-blob-fusaka-bpo1-2025-12.csv.gz", (0, 0), 249_322);
    check("fees/eth-mainnet-2025-07-30-45m-nofee.csv.gz", (0, 0), 1_000);
}

#[test]
fn tables_of_days_are_no_fee_histories() {
    for name in ["fees/eth-blob-daily.csv.gz", "fees/eth-mainnet-daily.csv.gz"] {
        let Some(bytes) = bytes(name) else { return };
        assert!(matches!(FeeHistory::decode(&bytes), Err(HistoryError::Days { .. })), "{name}");
    }
}
