use std::path::PathBuf;

use chaos_broker::{JobId, Name, SecretId, directory::Endpoint};
use chaos_types::Did;
use clap::{Args, Subcommand};

use super::{DataArgs, ProviderKind};

const EXAMPLES: &str = "\
Examples:
  chaoschain executor workload --provider development --machine executor
  chaoschain executor run --broker 127.0.0.1:7300 --broker-key did:key:z6Mk... \\
      --name maker --endpoint tls://127.0.0.1:7400 --tag exchange=binance --tag region=eu \\
      --secret acme/binance-key --provider configfs --collateral collateral.json";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExecutorArgs {
    #[command(subcommand)]
    pub(crate) command: ExecutorCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExecutorCommand {
    /// Attest to a broker, keep a service listed, and hold secrets while their lease lives.
    ///
    /// Prints what happens as JSON lines, never a secret. Ends with exit code 1 when the lease is
    /// over, after the secrets were overwritten.
    Run(Box<ExecutorRunArgs>),
    /// Show what workload the development provider would attest.
    Workload(WorkloadArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ProviderArgs {
    /// Where quotes come from.
    #[arg(long)]
    pub(crate) provider: ProviderKind,
    /// The development provider's workload: every name is another set of measurements.
    #[arg(long, value_name = "NAME")]
    pub(crate) machine: Option<String>,
    /// The platform's collateral, where the provider has none at hand.
    #[arg(long, value_name = "FILE")]
    pub(crate) collateral: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct WorkloadArgs {
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExecutorRunArgs {
    /// Where the broker listens.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) broker: String,
    /// The broker's key. Whoever has another is not talked to.
    #[arg(long, value_name = "DID")]
    pub(crate) broker_key: Did,
    /// The service's name.
    #[arg(long)]
    pub(crate) name: Name,
    /// The name of the key file in --data that owns the service; it is made if there is none, and
    /// opened with CHAOSCHAIN_PASSWORD. Without it the service belongs to a key of this run only.
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Which running copy of the service this is.
    #[arg(long, default_value = "1")]
    pub(crate) instance: Name,
    /// Where the service listens; may be repeated.
    #[arg(long = "endpoint", value_name = "URL", required = true)]
    pub(crate) endpoints: Vec<Endpoint>,
    /// `exchange`, `region`, `size` or `environment`, with its value; may be repeated.
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    pub(crate) tags: Vec<String>,
    /// How many jobs it can take.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) capacity: u32,
    /// A secret that it needs; may be repeated.
    #[arg(long = "secret", value_name = "TENANT/NAME")]
    pub(crate) secrets: Vec<SecretId>,
    /// The job that needs the secrets. Default: the first secret's tenant and the service's name.
    #[arg(long, value_name = "TENANT/NAME")]
    pub(crate) job: Option<JobId>,
    /// What this code does in the job.
    #[arg(long, default_value = "executor")]
    pub(crate) role: Name,
    #[command(flatten)]
    pub(crate) provider: ProviderArgs,
    /// How often the service shows that it is alive, in seconds.
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) heartbeat_seconds: u64,
    /// How often the revocation list is asked for, in seconds.
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) revocations_seconds: u64,
    /// End once registered and provided.
    #[arg(long)]
    pub(crate) once: bool,
}
