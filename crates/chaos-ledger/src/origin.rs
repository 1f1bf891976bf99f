//! Whose log a data directory holds, for those who have no key of it.

use std::path::Path;

use chaos_agency::{Kinds, Receipt};
use chaos_log::{KeyName, SignedCheckpoint, VerifierKey};
use chaos_store::{Records as _, Store};
use chaos_types::Did;

use crate::{
    Error,
    ledger::{OPERATOR_META, log_name},
};

/// How many of a log's first entries are read for one that says whose log it is.
const ENTRIES_READ_MAX: u64 = 1_024;

/// The key under which a copy keeps the verifier key of its log.
const COPIED_META: &str = "mirror/log";

/// The key that signs the checkpoints of the log in `store`, which was opened at `dir`. The log's name follows from its
/// operator, unless a copy was told another or a kept checkpoint is shown to bear one: what a disk has made of the first
/// line of a note is not the log's name.
///
/// # Errors
/// If no operator is recorded, or another than the entries show, or the store fails.
pub fn log_verifier(store: &Store, dir: &Path) -> Result<VerifierKey, Error> {
    let operator = recorded(store)?.ok_or_else(|| Error::NoOperator { dir: dir.to_owned() })?;
    let name = match name_told(store, &operator)? {
        Some(name) => name,
        None => name_shown(store, &operator)?.map_or_else(|| log_name(&operator), Ok)?,
    };
    VerifierKey::new(name, operator.as_bytes()).map_err(Error::LogName)
}

/// The name under which a copy was told of its log.
fn name_told(store: &Store, operator: &Did) -> Result<Option<KeyName>, Error> {
    let told = store.meta(COPIED_META)?.unwrap_or_default();
    let told = String::from_utf8_lossy(&told).parse::<VerifierKey>().ok();
    let told = told.filter(|told| told.public() == operator.as_bytes());
    Ok(told.map(|told| told.name().clone()))
}

/// The name of the newest kept checkpoint that bears the name which lines below it have too: what is not the log's name
/// stands once.
fn name_shown(store: &Store, operator: &Did) -> Result<Option<KeyName>, Error> {
    let (own, notes) = (log_name(operator)?, store.kept_notes()?);
    let kept = notes.iter().rev().filter_map(|kept| SignedCheckpoint::parse(&kept.note).ok());
    let mut shown = kept.filter_map(|kept| {
        let name: KeyName = kept.claimed().origin().parse().ok()?;
        let is_on_a_line = kept.note().signatures().iter().any(|line| *line.name() == name);
        (name == own || is_on_a_line).then_some(name)
    });
    Ok(shown.next())
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
