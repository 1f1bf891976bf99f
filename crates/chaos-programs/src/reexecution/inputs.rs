//! Folders in which inputs are looked up by digest.

use std::{
    cell::OnceCell,
    fs,
    path::{Path, PathBuf},
};

use chaos_agency::receipt;
use chaos_evm::ReplayInput;
use chaos_history::Columns;
use chaos_types::{Digest, Rejection};
use chaos_verify::Fault;

use super::reject;
use crate::{
    Error, Progress, blocks,
    error::chain,
    history::{self, ReadHistory},
};

/// A file larger than this is no input of a component, in bytes: 64 MiB.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Folders in which inputs are looked up by digest.
#[derive(Debug)]
pub struct Inputs {
    folders: Vec<PathBuf>,
    recorded: OnceCell<Recorded>,
}

/// What was read from the folders.
#[derive(Debug, Default)]
struct Recorded {
    blocks: Vec<ReplayInput>,
    /// Why a folder was passed over.
    unread: Vec<Error>,
}

impl Inputs {
    /// The folders, which are read when the first input is looked up.
    #[must_use]
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders, recorded: OnceCell::new() }
    }

    /// Every recorded block in the folders.
    fn recorded(&self, progress: &dyn Progress) -> &Recorded {
        self.recorded.get_or_init(|| {
            let mut recorded = Recorded::default();
            for folder in &self.folders {
                match blocks::load_folder(folder, None, progress) {
                    Ok(loaded) => recorded
                        .blocks
                        .extend(loaded.chains.into_iter().flat_map(|chain| chain.inputs)),
                    Err(failure) => recorded.unread.push(failure),
                }
            }
            recorded
        })
    }

    /// The recorded block with this digest.
    pub(super) fn block(
        &self,
        named: &receipt::Input,
        progress: &dyn Progress,
    ) -> Result<ReplayInput, Rejection> {
        let recorded = self.recorded(progress);
        recorded
            .blocks
            .iter()
            .find(|input| input.digest() == named.digest)
            .cloned()
            .ok_or_else(|| self.missing(named, &recorded.unread))
    }

    /// The fee history whose rows have this digest. Receipts of earlier releases name the bytes of the
    /// file instead, which is the same for a plain file as exports write it.
    pub(super) fn fee_history(&self, named: &receipt::Input) -> Result<ReadHistory, Rejection> {
        let mut unread = Vec::new();
        let files = self.folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
        for path in files.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            let name =
                path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if ![".csv", ".csv.gz", ".parquet"].iter().any(|end| name.ends_with(end)) {
                continue;
            }
            match history::read(&path, &Columns::default()) {
                Ok(history) if history.digest() == named.digest => return Ok(history),
                Ok(history) if is_file(&path, &named.digest) => {
                    return Ok(history.named(named.digest));
                }
                Ok(_) => {}
                Err(failure) => unread.push(failure),
            }
        }
        Err(self.missing(named, &unread))
    }

    /// The bytes of the file in the folders that has this digest.
    pub(super) fn file(&self, named: &receipt::Input) -> Result<Vec<u8>, Rejection> {
        let files = self.folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
        for path in files.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            let small = fs::metadata(&path)
                .is_ok_and(|file| file.is_file() && file.len() <= FILE_BYTES_MAX);
            if !small {
                continue;
            }
            match fs::read(&path) {
                Ok(bytes) if Digest::of(&bytes) == named.digest => return Ok(bytes),
                Ok(_) | Err(_) => {}
            }
        }
        Err(self.missing(named, &[]))
    }

    /// A file that cannot be read may be the one that is missing, so it is named first.
    fn missing(&self, named: &receipt::Input, unread: &[Error]) -> Rejection {
        let folders: Vec<_> = self.folders.iter().map(|f| f.display().to_string()).collect();
        let mut reason = String::new();
        for failure in unread {
            reason.push_str(&format!("passed over: {}; ", chain(failure)));
        }
        reason.push_str(&format!(
            "input `{}` ({}) is neither in the bundle nor {}in {}; name its folder with --inputs",
            named.name,
            named.digest,
            if unread.is_empty() { "" } else { "among what could be read " },
            if folders.is_empty() { "any folder".to_owned() } else { folders.join(", ") }
        ));
        reject(Fault::InputMissing, reason)
    }
}

/// Whether the bytes of a file have this digest.
fn is_file(path: &Path, digest: &Digest) -> bool {
    crate::files::read(path).is_ok_and(|bytes| Digest::of(&bytes) == *digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fee_history_is_found_by_its_rows_and_by_the_bytes_that_receipts_of_before_name() {
        let dir = tempfile::TempDir::new().unwrap();
        let canonical = "number,timestamp,gas_used,gas_limit,base_fee_wei\n5,60,0,30000000,7\n";
        let spelled = canonical.replace('\n', "\r\n");
        fs::write(dir.path().join("fees.csv"), &spelled).unwrap();
        let inputs = Inputs::new(vec![dir.path().to_owned()]);
        let find =
            |digest| inputs.fee_history(&receipt::Input { name: "fee-history".to_owned(), digest });
        for bytes in [canonical, &spelled] {
            // It is named as the receipt names it, so that a result which says so repeats.
            let digest = Digest::of(bytes.as_bytes());
            assert_eq!(find(digest).unwrap().digest(), digest);
        }
        let missing = find(Digest::of(b"other")).unwrap_err().to_string();
        assert!(missing.contains("fee-history"), "{missing}");
    }
}
