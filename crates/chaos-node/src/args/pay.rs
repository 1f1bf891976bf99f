use std::path::PathBuf;

use chaos_chains::Address;
use chaos_types::Digest;
use clap::{Args, Subcommand};

use super::{ReadArgs, SendArgs, address};

const EXAMPLES: &str = "\
Examples:
  chaoschain pay plan --outcome sha256:... --pool 1000 --rpc-url http://127.0.0.1:8545
  chaoschain pay fund --rpc-url http://127.0.0.1:8545 --dry-run
  chaoschain pay fund --rpc-url http://127.0.0.1:8545
  chaoschain pay fund --decimals 6 --rpc-url http://127.0.0.1:8545
  chaoschain pay claim --record --rpc-url http://127.0.0.1:8545
  chaoschain pay claim --record --pool 1000 --payment sponsored.json --rpc-url http://127.0.0.1:8545
  chaoschain pay refund --rpc-url http://127.0.0.1:8545";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PayArgs {
    #[command(subcommand)]
    pub(crate) command: PayCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PayCommand {
    /// Divide a pool among the agents whose work an outcome names, and write payment.json. Nothing is paid.
    Plan(PlanArgs),
    /// Approve the total and fund the distribution, once however often it is run.
    Fund(FundArgs),
    /// Claim what each agent is due. Anyone may: the money goes to the agents' accounts alone.
    Claim(ClaimArgs),
    /// Pay what nobody claimed back to the funder, after the deadline. Anyone may.
    Refund(StepArgs),
}

/// In which unit a token's amounts are meant.
#[derive(Debug, Args)]
pub(crate) struct UnitArgs {
    /// How many decimals the token has, by its documentation or an explorer: a node can say any, and has to say the
    /// same, as have the chain file's others. Not needed for a ChaosToken that the deployment's own account made, which
    /// has 18 by its code.
    #[arg(long, value_name = "COUNT")]
    pub(crate) decimals: Option<u8>,
}

#[derive(Debug, Args)]
#[command(mut_arg("json", |json| json.help("Print JSON, one object per agent")))]
pub(crate) struct PlanArgs {
    /// The receipt of the outcome, which `vote observe` printed.
    #[arg(long, value_name = "RECEIPT")]
    pub(crate) outcome: Digest,
    /// What is divided, in whole tokens: a token of another's takes its --decimals.
    #[arg(long, value_name = "TOKENS", allow_hyphen_values = true)]
    pub(crate) pool: String,
    /// The token; otherwise the deployment's.
    #[arg(long, value_name = "CONTRACT", value_parser = address)]
    pub(crate) token: Option<Address>,
    #[command(flatten)]
    pub(crate) unit: UnitArgs,
    /// Days after which the funder may take back what nobody claimed, at least 90; 0 for never.
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    pub(crate) refund_after: u32,
    /// A studio definition, whose weights divide the pool; default the built-in governance studio.
    #[arg(long, value_name = "FILE")]
    pub(crate) studio: Option<PathBuf>,
    /// What `chain deploy` wrote.
    #[arg(long, value_name = "FILE", default_value = "deployment.json")]
    pub(crate) deployment: PathBuf,
    /// The file to write.
    #[arg(long, value_name = "FILE", default_value = "payment.json")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StepArgs {
    /// What `pay plan` wrote.
    #[arg(long, value_name = "FILE", default_value = "payment.json")]
    pub(crate) payment: PathBuf,
    /// The deployment whose distributor you pay by, as `chain deploy` wrote it. A payment by another one is refused;
    /// where there is no such file, one by any other than the distributor whose address follows from its code.
    #[arg(long, value_name = "FILE", default_value = "deployment.json")]
    pub(crate) deployment: PathBuf,
    /// The distributor that you pay by, in place of the deployment's.
    #[arg(long, value_name = "CONTRACT", value_parser = address)]
    pub(crate) distributor: Option<Address>,
    /// The token that you pay in, in place of the deployment's: a payment in another one is refused.
    #[arg(long, value_name = "CONTRACT", value_parser = address)]
    pub(crate) token: Option<Address>,
    #[command(flatten)]
    pub(crate) unit: UnitArgs,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct FundArgs {
    /// Another account that has funded the same and that you pay beside: without this word nobody is paid by two.
    /// May be repeated.
    #[arg(long, value_name = "FUNDER", value_parser = address)]
    pub(crate) beside: Vec<Address>,
    #[command(flatten)]
    pub(crate) step: StepArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ClaimArgs {
    #[command(flatten)]
    pub(crate) step: StepArgs,
    /// Log the payment, as the operator, once every share is claimed, by whomever, and its block is as sure as
    /// --finality asks.
    #[arg(long)]
    pub(crate) record: bool,
    /// What is paid in all, in whole tokens, of --decimals where the token is another's: a payment of another amount is
    /// refused. --record needs it where another
    /// account than yours funded the payment, since what is logged as paid is paid for ever.
    #[arg(long, value_name = "TOKENS", allow_hyphen_values = true)]
    pub(crate) pool: Option<String>,
}
