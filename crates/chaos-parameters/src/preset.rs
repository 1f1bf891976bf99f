use std::{fmt, str::FromStr};

use crate::{Error, Family, ParameterName as P, Parameters, name::shorten};

/// A published set of parameters.
///
/// Gas limits are the usual ones of the time; an experiment on blocks takes the blocks' own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Preset {
    /// Ethereum from August 2021: EIP-1559, no blobs, 30 Mgas.
    London,
    /// Ethereum from March 2024: 3 blobs, at most 6 (EIP-4844).
    Cancun,
    /// Ethereum from May 2025: 6 blobs, at most 9 (EIP-7691), calldata floor (EIP-7623), 36 Mgas.
    Prague,
    /// Ethereum from December 2025: reserve price (EIP-7918), transaction gas cap (EIP-7825),
    /// 60 Mgas (EIP-7935).
    Osaka,
    /// Osaka with 10 blobs, at most 15 (EIP-7892).
    Bpo1,
    /// Osaka with 14 blobs, at most 21 (EIP-7892).
    Bpo2,
    /// OP mainnet since Canyon: elasticity 6, denominator 250, a block every 2 s.
    OpCanyon,
    /// Base from 25 March 2026: elasticity 5, denominator 100, 400 Mgas, at least 2 Mwei.
    Base2026,
    /// Arbitrum One before ArbOS 51: 7 Mgas/s, inertia 102, tolerance 10 s, 0.01 gwei.
    ArbosLegacy,
    /// Arbitrum One from 5 January 2026: six gas targets, 0.02 gwei.
    Arbos51,
}

/// Ethereum with London's rules: the base of all Ethereum presets.
const LONDON: Parameters = Parameters::from_table(
    Family::Ethereum,
    &[
        (P::GasLimit, 30_000_000),
        (P::ElasticityMultiplier, 2),
        (P::BaseFeeChangeDenominator, 8),
        (P::GasLimitBoundDivisor, 0),
        (P::BlockTime, 12_000),
        (P::RefundQuotient, 5),
        (P::BlobUpdateFraction, 3_338_477),
        (P::BlobMinFee, 1),
    ],
    [0; P::COUNT],
);

const CANCUN: Parameters = Parameters::from_table(
    Family::Ethereum,
    &[(P::BlobTarget, 3), (P::BlobMax, 6), (P::BlobUpdateFraction, 3_338_477)],
    LONDON.values(),
);

const PRAGUE: Parameters = Parameters::from_table(
    Family::Ethereum,
    &[
        (P::GasLimit, 36_000_000),
        (P::CalldataFloor, 10),
        (P::BlobTarget, 6),
        (P::BlobMax, 9),
        (P::BlobUpdateFraction, 5_007_716),
    ],
    CANCUN.values(),
);

const OSAKA: Parameters = Parameters::from_table(
    Family::Ethereum,
    &[(P::GasLimit, 60_000_000), (P::TransactionGasCap, 1 << 24), (P::BlobBaseCost, 1 << 13)],
    PRAGUE.values(),
);

const BPO1: Parameters = Parameters::from_table(
    Family::Ethereum,
    &[(P::BlobTarget, 10), (P::BlobMax, 15), (P::BlobUpdateFraction, 8_346_193)],
    OSAKA.values(),
);

const BPO2: Parameters = Parameters::from_table(
    Family::Ethereum,
    &[(P::BlobTarget, 14), (P::BlobMax, 21), (P::BlobUpdateFraction, 11_684_671)],
    OSAKA.values(),
);

const OP_CANYON: Parameters = Parameters::from_table(
    Family::OpStack,
    &[
        (P::GasLimit, 40_000_000),
        (P::ElasticityMultiplier, 6),
        (P::BaseFeeChangeDenominator, 250),
        (P::BlockTime, 2_000),
    ],
    [0; P::COUNT],
);

const BASE_2026: Parameters = Parameters::from_table(
    Family::OpStack,
    &[
        (P::GasLimit, 400_000_000),
        (P::ElasticityMultiplier, 5),
        (P::BaseFeeChangeDenominator, 100),
        (P::MinBaseFee, 2_000_000),
    ],
    OP_CANYON.values(),
);

const ARBOS_LEGACY: Parameters = Parameters::from_table(
    Family::Arbitrum,
    &[
        (P::GasLimit, 32_000_000),
        (P::MinBaseFee, 10_000_000),
        (P::BlockTime, 250),
        (P::SpeedLimit, 7_000_000),
        (P::PricingInertia, 102),
        (P::BacklogTolerance, 10),
    ],
    [0; P::COUNT],
);

const ARBOS_51: Parameters = Parameters::from_table(
    Family::Arbitrum,
    &[
        (P::MinBaseFee, 20_000_000),
        (P::GasTarget1, 60_000_000),
        (P::GasTargetWindow1, 9),
        (P::GasTarget2, 41_000_000),
        (P::GasTargetWindow2, 52),
        (P::GasTarget3, 29_000_000),
        (P::GasTargetWindow3, 329),
        (P::GasTarget4, 20_000_000),
        (P::GasTargetWindow4, 2_105),
        (P::GasTarget5, 14_000_000),
        (P::GasTargetWindow5, 13_485),
        (P::GasTarget6, 10_000_000),
        (P::GasTargetWindow6, 86_400),
    ],
    ARBOS_LEGACY.values(),
);

impl Preset {
    /// All presets.
    pub const ALL: [Self; 10] = [
        Self::London,
        Self::Cancun,
        Self::Prague,
        Self::Osaka,
        Self::Bpo1,
        Self::Bpo2,
        Self::OpCanyon,
        Self::Base2026,
        Self::ArbosLegacy,
        Self::Arbos51,
    ];

    /// The name in files and on the command line, such as `osaka`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::London => "london",
            Self::Cancun => "cancun",
            Self::Prague => "prague",
            Self::Osaka => "osaka",
            Self::Bpo1 => "bpo1",
            Self::Bpo2 => "bpo2",
            Self::OpCanyon => "op-canyon",
            Self::Base2026 => "base-2026",
            Self::ArbosLegacy => "arbos-legacy",
            Self::Arbos51 => "arbos-51",
        }
    }

    /// The parameters.
    #[must_use]
    pub const fn parameters(self) -> Parameters {
        match self {
            Self::London => LONDON,
            Self::Cancun => CANCUN,
            Self::Prague => PRAGUE,
            Self::Osaka => OSAKA,
            Self::Bpo1 => BPO1,
            Self::Bpo2 => BPO2,
            Self::OpCanyon => OP_CANYON,
            Self::Base2026 => BASE_2026,
            Self::ArbosLegacy => ARBOS_LEGACY,
            Self::Arbos51 => ARBOS_51,
        }
    }

    /// Where the figures are written.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::London => "https://eips.ethereum.org/EIPS/eip-1559",
            Self::Cancun => "https://eips.ethereum.org/EIPS/eip-4844",
            Self::Prague => "https://eips.ethereum.org/EIPS/eip-7691, eip-7623",
            Self::Osaka => "https://eips.ethereum.org/EIPS/eip-7918, eip-7825, eip-7935",
            Self::Bpo1 | Self::Bpo2 => "https://eips.ethereum.org/EIPS/eip-7892",
            Self::OpCanyon => "https://specs.optimism.io/protocol/exec-engine.html",
            Self::Base2026 => "https://docs.base.org (configuration changelog, 25 March 2026)",
            Self::ArbosLegacy | Self::Arbos51 => {
                "https://docs.arbitrum.io/build-decentralized-apps/reference/chain-params"
            }
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.as_str() == text)
            .ok_or_else(|| Error::UnknownPreset { found: shorten(text) })
    }
}

pub(crate) fn known_names() -> String {
    Preset::ALL.map(Preset::as_str).join(", ")
}
