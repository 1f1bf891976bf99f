use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Names longer than this many bytes are refused.
const NAME_BYTES_MAX: usize = 64;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected 1 to {NAME_BYTES_MAX} lower-case letters, digits, `-`, `_` or `.`, starting with a \
     letter, found `{found}`"
)]
pub struct NameError {
    found: String,
}

fn ensure_name(text: &str) -> Result<(), NameError> {
    let allowed =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    let well_formed = text.len() <= NAME_BYTES_MAX
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.bytes().all(allowed);
    if well_formed {
        Ok(())
    } else {
        // Control characters would let a definition forge lines of the error it causes.
        let found = text.chars().take(80).flat_map(char::escape_default).collect();
        Err(NameError { found })
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text of the name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                ensure_name(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

names! {
    /// The name of a studio, such as `governance`.
    StudioName;
    /// The field of work in which reputation is earned, such as `fee-market`.
    Domain;
    /// A role an agent can hold in a studio, such as `researcher`.
    RoleName;
    /// Something an agent of a role can do, as its registration advertises it.
    Capability;
    /// The kind of an action, as receipts name it, such as `simulate`.
    ActionName;
    /// A step of the studio's work.
    TaskName;
    /// A protocol parameter that a proposal may change, such as `gas-limit`.
    ParameterName;
    /// A number that a simulation or an observation reports.
    MetricName;
    /// A named integer that steers the studio's analyst.
    ThresholdName;
}

#[cfg(test)]
mod tests;
