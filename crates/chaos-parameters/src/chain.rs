//! Which fee rule a chain has had since when: data with sources, in one table.

use crate::{Family, ParameterName as P, Parameters, Preset, Setting};

/// A chain whose fee rule is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownChain {
    /// The EIP-155 number.
    pub number: u64,
    /// What people call it.
    pub name: &'static str,
    /// The kind of chain; `None` for local chains, which copy any.
    pub family: Option<Family>,
    /// Its rules in the order in which they came, each in force until the next.
    pub eras: &'static [Era],
    /// Where that is written.
    pub source: &'static str,
}

/// A stretch of a chain under one set of fee parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Era {
    /// The first block that has its base fee by these parameters.
    pub since: Since,
    /// The parameters; `None` where they stand in blocks or contracts that a fee history does not
    /// hold, and no source was at hand.
    pub rules: Option<EraRules>,
}

/// A preset and what differs from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EraRules {
    preset: Preset,
    changes: &'static [(P, u64)],
}

/// Where an era begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// With this block.
    Block(u64),
    /// With the first block of this time or later, in Unix seconds.
    Time(u64),
}

impl Since {
    /// Whether a block of this number and time (Unix seconds) is in the era or after it.
    #[must_use]
    pub const fn has_begun(self, number: u64, timestamp: u64) -> bool {
        match self {
            Self::Block(first) => number >= first,
            Self::Time(first) => timestamp >= first,
        }
    }
}

impl EraRules {
    /// The parameters of the era. Its gas limit is the usual one of the time.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        self.changes.iter().fold(self.preset.parameters(), |parameters, (name, value)| {
            let setting = Setting::new(*name, *value).expect("the table is within bounds");
            parameters.with(setting)
        })
    }
}

impl KnownChain {
    /// The chain with this EIP-155 number, if it is known.
    #[must_use]
    pub fn of(number: u64) -> Option<&'static Self> {
        KNOWN.iter().find(|chain| chain.number == number)
    }

    /// All of them, ascending by number.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        &KNOWN
    }

    /// The parameters by which a block of this number and time (Unix seconds) has its base fee.
    ///
    /// `None` before the first era and in an era whose parameters are not known.
    #[must_use]
    pub fn parameters_at(&self, number: u64, timestamp: u64) -> Option<Parameters> {
        let era = self.eras.iter().rev().find(|era| era.since.has_begun(number, timestamp))?;
        era.rules.map(|rules| rules.parameters())
    }
}

const fn preset(since: Since, preset: Preset) -> Era {
    Era { since, rules: Some(EraRules { preset, changes: &[] }) }
}

const fn changed(since: Since, preset: Preset, changes: &'static [(P, u64)]) -> Era {
    Era { since, rules: Some(EraRules { preset, changes }) }
}

const fn unknown(since: Since) -> Era {
    Era { since, rules: None }
}

/// Base fees by EIP-1559 from the first block on, whatever else the chain has.
const LONDON_FROM_THE_START: &[Era] = &[preset(Since::Block(0), Preset::London)];

/// Bedrock until Canyon, Canyon until Holocene. From Holocene on the parameters stand in `extraData`.
const SUPERCHAIN: &[Era] = &[
    changed(Since::Block(0), Preset::OpCanyon, &[(P::BaseFeeChangeDenominator, 50)]),
    preset(Since::Time(1_704_992_401), Preset::OpCanyon),
    unknown(Since::Time(1_736_445_601)),
];

const KNOWN: [KnownChain; 9] = [
    KnownChain {
        number: 1,
        name: "Ethereum",
        family: Some(Family::Ethereum),
        eras: &[
            // Before block 12,965,000 there is no base fee. A table that has one follows EIP-1559 or nothing.
            preset(Since::Block(0), Preset::London),
            preset(Since::Time(1_710_338_135), Preset::Cancun),
            preset(Since::Time(1_746_612_311), Preset::Prague),
            preset(Since::Time(1_764_798_551), Preset::Osaka),
            preset(Since::Time(1_765_290_071), Preset::Bpo1),
            preset(Since::Time(1_767_747_671), Preset::Bpo2),
        ],
        source: "https://eips.ethereum.org/EIPS/eip-1559, eip-4844, eip-7691, eip-7918, eip-7892; \
                 https://github.com/ethereum/go-ethereum/blob/master/params/config.go",
    },
    KnownChain {
        number: 10,
        name: "OP Mainnet",
        family: Some(Family::OpStack),
        eras: &[
            changed(
                Since::Block(105_235_063),
                Preset::OpCanyon,
                &[(P::BaseFeeChangeDenominator, 50)],
            ),
            preset(Since::Time(1_704_992_401), Preset::OpCanyon),
            unknown(Since::Time(1_736_445_601)),
        ],
        source: "https://github.com/ethereum-optimism/superchain-registry (superchain/configs/mainnet)",
    },
    KnownChain {
        number: 8_453,
        name: "Base",
        family: Some(Family::OpStack),
        eras: &[
            SUPERCHAIN[0],
            SUPERCHAIN[1],
            SUPERCHAIN[2],
            // The block is the one of the announcement; both rules are tried where they meet.
            changed(Since::Block(43_841_214), Preset::Base2026, &[(P::MinBaseFee, 5_000_000)]),
        ],
        source: "https://github.com/ethereum-optimism/superchain-registry (superchain/configs/mainnet); \
                 https://docs.base.org (configuration changelog)",
    },
    KnownChain {
        number: 17_000,
        name: "Holesky",
        family: Some(Family::Ethereum),
        eras: LONDON_FROM_THE_START,
        source: "https://github.com/eth-clients/holesky",
    },
    KnownChain {
        number: 31_337,
        name: "a local chain (anvil, Hardhat)",
        family: None,
        eras: LONDON_FROM_THE_START,
        source: "https://eips.ethereum.org/EIPS/eip-1559",
    },
    KnownChain {
        number: 42_161,
        name: "Arbitrum One",
        family: Some(Family::Arbitrum),
        eras: &[unknown(Since::Block(0))],
        source: "https://docs.arbitrum.io (gas and fees): the price follows a backlog that headers do \
                 not hold",
    },
    KnownChain {
        number: 560_048,
        name: "Hoodi",
        family: Some(Family::Ethereum),
        eras: LONDON_FROM_THE_START,
        source: "https://github.com/eth-clients/hoodi",
    },
    KnownChain {
        number: 1_337_001,
        name: "generated blocks",
        family: None,
        eras: LONDON_FROM_THE_START,
        source: "https://eips.ethereum.org/EIPS/eip-1559",
    },
    KnownChain {
        number: 11_155_111,
        name: "Sepolia",
        family: Some(Family::Ethereum),
        // London is in force from its second block on; nobody's history begins before.
        eras: LONDON_FROM_THE_START,
        source: "https://github.com/eth-clients/sepolia",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::BaseFeeRule;

    #[test]
    fn every_era_is_within_bounds_and_follows_the_one_before() {
        assert!(KNOWN.is_sorted_by(|a, b| a.number < b.number));
        for chain in KnownChain::all() {
            for era in chain.eras {
                if let Some(rules) = era.rules {
                    let parameters = rules.parameters();
                    parameters.ensure_consistent().unwrap();
                    assert!(chain.family.is_none_or(|family| family == parameters.family()));
                }
            }
            let times: Vec<u64> = chain
                .eras
                .iter()
                .filter_map(|era| match era.since {
                    Since::Time(time) => Some(time),
                    Since::Block(_) => None,
                })
                .collect();
            assert!(times.is_sorted(), "{}", chain.name);
        }
    }

    #[test]
    fn the_rule_is_the_one_in_force_at_the_block() {
        let rule = |chain: u64, number, time| {
            let found = KnownChain::of(chain).unwrap().parameters_at(number, time);
            found.map(|parameters| {
                let rule = BaseFeeRule::of(&parameters);
                (rule.elasticity_multiplier, rule.change_denominator, rule.floor_wei)
            })
        };
        assert_eq!(rule(1, 12_965_000, 1_628_166_822), Some((2, 8, 0)));
        assert_eq!(rule(1, 24_000_000, 1_767_747_671), Some((2, 8, 0)));
        assert_eq!(rule(8_453, 1, 1_700_000_000), Some((6, 50, 0)));
        assert_eq!(rule(8_453, 9_101_527, 1_704_992_401), Some((6, 250, 0)));
        assert_eq!(rule(8_453, 30_000_000, 1_750_000_000), None);
        assert_eq!(rule(8_453, 43_841_214, 1_774_471_775), Some((5, 100, 5_000_000)));
        assert_eq!(rule(42_161, 1, 1), None);
        assert_eq!(KnownChain::of(777), None);
    }
}
