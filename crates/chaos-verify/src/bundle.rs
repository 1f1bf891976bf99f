//! Receipt bundles: one canonical JSON file with everything needed to verify a receipt offline.

mod keys;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_agency::{Leaf, Receipt};
use chaos_types::{Check, Digest, Rejection, canonical, dsse::Envelope};
use serde::{Deserialize, Serialize};

pub use self::keys::{
    DELEGATIONS_MAX, Delegated, DelegationPlace, Delegations, KEYS_FORMAT, LogKeys, Successions,
};
pub use self::state::{Placed, RowProof, STATE_FORMAT, StateBundle};
use crate::Fault;

/// The format line of bundles that show the state by the agent's registry entries.
pub const FORMAT: &str = "chaoschain-bundle/1";

/// A bundle carries at most this many registry entries of its agent.
pub(crate) const HISTORY_MAX: usize = 1024;

/// A bundle holds at most this many JSON values in all its parts: it needs some twenty for each of 1,024 rows
/// or registry entries.
const VALUES_MAX: usize = 1 << 17;

/// A proof of agency: a receipt together with everything needed to check it offline.
///
/// The file is canonical JSON and whatever it holds is bound by a signature, a Merkle proof or a
/// digest, so no byte of it can change unnoticed. What it does not hold is another matter: the
/// anchor, attachments and the agent's newest registry entries can be left out by whoever makes
/// the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Always [`FORMAT`].
    pub format: String,
    /// The log's C2SP verifier key, `<origin>+<key id>+<key>`.
    pub log: String,
    /// The receipt.
    pub receipt: Logged,
    /// The agent's registry entries before the receipt, in log order.
    pub history: Vec<Logged>,
    /// Where the checkpoint was anchored, if it was.
    pub anchor: Option<Anchored>,
    /// Small inputs and outputs that the receipt names, base64 by digest.
    pub attachments: BTreeMap<String, String>,
}

/// A signed receipt with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logged {
    /// The signed statement.
    pub envelope: Envelope,
    /// Its log entry.
    pub leaf: Leaf,
    /// A [`c2sp.org/tlog-proof@v1`](https://c2sp.org/tlog-proof) of the log entry.
    pub proof: String,
}

/// A checkpoint's anchor: the operator's signed word on what was written where, and the proof
/// that a block of that chain contains it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchored {
    /// The operator's anchor receipt.
    pub envelope: Envelope,
    /// The chain's own proof, in the format of the chain adapter.
    pub proof: serde_json::Value,
}

/// Small inputs and outputs by digest, each checked against its digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachments(BTreeMap<Digest, Vec<u8>>);

impl Attachments {
    /// The bytes with this digest.
    #[must_use]
    pub fn get(&self, digest: &Digest) -> Option<&[u8]> {
        self.0.get(digest).map(Vec::as_slice)
    }

    /// Adds bytes under their own digest.
    pub fn insert(&mut self, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.0.insert(digest, bytes);
        digest
    }

    /// The digests.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.0.keys()
    }

    /// The form that a bundle carries.
    #[must_use]
    pub fn to_wire(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(digest, bytes)| (digest.to_string(), STANDARD.encode(bytes))).collect()
    }
}

impl Bundle {
    /// The bytes of the file.
    ///
    /// # Errors
    /// If a part has no canonical form.
    pub fn to_bytes(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }

    /// Reads a file, which must be canonical to the byte.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *format*.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Rejection> {
        ensure_few_values(bytes)?;
        let reject = |fault: Fault, reason| Rejection::new(Check::Format, fault, reason);
        let bundle: Self = canonical::from_slice(bytes).map_err(|error| {
            Rejection::caused(Check::Format, chaos_types::Fault::DocumentMalformed, &error)
        })?;
        ensure_format(FORMAT, &bundle.format)?;
        if bundle.history.len() > HISTORY_MAX {
            return Err(reject(
                Fault::HistoryTooLong,
                format!("{} registry entries, the limit is {HISTORY_MAX}", bundle.history.len()),
            ));
        }
        Ok(bundle)
    }
}

/// Decodes attachments and checks each against its digest and against `receipt`: one that the receipt
/// does not name is refused.
pub(crate) fn attachments(
    wire: &BTreeMap<String, String>,
    receipt: &Receipt,
) -> Result<Attachments, Rejection> {
    let reject = |fault: Fault, reason| Rejection::new(Check::Format, fault, reason);
    let named = named_digests(receipt);
    let mut attachments = Attachments::default();
    for (key, text) in wire {
        let bytes = STANDARD.decode(text).map_err(|error| {
            reject(Fault::AttachmentMalformed, format!("attachment {key} is not base64: {error}"))
        })?;
        let found = attachments.insert(bytes);
        if found.to_string() != *key {
            return Err(reject(
                Fault::AttachmentMismatch,
                format!("attachment {key} has the digest {found}"),
            ));
        }
        if !named.contains(&found) {
            return Err(reject(
                Fault::AttachmentUnnamed,
                format!("the receipt does not name attachment {found}"),
            ));
        }
    }
    Ok(attachments)
}

/// Counts the values outside of texts before any is decoded: a short one takes tens of times its length
/// once it is read. Commas and opening brackets alone begin another value.
fn ensure_few_values(bytes: &[u8]) -> Result<(), Rejection> {
    let (mut values, mut is_text, mut is_escaped) = (1_usize, false, false);
    for byte in bytes {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b',' | b'[' | b'{' if !is_text => values += 1,
            _ => {}
        }
    }
    if values <= VALUES_MAX {
        return Ok(());
    }
    let reason = format!("more than {VALUES_MAX} JSON values in {} bytes", bytes.len());
    Err(Rejection::new(Check::Format, Fault::ValuesTooMany, reason))
}

fn ensure_format(expected: &str, found: &str) -> Result<(), Rejection> {
    if found == expected {
        return Ok(());
    }
    Err(Rejection::new(
        Check::Format,
        Fault::BundleFormatUnknown,
        format!("expected format `{expected}`, found `{}`", found.escape_debug()),
    ))
}

/// What a file says of its format, whatever else it holds.
#[derive(Deserialize)]
struct Named {
    format: String,
}

/// Whether a file says that it is a bundle of the second format; one that says neither is read as of
/// the first, whose reader says what is wrong with it.
///
/// # Errors
/// A [`Rejection`] by the check *format* if it names a format that is not known.
pub(crate) fn is_by_state(bytes: &[u8]) -> Result<bool, Rejection> {
    match serde_json::from_slice::<Named>(bytes) {
        Ok(Named { format }) if format == STATE_FORMAT => Ok(true),
        Ok(Named { format }) if format == FORMAT => Ok(false),
        Ok(Named { format }) => Err(Rejection::new(
            Check::Format,
            Fault::BundleFormatUnknown,
            format!(
                "expected format `{FORMAT}` or `{STATE_FORMAT}`, found `{}`",
                format.escape_debug()
            ),
        )),
        Err(_) => Ok(false),
    }
}

/// The digests of the documents that whoever writes a receipt keeps beside the log: all that it names, but
/// for its own body, which stands for a product where there is none, and what a chain has (blocks, and
/// the history of its fees).
#[must_use]
pub fn kept_digests(receipt: &Receipt) -> BTreeSet<Digest> {
    let kind = receipt.action.kind();
    let products = receipt.subjects.iter().filter(|product| product.name != kind);
    let mut kept: BTreeSet<_> = products.map(|product| product.digest).collect();
    if let Some(replay) = receipt.evidence.replay() {
        let inputs = replay.inputs.iter().filter(|input| !is_of_a_chain(&input.name));
        kept.extend(inputs.map(|input| input.digest));
    }
    if let Some(attested) = receipt.evidence.attested() {
        kept.extend([attested.quote, attested.collateral, attested.execution.input]);
    }
    kept.extend(receipt.action.shown_by());
    kept
}

/// Whether an input of this name is recorded blocks or fees of a chain.
#[must_use]
pub fn is_of_a_chain(name: &str) -> bool {
    name == "fee-history" || name.contains("/blocks/")
}

/// Every digest of bytes that a receipt names: its subjects, its evidence's inputs, and what shows it on a chain.
#[must_use]
pub fn named_digests(receipt: &Receipt) -> BTreeSet<Digest> {
    let mut digests: BTreeSet<_> = receipt.subjects.iter().map(|product| product.digest).collect();
    if let Some(replay) = receipt.evidence.replay() {
        digests.extend(replay.inputs.iter().map(|input| input.digest));
    }
    if let Some(attested) = receipt.evidence.attested() {
        digests.extend([attested.quote, attested.collateral, attested.execution.input]);
    }
    digests.extend(receipt.action.shown_by());
    digests
}
