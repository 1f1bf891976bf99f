//! A quote that parses is in its canonical form: it writes back, names itself by its signed bytes
//! alone, and is verified to the same answer by what remembers and what does not.

#![no_main]

use std::sync::LazyLock;

use chaos_attestation::{
    Collateral, Policy, Provider as _, Quote, ReportData, Verifier,
    provide::{
        Development,
        development::{Seed, Window},
    },
    verify,
};
use libfuzzer_sys::fuzz_target;

/// 2026-09-21, 14:13:20 UTC.
const AT_S: u64 = 1_790_000_000;

struct Setting {
    quote: Vec<u8>,
    collateral: Collateral,
    verifier: Verifier,
    policy: Policy,
}

static SETTING: LazyLock<Setting> = LazyLock::new(|| {
    let machine = Development::new(&Seed::well_known(), Window::of_day(AT_S));
    let quote = machine.quote(&ReportData::bind("fuzz", &[])).expect("a simulated machine quotes");
    Setting {
        quote: quote.quote,
        collateral: Collateral::parse(machine.collateral()).expect("its own collateral"),
        verifier: Verifier::new(vec![machine.anchor()]),
        policy: Policy::development(),
    }
});

fuzz_target!(|data: &[u8]| {
    let Setting { quote: genuine, collateral, verifier, policy } = &*SETTING;
    // as it came, and as a change at the front of a genuine quote
    let mut changed = genuine.clone();
    for (byte, change) in changed.iter_mut().zip(data) {
        *byte ^= change;
    }
    for bytes in [data, &changed] {
        let Ok(quote) = Quote::parse(bytes) else { continue };
        assert!(bytes.starts_with(quote.bytes()));
        let again = Quote::parse(quote.bytes()).expect("the canonical form parses");
        assert_eq!((again.bytes(), again.id()), (quote.bytes(), quote.id()));
        let cold = verify(&quote, collateral, verifier.anchors(), AT_S);
        assert_eq!(verifier.verify(&quote, collateral, AT_S), cold);
        if let Ok(claims) = cold {
            assert!(genuine.starts_with(quote.signed()), "signed bytes were changed");
            let appraisal = policy.appraise(claims, None, AT_S);
            assert!(appraisal.ensure_accepted().is_ok());
        }
    }
});
