//! Whether somebody else has paid already.

use std::{path::Path, time::Duration};

use chaos_chains::{Address, Error, EvmChain, Funding};
use chaos_programs::paying::{PayPlan, ensure_unpaid};

use crate::{
    exit::{Failure, Kind},
    ledger, output,
};

/// How long a node is asked for events of other funders. A longer search is of a contract's whole history, where no
/// log says when the outcome was.
const SEARCH: Duration = Duration::from_secs(60);

/// Others who funded something else under the same key, of whom it is told at most. Anybody may.
const TOLD_MAX: usize = 3;

/// Nobody has paid for the outcome: not by the log here, and not by what the node shows of the distributor. What was
/// not looked at is said.
pub(super) async fn ensure(
    chain: &EvmChain,
    plan: &PayPlan,
    funding: &Funding,
    account: Address,
    data: &Path,
) -> Result<(), Failure> {
    let mut ended_in = None;
    if let Some(ledger) = ledger::read_if_any(data)? {
        ensure_unpaid(&ledger, plan.outcome)
            .map_err(|error| Failure::from(error).hint("nothing was sent"))?;
        ended_in = plan.ended_in(&ledger)?;
    }
    let asked = chain.funders(plan.distributor, funding, ended_in);
    let funders = match tokio::time::timeout(SEARCH, asked).await {
        Ok(Ok(funders)) => funders,
        Ok(Err(error @ (Error::EventsRefused { .. } | Error::Unsupported { .. }))) => {
            tell_unknown(&error.to_string());
            return Ok(());
        }
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => {
            let url = chain.url();
            tell_unknown(&format!("{url} has not given all events in {} s", SEARCH.as_secs()));
            return Ok(());
        }
    };
    let others = funders.into_iter().filter(|(funder, _)| *funder != account);
    let others: Vec<(Address, bool)> = others.collect();
    if let Some((funder, _)) = others.iter().find(|(_, is_same)| *is_same) {
        let reason = format!("{funder:#x} has funded this payment");
        let hint = "nothing was sent; a second distribution pays the same agents again. The first one is claimed with the \
                    `payment.json` of whoever funded it";
        return Err(Failure::message(Kind::Input, reason).hint(hint));
    }
    for (funder, _) in others.iter().take(TOLD_MAX) {
        output::tell(format_args!(
            "{funder:#x} has funded something for this outcome too, another amount or token"
        ));
    }
    Ok(())
}

fn tell_unknown(why: &str) {
    output::tell(format_args!("whether another account has funded this is not known: {why}"));
}
