//! An append-only log that anyone can check: RFC 6962 trees in the formats of C2SP.
//!
//! A log is worth something to a stranger if it cannot change its past unnoticed. This crate is
//! the arithmetic of that: appending, roots, proofs and their verification, and the text and byte
//! formats in which the parts travel.
//!
//! - [`leaf_hash`], [`node_hash`], [`EMPTY_ROOT`]: the tree of
//!   [RFC 6962](https://www.rfc-editor.org/rfc/rfc6962#section-2.1) over SHA-256.
//! - [`Edge`] appends with at most eight partial tiles in memory; [`TileRead`] is how
//!   [`prove_inclusion`], [`prove_consistency`] and [`root_at`] read the rest from wherever it is
//!   stored. [`MemoryLog`] keeps it in memory.
//! - [`TilePath`], [`tile_to_bytes`], [`bundle_to_bytes`]: [tlog-tiles](https://c2sp.org/tlog-tiles).
//! - [`Note`], [`LogKey`], [`VerifierKey`]: [signed-note](https://c2sp.org/signed-note), Ed25519.
//! - [`Checkpoint`], [`SignedCheckpoint`]: [tlog-checkpoint](https://c2sp.org/tlog-checkpoint).
//! - [`WitnessKey`], [`WitnessVerifier`]: [tlog-cosignature](https://c2sp.org/tlog-cosignature),
//!   version 1: what a witness signs below a checkpoint, and when.
//! - [`Policy`]: [tlog-policy](https://c2sp.org/tlog-policy): known logs, known witnesses, and how
//!   many of them must have cosigned.
//! - [`ForkProof`]: a file that shows that a log signed two histories.
//! - [`map`]: the root over a map of keys and values that a leaf can commit to, and proofs of what
//!   a key holds or that it holds nothing.
//! - [`TlogProof`]: [tlog-proof](https://c2sp.org/tlog-proof), everything that the holder of a
//!   leaf needs offline.
//!
//! ```
//! use chaos_log::{Checkpoint, LogKey, MemoryLog, TlogProof, leaf_hash, prove_inclusion};
//!
//! let key = LogKey::from_seed("example.com/log".parse()?, &[7; 32]);
//! let mut log = MemoryLog::new();
//! log.append(b"first".to_vec())?;
//! let index = log.append(b"second".to_vec())?;
//!
//! let checkpoint = Checkpoint::new("example.com/log", log.size(), log.root())?.sign(&key)?;
//! let inclusion = prove_inclusion(&log, index, log.size())?;
//! let text = TlogProof::new(inclusion, checkpoint)?.to_string();
//!
//! let proof = TlogProof::parse(text.as_bytes())?;
//! assert_eq!(proof.verify(&leaf_hash(b"second"), key.verifier())?.size(), 2);
//! assert!(proof.verify(&leaf_hash(b"forged"), key.verifier()).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Every text and byte format has one spelling per value and reading accepts no other, so what is
//! parsed and written again is the same to the byte. Sizes and indices are 64-bit; every decoder
//! has a named limit.
//!
//! It refuses to know what a leaf means, where tiles are stored and what time it is. Signature
//! lines by keys that a caller does not name are carried and passed over, cosignatures by ML-DSA-44
//! among them.

mod bundle;
mod checkpoint;
mod cosignature;
mod edge;
mod fork;
mod hash;
mod held;
mod key;
pub mod map;
mod memory;
mod note;
mod policy;
mod proof;
mod prove;
mod tile;
mod tlog_proof;

pub use bundle::{BundleError, LEAF_BYTES_MAX, bundle_from_bytes, bundle_to_bytes};
pub use checkpoint::{CHECKPOINT_BYTES_MAX, Checkpoint, CheckpointError, SignedCheckpoint};
pub use cosignature::{COSIGNATURE_TIME_S_MAX, CosignError, WitnessKey, WitnessVerifier};
pub use edge::Edge;
pub use fork::{FORK_BYTES_MAX, FindError, ForkError, ForkKind, ForkProof};
pub use hash::{EMPTY_ROOT, Hash, HashError, leaf_hash, node_hash};
pub use held::{HeldError, HeldTiles};
pub use key::{KeyError, KeyId, KeyName, LogKey, VerifierKey};
pub use memory::{LeafError, MemoryLog};
pub use note::{NOTE_BYTES_MAX, Note, NoteError, SIGNATURES_MAX, Signature};
pub use policy::{
    Cosigner, KnownLog, KnownWitness, POLICY_BYTES_MAX, POLICY_MEMBERS_MAX, Policy, PolicyError,
    UnsatisfiedError, Witnessed,
};
pub use proof::{ConsistencyProof, InclusionProof, PrefixProof, ProofError, WholeNode};
pub use prove::{
    ProveError, TileRead, prove_consistency, prove_inclusion, prove_inclusions, prove_prefix,
    root_at,
};
pub use tile::{
    LEVEL_MAX, PathError, TILE_WIDTH, Tile, TileError, TileId, TileKind, TilePath, tile_from_bytes,
    tile_to_bytes,
};
pub use tlog_proof::{EXTRA_BYTES_MAX, TLOG_PROOF_BYTES_MAX, TlogProof, TlogProofError};
