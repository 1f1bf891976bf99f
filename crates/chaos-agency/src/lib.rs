//! Agents, what they did, and what follows from it.
//!
//! An agent's every action leaves a [`Receipt`]: an in-toto statement in a DSSE envelope, logged
//! in a transparency log. This crate says what a receipt holds ([`Action`]), which key may sign it
//! at which place of the log ([`registry`]), and whether it counts after everything that came before
//! it ([`Rules`]).
//!
//! ```
//! use chaos_agency::{Action, Evidence, Kinds, Receipt, action::Profile, receipt::Draft};
//! use chaos_types::AgentKey;
//!
//! let key = AgentKey::from_seed(&[7; 32]); // from a random source in real use
//! let profile = Profile {
//!     name: "ada".into(),
//!     role: "researcher".into(),
//!     capabilities: vec!["run".into()],
//!     studio: "workshop".into(),
//! };
//! let envelope = Draft {
//!     log: key.did(), // the operator of the log; here the agent runs its own
//!     agent: key.did(),
//!     claimed_at_ms: 0,
//!     parents: vec![],
//!     subjects: vec![],
//!     evidence: Evidence::None {},
//!     action: Action::Register(profile),
//! }
//! .sign(&[&key])?;
//! let receipt = Receipt::open(&envelope, &Kinds::default()).expect("just signed");
//! assert_eq!(receipt.action.kind(), "register");
//! # Ok::<(), chaos_types::canonical::Error>(())
//! ```
//!
//! [`Rules::admit`] is a pure function: it asks a [`State`] for rows by key and gives the rows that
//! the receipt changes. The fold of a log answers from its tables, [`Views`] from memory; a proof
//! about one receipt shows the rows that the rules ask for, and what it does not show is an
//! [`Answer`] of its own.
//!
//! The platform's own kinds are listed in [`Action`]. A studio brings more: each a [`Body`], their
//! rules and rows a [`View`], and both reach a log as an [`Extension`] of its [`Kinds`].
//!
//! Invariants: state is a fold of the log; a receipt counts only if its key was valid at its place
//! in log order; an entry that breaks a rule stays in the log and counts for nothing; every row
//! names the entry that wrote it; no rule goes through all rows of a kind but the score, which reads
//! the evidence within its horizon. The crate knows no studio, no chain, no clock and no disk.

pub mod account;
pub mod action;
pub mod calendar;
mod corrections;
mod declaration;
mod fault;
pub mod forks;
mod ground;

pub mod kind;
mod leaf;
pub mod receipt;
pub mod registry;
mod rules;
mod sentence;
pub mod shown;
mod state;
mod succession;
mod tree;
mod view;
pub mod views;

pub use action::Action;
pub use corrections::{Correction, Corrections, Dated, correction_at};
pub use declaration::Declaration;
pub use fault::Fault;
pub use ground::{Ground, Source};
pub use kind::{Body, Extension, Kind, Kinds, Signer};
pub use leaf::{Leaf, LeafError};
pub use receipt::{Evidence, Receipt};
pub use registry::Registry;
pub use rules::{Counted, Entry, FoldError, Folded, Place, Rules};
pub use shown::Shown;
pub use state::{Answer, Key, Memory, Once, Row, State, Stop, Writes};
pub use succession::{Delegation, HeadSigner, SignerError, Succession};
pub use view::{Outcome, View};
pub use views::Views;
