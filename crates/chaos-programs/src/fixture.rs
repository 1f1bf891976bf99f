//! Generated blocks in a folder, as recorded ones lie there.

use std::path::Path;

use chaos_evm::load::{LoadParameters, generate};

use crate::files;

pub(crate) fn write_blocks(dir: &Path, load: &LoadParameters) {
    let load = generate(load).unwrap();
    files::write(&dir.join("bytecodes.json"), &load.bytecodes).unwrap();
    for block in load.blocks {
        files::write(&dir.join(format!("blocks/{}.json", block.number)), &block.json).unwrap();
    }
}
