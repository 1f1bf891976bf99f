//! Exact division of reward pools, and the Merkle trees that let accounts claim their part.
//!
//! A pool is an integer number of base units of one asset on one chain, and what is paid out of it
//! must sum to it to the last unit, on every machine and in any order of the input:
//!
//! - [`split`]: largest remainder over integer weights.
//! - [`reward_task`]: the reward of a studio task by slots whose budget weights
//!   were fixed before the work; what was not earned returns to the sponsor.
//! - [`Distribution`]: one claimable pool, as a [`MerkleTree`] in OpenZeppelin's `standard-v1`
//!   form, so that a contract checks a claim with `MerkleProof.verify`.
//!
//! ```
//! use alloy_primitives::{Address, U256};
//! use chaos_incentives::{Distribution, Share, split};
//!
//! let accounts = [1u8, 2, 3].map(Address::repeat_byte);
//! let shares = accounts.map(|account| Share { account, weight: U256::from(1) });
//! let amounts = split(U256::from(100), &shares)?;
//! assert_eq!(amounts, [34, 33, 33].map(U256::from));
//!
//! let distribution = Distribution::new(accounts.into_iter().zip(amounts))?;
//! assert_eq!(distribution.total(), U256::from(100));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It knows no prices, moves no funds, and refuses an account that appears twice: whoever merges
//! entries must do so before, in the open.

mod distribution;
mod merkle;
mod split;
mod task;

pub use distribution::{Distribution, DistributionError};
pub use merkle::{Claim, MerkleTree, NoLeaves, verify_claim};
pub use split::{Share, SplitError, split};
pub use task::{QUALITY_PPM_MAX, Slot, TaskError, TaskReward, reward_task};
