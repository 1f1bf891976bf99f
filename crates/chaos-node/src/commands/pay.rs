//! `chaoschain pay`.

mod claim;
mod fund;
mod plan;
mod refund;

use std::{path::Path, process::ExitCode};

use chaos_chains::{B256, Contract, EvmChain, U256, sending::decimal};
use chaos_programs::paying::{PAYMENT_BYTES_MAX, PayPlan};

use crate::{
    args::{PayArgs, PayCommand},
    commands::deployment,
    exit::{Failure, Kind, OrFail as _},
};

/// Decimals of a token of ours.
const DECIMALS: usize = 18;

pub(crate) fn run(args: &PayArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        PayCommand::Plan(args) => plan::run(args),
        PayCommand::Fund(args) => fund::run(args),
        PayCommand::Claim(args) => claim::run(args),
        PayCommand::Refund(args) => refund::run(args),
    }
}

/// A payment by its file, on its own chain and of a distributor that is ours.
async fn read(chain: &EvmChain, path: &Path) -> Result<PayPlan, Failure> {
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
    chain.ensure_made_of(Contract::RewardDistributor, plan.distributor).await?;
    Ok(plan)
}

/// Who funded it, which `pay fund` writes into the file.
fn funder(plan: &PayPlan, path: &Path) -> Result<chaos_chains::Address, Failure> {
    plan.funder.ok_or_else(|| {
        let reason = format!("{} does not say who funded it", path.display());
        Failure::message(Kind::Input, reason).hint("`chaoschain pay fund` funds it and writes that")
    })
}

fn tokens(amount: U256) -> String {
    decimal(amount, DECIMALS)
}
