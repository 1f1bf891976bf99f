//! Appraisal policies as the command line names them.

use std::path::Path;

use chaos_attestation::{Policy, policy::POLICY_BYTES_MAX};

use crate::Error;

/// The preset of this name, or the policy file at this path.
///
/// # Errors
/// If there is no such preset and no such file, or the file holds no policy.
pub fn named(name: &str) -> Result<Policy, Error> {
    match name {
        "production" => Ok(Policy::production()),
        "development" => Ok(Policy::development()),
        path => {
            let bytes =
                chaos_files::read(Path::new(path), POLICY_BYTES_MAX).map_err(Error::PolicyFile)?;
            let text = String::from_utf8(bytes)
                .map_err(|source| Error::PolicyText { path: path.to_owned(), source })?;
            Policy::parse(&text).map_err(|source| Error::Policy { path: path.to_owned(), source })
        }
    }
}
