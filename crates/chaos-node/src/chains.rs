//! Which chain is meant: by name, by number, or by a chain config that somebody brings.

use std::fs;

use anyhow::Context as _;
use chaos_chain_config::{CONFIG_BYTES_MAX, ChainConfig};
use chaos_history::Rules;
use chaos_parameters::Family;
use chaos_types::ChainId;

use crate::{
    args::{BlockSource, ChainConfigArgs},
    exit::{Failure, Kind, OrFail as _},
    output,
};

/// The chain of a text such as `base` or `eip155:8453`.
pub(crate) fn chain_id(text: &str) -> Result<ChainId, Failure> {
    if text.contains(':') {
        return text.parse().or_fail(Kind::Input).map_err(|error| error.context("--chain"));
    }
    if let Some(chain) = ChainConfig::named(text) {
        return Ok(ChainId::evm(chain.number));
    }
    let shown: String = text.chars().take(80).collect();
    let what = format!("--chain: no chain is called `{shown}`");
    let hint = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("a chain by its number is eip155:{text}")
    } else {
        let names: Vec<&str> =
            ChainConfig::all().iter().map(|chain| chain.names[0].as_str()).collect();
        format!(
            "known are {}; any other is named by its number, such as eip155:777",
            names.join(", ")
        )
    };
    Err(Failure::message(Kind::Input, what).hint(hint))
}

/// The chain config that the command line names, if it names one; `wanted` is the chain that it has to be
/// of. It is read once and lives as long as the program.
pub(crate) fn read_config(
    args: &ChainConfigArgs,
    wanted: Option<&ChainId>,
) -> Result<Option<&'static ChainConfig>, Failure> {
    let Some(path) = &args.chain_config else { return Ok(None) };
    let shown = path.display();
    let size = fs::metadata(path)
        .with_context(|| format!("--chain-config: cannot read {shown}"))
        .or_fail(Kind::Input)?;
    if !size.is_file() || size.len() > CONFIG_BYTES_MAX as u64 {
        let what =
            format!("--chain-config: {shown} is no file of at most {CONFIG_BYTES_MAX} bytes");
        return Err(Failure::message(Kind::Input, what));
    }
    let bytes = fs::read(path)
        .with_context(|| format!("--chain-config: cannot read {shown}"))
        .or_fail(Kind::Input)?;
    let config = ChainConfig::decode(&bytes)
        .with_context(|| format!("--chain-config: {shown}"))
        .or_fail(Kind::Input)
        .map_err(|error| {
            error.hint("docs/simulation/chains.md has the form; go-ethereum's genesis.json is read as well")
        })?;
    let found = ChainId::evm(config.number);
    if let Some(wanted) = wanted
        && *wanted != found
    {
        let what = format!("--chain is {wanted}, and {shown} is of {found}");
        return Err(Failure::message(Kind::Input, what));
    }
    if let Some(own) = ChainConfig::of(config.number) {
        output::say(format_args!(
            "{found} is by {shown}, not by what is built in for {} (`chaoschain chains {}`)",
            own.name, own.names[0]
        ));
    }
    Ok(Some(Box::leak(Box::new(config))))
}

/// Where blocks come from, with the chain config that the command line names.
pub(crate) fn with_config(
    source: &BlockSource,
    args: &ChainConfigArgs,
) -> Result<BlockSource, Failure> {
    let wanted = source.chain.as_deref().map(chain_id).transpose()?;
    let config = read_config(args, wanted.as_ref())?;
    Ok(BlockSource { config, ..source.clone() })
}

/// The family of a chain, if it is known.
pub(crate) fn family(chain: &ChainId, rules: Option<Rules>) -> Option<Family> {
    let built_in = || chain.evm_number().and_then(ChainConfig::of)?.family;
    rules.and_then(|rules| rules.family()).or_else(built_in)
}
