//! Rewards: funding a distribution, claiming from it, and looking at balances.

use alloy_primitives::{Address, B256, U256};

use super::{EvmChain, TxSummary, event};
use crate::{
    Error, Signer,
    contracts::{chaos_token::ChaosToken, reward_distributor::RewardDistributor},
};

/// A distribution that was created and funded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedDistribution {
    /// Number in the distributor contract; the first is 1.
    pub distribution_id: U256,
    /// The transaction that did it.
    pub transaction: TxSummary,
}

impl EvmChain {
    /// Approves the total and creates a distribution with it, funded from the sender's tokens.
    ///
    /// # Errors
    /// [`Error::Reverted`] if the sender holds too little or the total is zero.
    pub async fn create_distribution(
        &self,
        distributor: Address,
        token: Address,
        from: &Signer,
        root: [u8; 32],
        total: U256,
    ) -> Result<CreatedDistribution, Error> {
        let approve = ChaosToken::approveCall { spender: distributor, value: total };
        self.send_call(from, token, approve).await?;
        let call = RewardDistributor::createDistributionCall { token, root: root.into(), total };
        let mined = self.send_call(from, distributor, call).await?;
        let created: RewardDistributor::DistributionCreated = event(&mined, distributor)?;
        Ok(CreatedDistribution {
            distribution_id: created.distributionId,
            transaction: mined.summary,
        })
    }

    /// Pays one leaf to its account. Anyone may send it.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `AlreadyClaimed`, `InvalidProof`, `TotalExceeded` or
    /// `UnknownDistribution`.
    pub async fn claim(
        &self,
        distributor: Address,
        from: &Signer,
        claim: &Claim<'_>,
    ) -> Result<TxSummary, Error> {
        let call = RewardDistributor::claimCall {
            distributionId: claim.distribution_id,
            account: claim.account,
            amount: claim.amount,
            proof: claim.proof.iter().copied().map(B256::from).collect(),
        };
        Ok(self.send_call(from, distributor, call).await?.summary)
    }

    /// Whether an account has been paid from a distribution.
    ///
    /// # Errors
    /// As every read.
    pub async fn is_claimed(
        &self,
        distributor: Address,
        distribution_id: U256,
        account: Address,
    ) -> Result<bool, Error> {
        let call = RewardDistributor::isClaimedCall { distributionId: distribution_id, account };
        self.call(distributor, call).await
    }

    /// Tokens an account holds, in the token's smallest unit.
    ///
    /// # Errors
    /// As every read.
    pub async fn token_balance(&self, token: Address, account: Address) -> Result<U256, Error> {
        self.call(token, ChaosToken::balanceOfCall { account }).await
    }
}

/// One leaf of a distribution, with its way to the root.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Number of the distribution.
    pub distribution_id: U256,
    /// Account of the leaf.
    pub account: Address,
    /// Amount of the leaf, in the token's smallest unit.
    pub amount: U256,
    /// Sibling hashes from the leaf to the root.
    pub proof: &'a [[u8; 32]],
}
