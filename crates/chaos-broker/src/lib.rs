//! A key broker: it releases secrets to code that shows where it runs.
//!
//! An exchange or a wallet gives its key to a program, and whoever runs the program can read it.
//! Here the program runs in an enclave, shows a quote to a [`release::Broker`], and receives the
//! secret encrypted to a key that only that enclave holds, on a lease that it must renew with new
//! evidence. A [`directory::Directory`] lists which services run where on the same terms.
//!
//! Invariants: both are a fold of their events, which hold no nonce and no secret; every nonce is
//! given once, for one caller and purpose; a time that goes back is refused; what was released is
//! recorded before it is sent.
//!
//! It refuses to decide what evidence is worth (that is [`chaos_attestation`]) and to ask what time
//! it is.

pub mod channel;
pub mod directory;
pub mod exchange;
pub mod release;
pub mod vault;

mod answered;
mod bytes;
mod folded;
mod name;
mod signed;
#[cfg(test)]
mod testing;
mod wire;

pub use answered::{Answered, Random};
pub use name::{JobId, NAME_BYTES_MAX, Name, SecretId, ServiceId};
pub use signed::{Document, Signed};
pub use wire::{EvidenceDocument, MESSAGE_BYTES_MAX};
