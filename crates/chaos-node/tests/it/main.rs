//! The `chaoschain` program as its users run it: real processes, real files, a real local chain.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends where it fails"
)]

mod accused;
mod agents;
mod anchors;
mod attest;
mod bad_day;
mod bench;
mod blocks;
mod chain_configs;
mod chain_files;
mod changes;
mod children;
mod clocks;
mod compatibility;
mod components;
mod copies;
mod crashes;
mod demo;
mod directory;
mod documents;
mod evidence;
mod faulty;
mod fee_history;
mod finality;
mod findings;
mod forecast;
mod forged;
mod forks;
mod funding;
mod ganache;
mod guests;
mod handed;
mod handover;
mod help;
mod homes;
mod journal;
mod lines;
mod live;
mod log_guide;
mod lost_output;
mod matrix;
mod mended;
mod mended_copies;
mod mended_cosigners;
mod mended_rows;
mod moved;
mod one_history;
mod outrun;
mod places;
mod placing;
mod program;
mod proposals;
mod proxy;
mod readme;
mod remembered;
mod rotated;
mod rows;
mod running;
mod scheduled;
mod secrets;
mod seeds;
mod shown;
mod signers;
mod simulation;
mod simulation_guide;
mod sources;
mod story;
mod study;
mod study_receipts;
mod together;
mod transactions;
mod units;
mod unopened_keys;
mod unread_copy;
mod verify;
mod wire;
mod witness_files;
mod witness_memory;
