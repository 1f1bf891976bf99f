//! A database that another takes the place of, whole or not at all.
//!
//! A store never drops an entry, so that a copy which holds what is not the log begins anew, and the former
//! database stays beside it under a name of its own. The new one is made in a folder within the directory;
//! then a file says under which name the old one goes, and from there on whoever opens the directory for writing
//! ends the step before it does anything else. Who only reads it reads the new database where it is, and
//! changes nothing: the directory may be anybody's.
//!
//! ```text
//! <directory>/anew/chaoschain.sqlite   the new database
//! <directory>/aside                    the name of the old one; once it is there the step is ended
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chaos_files::{Readers, sync_folder, write_synced};

use crate::{
    error::OpenError,
    layout::{Access, beside, ensure_own_files, is_own_name},
    lock::Lock,
    sqlite::DATABASE_FILE,
};

/// The folder in which the new database is made.
pub(crate) const ANEW: &str = "anew";

/// The file that names the old one.
pub(crate) const STEP: &str = "aside";

/// A name is no longer than this, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// What SQLite may have beside a database; the database comes last, as the others are parts of it.
const SUFFIXES: [&str; 3] = ["-wal", "-shm", ""];

/// Whether a directory has a database, or has one again as soon as somebody opens it: a process that was killed
/// between the two moves of an exchange leaves none in its place.
#[must_use]
pub fn holds_database(directory: &Path) -> bool {
    directory.join(DATABASE_FILE).exists() || directory.join(STEP).exists()
}

/// A directory whose database is to be exchanged, held for this process alone.
#[derive(Debug)]
pub struct Exchange {
    directory: PathBuf,
    _lock: Lock,
}

impl Exchange {
    /// Begins to exchange the database of a directory that no process has open.
    ///
    /// # Errors
    /// If a process has it open, or what is left of an earlier attempt cannot be taken away.
    pub fn begin(directory: &Path) -> Result<Self, OpenError> {
        ensure_own_files(directory, Access::Write)?;
        let lock = Lock::take(directory)?;
        finish(directory)?;
        remove(&directory.join(ANEW))?;
        Ok(Self { directory: directory.to_owned(), _lock: lock })
    }

    /// The folder of the new database, which is a data directory of its own while it is made.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.directory.join(ANEW)
    }

    /// Leaves the database where it is, and takes the new one away, which must be closed.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub(crate) fn give_up(self) -> Result<(), OpenError> {
        remove(&self.folder())
    }

    /// Gives the database this name, or one like it that is free, and the new one its place; answers where the
    /// former one is. The new one must be closed.
    ///
    /// # Errors
    /// If a file cannot be written or moved. Whoever opens the directory next goes on from there.
    pub fn end(self, name: &str) -> Result<PathBuf, OpenError> {
        let name = unused(&self.directory, name);
        let step = self.directory.join(STEP);
        write_synced(&step, Readers::Everyone, name.as_bytes())
            .map_err(|source| OpenError::Exchange { path: step, source })?;
        finish(&self.directory)?;
        Ok(self.directory.join(name))
    }
}

/// Ends a step that was begun in a directory which this process alone has open.
pub(crate) fn finish(directory: &Path) -> Result<(), OpenError> {
    let step = directory.join(STEP);
    let failed = |path: &Path, source| OpenError::Exchange { path: path.to_owned(), source };
    let name = match chaos_files::read(&step, NAME_BYTES_MAX) {
        Ok(name) => plain_name(&name).ok_or_else(|| {
            let reason =
                "it does not name a file of this directory that a database may be put aside as";
            failed(&step, io::Error::new(io::ErrorKind::InvalidData, reason))
        })?,
        Err(_) if !step.exists() => return Ok(()),
        Err(error) => return Err(failed(&step, io::Error::other(error))),
    };
    let (anew, database) =
        (directory.join(ANEW).join(DATABASE_FILE), directory.join(DATABASE_FILE));
    if anew.exists() {
        // What was put aside under this name before the kill is the former database, and the one that is here
        // now, if there is one, is another.
        let is_moved = directory.join(&name).exists() && database.exists();
        let name = if is_moved { unused(directory, &name) } else { name };
        move_database(&database, &directory.join(name))?;
        move_database(&anew, &database)?;
        sync_folder(directory).map_err(|source| failed(directory, source))?;
    }
    remove(&directory.join(ANEW))?;
    fs::remove_file(&step).map_err(|source| failed(&step, source))
}

/// The database of a directory for whoever only reads it, and changes nothing: the new one, once a step was begun.
pub(crate) fn readable(directory: &Path) -> Result<PathBuf, OpenError> {
    ensure_own_files(directory, Access::Read)?;
    let (database, anew) = (directory.join(DATABASE_FILE), directory.join(ANEW));
    let anew = anew.join(DATABASE_FILE);
    if directory.join(STEP).exists() && anew.exists() {
        return Ok(anew);
    }
    Ok(database)
}

/// The name of a file right within the directory that is none of its own, if it is one.
fn plain_name(bytes: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(bytes).ok()?;
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    let is_plain = !name.starts_with('.') && !name.is_empty() && name.bytes().all(is_harmless);
    (is_plain && !is_own_name(name)).then(|| name.to_owned())
}

/// Gives a database another name, with what SQLite may have left beside it: a journal that stayed would be taken
/// for the next database's.
fn move_database(from: &Path, to: &Path) -> Result<(), OpenError> {
    for suffix in SUFFIXES {
        let [from, to] = [from, to].map(|path| beside(path, suffix));
        match fs::rename(&from, to) {
            Ok(()) => {}
            // What was moved before a kill.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(OpenError::Exchange { path: from, source }),
        }
    }
    Ok(())
}

/// The name, or one like it under which nothing is: what was put aside once is not written over.
fn unused(directory: &Path, name: &str) -> String {
    let numbered = (2u32..).map(|number| format!("{name}.{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names
        .find(|name| !directory.join(name).exists())
        .expect("a folder has fewer files than there are numbers")
}

fn remove(folder: &Path) -> Result<(), OpenError> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(OpenError::Exchange { path: folder.to_owned(), source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
