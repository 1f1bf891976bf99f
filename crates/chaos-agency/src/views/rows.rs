//! What the views hold, row by row.

use std::collections::BTreeMap;

use chaos_types::{Check, Did, Digest, canonical, decimal};
use serde::{Deserialize, Serialize};

/// One node of the causal graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRow {
    /// The receipt.
    pub receipt: Digest,
    /// Who acted.
    pub agent: Did,
    /// Its studio then.
    pub studio: String,
    /// Its role then.
    pub role: String,
    /// What was done.
    pub kind: String,
    /// The evidence class.
    pub evidence: String,
    /// The receipts it built on, all earlier in the log.
    pub parents: Vec<Digest>,
    /// When the log took it in, milliseconds since 1970.
    #[serde(with = "decimal")]
    pub integrated_at_ms: u64,
}

/// An entry that counts for nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// The check it failed.
    pub check: Check,
    /// What was found.
    pub reason: String,
}

/// The rows of one view.
pub type Rows = BTreeMap<String, Vec<u8>>;

/// Twenty digits, so that rows sort as numbers do.
pub(super) fn index_key(index: u64) -> String {
    format!("{index:020}")
}

/// Rows of canonical JSON by key.
///
/// # Panics
/// If a row has no canonical form, which structs of texts and integers within ±2^53 have.
pub fn rows<'a, T: Serialize + 'a>(items: impl Iterator<Item = (String, &'a T)>) -> Rows {
    items
        .map(|(key, row)| {
            let bytes = canonical::to_vec(row).expect("rows hold strings, digests and indices");
            (key, bytes)
        })
        .collect()
}
