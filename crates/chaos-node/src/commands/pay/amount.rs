//! How much is paid: whoever wrote the file, and funded what it says, chose that.

use std::{path::Path, time::Duration};

use chaos_chains::{Address, EvmChain, TokenUnit, U256};
use chaos_programs::paying::PayPlan;

use super::plan::pool;
use crate::{
    args::ClaimArgs,
    commands::deployment,
    exit::{Failure, Kind},
    ledger, output,
};

/// How long a node is asked what else stands in the distributor under the same key.
const SEARCH: Duration = Duration::from_secs(20);
/// Others who funded something under the same key, of whom it is told at most. Anybody may.
const TOLD_MAX: usize = 3;

/// The payment is of the amount that the reader names. One that is logged has to be of an amount that somebody here chose:
/// by `--pool`, or by funding it from the account that claims, in whose name nobody else can.
pub(super) fn ensure(
    args: &ClaimArgs,
    plan: &PayPlan,
    unit: &TokenUnit,
    account: Address,
) -> Result<(), Failure> {
    let path = &args.step.payment;
    let divided = unit.amount(U256::from(plan.pool()));
    let Some(text) = &args.pool else {
        if !args.record || plan.funder == Some(account) {
            return Ok(());
        }
        let reason = format!(
            "it divides {divided} of another account's, and nobody here says how much is to be paid"
        );
        let hint = "a payment that is logged ends its outcome, and anybody can fund as little as he likes: name what all \
                    are to get by --pool, in whole tokens";
        return Err(deployment::named(Failure::message(Kind::Input, reason), path).hint(hint));
    };
    if pool(text, unit)? == plan.pool() {
        return Ok(());
    }
    let reason = format!("it divides {divided}, and --pool says {}", text.escape_debug());
    let hint = "nothing was sent; it is somebody's payment of another amount, and pays for nothing of yours";
    Err(deployment::named(Failure::message(Kind::Input, reason), path).hint(hint))
}

/// Tells who else has funded something under the outcome's key: the payment that was agreed on may be another one.
pub(super) async fn tell_others(
    chain: &EvmChain,
    plan: &PayPlan,
    funder: Address,
    data: &Path,
) -> Result<(), Failure> {
    let ended_in = match ledger::read_if_any(data)? {
        Some(ledger) => plan.ended_in(&ledger)?,
        None => None,
    };
    let funding = plan.funding()?;
    let asked = chain.funders(plan.distributor, &funding, ended_in);
    let Ok(Ok(funders)) = tokio::time::timeout(SEARCH, asked).await else {
        output::tell(
            "whether somebody else has funded this outcome is not known: the node gives no events",
        );
        return Ok(());
    };
    let others = funders.into_iter().filter(|(other, _)| *other != funder);
    for (other, is_same) in others.take(TOLD_MAX) {
        let what = if is_same { "the same payment" } else { "another amount or token" };
        output::tell(format_args!("{other:#x} has funded this outcome too, {what}"));
    }
    Ok(())
}
