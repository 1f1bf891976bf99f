//! `chaoschain pay claim`.

use std::process::ExitCode;

use chaos_chains::{Address, Claim, EvmChain, Signer, TxSummary, distribution_id};
use chaos_ledger::OPERATOR;
use chaos_programs::{
    paying::{Due, Paid, PayPlan, record_payment},
    proposing,
};
use serde_json::json;

use super::{funder, read, tokens};
use crate::{
    args::ClaimArgs,
    commands::sending::{connect, outbox, planned, signer},
    exit::{Failure, Kind},
    ledger, output, runtime,
};

/// What became of one share.
struct Claimed {
    due: Due,
    /// By which transaction; none if somebody else claimed it.
    by: Option<TxSummary>,
}

pub(super) fn run(args: &ClaimArgs) -> Result<ExitCode, Failure> {
    let step = &args.step;
    let outbox = outbox(&step.send)?;
    let signer = signer(&step.send.key)?;
    runtime::single()?.block_on(async {
        let chain = connect(&step.send.chain, outbox).await?;
        let plan = read(&chain, &step.payment).await?;
        let from = funder(&plan, &step.payment)?;
        if args.record {
            ensure_recordable(args, signer.address(), from)?;
            chain.ensure_claims_provable(plan.distributor).await?;
        }
        let in_block = match claim_all(&chain, &signer, &plan, from, plan.due()?).await {
            Ok(in_block) => in_block,
            Err(error) => return planned(&chain, error, step.send.json),
        };
        // All are in a block. Now until each is as sure as is asked for.
        let mut claimed = Vec::with_capacity(in_block.len());
        let settling = chain.settling()?;
        for Claimed { due, by } in in_block {
            let by = match by {
                Some(_) => Some(claim(&settling, &signer, &plan, from, &due).await?),
                None => None,
            };
            claimed.push(Claimed { due, by });
        }
        report(args, &claimed)?;
        if args.record {
            record(args, &chain, &signer, &plan, &claimed).await?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// What the log would not admit, or this account cannot show, is said before anything is paid.
fn ensure_recordable(args: &ClaimArgs, account: Address, funder: Address) -> Result<(), Failure> {
    if account != funder {
        let reason = format!(
            "--record takes the key of {funder:#x}, who funded it, to show its transaction"
        );
        return Err(Failure::message(Kind::Input, reason).hint("claim without --record"));
    }
    let ledger = ledger::open(&args.step.send.data.data)?;
    ledger.operator_for(chaos_agency::action::Pay::KIND)?;
    Ok(())
}

async fn claim(
    chain: &EvmChain,
    signer: &Signer,
    plan: &PayPlan,
    funder: Address,
    due: &Due,
) -> Result<TxSummary, chaos_chains::Error> {
    let distribution_id = distribution_id(funder, *plan.outcome.as_bytes());
    let Due { account, amount, proof, .. } = due;
    let claim = Claim { distribution_id, account: *account, amount: *amount, proof };
    chain.claim(plan.distributor, signer, &claim).await
}

/// Claims every share that nobody has claimed yet; what this account claimed before is answered.
async fn claim_all(
    chain: &EvmChain,
    signer: &Signer,
    plan: &PayPlan,
    funder: Address,
    due: Vec<Due>,
) -> Result<Vec<Claimed>, chaos_chains::Error> {
    let mut claimed = Vec::with_capacity(due.len());
    for due in due {
        let by = match claim(chain, signer, plan, funder, &due).await {
            Ok(sent) => Some(sent),
            Err(chaos_chains::Error::Reverted { reason, .. })
                if reason.starts_with("AlreadyClaimed") =>
            {
                None
            }
            Err(error) => return Err(error),
        };
        claimed.push(Claimed { due, by });
    }
    Ok(claimed)
}

fn report(args: &ClaimArgs, claimed: &[Claimed]) -> Result<(), Failure> {
    for Claimed { due, by } in claimed {
        let (account, amount) = (due.account, due.amount);
        if args.step.send.json {
            output::json(&json!({
                "account": format!("{account:#x}"),
                "amount": amount.to_string(),
                "transaction": by.map(|by| format!("{:#x}", by.hash)),
                "block_number": by.map(|by| by.block_number.to_string()),
            }))?;
            continue;
        }
        output::line(format_args!("{account:#x}  {}", tokens(amount)));
        match by {
            Some(by) => output::line(format_args!("  transaction  {:#x}", by.hash)),
            None => output::line("  was claimed before, not from here"),
        }
    }
    Ok(())
}

/// Logs the payment, if every transaction of it is known.
async fn record(
    args: &ClaimArgs,
    chain: &EvmChain,
    signer: &Signer,
    plan: &PayPlan,
    claimed: &[Claimed],
) -> Result<(), Failure> {
    let claims: Option<Vec<TxSummary>> = claimed.iter().map(|it| it.by).collect();
    let Some(claims) = claims.filter(|claims| !claims.is_empty()) else {
        let reason =
            "a share was claimed by somebody else, so that its transaction is not known here";
        let hint = "the money is paid; run it with the data directory that claimed the rest";
        return Err(Failure::message(Kind::Input, reason).hint(hint));
    };
    let funding = plan.funding()?;
    // The funder's own journal answers; nothing is sent.
    let settling = chain.settling()?;
    let funded = settling.create_distribution(plan.distributor, signer, &funding).await?;
    let by = [vec![funded.transaction], claims].concat();
    let paid = Paid::shown(&settling, plan, funded.distribution_id, &by).await?;
    let mut ledger = ledger::open(&args.step.send.data.data)?;
    ledger.operator_for(chaos_agency::action::Pay::KIND)?;
    let operator = proposing::Signer::of(&ledger, OPERATOR)?;
    let receipt = record_payment(&mut ledger, &operator, paid)?;
    if args.step.send.json {
        output::json(&json!({"event": "recorded", "receipt": receipt}))?;
    } else {
        output::line(format_args!("receipt  {receipt}"));
    }
    Ok(())
}
