//! A chain with the governance contracts on it, and a vote held there: a local one whose voters are
//! development accounts, or one that somebody else started.
//!
//! Blocking: it has a runtime of its own.

use std::{
    future::Future,
    path::PathBuf,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, U256};
use chaos_types::{ChainId, Digest};
use tokio::runtime::{Builder, Runtime};

use crate::{
    Anvil, AnvilConfig, ChainFile, Claim, CreatedDistribution, EvmChain, Funding, GovernanceStack,
    GovernorCall, Outbox, ProposalState, Signer, StackConfig, SubmissionError, SubmittedProposal,
    Support, TxSummary, VoteTally, anvil,
};

/// Vote tokens each voter gets, in whole tokens of 18 decimals.
const VOTES_EACH: u64 = 100_000;

/// One token of 18 decimals.
const TOKEN: u64 = 1_000_000_000_000_000_000;

/// When the sponsor may take back the rest of a distribution: after a year.
pub const REFUND_AFTER_S: u32 = 365 * 24 * 60 * 60;

/// Development accounts: the sponsor deploys, pays and publishes; three vote.
const SPONSOR: usize = 0;
const VOTERS: [usize; 3] = [1, 2, 3];

/// The first account that has no part yet.
const FIRST_FREE: usize = 4;
/// So many of those are used.
const OTHERS: usize = 4;

/// How long a chain that makes its blocks by itself is waited for.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Why something on the local chain did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No local chain is running.
    #[error(transparent)]
    Anvil(#[from] anvil::Error),
    /// The chain refuses or fails.
    #[error(transparent)]
    Chain(#[from] crate::Error),
    /// A proposal is not on record as it should be.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// A chain that makes its blocks by itself did not come so far in time.
    #[error("the chain did not come to {what} within {waited_s} s")]
    Slow {
        /// What was waited for.
        what: &'static str,
        /// Seconds waited.
        waited_s: u64,
    },
    /// A claim moved another amount than it is for.
    #[error("the claim of {amount} for {account:#x} moved {moved}")]
    Claimed {
        /// The account.
        account: Address,
        /// What it was to get, in the token's smallest unit.
        amount: U256,
        /// What it got.
        moved: U256,
    },
}

/// A chain with everything deployed, and the keys of those who act on it.
#[derive(Debug)]
pub struct LocalChain {
    chain: EvmChain,
    stack: GovernanceStack,
    runtime: Runtime,
    parts: Parts,
    /// Of a chain of one's own, which makes blocks when it is asked.
    anvil: Option<Anvil>,
}

/// Who acts.
#[derive(Debug)]
struct Parts {
    /// Deploys, pays and publishes.
    sponsor: Signer,
    /// Vote; the first one proposes.
    voters: Vec<Signer>,
    /// Have no part in the vote; the agents are paid there.
    others: Vec<Signer>,
}

/// How a vote went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// Number in the governor contract.
    pub proposal_id: U256,
    /// Where it stands.
    pub state: ProposalState,
    /// The votes.
    pub tally: VoteTally,
    /// The block in which it was read.
    pub block_number: u64,
    /// The registry's value after execution.
    pub value: U256,
}

impl LocalChain {
    /// Starts anvil, found in `root` if nowhere else, and deploys the contracts through this outbox.
    ///
    /// # Errors
    /// If anvil does not start, or the chain refuses.
    pub fn start(root: Option<PathBuf>, outbox: Outbox) -> Result<Self, Error> {
        let anvil = Anvil::start(&AnvilConfig { root, ..AnvilConfig::default() })?;
        let parts = Parts {
            sponsor: anvil.signer(SPONSOR),
            voters: VOTERS.iter().map(|&index| anvil.signer(index)).collect(),
            others: (FIRST_FREE..FIRST_FREE + OTHERS).map(|index| anvil.signer(index)).collect(),
        };
        let votes = U256::from(VOTES_EACH) * U256::from(TOKEN);
        let runtime = runtime()?;
        let (chain, stack) = runtime.block_on(async {
            let chain = EvmChain::connect(anvil.endpoint(), Some(&anvil.chain_id())).await?;
            let chain = chain.sending(outbox).await?;
            let stack = deploy(&chain, &parts, votes).await?;
            Ok::<_, crate::Error>((chain, stack))
        })?;
        Ok(Self { chain, stack, runtime, parts, anvil: Some(anvil) })
    }

    /// Deploys the contracts on a chain that somebody else started, through this outbox. One account does
    /// everything: it deploys, submits, votes with the whole supply, pays, and is paid as the second of the agents; the first is paid at an account that signs and sends nothing.
    ///
    /// # Errors
    /// If the chain is not the file's, or refuses.
    pub fn join(
        file: &ChainFile,
        sponsor: &Signer,
        payee: Signer,
        outbox: Outbox,
    ) -> Result<Self, Error> {
        let parts = Parts {
            sponsor: sponsor.clone(),
            voters: vec![sponsor.clone()],
            others: vec![payee, sponsor.clone()],
        };
        let runtime = runtime()?;
        let (chain, stack) = runtime.block_on(async {
            let chain = EvmChain::connect_to(file).await?.sending(outbox).await?;
            let stack = deploy(&chain, &parts, U256::ZERO).await?;
            // What is logged of it has to stay.
            Ok::<_, crate::Error>((chain.settling()?, stack))
        })?;
        Ok(Self { chain, stack, runtime, parts, anvil: None })
    }

    /// Where it answers.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.chain.url()
    }

    /// A line about it.
    #[must_use]
    pub fn about(&self) -> String {
        let by = if self.anvil.is_some() { "anvil" } else { self.chain.url() };
        format!("{} by {by}: Governor {:#x}", self.chain.chain_id(), self.stack.governor)
    }

    /// The chain itself.
    #[must_use]
    pub const fn chain(&self) -> &EvmChain {
        &self.chain
    }

    /// What is deployed on it.
    #[must_use]
    pub const fn stack(&self) -> &GovernanceStack {
        &self.stack
    }

    /// Who deployed, pays, and publishes checkpoints.
    #[must_use]
    pub fn sponsor(&self) -> Signer {
        self.parts.sponsor.clone()
    }

    /// One of the accounts at which agents are paid, counted from 0; numbers wrap.
    #[must_use]
    pub fn account(&self, number: usize) -> Signer {
        self.parts.others[number % self.parts.others.len()].clone()
    }

    /// Runs what is asked of the chain to its end.
    pub fn block_on<T>(&self, asked: impl Future<Output = T>) -> T {
        self.runtime.block_on(asked)
    }

    /// The call that sets a parameter in the registry.
    #[must_use]
    pub fn call(&self, chain: &ChainId, name: &str, value: u64) -> GovernorCall {
        GovernorCall {
            registry: self.stack.registry,
            proposer: self.proposer().address(),
            chain: chain.clone(),
            name: name.to_owned(),
            value: U256::from(value),
            description: String::new(),
        }
    }

    /// Puts a proposal on record, with the submitter's signature that it rests on this receipt and that
    /// this checkpoint covers it, and reads it back.
    ///
    /// # Errors
    /// If the chain refuses, or has another proposal than was sent.
    pub fn submit(
        &self,
        from: &Signer,
        uri: &str,
        receipt: Digest,
        checkpoint: Digest,
    ) -> Result<SubmittedProposal, Error> {
        let endpoint = self.stack.endpoint;
        let submitting = self.chain.submit_attested(endpoint, from, uri, receipt, checkpoint);
        Ok(self.block_on(submitting)?)
    }

    fn proposer(&self) -> &Signer {
        self.parts.voters.first().unwrap_or(&self.parts.sponsor)
    }

    /// Holds a vote: all voters vote for, then the change waits in the timelock, is executed and read back.
    ///
    /// # Errors
    /// If the chain refuses, or does not go on.
    pub fn vote(&self, call: &GovernorCall) -> Result<Vote, Error> {
        let (chain, governor) = (&self.chain, self.stack.governor);
        self.block_on(async {
            let first = self.proposer();
            let proposal = chain.propose(governor, first, call).await?;
            let id = proposal.proposal_id;
            self.reach(proposal.window.start_block + 1).await?;
            for voter in &self.parts.voters {
                chain.vote(governor, voter, id, Support::For, "").await?;
            }
            self.reach(proposal.window.end_block + 1).await?;
            chain.queue(governor, first, call).await?;
            self.outwait(id).await?;
            chain.execute(governor, first, call).await?;
            Ok(Vote {
                proposal_id: id,
                state: chain.proposal_state(governor, id).await?,
                tally: chain.votes(governor, id).await?,
                block_number: chain.settled_block().await?,
                value: chain.parameter(call.registry, &call.chain, &call.name).await?,
            })
        })
    }

    /// Comes to a block: by making blocks, or by waiting for them.
    async fn reach(&self, block: u64) -> Result<(), Error> {
        if self.anvil.is_some() {
            let now = self.chain.block_number().await?;
            return Ok(self.chain.mine_blocks(block.saturating_sub(now)).await?);
        }
        let start = Instant::now();
        while self.chain.block_number().await? < block {
            wait(start, "the block at which the vote goes on").await?;
        }
        Ok(())
    }

    /// Comes to the time at which a queued vote can be executed.
    async fn outwait(&self, id: U256) -> Result<(), Error> {
        if self.anvil.is_some() {
            // A second passes with each block at least.
            return Ok(self.chain.mine_blocks(StackConfig::default().timelock_s.into()).await?);
        }
        let start = Instant::now();
        let eta = self.chain.proposal_eta(self.stack.governor, id).await?;
        while U256::from(self.chain.newest_time_s().await?) < eta {
            wait(start, "the end of the timelock").await?;
        }
        Ok(())
    }

    /// Funds a distribution from the sponsor.
    ///
    /// # Errors
    /// If the chain refuses.
    pub fn distribute(&self, funding: &Funding) -> Result<CreatedDistribution, Error> {
        let distributor = self.stack.distributor;
        Ok(self.block_on(self.chain.create_distribution(distributor, &self.sponsor(), funding))?)
    }

    /// Claims one share and checks that the account's balance grew by exactly that.
    ///
    /// # Errors
    /// If the chain refuses, or the balance grew by another amount.
    pub fn claim(&self, claim: &Claim<'_>) -> Result<TxSummary, Error> {
        let GovernanceStack { token, distributor, .. } = self.stack;
        let Claim { account, amount, .. } = *claim;
        let (before, summary, after) = self.block_on(async {
            let before = self.chain.token_balance(token, account).await?;
            let summary = self.chain.claim(distributor, &self.sponsor(), claim).await?;
            let after = self.chain.token_balance(token, account).await?;
            Ok::<_, crate::Error>((before, summary, after))
        })?;
        let moved = after.saturating_sub(before);
        if moved == amount { Ok(summary) } else { Err(Error::Claimed { account, amount, moved }) }
    }
}

fn runtime() -> Result<Runtime, crate::Error> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(crate::Error::Runtime)
}

/// Deploys everything and gives each voter its votes.
async fn deploy(
    chain: &EvmChain,
    parts: &Parts,
    votes_each: U256,
) -> Result<GovernanceStack, crate::Error> {
    let stack = chain.deploy_governance_stack(&parts.sponsor, &StackConfig::default()).await?;
    chain.deploy_registry(&parts.sponsor).await?;
    let shares: Vec<_> = parts.voters.iter().map(|voter| (voter, votes_each)).collect();
    chain.set_up_voters(stack.token, &parts.sponsor, &shares).await?;
    Ok(stack)
}

/// Waits a little for a chain that makes its blocks by itself.
async fn wait(start: Instant, what: &'static str) -> Result<(), Error> {
    if start.elapsed() > PATIENCE {
        return Err(Error::Slow { what, waited_s: PATIENCE.as_secs() });
    }
    tokio::time::sleep(PAUSE).await;
    Ok(())
}
