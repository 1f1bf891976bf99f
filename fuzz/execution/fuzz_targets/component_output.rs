//! Whatever a component sends, the sandbox makes of it what the canonical ABI says, and a repeat
//! from the transcript is the same run.

#![no_main]

use std::sync::LazyLock;

use chaos_sandbox::{Argument, Component, Configuration, Sandbox, Transcript};
use libfuzzer_sys::fuzz_target;

#[path = "../../../crates/chaos-sandbox/tests/it/judge.rs"]
mod judge;

static COMPONENT: LazyLock<Component> = LazyLock::new(|| {
    let bytes = wat::parse_str(judge::AREA).expect("the component is well formed");
    let sandbox = Sandbox::new(Configuration::default()).expect("the default is in range");
    sandbox.compile(&bytes).expect("the component is of a world")
});

/// Longer inputs say nothing new.
const INPUT_BYTES_MAX: usize = 16 << 10;

fuzz_target!(|bytes: &[u8]| {
    let input = &bytes[..bytes.len().min(INPUT_BYTES_MAX)];
    let argument = Argument::Generic(input);
    let run = COMPONENT.run(argument, &judge::inputs()).expect("it neither recurses nor grows");
    assert_eq!(run.outcome, judge::judge(input));
    let record = Transcript::from_bytes(&run.transcript.to_bytes()).expect("it was just written");
    assert_eq!(COMPONENT.replay(argument, &record), Ok(run));
});
