use std::path::PathBuf;

use chaos_chains::Address;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::{AnchorArgs, DataArgs};

const AUDIT_EXAMPLES: &str = "\
Every head of the log that was anchored has to be the start of your copy of it. One that is not
shows that the log has two histories: exit code 6. Anchors that your copy does not reach were not
judged, nor what was anchored in another place that the log ever named, or in blocks that were not
looked at: exit code 3. In a contract that no entry of the log names, and that you name, another
root accuses nobody: exit code 1.

Examples:
  chaoschain anchor audit --rpc-url URL --log-dir mirror \\
    --publisher 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
  chaoschain anchor audit --rpc-url URL --rpc-url URL --agree 1 --log-dir mirror \\
    --publisher 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
  chaoschain anchor audit --chain-config sepolia.toml --chain-config base.toml --log-dir mirror
  chaoschain anchor audit --rpc-url URL --log-dir mirror --json \\
    --contract 0x5FbDB2315678afecb367f032d93F642f64180aa3";

/// `anchor` by itself writes, and has a subcommand beside.
#[derive(Debug)]
pub(crate) enum AnchorCommand {
    /// Writes the log's checkpoint to a chain.
    Write(Box<AnchorArgs>),
    /// Holds what was written against a copy of the log.
    Audit(AuditArgs),
}

#[derive(Debug, Args)]
#[command(after_help = AUDIT_EXAMPLES)]
pub(crate) struct AuditArgs {
    /// The JSON-RPC endpoint of a node of yours; may be repeated.
    #[arg(
        long,
        value_name = "URL",
        required_unless_present = "chain_config",
        conflicts_with = "chain_config"
    )]
    pub(crate) rpc_url: Vec<String>,
    /// A file that describes the chain, in place of --rpc-url: each of its endpoints is asked, and has to serve
    /// that chain. May be repeated, for each chain that the log ever declared. `chaoschain chain --help` says what
    /// it holds.
    #[arg(long, value_name = "FILE")]
    pub(crate) chain_config: Vec<PathBuf>,
    /// How many of these nodes have to say the same; default all.
    #[arg(long, value_name = "K")]
    pub(crate) agree: Option<usize>,
    /// The chain it must be, such as eip155:1; otherwise whatever the first node serves.
    #[arg(long, value_name = "CAIP-2")]
    pub(crate) chain: Option<String>,
    /// A CheckpointAnchor contract of the log, or the registry, in place of the registry and of every contract in
    /// which the log says that it was anchored on this chain. May be repeated. That one which no entry of the log names
    /// is the log's, nobody says but you.
    #[arg(long, value_name = "ADDRESS", value_parser = super::address)]
    pub(crate) contract: Vec<Address>,
    /// The account that anchors for the log; default the one that the log declares. Anybody may anchor under an account of its own: what others
    /// wrote is listed and says nothing about the log. A CheckpointAnchor has one publisher.
    #[arg(long, value_name = "ADDRESS", value_parser = super::address)]
    pub(crate) publisher: Option<Address>,
    /// The first block to look at, on your word that nothing of the log was anchored before it; default the
    /// one in which the registry begins, which a node that keeps no old state cannot tell, and the chain's first for a
    /// CheckpointAnchor, which may have stood there before under other code.
    #[arg(long, value_name = "N")]
    pub(crate) from_block: Option<u64>,
    /// A copy of the log: a mirror's folder, or the log's own data directory; default --data.
    #[arg(long, value_name = "DIR")]
    pub(crate) log_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl FromArgMatches for AnchorCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand() {
            Some(("audit", matches)) => AuditArgs::from_arg_matches(matches).map(Self::Audit),
            _ => AnchorArgs::from_arg_matches(matches).map(|args| Self::Write(Box::new(args))),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for AnchorCommand {
    fn augment_args(command: Command) -> Command {
        let about = "Hold every head of the log that was anchored against a copy of it";
        // The first line of what is flattened would be the last that is said of it.
        let audit = AuditArgs::augment_args(Command::new("audit")).about(about).long_about(None);
        AnchorArgs::augment_args(command)
            .subcommand(audit)
            .args_conflicts_with_subcommands(true)
            .subcommand_negates_reqs(true)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
