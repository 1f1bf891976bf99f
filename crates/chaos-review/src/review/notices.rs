//! What a reviewer has to look at first.

mod payer;

use std::collections::{BTreeMap, BTreeSet};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use chaos_evm::calls::{Circumstance, StepKind};
use serde::Serialize;

use super::{CallReview, EventReview, Reader};
use crate::{
    book::{BEACON, Decoded, Ground, IMPLEMENTATION, name_of_slot},
    claims,
};

/// Something that changes who or what has power.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Notice {
    /// What sort.
    pub(crate) kind: NoticeKind,
    /// Whose.
    pub(crate) address: Address,
    /// In words.
    pub(crate) text: String,
    /// How many more events of the same name there were from the same address, with the same or, where there are
    /// too many to show, other arguments.
    pub(crate) more: usize,
}

/// Sorts of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoticeKind {
    /// A proxy runs other code than before: its slot says so.
    Upgrade,
    /// An owner, administrator or role is another: an event says so.
    Power,
    /// A contract was created.
    Created,
    /// Code is gone, or another.
    Code,
    /// A call went to an address without code, so that it did nothing but pay.
    NoCode,
    /// The sender ran somebody else's code as its own.
    Delegation,
    /// The sender or the governor lets somebody take its tokens, or gives its votes to somebody.
    Allowance,
    /// A call queues calls, which were not run.
    Queued,
    /// The name that the proposer gives a call is not the only one, or not the code's.
    Name,
    /// Code asked for what is other in a real execution.
    Circumstance,
    /// The calls send wei that whoever executes brings, or the sender has, as the governor's code has it.
    Payer,
}

const POWERS: [&str; 39] = [
    "OwnershipTransferred",
    "OwnershipTransferStarted",
    "RoleGranted",
    "RoleRevoked",
    "RoleAdminChanged",
    "AdminChanged",
    "BeaconUpgraded",
    "Upgraded",
    "DiamondCut",
    "AddedOwner",
    "RemovedOwner",
    "ChangedThreshold",
    "EnabledModule",
    "DisabledModule",
    "ChangedGuard",
    "ChangedModuleGuard",
    "ChangedFallbackHandler",
    "ChangedMasterCopy",
    "TimelockChange",
    "MinDelayChange",
    "NewAdmin",
    "NewPendingAdmin",
    "NewDelay",
    "NewImplementation",
    "QuorumNumeratorUpdated",
    "VotingDelaySet",
    "VotingPeriodSet",
    "ProposalThresholdSet",
    "LateQuorumVoteExtensionSet",
    "DefaultAdminTransferScheduled",
    "DefaultAdminDelayChangeScheduled",
    "AuthorityUpdated",
    "OwnerChanged",
    "LogSetOwner",
    "LogSetAuthority",
    "Rely",
    "GovernanceTransferred",
    "OwnershipHandoverRequested",
    "AuthorizedOperator",
];
/// Events of one name and address that say something else each and are all shown, where the address has power or
/// is called, or the sender's tokens are given away.
const DISTINCT_SHOWN_MAX: usize = 50;
/// Calls that put other calls down for later.
const QUEUES: [&str; 6] =
    ["schedule", "scheduleBatch", "queueTransaction", "queue", "propose", "executeTransaction"];

/// What has power or is called comes first, whatever others do to fill the list, and each address has its
/// notices together.
pub(super) fn notices(
    reader: &Reader<'_>,
    calls: &[CallReview],
    events: &[EventReview],
) -> Vec<Notice> {
    let mut notices = Vec::new();
    upgrades(reader, &mut notices);
    of_events(reader, events, &mut notices);
    codes(reader, &mut notices);
    of_calls(reader, calls, &mut notices);
    for step in reader.lasting() {
        if step.kind == StepKind::DelegateCall && step.from == reader.subject.sender {
            let text = format!("the sender ran the code of {} as its own", step.to);
            notices.push(Notice::new(NoticeKind::Delegation, step.from, text));
        }
    }
    circumstances(reader, &mut notices);
    payer::payer(reader, &mut notices);
    let ranks = Ranks::new(reader);
    notices.sort_by_key(|it| (ranks.of(it.address), it.address));
    let mut seen = BTreeSet::new();
    notices.retain(|it| seen.insert((it.address, it.text.clone())));
    notices
}

impl Notice {
    const fn new(kind: NoticeKind, address: Address, text: String) -> Self {
        Self { kind, address, text, more: 0 }
    }
}

/// Which addresses matter to whoever decides.
struct Ranks {
    powers: BTreeSet<Address>,
    called: BTreeSet<Address>,
    named: BTreeSet<Address>,
}

impl Ranks {
    fn new(reader: &Reader<'_>) -> Self {
        let subject = reader.subject;
        let governor = subject.governor.as_ref();
        let timelock = governor.and_then(|it| it.timelock);
        let powers = [Some(subject.sender), governor.map(|it| it.address), timelock];
        let calls = &subject.payload.calls;
        Self {
            powers: powers.into_iter().flatten().collect(),
            called: calls.iter().map(|it| it.call.target).collect(),
            named: claims::addresses_in(calls.iter().map(|it| &it.call.input[..])),
        }
    }

    fn of(&self, address: Address) -> u8 {
        [&self.powers, &self.called, &self.named]
            .into_iter()
            .zip(0..)
            .find_map(|(of, rank)| of.contains(&address).then_some(rank))
            .unwrap_or(3)
    }
}

fn of_events(reader: &Reader<'_>, events: &[EventReview], notices: &mut Vec<Notice>) {
    let ranks = Ranks::new(reader);
    let mut seen: BTreeMap<(Address, &str), Vec<usize>> = BTreeMap::new();
    for event in events {
        let Some((kind, name, text)) = told(reader, event) else { continue };
        let like_it = seen.entry((event.address, name)).or_default();
        // Of what has power each is shown once, however often it is said; what others say is counted, and the
        // last of it holds.
        let matters = kind == NoticeKind::Allowance || ranks.of(event.address) < 2;
        let shown_max = if matters { DISTINCT_SHOWN_MAX } else { 2 };
        let same = like_it.iter().find(|place| notices[**place].text == text).copied();
        match (same, like_it.last().copied()) {
            (Some(place), _) => notices[place].more += 1,
            (None, Some(last)) if like_it.len() >= shown_max => {
                let more = notices[last].more + 1;
                notices[last] = Notice { more, ..Notice::new(kind, event.address, text) };
            }
            (None, _) => {
                like_it.push(notices.len());
                notices.push(Notice::new(kind, event.address, text));
            }
        }
    }
}

fn told<'a>(reader: &Reader<'_>, event: &'a EventReview) -> Option<(NoticeKind, &'a str, String)> {
    let Some(decoded) = &event.decoded else {
        let topic = event.topics.first()?;
        let name = POWERS.into_iter().find(|name| reader.book.is_event(name, topic))?;
        let text = format!("its event {name}, with arguments that are laid out otherwise");
        return Some((NoticeKind::Power, name, text));
    };
    let name = decoded.name();
    if POWERS.contains(&name) {
        let arguments = decoded.arguments.iter().map(|it| format!("{} {}", it.name, it.value));
        let arguments = arguments.collect::<Vec<_>>().join(", ");
        return Some((NoticeKind::Power, name, format!("its event {name}: {arguments}")));
    }
    let text = allowance(reader, decoded)?;
    Some((NoticeKind::Allowance, name, text))
}

/// What the sender or the governor lets somebody take.
fn allowance(reader: &Reader<'_>, decoded: &Decoded) -> Option<String> {
    let [DynSolValue::Address(owner), DynSolValue::Address(taker), what] = &decoded.values[..]
    else {
        return None;
    };
    let subject = reader.subject;
    let is_owner = *owner == subject.sender
        || subject.governor.as_ref().is_some_and(|it| it.address == *owner);
    if !is_owner {
        return None;
    }
    let what = match (decoded.name(), what) {
        ("Approval", DynSolValue::Uint(amount, _)) if amount.is_zero() => return None,
        ("Approval", DynSolValue::Uint(amount, _)) if amount.bit_len() > 128 => {
            "without a bound".to_owned()
        }
        ("Approval", DynSolValue::Uint(amount, _)) => amount.to_string(),
        ("ApprovalForAll", DynSolValue::Bool(true)) => "all of them".to_owned(),
        ("DelegateChanged", DynSolValue::Address(to)) => {
            return Some(format!("the votes of {owner} are {to}'s"));
        }
        _ => return None,
    };
    Some(format!("{taker} may take tokens of {owner}: {what}"))
}

fn of_calls(reader: &Reader<'_>, calls: &[CallReview], notices: &mut Vec<Notice>) {
    for (index, (proposed, call)) in reader.subject.payload.calls.iter().zip(calls).enumerate() {
        let (place, target) = (index + 1, call.target);
        if !call.has_code && call.input_bytes > 0 {
            let text = format!("call {place} has input for an address without code");
            notices.push(Notice::new(NoticeKind::NoCode, target, text));
        }
        let all = call.decoded.iter().chain(&call.inner);
        if all.into_iter().any(|it| QUEUES.contains(&it.name())) {
            let text = format!("call {place} queues calls; what they do later was not run here");
            notices.push(Notice::new(NoticeKind::Queued, target, text));
        }
        let Some(name) = &proposed.signature else { continue };
        let names = match &call.decoded {
            Some(it) if it.ground == Ground::Signature => {
                reader.book.other_names(reader.shelf(target), &proposed.call.input, name)
            }
            Some(it) if it.signature != *name => vec![it.signature.clone()],
            _ => continue,
        };
        if !names.is_empty() {
            let names = names.join(" and ");
            let text = format!(
                "call {place} is {name} by the proposer's word; its four bytes are those of {names}"
            );
            notices.push(Notice::new(NoticeKind::Name, target, text));
        }
    }
}

/// Where all code that ran is of known source, it does with what it asks for what that source says. Code of
/// unknown source can learn from other code what that asks for, through answers or what it stored.
fn circumstances(reader: &Reader<'_>, notices: &mut Vec<Notice>) {
    if reader.run.ran.iter().all(|address| reader.is_source_known(*address)) {
        return;
    }
    let mut asked: BTreeMap<Address, Vec<&str>> = BTreeMap::new();
    for (address, circumstance) in &reader.run.asked {
        asked.entry(*address).or_default().push(words(*circumstance));
    }
    for (address, asked) in asked {
        let then = if reader.is_source_known(address) {
            "other code that ran may learn it there, and do otherwise then"
        } else {
            "it may do otherwise then"
        };
        let text = format!("its code asks for {}; {then}", asked.join(", "));
        notices.push(Notice::new(NoticeKind::Circumstance, address, text));
    }
}

const fn words(circumstance: Circumstance) -> &'static str {
    match circumstance {
        Circumstance::Origin => "who starts the transaction",
        Circumstance::GasPrice => "its gas price",
        Circumstance::BlockHash => "a block's hash",
        Circumstance::Coinbase => "who builds the block",
        Circumstance::Timestamp => "the time",
        Circumstance::Number => "the block's height",
        Circumstance::Randomness => "the block's random word",
        Circumstance::GasLimit => "the block's gas limit",
        Circumstance::BaseFee => "the base fee",
        Circumstance::Blobs => "blobs",
        Circumstance::GasLeft => "the gas that is left",
        Circumstance::GasBound => "what a call costs, whose gas it bounds",
        Circumstance::OutOfGas => "whether a call runs out of gas, which one did",
        Circumstance::Transient => "what was put down earlier in the transaction",
        Circumstance::Executor => "what the sender or the governor says",
        Circumstance::Wei => "how much wei the sender or the governor has",
        Circumstance::Chain => "the chain's number",
    }
}

fn upgrades(reader: &Reader<'_>, notices: &mut Vec<Notice>) {
    for (address, change) in &reader.run.changes {
        for (slot, (before, after)) in &change.slots {
            let Some(name) = name_of_slot(None, *slot, &reader.run.preimages) else { continue };
            let is_code =
                name == IMPLEMENTATION || name == BEACON || name.contains("implementation");
            if !is_code && !name.contains("admin") && !name.contains("owner") {
                continue;
            }
            let text = format!("{name}: {} → {}", holder(*before), holder(*after));
            let kind = if is_code { NoticeKind::Upgrade } else { NoticeKind::Power };
            notices.push(Notice::new(kind, *address, text));
        }
    }
}

fn holder(word: U256) -> String {
    if word.is_zero() {
        "none".to_owned()
    } else {
        Address::from_word(B256::from(word)).to_string()
    }
}

fn codes(reader: &Reader<'_>, notices: &mut Vec<Notice>) {
    for (address, change) in &reader.run.changes {
        let (before, after) = change.code_hash;
        let (kind, text) = if change.is_destroyed && before != KECCAK256_EMPTY {
            (NoticeKind::Code, "its code is destroyed".to_owned())
        } else if before == after {
            continue;
        } else if before == KECCAK256_EMPTY {
            let bytes = change.new_code.as_ref().map_or(0, |code| code.len());
            (NoticeKind::Created, format!("a contract of {bytes} bytes was created"))
        } else {
            (NoticeKind::Code, "its code is another one".to_owned())
        };
        notices.push(Notice::new(kind, *address, text));
    }
    for step in reader.lasting().filter(|step| step.kind == StepKind::SelfDestruct) {
        let text = format!("ran SELFDESTRUCT in favour of {}", step.to);
        notices.push(Notice::new(NoticeKind::Code, step.from, text));
    }
}

#[cfg(test)]
mod tests;
