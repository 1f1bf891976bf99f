//! A fee history that is read ascends within its limits, and can be held to any rule.

#![no_main]

use chaos_history::{FeeHistory, Rules, check_rule};
use chaos_types::ChainId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(history) = FeeHistory::decode(bytes) {
        assert!(history.blocks().is_sorted_by(|a, b| a.number < b.number));
        assert!(history.blocks().iter().all(|block| block.gas_used <= block.gas_limit));
        let report = check_rule(&history, &Rules::of(&ChainId::evm(1)).expect("Ethereum is known"));
        assert!(report.base_fee.exact <= report.base_fee.holding);
        let _digest = history.digest();
    }
});
