//! Which chain is which: its forks, its fee rule, what of it can be executed, each with a source.
//!
//! Whether a block is run under the right rules, and a fee history held to the right one, hangs on a
//! handful of block numbers and times. They are data: one file for each chain that is built in
//! (`chains/*.toml`), and the same type for a file that somebody brings, in this form or in the one
//! that go-ethereum and its descendants have (`genesis.json`, `ChainConfig`). [`ChainConfig`] is
//! what was read; what it does not state is *not known*, which no reader takes for a default.
//!
//! ```
//! use chaos_chain_config::ChainConfig;
//!
//! let base = ChainConfig::named("base").unwrap();
//! assert_eq!(base.number, 8_453);
//! let fork = base.fork_at(30_000_000, 1_750_000_000).unwrap();
//! assert_eq!((fork.name.as_str(), fork.ethereum.as_str()), ("isthmus", "prague"));
//! // Since Holocene the fee rule stands in every block's extra data.
//! let era = base.era_at(30_000_000, 1_750_000_000).unwrap();
//! assert!(era.in_extra_data && era.rules.is_none());
//! ```
//!
//! Invariants: forks and eras ascend; every era is within the parameters' bounds and of the chain's
//! family; every fact of a built-in chain has a source.
//!
//! It refuses a file with a field or a fork that it does not know, with the field. It knows no EVM
//! and opens no file.

mod built_in;
mod chain;
mod error;
mod extra_data;
mod file;
mod genesis;

pub use chain::{Blobs, ChainConfig, Contract, Era, Execution, Fork, Since};
pub use error::ConfigError;
pub use extra_data::{ExtraDataError, HeaderFees};
pub use file::{CONFIG_BYTES_MAX, ETHEREUM_FORKS};
