//! A chain config that is read, in either form, has forks of Ethereum's and eras within bounds; extra data
//! that is read is what was written.

#![no_main]

use chaos_chain_config::{ChainConfig, ETHEREUM_FORKS, HeaderFees};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(chain) = ChainConfig::decode(bytes) {
        assert!(chain.forks.iter().all(|fork| ETHEREUM_FORKS.contains(&fork.ethereum.as_str())));
        for era in &chain.eras {
            if let Some(rules) = era.rules {
                rules.ensure_consistent().expect("eras are checked");
            }
        }
        let _era = chain.era_at(u64::MAX, u64::MAX);
    }
    if let Ok(fees) = HeaderFees::decode(bytes) {
        assert_eq!(fees.encode(), bytes);
    }
});
