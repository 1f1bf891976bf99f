//! `chaoschain pay fund`.

use std::process::ExitCode;

use chaos_chains::{
    Address, B256, Claim, Error, EvmChain, Funding, Outbox, Signer, StandingDistribution,
    TokenUnit, U256, distribution_id,
};
use chaos_programs::paying::{Due, PayPlan};
use serde_json::json;

use super::{WENT_BACK, asked, ensure_of_log, foretell, read, term, unit, unpaid};
use crate::{
    args::{FundArgs, StepArgs},
    commands::{
        deployment,
        sending::{Explorer, connect, ensure_funds, outbox, planned, signer},
    },
    exit::{Failure, Kind},
    output, runtime,
};

/// A distribution that has its tokens, and by which transaction.
struct Funded {
    id: U256,
    hash: B256,
    block_number: u64,
    /// Whether this data directory has what was sent.
    is_from_here: bool,
    stands: StandingDistribution,
}

pub(super) fn run(args: &FundArgs) -> Result<ExitCode, Failure> {
    let FundArgs { beside, step: args } = args;
    let outbox = outbox(&args.send)?;
    let signer = signer(&args.send.key)?;
    runtime::single()?.block_on(async {
        let chain = connect(&args.send.chain, outbox).await?;
        let plan = read(&chain, args).await?;
        let (funding, account) = (plan.funding()?, signer.address());
        ensure_own(&chain, args, &plan, account).await?;
        ensure_of_log(&plan, &args.send.data.data, &args.payment)?;
        let needed = asked(args, Some("is funded"));
        let (unit, source) = unit::of(&chain, plan.token, &needed).await?;
        let total = U256::from(funding.total);
        foretell(&plan, (&unit, source), total)?;
        output::say(term(plan.refund_after_s));
        if !is_funded(&chain, &plan, &funding, account).await? {
            unpaid::ensure(&chain, &plan, account, beside, &args.send.data.data).await?;
            ensure_held(&chain, &plan, &funding, account, &unit).await?;
        }
        // It goes first into the file whose key it is: whoever is stopped goes on with the same one.
        if plan.funder.is_none() && !args.send.spend.dry_run {
            ensure_payable(args, &signer, &plan, &funding).await?;
            deployment::write_text(&args.payment, &plan.funded_by(account).to_json())?;
        }
        let plan = read(&chain, args).await?;
        match funded(&chain, &signer, &plan, &funding).await {
            Ok(funded) => {
                report(args, &plan, &unit, &funded)?;
                ensure_payable_still(&chain, &plan, &funded).await?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                if matches!(&error, Error::Planned(plan) if plan.what.starts_with("approve")) {
                    output::say("and then createDistribution, of about 170000 gas");
                }
                planned(&chain, error, args.send.json)
            }
        }
    })
}

/// Nobody else is named as who funds it. Whether that account has, the distributor says.
async fn ensure_own(
    chain: &EvmChain,
    args: &StepArgs,
    plan: &PayPlan,
    account: Address,
) -> Result<(), Failure> {
    let Some(funder) = plan.funder.filter(|funder| *funder != account) else { return Ok(()) };
    let id = distribution_id(funder, *plan.outcome.as_bytes());
    let (has, hint) = match chain.remaining(plan.distributor, id).await {
        Ok(_) => ("has funded this outcome", "two funders of one outcome would pay twice"),
        Err(Error::Reverted { .. }) => (
            "was to fund it and has not yet, as the node says",
            "what it sent may still land, and two funders would pay twice. If it sends nothing any more, take `funder` out of \
             the file, or plan anew (`chaoschain pay plan`)",
        ),
        Err(error) => return Err(error.into()),
    };
    let reason = format!("{funder:#x} {has}, and the key is that of {account:#x}");
    Err(deployment::named(Failure::message(Kind::Input, reason), &args.payment).hint(hint))
}

/// What would be sent first could be paid for: an account that sends nothing is no funder.
async fn ensure_payable(
    args: &StepArgs,
    signer: &Signer,
    plan: &PayPlan,
    funding: &Funding,
) -> Result<(), Failure> {
    let planning = Outbox { plans_only: true, ..outbox(&args.send)? };
    let chain = connect(&args.send.chain, planning).await?;
    match chain.create_distribution(plan.distributor, signer, funding).await {
        Err(Error::Planned(first)) => ensure_funds(&chain, &[*first]),
        Ok(_) | Err(Error::UnderWay { .. }) => Ok(()),
        Err(error) if is_key_used(&error) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the account has given the pool already, on these terms.
async fn is_funded(
    chain: &EvmChain,
    plan: &PayPlan,
    funding: &Funding,
    account: Address,
) -> Result<bool, Failure> {
    match chain.standing_distribution(plan.distributor, account, funding).await {
        Ok(stands) if stands.is_as_funded => Ok(true),
        Ok(stands) => {
            let reason = format!(
                "{account:#x} has funded this outcome on other terms, of {} smallest units in all",
                stands.total
            );
            let hint = "nothing was sent; a funder pays for an outcome once, by the file that it used then";
            Err(Failure::message(Kind::Input, reason).hint(hint))
        }
        Err(Error::Reverted { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The account has the pool.
async fn ensure_held(
    chain: &EvmChain,
    plan: &PayPlan,
    funding: &Funding,
    account: Address,
    unit: &TokenUnit,
) -> Result<(), Failure> {
    let total = U256::from(funding.total);
    let held = chain.token_balance(plan.token, account).await?;
    if held >= total {
        return Ok(());
    }
    let (held, total) = (unit.amount(held), unit.amount(total));
    let reason = format!("{account:#x} holds {held}, the pool is {total}");
    Err(Failure::message(Kind::Input, reason).hint("nothing was sent"))
}

/// Funds it, unless it is: what this journal has is gone on with, what stands there from elsewhere is found.
async fn funded(
    chain: &EvmChain,
    signer: &Signer,
    plan: &PayPlan,
    funding: &Funding,
) -> Result<Funded, Error> {
    let (distributor, account) = (plan.distributor, signer.address());
    let id = distribution_id(account, funding.key);
    let in_block = chain.create_distribution(distributor, signer, funding).await;
    let settling = chain.settling()?;
    let (transaction, is_from_here) = match in_block {
        Ok(_) => {
            let created = settling.create_distribution(distributor, signer, funding).await?;
            (created.transaction, true)
        }
        Err(error @ Error::Reverted { .. }) if is_key_used(&error) => {
            let found = settling.funding_transaction(distributor, account, funding.key).await?;
            (found.ok_or(error)?, false)
        }
        Err(error) => return Err(error),
    };
    // What became of it since, the distributor says.
    let stands = settling.standing_distribution(distributor, account, funding).await?;
    let (hash, block_number) = (transaction.hash, transaction.block_number);
    Ok(Funded { id, hash, block_number, is_from_here, stands })
}

/// What was funded is there, or was paid: what went back pays nobody.
async fn ensure_payable_still(
    chain: &EvmChain,
    plan: &PayPlan,
    funded: &Funded,
) -> Result<(), Failure> {
    if funded.stands.remaining > 0 {
        return Ok(());
    }
    let due = plan.due()?;
    let mut unpaid = 0;
    for Due { account, amount, proof, .. } in &due {
        let distribution_id = funded.id;
        let leaf = Claim { distribution_id, account: *account, amount: *amount, proof };
        if !chain.is_claimed(plan.distributor, &leaf).await? {
            unpaid += 1;
        }
    }
    if unpaid == 0 {
        return Ok(());
    }
    let reason = format!("{unpaid} of {} shares are not paid, and nothing was sent", due.len());
    Err(Failure::message(Kind::Outside, reason).hint(WENT_BACK))
}

/// The distributor has something under this funder's key.
pub(super) fn is_key_used(error: &Error) -> bool {
    matches!(error, Error::Reverted { reason, .. } if reason.starts_with("KeyUsed"))
}

fn report(
    args: &StepArgs,
    plan: &PayPlan,
    unit: &TokenUnit,
    funded: &Funded,
) -> Result<(), Failure> {
    let Funded { id, hash, block_number, is_from_here, stands } = funded;
    let StandingDistribution { total, remaining, deadline_s, .. } = *stands;
    if args.send.json {
        return output::json(&json!({
            "event": "funded",
            "distribution_id": id.to_string(),
            "token": format!("{:#x}", plan.token),
            "total": total.to_string(),
            "remaining": remaining.to_string(),
            "deadline_s": deadline_s.map(|deadline_s| deadline_s.to_string()),
            "transaction": format!("{hash:#x}"),
            "block_number": block_number.to_string(),
        }));
    }
    let amount = |amount: u128| unit.amount(U256::from(amount));
    if remaining == total {
        let finality = args.send.spend.wait.finality;
        output::line(format_args!("{} are funded, {finality}", amount(total)));
    } else {
        let (total, left) = (amount(total), amount(remaining));
        output::line(format_args!("{total} were funded, {left} of it are left"));
        output::say("the rest was claimed, or went back to the funder");
    }
    output::line(format_args!("  distributor  {:#x}", plan.distributor));
    output::line(format_args!("  token        {:#x}", plan.token));
    output::line(format_args!("  number       {id:#x}"));
    output::line(match deadline_s {
        Some(deadline_s) => format!("  goes back    what is left, from second {deadline_s} on"),
        None => "  goes back    never".to_owned(),
    });
    output::line(format_args!("  transaction  {hash:#x}"));
    output::line(format_args!("  block        {block_number}"));
    if !is_from_here {
        output::say("it was funded before, not from this data directory");
    }
    Explorer::of(&args.send.chain)?.say_transaction(hash);
    Ok(())
}
