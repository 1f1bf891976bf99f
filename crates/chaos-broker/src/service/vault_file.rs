//! The vault's file.

use std::path::{Path, PathBuf};

use chaos_attestation::Refusal;
use chaos_broker::{
    SecretId,
    vault::{Passphrase, Secret, VAULT_BYTES_MAX, Vault},
};

use zeroize::Zeroizing;

use crate::{
    clock,
    exit::{Failure, Kind, OrFail as _},
};

/// Takes the bytes of a secret over.
pub(super) fn secret_of(mut bytes: Zeroizing<Vec<u8>>) -> Result<Secret, Refusal> {
    Secret::new(std::mem::take(&mut *bytes))
}

/// The vault beside the log, opened with the password of the key files.
pub(super) struct Safe {
    path: PathBuf,
    vault: Vault,
}

impl Safe {
    /// Opens the vault, or makes an empty one.
    pub(super) fn open(dir: &Path, password: &str) -> Result<Self, Failure> {
        let path = dir.join("vault.json");
        let source =
            Passphrase::new(Secret::new(password.as_bytes().to_vec()).or_fail(Kind::Input)?);
        if path.try_exists().or_fail(Kind::Storage)? {
            let bytes = chaos_files::read(&path, VAULT_BYTES_MAX)?;
            let vault =
                Vault::from_bytes(&bytes, &source).or_fail(Kind::Storage).map_err(|failure| {
                    failure.context(format!("cannot open the vault {}", path.display()))
                })?;
            return Ok(Self { path, vault });
        }
        let vault = Vault::create(&source, &mut clock::fill).or_fail(Kind::Storage)?;
        Ok(Self { path, vault })
    }

    pub(super) const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Changes the vault, and its file before anybody is told.
    pub(super) fn change<T>(
        &mut self,
        how: impl FnOnce(&mut Vault, chaos_broker::Random<'_>) -> Result<T, Refusal>,
    ) -> Result<Result<T, Refusal>, Failure> {
        let changed = how(&mut self.vault, &mut clock::fill);
        if changed.is_ok() {
            let bytes = self.vault.to_bytes(&mut clock::fill).or_fail(Kind::Storage)?;
            chaos_files::write_synced(&self.path, chaos_files::Readers::Owner, &bytes)
                .or_fail(Kind::Storage)
                .map_err(|failure| {
                    failure.context(format!("cannot write the vault {}", self.path.display()))
                })?;
        }
        Ok(changed)
    }

    /// Whether the vault has such a secret that was not dropped.
    pub(super) fn has(&self, secret: &SecretId) -> bool {
        self.vault.index().any(|listed| listed.secret == secret && !listed.revoked)
    }
}
