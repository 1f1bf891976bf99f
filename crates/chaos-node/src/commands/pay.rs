//! `chaoschain pay`.

mod amount;
mod claim;
mod fund;
mod own;
mod plan;
mod refund;
mod unit;
mod unpaid;

use std::{path::Path, process::ExitCode};

use chaos_chains::{B256, EvmChain, TokenUnit, U256};
use chaos_programs::paying::{Due, PAYMENT_BYTES_MAX, PayPlan};

use crate::{
    args::{PayArgs, PayCommand, StepArgs},
    commands::deployment,
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
};

/// The contract takes no shorter time.
const DAYS_MIN: u32 = 90;
const DAY_S: u32 = 24 * 60 * 60;
const REFUND_AFTER_MIN_S: u32 = DAYS_MIN * DAY_S;

pub(crate) fn run(args: &PayArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        PayCommand::Plan(args) => plan::run(args),
        PayCommand::Fund(args) => fund::run(args),
        PayCommand::Claim(args) => claim::run(args),
        PayCommand::Refund(args) => refund::run(args),
    }
}

/// A payment by its file, on its own chain and by the distributor that its reader knows.
async fn read(chain: &EvmChain, args: &StepArgs) -> Result<PayPlan, Failure> {
    let path = &args.payment;
    let named = |failure: Failure| deployment::named(failure, path);
    let bytes = chaos_files::read(path, PAYMENT_BYTES_MAX)
        .or_fail(Kind::Input)
        .map_err(|failure| failure.hint("`chaoschain pay plan` writes it; name it by --payment"))?;
    let plan = PayPlan::parse(&bytes).or_fail(Kind::Input).map_err(named)?;
    let found = chain.first_block().await?;
    if plan.chain != *chain.chain_id() || B256::from(plan.genesis) != found {
        let reason = format!(
            "it is of {} with first block {}, this is {} with first block {found}",
            plan.chain,
            B256::from(plan.genesis),
            chain.chain_id()
        );
        return Err(named(Failure::message(Kind::Input, reason)));
    }
    if let Some(found) = plan.refund_after_s.filter(|after_s| *after_s < REFUND_AFTER_MIN_S) {
        let reason =
            format!("refund_after_s is {found}, the distributor takes at least 90 days, or none");
        return Err(named(Failure::message(Kind::Input, reason)));
    }
    own::ensure(chain, &plan, args).await.map_err(named)?;
    Ok(plan)
}

/// Who is paid by a file is who the log says, where the data directory has the outcome: otherwise the log would
/// refuse afterwards what was paid for. What it cannot say is said.
fn ensure_of_log(plan: &PayPlan, data: &Path, path: &Path) -> Result<(), Failure> {
    let is_known = match ledger::read_if_any(data)? {
        Some(ledger) => {
            let checked = plan.ensure_of(&ledger).map_err(Failure::from);
            checked.map_err(|failure| deployment::named(failure, path).hint("nothing was sent"))?
        }
        None => false,
    };
    if !is_known {
        output::tell(format_args!(
            "no log here has outcome {}: who gets what is the word of whoever wrote {}",
            plan.outcome,
            path.display()
        ));
    }
    Ok(())
}

/// What can be done where a distribution has nothing left and not everybody was paid.
const WENT_BACK: &str = "nothing is left in this distribution: what nobody claimed went back to its funder, and the distributor takes an \
    outcome from each funder once. What is to be paid still takes another account: plan anew (`chaoschain pay plan`), and fund \
    by that account's key";

/// What is known of the unit that a step's amounts are in, where it is needed for something.
fn asked<'a>(args: &'a StepArgs, needed_for: Option<&'static str>) -> unit::Asked<'a> {
    unit::Asked { deployment: &args.deployment, decimals: args.unit.decimals, needed_for }
}

/// Who gets what of which token, in the token's own unit, and by which contract, before anything is sent: the file
/// may be another's.
fn foretell(
    plan: &PayPlan,
    (unit, source): (&TokenUnit, unit::Source),
    total: U256,
) -> Result<(), Failure> {
    for Due { account, amount, .. } in plan.due()? {
        output::say(format_args!("{account:#x} gets {}", unit.amount(amount)));
    }
    output::say(format_args!("in token {unit}"));
    output::say(format_args!("{} in all, {total} of its smallest units", unit.amount(total)));
    output::say(source.said());
    output::say(format_args!("by distributor {:#x}", plan.distributor));
    Ok(())
}

/// When the rest is the funder's. It is fixed for good, and the only line of the file about the funder's own money.
fn term(refund_after_s: Option<u32>) -> String {
    match refund_after_s {
        None => "what nobody claims never comes back".to_owned(),
        Some(after_s) if after_s % DAY_S == 0 => {
            format!("what nobody claims comes back after {} days, by `pay refund`", after_s / DAY_S)
        }
        Some(after_s) => {
            format!("what nobody claims comes back after {after_s} seconds, by `pay refund`")
        }
    }
}

/// Who funded it, which `pay fund` writes into the file.
fn funder(plan: &PayPlan, path: &Path) -> Result<chaos_chains::Address, Failure> {
    plan.funder.ok_or_else(|| {
        let reason = format!("{} does not say who funded it", path.display());
        Failure::message(Kind::Input, reason).hint("`chaoschain pay fund` funds it and writes that")
    })
}
