//! What a governance proposal does, for whoever votes on it.
//!
//! A proposal is a list of calls and a text. The text says what it is about, and the calls say what
//! happens; most who vote read the text alone. Here the calls are run on the state that a block left,
//! every value of which is proven, and what they did is put down: calls in words, events, wei and
//! tokens moved, code that is new or gone, proxies and powers that change hands, slots by name, the
//! reason of a failure, and what the text names that no call holds.
//!
//! ```
//! use chaos_review::{Payload, PayloadError};
//!
//! let file = br#"{"format": "chaoschain-calls/1", "calls": [
//!     {"target": "0x000000000000000000000000000000000000dEaD", "value": "1"}
//! ]}"#;
//! let payload = Payload::decode(file)?;
//! assert_eq!(payload.calls().len(), 1);
//! assert!(matches!(Payload::decode(b"{}"), Err(PayloadError::Form(_))));
//! # Ok::<(), PayloadError>(())
//! ```
//!
//! - [`Payload`]: the calls and the text.
//! - [`Recording`]: a payload with the state that running it reads; [`Recording::review`] runs it.
//! - [`Review`]: what it did, as data; the same recording gives the same bytes. [`ParameterWrite`]: a named
//!   parameter that it set.
//! - [`words`]: the same on a terminal; [`page()`]: the same as a page.
//!
//! Invariants: a name says what it rests on, and one that rests on four bytes is never
//! shown as a fact; what was not looked at, or left out, is said; text from outside stays data.
//!
//! It refuses to judge whether a proposal is good, to read files and to ask nodes.

mod book;
mod claims;
pub mod governors;
mod page;
mod parameters;
mod payload;
mod recording;
mod review;
pub mod words;
#[cfg(test)]
mod world;

pub use book::AbiFault;
pub use page::page;
pub use parameters::ParameterWrite;
pub use payload::{FILE_BYTES_MAX, Lists, Payload, PayloadError, ProposedCall};
pub use recording::{Origin, Place, RECORDING_BYTES_MAX, Ran, Recording, RecordingError};
pub use review::Review;
