//! By which contract is paid, and in which token: whoever wrote the file chose those in it.

use chaos_chains::{Address, Contract, EvmChain, made_at};
use chaos_programs::paying::PayPlan;

use crate::{
    args::StepArgs,
    commands::deployment,
    exit::{Failure, Kind},
};

/// What can be done about another distributor.
const DISTRIBUTOR_HINT: &str = "under a distributor's code whoever made it can have written distributions of their own, which take \
    what you fund, and payments that never were; one that you know you name by --distributor, or by the --deployment that it is in";

/// What can be done about another token.
const TOKEN_HINT: &str = "whatever it calls itself, anybody can have made it: one that you pay in you name by --token, or by the \
    --deployment that it is in";

/// A payment is by the distributor that its reader names, else the one of the reader's deployment, else the one whose
/// address follows from its code, since code shows nothing of what is stored. It is in the token that the reader
/// names, else the deployment's; where there is neither, in the file's.
pub(super) async fn ensure(
    chain: &EvmChain,
    plan: &PayPlan,
    args: &StepArgs,
) -> Result<(), Failure> {
    let distributor = Contract::RewardDistributor;
    let (by, own) = match known(chain, distributor, args.distributor, args).await? {
        Some(known) => known,
        None => ("its code".to_owned(), made_at(distributor).unwrap_or_default()),
    };
    if own != plan.distributor {
        let reason =
            format!("it is by distributor {:#x}, and {by} says {own:#x}", plan.distributor);
        return Err(Failure::message(Kind::Input, reason).hint(DISTRIBUTOR_HINT));
    }
    chain.ensure_made_of(distributor, own).await?;
    match known(chain, Contract::Token, args.token, args).await? {
        Some((by, own)) if own != plan.token => {
            let reason = format!("it is in token {:#x}, and {by} says {own:#x}", plan.token);
            Err(Failure::message(Kind::Input, reason).hint(TOKEN_HINT))
        }
        Some(_) | None => Ok(()),
    }
}

/// The reader says which token it is. What is logged as paid is paid for ever, in whatever token.
pub(super) fn ensure_token_named(args: &StepArgs) -> Result<(), Failure> {
    let is_deployed = deployment::read(&args.deployment)?
        .is_some_and(|known| known.contracts.contains_key(&Contract::Token));
    if args.token.is_some() || is_deployed {
        return Ok(());
    }
    let file = args.deployment.display();
    let reason = format!("neither --token nor {file} says in which token you pay");
    let hint =
        "a payment that is logged ends its outcome: name its token by --token, once you know it";
    Err(Failure::message(Kind::Input, reason).hint(hint))
}

/// Where a contract is that the reader knows, and by what: by an option, or the deployment's if it has one.
async fn known(
    chain: &EvmChain,
    contract: Contract,
    named: Option<Address>,
    args: &StepArgs,
) -> Result<Option<(String, Address)>, Failure> {
    let file = &args.deployment;
    if let Some(own) = named {
        let option = if contract == Contract::Token { "--token" } else { "--distributor" };
        return Ok(Some((option.to_owned(), own)));
    }
    if !deployment::read(file)?.is_some_and(|known| known.contracts.contains_key(&contract)) {
        return Ok(None);
    }
    let own = deployment::contract(chain, contract, None, file).await?;
    Ok(Some((file.display().to_string(), own)))
}
