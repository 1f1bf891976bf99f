use std::{collections::BTreeMap, fmt};

use chaos_parameters::{Family, Parameters};

use crate::{ConfigError, HeaderFees, built_in, file, genesis};

/// A chain as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainConfig {
    /// The EIP-155 number.
    pub number: u64,
    /// What people call it.
    pub name: String,
    /// What it is called on the command line, in lower case; the first is the usual one.
    pub names: Vec<String>,
    /// The kind of chain; `None` for local chains, which copy any.
    pub family: Option<Family>,
    /// Time between blocks in milliseconds, if it is stated.
    pub block_time_ms: Option<u64>,
    /// How far its blocks can be executed.
    pub execution: Execution,
    /// What is not executed or not known, in words for people; empty if there is nothing to say.
    pub note: String,
    /// Its forks, oldest first. One counts once it and all before it have begun.
    pub forks: Vec<Fork>,
    /// Its fee rules, oldest first, each in force until the next.
    pub eras: Vec<Era>,
    /// Contracts that hold parameters of the chain.
    pub contracts: Vec<Contract>,
    /// Where facts are written, by what they are about.
    pub sources: BTreeMap<String, String>,
}

/// How far a chain's blocks can be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// A block that is executed is the chain's: what differs from its header is a difference.
    Exact,
    /// Some of what its blocks do is not executed, so that a block that does not come out as its header
    /// says shows nothing.
    Partial,
}

/// A fork, and under which of Ethereum's sets of rules blocks run from it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// Its name on this chain.
    pub name: String,
    /// Ethereum's fork whose rules of execution are in force, one of
    /// [`ETHEREUM_FORKS`](crate::ETHEREUM_FORKS).
    pub ethereum: String,
    /// Its first block.
    pub since: Since,
    /// The schedule of blobs, where it is not the one of Ethereum's fork.
    pub blobs: Option<Blobs>,
}

/// A schedule of blobs ([EIP-7840](https://eips.ethereum.org/EIPS/eip-7840)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blobs {
    /// Blobs in a block that leave the price where it is.
    pub target: u64,
    /// Most blobs in a block.
    pub max: u64,
    /// Denominator of the exponential price.
    pub update_fraction: u64,
}

/// A stretch of a chain under one fee rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Era {
    /// The first block that has its base fee by these parameters.
    pub since: Since,
    /// The parameters; `None` where they are not stated.
    pub rules: Option<Parameters>,
    /// Whether the numbers of the rule stand in the extra data of each block's parent (OP Stack since
    /// [Holocene](https://specs.optimism.io/protocol/holocene/exec-engine.html)). They win over `rules`.
    pub in_extra_data: bool,
    /// Whether the base fee follows the larger of gas use and blob gas used (OP Stack since
    /// [Jovian](https://specs.optimism.io/protocol/jovian/exec-engine.html), the data footprint).
    pub by_footprint: bool,
}

/// Where a fork or an era begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// With this block.
    Block(u64),
    /// With the first block of this time or later, in Unix seconds.
    Time(u64),
}

/// A contract that holds parameters of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// What it is.
    pub name: String,
    /// The EIP-155 number of the chain that it is on.
    pub chain: u64,
    /// Its address, with its checksum where the source has one.
    pub address: String,
}

impl Since {
    /// Whether a block of this number and time (Unix seconds) is in it or after it.
    pub(crate) const fn has_begun(self, number: u64, timestamp: u64) -> bool {
        match self {
            Self::Block(first) => number >= first,
            Self::Time(first) => timestamp >= first,
        }
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(block) => write!(f, "block {block}"),
            Self::Time(time) => write!(f, "time {time}"),
        }
    }
}

impl Execution {
    /// The word used in files and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Partial => "partial",
        }
    }
}

impl ChainConfig {
    /// The built-in chain with this EIP-155 number.
    #[must_use]
    pub fn of(number: u64) -> Option<&'static Self> {
        Self::all().iter().find(|chain| chain.number == number)
    }

    /// The built-in chain with this name on the command line, such as `base`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let name = name.to_ascii_lowercase();
        Self::all().iter().find(|chain| chain.names.contains(&name))
    }

    /// All built-in chains, ascending by number.
    #[must_use]
    pub fn all() -> &'static [Self] {
        built_in::all()
    }

    /// Reads a chain config that somebody brings: this project's TOML, or go-ethereum's JSON, a whole
    /// genesis or its `config` alone.
    ///
    /// # Errors
    /// [`ConfigError`], naming the field.
    pub fn decode(bytes: &[u8]) -> Result<Self, ConfigError> {
        let text = file::text(bytes)?;
        if text.trim_start().starts_with('{') { genesis::decode(text) } else { file::decode(text) }
    }

    /// The fork in force at a block of this number and time (Unix seconds); `None` before the first, and
    /// if none is known.
    #[must_use]
    pub fn fork_at(&self, number: u64, timestamp: u64) -> Option<&Fork> {
        self.forks.iter().take_while(|fork| fork.since.has_begun(number, timestamp)).last()
    }

    /// The era of a block of this number and time (Unix seconds); `None` before the first.
    #[must_use]
    pub fn era_at(&self, number: u64, timestamp: u64) -> Option<&Era> {
        self.eras.iter().rev().find(|era| era.since.has_begun(number, timestamp))
    }

    /// The parameters by which a block of this number and time (Unix seconds) has its base fee, as far as
    /// they do not depend on the block before it.
    ///
    /// `None` before the first era and in an era whose parameters are not stated.
    #[must_use]
    pub fn parameters_at(&self, number: u64, timestamp: u64) -> Option<Parameters> {
        self.era_at(number, timestamp)?.rules
    }

    /// Where facts of this kind are written; `None` if none is stated.
    #[must_use]
    pub fn source(&self, about: &str) -> Option<&str> {
        self.sources.get(about).map(String::as_str)
    }
}

impl Era {
    /// The parameters after a block whose extra data says `fees`: those of the era, or of an
    /// OP-stack chain since Canyon, with the numbers of the rule from the block.
    ///
    /// # Errors
    /// If a number is out of the parameters' bounds.
    pub fn with(&self, fees: &HeaderFees) -> Result<Parameters, chaos_parameters::Error> {
        let rest = self.rules.unwrap_or(chaos_parameters::Preset::OpCanyon.parameters());
        fees.apply(rest)
    }
}

#[cfg(test)]
mod tests;
