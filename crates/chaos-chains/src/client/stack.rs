//! Deploying our contracts and giving accounts their votes.

mod creation;
mod parts;

use alloy_primitives::{Address, TxKind, U256};
use chaos_types::Digest;

use self::creation::Creation;
pub use self::parts::GovernorTerms;
use super::{Act, EvmChain, TxSummary, anchoring::code};
use crate::{
    Contract, Error, Signer,
    contracts::{chaos_governor::ChaosGovernor, chaos_token::ChaosToken},
};

/// Settings of a governance stack on a local chain.
#[derive(Debug, Clone)]
pub struct StackConfig {
    /// Whole supply of the token, in its smallest unit (10^-18).
    pub supply: U256,
    /// Blocks between a proposal and the start of its vote.
    pub voting_delay_blocks: u32,
    /// Blocks a vote lasts; at least 1.
    pub voting_period_blocks: u32,
    /// Votes a proposer must hold, in the token's smallest unit; at least 1.
    pub proposal_threshold: U256,
    /// Share of the supply that must take part in a vote, in percent, 0 to 100.
    pub quorum_percent: u8,
    /// Seconds a passed vote waits before it can be executed.
    pub timelock_s: u32,
}

impl Default for StackConfig {
    /// A million tokens, one of which it takes to propose, a vote of 20 blocks after 1, a quorum of 4
    /// percent, and a minute in the timelock.
    fn default() -> Self {
        let token = U256::from(10).pow(U256::from(18));
        Self {
            supply: U256::from(1_000_000) * token,
            voting_delay_blocks: 1,
            voting_period_blocks: 20,
            proposal_threshold: token,
            quorum_percent: 4,
            timelock_s: 60,
        }
    }
}

/// Addresses of a deployed governance stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GovernanceStack {
    /// `ChaosToken`.
    pub token: Address,
    /// `ChaosGovernor`.
    pub governor: Address,
    /// The governor's timelock, which the governor made for itself.
    pub timelock: Address,
    /// `ParameterRegistry`, owned by the timelock.
    pub registry: Address,
    /// `ProposalEndpoint`.
    pub endpoint: Address,
    /// `RewardDistributor`.
    pub distributor: Address,
    /// The deployments, in the order of the fields, without those of what was there before; the timelock is part of
    /// the governor's.
    pub transactions: Vec<TxSummary>,
}

impl EvmChain {
    /// Deploys token, governor, registry, endpoint and distributor. The deployer gets the whole supply of
    /// the token.
    ///
    /// # Errors
    /// The first deployment that fails.
    pub async fn deploy_governance_stack(
        &self,
        deployer: &Signer,
        config: &StackConfig,
    ) -> Result<GovernanceStack, Error> {
        let (token, tx_token) = self.create(deployer, &creation::token(config.supply)).await?;
        let (governor, tx_governor) =
            self.create(deployer, &creation::governor(token, config)).await?;
        let timelock = self.call(governor, ChaosGovernor::timelockCall {}).await?;
        let (registry, tx_registry) =
            self.create(deployer, &creation::parameter_registry(timelock)).await?;
        let (endpoint, tx_endpoint) =
            self.put(deployer, Contract::ProposalEndpoint, &creation::endpoint()).await?;
        let (distributor, tx_distributor) =
            self.put(deployer, Contract::RewardDistributor, &creation::distributor()).await?;
        let mut transactions = vec![tx_token, tx_governor, tx_registry];
        transactions.extend(tx_endpoint);
        transactions.extend(tx_distributor);
        Ok(GovernanceStack {
            token,
            governor,
            timelock,
            registry,
            endpoint,
            distributor,
            transactions,
        })
    }

    /// Puts a contract where its code says, or where the account's nonce says on a chain without the deployer.
    async fn put(
        &self,
        from: &Signer,
        contract: Contract,
        creation: &Creation,
    ) -> Result<(Address, Option<TxSummary>), Error> {
        if let Some(placed) = self.placed_contract(from, contract).await? {
            return Ok(placed);
        }
        let (address, transaction) = self.create(from, creation).await?;
        Ok((address, Some(transaction)))
    }

    /// Deploys a `CheckpointAnchor` for the log with this origin line, as the first anchors had.
    ///
    /// # Errors
    /// If the deployment fails.
    pub async fn deploy_anchor(
        &self,
        deployer: &Signer,
        log_origin: &str,
        publisher: Address,
    ) -> Result<(Address, TxSummary), Error> {
        let origin_hash =
            alloy_primitives::B256::from(*Digest::of(log_origin.as_bytes()).as_bytes());
        let input = code::deployment(origin_hash, publisher);
        let act = Act::deploying("CheckpointAnchor", TxKind::Create, input);
        self.deploy(deployer, act).await
    }

    /// Sends each voter its tokens from the funder and lets it delegate to itself, which is what makes
    /// them count as votes. Votes count from the next block on.
    ///
    /// # Errors
    /// The first transaction that fails. Voters need coins for gas.
    pub async fn set_up_voters(
        &self,
        token: Address,
        funder: &Signer,
        voters: &[(&Signer, U256)],
    ) -> Result<Vec<TxSummary>, Error> {
        let mut transactions = Vec::with_capacity(2 * voters.len());
        for (voter, amount) in voters {
            if voter.address() != funder.address() {
                let call = ChaosToken::transferCall { to: voter.address(), value: *amount };
                transactions.push(self.send_call(funder, token, call).await?.summary);
            }
            let call = ChaosToken::delegateCall { delegatee: voter.address() };
            transactions.push(self.send_call(voter, token, call).await?.summary);
        }
        Ok(transactions)
    }
}
