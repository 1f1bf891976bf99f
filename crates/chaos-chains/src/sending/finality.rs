//! How sure it is that a transaction stays in the chain.

use std::{fmt, str::FromStr};

/// Where a chain names no final block, a block stands for one under so many, itself included.
pub const DEPTH_FOR_FINAL: u64 = 64;

/// And for a safe one under so many.
pub(crate) const DEPTH_FOR_SAFE: u64 = 32;

/// How sure it is that a transaction stays. There are two scales, and neither says anything of the other: the
/// blocks on top of it, and what the chain's own rules call its block. [`Reached`] has both.
///
/// As text, what can be asked for: `included`, `included:12`, `safe` or `final`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finality {
    /// A node has it, or may have.
    Seen,
    /// It is in a block that may still be replaced.
    Included {
        /// Blocks from its own to the newest; 1 is the newest.
        depth: u64,
    },
    /// It is in a block that most validators have seen, or whose data is on the chain below.
    Safe,
    /// It is in a block that stays.
    Final,
}

/// Why a text asks for no finality.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `included`, `included:N` with N from 1 on, `safe` or `final`")]
pub struct FinalityError;

impl Finality {
    /// Which of two words for one block says less.
    #[must_use]
    pub const fn rank(&self) -> u64 {
        match self {
            Self::Seen => 0,
            Self::Included { depth } => *depth,
            Self::Safe => u64::MAX - 1,
            Self::Final => u64::MAX,
        }
    }

    /// In a block, whatever comes after it.
    pub(crate) const IN_A_BLOCK: Self = Self::Included { depth: 1 };
}

impl fmt::Display for Finality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seen => f.write_str("seen"),
            Self::Included { depth: 1 } => f.write_str("included"),
            Self::Included { depth } => write!(f, "included:{depth}"),
            Self::Safe => f.write_str("safe"),
            Self::Final => f.write_str("final"),
        }
    }
}

impl FromStr for Finality {
    type Err = FinalityError;

    fn from_str(text: &str) -> Result<Self, FinalityError> {
        match text {
            "included" => Ok(Self::IN_A_BLOCK),
            "safe" => Ok(Self::Safe),
            "final" => Ok(Self::Final),
            _ => {
                let depth = text.strip_prefix("included:").and_then(|depth| depth.parse().ok());
                let depth = depth.filter(|depth| *depth > 0).ok_or(FinalityError)?;
                Ok(Self::Included { depth })
            }
        }
    }
}

/// How sure it is that a transaction stays, as its node shows it.
///
/// As text, its depth is beside a word that does not say it: `included:12`, `safe (12 deep)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// What its block counts as, by the node's names for blocks, or by depth where it has none.
    pub finality: Finality,
    /// Blocks from its own to the newest, itself included; 0 where it is in none.
    pub depth: u64,
}

impl Reached {
    /// Not in a block.
    pub(crate) const SEEN: Self = Self { finality: Finality::Seen, depth: 0 };

    /// Whether that is as sure as is asked for. Depth is counted where depth is asked for, whatever the block
    /// is called: on some chains each block is safe at once.
    #[must_use]
    pub(crate) const fn is_enough_for(&self, wanted: Finality) -> bool {
        match wanted {
            Finality::Seen => true,
            Finality::Included { depth } => self.depth >= depth,
            Finality::Safe => matches!(self.finality, Finality::Safe | Finality::Final),
            Finality::Final => matches!(self.finality, Finality::Final),
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.finality, self.depth) {
            (Finality::Safe | Finality::Final, 1..) => {
                write!(f, "{} ({} deep)", self.finality, self.depth)
            }
            (finality, _) => finality.fmt(f),
        }
    }
}

/// How far a chain has come, as its node says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Horizon {
    /// The newest block.
    pub(crate) head: u64,
    /// The newest block that is safe; none where the node does not know such blocks.
    pub(crate) safe: Option<u64>,
    /// The newest block that stays; none where the node does not know such blocks.
    pub(crate) finalized: Option<u64>,
}

impl Horizon {
    /// How sure it is that a block stays. Where the node names no safe or final block, its depth decides.
    #[must_use]
    pub(crate) fn of(&self, block: u64) -> Reached {
        // A node that is asked again may be another one, which is a block behind.
        let depth = (self.head.saturating_add(1)).saturating_sub(block).max(1);
        let reaches = |named: Option<u64>, deep| named.map_or(depth >= deep, |at| block <= at);
        let finality = if reaches(self.finalized, DEPTH_FOR_FINAL) {
            Finality::Final
        } else if reaches(self.safe.or(self.finalized), DEPTH_FOR_SAFE) {
            Finality::Safe
        } else {
            Finality::Included { depth }
        };
        Reached { finality, depth }
    }

    /// The newest block that stays; none where the chain is too short for one.
    #[must_use]
    pub(crate) fn final_block(&self) -> Option<u64> {
        self.finalized.or_else(|| (self.head + 1).checked_sub(DEPTH_FOR_FINAL))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(head: u64, safe: u64, finalized: u64) -> Horizon {
        Horizon { head, safe: Some(safe), finalized: Some(finalized) }
    }

    #[test]
    fn what_can_be_asked_for_is_read_as_it_is_written() {
        for text in ["included", "included:12", "safe", "final"] {
            assert_eq!(text.parse::<Finality>().unwrap().to_string(), text);
        }
        for text in
            ["", "seen", "included:0", "included:-1", "included:", "12", "Final", "finalized"]
        {
            assert_eq!(text.parse::<Finality>(), Err(FinalityError), "{text:?}");
        }
        assert_eq!("included:1".parse(), Ok(Finality::IN_A_BLOCK));
    }

    #[test]
    fn tags_of_the_node_decide_where_it_has_them() {
        let horizon = named(100, 90, 80);
        assert_eq!(horizon.of(100).finality, Finality::Included { depth: 1 });
        assert_eq!(horizon.of(91).finality, Finality::Included { depth: 10 });
        assert_eq!(horizon.of(90).finality, Finality::Safe);
        assert_eq!(horizon.of(80).finality, Finality::Final);
        // However deep: a chain that does not finalize has no final blocks.
        assert_eq!(named(1_000, 0, 0).of(1).finality, Finality::Included { depth: 1_000 });
    }

    #[test]
    fn depth_decides_where_the_node_names_no_final_block() {
        let horizon = Horizon { head: 100, safe: None, finalized: None };
        assert_eq!(horizon.of(70).finality, Finality::Included { depth: 31 });
        assert_eq!(horizon.of(69).finality, Finality::Safe);
        assert_eq!(horizon.of(38).finality, Finality::Safe);
        assert_eq!(horizon.of(37).finality, Finality::Final);
        assert_eq!(horizon.final_block(), Some(37));
        assert_eq!(Horizon { head: 62, ..horizon }.final_block(), None);
    }

    /// A rollup whose sequencer calls each block safe, and a node that calls each block final.
    #[test]
    fn depth_that_is_asked_for_is_counted_whatever_a_block_is_called() {
        for horizon in [named(100, 100, 0), named(100, 100, 100)] {
            let reached = horizon.of(99);
            assert!(reached.is_enough_for(Finality::Safe));
            assert!(reached.is_enough_for(Finality::Included { depth: 2 }));
            assert!(!reached.is_enough_for(Finality::Included { depth: 3 }));
            assert!(reached.to_string().ends_with(" (2 deep)"), "{reached}");
        }
        // And depth is not finality.
        assert!(!named(1_000, 0, 0).of(1).is_enough_for(Finality::Safe));
    }

    proptest! {
        #[test]
        fn what_lies_deeper_is_no_less_sure(
            head in 0..1_000_u64, safe: Option<u8>, finalized: Option<u8>, block in 0..1_000_u64,
        ) {
            let horizon =
                Horizon { head, safe: safe.map(u64::from), finalized: finalized.map(u64::from) };
            let depth = u64::from(finalized.unwrap_or(1).max(1));
            for wanted in [Finality::Included { depth }, Finality::Safe, Finality::Final] {
                let (deep, less) = (horizon.of(block), horizon.of(block + 1));
                prop_assert!(deep.is_enough_for(wanted) || !less.is_enough_for(wanted));
            }
            if let Some(last) = horizon.final_block() {
                prop_assert_eq!(horizon.of(last).finality, Finality::Final);
            }
        }
    }
}
