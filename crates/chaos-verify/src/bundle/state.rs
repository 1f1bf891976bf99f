//! Bundles of the second format: what the log commits to shows the state that a receipt met.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_agency::{Key, Leaf};
use chaos_log::{
    Hash, InclusionProof, SignedCheckpoint,
    map::{self, End, Found, Step},
};
use chaos_types::{Check, Rejection, canonical, decimal, dsse::Envelope};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Anchored, Delegations, KEYS_FORMAT, LogKeys};
use crate::Fault;

/// The format line of bundles that show the state by proofs.
pub const STATE_FORMAT: &str = "chaoschain-bundle/2";

/// A bundle shows at most this many rows: a few for each of 256 parents or payees.
const ROWS_MAX: usize = 1_024;

/// A bundle shows at most this many earlier receipts: a receipt has no more parents.
const EARLIER_MAX: usize = 256;

/// A path has at most one hash for each bit of an index.
const PATH_HASHES_MAX: usize = 64;

/// The bytes of a branch on a way through the map: its bit, and the side that was not taken.
const STEP_BYTES: usize = 33;

/// A proof of agency whose length does not depend on the agent's history: the receipt under a
/// checkpoint, and the rows that the rules ask for it, under the root that the checkpoint's last leaf
/// states.
///
/// The file is canonical JSON and whatever it holds is bound by a signature, a Merkle proof or a
/// digest, so no byte of it can change unnoticed. It holds exactly the rows that the rules ask for; the
/// anchor and attachments can be left out by whoever makes the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateBundle {
    /// Always [`STATE_FORMAT`].
    pub format: String,
    /// The C2SP verifier key of the log's root key, `<origin>+<key id>+<key>`.
    pub log: String,
    /// The signed checkpoint that everything is proved under.
    pub checkpoint: String,
    /// The signed statement.
    pub envelope: Envelope,
    /// Its place in the log.
    pub place: Placed,
    /// The last entry under the checkpoint, whose leaf states the root that the rows are shown under.
    pub edge: Placed,
    /// The rows that the rules ask for, in the order of their keys.
    pub state: Vec<RowProof>,
    /// The earlier receipts that the rules ask for, in log order.
    pub earlier: Vec<Placed>,
    /// The delegations of the log's root key under the checkpoint, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Delegations>,
    /// Where the checkpoint was anchored, if it was.
    pub anchor: Option<Anchored>,
    /// Beside an anchor, the rows that show where the log declares to be anchored as of the checkpoint, or that it does
    /// not: the last declaration and that there is none after it. Bundles of before there were declarations lack them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anchoring: Vec<RowProof>,
    /// Small inputs and outputs that the receipt names, base64 by digest.
    pub attachments: BTreeMap<String, String>,
}

/// A leaf with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    /// Its log index.
    #[serde(with = "decimal")]
    pub index: u64,
    /// The log entry.
    pub leaf: Leaf,
    /// The hashes from the leaf's sibling up to the root's child, base64 of all of them.
    pub path: String,
}

/// What a key holds under a root, or that it holds nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowProof {
    /// Kind and parts of the key.
    pub key: Vec<String>,
    /// The row; absent if there is none.
    pub value: Option<Value>,
    /// Where the key's way ends if there is no row: base64 of another key's hash and its value's.
    pub end: Option<String>,
    /// The branches from the root down, base64 of the bit and the other side of each.
    pub steps: String,
}

impl StateBundle {
    /// The bytes of the file.
    ///
    /// # Errors
    /// If a part has no canonical form.
    pub fn to_bytes(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }

    /// Who signs for the log as the log publishes it, if the bundle shows delegations.
    #[must_use]
    pub fn log_keys(&self) -> Option<LogKeys> {
        Some(LogKeys {
            format: KEYS_FORMAT.to_owned(),
            log: self.log.clone(),
            checkpoint: self.checkpoint.clone(),
            edge: self.edge.clone(),
            keys: self.keys.clone()?,
        })
    }

    /// Reads a file, which must be canonical to the byte.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *format*.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Rejection> {
        super::ensure_few_values(bytes)?;
        let bundle: Self = canonical::from_slice(bytes).map_err(|error| {
            Rejection::caused(Check::Format, chaos_types::Fault::DocumentMalformed, &error)
        })?;
        super::ensure_format(STATE_FORMAT, &bundle.format)?;
        let (rows, earlier) = (bundle.state.len(), bundle.earlier.len());
        if rows > ROWS_MAX || earlier > EARLIER_MAX {
            let reason = format!(
                "{rows} rows and {earlier} earlier receipts, the limits are {ROWS_MAX} and \
                 {EARLIER_MAX}"
            );
            return Err(Rejection::new(Check::Format, Fault::StateTooLong, reason));
        }
        Ok(bundle)
    }
}

impl Placed {
    /// The leaf that `proof` shows.
    #[must_use]
    pub fn new(leaf: Leaf, proof: &InclusionProof) -> Self {
        let path: Vec<u8> = proof.hashes().iter().flat_map(|hash| *hash.as_bytes()).collect();
        Self { index: proof.index(), leaf, path: STANDARD.encode(path) }
    }

    /// Checks that the leaf stands at its index under a checkpoint, and gives the proof of it.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *inclusion*.
    pub(crate) fn ensure_under(
        &self,
        checkpoint: &SignedCheckpoint,
    ) -> Result<InclusionProof, Rejection> {
        let malformed = |reason| Rejection::new(Check::Inclusion, Fault::ProofMalformed, reason);
        let bytes = STANDARD
            .decode(&self.path)
            .map_err(|error| malformed(format!("a path is not base64: {error}")))?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() > PATH_HASHES_MAX {
            return Err(malformed(format!("a path has {} bytes", bytes.len())));
        }
        let hashes = hashes.iter().map(|hash| Hash::from_bytes(*hash)).collect();
        let claimed = checkpoint.claimed();
        let proof = InclusionProof::new(self.index, claimed.size(), hashes)
            .map_err(|error| malformed(error.to_string()))?;
        match proof.verify(&chaos_log::leaf_hash(&self.leaf.to_bytes()), claimed.root()) {
            Ok(()) => Ok(proof),
            Err(error) => Err(Rejection::caused(Check::Inclusion, Fault::NotIncluded, &error)),
        }
    }
}

impl RowProof {
    /// The row that `proof` shows under `key`, or that there is none.
    ///
    /// # Errors
    /// If the value is no JSON.
    pub fn new(
        key: &Key,
        value: Option<&[u8]>,
        proof: &map::Proof,
    ) -> Result<Self, serde_json::Error> {
        let mut steps = Vec::with_capacity(proof.steps().len() * STEP_BYTES);
        for Step { bit, sibling } in proof.steps() {
            steps.push(*bit);
            steps.extend(sibling.as_bytes());
        }
        let end = match proof.end() {
            End::Leaf { key, value: found } if value.is_none() => {
                Some(STANDARD.encode([*key.as_bytes(), *found.as_bytes()].concat()))
            }
            End::Leaf { .. } | End::Empty => None,
        };
        Ok(Self {
            key: key.parts().map(str::to_owned).collect(),
            value: value.map(serde_json::from_slice).transpose()?,
            end,
            steps: STANDARD.encode(steps),
        })
    }

    /// Whether its key is of a kind.
    pub(crate) fn is_of(&self, kind: &str) -> bool {
        self.key.first().is_some_and(|first| first == kind)
    }

    /// The key, and the value that the map with root `root` holds for it.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *agent*.
    pub(crate) fn verify(&self, root: &map::Hash) -> Result<(Key, Option<Vec<u8>>), Rejection> {
        let key = self.key()?;
        let searched = map::Key::of(key.as_bytes());
        let value = match &self.value {
            Some(value) => Some(canonical::to_vec(value).map_err(|error| malformed(&error))?),
            None => None,
        };
        let held = value.as_ref().map(|bytes| map::Value::of(bytes));
        let proof = map::Proof::new(self.steps()?, self.end(searched, held)?)
            .map_err(|error| malformed(&error))?;
        let found = proof
            .verify(root, &searched)
            .map_err(|error| Rejection::caused(Check::Agent, Fault::StateProofInvalid, &error))?;
        match (found, held) {
            (Found::Absent, None) => Ok((key, None)),
            (Found::Value(found), Some(held)) if found == held => Ok((key, value)),
            (Found::Absent | Found::Value(_), _) => Err(Rejection::new(
                Check::Agent,
                Fault::StateProofInvalid,
                format!("the proof of the row {key} shows something else"),
            )),
        }
    }

    fn key(&self) -> Result<Key, Rejection> {
        let key = Key::from_bytes(self.key.join("\0").into_bytes());
        if key.parts().eq(self.key.iter().map(String::as_str)) {
            return Ok(key);
        }
        let reason = format!("{:?} is not the parts of a key", self.key);
        Err(Rejection::new(Check::Agent, Fault::StateProofMalformed, reason))
    }

    fn steps(&self) -> Result<Vec<Step>, Rejection> {
        let bytes = STANDARD.decode(&self.steps).map_err(|error| malformed(&error))?;
        let (steps, rest) = bytes.as_chunks::<STEP_BYTES>();
        if !rest.is_empty() {
            let reason = format!("steps of {} bytes, each has {STEP_BYTES}", bytes.len());
            return Err(Rejection::new(Check::Agent, Fault::StateProofMalformed, reason));
        }
        let step = |[bit, sibling @ ..]: &[u8; STEP_BYTES]| Step {
            bit: *bit,
            sibling: map::Hash::from_bytes(*sibling),
        };
        Ok(steps.iter().map(step).collect())
    }

    /// Where the way ends: in the searched key if it holds something.
    fn end(&self, searched: map::Key, held: Option<map::Value>) -> Result<End, Rejection> {
        match (&self.end, held) {
            (None, Some(value)) => Ok(End::Leaf { key: searched, value }),
            (None, None) => Ok(End::Empty),
            (Some(text), None) => {
                let bytes = STANDARD.decode(text).map_err(|error| malformed(&error))?;
                let (parts, rest) = bytes.as_chunks::<32>();
                match (parts, rest) {
                    ([key, value], []) => Ok(End::Leaf {
                        key: map::Key::from_bytes(*key),
                        value: map::Value::from_bytes(*value),
                    }),
                    _ => {
                        let reason = format!("an end of {} bytes, it has 64", bytes.len());
                        Err(Rejection::new(Check::Agent, Fault::StateProofMalformed, reason))
                    }
                }
            }
            (Some(_), Some(_)) => {
                let reason = "a row that is there needs no other end";
                Err(Rejection::new(Check::Agent, Fault::StateProofMalformed, reason))
            }
        }
    }
}

fn malformed(error: &dyn std::error::Error) -> Rejection {
    Rejection::caused(Check::Agent, Fault::StateProofMalformed, error)
}
