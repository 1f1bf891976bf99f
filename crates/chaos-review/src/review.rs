//! What running a proposal did, in what a reviewer asks.

mod notices;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, I256, U256};
use chaos_evm::{
    Block,
    calls::{BatchRun, Change, Ending, Failing, Step, StepKind},
};
use chaos_types::{ChainId, Digest, canonical};
use serde::Serialize;

pub(crate) use self::notices::Notice;
use crate::{
    book::{Book, Decoded, Shelf, hex, name_of_slot, selector_of, topic_of},
    claims::{self, Comparison, Holder},
    governors::{Answers, CallsGround},
    payload::Payload,
};

/// Name and version of a review's form.
pub(crate) const FORMAT: &str = "chaoschain-proposal-review/4";

/// Most calls in arguments that are shown of one call.
const INNER_MAX: usize = 200;
/// How deep calls in arguments of calls in arguments are looked for.
const INNER_DEPTH_MAX: usize = 6;

/// How the state that was read is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateGround {
    /// Every account, slot and code was proven against the block's state root.
    Proven,
}

/// What is reviewed.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    /// The proposal.
    pub(crate) payload: &'a Payload,
    /// What its governor says of it, if it is from one.
    pub(crate) governor: Option<GovernorReview>,
    /// Who makes the calls.
    pub(crate) sender: Address,
    /// The block after which they are made.
    pub(crate) block: &'a Block,
    /// Name of the rules.
    pub(crate) fork: String,
    /// How the state is known.
    pub(crate) state: StateGround,
    /// What the calls do if the wei that they send are the sender's, where whoever executes brings them.
    pub(crate) by_sender: Option<BatchRun>,
}

/// All that is said about a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// [`FORMAT`].
    pub(crate) format: &'static str,
    /// The chain.
    pub(crate) chain: ChainId,
    /// The block after which the calls are made.
    pub(crate) block: At,
    /// Name of the rules.
    pub(crate) fork: String,
    /// How the state is known.
    pub(crate) state: StateGround,
    /// What its governor says of it, if it is from one.
    pub(crate) governor: Option<GovernorReview>,
    /// Who makes the calls.
    pub(crate) sender: Address,
    /// Wei that whoever executes it sends along.
    pub(crate) sent_along: String,
    /// Wei that whoever executes it brings, each call's with that call, where it is not the sender's (Compound).
    pub(crate) brought: Option<String>,
    /// How it ended.
    pub(crate) result: Outcome,
    /// The calls.
    pub(crate) calls: Vec<CallReview>,
    /// What a reviewer has to look at first.
    pub(crate) notices: Vec<Notice>,
    /// Wei that accounts have more or less.
    pub(crate) wei: Vec<Moved>,
    /// Tokens that accounts have more or less, by the events of the tokens.
    pub(crate) tokens: Vec<TokenMoved>,
    /// Events.
    pub(crate) events: Vec<EventReview>,
    /// What ran the code of others on a storage of its own, each pair once.
    pub(crate) delegations: Vec<Delegation>,
    /// State that is different.
    pub(crate) changes: Vec<AccountReview>,
    /// The text against the calls.
    pub(crate) text: Comparison,
    /// The slot in which the governor keeps calls to itself, if they were put down there as its `execute`
    /// puts them.
    pub(crate) filled_queue: Option<B256>,
    /// What is not in this review although it happened.
    pub(crate) left_out: LeftOut,
}

/// What a governor says of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct GovernorReview {
    /// The governor.
    pub(crate) address: Address,
    /// The proposal's number.
    pub(crate) id: String,
    /// Where it stands.
    pub(crate) state: Option<&'static str>,
    /// How it is known that the calls are its.
    pub(crate) calls: CallsGround,
    /// The timelock that the governor names.
    pub(crate) timelock: Option<Address>,
    /// Whether the sender is that timelock, or the governor where it names none.
    pub(crate) sender_is_executor: bool,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct At {
    /// Height.
    pub(crate) number: String,
    /// Hash.
    pub(crate) hash: Option<B256>,
    /// Seconds since 1970.
    pub(crate) timestamp: String,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    /// Whether every call succeeded.
    pub(crate) succeeded: bool,
    /// The call that failed, from 1.
    pub(crate) failed_call: Option<usize>,
    /// Why it failed, in words.
    pub(crate) reason: Option<String>,
    /// What it gave as the reason, decoded.
    pub(crate) error: Option<Decoded>,
    /// Gas of the calls that ran, before refunds.
    pub(crate) gas: String,
    /// Most that they could use.
    pub(crate) gas_limit: String,
}

/// A call of the proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CallReview {
    /// Whom it calls.
    pub(crate) target: Address,
    /// Which contract the code there is, if that is known.
    pub(crate) contract: Option<&'static str>,
    /// Whether there is code at all.
    pub(crate) has_code: bool,
    /// Wei that it sends.
    pub(crate) value: String,
    /// The first four bytes of its input.
    pub(crate) selector: Option<String>,
    /// How many bytes its input has.
    pub(crate) input_bytes: usize,
    /// The input, shortened.
    pub(crate) input: String,
    /// What the input says.
    pub(crate) decoded: Option<Decoded>,
    /// Calls that are arguments of it, as far as a list knows their names.
    pub(crate) inner: Vec<Decoded>,
    /// Gas that it took, if it ran.
    pub(crate) gas: Option<String>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct EventReview {
    /// The call that it came from, from 1.
    pub(crate) call: usize,
    /// Who emitted it.
    pub(crate) address: Address,
    /// What it says.
    pub(crate) decoded: Option<Decoded>,
    /// Its topics.
    pub(crate) topics: Vec<B256>,
    /// Its data, shortened.
    pub(crate) data: String,
}

/// Wei of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Moved {
    /// Whose.
    pub(crate) account: Address,
    /// Before.
    pub(crate) before: String,
    /// Afterwards.
    pub(crate) after: String,
}

/// Tokens of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TokenMoved {
    /// The token.
    pub(crate) token: Address,
    /// Whose.
    pub(crate) account: Address,
    /// How many it has more, or less with a minus, in the token's smallest unit.
    pub(crate) difference: String,
}

/// Code that ran on another's storage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Delegation {
    /// Whose storage.
    pub(crate) account: Address,
    /// Whose code.
    pub(crate) code: Address,
}

/// An account that is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AccountReview {
    /// Which.
    pub(crate) address: Address,
    /// Which contract its code is, if that is known.
    pub(crate) contract: Option<&'static str>,
    /// Nonce before and after, where it differs.
    pub(crate) nonce: Option<(String, String)>,
    /// Hash of the code before and after, where it differs.
    pub(crate) code_hash: Option<(B256, B256)>,
    /// Slots that are different.
    pub(crate) slots: Vec<SlotReview>,
}

/// A slot that is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SlotReview {
    /// Which.
    pub(crate) slot: B256,
    /// What it is called, if that is known.
    pub(crate) name: Option<String>,
    /// Before.
    pub(crate) before: B256,
    /// Afterwards.
    pub(crate) after: B256,
}

/// What happened and is not in the review.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct LeftOut {
    /// Calls and creations below the calls, which may hide delegations.
    pub(crate) steps: u64,
    /// Calls that could change nothing.
    pub(crate) static_calls: u64,
}

impl GovernorReview {
    pub(crate) fn new(
        address: Address,
        id: U256,
        answers: &Answers,
        (sender, calls): (Address, CallsGround),
    ) -> Self {
        let timelock = answers.timelock;
        Self {
            address,
            id: id.to_string(),
            state: answers.state,
            calls,
            timelock,
            sender_is_executor: sender == timelock.unwrap_or(address),
        }
    }

    /// Whether nothing of it will be run any more.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, Some("canceled" | "defeated" | "expired" | "executed"))
    }
}

impl Review {
    /// Whether every call succeeded.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        self.result.succeeded
    }

    /// The time that the block says of itself, in seconds since 1970.
    ///
    /// # Panics
    /// Never: it was written from a number.
    #[must_use]
    pub fn timestamp_s(&self) -> u64 {
        self.block.timestamp.parse().expect("it was written from a number")
    }

    /// Whether its calls were shown to be those of the governor's proposal, and were made by whom the
    /// governor has make them.
    #[must_use]
    pub fn is_of_its_governor(&self) -> bool {
        let governor = self.governor.as_ref();
        governor.is_some_and(|it| it.sender_is_executor && it.calls != CallsGround::Word)
    }

    /// The review in its canonical form, which its digest is of.
    ///
    /// # Errors
    /// If it is larger than a document may be.
    pub fn to_bytes(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }

    /// The name of the rules by which the calls were run.
    #[must_use]
    pub fn fork(&self) -> &str {
        &self.fork
    }

    /// Names the review: whoever runs the same calls on the same state gets the same.
    ///
    /// # Errors
    /// As [`Self::to_bytes`].
    pub fn digest(&self) -> Result<Digest, canonical::Error> {
        Ok(Digest::of(&self.to_bytes()?))
    }
}

/// Says what a run did.
#[must_use]
pub(crate) fn review(book: &Book, subject: &Subject<'_>, run: &BatchRun) -> Review {
    let reader = Reader { book, subject, run };
    let (calls, events) = (reader.calls(), reader.events());
    let header = &subject.block.header;
    Review {
        format: FORMAT,
        chain: ChainId::evm(subject.block.chain_id),
        block: At {
            number: header.number.to_string(),
            hash: header.hash,
            timestamp: header.timestamp.to_string(),
        },
        fork: subject.fork.clone(),
        state: subject.state,
        governor: subject.governor.clone(),
        sender: subject.sender,
        sent_along: subject.payload.sent_along.to_string(),
        brought: reader.brought().map(|wei| wei.to_string()),
        result: reader.outcome(),
        notices: notices::notices(&reader, &calls, &events),
        calls,
        wei: reader.wei(),
        tokens: reader.tokens(),
        events,
        delegations: reader.delegations(),
        changes: reader.changes(),
        text: reader.text(),
        filled_queue: run.filled_queue.map(B256::from),
        left_out: LeftOut { steps: run.steps_left_out, static_calls: run.static_calls },
    }
}

struct Reader<'a> {
    book: &'a Book,
    subject: &'a Subject<'a>,
    run: &'a BatchRun,
}

impl<'a> Reader<'a> {
    fn shelf(&self, address: Address) -> Shelf<'a> {
        let new = self.run.changes.get(&address).and_then(|change| change.new_code.as_ref());
        let code = self.run.codes.get(&address).or(new);
        self.book.shelf(address, code.map(AsRef::as_ref).unwrap_or_default())
    }

    /// Whether the code that an address had before the calls is that of a contract whose source is known here. What
    /// created it is not, so a contract that the calls create is of unknown source.
    fn is_source_known(&self, address: Address) -> bool {
        let code = self.run.codes.get(&address);
        code.is_some_and(|code| self.book.shelf(address, code).name().is_some())
    }

    /// Wei that the calls send and the sender does not pay.
    fn brought(&self) -> Option<U256> {
        let values = self.subject.payload.calls.iter().map(|it| it.call.value);
        self.subject.by_sender.as_ref().map(|_| values.fold(U256::ZERO, U256::saturating_add))
    }

    fn outcome(&self) -> Outcome {
        let run = self.run;
        let (failed_call, reason, error) = match &run.ending {
            Ending::Succeeded => (None, None, None),
            Ending::Reverted { call, output } => {
                let shelf = self.subject.payload.calls.get(*call);
                let shelf = shelf.map(|it| self.shelf(it.call.target)).unwrap_or_default();
                let error = self.book.error(shelf, output);
                let reason = match (output.is_empty(), &error) {
                    (true, _) => "it reverted without a reason".to_owned(),
                    (false, Some(_)) => "it reverted".to_owned(),
                    (false, None) => format!("it reverted with {}", hex(output)),
                };
                (Some(call + 1), Some(reason), error)
            }
            Ending::Failed { call, reason } => (Some(call + 1), Some(words(*reason)), None),
        };
        Outcome {
            succeeded: run.ending == Ending::Succeeded,
            failed_call,
            reason,
            error,
            gas: run.gas.iter().sum::<u64>().to_string(),
            gas_limit: run.gas_limit.to_string(),
        }
    }

    fn calls(&self) -> Vec<CallReview> {
        let calls = self.subject.payload.calls.iter().enumerate();
        calls
            .map(|(index, proposed)| {
                let call = &proposed.call;
                let shelf = self.shelf(call.target);
                let decoded = match &proposed.signature {
                    Some(signature) => self.book.signed_call(shelf, signature, &call.input),
                    None => self.book.call(shelf, &call.input),
                };
                let inner = self.inner(decoded.as_ref());
                CallReview {
                    target: call.target,
                    contract: shelf.name(),
                    has_code: self.has_code(index, call.target),
                    value: call.value.to_string(),
                    selector: selector_of(&call.input),
                    input_bytes: call.input.len(),
                    input: hex(&call.input),
                    inner,
                    decoded,
                    gas: self.run.gas.get(index).map(u64::to_string),
                }
            })
            .collect()
    }

    /// Calls in a call's arguments, and in theirs, as far as a list knows their names.
    fn inner(&self, decoded: Option<&Decoded>) -> Vec<Decoded> {
        let mut found: Vec<Decoded> = Vec::new();
        let mut left: Vec<(usize, Vec<u8>)> = Vec::new();
        let below = |depth: usize, it: &Decoded| {
            it.bytes().into_iter().rev().map(|bytes| (depth, bytes.to_vec())).collect::<Vec<_>>()
        };
        left.extend(decoded.map(|it| below(1, it)).unwrap_or_default());
        while let Some((depth, bytes)) = left.pop() {
            if found.len() >= INNER_MAX {
                break;
            }
            let Some(call) = self.book.call(Shelf::default(), &bytes) else { continue };
            if depth < INNER_DEPTH_MAX {
                left.extend(below(depth + 1, &call));
            }
            found.push(call);
        }
        found
    }

    /// Whether code runs when a call gets there: it was there before the calls, or an earlier one created it.
    fn has_code(&self, index: usize, target: Address) -> bool {
        self.run.codes.contains_key(&target)
            || self.run.steps.iter().any(|step| {
                step.kind == StepKind::Create
                    && step.to == target
                    && step.call < index
                    && !step.is_undone
            })
    }

    fn events(&self) -> Vec<EventReview> {
        let logs = self.run.logs.iter();
        logs.map(|(call, log)| EventReview {
            call: call + 1,
            address: log.address,
            decoded: self.book.event(self.shelf(log.address), log),
            topics: log.topics().to_vec(),
            data: hex(&log.data.data),
        })
        .collect()
    }

    fn wei(&self) -> Vec<Moved> {
        let changed = self.run.changes.iter().filter(|(_, it)| it.balance.0 != it.balance.1);
        changed
            .map(|(account, it)| Moved {
                account: *account,
                before: it.balance.0.to_string(),
                after: it.balance.1.to_string(),
            })
            .collect()
    }

    /// The sums of ERC-20's event: three topics, and 32 bytes of data.
    fn tokens(&self) -> Vec<TokenMoved> {
        let transfer = topic_of("Transfer(address,address,uint256)");
        let mut sums: BTreeMap<(Address, Address), I256> = BTreeMap::new();
        for (_, log) in &self.run.logs {
            let [topic, from, to] = log.topics() else { continue };
            if *topic != transfer || log.data.data.len() != 32 {
                continue;
            }
            // Amounts above 2^255 are no amounts; their sum is left to wrap rather than to fail.
            let amount = I256::from_raw(U256::from_be_slice(&log.data.data));
            let mut add = |account: &B256, amount: I256| {
                let sum = sums.entry((log.address, Address::from_word(*account))).or_default();
                *sum = sum.wrapping_add(amount);
            };
            add(from, amount.wrapping_neg());
            add(to, amount);
        }
        let moved = sums.into_iter().filter(|(_, sum)| !sum.is_zero());
        moved
            .map(|((token, account), sum)| TokenMoved {
                token,
                account,
                difference: sum.to_string(),
            })
            .collect()
    }

    fn delegations(&self) -> Vec<Delegation> {
        let steps = self.run.steps.iter();
        let lasting = steps.filter(|step| !step.is_undone);
        let pairs: BTreeSet<Delegation> = lasting
            .flat_map(|step| {
                let by_call = (step.kind == StepKind::DelegateCall)
                    .then_some(Delegation { account: step.from, code: step.to });
                let code = self.run.codes.get(&step.to).and_then(|code| delegate_of(code));
                let by_account = code.map(|code| Delegation { account: step.to, code });
                by_call.into_iter().chain(by_account)
            })
            .collect();
        pairs.into_iter().collect()
    }

    fn changes(&self) -> Vec<AccountReview> {
        let changed = self.run.changes.iter().map(|(address, change)| {
            let contract = self.shelf(*address).name();
            AccountReview {
                address: *address,
                contract,
                nonce: differing(change.nonce).map(|(a, b)| (a.to_string(), b.to_string())),
                code_hash: differing(change.code_hash),
                slots: self.slots(contract, change),
            }
        });
        changed
            .filter(|it| it.nonce.is_some() || it.code_hash.is_some() || !it.slots.is_empty())
            .collect()
    }

    fn slots(&self, contract: Option<&str>, change: &Change) -> Vec<SlotReview> {
        let slots = change.slots.iter();
        slots
            .map(|(slot, (before, after))| SlotReview {
                slot: B256::from(*slot),
                name: name_of_slot(contract, *slot, &self.run.preimages),
                before: B256::from(*before),
                after: B256::from(*after),
            })
            .collect()
    }

    fn text(&self) -> Comparison {
        let calls = self.subject.payload.calls.iter().map(|it| Holder {
            target: it.call.target,
            value: it.call.value,
            input: &it.call.input,
        });
        claims::compare(&self.subject.payload.description, &calls.collect::<Vec<_>>())
    }

    /// What stayed of what ran.
    fn lasting(&self) -> impl Iterator<Item = &'a Step> {
        let done = self.run.ending == Ending::Succeeded;
        self.run.steps.iter().filter(move |step| done && !step.is_undone)
    }
}

/// Whose code an account runs that has set one by EIP-7702.
fn delegate_of(code: &[u8]) -> Option<Address> {
    let address: [u8; 20] = code.strip_prefix(&[0xef, 0x01, 0x00])?.try_into().ok()?;
    Some(Address::from(address))
}

fn differing<T: PartialEq>((before, after): (T, T)) -> Option<(T, T)> {
    (before != after).then_some((before, after))
}

fn words(reason: Failing) -> String {
    match reason {
        Failing::Funds => "the sender holds less wei than the call sends".to_owned(),
        Failing::Gas => "the gas is used up".to_owned(),
        Failing::Instruction => "it ran into an instruction without meaning (INVALID)".to_owned(),
        Failing::Other(result) => format!("the machine stopped it: {result:?}"),
    }
}
