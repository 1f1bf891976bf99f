//! Which of the program's makings share a folder, and which do not.
//!
//! A data directory holds a log or a copy of one, with what belongs to that: key files, a key broker's vault, the journal
//! of transactions. A witness has a folder of its own, since its key signs for no log and its memory goes with no log's
//! copy. An export is a folder that strangers read, so that no key may come to lie in it.

use std::path::Path;

use chaos_ledger::holds_key;
use chaos_store::{DATABASE_FILE, holds_database};

use crate::exit::{Failure, Kind};

/// What a command is about to make in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Making {
    /// A log, with its keys.
    Log,
    /// A copy of another's log.
    Copy,
    /// A witness's key and memory.
    Witness,
    /// The journal of transactions, where no log has to be.
    Journal,
}

/// Refuses a folder that is another's home.
pub(crate) fn ensure_home(making: Making, dir: &Path) -> Result<(), Failure> {
    let is_data = holds_database(dir) || holds_key(dir);
    let is_witness = dir.join("witness").is_file();
    let is_published = dir.join("checkpoint").is_file() && dir.join("tile").is_dir();
    let refused = match making {
        Making::Witness if is_data && is_witness => Some(mixed(dir)),
        Making::Witness if is_data => Some((
            "is the data directory of a log",
            "a witness has a folder of its own, and with it a key of its own: name another one"
                .to_owned(),
        )),
        Making::Log | Making::Copy | Making::Journal if is_witness && !is_data => {
            Some(("is the folder of a witness", elsewhere(making).to_owned()))
        }
        _ if is_published && !is_data => Some((
            "holds a published log",
            format!("whoever serves it serves all that comes to lie there: {}", elsewhere(making)),
        )),
        Making::Log | Making::Copy | Making::Witness | Making::Journal => None,
    };
    let Some((what, hint)) = refused else { return Ok(()) };
    let reason = format!("`{}` {what}", dir.display());
    Err(Failure::message(Kind::Input, reason).hint(hint))
}

const fn elsewhere(making: Making) -> &'static str {
    match making {
        Making::Log => "a log has a data directory of its own: --data names another one",
        Making::Copy => {
            "a copy is made by `chaoschain log mirror URL DIR --log KEY`, in a new directory of its own"
        }
        Making::Witness => "a witness has a folder of its own: --folder names another one",
        Making::Journal => {
            "what is sent to a chain is written down in a data directory: --data names another one"
        }
    }
}

/// A witness's folder into which a log or a copy of one was put: the key and the memory are its own still.
fn mixed(dir: &Path) -> (&'static str, String) {
    let notes = ["-wal", "-shm", "-journal"].map(|end| format!("{DATABASE_FILE}{end}"));
    let folders = ["blobs", "alarms", "anew", "aside", "keys/operator.pem"].map(str::to_owned);
    let there: Vec<String> = [DATABASE_FILE.to_owned()]
        .into_iter()
        .chain(notes)
        .chain(folders)
        .filter(|name| dir.join(name).exists())
        .collect();
    let hint = format!(
        "the witness's key and what it remembers lie there as before, so take no new key: move the log's files ({}) \
         into a folder of their own, and start it again",
        there.join(", ")
    );
    ("is the folder of a witness, and a log or a copy of one lies in it", hint)
}
