use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A named attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// Proposers empty their blocks to lower the base fee and collect tips later.
    BaseFeeSuppression,
    /// Full and empty blocks in turn use more gas than the target without raising the fee.
    FullEmptyAlternation,
    /// Demand jumps to a multiple and stays there.
    DemandShock,
    /// Somebody buys all gas for a while.
    BlockStuffing,
    /// Blocks of the operations that take longest per gas.
    WorstCaseGas,
    /// Refunds let a block do more work than its limit says.
    RefundOverclocking,
    /// Blocks as large in bytes as gas allows.
    CalldataBloat,
    /// Blobs bought while their price is stuck at its floor.
    BlobGriefing,
    /// Blocks that add as much state as gas allows.
    StateBloat,
    /// Values at which the rules themselves misbehave.
    ParameterEdges,
}

/// No attack has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown attack `{found}`; known: {known}", known = Scenario::ALL.map(Scenario::name).join(", "))]
pub struct UnknownScenario {
    /// The name as given.
    pub found: String,
}

impl Scenario {
    /// All attacks, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::BaseFeeSuppression,
        Self::FullEmptyAlternation,
        Self::DemandShock,
        Self::BlockStuffing,
        Self::WorstCaseGas,
        Self::RefundOverclocking,
        Self::CalldataBloat,
        Self::BlobGriefing,
        Self::StateBloat,
        Self::ParameterEdges,
    ];

    /// The name in results, such as `block_stuffing`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BaseFeeSuppression => "base_fee_suppression",
            Self::FullEmptyAlternation => "full_empty_alternation",
            Self::DemandShock => "demand_shock",
            Self::BlockStuffing => "block_stuffing",
            Self::WorstCaseGas => "worst_case_gas",
            Self::RefundOverclocking => "refund_overclocking",
            Self::CalldataBloat => "calldata_bloat",
            Self::BlobGriefing => "blob_griefing",
            Self::StateBloat => "state_bloat",
            Self::ParameterEdges => "parameter_edges",
        }
    }

    /// How it works, in one sentence.
    #[must_use]
    pub const fn mechanism(self) -> &'static str {
        match self {
            Self::BaseFeeSuppression => {
                "proposers with a share of the slots leave their blocks empty; the base fee falls, \
                 and the users who waited pay the difference as tips, of which the coalition \
                 collects its share"
            }
            Self::FullEmptyAlternation => {
                "blocks are filled while the base fee is at or below an anchor and left empty \
                 above it; a fall weighs more than a rise of the same length, so mean use \
                 exceeds the target while the fee is held"
            }
            Self::DemandShock => {
                "demand at the old price jumps to a multiple of the target; blocks are full and \
                 tips decide until the base fee has climbed to the new clearing price"
            }
            Self::BlockStuffing => {
                "the attacker buys all gas of consecutive blocks, at a base fee that its own full \
                 blocks raise, and so delays everybody else"
            }
            Self::WorstCaseGas => {
                "contracts repeat the operation that takes longest per gas until the block is full"
            }
            Self::RefundOverclocking => {
                "transactions clear storage until the refund reaches its cap; the block counts gas \
                 after refunds, so it executes more than its limit"
            }
            Self::CalldataBloat => {
                "transactions carry data instead of work, at the lowest price per byte that the \
                 rules allow"
            }
            Self::BlobGriefing => {
                "all blobs of every block are bought while the price is at its floor; the price \
                 can rise only by a bounded factor per block, so it stays low for a long time"
            }
            Self::StateBloat => {
                "transactions do nothing but create accounts, storage slots or code, which every \
                 node keeps for good"
            }
            Self::ParameterEdges => {
                "a setting at which integer rounding, a zero or an overflow makes the fee rule do \
                 something else than it says"
            }
        }
    }

    /// Where it is described.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::BaseFeeSuppression => {
                "Azouvi, Goren, Heimbach, Hicks, DISC 2023, https://arxiv.org/abs/2304.11478; \
                 https://eips.ethereum.org/EIPS/eip-1559 (security considerations)"
            }
            Self::FullEmptyAlternation => "Leonardos et al., https://arxiv.org/abs/2212.07175",
            Self::DemandShock => "Reijsbergen et al., https://arxiv.org/abs/2110.04753",
            Self::BlockStuffing => {
                "https://eips.ethereum.org/EIPS/eip-1559 (follows from the rule)"
            }
            Self::WorstCaseGas => {
                "Perez, Livshits, NDSS 2020, https://arxiv.org/abs/1909.07220; \
                 https://eips.ethereum.org/EIPS/eip-7883"
            }
            Self::RefundOverclocking => {
                "https://eips.ethereum.org/EIPS/eip-7778; https://eips.ethereum.org/EIPS/eip-3529"
            }
            Self::CalldataBloat => {
                "https://eips.ethereum.org/EIPS/eip-7623; https://eips.ethereum.org/EIPS/eip-7934"
            }
            Self::BlobGriefing => {
                "https://eips.ethereum.org/EIPS/eip-7918; https://eips.ethereum.org/EIPS/eip-7762"
            }
            Self::StateBloat => "https://eips.ethereum.org/EIPS/eip-8037",
            Self::ParameterEdges => "https://eips.ethereum.org/EIPS/eip-1559 (integer rule)",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, UnknownScenario> {
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == text)
            .ok_or_else(|| UnknownScenario { found: text.chars().take(80).collect() })
    }
}
