//! Replay of real recorded blocks, judged by their own headers.

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use chaos_evm::{
    Agreement, Bytecodes, Incomparable, ReceiptsRoot, RecordedBlock, Recording, ReplayInput,
    Status, counterfactual, replay, replay_all, replay_on,
};

const BYZANTIUM: u64 = 4_370_000;

/// The recorded chain data beside the repository, or `None` with a note on stderr.
fn data(chain: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/chain").join(chain);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: ../shared/data is absent");
    None
}

fn codes(directory: &Path) -> Bytecodes {
    Bytecodes::decode(&fs::read(directory.join("bytecodes.json.gz")).unwrap()).unwrap()
}

fn blocks(directory: &Path, expected: u64) -> Vec<RecordedBlock> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory.join("blocks"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| RecordedBlock::decode(&fs::read(file).unwrap(), Some(expected)).unwrap())
        .collect()
}

pub(super) fn inputs(chain: &str, expected: u64) -> Option<Vec<ReplayInput>> {
    let directory = data(chain)?;
    let codes = codes(&directory);
    Some(
        blocks(&directory, expected)
            .into_iter()
            .map(|block| ReplayInput::new(block, &codes))
            .collect(),
    )
}

pub(super) fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

#[test]
fn every_ethereum_block_reproduces_its_header_on_any_number_of_threads() {
    let Some(inputs) = inputs("ethereum", 1) else { return };
    assert_eq!(inputs.len(), 60);
    let results = replay_all(&inputs, threads(2)).unwrap();
    for (input, result) in inputs.iter().zip(&results) {
        let number = result.number;
        assert_eq!(number, input.block().header.number, "order is kept");
        assert_eq!(result.gas_replayed, result.gas_header, "block {number}");
        let expect =
            if number >= BYZANTIUM { ReceiptsRoot::Match } else { ReceiptsRoot::NotComparable };
        assert_eq!(result.receipts_root, expect, "block {number}");
        assert_eq!(result.unknown_reads.total(), 0, "block {number}");
        assert_eq!(result.rejected, [], "block {number}");
        assert_eq!(result.skipped_transactions, [], "block {number}");
        assert_eq!(result.transactions.len(), input.block().transactions.len());
        let agreement = if number >= BYZANTIUM {
            Agreement::Agrees
        } else {
            Agreement::NotComparable(Incomparable::BeforeByzantium { by_bloom: true })
        };
        assert_eq!(result.agreement(), agreement, "block {number}");
        assert!(result.is_bound(), "block {number}: {:?}", result.unbound);
    }
    assert_eq!(results, replay_all(&inputs, threads(1)).unwrap());
}

#[test]
fn every_rise_block_reproduces_its_header_with_its_deposit() {
    let Some(inputs) = inputs("rise", 4153) else { return };
    assert_eq!(inputs.len(), 2);
    for result in replay_all(&inputs, threads(2)).unwrap() {
        assert_eq!(result.chain, 4153);
        assert_eq!(result.gas_replayed, result.gas_header, "block {}", result.number);
        assert_eq!(result.receipts_root, ReceiptsRoot::Match, "block {}", result.number);
        assert_eq!(result.unknown_reads.total(), 0);
        let deposit = &result.transactions[0];
        assert_eq!((deposit.type_byte, deposit.effective_gas_price), (0x7e, 0));
        assert!((46_000..47_000).contains(&deposit.gas_used), "{}", deposit.gas_used);
    }
}

#[test]
fn each_transaction_agrees_with_the_receipt_the_chain_recorded() {
    let Some(directory) = data("ethereum") else { return };
    let bytes = fs::read(directory.join("blocks/22244135.json.gz")).unwrap();
    let block = RecordedBlock::decode(&bytes, None).unwrap();
    let input = ReplayInput::new(block, &codes(&directory));
    let result = replay(&input).unwrap();
    let receipts = input.recorded_receipts().unwrap();
    assert_eq!(receipts.len(), 125);
    for (receipt, outcome) in receipts.iter().zip(&result.transactions) {
        assert_eq!(receipt.gas_used, outcome.gas_used, "transaction {}", outcome.index);
        assert_eq!(receipt.success, outcome.status == Status::Success);
        assert_eq!(receipt.effective_gas_price, Some(outcome.effective_gas_price));
        assert_eq!(receipt.logs_count, Some(outcome.logs.len() as u64));
    }
}

#[test]
fn real_blocks_survive_encoding() {
    for (chain, id) in [("ethereum", 1), ("rise", 4153)] {
        let Some(directory) = data(chain) else { return };
        for block in blocks(&directory, id) {
            let mut again = RecordedBlock::decode(&block.encode(), Some(id)).unwrap();
            again.digest = block.digest;
            assert_eq!(again, block, "{chain} block {}", block.block.header.number);
        }
    }
}

#[test]
fn what_a_replay_reads_is_enough_to_replay_again() {
    let Some(directory) = data("ethereum") else { return };
    let bytes = fs::read(directory.join("blocks/18884864.json.gz")).unwrap();
    let input = ReplayInput::new(RecordedBlock::decode(&bytes, None).unwrap(), &codes(&directory));
    let recording = Recording::new(input.snapshot().view());
    let first = replay_on(input.block(), &recording).unwrap();
    let (recorded, seen) = recording.finish(input.block().clone());

    let decoded = RecordedBlock::decode(&recorded.encode(), None).unwrap();
    assert_eq!(decoded.digest, recorded.digest);
    let again = ReplayInput::new(decoded, &Bytecodes::from_codes(seen).unwrap());
    assert_eq!(replay(&again).unwrap(), first);
    assert!(first.agrees());
}

#[test]
fn the_recorded_gas_limit_changes_nothing_and_a_smaller_one_leaves_transactions_out() {
    let Some(inputs) = inputs("ethereum", 1) else { return };
    let (mut excluded, mut unknown) = (0, 0);
    for input in &inputs {
        let baseline = replay(input).unwrap();
        let limit = input.block().header.gas_limit;
        let same = counterfactual::with_gas_limit(input, &baseline, limit).unwrap();
        assert_eq!(
            (same.gas_used, same.included),
            (baseline.gas_replayed, baseline.transactions.len())
        );
        assert!(same.excluded.is_empty() && same.divergences.is_empty());

        let half = counterfactual::with_gas_limit(input, &baseline, limit / 2).unwrap();
        assert!(half.gas_used <= limit / 2);
        excluded += half.excluded.len();
        unknown += half.unknown_reads.total();
    }
    assert!(excluded > 1_000, "{excluded}");
    eprintln!("half the gas limit: {excluded} excluded, {unknown} unknown reads");
}
