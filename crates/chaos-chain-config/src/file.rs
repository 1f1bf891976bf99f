//! The form of a chain config in this project: TOML, nothing unknown in it, a source for each fact.

use std::collections::{BTreeMap, BTreeSet};

use chaos_parameters::{Family, ParameterName, Parameters, Preset, Setting};
use serde::Deserialize;

use crate::{Blobs, ChainConfig, ConfigError, Contract, Era, Execution, Fork, Since};

/// A chain config has at most this many bytes. A `genesis.json` holds the accounts of the first block
/// as well.
pub const CONFIG_BYTES_MAX: usize = 64 << 20;

/// Most forks, eras or contracts of a chain.
const ENTRIES_MAX: usize = 1_000;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Ethereum's sets of rules of execution by name, oldest first.
pub const ETHEREUM_FORKS: [&str; 16] = [
    "frontier",
    "homestead",
    "tangerine",
    "spurious-dragon",
    "byzantium",
    "petersburg",
    "istanbul",
    "berlin",
    "london",
    "paris",
    "shanghai",
    "cancun",
    "prague",
    "osaka",
    "bpo1",
    "bpo2",
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: u64,
    name: String,
    names: Vec<String>,
    family: Option<Family>,
    block_time_ms: Option<u64>,
    execution: ExecutionWord,
    #[serde(default)]
    note: String,
    #[serde(default)]
    forks: Vec<ForkEntry>,
    #[serde(default)]
    fees: Vec<FeeEntry>,
    #[serde(default)]
    contracts: Vec<ContractEntry>,
    #[serde(default)]
    sources: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ExecutionWord {
    Exact,
    Partial,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ForkEntry {
    name: String,
    ethereum: Option<String>,
    since_block: Option<u64>,
    since_time: Option<u64>,
    blobs: Option<BlobsEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlobsEntry {
    target: u64,
    max: u64,
    update_fraction: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeeEntry {
    since_block: Option<u64>,
    since_time: Option<u64>,
    preset: Option<String>,
    #[serde(default)]
    set: BTreeMap<String, u64>,
    #[serde(default)]
    in_extra_data: bool,
    #[serde(default)]
    by_footprint: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContractEntry {
    name: String,
    chain: u64,
    address: String,
}

/// The bytes as text, if they are not too many.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, ConfigError> {
    if bytes.len() > CONFIG_BYTES_MAX {
        return Err(ConfigError::TooLarge { found: bytes.len(), limit: CONFIG_BYTES_MAX });
    }
    let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|_| ConfigError::NotText)
}

pub(crate) fn decode(text: &str) -> Result<ChainConfig, ConfigError> {
    let file: File =
        toml::from_str(text).map_err(|source| ConfigError::Toml { source: source.into() })?;
    let family = file.family;
    let mut ethereum = None;
    let mut forks = Vec::new();
    for (place, entry) in bounded("forks", file.forks)?.into_iter().enumerate() {
        forks.push(fork(entry, place, &mut ethereum)?);
    }
    let eras = bounded("fees", file.fees)?
        .into_iter()
        .enumerate()
        .map(|(place, entry)| era(entry, place, family, file.block_time_ms))
        .collect::<Result<_, _>>()?;
    let contracts = bounded("contracts", file.contracts)?
        .into_iter()
        .enumerate()
        .map(|(place, entry)| contract(entry, place))
        .collect::<Result<_, _>>()?;
    let config = ChainConfig {
        number: file.id,
        name: file.name,
        names: file.names,
        family,
        block_time_ms: file.block_time_ms,
        execution: match file.execution {
            ExecutionWord::Exact => Execution::Exact,
            ExecutionWord::Partial => Execution::Partial,
        },
        note: file.note,
        forks,
        eras,
        contracts,
        sources: file.sources,
    };
    ensure(&config)?;
    Ok(config)
}

fn bounded<T>(field: &str, entries: Vec<T>) -> Result<Vec<T>, ConfigError> {
    if entries.len() <= ENTRIES_MAX {
        return Ok(entries);
    }
    let expected = "at most 1,000 entries";
    Err(ConfigError::Field {
        field: field.to_owned(),
        expected,
        found: format!("{} of them", entries.len()),
    })
}

fn since(field: String, block: Option<u64>, time: Option<u64>) -> Result<Since, ConfigError> {
    match (block, time) {
        (Some(block), None) => Ok(Since::Block(block)),
        (None, Some(time)) => Ok(Since::Time(time)),
        _ => {
            let problem = "expected one of since_block and since_time";
            Err(ConfigError::Contradiction { field, problem })
        }
    }
}

/// A fork; one that says nothing of Ethereum's rules leaves those of the one before in force, or is one
/// of Ethereum's itself.
fn fork(
    entry: ForkEntry,
    place: usize,
    ethereum: &mut Option<String>,
) -> Result<Fork, ConfigError> {
    let field = format!("forks[{place}]");
    let since = since(field.clone(), entry.since_block, entry.since_time)?;
    let is_ethereums = |name: &str| ETHEREUM_FORKS.contains(&name);
    let rules = match (entry.ethereum, ethereum.clone()) {
        (Some(named), _) => named,
        (None, _) if is_ethereums(&entry.name) => entry.name.clone(),
        (None, Some(former)) => former,
        (None, None) => {
            let problem = "the first fork has to say under which of Ethereum's rules blocks run (ethereum = …)";
            return Err(ConfigError::Contradiction { field, problem });
        }
    };
    if !is_ethereums(&rules) {
        let expected = "a fork of Ethereum by name, from frontier to bpo2";
        return Err(ConfigError::Field {
            field: format!("{field}.ethereum"),
            expected,
            found: short(&rules),
        });
    }
    *ethereum = Some(rules.clone());
    let blobs = entry.blobs.map(|blobs| self::blobs(blobs, &field)).transpose()?;
    Ok(Fork { name: entry.name, ethereum: rules, since, blobs })
}

fn blobs(entry: BlobsEntry, field: &str) -> Result<Blobs, ConfigError> {
    let BlobsEntry { target, max, update_fraction } = entry;
    let blobs = Blobs { target, max, update_fraction };
    ensure_blobs(blobs, &format!("{field}.blobs"))?;
    Ok(blobs)
}

pub(crate) fn ensure_blobs(blobs: Blobs, field: &str) -> Result<(), ConfigError> {
    let problem = if blobs.target > blobs.max {
        "the target is above the most that a block may have"
    } else if blobs.max > 1_024 {
        "more than 1,024 blobs in a block"
    } else if blobs.update_fraction == 0 {
        "the update fraction is zero, and is divided by"
    } else {
        return Ok(());
    };
    Err(ConfigError::Contradiction { field: field.to_owned(), problem })
}

fn era(
    entry: FeeEntry,
    place: usize,
    family: Option<Family>,
    block_time_ms: Option<u64>,
) -> Result<Era, ConfigError> {
    let field = format!("fees[{place}]");
    let since = since(field.clone(), entry.since_block, entry.since_time)?;
    let refused = |source| ConfigError::Parameter { field: field.clone(), source };
    let contradiction = |problem| Err(ConfigError::Contradiction { field: field.clone(), problem });
    if entry.preset.is_none() && !entry.set.is_empty() {
        return contradiction("parameters are set over a preset, and none is named");
    }
    if (entry.in_extra_data || entry.by_footprint) && family != Some(Family::OpStack) {
        return contradiction("only OP-stack chains keep a fee rule in extra data");
    }
    let rules = match entry.preset {
        None => None,
        Some(preset) => {
            let preset: Preset = preset.parse().map_err(refused)?;
            let mut settings = Vec::new();
            if let Some(time) = block_time_ms {
                settings.push(Setting::new(ParameterName::BlockTime, time).map_err(refused)?);
            }
            for (name, value) in entry.set {
                let name: ParameterName = name.parse().map_err(refused)?;
                settings.push(Setting::new(name, value).map_err(refused)?);
            }
            Some(preset.parameters().apply(&settings).map_err(refused)?)
        }
    };
    ensure_family(rules, family, &field)?;
    let FeeEntry { in_extra_data, by_footprint, .. } = entry;
    Ok(Era { since, rules, in_extra_data, by_footprint })
}

fn ensure_family(
    rules: Option<Parameters>,
    family: Option<Family>,
    field: &str,
) -> Result<(), ConfigError> {
    match (rules.map(|rules| rules.family()), family) {
        (Some(found), Some(expected)) if found != expected => {
            Err(ConfigError::Family { field: field.to_owned(), expected, found })
        }
        _ => Ok(()),
    }
}

fn contract(entry: ContractEntry, place: usize) -> Result<Contract, ConfigError> {
    let digits = entry.address.strip_prefix("0x").unwrap_or_default();
    if digits.len() != 40 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ConfigError::Field {
            field: format!("contracts[{place}].address"),
            expected: "an address: 0x and 40 hexadecimal digits",
            found: short(&entry.address),
        });
    }
    Ok(Contract { name: entry.name, chain: entry.chain, address: entry.address })
}

/// What holds of a chain config in whatever form.
pub(crate) fn ensure(config: &ChainConfig) -> Result<(), ConfigError> {
    if config.number == 0 || config.number > 1 << 53 {
        return Err(ConfigError::Field {
            field: "id".to_owned(),
            expected: "an EIP-155 number from 1 to 2^53",
            found: config.number.to_string(),
        });
    }
    ensure_names(config)?;
    ordered("forks", config.forks.iter().map(|fork| (fork.name.clone(), fork.since)))?;
    let eras = config.eras.iter().enumerate();
    ordered("fees", eras.map(|(place, era)| (format!("[{place}]"), era.since)))?;
    let stated = [
        ("forks", !config.forks.is_empty()),
        ("fees", !config.eras.is_empty()),
        ("block_time", config.block_time_ms.is_some()),
        ("contracts", !config.contracts.is_empty()),
    ];
    for (about, is_stated) in stated {
        if is_stated && config.source(about).is_none_or(|source| source.trim().is_empty()) {
            return Err(ConfigError::NoSource { about });
        }
    }
    match config.sources.keys().find(|about| stated.iter().all(|(known, _)| known != about)) {
        Some(about) => Err(ConfigError::Unknown { field: format!("sources.{about}") }),
        None => Ok(()),
    }
}

fn ensure_names(config: &ChainConfig) -> Result<(), ConfigError> {
    let is_name = |name: &str| {
        let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        first
            && name.len() <= NAME_BYTES_MAX
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let mut seen = BTreeSet::new();
    let refused = |field: &str, expected, found: &str| {
        Err(ConfigError::Field { field: field.to_owned(), expected, found: short(found) })
    };
    if config.name.is_empty() || config.name.len() > NAME_BYTES_MAX {
        return refused("name", "1 to 64 bytes of text", &config.name);
    }
    if config.name.chars().any(char::is_control) || config.note.chars().any(char::is_control) {
        return refused("name, note", "text without control characters", &config.name);
    }
    if config.names.is_empty() {
        return refused("names", "at least one name for the command line", "none");
    }
    for name in &config.names {
        if !is_name(name) || !seen.insert(name) {
            let expected =
                "different names of a to z, 0 to 9 and -, at most 64 bytes, a letter first";
            return refused("names", expected, name);
        }
    }
    for fork in &config.forks {
        if !is_name(&fork.name) {
            return refused("forks.name", "a to z, 0 to 9 and -, a letter first", &fork.name);
        }
    }
    Ok(())
}

/// Blocks ascend among blocks, and times among times; which of a block and a time is first the file
/// does not tell.
fn ordered(
    field: &'static str,
    entries: impl Iterator<Item = (String, Since)>,
) -> Result<(), ConfigError> {
    let (mut block, mut time) = (Since::Block(0), Since::Time(0));
    for (name, since) in entries {
        let former = match since {
            Since::Block(_) => &mut block,
            Since::Time(_) => &mut time,
        };
        let falls = match (since, *former) {
            (Since::Block(since), Since::Block(former))
            | (Since::Time(since), Since::Time(former)) => since < former,
            _ => false,
        };
        if falls {
            return Err(ConfigError::Order { field, name, since, former: *former });
        }
        *former = since;
    }
    Ok(())
}

/// What was found, for an error.
pub(crate) fn short(text: &str) -> String {
    format!("`{}`", text.chars().take(80).collect::<String>().escape_debug())
}

#[cfg(test)]
mod tests;
