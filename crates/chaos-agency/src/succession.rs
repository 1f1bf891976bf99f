use std::iter;

use chaos_log::{
    Checkpoint, CheckpointError, KeyError, KeyName, NoteError, SignedCheckpoint, VerifierKey,
};
use chaos_types::{Did, canonical};

use crate::{
    Key, State, Stop,
    action::{Delegate, Role},
    state::DelegationRow,
};

/// Which keys have had a role of a log's root key, in order.
///
/// The root key is the log's identity for ever. It has every role itself until the first delegation of
/// it; a delegation at log index `i` takes effect with the next entry. So a checkpoint of up to `i`
/// entries is signed by the key before, and a larger one by the new key. The key before may sign the
/// one of `i + 1` entries as well, so that whoever knows no other key learns of the new one under a head
/// that he can check; it signs none that is larger, and a lost key none that holds the delegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession {
    root: Did,
    role: Role,
    delegations: Vec<Delegation>,
}

/// A delegation and where it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Its log index.
    pub index: u64,
    /// What it says.
    pub body: Delegate,
}

/// By whom a checkpoint is, of the keys that had the role: read from its lines that hold, and from no others.
///
/// Whoever passes a note on can lay lines below it that are nobody's signature, or that of a key which nobody
/// knows there. None of them makes a checkpoint one by the key in force, and none hides by whom it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadSigner {
    /// The key in force at its size has signed it, whoever else did.
    InForce(Did),
    /// That key has not, and one has whose time was over: of several the one that was retired last.
    Retired {
        /// The key.
        key: Did,
        /// The delegation that replaced it.
        index: u64,
    },
    /// None of the keys that were in force by then.
    Nobody,
}

impl HeadSigner {
    /// The key, if it is one of the log's.
    #[must_use]
    pub const fn key(self) -> Option<Did> {
        match self {
            Self::InForce(key) | Self::Retired { key, .. } => Some(key),
            Self::Nobody => None,
        }
    }
}

/// Why a checkpoint is not signed by the key that its log's root key has handed checkpoints to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// The key in force has not signed it.
    #[error("the checkpoint is not signed by the log's key")]
    Unsigned(#[source] CheckpointError),
    /// A key signed it whose time is over.
    #[error(
        "the checkpoint of {size} entries is signed by {key} alone, which entry {index} replaced"
    )]
    Retired {
        /// The key.
        key: Did,
        /// Size of the checkpoint.
        size: u64,
        /// The delegation that replaced the key.
        index: u64,
    },
    /// The log's name and a key make no verifier key.
    #[error("the log cannot be named")]
    Name(#[source] KeyError),
}

impl Succession {
    /// Only the root key has the role.
    #[must_use]
    pub const fn new(root: Did, role: Role) -> Self {
        Self { root, role, delegations: Vec::new() }
    }

    /// What a log has folded to.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn of(state: &dyn State, root: Did, role: Role) -> Result<Self, Stop> {
        let mut succession = Self::new(root, role);
        loop {
            let number = succession.next_number();
            let row: Option<DelegationRow> = state.read(&Key::delegation(role, number))?;
            let Some(DelegationRow { index, key, replaces, lost, root }) = row else {
                return Ok(succession);
            };
            let body = Delegate { role, number, key, replaces, lost, size: index, root };
            succession.delegations.push(Delegation { index, body });
        }
    }

    /// Takes in the next delegation; whether it is the next one.
    #[must_use]
    pub fn follow(&mut self, next: Delegation) -> bool {
        let Delegate { role, number, replaces, .. } = &next.body;
        let last = self.delegations.last().map(|last| last.index);
        let fits = *role == self.role
            && *number == self.next_number()
            && *replaces == self.key()
            && last.is_none_or(|last| last < next.index);
        if fits {
            self.delegations.push(next);
        }
        fits
    }

    /// The log's root key.
    #[must_use]
    pub const fn root(&self) -> Did {
        self.root
    }

    /// The delegations in log order.
    #[must_use]
    pub fn delegations(&self) -> &[Delegation] {
        &self.delegations
    }

    /// The number of the delegation that would come next.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.delegations.len() as u64 + 1
    }

    /// The key that has the role after everything that is known.
    #[must_use]
    pub fn key(&self) -> Did {
        self.delegations.last().map_or(self.root, |last| last.body.key)
    }

    /// The key whose signature a checkpoint of this size needs.
    #[must_use]
    pub fn key_for(&self, size: u64) -> Did {
        let covered = self.delegations.iter().rev().find(|delegation| delegation.index < size);
        covered.map_or(self.root, |delegation| delegation.body.key)
    }

    /// The key that may sign a checkpoint of this size beside the one that has to, since it ends with the
    /// delegation itself.
    #[must_use]
    pub fn leaving(&self, size: u64) -> Option<Did> {
        let ends = |delegation: &&Delegation| {
            delegation.index.checked_add(1) == Some(size) && !delegation.body.lost
        };
        self.delegations.iter().find(ends).map(|delegation| delegation.body.replaces)
    }

    /// The delegation that ended a key's time, if one has. The root key's never ends: nothing can take the
    /// place of whoever names the others.
    #[must_use]
    pub fn end_of(&self, key: &Did) -> Option<&Delegation> {
        let ends = |delegation: &&Delegation| delegation.body.replaces == *key;
        self.delegations.iter().filter(|_| *key != self.root).find(ends)
    }

    /// The delegation that ended the time of the key which a checkpoint of this size needs, the root key's
    /// too.
    #[must_use]
    pub fn end_after(&self, size: u64) -> Option<&Delegation> {
        self.delegations.iter().find(|delegation| delegation.index >= size)
    }

    /// Whether the root key has signed the very history that a checkpoint stands for: a delegation names its
    /// size and its root.
    #[must_use]
    pub fn vouches_for(&self, checkpoint: &Checkpoint) -> bool {
        let (size, root) = (checkpoint.size(), checkpoint.root());
        let mut bodies = self.delegations.iter().map(|delegation| &delegation.body);
        bodies.any(|body| body.size == size && body.root == *root)
    }

    /// A delegation before which a checkpoint of its size should stand, and has another root.
    #[must_use]
    pub fn contradicts(&self, checkpoint: &Checkpoint) -> Option<&Delegation> {
        let (size, root) = (checkpoint.size(), checkpoint.root());
        let is_other = |delegation: &&Delegation| {
            delegation.body.size == size && delegation.body.root != *root
        };
        self.delegations.iter().find(is_other)
    }

    /// Every key that had the role, the root key first.
    pub fn keys(&self) -> impl Iterator<Item = Did> {
        iter::once(self.root).chain(self.delegations.iter().map(|delegation| delegation.body.key))
    }

    /// By whom a checkpoint of the log with this name is.
    #[must_use]
    pub fn signer(&self, signed: &SignedCheckpoint, name: &KeyName) -> HeadSigner {
        let size = signed.claimed().size();
        let is_by = |key: &Did| {
            VerifierKey::new(name.clone(), key.as_bytes()).is_ok_and(|key| signed.is_by(&key))
        };
        let in_force = self.key_for(size);
        if is_by(&in_force) {
            return HeadSigner::InForce(in_force);
        }
        // Of two retired keys it is the later one's: whoever has an earlier key can lay a line that holds below any
        // tree, and takes no head from whoever it is of by that.
        let mut ended = self.delegations.iter().rev().filter(|delegation| delegation.index < size);
        match ended.find(|delegation| is_by(&delegation.body.replaces)) {
            Some(Delegation { index, body }) => {
                HeadSigner::Retired { key: body.replaces, index: *index }
            }
            None => HeadSigner::Nobody,
        }
    }

    /// Checks what comes from outside: the key in force at its size has signed a checkpoint of the log with this
    /// name, and no line that names one of the keys is false. Gives that key. That a retired key signed it, no false
    /// line hides.
    ///
    /// # Errors
    /// If it has not, a line that names one of the keys is not its own, or the checkpoint is another
    /// log's.
    pub fn ensure_signed(
        &self,
        signed: &SignedCheckpoint,
        name: &KeyName,
    ) -> Result<VerifierKey, SignerError> {
        let size = signed.claimed().size();
        if let HeadSigner::Retired { key, index } = self.signer(signed, name) {
            return Err(SignerError::Retired { key, size, index });
        }
        let named = |key: Did| VerifierKey::new(name.clone(), key.as_bytes());
        for delegation in &self.delegations {
            let replaced = named(delegation.body.replaces).map_err(SignerError::Name)?;
            match signed.verify(&replaced) {
                Ok(_) | Err(CheckpointError::Note(NoteError::Unsigned { .. })) => {}
                Err(error) => return Err(SignerError::Unsigned(error)),
            }
        }
        let key = named(self.key_for(size)).map_err(SignerError::Name)?;
        signed.verify(&key).map_err(SignerError::Unsigned)?;
        Ok(key)
    }
}

impl Delegation {
    /// The row that the log commits to while it counts.
    ///
    /// # Panics
    /// Never: keys, numbers and a truth value have a canonical form.
    #[must_use]
    pub fn row(&self) -> (Key, Vec<u8>) {
        let Delegate { role, number, key, replaces, lost, root, .. } = self.body;
        let row = DelegationRow { index: self.index, key, replaces, lost, root };
        let bytes = canonical::to_vec(&row).expect("keys, an index and a truth value");
        (Key::delegation(role, number), bytes)
    }
}
