//! The recorded blocks and the fee history.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use chaos_evm::{Bytecodes, RecordedBlock, ReplayInput};
use chaos_history::FeeHistory;
use chaos_simulation::flow::ObservedBlock;
use flate2::read::GzDecoder;
use serde_json::Value;

/// Blocks stated when no history is there, and the gas limit they have.
const STATED_BLOCKS: u64 = 100;
pub(crate) const HISTORY_GAS_LIMIT: u64 = 30_000_000;

/// The folder with recorded data.
pub(crate) struct Data {
    folder: PathBuf,
}

impl Data {
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn ethereum(&self) -> PathBuf {
        self.folder.join("chain/ethereum")
    }

    /// The files of the recorded Ethereum blocks.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, String> {
        let folder = self.ethereum().join("blocks");
        let entries =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        Ok(files)
    }

    /// The codes of all recorded contracts.
    pub(crate) fn codes(&self) -> Result<Bytecodes, String> {
        let bytes = read(&self.ethereum().join("bytecodes.json.gz"))?;
        Bytecodes::decode(&bytes).map_err(|error| error.to_string())
    }

    /// The same as they are written, code by hash.
    pub(crate) fn codes_as_json(&self) -> Result<Value, String> {
        json(&self.ethereum().join("bytecodes.json.gz"))
    }

    /// All recorded blocks, ready to run.
    pub(crate) fn inputs(&self) -> Result<Vec<ReplayInput>, String> {
        let codes = self.codes()?;
        self.files()?.iter().map(|file| Ok(ReplayInput::new(recorded(file)?, &codes))).collect()
    }

    /// The recorded fee history, or half-full blocks at 40 gwei where it is absent.
    pub(crate) fn observed(&self) -> Vec<ObservedBlock> {
        let file = self.folder.join("chain/fee-history/mainnet-12965000-12999999.csv.gz");
        if let Ok(bytes) = read(&file) {
            let history = FeeHistory::decode(&bytes).expect("the recorded fee history decodes");
            return history.blocks().to_vec();
        }
        eprintln!("no fee history: demand is stated, not calibrated");
        let block = |number| ObservedBlock {
            number,
            timestamp: 12 * number,
            gas_used: HISTORY_GAS_LIMIT / 2,
            gas_limit: HISTORY_GAS_LIMIT,
            base_fee_wei: Some(40_000_000_000),
        };
        (0..STATED_BLOCKS).map(block).collect()
    }
}

/// A recorded block.
pub(crate) fn recorded(file: &Path) -> Result<RecordedBlock, String> {
    RecordedBlock::decode(&read(file)?, None).map_err(|error| error.to_string())
}

/// A gzipped JSON file as it is written.
pub(crate) fn json(file: &Path) -> Result<Value, String> {
    let mut text = Vec::new();
    GzDecoder::new(read(file)?.as_slice())
        .read_to_end(&mut text)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}
