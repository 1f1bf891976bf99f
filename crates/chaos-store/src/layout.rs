//! What lies in a data directory, and what may not stand in its place.
//!
//! The directory may have come from anybody. A link in the place of one of its own files or folders is followed
//! by whoever opens it by name, and what is read, written, emptied or removed then is somebody else's; a pipe is waited
//! for without end. So whatever the program touches in a data directory is named here, by whichever crate it is
//! touched, and looked at before anything is opened.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    error::OpenError,
    exchange::{ANEW, STEP},
    lock::LOCK_FILE,
    sqlite::DATABASE_FILE,
};

/// The folder of blobs.
pub(crate) const BLOBS: &str = "blobs";

/// What SQLite has beside a database; a name that ends with nothing is the database's own.
const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Of those, what is beside the database.
const NOTES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The folders of a data directory that a reader looks into. What is in those of the blobs is looked at as each blob
/// is asked for, since there are many.
const READ_FOLDERS: [&str; 4] = [ANEW, BLOBS, "blobs/sha256", "blobs/temporary"];

/// Those that belong to whoever writes, with everything in them: key files, what was sent to chains, and what was
/// found wrong with a log.
const WRITTEN_FOLDERS: [&str; 3] = ["keys", "transactions", "alarms"];

/// The files of whoever writes: the lock, and the vault and the address of a key broker.
const WRITTEN_FILES: [&str; 3] = [LOCK_FILE, "vault.json", "broker.json"];

/// What a directory is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Refuses a directory in which a link, a pipe or a device stands in the place of its own files or folders, or whose
/// files are written where somebody else has them under another name.
///
/// Who only reads is held up by what reading touches alone. The files may have other names then: nobody who
/// reads writes to them, as `reading` opens them. Otherwise whoever makes a copy of a log by hard links would stop all
/// who read the log itself.
pub(crate) fn ensure_own_files(directory: &Path, access: Access) -> Result<(), OpenError> {
    for folder in READ_FOLDERS {
        ensure_folder(&directory.join(folder))?;
    }
    ensure_file(&directory.join(STEP))?;
    let new = Path::new(DATABASE_FILE).with_extension("new");
    let databases = [
        directory.join(DATABASE_FILE),
        directory.join(ANEW).join(DATABASE_FILE),
        directory.join(new),
    ];
    for path in
        databases.iter().flat_map(|database| SUFFIXES.map(|suffix| beside(database, suffix)))
    {
        ensure_file(&path)?;
    }
    if access == Access::Read {
        return Ok(());
    }
    let notes = databases.iter().flat_map(|database| NOTES.map(|suffix| beside(database, suffix)));
    for folder in WRITTEN_FOLDERS.map(|folder| directory.join(folder)) {
        ensure_folder(&folder)?;
        ensure_all_within(folder)?;
    }
    for file in WRITTEN_FILES {
        ensure_file(&directory.join(file))?;
    }
    // What is replaced by a new file is nobody else's afterwards; these are written where they are.
    ensure_unshared(databases.iter().cloned().chain(notes).chain([directory.join(LOCK_FILE)]))
}

/// The name of what SQLite has beside a database.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Refuses to make a database where what SQLite had beside another one lies: it would be played into the new one,
/// and what it holds of the other is lost then. An empty file holds nothing, and `-shm` nothing that is not in `-wal`.
pub(crate) fn ensure_no_notes(database: &Path) -> Result<(), OpenError> {
    let holds = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|found| found.len() > 0);
    match ["-wal", "-journal"].map(|suffix| beside(database, suffix)).into_iter().find(holds) {
        Some(path) => Err(OpenError::Orphan { path }),
        None => Ok(()),
    }
}

/// Whether a name right within the directory is one of its own.
pub(crate) fn is_own_name(name: &str) -> bool {
    let database = Path::new(DATABASE_FILE);
    let new = database.with_extension("new");
    let mut databases = [database, new.as_path()]
        .into_iter()
        .flat_map(|database| SUFFIXES.map(|suffix| beside(database, suffix)));
    [STEP]
        .iter()
        .chain(&READ_FOLDERS)
        .chain(&WRITTEN_FOLDERS)
        .chain(&WRITTEN_FILES)
        .any(|own| *own == name)
        || databases.any(|own| own == Path::new(name))
}

fn ensure_folder(path: &Path) -> Result<(), OpenError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(OpenError::Link { path: path.to_owned() }),
        Ok(found) if !found.is_dir() => Err(OpenError::NoFolder { path: path.to_owned() }),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn ensure_file(path: &Path) -> Result<(), OpenError> {
    match fs::symlink_metadata(path) {
        Ok(found) => ensure_kind(path, found.file_type()),
        Err(_) => Ok(()),
    }
}

fn ensure_kind(path: &Path, found: fs::FileType) -> Result<(), OpenError> {
    if found.is_symlink() {
        return Err(OpenError::Link { path: path.to_owned() });
    }
    if found.is_file() { Ok(()) } else { Err(OpenError::NoFile { path: path.to_owned() }) }
}

/// Everything in a folder and in those in it is a file or a folder.
fn ensure_all_within(folder: PathBuf) -> Result<(), OpenError> {
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        let listed = |source| OpenError::List { path: folder.clone(), source };
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // Who may not even list it writes nothing by the names in it.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                ) =>
            {
                continue;
            }
            Err(error) => return Err(listed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(listed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(listed)?);
            if kind.is_dir() {
                folders.push(path);
            } else {
                ensure_kind(&path, kind)?;
            }
        }
    }
    Ok(())
}

/// Refuses files that have another name somewhere, all of them at once: what is written to them would be written
/// there as well.
fn ensure_unshared(paths: impl Iterator<Item = PathBuf>) -> Result<(), OpenError> {
    let paths: Vec<PathBuf> = paths.filter(|path| is_shared(path)).collect();
    if paths.is_empty() { Ok(()) } else { Err(OpenError::Shared { paths }) }
}

/// Whether a file has another name somewhere.
pub(crate) fn is_shared(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| names_of(&found) > 1)
}

/// How many names a file has.
#[cfg(unix)]
fn names_of(found: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(found)
}

#[cfg(not(unix))]
fn names_of(_: &fs::Metadata) -> u64 {
    1
}
