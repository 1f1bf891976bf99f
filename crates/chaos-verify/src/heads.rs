//! Heads of one log, held against each other.

use std::{collections::BTreeMap, fmt};

use chaos_agency::{Delegation, SignerError, Succession};
use chaos_log::{Hash, Policy, SignedCheckpoint, VerifierKey, WholeNode};
use chaos_types::{Check, Did, Rejection};

use crate::{Fault, Head, Options, ProvedFork, offline::refused};

/// What was seen of the trees that each log signed: roots by size, and whole nodes by their place.
///
/// A log may sign one tree of each size, and a node over whole leaves is the same in every tree that
/// reaches so far. Two are a fork, and whoever holds both files can show that the log's operator tells
/// people different things. A log is its root key, whatever the key is called and whichever key the root
/// key has let sign for it: what is known of that is gathered from everything that is seen.
///
/// A signature has no date. What a retired key has signed twice, its owner or a thief may have signed at any
/// time, so that it speaks against nothing that a later key signed: the root key has signed the history
/// which that goes on from.
#[derive(Debug, Default)]
pub struct Heads {
    seen: BTreeMap<([u8; 32], Place), Seen>,
    accused: Vec<Accused>,
    /// Of each log, by its root key, the most that was seen of who signs for it, and where.
    signers: BTreeMap<[u8; 32], (Succession, String)>,
    /// Logs of which the root key has signed two delegations of one number.
    split: BTreeMap<[u8; 32], Split>,
}

/// Two delegations of one number that a root key has signed.
#[derive(Debug)]
struct Split {
    /// Heads above this size hold one of the two.
    from: u64,
    reason: String,
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
    /// Which of the two a retired key has signed, if the other is by a later one.
    retired: Option<Retired>,
}

/// The head of a retired key that is of another history than one by a later key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Retired {
    /// Where it was seen.
    whose: String,
    key: Did,
    /// The delegation that ended the key's time.
    index: u64,
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
            let new = Seen { hash, checkpoint: head.checkpoint.clone(), whose: whose.to_owned() };
            let Some(seen) = self.seen.get(&(*head.log.public(), place)) else {
                self.seen.insert((*head.log.public(), place), new);
                continue;
            };
            if seen.hash != hash {
                let retired = self.retired(&head.log, [seen, &new]);
                let heads = [seen, &new].map(|seen| (seen.whose.clone(), seen.checkpoint.clone()));
                let (log, hashes) = (head.log.to_string(), [seen.hash, hash]);
                // What comes later is held against the head that goes on from what the root key signed.
                if retired.as_ref().is_some_and(|retired| retired.whose != whose) {
                    self.seen.insert((*head.log.public(), place), new);
                }
                return Err(Box::new(Fork { log, place, hashes, heads, retired }));
            }
        }
        Ok(())
    }

    /// Which of two heads that contradict each other is by a key that was retired before the other was
    /// signed.
    fn retired(&self, log: &VerifierKey, heads: [&Seen; 2]) -> Option<Retired> {
        let (known, _) = self.signers.get(log.public())?;
        let keys = heads.map(|seen| known.key_for(seen.checkpoint.claimed().size()));
        let place = |key: Did| known.keys().position(|known| known == key);
        let older = usize::from(place(keys[0]) > place(keys[1]));
        let end = known.end_of(&keys[older]).filter(|_| keys[0] != keys[1])?;
        Some(Retired { whose: heads[older].whose.clone(), key: keys[older], index: end.index })
    }

    /// Takes in who signs for the log with this root key, if more is known now.
    pub fn learn(&mut self, root: &VerifierKey, succession: &Succession, whose: &str) {
        let Some((known, shown_by)) = self.signers.get(root.public()) else {
            self.signers.insert(*root.public(), (succession.clone(), whose.to_owned()));
            return;
        };
        let both = known.delegations().iter().zip(succession.delegations());
        let other = both.into_iter().find(|(one, other)| one != other);
        if let Some((one, other)) = other {
            let reason = twice(root, [(one, shown_by), (other, whose)]);
            let from = one.index.min(other.index);
            self.split(root, Split { from, reason });
        } else if succession.next_number() > known.next_number() {
            self.signers.insert(*root.public(), (succession.clone(), whose.to_owned()));
        }
    }

    /// Takes in that a root key has signed two delegations of one number; the smallest place counts.
    fn split(&mut self, root: &VerifierKey, split: Split) {
        match self.split.get(root.public()) {
            Some(known) if known.from <= split.from => {}
            Some(_) | None => drop(self.split.insert(*root.public(), split)),
        }
    }

    /// Whether this root key was seen to have signed two delegations of one number.
    #[must_use]
    pub fn is_split(&self, root: &VerifierKey) -> bool {
        self.split.contains_key(root.public())
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
                let size = proof.note().claimed().size();
                let charge = match proof.after() {
                    Some(from_size) => Charge::Retired { from_size },
                    // The other of the two trees is the one that the root key has signed.
                    None => Charge::Trees { sizes: [size, size] },
                };
                (*proof.retired().as_bytes(), charge)
            }
            ProvedFork::Places(proof) => {
                let reason = format!("{}: shown by {whose}", proof.sentence());
                self.split(proof.log(), Split { from: proof.first_size(), reason });
                return;
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
            ProvedFork::Signer(_) | ProvedFork::Places(_) => format!(
                "the proof is about the log of root key {key}; whose log it is only the root key tells, \
                 so that key is the one to name"
            ),
        };
        Err(Rejection::new(Check::Checkpoint, Fault::ForkNotTied, reason))
    }

    /// Since which entry the key that a proof is about is retired, in the log with this root key, by all that
    /// was seen. What such a key has signed is its owner's or a thief's, and says nothing of who signs now.
    #[must_use]
    pub fn retired_since(&self, proof: &ProvedFork, root: &VerifierKey) -> Option<u64> {
        let (known, _) = self.signers.get(root.public())?;
        match proof {
            ProvedFork::Trees(proof) => {
                let key = known.keys().find(|key| key.as_bytes() == proof.key().public())?;
                known.end_of(&key).map(|end| end.index)
            }
            ProvedFork::Signer(proof) => known.end_of(&proof.retired()).map(|end| end.index),
            ProvedFork::Places(_) => None,
        }
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
        let claimed = head.checkpoint.claimed();
        if let Some(split) = self.split.get(head.log.public())
            && split.from < claimed.size()
        {
            return Some(Rejection::new(Check::Checkpoint, Fault::LogForked, split.reason.clone()));
        }
        if let Some(other) = succession.contradicts(claimed) {
            return Some(other_history(head, succession, other, whose));
        }
        let accused = self.accused.iter().find(|accused| accused.is_about(head, succession))?;
        let fault = match accused.charge {
            Charge::Trees { .. } if accused.retired(succession).is_some() => Fault::RetiredKeyHead,
            Charge::Trees { .. } => Fault::LogForked,
            Charge::Retired { .. } => Fault::KeyRetired,
        };
        let reason = match accused.retired(succession) {
            Some(index) => format!(
                "by a key retired since entry {index}, which signed two histories, the owner's or a thief's; \
                 nothing shows that this head is of the one that the root key signed: {}",
                accused.reason
            ),
            None => accused.reason.clone(),
        };
        Some(Rejection::new(Check::Checkpoint, fault, reason))
    }
}

/// The rejection of a head that has another root than the root key has signed for its size.
fn other_history(
    head: &Head,
    succession: &Succession,
    other: &Delegation,
    whose: &str,
) -> Rejection {
    let claimed = head.checkpoint.claimed();
    let key = succession.key_for(claimed.size());
    let reason = format!(
        "the tree of {} entries has root {}, and by delegation {} of {whose} the root key signed that they \
         have root {}",
        claimed.size(),
        claimed.root(),
        other.body.number,
        other.body.root
    );
    let fault =
        if succession.end_of(&key).is_some() { Fault::RetiredKeyHead } else { Fault::LogForked };
    Rejection::new(Check::Checkpoint, fault, reason)
}

/// That a root key has signed two delegations of one number, and where each was seen.
fn twice(root: &VerifierKey, both: [(&Delegation, &str); 2]) -> String {
    let [(one, first), (other, second)] = both;
    let said = |of: &Delegation| {
        let body = &of.body;
        format!("to {} after {} entries with root {}", body.key, body.size, body.root)
    };
    format!(
        "the root key of log {root} signed delegation {} of {} twice: {} in {first}, {} in {second}",
        one.body.number,
        one.body.role,
        said(one),
        said(other)
    )
}

impl Accused {
    /// Whether the charge speaks against a head of the log that these keys sign for.
    ///
    /// Of a key in force, two trees that it could sign for the log are a fork of the log. One that it could
    /// not is a thief's. Of a key that was retired since, whatever it has signed alone is in doubt and nothing
    /// else, unless the root key has signed for the same history. Of a key that nobody knows as the log's,
    /// whatever it has signed itself is in doubt.
    fn is_about(&self, head: &Head, succession: &Succession) -> bool {
        let size = head.checkpoint.claimed().size();
        let key = succession.keys().find(|key| *key.as_bytes() == self.key);
        match (&self.charge, key) {
            (Charge::Trees { .. }, Some(key)) if succession.end_of(&key).is_some() => {
                succession.key_for(size) == key
                    && !succession.vouches_for(head.checkpoint.claimed())
            }
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

    /// Since which entry the key is retired.
    fn retired(&self, succession: &Succession) -> Option<u64> {
        let key = succession.keys().find(|key| *key.as_bytes() == self.key)?;
        succession.end_of(&key).map(|end| end.index)
    }

    fn has_signed(&self, head: &Head) -> bool {
        VerifierKey::new(head.log.name().clone(), &self.key)
            .is_ok_and(|key| head.checkpoint.verify(&key).is_ok())
    }
}

impl Fork {
    /// Whether it is one of the log: of two heads by keys of which one was retired before, the later is the
    /// log's.
    #[must_use]
    pub const fn is_of_the_log(&self) -> bool {
        self.retired.is_none()
    }

    /// The rejection of whatever was proved under the head that was seen in `whose`, if that is one of the
    /// two, and not the one that goes on from what the root key has signed.
    #[must_use]
    pub fn rejection(&self, whose: &str) -> Option<Rejection> {
        if self.heads.iter().all(|(seen_in, _)| seen_in != whose) {
            return None;
        }
        let Some(Retired { whose: retired, key, index }) = &self.retired else {
            return Some(Rejection::new(Check::Checkpoint, Fault::LogForked, self.to_string()));
        };
        if retired != whose {
            return None;
        }
        let reason = format!(
            "by {key}, a key retired since entry {index}, the owner or a thief, on another history than the \
             root key has signed: {self}"
        );
        Some(Rejection::new(Check::Checkpoint, Fault::RetiredKeyHead, reason))
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, place, hashes: [one, other], heads: [(first, _), (second, _)], .. } = self;
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
