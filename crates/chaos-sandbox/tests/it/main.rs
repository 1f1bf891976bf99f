//! Components that behave and components that do not, against the sandbox and a second engine.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what a test expects and does not find is a failed test"
)]

mod component;
mod determinism;
mod differential;
mod endings;
mod host;
mod identity;
mod judge;
mod malformed;
mod refusal;
mod second_engine;
