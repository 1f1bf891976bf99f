//! A policy that is accepted has one class and an id that its values decide.

#![no_main]

use chaos_attestation::{AnchorClass, Policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(policy) = Policy::parse(text) {
        let commented = format!("# another comment\n{text}");
        if let Ok(again) = Policy::parse(&commented) {
            assert_eq!(again.id(), policy.id());
        }
        let production = policy.anchor_class() == AnchorClass::IntelProduction;
        assert_eq!(production, matches!(policy, Policy::Production(_)));
    }
});
