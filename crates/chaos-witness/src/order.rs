//! The order in which a log's keys sign, as far as a witness has seen it.

use std::{fmt, path::PathBuf};

use chaos_log::VerifierKey;

/// What marks the key of a line that stood above that of the newest one.
const ABOVE: &str = "above ";

/// The keys of a log by which heads were cosigned, and those by which none was nor will be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Order {
    /// By which heads were cosigned, in order: of all but the last the time is over.
    pub(crate) keys: Vec<VerifierKey>,
    /// Whose lines stood above that of the last one in the policy when a head by that was cosigned.
    above: Vec<VerifierKey>,
}

/// What whoever runs a witness has to know of its policy, since the order of a log's lines decides which key signs.
/// Nothing that a witness sees tells it whether that order is the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// What is held of a log that has several lines.
    Held {
        /// The log's name.
        origin: String,
        /// Its lines.
        keys: Vec<VerifierKey>,
        /// By which a head was cosigned last, if one was.
        last: Option<VerifierKey>,
    },
    /// No head is cosigned any more by keys whose lines stand above that of another one.
    Passed {
        /// The log's name.
        origin: String,
        /// By which a head was cosigned last.
        last: VerifierKey,
        /// The others.
        over: Vec<VerifierKey>,
    },
    /// One of the two memories of a log is missing.
    Missing {
        /// The log's name.
        origin: String,
        /// The file that is missing.
        path: PathBuf,
        /// The file that counts.
        counts: PathBuf,
    },
    /// One of the two memories of a log is older than the other, or was changed.
    Differs {
        /// The log's name.
        origin: String,
        /// The file that does not count.
        path: PathBuf,
        /// The file that counts.
        counts: PathBuf,
    },
    /// The file that says whose memory the folder is was missing.
    NamedAnew {
        /// The file.
        path: PathBuf,
        /// The witness, by its verifier key.
        witness: String,
    },
}

impl Order {
    /// What `keys` say together with the lines of a policy.
    pub(crate) fn new(keys: Vec<VerifierKey>, policy: &[VerifierKey]) -> Self {
        let mut order = Self { keys, above: Vec::new() };
        order.above =
            order.passed(policy).filter(|key| !order.keys.contains(key)).cloned().collect();
        order
    }

    /// Reads what [`fmt::Display`] wrote; former versions had no lines of keys above.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut order = Self::default();
        for line in text.lines() {
            match line.strip_prefix(ABOVE) {
                Some(key) => order.above.push(key.parse().ok()?),
                None => order.keys.push(line.parse().ok()?),
            }
        }
        (!order.keys.is_empty()).then_some(order)
    }

    /// Whether it holds more than another: of two memories the longer is the newer one.
    pub(crate) fn is_longer_than(&self, other: &Self) -> bool {
        (self.keys.len(), self.above.len()) > (other.keys.len(), other.above.len())
    }

    /// Of the lines of a policy those above that of the key by which a head was cosigned last.
    fn passed<'a>(&self, policy: &'a [VerifierKey]) -> impl Iterator<Item = &'a VerifierKey> {
        let last = self.keys.last().and_then(|last| policy.iter().position(|key| key == last));
        policy[..last.unwrap_or(0)].iter()
    }

    /// Two keys, the later one first, whose lines stand in another order than heads by them were cosigned in.
    pub(crate) fn reversed(&self, policy: &[VerifierKey]) -> Option<[VerifierKey; 2]> {
        let place = |key: &VerifierKey| policy.iter().position(|listed| listed == key);
        let listed: Vec<&VerifierKey> =
            self.keys.iter().filter(|key| place(key).is_some()).collect();
        let both = listed.windows(2).find(|both| place(both[0]) > place(both[1]))?;
        Some([both[1].clone(), both[0].clone()])
    }

    /// A line that came into the policy above that of the key by which a head was cosigned last, and that last
    /// key. No head by it would be cosigned.
    pub(crate) fn added_above(&self, policy: &[VerifierKey]) -> Option<[VerifierKey; 2]> {
        let is_known = |key: &VerifierKey| self.keys.contains(key) || self.above.contains(key);
        let added = self.passed(policy).find(|key| !is_known(key))?;
        Some([added.clone(), self.keys.last()?.clone()])
    }

    /// What is held of a log with these lines, where that may not be what was meant.
    pub(crate) fn held(&self, origin: &str, policy: &[VerifierKey]) -> Option<Notice> {
        let (keys, last) = (policy.to_vec(), self.keys.last().cloned());
        let is_held = || Notice::Held { origin: origin.to_owned(), keys, last };
        (policy.len() > 1).then(is_held)
    }

    /// That the time of keys is over, where the lines of the policy say so.
    pub(crate) fn passing(&self, origin: &str, policy: &[VerifierKey]) -> Option<Notice> {
        let over: Vec<VerifierKey> = self.passed(policy).cloned().collect();
        let (origin, last) = (origin.to_owned(), self.keys.last()?.clone());
        (!over.is_empty()).then_some(Notice::Passed { origin, last, over })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keys.iter().try_for_each(|key| writeln!(f, "{key}"))?;
        self.above.iter().try_for_each(|key| writeln!(f, "{ABOVE}{key}"))
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { origin, keys, last } => {
                let keys = listed(keys, ", then ");
                write!(
                    f,
                    "log `{origin}`: its keys sign in the order of the policy's lines, {keys}; "
                )?;
                match last {
                    Some(last) => write!(f, "the last head was cosigned by {last}"),
                    None => f.write_str("no head was cosigned yet"),
                }
            }
            Self::Missing { origin, path, counts } => write!(
                f,
                "log `{origin}`: `{}` is missing; what `{}` says counts, and the next checkpoint is written to both",
                path.display(),
                counts.display()
            ),
            Self::Differs { origin, path, counts } => write!(
                f,
                "log `{origin}`: `{}` is older than `{}` or was changed; what the latter says counts, and the next \
                 checkpoint is written to both",
                path.display(),
                counts.display()
            ),
            Self::NamedAnew { path, witness } => write!(
                f,
                "`{}` was missing beside what is remembered, and was written anew: `{witness}`",
                path.display()
            ),
            Self::Passed { origin, last, over } => {
                let over = listed(over, " or ");
                write!(
                    f,
                    "log `{origin}`: a head by {last} was cosigned, so that none by {over} is any more, whose \
                     line stands above it in the policy; if that is the newer key, swap the two lines and start \
                     the witness again"
                )
            }
        }
    }
}

fn listed(keys: &[VerifierKey], between: &str) -> String {
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    keys.join(between)
}
