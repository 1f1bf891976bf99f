use std::fmt;

use chaos_types::Digest;
use serde::{Deserialize, Serialize};

/// Separates the digest of a strategy's two-part argument from everything else that is hashed.
const STRATEGY_TAG: &[u8] = b"chaoschain/strategy-argument/v1";

/// A kind of task: which function a component exports, with which arguments.
///
/// The worlds are those of the WIT package `chaoschain:agent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Any task: bytes in, bytes out; may ask its host.
    Generic,
    /// A simulation: material in, a result out; may not ask its host.
    Simulate,
    /// A scorer: evidence in, scores out; may not ask its host.
    Score,
    /// A strategy: state and event in, next state and intents out; may ask its host.
    Strategy,
}

impl World {
    /// All worlds.
    pub const ALL: [Self; 4] = [Self::Generic, Self::Simulate, Self::Score, Self::Strategy];

    /// The name of the world in the WIT package.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Simulate => "simulate",
            Self::Score => "score",
            Self::Strategy => "strategy",
        }
    }

    /// The function that a component of this world exports.
    #[must_use]
    pub const fn export(self) -> &'static str {
        match self {
            Self::Generic => "run",
            Self::Simulate => "simulate",
            Self::Score => "score",
            Self::Strategy => "decide",
        }
    }

    /// Whether the world imports `chaoschain:agent/host`.
    #[must_use]
    pub const fn may_ask_host(self) -> bool {
        match self {
            Self::Generic | Self::Strategy => true,
            Self::Simulate | Self::Score => false,
        }
    }

    /// The type of the exported function, as WIT spells it.
    #[must_use]
    pub const fn signature(self) -> &'static str {
        match self {
            Self::Generic => "func(input: list<u8>) -> result<list<u8>, failure>",
            Self::Simulate => "func(material: list<u8>) -> result<list<u8>, failure>",
            Self::Score => "func(evidence: list<u8>) -> result<list<u8>, failure>",
            Self::Strategy => "func(state: list<u8>, event: list<u8>) -> result<step, failure>",
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a component is called with; it says also which world is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument<'a> {
    /// The input of a generic task.
    Generic(&'a [u8]),
    /// The material of a simulation.
    Simulate(&'a [u8]),
    /// The evidence that is scored.
    Score(&'a [u8]),
    /// A strategy's state and the event that it decides on.
    Strategy {
        /// What the strategy's last step left.
        state: &'a [u8],
        /// What happened.
        event: &'a [u8],
    },
}

impl<'a> Argument<'a> {
    /// The argument of a world from its parts, in the order of the WIT function; `None` if the
    /// world takes another number of parts (a strategy takes two, the others one).
    #[must_use]
    pub const fn of(world: World, parts: &[&'a [u8]]) -> Option<Self> {
        match (world, parts) {
            (World::Generic, [input]) => Some(Self::Generic(input)),
            (World::Simulate, [material]) => Some(Self::Simulate(material)),
            (World::Score, [evidence]) => Some(Self::Score(evidence)),
            (World::Strategy, [state, event]) => Some(Self::Strategy { state, event }),
            (World::Generic | World::Simulate | World::Score | World::Strategy, _) => None,
        }
    }

    /// The world whose function takes it.
    #[must_use]
    pub const fn world(&self) -> World {
        match self {
            Self::Generic(_) => World::Generic,
            Self::Simulate(_) => World::Simulate,
            Self::Score(_) => World::Score,
            Self::Strategy { .. } => World::Strategy,
        }
    }

    /// SHA-256 of the bytes, so that it is the digest of the file that they came from; for a
    /// strategy, of the tagged and length-prefixed state and event.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::Generic(bytes) | Self::Simulate(bytes) | Self::Score(bytes) => Digest::of(bytes),
            Self::Strategy { state, event } => Digest::of_parts(&[STRATEGY_TAG, state, event]),
        }
    }

    /// Length of all parts together.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Generic(bytes) | Self::Simulate(bytes) | Self::Score(bytes) => bytes.len(),
            Self::Strategy { state, event } => state.len().saturating_add(event.len()),
        }
    }

    /// Whether all parts are empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
