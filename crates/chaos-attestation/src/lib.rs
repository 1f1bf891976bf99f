//! Evidence about where code ran, and what it is worth.
//!
//! A trusted execution environment signs a *quote*: what code it holds, on what hardware, with 64
//! bytes of that code's choosing. This crate answers four questions about one, each in its own
//! step: is it genuine ([`verify`]), what does it say ([`Claims`]), is that acceptable
//! ([`Policy`], with an [`allowlist`]), and is it about the thing at hand ([`ReportData`]). Who
//! decides by evidence asks an [`Appraiser`].
//!
//! Invariants: every step takes the time as an argument; evidence is named by the hash of the bytes
//! that the hardware signed, never by the hash of the file; the class of the trust anchor is part
//! of every claim, and a production policy cannot hold the development class; a check that cannot
//! be made fails.
//!
//! It refuses to fetch anything, to ask what time it is, to keep a secret, and to know what a
//! studio is.

pub mod allowlist;
mod anchor;
pub mod appraise;
mod appraiser;
mod binding;
mod bytes;
pub mod claims;
pub mod collateral;
pub mod event_log;
pub mod policy;
pub mod provide;
pub mod quote;
mod reason;
mod verifier;
mod verify;
mod workload;

pub use anchor::{Anchor, AnchorClass, AnchorError};
pub use appraise::{Appraisal, Decision, Rule, Verdict};
pub use appraiser::{Appraiser, Finding, PolicyAppraiser};
pub use binding::ReportData;
pub use bytes::{Hex, HexError};
pub use claims::{Claims, TcbStatus};
pub use collateral::Collateral;
pub use event_log::EventLog;
pub use policy::{DevelopmentPolicy, Policy, PolicyError, ProductionPolicy, Workloads};
pub use provide::{Evidence, Provider};
pub use quote::{EvidenceId, Quote, TeeType};
pub use reason::{ReasonCode, Refusal};
pub use verifier::{Attested, EvidenceInput, Verifier};
pub use verify::verify;
pub use workload::WorkloadId;
