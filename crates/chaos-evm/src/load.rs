//! Recorded blocks without a chain: a load generator in a local EVM.
//!
//! [`generate`] deploys three tokens, three constant-product pools and two collections of numbered
//! tokens, funds accounts, and then builds blocks from a stream of transfers, swaps and mints. The
//! blocks come out in the recorded form that [`crate::RecordedBlock::decode`] reads, and a
//! replay reproduces their gas and receipts root.
//!
//! Realistic: real contracts compiled from Solidity run real code, with reverts, cold and warm
//! slots, first-time recipients and gas limits above use; demand comes in bursts with a popular
//! mint in each; senders have a highest price and wait or give up when the base fee passes it;
//! the builder takes the best tips first; the base fee follows EIP-1559; headers are chained by
//! hash over real receipts roots and transactions roots.
//!
//! Not realistic: the mix of contracts is tiny and the state is small, so reads are warmer and
//! blocks run faster than mainnet's; demand is a stated random process, not measured; nobody
//! searches for arbitrage; there are no blobs, no withdrawals and no system contracts; signatures
//! are placeholders (see [`GeneratedLoad`]) and the state root is left zero.

mod builder;
mod contracts;
mod demand;
mod header;
mod parameters;
mod world;

pub use builder::{GeneratedBlock, GeneratedLoad, LoadError, generate};
pub use contracts::ArtifactError;
pub use parameters::{LoadParameters, ParameterError};

pub use crate::fork::DEVELOPMENT as CHAIN_ID;

#[cfg(test)]
mod tests;
