//! Protocol parameters that an experiment can change: names, units, bounds and sources.
//!
//! A parameter is one [`ParameterName`] variant and one row of the definition table; everything
//! else (parsing, bounds, help, JSON) follows from the row.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Layer, preset};

mod definitions;

/// Chains that price gas by the same kind of rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Ethereum and chains that copy it: EIP-1559 gas, EIP-4844 blobs, a limit that proposers vote
    /// on.
    Ethereum,
    /// OP-stack chains: EIP-1559 gas with configurable numbers, blocks every one or two seconds.
    OpStack,
    /// Arbitrum chains: a price that grows with the backlog above one or several gas targets.
    Arbitrum,
}

impl Family {
    /// The word used in JSON and in error messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ethereum => "ethereum",
            Self::OpStack => "op_stack",
            Self::Arbitrum => "arbitrum",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Declares the parameters once, so that the list, its length and the order agree.
macro_rules! parameter_names {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// A parameter of the fee market, of execution or of block building.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ParameterName {
            $($(#[$doc])* $name,)+
        }

        impl ParameterName {
            /// All parameters, in the order of help and JSON tables.
            pub const ALL: [Self; [$(Self::$name,)+].len()] = [$(Self::$name,)+];
        }
    };
}

parameter_names! {
    /// Most gas that the transactions of one block may use.
    GasLimit,
    /// Gas limit divided by gas target.
    ElasticityMultiplier,
    /// Bound of the base fee's relative change per block, as its reciprocal.
    BaseFeeChangeDenominator,
    /// Floor of the base fee.
    MinBaseFee,
    /// Least priority fee a builder accepts.
    PriorityFeeFloor,
    /// Largest relative change of the gas limit per block, as its reciprocal.
    GasLimitBoundDivisor,
    /// Time between blocks.
    BlockTime,
    /// Floor price of calldata.
    CalldataFloor,
    /// Most gas that one transaction may ask for.
    TransactionGasCap,
    /// Share of a transaction's gas that may be refunded, as its reciprocal.
    RefundQuotient,
    /// Blobs per block at which the blob fee stands still.
    BlobTarget,
    /// Most blobs in a block.
    BlobMax,
    /// How slowly the blob fee answers to excess blobs.
    BlobUpdateFraction,
    /// Least blob fee.
    BlobMinFee,
    /// Execution gas that a blob is taken to cost, from which its reserve price follows.
    BlobBaseCost,
    /// Gas per second above which the backlog grows, single-target rule.
    SpeedLimit,
    /// How slowly the price answers to the backlog, single-target rule.
    PricingInertia,
    /// Backlog that does not raise the price yet, single-target rule.
    BacklogTolerance,
    /// First gas target; zero means the single-target rule.
    GasTarget1,
    /// Window of the first gas target.
    GasTargetWindow1,
    /// Second gas target; zero means none.
    GasTarget2,
    /// Window of the second gas target.
    GasTargetWindow2,
    /// Third gas target; zero means none.
    GasTarget3,
    /// Window of the third gas target.
    GasTargetWindow3,
    /// Fourth gas target; zero means none.
    GasTarget4,
    /// Window of the fourth gas target.
    GasTargetWindow4,
    /// Fifth gas target; zero means none.
    GasTarget5,
    /// Window of the fifth gas target.
    GasTargetWindow5,
    /// Sixth gas target; zero means none.
    GasTarget6,
    /// Window of the sixth gas target.
    GasTargetWindow6,
}

/// What a parameter means, how far it may go, and where that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// The name on the command line, such as `gas-limit`.
    pub flag: &'static str,
    /// The name in JSON, such as `gas_limit`.
    pub key: &'static str,
    /// The unit of the value.
    pub unit: &'static str,
    /// The smallest value accepted.
    pub min: u64,
    /// The largest value accepted.
    pub max: u64,
    /// Chains that have it.
    pub families: &'static [Family],
    /// Layers whose figures it can move.
    pub layers: &'static [Layer],
    /// One sentence on what it does.
    pub meaning: &'static str,
    /// How a change becomes effective on a chain.
    pub takes_effect: &'static str,
    /// The document that defines it.
    pub source: &'static str,
}

impl ParameterName {
    /// How many parameters there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Meaning, unit, bounds and source.
    #[must_use]
    pub const fn definition(self) -> &'static Definition {
        &definitions::TABLE[self as usize]
    }

    /// The name on the command line, such as `gas-limit`.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        self.definition().flag
    }

    /// The name in JSON, such as `gas_limit`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        self.definition().key
    }

    /// Whether chains of this family have it.
    #[must_use]
    pub fn applies_to(self, family: Family) -> bool {
        self.definition().families.contains(&family)
    }

    pub(crate) fn ensure_bounds(self, value: u64) -> Result<(), Error> {
        let definition = self.definition();
        if value < definition.min || value > definition.max {
            return Err(Error::OutOfBounds { name: self, value });
        }
        Ok(())
    }

    /// The target and window parameters of one of Arbitrum's gas targets, numbered from zero.
    pub(crate) const fn gas_target(index: usize) -> (Self, Self) {
        let first = Self::GasTarget1 as usize + 2 * index;
        (Self::ALL[first], Self::ALL[first + 1])
    }
}

impl fmt::Display for ParameterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.flag())
    }
}

/// Reads either spelling, `gas-limit` or `gas_limit`.
impl FromStr for ParameterName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|name| name.flag() == text || name.key() == text)
            .ok_or_else(|| Error::UnknownName { found: shorten(text) })
    }
}

impl Serialize for ParameterName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

impl<'de> Deserialize<'de> for ParameterName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Why a setting or a set of parameters was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No parameter has this name.
    #[error("unknown parameter `{found}`; known: {known}", known = known_names())]
    UnknownName {
        /// The name as given.
        found: String,
    },
    /// No preset has this name.
    #[error("unknown preset `{found}`; known: {known}", known = preset::known_names())]
    UnknownPreset {
        /// The name as given.
        found: String,
    },
    /// A setting has no `=`.
    #[error("expected `name=value` such as `gas-limit=60000000`, found `{found}`")]
    NoEquals {
        /// The setting as given.
        found: String,
    },
    /// The value is not a whole number.
    #[error("{name} expects a whole number of {unit}, found `{found}`", unit = name.definition().unit)]
    NotANumber {
        /// The parameter.
        name: ParameterName,
        /// The value as given.
        found: String,
    },
    /// The value is outside the parameter's bounds.
    #[error(
        "{name} must be from {min} to {max} {unit}, found {value}",
        min = name.definition().min, max = name.definition().max, unit = name.definition().unit
    )]
    OutOfBounds {
        /// The parameter.
        name: ParameterName,
        /// The value as given.
        value: u64,
    },
    /// A set of parameters lacks one.
    #[error("parameter {name} is missing")]
    Missing {
        /// The parameter.
        name: ParameterName,
    },
    /// Chains of this family do not have the parameter.
    #[error("{name} does not exist on {family} chains; it belongs to {owners}", owners = owners(*name))]
    NotOfFamily {
        /// The parameter.
        name: ParameterName,
        /// The family of the chain.
        family: Family,
    },
    /// One parameter was given two values.
    #[error("{name} is set twice, to {first} and to {second}")]
    SetTwice {
        /// The parameter.
        name: ParameterName,
        /// The value given first.
        first: u64,
        /// The value given then.
        second: u64,
    },
    /// Two parameters cannot hold together.
    #[error("{name}={value} contradicts {other}={other_value}: {rule}")]
    Contradiction {
        /// A parameter.
        name: ParameterName,
        /// Its value.
        value: u64,
        /// Another parameter.
        other: ParameterName,
        /// Its value.
        other_value: u64,
        /// What must hold.
        rule: &'static str,
    },
}

fn known_names() -> String {
    ParameterName::ALL.map(ParameterName::flag).join(", ")
}

fn owners(name: ParameterName) -> String {
    name.definition().families.iter().map(|family| family.as_str()).collect::<Vec<_>>().join(", ")
}

pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The table of parameters for `--help`: name, bounds, unit, meaning, and how a change happens.
#[must_use]
pub fn help_table() -> String {
    let width = ParameterName::ALL.map(|name| name.flag().len()).into_iter().max().unwrap_or(0);
    let mut table = String::new();
    for name in ParameterName::ALL {
        let Definition { flag, unit, min, max, meaning, takes_effect, source, .. } =
            name.definition();
        table.push_str(&format!("{flag:width$}  {meaning}\n"));
        table.push_str(&format!(
            "{:width$}  from {min} to {max} {unit}; on {} chains\n",
            "",
            owners(name)
        ));
        table.push_str(&format!("{:width$}  change: {takes_effect}\n", ""));
        table.push_str(&format!("{:width$}  source: {source}\n", ""));
    }
    table
}

#[cfg(test)]
mod tests;
