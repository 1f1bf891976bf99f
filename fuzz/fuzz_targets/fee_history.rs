//! A fee history that is read ascends within its limits, and can be held to any rule.

#![no_main]

use chaos_history::{FeeHistory, Rules, check_rule};
use chaos_types::{ChainId, Digest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(history) = FeeHistory::decode(bytes) {
        assert!(history.blocks().is_sorted_by(|a, b| a.number < b.number));
        assert!(history.blocks().iter().all(|block| block.gas_used <= block.gas_limit));
        let report = check_rule(&history, &Rules::of(&ChainId::evm(1)).expect("Ethereum is known"));
        assert!(report.base_fee.exact <= report.base_fee.holding);
        // On an OP-stack chain the blocks' extra data is read as well.
        let base = Rules::of(&ChainId::evm(8_453)).expect("Base is known");
        let report = check_rule(&history, &base);
        assert!(report.base_fee.by_extra_data <= report.base_fee.pairs);
        let written = history.to_csv();
        assert_eq!(Digest::of(&written), history.digest());
        // A name for other rows would let one history pass for another.
        if history.blocks().len() as u64 == history.rows() && history.blobs().is_empty() {
            let again = FeeHistory::decode(&written).expect("what was written is read");
            assert_eq!(again.digest(), history.digest());
        }
    }
});
