//! Evidence about where code ran, and what may follow from it.
//!
//! A trusted execution environment signs a *quote*: what code it holds, on what hardware, with 64
//! bytes of that code's choosing. This crate answers four questions about one, each in its own
//! step: is it genuine ([`verify`]), what does it say ([`Claims`]), do we accept that
//! ([`Policy`]), and is it about the thing at hand ([`ReportData`]). On that stand the executor
//! directory and the release of secrets.
//!
//! Invariants: every step takes the time as an argument; evidence is named by the hash of the bytes
//! that the hardware signed, never by the hash of the file; the class of the trust anchor is part
//! of every claim, and a production policy cannot hold the development class; a check that cannot
//! be made fails.
//!
//! It refuses to fetch anything, to ask what time it is, and to know what a studio is.

pub mod allowlist;
mod anchor;
mod answered;
pub mod appraise;
mod binding;
mod bytes;
pub mod channel;
pub mod claims;
pub mod collateral;
pub mod directory;
pub mod event_log;
pub mod exchange;
mod judge;
mod name;
pub mod policy;
pub mod provide;
pub mod quote;
mod reason;
pub mod release;
mod signed;
#[cfg(test)]
mod testing;
pub mod vault;
mod verifier;
mod verify;
mod wire;
mod workload;

pub use anchor::{Anchor, AnchorClass, AnchorError};
pub use answered::{Answered, Appraiser, Finding, Random};
pub use appraise::{Appraisal, Decision, Rule, Verdict};
pub use binding::ReportData;
pub use bytes::{Hex, HexError};
pub use claims::{Claims, TcbStatus};
pub use collateral::Collateral;
pub use event_log::EventLog;
pub use judge::Judge;
pub use name::{JobId, NAME_BYTES_MAX, Name, SecretId, ServiceId};
pub use policy::{DevelopmentPolicy, Policy, PolicyError, ProductionPolicy, Workloads};
pub use provide::{Evidence, Provider};
pub use quote::{EvidenceId, Quote, TeeType};
pub use reason::{ReasonCode, Refusal};
pub use signed::{Document, Signed};
pub use verifier::{Attested, EvidenceInput, Verifier};
pub use verify::verify;
pub use wire::{EvidenceDocument, MESSAGE_BYTES_MAX};
pub use workload::WorkloadId;
