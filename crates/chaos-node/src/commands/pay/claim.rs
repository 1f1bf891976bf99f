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

use super::{
    WENT_BACK, amount, asked, ensure_of_log, foretell, fund::is_key_used, funder, own, read, unit,
};
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
    /// Claimed as the distributor says, and the node shows no event of it.
    Unseen(String),
    /// Not paid, why, and what to do.
    Refused(String, Option<String>),
}

impl End {
    fn refused(error: Error) -> Self {
        let reason = error.to_string();
        Self::Refused(reason, Failure::from(error).into_hint())
    }

    /// Why nothing is shown to be paid, and what to do.
    fn left(&self) -> Option<(&str, Option<&str>)> {
        match self {
            Self::Here(_) | Self::Elsewhere(_) => None,
            Self::Unseen(reason) => Some((reason, None)),
            Self::Refused(reason, hint) => Some((reason, hint.as_deref())),
        }
    }
}

impl Share {
    /// The transaction that paid it.
    const fn paid(&self) -> Option<&TxSummary> {
        match &self.end {
            End::Here(by) | End::Elsewhere(by) => Some(by),
            End::Unseen(_) | End::Refused(..) => None,
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
        let needed = asked(step, args.pool.as_ref().map(|_| "--pool is"));
        let (unit, source) = unit::of(&chain, plan.token, &needed).await?;
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
        foretell(&plan, (&unit, source), U256::from(plan.funding()?.total))?;
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

impl Claiming<'_> {
    /// Claims every share that nobody has claimed yet, and then waits until each is as sure as is asked for. What
    /// this account claimed before is answered; one that is refused keeps the others from nothing.
    async fn all(&self, due: Vec<Due>, shares: &mut Vec<Share>) -> Result<(), Error> {
        let mut sent = Vec::with_capacity(due.len());
        let mut stopped = Ok(());
        for due in due {
            let claimed = self.claim(&self.chain, &due).await;
            match claimed {
                Err(error) if !error.is_of_one_call() => {
                    stopped = Err(error);
                    break;
                }
                claimed => sent.push((due, claimed)),
            }
        }
        for (due, claimed) in sent {
            let end = match claimed {
                // Nothing more is asked of a node that does not answer.
                Ok(by) if stopped.is_err() => Ok(End::Here(by)),
                Ok(_) => match self.claim(&self.settling, &due).await {
                    Ok(by) => Ok(End::Here(by)),
                    Err(error) if error.is_of_one_call() => self.unclaimed(&due, error).await,
                    Err(error) => Err(error),
                },
                Err(error) if stopped.is_ok() => self.unclaimed(&due, error).await,
                Err(error) => Ok(End::refused(error)),
            };
            match end {
                Ok(end) => shares.push(Share { due, end }),
                Err(error) => stopped = Err(error),
            }
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
        let are_claimed = shares.iter().all(|share| !matches!(share.end, End::Refused(..)));
        if are_claimed {
            let reason = format!("{unpaid} of {} shares are not shown to be paid", shares.len());
            return Err(Failure::message(Kind::Outside, reason).hint(
                "the distributor says that they were claimed: another node, which --rpc-url names, may give its events \
                 (eth_getLogs). Fund nothing anew for that",
            ));
        }
        let hint = if remaining == Some(0) {
            WENT_BACK
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

    /// What is so of a share that could not be claimed: what the distributor has paid needs nobody's word, since nothing
    /// is signed for it.
    async fn unclaimed(&self, due: &Due, error: Error) -> Result<End, Error> {
        match self.settling.is_claimed(self.plan.distributor, &self.leaf(due)).await {
            Ok(true) => self.by_another(due).await,
            // There is no such distribution, or no such share in it.
            Ok(false) | Err(Error::Reverted { .. }) => Ok(End::refused(error)),
            Err(error) => Err(error),
        }
    }

    /// By whom a share was claimed of which the node says that it was.
    async fn by_another(&self, due: &Due) -> Result<End, Error> {
        let (distributor, leaf) = (self.plan.distributor, self.leaf(due));
        Ok(match self.settling.claiming_transaction(distributor, &leaf).await? {
            Some(by) => End::Elsewhere(by),
            None => {
                let url = self.chain.url();
                End::Unseen(format!("{url} says that it was claimed, and shows no event of it"))
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
            let left = share.end.left();
            output::json(&json!({
                "account": format!("{account:#x}"),
                "amount": amount.to_string(),
                "transaction": by.map(|by| format!("{:#x}", by.hash)),
                "block_number": by.map(|by| by.block_number.to_string()),
                "is_from_here": matches!(share.end, End::Here(_)),
                "refused": left.map(|(reason, _)| reason),
                "hint": left.and_then(|(_, hint)| hint),
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
            End::Unseen(reason) => output::sentence(format_args!("  not shown: {reason}")),
            End::Refused(reason, hint) => {
                output::sentence(format_args!("  not paid: {reason}"));
                if let Some(hint) = hint {
                    output::hint(hint);
                }
            }
        }
    }
    if !args.step.send.json && !shares.is_empty() {
        output::line(format_args!("token {unit}"));
    }
    Ok(())
}
