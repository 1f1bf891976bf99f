//! The ledger as the program opens it: with the system's clock, and the password of its environment.

use std::{
    env,
    path::{Path, PathBuf},
};

use chaos_ledger::{Heads, Ledger, Password};

use crate::{
    clock,
    exit::{Failure, Kind, no_password},
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
    env::var(PASSWORD_VARIABLE).ok().map(Password::from)
}

/// The environment variable that names the folder in which signed heads are remembered.
pub(crate) const HEADS_VARIABLE: &str = "CHAOSCHAIN_HEADS";

/// The memory of signed heads: this user's, outside of any data directory.
pub(crate) fn heads() -> Result<Heads, Failure> {
    folder_of_heads().map(Heads::new).ok_or_else(|| {
        Failure::message(Kind::Input, "there is no folder to remember signed heads in").hint(format!(
            "set {HEADS_VARIABLE} to a folder that is kept apart from the data directory and its \
             backups"
        ))
    })
}

/// The memory of signed heads, or one in `folder` for whoever has no home.
pub(crate) fn heads_or(folder: &Path) -> Heads {
    Heads::new(folder_of_heads().unwrap_or_else(|| folder.join("heads")))
}

fn folder_of_heads() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(HEADS_VARIABLE).or_else(|| {
        let state = set("XDG_STATE_HOME").filter(|folder| folder.is_absolute());
        let state = state.or_else(|| Some(set("HOME")?.join(".local/state")))?;
        Some(state.join("chaoschain/heads"))
    })
}
