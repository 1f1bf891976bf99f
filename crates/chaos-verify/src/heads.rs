//! Heads of one log, held against each other.

use std::{collections::BTreeMap, fmt};

use chaos_log::{ForkProof, Hash, SignedCheckpoint};
use chaos_types::{Check, Rejection};

use crate::{Fault, Head};

/// Every head that was seen, by the key that signed it and by its size.
///
/// A log may sign one tree of each size. Two are a fork, and whoever holds both can show that the
/// log's operator tells people different things.
#[derive(Debug, Default)]
pub struct Heads {
    seen: BTreeMap<(String, u64), Seen>,
    accused: Vec<Accused>,
}

/// A log that a proof shows to have forked.
#[derive(Debug)]
struct Accused {
    log: String,
    /// The smaller of the two sizes: from there on a head is on one of two branches.
    from_size: u64,
    sentence: String,
    whose: String,
}

#[derive(Debug)]
struct Seen {
    checkpoint: SignedCheckpoint,
    whose: String,
}

/// Two trees of one size, signed by one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The log's verifier key.
    pub log: String,
    /// The size of both trees.
    pub size: u64,
    /// Where each head was seen, and its signed note.
    pub heads: [(String, SignedCheckpoint); 2],
}

impl Heads {
    /// Takes in a head that was seen in `whose`.
    ///
    /// # Errors
    /// The fork, if another tree of the same size was seen.
    pub fn see(&mut self, head: &Head, whose: &str) -> Result<(), Box<Fork>> {
        let log = head.log.to_string();
        let size = head.checkpoint.claimed().size();
        let seen = self.seen.entry((log.clone(), size)).or_insert_with(|| Seen {
            checkpoint: head.checkpoint.clone(),
            whose: whose.to_owned(),
        });
        if root(&seen.checkpoint) == root(&head.checkpoint) {
            return Ok(());
        }
        let first = (seen.whose.clone(), seen.checkpoint.clone());
        let second = (whose.to_owned(), head.checkpoint.clone());
        Err(Box::new(Fork { log, size, heads: [first, second] }))
    }

    /// Takes in a proof that was seen in `whose`.
    pub fn accuse(&mut self, proof: &ForkProof, whose: &str) {
        self.accused.push(Accused {
            log: proof.log().to_string(),
            from_size: proof.first().claimed().size(),
            sentence: proof.sentence(),
            whose: whose.to_owned(),
        });
    }

    /// The rejection of what was proved under a head that a proof puts on one of two branches. A head
    /// that is smaller than both of a proof's may be the start of either.
    #[must_use]
    pub fn rejection(&self, head: &Head) -> Option<Rejection> {
        let (log, size) = (head.log.to_string(), head.checkpoint.claimed().size());
        let accused =
            self.accused.iter().find(|accused| accused.log == log && accused.from_size <= size)?;
        let reason = format!("{}: shown by {}", accused.sentence, accused.whose);
        Some(Rejection::new(Check::Checkpoint, Fault::LogForked, reason))
    }
}

fn root(checkpoint: &SignedCheckpoint) -> &Hash {
    checkpoint.claimed().root()
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
        let [(first, one), (second, other)] = &self.heads;
        write!(
            f,
            "the log {} signed two trees of size {}: root {} in {first}, root {} in {second}",
            self.log,
            self.size,
            root(one),
            root(other)
        )
    }
}
