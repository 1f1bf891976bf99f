//! Which rules a block runs under.
//!
//! Block numbers and timestamps are those of [EIP-7607](https://eips.ethereum.org/EIPS/eip-7607)
//! and its predecessors. A chain that is not listed is an error, never a default.
//!
//! The DAO fork (Ethereum block 1,920,000, [EIP-779](https://eips.ethereum.org/EIPS/eip-779)) moves
//! the balances of 116 accounts and changes no rule. It is not applied: the state of a block is
//! recorded, so only a transaction of that very block that reads one of these balances could see
//! it.

use std::sync::OnceLock;

use alloy_eips::{eip4844, eip7691, eip7840::BlobParams, eip7892};
use chaos_parameters::Preset;
use revm::{
    context::CfgEnv,
    handler::EthPrecompiles,
    precompile::{Precompiles, secp256r1},
    primitives::hardfork::SpecId,
};

/// Ethereum mainnet.
pub const ETHEREUM: u64 = 1;
/// RISE mainnet, an OP-stack chain.
pub const RISE: u64 = 4153;
/// The chain of generated blocks. It is no public chain.
pub const DEVELOPMENT: u64 = 1_337_001;
/// What anvil and other local nodes call themselves. They run the newest rules unless told
/// otherwise, and so does a replay of their blocks.
pub const LOCAL: u64 = 31_337;

/// First block of each Ethereum mainnet fork that is switched on by number, newest first.
const ETHEREUM_BY_NUMBER: [(u64, SpecId); 10] = [
    (15_537_394, SpecId::MERGE),
    (12_965_000, SpecId::LONDON),
    (12_244_000, SpecId::BERLIN),
    (9_069_000, SpecId::ISTANBUL),
    (7_280_000, SpecId::PETERSBURG),
    (4_370_000, SpecId::BYZANTIUM),
    (2_675_000, SpecId::SPURIOUS_DRAGON),
    (2_463_000, SpecId::TANGERINE),
    (1_150_000, SpecId::HOMESTEAD),
    (0, SpecId::FRONTIER),
];

/// First second of each Ethereum mainnet fork that is switched on by timestamp, newest first.
const ETHEREUM_BY_TIMESTAMP: [(u64, SpecId); 4] = [
    (1_764_798_551, SpecId::OSAKA),
    (1_746_612_311, SpecId::PRAGUE),
    (1_710_338_135, SpecId::CANCUN),
    (1_681_338_455, SpecId::SHANGHAI),
];

/// First seconds of the blob-parameter-only forks after Osaka (EIP-7892).
const BPO2_TIMESTAMP: u64 = 1_767_747_671;
const BPO1_TIMESTAMP: u64 = 1_765_290_071;

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
    "chain {chain_id} has no known fork schedule; known are {ETHEREUM} (Ethereum), {RISE} (RISE), \
     {LOCAL} (anvil) and {DEVELOPMENT} (generated)"
)]
pub struct UnknownChain {
    /// The EIP-155 number.
    pub chain_id: u64,
}

/// The rules of block `number` with `timestamp` (seconds since 1970) on chain `chain_id`.
///
/// RISE blocks run under Prague with the OP-stack additions (Isthmus and Jovian add no opcode):
/// that is the fork at which the recorded blocks reproduce their header. Earlier RISE forks are
/// not told apart.
///
/// # Errors
/// [`UnknownChain`] if the chain is not listed.
pub fn rules(chain_id: u64, number: u64, timestamp: u64) -> Result<ForkRules, UnknownChain> {
    match chain_id {
        ETHEREUM => {
            let spec = ethereum_spec(number, timestamp);
            let blobs = ethereum_blobs(spec, timestamp);
            Ok(ForkRules { spec, family: Family::Ethereum, blobs })
        }
        RISE => Ok(ForkRules {
            spec: SpecId::PRAGUE,
            family: Family::OpStack,
            blobs: ethereum_blobs(SpecId::PRAGUE, timestamp),
        }),
        DEVELOPMENT | LOCAL => Ok(ForkRules {
            spec: SpecId::OSAKA,
            family: Family::Ethereum,
            blobs: ethereum_blobs(SpecId::OSAKA, 0),
        }),
        _ => Err(UnknownChain { chain_id }),
    }
}

fn ethereum_spec(number: u64, timestamp: u64) -> SpecId {
    let by_number = ETHEREUM_BY_NUMBER
        .iter()
        .find(|(first, _)| number >= *first)
        .map_or(SpecId::FRONTIER, |(_, spec)| *spec);
    if by_number != SpecId::MERGE {
        return by_number;
    }
    ETHEREUM_BY_TIMESTAMP
        .iter()
        .find(|(first, _)| timestamp >= *first)
        .map_or(SpecId::MERGE, |(_, spec)| *spec)
}

fn ethereum_blobs(spec: SpecId, timestamp: u64) -> Option<BlobRules> {
    if !spec.is_enabled_in(SpecId::CANCUN) {
        return None;
    }
    let (update_fraction, per_block_max) = if !spec.is_enabled_in(SpecId::PRAGUE) {
        let fraction = eip4844::BLOB_GASPRICE_UPDATE_FRACTION;
        (u64::try_from(fraction).expect("3,338,477 fits 64 bits"), 6)
    } else if spec.is_enabled_in(SpecId::OSAKA) && timestamp >= BPO2_TIMESTAMP {
        (eip7892::BPO2_BASE_UPDATE_FRACTION, BlobParams::bpo2().max_blob_count)
    } else if spec.is_enabled_in(SpecId::OSAKA) && timestamp >= BPO1_TIMESTAMP {
        (eip7892::BPO1_BASE_UPDATE_FRACTION, BlobParams::bpo1().max_blob_count)
    } else {
        let fraction = eip7691::BLOB_GASPRICE_UPDATE_FRACTION_PECTRA;
        (u64::try_from(fraction).expect("5,007,716 fits 64 bits"), 9)
    };
    // Osaka caps a transaction at six blobs (EIP-7594); before, the block's own maximum binds.
    let prague_only = spec == SpecId::PRAGUE;
    Some(BlobRules {
        update_fraction,
        per_transaction_max: if prague_only { 9 } else { 6 },
        per_block_max,
    })
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

/// Forks that can be named where a chain's schedule is not known, newest first.
pub const NAMED: [(&str, SpecId); 6] = [
    ("osaka", SpecId::OSAKA),
    ("prague", SpecId::PRAGUE),
    ("cancun", SpecId::CANCUN),
    ("shanghai", SpecId::SHANGHAI),
    ("paris", SpecId::MERGE),
    ("london", SpecId::LONDON),
];

/// Ethereum's rules of the fork with this name, on whatever chain; `None` if it is not in [`NAMED`].
#[must_use]
pub fn named(name: &str) -> Option<ForkRules> {
    let (_, spec) = NAMED.into_iter().find(|(known, _)| *known == name)?;
    Some(ForkRules { spec, family: Family::Ethereum, blobs: ethereum_blobs(spec, 0) })
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
