//! A recorded block that is read replays without a panic; what cannot be read names why.

#![no_main]

use chaos_evm::{Bytecodes, Hardfork, RecordedBlock, ReplayInput, explain, replay};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _codes = Bytecodes::decode(bytes);
    for hardfork in [None, Some(Hardfork::Cancun)] {
        if let Ok(recorded) = RecordedBlock::decode_under(bytes, None, hardfork) {
            let input = ReplayInput::new(recorded, &Bytecodes::default());
            if let Ok(replayed) = replay(&input) {
                let _first = explain::first_difference(&input, &replayed);
            }
        }
    }
});
