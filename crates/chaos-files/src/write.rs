use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone: keys, secrets, stored records.
    Owner,
    /// Whoever the process's file mode mask lets.
    Everyone,
}

/// Writes a file so that it outlives a power cut once this returns, and a kill at any time leaves the
/// old file or the new one. Two writers of one path must not run at the same time.
///
/// # Errors
/// If the system refuses, or there is something that is no regular file: a device or a pipe keeps
/// nothing. What was there is then still there.
pub fn write_synced(path: &Path, readers: Readers, bytes: &[u8]) -> io::Result<()> {
    let Place::File(path) = Place::of(path)? else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    };
    let mut part = Part::beside(&path, readers)?;
    part.write_all(bytes)?;
    part.publish_synced()
}

/// Writes a file so that a kill leaves the old file or the new one. A power cut may lose both, so
/// this is for what can be made again. Two writers of one path must not run at the same time.
///
/// A device, a pipe or an open descriptor such as `/dev/stdout` is written to as it is: nothing there
/// could be replaced.
///
/// # Errors
/// If the system refuses; the old file is then still there.
pub fn write_unsynced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match Place::of(path)? {
        Place::File(path) => {
            let mut part = Part::beside(&path, Readers::Everyone)?;
            part.write_all(bytes)?;
            part.publish_unsynced()
        }
        // Where a shell has sent a descriptor into a file, other output may stand there already.
        Place::Stream => fs::OpenOptions::new().append(true).open(path)?.write_all(bytes),
    }
}

/// Writes a file that is not there yet, as [`write_synced`] does.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if something is there, which is left alone, and if the system
/// refuses.
pub fn create_synced(path: &Path, readers: Readers, bytes: &[u8]) -> io::Result<()> {
    let mut part = Part::beside(path, readers)?;
    part.write_all(bytes)?;
    part.file.sync_all()?;
    // Unlike a rename, a link never takes another file's place.
    fs::hard_link(&part.part, path)?;
    drop(part);
    path.parent().map_or(Ok(()), sync_folder)
}

/// Removes what writers of an earlier version left in a folder when they were killed: they wrote
/// `list.part` for `list.json`. For folders that nobody else keeps files in.
///
/// # Errors
/// If the system refuses. A folder that is not there has nothing to clear.
pub fn clear_former_parts(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let stem = path.file_stem().map(Path::new);
        // Today's have the whole name before their ending, or begin with a dot.
        let former = stem.is_some_and(|stem| {
            stem.extension().is_none() && !stem.as_os_str().as_encoded_bytes().starts_with(b".")
        });
        if former && path.extension().is_some_and(|ending| ending == "part") && path.is_file() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Links that are followed to a file, as many as Linux follows.
const LINKS_MAX: usize = 40;

/// Where bytes that are written to a path go.
enum Place {
    /// Into a file of this path, which may be replaced.
    File(PathBuf),
    /// Into something that takes bytes as they come.
    Stream,
}

impl Place {
    /// Follows links, so that it is the file that is replaced and not a link to it.
    fn of(path: &Path) -> io::Result<Self> {
        let mut at = path.to_owned();
        for _ in 0..LINKS_MAX {
            let folder = at.parent().unwrap_or(Path::new("")).to_owned();
            // The links of a process's descriptors lead to what is open, which is not for replacing.
            if fs::canonicalize(&folder).is_ok_and(|folder| folder.starts_with("/proc")) {
                return Ok(Self::Stream);
            }
            match fs::symlink_metadata(&at) {
                Ok(found) if found.is_symlink() => at = folder.join(fs::read_link(&at)?),
                // To replace a folder is refused by the system.
                Ok(found) if found.is_file() || found.is_dir() => return Ok(Self::File(at)),
                Ok(_) => return Ok(Self::Stream),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::File(at)),
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("too many links"))
    }
}

/// A file under construction: written under another name, and moved to its own when it is whole.
/// Dropped unpublished, it is removed.
#[derive(Debug)]
pub struct Part {
    file: File,
    part: PathBuf,
    path: PathBuf,
    published: bool,
}

impl Part {
    /// Beside the file, as `<name>.part`, in the place of what an interrupted writer left there. For
    /// files that one writer at a time writes.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn beside(path: &Path, readers: Readers) -> io::Result<Self> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        Self::open(part, path, readers)
    }

    /// In a folder of the same file system, under a name that no other writer takes. For files that
    /// several writers may write at the same time; what a kill leaves is the folder's to clear.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn within(folder: &Path, path: &Path, readers: Readers) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let part = folder.join(format!(".{}-{number}.part", process::id()));
            match Self::open(part, path, readers) {
                // A process with this number was killed here.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => return opened,
            }
        }
    }

    fn open(part: PathBuf, path: &Path, readers: Readers) -> io::Result<Self> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if readers == Readers::Owner {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let file = options.open(&part)?;
        Ok(Self { file, part, path: path.to_owned(), published: false })
    }

    /// Gives the file its name, in the place of an older one, once its bytes are on the disk, and
    /// returns once the name is as well.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn publish_synced(self) -> io::Result<()> {
        self.file.sync_all()?;
        let path = self.path.clone();
        self.publish_unsynced()?;
        path.parent().map_or(Ok(()), sync_folder)
    }

    /// Gives the file its name, in the place of an older one.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn publish_unsynced(mut self) -> io::Result<()> {
        fs::rename(&self.part, &self.path)?;
        self.published = true;
        Ok(())
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.published {
            // The error that led here is the one to tell.
            let _gone = fs::remove_file(&self.part);
        }
    }
}

/// Makes renames in a folder last.
///
/// # Errors
/// If the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // The parent of a bare file name is the empty path, which names the working folder.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests;
