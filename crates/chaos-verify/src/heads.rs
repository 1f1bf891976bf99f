//! Heads of one log, held against each other.

use std::{collections::BTreeMap, fmt};

use chaos_agency::{SignerError, Succession};
use chaos_log::{Hash, Policy, SignedCheckpoint, VerifierKey, WholeNode};
use chaos_types::{Check, Rejection};

use crate::{Fault, Head, Options, ProvedFork, offline::refused};

/// What was seen of the trees that each log signed: roots by size, and whole nodes by their place.
///
/// A log may sign one tree of each size, and a node over whole leaves is the same in every tree that
/// reaches so far. Two are a fork, and whoever holds both files can show that the log's operator tells
/// people different things. A log is its root key, whatever the key is called and whichever key the root
/// key has let sign for it: what is known of that is gathered from everything that is seen.
#[derive(Debug, Default)]
pub struct Heads {
    seen: BTreeMap<([u8; 32], Place), Seen>,
    accused: Vec<Accused>,
    /// Of each log, by its root key, the most that was seen of who signs for it, and where.
    signers: BTreeMap<[u8; 32], (Succession, String)>,
}

/// Something of a tree that every honest tree of the log has alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Root { size: u64 },
    Node { level: u32, index: u64 },
}

/// A key that a proof accuses.
#[derive(Debug)]
struct Accused {
    key: [u8; 32],
    charge: Charge,
    /// What is shown, and by what.
    reason: String,
}

/// What a key is accused of.
#[derive(Debug)]
enum Charge {
    /// It signed two trees of these sizes.
    Trees { sizes: [u64; 2] },
    /// It signed alone what it may not: checkpoints from this size on.
    Retired { from_size: u64 },
}

#[derive(Debug)]
struct Seen {
    hash: Hash,
    checkpoint: SignedCheckpoint,
    whose: String,
}

/// Two trees that one key signed, and that no log has both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    log: String,
    place: Place,
    hashes: [Hash; 2],
    /// Where each head was seen, and its signed note.
    pub heads: [(String, SignedCheckpoint); 2],
}

impl Heads {
    /// Takes in a head that was seen in `whose`, and what was shown of its tree.
    ///
    /// # Errors
    /// The fork, if another tree of the same log was seen that contradicts it.
    pub fn see(&mut self, head: &Head, whose: &str) -> Result<(), Box<Fork>> {
        let claimed = head.checkpoint.claimed();
        self.learn(&head.log, &head.succession, whose);
        let root = (Place::Root { size: claimed.size() }, *claimed.root());
        let node =
            |node: &WholeNode| (Place::Node { level: node.level, index: node.index }, node.hash);
        for (place, hash) in head.nodes.iter().map(node).chain([root]) {
            let seen = self.seen.entry((*head.log.public(), place)).or_insert_with(|| Seen {
                hash,
                checkpoint: head.checkpoint.clone(),
                whose: whose.to_owned(),
            });
            if seen.hash != hash {
                let first = (seen.whose.clone(), seen.checkpoint.clone());
                let second = (whose.to_owned(), head.checkpoint.clone());
                let (log, hashes) = (head.log.to_string(), [seen.hash, hash]);
                return Err(Box::new(Fork { log, place, hashes, heads: [first, second] }));
            }
        }
        Ok(())
    }

    /// Takes in who signs for the log with this root key, if more is known now.
    pub fn learn(&mut self, root: &VerifierKey, succession: &Succession, whose: &str) {
        let known = self.signers.get(root.public());
        let known = known.map_or(0, |(known, _)| known.next_number());
        if succession.next_number() > known {
            self.signers.insert(*root.public(), (succession.clone(), whose.to_owned()));
        }
    }

    /// Takes in a proof that was seen in `whose`.
    pub fn accuse(&mut self, proof: &ProvedFork, whose: &str) {
        let (key, charge) = match proof {
            ProvedFork::Trees(proof) => {
                if let Some((root, succession)) = proof.tie() {
                    self.learn(root, succession, whose);
                }
                let sizes = [proof.fork().first(), proof.fork().second()];
                let sizes = sizes.map(|note| note.claimed().size());
                (*proof.key().public(), Charge::Trees { sizes })
            }
            // Heads by the key that took the retired one's place stay what they are.
            ProvedFork::Signer(proof) => {
                self.learn(proof.log(), proof.succession(), whose);
                let (key, index) = proof.retired();
                // The first checkpoint that holds the delegation it may sign beside the new key.
                let from_size = index.saturating_add(2);
                (*key.as_bytes(), Charge::Retired { from_size })
            }
        };
        let reason = format!("{}: shown by {whose}", proof.sentence());
        self.accused.push(Accused { key, charge, reason });
    }

    /// The root key of the log that a proof is about: one that the reader trusts, if he names any. The key
    /// that signed is the log's if it is the root key, or if something that was seen shows that the root
    /// key has named it.
    ///
    /// # Errors
    /// A [`Rejection`] of a proof about another log, or by a key that nothing ties to a trusted one.
    pub fn root_of(
        &self,
        proof: &ProvedFork,
        options: &Options<'_>,
    ) -> Result<VerifierKey, Rejection> {
        let key = proof.log();
        let leads = |root: &&VerifierKey| *root == key || self.has_named(root, key);
        let policy = options.policy.into_iter().flat_map(Policy::logs).map(|known| &known.key);
        let policy: Vec<&VerifierKey> = policy.collect();
        let by_name = options.log.is_none_or(|log| leads(&log));
        let by_policy = policy.is_empty() || policy.iter().any(leads);
        let trusted: Vec<&VerifierKey> = options.log.into_iter().chain(policy).collect();
        if by_name && by_policy {
            let root = trusted.into_iter().find(leads).cloned();
            return Ok(root.or_else(|| self.root_that_named(key)).unwrap_or_else(|| key.clone()));
        }
        if trusted.iter().all(|root| root.name() != key.name()) {
            let reason = format!("the proof is about log {key}, which is not one that is trusted");
            return Err(Rejection::new(Check::Checkpoint, Fault::LogNotTrusted, reason));
        }
        let reason = match proof {
            ProvedFork::Trees(_) => format!(
                "the proof is by {key}, and nothing at hand shows that the trusted root key has let it \
                 sign: a bundle under a later head of the log shows that, or a copy of it"
            ),
            ProvedFork::Signer(_) => format!(
                "the proof is about the log of root key {key}; whose log it is only the root key tells, \
                 so that key is the one to name"
            ),
        };
        Err(Rejection::new(Check::Checkpoint, Fault::ForkNotTied, reason))
    }

    /// Whether a root key has let another key sign checkpoints, as far as that was seen.
    fn has_named(&self, root: &VerifierKey, key: &VerifierKey) -> bool {
        let known = self.signers.get(root.public()).filter(|_| root.name() == key.name());
        known.is_some_and(|(known, _)| known.keys().any(|did| did.as_bytes() == key.public()))
    }

    /// A root key that has let this one sign.
    fn root_that_named(&self, key: &VerifierKey) -> Option<VerifierKey> {
        let mut roots = self.signers.keys();
        roots.find_map(|root| {
            let root = VerifierKey::new(key.name().clone(), root).ok()?;
            self.has_named(&root, key).then_some(root)
        })
    }

    /// The rejection of what was proved under a head that a proof puts on one of two branches, or that a
    /// key signed which another file shows to be retired. A head that is smaller than both of a proof's
    /// may be the start of either.
    #[must_use]
    pub fn rejection(&self, head: &Head) -> Option<Rejection> {
        let (succession, whose) = match self.signers.get(head.log.public()) {
            Some((known, whose)) if known.next_number() >= head.succession.next_number() => {
                (known, whose.as_str())
            }
            Some(_) | None => (&head.succession, "itself"),
        };
        if let Err(error @ SignerError::Retired { .. }) =
            succession.ensure_signed(&head.checkpoint, head.log.name())
        {
            let Rejection { check, code, reason } = refused(&error);
            return Some(Rejection::new(check, code, format!("{reason}: shown by {whose}")));
        }
        let accused = self.accused.iter().find(|accused| accused.is_about(head, succession))?;
        let fault = match accused.charge {
            Charge::Trees { .. } => Fault::LogForked,
            Charge::Retired { .. } => Fault::KeyRetired,
        };
        Some(Rejection::new(Check::Checkpoint, fault, accused.reason.clone()))
    }
}

impl Accused {
    /// Whether the charge speaks against a head of the log that these keys sign for.
    ///
    /// Of a key of the log's, two trees that it could sign for the log are a fork of the log, whoever
    /// signs now. One that it could not is a thief's, and its heads are refused by who has signed them. Of
    /// a key that nobody knows as the log's, whatever it has signed itself is in doubt.
    fn is_about(&self, head: &Head, succession: &Succession) -> bool {
        let size = head.checkpoint.claimed().size();
        let key = succession.keys().find(|key| *key.as_bytes() == self.key);
        match (&self.charge, key) {
            (Charge::Trees { sizes }, Some(key)) => {
                sizes.iter().any(|from| *from <= size)
                    && sizes.iter().all(|size| succession.key_for(*size) == key)
            }
            (Charge::Trees { sizes: [one, other] }, None) => {
                *one.min(other) <= size && self.has_signed(head)
            }
            (Charge::Retired { .. }, Some(_)) => false,
            (Charge::Retired { from_size }, None) => *from_size <= size && self.has_signed(head),
        }
    }

    fn has_signed(&self, head: &Head) -> bool {
        VerifierKey::new(head.log.name().clone(), &self.key)
            .is_ok_and(|key| head.checkpoint.verify(&key).is_ok())
    }
}

impl Fork {
    /// The rejection of whatever was proved under either head.
    #[must_use]
    pub fn rejection(&self) -> Rejection {
        Rejection::new(Check::Checkpoint, Fault::LogForked, self.to_string())
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, place, hashes: [one, other], heads: [(first, _), (second, _)] } = self;
        match *place {
            Place::Root { size } => write!(
                f,
                "the log {log} signed two trees of size {size}: root {one} in {first}, root {other} \
                 in {second}"
            ),
            Place::Node { level: 0, index } => write!(
                f,
                "the log {log} signed two trees with another entry {index}: leaf {one} in {first}, \
                 leaf {other} in {second}"
            ),
            Place::Node { level, index } => write!(
                f,
                "the log {log} signed two trees with other entries from {} to {}: node {one} in \
                 {first}, node {other} in {second}",
                index << level,
                (index << level) + ((1 << level) - 1)
            ),
        }
    }
}
