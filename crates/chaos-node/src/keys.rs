//! Key files: Ed25519 keys as encrypted PKCS#8 PEM, one per agent.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chaos_types::AgentKey;
use zeroize::Zeroizing;

use crate::{
    clock,
    exit::{Failure, Kind, OrFail as _},
    files::{sync_folder, write_whole},
};

/// The environment variable that holds the password of the key files.
pub(crate) const PASSWORD_VARIABLE: &str = "CHAOSCHAIN_PASSWORD";

/// The password of the key files and the vault.
pub(crate) fn password() -> Result<Zeroizing<String>, Failure> {
    let found = std::env::var(PASSWORD_VARIABLE).ok().filter(|password| !password.is_empty());
    found.map(Zeroizing::new).ok_or_else(no_password)
}

fn no_password() -> Failure {
    Failure::message(Kind::Input, format!("{PASSWORD_VARIABLE} is not set"))
        .hint("key files are encrypted; set the variable to their password")
}

/// The folder of key files of a data directory. Whoever uses it holds the directory's lock.
pub(crate) struct Keys<'a> {
    folder: PathBuf,
    password: Option<&'a str>,
}

/// The file in which a rotation keeps `name`'s next key until the log knows it.
pub(crate) fn successor_of(name: &str) -> String {
    format!("{name}.next")
}

impl<'a> Keys<'a> {
    pub(crate) fn new(dir: &Path, password: Option<&'a str>) -> Self {
        Self { folder: dir.join("keys"), password }
    }

    /// Whether there is a key file.
    pub(crate) fn has(&self, name: &str) -> Result<bool, Failure> {
        self.path(name)?.try_exists().or_fail(Kind::Storage)
    }

    /// Opens a key file with the password.
    pub(crate) fn open(&self, name: &str) -> Result<AgentKey, Failure> {
        let path = self.path(name)?;
        let pem = fs::read_to_string(&path)
            .with_context(|| format!("cannot read the key of `{name}` at {}", path.display()))
            .or_fail(Kind::Input)?;
        AgentKey::from_encrypted_pem(&pem, self.password()?.as_bytes())
            .with_context(|| format!("cannot open the key file {}", path.display()))
            .or_fail(Kind::Input)
            .map_err(|failure| failure.hint(format!("the password comes from {PASSWORD_VARIABLE}")))
    }

    /// Takes up the key file that an interrupted command left, or makes a key and its file. A file
    /// is never overwritten; the caller sees to it that nobody uses the key yet.
    pub(crate) fn open_or_create(&self, name: &str) -> Result<AgentKey, Failure> {
        if self.has(name)? { self.open(name) } else { self.create(name) }
    }

    /// Makes a key and its encrypted file.
    fn create(&self, name: &str) -> Result<AgentKey, Failure> {
        let key = clock::random_key()?;
        let pem = key
            .to_encrypted_pem(self.password()?.as_bytes(), &clock::random()?, clock::random()?)
            .or_fail(Kind::Input)?;
        let path = self.path(name)?;
        fs::create_dir_all(&self.folder).or_fail(Kind::Storage)?;
        write_whole(&path, pem.as_bytes())
            .with_context(|| format!("cannot write the key file {}", path.display()))
            .or_fail(Kind::Storage)?;
        Ok(key)
    }

    /// Puts the successor's file in the place of `name`'s, which is kept beside it. A kill between
    /// the two steps leaves the successor's file alone, and calling this again ends the work.
    pub(crate) fn succeed(&self, name: &str) -> Result<(), Failure> {
        let (current, successor) = (self.path(name)?, self.path(&successor_of(name))?);
        if self.has(name)? {
            let retired = self.path(&format!("{name}.retired-{}", clock::now_ms()))?;
            fs::rename(&current, retired).or_fail(Kind::Storage)?;
        }
        fs::rename(successor, &current)
            .and_then(|()| sync_folder(&self.folder))
            .or_fail(Kind::Storage)
    }

    /// The file of a name, which can never be one outside the folder.
    fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        let harmless = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(harmless) {
            return Err(Failure::message(
                Kind::Input,
                format!("`{}` cannot name a key file", name.escape_debug()),
            ));
        }
        Ok(self.folder.join(format!("{name}.pem")))
    }

    fn password(&self) -> Result<&str, Failure> {
        self.password.filter(|password| !password.is_empty()).ok_or_else(no_password)
    }
}

#[cfg(test)]
mod tests;
