//! Components that behave and components that do not, against the sandbox and a second engine.

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
