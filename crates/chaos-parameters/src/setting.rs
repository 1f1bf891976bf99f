use std::{fmt, str::FromStr};

use crate::{Error, ParameterName, name::shorten};

/// One parameter and the value to give it; always within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    name: ParameterName,
    value: u64,
}

impl Setting {
    /// A setting, if the value is within the parameter's bounds.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`].
    pub fn new(name: ParameterName, value: u64) -> Result<Self, Error> {
        name.ensure_bounds(value)?;
        Ok(Self { name, value })
    }

    /// The parameter.
    #[must_use]
    pub const fn name(self) -> ParameterName {
        self.name
    }

    /// The value in the parameter's unit.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.value
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

impl FromStr for Setting {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| Error::NoEquals { found: shorten(text) })?;
        let name: ParameterName = name.trim().parse()?;
        let value = value.trim();
        let error = || Error::NotANumber { name, found: shorten(value) };
        if !value.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(error());
        }
        let value = value.replace('_', "").parse().map_err(|_| error())?;
        Self::new(name, value)
    }
}

/// Reads `name=value`; digits may be grouped by `_`.
///
/// # Errors
/// If there is no `=`, the name is unknown, or the value is not a number within bounds.
pub fn parse_setting(text: &str) -> Result<Setting, Error> {
    text.parse()
}
