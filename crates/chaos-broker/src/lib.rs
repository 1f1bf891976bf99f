//! A key broker: it releases secrets to code that shows where it runs.
//!
//! A program that trades or signs needs a key, and whoever runs the program can read it. Here the
//! program runs in an enclave, shows a quote to a [`release::Broker`], and receives the secret
//! encrypted to a key that only that enclave holds, on a lease that it renews with new evidence. A
//! [`directory::Directory`] lists on the same terms which services run where.
//!
//! The core is pure: a request, the time and randomness go in, an event and an answer come out, and
//! the state is the fold of the events. Two tenants do not see each other's secrets, whatever the
//! rules say:
//!
//! ```
//! use chaos_attestation::{AnchorClass, provide::development::{
//!     Development, Identity, Scenario, Seed, Window,
//! }};
//! use chaos_broker::{Fault, release::{Broker, Config, Event, Rule}};
//! use chaos_types::AgentKey;
//!
//! let at_s = 1_790_000_000;
//! let scenario = Scenario::new(Window::of_day(at_s)).identity(Identity::named("maker"));
//! let machine = Development::simulating(&Seed::well_known(), scenario);
//! let mut broker = Broker::new(AgentKey::from_seed(&[1; 32]).did(), Config::default());
//! let rule = Rule {
//!     anchor: AnchorClass::Development,
//!     job: Some("alpha/quoting".parse()?),
//!     role: "executor".parse()?,
//!     secret: "bravo/exchange-key".parse()?,
//!     workload: machine.workload(),
//! };
//! let answered = broker.allow(rule, at_s);
//! assert_eq!(answered.answer.unwrap_err().code, Fault::SecretForbidden);
//! assert!(matches!(answered.event, Event::Refused(_)), "the record says so as well");
//! # Ok::<(), chaos_broker::Refusal>(())
//! ```
//!
//! - [`directory`], [`release`], [`vault`], [`exchange`] and [`channel`] are the core: services,
//!   secrets on leases, secrets at rest, nonces, and what two sides of a connection say first.
//! - [`transport`] carries the channel over TLS 1.3.
//! - [`service`] is the broker as a server over a ledger, with the operator's client and the audit
//!   trail.
//! - [`executor`] is the other end: it attests, keeps a service listed and holds secrets.
//!
//! Invariants: directory and broker are folds of their events, which hold no nonce and no secret;
//! a nonce is given once, for one caller and purpose; a time that goes back is refused; what was
//! released is recorded before it is sent; a secret is overwritten when its lease is over.
//!
//! It refuses to decide what evidence is worth (that is [`chaos_attestation`]), to read the clock,
//! the environment or the system's randomness (they are handed in), and to print.

pub mod channel;
pub mod directory;
pub mod exchange;
pub mod executor;
pub mod receipts;
pub mod release;
pub mod service;
pub mod transport;
pub mod vault;

mod answered;
mod bytes;
mod folded;
mod name;
mod reason;
mod signed;
mod system;
#[cfg(test)]
mod tests;
mod wire;

pub use answered::{Answered, Random};
pub use name::{JobId, NAME_BYTES_MAX, Name, SecretId, ServiceId};
pub use reason::{Fault, Reason, Refusal};
pub use signed::{Document, Signed};
pub use wire::{EvidenceDocument, MESSAGE_BYTES_MAX};
