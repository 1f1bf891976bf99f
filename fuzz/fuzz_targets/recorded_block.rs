//! A recorded block that is read replays without a panic; what cannot be read names why.

#![no_main]

use chaos_evm::{Bytecodes, RecordedBlock, ReplayInput, replay};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _codes = Bytecodes::decode(bytes);
    if let Ok(recorded) = RecordedBlock::decode(bytes, None) {
        let _replayed = replay(&ReplayInput::new(recorded, &Bytecodes::default()));
    }
});
