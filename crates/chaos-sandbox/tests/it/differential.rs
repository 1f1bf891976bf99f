//! The sandbox against a second engine.

use std::collections::BTreeSet;

use chaos_sandbox::{
    Answer, Argument, Component, Failure, Inputs, Limits, Outcome, Sandbox, World,
};
use chaos_types::{Digest, canonical};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    component::{limits, sandbox},
    second_engine::Interpreted,
};

const NUMBERS: &str = include_str!("../components/numbers.wat");

/// Both engines' form of one component.
struct Both {
    compiled: Component,
    interpreted: Interpreted,
}

impl Both {
    fn new(sandbox: &Sandbox, component: &[u8], world: World) -> Self {
        Self {
            compiled: sandbox.compile(component).unwrap(),
            interpreted: Interpreted::new(component, world).expect("it asks no host"),
        }
    }

    fn numbers() -> Self {
        Self::new(&sandbox(limits()), &wat::parse_str(NUMBERS).unwrap(), World::Score)
    }

    #[track_caller]
    fn outcome(&self, argument: Argument<'_>) -> Outcome {
        let run = self.compiled.run(argument, &Inputs::default()).unwrap();
        assert_eq!(run.outcome, self.interpreted.run(argument));
        run.outcome
    }
}

#[test]
fn engines_agree_on_a_checksum_that_a_third_party_knows() {
    let Outcome::Answer(Answer::Bytes(answer)) =
        Both::numbers().outcome(Argument::Score(b"0123456789abcdef"))
    else {
        panic!("sixteen bytes are a pair");
    };
    // CRC-32 of these bytes by zlib.
    assert_eq!(answer[..4], 0x68c4_f033_u32.to_le_bytes());
}

#[test]
fn engines_agree_on_a_failure() {
    let text = "expected pairs of 64-bit floats".to_owned();
    assert_eq!(
        Both::numbers().outcome(Argument::Score(b"0")),
        Outcome::Failure(Failure::InvalidInput(text))
    );
}

#[test]
fn engines_agree_on_not_a_number() {
    let zeros = Both::numbers().outcome(Argument::Score(&[0; 16]));
    let Outcome::Answer(Answer::Bytes(answer)) = zeros else {
        panic!("sixteen bytes are a pair");
    };
    // 0 / 0, in 64 and in 32 bits.
    assert_eq!(answer[4 + 24..][..8], 0x7ff8_0000_0000_0000_u64.to_le_bytes());
    assert_eq!(answer[4 + 80..][..4], 0x7fc0_0000_u32.to_le_bytes());
}

/// The guests of this repository, as they are committed.
fn guest(name: &str, world: World) -> Both {
    let path = format!("{}/../../guests/artifacts/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    Both::new(&sandbox(Limits::default()), &std::fs::read(path).unwrap(), world)
}

/// Documents that are not what a guest reads, each wrong in another place.
const OTHER_DOCUMENTS: [&[u8]; 7] = [
    b"",
    b"{}",
    b"{\"format\":1}",
    b"[1,2",
    b"{\"as_of_ms\":\"1\",\"evidence\":[{}]}",
    b"{\"a\":1,\"a\":2}",
    b"\xff\xfe",
];

#[test]
fn engines_agree_on_what_the_fee_market_guest_refuses() {
    let both = guest("fee-market", World::Simulate);
    for document in OTHER_DOCUMENTS {
        let outcome = both.outcome(Argument::Simulate(document));
        assert!(matches!(outcome, Outcome::Failure(Failure::InvalidInput(_))));
    }
}

#[test]
fn engines_agree_on_the_scores_of_the_scorer_guest() {
    let both = guest("scorer", World::Score);
    for document in OTHER_DOCUMENTS {
        let outcome = both.outcome(Argument::Score(document));
        assert!(matches!(outcome, Outcome::Failure(Failure::InvalidInput(_))));
    }
    let mut tables = BTreeSet::new();
    for receipts in [0_u64, 1, 6] {
        let rows: Vec<Value> = (0..receipts).map(row).collect();
        let document = json!({ "as_of_ms": "2000000000000", "evidence": rows });
        let document = canonical::to_vec(&document).unwrap();
        let Outcome::Answer(Answer::Bytes(table)) = both.outcome(Argument::Score(&document)) else {
            panic!("{receipts} receipts have scores");
        };
        tables.insert(table);
    }
    assert_eq!(tables.len(), 3);
}

/// One receipt of evidence, of one of three agents paid by one of five.
fn row(n: u64) -> Value {
    json!({
        "receipt": Digest::of(&n.to_be_bytes()),
        "agent": format!("agent-{}", n % 3),
        "domain": "simulation",
        "role": "worker",
        "payer": format!("payer-{}", n % 5),
        "task_class": "simulate",
        "at_ms": (1_900_000_000_000 + n * 86_400_000).to_string(),
        "success": !n.is_multiple_of(4),
        "replayable": n.is_multiple_of(2),
        "units_micro": (1_000_000 + n * 12_345).to_string(),
    })
}

fn float() -> impl Strategy<Value = u64> {
    let special = [
        0.0,
        1.0,
        -1.5,
        f64::INFINITY,
        f64::MIN_POSITIVE,
        f64::MIN_POSITIVE / 8.0,
        f64::MAX,
        f64::from(f32::MAX),
        4_294_967_296.0,
        9_223_372_036_854_775_808.0,
    ];
    prop_oneof![
        4 => any::<u64>(),
        2 => prop::sample::select(special.to_vec()).prop_map(f64::to_bits),
        1 => prop::sample::select(special.to_vec()).prop_map(|float| (-float).to_bits()),
        // NaNs of both signs, quiet and signalling.
        2 => any::<u64>().prop_map(|bits| bits | 0x7ff0_0000_0000_0001),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn engines_agree_on_any_floats(floats in prop::collection::vec(float(), 0..16)) {
        thread_local! {
            static NUMBERS: Both = Both::numbers();
        }
        let evidence: Vec<u8> = floats.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        NUMBERS.with(|both| both.outcome(Argument::Score(&evidence)));
    }
}
