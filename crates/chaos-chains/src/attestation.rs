//! What the `attestation` bytes of `submitProposal` carry: a receipt's id and a signed checkpoint.
//!
//! Layout: `abi.encode(bytes32 receipt, string checkpoint)`, where `receipt` is the SHA-256 of the
//! receipt's envelope and `checkpoint` the C2SP signed note of the log that holds it. A reader of
//! the chain can fetch the bundle by the receipt's id and check it against that checkpoint.

use alloy_primitives::B256;
use alloy_sol_types::SolValue as _;
use chaos_types::Digest;

/// A checkpoint note longer than this is refused: 64 KiB.
pub(crate) const CHECKPOINT_BYTES_MAX: usize = 64 << 10;

/// Why bytes are not an attestation.
#[derive(Debug, thiserror::Error)]
pub enum AttestationError {
    /// The bytes are not the ABI encoding of a `bytes32` and a `string`.
    #[error("expected abi.encode(bytes32 receipt, string checkpoint)")]
    Abi(#[source] alloy_sol_types::Error),
    /// The checkpoint is too long.
    #[error("the checkpoint has {bytes} bytes, the limit is {CHECKPOINT_BYTES_MAX}")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
}

/// The bytes for a receipt and the checkpoint that covers it.
#[must_use]
pub fn encode(receipt: &Digest, checkpoint: &str) -> Vec<u8> {
    (B256::from(*receipt.as_bytes()), checkpoint.to_owned()).abi_encode_params()
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// If the bytes are not that encoding, or the checkpoint is too long.
pub fn decode(bytes: &[u8]) -> Result<(Digest, String), AttestationError> {
    let (receipt, checkpoint) =
        <(B256, String)>::abi_decode_params_validate(bytes).map_err(AttestationError::Abi)?;
    if checkpoint.len() > CHECKPOINT_BYTES_MAX {
        return Err(AttestationError::TooLong { bytes: checkpoint.len() });
    }
    Ok((Digest::from_bytes(receipt.0), checkpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of the Solidity ABI specification: head with the digest and the offset 0x40, tail
    /// with the length and the padded text.
    #[test]
    fn layout_is_the_solidity_abi_encoding() {
        let bytes = encode(&Digest::from_bytes([0xab; 32]), "note\n");
        let expected = format!(
            "{}{:064x}{:064x}{}{}",
            "ab".repeat(32),
            0x40,
            5,
            "6e6f74650a",
            "00".repeat(27)
        );
        assert_eq!(alloy_primitives::hex::encode(&bytes), expected);
        let (receipt, checkpoint) = decode(&bytes).unwrap();
        assert_eq!((receipt, checkpoint.as_str()), (Digest::from_bytes([0xab; 32]), "note\n"));
    }

    #[test]
    fn refuses_truncated_and_foreign_bytes() {
        let bytes = encode(&Digest::of(b"r"), "note\n");
        assert!(decode(&bytes[..bytes.len() - 32]).is_err());
        assert!(decode(b"").is_err());
        assert!(decode(&[0xff; 96]).is_err());
    }
}
