//! Reading a vote of any governor: OpenZeppelin's, Compound's, and those that follow one of them.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall as _;
use serde_json::{Value, json};

use super::{
    EvmChain,
    governor::{ProposalState, VoteTally, state_of},
};
use crate::{Error, contracts::chaos_governor::ChaosGovernor, json_rpc::parse, sending::Finality};

mod others {
    alloy_sol_types::sol! {
        /// Compound's `GovernorBravo`, and what followed it.
        interface Bravo {
            function proposals(uint256 id) external view returns (
                uint256 proposalId, address proposer, uint256 eta, uint256 startBlock, uint256 endBlock,
                uint256 forVotes, uint256 againstVotes, uint256 abstainVotes, bool canceled, bool executed
            );
        }

        /// A governor of ERC-6372, which says by which clock its votes begin and end.
        interface Clocked {
            function clock() external view returns (uint256);
        }

        /// Compound's first, whose voters could not abstain.
        interface Alpha {
            function proposals(uint256 id) external view returns (
                uint256 proposalId, address proposer, uint256 eta, uint256 startBlock, uint256 endBlock,
                uint256 forVotes, uint256 againstVotes, bool canceled, bool executed
            );
        }
    }
}

use others::{Alpha, Bravo, Clocked};

/// Words of an answer of Compound's second and first governor: ten and nine of 32 bytes.
const BRAVO_BYTES: usize = 10 * 32;
const ALPHA_BYTES: usize = 9 * 32;

/// Code that returns the number of its block, as contracts see it: NUMBER, MSTORE, RETURN.
const BLOCK_NUMBER: &str = "0x4360005260206000f3";

/// Which interface a governor answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GovernorKind {
    /// OpenZeppelin's Governor.
    OpenZeppelin,
    /// Compound's `GovernorBravo`.
    Bravo,
    /// Compound's `GovernorAlpha`.
    Alpha,
}

impl GovernorKind {
    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenZeppelin => "OpenZeppelin Governor",
            Self::Bravo => "Compound GovernorBravo",
            Self::Alpha => "Compound GovernorAlpha",
        }
    }
}

/// A vote as it stood in one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObservedVote {
    /// Which interface answered.
    pub kind: GovernorKind,
    /// Where it stands.
    pub state: ProposalState,
    /// The votes.
    pub tally: VoteTally,
    /// When votes begin and end, by the governor's clock: block numbers, or seconds since 1970.
    pub window: [U256; 2],
    /// The block in which all of it was read.
    pub block_number: u64,
    /// The hash of that block.
    pub block_hash: B256,
}

impl EvmChain {
    /// Reads a vote in the newest block that is as sure as is asked for: everything from that one block.
    ///
    /// # Errors
    /// [`Error::NoGovernor`] if what is there answers as no governor does, [`Error::Reverted`] if it has no
    /// such proposal in that block.
    pub async fn observe_vote(
        &self,
        governor: Address,
        id: U256,
        until: Finality,
    ) -> Result<ObservedVote, Error> {
        let block_number = self.newest_as_sure_as(until).await?;
        let block_hash = self.block_hash(block_number).await?;
        let block_hash = block_hash.ok_or_else(|| Error::UnknownBlock {
            number: block_number,
            url: self.url().to_owned(),
        })?;
        let at = format!("{block_number:#x}");
        let (kind, tally, window) = self.tally_of(governor, id, &at).await?;
        let call = ChaosGovernor::stateCall { proposalId: id };
        let state = state_of(self.call_at(governor, call, &at).await?)?;
        // A block that was replaced meanwhile is not the one that was read.
        if self.block_hash(block_number).await? != Some(block_hash) {
            return Err(Error::malformed("eth_call", "the block was replaced while it was read"));
        }
        Ok(ObservedVote { kind, state, tally, window, block_number, block_hash })
    }

    /// Whether voting had ended before a block, by the governor's clock. None where what that counts is not what the
    /// chain's blocks have: on some rollups contracts see another chain's numbers.
    ///
    /// # Errors
    /// As every read.
    pub async fn ended_before(
        &self,
        governor: Address,
        vote: &ObservedVote,
        block_number: u64,
    ) -> Result<Option<bool>, Error> {
        let (at, [_, end]) = (format!("{:#x}", vote.block_number), vote.window);
        let number = U256::from(vote.block_number);
        let clock = answered(self.call_at(governor, Clocked::clockCall {}, &at).await)?;
        let clock = match clock {
            Some(clock) => Some(clock),
            None => answered(self.number_seen(&at).await)?,
        };
        let Some(clock) = clock else { return Ok(None) };
        if clock == number {
            return Ok(Some(end < U256::from(block_number)));
        }
        if clock == self.time_of(vote.block_number).await? {
            return Ok(Some(end < self.time_of(block_number).await?));
        }
        Ok(None)
    }

    /// The number of a block as contracts see it.
    async fn number_seen(&self, at: &str) -> Result<U256, Error> {
        let number: B256 =
            self.rpc.request("eth_call", json!([{"data": BLOCK_NUMBER}, at])).await?;
        Ok(U256::from_be_bytes(number.0))
    }

    /// When a block was made, in seconds since 1970.
    async fn time_of(&self, number: u64) -> Result<U256, Error> {
        let params = json!([format!("{number:#x}"), false]);
        let block: Value = self.rpc.request("eth_getBlockByNumber", params).await?;
        let unknown = || Error::UnknownBlock { number, url: self.url().to_owned() };
        parse("block.timestamp", block.get("timestamp").cloned().ok_or_else(unknown)?)
    }

    async fn tally_of(
        &self,
        governor: Address,
        id: U256,
        at: &str,
    ) -> Result<(GovernorKind, VoteTally, [U256; 2]), Error> {
        let call = ChaosGovernor::proposalVotesCall { proposalId: id };
        if let Some(votes) = answered(self.call_at(governor, call, at).await)? {
            let tally = VoteTally {
                against: votes.againstVotes,
                in_favour: votes.forVotes,
                abstain: votes.abstainVotes,
            };
            let call = ChaosGovernor::proposalSnapshotCall { proposalId: id };
            let start = self.call_at(governor, call, at).await?;
            let call = ChaosGovernor::proposalDeadlineCall { proposalId: id };
            let end = self.call_at(governor, call, at).await?;
            return Ok((GovernorKind::OpenZeppelin, tally, [start, end]));
        }
        let call = Bravo::proposalsCall { id };
        let answer = answered(self.call_bytes(governor, &call, at).await)?.unwrap_or_default();
        let none = || Error::NoGovernor { address: governor, at: at.to_owned(), asked: asked() };
        compounds(&answer)?.ok_or_else(none)
    }

    /// The number of the newest block that is as sure as this connection waits for.
    pub(crate) async fn settled_block(&self) -> Result<u64, Error> {
        self.newest_as_sure_as(self.until).await
    }

    /// The number of the newest block that is as sure as is asked for.
    async fn newest_as_sure_as(&self, until: Finality) -> Result<u64, Error> {
        let horizon = self.horizon().await?;
        let at = match until {
            Finality::Seen => Some(horizon.head),
            Finality::Included { depth } => (horizon.head + 1).checked_sub(depth),
            Finality::Safe => horizon.safe.or_else(|| horizon.final_block()),
            Finality::Final => horizon.final_block(),
        };
        at.ok_or_else(|| Error::UnknownBlock { number: 0, url: self.url().to_owned() })
    }
}

/// What is asked of a governor about a vote, as bytes, by whoever runs its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoteQuestion {
    /// Where it stands.
    State,
    /// The votes, of OpenZeppelin's.
    Votes,
    /// Everything, of Compound's.
    Proposal,
}

impl VoteQuestion {
    /// The call.
    #[must_use]
    pub fn input(self, id: U256) -> Bytes {
        match self {
            Self::State => ChaosGovernor::stateCall { proposalId: id }.abi_encode(),
            Self::Votes => ChaosGovernor::proposalVotesCall { proposalId: id }.abi_encode(),
            Self::Proposal => Bravo::proposalsCall { id }.abi_encode(),
        }
        .into()
    }

    /// The state that is answered.
    #[must_use]
    pub fn state(answer: &[u8]) -> Option<ProposalState> {
        state_of(ChaosGovernor::stateCall::abi_decode_returns_validate(answer).ok()?).ok()
    }

    /// The votes that are answered to this question.
    #[must_use]
    pub fn tally(self, answer: &[u8]) -> Option<VoteTally> {
        match self {
            Self::State => None,
            Self::Votes => {
                let votes = ChaosGovernor::proposalVotesCall::abi_decode_returns_validate(answer);
                votes.ok().map(|votes| VoteTally {
                    against: votes.againstVotes,
                    in_favour: votes.forVotes,
                    abstain: votes.abstainVotes,
                })
            }
            Self::Proposal => compounds(answer).ok()?.map(|(_, tally, _)| tally),
        }
    }
}

/// What Compound's governors answer about a proposal: which one it is, the votes and the window. The two have one name
/// and differ in length; a longer answer is of a third, whose fields nobody knows.
fn compounds(answer: &[u8]) -> Result<Option<(GovernorKind, VoteTally, [U256; 2])>, Error> {
    let malformed = |error| Error::malformed(Bravo::proposalsCall::SIGNATURE, error);
    Ok(Some(match answer.len() {
        BRAVO_BYTES => {
            let found =
                Bravo::proposalsCall::abi_decode_returns_validate(answer).map_err(malformed)?;
            let tally = VoteTally {
                against: found.againstVotes,
                in_favour: found.forVotes,
                abstain: found.abstainVotes,
            };
            (GovernorKind::Bravo, tally, [found.startBlock, found.endBlock])
        }
        ALPHA_BYTES => {
            let found =
                Alpha::proposalsCall::abi_decode_returns_validate(answer).map_err(malformed)?;
            let (against, in_favour) = (found.againstVotes, found.forVotes);
            let tally = VoteTally { against, in_favour, abstain: U256::ZERO };
            (GovernorKind::Alpha, tally, [found.startBlock, found.endBlock])
        }
        _ => return Ok(None),
    }))
}

/// An answer, or none where the contract has no such function: its refusal is another's to explain.
fn answered<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Reverted { .. } | Error::Rejected { .. } | Error::Malformed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The functions that were tried, for people.
fn asked() -> String {
    [ChaosGovernor::proposalVotesCall::SIGNATURE, Bravo::proposalsCall::SIGNATURE].join(", ")
}
