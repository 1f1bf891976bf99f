//! Whose log a data directory holds, for those who have no key of it.

use std::path::Path;

use chaos_log::VerifierKey;
use chaos_store::{Records as _, Store};
use chaos_types::Did;

use crate::{
    Error,
    ledger::{OPERATOR_META, log_name},
};

/// The key that signs the checkpoints of the log in `store`, which was opened at `dir`.
///
/// # Errors
/// If no operator is recorded, or the store fails.
pub fn log_verifier(store: &Store, dir: &Path) -> Result<VerifierKey, Error> {
    let recorded = store.meta(OPERATOR_META)?;
    let recorded = recorded.ok_or_else(|| Error::NoOperator { dir: dir.to_owned() })?;
    let operator: Did = String::from_utf8_lossy(&recorded).parse().map_err(Error::Operator)?;
    let name = match store.checkpoint()? {
        Some(signed) => signed.claimed().origin().parse().map_err(Error::LogName)?,
        None => log_name(&operator)?,
    };
    VerifierKey::new(name, operator.as_bytes()).map_err(Error::LogName)
}

/// Records that `store` holds a copy of the log that this operator runs. Such a directory is read as
/// any other; only the operator's key can add to it.
///
/// # Errors
/// If the store fails.
pub fn adopt(store: &mut Store, operator: &Did) -> Result<(), Error> {
    Ok(store.put_meta(OPERATOR_META, operator.to_string().as_bytes())?)
}
