//! One bit, anywhere in the files of a data directory: it is found, or it changes nothing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chaos_ledger::{Heads, Ledger};
use chaos_store::{Blobs as _, Records as _};
use tempfile::TempDir;

use crate::{SYSTEM, copy, open, registration};

/// What a reader learns from a data directory.
#[derive(Debug, PartialEq, Eq)]
struct Picture {
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    checkpoints: Vec<Option<String>>,
    policy: Option<String>,
    operator: String,
    blob: Vec<u8>,
}

const BLOB: &[u8] = b"what a receipt names";

const POLICY: &[u8] = b"# asks nobody\nquorum none\n";

/// A data directory with entries, rows, two signed heads, a policy and a blob, and the memory of the
/// heads beside it.
fn written() -> TempDir {
    let dir = TempDir::new().unwrap();
    let heads = Heads::new(dir.path().join("heads"));
    let mut ledger = open(&dir.path().join("data"));
    ledger.set_policy(POLICY).unwrap();
    ledger.put_blob(BLOB).unwrap();
    for numbers in [0..3, 3..5, 5..6] {
        let group: Vec<_> = numbers.map(|number| registration(ledger.operator(), number)).collect();
        ledger.append_group(&group, SYSTEM.now_ms()).unwrap();
        if ledger.size() < 7 {
            ledger.checkpoint(&heads).unwrap();
        }
    }
    dir
}

/// What is read where every check holds; otherwise what was found.
fn look(data: &Path) -> Result<Picture, String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let ledger = Ledger::read(data, SYSTEM).map_err(|error| told(&error))?;
    let store = ledger.store();
    store.check().map_err(|error| told(&error))?;
    store.check_blobs().map_err(|error| told(&error))?;
    ledger.check_heads().map_err(|error| told(&error))?;
    let compared = ledger.compare().map_err(|error| told(&error))?;
    if !compared.agrees() {
        return Err("rows differ".to_owned());
    }
    let entries = store.entries(0..u64::MAX).map_err(|error| told(&error))?;
    let checkpoint = |size| {
        let kept = store.checkpoint_at(size).map_err(|error| told(&error))?;
        Ok(kept.map(|kept| kept.to_string()))
    };
    Ok(Picture {
        entries: entries.into_iter().map(|entry| (entry.leaf, entry.record)).collect(),
        rows: store.rows(b"".as_slice()..b"\xff", usize::MAX).map_err(|error| told(&error))?,
        checkpoints: (0..8).map(checkpoint).collect::<Result<_, String>>()?,
        policy: ledger.policy().map_err(|error| told(&error))?.map(|policy| policy.quorum()),
        operator: ledger.operator().to_string(),
        blob: store.blobs().get(&chaos_types::Digest::of(BLOB)).map_err(|error| told(&error))?,
    })
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Flips one bit of each of about `count` bytes of a file, one at a time; `holds` says whether what is
/// seen then is right. Returns how many were noticed.
fn flip(file: &Path, count: usize, mut holds: impl FnMut(usize) -> bool) -> usize {
    let whole = fs::read(file).unwrap();
    let mut noticed = 0;
    // A step without a common factor with the pages of the database.
    let step = (whole.len() / count).max(1) | 1;
    for at in (0..whole.len()).step_by(step) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(file, bytes).unwrap();
        noticed += usize::from(holds(at));
    }
    fs::write(file, whole).unwrap();
    noticed
}

#[test]
fn a_flipped_bit_in_the_database_or_a_blob_is_found_or_changes_nothing() {
    let dir = written();
    let data = dir.path().join("data");
    let right = look(&data).unwrap();
    assert_eq!(right.checkpoints.iter().flatten().count(), 2);
    let mut seen = Vec::new();
    for file in files(&data) {
        let name = file.strip_prefix(&data).unwrap().display().to_string();
        if name.starts_with("keys") {
            continue;
        }
        let noticed = flip(&file, 1_000, |at| match look(&data) {
            Err(_) => true,
            Ok(found) => {
                assert_eq!(found, right, "byte {at} of {name}");
                false
            }
        });
        seen.push((name, noticed));
        assert_eq!(look(&data).unwrap(), right);
    }
    let noticed =
        |of: &str| seen.iter().filter(|(name, _)| name.starts_with(of)).map(|(_, n)| n).sum();
    let (database, blobs): (usize, usize) = (noticed("chaoschain.sqlite"), noticed("blobs"));
    assert!(database > 100 && blobs == BLOB.len(), "{seen:?}");
}

#[test]
fn a_flipped_bit_in_the_memory_of_heads_signs_nothing() {
    let dir = written();
    let (data, memory) = (dir.path().join("data"), dir.path().join("heads"));
    let mut ledger = open(&data);
    let heads = Heads::new(&memory);
    let note = heads.file(&ledger.verifier().unwrap());
    let noticed = flip(&note, 12, |at| {
        let signed = ledger.checkpoint(&heads);
        assert!(signed.is_err(), "byte {at} of the note");
        true
    });
    assert!(noticed >= 12, "{noticed}");
    ledger.checkpoint(&heads).unwrap();
}

#[test]
fn a_flipped_bit_in_a_key_file_opens_no_other_key() {
    let dir = written();
    let data = dir.path().join("data");
    let copied = dir.path().join("copied");
    copy(&data, &copied);
    let mut ledger = open(&copied);
    let heads = Heads::new(dir.path().join("heads"));
    let right = ledger.checkpoint(&heads).unwrap();
    let noticed =
        flip(&copied.join("keys/operator.pem"), 24, |at| match ledger.checkpoint(&heads) {
            Err(_) => true,
            Ok(signed) => {
                assert_eq!(signed, right, "byte {at} of the key file");
                false
            }
        });
    assert!(noticed > 12, "{noticed}");
}
