use std::path::PathBuf;

use chaos_attestation::WorkloadId;
use chaos_types::Did;
use clap::{Args, Subcommand};

use crate::args::DataArgs;

const HELP: &str = "\
Examples:
  chaoschain attest allowlist new --issuer ada --out draft.json
  chaoschain attest allowlist add draft.json --workload sha256:... --name executor \\
      --repository https://example.org/executor.git --commit 0123... --toolchain 'nix 2.31, 4 vCPU'
  chaoschain attest allowlist vouch draft.json --workload sha256:... --builder bob
  chaoschain attest allowlist vouch draft.json --workload sha256:... --builder eve
  chaoschain attest allowlist sign draft.json --issuer ada --out allowlist.json
  chaoschain attest allowlist check allowlist.json --issuer did:key:... --builder did:key:... \\
      --builder did:key:... --workload sha256:...

A draft is plain JSON and may be edited by hand before anybody vouches.
Several may add and vouch at once: each waits for its turn, by the lock
`draft.json.lock` beside it. The next issue begins with `new --after
allowlist.json`. Exit code 1 means that the list or the workload was refused;
the reason code is printed and docs/reason-codes.md explains it.";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct AllowlistArgs {
    #[command(subcommand)]
    pub(crate) command: AllowlistCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AllowlistCommand {
    /// Begin a list: a draft without entries, or with those of an earlier list.
    New(NewArgs),
    /// Enter a workload in a draft.
    Add(AddArgs),
    /// Sign, as a builder, that a workload of a draft was rebuilt with the same id.
    Vouch(VouchArgs),
    /// Take a workload off a draft for ever.
    Revoke(RevokeWorkloadArgs),
    /// Sign a draft as its issuer.
    Sign(SignArgs),
    /// Check a signed list's own signatures and show it.
    Show(ShowListArgs),
    /// Ask whether a verifier with this trust takes a list in, and whether a workload is active.
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The agent whose list it is.
    #[arg(long, value_name = "AGENT")]
    pub(crate) issuer: String,
    /// Follow this signed list: the next number, its entries and its revocations.
    #[arg(long, value_name = "FILE")]
    pub(crate) after: Option<PathBuf>,
    /// How long it holds from now, in days.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=366))]
    pub(crate) days: u16,
    /// The draft's file; it must not exist.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The draft.
    pub(crate) draft: PathBuf,
    /// The workload's id, as `attest quote` and `attest verify` print it.
    #[arg(long, value_name = "SHA256")]
    pub(crate) workload: WorkloadId,
    /// A name for people.
    #[arg(long)]
    pub(crate) name: String,
    /// Where its source is.
    #[arg(long, value_name = "URL")]
    pub(crate) repository: String,
    /// The source's commit, 40 or 64 hexadecimal digits.
    #[arg(long, value_name = "HEX")]
    pub(crate) commit: String,
    /// What builds it and the shape of the machine that it launches on.
    #[arg(long, value_name = "TEXT")]
    pub(crate) toolchain: String,
}

#[derive(Debug, Args)]
pub(crate) struct VouchArgs {
    /// The draft.
    pub(crate) draft: PathBuf,
    /// The workload that was rebuilt.
    #[arg(long, value_name = "SHA256")]
    pub(crate) workload: WorkloadId,
    /// The agent that rebuilt it.
    #[arg(long, value_name = "AGENT")]
    pub(crate) builder: String,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeWorkloadArgs {
    /// The draft.
    pub(crate) draft: PathBuf,
    /// The workload.
    #[arg(long, value_name = "SHA256")]
    pub(crate) workload: WorkloadId,
    /// Why, for people.
    #[arg(long)]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// The draft.
    pub(crate) draft: PathBuf,
    /// The agent whose list it is.
    #[arg(long, value_name = "AGENT")]
    pub(crate) issuer: String,
    /// The signed list's file; it must not exist.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShowListArgs {
    /// The signed list.
    pub(crate) list: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The signed list.
    pub(crate) list: PathBuf,
    /// The key whose lists are followed.
    #[arg(long, value_name = "DID")]
    pub(crate) issuer: Did,
    /// A key whose rebuilds count; may be given several times.
    #[arg(long = "builder", value_name = "DID")]
    pub(crate) builders: Vec<Did>,
    /// How many of them must vouch for a workload.
    #[arg(long, default_value_t = 2, value_name = "COUNT")]
    pub(crate) rebuilds: usize,
    /// A workload that must be active; may be given several times.
    #[arg(long = "workload", value_name = "SHA256")]
    pub(crate) workloads: Vec<WorkloadId>,
    /// A signed list that was accepted before.
    #[arg(long, value_name = "FILE")]
    pub(crate) after: Option<PathBuf>,
    /// The time in Unix seconds; otherwise now.
    #[arg(long, value_name = "UNIX_SECONDS")]
    pub(crate) at: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
