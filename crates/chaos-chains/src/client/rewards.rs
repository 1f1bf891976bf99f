//! Rewards: funding a distribution, claiming from it, taking back the rest, and looking at balances.

mod funders;

use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolEvent as _, SolValue as _};

use super::{
    Act, EvmChain, Mined, TxSummary, event,
    events::{EVENTS_MAX, EventFilter},
};
use crate::{
    Error, Signer,
    contracts::{
        chaos_token::ChaosToken,
        reward_distributor::{IRewardDistributor, RewardDistributor},
    },
};

/// Pause between two looks at an event whose block is not sure yet.
const PAUSE: Duration = Duration::from_secs(1);

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

/// What went back to a funder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundedRest {
    /// How much, in the token's smallest unit, as the transaction's event says.
    pub amount: u128,
    /// The transaction that did it, now or before.
    pub transaction: TxSummary,
}

/// A distribution as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandingDistribution {
    /// What was funded, in the token's smallest unit.
    pub total: u128,
    /// What is left of it: neither claimed nor gone back.
    pub remaining: u128,
    /// Whether token, root and total are those of the funding that was asked about.
    pub is_as_funded: bool,
    /// The block time from which the rest is the funder's, in seconds since 1970; none where it never is.
    pub deadline_s: Option<u64>,
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
        let create = Act::call(distributor, &call);
        let sent = self.sent(from.address(), &create)?;
        let is_sent = sent.is_some_and(|it| it.included().is_none_or(|it| it.succeeded));
        // What was sent has taken its allowance, or has it before it.
        if !is_sent {
            // What this journal has not funded and stands there is somebody else's with the same key, or this
            // account's from elsewhere: approving would be paid for in vain.
            if self.remaining(distributor, distribution_id).await.is_ok() {
                let reason = "KeyUsed: it is funded already, not from this journal".to_owned();
                return Err(Error::Reverted { call: create.what, reason });
            }
            self.approve(from, token, distributor, U256::from(total)).await?;
        }
        let mined = self.act(from, create, self.until).await?;
        let created: RewardDistributor::DistributionCreated = event(&mined, distributor)?;
        if created.distributionId != distribution_id {
            let reason = format_args!("expected {distribution_id}, got {}", created.distributionId);
            return Err(Error::malformed("DistributionCreated", reason));
        }
        Ok(CreatedDistribution { distribution_id, transaction: mined.summary })
    }

    /// Lets a spender take so much of the sender's tokens, if it may not yet. Whether it may the token says: an
    /// allowance is used up by the spender, or taken back by what this journal does not know.
    async fn approve(
        &self,
        from: &Signer,
        token: Address,
        spender: Address,
        value: U256,
    ) -> Result<(), Error> {
        let owner = from.address();
        let holds = async |chain: &Self| {
            let found = chain.call(token, ChaosToken::allowanceCall { owner, spender }).await?;
            Ok(found >= value)
        };
        let act = Act::call(token, &ChaosToken::approveCall { spender, value });
        self.set(from, act, Some(spender), holds).await.map(drop)
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
    ) -> Result<RefundedRest, Error> {
        let call = RewardDistributor::refundCall { funder, key: key.into() };
        let id = distribution_id(funder, key);
        let is_done = async || Ok(self.remaining(distributor, id).await? == 0);
        let act = Act::call(distributor, &call);
        let mined = self.send_unless(from, act, is_done, "NothingLeft").await?;
        let refunded: RewardDistributor::DistributionRefunded = event(&mined, distributor)?;
        Ok(RefundedRest { amount: refunded.amount, transaction: mined.summary })
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
        let is_done = async || self.is_claimed(distributor, claim).await;
        let act = Act::call(distributor, &call);
        Ok(self.send_unless(from, act, is_done, "AlreadyClaimed").await?.summary)
    }

    /// Sends what anybody may, unless the contract says that it is done and what was sent from here did not do it: whatever
    /// became of that, nothing is signed for it any more, and nothing is waited for.
    async fn send_unless(
        &self,
        from: &Signer,
        act: Act,
        is_done: impl AsyncFnOnce() -> Result<bool, Error>,
        refusal: &str,
    ) -> Result<Mined, Error> {
        // What the journal says is so once what waits in it is in a block.
        self.go_on(Some(from)).await?;
        let sent = self.sent(from.address(), &act)?;
        let is_own = sent.is_some_and(|it| it.included().is_none_or(|it| it.succeeded));
        if !is_own && is_done().await? {
            return Err(Error::Reverted { call: act.what, reason: refusal.to_owned() });
        }
        self.act(from, act, self.until).await
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

    /// How a funder's distribution stands.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `UnknownDistribution` if there is none.
    pub async fn standing_distribution(
        &self,
        distributor: Address,
        funder: Address,
        funding: &Funding,
    ) -> Result<StandingDistribution, Error> {
        let id = distribution_id(funder, funding.key);
        let call = RewardDistributor::getDistributionCall { distributionId: id };
        let found = self.call(distributor, call).await?;
        let Funding { token, root, total, .. } = *funding;
        let is_as_funded = (found.token, found.root.0, found.total) == (token, root, total);
        let (total, remaining) = (found.total, found.remaining);
        let deadline_s = Some(found.deadline.to::<u64>()).filter(|deadline_s| *deadline_s > 0);
        Ok(StandingDistribution { total, remaining, is_as_funded, deadline_s })
    }

    /// The transaction that funded a distribution, whoever sent it, once it is as sure as this connection waits for; none
    /// where the node shows none.
    ///
    /// # Errors
    /// As every read, [`Error::EventsRefused`] where the node gives no events, and [`Error::NotSettled`].
    pub async fn funding_transaction(
        &self,
        distributor: Address,
        funder: Address,
        key: [u8; 32],
    ) -> Result<Option<TxSummary>, Error> {
        let topics = [
            RewardDistributor::DistributionCreated::SIGNATURE_HASH,
            distribution_id(funder, key).into(),
            funder.into_word(),
        ];
        self.settled_event(distributor, &topics, &|_| true).await
    }

    /// The transaction that paid a leaf, whoever sent it, as [`Self::funding_transaction`].
    ///
    /// # Errors
    /// As there.
    pub async fn claiming_transaction(
        &self,
        distributor: Address,
        claim: &Claim<'_>,
    ) -> Result<Option<TxSummary>, Error> {
        let topics = [
            RewardDistributor::RewardClaimed::SIGNATURE_HASH,
            claim.distribution_id.into(),
            claim.account.into_word(),
        ];
        let amount = claim.amount.to_be_bytes::<32>();
        self.settled_event(distributor, &topics, &|data| data == amount).await
    }

    /// The transaction of an event that a contract emits once, as sure as this connection waits for.
    async fn settled_event(
        &self,
        contract: Address,
        topics: &[B256],
        is_it: &(dyn Fn(&[u8]) -> bool + Sync),
    ) -> Result<Option<TxSummary>, Error> {
        let patience = self.outbox()?.patience;
        let start = Instant::now();
        loop {
            let last = self.block_number().await?;
            let filter = EventFilter {
                contract,
                topics: topics.iter().copied().map(Some).collect(),
                except: Vec::new(),
                first: self.first_block_of(contract, last).await?,
                last,
                most: EVENTS_MAX,
            };
            let found = self.events(&filter, &|_, _| ()).await?;
            let Some(event) = found.iter().find(|event| is_it(&event.data)) else {
                return Ok(None);
            };
            let hash = event.transaction_hash;
            let Some(receipt) = self.receipt(hash).await? else { return Ok(None) };
            let (block_number, block_hash) = (receipt.block_number.to(), receipt.block_hash);
            let reached = self.horizon().await?.of(block_number);
            let is_there = !receipt.status.is_zero()
                && block_hash == event.block_hash
                && self.block_hash(block_number).await? == Some(block_hash);
            if is_there && reached.is_enough_for(self.until) {
                let gas_used = receipt.gas_used.to();
                return Ok(Some(TxSummary { hash, block_number, block_hash, gas_used }));
            }
            if start.elapsed() > patience {
                let (wanted, waited_s) = (self.until, patience.as_secs());
                return Err(Error::NotSettled { hash, block_number, reached, wanted, waited_s });
            }
            tokio::time::sleep(PAUSE).await;
        }
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
