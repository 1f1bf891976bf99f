use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Fault, Refusal};

/// A name is at most this long, in bytes.
pub const NAME_BYTES_MAX: usize = 63;

/// A short name: 1 to 63 of `a-z`, `0-9`, `.`, `_` and `-`, beginning with a letter or digit.
///
/// One spelling per name: no capitals, no other scripts, nothing that looks like another name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let rest = bytes.all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-')
        });
        if first && rest && text.len() <= NAME_BYTES_MAX {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::new(
            Fault::NameInvalid,
            format!(
                "expected 1 to {NAME_BYTES_MAX} of `a-z0-9._-` beginning with a letter or digit, \
                 found `{}`",
                text.chars().take(80).collect::<String>()
            ),
        ))
    }
}

/// Two names joined by a slash, of which the first says whose the thing is.
fn pair(text: &str) -> Result<(Name, Name), Refusal> {
    let (first, second) = text.split_once('/').ok_or_else(|| {
        Refusal::new(
            Fault::NameInvalid,
            format!(
                "expected two names with `/` between them, found `{}`",
                text.chars().take(80).collect::<String>()
            ),
        )
    })?;
    Ok((first.parse()?, second.parse()?))
}

macro_rules! pairs {
    ($($(#[$doc:meta])* $name:ident, $first:ident, $first_doc:literal, $second:ident, $second_doc:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            $first: Name,
            $second: Name,
        }

        impl $name {
            /// Puts the two names together.
            #[must_use]
            pub const fn new($first: Name, $second: Name) -> Self {
                Self { $first, $second }
            }

            #[doc = $first_doc]
            #[must_use]
            pub const fn $first(&self) -> &Name {
                &self.$first
            }

            #[doc = $second_doc]
            #[must_use]
            pub const fn $second(&self) -> &Name {
                &self.$second
            }
        }

        impl FromStr for $name {
            type Err = Refusal;

            fn from_str(text: &str) -> Result<Self, Refusal> {
                pair(text).map(|(first, second)| Self::new(first, second))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.$first, self.$second)
            }
        }
    )*};
}

pairs! {
    /// The name of a secret, `tenant/name`. No rule lets a job of one tenant read a secret of
    /// another.
    SecretId, tenant, "Whose secret it is.", name, "Which of the tenant's.";
    /// The name of a piece of work that needs secrets, `tenant/name`.
    JobId, tenant, "For whom the work is done.", name, "Which of the tenant's.";
    /// The name of a running service, `name/instance`. The name belongs to the key that took it
    /// first; that key may run many instances.
    ServiceId, name, "What the service is called.", instance, "Which running copy.";
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

as_text!(Name, SecretId, JobId, ServiceId);

#[cfg(test)]
mod tests;
