//! Keys that sign transactions: loaded from the environment or from an encrypted keystore, or kept by a
//! remote signer that is asked.

#[cfg(feature = "keystore")]
pub mod keystore;
mod remote;
mod unsigned;

use std::{env, fmt, sync::Arc};

use alloy_consensus::{SignableTransaction as _, Signed, TxEip1559};
use alloy_network::TxSignerSync as _;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, hex};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use serde_json::Value;

use self::remote::{Asked, RemoteSigner, Web3Signer};
pub use self::unsigned::Unsigned;

/// Environment variable with a private key as 64 hex digits, with or without `0x`.
pub const PRIVATE_KEY_VAR: &str = "CHAOSCHAIN_PRIVATE_KEY";

/// Gas of a call that is signed to see whether it would be: as much as an anchor takes at most.
const TRIAL_GAS: u64 = 100_000;

/// A secp256k1 key of an EVM account, at hand or with a remote signer. `Debug` shows the address only.
///
/// What a remote signer answers is not believed: nothing is signed, as far as this type says, unless the
/// account's key signed exactly what was asked.
#[derive(Clone)]
pub struct Signer(Holder);

/// Who has the key.
#[derive(Clone)]
enum Holder {
    Here(PrivateKeySigner),
    Elsewhere { account: Address, remote: Arc<dyn RemoteSigner> },
}

/// Why no key could be loaded. Never holds the key or the password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A needed environment variable is not set or not text.
    #[error("the environment variable {name} is not set")]
    MissingVariable {
        /// Name of the variable.
        name: &'static str,
    },
    /// The private key in the environment is not one.
    #[error("{PRIVATE_KEY_VAR} is not a private key: expected 64 hex digits")]
    NotAPrivateKey,
    /// The URL of a remote signer cannot be used. The text is not repeated: it may hold a password.
    #[error("the signer's url is not usable: {reason}")]
    SignerUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The keystore file is not one that can be opened.
    #[cfg(feature = "keystore")]
    #[error(transparent)]
    Keystore(#[from] keystore::Error),
}

/// Typed data of EIP-712 that is to be signed.
#[derive(Debug)]
pub(crate) struct Typed {
    /// The digest of it.
    pub(crate) hash: B256,
    /// The same for somebody who hashes it himself.
    pub(crate) json: Value,
}

impl Signer {
    /// Reads the private key in [`PRIVATE_KEY_VAR`].
    ///
    /// # Errors
    /// If the variable is missing or not a key.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_hex(&variable(PRIVATE_KEY_VAR)?)
    }

    pub(crate) fn from_hex(text: &str) -> Result<Self, Error> {
        text.trim().parse().map(Self::here).map_err(|_| Error::NotAPrivateKey)
    }

    /// A key by its bytes, which the caller drew at random; none where they are no key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        PrivateKeySigner::from_slice(bytes).ok().map(Self::here)
    }

    /// A remote signer that has an account's key, by its URL: one that answers `eth_signTransaction`, as
    /// Web3Signer does. Nothing is asked yet.
    ///
    /// # Errors
    /// If the URL cannot be used, or would send its password unencrypted to another machine.
    pub fn remote(url: &str, account: Address) -> Result<Self, Error> {
        let remote = Arc::new(Web3Signer::new(url, account)?);
        Ok(Self(Holder::Elsewhere { account, remote }))
    }

    /// Asks a remote signer whether it has the key, so that one that is gone is known before anything is
    /// begun. One that lists no accounts is believed to have it until it is asked to sign.
    ///
    /// # Errors
    /// If it does not answer, or lists accounts without this one.
    pub async fn ensure_ready(&self) -> Result<(), Unsigned> {
        match &self.0 {
            Holder::Here(_) => Ok(()),
            Holder::Elsewhere { remote, .. } => remote.ready().await,
        }
    }

    const fn here(key: PrivateKeySigner) -> Self {
        Self(Holder::Here(key))
    }

    /// The account this key signs for.
    #[must_use]
    pub const fn address(&self) -> Address {
        match &self.0 {
            Holder::Here(key) => key.address(),
            Holder::Elsewhere { account, .. } => *account,
        }
    }

    /// Signs a text as [EIP-191](https://eips.ethereum.org/EIPS/eip-191) says (`personal_sign`): `0x`
    /// and 65 bytes in lower-case hexadecimal, the last of them 27 or 28.
    ///
    /// # Errors
    /// If a remote signer does not sign it.
    pub async fn sign_text(&self, text: &str) -> Result<String, Unsigned> {
        let signature = match &self.0 {
            Holder::Here(key) => key.sign_message_sync(text.as_bytes())?,
            Holder::Elsewhere { account, remote } => {
                let answer = remote.sign(Asked::Text(text)).await?;
                let hash = alloy_primitives::eip191_hash_message(text);
                remote::signature(remote.place(), *account, &hash, &answer)?
            }
        };
        Ok(hex::encode_prefixed(signature.as_bytes()))
    }

    /// Signs typed data. Crate-internal: what is signed must say what it is for.
    pub(crate) async fn sign_typed(&self, typed: &Typed) -> Result<Signature, Unsigned> {
        match &self.0 {
            Holder::Here(key) => Ok(key.sign_hash_sync(&typed.hash)?),
            Holder::Elsewhere { account, remote } => {
                let answer = remote.sign(Asked::Typed(&typed.json)).await?;
                remote::signature(remote.place(), *account, &typed.hash, &answer)
            }
        }
    }

    /// Has a remote signer sign a call that can never land, before what cannot be taken back: its rules for receivers and
    /// data are its own. Its nonce is the one that no account ever comes to (EIP-2681), and it offers nothing.
    pub(crate) async fn ensure_signs(
        &self,
        chain_id: u64,
        to: Address,
        input: Bytes,
    ) -> Result<(), Unsigned> {
        if matches!(&self.0, Holder::Here(_)) {
            return Ok(());
        }
        let trial = TxEip1559 {
            chain_id,
            nonce: u64::MAX,
            gas_limit: TRIAL_GAS,
            to: TxKind::Call(to),
            input,
            ..TxEip1559::default()
        };
        self.sign_transaction(trial).await.map(drop)
    }

    /// Signs a transaction: exactly this one, with this account's key.
    pub(crate) async fn sign_transaction(
        &self,
        mut transaction: TxEip1559,
    ) -> Result<Signed<TxEip1559>, Unsigned> {
        match &self.0 {
            Holder::Here(key) => {
                let signature = key.sign_transaction_sync(&mut transaction)?;
                Ok(transaction.into_signed(signature))
            }
            Holder::Elsewhere { account, remote } => {
                let answer = remote.sign(Asked::Transaction(&transaction)).await?;
                remote::transaction(remote.place(), *account, &transaction, &answer)
            }
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.address())
    }
}

fn variable(name: &'static str) -> Result<String, Error> {
    env::var(name).map_err(|_| Error::MissingVariable { name })
}

#[cfg(test)]
mod tests;
