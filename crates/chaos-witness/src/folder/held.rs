//! A folder that one process at a time uses.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::Path,
};

use crate::error::OpenError;

/// A folder that this process alone uses.
#[derive(Debug)]
pub(super) struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing gives it back only once nobody else has the file open, and a program that another
        // thread is starting has it until its first instruction.
        let _gone = self.0.unlock();
    }
}

/// Makes a folder, and holds it for this process alone.
pub(super) fn lock(folder: &Path) -> Result<Held, OpenError> {
    let failed = |at: &Path| {
        let path = at.to_owned();
        move |source| OpenError::Create { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let lock = folder.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&lock);
    let file = file.map_err(failed(&lock))?;
    match file.try_lock() {
        Ok(()) => Ok(Held(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(&lock)(source)),
    }
}
