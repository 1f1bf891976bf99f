//! The ledger as the program opens it: with the system's clock, and the password of its environment.

use std::{
    env,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use chaos_api::AskError;
use chaos_ledger::{Error, Heads, Ledger, Password};
use chaos_log::SignedCheckpoint;
use chaos_store::OpenError;

use crate::{
    clock,
    exit::{Failure, Kind, no_password},
    output, runtime,
};

/// The environment variable that holds the password of the key files.
pub(crate) const PASSWORD_VARIABLE: &str = "CHAOSCHAIN_PASSWORD";

/// How often a data directory that is in use is asked again, and how long after.
const ATTEMPTS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// Opens an existing data directory for writing. One that is in use is waited for, two seconds at
/// most: another command is soon done.
pub(crate) fn open(dir: &Path) -> Result<Ledger, Failure> {
    let heads = remembered();
    Ok(patiently(|| Ledger::open(dir, from_environment(), heads.as_ref(), clock::SYSTEM))?)
}

/// Opens an existing data directory for writing and folds its log anew: no memory is asked. Waits as
/// [`open`] does.
pub(crate) fn rebuild(dir: &Path) -> Result<Ledger, Failure> {
    Ok(patiently(|| Ledger::rebuild(dir, from_environment(), clock::SYSTEM))?)
}

/// Opens a data directory for writing, creating it with a fresh log key if there is none; waits as
/// [`open`] does.
pub(crate) fn open_or_create(dir: &Path) -> Result<Ledger, Failure> {
    let heads = remembered();
    let open = || Ledger::open_or_create(dir, from_environment(), heads.as_ref(), clock::SYSTEM);
    Ok(patiently(open)?)
}

/// Opens an existing data directory to write its rows, or to say what was signed last: no memory is
/// asked. Waits as [`open`] does.
pub(crate) fn open_rows(dir: &Path) -> Result<Ledger, Failure> {
    Ok(patiently(|| Ledger::open_rows(dir, from_environment(), clock::SYSTEM))?)
}

/// Opens an existing data directory for reading as it is now, beside whoever writes to it. Rows that an
/// earlier version left, or a fold that was stopped, are brought up first; nothing else is written.
pub(crate) fn read(dir: &Path) -> Result<Ledger, Failure> {
    match Ledger::read(dir, clock::SYSTEM) {
        Err(Error::FoldBehind { .. } | Error::Open { source: OpenError::OldSchema { .. }, .. }) => {
            drop(open_rows(dir)?);
            Ok(Ledger::read(dir, clock::SYSTEM)?)
        }
        opened => Ok(opened?),
    }
}

#[expect(clippy::disallowed_methods, reason = "another process's lock cannot be waited for")]
fn patiently(open: impl Fn() -> Result<Ledger, Error>) -> Result<Ledger, Error> {
    for _attempt in 1..ATTEMPTS {
        match open() {
            Err(Error::Open { source: OpenError::InUse { .. }, .. }) => thread::sleep(PAUSE),
            opened => return opened,
        }
    }
    open()
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
    memory().map(Heads::new)
}

/// The folder in which signed and cosigned heads are remembered.
pub(crate) fn memory() -> Result<PathBuf, Failure> {
    folder_of_heads().ok_or_else(|| {
        Failure::message(Kind::Input, "there is no folder to remember signed heads in").hint(format!(
            "set {HEADS_VARIABLE} to a folder that is kept apart from the data directory and its \
             backups"
        ))
    })
}

/// Signs the head of a log and publishes it, once the witnesses of the log's policy have cosigned it.
pub(crate) fn publish_head(
    ledger: &mut Ledger,
    heads: &Heads,
) -> Result<SignedCheckpoint, Failure> {
    let published = chaos_api::publish_head(ledger, heads, &tell_silent);
    Ok(runtime::single()?.block_on(published)?)
}

/// Says why a witness did not cosign.
pub(crate) fn tell_silent(name: &str, error: &AskError) {
    let mut text = format!("witness {name}: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    output::say(text);
}

/// The memory of signed heads, if there can be one: whoever has no folder for it has signed nothing here.
pub(crate) fn remembered() -> Option<Heads> {
    folder_of_heads().map(Heads::new)
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
