use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use chaos_files::{Readers, clear_former_parts, sync_folder, write_synced};
use chaos_types::AgentKey;
use zeroize::Zeroizing;

use crate::{Error, OPERATOR, System};

/// A key file is an encrypted key of a few hundred bytes.
pub(crate) const KEY_BYTES_MAX: usize = 16 << 10;

/// The password of key files. It is overwritten when dropped and never shown.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Password {
    /// The password itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// What the name of a file says that was set aside since it did not open.
pub(crate) const UNOPENED: &str = "unopened";

/// A key file that did not open and was set aside. Both names are without their ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unopened {
    /// The name that it had.
    pub file: String,
    /// The name that it has.
    pub aside: String,
}

/// Whether an error says that a key file is not there or does not open.
pub(crate) const fn is_unopened(error: &Error) -> bool {
    matches!(error, Error::ReadKey { .. } | Error::OpenKey { .. })
}

/// The folder of key files of a data directory: Ed25519 keys as encrypted PKCS#8 PEM, one per agent.
/// Whoever uses it holds the directory's lock.
#[derive(Debug)]
pub struct Keys<'a> {
    folder: PathBuf,
    password: Option<&'a Password>,
    system: System,
}

/// Whether the key of the log's operator lies in a data directory: a mirror has none.
#[must_use]
pub fn holds_key(dir: &Path) -> bool {
    dir.join("keys").join(format!("{OPERATOR}.pem")).exists()
}

/// The file in which a rotation keeps `name`'s next key until the log knows it.
#[must_use]
pub fn successor_of(name: &str) -> String {
    format!("{name}.next")
}

/// Whether a file is called by a time, and by a number where the time was taken: `1790000000000`, `1790000000000.2`.
pub(crate) fn is_numbered(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (time, number) = text.split_once('.').unwrap_or((text, "2"));
    is_number(time) && is_number(number)
}

/// Whether an agent's name, and so that of its key file, may have this character.
const fn is_of_an_agents_name(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '-' | '_')
}

impl<'a> Keys<'a> {
    /// The key files of a data directory. An empty password is none.
    #[must_use]
    pub fn new(dir: &Path, password: Option<&'a Password>, system: System) -> Self {
        Self { folder: dir.join("keys"), password, system }
    }

    /// Whether there is a key file.
    ///
    /// # Errors
    /// If the name is none, or the folder cannot be read.
    pub fn has(&self, name: &str) -> Result<bool, Error> {
        self.path(name)?.try_exists().map_err(Error::KeyFolder)
    }

    /// The files of a key and what lies beside it as a copy of one, by their whole names, in order: all that begin
    /// with the key's name, each with whether it may be another agent's.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(crate) fn files_with(&self, stem: &str) -> Result<Vec<(String, bool)>, Error> {
        let mut files = Vec::new();
        for file in fs::read_dir(&self.folder).map_err(Error::KeyFolder)? {
            let file = file.map_err(Error::KeyFolder)?.file_name();
            // What is no UTF-8 is no name that this program gave, and holds what it holds all the same.
            let file = file.to_string_lossy().into_owned();
            let is_an_agents =
                file.strip_prefix(stem).map(|rest| rest.starts_with(is_of_an_agents_name));
            files.extend(is_an_agents.map(|is_an_agents| (file, is_an_agents)));
        }
        files.sort();
        Ok(files)
    }

    /// The file of this whole name.
    pub(crate) fn file(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Opens a key file with the password.
    ///
    /// # Errors
    /// If there is none, it is damaged, or the password is another one.
    pub fn open(&self, name: &str) -> Result<AgentKey, Error> {
        let path = self.path(name)?;
        let pem = fs::read(&path).map_err(|source| Error::ReadKey {
            name: name.to_owned(),
            path: path.clone(),
            source,
        })?;
        // One flipped bit makes a file that is no UTF-8: it is damaged like any other.
        AgentKey::from_encrypted_pem(&String::from_utf8_lossy(&pem), self.password()?)
            .map_err(|source| Error::OpenKey { path, source })
    }

    /// The key of a file, or `None` if the file is there and does not open: damaged, unreadable, or with another
    /// password. Whoever asks has to know that the password is right, by a key that it opened.
    ///
    /// # Errors
    /// If the name is none, or there is no password.
    pub(crate) fn opened(&self, name: &str) -> Result<Option<AgentKey>, Error> {
        match self.open(name) {
            Ok(key) => Ok(Some(key)),
            Err(error) if is_unopened(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a key file elsewhere with the password.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_file(&self, path: &Path) -> Result<AgentKey, Error> {
        let pem = chaos_files::read(path, KEY_BYTES_MAX)?;
        AgentKey::from_encrypted_pem(&String::from_utf8_lossy(&pem), self.password()?)
            .map_err(|source| Error::OpenKey { path: path.to_owned(), source })
    }

    /// Takes up the key file that an interrupted command left, or makes a key and its file. A file
    /// is never overwritten; the caller sees to it that nobody uses the key yet.
    ///
    /// # Errors
    /// As [`Self::open`], and if a file cannot be written.
    pub fn open_or_create(&self, name: &str) -> Result<AgentKey, Error> {
        if self.has(name)? { self.open(name) } else { self.create(name) }
    }

    /// Gives the file of a key that an attempt left, and that the log does not know, a name of its own: whoever
    /// could read it since may have it.
    ///
    /// # Errors
    /// If the file cannot be moved.
    pub(crate) fn put_aside(&self, name: &str) -> Result<(), Error> {
        if !self.has(name)? {
            return Ok(());
        }
        self.rename_dated(name, &format!("{name}.unused"))?;
        sync_folder(&self.folder).map_err(Error::KeyFolder)
    }

    /// Gives whatever lies under the name that the file of `from` is to get a name of its own, unless it is a copy
    /// of that file. Gives the new name.
    ///
    /// # Errors
    /// If a file cannot be read or moved.
    pub(crate) fn make_room(&self, name: &str, from: &str) -> Result<Option<String>, Error> {
        if !self.has(name)? {
            return Ok(None);
        }
        let [there, moved] = [self.path(name)?, self.path(from)?]
            .map(|path| chaos_files::read(&path, KEY_BYTES_MAX).ok());
        if there.is_some() && there == moved {
            return Ok(None);
        }
        let aside = self.rename_dated(name, &format!("{name}.other"))?;
        sync_folder(&self.folder).map_err(Error::KeyFolder)?;
        Ok(Some(aside))
    }

    /// Gives a file that does not open a name of its own: whoever has a copy or its password may still want it.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub(crate) fn put_unopened_aside(&self, name: &str) -> Result<Unopened, Error> {
        let aside = self.rename_dated(name, &format!("{name}.{UNOPENED}"))?;
        sync_folder(&self.folder).map_err(Error::KeyFolder)?;
        Ok(Unopened { file: name.to_owned(), aside })
    }

    /// Gives a key file a name with the time in it under which nothing lies, and says which. A clock that stands or
    /// goes back gives one name twice, and a key that is replaced is lost.
    fn rename_dated(&self, name: &str, stem: &str) -> Result<String, Error> {
        let dated = format!("{stem}-{}", self.system.now_ms());
        let mut numbers = 2_u32..;
        let mut free = dated.clone();
        while fs::symlink_metadata(self.path(&free)?).is_ok() {
            let number = numbers.next().expect("a folder has fewer files than there are numbers");
            free = format!("{dated}.{number}");
        }
        fs::rename(self.path(name)?, self.path(&free)?).map_err(Error::KeyFolder)?;
        Ok(free)
    }

    /// Makes a key and its encrypted file.
    fn create(&self, name: &str) -> Result<AgentKey, Error> {
        let key = self.system.random_key()?;
        let pem = key
            .to_encrypted_pem(self.password()?, &self.system.random()?, self.system.random()?)
            .map_err(Error::SealKey)?;
        let path = self.path(name)?;
        fs::create_dir_all(&self.folder)
            .and_then(|()| clear_former_parts(&self.folder))
            .map_err(Error::KeyFolder)?;
        write_synced(&path, Readers::Owner, pem.as_bytes())
            .map_err(|source| Error::WriteKey { path, source })?;
        Ok(key)
    }

    /// Puts the successor's file in the place of `name`'s, which is kept beside it. A kill between
    /// the two steps leaves the successor's file alone, and calling this again ends the work.
    ///
    /// # Errors
    /// If a file cannot be moved.
    pub fn succeed(&self, name: &str) -> Result<(), Error> {
        if self.has(name)? {
            self.rename_dated(name, &format!("{name}.retired"))?;
        }
        self.take_the_place(name)
    }

    /// As [`Self::succeed`], with a name for the file that is replaced, which [`Self::make_room`] has made free.
    pub(crate) fn succeed_as(&self, name: &str, retired: &str) -> Result<(), Error> {
        if self.has(name)? {
            fs::rename(self.path(name)?, self.path(retired)?).map_err(Error::KeyFolder)?;
        }
        self.take_the_place(name)
    }

    /// Gives the successor's file the name that nothing has any more.
    fn take_the_place(&self, name: &str) -> Result<(), Error> {
        let (current, successor) = (self.path(name)?, self.path(&successor_of(name))?);
        fs::rename(successor, &current)
            .and_then(|()| sync_folder(&self.folder))
            .map_err(Error::KeyFolder)
    }

    /// The file of a name, which can never be one outside the folder.
    fn path(&self, name: &str) -> Result<PathBuf, Error> {
        let harmless = |c: char| is_of_an_agents_name(c) || c == '.';
        if name.is_empty() || name.starts_with('.') || !name.chars().all(harmless) {
            return Err(Error::KeyName { name: name.escape_debug().to_string() });
        }
        Ok(self.folder.join(format!("{name}.pem")))
    }

    fn password(&self) -> Result<&[u8], Error> {
        let password = self.password.filter(|password| !password.0.is_empty());
        password.map(|password| password.0.as_bytes()).ok_or(Error::NoPassword)
    }
}

#[cfg(test)]
mod tests;
