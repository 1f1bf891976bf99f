//! The chain config of go-ethereum and its descendants: a whole `genesis.json`, or its `config`.
//!
//! Fields are those of go-ethereum's
//! [`ChainConfig`](https://github.com/ethereum/go-ethereum/blob/master/params/config.go) and of
//! [op-geth](https://github.com/ethereum-optimism/op-geth/blob/optimism/params/config.go)'s.

use std::collections::BTreeMap;

use chaos_parameters::{Family, ParameterName as P, Parameters, Preset, Setting};
use serde_json::{Map, Value};

use crate::{
    Blobs, ChainConfig, ConfigError, Era, Execution, Fork, Since,
    file::{ensure, ensure_blobs, short},
};

/// A fork's field, its name, and Ethereum's rules from it on if they change; by block.
const BY_BLOCK: [(&str, &str, &str); 9] = [
    ("homesteadBlock", "homestead", "homestead"),
    ("eip150Block", "tangerine", "tangerine"),
    ("eip158Block", "spurious-dragon", "spurious-dragon"),
    ("byzantiumBlock", "byzantium", "byzantium"),
    // Constantinople without Petersburg never ran; a chain that has both at one block has Petersburg.
    ("petersburgBlock", "petersburg", "petersburg"),
    ("istanbulBlock", "istanbul", "istanbul"),
    ("berlinBlock", "berlin", "berlin"),
    ("londonBlock", "london", "london"),
    ("bedrockBlock", "bedrock", "paris"),
];

/// The same by time.
const BY_TIME: [(&str, &str, &str); 13] = [
    ("shanghaiTime", "shanghai", "shanghai"),
    ("regolithTime", "regolith", ""),
    ("canyonTime", "canyon", "shanghai"),
    ("cancunTime", "cancun", "cancun"),
    ("ecotoneTime", "ecotone", "cancun"),
    ("fjordTime", "fjord", ""),
    ("graniteTime", "granite", ""),
    ("holoceneTime", "holocene", ""),
    ("pragueTime", "prague", "prague"),
    ("isthmusTime", "isthmus", "prague"),
    ("jovianTime", "jovian", ""),
    ("osakaTime", "osaka", "osaka"),
    ("karstTime", "karst", "osaka"),
];

/// Forks that change the schedule of blobs alone.
const BLOBS_ONLY: [(&str, &str); 5] = [
    ("bpo1Time", "bpo1"),
    ("bpo2Time", "bpo2"),
    ("bpo3Time", "bpo3"),
    ("bpo4Time", "bpo4"),
    ("bpo5Time", "bpo5"),
];

/// Fields that hold no rule of execution or fees that is not in the others.
const OTHERS: [&str; 14] = [
    "chainId",
    "daoForkSupport",
    "eip150Hash",
    "eip155Block",
    "muirGlacierBlock",
    "arrowGlacierBlock",
    "grayGlacierBlock",
    "mergeNetsplitBlock",
    "terminalTotalDifficulty",
    "terminalTotalDifficultyPassed",
    "depositContractAddress",
    "deltaTime",
    "ethash",
    "clique",
];

/// Reads a genesis or its config.
pub(crate) fn decode(text: &str) -> Result<ChainConfig, ConfigError> {
    let value: Value = serde_json::from_str(text).map_err(|source| ConfigError::Json { source })?;
    let whole = value.as_object().ok_or_else(|| field("", "an object", &value))?;
    let (config, path) = match whole.get("config") {
        Some(inner) => {
            (inner.as_object().ok_or_else(|| field("config", "an object", inner))?, "config.")
        }
        None => (whole, ""),
    };
    Reader { config, path }.read()
}

fn field(name: &str, expected: &'static str, found: &Value) -> ConfigError {
    ConfigError::Field { field: name.to_owned(), expected, found: short(&found.to_string()) }
}

struct Reader<'a> {
    config: &'a Map<String, Value>,
    path: &'static str,
}

impl Reader<'_> {
    fn read(&self) -> Result<ChainConfig, ConfigError> {
        let number = self.number("chainId")?.ok_or_else(|| {
            let expected = "the EIP-155 number of the chain";
            field(&self.at("chainId"), expected, &Value::Null)
        })?;
        self.ensure_all_known()?;
        let family = match self.config.get("optimism") {
            Some(value) if !value.is_null() => Family::OpStack,
            _ => Family::Ethereum,
        };
        let forks = self.forks(family)?;
        let eras = self.eras(family, &forks)?;
        let about = "the file that was given, in go-ethereum's form".to_owned();
        let mut sources = BTreeMap::new();
        for (key, is_stated) in [("forks", !forks.is_empty()), ("fees", !eras.is_empty())] {
            if is_stated {
                sources.insert(key.to_owned(), about.clone());
            }
        }
        let config = ChainConfig {
            number,
            name: format!("chain {number}"),
            names: vec![format!("chain-{number}")],
            family: Some(family),
            block_time_ms: None,
            execution: match family {
                Family::Ethereum => Execution::Exact,
                Family::OpStack | Family::Arbitrum => Execution::Partial,
            },
            note: String::new(),
            forks,
            eras,
            contracts: Vec::new(),
            sources,
        };
        ensure(&config)?;
        Ok(config)
    }

    fn at(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// A field that is not read may hold a fork.
    fn ensure_all_known(&self) -> Result<(), ConfigError> {
        let is_known = |name: &str| {
            OTHERS.contains(&name)
                || ["optimism", "blobSchedule", "daoForkBlock", "constantinopleBlock"]
                    .contains(&name)
                || BY_BLOCK.iter().any(|(known, ..)| *known == name)
                || BY_TIME.iter().any(|(known, ..)| *known == name)
                || BLOBS_ONLY.iter().any(|(known, _)| *known == name)
        };
        let unknown = self.config.iter().find(|(name, value)| !value.is_null() && !is_known(name));
        match unknown {
            Some((name, _)) => Err(ConfigError::Unknown { field: self.at(name) }),
            None => Ok(()),
        }
    }

    /// A number in whatever way JSON files of clients write it: digits, or hexadecimal text.
    fn number(&self, name: &str) -> Result<Option<u64>, ConfigError> {
        let Some(value) = self.config.get(name).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        number(value).map(Some).ok_or_else(|| {
            field(&self.at(name), "a whole number below 2^64, or one in text after 0x", value)
        })
    }

    fn forks(&self, family: Family) -> Result<Vec<Fork>, ConfigError> {
        let start = Fork {
            name: "frontier".to_owned(),
            ethereum: "frontier".to_owned(),
            since: Since::Block(0),
            blobs: None,
        };
        let mut forks = vec![start];
        self.ensure_petersburg()?;
        for (name, fork, ethereum) in BY_BLOCK {
            if let Some(block) = self.number(name)? {
                push(&mut forks, fork, ethereum, Since::Block(block), None);
            }
        }
        self.merge(&mut forks, family)?;
        let mut by_time = Vec::new();
        for (name, fork, ethereum) in BY_TIME {
            if let Some(time) = self.number(name)? {
                by_time.push((time, fork, ethereum));
            }
        }
        for (name, fork) in BLOBS_ONLY {
            if let Some(time) = self.number(name)? {
                by_time.push((
                    time,
                    fork,
                    if fork == "bpo1" || fork == "bpo2" { fork } else { "bpo2" },
                ));
            }
        }
        // Forks of one second keep the order of the tables, in which later rules come later.
        by_time.sort_by_key(|(time, ..)| *time);
        for (time, fork, ethereum) in by_time {
            let blobs = self.blobs(fork, family)?;
            push(&mut forks, fork, ethereum, Since::Time(time), blobs);
        }
        if forks.iter().any(|fork| fork.name.starts_with("bpo") && fork.blobs.is_none()) {
            let field = self.at("blobSchedule");
            let problem = "a fork that changes blobs alone has no entry in it";
            return Err(ConfigError::Contradiction { field, problem });
        }
        Ok(forks)
    }

    fn ensure_petersburg(&self) -> Result<(), ConfigError> {
        let (old, new) = (self.number("constantinopleBlock")?, self.number("petersburgBlock")?);
        if old.is_some() && old != new {
            let field = self.at("constantinopleBlock");
            let problem = "Constantinople without Petersburg (another petersburgBlock, or none) is not known here";
            return Err(ConfigError::Contradiction { field, problem });
        }
        if self.number("daoForkBlock")?.is_some_and(|block| block > 0) {
            let field = self.at("daoForkBlock");
            let problem = "the balances that the DAO fork moves are not known here; Ethereum's own chain is built in";
            return Err(ConfigError::Contradiction { field, problem });
        }
        Ok(())
    }

    /// The Merge has no block in this form, only a difficulty; at zero it is in force from the start.
    fn merge(&self, forks: &mut Vec<Fork>, family: Family) -> Result<(), ConfigError> {
        if family == Family::OpStack {
            if self.number("bedrockBlock")?.is_none() {
                push(forks, "bedrock", "paris", Since::Block(0), None);
            }
            return Ok(());
        }
        match self.config.get("terminalTotalDifficulty").filter(|value| !value.is_null()) {
            None => Ok(()),
            Some(value) if number(value) == Some(0) => {
                let london = forks.iter().rev().find(|fork| fork.ethereum == "london");
                let since = london.map_or(Since::Block(0), |fork| fork.since);
                push(forks, "paris", "paris", since, None);
                Ok(())
            }
            Some(_) => {
                let field = self.at("terminalTotalDifficulty");
                let problem = "at which block this difficulty was reached is not in this form: write a chain config \
                               in TOML, with the fork paris";
                Err(ConfigError::Contradiction { field, problem })
            }
        }
    }

    /// The entry of a fork in the schedule of blobs.
    fn blobs(&self, fork: &str, family: Family) -> Result<Option<Blobs>, ConfigError> {
        if family == Family::OpStack {
            return Ok(None);
        }
        let schedule = match self.config.get("blobSchedule").filter(|value| !value.is_null()) {
            None => return Ok(None),
            Some(value) => value
                .as_object()
                .ok_or_else(|| field(&self.at("blobSchedule"), "an object", value))?,
        };
        let Some(entry) = schedule.get(fork).filter(|entry| !entry.is_null()) else {
            return Ok(None);
        };
        let path = |key: &str| self.at(&format!("blobSchedule.{fork}.{key}"));
        let part = |key: &str| {
            let value = entry.get(key).unwrap_or(&Value::Null);
            number(value).ok_or_else(|| field(&path(key), "a whole number", value))
        };
        let (target, max) = (part("target")?, part("max")?);
        let blobs = Blobs { target, max, update_fraction: part("baseFeeUpdateFraction")? };
        ensure_blobs(blobs, &self.at(&format!("blobSchedule.{fork}")))?;
        Ok(Some(blobs))
    }

    fn eras(&self, family: Family, forks: &[Fork]) -> Result<Vec<Era>, ConfigError> {
        let plain = |since, rules| Era { since, rules, in_extra_data: false, by_footprint: false };
        match family {
            Family::OpStack => self.op_eras(forks),
            Family::Ethereum | Family::Arbitrum => {
                let mut eras = Vec::new();
                for fork in forks {
                    let preset = match fork.ethereum.as_str() {
                        "london" | "paris" | "shanghai" => Preset::London,
                        "cancun" => Preset::Cancun,
                        "prague" => Preset::Prague,
                        "osaka" => Preset::Osaka,
                        "bpo1" => Preset::Bpo1,
                        "bpo2" => Preset::Bpo2,
                        // No base fees.
                        _ => continue,
                    };
                    let rules = match fork.blobs {
                        Some(blobs) => self.with_blobs(preset, blobs, &fork.name)?,
                        None => preset.parameters(),
                    };
                    eras.push(plain(fork.since, Some(rules)));
                }
                Ok(eras)
            }
        }
    }

    fn with_blobs(
        &self,
        preset: Preset,
        blobs: Blobs,
        fork: &str,
    ) -> Result<Parameters, ConfigError> {
        let refused = |source| {
            let field = self.at(&format!("blobSchedule.{fork}"));
            ConfigError::Parameter { field, source }
        };
        let settings = [
            (P::BlobTarget, blobs.target),
            (P::BlobMax, blobs.max),
            (P::BlobUpdateFraction, blobs.update_fraction),
        ]
        .map(|(name, value)| Setting::new(name, value).map_err(refused));
        let [target, max, fraction] = settings;
        preset.parameters().apply(&[target?, max?, fraction?]).map_err(refused)
    }

    /// The numbers of the `optimism` section until Holocene, then those of each block.
    fn op_eras(&self, forks: &[Fork]) -> Result<Vec<Era>, ConfigError> {
        let path = self.at("optimism");
        let section = self.config.get("optimism").unwrap_or(&Value::Null);
        let section = section.as_object().ok_or_else(|| field(&path, "an object", section))?;
        let names = ["eip1559Elasticity", "eip1559Denominator", "eip1559DenominatorCanyon"];
        if let Some(name) = section.keys().find(|name| !names.contains(&name.as_str())) {
            return Err(ConfigError::Unknown { field: format!("{path}.{name}") });
        }
        let part = |key: &str| {
            let value = section.get(key).unwrap_or(&Value::Null);
            number(value).ok_or_else(|| field(&format!("{path}.{key}"), "a whole number", value))
        };
        let rules = |denominator: u64| {
            let refused = |source| ConfigError::Parameter { field: path.clone(), source };
            let elasticity =
                Setting::new(P::ElasticityMultiplier, part(names[0])?).map_err(refused)?;
            let denominator =
                Setting::new(P::BaseFeeChangeDenominator, denominator).map_err(refused)?;
            let parameters = Preset::OpCanyon.parameters().apply(&[elasticity, denominator]);
            parameters.map_err(refused).map(Some)
        };
        let begins = |name: &str| forks.iter().find(|fork| fork.name == name).map(|f| f.since);
        let era = |since, rules, in_extra_data, by_footprint| Era {
            since,
            rules,
            in_extra_data,
            by_footprint,
        };
        let start = begins("bedrock").unwrap_or(Since::Block(0));
        let mut eras = vec![era(start, rules(part(names[1])?)?, false, false)];
        if let Some(since) = begins("canyon") {
            eras.push(era(since, rules(part(names[2])?)?, false, false));
        }
        if let Some(since) = begins("holocene") {
            eras.push(era(since, None, true, false));
        }
        if let Some(since) = begins("jovian") {
            eras.push(era(since, None, true, true));
        }
        Ok(eras)
    }
}

/// Adds a fork; one without rules of its own has those of the one before it.
fn push(forks: &mut Vec<Fork>, name: &str, ethereum: &str, since: Since, blobs: Option<Blobs>) {
    let former = forks.last().map_or("frontier", |fork| &fork.ethereum);
    let ethereum = if ethereum.is_empty() { former } else { ethereum }.to_owned();
    forks.push(Fork { name: name.to_owned(), ethereum, since, blobs });
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                u64::from_str_radix(digits, 16).ok()
            }
            Some(_) => None,
            None => text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests;
