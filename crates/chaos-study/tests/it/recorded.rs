//! The recorded chain data beside the repository.

use std::{fs, num::NonZeroUsize, path::Path};

use chaos_evm::{Bytecodes, RecordedBlock, ReplayInput};

/// All recorded blocks of a chain, or `None` with a note on stderr.
pub(crate) fn inputs(chain: &str, expected: u64) -> Option<Vec<ReplayInput>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/chain").join(chain);
    if !data.is_dir() {
        eprintln!("skipped: ../shared/data is absent");
        return None;
    }
    let codes = Bytecodes::decode(&fs::read(data.join("bytecodes.json.gz")).unwrap()).unwrap();
    let mut files: Vec<_> =
        fs::read_dir(data.join("blocks")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let block = |file| RecordedBlock::decode(&fs::read(file).unwrap(), Some(expected)).unwrap();
    Some(files.iter().map(|file| ReplayInput::new(block(file), &codes)).collect())
}

pub(crate) fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}
