//! The library as a second program would use it: real ledgers, sockets and threads in one process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod docs;
mod service;
