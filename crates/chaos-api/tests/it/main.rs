//! A log published, copied, watched and mended: real folders, real sockets, and servers that lie.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod derived;
mod disputed;
mod liar;
mod lying;
mod mending;
mod mirroring;
mod publishing;
mod rotating;
mod serving;
mod spoilt;
mod watching;
mod witnessing;
mod world;
