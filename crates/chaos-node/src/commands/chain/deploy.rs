//! `chaoschain chain deploy`.

use std::process::ExitCode;

use chaos_chains::{
    Contract, Deployed, Deployment, Error, EvmChain, GovernorTerms, StackConfig, U256,
};
use serde_json::json;

use crate::{
    args::{DeployArgs, PartKind, TermsArgs},
    commands::{
        deployment,
        sending::{Explorer, connect, outbox, show_plans, signer},
    },
    exit::{Failure, Kind, OrFail as _},
    output, runtime,
};

/// One token of 18 decimals.
const TOKEN: u64 = 1_000_000_000_000_000_000;

pub(crate) fn run(args: &DeployArgs) -> Result<ExitCode, Failure> {
    let outbox = outbox(&args.send)?;
    let signer = signer(&args.send.key)?;
    runtime::single()?.block_on(async {
        let chain = connect(&args.send.chain, outbox).await?;
        let genesis = chain.first_block().await?;
        let mut on = match deployment::read(&args.deployment)? {
            Some(on) => on,
            None => Deployment::new(chain.chain_id().clone(), genesis),
        };
        on.ensure_chain(chain.chain_id(), genesis)
            .or_fail(Kind::Input)
            .map_err(|failure| deployment::named(failure, &args.deployment))?;
        // What a reorganisation took out of the chain is sent again before anything is held against the file.
        chain.go_on(Some(&signer)).await?;
        ensure_terms(&chain, args, &on).await?;
        enter_token(&chain, args, &mut on).await?;
        let (contracts, terms) = (contracts(args), terms(&args.terms));
        for contract in contracts.iter().filter(|_| !args.again) {
            chain.ensure_not_made(signer.address(), *contract, &terms, &on).await?;
        }
        ensure_executes(&chain, &contracts, &on).await?;
        if args.send.spend.dry_run {
            let account = signer.address();
            let plans = chain.plan_deployment(account, &contracts, &terms, &on).await?;
            if plans.is_empty() {
                return nothing_to_pay(args.send.json);
            }
            show_plans(&chain, &plans, args.send.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        for contract in &contracts {
            chain.deploy_contract(&signer, *contract, &terms, &mut on).await?;
            // Whoever is stopped here goes on from what is written.
            deployment::write(&args.deployment, &on)?;
        }
        // Each is in a block. Now until they are as sure as is asked for.
        let chain = chain.settling()?;
        for contract in &contracts {
            chain.deploy_contract(&signer, *contract, &terms, &mut on).await?;
        }
        deployment::write(&args.deployment, &on)?;
        report(args, &on)
    })
}

/// What is deployed, in the order in which each needs the one before.
fn contracts(args: &DeployArgs) -> Vec<Contract> {
    let is_asked = |part| args.parts.is_empty() || args.parts.contains(&part);
    let mut contracts = Vec::new();
    if is_asked(PartKind::Registry) {
        contracts.push(Contract::CheckpointRegistry);
    }
    if is_asked(PartKind::Governor) {
        contracts.extend([Contract::Token, Contract::Governor, Contract::ParameterRegistry]);
    }
    if is_asked(PartKind::Endpoint) {
        contracts.push(Contract::ProposalEndpoint);
    }
    if is_asked(PartKind::Distributor) {
        contracts.push(Contract::RewardDistributor);
    }
    contracts
}

/// Nothing is paid for where not all of it can be had: the parts that can are named.
async fn ensure_executes(
    chain: &EvmChain,
    contracts: &[Contract],
    on: &Deployment,
) -> Result<(), Failure> {
    chain.ensure_executes_each(contracts, on).await.map_err(|error| match error {
        Error::Unsupported { .. } => Failure::from(error)
            .hint("nothing was sent; `chaoschain chain deploy registry distributor` deploys the parts that older chains take"),
        error => error.into(),
    })
}

fn terms(args: &TermsArgs) -> StackConfig {
    let default = StackConfig::default();
    let tokens = |count: u64| U256::from(count) * U256::from(TOKEN);
    StackConfig {
        supply: args.supply.map_or(default.supply, tokens),
        voting_delay_blocks: args.voting_delay.unwrap_or(default.voting_delay_blocks),
        voting_period_blocks: args.voting_period.unwrap_or(default.voting_period_blocks),
        proposal_threshold: args.threshold.map_or(default.proposal_threshold, tokens),
        quorum_percent: args.quorum.unwrap_or(default.quorum_percent),
        timelock_s: args.timelock.unwrap_or(default.timelock_s),
    }
}

/// What is asked of a governor that is there already is what it has.
async fn ensure_terms(chain: &EvmChain, args: &DeployArgs, on: &Deployment) -> Result<(), Failure> {
    let Some(governor) = on.contracts.get(&Contract::Governor) else { return Ok(()) };
    let asked = &args.terms;
    let is_any = asked.voting_delay.is_some()
        || asked.voting_period.is_some()
        || asked.threshold.is_some()
        || asked.quorum.is_some()
        || asked.timelock.is_some()
        || asked.supply.is_some();
    if !is_any {
        return Ok(());
    }
    chain.ensure_code(Contract::Governor, governor).await?;
    let found: GovernorTerms = chain.governor_terms(governor.address).await?;
    let tokens = |count: Option<u64>| count.map(|count| U256::from(count) * U256::from(TOKEN));
    let rows = [
        ("--voting-delay", asked.voting_delay.map(U256::from), found.voting_delay_blocks),
        ("--voting-period", asked.voting_period.map(U256::from), found.voting_period_blocks),
        ("--threshold", tokens(asked.threshold), found.proposal_threshold),
        ("--quorum", asked.quorum.map(U256::from), found.quorum_percent),
        ("--timelock", asked.timelock.map(U256::from), found.timelock_s),
        ("--supply", tokens(asked.supply), found.supply),
    ];
    for (flag, wanted, found) in rows {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
            let reason = format!(
                "the governor in {} has {found} where {flag} says {wanted}",
                args.deployment.display()
            );
            let hint = "a governor's terms change by its votes; name another file by --deployment for another \
                        governor";
            return Err(Failure::message(Kind::Input, reason).hint(hint));
        }
    }
    Ok(())
}

/// A token that was there before.
async fn enter_token(
    chain: &EvmChain,
    args: &DeployArgs,
    on: &mut Deployment,
) -> Result<(), Failure> {
    let Some(address) = args.terms.token else { return Ok(()) };
    match on.contracts.get(&Contract::Token) {
        Some(known) if known.address == address => Ok(()),
        Some(known) => {
            let file = args.deployment.display();
            let reason = format!("the token in {file} is {:#x}, not {address:#x}", known.address);
            Err(Failure::message(Kind::Input, reason).hint("name another file by --deployment"))
        }
        None => {
            let code_hash = chain.code_hash(address).await?;
            if code_hash == chaos_chains::KECCAK256_EMPTY {
                let reason = format!("there is no contract at {address:#x}, which --token names");
                return Err(Failure::message(Kind::Input, reason));
            }
            on.contracts
                .insert(Contract::Token, Deployed { address, code_hash, transaction: None });
            Ok(())
        }
    }
}

fn nothing_to_pay(as_json: bool) -> Result<ExitCode, Failure> {
    if as_json {
        output::json(&json!({"event": "nothing_to_send"}))?;
    } else {
        output::line(
            "nothing would be signed or paid: all of it is on the chain, or in the journal",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn report(args: &DeployArgs, on: &Deployment) -> Result<ExitCode, Failure> {
    for (contract, Deployed { address, code_hash, transaction }) in &on.contracts {
        if args.send.json {
            output::json(&json!({
                "contract": contract,
                "address": format!("{address:#x}"),
                "code_hash": format!("{code_hash:#x}"),
                "transaction": transaction.map(|hash| format!("{hash:#x}")),
            }))?;
        } else {
            output::line(format_args!("{:<19} {address:#x}", contract.name()));
        }
    }
    if !args.send.json {
        output::line(format_args!("written to {}", args.deployment.display()));
        let explorer = Explorer::of(&args.send.chain)?;
        for deployed in on.contracts.values() {
            explorer.say_address(&deployed.address);
        }
    }
    Ok(ExitCode::SUCCESS)
}
