//! What a governor says of a proposal, asked on the state that a block left: OpenZeppelin's and
//! Compound's kinds.
//!
//! The questions are run like the calls, so their answers are as well proven as the state is. Only a
//! text is never in the state; OpenZeppelin's governor keeps a hash of calls and text as the number.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent, SolValue, sol};
use chaos_evm::{
    Block, DatabaseRef,
    calls::{Batch, BatchError, Call, Ending, Payer, run_batch},
};
use serde::Serialize;

use crate::payload::{Lists, Payload, PayloadError};

sol! {
    function state(uint256 proposalId) external view returns (uint8);
    function timelock() external view returns (address);
    function proposalSnapshot(uint256 proposalId) external view returns (uint256);
    function hashProposal(address[] memory, uint256[] memory, bytes[] memory, bytes32)
        external view returns (uint256);
    function getMinDelay() external view returns (uint256);
    function getActions(uint256 proposalId) external view
        returns (address[] memory, uint256[] memory, string[] memory, bytes[] memory);
    event ProposalCreated(
        uint256 proposalId,
        address proposer,
        address[] targets,
        uint256[] values,
        string[] signatures,
        bytes[] calldatas,
        uint256 voteStart,
        uint256 voteEnd,
        string description
    );
}

/// Most gas that a question gets.
const QUESTION_GAS_MAX: u64 = 10_000_000;
/// Names of a proposal's states; Compound's has the same numbers.
const STATES: [&str; 8] =
    ["pending", "active", "canceled", "defeated", "succeeded", "queued", "expired", "executed"];

/// What a governor says of one proposal.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// Where the proposal stands; `None` if the governor knows no such proposal.
    pub state: Option<&'static str>,
    /// The timelock that makes the calls; the governor makes them itself where there is none.
    pub timelock: Option<Address>,
    /// When voting starts, if that is a height or a time.
    pub vote_start: Option<u64>,
    /// The calls, where the governor keeps them (Compound).
    pub actions: Option<Lists>,
}

/// How it is known that calls and text are those of a governor's proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallsGround {
    /// Calls and text hash to the proposal's number (OpenZeppelin).
    Number,
    /// The governor's state holds the calls; the text is a node's word (Compound).
    State,
    /// A node said so.
    Word,
}

/// Asks a governor about a proposal.
///
/// # Errors
/// If the state fails. A question that the governor does not understand has no answer.
pub fn ask<S: DatabaseRef>(
    block: &Block,
    state: &S,
    governor: Address,
    id: U256,
) -> Result<Answers, BatchError<S::Error>> {
    let ask = |input: Vec<u8>| answer(block, state, governor, input);
    let number = |answer: Bytes| U256::abi_decode(&answer).ok()?.try_into().ok();
    let state = ask(stateCall { proposalId: id }.abi_encode())?;
    let timelock = ask(timelockCall {}.abi_encode())?;
    let start = ask(proposalSnapshotCall { proposalId: id }.abi_encode())?;
    let actions = ask(getActionsCall { proposalId: id }.abi_encode())?;
    Ok(Answers {
        state: state.and_then(|answer| {
            STATES.get(usize::from(stateCall::abi_decode_returns(&answer).ok()?)).copied()
        }),
        timelock: timelock
            .and_then(|answer| Address::abi_decode(&answer).ok())
            .filter(|timelock| !timelock.is_zero()),
        vote_start: start.and_then(number),
        // An unknown number has no calls, and says so without an error.
        actions: actions.and_then(|answer| lists(&answer)).filter(|it| !it.targets.is_empty()),
    })
}

/// Whose wei the calls of a governor's timelock send. A governor that keeps its proposals' calls, as Compound's do, hands
/// on with each call what that sends. OpenZeppelin's hands all that was sent along to the timelock before the first call,
/// also where the timelock is Compound's (`GovernorTimelockCompound`), and the timelock pays the rest.
///
/// # Errors
/// If the state fails.
pub(crate) fn payer<S: DatabaseRef>(
    block: &Block,
    state: &S,
    answers: &Answers,
) -> Result<Payer, BatchError<S::Error>> {
    let Some(timelock) = answers.timelock else { return Ok(Payer::Sender) };
    let knows = |input: Vec<u8>| {
        let answer = answer(block, state, timelock, input)?;
        Ok(answer.is_some_and(|answer| U256::abi_decode(&answer).is_ok()))
    };
    let is_compounds = answers.actions.is_some() && !knows(getMinDelayCall {}.abi_encode())?;
    Ok(if is_compounds { Payer::Executor } else { Payer::Sender })
}

fn answer<S: DatabaseRef>(
    block: &Block,
    state: &S,
    governor: Address,
    input: Vec<u8>,
) -> Result<Option<Bytes>, BatchError<S::Error>> {
    let question = Call { target: governor, value: U256::ZERO, input: input.into() };
    let batch = Batch {
        sender: Address::ZERO,
        governor: None,
        sent_along: U256::ZERO,
        payer: Payer::Sender,
        calls: vec![question],
        gas_max: QUESTION_GAS_MAX,
    };
    let run = run_batch(block, &batch, state)?;
    let answered = run.ending == Ending::Succeeded;
    Ok(run.outputs.into_iter().next().filter(|output| answered && !output.is_empty()))
}

fn lists(answer: &Bytes) -> Option<Lists> {
    let actions = getActionsCall::abi_decode_returns(answer).ok()?;
    Some(Lists {
        targets: actions._0,
        values: actions._1,
        signatures: actions._2,
        inputs: actions._3,
    })
}

/// The topic of the event by which a proposal is made.
#[must_use]
pub const fn created_topic() -> B256 {
    ProposalCreated::SIGNATURE_HASH
}

/// The calls and the text that such an event holds, if it is of this proposal.
#[must_use]
pub fn created(data: &Bytes, id: U256) -> Option<(Lists, String)> {
    let event = ProposalCreated::abi_decode_data(data).ok()?;
    let (proposal_id, _, targets, values, signatures, inputs, _, _, description) = event;
    (proposal_id == id).then_some((Lists { targets, values, signatures, inputs }, description))
}

/// The number that OpenZeppelin's governor gives to these calls with this text.
#[must_use]
pub fn id_of(payload: &Payload) -> U256 {
    let calls = payload.calls.iter().map(|it| &it.call);
    let content = (
        calls.clone().map(|call| call.target).collect::<Vec<_>>(),
        calls.clone().map(|call| call.value).collect::<Vec<_>>(),
        calls.map(|call| call.input.clone()).collect::<Vec<_>>(),
        keccak256(&payload.description),
    );
    U256::from_be_bytes(keccak256(content.abi_encode_params()).0)
}

/// Whether an OpenZeppelin governor's own code says that calls and text are of another proposal. What it
/// computes of them is as well proven as its code.
///
/// # Errors
/// If the state fails.
pub fn is_of_another<S: DatabaseRef>(
    block: &Block,
    state: &S,
    payload: &Payload,
    (governor, id): (Address, U256),
) -> Result<bool, BatchError<S::Error>> {
    if id_of(payload) == id {
        return Ok(false);
    }
    let calls = payload.calls.iter().map(|it| &it.call);
    let question = hashProposalCall {
        _0: calls.clone().map(|call| call.target).collect(),
        _1: calls.clone().map(|call| call.value).collect(),
        _2: calls.map(|call| call.input.clone()).collect(),
        _3: keccak256(&payload.description),
    };
    let number = answer(block, state, governor, question.abi_encode())?;
    let number = number.and_then(|answer| U256::abi_decode(&answer).ok());
    Ok(number.is_some_and(|number| number != id))
}

/// How it is known that the payload is the one of this proposal.
pub(crate) fn ground(
    payload: &Payload,
    id: U256,
    answers: &Answers,
) -> Result<CallsGround, PayloadError> {
    if id_of(payload) == id {
        return Ok(CallsGround::Number);
    }
    let Some(actions) = answers.actions.clone() else { return Ok(CallsGround::Word) };
    let kept = Payload::of_lists(actions, String::new())?;
    Ok(if kept.calls == payload.calls { CallsGround::State } else { CallsGround::Word })
}
