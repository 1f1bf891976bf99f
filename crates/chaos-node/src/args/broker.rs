use std::{net::SocketAddr, path::PathBuf};

use chaos_attestation::WorkloadId;
use chaos_types::Did;
use clap::{Args, Subcommand};

use super::DataArgs;

const EXAMPLES: &str = "\
Examples:
  export CHAOSCHAIN_PASSWORD=...
  chaoschain broker serve --listen 127.0.0.1:7300 --policy production \\
      --builder did:key:z6Mk... --builder did:key:z6Mk...
  chaoschain broker serve --policy development --lease-seconds 60
  chaoschain broker enrol --workload sha256:... --name executor \\
      --repository https://example.org/executor --commit 0123...  --toolchain 'nix 2.31, 4 vCPU'
  chaoschain broker dismiss --workload sha256:... --reason 'CVE-2026-1234'
  chaoschain broker publish allowlist.json
  chaoschain broker allowlist";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BrokerArgs {
    #[command(subcommand)]
    pub(crate) command: BrokerCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BrokerCommand {
    /// Run the directory and the release of secrets until told to stop.
    Serve(ServeArgs),
    /// Put a workload on the operator's own allowlist.
    Enrol(EnrolArgs),
    /// Take a workload off the operator's own allowlist for ever.
    Dismiss(DismissArgs),
    /// Put an allowlist in force that somebody else signed.
    Publish(PublishArgs),
    /// Show the allowlist in force.
    Allowlist(InForceArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one, which the ready line names.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// What evidence is judged by: `development`, `production`, or a policy file. What is left out
    /// here and below stays as it was recorded the last time.
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<String>,
    /// The root certificate (DER) that evidence must lead to. At first: Intel's for a production
    /// policy, the public development root for a development policy.
    #[arg(long, value_name = "FILE")]
    pub(crate) root: Option<PathBuf>,
    /// A signed allowlist to put in force first.
    #[arg(long, value_name = "FILE")]
    pub(crate) allowlist: Option<PathBuf>,
    /// Whose allowlists count. At first: the operator's.
    #[arg(long, value_name = "DID")]
    pub(crate) issuer: Option<Did>,
    /// A builder whose rebuilds count; may be repeated, and replaces those of the last time.
    #[arg(long = "builder", value_name = "DID")]
    pub(crate) builders: Vec<Did>,
    /// How many builders must vouch for a workload. At first: 2, or 0 under a development policy
    /// without builders. A production policy needs 2 or more.
    #[arg(long, value_name = "N")]
    pub(crate) rebuilds: Option<usize>,
    /// How long a lease lives, in seconds. At first: 900.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) lease_seconds: Option<u64>,
    /// How long a service is listed without a heartbeat, in seconds. At first: 900.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) service_seconds: Option<u64>,
    /// How long a nonce can be answered, in seconds. At first: 300.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=300))]
    pub(crate) nonce_seconds: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct EnrolArgs {
    /// The workload's id, as `chaoschain executor workload` or `chaoschain attest verify` shows it.
    #[arg(long, value_name = "ID")]
    pub(crate) workload: WorkloadId,
    /// A name for people.
    #[arg(long)]
    pub(crate) name: String,
    /// Where its source is.
    #[arg(long, value_name = "URL")]
    pub(crate) repository: String,
    /// The source's commit.
    #[arg(long, value_name = "HEX")]
    pub(crate) commit: String,
    /// What built it, and the shape of the machine that it launches on.
    #[arg(long)]
    pub(crate) toolchain: String,
    /// An agent of this data directory that rebuilt the workload and vouches for it; may be
    /// repeated.
    #[arg(long = "builder", value_name = "NAME")]
    pub(crate) builders: Vec<String>,
    /// How long the list holds, in days.
    #[arg(long, default_value_t = 90, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=3650))]
    pub(crate) days: u64,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DismissArgs {
    /// The workload's id.
    #[arg(long, value_name = "ID")]
    pub(crate) workload: WorkloadId,
    /// Why, for people.
    #[arg(long)]
    pub(crate) reason: String,
    /// How long the list holds, in days.
    #[arg(long, default_value_t = 90, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=3650))]
    pub(crate) days: u64,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// The signed allowlist.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InForceArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
