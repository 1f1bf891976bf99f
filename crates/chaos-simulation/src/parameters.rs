//! Protocol parameters that an experiment can change: names, units, bounds and sources.
//!
//! A parameter is one [`ParameterName`] variant and one row of the definition table; everything
//! else (parsing, bounds, help, JSON) follows from the row.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A parameter of the fee market or of block building.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParameterName {
    /// Most gas that the transactions of one block may use.
    GasLimit,
    /// Gas limit divided by gas target.
    ElasticityMultiplier,
    /// Bound of the base fee's relative change per block, as its reciprocal.
    BaseFeeChangeDenominator,
}

/// What a parameter means, how far it may go, and where that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// The name on the command line, such as `gas-limit`.
    pub flag: &'static str,
    /// The name in JSON and TOML, such as `gas_limit`.
    pub key: &'static str,
    /// The unit of the value.
    pub unit: &'static str,
    /// The smallest value accepted.
    pub min: u64,
    /// The largest value accepted.
    pub max: u64,
    /// One sentence on what it does.
    pub meaning: &'static str,
    /// How a change becomes effective on a chain.
    pub takes_effect: &'static str,
    /// The document that defines it.
    pub source: &'static str,
}

const GAS_LIMIT: Definition = Definition {
    flag: "gas-limit",
    key: "gas_limit",
    unit: "gas",
    min: 5_000,
    max: 1_000_000_000_000,
    meaning: "most gas that the transactions of one block may use",
    takes_effect: "block proposers vote, at most 1/1024 of the parent's limit per block; \
                   on OP-stack and Arbitrum chains by a configuration call",
    source: "https://eips.ethereum.org/EIPS/eip-1559 (minimum 5,000; bound 1/1024)",
};

const ELASTICITY_MULTIPLIER: Definition = Definition {
    flag: "elasticity-multiplier",
    key: "elasticity_multiplier",
    unit: "ratio",
    min: 1,
    max: 1_000,
    meaning: "gas limit divided by gas target; 2 puts the target at half of the limit",
    takes_effect: "hard fork on Ethereum; system configuration since Holocene on OP-stack chains",
    source: "https://eips.ethereum.org/EIPS/eip-1559 (ELASTICITY_MULTIPLIER = 2)",
};

const BASE_FEE_CHANGE_DENOMINATOR: Definition = Definition {
    flag: "base-fee-change-denominator",
    key: "base_fee_change_denominator",
    unit: "ratio",
    min: 1,
    max: 100_000,
    meaning: "the base fee moves by at most 1/denominator per block when the target is half full",
    takes_effect: "hard fork on Ethereum; system configuration since Holocene on OP-stack chains",
    source: "https://eips.ethereum.org/EIPS/eip-1559 (BASE_FEE_MAX_CHANGE_DENOMINATOR = 8)",
};

impl ParameterName {
    /// How many parameters there are.
    pub const COUNT: usize = 3;

    /// All parameters, in the order of help and JSON tables.
    pub const ALL: [Self; Self::COUNT] =
        [Self::GasLimit, Self::ElasticityMultiplier, Self::BaseFeeChangeDenominator];

    /// Meaning, unit, bounds and source.
    #[must_use]
    pub const fn definition(self) -> &'static Definition {
        match self {
            Self::GasLimit => &GAS_LIMIT,
            Self::ElasticityMultiplier => &ELASTICITY_MULTIPLIER,
            Self::BaseFeeChangeDenominator => &BASE_FEE_CHANGE_DENOMINATOR,
        }
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

    fn ensure_bounds(self, value: u64) -> Result<(), Error> {
        let definition = self.definition();
        if value < definition.min || value > definition.max {
            return Err(Error::OutOfBounds { name: self, value });
        }
        Ok(())
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
}

fn known_names() -> String {
    ParameterName::ALL.map(ParameterName::flag).join(", ")
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

/// One parameter and the value to give it; always within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    name: ParameterName,
    value: u64,
}

impl Setting {
    /// A setting, if the value is within the parameter's bounds.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`].
    pub fn new(name: ParameterName, value: u64) -> Result<Self, Error> {
        name.ensure_bounds(value)?;
        Ok(Self { name, value })
    }

    /// The parameter.
    #[must_use]
    pub const fn name(self) -> ParameterName {
        self.name
    }

    /// The value in the parameter's unit.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.value
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

impl FromStr for Setting {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| Error::NoEquals { found: shorten(text) })?;
        let name: ParameterName = name.trim().parse()?;
        let value = value.trim();
        let error = || Error::NotANumber { name, found: shorten(value) };
        if !value.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(error());
        }
        let value = value.replace('_', "").parse().map_err(|_| error())?;
        Self::new(name, value)
    }
}

/// Reads `name=value`; digits may be grouped by `_`.
///
/// # Errors
/// If there is no `=`, the name is unknown, or the value is not a number within bounds.
pub fn parse_setting(text: &str) -> Result<Setting, Error> {
    text.parse()
}

/// A value for every parameter, each within its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parameters {
    /// Indexed by [`ParameterName`]; the invariant is that each value is within bounds.
    values: [u64; ParameterName::COUNT],
}

impl Parameters {
    /// Ethereum mainnet since London with this gas limit: elasticity 2, denominator 8.
    ///
    /// # Errors
    /// If the gas limit is out of bounds.
    pub fn ethereum(gas_limit: u64) -> Result<Self, Error> {
        ParameterName::GasLimit.ensure_bounds(gas_limit)?;
        Ok(Self { values: [gas_limit, 2, 8] })
    }

    /// The same with one parameter changed.
    #[must_use]
    pub const fn with(mut self, setting: Setting) -> Self {
        self.values[setting.name as usize] = setting.value;
        self
    }

    /// The value of one parameter.
    #[must_use]
    pub const fn get(&self, name: ParameterName) -> u64 {
        self.values[name as usize]
    }

    /// Most gas that one block may use.
    #[must_use]
    pub const fn gas_limit(&self) -> u64 {
        self.get(ParameterName::GasLimit)
    }

    /// Gas limit over gas target.
    #[must_use]
    pub const fn elasticity_multiplier(&self) -> u64 {
        self.get(ParameterName::ElasticityMultiplier)
    }

    /// Reciprocal of the base fee's largest relative change per target of excess.
    #[must_use]
    pub const fn base_fee_change_denominator(&self) -> u64 {
        self.get(ParameterName::BaseFeeChangeDenominator)
    }

    /// Gas at which the base fee stands still: limit divided by elasticity, at least 5.
    #[must_use]
    pub const fn gas_target(&self) -> u64 {
        self.gas_limit() / self.elasticity_multiplier()
    }

    /// The parameters in which `self` differs from `baseline`, as (name, baseline, self).
    #[must_use]
    pub fn changes_from(&self, baseline: &Self) -> Vec<(ParameterName, u64, u64)> {
        ParameterName::ALL
            .into_iter()
            .map(|name| (name, baseline.get(name), self.get(name)))
            .filter(|(_, from, to)| from != to)
            .collect()
    }
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(ParameterName::ALL.map(|name| (name.key(), self.get(name))))
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<String, u64>::deserialize(deserializer)?;
        let mut values = [None; ParameterName::COUNT];
        for (key, value) in map {
            let name: ParameterName = key.parse().map_err(de::Error::custom)?;
            if key != name.key() {
                return Err(de::Error::custom(Error::UnknownName { found: shorten(&key) }));
            }
            name.ensure_bounds(value).map_err(de::Error::custom)?;
            values[name as usize] = Some(value);
        }
        let mut complete = [0; ParameterName::COUNT];
        for name in ParameterName::ALL {
            complete[name as usize] =
                values[name as usize].ok_or_else(|| de::Error::custom(Error::Missing { name }))?;
        }
        Ok(Self { values: complete })
    }
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
        table.push_str(&format!("{:width$}  from {min} to {max} {unit}\n", ""));
        table.push_str(&format!("{:width$}  change: {takes_effect}\n", ""));
        table.push_str(&format!("{:width$}  source: {source}\n", ""));
    }
    table
}

#[cfg(test)]
mod tests;
