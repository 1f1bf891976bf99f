//! Appraisal policies as the command line names them.

use std::path::Path;

use anyhow::Context as _;
use chaos_attestation::{Policy, policy::POLICY_BYTES_MAX};

use crate::exit::{Failure, Kind, OrFail as _};

/// The preset of this name, or the policy file at this path.
pub(crate) fn named(name: &str) -> Result<Policy, Failure> {
    match name {
        "production" => Ok(Policy::production()),
        "development" => Ok(Policy::development()),
        path => {
            let bytes =
                chaos_files::read(Path::new(path), POLICY_BYTES_MAX).map_err(|failure| {
                    Failure::from(failure)
                        .hint("a policy is `production`, `development`, or a TOML file")
                })?;
            let text = String::from_utf8(bytes)
                .with_context(|| format!("{path} is not text"))
                .or_fail(Kind::Input)?;
            Policy::parse(&text).or_fail(Kind::Input).map_err(|failure| failure.context(path))
        }
    }
}
