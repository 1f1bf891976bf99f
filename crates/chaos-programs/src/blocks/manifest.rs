//! What the manifest of a recorded folder says of its files.

use std::{collections::BTreeMap, fs, path::Path};

use chaos_evm::recorded::{FORMAT, plain};
use chaos_types::Digest;
use serde::Deserialize;
use serde_json::Value;

use super::folder::FolderError;

/// Its name in the folder.
const NAME: &str = "manifest.json";
/// The fee history's name in the folder.
const FEES: &str = "fee-history.csv";

/// A folder's manifest, held to what the folder has.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The digest of each block's content, and whether the block was found.
    blocks: BTreeMap<u64, (String, bool)>,
    codes: Option<String>,
    fees: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    format: String,
    #[serde(default)]
    blocks: Vec<Row>,
    bytecodes: Option<Named>,
    fee_history: Option<Named>,
}

#[derive(Deserialize)]
struct Row {
    number: u64,
    digest: String,
}

#[derive(Deserialize)]
struct Named {
    digest: String,
}

impl Manifest {
    /// The manifest of a folder, if it has one.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, FolderError> {
        let path = folder.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FolderError::ManifestRead { path, source }),
        };
        let wire: Wire = match serde_json::from_slice(&bytes) {
            Ok(wire) => wire,
            Err(source) => return Err(FolderError::Manifest { path, source }),
        };
        if wire.format != FORMAT {
            return Err(FolderError::Format { path, found: wire.format });
        }
        let mut blocks = BTreeMap::new();
        for Row { number, digest } in wire.blocks {
            if blocks.insert(number, (digest, false)).is_some() {
                return Err(FolderError::RowTwice { path, number });
            }
        }
        let digest = |named: Option<Named>| named.map(|named| named.digest);
        Ok(Some(Self { blocks, codes: digest(wire.bytecodes), fees: digest(wire.fee_history) }))
    }

    /// Holds a block's file to its row.
    pub(super) fn hold_block(
        &mut self,
        path: &Path,
        number: u64,
        content: &[u8],
    ) -> Result<(), FolderError> {
        let Some((expected, is_found)) = self.blocks.get_mut(&number) else {
            return Err(FolderError::Added { path: path.to_owned(), number });
        };
        *is_found = true;
        let found = Digest::of(content).to_string();
        if found == *expected || respelled(content).as_ref() == Some(expected) {
            return Ok(());
        }
        Err(FolderError::Changed { path: path.to_owned(), expected: expected.clone(), found })
    }

    /// Holds the codes' file to what the manifest says of it.
    pub(super) fn hold_codes(&self, path: &Path, content: &[u8]) -> Result<(), FolderError> {
        hold(path, content, self.codes.as_ref())
    }

    /// Refuses a folder that lacks what the manifest names, and a fee history that is another.
    pub(super) fn ensure_whole(&self, folder: &Path) -> Result<(), FolderError> {
        if let Some((number, _)) = self.blocks.iter().find(|(_, (_, is_found))| !is_found) {
            let path = folder.join("blocks").join(format!("{number}.json.gz"));
            return Err(FolderError::Missing { path });
        }
        let path = folder.join(FEES);
        let zipped = folder.join(format!("{FEES}.gz"));
        let path = if !path.exists() && zipped.exists() { zipped } else { path };
        match fs::read(&path).map(plain) {
            Ok(Ok(content)) => hold(&path, &content, self.fees.as_ref()),
            Ok(Err(source)) => Err(FolderError::Plain { path, source }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match self.fees {
                Some(_) => Err(FolderError::Missing { path }),
                None => Ok(()),
            },
            Err(source) => Err(FolderError::ManifestRead { path, source }),
        }
    }
}

fn hold(path: &Path, content: &[u8], expected: Option<&String>) -> Result<(), FolderError> {
    let found = Digest::of(content).to_string();
    match expected {
        Some(expected) if *expected == found => Ok(()),
        Some(expected) => {
            Err(FolderError::Changed { path: path.to_owned(), expected: expected.clone(), found })
        }
        None => Err(FolderError::Unnamed { path: path.to_owned() }),
    }
}

/// The digest of a block's content in the spelling that `export` writes: without white space, and with
/// the type that a legacy transaction may leave out. A file that only another program's JSON writer went
/// through is still the one that the manifest names.
fn respelled(content: &[u8]) -> Option<String> {
    let mut value: Value = serde_json::from_slice(content).ok()?;
    let transactions = value.pointer_mut("/block/transactions").and_then(Value::as_array_mut);
    for transaction in transactions.into_iter().flatten() {
        let Some(fields) = transaction.as_object_mut() else { continue };
        if !fields.contains_key("type") && fields.contains_key("gasPrice") {
            let rest = std::mem::take(fields);
            fields.insert("type".to_owned(), "0x0".into());
            fields.extend(rest);
        }
    }
    Some(Digest::of(&serde_json::to_vec(&value).ok()?).to_string())
}
