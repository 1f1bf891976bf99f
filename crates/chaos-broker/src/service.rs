//! The key broker service over the attached log.
//!
//! Its state is a fold: every event becomes an `oversee` receipt whose document is kept as a blob,
//! and a restart applies those documents again. The vault alone is a file of its own, since secrets
//! are in no log; the record shows if an older one is put in its place.
//!
//! - [`Opened`] is a data directory as its log left it; with [`Settings`] it becomes a [`State`].
//! - [`Server`] answers over the attested channel; the state then has a thread of its own.
//! - [`Client`] is how the operator asks: the state itself while no server runs, else the server.

mod address_file;
mod administration;
mod audit;
mod client;
mod error;
mod handle;
mod in_force;
mod protocol;
mod rows;
mod server;
mod settings;
mod state;
mod vault_file;

pub use audit::AuditEntry;
pub use client::{Amended, Client, ListInForce, find_at};
pub use error::Error;
pub use protocol::{Answer, Command, LeaseRow, Question, Report, SecretRow, ServiceRow};
pub use rows::Row;
pub use server::{Incident, Server};
pub use settings::{Lives, PolicyName, REBUILDS_MIN, Settings, Wanted};
pub use state::{Caller, Opened, State};
