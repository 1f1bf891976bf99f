//! What a keystore file says, in the spellings that programs write it in, and what opening it may cost.

use alloy_primitives::{Address, B256};
use serde::Deserialize;
use serde_json::Value;

use super::{DERIVED_BYTES, KEY_BYTES};

/// The version that is opened here.
const VERSION: u64 = 3;
/// Most memory that scrypt may take, in MiB. Programs write files of 32 to 256.
const SCRYPT_MIB_MAX: u128 = 1 << 10;
/// Most memory that scrypt may fill, one pass after the other, in MiB.
const SCRYPT_FILLED_MIB_MAX: u128 = 4 << 10;
/// Most rounds of PBKDF2. Programs write files of 10,240 to 1,000,000.
const PBKDF2_ROUNDS_MAX: u32 = 10_000_000;
/// Longest salt, in bytes; real ones have 32.
const SALT_BYTES_MAX: usize = 1 << 10;
/// Bytes of the counter block that the cipher begins with.
const IV_BYTES: usize = 16;

/// Why a file is no keystore that is opened here.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not JSON of the form.
    #[error("it is no keystore")]
    Form(#[source] serde_json::Error),
    /// It is of another version, or made with something that is not known.
    #[error("expected {field} {expected}, found {found}")]
    Unknown {
        /// The field.
        field: &'static str,
        /// What is known.
        expected: &'static str,
        /// What the file says, shortened.
        found: String,
    },
    /// A field is not the hexadecimal bytes that it should be.
    #[error("expected {field} of {expected}, found {found}")]
    Bytes {
        /// The field.
        field: &'static str,
        /// How long it should be.
        expected: &'static str,
        /// What the file has.
        found: String,
    },
    /// A parameter has a value that it cannot have.
    #[error("expected {field} {expected}, found {found}")]
    Parameter {
        /// The parameter.
        field: &'static str,
        /// What it can be.
        expected: &'static str,
        /// What the file says.
        found: u64,
    },
    /// Opening it would cost more than is spent on a file.
    #[error("opening it takes {needed} {unit} by its {parameters}, the limit is {limit}")]
    Cost {
        /// How much.
        needed: u128,
        /// Of what.
        unit: &'static str,
        /// What of the file says so.
        parameters: &'static str,
        /// How much is spent.
        limit: u128,
    },
}

/// A keystore file, read and found to be affordable.
#[derive(Debug)]
pub(super) struct Keystore {
    /// Whose key it holds, where it says so.
    pub(super) address: Option<Address>,
    /// At most as long as a key, and not empty.
    pub(super) ciphertext: Vec<u8>,
    pub(super) iv: [u8; IV_BYTES],
    pub(super) mac: B256,
    pub(super) derivation: Derivation,
}

/// How the password becomes keys.
#[derive(Debug)]
pub(super) enum Derivation {
    Pbkdf2 { rounds: u32, salt: Vec<u8> },
    Scrypt { params: scrypt::Params, salt: Vec<u8> },
}

/// The file as it is written. The id is nobody's business, and some programs write none.
#[derive(Deserialize)]
struct Written {
    version: u64,
    address: Option<String>,
    #[serde(alias = "Crypto")]
    crypto: WrittenCrypto,
}

#[derive(Deserialize)]
struct WrittenCrypto {
    cipher: String,
    cipherparams: WrittenCipherParams,
    ciphertext: String,
    kdf: String,
    kdfparams: Value,
    mac: String,
}

#[derive(Deserialize)]
struct WrittenCipherParams {
    iv: String,
}

#[derive(Deserialize)]
struct WrittenScrypt {
    n: u64,
    r: u64,
    p: u64,
    dklen: u64,
    salt: String,
}

#[derive(Deserialize)]
struct WrittenPbkdf2 {
    c: u64,
    prf: String,
    dklen: u64,
    salt: String,
}

impl Keystore {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, FileError> {
        // A file of another version has another form: its version is what has to be said of it.
        if let Ok(value) = serde_json::from_slice::<Value>(bytes)
            && let Some(version) = value.get("version").filter(|it| **it != VERSION)
        {
            return Err(unknown("version", "3", &version.to_string()));
        }
        let Written { version, address, crypto } =
            serde_json::from_slice(bytes).map_err(FileError::Form)?;
        if version != VERSION {
            return Err(unknown("version", "3", &version.to_string()));
        }
        if crypto.cipher != "aes-128-ctr" {
            return Err(unknown("cipher", "aes-128-ctr", &crypto.cipher));
        }
        let derivation = match crypto.kdf.as_str() {
            "scrypt" => scrypt(serde_json::from_value(crypto.kdfparams).map_err(FileError::Form)?)?,
            "pbkdf2" => pbkdf2(serde_json::from_value(crypto.kdfparams).map_err(FileError::Form)?)?,
            other => return Err(unknown("kdf", "scrypt or pbkdf2", other)),
        };
        let address = match address.as_deref() {
            None | Some("") => None,
            Some(text) => Some(Address::from(array("address", "20 bytes", text)?)),
        };
        let ciphertext = bytes_of("ciphertext", "1 to 32 bytes", &crypto.ciphertext, |length| {
            (1..=KEY_BYTES).contains(&length)
        })?;
        let iv = array("iv", "16 bytes", &crypto.cipherparams.iv)?;
        let mac = B256::from(array("mac", "32 bytes", &crypto.mac)?);
        Ok(Self { address, ciphertext, iv, mac, derivation })
    }
}

/// The parameters of scrypt, within the limits. RFC 7914 says of n that it is below 2^(16 r); that is an
/// error in it (errata 5971), which the standard's own test vector shows.
fn scrypt(written: WrittenScrypt) -> Result<Derivation, FileError> {
    let WrittenScrypt { n, r, p, dklen, salt } = written;
    ensure_length(dklen)?;
    if !n.is_power_of_two() || n < 2 {
        return Err(parameter("n", "a power of two from 2 on", n));
    }
    let block = 128 * u128::from(r);
    let memory = block.saturating_mul(n.max(p).into());
    ensure_cost(memory, SCRYPT_MIB_MAX, "MiB of memory")?;
    let filled = block.saturating_mul(n.into()).saturating_mul(p.into());
    ensure_cost(filled, SCRYPT_FILLED_MIB_MAX, "MiB to be filled")?;
    let checked = |field, value: u64| {
        u32::try_from(value)
            .ok()
            .filter(|value| *value > 0)
            .ok_or_else(|| parameter(field, "from 1 on", value))
    };
    let (r, p) = (checked("r", r)?, checked("p", p)?);
    // At most 63, and no part of it is cut off.
    let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| parameter("n", "of 64 bits", n))?;
    let params =
        scrypt::Params::new(log_n, r, p).map_err(|_| parameter("p", "below 2^30 / r", p.into()))?;
    Ok(Derivation::Scrypt { params, salt: salt_of(&salt)? })
}

fn pbkdf2(written: WrittenPbkdf2) -> Result<Derivation, FileError> {
    let WrittenPbkdf2 { c, prf, dklen, salt } = written;
    ensure_length(dklen)?;
    if prf != "hmac-sha256" {
        return Err(unknown("prf", "hmac-sha256", &prf));
    }
    let rounds = u32::try_from(c).ok().filter(|rounds| *rounds <= PBKDF2_ROUNDS_MAX);
    let rounds = rounds.ok_or(FileError::Cost {
        needed: c.into(),
        unit: "rounds",
        parameters: "pbkdf2 parameter c",
        limit: PBKDF2_ROUNDS_MAX.into(),
    })?;
    if rounds == 0 {
        return Err(parameter("c", "from 1 on", c));
    }
    Ok(Derivation::Pbkdf2 { rounds, salt: salt_of(&salt)? })
}

fn ensure_cost(bytes: u128, limit: u128, unit: &'static str) -> Result<(), FileError> {
    let needed = bytes.div_ceil(1 << 20);
    if needed <= limit {
        return Ok(());
    }
    let parameters = "scrypt parameters n, r and p";
    Err(FileError::Cost { needed, unit, parameters, limit })
}

/// Both ways give the same first bytes however many are asked for, and only those are used.
fn ensure_length(dklen: u64) -> Result<(), FileError> {
    if dklen < DERIVED_BYTES as u64 {
        return Err(parameter("dklen", "from 32 on", dklen));
    }
    Ok(())
}

fn salt_of(text: &str) -> Result<Vec<u8>, FileError> {
    bytes_of("salt", "at most 1024 bytes", text, |length| length <= SALT_BYTES_MAX)
}

fn array<const N: usize>(
    field: &'static str,
    expected: &'static str,
    text: &str,
) -> Result<[u8; N], FileError> {
    let bytes = bytes_of(field, expected, text, |length| length == N)?;
    let mut array = [0; N];
    array.copy_from_slice(&bytes);
    Ok(array)
}

fn bytes_of(
    field: &'static str,
    expected: &'static str,
    text: &str,
    fits: impl Fn(usize) -> bool,
) -> Result<Vec<u8>, FileError> {
    let found = |found| FileError::Bytes { field, expected, found };
    let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text))
        .map_err(|_| found("something else than hex digits".to_owned()))?;
    if fits(bytes.len()) { Ok(bytes) } else { Err(found(format!("{} bytes", bytes.len()))) }
}

fn unknown(field: &'static str, expected: &'static str, found: &str) -> FileError {
    FileError::Unknown { field, expected, found: crate::error::shorten(found) }
}

const fn parameter(field: &'static str, expected: &'static str, found: u64) -> FileError {
    FileError::Parameter { field, expected, found }
}
