//! Rewards: funding a distribution, claiming from it, taking back the rest, and looking at balances.

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_sol_types::{SolCall as _, SolValue as _};

use super::{Act, EvmChain, TxSummary, event};
use crate::{
    Error, Signer,
    contracts::{
        chaos_token::ChaosToken,
        reward_distributor::{IRewardDistributor, RewardDistributor},
    },
};

/// What a funder fixes for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Funding {
    /// Names what is paid for. The contract takes each funder's key once, so nothing is paid twice however
    /// often it is sent.
    pub key: [u8; 32],
    /// The ERC-20 that is paid out.
    pub token: Address,
    /// Root of the Merkle tree of (account, amount).
    pub root: [u8; 32],
    /// Sum of its leaves, in the token's smallest unit.
    pub total: u128,
    /// Seconds until the funder may take back the rest, at least 90 days; without it nobody ever may, and
    /// leaves can be claimed for ever.
    pub refund_after_s: Option<u32>,
}

/// A distribution that was created and funded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedDistribution {
    /// Number in the distributor contract, which follows from funder and key.
    pub distribution_id: U256,
    /// The transaction that did it.
    pub transaction: TxSummary,
}

/// The number of a funder's distribution under a key, whether it exists or not.
#[must_use]
pub fn distribution_id(funder: Address, key: [u8; 32]) -> U256 {
    keccak256((funder, B256::from(key)).abi_encode()).into()
}

impl EvmChain {
    /// Approves the total and creates a distribution with it, funded from the sender's tokens.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `KeyUsed` if this or something else was funded under the key from elsewhere,
    /// and if the sender holds too little or the terms are none that the contract takes.
    pub async fn create_distribution(
        &self,
        distributor: Address,
        from: &Signer,
        funding: &Funding,
    ) -> Result<CreatedDistribution, Error> {
        let Funding { key, token, root, total, refund_after_s } = *funding;
        let distribution_id = distribution_id(from.address(), key);
        let terms = IRewardDistributor::Terms {
            token,
            root: root.into(),
            total,
            refundAfter: refund_after_s.unwrap_or(0),
        };
        let call = RewardDistributor::createDistributionCall { key: key.into(), terms };
        let what = RewardDistributor::createDistributionCall::SIGNATURE;
        let input = Bytes::from(call.abi_encode());
        let create = Act { what, to: TxKind::Call(distributor), input };
        // What this journal has not funded and stands there is somebody else's with the same key, or this
        // account's from elsewhere: approving would be paid for in vain.
        if self.sent(from.address(), &create)?.is_none()
            && self.remaining(distributor, distribution_id).await.is_ok()
        {
            let reason = "KeyUsed: it is funded already, not from this journal".to_owned();
            return Err(Error::Reverted { call: what, reason });
        }
        let approve = ChaosToken::approveCall { spender: distributor, value: U256::from(total) };
        // Two distributions of one total need two approvals, and the journal takes the same input for the
        // same intent: the number after the arguments, which no token reads, tells them apart.
        let input = [approve.abi_encode(), distribution_id.abi_encode()].concat();
        let what = ChaosToken::approveCall::SIGNATURE;
        let act = Act { what, to: TxKind::Call(token), input: Bytes::from(input) };
        self.act(from, act, self.until).await?;
        let mined = self.act(from, create, self.until).await?;
        let created: RewardDistributor::DistributionCreated = event(&mined, distributor)?;
        if created.distributionId != distribution_id {
            let reason = format_args!("expected {distribution_id}, got {}", created.distributionId);
            return Err(Error::malformed("DistributionCreated", reason));
        }
        Ok(CreatedDistribution { distribution_id, transaction: mined.summary })
    }

    /// What is left of a distribution, in the token's smallest unit.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `UnknownDistribution` if there is none.
    pub async fn remaining(&self, distributor: Address, id: U256) -> Result<u128, Error> {
        let call = RewardDistributor::getDistributionCall { distributionId: id };
        Ok(self.call(distributor, call).await?.remaining)
    }

    /// Pays what is left of a distribution to its funder. Anyone may send it.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `RefundNotOpen` before the deadline or without one, `NothingLeft`, or
    /// `UnknownDistribution`.
    pub async fn refund(
        &self,
        distributor: Address,
        from: &Signer,
        funder: Address,
        key: [u8; 32],
    ) -> Result<TxSummary, Error> {
        let call = RewardDistributor::refundCall { funder, key: key.into() };
        Ok(self.send_call(from, distributor, call).await?.summary)
    }

    /// Pays one leaf to its account. Anyone may send it.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `AlreadyClaimed`, `InvalidProof`, `TotalExceeded`, `ClaimsClosed` or
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

    /// Whether a leaf has been paid.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `InvalidProof` or `UnknownDistribution`.
    pub async fn is_claimed(&self, distributor: Address, claim: &Claim<'_>) -> Result<bool, Error> {
        let call = RewardDistributor::isClaimedCall {
            distributionId: claim.distribution_id,
            account: claim.account,
            amount: claim.amount,
            proof: claim.proof.iter().copied().map(B256::from).collect(),
        };
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
