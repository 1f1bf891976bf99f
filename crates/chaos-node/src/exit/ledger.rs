//! What a ledger's or a file's refusal means for the exit code, and what the user can do next.

use std::{ffi::OsStr, path::Path};

use chaos_agency::SignerError;
use chaos_ledger::{Error, Refused};
use chaos_programs::bundle_files;
use chaos_store::{BlobError, OpenError, StoreError};
use chaos_verify::Fault;

use super::{Failure, Kind, UNREADABLE};
use crate::ledger::{HEADS_VARIABLE, PASSWORD_VARIABLE};

impl From<chaos_files::Error> for Failure {
    fn from(error: chaos_files::Error) -> Self {
        Self::new(Kind::Input, error)
    }
}

impl From<bundle_files::Error> for Failure {
    fn from(error: bundle_files::Error) -> Self {
        use bundle_files::Error;
        match error {
            Error::StudyChanged { .. } | Error::StudyMissing { .. } => Self::new(Kind::Check, error)
                .hint("take the folder anew from whoever published it, or write it again from its study.toml"),
            Error::NotSigned { .. } => Self::new(Kind::Input, error).hint(
                "`chaoschain simulate --experiment DIR/study.toml --out again` repeats it, to the digest in \
                 manifest.json; with --agent NAME an agent signs it",
            ),
            error => Self::new(Kind::Input, error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = kind(&error);
        let hint = hint(&error).or_else(|| is_unreadable(&error).then(|| UNREADABLE.to_owned()));
        let failure = match error {
            Error::NoPassword => return no_password(),
            // The wrapped error itself, so that whoever looks for the cause finds its type.
            Error::Open { dir, source } => Self::new(kind, source)
                .context(format!("cannot open the data directory {}", dir.display())),
            Error::Store(source) => Self::new(kind, source),
            Error::Blob(source) => Self::new(kind, source),
            error => Self::new(kind, error),
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// There is nothing to open the key files with.
pub(crate) fn no_password() -> Failure {
    Failure::message(Kind::Input, format!("{PASSWORD_VARIABLE} is not set"))
        .hint("key files are encrypted; set the variable to their password")
}

#[expect(clippy::too_many_lines, reason = "a line for each refusal")]
const fn kind(error: &Error) -> Kind {
    match error {
        Error::NoData { .. }
        | Error::Inadmissible(_)
        | Error::Encode(_)
        | Error::Append(_)
        | Error::ForeignOperator { .. }
        | Error::OtherRoot { .. }
        | Error::NoRoleKey { .. }
        | Error::HeadUnsignable { .. }
        | Error::NoneOpens { .. }
        | Error::OperatorRefused { .. }
        | Error::OperatorKey { .. }
        | Error::NoPassword
        | Error::KeyName { .. }
        | Error::ReadKey { .. }
        | Error::OpenKey { .. }
        | Error::SealKey(_)
        | Error::KeyInUse { .. }
        | Error::DuplicateAgent { .. }
        | Error::NoAgent { .. }
        | Error::Revoked { .. }
        | Error::AlreadyRevoked { .. }
        | Error::ProfileUnchanged { .. }
        | Error::NoReceipt { .. }
        | Error::ClockAhead { .. }
        | Error::ClockBehind { .. }
        | Error::HeadForeign { .. }
        | Error::NoHead
        | Error::PolicyOther { .. }
        | Error::File(_) => Kind::Input,
        Error::NoOperator { .. }
        | Error::Open { .. }
        | Error::OperatorRow { .. }
        | Error::Store(_)
        | Error::Blob(_)
        | Error::FoldAhead { .. }
        | Error::FoldBehind { .. }
        | Error::FoldRoot { .. }
        | Error::Mark { .. }
        | Error::Row { .. }
        | Error::Map(_)
        | Error::StateOther { .. }
        | Error::ForeignRow { .. }
        | Error::OtherRules { .. }
        | Error::WriteKey { .. }
        | Error::KeyFolder(_)
        | Error::Record(_)
        | Error::Leaf(_)
        | Error::Prove(_)
        | Error::Heads { .. }
        | Error::HeadDamaged { .. }
        | Error::HeadKeys { .. }
        | Error::HeadForgotten { .. }
        | Error::LogLost { .. }
        | Error::HeadBehind { .. }
        | Error::HeadOther { .. }
        | Error::HeadRetired { .. }
        | Error::LeafOther { .. }
        | Error::EntryOther { .. }
        | Error::EntryUnread { .. }
        | Error::Tree(_)
        | Error::TimeGoesBack { .. }
        | Error::Policy(_)
        | Error::PolicyDamaged
        | Error::PolicyLost { .. }
        | Error::HeadUnsigned { .. }
        | Error::CosignerFalse { .. }
        | Error::Proof(_) => Kind::Storage,
        Error::Scores(_)
        | Error::LogName(_)
        | Error::Checkpoint(_)
        | Error::Bundle(_)
        | Error::Unverified(_) => Kind::Check,
        Error::Randomness(_) | Error::NotWitnessed(_) => Kind::Outside,
    }
}

/// What to do where one of the two files of what was signed last is not what it should be.
const MEMORY_HINT: &str = "what is remembered is a file that ends with .note and, once the log's key was rotated, one of the \
     same name that ends with .keys: either may be damaged, or gone. Put both back from one copy, or move \
     what is left of the two away; nothing is written to the log until `chaoschain log resume` says what \
     was signed last, best with a checkpoint that others hold";

/// What to do where a head that was signed, or should have been, stands in the way.
fn heads_hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::HeadForgotten { path: Some(_), .. } => {
            "`chaoschain log resume --from FILE` takes up a checkpoint that others hold: the file `checkpoint` \
             of an export or under a log's URL, what a witness answers, or what `log checkpoint` printed; \
             `--only-copy` says that there is no later one"
        }
        Error::HeadBehind { .. } => {
            "nothing was written or signed; `chaoschain log repair --from SOURCE` fetches the missing \
             entries from a mirror, a server or an export. If no copy has them, this log cannot go on: \
             begin another in another data directory. Where no witness had cosigned that head and nobody was \
             shown it, the guide to operating a log says how it goes on"
        }
        Error::HeadRetired { .. } => {
            "nothing was written or signed; `chaoschain log resume --from FILE` takes up a checkpoint of this \
             directory's log that others hold, `--only-copy` says that no later one was signed than is here. Either \
             puts the head of the retired key aside, in a file of its own"
        }
        Error::HeadForeign { size, stored, by_unknown: true, .. } if size > stored => {
            "nothing was remembered. If the log's key was rotated after this copy was made, the copy does not know \
             the key: `chaoschain log repair --from SOURCE` brings it up, then resume again. Do not go on with \
             --only-copy: a second history ends the log"
        }
        Error::HeadForeign { source, by_unknown: true, .. }
            if matches!(**source, SignerError::Unsigned(_)) =>
        {
            "nothing was remembered. The head is by a key that this directory does not know, at a size that it has \
             already: if the log's key was rotated, what is here from there on is another history, as whoever has the \
             key before it can make. `chaoschain log repair --from SOURCE`, with a source that shows this head, then says so and \
             changes nothing; go on in a copy of that source (`chaoschain log mirror SOURCE DIR --log KEY`) with the \
             log's key files in its `keys`. If it was not rotated, the note was changed"
        }
        Error::HeadForeign { source, .. } if matches!(**source, SignerError::Retired { .. }) => {
            "nothing was remembered: whoever has a retired key may have signed it; name the newest head that a \
             mirror, a witness or the log's server shows"
        }
        Error::HeadForeign { .. } => {
            "nothing was remembered: another log's head, or a note that was changed; name the file `checkpoint` of \
             a mirror's export, of an export, or under the log's URL"
        }
        Error::NoHead => {
            "nothing needs to be said of a log that has signed nothing: `chaoschain log checkpoint` signs its \
             first head"
        }
        Error::HeadOther { .. } => {
            "nothing was written or signed; go on in the data directory that signed the other head"
        }
        _ => return None,
    })
}

fn hint(error: &Error) -> Option<String> {
    if let Some(hint) = rows_hint(error).or_else(|| heads_hint(error)) {
        return Some(hint.to_owned());
    }
    let hint = match error {
        Error::NoData { .. } => {
            "`chaoschain agent register` creates a data directory; --data names it"
        }
        Error::NoOperator { .. } => {
            "`chaoschain agent register` finishes making an interrupted data directory; where the log is \
             lost and its key is not, `chaoschain log repair --from SOURCE` fetches it"
        }
        Error::ClockAhead { .. } | Error::ClockBehind { .. } => clock_hint(error),
        Error::Unverified(rejection) if rejection.code == Fault::DatedAhead.into() => CLOCK_HINT,
        Error::HeadForgotten { path: None, .. } => {
            return Some(format!(
                "set {HEADS_VARIABLE} to the folder that remembers what was signed; if that is lost, to a \
                 new one, and `chaoschain log resume` says what was signed last"
            ));
        }
        Error::LogLost { .. } => {
            "`chaoschain log repair --from SOURCE` fetches the log from a mirror, a server or an export; a \
             new log begins in a directory without that key"
        }
        Error::PolicyLost { .. } => {
            "`chaoschain log checkpoint --log-policy FILE` sets it again; a file with `quorum none` says that \
             nobody is asked any more"
        }
        Error::CosignerFalse { .. } => {
            "`chaoschain log repair --from SOURCE` puts the line right or takes the source's; `chaoschain log checkpoint` \
             asks the witnesses again"
        }
        Error::PolicyDamaged => "`chaoschain log checkpoint --log-policy FILE` sets it anew",
        Error::HeadDamaged { .. } | Error::HeadKeys { .. } => MEMORY_HINT,
        Error::OpenKey { .. } | Error::ReadKey { .. } | Error::NoneOpens { .. } => {
            return of_keys(error);
        }
        Error::HeadUnsignable { is_root: true, .. } => {
            "the root key signs the checkpoints as well: hand them on first, `chaoschain log rotate-key --root FILE`"
        }
        Error::HeadUnsignable { source, .. } => return hint(source),
        Error::DuplicateAgent { .. } => {
            "choose another name, or `chaoschain agent show` the existing one"
        }
        Error::NoAgent { .. } => "`chaoschain agent list` names the registered ones",
        Error::OperatorRefused { why: Refused::Delegations { .. }, .. } => {
            "nothing was signed, and the keys that sign go on; before one of them is lost, begin a new log in \
             another data directory and tell readers its key"
        }
        Error::NoRoleKey { .. } => {
            "its file belongs into the folder `keys` of the data directory; if it is lost, `chaoschain \
             log rotate-key --lost` or `log replace-operator --lost` puts another in its place"
        }
        Error::OperatorKey { what: "rotated" } => {
            "`chaoschain log replace-operator` hands the operator's receipts to another key, `log \
             rotate-key` the checkpoints"
        }
        Error::OperatorKey { .. } => {
            "a log ends with its root key; start another in another data directory"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The same of key files.
fn of_keys(error: &Error) -> Option<String> {
    Some(match error {
        Error::OpenKey { path, .. } => {
            format!(
                "the file is damaged, or {PASSWORD_VARIABLE} is not its password. {}",
                key_hint(path)
            )
        }
        Error::ReadKey { path, .. } => key_hint(path),
        Error::NoneOpens { .. } => format!(
            "{PASSWORD_VARIABLE} is not their password, or all of them are damaged. Where that is forgotten, or there \
             is no copy, move them out of that folder and run this again"
        ),
        _ => return None,
    })
}

/// What to do where a key file is lost. Which key it is follows from its name alone.
fn key_hint(path: &Path) -> String {
    let otherwise = match path.file_stem().and_then(OsStr::to_str) {
        Some("operator") => {
            "`chaoschain log replace-operator --lost` puts another key in its place, if the log's root key is another \
             one (--root names its file where that is kept elsewhere); nothing takes the place of the root key"
        }
        Some("operator.log" | "operator.log.next") => {
            "`chaoschain log rotate-key --lost` puts another key in its place, by the log's root key"
        }
        Some("operator.root") => {
            "the log goes on with the keys that it has, and none of them can be replaced"
        }
        _ => {
            "`chaoschain agent revoke NAME --reason WHY --by-operator` ends an agent whose key is lost"
        }
    };
    format!("Put a copy of it back; where there is none, {otherwise}")
}

/// What to do where somebody has put tables into the database.
const OTHER_TABLES: &str = "a table, view or index that another program has put there is dropped with that program, or by \
    `sqlite3 FILE 'DROP TABLE NAME'`; of a copy from somebody else make your own: `chaoschain log mirror`";

/// What to do where rows, entries or tiles are not what they should be.
const fn rows_hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Row { .. } | Error::Map(_) | Error::Mark { .. } | Error::FoldRoot { .. } => {
            "nothing was written or signed; `chaoschain log rebuild` folds the rows anew from the log"
        }
        Error::EntryOther { .. }
        | Error::EntryUnread { .. }
        | Error::Tree(_)
        | Error::HeadUnsigned { .. }
        | Error::LeafOther { .. } => {
            "nothing was written or signed; `chaoschain log rebuild --check` says what is damaged, \
             `chaoschain log repair --from SOURCE` fetches it from a mirror, a server or an export"
        }
        Error::OperatorRow { .. } => "`chaoschain log repair --from SOURCE` puts it right",
        Error::Open { source: OpenError::OtherTables { .. }, .. } => OTHER_TABLES,
        Error::Open { source: OpenError::ValuesLost { .. }, .. } => {
            "make a new copy in another directory: `chaoschain log mirror SOURCE DIR --log KEY`. What this one kept \
             against its log is in its folder `alarms`, which `chaoschain verify` reads"
        }
        Error::OtherRules { .. } => {
            "nothing was written or signed; a program that knows every kind of receipt of this log goes on. \
             Where none does, the entry is false: `chaoschain log rebuild --check` names the first such \
             one, and this log cannot go on; begin another in another data directory"
        }
        Error::FoldBehind { .. } => {
            "`chaoschain log rebuild` brings it up, by whoever may write to the folder"
        }
        _ => return None,
    })
}

/// Whether what is stored is damaged, so that a copy has to bring it back.
fn is_unreadable(error: &Error) -> bool {
    if let Error::Store(StoreError::Damaged { source, .. }) = error {
        return !source.is_of_the_fold();
    }
    matches!(
        error,
        Error::Open { source: OpenError::Foreign { .. } | OpenError::Store { .. }, .. }
            | Error::Store(StoreError::Sqlite { .. })
            | Error::Blob(BlobError::Damaged { .. })
            | Error::FoldAhead { .. }
    )
}

/// What to do where the log's newest entries are dated after the clock.
const CLOCK_HINT: &str = "if the clock here is wrong, set it right. If it is right, earlier entries were dated by a \
                          wrong one: `chaoschain log correct-time` shows which, and takes their times back";

const fn clock_hint(error: &Error) -> &'static str {
    match error {
        Error::ClockBehind { .. } => CLOCK_HINT,
        _ => {
            "set the clock right, since the log's time never goes back; or, if the log rested for so \
             long, `chaoschain log accept-clock`"
        }
    }
}
