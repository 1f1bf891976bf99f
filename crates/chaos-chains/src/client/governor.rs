//! The vote: proposing, voting, executing, and reading where it stands.

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue as _};
use chaos_types::ChainId;

use super::{Act, EvmChain, Plan, TxSummary, event};
use crate::{
    Error, Signer,
    contracts::{
        chaos_governor::ChaosGovernor, chaos_token::ChaosToken,
        parameter_registry::ParameterRegistry,
    },
};

/// What a passed vote does: set one parameter in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GovernorCall {
    /// The `ParameterRegistry`, owned by the governor's timelock.
    pub registry: Address,
    /// The only account that may propose this. The text says so, and so the governor holds everybody else
    /// off: who copies a proposal from the pool and is faster would own it, and could cancel it for ever.
    pub proposer: Address,
    /// Chain the parameter belongs to.
    pub chain: ChainId,
    /// Name of the parameter, such as `gas-limit`.
    pub name: String,
    /// New value, in the unit the name implies.
    pub value: U256,
    /// Text of the proposal, without the proposer. It is part of the proposal's id, so executing needs the
    /// same text.
    pub description: String,
}

/// A vote that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GovernorProposal {
    /// Number in the governor contract; a hash of its calls and text.
    pub proposal_id: U256,
    /// When votes are taken.
    pub window: VotingWindow,
    /// The transaction that did it.
    pub transaction: TxSummary,
}

/// The blocks in which votes are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VotingWindow {
    /// Voting power is read at this block; votes are taken in the blocks after it.
    pub start_block: u64,
    /// Last block in which votes are taken.
    pub end_block: u64,
}

/// A choice in a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Against the proposal.
    Against,
    /// For the proposal.
    For,
    /// Neither, but counted toward the quorum.
    Abstain,
}

/// Where a vote stands, in OpenZeppelin's words and order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalState {
    /// Voting has not started.
    Pending,
    /// Votes are taken.
    Active,
    /// Withdrawn.
    Canceled,
    /// Lost, or without quorum.
    Defeated,
    /// Won; can be executed.
    Succeeded,
    /// Won and waiting in a timelock.
    Queued,
    /// Won but not executed in time.
    Expired,
    /// Won and executed.
    Executed,
}

/// Votes of a proposal, in the token's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoteTally {
    /// Votes against.
    pub against: U256,
    /// Votes for.
    pub in_favour: U256,
    /// Votes that abstain.
    pub abstain: U256,
}

impl GovernorCall {
    /// The registry call that the vote executes, as bytes to compare in a wallet.
    #[must_use]
    pub fn calldata(&self) -> Bytes {
        let (_, _, calldatas) = self.arguments();
        calldatas.into_iter().next().unwrap_or_default()
    }

    /// Its number in a governor, which follows from the call and the text.
    #[must_use]
    pub fn proposal_id(&self) -> U256 {
        let (targets, values, calldatas) = self.arguments();
        let hash = keccak256(self.text());
        keccak256((targets, values, calldatas, hash).abi_encode_params()).into()
    }

    /// The text as the governor gets it: with the proposer at its end, as OpenZeppelin's Governor reads it.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}#proposer={:#x}", self.description, self.proposer)
    }

    fn arguments(&self) -> (Vec<Address>, Vec<U256>, Vec<Bytes>) {
        let call = ParameterRegistry::setCall {
            chain: self.chain.to_string(),
            name: self.name.clone(),
            value: self.value,
        };
        (vec![self.registry], vec![U256::ZERO], vec![call.abi_encode().into()])
    }
}

impl EvmChain {
    /// Opens a vote.
    ///
    /// # Errors
    /// [`Error::Reverted`] if the sender is not the proposer that is named, holds too few votes, or the same
    /// proposal exists.
    pub async fn propose(
        &self,
        governor: Address,
        from: &Signer,
        call: &GovernorCall,
    ) -> Result<GovernorProposal, Error> {
        let (targets, values, calldatas) = call.arguments();
        let description = call.text();
        let mined = self
            .send_call(
                from,
                governor,
                ChaosGovernor::proposeCall { targets, values, calldatas, description },
            )
            .await?;
        let created: ChaosGovernor::ProposalCreated = event(&mined, governor)?;
        let window = VotingWindow {
            start_block: block(created.voteStart)?,
            end_block: block(created.voteEnd)?,
        };
        Ok(GovernorProposal { proposal_id: created.proposalId, window, transaction: mined.summary })
    }

    /// Casts a vote with a reason.
    ///
    /// # Errors
    /// [`Error::Reverted`] if voting is not open or the account has voted.
    pub async fn vote(
        &self,
        governor: Address,
        from: &Signer,
        proposal_id: U256,
        support: Support,
        reason: &str,
    ) -> Result<TxSummary, Error> {
        let support = match support {
            Support::Against => 0,
            Support::For => 1,
            Support::Abstain => 2,
        };
        let call = ChaosGovernor::castVoteWithReasonCall {
            proposalId: proposal_id,
            support,
            reason: reason.to_owned(),
        };
        Ok(self.send_call(from, governor, call).await?.summary)
    }

    /// Has a vote that succeeded wait in the governor's timelock. Anyone may.
    ///
    /// # Errors
    /// [`Error::Reverted`] if it did not succeed.
    pub async fn queue(
        &self,
        governor: Address,
        from: &Signer,
        call: &GovernorCall,
    ) -> Result<TxSummary, Error> {
        let (targets, values, calldatas) = call.arguments();
        let call = ChaosGovernor::queueCall {
            targets,
            values,
            calldatas,
            descriptionHash: keccak256(call.text()),
        };
        Ok(self.send_call(from, governor, call).await?.summary)
    }

    /// Executes a vote that succeeded and has waited in the timelock. Anyone may.
    ///
    /// # Errors
    /// [`Error::Reverted`] if it did not, or not long enough.
    pub async fn execute(
        &self,
        governor: Address,
        from: &Signer,
        call: &GovernorCall,
    ) -> Result<TxSummary, Error> {
        Ok(self.send_call(from, governor, executing(call)).await?.summary)
    }

    /// What executing a vote would cost that still waits in the timelock. A node refuses to say how much gas it uses
    /// before that opens, so the plan has a bound of it. Nothing is signed or sent.
    ///
    /// # Errors
    /// As every read, and if it would be above the caps.
    pub async fn plan_execution(
        &self,
        governor: Address,
        account: Address,
        call: &GovernorCall,
    ) -> Result<Plan, Error> {
        let act = Act::call(governor, &executing(call));
        self.priced(account, &act, act.gas_max).await
    }

    /// Where a vote stands.
    ///
    /// # Errors
    /// [`Error::Reverted`] if there is no such proposal.
    pub async fn proposal_state(
        &self,
        governor: Address,
        proposal_id: U256,
    ) -> Result<ProposalState, Error> {
        let call = ChaosGovernor::stateCall { proposalId: proposal_id };
        state_of(self.call(governor, call).await?)
    }

    /// When a vote that waits in the timelock can be executed, in seconds since 1970; 0 before.
    ///
    /// # Errors
    /// As every read.
    pub async fn proposal_eta(&self, governor: Address, proposal_id: U256) -> Result<U256, Error> {
        self.call(governor, ChaosGovernor::proposalEtaCall { proposalId: proposal_id }).await
    }

    /// The votes that an account had in a past block.
    ///
    /// # Errors
    /// [`Error::Reverted`] if the block is not in the past.
    pub async fn votes_of(
        &self,
        governor: Address,
        account: Address,
        block: u64,
    ) -> Result<U256, Error> {
        let call = ChaosGovernor::getVotesCall { account, timepoint: U256::from(block) };
        self.call(governor, call).await
    }

    /// Whether an account has voted.
    ///
    /// # Errors
    /// As every read.
    pub async fn has_voted(
        &self,
        governor: Address,
        account: Address,
        proposal_id: U256,
    ) -> Result<bool, Error> {
        let call = ChaosGovernor::hasVotedCall { proposalId: proposal_id, account };
        self.call(governor, call).await
    }

    /// The account that owns a parameter registry, and so alone sets what is in it.
    ///
    /// # Errors
    /// As every read.
    pub async fn registry_owner(&self, registry: Address) -> Result<Address, Error> {
        self.call(registry, ParameterRegistry::ownerCall {}).await
    }

    /// The timelock through which a governor acts.
    ///
    /// # Errors
    /// As every read.
    pub async fn timelock_of(&self, governor: Address) -> Result<Address, Error> {
        self.call(governor, ChaosGovernor::timelockCall {}).await
    }

    /// Lets an account's tokens count as the votes of one, which may be itself. They count from the next block
    /// on. Whose they are now the token says, whatever was sent before: by which transaction they became so, and none
    /// where they are so already and nothing sent from here last made them so.
    ///
    /// # Errors
    /// As every transaction.
    pub async fn delegate(
        &self,
        token: Address,
        from: &Signer,
        delegatee: Address,
    ) -> Result<Option<TxSummary>, Error> {
        let act = Act::call(token, &ChaosToken::delegateCall { delegatee });
        let account = from.address();
        let holds = async |chain: &Self| {
            let found = chain.call(token, ChaosToken::delegatesCall { account }).await?;
            Ok(found == delegatee)
        };
        Ok(self.set(from, act, None, holds).await?.map(|mined| mined.summary))
    }

    /// When votes on a proposal are taken.
    ///
    /// # Errors
    /// [`Error::Reverted`] if there is no such proposal.
    pub async fn voting_window(
        &self,
        governor: Address,
        proposal_id: U256,
    ) -> Result<VotingWindow, Error> {
        let call = ChaosGovernor::proposalSnapshotCall { proposalId: proposal_id };
        let start = self.call(governor, call).await?;
        let call = ChaosGovernor::proposalDeadlineCall { proposalId: proposal_id };
        let end = self.call(governor, call).await?;
        Ok(VotingWindow { start_block: block(start)?, end_block: block(end)? })
    }

    /// The votes cast so far.
    ///
    /// # Errors
    /// As every read.
    pub async fn votes(&self, governor: Address, proposal_id: U256) -> Result<VoteTally, Error> {
        let call = ChaosGovernor::proposalVotesCall { proposalId: proposal_id };
        let votes = self.call(governor, call).await?;
        Ok(VoteTally {
            against: votes.againstVotes,
            in_favour: votes.forVotes,
            abstain: votes.abstainVotes,
        })
    }

    /// Votes that must take part, in the token's smallest unit, for a vote that starts at this block.
    ///
    /// # Errors
    /// [`Error::Reverted`] if the block is not in the past.
    pub async fn quorum(&self, governor: Address, start_block: u64) -> Result<U256, Error> {
        let call = ChaosGovernor::quorumCall { timepoint: U256::from(start_block) };
        self.call(governor, call).await
    }

    /// Reads a parameter from the registry.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `ParameterNotSet` if no vote has set it.
    pub async fn parameter(
        &self,
        registry: Address,
        chain: &ChainId,
        name: &str,
    ) -> Result<U256, Error> {
        let call = ParameterRegistry::getCall { chain: chain.to_string(), name: name.to_owned() };
        self.call(registry, call).await
    }
}

/// A state by its number.
pub(super) fn state_of(number: u8) -> Result<ProposalState, Error> {
    Ok(match number {
        0 => ProposalState::Pending,
        1 => ProposalState::Active,
        2 => ProposalState::Canceled,
        3 => ProposalState::Defeated,
        4 => ProposalState::Succeeded,
        5 => ProposalState::Queued,
        6 => ProposalState::Expired,
        7 => ProposalState::Executed,
        other => {
            let reason = format_args!("expected a state from 0 to 7, found {other}");
            return Err(Error::malformed("state(uint256)", reason));
        }
    })
}

fn block(number: U256) -> Result<u64, Error> {
    number.try_into().map_err(|_| Error::malformed("voting window", "a block number above 2^64"))
}

/// The call that executes a vote.
fn executing(call: &GovernorCall) -> ChaosGovernor::executeCall {
    let (targets, values, calldatas) = call.arguments();
    let text = keccak256(call.text());
    ChaosGovernor::executeCall { targets, values, calldatas, descriptionHash: text }
}
