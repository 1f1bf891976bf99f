//! Offline verification of a receipt from the bytes of one file.
//!
//! A stranger has a [`Bundle`] and wants to know whether the receipt in it holds: who signed it,
//! whether the log took it in while that key was valid, whether its evidence repeats, and where the
//! log was anchored. [`verify`] answers with a [`Report`] of nine checks.
//!
//! Nobody has to trust the file, so the order of the checks follows their cost: what is decided by
//! hashing and signatures comes first, and a file that fails there starts neither an appraisal nor a
//! computation. Running a program again, appraising a quote and reading a chain's proof are handed
//! in ([`Reexecute`], [`Appraise`], [`ReadAnchor`], [`ReadClaim`]), and so is a copy of the log ([`FoldedLog`]).
//!
//! A report also has one word for each fact ([`Words`]), since one verdict for all of them would say
//! more than was shown: a receipt can be in a log that does not count it, and under a head that no
//! chain holds. [`Heads`] compares what several bundles say of one log, and a [`ProvedFork`] is a
//! file that proves by itself that a log signed two histories.
//!
//! ```
//! use chaos_types::Check;
//! use chaos_verify::{Options, verify};
//!
//! let report = verify(b"not a bundle", &Options::default());
//! let rejection = report.result.expect_err("it is not one");
//! assert_eq!(rejection.check, Check::Format);
//! assert_eq!(rejection.code.as_str(), "document-malformed");
//! assert_eq!(report.outcomes.len(), Check::ALL.len());
//! ```
//!
//! A [`StateBundle`] shows that the log counts the receipt: the rows that the log's rules ask for, under the
//! root of the state that the last entry under the checkpoint states. A [`Bundle`] is of the first format
//! and shows the agent's registry entries.
//!
//! Invariants: each check is reported exactly once, and as passed only when everything it rests on
//! has been shown; the first check that fails decides. The crate knows no database, no EVM, no
//! WebAssembly engine and no network, and refuses a bundle of any other spelling than the canonical
//! one.

mod bundle;
mod fault;
mod fork;
mod heads;
mod offline;
mod report;
mod requirement;
mod signer;
pub mod words;

pub use bundle::{
    Anchored, Attachments, Bundle, DELEGATIONS_MAX, Delegated, DelegationPlace, Delegations,
    FORMAT, KEYS_FORMAT, LogKeys, Logged, Placed, RowProof, STATE_FORMAT, StateBundle, Successions,
    is_of_a_chain, kept_digests, named_digests,
};
pub use fault::Fault;
pub use fork::{PlacesProof, ProvedFork, TreesProof};
pub use heads::{Heads, Judged, Judgement};
pub use offline::{
    Appraisal, Appraise, Block, FoldedLog, Options, ReadAnchor, ReadClaim, Reexecute, ShownClaim,
    Trust, possible_times, verify,
};
pub use report::{Head, Outcome, Report, Said, Status};
pub use requirement::Requirement;
pub use signer::SignerProof;
pub use words::Words;
