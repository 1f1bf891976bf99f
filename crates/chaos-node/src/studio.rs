//! Studio definitions: the built-in one, or a file.

use std::{fs, path::Path};

use anyhow::Context as _;
use chaos_agency::registry::CAPABILITIES;
use chaos_governance::DEFAULT_STUDIO;
use chaos_studio::{RoleName, Studio};

use crate::exit::{Failure, Kind, OrFail as _};

/// A definition and the text it was read from.
pub(crate) struct Defined {
    pub(crate) studio: Studio,
    pub(crate) text: String,
}

/// Reads a studio definition, or the built-in governance studio.
pub(crate) fn load(path: Option<&Path>) -> Result<Defined, Failure> {
    let (text, whence) = match path {
        Some(path) => (
            fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))
                .or_fail(Kind::Input)?,
            path.display().to_string(),
        ),
        None => (DEFAULT_STUDIO.to_owned(), "the built-in studio".to_owned()),
    };
    let studio = Studio::parse(&text).context(whence).or_fail(Kind::Input)?;
    Ok(Defined { studio, text })
}

/// The action kinds that a studio gives a role, as capabilities of the registry.
pub(crate) fn capabilities(studio: &Studio, role: &str) -> Result<Vec<String>, Failure> {
    let name: RoleName = role.parse().or_fail(Kind::Input)?;
    let role = studio.roles().get(&name).ok_or_else(|| {
        let known: Vec<_> = studio.roles().keys().map(ToString::to_string).collect();
        Failure::message(
            Kind::Input,
            format!("the studio has no role `{role}`; it has {}", known.join(", ")),
        )
        .hint("give the capabilities yourself with --capability")
    })?;
    Ok(role
        .actions
        .iter()
        .map(ToString::to_string)
        .filter(|action| CAPABILITIES.contains(&action.as_str()))
        .collect())
}

/// The capabilities of a role of the studio called `studio`, which must be the built-in one.
pub(crate) fn role_capabilities(studio: &str, role: &str) -> Result<Vec<String>, Failure> {
    let built_in = load(None)?.studio;
    if built_in.name().to_string() != studio {
        return Err(Failure::message(
            Kind::Input,
            format!("`{studio}` is not the built-in studio, so its roles are not known here"),
        )
        .hint("give the capabilities yourself with --capability"));
    }
    capabilities(&built_in, role)
}
