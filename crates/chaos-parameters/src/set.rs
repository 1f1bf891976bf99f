use std::collections::BTreeMap;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IntoDeserializer as _},
    ser::SerializeMap as _,
};

use crate::{Error, Family, ParameterName, Preset, Setting, name::shorten};

/// The key under which JSON names the family.
const FAMILY_KEY: &str = "family";

/// A value for every parameter of a family, each within its bounds, none contradicting another.
///
/// In JSON an object with the key `family` and one key per parameter of that family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parameters {
    family: Family,
    /// Indexed by [`ParameterName`]; zero where the family lacks the parameter.
    values: [u64; ParameterName::COUNT],
}

/// One of Arbitrum's gas targets: the price rises while more is used than `gas_per_second` over
/// about `window_seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasTarget {
    /// Gas per second at which the backlog stands still.
    pub gas_per_second: u64,
    /// Seconds of that use which, as a backlog, multiply the price by e.
    pub window_seconds: u64,
}

impl Parameters {
    /// Ethereum since London with this gas limit and without blobs: elasticity 2, denominator 8.
    ///
    /// # Errors
    /// If the gas limit is out of bounds.
    pub fn ethereum(gas_limit: u64) -> Result<Self, Error> {
        Preset::London.parameters().apply(&[Setting::new(ParameterName::GasLimit, gas_limit)?])
    }

    /// Values in the order of [`ParameterName::ALL`], as written down in this crate.
    pub(crate) const fn from_table(
        family: Family,
        table: &[(ParameterName, u64)],
        base: [u64; ParameterName::COUNT],
    ) -> Self {
        let mut values = base;
        let mut index = 0;
        while index < table.len() {
            values[table[index].0 as usize] = table[index].1;
            index += 1;
        }
        Self { family, values }
    }

    pub(crate) const fn values(&self) -> [u64; ParameterName::COUNT] {
        self.values
    }

    /// The same with these parameters changed.
    ///
    /// # Errors
    /// If a parameter does not exist on this family, is set to two values, or contradicts another.
    pub fn apply(mut self, settings: &[Setting]) -> Result<Self, Error> {
        let mut seen: BTreeMap<ParameterName, u64> = BTreeMap::new();
        for setting in settings {
            let (name, value) = (setting.name(), setting.value());
            if !name.applies_to(self.family) {
                return Err(Error::NotOfFamily { name, family: self.family });
            }
            if let Some(first) = seen.insert(name, value)
                && first != value
            {
                return Err(Error::SetTwice { name, first, second: value });
            }
            self.values[name as usize] = value;
        }
        self.ensure_consistent()?;
        Ok(self)
    }

    /// The same with one parameter changed, whatever it then contradicts.
    ///
    /// For callers that check with [`Self::apply`] or hold a setting that is known to fit.
    #[must_use]
    pub const fn with(mut self, setting: Setting) -> Self {
        self.values[setting.name() as usize] = setting.value();
        self
    }

    /// Refuses values that cannot hold together.
    ///
    /// # Errors
    /// [`Error::Contradiction`] with the two parameters and the rule.
    pub fn ensure_consistent(&self) -> Result<(), Error> {
        use ParameterName as P;
        let not = |broken: bool, name: P, other: P, rule: &'static str| {
            if !broken {
                return Ok(());
            }
            let (value, other_value) = (self.get(name), self.get(other));
            Err(Error::Contradiction { name, value, other, other_value, rule })
        };
        let get = |name| self.get(name);
        if self.family == Family::Arbitrum {
            for index in 0..Self::GAS_TARGETS_MAX {
                let (target, window) = P::gas_target(index);
                let rule = "a gas target and its window are both set or both zero";
                not((get(target) == 0) != (get(window) == 0), target, window, rule)?;
                if index > 0 {
                    let (before, _) = P::gas_target(index - 1);
                    let rule = "gas targets are filled in order, without a hole";
                    not(get(target) > 0 && get(before) == 0, target, before, rule)?;
                }
            }
            return Ok(());
        }
        let limit = get(P::GasLimit);
        let rule = "the target (limit / elasticity) must be at least 1 gas";
        not(get(P::ElasticityMultiplier) > limit, P::ElasticityMultiplier, P::GasLimit, rule)?;
        if self.family == Family::Ethereum {
            let (target, max) = (get(P::BlobTarget), get(P::BlobMax));
            let rule = "the blob target may not exceed the maximum";
            not(target > max, P::BlobTarget, P::BlobMax, rule)?;
            let rule = "a maximum above zero needs a target above zero (and the other way round)";
            not((target == 0) != (max == 0), P::BlobTarget, P::BlobMax, rule)?;
            let cap = get(P::TransactionGasCap);
            let rule = "a cap above zero must leave room for a plain transfer of 21000 gas";
            not(cap > 0 && cap < 21_000, P::TransactionGasCap, P::GasLimit, rule)?;
        }
        Ok(())
    }

    /// Most gas targets that an Arbitrum chain can have here.
    pub(crate) const GAS_TARGETS_MAX: usize = 6;

    /// The kind of chain.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// The value of one parameter; zero if the family lacks it.
    #[must_use]
    pub const fn get(&self, name: ParameterName) -> u64 {
        self.values[name as usize]
    }

    /// Most gas that one block may use.
    #[must_use]
    pub const fn gas_limit(&self) -> u64 {
        self.get(ParameterName::GasLimit)
    }

    /// Gas limit over gas target; on Arbitrum chains what the targets make of it.
    #[must_use]
    pub fn elasticity_multiplier(&self) -> u64 {
        match self.family {
            Family::Ethereum | Family::OpStack => self.get(ParameterName::ElasticityMultiplier),
            Family::Arbitrum => (self.gas_limit() / self.gas_target().max(1)).max(1),
        }
    }

    /// Reciprocal of the base fee's largest relative change per target of excess; zero on
    /// Arbitrum chains.
    #[must_use]
    pub const fn base_fee_change_denominator(&self) -> u64 {
        self.get(ParameterName::BaseFeeChangeDenominator)
    }

    /// Floor of the base fee in wei.
    #[must_use]
    pub const fn min_base_fee_wei(&self) -> u64 {
        self.get(ParameterName::MinBaseFee)
    }

    /// Milliseconds between blocks.
    #[must_use]
    pub const fn block_time_ms(&self) -> u64 {
        self.get(ParameterName::BlockTime)
    }

    /// Gas per block at which the price stands still in the long run: limit over elasticity, or
    /// the lowest of Arbitrum's targets times the block time.
    #[must_use]
    pub fn gas_target(&self) -> u64 {
        match self.family {
            Family::Ethereum | Family::OpStack => {
                self.gas_limit() / self.get(ParameterName::ElasticityMultiplier).max(1)
            }
            Family::Arbitrum => {
                let per_second = self
                    .gas_targets()
                    .map(|target| target.gas_per_second)
                    .min()
                    .unwrap_or_else(|| self.get(ParameterName::SpeedLimit));
                let gas = u128::from(per_second) * u128::from(self.block_time_ms()) / 1_000;
                u64::try_from(gas).unwrap_or(u64::MAX).clamp(1, self.gas_limit())
            }
        }
    }

    /// Arbitrum's gas targets; none means the single-target rule.
    pub fn gas_targets(&self) -> impl Iterator<Item = GasTarget> + '_ {
        (0..Self::GAS_TARGETS_MAX).filter_map(|index| {
            let (target, window) = ParameterName::gas_target(index);
            let (gas_per_second, window_seconds) = (self.get(target), self.get(window));
            (gas_per_second > 0).then_some(GasTarget { gas_per_second, window_seconds })
        })
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

    fn names(family: Family) -> impl Iterator<Item = ParameterName> {
        ParameterName::ALL.into_iter().filter(move |name| name.applies_to(family))
    }
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(FAMILY_KEY, &self.family)?;
        for name in Self::names(self.family) {
            map.serialize_entry(name.key(), &self.get(name))?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
        let family = map.remove(FAMILY_KEY).ok_or_else(|| de::Error::missing_field(FAMILY_KEY))?;
        let family = Family::deserialize(family.into_deserializer()).map_err(de::Error::custom)?;
        let mut values = [None; ParameterName::COUNT];
        for (key, value) in map {
            let name: ParameterName = key.parse().map_err(de::Error::custom)?;
            if key != name.key() {
                return Err(de::Error::custom(Error::UnknownName { found: shorten(&key) }));
            }
            if !name.applies_to(family) {
                return Err(de::Error::custom(Error::NotOfFamily { name, family }));
            }
            let value = value.as_u64().ok_or_else(|| {
                de::Error::custom(Error::NotANumber { name, found: shorten(&value.to_string()) })
            })?;
            name.ensure_bounds(value).map_err(de::Error::custom)?;
            values[name as usize] = Some(value);
        }
        let mut complete = [0; ParameterName::COUNT];
        for name in Self::names(family) {
            complete[name as usize] =
                values[name as usize].ok_or_else(|| de::Error::custom(Error::Missing { name }))?;
        }
        let parameters = Self { family, values: complete };
        parameters.ensure_consistent().map_err(de::Error::custom)?;
        Ok(parameters)
    }
}
