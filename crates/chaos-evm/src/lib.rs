//! Exact re-execution of recorded blocks in an EVM.
//!
//! Whoever says what a rule change does to real transactions must first show that they can repeat
//! what happened. A block is decoded ([`RecordedBlock`]), joined with the code it needs
//! ([`ReplayInput`]) and executed under the rules of its fork ([`fork`]). The result says how far it
//! agrees with the header, and how many reads fell outside the recorded state. [`rebuild()`] does the
//! same for blocks packed anew under [`Changes`], [`run_scenarios`] for many changes at once, and
//! [`measure`] counts what execution takes. [`load`] makes blocks where none are recorded;
//! [`recorded`] packs blocks into files.
//!
//! ```
//! use chaos_evm::{
//!     Bytecodes, RecordedBlock, ReplayInput,
//!     load::{LoadParameters, generate},
//!     replay,
//! };
//!
//! let load = generate(&LoadParameters { blocks: 1, ..LoadParameters::default() })?;
//! let codes = Bytecodes::decode(&load.bytecodes)?;
//! let block = RecordedBlock::decode(&load.blocks[0].json, Some(load.chain_id))?;
//! let result = replay(&ReplayInput::new(block, &codes))?;
//! assert!(result.agrees());
//! assert_eq!(result.unknown_reads.total(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is executed: the system calls of EIP-4788 and EIP-2935 at the start of a block, every
//! transaction, OP-stack deposits, and withdrawals. What is not: block rewards and the balance
//! changes of the DAO fork (neither is seen by a transaction of the same block unless it reads
//! one of these balances), the request calls of EIP-7002 and EIP-7251 after the last transaction
//! (they change no receipt), and the L1 data fee and fee vaults of the OP stack (they change
//! balances, not gas and not receipts). For that reason no state root is computed.
//!
//! Invariants: the same input gives the same result on any machine and on any number of threads; a
//! read outside the recorded state is counted, never taken for a zero.
//!
//! It refuses a chain whose fork schedule it does not know, and knows no model of demand.

pub mod block;
mod bytecodes;
pub mod calls;
pub mod changes;
pub mod counterfactual;
mod encode;
mod execute;
pub mod explain;
pub mod fork;
pub mod load;
pub mod outcome;
pub mod overlay;
pub mod rebuild;
mod receipts;
pub mod recorded;
pub mod replay;
pub mod resources;
pub mod scenarios;
pub mod state;
mod tracked;

pub use revm::DatabaseRef;

pub use block::{
    BLOCK_BYTES_MAX, Block, Commitments, DecodeError, Deposit, Header, Part, RecordedAccount,
    RecordedBlock, RecordedReceipt, RecordedSignature, Transaction, TransactionKind, Unbound, Why,
    Withdrawal,
    import::{self, ImportError, Imported},
};
pub use bytecodes::Bytecodes;
pub use changes::{Changes, ChangesError};
pub use counterfactual::Counterfactual;
pub use fork::{ForkRules, Hardfork, Under, UnknownChain, UnknownHardfork, spec_of};
pub use outcome::{
    Exclusion, ExclusionCause, ExclusionCounts, Fate, Outcome, OutcomeCounts, OutcomeGroup,
};
pub use rebuild::{
    Assumptions, Order, RebuildError, Rebuilt, RebuiltBlock, Run, RunError, rebuild, runs,
};
pub use receipts::ReceiptsRoot;
pub use replay::{
    Agreement, BlockReplay, Incomparable, RejectReason, Rejected, ReplayError, ReplayInput,
    ReplaySummary, Skipped, Status, TransactionOutcome, Verdict, execute, replay, replay_all,
    replay_on,
};
pub use resources::{BlockResources, GasByKind, GasKind, StateGrowth, WorstTransaction, measure};
pub use scenarios::{Scenario, ScenarioError, run_scenarios};
pub use state::{Complete, PreState, Recording, Snapshot, SnapshotView, UnknownReads};
