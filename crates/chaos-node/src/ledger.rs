//! The ledger as the program opens it: with the system's clock, and the password of its environment.

use std::{
    env,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use chaos_agency::action::Role;
use chaos_api::AskError;
use chaos_ledger::{Error, Heads, Ledger, Password, Settled, Unopened};
use chaos_log::SignedCheckpoint;
use chaos_store::OpenError;

use crate::{
    clock,
    exit::{Failure, Kind, no_password},
    folders::{Making, ensure_home},
    output, runtime,
};

/// The environment variable that holds the password of the key files.
pub(crate) const PASSWORD_VARIABLE: &str = "CHAOSCHAIN_PASSWORD";

/// How often a data directory that is in use is asked again, and how long after: 15 seconds, in which
/// several commands that each make a key are done.
const ATTEMPTS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(50);

/// After so many attempts, a second, whoever waits is told for whom.
const TOLD_AFTER: u32 = 20;

/// Opens an existing data directory for writing. One that is in use is waited for, 15 seconds at
/// most: another command is soon done.
pub(crate) fn open(dir: &Path) -> Result<Ledger, Failure> {
    let heads = remembered(dir)?;
    let open = || Ledger::open(dir, from_environment(), heads.as_ref(), clock::SYSTEM);
    Ok(patiently(open, in_use)?)
}

/// Opens an existing data directory for writing and folds its log anew: no memory is asked. Waits as
/// [`open`] does.
pub(crate) fn rebuild(dir: &Path) -> Result<Ledger, Failure> {
    Ok(patiently(|| Ledger::rebuild(dir, from_environment(), clock::SYSTEM), in_use)?)
}

/// Opens a data directory for writing, creating it with a fresh log key if there is none; waits as
/// [`open`] does.
pub(crate) fn open_or_create(dir: &Path) -> Result<Ledger, Failure> {
    // The `keys` of a witness would give the agent of that name its key.
    ensure_home(Making::Log, dir)?;
    let heads = remembered(dir)?;
    let open = || Ledger::open_or_create(dir, from_environment(), heads.as_ref(), clock::SYSTEM);
    Ok(patiently(open, in_use)?)
}

/// Opens an existing data directory to write its rows, or to say what was signed last: no memory is
/// asked. Waits as [`open`] does.
pub(crate) fn open_rows(dir: &Path) -> Result<Ledger, Failure> {
    Ok(patiently(|| Ledger::open_rows(dir, from_environment(), clock::SYSTEM), in_use)?)
}

/// Opens an existing data directory for reading as it is now, beside whoever writes to it. Rows that an
/// earlier version left, or a fold that was stopped, are brought up first; nothing else is written.
pub(crate) fn read(dir: &Path) -> Result<Ledger, Failure> {
    match Ledger::read(dir, clock::SYSTEM) {
        Err(
            behind @ (Error::FoldBehind { .. }
            | Error::Open { source: OpenError::OldSchema { .. }, .. }),
        ) => {
            bring_up(dir, behind)?;
            Ok(Ledger::read(dir, clock::SYSTEM)?)
        }
        opened => Ok(opened?),
    }
}

/// The same; none where there is no log.
pub(crate) fn read_if_any(dir: &Path) -> Result<Option<Ledger>, Failure> {
    match Ledger::read(dir, clock::SYSTEM) {
        Err(Error::NoData { .. }) => Ok(None),
        _ => read(dir).map(Some),
    }
}

/// Writes the rows of a folder that is behind; `behind` says how, should it not be writable.
pub(crate) fn bring_up(dir: &Path, behind: Error) -> Result<(), Failure> {
    let open = || Ledger::open_rows(dir, from_environment(), clock::SYSTEM);
    match patiently(open, in_use) {
        Ok(_) => Ok(()),
        Err(Error::Open { source: OpenError::Lock { .. } | OpenError::Create { .. }, .. }) => {
            let data = dir.display();
            Err(Failure::from(behind).hint(format!(
                "`{data}` cannot be written to from here: `chaoschain log rebuild --data {data}` brings it \
                 up, by whoever may write to it, or in a copy of the folder"
            )))
        }
        Err(error) => Err(error.into()),
    }
}

#[expect(clippy::disallowed_methods, reason = "another process's lock cannot be waited for")]
pub(crate) fn patiently<T, E>(
    open: impl Fn() -> Result<T, E>,
    in_use: impl Fn(&E) -> Option<&str>,
) -> Result<T, E> {
    for attempt in 1..ATTEMPTS {
        let opened = open();
        let Some(holder) = opened.as_ref().err().and_then(&in_use) else { return opened };
        if attempt == TOLD_AFTER {
            let limit_s = (ATTEMPTS * PAUSE).as_secs();
            output::say(format_args!(
                "waiting for {holder}, which writes to the data directory, {limit_s} s at most"
            ));
        }
        thread::sleep(PAUSE);
    }
    open()
}

/// Who has the data directory, if that is why it does not open.
pub(crate) fn in_use(error: &Error) -> Option<&str> {
    match error {
        Error::Open { source: OpenError::InUse { holder, .. }, .. } => Some(holder),
        _ => None,
    }
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

/// The memory of signed heads: this user's, outside of the data directory, which was opened with it.
pub(crate) fn heads() -> Result<Heads, Failure> {
    folder_of_heads()?.map(Heads::new).ok_or_else(no_memory)
}

/// The folder in which signed and cosigned heads are remembered, apart from another folder.
pub(crate) fn memory(apart_from: &Path) -> Result<PathBuf, Failure> {
    let folder = folder_of_heads()?.ok_or_else(no_memory)?;
    ensure_apart(&folder, apart_from).map(|()| folder)
}

fn no_memory() -> Failure {
    let hint = format!(
        "set {HEADS_VARIABLE} to a folder that is kept apart from the data directory and its backups"
    );
    let reason = format!(
        "there is no folder to remember in what was signed, heads of a log and transactions of an account: \
         neither {HEADS_VARIABLE} nor HOME is set"
    );
    Failure::message(Kind::Input, reason).hint(hint)
}

/// A memory inside of what it guards is copied and restored with it, and remembers nothing then.
fn ensure_apart(memory: &Path, data: &Path) -> Result<(), Failure> {
    if !resolved(memory).starts_with(resolved(data)) {
        return Ok(());
    }
    let (memory, data) = (memory.display(), data.display());
    let reason = format!("the memory of signed heads, `{memory}`, lies inside of `{data}`");
    let hint = format!("set {HEADS_VARIABLE} to a folder that no copy of that one holds");
    Err(Failure::message(Kind::Input, reason).hint(hint))
}

/// The path without links and `..`, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut there = path.as_path();
    loop {
        if let (Ok(real), Ok(rest)) = (there.canonicalize(), path.strip_prefix(there)) {
            return real.join(rest);
        }
        match there.parent() {
            Some(parent) => there = parent,
            None => return path,
        }
    }
}

/// Signs the head of a log and publishes it, once the witnesses of the log's policy have cosigned it.
pub(crate) fn publish_head(
    ledger: &mut Ledger,
    heads: &Heads,
) -> Result<SignedCheckpoint, Failure> {
    publish_head_and(ledger, heads, &tell_silent)
}

/// The same; `told` hears of each witness that did not cosign.
pub(crate) fn publish_head_and(
    ledger: &mut Ledger,
    heads: &Heads,
    told: &dyn Fn(&str, &AskError),
) -> Result<SignedCheckpoint, Failure> {
    let published = chaos_api::publish_head(ledger, heads, told);
    let published = runtime::single()?.block_on(published)?;
    // Only now does nobody need the replaced keys any more, whichever command handed their roles on.
    for role in Role::ALL {
        tell_settled(&ledger.settle(role)?);
    }
    Ok(published)
}

/// Says which key files have other names now.
pub(crate) fn tell_settled(Settled { is_root, aside, unopened }: &Settled) {
    for Unopened { file, aside } in unopened {
        output::say(format_args!(
            "keys/{file}.pem in the data directory does not open, so that it is damaged or has another password; it \
             was set aside as keys/{aside}.pem"
        ));
    }
    if let Some(aside) = aside {
        output::say(format_args!(
            "what lay at keys/operator.root.pem in the data directory is keys/{aside}.pem now"
        ));
    }
    if *is_root {
        output::say("the root key's file is keys/operator.root.pem in the data directory now");
    }
}

/// Says why a witness did not cosign.
pub(crate) fn tell_reason(name: &str, error: &AskError) {
    output::say(format_args!("witness {name}: {}", chaos_api::chain(error)));
}

/// Says why a witness did not cosign, and which lines its policy may lack.
pub(crate) fn tell_silent(name: &str, error: &AskError) {
    tell_reason(name, error);
    if let AskError::KeyUnknown { keys, .. } = error {
        output::say(format_args!(
            "what the policy of witness {name} lacks of these lines belongs there in this order, below those that it has:"
        ));
        for key in keys {
            output::say(format_args!("log {key}"));
        }
    }
}

/// The memory of signed heads of a data directory, if there can be one: whoever has no folder for it has
/// signed nothing here.
pub(crate) fn remembered(dir: &Path) -> Result<Option<Heads>, Failure> {
    let Some(folder) = folder_of_heads()? else { return Ok(None) };
    ensure_apart(&folder, dir)?;
    Ok(Some(Heads::new(folder)))
}

/// The memory of signed heads, or one in `folder` for whoever has no home.
pub(crate) fn heads_or(folder: &Path) -> Result<Heads, Failure> {
    Ok(Heads::new(folder_of_heads()?.unwrap_or_else(|| folder.join("heads"))))
}

fn folder_of_heads() -> Result<Option<PathBuf>, Failure> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(named) = set(HEADS_VARIABLE) {
        if named.is_absolute() {
            return Ok(Some(named));
        }
        let reason = format!("{HEADS_VARIABLE} is the relative folder `{}`", named.display());
        let hint = "it would be another memory in every folder that a command runs in; name the whole path";
        return Err(Failure::message(Kind::Input, reason).hint(hint));
    }
    let state = set("XDG_STATE_HOME").filter(|folder| folder.is_absolute());
    let state = state.or_else(|| Some(set("HOME")?.join(".local/state")));
    Ok(state.map(|state| state.join("chaoschain/heads")))
}
