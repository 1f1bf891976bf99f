//! How sure it is that a transaction stays in the chain.

use std::{fmt, str::FromStr};

/// Where a chain names no final block, a block stands for one under so many, itself included.
pub const DEPTH_FOR_FINAL: u64 = 64;

/// And for a safe one under so many.
pub(crate) const DEPTH_FOR_SAFE: u64 = 32;

/// How sure it is that a transaction stays, from less to more: the same order for what is asked for and
/// for what is seen.
///
/// As text, what can be asked for: `included`, `included:12`, `safe` or `final`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    pub(crate) fn of(&self, block: u64) -> Finality {
        // A node that is asked again may be another one, which is a block behind.
        let depth = (self.head.saturating_add(1)).saturating_sub(block).max(1);
        let reaches = |named: Option<u64>, deep| named.map_or(depth >= deep, |at| block <= at);
        if reaches(self.finalized, DEPTH_FOR_FINAL) {
            Finality::Final
        } else if reaches(self.safe.or(self.finalized), DEPTH_FOR_SAFE) {
            Finality::Safe
        } else {
            Finality::Included { depth }
        }
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
        assert_eq!(horizon.of(100), Finality::Included { depth: 1 });
        assert_eq!(horizon.of(91), Finality::Included { depth: 10 });
        assert_eq!(horizon.of(90), Finality::Safe);
        assert_eq!(horizon.of(80), Finality::Final);
        // However deep: a chain that does not finalize has no final blocks.
        assert_eq!(named(1_000, 0, 0).of(1), Finality::Included { depth: 1_000 });
    }

    #[test]
    fn depth_decides_where_the_node_names_no_final_block() {
        let horizon = Horizon { head: 100, safe: None, finalized: None };
        assert_eq!(horizon.of(70), Finality::Included { depth: 31 });
        assert_eq!(horizon.of(69), Finality::Safe);
        assert_eq!(horizon.of(38), Finality::Included { depth: 63 }.max(Finality::Safe));
        assert_eq!(horizon.of(37), Finality::Final);
        assert_eq!(horizon.final_block(), Some(37));
        assert_eq!(Horizon { head: 62, ..horizon }.final_block(), None);
    }

    proptest! {
        #[test]
        fn what_lies_deeper_is_no_less_sure(
            head in 0..1_000_u64, safe: Option<u8>, finalized: Option<u8>, block in 0..1_000_u64,
        ) {
            let horizon =
                Horizon { head, safe: safe.map(u64::from), finalized: finalized.map(u64::from) };
            prop_assert!(horizon.of(block) >= horizon.of(block + 1));
            if let Some(last) = horizon.final_block() {
                prop_assert_eq!(horizon.of(last), Finality::Final);
            }
        }
    }
}
