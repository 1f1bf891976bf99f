use std::{fs, path::Path};

use chaos_files::{Readers, write_synced};
use chaos_log::{ForkProof, SignedCheckpoint, VerifierKey};
use sha2::{Digest as _, Sha256};

/// How many refused notes, and how many fork proofs, of one log are kept.
pub const EVIDENCE_MAX: usize = 64;

/// Keeps what the refusal of a note that the log signed leaves: the proof of the fork where one
/// follows from the two notes alone, and otherwise the note, which whoever has the log's tiles can
/// hold against them. Notes are no proof, and anybody can send honest ones with a wrong proof of
/// consistency, so that they and the fork proofs are counted apart.
///
/// What cannot be written is not kept: that must not keep the witness from refusing.
pub(crate) fn keep(
    folder: &Path,
    keys: &[VerifierKey],
    refused: &SignedCheckpoint,
    last: Option<&SignedCheckpoint>,
) {
    let fork = last.and_then(|last| {
        keys.iter()
            .find_map(|key| ForkProof::of_roots(key.clone(), last.clone(), refused.clone()).ok())
    });
    match fork {
        Some(fork) => {
            // Other lines below the notes make no second file.
            let notes = [fork.first(), fork.second()].map(|note| note.claimed().to_string());
            write(folder, &notes.concat(), "fork", &fork.to_string());
        }
        None => write(folder, &refused.claimed().to_string(), "note", &refused.to_string()),
    }
}

fn write(folder: &Path, signed: &str, ending: &str, text: &str) {
    let name = format!("{}.{ending}", hex::encode(Sha256::digest(signed)));
    if fs::create_dir_all(folder).is_err() || folder.join(&name).exists() {
        return;
    }
    let of_ending =
        |entry: &fs::DirEntry| entry.path().extension().is_some_and(|found| found == ending);
    let held = fs::read_dir(folder)
        .map_or(EVIDENCE_MAX, |entries| entries.filter_map(Result::ok).filter(of_ending).count());
    if held < EVIDENCE_MAX {
        let _ = write_synced(&folder.join(name), Readers::Everyone, text.as_bytes());
    }
}
