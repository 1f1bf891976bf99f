use chaos_chain_config::Execution;

use super::BlockReplay;
use crate::{block::TransactionKind, receipts::ReceiptsRoot};

/// Whether a block's execution is what its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Every transaction stands where it stands, and gas and receipts root are the header's.
    Agrees,
    /// Something that was compared is not what the header says.
    Differs,
    /// Nothing differs, and what would show it could not be compared. It is no agreement.
    NotComparable(Incomparable),
}

/// Why a block's execution could not be compared with its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    /// A transaction was skipped, so that gas, receipts and the state of those after it are not the
    /// block's.
    #[error("transaction {index} has type {type_byte:#04x}, which cannot be run")]
    UnknownType {
        /// Its place in the block.
        index: usize,
        /// Its EIP-2718 type.
        type_byte: u8,
    },
    /// Receipts before Byzantium hold the state's root after each transaction, which is not computed.
    #[error(
        "receipts before Byzantium hold state roots, which are not computed; gas{} agree{}",
        if *by_bloom { " and logs bloom" } else { "" },
        if *by_bloom { "" } else { "s" }
    )]
    BeforeByzantium {
        /// Whether the logs' bloom was compared as well, and is the header's.
        by_bloom: bool,
    },
    /// It did not come out as its header says, on a chain of whose execution a part is missing here: the
    /// part may be why.
    #[error(
        "this chain is executed in part (`chaoschain chains` says what is missing), and {what} not the header's"
    )]
    PartialExecution {
        /// What is not the header's, with its verb.
        what: &'static str,
    },
    /// The run left the receipts root out.
    #[error("the receipts root was not computed")]
    NotComputed,
}

impl Incomparable {
    /// The word used in machine-readable output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownType { .. } => "unknown_type",
            Self::BeforeByzantium { .. } => "before_byzantium",
            Self::PartialExecution { .. } => "partial_execution",
            Self::NotComputed => "not_computed",
        }
    }
}

impl Agreement {
    /// The word used in machine-readable output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::NotComparable(_) => "not_comparable",
        }
    }
}

/// A transaction that was not run because its type is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// Its place in the block, from zero.
    pub index: usize,
    /// Its EIP-2718 type.
    pub type_byte: u8,
}

impl BlockReplay {
    /// Whether the execution is what the header says.
    #[must_use]
    pub fn agreement(&self) -> Agreement {
        match (self.compared(), self.execution) {
            (Agreement::Differs, Execution::Partial) => {
                let what = if self.gas_header != self.gas_replayed {
                    "gas is"
                } else if !self.rejected.is_empty() {
                    "the place of a transaction is"
                } else {
                    "receipts are"
                };
                Agreement::NotComparable(Incomparable::PartialExecution { what })
            }
            (compared, _) => compared,
        }
    }

    /// What comparing alone gives.
    fn compared(&self) -> Agreement {
        if let Some(Skipped { index, type_byte }) = self.skipped_transactions.first().copied() {
            return Agreement::NotComparable(Incomparable::UnknownType { index, type_byte });
        }
        if self.gas_header != self.gas_replayed
            || !self.rejected.is_empty()
            || self.logs_bloom_agrees == Some(false)
        {
            return Agreement::Differs;
        }
        match self.receipts_root {
            ReceiptsRoot::Match => Agreement::Agrees,
            ReceiptsRoot::Mismatch { .. } => Agreement::Differs,
            ReceiptsRoot::NotComparable => {
                let by_bloom = self.logs_bloom_agrees.is_some();
                Agreement::NotComparable(Incomparable::BeforeByzantium { by_bloom })
            }
            ReceiptsRoot::NotComputed => Agreement::NotComparable(Incomparable::NotComputed),
        }
    }

    /// Whether the execution is what the header says, and that was compared.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.agreement() == Agreement::Agrees
    }

    /// Whether all transactions ran and used the header's gas. A weaker word than agreement, and the
    /// only one for blocks before Byzantium.
    #[must_use]
    pub fn gas_agrees(&self) -> bool {
        self.skipped_transactions.is_empty() && self.gas_header == self.gas_replayed
    }
}

impl Skipped {
    /// The transaction at this place, if its type is not known.
    pub(super) fn of(index: usize, transaction: &crate::Transaction) -> Self {
        debug_assert_eq!(transaction.kind, TransactionKind::Unsupported);
        Self { index, type_byte: transaction.type_byte() }
    }
}
