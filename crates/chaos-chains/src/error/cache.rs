//! What can be wrong with the cache folder.

use std::{io, path::PathBuf};

/// Why the cache of fetched state could not be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A file or folder could not be read or written.
    #[error("{path} could not be accessed")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file is not what this program writes. Deleting it makes it be fetched again.
    #[error("{path} is not a cached block; delete it to fetch it again")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A file is larger than any real one.
    #[error("{path} has {found} bytes; at most {max} are read")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        found: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// A code file does not hash to its name.
    #[error("{path} does not hash to its name; delete it to fetch it again")]
    CodeHash {
        /// The file.
        path: PathBuf,
    },
}
