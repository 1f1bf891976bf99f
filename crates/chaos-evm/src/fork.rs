//! Which rules a block runs under.
//!
//! A chain's schedule is data, in one table; a chain that is not listed runs under a hard fork that is
//! named, and is an error otherwise, never a default.
//!
//! The DAO fork (Ethereum block 1,920,000, [EIP-779](https://eips.ethereum.org/EIPS/eip-779)) moves
//! the balances of 116 accounts and changes no rule. It is not applied: the state of a block is
//! recorded, so only a transaction of that very block that reads one of these balances could see
//! it.

mod hardfork;
mod schedule;

use std::sync::OnceLock;

use chaos_parameters::Preset;
use revm::{
    context::CfgEnv,
    handler::EthPrecompiles,
    precompile::{Precompiles, secp256r1},
    primitives::hardfork::SpecId,
};

pub use self::hardfork::{Hardfork, UnknownHardfork};

/// Ethereum mainnet.
pub const ETHEREUM: u64 = 1;
/// RISE mainnet, an OP-stack chain.
pub const RISE: u64 = 4153;
/// The chain of generated blocks. It is no public chain.
pub const DEVELOPMENT: u64 = 1_337_001;
/// What anvil and other local nodes call themselves. They run the newest rules unless told
/// otherwise, and so does a replay of their blocks unless a hard fork is named.
pub const LOCAL: u64 = 31_337;

/// The family of a chain: what a block holds besides ordinary transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Ethereum rules as they are.
    Ethereum,
    /// OP-stack rules: deposit transactions (type `0x7e`) and the P-256 precompile of RIP-7212.
    OpStack,
}

/// The blob rules of a block, [EIP-4844](https://eips.ethereum.org/EIPS/eip-4844).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRules {
    /// Denominator of the exponential blob fee.
    pub update_fraction: u64,
    /// Most blobs one transaction may carry.
    pub per_transaction_max: u64,
    /// Most blobs one block may carry.
    pub per_block_max: u64,
}

/// The rules one block runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForkRules {
    /// The fork.
    pub spec: SpecId,
    /// The chain family.
    pub family: Family,
    /// Blob rules, from Cancun on.
    pub blobs: Option<BlobRules>,
}

/// A chain whose fork schedule is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "chain {chain_id} has no known fork schedule, and no hard fork was named for it; known are {}",
    schedule::known()
)]
pub struct UnknownChain {
    /// The EIP-155 number.
    pub chain_id: u64,
}

/// The rules of block `number` with `timestamp` (seconds since 1970) on chain `chain_id`.
///
/// # Errors
/// [`UnknownChain`] if the chain is not listed.
pub fn rules(chain_id: u64, number: u64, timestamp: u64) -> Result<ForkRules, UnknownChain> {
    let schedule = schedule::of(chain_id)?;
    Ok(schedule.at(number, timestamp).rules(schedule.family))
}

/// The rules of a hard fork that somebody named, on a chain whose family is known or taken to be
/// Ethereum's.
pub(crate) fn rules_under(chain_id: u64, hardfork: Hardfork) -> ForkRules {
    hardfork.rules(schedule::of(chain_id).map_or(Family::Ethereum, |schedule| schedule.family))
}

/// Whether nobody need have signed a chain's transactions: generated blocks have no keys, and a local
/// node sends for whom it is asked to (`anvil_impersonateAccount`).
pub(crate) const fn is_unsigned(chain_id: u64) -> bool {
    matches!(chain_id, LOCAL | DEVELOPMENT)
}

impl ForkRules {
    /// Whether `spec` is in force.
    #[must_use]
    pub const fn has(&self, spec: SpecId) -> bool {
        self.spec.is_enabled_in(spec)
    }

    /// Whether receipts hold a status instead of a state root (EIP-658, Byzantium), so that their
    /// root can be computed without the state trie.
    #[must_use]
    pub const fn receipts_comparable(&self) -> bool {
        self.has(SpecId::BYZANTIUM)
    }

    /// The revm configuration.
    pub(crate) fn configuration(&self, chain_id: u64) -> CfgEnv {
        let mut configuration = CfgEnv::new_with_spec(self.spec).with_chain_id(chain_id);
        if let Some(blobs) = self.blobs {
            configuration.blob_base_fee_update_fraction = Some(blobs.update_fraction);
            configuration.max_blobs_per_tx = Some(blobs.per_transaction_max);
        }
        configuration
    }

    /// The precompiled contracts.
    pub(crate) fn precompiles(&self) -> EthPrecompiles {
        let ethereum = EthPrecompiles::new(self.spec);
        match self.family {
            Family::Ethereum => ethereum,
            Family::OpStack => {
                static OP_STACK: OnceLock<Precompiles> = OnceLock::new();
                let precompiles = OP_STACK.get_or_init(|| {
                    let mut precompiles = Precompiles::prague().clone();
                    precompiles.extend([secp256r1::P256VERIFY]);
                    precompiles
                });
                EthPrecompiles { precompiles, spec: self.spec }
            }
        }
    }
}

/// Ethereum's rules of the fork with this name, on whatever chain; `None` if there is none.
#[must_use]
pub fn named(name: &str) -> Option<ForkRules> {
    name.parse().ok().map(|fork: Hardfork| fork.rules(Family::Ethereum))
}

/// The execution rules of a preset's time: rollups run the EVM of the Ethereum fork that they had
/// adopted.
#[must_use]
pub const fn spec_of(preset: Preset) -> SpecId {
    match preset {
        Preset::London => SpecId::LONDON,
        Preset::Cancun => SpecId::CANCUN,
        Preset::OpCanyon => SpecId::SHANGHAI,
        Preset::Prague | Preset::Base2026 | Preset::ArbosLegacy => SpecId::PRAGUE,
        Preset::Osaka | Preset::Bpo1 | Preset::Bpo2 | Preset::Arbos51 => SpecId::OSAKA,
    }
}

#[cfg(test)]
mod tests;
