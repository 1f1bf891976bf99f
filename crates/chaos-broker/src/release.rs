//! The release of secrets to code that shows where it runs.
//!
//! Inside, a [`Client`] makes a fresh key, binds it together with the broker's nonce into a quote,
//! and opens what comes back. Outside, the [`Broker`] verifies and appraises the quote, uses up the
//! nonce, looks up which workload may read which secret, and encrypts each secret to that key with
//! HPKE ([RFC 9180](https://www.rfc-editor.org/rfc/rfc9180), base mode: X25519, HKDF-SHA256,
//! ChaCha20-Poly1305). It signs the whole answer, so nobody between can put another in its place.
//!
//! What was released is on a lease: short, renewed only by new evidence, void after revocation. An
//! environment that holds a secret cannot be made to forget it, so a revocation is complete only
//! when the secret was rotated at its source.
//!
//! The broker's state is the fold of its [`Event`]s, which hold no nonce and no secret.

mod broker;
mod client;
mod decide;
mod entitlements;
mod event;
mod learn;
mod lease;
mod message;
mod revoke;
mod seal;

pub use broker::{Broker, Rule};
pub use client::{Client, Held, Pending};
pub use decide::Context;
pub use entitlements::Known;
pub use event::{
    ChallengeGiven, Event, JobChanged, LeaseRevoked, Operation, Refused, Released, RuleChanged,
    SecretChanged,
};
pub use lease::Lease;
pub use message::{
    Current, Given, Grant, Message, Purpose, ReleaseRequest, Revocations, report_data,
};
pub use revoke::Denial;
pub use seal::{ReleaseKey, Sealed};

pub use crate::exchange::LeaseId;

/// How long things live at the broker, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// A nonce.
    pub nonce_life_s: u64,
    /// A lease, unless the collateral ends earlier.
    pub lease_life_s: u64,
    /// A revocation list: whoever follows it must have a newer one by then.
    pub list_life_s: u64,
}

impl Default for Config {
    /// Nonces and revocation lists of five minutes, leases of a quarter of an hour.
    fn default() -> Self {
        Self { nonce_life_s: 300, lease_life_s: 900, list_life_s: 300 }
    }
}

#[cfg(test)]
mod tests;
