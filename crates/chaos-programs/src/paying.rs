//! Paying for an outcome by separate steps: who gets what, as a file that is handed on, and the receipt.

mod earned;
mod file;

use chaos_agency::{
    Action,
    action::{self, Payment},
    receipt::{Input, Product},
};
use chaos_chains::{
    Address, B256, EvmChain, Funding, PaidShare, PaymentClaim, StateProof, TxSummary, U256,
};
use chaos_incentives::Distribution;
use chaos_ledger::{Ledger, NewEntry};
use chaos_types::{ChainId, Did, Digest, canonical};

use crate::{
    Error,
    deciding::{amount, by},
    program::{Divide, Program as _, RewardDocument},
    proposing::Signer,
    reexecution::REWARDS,
    studio::Defined,
};

use self::earned::{Earned, Outcome};
pub use self::file::{PAYMENT_BYTES_MAX, PaymentFileError};

/// Who is paid what for an outcome, on which chain.
#[derive(Debug)]
pub struct PayPlan {
    /// The chain.
    pub chain: ChainId,
    /// The hash of its first block.
    pub genesis: [u8; 32],
    /// The token.
    pub token: Address,
    /// The distributor.
    pub distributor: Address,
    /// The receipt of what is paid for. It is the key under which the distributor takes it once.
    pub outcome: Digest,
    /// Seconds until the funder may take back the rest; without it nobody ever may.
    pub refund_after_s: Option<u32>,
    /// Who funded it, once somebody did.
    pub funder: Option<Address>,
    /// Pool and tasks.
    pub(crate) document: RewardDocument,
    /// The agents by account, in the order of their payments.
    pub(crate) payees: Vec<(Did, Address)>,
}

/// What is asked of a plan.
#[derive(Debug, Clone)]
pub struct PayTerms {
    /// The chain.
    pub chain: ChainId,
    /// The hash of its first block.
    pub genesis: [u8; 32],
    /// The token.
    pub token: Address,
    /// The distributor.
    pub distributor: Address,
    /// The receipt of what is paid for.
    pub outcome: Digest,
    /// What is divided, in the token's smallest unit.
    pub pool: u128,
    /// Seconds until the funder may take back the rest.
    pub refund_after_s: Option<u32>,
}

/// What an agent is due, with the way of its leaf to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The agent.
    pub agent: Did,
    /// Its account.
    pub account: Address,
    /// In the token's smallest unit.
    pub amount: U256,
    /// Sibling hashes from the leaf to the root.
    pub proof: Vec<[u8; 32]>,
}

/// Why an outcome is not paid for. Nothing was paid.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The receipt is no outcome of a vote in this log.
    #[error("{receipt} is no outcome of a vote in this log")]
    NoOutcome {
        /// The receipt.
        receipt: Digest,
    },
    /// What did not pass is not paid for.
    #[error("the vote of outcome {receipt} did not pass")]
    NotPassed {
        /// The receipt.
        receipt: Digest,
    },
    /// An outcome is paid once.
    #[error("outcome {outcome} was paid for before, by receipt {receipt}")]
    PaidBefore {
        /// The outcome.
        outcome: Digest,
        /// The payment.
        receipt: Digest,
    },
    /// Shares go by account: two agents at one would be one payee.
    #[error("agent {agent} has account {account:#x}, which is another agent's as well")]
    OneAccount {
        /// The agent.
        agent: Did,
        /// The account.
        account: Address,
    },
    /// Who is paid for a task is not who did it.
    #[error(
        "task `{task}` is not one that outcome {outcome} names as the work of who is paid for it"
    )]
    OtherWork {
        /// The task.
        task: String,
        /// The outcome.
        outcome: Digest,
    },
    /// An agent is paid that did nothing.
    #[error("agent {agent} did none of the work that outcome {outcome} names, and is to be paid")]
    NoWork {
        /// The agent.
        agent: Box<Did>,
        /// The outcome.
        outcome: Digest,
    },
    /// Work is not paid for.
    #[error(
        "task `{task}` was done by the agent at {account}, as the log says, and is not in the payment"
    )]
    LeftOut {
        /// The task.
        task: String,
        /// The account of who did it.
        account: String,
    },
    /// A task counts for more or less than the studio says.
    #[error(
        "task `{task}` has weight {expected} in the studio that the work was done under, and {found} in the payment"
    )]
    OtherWeight {
        /// The task.
        task: String,
        /// Its weight in the studio.
        expected: u64,
        /// Its weight in the payment.
        found: u64,
    },
    /// Tasks or payees are there twice, or in another order.
    #[error("tasks and payees of outcome {outcome} are not in the log's order, each once")]
    OtherOrder {
        /// The outcome.
        outcome: Digest,
    },
    /// Nothing says by which weights a pool is divided.
    #[error("the work that outcome {outcome} names does not name one definition of the studio")]
    NoStudio {
        /// The outcome.
        outcome: Digest,
    },
    /// An agent is to be paid elsewhere.
    #[error(
        "agent {agent} had registered account {registered:#x} before the outcome, and is to be paid at {found:#x}"
    )]
    OtherAccount {
        /// The agent.
        agent: Box<Did>,
        /// The account that was in force.
        registered: Address,
        /// The one to be paid.
        found: Address,
    },
    /// An agent has nowhere to be paid.
    #[error("agent {agent} had no account of {chain} when the outcome was logged")]
    NoAccount {
        /// The agent.
        agent: Did,
        /// The chain.
        chain: ChainId,
    },
}

impl PayPlan {
    /// Divides a pool by the studio's weights among the agents whose work the outcome names, at the accounts
    /// that they had registered before it. The work has to have been done under these weights.
    ///
    /// # Errors
    /// [`Refused`] says what stands against it.
    pub fn new(ledger: &Ledger, studio: &Defined, terms: &PayTerms) -> Result<Self, Error> {
        let (outcome, chain) = (terms.outcome, &terms.chain);
        let unknown = || Refused::NoOutcome { receipt: outcome };
        let read = Outcome::read(ledger, outcome)?.ok_or_else(unknown)?;
        ensure_unpaid(ledger, outcome)?;
        let Earned { slots, payees } = read.earned(ledger, &studio.studio, chain)?;
        let plan = Self {
            chain: chain.clone(),
            genesis: terms.genesis,
            token: terms.token,
            distributor: terms.distributor,
            outcome,
            refund_after_s: terms.refund_after_s,
            funder: None,
            document: RewardDocument { pool: terms.pool, slots },
            payees,
        };
        // What the next step would refuse is not planned.
        plan.ensure_of(ledger)?;
        Ok(plan)
    }

    /// Whether a log has the outcome. If it has, every task that it names has to be paid for, by the weight that it has in
    /// the studio that the work was done under, to whoever did it, at the account that was registered before the
    /// outcome: a file of somebody else's may say otherwise. How much is divided is the funder's to say.
    ///
    /// # Errors
    /// [`Refused`] names the first thing that the log has otherwise.
    pub fn ensure_of(&self, ledger: &Ledger) -> Result<bool, Error> {
        let Some(outcome) = Outcome::read(ledger, self.outcome)? else { return Ok(false) };
        let studio = outcome.studio(ledger)?;
        outcome.earned(ledger, &studio, &self.chain)?.ensure_paid_by(self)?;
        Ok(true)
    }

    /// The block in which the vote had ended, where a log has the outcome and the vote was on the chain of the
    /// payment: nobody paid for it before.
    ///
    /// # Errors
    /// If the log cannot be read, or the receipt is no outcome.
    pub fn ended_in(&self, ledger: &Ledger) -> Result<Option<u64>, Error> {
        let outcome = Outcome::read(ledger, self.outcome)?;
        Ok(outcome.and_then(|outcome| outcome.ended_in(&self.chain)))
    }

    /// The same, funded by this account.
    #[must_use]
    pub fn funded_by(self, funder: Address) -> Self {
        Self { funder: Some(funder), ..self }
    }

    /// What is divided, in the token's smallest unit.
    #[must_use]
    pub const fn pool(&self) -> u128 {
        self.document.pool
    }

    fn distribution(&self) -> Result<Distribution, Error> {
        let ran = Divide { document: &self.document }.run()?;
        let (_, distribution) = ran.output;
        Ok(distribution)
    }

    /// What the distributor is funded with.
    ///
    /// # Errors
    /// If the pool cannot be divided.
    pub fn funding(&self) -> Result<Funding, Error> {
        let distribution = self.distribution()?;
        Ok(Funding {
            key: *self.outcome.as_bytes(),
            token: self.token,
            root: distribution.root().0,
            total: amount(distribution.total())?,
            refund_after_s: self.refund_after_s,
        })
    }

    /// What a chain has to hold once every share is claimed, by who funded it.
    ///
    /// # Errors
    /// If the pool cannot be divided.
    pub fn claim(&self, distribution_id: U256) -> Result<PaymentClaim, Error> {
        let Funding { token, root, total, .. } = self.funding()?;
        let claimed = self.due()?.into_iter().map(|due| PaidShare {
            account: due.account,
            amount: due.amount,
            way: due.proof.into_iter().map(B256::from).collect(),
        });
        Ok(PaymentClaim {
            distributor: self.distributor,
            distribution_id,
            token,
            root: root.into(),
            total,
            claimed: claimed.collect(),
        })
    }

    /// What each agent is due.
    ///
    /// # Errors
    /// If the pool cannot be divided.
    pub fn due(&self) -> Result<Vec<Due>, Error> {
        let distribution = self.distribution()?;
        let due = self.payees.iter().filter_map(|(agent, account)| {
            let (claim, proof) = distribution.claim(*account)?;
            let proof = proof.iter().map(|hash| hash.0).collect();
            Some(Due { agent: *agent, account: *account, amount: claim.amount, proof })
        });
        Ok(due.collect())
    }
}

/// Where a log has an outcome.
fn place(ledger: &Ledger, outcome: Digest) -> Result<Option<u64>, Error> {
    let rows = ledger.actions(0..ledger.size())?;
    Ok(rows.iter().find(|(_, row)| row.receipt == outcome).map(|(index, _)| *index))
}

/// A log has no payment for an outcome.
///
/// # Errors
/// [`Refused::PaidBefore`] names the payment.
pub fn ensure_unpaid(ledger: &Ledger, outcome: Digest) -> Result<(), Error> {
    for (_, row) in ledger.actions(0..ledger.size())? {
        if row.kind != action::Pay::KIND {
            continue;
        }
        let paid = ledger.receipt(&row.receipt)?;
        if let Some(Action::Pay(pay)) = paid.as_ref().map(|paid| &paid.action)
            && pay.outcome == outcome
        {
            return Err(Refused::PaidBefore { outcome, receipt: row.receipt }.into());
        }
    }
    Ok(())
}

/// The account of an agent that was in force at a place in the log.
fn account_at(ledger: &Ledger, agent: &Did, chain: &ChainId, at: u64) -> Result<Address, Error> {
    let accounts = ledger.accounts(agent)?;
    let in_force = accounts.iter().find(|account| {
        account.chain == chain.as_str()
            && account.from <= at
            && account.until.is_none_or(|until| at < until)
    });
    let none = || Refused::NoAccount { agent: *agent, chain: chain.clone() };
    let text = &in_force.ok_or_else(none)?.account;
    text.parse().map_err(|_| Error::Account { account: text.clone() })
}

/// A payment that is on a chain.
#[derive(Debug)]
pub struct Paid<'a> {
    /// Who is paid what.
    pub plan: &'a PayPlan,
    /// The distribution's number.
    pub distribution_id: U256,
    /// The distribution's transaction, then those of the claims in the order of what is due.
    pub transactions: Vec<String>,
    /// What shows it.
    pub shown_by: StateProof,
}

impl<'a> Paid<'a> {
    /// Has the chain show that all shares are claimed, as of the block that took the last one.
    ///
    /// # Errors
    /// If the node does not.
    pub async fn shown(
        chain: &EvmChain,
        plan: &'a PayPlan,
        distribution_id: U256,
        by: &[TxSummary],
    ) -> Result<Self, Error> {
        let transactions = by.iter().map(|it| format!("{:#x}", it.hash)).collect();
        let last = by.iter().map(|it| it.block_number).max().unwrap_or_default();
        let claim = plan.claim(distribution_id)?;
        let (shown_by, _) = chain.prove_payment(&claim, last).await?;
        Ok(Self { plan, distribution_id, transactions, shown_by })
    }
}

/// Logs what was paid, and keeps what shows it.
///
/// # Errors
/// If the log does not admit it.
pub fn record_payment(
    ledger: &mut Ledger,
    operator: &Signer,
    paid: Paid<'_>,
) -> Result<Digest, Error> {
    let Paid { plan, distribution_id, transactions, shown_by } = paid;
    let shown_by = Some(ledger.put_blob(&shown_by.to_bytes())?);
    let digest = ledger.put_blob(&canonical::to_vec(&plan.document)?)?;
    let ran = Divide { document: &plan.document }.run()?;
    let output = ledger.put_blob(&ran.document)?;
    let payments = plan.due()?.into_iter().map(|due| {
        let Due { agent, account, .. } = due;
        Ok(Payment { agent, account: format!("{account:#x}"), amount: amount(due.amount)? })
    });
    let action = Action::Pay(action::Pay {
        chain: plan.chain.clone(),
        token: format!("{:#x}", plan.token),
        distributor: format!("{:#x}", plan.distributor),
        distribution_id: distribution_id.to_string(),
        merkle_root: ran.body.merkle_root,
        pool: ran.body.pool,
        payments: payments.collect::<Result<_, Error>>()?,
        returned: ran.body.returned,
        outcome: plan.outcome,
        transactions,
        funder: plan.funder.map(|funder| format!("{funder:#x}")),
        shown_by,
    });
    Ok(ledger.record(NewEntry {
        subjects: vec![Product::new("shares", output)],
        evidence: Divide::evidence(vec![Input { name: REWARDS.to_owned(), digest }], output),
        ..by(operator, vec![plan.outcome], action)
    })?)
}
