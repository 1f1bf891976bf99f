//! Key files: Ed25519 keys as encrypted PKCS#8 PEM, one per agent.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chaos_types::AgentKey;

use crate::{
    clock,
    exit::{Failure, Kind, OrFail as _},
};

/// The environment variable that holds the password of the key files.
pub(crate) const PASSWORD_VARIABLE: &str = "CHAOSCHAIN_PASSWORD";

/// The folder of key files of a data directory.
pub(crate) struct Keys<'a> {
    folder: PathBuf,
    password: Option<&'a str>,
}

impl<'a> Keys<'a> {
    pub(crate) fn new(dir: &Path, password: Option<&'a str>) -> Self {
        Self { folder: dir.join("keys"), password }
    }

    /// Opens a key file with the password.
    pub(crate) fn open(&self, name: &str) -> Result<AgentKey, Failure> {
        let path = self.path(name);
        let pem = fs::read_to_string(&path)
            .with_context(|| format!("cannot read the key of `{name}` at {}", path.display()))
            .or_fail(Kind::Input)?;
        AgentKey::from_encrypted_pem(&pem, self.password()?.as_bytes())
            .with_context(|| format!("cannot open the key file {}", path.display()))
            .or_fail(Kind::Input)
            .map_err(|failure| failure.hint(format!("the password comes from {PASSWORD_VARIABLE}")))
    }

    /// Makes a key and its encrypted file. An existing file is never overwritten.
    pub(crate) fn create(&self, name: &str) -> Result<AgentKey, Failure> {
        let key = clock::random_key()?;
        let pem = key
            .to_encrypted_pem(self.password()?.as_bytes(), &clock::random()?, clock::random()?)
            .or_fail(Kind::Input)?;
        let path = self.path(name);
        fs::create_dir_all(&self.folder).or_fail(Kind::Storage)?;
        write_new(&path, pem.as_bytes())
            .with_context(|| format!("cannot write the key file {}", path.display()))
            .or_fail(Kind::Storage)?;
        Ok(key)
    }

    /// Puts the file of `successor` in the place of `name`'s, which is kept beside it.
    pub(crate) fn succeed(&self, name: &str, successor: &str) -> Result<(), Failure> {
        let retired = self.path(&format!("{name}.retired-{}", clock::now_ms()));
        fs::rename(self.path(name), retired).or_fail(Kind::Storage)?;
        fs::rename(self.path(successor), self.path(name)).or_fail(Kind::Storage)
    }

    /// Removes a key file that nothing refers to.
    pub(crate) fn discard(&self, name: &str) -> Result<(), Failure> {
        fs::remove_file(self.path(name)).or_fail(Kind::Storage)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pem"))
    }

    fn password(&self) -> Result<&str, Failure> {
        self.password.filter(|password| !password.is_empty()).ok_or_else(|| {
            Failure::message(Kind::Input, format!("{PASSWORD_VARIABLE} is not set"))
                .hint("key files are encrypted; set the variable to their password")
        })
    }
}

/// Writes a file that only its owner may read, and syncs it.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
