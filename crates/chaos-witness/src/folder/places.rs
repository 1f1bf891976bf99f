//! Where what is remembered lies, in the witness's folder and elsewhere.

use std::path::{Path, PathBuf};

use chaos_log::WitnessVerifier;
use sha2::{Digest as _, Sha256};

/// The ending of the file elsewhere that has the keys of a log.
const KEYS: &str = ".keys";

/// Where a witness remembers within a folder of memories.
pub(super) fn within(elsewhere: &Path, witness: &WitnessVerifier) -> PathBuf {
    elsewhere.join(format!("witness-{}", hex::encode(Sha256::digest(witness.to_string()))))
}

/// The checkpoint of a log in a witness's folder.
pub(super) fn checkpoint(folder: &Path, hash: &str) -> PathBuf {
    folder.join("logs").join(hash).join("checkpoint")
}

/// The keys of a log in a witness's folder.
pub(super) fn keys(folder: &Path, hash: &str) -> PathBuf {
    folder.join("logs").join(hash).join("keys")
}

/// The keys of a log among a witness's memories elsewhere.
pub(super) fn keys_elsewhere(memories: &Path, hash: &str) -> PathBuf {
    memories.join(format!("{hash}{KEYS}"))
}

/// The other place of what a witness remembers in this file, whether there is something or not. None for a file that
/// is no memory.
#[must_use]
pub fn twin(
    file: &Path,
    folder: &Path,
    elsewhere: &Path,
    witness: &WitnessVerifier,
) -> Option<PathBuf> {
    let memories = within(elsewhere, witness);
    let (above, name) = (file.parent()?, file.file_name()?.to_str()?);
    if above == memories {
        return Some(match name.strip_suffix(KEYS) {
            Some(hash) => keys(folder, hash),
            None => checkpoint(folder, name),
        });
    }
    let hash = above.file_name()?.to_str()?;
    if file == checkpoint(folder, hash) {
        Some(memories.join(hash))
    } else if file == keys(folder, hash) {
        Some(keys_elsewhere(&memories, hash))
    } else {
        None
    }
}
