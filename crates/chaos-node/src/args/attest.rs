mod allowlist;
mod quote;

use std::path::PathBuf;

use chaos_attestation::WorkloadId;
use chaos_types::Did;
use clap::{Args, Subcommand};

pub(crate) use allowlist::{
    AddArgs, AllowlistArgs, AllowlistCommand, CheckArgs, NewArgs, RevokeWorkloadArgs, ShowListArgs,
    SignArgs, VouchArgs,
};
pub(crate) use quote::{AttestQuoteArgs, ProviderKind, QuoteVersion};

#[derive(Debug, Args)]
pub(crate) struct AttestArgs {
    #[command(subcommand)]
    pub(crate) command: AttestCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AttestCommand {
    /// Verify a quote offline, say what it claims, and appraise that by a policy.
    Verify(AttestVerifyArgs),
    /// Make a quote, with collateral if the provider has it.
    Quote(AttestQuoteArgs),
    /// Write, sign and check lists of workloads that may act.
    Allowlist(AllowlistArgs),
}

const VERIFY_HELP: &str = "\
Examples:
  chaoschain attest verify quote.bin --collateral collateral.json --policy production \\
      --allowlist list.json --issuer did:key:... --builder did:key:... --builder did:key:...
  chaoschain attest verify quote.bin --collateral collateral.json --policy policy.toml \\
      --workload sha256:... --at 1757230919
  chaoschain attest verify quote.bin --collateral collateral.json --policy development \\
      --root root_ca.der --json

Exit codes:
  0  accepted: the quote verifies and the policy accepts its claims
  1  refused: the reason code is printed, docs/reason-codes.md explains it
  2  the command line is wrong
  3  a file cannot be read, or the policy, the root or the allowlist is not one

`production` and `development` are the policies that come with the program; a
file of one of these names is written ./production. docs/attestation.md
explains every key of a policy.";

#[derive(Debug, Args)]
#[command(after_help = VERIFY_HELP)]
pub(crate) struct AttestVerifyArgs {
    /// The quote: SGX version 3, TDX version 4 or 5, as the environment gave it.
    pub(crate) quote: PathBuf,
    /// The collateral of its platform, `QuoteCollateralV3` JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) collateral: PathBuf,
    /// The policy: a TOML file, `production` or `development`.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) policy: String,
    /// The signed list of workloads that are allowed.
    #[arg(long, value_name = "FILE", requires = "issuer", conflicts_with = "workload")]
    pub(crate) allowlist: Option<PathBuf>,
    /// The key whose lists are followed.
    #[arg(long, value_name = "DID", requires = "allowlist", conflicts_with = "workload")]
    pub(crate) issuer: Option<Did>,
    /// A key whose rebuilds count; may be given several times.
    #[arg(
        long = "builder",
        value_name = "DID",
        requires = "allowlist",
        conflicts_with = "workload"
    )]
    pub(crate) builders: Vec<Did>,
    /// How many builders must vouch for a workload.
    #[arg(
        long,
        default_value_t = 2,
        value_name = "COUNT",
        requires = "allowlist",
        conflicts_with = "workload"
    )]
    pub(crate) rebuilds: usize,
    /// A workload that is allowed, instead of a list; may be given several times.
    #[arg(long, value_name = "SHA256")]
    pub(crate) workload: Vec<WorkloadId>,
    /// The root certificate that the evidence must lead to, DER; otherwise Intel's.
    #[arg(long, value_name = "DER")]
    pub(crate) root: Option<PathBuf>,
    /// What the report data must be, 128 hexadecimal digits.
    #[arg(long, value_name = "HEX")]
    pub(crate) report_data: Option<String>,
    /// The time of verification in Unix seconds; otherwise now.
    #[arg(long, value_name = "UNIX_SECONDS")]
    pub(crate) at: Option<u64>,
    /// Print JSON: the verdict and the attestation result.
    #[arg(long)]
    pub(crate) json: bool,
}
