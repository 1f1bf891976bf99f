//! Ethereum's hard forks by name.

use std::{fmt, str::FromStr};

use alloy_eips::{eip4844, eip7691, eip7840::BlobParams, eip7892};
use chaos_chain_config::Execution;
use revm::primitives::hardfork::SpecId;

use super::{BlobRules, Family, ForkRules};

/// One of Ethereum's sets of rules, oldest first. Forks that change nothing a transaction can see (the
/// delays of the difficulty bomb, and the DAO fork) are not told apart from the one before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hardfork {
    /// The first rules.
    Frontier,
    /// EIP-2, EIP-7.
    Homestead,
    /// EIP-150.
    Tangerine,
    /// EIP-158, EIP-160, EIP-170.
    SpuriousDragon,
    /// EIP-609.
    Byzantium,
    /// EIP-1013 without EIP-1283, and EIP-1716: Constantinople never ran otherwise on mainnet.
    Petersburg,
    /// EIP-1679.
    Istanbul,
    /// EIP-2565, EIP-2718, EIP-2929, EIP-2930.
    Berlin,
    /// EIP-1559, EIP-3198, EIP-3529, EIP-3541.
    London,
    /// The Merge: EIP-3675, EIP-4399.
    Paris,
    /// EIP-3651, EIP-3855, EIP-3860, EIP-4895.
    Shanghai,
    /// EIP-7569.
    Cancun,
    /// EIP-7600.
    Prague,
    /// EIP-7607.
    Osaka,
    /// Osaka with 10 blobs wanted and at most 15 (EIP-7892).
    Bpo1,
    /// Osaka with 14 blobs wanted and at most 21 (EIP-7892).
    Bpo2,
}

/// A name that no hard fork has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no hard fork is called `{found}`; known are {}", Hardfork::names())]
pub struct UnknownHardfork {
    /// What was found.
    pub found: String,
}

impl Hardfork {
    /// All of them, oldest first.
    pub const ALL: [Self; 16] = [
        Self::Frontier,
        Self::Homestead,
        Self::Tangerine,
        Self::SpuriousDragon,
        Self::Byzantium,
        Self::Petersburg,
        Self::Istanbul,
        Self::Berlin,
        Self::London,
        Self::Paris,
        Self::Shanghai,
        Self::Cancun,
        Self::Prague,
        Self::Osaka,
        Self::Bpo1,
        Self::Bpo2,
    ];

    /// Its name, as command lines and recorded blocks have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frontier => "frontier",
            Self::Homestead => "homestead",
            Self::Tangerine => "tangerine",
            Self::SpuriousDragon => "spurious-dragon",
            Self::Byzantium => "byzantium",
            Self::Petersburg => "petersburg",
            Self::Istanbul => "istanbul",
            Self::Berlin => "berlin",
            Self::London => "london",
            Self::Paris => "paris",
            Self::Shanghai => "shanghai",
            Self::Cancun => "cancun",
            Self::Prague => "prague",
            Self::Osaka => "osaka",
            Self::Bpo1 => "bpo1",
            Self::Bpo2 => "bpo2",
        }
    }

    /// The names, oldest first, for messages.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Its rules of execution. Forks that change blobs alone run Osaka's.
    #[must_use]
    pub const fn spec(self) -> SpecId {
        match self {
            Self::Frontier => SpecId::FRONTIER,
            Self::Homestead => SpecId::HOMESTEAD,
            Self::Tangerine => SpecId::TANGERINE,
            Self::SpuriousDragon => SpecId::SPURIOUS_DRAGON,
            Self::Byzantium => SpecId::BYZANTIUM,
            Self::Petersburg => SpecId::PETERSBURG,
            Self::Istanbul => SpecId::ISTANBUL,
            Self::Berlin => SpecId::BERLIN,
            Self::London => SpecId::LONDON,
            Self::Paris => SpecId::MERGE,
            Self::Shanghai => SpecId::SHANGHAI,
            Self::Cancun => SpecId::CANCUN,
            Self::Prague => SpecId::PRAGUE,
            Self::Osaka | Self::Bpo1 | Self::Bpo2 => SpecId::OSAKA,
        }
    }

    /// All its rules on a chain of a family.
    pub(crate) fn rules(self, family: Family) -> ForkRules {
        let execution = match family {
            Family::Ethereum => Execution::Exact,
            Family::OpStack | Family::Arbitrum => Execution::Partial,
        };
        ForkRules { spec: self.spec(), family, blobs: self.blobs(), execution }
    }

    fn blobs(self) -> Option<BlobRules> {
        let narrow = |fraction: u128| u64::try_from(fraction).expect("fractions fit 64 bits");
        // Osaka caps a transaction at six blobs (EIP-7594); before, the block's own maximum binds.
        let (update_fraction, per_transaction_max, per_block_max) = match self {
            Self::Cancun => (narrow(eip4844::BLOB_GASPRICE_UPDATE_FRACTION), 6, 6),
            Self::Prague => (narrow(eip7691::BLOB_GASPRICE_UPDATE_FRACTION_PECTRA), 9, 9),
            Self::Osaka => (narrow(eip7691::BLOB_GASPRICE_UPDATE_FRACTION_PECTRA), 6, 9),
            Self::Bpo1 => {
                (eip7892::BPO1_BASE_UPDATE_FRACTION, 6, BlobParams::bpo1().max_blob_count)
            }
            Self::Bpo2 => {
                (eip7892::BPO2_BASE_UPDATE_FRACTION, 6, BlobParams::bpo2().max_blob_count)
            }
            _ => return None,
        };
        Some(BlobRules { update_fraction, per_transaction_max, per_block_max })
    }
}

impl fmt::Display for Hardfork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Hardfork {
    type Err = UnknownHardfork;

    /// Takes the name in upper or lower case, with or without its hyphen, as other tools write it.
    fn from_str(text: &str) -> Result<Self, UnknownHardfork> {
        let plain = |name: &str| name.to_ascii_lowercase().replace(['-', '_'], "");
        let wanted = plain(text);
        Self::ALL
            .into_iter()
            .find(|fork| plain(fork.name()) == wanted)
            .ok_or_else(|| UnknownHardfork { found: text.to_owned() })
    }
}
