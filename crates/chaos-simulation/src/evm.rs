//! Exact re-execution of recorded blocks in an EVM.
//!
//! A block is decoded ([`RecordedBlock`]), joined with the code it needs ([`ReplayInput`]) and
//! executed under the rules of its fork ([`fork`]). The result says how far it agrees with the
//! header, and how many reads fell outside the recorded state. [`rebuild()`] does the same for blocks
//! packed anew under [`Changes`], [`run_scenarios`] for many changes at once, and [`measure`] counts
//! what execution takes.
//!
//! What is executed: the system calls of EIP-4788 and EIP-2935 at the start of a block, every
//! transaction, OP-stack deposits, and withdrawals. What is not: block rewards and the balance
//! changes of the DAO fork (neither is seen by a transaction of the same block unless it reads
//! one of these balances), the request calls of EIP-7002 and EIP-7251 after the last transaction
//! (they change no receipt), and the L1 data fee and fee vaults of the OP stack (they change
//! balances, not gas and not receipts). For that reason no state root is computed.

pub mod block;
mod bytecodes;
pub mod changes;
pub mod counterfactual;
pub(crate) mod encode;
pub(crate) mod execute;
pub mod fork;
pub mod outcome;
pub(crate) mod overlay;
pub mod rebuild;
pub(crate) mod receipts;
pub mod replay;
pub mod resources;
pub mod scenarios;
pub mod state;
pub(crate) mod tracked;

pub use block::{
    BLOCK_BYTES_MAX, Block, DecodeError, Deposit, Header, RecordedAccount, RecordedBlock,
    RecordedReceipt, RecordedSignature, Transaction, TransactionKind, Withdrawal,
    import::{self, ImportError, Imported},
};
pub use bytecodes::{BYTECODES_BYTES_MAX, Bytecodes};
pub use changes::{Changes, ChangesError};
pub use counterfactual::Counterfactual;
pub use fork::{ForkRules, UnknownChain, spec_of};
pub use outcome::{
    Exclusion, ExclusionCause, ExclusionCounts, Fate, Outcome, OutcomeCounts, OutcomeGroup,
};
pub use rebuild::{
    Assumptions, Order, RebuildError, Rebuilt, RebuiltBlock, Run, RunError, rebuild, runs,
};
pub use receipts::ReceiptsRoot;
pub use replay::{
    BlockReplay, RejectReason, Rejected, ReplayError, ReplayInput, Status, TransactionOutcome,
    execute, replay, replay_all, replay_on,
};
pub use resources::{BlockResources, GasByKind, GasKind, StateGrowth, WorstTransaction, measure};
pub use scenarios::{Scenario, ScenarioError, run_scenarios};
pub use state::{Complete, PreState, Recording, Snapshot, SnapshotView, UnknownReads};
