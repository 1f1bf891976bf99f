use std::{
    fs,
    path::{Path, PathBuf},
};

use chaos_files::Readers;
use chaos_types::Did;
use serde::{Deserialize, Serialize};

use super::Error;

/// The file is at most this long, in bytes.
const ADDRESS_BYTES_MAX: usize = 4096;

/// The file that says where the server of a data directory listens, written while it runs.
pub(super) struct AddressFile(PathBuf);

/// Where a server listens, and the key that it must show.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Address {
    pub(super) address: String,
    pub(super) broker: Did,
}

impl AddressFile {
    fn path(dir: &Path) -> PathBuf {
        dir.join("broker.json")
    }

    pub(super) fn write(dir: &Path, address: &Address) -> Result<Self, Error> {
        let path = Self::path(dir);
        let text = serde_json::to_vec(address).expect("two texts have a JSON form");
        chaos_files::write_synced(&path, Readers::Owner, &text).map_err(Error::AddressFile)?;
        Ok(Self(path))
    }

    /// A file that stays behind does no harm: the lock says whether a server runs.
    pub(super) fn remove(self) {
        let _gone = fs::remove_file(self.0);
    }

    /// The address, if there is a file that can be read.
    pub(super) fn read(dir: &Path) -> Option<Address> {
        let bytes = chaos_files::read(&Self::path(dir), ADDRESS_BYTES_MAX).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}
