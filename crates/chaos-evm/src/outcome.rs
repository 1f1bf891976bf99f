//! What becomes of each recorded transaction under changed rules: groups that add up.
//!
//! Every recorded transaction falls in exactly one [`Outcome`], so the groups sum to the number of
//! recorded transactions. The names follow the published study of gas repricing on re-executed
//! blocks (`misilva73/repricing-impact`), with three groups more: transactions left out,
//! transactions that fail in the recording and now succeed, and transactions about which nothing
//! can be said because they read state that the recording does not know.

use std::ops::AddAssign;

use alloy_primitives::{Address, B256, Bytes, Log};
use revm::context::result::{ExecutionResult, Output};

use crate::{execute::RejectReason, replay::Status};

/// What became of one recorded transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeds with the same gas, logs and output.
    Unchanged,
    /// It succeeds with the same logs and output and other gas.
    GasOnly,
    /// It succeeds as before, but its logs or its output differ.
    SucceedsWithChanges,
    /// It failed as recorded and succeeds now.
    NowSucceeds,
    /// It succeeded as recorded, and now fails or may not run for want of gas: run again at its
    /// place with ten times its gas limit (within block and cap) it succeeds.
    FixableWithHigherGasLimit,
    /// It succeeded as recorded and now fails, more gas or not.
    PotentiallyBroken,
    /// It failed as recorded and fails now.
    AlreadyFailing,
    /// It is left out to the end.
    NotIncluded(Exclusion),
    /// It ran, but read state the recording does not know, or slots written by a transaction that
    /// did. No claim is made about it.
    Unknown,
}

/// Why a transaction is left out of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exclusion {
    /// Its gas limit exceeds what the block has left.
    NoRoom,
    /// It pays less than the base fee.
    FeeTooLow,
    /// It tips less than the priority-fee floor.
    BelowPriorityFeeFloor,
    /// It asks for more gas than a transaction may.
    AboveTransactionGasCap,
    /// The block has no place left for its blobs.
    BlobsFull,
    /// It pays less than the blob base fee.
    BlobFeeTooLow,
    /// An earlier transaction of its sender is left out, so its nonce comes too early.
    EarlierNonceWaiting,
    /// Its type is not understood.
    Unsupported,
    /// The EVM refuses it.
    Rejected(RejectReason),
}

/// The groups of [`Outcome`], without details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutcomeGroup {
    /// [`Outcome::Unchanged`].
    Unchanged,
    /// [`Outcome::GasOnly`].
    GasOnly,
    /// [`Outcome::SucceedsWithChanges`].
    SucceedsWithChanges,
    /// [`Outcome::NowSucceeds`].
    NowSucceeds,
    /// [`Outcome::FixableWithHigherGasLimit`].
    FixableWithHigherGasLimit,
    /// [`Outcome::PotentiallyBroken`].
    PotentiallyBroken,
    /// [`Outcome::AlreadyFailing`].
    AlreadyFailing,
    /// [`Outcome::NotIncluded`].
    NotIncluded,
    /// [`Outcome::Unknown`].
    Unknown,
}

/// The causes of [`Exclusion`], without details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExclusionCause {
    /// [`Exclusion::NoRoom`].
    NoRoom,
    /// [`Exclusion::FeeTooLow`].
    FeeTooLow,
    /// [`Exclusion::BelowPriorityFeeFloor`].
    BelowPriorityFeeFloor,
    /// [`Exclusion::AboveTransactionGasCap`].
    AboveTransactionGasCap,
    /// [`Exclusion::BlobsFull`].
    BlobsFull,
    /// [`Exclusion::BlobFeeTooLow`].
    BlobFeeTooLow,
    /// [`Exclusion::EarlierNonceWaiting`].
    EarlierNonceWaiting,
    /// [`Exclusion::Unsupported`].
    Unsupported,
    /// [`Exclusion::Rejected`].
    Rejected,
}

/// How many transactions fell in each group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    groups: [u64; OutcomeGroup::ALL.len()],
    causes: ExclusionCounts,
}

/// How many transactions were left out for each cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExclusionCounts([u64; ExclusionCause::ALL.len()]);

impl OutcomeGroup {
    /// All groups, in the order of reports.
    pub const ALL: [Self; 9] = [
        Self::Unchanged,
        Self::GasOnly,
        Self::SucceedsWithChanges,
        Self::NowSucceeds,
        Self::FixableWithHigherGasLimit,
        Self::PotentiallyBroken,
        Self::AlreadyFailing,
        Self::NotIncluded,
        Self::Unknown,
    ];

    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::GasOnly => "gas_only",
            Self::SucceedsWithChanges => "succeeds_with_changes",
            Self::NowSucceeds => "now_succeeds",
            Self::FixableWithHigherGasLimit => "fixable_with_higher_gas_limit",
            Self::PotentiallyBroken => "potentially_broken",
            Self::AlreadyFailing => "already_failing",
            Self::NotIncluded => "not_included",
            Self::Unknown => "unknown",
        }
    }
}

impl ExclusionCause {
    /// All causes, in the order of reports.
    pub const ALL: [Self; 9] = [
        Self::NoRoom,
        Self::FeeTooLow,
        Self::BelowPriorityFeeFloor,
        Self::AboveTransactionGasCap,
        Self::BlobsFull,
        Self::BlobFeeTooLow,
        Self::EarlierNonceWaiting,
        Self::Unsupported,
        Self::Rejected,
    ];

    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoRoom => "no_room",
            Self::FeeTooLow => "fee_too_low",
            Self::BelowPriorityFeeFloor => "below_priority_fee_floor",
            Self::AboveTransactionGasCap => "above_transaction_gas_cap",
            Self::BlobsFull => "blobs_full",
            Self::BlobFeeTooLow => "blob_fee_too_low",
            Self::EarlierNonceWaiting => "earlier_nonce_waiting",
            Self::Unsupported => "unsupported",
            Self::Rejected => "rejected",
        }
    }
}

impl Outcome {
    /// The group it counts in.
    #[must_use]
    pub const fn group(&self) -> OutcomeGroup {
        match self {
            Self::Unchanged => OutcomeGroup::Unchanged,
            Self::GasOnly => OutcomeGroup::GasOnly,
            Self::SucceedsWithChanges => OutcomeGroup::SucceedsWithChanges,
            Self::NowSucceeds => OutcomeGroup::NowSucceeds,
            Self::FixableWithHigherGasLimit => OutcomeGroup::FixableWithHigherGasLimit,
            Self::PotentiallyBroken => OutcomeGroup::PotentiallyBroken,
            Self::AlreadyFailing => OutcomeGroup::AlreadyFailing,
            Self::NotIncluded(_) => OutcomeGroup::NotIncluded,
            Self::Unknown => OutcomeGroup::Unknown,
        }
    }
}

impl Exclusion {
    /// The cause it counts under.
    #[must_use]
    pub const fn cause(&self) -> ExclusionCause {
        match self {
            Self::NoRoom => ExclusionCause::NoRoom,
            Self::FeeTooLow => ExclusionCause::FeeTooLow,
            Self::BelowPriorityFeeFloor => ExclusionCause::BelowPriorityFeeFloor,
            Self::AboveTransactionGasCap => ExclusionCause::AboveTransactionGasCap,
            Self::BlobsFull => ExclusionCause::BlobsFull,
            Self::BlobFeeTooLow => ExclusionCause::BlobFeeTooLow,
            Self::EarlierNonceWaiting => ExclusionCause::EarlierNonceWaiting,
            Self::Unsupported => ExclusionCause::Unsupported,
            Self::Rejected(_) => ExclusionCause::Rejected,
        }
    }
}

impl OutcomeCounts {
    /// Transactions in `group`.
    #[must_use]
    pub const fn get(&self, group: OutcomeGroup) -> u64 {
        self.groups[group as usize]
    }

    /// The causes of those not included.
    #[must_use]
    pub const fn causes(&self) -> &ExclusionCounts {
        &self.causes
    }

    /// All transactions.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.groups.iter().sum()
    }

    pub(crate) fn count(&mut self, outcome: &Outcome) {
        self.groups[outcome.group() as usize] += 1;
        if let Outcome::NotIncluded(exclusion) = outcome {
            self.causes.count(exclusion);
        }
    }
}

impl AddAssign for OutcomeCounts {
    fn add_assign(&mut self, other: Self) {
        self.groups.iter_mut().zip(other.groups).for_each(|(sum, count)| *sum += count);
        self.causes += other.causes;
    }
}

impl ExclusionCounts {
    /// Transactions left out for `cause`.
    #[must_use]
    pub const fn get(&self, cause: ExclusionCause) -> u64 {
        self.0[cause as usize]
    }

    /// All transactions left out.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) const fn count(&mut self, exclusion: &Exclusion) {
        self.0[exclusion.cause() as usize] += 1;
    }
}

impl AddAssign for ExclusionCounts {
    fn add_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, count)| *sum += count);
    }
}

/// How a transaction ended, with everything it leaves for others to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) status: Status,
    pub(crate) gas_used: u64,
    pub(crate) gas_before_refund: u64,
    logs: Vec<Log>,
    output: Bytes,
    created: Option<Address>,
}

impl From<ExecutionResult> for Ending {
    fn from(result: ExecutionResult) -> Self {
        let gas = *result.gas();
        let (status, logs, output, created) = match result {
            ExecutionResult::Success { logs, output: Output::Call(output), .. } => {
                (Status::Success, logs, output, None)
            }
            ExecutionResult::Success { logs, output: Output::Create(output, created), .. } => {
                (Status::Success, logs, output, created)
            }
            ExecutionResult::Revert { output, .. } => (Status::Reverted, Vec::new(), output, None),
            ExecutionResult::Halt { .. } => (Status::Halted, Vec::new(), Bytes::new(), None),
        };
        Self {
            status,
            gas_used: gas.tx_gas_used(),
            gas_before_refund: gas.total_gas_spent(),
            logs,
            output,
            created,
        }
    }
}

impl Ending {
    pub(crate) const fn succeeded(&self) -> bool {
        matches!(self.status, Status::Success)
    }

    fn same_effects(&self, other: &Self) -> bool {
        self.logs == other.logs && self.output == other.output && self.created == other.created
    }
}

/// Compares the endings of a transaction that ran as recorded and now. `None` if it succeeded and
/// now fails, where only another run tells more.
pub(crate) fn compare(before: &Ending, after: &Ending) -> Option<Outcome> {
    Some(match (before.succeeded(), after.succeeded()) {
        (true, true) if !before.same_effects(after) => Outcome::SucceedsWithChanges,
        (true, true) if before.gas_used != after.gas_used => Outcome::GasOnly,
        (true, true) => Outcome::Unchanged,
        (true, false) => return None,
        (false, true) => Outcome::NowSucceeds,
        (false, false) => Outcome::AlreadyFailing,
    })
}

/// What became of one recorded transaction, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// The recorded block.
    pub block: u64,
    /// Its place in the recorded block, from zero.
    pub index: usize,
    /// Its hash.
    pub hash: B256,
    /// The block it went into, if any.
    pub included_in: Option<u64>,
    /// Gas it used as recorded; 0 if it did not run.
    pub gas_before: u64,
    /// Gas it used under the changes; 0 if it did not run.
    pub gas_after: u64,
    /// The group it falls in.
    pub outcome: Outcome,
}

#[cfg(test)]
mod tests;
