//! Appraisal policies as the command line names them.

use std::{fs, path::Path};

use anyhow::Context as _;
use chaos_attestation::Policy;

use crate::exit::{Failure, Kind, OrFail as _};

/// The preset of this name, or the policy file at this path.
pub(crate) fn named(name: &str) -> Result<Policy, Failure> {
    match name {
        "production" => Ok(Policy::production()),
        "development" => Ok(Policy::development()),
        path => {
            let text = fs::read_to_string(Path::new(path))
                .with_context(|| format!("cannot read the policy {path}"))
                .or_fail(Kind::Input)
                .map_err(|failure| {
                    failure.hint("a policy is `production`, `development`, or a TOML file")
                })?;
            Policy::parse(&text).with_context(|| format!("the policy {path}")).or_fail(Kind::Input)
        }
    }
}
