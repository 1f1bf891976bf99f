use super::{
    EMPTY, Hash, Key, Value,
    node::{Node, NodeRead, ReadError, Walk, branch},
};

/// A walk passes at most as many branches as a key has bits.
pub const STEPS_MAX: usize = 256;

/// What a key holds under a root, or that it holds nothing: the branches from the root on the key's
/// way, and where it ends.
///
/// The bits of the branches increase, so that there are at most [`STEPS_MAX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    steps: Vec<Step>,
    end: End,
}

/// A branch on a key's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The bit that decides the side.
    pub bit: u8,
    /// The side that the key does not take.
    pub sibling: Hash,
}

/// Where a key's way ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At once, since the map is empty.
    Empty,
    /// In the leaf of this key: the searched one, which is then present, or another, and then the
    /// searched one is absent.
    Leaf {
        /// The leaf's key.
        key: Key,
        /// The leaf's value.
        value: Value,
    },
}

/// What a proof shows of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The map holds this value for it.
    Value(Value),
    /// The map does not hold it.
    Absent,
}

/// Why a proof is malformed or does not prove.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// There are more steps than a key has bits.
    #[error("proof has {found} steps, the limit is {STEPS_MAX}")]
    TooLong {
        /// Number of steps.
        found: usize,
    },
    /// The bits of the steps do not increase.
    #[error(
        "step {position} of the proof branches at bit {bit}, which does not come after the one above"
    )]
    Order {
        /// Position of the step, from 0.
        position: usize,
        /// Its bit.
        bit: u8,
    },
    /// An empty map has no branches.
    #[error("proof ends in an empty map after {found} steps")]
    Empty {
        /// Number of steps.
        found: usize,
    },
    /// The leaf that the proof ends in is not on the searched key's way.
    #[error("proof ends in key {found}, which leaves the way of {searched} at bit {bit}")]
    Astray {
        /// The key that is searched.
        searched: Key,
        /// The key of the leaf.
        found: Key,
        /// The step's bit in which they differ.
        bit: u8,
    },
    /// The proof leads to another root.
    #[error("proof leads to root {found}, expected {expected}")]
    Root {
        /// The root that the log commits to.
        expected: Hash,
        /// The root that the proof gives.
        found: Hash,
    },
}

impl Proof {
    /// Takes the parts of a proof, from the root down.
    ///
    /// # Errors
    /// If there are too many steps, their bits do not increase, or an empty map has any.
    pub fn new(steps: Vec<Step>, end: End) -> Result<Self, ProofError> {
        if steps.len() > STEPS_MAX {
            return Err(ProofError::TooLong { found: steps.len() });
        }
        for (position, pair) in steps.windows(2).enumerate() {
            if pair[0].bit >= pair[1].bit {
                return Err(ProofError::Order { position: position + 1, bit: pair[1].bit });
            }
        }
        if end == End::Empty && !steps.is_empty() {
            return Err(ProofError::Empty { found: steps.len() });
        }
        Ok(Self { steps, end })
    }

    /// What was found on the way from a root.
    pub(super) const fn made(steps: Vec<Step>, end: End) -> Self {
        Self { steps, end }
    }

    /// The branches from the root down.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Where the way ends.
    #[must_use]
    pub const fn end(&self) -> &End {
        &self.end
    }

    /// What the map with root `root` holds for `key`.
    ///
    /// # Errors
    /// If the proof leads to another root, or ends where the key's way does not.
    pub fn verify(&self, root: &Hash, key: &Key) -> Result<Found, ProofError> {
        let (own, found) = match self.end {
            End::Empty => (EMPTY, Found::Absent),
            End::Leaf { key: end, value } => {
                let parts = |step: &&Step| end.bit(step.bit) != key.bit(step.bit);
                if let Some(step) = self.steps.iter().find(parts) {
                    let (searched, found, bit) = (*key, end, step.bit);
                    return Err(ProofError::Astray { searched, found, bit });
                }
                let found = if end == *key { Found::Value(value) } else { Found::Absent };
                (Node::Leaf { key: end, value }.hash(), found)
            }
        };
        let climbed = self
            .steps
            .iter()
            .rev()
            .fold(own, |own, step| branch(key, step.bit, own, step.sibling).hash());
        if climbed == *root {
            return Ok(found);
        }
        Err(ProofError::Root { expected: *root, found: climbed })
    }
}

/// Proves what the map with root `root` holds for `key`.
///
/// # Errors
/// If a node on the way cannot be read, is missing, or is not the one that its hash names.
pub fn prove<R: NodeRead>(nodes: &R, root: &Hash, key: &Key) -> Result<Proof, ReadError<R::Error>> {
    let Walk { passed, end } = Walk::of(nodes, root, key)?;
    let steps = passed.iter().map(|passed| Step { bit: passed.bit, sibling: passed.sibling });
    let end = end.map_or(End::Empty, |(key, value)| End::Leaf { key, value });
    Ok(Proof { steps: steps.collect(), end })
}
