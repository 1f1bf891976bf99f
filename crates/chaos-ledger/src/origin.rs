//! Whose log a data directory holds, for those who have no key of it.

use std::path::Path;

use chaos_agency::{Kinds, Receipt};
use chaos_log::VerifierKey;
use chaos_store::{Records as _, Store};
use chaos_types::Did;

use crate::{
    Error,
    ledger::{OPERATOR_META, log_name},
};

/// How many of a log's first entries are read for one that says whose log it is.
const ENTRIES_READ_MAX: u64 = 1_024;

/// The key that signs the checkpoints of the log in `store`, which was opened at `dir`.
///
/// # Errors
/// If no operator is recorded, or another than the entries show, or the store fails.
pub fn log_verifier(store: &Store, dir: &Path) -> Result<VerifierKey, Error> {
    let operator = recorded(store)?.ok_or_else(|| Error::NoOperator { dir: dir.to_owned() })?;
    let name = match store.checkpoint()? {
        Some(signed) => signed.claimed().origin().parse().map_err(Error::LogName)?,
        None => log_name(&operator)?,
    };
    VerifierKey::new(name, operator.as_bytes()).map_err(Error::LogName)
}

/// Who runs the log, if that is known already: as it is recorded, which what the log itself holds has to agree with.
pub(crate) fn recorded(store: &Store) -> Result<Option<Did>, Error> {
    let Some(recorded) = store.meta(OPERATOR_META)? else { return Ok(None) };
    let found = String::from_utf8_lossy(&recorded).into_owned();
    let shown = shown_operator(store)?;
    match (found.parse::<Did>(), shown) {
        (Ok(operator), None) => Ok(Some(operator)),
        (Ok(operator), Some(shown)) if operator == shown => Ok(Some(operator)),
        // A name of the checkpoints that follows from the recorded key and not from the entries is another log's, which
        // somebody began with this one's entries.
        (Ok(operator), Some(_)) if is_named_by(store, &operator) => Ok(Some(operator)),
        (_, shown) => {
            let (path, found) = (store.path().to_owned(), found.escape_debug().to_string());
            Err(Error::OperatorRow { path, found, shown: shown.map(Box::new) })
        }
    }
}

/// Who runs the log by the first entry that can be read: every receipt names the log that it is meant for. None if none
/// can, or if the kept checkpoint bears the name of another log.
pub(crate) fn shown_operator(store: &Store) -> Result<Option<Did>, Error> {
    for index in 0..store.stored_size()?.min(ENTRIES_READ_MAX) {
        let Some(entry) = store.stored(index)? else { continue };
        if let Ok(receipt) = Receipt::open_bytes(&entry.record, &Kinds::default()) {
            return Ok(Some(receipt.log));
        }
    }
    Ok(None)
}

/// Whether the newest kept checkpoint has the name that follows from a root key.
fn is_named_by(store: &Store, operator: &Did) -> bool {
    let kept = store.checkpoint().ok().flatten();
    let name = log_name(operator);
    kept.zip(name.ok()).is_some_and(|(kept, name)| kept.claimed().origin() == name.to_string())
}

/// Records that `store` holds a copy of the log that this operator runs. Such a directory is read as
/// any other; only the operator's key can add to it.
///
/// # Errors
/// If the store fails.
pub fn adopt(store: &mut Store, operator: &Did) -> Result<(), Error> {
    Ok(store.put_meta(OPERATOR_META, operator.to_string().as_bytes())?)
}
