//! Files that are read up to a limit, and files that appear whole under their name or not at all.
//!
//! A file that somebody else wrote may never end, and a program may be killed while it writes. Every
//! crate that reads or replaces files calls this one, so that a limit and the promise about a kill
//! mean the same everywhere:
//!
//! - [`read`] and [`read_secret`] read a regular file up to a limit, [`take`] any reader.
//! - [`write_synced`]: after it returns, the file outlives a power cut.
//! - [`write_unsynced`]: a kill leaves the old file or the new one; a power cut may lose either. For
//!   what can be computed or fetched again. It also writes to `/dev/stdout`, a device or a pipe.
//! - [`create_synced`]: never in the place of another file.
//! - [`Part`] is what both are made of, for whoever writes piece by piece.
//! - [`Turn`] is held while a file is read, changed and replaced, so that nobody's change is lost.
//!
//! ```
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("list.json");
//! chaos_files::write_synced(&path, chaos_files::Readers::Everyone, b"[1]")?;
//! assert_eq!(chaos_files::read(&path, 3)?, b"[1]");
//! assert_eq!(chaos_files::read_secret(&path, 2).unwrap_err().to_string(),
//!     format!("{} is longer than 2 bytes, the limit", path.display()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It refuses to read devices and pipes, and knows no format.

mod read;
mod turn;
mod write;

pub use read::{Error, read, read_secret, take};
pub use turn::Turn;
pub use write::{
    Part, Readers, clear_former_parts, create_synced, sync_folder, write_synced, write_unsynced,
};
