//! Bytes that two strangers agree on: digests, canonical JSON, keys, signatures and statements.
//!
//! Everything above this crate hashes, signs or checks something, and it only works if all sides
//! produce the same bytes. This crate has one encoder per thing:
//!
//! - [`Digest`]: SHA-256, written `sha256:<64 hex>`.
//! - [`canonical`]: RFC 8785 JSON restricted to integers within ±2^53, with strict parsing.
//! - [`key`]: Ed25519 keys named by `did:key`.
//! - [`dsse`] and [`statement`]: in-toto Statement v1 in a DSSE envelope.
//! - [`Verified`]: a value that went through a check; the only way to get one is to pass it.
//! - [`Rejection`]: the check that failed, with a stable [`Code`] for what is wrong.
//!
//! ```
//! use chaos_types::{canonical, Digest};
//!
//! let bytes = canonical::to_vec(&serde_json::json!({"b": 1, "a": "x"}))?;
//! assert_eq!(bytes, br#"{"a":"x","b":1}"#);
//! assert_eq!(Digest::of(b"").to_string().len(), "sha256:".len() + 64);
//! # Ok::<(), canonical::Error>(())
//! ```
//!
//! It knows no I/O, no clock and no randomness: those are arguments.

pub mod canonical;
mod chain;
mod code;
pub mod decimal;
mod digest;
pub mod dsse;
pub mod key;
mod rejection;
pub mod statement;
mod text;
mod verified;

pub use chain::{ChainId, ChainIdError};
pub use code::CodeIdentity;
pub use digest::{Digest, DigestError};
pub use key::{AgentKey, Did};
pub use rejection::{Check, Code, Fault, Rejection};
pub use verified::{Narrow, Verified};
