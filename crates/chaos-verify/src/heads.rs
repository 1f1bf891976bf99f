//! Heads of one log, held against each other.

use std::{collections::BTreeMap, fmt};

use chaos_agency::{SignerError, Succession};
use chaos_log::{Hash, SignedCheckpoint, WholeNode};
use chaos_types::{Check, Rejection};

use crate::{Fault, Head, ProvedFork, offline::refused};

/// What was seen of the trees that each key signed: roots by size, and whole nodes by their place.
///
/// A log may sign one tree of each size, and a node over whole leaves is the same in every tree that
/// reaches so far. Two are a fork, and whoever holds both files can show that the log's operator tells
/// people different things. A log is its key, whatever the key is called.
#[derive(Debug, Default)]
pub struct Heads {
    seen: BTreeMap<([u8; 32], Place), Seen>,
    accused: Vec<Accused>,
    /// Of each log the most that was seen of who signs for it, and where.
    signers: BTreeMap<[u8; 32], (Succession, String)>,
}

/// Something of a tree that every honest tree of the log has alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Root { size: u64 },
    Node { level: u32, index: u64 },
}

/// A log that a proof shows to have forked.
#[derive(Debug)]
struct Accused {
    log: [u8; 32],
    /// The smaller of the two sizes: from there on a head is on one of two branches.
    from_size: u64,
    sentence: String,
    whose: String,
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
        self.learn(*head.log.public(), &head.succession, whose);
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

    /// Takes in who signs for a log, if more is known now.
    fn learn(&mut self, log: [u8; 32], succession: &Succession, whose: &str) {
        let known = self.signers.get(&log).map_or(0, |(known, _)| known.next_number());
        if succession.next_number() > known {
            self.signers.insert(log, (succession.clone(), whose.to_owned()));
        }
    }

    /// Takes in a proof that was seen in `whose`.
    pub fn accuse(&mut self, proof: &ProvedFork, whose: &str) {
        let proof = match proof {
            ProvedFork::Trees(proof) => proof,
            // Heads by the key that took the retired one's place stay what they are.
            ProvedFork::Signer(proof) => {
                self.learn(*proof.log().public(), proof.succession(), whose);
                return;
            }
        };
        self.accused.push(Accused {
            log: *proof.log().public(),
            from_size: proof.first().claimed().size(),
            sentence: proof.sentence(),
            whose: whose.to_owned(),
        });
    }

    /// The rejection of what was proved under a head that a proof puts on one of two branches, or that a
    /// key signed which another file shows to be retired. A head that is smaller than both of a proof's
    /// may be the start of either.
    #[must_use]
    pub fn rejection(&self, head: &Head) -> Option<Rejection> {
        let (log, size) = (*head.log.public(), head.checkpoint.claimed().size());
        let is_accused = |accused: &&Accused| accused.log == log && accused.from_size <= size;
        if let Some(accused) = self.accused.iter().find(is_accused) {
            let reason = format!("{}: shown by {}", accused.sentence, accused.whose);
            return Some(Rejection::new(Check::Checkpoint, Fault::LogForked, reason));
        }
        let (succession, whose) = self.signers.get(&log)?;
        match succession.ensure_signed(&head.checkpoint, head.log.name()) {
            Err(error @ SignerError::Retired { .. }) => {
                let Rejection { check, code, reason } = refused(&error);
                Some(Rejection::new(check, code, format!("{reason}: shown by {whose}")))
            }
            Ok(_) | Err(SignerError::Unsigned(_) | SignerError::Name(_)) => None,
        }
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
