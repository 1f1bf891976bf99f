//! The cache folder: `<dir>/eip155-<chain>/fetched/<n>.json` and `<dir>/eip155-<chain>/code/<hash>`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use chaos_files::{Part, Readers};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::CacheError;

/// Largest block file that is read, in bytes.
const BLOCK_FILE_BYTES_MAX: u64 = 512 << 20;
/// Largest code file that is read, in bytes; EIP-170 allows 24 KiB, some chains a little more.
const CODE_FILE_BYTES_MAX: u64 = 1 << 20;

/// Everything fetched for one block, in the form of recorded blocks. `absent` is ours: accounts that
/// were looked up and do not exist.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct BlockFile {
    #[serde(skip)]
    pub(super) number: u64,
    pub(super) block: Value,
    pub(super) pre_state: BTreeMap<Address, AccountEntry>,
    pub(super) block_hashes: BTreeMap<u64, B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) receipts: Option<Value>,
    #[serde(default)]
    pub(super) absent: BTreeSet<Address>,
}

/// One account at the start of the block.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountEntry {
    pub(super) balance: U256,
    pub(super) nonce: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code_hash: Option<B256>,
    pub(super) storage: BTreeMap<U256, U256>,
}

impl BlockFile {
    pub(super) fn new(number: u64, block: Value, receipts: Option<Value>) -> Self {
        Self {
            number,
            block,
            pre_state: BTreeMap::new(),
            block_hashes: BTreeMap::new(),
            receipts,
            absent: BTreeSet::new(),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Cache {
    blocks: PathBuf,
    code: PathBuf,
}

impl Cache {
    pub(super) fn open(dir: &Path, chain_number: u64) -> Result<Self, CacheError> {
        let dir = dir.join(format!("eip155-{chain_number}"));
        let cache = Self { blocks: dir.join("fetched"), code: dir.join("code") };
        for dir in [&cache.blocks, &cache.code] {
            fs::create_dir_all(dir).map_err(at(dir))?;
        }
        Ok(cache)
    }

    pub(super) fn load(&self, number: u64) -> Result<Option<BlockFile>, CacheError> {
        let path = self.blocks.join(format!("{number}.json"));
        let Some(bytes) = read(&path, BLOCK_FILE_BYTES_MAX)? else { return Ok(None) };
        let mut file: BlockFile = serde_json::from_slice(&bytes)
            .map_err(|source| CacheError::Broken { path: path.clone(), source })?;
        file.number = number;
        Ok(Some(file))
    }

    pub(super) fn store(&self, file: &BlockFile) -> Result<(), CacheError> {
        let path = self.blocks.join(format!("{}.json", file.number));
        let bytes = serde_json::to_vec(file)
            .map_err(|source| CacheError::Broken { path: path.clone(), source })?;
        write(&self.blocks, &path, &bytes)
    }

    /// The codes of all accounts in a file. An account whose code file is gone is dropped from the
    /// file, so that it is fetched again.
    pub(super) fn load_codes(
        &self,
        file: &mut BlockFile,
    ) -> Result<BTreeMap<B256, Bytes>, CacheError> {
        let mut codes = BTreeMap::new();
        let mut lost = Vec::new();
        for (address, account) in &file.pre_state {
            let Some(hash) = account.code_hash.filter(|hash| !codes.contains_key(hash)) else {
                continue;
            };
            let path = self.code.join(format!("{hash:x}"));
            match read(&path, CODE_FILE_BYTES_MAX)? {
                Some(bytes) if keccak256(&bytes) == hash => {
                    codes.insert(hash, bytes.into());
                }
                Some(_) => return Err(CacheError::CodeHash { path }),
                None => lost.push(*address),
            }
        }
        for address in lost {
            file.pre_state.remove(&address);
        }
        Ok(codes)
    }

    pub(super) fn store_code(&self, hash: B256, code: &[u8]) -> Result<(), CacheError> {
        let path = self.code.join(format!("{hash:x}"));
        if path.exists() { Ok(()) } else { write(&self.code, &path, code) }
    }
}

fn read(path: &Path, max: u64) -> Result<Option<Vec<u8>>, CacheError> {
    let found = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(CacheError::Io { path: path.to_owned(), source }),
    };
    if found > max {
        return Err(CacheError::TooLarge { path: path.to_owned(), found, max });
    }
    fs::read(path).map(Some).map_err(at(path))
}

/// Several processes may fetch into one cache, and what is lost can be fetched again.
fn write(dir: &Path, path: &Path, bytes: &[u8]) -> Result<(), CacheError> {
    let mut part = Part::within(dir, path, Readers::Everyone).map_err(at(dir))?;
    part.write_all(bytes).and_then(|()| part.publish_unsynced()).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> CacheError {
    let path = path.to_owned();
    move |source| CacheError::Io { path, source }
}
