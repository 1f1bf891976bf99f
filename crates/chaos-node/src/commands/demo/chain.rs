//! The local chain: anvil with the contracts, the voters and the sponsor.

use std::path::Path;

use chaos_chains::{
    Address, Anvil, AnvilConfig, Claim, EvmChain, GovernanceStack, GovernorCall, ProposalState,
    Signer, StackConfig, SubmittedProposal, Support, TxSummary, U256, VoteTally, attestation,
};
use chaos_log::SignedCheckpoint;
use chaos_types::{ChainId, Digest};
use tokio::runtime::Runtime;

use crate::{
    commands::anchor::runtime,
    exit::{Failure, Kind, OrFail as _},
};

/// Vote tokens each voter gets, in whole tokens of 18 decimals.
const VOTES_EACH: u64 = 100_000;

/// One token of 18 decimals.
const TOKEN: u64 = 1_000_000_000_000_000_000;

/// Development accounts: the sponsor deploys, pays and publishes; three vote; agents are paid.
const SPONSOR: usize = 0;
const VOTERS: [usize; 3] = [1, 2, 3];
const RESEARCHER: usize = 4;
const DEVELOPER: usize = 5;

/// A running anvil with everything deployed.
pub(crate) struct LocalChain {
    pub(crate) stack: GovernanceStack,
    pub(crate) chain: EvmChain,
    pub(crate) runtime: Runtime,
    anvil: Anvil,
}

/// A parameter and the value that the vote would set.
pub(crate) struct ParameterCall {
    pub(crate) chain: ChainId,
    pub(crate) name: String,
    pub(crate) value: u64,
}

impl ParameterCall {
    fn to_governor(&self, local: &LocalChain, description: String) -> GovernorCall {
        GovernorCall {
            registry: local.stack.registry,
            chain: self.chain.clone(),
            name: self.name.clone(),
            value: U256::from(self.value),
            description,
        }
    }

    /// The call as hexadecimal bytes.
    pub(crate) fn calldata(&self, local: &LocalChain) -> String {
        self.to_governor(local, String::new()).calldata().to_string()
    }
}

/// How the vote went.
pub(crate) struct Vote {
    pub(crate) proposal_id: U256,
    pub(crate) state: ProposalState,
    pub(crate) tally: VoteTally,
    pub(crate) block_number: u64,
    /// The registry's value after execution.
    pub(crate) value: U256,
}

impl LocalChain {
    /// Starts anvil and deploys the contracts for the log of this origin.
    pub(crate) fn start(log_origin: String) -> Result<Self, Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let config = AnvilConfig { root: Some(root), ..AnvilConfig::default() };
        let anvil = Anvil::start(&config).or_fail(Kind::Outside)?;
        let runtime = runtime()?;
        let (chain, stack) = runtime
            .block_on(async {
                let chain = EvmChain::connect(anvil.endpoint(), Some(&anvil.chain_id())).await?;
                let sponsor = anvil.signer(SPONSOR);
                let config = StackConfig { log_origin, ..StackConfig::default() };
                let stack = chain.deploy_governance_stack(&sponsor, &config).await?;
                let voters: Vec<Signer> = VOTERS.iter().map(|&index| anvil.signer(index)).collect();
                let votes = U256::from(VOTES_EACH) * U256::from(TOKEN);
                let shares: Vec<_> = voters.iter().map(|voter| (voter, votes)).collect();
                chain.set_up_voters(stack.token, &sponsor, &shares).await?;
                Ok::<_, chaos_chains::Error>((chain, stack))
            })
            .or_fail(Kind::Outside)?;
        Ok(Self { stack, chain, runtime, anvil })
    }

    /// A line about it.
    pub(crate) fn about(&self) -> String {
        format!("{} by anvil: Governor {:#x}", self.chain.chain_id(), self.stack.governor)
    }

    pub(crate) fn sponsor(&self) -> Signer {
        self.anvil.signer(SPONSOR)
    }

    pub(crate) fn researcher_account(&self) -> Address {
        self.anvil.signer(RESEARCHER).address()
    }

    pub(crate) fn developer_account(&self) -> Address {
        self.anvil.signer(DEVELOPER).address()
    }

    /// Submits a proposal with its receipt and checkpoint, and reads it back.
    pub(crate) fn submit(
        &self,
        uri: &str,
        receipt: &Digest,
        checkpoint: &SignedCheckpoint,
    ) -> Result<SubmittedProposal, Failure> {
        let attestation = attestation::encode(receipt, &checkpoint.to_string());
        let developer = self.anvil.signer(DEVELOPER);
        let endpoint = self.stack.endpoint;
        self.runtime
            .block_on(async {
                let submitted =
                    self.chain.submit_proposal(endpoint, &developer, uri, &attestation).await?;
                let stored = self.chain.get_proposal(endpoint, submitted.proposal_id).await?;
                Ok::<_, chaos_chains::Error>((submitted, stored))
            })
            .or_fail(Kind::Outside)
            .and_then(|(submitted, stored)| {
                if stored.metadata_uri == uri && stored.attestation.as_ref() == attestation {
                    return Ok(submitted);
                }
                Err(Failure::message(Kind::Check, "the endpoint stored another proposal"))
            })
    }

    /// Holds the vote: all voters vote for, then the change is executed and read back.
    pub(crate) fn vote(&self, call: &ParameterCall, description: String) -> Result<Vote, Failure> {
        let governor = self.stack.governor;
        let governor_call = call.to_governor(self, description);
        self.runtime
            .block_on(async {
                let first = self.anvil.signer(VOTERS[0]);
                let proposal = self.chain.propose(governor, &first, &governor_call).await?;
                let id = proposal.proposal_id;
                let now = self.chain.block_number().await?;
                self.chain
                    .mine_blocks((proposal.window.start_block + 1).saturating_sub(now))
                    .await?;
                for index in VOTERS {
                    let voter = self.anvil.signer(index);
                    self.chain.vote(governor, &voter, id, Support::For, "").await?;
                }
                let now = self.chain.block_number().await?;
                self.chain.mine_blocks((proposal.window.end_block + 1).saturating_sub(now)).await?;
                self.chain.execute(governor, &first, &governor_call).await?;
                Ok::<_, chaos_chains::Error>(Vote {
                    proposal_id: id,
                    state: self.chain.proposal_state(governor, id).await?,
                    tally: self.chain.votes(governor, id).await?,
                    block_number: self.chain.block_number().await?,
                    value: self
                        .chain
                        .parameter(self.stack.registry, &call.chain, &call.name)
                        .await?,
                })
            })
            .or_fail(Kind::Outside)
    }

    /// Funds a distribution from the sponsor; gives its id and transaction.
    pub(crate) fn distribute(
        &self,
        root: [u8; 32],
        total: U256,
    ) -> Result<(U256, TxSummary), Failure> {
        let stack = &self.stack;
        self.runtime
            .block_on(self.chain.create_distribution(
                stack.distributor,
                stack.token,
                &self.sponsor(),
                root,
                total,
            ))
            .map(|created| (created.distribution_id, created.transaction))
            .or_fail(Kind::Outside)
    }

    /// Claims one share and checks that the account's balance grew by exactly that.
    pub(crate) fn claim(
        &self,
        distribution_id: U256,
        account: Address,
        amount: U256,
        proof: &[[u8; 32]],
    ) -> Result<TxSummary, Failure> {
        let claim = Claim { distribution_id, account, amount, proof };
        let (token, distributor) = (self.stack.token, self.stack.distributor);
        let (before, summary, after) = self
            .runtime
            .block_on(async {
                let before = self.chain.token_balance(token, account).await?;
                let summary = self.chain.claim(distributor, &self.sponsor(), &claim).await?;
                let after = self.chain.token_balance(token, account).await?;
                Ok::<_, chaos_chains::Error>((before, summary, after))
            })
            .or_fail(Kind::Outside)?;
        if after - before == amount {
            return Ok(summary);
        }
        Err(Failure::message(
            Kind::Check,
            format!("the claim of {amount} for {account:#x} moved {}", after - before),
        ))
    }
}
