//! Bytes that are no component of a world are refused; one that is can be named and run.

#![no_main]

use std::sync::LazyLock;

use chaos_sandbox::{Argument, Configuration, Inputs, Limits, Sandbox};
use libfuzzer_sys::fuzz_target;

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let limits = Limits { fuel: 100_000, component_bytes: 64 << 10, ..Limits::default() };
    Sandbox::new(Configuration::new(limits)).expect("the limits are in range")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(component) = SANDBOX.compile(bytes) else { return };
    for world in component.worlds() {
        let parts: [&[u8]; 2] = [b"", b""];
        let argument = Argument::of(world, &parts[..1]).or_else(|| Argument::of(world, &parts));
        let argument = argument.expect("a world takes one part or two");
        let run = || component.run(argument, &Inputs::default());
        assert_eq!(run(), run());
    }
});
