//! How much gas what is sent from here takes: by what our contracts do, beside what a node says.
//!
//! A node that says too little has a transaction paid for and fail, and gas that is not used costs nothing. So a limit is
//! never below what is measured here.

use alloy_primitives::{Address, Bytes, TxKind};
use alloy_sol_types::SolCall;
use serde_json::json;

use super::{Act, EvmChain, Plan, refusal};
use crate::{
    Error,
    contracts::{
        chaos_governor::ChaosGovernor, chaos_token::ChaosToken,
        checkpoint_anchor::CheckpointAnchor, checkpoint_registry::CheckpointRegistry,
        proposal_endpoint::ProposalEndpoint, reward_distributor::RewardDistributor,
    },
    json_rpc::Outcome,
};

/// Putting code on a chain: each of its bytes is sent, hashed and kept. What a constructor writes is less than what it
/// leaves out of the code that is kept.
const DEPLOYING: Gas = Gas { base: 60_000, word: 7_100 };
/// A transfer of nothing; one to an account that has code (EIP-7702) runs that.
const TRANSFER: Gas = Gas { base: 60_000, word: 0 };

/// A node may say so many times what is measured here: rollups have the price of their data in it.
const OVERSTATED_MAX: u64 = 32;
/// Nodes take no transaction of more (EIP-7825), so that what is signed for more would never land.
const TRANSACTION_GAS_MAX: u64 = 1 << 24;

/// Gas at most, of a call with every slot that it writes empty before: so much, and so much for each word of its input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gas {
    base: u64,
    word: u64,
}

impl Gas {
    const fn of(self, input: &[u8]) -> u64 {
        self.base + self.word * input.len().div_ceil(32) as u64
    }
}

/// A call that is sent from here.
pub(super) trait Sent: SolCall {
    /// What it takes at most, the transaction's own included; of a token or governor that is not ours it may be more.
    const GAS: Gas;
}

macro_rules! sent {
    ($($call:ty => $base:literal + $word:literal),+ $(,)?) => {
        $(impl Sent for $call {
            const GAS: Gas = Gas { base: $base, word: $word };
        })+
    };
}

// A word of the input that is kept takes 22,100; one that is only sent, hashed and logged, 1,280 at most (EIP-7623). Who
// votes may have a million checkpoints, of which twenty are read.
sent! {
    CheckpointAnchor::anchorCall => 70_000 + 0,
    CheckpointRegistry::anchorCall => 70_000 + 0,
    CheckpointRegistry::proposeWriterCall => 70_000 + 0,
    CheckpointRegistry::acceptWriterCall => 70_000 + 0,
    ProposalEndpoint::submitProposalCall => 60_000 + 23_500,
    ChaosGovernor::proposeCall => 130_000 + 1_300,
    ChaosGovernor::castVoteWithReasonCall => 140_000 + 1_300,
    ChaosGovernor::queueCall => 150_000 + 1_300,
    ChaosGovernor::executeCall => 180_000 + 1_300,
    ChaosToken::delegateCall => 170_000 + 0,
    ChaosToken::approveCall => 60_000 + 0,
    ChaosToken::transferCall => 130_000 + 0,
    RewardDistributor::createDistributionCall => 210_000 + 0,
    RewardDistributor::claimCall => 150_000 + 1_000,
    RewardDistributor::refundCall => 130_000 + 0,
}

impl Act {
    /// A call of a contract.
    pub(super) fn call<C: Sent>(to: Address, call: &C) -> Self {
        let input = Bytes::from(call.abi_encode());
        Self { what: C::SIGNATURE, to: TxKind::Call(to), gas_max: C::GAS.of(&input), input }
    }

    /// What puts code on a chain: a transaction of its own, or a call of who does it.
    pub(super) fn deploying(what: &'static str, to: TxKind, input: Bytes) -> Self {
        Self { what, to, gas_max: DEPLOYING.of(&input), input }
    }

    /// What only takes a nonce.
    pub(super) fn nothing(what: &'static str, account: Address) -> Self {
        let input = Bytes::new();
        Self { what, to: account.into(), gas_max: TRANSFER.of(&input), input }
    }

    /// The gas that is signed for where a node says so much: a fifth more than that or than what is measured, because
    /// the state may have moved when it is mined.
    pub(super) fn gas_limit(&self, estimate: u64) -> u64 {
        let gas = estimate.max(self.gas_max);
        gas.saturating_add(gas / 5)
    }
}

impl EvmChain {
    /// A node says no more than what something can take.
    pub(super) fn ensure_not_overstated(&self, act: &Act, gas: u64) -> Result<(), Error> {
        let most = act.gas_max.saturating_mul(OVERSTATED_MAX).min(TRANSACTION_GAS_MAX);
        if act.gas_limit(gas) <= most {
            return Ok(());
        }
        let (url, what) = (self.url().to_owned(), act.what);
        Err(Error::GasOverstated { url, what, gas, most })
    }

    /// A call goes through with exactly the gas that would be signed for, as the node runs it: what somebody else's token
    /// or governor takes is not measured here. Deploying is not asked for, since not every node runs what is in no contract.
    pub(super) async fn ensure_gas(&self, act: &Act, plan: &Plan) -> Result<(), Error> {
        // Votes and deadlines may open with the block that is to come, of which not every node has a state.
        match self.run(act, plan, "pending").await {
            Err(_) => self.run(act, plan, "latest").await,
            done => done,
        }
    }

    async fn run(&self, act: &Act, plan: &Plan, at: &str) -> Result<(), Error> {
        let TxKind::Call(to) = act.to else { return Ok(()) };
        let Plan { account, gas, gas_limit, .. } = *plan;
        let limit = format!("{gas_limit:#x}");
        let call = json!({"from": account, "to": to, "data": act.input, "gas": limit});
        let Outcome::Refused { code, message, data } =
            self.rpc.ask("eth_call", json!([call, at])).await?
        else {
            return Ok(());
        };
        Err(match refusal("eth_call", act.what, code, &message, data) {
            Error::Rejected { reason, .. } => {
                let (url, what) = (self.url().to_owned(), act.what);
                Error::GasUnderstated { url, what, gas, gas_limit, reason }
            }
            reverted => reverted,
        })
    }
}
