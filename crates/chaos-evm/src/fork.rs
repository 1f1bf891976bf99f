//! Which rules a block runs under.
//!
//! A chain's schedule is data ([`ChainConfig`]), built in or from a file that somebody brings; a block
//! of a chain without one runs under a hard fork that is named, and is an error otherwise, never a
//! default.
//!
//! The DAO fork (Ethereum block 1,920,000, [EIP-779](https://eips.ethereum.org/EIPS/eip-779)) moves
//! the balances of 116 accounts and changes no rule. It is not applied: the state of a block is
//! recorded, so only a transaction of that very block that reads one of these balances could see
//! it.

mod hardfork;

use std::sync::OnceLock;

use chaos_chain_config::{ChainConfig, Execution};
use chaos_parameters::{self, Preset};
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
/// What `geth --dev` and ganache call themselves.
const LOCAL_GETH: u64 = 1_337;

/// The family of a chain: what a block holds besides ordinary transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Ethereum rules as they are.
    Ethereum,
    /// OP-stack rules: deposit transactions (type `0x7e`) and the P-256 precompile of RIP-7212.
    OpStack,
    /// Arbitrum's chains, of which only what Ethereum's rules know is executed.
    Arbitrum,
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
    /// How far the chain's blocks can be executed.
    pub execution: Execution,
}

/// Under which rules blocks are read, in the place of the built-in schedule of their chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Under {
    /// All of them under this hard fork.
    Hardfork(Hardfork),
    /// By the schedule of a chain config that somebody brought.
    Config(&'static ChainConfig),
}

/// A chain whose fork schedule is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "chain {chain_id} has no known fork schedule, and no hard fork was named for it; known are {}",
    known()
)]
pub struct UnknownChain {
    /// The EIP-155 number.
    pub chain_id: u64,
}

/// The chains with a schedule by number and name, for messages.
fn known() -> String {
    let chains = ChainConfig::all()
        .iter()
        .filter(|known| !known.forks.is_empty())
        .map(|known| format!("{} ({})", known.number, known.name));
    chains.collect::<Vec<_>>().join(", ")
}

/// The rules of block `number` with `timestamp` (seconds since 1970) on chain `chain_id`.
///
/// # Errors
/// [`UnknownChain`] if the chain is not listed, or its forks are not known.
pub fn rules(chain_id: u64, number: u64, timestamp: u64) -> Result<ForkRules, UnknownChain> {
    let chain = ChainConfig::of(chain_id).ok_or(UnknownChain { chain_id })?;
    rules_of(chain, number, timestamp).ok_or(UnknownChain { chain_id }).map(|(_, rules)| rules)
}

/// The hard fork and the rules of a block of this number and time by a chain config; a block before its
/// first fork runs under that one.
fn rules_of(chain: &ChainConfig, number: u64, timestamp: u64) -> Option<(Hardfork, ForkRules)> {
    let fork = chain.fork_at(number, timestamp).or(chain.forks.first())?;
    let hardfork: Hardfork = fork.ethereum.parse().ok()?;
    let mut rules = hardfork.rules(Family::of(chain.family));
    rules.execution = chain.execution;
    if let (Some(blobs), Some(own)) = (fork.blobs, rules.blobs.as_mut()) {
        own.update_fraction = blobs.update_fraction;
        own.per_block_max = blobs.max;
        own.per_transaction_max = own.per_transaction_max.min(blobs.max);
    }
    Some((hardfork, rules))
}

/// The rules of a hard fork that somebody named, on a chain whose family is known or taken to be
/// Ethereum's.
pub(crate) fn rules_under(chain_id: u64, hardfork: Hardfork) -> ForkRules {
    let chain = ChainConfig::of(chain_id);
    let mut rules = hardfork.rules(Family::of(chain.and_then(|chain| chain.family)));
    if let Some(chain) = chain {
        rules.execution = chain.execution;
    }
    rules
}

impl Under {
    /// The hard fork of a block of this chain, number and time (Unix seconds), and its rules; `None` if
    /// the config says nothing of it.
    pub(crate) fn of_block(
        self,
        chain_id: u64,
        number: u64,
        timestamp: u64,
    ) -> Option<(Hardfork, ForkRules)> {
        match self {
            Self::Hardfork(hardfork) => Some((hardfork, rules_under(chain_id, hardfork))),
            Self::Config(chain) => rules_of(chain, number, timestamp),
        }
    }

    /// The chain that it is about, if it is about one.
    pub(crate) const fn chain_id(self) -> Option<u64> {
        match self {
            Self::Hardfork(_) => None,
            Self::Config(chain) => Some(chain.number),
        }
    }
}

impl Family {
    /// The family of a chain; a local chain runs Ethereum's rules.
    fn of(family: Option<chaos_parameters::Family>) -> Self {
        match family {
            None | Some(chaos_parameters::Family::Ethereum) => Self::Ethereum,
            Some(chaos_parameters::Family::OpStack) => Self::OpStack,
            Some(chaos_parameters::Family::Arbitrum) => Self::Arbitrum,
        }
    }
}

/// Whether nobody need have signed a chain's transactions: generated blocks have no keys, and a local
/// node sends for whom it is asked to (`anvil_impersonateAccount`).
pub(crate) const fn is_unsigned(chain_id: u64) -> bool {
    matches!(chain_id, LOCAL | LOCAL_GETH | DEVELOPMENT)
}

impl ForkRules {
    /// Whether `spec` is in force.
    #[must_use]
    pub const fn has(&self, spec: SpecId) -> bool {
        self.spec.is_enabled_in(spec)
    }

    /// Whether headers hold what the beacon chain gives Ethereum's: withdrawals, blob gas, the parent's
    /// root. Other chains adopt the EVM of a fork without them.
    pub(crate) const fn has_consensus_fields(&self) -> bool {
        match self.family {
            Family::Ethereum => matches!(self.execution, Execution::Exact),
            Family::OpStack => true,
            Family::Arbitrum => false,
        }
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
            Family::Ethereum | Family::Arbitrum => ethereum,
            // Osaka has it at a price of its own (EIP-7951); before Ecotone nobody had it.
            Family::OpStack if self.has(SpecId::OSAKA) || !self.has(SpecId::CANCUN) => ethereum,
            Family::OpStack => {
                static ECOTONE: OnceLock<Precompiles> = OnceLock::new();
                static ISTHMUS: OnceLock<Precompiles> = OnceLock::new();
                let with_p256 = |former: &Precompiles| {
                    let mut precompiles = former.clone();
                    precompiles.extend([secp256r1::P256VERIFY]);
                    precompiles
                };
                let precompiles = if self.has(SpecId::PRAGUE) {
                    ISTHMUS.get_or_init(|| with_p256(Precompiles::prague()))
                } else {
                    ECOTONE.get_or_init(|| with_p256(Precompiles::cancun()))
                };
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
