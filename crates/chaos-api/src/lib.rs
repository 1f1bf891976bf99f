//! A log that strangers can read, copy and watch: over HTTP, and in folders that any static host
//! serves.
//!
//! A transparency log is worth what others can see of it. This crate publishes what lies below the
//! newest signed checkpoint, in the form of [C2SP tlog-tiles](https://c2sp.org/tlog-tiles), with the
//! receipts beside it that the leaves stand for.
//!
//! - [`Published`] answers a [`Resource`] with its bytes; [`routes`] and [`serve`] put it behind
//!   HTTP, [`export`] writes it into a folder.
//! - [`Source`] is somebody else's published log. [`Mirror`] copies it, [`watch`] raises an [`Alarm`]
//!   for what its readers have to know, [`repair`] mends a damaged data directory from it.
//! - [`witness_routes`] puts a [`Witness`](chaos_witness::Witness) behind HTTP, and [`publish_head`] is
//!   how a log's head gets to others: [`gather`] asks the witnesses of its policy first.
//! - [`records_to_bytes`] and [`records_from_bytes`] are the form in which receipts travel.
//!
//! ```
//! use chaos_api::Resource;
//!
//! let leaves: Resource = "tile/entries/x001/234".parse()?;
//! let receipts: Resource = "records/x001/234".parse()?;
//! assert_ne!(leaves, receipts);
//! assert!("tile/../keys/operator.pem".parse::<Resource>().is_err());
//! # Ok::<(), chaos_api::ResourceError>(())
//! ```
//!
//! Nothing above the signed size is published, no part of a data directory but its entries, tiles,
//! checkpoints and blobs is read, and a blob is published only if receipts of the disclosed kinds
//! name it ([`Disclosure`]). Whatever is read from elsewhere has a limit, and is stored only once it was
//! held against a checkpoint that the log's key has signed.
//!
//! It refuses to sign, to read a clock, to print, and to know what a receipt means.

mod alarm;
mod ask;
mod disclosure;
mod export;
mod head;
mod mirror;
mod monitor;
mod published;
mod records;
mod repair;
mod resource;
mod routes;
mod serve;
mod source;
mod witness;

pub use alarm::{Alarm, KeptAlarm, chain};
pub use ask::{AskError, GatherError, Gathered, gather};
pub use disclosure::Disclosure;
pub use export::{Comparison, ExportError, Exported, export};
pub use head::{HeadError, publish_head};
pub use mirror::{
    Finding, Left, Mirror, MirrorError, Mirrored, Standing, Standings, Wrong, check_copy, standings,
};
pub use monitor::{MonitorError, Watch, Watched, watch};
pub use published::{Publication, PublishError, Published};
pub use records::{RecordsError, records_from_bytes, records_to_bytes};
pub use repair::{Continuation, RepairError, Repaired, repair};
pub use resource::{Resource, ResourceError};
pub use routes::{Incident, Incidents, routes};
pub use serve::{Limits, serve};
pub use source::{Source, SourceError};
pub use witness::{Seconds, WitnessIncident, WitnessIncidents, witness_routes};
