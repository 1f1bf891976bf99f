//! The ledger as the program opens it: with the system's clock, and the password of its environment.

use std::path::Path;

use chaos_ledger::{Ledger, Password};

use crate::{
    clock,
    exit::{Failure, no_password},
};

/// The environment variable that holds the password of the key files.
pub(crate) const PASSWORD_VARIABLE: &str = "CHAOSCHAIN_PASSWORD";

/// Opens an existing data directory.
pub(crate) fn open(dir: &Path) -> Result<Ledger, Failure> {
    Ok(Ledger::open(dir, from_environment(), clock::SYSTEM)?)
}

/// Opens a data directory, creating it with a fresh log key if there is none.
pub(crate) fn open_or_create(dir: &Path) -> Result<Ledger, Failure> {
    Ok(Ledger::open_or_create(dir, from_environment(), clock::SYSTEM)?)
}

/// The password of the key files and the vault.
pub(crate) fn password() -> Result<Password, Failure> {
    from_environment().filter(|password| !password.as_str().is_empty()).ok_or_else(no_password)
}

/// The password that the environment gives, if it does.
pub(crate) fn from_environment() -> Option<Password> {
    std::env::var(PASSWORD_VARIABLE).ok().map(Password::from)
}
