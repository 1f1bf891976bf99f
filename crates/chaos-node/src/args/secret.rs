use std::path::PathBuf;

use chaos_attestation::WorkloadId;
use chaos_broker::{JobId, Name, SecretId, ServiceId, release::LeaseId};
use chaos_types::Did;
use clap::{Args, Subcommand, ValueEnum};

use super::DataArgs;

const SECRET_EXAMPLES: &str = "\
Examples:
  export CHAOSCHAIN_PASSWORD=...
  chaoschain secret store acme/binance-key --file key.txt --purpose trading
  pass show binance | chaoschain secret rotate acme/binance-key --file -
  chaoschain secret grant acme/binance-key --workload sha256:... --role executor
  chaoschain secret list
  chaoschain secret revoke acme/binance-key
  chaoschain secret audit

The commands work on the data directory, or through its broker while one runs.";

const LEASE_EXAMPLES: &str = "\
Examples:
  chaoschain lease list
  chaoschain lease revoke 0123456789abcdef0123456789abcdef
  chaoschain lease revoke --job acme/maker";

const SERVICE_EXAMPLES: &str = "\
Examples:
  chaoschain service list
  chaoschain service find --tag exchange=binance --tag region=eu
  chaoschain service find --name maker --broker 127.0.0.1:7300 --broker-key did:key:z6Mk...
  chaoschain service revoke maker/1";

#[derive(Debug, Args)]
#[command(after_help = SECRET_EXAMPLES)]
pub(crate) struct SecretArgs {
    #[command(subcommand)]
    pub(crate) command: SecretCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Store a secret, encrypted under the password of the key files.
    Store(StoreArgs),
    /// List the secrets and who may read them, without their content.
    List(TableArgs),
    /// Let a workload read a secret.
    Grant(GrantArgs),
    /// Take such a grant back; leases that run end at their next renewal.
    Withdraw(GrantArgs),
    /// Replace a secret after it was rotated at its source; leases of the old one are stale.
    Rotate(RotateSecretArgs),
    /// Drop a secret for ever.
    Revoke(RevokeSecretArgs),
    /// Show what happened: every decision with its receipt.
    Audit(TableArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TableArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// The secret's name: whose it is, and which.
    #[arg(value_name = "TENANT/NAME")]
    pub(crate) secret: SecretId,
    /// The file that holds it; `-` is standard input. One newline at the end is not part of it.
    #[arg(long)]
    pub(crate) file: PathBuf,
    /// What it is for.
    #[arg(long, default_value = "general")]
    pub(crate) purpose: Name,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RotateSecretArgs {
    /// The secret's name.
    #[arg(value_name = "TENANT/NAME")]
    pub(crate) secret: SecretId,
    /// The file that holds the new one; `-` is standard input. One newline at the end is not part of
    /// it.
    #[arg(long)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeSecretArgs {
    /// The secret's name.
    #[arg(value_name = "TENANT/NAME")]
    pub(crate) secret: SecretId,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

#[derive(Debug, Args)]
pub(crate) struct GrantArgs {
    /// The secret's name.
    #[arg(value_name = "TENANT/NAME")]
    pub(crate) secret: SecretId,
    /// The workload that may read it.
    #[arg(long, value_name = "ID")]
    pub(crate) workload: WorkloadId,
    /// In which role.
    #[arg(long, default_value = "executor")]
    pub(crate) role: Name,
    /// The class of the trust anchor that the workload's evidence must lead to. With `development`
    /// anyone who knows the development seed may read the secret.
    #[arg(long, value_enum, value_name = "CLASS", default_value = "intel-production")]
    pub(crate) anchor: AnchorArg,
    /// In which job. Default: any of the secret's tenant.
    #[arg(long, value_name = "TENANT/NAME")]
    pub(crate) job: Option<JobId>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

/// The class of a trust anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnchorArg {
    /// Hardware that Intel provisioned.
    IntelProduction,
    /// Any other root: shows that the machinery works, and nothing about hardware.
    Development,
}

#[derive(Debug, Args)]
#[command(after_help = LEASE_EXAMPLES)]
pub(crate) struct LeaseArgs {
    #[command(subcommand)]
    pub(crate) command: LeaseCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LeaseCommand {
    /// List the leases.
    List(TableArgs),
    /// End a lease, or all of a job, and give no new one until the job is restored.
    Revoke(RevokeLeaseArgs),
    /// Let a job have leases again.
    Restore(RestoreJobArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RestoreJobArgs {
    /// The job.
    #[arg(long, value_name = "TENANT/NAME")]
    pub(crate) job: JobId,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeLeaseArgs {
    /// The lease.
    #[arg(required_unless_present = "job", conflicts_with = "job")]
    pub(crate) lease: Option<LeaseId>,
    /// The job.
    #[arg(long, value_name = "TENANT/NAME")]
    pub(crate) job: Option<JobId>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

#[derive(Debug, Args)]
#[command(after_help = SERVICE_EXAMPLES)]
pub(crate) struct ServiceArgs {
    #[command(subcommand)]
    pub(crate) command: ServiceCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// List every service, whatever its state.
    List(TableArgs),
    /// Find services whose evidence is fresh and whose workload is allowed.
    Find(FindArgs),
    /// Take a service out.
    Revoke(RevokeServiceArgs),
    /// Let a service that was taken out come back.
    Restore(RevokeServiceArgs),
}

#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    /// The service's name.
    #[arg(long)]
    pub(crate) name: Option<Name>,
    /// A tag that it must have; may be repeated.
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    pub(crate) tags: Vec<String>,
    /// Ask this broker instead of the data directory's own.
    #[arg(long, value_name = "ADDRESS", requires = "broker_key")]
    pub(crate) broker: Option<String>,
    /// That broker's key.
    #[arg(long, value_name = "DID", requires = "broker")]
    pub(crate) broker_key: Option<Did>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeServiceArgs {
    /// The service.
    #[arg(value_name = "NAME/INSTANCE")]
    pub(crate) service: ServiceId,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}
