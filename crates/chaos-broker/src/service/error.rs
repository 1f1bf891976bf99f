use std::{io, path::PathBuf, str::Utf8Error, string::FromUtf8Error};

use chaos_agency::LeafError;
use chaos_attestation::{AnchorClass, AnchorError, PolicyError};
use chaos_store::{BlobError, StoreError};
use chaos_types::{Did, Digest, Rejection, canonical};

use crate::{Refusal, transport};

/// Why the key broker service did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request was refused, and the refusal recorded where it must be: the service goes on.
    /// Every other error ends it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The ledger fails or refuses.
    #[error(transparent)]
    Ledger(#[from] chaos_ledger::Error),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A blob that the log names is missing or damaged.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A stored leaf is no leaf.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// A recorded event cannot be read.
    #[error("event {document}")]
    Event {
        /// The digest of its document.
        document: Digest,
        /// Why.
        source: canonical::Error,
    },
    /// The operator signed an event that this program cannot read.
    #[error("entry {index} is an event that this program cannot read")]
    Unreadable {
        /// Its place in the log.
        index: u64,
        /// Why.
        source: Rejection,
    },
    /// An event cannot be written.
    #[error(transparent)]
    Encode(canonical::Error),
    /// The recorded events do not follow from each other.
    #[error("the log's events do not fold")]
    Fold(#[source] Refusal),
    /// The vault holds less than was recorded.
    #[error(transparent)]
    Rollback(Refusal),
    /// A recorded allowlist does not open.
    #[error("the recorded allowlist {digest}")]
    Allowlist {
        /// The digest of its envelope.
        digest: Digest,
        /// Why.
        source: Refusal,
    },
    /// A policy document is not UTF-8.
    #[error(transparent)]
    PolicyText(#[from] Utf8Error),
    /// A policy document is no policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A root certificate that is given is none.
    #[error(transparent)]
    Root(AnchorError),
    /// The recorded root certificate is damaged.
    #[error(transparent)]
    RecordedRoot(AnchorError),
    /// Under a production policy, one person alone could decide what may act.
    #[error(
        "a production policy needs at least {expected} rebuilds by builders other than the issuer, \
         found {found} by {builders} builders"
    )]
    Unsound {
        /// How many rebuilds it takes at least.
        expected: usize,
        /// How many the settings ask for.
        found: usize,
        /// How many builders they name.
        builders: usize,
    },
    /// Secrets that were stored under one class of trust anchor are not opened to another.
    #[error("secrets were stored here for the {expected} class of anchors, not for {found}")]
    AnchorClass {
        /// The class that was recorded.
        expected: AnchorClass,
        /// The class of the new settings.
        found: AnchorClass,
    },
    /// The password cannot be one of a vault.
    #[error(transparent)]
    Password(Refusal),
    /// The vault's file cannot be read.
    #[error(transparent)]
    ReadVault(chaos_files::Error),
    /// The system does not say whether there is a vault.
    #[error(transparent)]
    FindVault(io::Error),
    /// The vault does not open.
    #[error("cannot open the vault {path}", path = path.display())]
    OpenVault {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: Refusal,
    },
    /// A vault cannot be made or encrypted.
    #[error(transparent)]
    SealVault(Refusal),
    /// The vault's file cannot be written.
    #[error("cannot write the vault {path}", path = path.display())]
    WriteVault {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file that names the server's address cannot be written.
    #[error(transparent)]
    AddressFile(io::Error),
    /// No socket, runtime or certificate.
    #[error(transparent)]
    System(io::Error),
    /// Nobody can listen at the address.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The channel to the server fails.
    #[error(transparent)]
    Channel(transport::Error),
    /// An allowlist cannot be changed or signed so.
    #[error(transparent)]
    Amend(chaos_attestation::Refusal),
    /// Another key's allowlists count here.
    #[error("the allowlists of {issuer} count here, not the operator's")]
    ForeignIssuer {
        /// The key whose lists count.
        issuer: Did,
    },
    /// A signed allowlist is not text.
    #[error(transparent)]
    AllowlistText(#[from] FromUtf8Error),
    /// Nobody has said yet what evidence is appraised by.
    #[error("no policy was recorded here yet")]
    NoPolicy,
    /// The server answered another question than was asked.
    #[error("the broker answered another question")]
    OtherAnswer,
    /// The thread that owns the state panicked.
    #[error("the thread that owns the broker's state panicked")]
    Panicked,
}

impl From<transport::Error> for Error {
    fn from(error: transport::Error) -> Self {
        match error {
            transport::Error::Refused(refusal) => Self::Refused(refusal),
            error => Self::Channel(error),
        }
    }
}
