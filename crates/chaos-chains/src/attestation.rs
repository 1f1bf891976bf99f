//! What the `attestation` bytes of `submitProposal` carry.
//!
//! A stranger on the chain can copy whatever a proposal carries. What is carried since the second edition
//! is therefore signed for one place and one sender: the agent's account signs, as
//! [EIP-712](https://eips.ethereum.org/EIPS/eip-712) says, which chain and endpoint the proposal is for, who
//! submits it, what it says, and the receipt and checkpoint that it rests on. A copy by anybody else, on
//! another chain or for another text does not verify.
//!
//! | bytes | form | layout |
//! |---|---|---|
//! | 130 | [`Carried::Full`] | `0x02`, SHA-256 of the receipt's envelope, SHA-256 of the checkpoint's note, r, s, v |
//! | 32 | [`Carried::Digest`] | SHA-256 of the 130 bytes, which are then to be had elsewhere |
//! | a multiple of 32, at least 96 | [`Carried::First`] | `abi.encode(bytes32 receipt, string checkpoint)`, signed by nobody |
//!
//! The lengths tell the forms apart: no ABI encoding has 130 bytes, and the shortest of the first form
//! has 96. v is 27 or 28 and s in the lower half of its range, so that one signature has one spelling.
//!
//! ```
//! use chaos_chains::attestation::{Attestation, Carried, Submission, decode};
//! use chaos_types::{ChainId, Digest};
//! # use chaos_chains::{Address, Signer};
//! # async fn check(signer: &Signer, endpoint: Address) -> Result<(), Box<dyn std::error::Error>> {
//! let submission = Submission {
//!     chain: &ChainId::evm(1),
//!     endpoint,
//!     submitter: signer.address(),
//!     uri: "ni:///sha-256;…",
//! };
//! let (receipt, checkpoint) = (Digest::of(b"receipt"), Digest::of(b"note"));
//! let attestation = Attestation::sign(signer, &submission, receipt, checkpoint).await?;
//! let carried = decode(&attestation.to_bytes())?;
//! assert_eq!(carried, Carried::Full(attestation));
//! attestation.ensure_by(signer.address(), &submission)?;
//! # Ok(())
//! # }
//! ```

use alloy_primitives::{Address, B256, Signature, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct as _, SolValue as _};
use chaos_types::{ChainId, Digest};
use serde_json::json;

use crate::{
    Signer,
    signer::{Typed, Unsigned},
};

/// A checkpoint note longer than this is refused: 64 KiB.
pub(crate) const CHECKPOINT_BYTES_MAX: usize = 64 << 10;

/// The domain that attestations are signed in.
const DOMAIN_NAME: &str = "ChaosChain";
/// Its version.
const DOMAIN_VERSION: &str = "2";
/// The first byte of [`Carried::Full`].
const VERSION: u8 = 2;
/// Bytes of [`Carried::Full`].
pub(crate) const FULL_BYTES: usize = 1 + 32 + 32 + 65;
/// Bytes of [`Carried::Digest`].
const DIGEST_BYTES: usize = 32;

mod typed {
    alloy_sol_types::sol! {
        /// What is signed; chain and endpoint are in the domain.
        struct ProposalAttestation {
            address submitter;
            bytes32 uriHash;
            bytes32 receipt;
            bytes32 checkpoint;
        }
    }
}

/// Where, by whom and with which text a proposal is put on record.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// The chain; one of the EVM's family.
    pub chain: &'a ChainId,
    /// The endpoint contract.
    pub endpoint: Address,
    /// The account that sends the submission.
    pub submitter: Address,
    /// The proposal's `metadataURI`.
    pub uri: &'a str,
}

/// An agent's word that a proposal rests on a receipt in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attestation {
    /// SHA-256 of the receipt's envelope: its id.
    pub receipt: Digest,
    /// SHA-256 of the signed note of a checkpoint that covers it.
    pub checkpoint: Digest,
    /// By the agent's account.
    signature: Signature,
}

/// What attestation bytes turn out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// Everything.
    Full(Attestation),
    /// The digest of everything, to be held against [`Attestation::digest`] of what is found by it.
    Digest(Digest),
    /// What was carried before there was a signature. Whoever copied it first has it too.
    First {
        /// SHA-256 of the receipt's envelope.
        receipt: Digest,
        /// The signed note.
        checkpoint: String,
    },
}

/// Why bytes are not an attestation, or not one of this proposal.
#[derive(Debug, thiserror::Error)]
pub enum AttestationError {
    /// The bytes have the length of no form, or are not the ABI encoding of a `bytes32` and a `string`.
    #[error(
        "expected {FULL_BYTES} bytes, {DIGEST_BYTES} bytes, or abi.encode(bytes32 receipt, string \
         checkpoint), found {bytes} bytes"
    )]
    Form {
        /// Bytes found.
        bytes: usize,
        /// What is wrong with them as the first form.
        #[source]
        source: alloy_sol_types::Error,
    },
    /// The first byte is no version that is known.
    #[error("expected version {VERSION}, found {found}")]
    Version {
        /// The byte.
        found: u8,
    },
    /// The signature is not written in its one spelling.
    #[error("expected a signature with s in the lower half and 27 or 28 at its end")]
    Signature,
    /// The checkpoint is too long.
    #[error("the checkpoint has {bytes} bytes, the limit is {CHECKPOINT_BYTES_MAX}")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// Accounts of the chain do not sign so.
    #[error("{chain} is no chain of the EVM's family")]
    Chain {
        /// The chain.
        chain: ChainId,
    },
    /// Nobody can have made the signature.
    #[error("no key has made this signature")]
    Unrecoverable(#[source] alloy_primitives::SignatureError),
    /// Another account signed, or this account signed for another submission.
    #[error(
        "expected the signature of {expected}, found that of {found}, or of another submission"
    )]
    SignedByAnother {
        /// The agent's account.
        expected: Address,
        /// Whose signature it would be for this submission.
        found: Address,
    },
    /// The key did not sign.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
}

impl Submission<'_> {
    /// What is signed, for whoever hashes it himself.
    fn typed(&self, receipt: &Digest, checkpoint: &Digest) -> Result<Typed, AttestationError> {
        let hash = self.signing_hash(receipt, checkpoint)?;
        let field = |name: &str, kind: &str| json!({"name": name, "type": kind});
        let word = |digest: &Digest| B256::from(*digest.as_bytes());
        let json = json!({
            "types": {
                "EIP712Domain": [
                    field("name", "string"),
                    field("version", "string"),
                    field("chainId", "uint256"),
                    field("verifyingContract", "address"),
                ],
                "ProposalAttestation": [
                    field("submitter", "address"),
                    field("uriHash", "bytes32"),
                    field("receipt", "bytes32"),
                    field("checkpoint", "bytes32"),
                ],
            },
            "primaryType": "ProposalAttestation",
            "domain": {
                "name": DOMAIN_NAME,
                "version": DOMAIN_VERSION,
                "chainId": self.chain.evm_number(),
                "verifyingContract": self.endpoint,
            },
            "message": {
                "submitter": self.submitter,
                "uriHash": keccak256(self.uri),
                "receipt": word(receipt),
                "checkpoint": word(checkpoint),
            },
        });
        Ok(Typed { hash, json })
    }

    /// The digest that is signed.
    fn signing_hash(
        &self,
        receipt: &Digest,
        checkpoint: &Digest,
    ) -> Result<B256, AttestationError> {
        let number = self.chain.evm_number();
        let number = number.ok_or_else(|| AttestationError::Chain { chain: self.chain.clone() })?;
        let domain = Eip712Domain {
            name: Some(DOMAIN_NAME.into()),
            version: Some(DOMAIN_VERSION.into()),
            chain_id: Some(alloy_primitives::U256::from(number)),
            verifying_contract: Some(self.endpoint),
            salt: None,
        };
        let message = typed::ProposalAttestation {
            submitter: self.submitter,
            uriHash: keccak256(self.uri),
            receipt: B256::from(*receipt.as_bytes()),
            checkpoint: B256::from(*checkpoint.as_bytes()),
        };
        Ok(message.eip712_signing_hash(&domain))
    }
}

impl Attestation {
    /// Signs that a submission rests on a receipt, which a checkpoint covers.
    ///
    /// # Errors
    /// If the chain is none of the EVM's family, or the key does not sign.
    pub async fn sign(
        signer: &Signer,
        submission: &Submission<'_>,
        receipt: Digest,
        checkpoint: Digest,
    ) -> Result<Self, AttestationError> {
        let typed = submission.typed(&receipt, &checkpoint)?;
        let signature = signer.sign_typed(&typed).await?;
        Ok(Self { receipt, checkpoint, signature })
    }

    /// The bytes of [`Carried::Full`].
    #[must_use]
    pub fn to_bytes(&self) -> [u8; FULL_BYTES] {
        let mut bytes = [0; FULL_BYTES];
        bytes[0] = VERSION;
        bytes[1..33].copy_from_slice(self.receipt.as_bytes());
        bytes[33..65].copy_from_slice(self.checkpoint.as_bytes());
        bytes[65..].copy_from_slice(&self.signature.as_bytes());
        bytes
    }

    /// The bytes of [`Carried::Digest`], which cost a third less gas and have to be kept elsewhere.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// The account has signed this for this submission.
    ///
    /// # Errors
    /// If it is somebody else's signature, or of another submission.
    pub fn ensure_by(
        &self,
        account: Address,
        submission: &Submission<'_>,
    ) -> Result<(), AttestationError> {
        let hash = submission.signing_hash(&self.receipt, &self.checkpoint)?;
        let found = self.signature.recover_address_from_prehash(&hash);
        let found = found.map_err(AttestationError::Unrecoverable)?;
        if found == account {
            return Ok(());
        }
        Err(AttestationError::SignedByAnother { expected: account, found })
    }
}

/// Reads what a proposal carries. That it is well formed says nothing about who signed.
///
/// # Errors
/// If the bytes are none of the forms.
pub fn decode(bytes: &[u8]) -> Result<Carried, AttestationError> {
    match bytes.len() {
        FULL_BYTES => full(bytes).map(Carried::Full),
        DIGEST_BYTES => Ok(Carried::Digest(digest_at(bytes, 0))),
        length => {
            let (receipt, checkpoint) = <(B256, String)>::abi_decode_params_validate(bytes)
                .map_err(|source| AttestationError::Form { bytes: length, source })?;
            if checkpoint.len() > CHECKPOINT_BYTES_MAX {
                return Err(AttestationError::TooLong { bytes: checkpoint.len() });
            }
            Ok(Carried::First { receipt: Digest::from_bytes(receipt.0), checkpoint })
        }
    }
}

fn full(bytes: &[u8]) -> Result<Attestation, AttestationError> {
    if bytes[0] != VERSION {
        return Err(AttestationError::Version { found: bytes[0] });
    }
    let signature = Signature::from_raw(&bytes[65..]).map_err(|_| AttestationError::Signature)?;
    let attestation =
        Attestation { receipt: digest_at(bytes, 1), checkpoint: digest_at(bytes, 33), signature };
    // A second signature of the same would follow from each with s in the upper half, and v has two
    // customs.
    if signature.normalize_s().is_some() || attestation.to_bytes() != bytes {
        return Err(AttestationError::Signature);
    }
    Ok(attestation)
}

fn digest_at(bytes: &[u8], start: usize) -> Digest {
    let mut digest = [0; 32];
    digest.copy_from_slice(&bytes[start..start + 32]);
    Digest::from_bytes(digest)
}

#[cfg(test)]
mod tests;
