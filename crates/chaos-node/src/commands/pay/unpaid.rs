//! Whether somebody else has paid already.

use std::{path::Path, time::Duration};

use chaos_chains::{Address, Claim, Error, EvmChain, StandingDistribution, distribution_id};
use chaos_programs::paying::{Due, PayPlan, ensure_unpaid};

use crate::{
    exit::{Failure, Kind},
    ledger, output,
};

/// How long a node is asked for events of other funders. A longer search is of a contract's whole history, where no
/// log says when the outcome was.
const SEARCH: Duration = Duration::from_secs(60);

/// Others who funded something else under the same key, of whom it is told at most. Anybody may.
const TOLD_MAX: usize = 3;

/// What became of what another account funded.
enum Became {
    /// It can be claimed.
    Open,
    /// It cannot, and somebody was paid from it.
    Paid,
    /// It cannot, and nobody was paid: it went back, or does when anybody asks for it.
    Nothing,
}

/// Nobody has paid for the outcome: not by the log here, and not by what the node shows of the distributor, but for
/// those beside whom somebody wants to pay. What was not looked at is said.
pub(super) async fn ensure(
    chain: &EvmChain,
    plan: &PayPlan,
    account: Address,
    beside: &[Address],
    data: &Path,
) -> Result<(), Failure> {
    let mut ended_in = None;
    if let Some(ledger) = ledger::read_if_any(data)? {
        ensure_unpaid(&ledger, plan.outcome)
            .map_err(|error| Failure::from(error).hint("nothing was sent"))?;
        ended_in = plan.ended_in(&ledger)?;
    }
    let others = others(chain, plan, account, ended_in).await?;
    for (funder, _) in
        others.iter().filter(|(funder, is_same)| *is_same && !beside.contains(funder))
    {
        ensure_over(chain, plan, *funder).await?;
    }
    tell_different(&others);
    Ok(())
}

/// Everybody else who funded something for the outcome, and whether the same. None where the node does not show it,
/// which is said.
async fn others(
    chain: &EvmChain,
    plan: &PayPlan,
    account: Address,
    ended_in: Option<u64>,
) -> Result<Vec<(Address, bool)>, Failure> {
    let funding = plan.funding()?;
    let asked = chain.funders(plan.distributor, &funding, ended_in);
    let funders = match tokio::time::timeout(SEARCH, asked).await {
        Ok(Ok(funders)) => funders,
        Ok(Err(error @ (Error::EventsRefused { .. } | Error::Unsupported { .. }))) => {
            tell_unknown(&error.to_string());
            return Ok(Vec::new());
        }
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => {
            let url = chain.url();
            tell_unknown(&format!("{url} has not given all events in {} s", SEARCH.as_secs()));
            return Ok(Vec::new());
        }
    };
    Ok(funders.into_iter().filter(|(funder, _)| *funder != account).collect())
}

/// Says who funded something else under the same key.
fn tell_different(others: &[(Address, bool)]) {
    for (funder, _) in others.iter().filter(|(_, is_same)| !is_same).take(TOLD_MAX) {
        output::tell(format_args!(
            "{funder:#x} has funded something for this outcome too, another amount or token"
        ));
    }
}

/// What another account funded paid nobody, and cannot any more.
async fn ensure_over(chain: &EvmChain, plan: &PayPlan, funder: Address) -> Result<(), Failure> {
    let stands = chain.standing_distribution(plan.distributor, funder, &plan.funding()?).await?;
    let StandingDistribution { total, remaining, .. } = stands;
    let said = match became(chain, plan, funder, &stands).await? {
        Became::Open => format!("{remaining} of {total} smallest units can be claimed"),
        Became::Paid => "somebody was paid from it, and the rest went back or can".to_owned(),
        Became::Nothing => {
            output::tell(format_args!(
                "{funder:#x} has funded this payment, and nobody was paid from it nor can be any more, as the \
                 node says"
            ));
            return Ok(());
        }
    };
    let reason = format!("{funder:#x} has funded this payment: {said}");
    let hint = format!(
        "nothing was sent; a second distribution pays the same agents again. The first one is claimed with the \
         `payment.json` of whoever funded it; to pay beside it, --beside {funder:#x}"
    );
    Err(Failure::message(Kind::Input, reason).hint(hint))
}

/// Whether anybody was paid by what another account funded, or can be.
async fn became(
    chain: &EvmChain,
    plan: &PayPlan,
    funder: Address,
    stands: &StandingDistribution,
) -> Result<Became, Failure> {
    let is_closed = match stands.deadline_s {
        Some(deadline_s) => deadline_s <= chain.newest_time_s().await?,
        None => false,
    };
    if stands.remaining > 0 && !is_closed {
        return Ok(Became::Open);
    }
    if stands.remaining == stands.total {
        return Ok(Became::Nothing);
    }
    let distribution_id = distribution_id(funder, *plan.outcome.as_bytes());
    for Due { account, amount, proof, .. } in plan.due()? {
        let leaf = Claim { distribution_id, account, amount, proof: &proof };
        if chain.is_claimed(plan.distributor, &leaf).await? {
            return Ok(Became::Paid);
        }
    }
    Ok(Became::Nothing)
}

fn tell_unknown(why: &str) {
    output::tell(format_args!("whether another account has funded this is not known: {why}"));
}
