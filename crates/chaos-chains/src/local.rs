//! A local chain with the governance contracts on it, whose voters are development accounts.
//!
//! Blocking: it has a runtime of its own.

use std::{future::Future, path::PathBuf};

use alloy_primitives::{Address, U256};
use chaos_types::{ChainId, Digest};
use tokio::runtime::{Builder, Runtime};

use crate::{
    Anvil, AnvilConfig, Claim, CreatedDistribution, EvmChain, Funding, GovernanceStack,
    GovernorCall, Outbox, ProposalState, Signer, StackConfig, SubmissionError, SubmittedProposal,
    Support, TxSummary, VoteTally, anvil,
};

/// Vote tokens each voter gets, in whole tokens of 18 decimals.
const VOTES_EACH: u64 = 100_000;

/// One token of 18 decimals.
const TOKEN: u64 = 1_000_000_000_000_000_000;

/// When the sponsor may take back the rest of a distribution: after a year.
const REFUND_AFTER_S: u32 = 365 * 24 * 60 * 60;

/// Development accounts: the sponsor deploys, pays and publishes; three vote.
const SPONSOR: usize = 0;
const VOTERS: [usize; 3] = [1, 2, 3];

/// The first account that has no part yet.
const FIRST_FREE: usize = 4;

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

/// A running anvil with everything deployed.
#[derive(Debug)]
pub struct LocalChain {
    chain: EvmChain,
    stack: GovernanceStack,
    runtime: Runtime,
    anvil: Anvil,
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
    /// Starts anvil, found in `root` if nowhere else, and deploys the contracts for the log of this
    /// origin, through this outbox.
    ///
    /// # Errors
    /// If anvil does not start, or the chain refuses.
    pub fn start(root: Option<PathBuf>, log_origin: String, outbox: Outbox) -> Result<Self, Error> {
        let anvil = Anvil::start(&AnvilConfig { root, ..AnvilConfig::default() })?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(crate::Error::Runtime)?;
        let (chain, stack) = runtime.block_on(async {
            let chain = EvmChain::connect(anvil.endpoint(), Some(&anvil.chain_id())).await?;
            let chain = chain.sending(outbox).await?;
            let sponsor = anvil.signer(SPONSOR);
            let config = StackConfig { log_origin, ..StackConfig::default() };
            let stack = chain.deploy_governance_stack(&sponsor, &config).await?;
            chain.deploy_registry(&sponsor).await?;
            let voters: Vec<Signer> = VOTERS.iter().map(|&index| anvil.signer(index)).collect();
            let votes = U256::from(VOTES_EACH) * U256::from(TOKEN);
            let shares: Vec<_> = voters.iter().map(|voter| (voter, votes)).collect();
            chain.set_up_voters(stack.token, &sponsor, &shares).await?;
            Ok::<_, crate::Error>((chain, stack))
        })?;
        Ok(Self { chain, stack, runtime, anvil })
    }

    /// Where it answers.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.anvil.endpoint()
    }

    /// A line about it.
    #[must_use]
    pub fn about(&self) -> String {
        format!("{} by anvil: Governor {:#x}", self.chain.chain_id(), self.stack.governor)
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
        self.anvil.signer(SPONSOR)
    }

    /// One of the accounts that have no part in the vote, counted from 0.
    #[must_use]
    pub fn account(&self, number: usize) -> Signer {
        self.anvil.signer(FIRST_FREE + number)
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
            proposer: self.anvil.signer(VOTERS[0]).address(),
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

    /// Holds a vote: all voters vote for, then the change waits in the timelock, is executed and read back.
    ///
    /// # Errors
    /// If the chain refuses.
    pub fn vote(&self, call: &GovernorCall) -> Result<Vote, Error> {
        let (chain, governor) = (&self.chain, self.stack.governor);
        let vote = self.block_on(async {
            let first = self.anvil.signer(VOTERS[0]);
            let proposal = chain.propose(governor, &first, call).await?;
            let id = proposal.proposal_id;
            let now = chain.block_number().await?;
            chain.mine_blocks((proposal.window.start_block + 1).saturating_sub(now)).await?;
            for index in VOTERS {
                chain.vote(governor, &self.anvil.signer(index), id, Support::For, "").await?;
            }
            let now = chain.block_number().await?;
            chain.mine_blocks((proposal.window.end_block + 1).saturating_sub(now)).await?;
            chain.queue(governor, &first, call).await?;
            // A second passes with each block at least.
            chain.mine_blocks(StackConfig::default().timelock_s.into()).await?;
            chain.execute(governor, &first, call).await?;
            Ok::<_, crate::Error>(Vote {
                proposal_id: id,
                state: chain.proposal_state(governor, id).await?,
                tally: chain.votes(governor, id).await?,
                block_number: chain.block_number().await?,
                value: chain.parameter(call.registry, &call.chain, &call.name).await?,
            })
        })?;
        Ok(vote)
    }

    /// Funds a distribution from the sponsor, who gets back after a year what nobody claimed.
    ///
    /// # Errors
    /// If the chain refuses.
    pub fn distribute(
        &self,
        key: [u8; 32],
        root: [u8; 32],
        total: u128,
    ) -> Result<CreatedDistribution, Error> {
        let GovernanceStack { token, distributor, .. } = self.stack;
        let funding = Funding { key, token, root, total, refund_after_s: Some(REFUND_AFTER_S) };
        Ok(self.block_on(self.chain.create_distribution(distributor, &self.sponsor(), &funding))?)
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
