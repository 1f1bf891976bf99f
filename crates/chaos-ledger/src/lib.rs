//! A node's own record: the log with its rows, blobs, keys and agents in one data directory.
//!
//! Everything that acts (a command, a service, a job, an API call) has to sign with the right key,
//! ask whether the log admits the receipt, and append it durably together with the rows that follow
//! from it. [`Ledger`] does that, and is the only way in which this project writes to a log.
//!
//! ```
//! use std::sync::atomic::{AtomicU8, Ordering};
//!
//! use chaos_agency::{Kinds, action::Profile};
//! use chaos_ledger::{Heads, Ledger, System, agents};
//!
//! // A program hands in its clock and the system's randomness; this one is for a test.
//! static NEXT: AtomicU8 = AtomicU8::new(1);
//! let system = System {
//!     kinds: Kinds::default(), // the platform's own; a program adds those of its studios
//!     now_ms: || 1_767_225_600_000,
//!     random: |bytes| Ok(bytes.fill(NEXT.fetch_add(1, Ordering::Relaxed))),
//! };
//! let (folder, memory) = (tempfile::tempdir()?, tempfile::tempdir()?);
//! let password = Some("correct horse".to_owned().into());
//! let mut ledger = Ledger::open_or_create(folder.path(), password, None, system)?;
//! assert_eq!(ledger.size(), 1, "the first entry registers the operator");
//!
//! let ada = Profile {
//!     name: "ada".to_owned(),
//!     role: "researcher".to_owned(),
//!     capabilities: vec!["run".to_owned()],
//!     studio: "governance".to_owned(),
//! };
//! let entered = agents::enrol(&mut ledger, ada)?;
//! // What others signed comes in groups, each durable in one transaction.
//! let refused = ledger.append_group(&[], system.now_ms())?.into_iter().filter(Result::is_err);
//! assert_eq!(refused.count(), 0);
//! // Outside of the data directory, which may come back from an old copy.
//! let heads = Heads::new(memory.path());
//! let checkpoint = ledger.checkpoint(&heads)?;
//! let bundle = chaos_ledger::bundle(&ledger, &entered.receipt, &checkpoint, None)?;
//! assert!(!bundle.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Ledger`]: the open data directory, for writing or ([`Ledger::read`]) for reading beside whoever
//!   writes; [`NewEntry`] is an action about to be signed and appended.
//! - [`Prepared`]: a receipt that was read by any thread and waits to be appended with others;
//!   `chaos_store::GroupCommit` takes a ledger.
//! - [`agents`]: entering, finding, rotating and revoking agents.
//! - [`Handover`]: handing a role of the log's root key to another key.
//! - [`bundle`]: the file that proves one receipt to a stranger.
//! - [`Proposed`]: what a correction of the log's clock would say.
//! - [`Keys`]: encrypted key files.
//! - [`NotHere`]: which documents that receipts name are not beside the log.
//! - [`Fold`]: another's log folded as it is copied, whether it states what it folds to, and
//!   which of its entries count for nothing.
//! - [`Heads`]: what was signed, remembered outside of the data directory.
//!
//! Opening reads how far the rows go and folds what they lack; an append touches the rows that it
//! changes. Nothing is written that the log would refuse; no head is signed that was not recomputed, or
//! that is no continuation of the last one; an entry and its rows are durable, in one transaction, before
//! a call returns; a key file
//! is whole or absent. It refuses to read a clock, the environment or the system's randomness
//! ([`System`] is handed in), to print, and to know what a studio's actions mean.

pub mod agents;
mod anchoring;
mod bundles;
mod clock;
mod delegating;
mod documents;
mod error;
mod folding;
mod following;
mod group;
mod heads;
mod keys;
mod ledger;
mod origin;
mod publishing;
mod reading;
mod signing;
mod system;
mod tables;

pub use anchoring::KeptAnchor;
pub use bundles::{bundle, log_keys, tlog_proof};
pub use clock::Proposed;
pub use delegating::{
    HandedOver, Handover, RootFiles, Settled, delegations_by_key_files, succession,
};
pub use documents::NotHere;
pub use error::{Error, Refused};
pub use folding::{Compared, Comparison};
pub use following::Fold;
pub use group::{Accepted, GroupError, Prepared};
pub use heads::Heads;
pub use keys::{Keys, Password, Unopened, holds_key, successor_of};
pub use ledger::{Ledger, NewEntry, OPERATOR, filled_from_copy, is_filled_from_copy};
pub use origin::{adopt, log_verifier};
pub use publishing::{kept_policy, with_true_cosigners};
pub use signing::{Resumed, RetiredHead};
pub use system::System;
