//! A witness: it cosigns a log's checkpoint if it continues every one that it cosigned before.
//!
//! A log's signature says which history it shows to one reader. Only somebody who remembers what was
//! shown before can say that it is the same history for all. [`Witness`] remembers one checkpoint for
//! each log, in a folder, and answers the two calls of
//! [C2SP tlog-witness](https://c2sp.org/tlog-witness) by value, so that any server can carry them.
//!
//! ```
//! use chaos_log::{Checkpoint, LogKey, MemoryLog, Policy, WitnessKey};
//! use chaos_witness::{AddCheckpoint, Witness};
//!
//! let log_key = LogKey::from_seed("example.com/log".parse()?, &[1; 32]);
//! let key = WitnessKey::from_seed("witness.example.org/w".parse()?, &[2; 32]);
//! let known = Policy::parse(format!("log {}\nquorum none\n", log_key.verifier()).as_bytes())?;
//! let folder = tempfile::tempdir()?;
//! let witness = Witness::open(folder.path(), key, &known)?;
//!
//! let mut log = MemoryLog::new();
//! log.append(b"first".to_vec())?;
//! let signed = Checkpoint::new("example.com/log", log.size(), log.root())?.sign(&log_key)?;
//! let request = AddCheckpoint::new(0, vec![], signed)?;
//! let answer = witness.add_checkpoint(request.to_string().as_bytes(), 1_700_000_000)?;
//! assert_eq!(answer.status, 200);
//! assert!(answer.body.starts_with("\u{2014} witness.example.org/w "));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The checkpoint is on the disk before its cosignature leaves; two requests for one log are judged
//! one after the other; a log's size never falls; a note that the log signed and that was refused for
//! what it says is kept, since it may show a fork. One process at a time uses a folder.
//!
//! It refuses to know what a log holds, to read a clock, and to speak HTTP. It keeps no tiles: a
//! mirror does, under another name and key.

mod error;
mod evidence;
mod folder;
mod judge;
mod order;
mod request;
mod witness;

pub use error::{OpenError, WitnessError};
pub use evidence::EVIDENCE_MAX;
pub use folder::twin;
pub use judge::Refusal;
pub use order::Notice;
pub use request::{AddCheckpoint, PROOF_LINES_MAX, REQUEST_BYTES_MAX, RequestError};
pub use witness::{Answer, Witness, origin_hash};
