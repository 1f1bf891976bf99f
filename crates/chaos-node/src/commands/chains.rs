//! `chaoschain chains`.

use std::process::ExitCode;

use chaos_chain_config::{ChainConfig, Era, Fork, Since};
use chaos_parameters::{Family, pricing::BaseFeeRule};
use serde_json::{Value, json};

use crate::{
    args::ChainsArgs,
    chains::{chain_id, read_config},
    exit::{Failure, Kind},
    output,
};

const NOT_KNOWN: &str = "not known";

pub(crate) fn run(args: &ChainsArgs) -> Result<ExitCode, Failure> {
    let wanted = args.chain.as_deref().map(chain_id).transpose()?;
    let config = read_config(&args.config, wanted.as_ref())?;
    let one = match (config, &wanted) {
        (Some(config), _) => Some(config),
        (None, None) => None,
        (None, Some(chain)) => {
            let found = chain.evm_number().and_then(ChainConfig::of);
            Some(found.ok_or_else(|| {
                Failure::message(Kind::Input, format!("{chain} is not built in")).hint(
                    "`chaoschain chains` lists those that are; --chain-config FILE brings another",
                )
            })?)
        }
    };
    match (one, args.json) {
        (Some(chain), true) => output::json(&as_json(chain))?,
        (Some(chain), false) => whole(chain),
        (None, true) => {
            output::json(&Value::Array(ChainConfig::all().iter().map(as_json).collect()))?;
        }
        (None, false) => list(),
    }
    Ok(ExitCode::SUCCESS)
}

fn list() {
    let rows: Vec<_> = ChainConfig::all()
        .iter()
        .map(|chain| {
            vec![
                chain.names[0].clone(),
                chain.number.to_string(),
                chain.family.map_or("any", Family::as_str).to_owned(),
                chain.forks.last().map_or_else(|| NOT_KNOWN.to_owned(), |fork| fork.name.clone()),
                chain.eras.last().map_or_else(|| NOT_KNOWN.to_owned(), fee_rule),
                chain.execution.as_str().to_owned(),
            ]
        })
        .collect();
    output::table(&["chain", "number", "family", "newest fork", "fee rule", "execution"], &rows);
    output::sentence(
        "\n`chaoschain chains NAME` shows all of one, with what is not executed and the sources",
    );
}

/// The newest rule in a few words.
fn fee_rule(era: &Era) -> String {
    match (era.rules, era.in_extra_data) {
        (Some(rules), _) if rules.family() == Family::Arbitrum => "backlog".to_owned(),
        (Some(rules), said) => {
            let rule = BaseFeeRule::of(&rules);
            let numbers = format!("{}, {}", rule.elasticity_multiplier, rule.change_denominator);
            if said { format!("extra data, else {numbers}") } else { numbers }
        }
        (None, true) => "extra data".to_owned(),
        (None, false) => NOT_KNOWN.to_owned(),
    }
}

fn whole(chain: &ChainConfig) {
    output::sentence(format_args!("{}, eip155:{}\n", output::bold(&chain.name), chain.number));
    let time =
        chain.block_time_ms.map_or_else(|| NOT_KNOWN.to_owned(), |time| format!("{time} ms"));
    let facts = [
        ("names", chain.names.join(", ")),
        ("family", chain.family.map_or("any: a local chain copies one", Family::as_str).to_owned()),
        ("block time", time),
        ("execution", chain.execution.as_str().to_owned()),
    ];
    for (name, value) in facts {
        output::sentence(format_args!("  {name:<12} {value}"));
    }
    if !chain.note.is_empty() {
        output::sentence(format_args!("  {:<12} {}", "not here", chain.note));
    }
    output::sentence(format_args!(
        "\nforks{}",
        if chain.forks.is_empty() { ": not known" } else { "" }
    ));
    for Fork { name, ethereum, since, blobs } in &chain.forks {
        let rules = if name == ethereum { String::new() } else { format!(", runs {ethereum}") };
        let blobs =
            blobs.map_or_else(String::new, |b| format!(", {} blobs, at most {}", b.target, b.max));
        output::sentence(format_args!("  {name:<18} {since}{rules}{blobs}"));
    }
    output::sentence(format_args!(
        "\nfee rules{}",
        if chain.eras.is_empty() { ": not known" } else { "" }
    ));
    for era in &chain.eras {
        output::sentence(format_args!("  {:<18} {}", era.since.to_string(), about(era)));
    }
    for contract in &chain.contracts {
        output::sentence(format_args!(
            "\ncontract\n  {:<18} {} on eip155:{}",
            contract.name, contract.address, contract.chain
        ));
    }
    output::sentence("\nsources");
    for (about, source) in &chain.sources {
        output::sentence(format_args!("  {about:<12} {source}"));
    }
}

fn about(era: &Era) -> String {
    let rules = match era.rules {
        None if era.in_extra_data => "the numbers in each block's extra data".to_owned(),
        None => NOT_KNOWN.to_owned(),
        Some(rules) if rules.family() == Family::Arbitrum => {
            let targets: Vec<String> = rules
                .gas_targets()
                .map(|target| format!("{} Mgas/s", target.gas_per_second / 1_000_000))
                .collect();
            format!(
                "at least {} wei, by a backlog above {}",
                rules.min_base_fee_wei(),
                targets.join(", ")
            )
        }
        Some(rules) => {
            let BaseFeeRule { elasticity_multiplier, change_denominator, floor_wei } =
                BaseFeeRule::of(&rules);
            let floor =
                if floor_wei > 0 { format!(", at least {floor_wei} wei") } else { String::new() };
            let numbers = format!(
                "elasticity {elasticity_multiplier}, denominator {change_denominator}{floor}"
            );
            let without = if era.in_extra_data { "; a block's extra data wins" } else { "" };
            format!("{numbers}{without}")
        }
    };
    let footprint =
        if era.by_footprint { "; by the larger of gas use and data footprint" } else { "" };
    format!("{rules}{footprint}")
}

fn as_json(chain: &ChainConfig) -> Value {
    let since = |since: Since| match since {
        Since::Block(block) => json!({ "block": block }),
        Since::Time(time) => json!({ "time": time }),
    };
    let forks = chain.forks.iter().map(|fork| {
        let blobs = fork.blobs.map(|blobs| {
            json!({ "target": blobs.target, "max": blobs.max, "update_fraction": blobs.update_fraction })
        });
        json!({ "name": fork.name, "ethereum": fork.ethereum, "since": since(fork.since), "blobs": blobs })
    });
    let fees = chain.eras.iter().map(|era| {
        json!({
            "since": since(era.since),
            "parameters": era.rules,
            "in_extra_data": era.in_extra_data,
            "by_footprint": era.by_footprint,
        })
    });
    let contracts = chain.contracts.iter().map(|contract| {
        json!({
            "name": contract.name,
            "chain": format!("eip155:{}", contract.chain),
            "address": contract.address,
        })
    });
    json!({
        "chain": format!("eip155:{}", chain.number),
        "name": chain.name,
        "names": chain.names,
        "family": chain.family,
        "block_time_ms": chain.block_time_ms,
        "execution": chain.execution.as_str(),
        "not_here": chain.note,
        "forks": forks.collect::<Vec<_>>(),
        "fees": fees.collect::<Vec<_>>(),
        "contracts": contracts.collect::<Vec<_>>(),
        "sources": chain.sources,
    })
}
