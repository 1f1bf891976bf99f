//! What a reviewer has to look at first.

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use chaos_evm::calls::StepKind;
use serde::Serialize;

use super::{EventReview, Reader};
use crate::book::{BEACON, IMPLEMENTATION, name_of_slot};

/// Something that changes who or what has power.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Notice {
    /// What sort.
    pub(crate) kind: NoticeKind,
    /// Whose.
    pub(crate) address: Address,
    /// In words.
    pub(crate) text: String,
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
}

const POWERS: [&str; 18] = [
    "OwnershipTransferred",
    "OwnershipTransferStarted",
    "RoleGranted",
    "RoleRevoked",
    "RoleAdminChanged",
    "AdminChanged",
    "BeaconUpgraded",
    "Upgraded",
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
];

pub(super) fn notices(reader: &Reader<'_>, events: &[EventReview]) -> Vec<Notice> {
    let mut notices = Vec::new();
    upgrades(reader, &mut notices);
    for event in events {
        let Some(decoded) = &event.decoded else { continue };
        if !POWERS.contains(&decoded.name()) {
            continue;
        }
        let arguments = decoded.arguments.iter().map(|it| format!("{} {}", it.name, it.value));
        let arguments = arguments.collect::<Vec<_>>().join(", ");
        let text = format!("its event {}: {arguments}", decoded.name());
        notices.push(Notice { kind: NoticeKind::Power, address: event.address, text });
    }
    codes(reader, &mut notices);
    for (index, proposed) in reader.subject.payload.calls.iter().enumerate() {
        let target = proposed.call.target;
        if !reader.run.codes.contains_key(&target) && !proposed.call.input.is_empty() {
            let text = format!("call {} has input for an address without code", index + 1);
            notices.push(Notice { kind: NoticeKind::NoCode, address: target, text });
        }
    }
    for step in reader.lasting() {
        if step.kind == StepKind::DelegateCall && step.from == reader.subject.sender {
            let text = format!("the sender ran the code of {} as its own", step.to);
            notices.push(Notice { kind: NoticeKind::Delegation, address: step.from, text });
        }
    }
    notices.dedup();
    notices
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
            notices.push(Notice { kind, address: *address, text });
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
        notices.push(Notice { kind, address: *address, text });
    }
    for step in reader.lasting().filter(|step| step.kind == StepKind::SelfDestruct) {
        let text = format!("ran SELFDESTRUCT in favour of {}", step.to);
        notices.push(Notice { kind: NoticeKind::Code, address: step.from, text });
    }
}
