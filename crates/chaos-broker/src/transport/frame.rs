//! Frames: a length of four big-endian bytes, then that many bytes; messages are canonical JSON.

use std::io;

use chaos_attestation::ReasonCode;
use chaos_types::canonical;
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use zeroize::Zeroizing;

use crate::{Refusal, channel::MESSAGE_BYTES_MAX};

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the socket failed")]
    Socket(#[from] io::Error),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The canonical bytes of a message.
pub(super) fn encode(message: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    canonical::to_vec(message).map_err(|error| malformed(&error))
}

/// Reads what [`encode`] wrote.
pub(super) fn decode<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, Refusal> {
    canonical::from_slice(bytes).map_err(|error| malformed(&error))
}

/// What is wrong, in words that quote nothing of the message: a value may be secret.
fn malformed(error: &canonical::Error) -> Refusal {
    let detail = match error {
        canonical::Error::Number { .. } => "a number is not an integer within 2^53".to_owned(),
        canonical::Error::TooLarge { .. }
        | canonical::Error::Parse(_)
        | canonical::Error::NotCanonical { .. }
        | canonical::Error::Spelling { .. }
        | canonical::Error::Write(_)
        | canonical::Error::Shape(_) => error.to_string(),
    };
    Refusal::new(ReasonCode::MessageMalformed, detail)
}

pub(super) async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
) -> Result<(), Error> {
    let length = ensure_length(bytes.len())?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}

pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let length = stream.read_u32().await?;
    // Nothing is reserved for a length that is not allowed.
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    ensure_length(length)?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

fn ensure_length(length: usize) -> Result<u32, Refusal> {
    match u32::try_from(length) {
        Ok(fits) if length <= MESSAGE_BYTES_MAX => Ok(fits),
        Ok(_) | Err(_) => Err(Refusal::new(
            ReasonCode::MessageTooLarge,
            format!("{length} bytes, the limit is {MESSAGE_BYTES_MAX}"),
        )),
    }
}
