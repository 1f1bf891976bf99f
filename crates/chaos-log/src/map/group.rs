use std::fmt;

use super::{Hash, Key, Value, node::Node};

/// Bits of a key that are spent within one group.
const GROUP_BITS: u8 = 4;

/// The most groups right below one.
pub(super) const GROUP_WIDTH: usize = 1 << GROUP_BITS;

/// The most keys that a group holds itself. Where more begin alike, they stand in the groups below.
pub const GROUP_KEYS_MAX: usize = 14;

/// The lowest level, whose groups hold any number of keys: they have 56 bits in common, which keys that are
/// hashes do not come to.
const LEVEL_MAX: u8 = 14;

/// Level and prefix share 64 bits; the level has the highest eight.
const LEVEL_SHIFT: u32 = 56;

const TAG_KEYS: u8 = 0;
const TAG_ROOTS: u8 = 1;

/// The keys of a map that begin with the same bits: four for each level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId {
    level: u8,
    prefix: u64,
}

/// What is stored for a group that has keys.
///
/// One whose keys all stand in the groups right below it has nothing stored: what it would hold follows
/// from those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    /// At most [`GROUP_KEYS_MAX`] keys, in order, and the root over them.
    Keys {
        /// The root, so that the groups beside this one need not be hashed to use it.
        root: Hash,
        /// The keys with their values.
        keys: Vec<(Key, Value)>,
    },
    /// The roots over the keys of the groups right below; the last of them lie deeper than that.
    Roots(Box<Roots>),
}

/// The roots over the groups right below one, by the next digit of their keys.
pub type Roots = [Option<Hash>; GROUP_WIDTH];

/// Why bytes are not a group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{id} cannot be read from {bytes} bytes")]
pub struct GroupError {
    id: GroupId,
    bytes: usize,
}

/// Why a number names no group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found} names no group of a map")]
pub struct GroupIdError {
    found: u64,
}

impl GroupId {
    /// The group of all keys.
    pub const ROOT: Self = Self { level: 0, prefix: 0 };

    /// The group right below for keys with this next digit.
    pub(super) fn below(self, digit: usize) -> Self {
        let digit = u64::try_from(digit).expect("a digit is below 16");
        Self { level: self.level + 1, prefix: self.prefix << GROUP_BITS | digit }
    }

    /// The digit of a key by which the groups right below differ.
    pub(super) fn digit(self, key: &Key) -> usize {
        let byte = key.as_bytes()[usize::from(self.level / 2)];
        usize::from(if self.level.is_multiple_of(2) { byte >> 4 } else { byte & 15 })
    }

    /// The first bit of that digit.
    pub(super) const fn bit(self) -> u8 {
        self.level * GROUP_BITS
    }

    /// Whether the group holds its keys itself, however many.
    pub(super) const fn is_last(self) -> bool {
        self.level == LEVEL_MAX
    }

    fn holds(self, key: &Key) -> bool {
        let (start, _) = key.as_bytes().split_at(8);
        let start = start.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        self.level == 0 || start >> (64 - u32::from(self.bit())) == self.prefix
    }

    /// The id as one number, by which the groups of a level stand in the order of their keys.
    #[must_use]
    pub const fn number(self) -> u64 {
        (self.level as u64) << LEVEL_SHIFT | self.prefix
    }

    /// The group of a number.
    ///
    /// # Errors
    /// If there is none.
    pub fn numbered(number: u64) -> Result<Self, GroupIdError> {
        let error = GroupIdError { found: number };
        let level = u8::try_from(number >> LEVEL_SHIFT).map_err(|_| error.clone())?;
        let prefix = number & ((1 << LEVEL_SHIFT) - 1);
        if level > LEVEL_MAX || prefix >> (u32::from(level) * u32::from(GROUP_BITS)) != 0 {
            return Err(error);
        }
        Ok(Self { level, prefix })
    }

    /// The groups right below, in order.
    #[must_use]
    pub fn all_below(self) -> [Self; GROUP_WIDTH] {
        std::array::from_fn(|digit| self.below(digit))
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::from(self.level);
        if digits == 0 {
            return f.write_str("the group of all keys");
        }
        write!(f, "the group of keys that begin with {:0digits$x}", self.prefix)
    }
}

impl Group {
    /// Writes the group as a store keeps it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Keys { root, keys } => {
                let mut bytes = vec![TAG_KEYS];
                bytes.extend(root.as_bytes());
                for (key, value) in keys {
                    bytes.extend(key.as_bytes());
                    bytes.extend(value.as_bytes());
                }
                bytes
            }
            Self::Roots(roots) => {
                let mut bytes = vec![TAG_ROOTS, 0, 0];
                for (digit, root) in roots.iter().enumerate() {
                    if let Some(root) = root {
                        bytes[1 + digit / 8] |= 1 << (digit % 8);
                        bytes.extend(root.as_bytes());
                    }
                }
                bytes
            }
        }
    }

    /// Reads what is stored for a group. Whether its roots are those of its keys is for the reader to see.
    ///
    /// # Errors
    /// If the bytes are no group, or not this one.
    pub fn from_bytes(id: GroupId, bytes: &[u8]) -> Result<Self, GroupError> {
        Self::parse(id, bytes).ok_or(GroupError { id, bytes: bytes.len() })
    }

    fn parse(id: GroupId, bytes: &[u8]) -> Option<Self> {
        match bytes {
            [TAG_KEYS, rest @ ..] => {
                let (root, rest) = rest.split_first_chunk::<32>()?;
                let (chunks, rest) = rest.as_chunks::<64>();
                let pair = |chunk: &[u8; 64]| {
                    let (key, value) = chunk.split_first_chunk::<32>()?;
                    Some((Key::from_bytes(*key), Value::from_bytes(value.try_into().ok()?)))
                };
                let keys: Vec<_> = chunks.iter().map(pair).collect::<Option<_>>()?;
                let is_sorted = keys.is_sorted_by(|(one, _), (next, _)| one < next);
                let fits = !keys.is_empty() && (keys.len() <= GROUP_KEYS_MAX || id.is_last());
                let is_own = keys.iter().all(|(key, _)| id.holds(key));
                (rest.is_empty() && is_sorted && fits && is_own)
                    .then(|| Self::Keys { root: Hash::from_bytes(*root), keys })
            }
            [TAG_ROOTS, low, high, rest @ ..] if !id.is_last() => {
                let is_there = |digit: usize| [low, high][digit / 8] >> (digit % 8) & 1 == 1;
                let (chunks, rest) = rest.as_chunks::<32>();
                let mut chunks = chunks.iter();
                let mut roots: Roots = [None; GROUP_WIDTH];
                for (digit, root) in roots.iter_mut().enumerate() {
                    if is_there(digit) {
                        *root = Some(Hash::from_bytes(*chunks.next()?));
                    }
                }
                let is_whole = rest.is_empty() && chunks.next().is_none();
                (is_whole && roots.iter().any(Option::is_some))
                    .then(|| Self::Roots(Box::new(roots)))
            }
            _ => None,
        }
    }
}

/// The root over keys in order, of which there is at least one.
pub(super) fn root_of_keys(keys: &[(Key, Value)]) -> Hash {
    match parted(keys) {
        Parted::One(key, value) => Node::Leaf { key, value }.hash(),
        Parted::More { bit, left, right } => {
            Node::Branch { bit, left: root_of_keys(left), right: root_of_keys(right) }.hash()
        }
    }
}

/// Keys by the first bit in which two of them differ.
pub(super) enum Parted<'a> {
    One(Key, Value),
    More { bit: u8, left: &'a [(Key, Value)], right: &'a [(Key, Value)] },
}

pub(super) fn parted(keys: &[(Key, Value)]) -> Parted<'_> {
    let ((first, value), (last, _)) = match keys {
        [first, .., last] => (*first, *last),
        [only] => (*only, *only),
        [] => unreachable!("a group without keys is not stored"),
    };
    match first.first_difference(&last) {
        None => Parted::One(first, value),
        Some(bit) => {
            let (left, right) = keys.split_at(keys.partition_point(|(key, _)| !key.bit(bit)));
            Parted::More { bit, left, right }
        }
    }
}

/// The root over groups side by side, whose number is a power of two and which part at `bit`; nothing if
/// none of them has a key.
pub(super) fn root_of_roots(roots: &[Option<Hash>], bit: u8) -> Option<Hash> {
    if let [root] = roots {
        return *root;
    }
    let (left, right) = roots.split_at(roots.len() / 2);
    match (root_of_roots(left, bit + 1), root_of_roots(right, bit + 1)) {
        (Some(left), Some(right)) => Some(Node::Branch { bit, left, right }.hash()),
        (left, right) => left.or(right),
    }
}
