//! `chaoschain pay claim`.

use std::process::ExitCode;

use chaos_chains::{
    Address, Claim, Error, EvmChain, Signer, TokenUnit, TxSummary, U256, distribution_id,
};
use chaos_ledger::OPERATOR;
use chaos_programs::{
    paying::{Due, Paid, PayPlan, Refused, ensure_unpaid, record_payment},
    proposing,
};
use serde_json::json;

use super::{amount, ensure_of_log, foretell, fund::is_key_used, funder, own, read};
use crate::{
    args::ClaimArgs,
    commands::sending::{connect, outbox, planned, signer},
    exit::{Failure, Kind},
    ledger, output, runtime,
};

/// What became of one share.
struct Share {
    due: Due,
    end: End,
}

enum End {
    /// Claimed from here.
    Here(TxSummary),
    /// Claimed by somebody else, before.
    Elsewhere(TxSummary),
    /// Not paid, and why.
    Refused(String),
}

impl Share {
    /// The transaction that paid it.
    const fn paid(&self) -> Option<&TxSummary> {
        match &self.end {
            End::Here(by) | End::Elsewhere(by) => Some(by),
            End::Refused(_) => None,
        }
    }
}

/// A payment, and who claims from it.
struct Claiming<'a> {
    chain: EvmChain,
    settling: EvmChain,
    signer: &'a Signer,
    plan: &'a PayPlan,
    funder: Address,
}

pub(super) fn run(args: &ClaimArgs) -> Result<ExitCode, Failure> {
    let step = &args.step;
    let outbox = outbox(&step.send)?;
    let signer = signer(&step.send.key)?;
    runtime::single()?.block_on(async {
        let chain = connect(&step.send.chain, outbox).await?;
        let plan = read(&chain, step).await?;
        let from = funder(&plan, &step.payment)?;
        let unit = chain.token_unit(plan.token).await?;
        if args.record {
            ensure_recordable(args, &plan)?;
            own::ensure_token_named(step)?;
            chain.ensure_claims_provable(plan.distributor).await?;
        }
        ensure_of_log(&plan, &step.send.data.data, &step.payment)?;
        amount::ensure(args, &plan, &unit, signer.address())?;
        if args.record {
            amount::tell_others(&chain, &plan, from, &step.send.data.data).await?;
        }
        foretell(&plan, &unit, U256::from(plan.funding()?.total))?;
        let settling = chain.settling()?;
        let claiming = Claiming { chain, settling, signer: &signer, plan: &plan, funder: from };
        let mut shares = Vec::new();
        let stopped = claiming.all(plan.due()?, &mut shares).await;
        report(args, &unit, &shares)?;
        if let Err(error) = stopped {
            return planned(&claiming.chain, error, step.send.json);
        }
        claiming.ensure_all(&shares).await?;
        if args.record {
            claiming.record(args, &shares).await?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// What the log would not admit is said before anything is paid.
fn ensure_recordable(args: &ClaimArgs, plan: &PayPlan) -> Result<(), Failure> {
    let ledger = ledger::open(&args.step.send.data.data)?;
    ledger.operator_for(chaos_agency::action::Pay::KIND)?;
    ledger.ensure_clock()?;
    ensure_unpaid(&ledger, plan.outcome)?;
    if plan.ensure_of(&ledger)? {
        return Ok(());
    }
    let unknown = Refused::NoOutcome { receipt: plan.outcome };
    Err(chaos_programs::Error::from(unknown).into())
}

/// Whether a contract's refusal is about this share alone, so that the next one is gone on with.
const fn is_of_the_share(error: &Error) -> bool {
    matches!(
        error,
        Error::Reverted { .. }
            | Error::Failed { .. }
            | Error::Unvouched(_)
            | Error::Contradicted(_)
            | Error::Rejected { .. }
            | Error::GasOverstated { .. }
            | Error::GasUnderstated { .. }
    )
}

impl Claiming<'_> {
    /// Claims every share that nobody has claimed yet, and then waits until each is as sure as is asked for. What
    /// this account claimed before is answered; one that is refused keeps the others from nothing.
    async fn all(&self, due: Vec<Due>, shares: &mut Vec<Share>) -> Result<(), Error> {
        let mut sent = Vec::with_capacity(due.len());
        let mut stopped = Ok(());
        for due in due {
            let claimed = self.claim(&self.chain, &due).await;
            match claimed {
                Err(error) if !is_of_the_share(&error) => {
                    stopped = Err(error);
                    break;
                }
                claimed => sent.push((due, claimed)),
            }
        }
        for (due, claimed) in sent {
            let end = match claimed {
                // Nothing more is asked of a node that does not answer.
                Ok(by) if stopped.is_err() => End::Here(by),
                Ok(_) => match self.claim(&self.settling, &due).await {
                    Ok(by) => End::Here(by),
                    Err(error) if is_of_the_share(&error) => End::Refused(error.to_string()),
                    Err(error) => {
                        stopped = Err(error);
                        continue;
                    }
                },
                Err(Error::Reverted { reason, .. })
                    if reason.starts_with("AlreadyClaimed") && stopped.is_ok() =>
                {
                    match self.by_another(&due).await {
                        Ok(end) => end,
                        Err(error) => {
                            stopped = Err(error);
                            continue;
                        }
                    }
                }
                Err(error) => End::Refused(error.to_string()),
            };
            shares.push(Share { due, end });
        }
        stopped
    }

    /// Every share is paid.
    async fn ensure_all(&self, shares: &[Share]) -> Result<(), Failure> {
        let unpaid = shares.iter().filter(|share| share.paid().is_none()).count();
        if unpaid == 0 {
            return Ok(());
        }
        let id = distribution_id(self.funder, *self.plan.outcome.as_bytes());
        let remaining = self.chain.remaining(self.plan.distributor, id).await.ok();
        let reason = format!("{unpaid} of {} shares are not paid", shares.len());
        let hint = if remaining == Some(0) {
            "nothing is left in this distribution: what nobody claimed went back to its funder. What is to be paid still has \
             to be funded anew"
        } else {
            "the same command tries these again, and pays no other twice; after the deadline `pay refund` takes back \
             what nobody could claim"
        };
        Err(Failure::message(Kind::Outside, reason).hint(hint))
    }

    async fn claim(&self, chain: &EvmChain, due: &Due) -> Result<TxSummary, Error> {
        chain.claim(self.plan.distributor, self.signer, &self.leaf(due)).await
    }

    fn leaf<'a>(&self, due: &'a Due) -> Claim<'a> {
        let distribution_id = distribution_id(self.funder, *self.plan.outcome.as_bytes());
        let Due { account, amount, proof, .. } = due;
        Claim { distribution_id, account: *account, amount: *amount, proof }
    }

    /// By whom a share was claimed of which the node says that it was.
    async fn by_another(&self, due: &Due) -> Result<End, Error> {
        let (distributor, leaf) = (self.plan.distributor, self.leaf(due));
        Ok(match self.settling.claiming_transaction(distributor, &leaf).await? {
            Some(by) => End::Elsewhere(by),
            None => {
                let url = self.chain.url();
                End::Refused(format!("{url} says that it was claimed, and shows no event of it"))
            }
        })
    }

    /// The transaction that funded it, by the journal if that has it, and by the chain's event otherwise.
    async fn funding(&self) -> Result<TxSummary, Error> {
        let (distributor, funding) = (self.plan.distributor, self.plan.funding());
        let key = *self.plan.outcome.as_bytes();
        // What is not there is not funded by the way.
        self.settling.remaining(distributor, distribution_id(self.funder, key)).await?;
        if self.signer.address() == self.funder
            && let Ok(funding) = funding
        {
            let created = self.settling.create_distribution(distributor, self.signer, &funding);
            match created.await {
                Ok(created) => return Ok(created.transaction),
                Err(error) if is_key_used(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let found = self.settling.funding_transaction(distributor, self.funder, key).await?;
        found.ok_or_else(|| Error::NoEvent {
            url: self.chain.url().to_owned(),
            what: "the distribution's funding",
        })
    }

    /// Logs the payment.
    async fn record(&self, args: &ClaimArgs, shares: &[Share]) -> Result<(), Failure> {
        let claims = shares.iter().filter_map(Share::paid).copied();
        let by: Vec<TxSummary> = std::iter::once(self.funding().await?).chain(claims).collect();
        let id = distribution_id(self.funder, *self.plan.outcome.as_bytes());
        let paid = Paid::shown(&self.settling, self.plan, id, &by).await?;
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
}

fn report(args: &ClaimArgs, unit: &TokenUnit, shares: &[Share]) -> Result<(), Failure> {
    for share in shares {
        let (account, amount) = (share.due.account, share.due.amount);
        let by = share.paid();
        if args.step.send.json {
            let refused = match &share.end {
                End::Refused(reason) => Some(reason),
                End::Here(_) | End::Elsewhere(_) => None,
            };
            output::json(&json!({
                "account": format!("{account:#x}"),
                "amount": amount.to_string(),
                "transaction": by.map(|by| format!("{:#x}", by.hash)),
                "block_number": by.map(|by| by.block_number.to_string()),
                "is_from_here": matches!(share.end, End::Here(_)),
                "refused": refused,
            }))?;
            continue;
        }
        output::line(format_args!("{account:#x}  {}", unit.amount(amount)));
        match &share.end {
            End::Here(by) => output::line(format_args!("  transaction  {:#x}", by.hash)),
            End::Elsewhere(by) => {
                output::line(format_args!("  transaction  {:#x}", by.hash));
                output::line("  was claimed before, not from here, as the node says");
            }
            End::Refused(reason) => output::sentence(format_args!("  not paid: {reason}")),
        }
    }
    if !args.step.send.json && !shares.is_empty() {
        output::line(format_args!("token {unit}"));
    }
    Ok(())
}
