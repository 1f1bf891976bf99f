use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::Path,
};

use crate::error::OpenError;

/// Name of the lock file within the data directory.
pub(crate) const LOCK_FILE: &str = "lock";

/// The right to write to a data directory. The system takes it back when the process ends, however
/// it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would do, were it not for children: one that is just being started
        // shares the file for an instant and would keep the lock alive.
        let _ = self.file.unlock();
    }
}

impl Lock {
    pub(crate) fn take(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(LOCK_FILE);
        let lock = |source| OpenError::Lock { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(lock)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The note in the file only serves the message; whatever it says, the lock holds.
                let _ = (&file).take(64).read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "another process".to_owned(),
                    id => format!("process {id}"),
                };
                return Err(OpenError::InUse { directory: directory.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(lock(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(lock)?;
        writeln!(file, "{}", std::process::id()).map_err(lock)?;
        Ok(Self { file })
    }
}
