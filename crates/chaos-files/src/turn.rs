use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
};

/// The right to read a file, change it and replace it, which one process has at a time.
///
/// Of a file, it is a lock on the empty file `<name>.lock` beside the file, not on the file itself, whose place
/// another takes with every write. The system gives it back when its holder ends, however it ends; the
/// empty file stays, since removing it would let two who wait hold two locks.
#[derive(Debug)]
pub struct Turn {
    held: File,
}

impl Turn {
    /// Waits until nobody else has it.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn wait(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        file.lock()?;
        Ok(Self { held: file })
    }

    /// Waits until nobody else has the right to a whole folder. The lock is on the folder itself, which no
    /// write replaces, so that nothing is left in it.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn in_folder(folder: &Path) -> io::Result<Self> {
        let held = File::open(folder)?;
        held.lock()?;
        Ok(Self { held })
    }

    /// Takes it if nobody else has it.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { held: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Closing gives it back only once nobody else has the file open, and a program that another
        // thread is starting has it until its first instruction.
        let _gone = self.held.unlock();
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    fs::OpenOptions::new().write(true).create(true).truncate(false).open(&lock)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::{Readers, read, write_synced};

    #[test]
    fn no_addition_is_lost_where_everyone_waits_for_a_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("count");
        write_synced(&path, Readers::Everyone, b"").unwrap();
        thread::scope(|scope| {
            for byte in 0..8_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..8 {
                        let _turn = Turn::wait(path).unwrap();
                        let mut bytes = read(path, 1000).unwrap();
                        bytes.push(byte);
                        write_synced(path, Readers::Everyone, &bytes).unwrap();
                    }
                });
            }
        });
        assert_eq!(read(&path, 1000).unwrap().len(), 64);
    }

    #[test]
    fn turn_that_somebody_has_is_not_taken_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("count");
        let first = Turn::try_take(&path).unwrap().expect("nobody has it");
        assert!(Turn::try_take(&path).unwrap().is_none());
        drop(first);
        assert!(Turn::try_take(&path).unwrap().is_some());
    }

    /// As a program has it between being forked and being started.
    #[test]
    fn turn_comes_back_although_another_still_has_the_file_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("count");
        let turn = Turn::try_take(&path).unwrap().expect("nobody has it");
        let inherited = turn.held.try_clone().unwrap();
        drop(turn);
        assert!(Turn::try_take(&path).unwrap().is_some());
        drop(inherited);
    }
}
