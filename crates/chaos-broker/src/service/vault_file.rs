use std::path::{Path, PathBuf};

use chaos_files::Readers;
use chaos_ledger::System;
use zeroize::Zeroizing;

use super::Error;
use crate::{
    Random, Refusal, SecretId,
    system::source,
    vault::{Passphrase, Secret, VAULT_BYTES_MAX, Vault},
};

/// Takes over the bytes of a secret.
pub(super) fn secret_of(mut bytes: Zeroizing<Vec<u8>>) -> Result<Secret, Refusal> {
    Secret::new(std::mem::take(&mut *bytes))
}

/// The vault beside the log, with its file.
pub(super) struct VaultFile {
    path: PathBuf,
    vault: Vault,
    system: System,
}

impl VaultFile {
    /// Opens the vault of a data directory, or makes an empty one.
    pub(super) fn open(dir: &Path, password: Secret, system: System) -> Result<Self, Error> {
        let path = dir.join("vault.json");
        let passphrase = Passphrase::new(password);
        let vault = if path.try_exists().map_err(Error::FindVault)? {
            let bytes = chaos_files::read(&path, VAULT_BYTES_MAX).map_err(Error::ReadVault)?;
            Vault::from_bytes(&bytes, &passphrase)
                .map_err(|source| Error::OpenVault { path: path.clone(), source })?
        } else {
            Vault::create(&passphrase, &mut source(system)).map_err(Error::SealVault)?
        };
        Ok(Self { path, vault, system })
    }

    pub(super) const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Changes the vault, and its file before anybody is told.
    pub(super) fn change<T>(
        &mut self,
        how: impl FnOnce(&mut Vault, Random<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Error> {
        let mut random = source(self.system);
        let changed = how(&mut self.vault, &mut random)?;
        let bytes = self.vault.to_bytes(&mut random).map_err(Error::SealVault)?;
        chaos_files::write_synced(&self.path, Readers::Owner, &bytes)
            .map_err(|source| Error::WriteVault { path: self.path.clone(), source })?;
        Ok(changed)
    }

    /// Whether the vault has such a secret that was not dropped.
    pub(super) fn has(&self, secret: &SecretId) -> bool {
        self.vault.index().any(|listed| listed.secret == secret && !listed.revoked)
    }
}
