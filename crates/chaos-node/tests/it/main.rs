//! The `chaoschain` program as its users run it: real processes, real files, a real local chain.

mod agents;
mod demo;
mod live;
mod program;
mod simulation;
