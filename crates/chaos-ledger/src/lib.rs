//! A node's own record: the log with its views, blobs, keys and agents in one data directory.
//!
//! Everything that acts (a command, a service, a job, an API call) has to sign with the right key,
//! ask whether the log would admit the receipt, append it durably, and leave views that a kill cannot
//! spoil. [`Ledger`] does that, and is the only way in which this project writes to a log.
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
//! let mut ledger = Ledger::open_or_create(folder.path(), password, system)?;
//! assert_eq!(ledger.views().size(), 1, "the first entry registers the operator");
//!
//! let ada = Profile {
//!     name: "ada".to_owned(),
//!     role: "researcher".to_owned(),
//!     capabilities: vec!["run".to_owned()],
//!     studio: "governance".to_owned(),
//! };
//! let entered = agents::enrol(&mut ledger, ada)?;
//! ledger.save_views()?;
//! // Outside of the data directory, which may come back from an old copy.
//! let heads = Heads::new(memory.path());
//! let checkpoint = ledger.checkpoint(&heads)?;
//! let bundle = chaos_ledger::bundle(&ledger, &entered.receipt, &checkpoint, None)?;
//! assert!(!bundle.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Ledger`]: the open data directory; [`NewEntry`] is an action about to be signed and appended.
//! - [`agents`]: entering, finding, rotating and revoking agents.
//! - [`bundle`]: the file that proves one receipt to a stranger.
//! - [`Keys`]: encrypted key files.
//! - [`Heads`]: what was signed, remembered outside of the data directory.
//!
//! Nothing is written that the log would refuse; no head is signed that was not recomputed, or that is no
//! continuation of the last one; an entry is durable before a call returns; a key file
//! is whole or absent. It refuses to read a clock, the environment or the system's randomness
//! ([`System`] is handed in), to print, and to know what a studio's actions mean.

pub mod agents;
mod bundles;
mod error;
mod heads;
mod keys;
mod ledger;
mod signing;
mod system;

pub use bundles::bundle;
pub use error::{Error, Refused};
pub use heads::Heads;
pub use keys::{Keys, Password, successor_of};
pub use ledger::{Ledger, NewEntry, OPERATOR};
pub use system::System;
