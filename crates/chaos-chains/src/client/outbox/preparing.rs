//! What something would cost, and signing it.

use alloy_consensus::{TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U128, U256};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Act, Sending, delivery::RETAINED, key_of};
use crate::{
    Error, Signer,
    client::{EvmChain, refusal},
    error::Shortage,
    json_rpc::{Outcome, parse},
    sending::{Attempt, Fees, Intent, Purpose, Quote, Stage},
};

/// Of so many blocks the tips are asked.
const HISTORY_BLOCKS: u64 = 20;
/// And of each block the tip that so many percent of its gas stayed below.
const HISTORY_PERCENTILE: u64 = 90;

/// A transaction that would be sent, and what it would cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// For people: the call.
    pub what: String,
    /// Who would pay.
    pub account: Address,
    /// The contract; none to deploy one.
    pub to: Option<Address>,
    /// The account's next nonce, or that of what it would replace.
    pub nonce: u64,
    /// Call data, or the code to deploy with its arguments.
    pub input: Bytes,
    /// Gas that it would use, as far as can be told now.
    pub gas: u64,
    /// Gas that it might use at most.
    pub gas_limit: u64,
    /// What it would offer.
    pub fees: Fees,
    /// Base fee of the next block, in wei per gas.
    pub base_fee: u128,
    /// What the account holds, in wei.
    pub balance: U256,
    /// What it would replace.
    pub replaces: Option<B256>,
}

impl Plan {
    /// What it would cost in the next block, in wei.
    #[must_use]
    pub fn expected_cost(&self) -> U256 {
        let Fees { max_fee_per_gas, max_priority_fee_per_gas } = self.fees;
        let price = self.base_fee.saturating_add(max_priority_fee_per_gas).min(max_fee_per_gas);
        U256::from(self.gas).saturating_mul(U256::from(price))
    }

    /// What it could cost at most, in wei.
    #[must_use]
    pub fn worst_cost(&self) -> U256 {
        self.fees.worst_cost(self.gas_limit, U256::ZERO)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FeeHistory {
    gas_used_ratio: Vec<f64>,
    #[serde(default)]
    reward: Option<Vec<Vec<U128>>>,
}

impl EvmChain {
    /// Looks at everything that can be looked at before anything is paid, and signs nothing. Refuses what came to nothing
    /// before by a node's word alone.
    pub(in crate::client) async fn plan(&self, account: Address, act: &Act) -> Result<Plan, Error> {
        self.ensure_vouched(self.outbox()?, account, &key_of(act)).await?;
        let gas = self.estimate(account, act).await?;
        let plan = self.priced(account, act, gas).await?;
        self.ensure_gas(act, &plan).await?;
        self.ensure_within_day(self.outbox()?, account, plan.nonce, plan.worst_cost())?;
        let pending = self.transaction_count(account, "pending").await?;
        if pending > plan.nonce {
            let (waiting, nonce) = (pending - plan.nonce, plan.nonce);
            return Err(Error::Unknown { account, waiting, nonce });
        }
        Ok(plan)
    }

    /// What something costs that uses so much gas.
    pub(in crate::client) async fn priced(
        &self,
        account: Address,
        act: &Act,
        gas: u64,
    ) -> Result<Plan, Error> {
        let outbox = self.outbox()?;
        let quote = self.quote().await?;
        let fees = Fees::choose(&quote, &outbox.cap)?;
        let gas_limit = act.gas_limit(gas);
        fees.ensure_cost(gas_limit, U256::ZERO, &outbox.cap)?;
        Ok(Plan {
            what: act.what.to_owned(),
            account,
            to: act.to.to().copied(),
            nonce: self.transaction_count(account, "latest").await?,
            input: act.input.clone(),
            gas,
            gas_limit,
            fees,
            base_fee: quote.base_fee,
            balance: self.balance(account).await?,
            replaces: None,
        })
    }

    /// Gas that something uses, as the node says, and no more than it can use.
    pub(super) async fn estimate(&self, account: Address, act: &Act) -> Result<u64, Error> {
        let mut request = json!({"from": account, "data": act.input});
        if let TxKind::Call(to) = act.to {
            request["to"] = json!(to);
        }
        match self.rpc.ask("eth_estimateGas", json!([request])).await? {
            Outcome::Result(value) => {
                let gas = parse::<U64>("eth_estimateGas", value)?.to();
                self.ensure_not_overstated(act, gas).map(|()| gas)
            }
            Outcome::Refused { code, message, data } => {
                Err(refusal("eth_estimateGas", act.what, code, &message, data))
            }
        }
    }

    /// The account can pay for the worst case.
    pub(super) fn ensure_funds(&self, plan: &Plan) -> Result<(), Error> {
        let (needed, found) = (plan.worst_cost(), plan.balance);
        if found >= needed {
            return Ok(());
        }
        let (account, chain) = (plan.account, self.chain_id().clone());
        Err(Error::Funds(Box::new(Shortage { account, chain, needed, found })))
    }

    /// The most gas with which the same failed for want of gas.
    fn gas_that_ran_out(
        &self,
        outbox: &Sending,
        account: Address,
        key: &str,
    ) -> Result<Option<u64>, Error> {
        let found = outbox.journal.find(self.chain_id(), outbox.genesis, account, key)?;
        let ran_out = found.iter().filter(|intent| {
            let limit = intent.gas_limit;
            let enough = limit - limit / RETAINED;
            intent.included().is_some_and(|it| !it.succeeded && it.gas_used >= enough)
        });
        Ok(ran_out.map(|intent| intent.gas_limit).max())
    }

    /// Plans something and signs it.
    pub(super) async fn prepare(
        &self,
        outbox: &Sending,
        from: &Signer,
        act: &Act,
        key: String,
    ) -> Result<Intent, Error> {
        let mut plan = self.plan(from.address(), act).await?;
        if let Some(limit) = self.gas_that_ran_out(outbox, from.address(), &key)? {
            // A node that understates gas would have each try paid in vain.
            plan.gas_limit = plan.gas_limit.max(limit.saturating_mul(2));
            let worst = plan.fees.ensure_cost(plan.gas_limit, U256::ZERO, &outbox.cap)?;
            self.ensure_within_day(outbox, plan.account, plan.nonce, worst)?;
        }
        self.ensure_funds(&plan)?;
        let Plan { what, account, to, nonce, input, gas_limit, fees, .. } = plan;
        let mut intent = Intent {
            key,
            what,
            chain: self.chain_id().clone(),
            genesis: outbox.genesis,
            account,
            nonce,
            to,
            value: U256::ZERO,
            input,
            gas_limit,
            attempts: Vec::new(),
            stage: Stage::Prepared,
        };
        let attempt = self.sign(from, &intent, Purpose::Act, fees, (outbox.now_ms)()).await?;
        intent.attempts.push(attempt);
        Ok(intent)
    }

    /// Signs an intent once more. What a remote signer answers is exactly this, or an error.
    pub(super) async fn sign(
        &self,
        from: &Signer,
        intent: &Intent,
        purpose: Purpose,
        fees: Fees,
        signed_at_ms: u64,
    ) -> Result<Attempt, Error> {
        let is_act = purpose == Purpose::Act;
        let to = if is_act {
            intent.to.map_or(TxKind::Create, TxKind::Call)
        } else {
            intent.account.into()
        };
        let transaction = TxEip1559 {
            chain_id: self.number,
            nonce: intent.nonce,
            gas_limit: intent.gas_limit,
            max_fee_per_gas: fees.max_fee_per_gas,
            max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
            to,
            value: if is_act { intent.value } else { U256::ZERO },
            access_list: alloy_eips::eip2930::AccessList::default(),
            input: if is_act { intent.input.clone() } else { Bytes::new() },
        };
        let signed = TxEnvelope::from(from.sign_transaction(transaction).await?);
        let (hash, raw) = (*signed.tx_hash(), Bytes::from(signed.encoded_2718()));
        Ok(Attempt { raw, hash, purpose, fees, signed_at_ms })
    }

    /// What the node and the last blocks say of fees.
    pub(in crate::client) async fn quote(&self) -> Result<Quote, Error> {
        let block: Value =
            self.rpc.request("eth_getBlockByNumber", json!(["latest", false])).await?;
        let Some(base_fee) = block.get("baseFeePerGas").cloned() else {
            let capability = "EIP-1559 transactions";
            return Err(Error::Unsupported { url: self.url().to_owned(), capability });
        };
        let base_fee: U128 = parse("block.baseFeePerGas", base_fee)?;
        let node_tip = match self.rpc.ask("eth_maxPriorityFeePerGas", json!([])).await? {
            Outcome::Result(value) => Some(parse::<U128>("eth_maxPriorityFeePerGas", value)?.to()),
            Outcome::Refused { .. } => None,
        };
        let params = json!([format!("{HISTORY_BLOCKS:#x}"), "latest", [HISTORY_PERCENTILE]]);
        let history_tip = match self.rpc.ask("eth_feeHistory", params).await? {
            Outcome::Result(value) => history_tip(parse("eth_feeHistory", value)?),
            Outcome::Refused { .. } => None,
        };
        Ok(Quote { base_fee: base_fee.to(), node_tip, history_tip })
    }

    /// What an account holds of the chain's coin, in wei.
    ///
    /// # Errors
    /// As every read.
    pub async fn balance(&self, account: Address) -> Result<U256, Error> {
        self.rpc.request("eth_getBalance", json!([account, "latest"])).await
    }
}

/// The middle one of the tips of the blocks that held anything.
fn history_tip(history: FeeHistory) -> Option<u128> {
    let FeeHistory { gas_used_ratio, reward } = history;
    let used = gas_used_ratio.iter().map(|ratio| *ratio > 0.0);
    let rewards = reward.unwrap_or_default();
    let mut tips: Vec<u128> = rewards
        .iter()
        .zip(used)
        .filter(|(_, is_used)| *is_used)
        .filter_map(|(tips, _)| tips.first().map(|tip| tip.to()))
        .collect();
    tips.sort_unstable();
    tips.get(tips.len() / 2).copied()
}
