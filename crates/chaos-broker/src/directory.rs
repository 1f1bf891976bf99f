//! The executor directory: which services run where, shown by fresh evidence.
//!
//! A service registers under a name with its endpoints and tags, bound with its owner's key and the
//! directory's nonce into a quote. It stays listed as long as it comes back with new evidence. The
//! name belongs to the key that took it first. Nothing is found whose evidence is over, or whose
//! workload is not on the allowlist at the moment of the question.
//!
//! The directory's state is the fold of its [`Event`]s, which hold no nonce.

mod endpoint;
mod event;
mod message;
mod registrar;
mod requests;
mod select;
mod state;
mod symbols;
mod table;
mod tags;

pub use endpoint::Endpoint;
pub use event::{
    ChallengeGiven, Event, Operation, Refused, Registered, Renewed, StandingChanged, Withdrawn,
};
pub(crate) use message::ROUTES_MAX;
pub use message::{Heartbeat, Message, Registration, Route, Subject, Withdrawal, report_data};
pub use registrar::{Registrar, Signer};
pub use select::{CapacityAware, ReputationAware, RoundRobin, Selection};
pub use state::Directory;
pub use table::Service;
pub use tags::{Query, Tags, TagsError};

/// A directory lists at most this many services, those that are over included.
const SERVICES_MAX: usize = 16_384;

/// One key owns at most this many services.
const SERVICES_PER_OWNER_MAX: usize = 256;

/// One key holds at most this many names, those included whose services are all over.
const NAMES_PER_OWNER_MAX: usize = 256;

/// A service has at most this many endpoints.
const ENDPOINTS_MAX: usize = 8;

/// How long things live in the directory, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// A nonce.
    pub nonce_life_s: u64,
    /// A registration without a heartbeat, unless the collateral ends earlier.
    pub service_life_s: u64,
    /// How long a name stays its owner's after the last of its services was over.
    pub name_hold_s: u64,
}

impl Default for Config {
    /// Nonces of five minutes, registrations of a quarter of an hour, names of a week.
    fn default() -> Self {
        Self { nonce_life_s: 300, service_life_s: 900, name_hold_s: 604_800 }
    }
}

#[cfg(test)]
mod tests;
