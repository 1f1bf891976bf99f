//! A recorded block that is read replays without a panic; what cannot be read names why.

#![no_main]

use chaos_evm::{Bytecodes, Hardfork, ReplayInput, explain, recorded::PackedBlock, replay};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _codes = Bytecodes::decode(bytes);
    for hardfork in [None, Some(Hardfork::Cancun)] {
        if let Ok(block) = PackedBlock::decode(bytes.to_vec(), hardfork) {
            let input = ReplayInput::new(block.recorded, &Bytecodes::default());
            if let Ok(replayed) = replay(&input) {
                let _first = explain::first_difference(&input, &replayed);
            }
        }
    }
});
