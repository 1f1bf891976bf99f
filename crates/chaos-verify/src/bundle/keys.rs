//! The delegations of a log's root key, with their proofs.

use std::collections::BTreeMap;

use chaos_agency::{
    Action, Delegation, Key, Kinds, Receipt, Succession,
    action::{Delegate, Role},
};
use chaos_log::{Hash, SignedCheckpoint, VerifierKey, map};
use chaos_types::{Check, Code, Did, Rejection, canonical, dsse::Envelope};
use serde::{Deserialize, Serialize};

use super::{Placed, RowProof};
use crate::Fault;

/// A log's root key has delegated at most so often where it is shown, both roles together. Whoever signs for a log
/// hands nothing on after that: nobody could be shown who signs.
pub const DELEGATIONS_MAX: usize = 256;

/// Who signs for a log: every delegation of its root key under a checkpoint, and the rows which say that
/// these count and that there are no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegations {
    /// The delegations in log order.
    pub entries: Vec<Delegated>,
    /// The row of each delegation, and of each role that there is none with the next number, in the
    /// order of their keys.
    pub rows: Vec<RowProof>,
}

/// A delegation with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegated {
    /// The signed statement.
    pub envelope: Envelope,
    /// Its place in the log.
    pub place: Placed,
}

/// The format line of the file that says who signs for a log.
pub const KEYS_FORMAT: &str = "chaoschain-keys/1";

/// Who signs for a log, as the log publishes it: its delegations under one of its checkpoints.
///
/// The file is canonical JSON. It proves itself to whoever knows the log's root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogKeys {
    /// Always [`KEYS_FORMAT`].
    pub format: String,
    /// The C2SP verifier key of the log's root key.
    pub log: String,
    /// The signed checkpoint that everything is proved under.
    pub checkpoint: String,
    /// The last entry under it, whose leaf states the root that the rows are shown under.
    pub edge: Placed,
    /// The delegations.
    pub keys: Delegations,
}

/// Where a delegation stands, and the two trees that whatever holds it starts with.
///
/// The root key has signed the one before it. The one through it is that of the file's checkpoint, and of
/// whatever a later delegation goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelegationPlace {
    /// Its log index, which is how many entries stand before it.
    pub index: u64,
    /// The root of the tree of the entries before it.
    pub before: Hash,
    /// The root of the tree that ends with it.
    pub through: Hash,
}

impl LogKeys {
    /// The bytes of the file.
    ///
    /// # Errors
    /// If a part has no canonical form.
    pub fn to_bytes(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }

    /// Reads a file and checks it: who has had the roles of the log's root key, under a checkpoint that
    /// the key in force has signed.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *format*, *inclusion* or *checkpoint*.
    pub fn verify(bytes: &[u8], root: &VerifierKey) -> Result<(Self, Successions), Rejection> {
        let file: Self = canonical::from_slice(bytes).map_err(|error| {
            Rejection::caused(Check::Format, chaos_types::Fault::DocumentMalformed, &error)
        })?;
        super::ensure_format(KEYS_FORMAT, &file.format)?;
        if file.log != root.to_string() {
            let reason = format!("the file is of log `{}`, not {root}", file.log.escape_debug());
            return Err(Rejection::new(Check::Checkpoint, Fault::LogNotTrusted, reason));
        }
        let checkpoint = file.checkpoint()?;
        crate::offline::ensure_last(&file.edge, &checkpoint)?;
        let did = Did::from_public_bytes(root.public())
            .ok_or_else(|| malformed("the log's key is not a curve point".to_owned()))?;
        let state = file.edge.leaf.state.unwrap_or(map::EMPTY);
        // A delegation is of a kind that every log knows.
        let successions = file.keys.verify(did, &checkpoint, &state, &Kinds::default())?;
        successions
            .checkpoints
            .ensure_signed(&checkpoint, root.name())
            .map_err(|error| crate::offline::refused(&error))?;
        Ok((file, successions))
    }

    /// Reads a file and checks it against the root key that it names itself, and gives that key. Whether it
    /// is the key of a log that one trusts is for the caller to compare.
    ///
    /// # Errors
    /// As [`Self::verify`], and if the file names no key.
    pub fn verify_own(bytes: &[u8]) -> Result<(VerifierKey, Successions), Rejection> {
        let file: Self = canonical::from_slice(bytes).map_err(|error| {
            Rejection::caused(Check::Format, chaos_types::Fault::DocumentMalformed, &error)
        })?;
        let root: VerifierKey = file.log.parse().map_err(|error| {
            Rejection::caused(Check::Checkpoint, Fault::LogKeyMalformed, &error)
        })?;
        let (_, successions) = Self::verify(bytes, &root)?;
        Ok((root, successions))
    }

    /// Where each delegation stands, of either role, in log order. That the file holds is for
    /// [`Self::verify`] to say.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *inclusion* or *checkpoint*.
    pub fn places(&self) -> Result<Vec<DelegationPlace>, Rejection> {
        let checkpoint = self.checkpoint()?;
        let place = |entry: &Delegated| {
            let inclusion = entry.place.ensure_under(&checkpoint)?;
            let leaf = chaos_log::leaf_hash(&entry.place.leaf.to_bytes());
            Ok(DelegationPlace {
                index: entry.place.index,
                before: inclusion.root_before(),
                through: inclusion.root_through(&leaf),
            })
        };
        self.keys.entries.iter().map(place).collect()
    }

    /// The checkpoint, whoever signed it.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *checkpoint*.
    pub fn checkpoint(&self) -> Result<SignedCheckpoint, Rejection> {
        SignedCheckpoint::parse(self.checkpoint.as_bytes())
            .map_err(|error| Rejection::caused(Check::Checkpoint, Fault::CheckpointInvalid, &error))
    }
}

/// Which keys have had each role of a log's root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successions {
    /// Whose checkpoints are the log's.
    pub checkpoints: Succession,
    /// Who signs for the operator.
    pub operator: Succession,
}

impl Successions {
    /// The root key has every role.
    #[must_use]
    pub const fn new(root: Did) -> Self {
        Self {
            checkpoints: Succession::new(root, Role::Checkpoints),
            operator: Succession::new(root, Role::Operator),
        }
    }

    const fn of(&mut self, role: Role) -> &mut Succession {
        match role {
            Role::Checkpoints => &mut self.checkpoints,
            Role::Operator => &mut self.operator,
        }
    }
}

impl Delegations {
    /// What the delegations say, once each is shown to stand under the checkpoint, to be signed as it must
    /// be, and to count under the root of the state that the last entry states. Who signed the checkpoint
    /// is another question.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *checkpoint*.
    pub fn verify(
        &self,
        root: Did,
        checkpoint: &SignedCheckpoint,
        state: &map::Hash,
        kinds: &Kinds,
    ) -> Result<Successions, Rejection> {
        let count = self.entries.len();
        if count == 0 || count > DELEGATIONS_MAX {
            let reason = format!("{count} delegations are shown, expected 1 to {DELEGATIONS_MAX}");
            return Err(malformed(reason));
        }
        let mut successions = Successions::new(root);
        let mut rows = BTreeMap::new();
        let mut next = 0;
        for entry in &self.entries {
            let delegation = entry.read(root, checkpoint, kinds).map_err(within)?;
            let (index, role, number) =
                (delegation.index, delegation.body.role, delegation.body.number);
            let (key, row) = delegation.row();
            rows.insert(key, Some(row));
            if index < next || !successions.of(role).follow(delegation) {
                let reason = format!(
                    "delegation {number} of {role} at entry {index} does not follow the one before"
                );
                return Err(malformed(reason));
            }
            next = index + 1;
        }
        for role in Role::ALL {
            let number = successions.of(role).next_number();
            rows.insert(Key::delegation(role, number), None);
        }
        let shown = self.rows.iter().map(|row| row.verify(state).map_err(within));
        let shown = shown.collect::<Result<Vec<_>, _>>()?;
        if shown.iter().map(|(key, value)| (key, value)).eq(rows.iter()) {
            return Ok(successions);
        }
        Err(malformed("the rows are not those of the delegations that are shown".to_owned()))
    }
}

impl Delegated {
    fn read(
        &self,
        root: Did,
        checkpoint: &SignedCheckpoint,
        kinds: &Kinds,
    ) -> Result<Delegation, Rejection> {
        let receipt = Receipt::open(&self.envelope, kinds)?;
        let Action::Delegate(body) = &receipt.action else {
            return Err(malformed(format!("a {} is no delegation", receipt.action.kind())));
        };
        crate::offline::ensure_names(&self.place.leaf, &receipt)?;
        // The path from the entry to the root of the head is over the tree that the root key has signed.
        let inclusion = self.place.ensure_under(checkpoint)?;
        receipt.ensure_place(self.place.index)?;
        receipt.ensure_history(&inclusion.root_before())?;
        let (index, signers) = (self.place.index, Delegate::signers(body, root));
        if receipt.log == root && receipt.agent == root && receipt.signers == signers {
            return Ok(Delegation { index, body: body.clone() });
        }
        let reason = format!(
            "the delegation at entry {index} is signed by {signers:?} in the log of {root}, found \
             {:?} in the log of {}",
            receipt.signers, receipt.log
        );
        let fault = chaos_agency::Fault::SignersUnexpected;
        Err(Rejection::new(Check::Checkpoint, fault, reason))
    }
}

/// What is wrong with a delegation, told by the check that rests on it.
fn within(inner: Rejection) -> Rejection {
    Rejection::new(Check::Checkpoint, inner.code, format!("delegation: {}", inner.reason))
}

fn malformed(reason: String) -> Rejection {
    Rejection::new(Check::Checkpoint, Code::from(Fault::DelegationsMalformed), reason)
}
