//! The command line.

mod agent;
mod anchor;
mod attest;
mod broker;
mod chain;
mod chains;
mod executor;
mod forecast;
mod log;
mod pay;
mod proposal;
mod publish;
mod run;
mod secret;
mod sending;
mod sources;
mod tx;
mod verify;
mod vote;
mod witness;
mod work;

use std::{num::NonZeroUsize, path::PathBuf};

use chaos_chains::Address;
use clap::{Parser, Subcommand};

pub(crate) use agent::{
    AccountArgs, AgentArgs, AgentCommand, RegisterArgs, RevokeArgs, RotateArgs, ShowArgs,
    UpdateArgs,
};
pub(crate) use anchor::{AnchorCommand, AuditArgs};
pub(crate) use attest::{
    AddArgs, AllowlistArgs, AllowlistCommand, AttestArgs, AttestCommand, AttestQuoteArgs,
    AttestVerifyArgs, CheckArgs, NewArgs, ProviderKind, QuoteVersion, RevokeWorkloadArgs,
    ShowListArgs, SignArgs, VouchArgs,
};
pub(crate) use broker::{
    BrokerArgs, BrokerCommand, DismissArgs, EnrolArgs, InForceArgs, PublishArgs, ServeArgs,
};
pub(crate) use chain::{
    ChainCommand, ChainCommands, DeployArgs, DoctorArgs, PartKind, TermsArgs, WorkKind,
};
pub(crate) use chains::{ChainConfigArgs, ChainsArgs};
pub(crate) use executor::{
    ExecutorArgs, ExecutorCommand, ExecutorRunArgs, ProviderArgs, WorkloadArgs,
};
pub(crate) use forecast::{
    BacktestArgs, FeeHistoryArgs, ForecastArgs, Market, RulesArgs, ValidateArgs,
};
pub(crate) use log::{
    AcceptClockArgs, AnchorArgs, CheckpointArgs, CorrectTimeArgs, HandoverArgs, LogArgs,
    LogCommand, ProveArgs, RebuildArgs, ReportForkArgs, ResumeArgs, ShowArgs as LogShowArgs,
};
pub(crate) use pay::{ClaimArgs, FundArgs, PayArgs, PayCommand, PlanArgs, StepArgs};
pub(crate) use proposal::{ProposalArgs, ProposalCheckArgs, ProposalCommand, SubmitArgs};
pub(crate) use publish::{
    CopyArgs, DisclosureArgs, FindingsArgs, LogExportArgs, LogServeArgs, MirrorArgs, MonitorArgs,
    RepairArgs,
};
pub(crate) use run::RunArgs;
pub(crate) use secret::{
    AnchorArg, FindArgs, GrantArgs, LeaseArgs, LeaseCommand, RestoreJobArgs, RevokeServiceArgs,
    SecretArgs, SecretCommand, ServiceArgs, ServiceCommand, TableArgs,
};
pub(crate) use sending::{ChainArgs, KeyArgs, ReadArgs, SendArgs, SpendArgs, WaitArgs};
pub(crate) use sources::{ExportArgs, ImportArgs, NodeArgs, StateFrom};
pub(crate) use tx::{
    TxArgs, TxBumpArgs, TxCancelArgs, TxCommand, TxListArgs, TxRepairArgs, TxResumeArgs,
};
pub(crate) use verify::{Required, VerifyArgs};
pub(crate) use vote::{
    CastArgs, DelegateArgs, ExecuteArgs, ObserveArgs, OpenArgs, VoteArgs, VoteCommand,
    VoteFileArgs, WatchArgs,
};
pub(crate) use witness::WitnessArgs;
pub(crate) use work::{
    BLOCKS, BlockSource, DemoArgs, DiffArgs, ELASTICITY, ProposeArgs, ReplayArgs, SimulateArgs,
    SimulationArgs,
};

const AFTER_HELP: &str = "\
Exit codes:
  0  done, and everything that was checked holds
  1  a check failed: a bundle was rejected, evidence was refused, a block or view differed
  2  the command line is wrong
  3  an input is wrong: a file, a parameter, an agent's name, a password
  4  something outside is missing or unreachable: an RPC endpoint, anvil
  5  the data directory is locked, damaged or full, or output cannot be written
  6  a log forked: its key signed two trees of which neither is the start of the other

Environment:
  CHAOSCHAIN_PASSWORD           password of the agents' key files and of the vault
  CHAOSCHAIN_KEYSTORE_PASSWORD  password of an Ethereum keystore file
  CHAOSCHAIN_PRIVATE_KEY        an Ethereum key, if no keystore is used
  CHAOSCHAIN_SIGNER             URL of a remote signer, with --signer-account
  CHAOSCHAIN_ANVIL              where anvil is, if not on the path
  NO_COLOR                      no colours";

/// Makes the work of autonomous agents checkable.
///
/// Every action an agent takes leaves a receipt that a stranger can verify offline, re-execute,
/// find in an anchored log, and follow into a reputation and a payout that recompute exactly.
#[derive(Debug, Parser)]
#[command(name = "chaoschain", version, after_help = AFTER_HELP, propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole story: blocks, analysis, simulation, proposal, vote, scores, payment, proofs.
    Demo(DemoArgs),
    /// Re-execute blocks and compare gas and receipts roots with their headers.
    Replay(ReplayArgs),
    /// Fetch blocks and write them in the recorded format, or select from recorded ones.
    Export(ExportArgs),
    /// Make a recorded block of a saved trace or state proof.
    Import(ImportArgs),
    /// Compare a parameter change with the baseline on real blocks.
    Simulate(SimulateArgs),
    /// Say what differs between two studies, in what they assume and in what they find.
    Diff(DiffArgs),
    /// Predict recorded blocks window after window and say how often the forecasts held.
    Validate(ValidateArgs),
    /// Read a fee history, hold it to its chain's fee rule, and say what it lacks.
    FeeHistory(FeeHistoryArgs),
    /// List the chains whose rules are built in, or show all of one with its sources.
    Chains(ChainsArgs),
    /// Predict the blocks after a change, and score the forecast against what happened.
    Backtest(BacktestArgs),
    /// Let the studio's agents analyse, draft, simulate and refine a proposal.
    Propose(ProposeArgs),
    /// Run a component in the sandbox and leave a receipt.
    Run(RunArgs),
    /// Verify receipt bundles offline.
    Verify(Box<VerifyArgs>),
    /// Verify evidence about where code ran.
    Attest(AttestArgs),
    /// Register, list, show, rotate or revoke agents.
    Agent(AgentArgs),
    /// Show the log, sign checkpoints, make proofs, rebuild the views.
    Log(LogArgs),
    /// Write the log's checkpoint to a chain, or audit what was written.
    Anchor(AnchorCommand),
    /// List what was sent to a chain, go on with it, offer more for it, or cancel it.
    Tx(TxArgs),
    /// Look a node over before anything is paid, and deploy our contracts.
    Chain(ChainCommands),
    /// Put a finished proposal on record on a chain, or say what somebody else's does.
    Proposal(Box<ProposalArgs>),
    /// Pay the agents whose work led to an outcome.
    Pay(Box<PayArgs>),
    /// Open, cast, follow, execute or observe votes on a chain.
    Vote(Box<VoteArgs>),
    /// Cosign the checkpoints of others' logs, as long as each continues the last one.
    Witness(WitnessArgs),
    /// Run the directory of services and the release of secrets, and say which workloads may act.
    Broker(Box<BrokerArgs>),
    /// Run attested: register a service, get secrets, hold them while their lease lives.
    Executor(Box<ExecutorArgs>),
    /// List, find, revoke or restore services.
    Service(Box<ServiceArgs>),
    /// Store, grant, rotate, revoke and audit secrets.
    Secret(Box<SecretArgs>),
    /// List or revoke leases of secrets.
    Lease(Box<LeaseArgs>),
}

/// Where a node keeps its log, views, blobs and keys.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DataArgs {
    /// The data directory.
    #[arg(long, env = "CHAOSCHAIN_DATA", default_value = "chaoschain-data", value_name = "DIR")]
    pub(crate) data: PathBuf,
}

/// Most threads that are started: more would wait for each other on any machine there is.
const THREADS_MAX: usize = 256;

/// A number of threads.
fn threads(text: &str) -> anyhow::Result<NonZeroUsize> {
    let found = text.parse::<usize>().ok().and_then(NonZeroUsize::new);
    match found.filter(|threads| threads.get() <= THREADS_MAX) {
        Some(threads) => Ok(threads),
        None => anyhow::bail!("expected a number of threads from 1 to {THREADS_MAX}"),
    }
}

/// An address of a chain. Capitals in it are a checksum (EIP-55), which a mistyped one does not have.
fn address(text: &str) -> anyhow::Result<Address> {
    let has = |is: fn(&u8) -> bool| text.trim_start_matches("0x").as_bytes().iter().any(is);
    if has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) {
        return Ok(Address::parse_checksummed(text, None)?);
    }
    Ok(text.parse()?)
}
