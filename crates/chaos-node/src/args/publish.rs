use std::{net::SocketAddr, path::PathBuf};

use chaos_log::VerifierKey;
use chaos_types::Did;
use clap::Args;

use super::DataArgs;

/// Which blobs a published log has.
#[derive(Debug, Args)]
pub(crate) struct DisclosureArgs {
    /// Publish what receipts of these kinds name, separated by commas, or `none`. By default every
    /// kind but `oversee`, whose documents say which workload may read which secret.
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub(crate) blobs: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LogServeArgs {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7311")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) disclosure: DisclosureArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LogExportArgs {
    /// The folder; what an earlier export wrote there is kept, and what of it is no longer published is said.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Compare what lies there with the log byte by byte, blobs too; otherwise files of earlier exports are
    /// looked at by name and length.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) disclosure: DisclosureArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Somebody else's log, and where a copy of it is kept.
#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// Where the log is published: a URL, or a folder that `log export` wrote.
    #[arg(value_name = "URL")]
    pub(crate) source: String,
    /// The data directory of the copy.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The log's verifier key, from somebody whom you trust. Needed the first time.
    #[arg(long, value_name = "VKEY")]
    pub(crate) log: Option<VerifierKey>,
    /// A C2SP tlog-policy file: follow only checkpoints that its quorum of witnesses has cosigned. Needed
    /// where a key of the log was lost and another took its place.
    #[arg(long, value_name = "FILE")]
    pub(crate) log_policy: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct MirrorArgs {
    #[command(flatten)]
    pub(crate) copy: CopyArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const FINDINGS_HELP: &str = "\
What a mirror or a monitor found wrong in the log itself stands, and ends each
round with 1, or with 6 after a fork, until somebody has looked at it and
accepts it. A log that forked is not followed before that; accepted, the
branch is followed that the directory holds. Whoever believes the other branch
makes a new copy.

Examples:
  chaoschain log findings DIR
  chaoschain log findings DIR --accept receipt-4 --accept time-back-9";

#[derive(Debug, Args)]
#[command(after_help = FINDINGS_HELP)]
pub(crate) struct FindingsArgs {
    /// The data directory of the copy.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Accept what stands under this name, or under all of them with `all`; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub(crate) accept: Vec<String>,
    /// Print JSON, one object per finding.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MonitorArgs {
    #[command(flatten)]
    pub(crate) copy: CopyArgs,
    /// Raise an alarm for every entry of this agent, named by its DID, once; may be repeated. Of whom it is told first,
    /// or again, it looks at what the copy has already.
    #[arg(long, value_name = "DID")]
    pub(crate) follow: Vec<Did>,
    /// Look again after this many seconds, until stopped; otherwise look once.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) every: Option<u64>,
    /// Print JSON, one object per alarm and round.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    /// Where a copy of the log is: a URL, a folder that `log export` wrote, or a mirror's data
    /// directory or a backup of the log's own.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) from: String,
    /// The log's root key, where the database is lost and the root key's file is kept elsewhere.
    #[arg(long, value_name = "VKEY")]
    pub(crate) log: Option<VerifierKey>,
    /// Where entries that no head covers are damaged or missing, and the source has none of them: let the log end before
    /// the first. The database as it was is kept beside the new one.
    #[arg(long)]
    pub(crate) drop_unsigned: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
