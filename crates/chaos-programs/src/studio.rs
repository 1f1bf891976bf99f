//! Studio definitions: the built-in one, or a file.

use std::{fs, path::Path};

use chaos_agency::{Kinds, action::Profile};
use chaos_governance::DEFAULT_STUDIO;
use chaos_studio::{RoleName, Studio};

use crate::Error;

/// A definition and the text it was read from.
#[derive(Debug)]
pub struct Defined {
    /// The definition.
    pub studio: Studio,
    /// Its text, whose digest receipts name.
    pub text: String,
}

impl Defined {
    /// How an agent of this studio registers in a role.
    ///
    /// # Errors
    /// If the studio has no such role.
    pub fn profile(&self, name: &str, role: &str, kinds: &Kinds) -> Result<Profile, Error> {
        Ok(Profile {
            name: name.to_owned(),
            role: role.to_owned(),
            capabilities: capabilities(&self.studio, role, kinds)?,
            studio: self.studio.name().to_string(),
        })
    }
}

/// Reads a studio definition, or the built-in governance studio.
///
/// # Errors
/// If the file cannot be read or is no definition.
pub fn load(path: Option<&Path>) -> Result<Defined, Error> {
    let (text, whence) = match path {
        Some(path) => {
            let text = fs::read_to_string(path)
                .map_err(|source| Error::Read { path: path.to_owned(), source })?;
            (text, path.display().to_string())
        }
        None => (DEFAULT_STUDIO.to_owned(), "the built-in studio".to_owned()),
    };
    let studio = Studio::parse(&text).map_err(|source| Error::Studio { whence, source })?;
    Ok(Defined { studio, text })
}

/// The kinds of receipts among `kinds` that a studio gives a role, as capabilities of the registry.
fn capabilities(studio: &Studio, role: &str, kinds: &Kinds) -> Result<Vec<String>, Error> {
    let name: RoleName = role.parse().map_err(Error::RoleName)?;
    let role = studio.roles().get(&name).ok_or_else(|| Error::UnknownRole {
        role: role.to_owned(),
        known: studio.roles().keys().map(ToString::to_string).collect(),
    })?;
    let known = kinds.capabilities();
    Ok(role
        .actions
        .iter()
        .map(ToString::to_string)
        .filter(|action| known.contains(&action.as_str()))
        .collect())
}

/// The capabilities of a role of the studio called `studio`, which must be the built-in one.
///
/// # Errors
/// If it is another studio, or has no such role.
pub fn role_capabilities(studio: &str, role: &str, kinds: &Kinds) -> Result<Vec<String>, Error> {
    let built_in = load(None)?.studio;
    if built_in.name().to_string() != studio {
        return Err(Error::UnknownStudio { studio: studio.to_owned() });
    }
    capabilities(&built_in, role, kinds)
}
