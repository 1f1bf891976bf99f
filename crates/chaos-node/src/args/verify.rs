use std::path::PathBuf;

use chaos_attestation::WorkloadId;
use chaos_chains::{Address, B256, sending::Finality};
use chaos_log::VerifierKey;
use chaos_verify::Requirement;
use clap::{Args, ValueEnum};

const VERIFY_EXAMPLES: &str = "\
Examples:
  chaoschain verify demo-out/bundles
  chaoschain verify demo-out/bundles/*.json --json
  chaoschain verify demo-out/bundles/05-simulate.json --reexecute
  chaoschain verify demo-out/bundles/05-simulate.json --reexecute --inputs demo-out/inputs
  chaoschain verify demo-out/bundles --reexecute --log-dir demo-out/data --require counted

Attested receipts must be of real hardware (the demo's are not, and are
refused):
  chaoschain verify BUNDLE --policy production --workload sha256:... --require attested

With the key of the log you trust, such as the one that the demo prints at its
end:
  chaoschain verify demo-out/bundles --log VKEY

With the hash of the anchor's block, from your own node or an explorer:
  chaoschain verify BUNDLE --log VKEY --block-hash HASH --require anchored

With nodes of yours, which are asked for the block; two of three have to have it:
  chaoschain verify BUNDLE --log VKEY --rpc-url URL --rpc-url URL --rpc-url URL --agree 2
  chaoschain verify BUNDLE --log VKEY --chain-config sepolia.toml --agree 2 --require anchored

What is said, in one word for each fact:
  well-formed   signatures and every rule that needs the receipt alone hold
  in the log    the log that --log names holds it; without --log, a log that the bundle names;
                by the word of a retired key, if nothing shows that its head is not a thief's
  counted       the log's own fold counts it: shown, recomputed here, or not shown
  anchored      a block holds the log's head that --block-hash names, or that so many nodes have as
                --agree asks for; else not placed
  re-executed   its program was run here and gave the same, or the proof that it carries was checked;
                else not re-executed, or claimed, not recomputed: its inputs are the signer's summary
                of the log
  attested      a quote vouches for it, under production or under development trust

  on chain      what the receipt says of a chain: proven in a block, placed as an anchor's is, of a
                contract that is known; else not placed, or the signer's word
  witnessed     the quorum of the policy that --log-policy names has cosigned the log's head

With a C2SP tlog-policy file, which names witnesses and may name the logs you
trust:
  chaoschain verify BUNDLE --log-policy witnesses.policy --require witnessed

A file that proves that a log forked, as `log monitor` leaves it:
  chaoschain verify watched/alarms/fork-13-1a2b3c4d.fork --log VKEY

With a copy of a log that others report forks in (`log report-fork`), or with
a report's bundle:
  chaoschain verify BUNDLE --log-dir DIR
  chaoschain verify BUNDLE report.json

Exit codes of several files: 6 if a log forked, else 1 if one was rejected or
lacks what is required, else 5 if the copy of --log-dir is damaged, without
which all are judged then, else 3 if a file could not be read or that copy ends
before a head. One bad file does not stop the others. All are judged together, in whatever order. A proof about a
retired key is not a fork of the log: 0.

Re-execution looks inputs up by digest: first in the bundle, then in every
--inputs folder and, if none is given, in the folder above the bundle's.";

#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// Bundles, fork proofs, folders of them (*.json, *.fork; alarms of a monitor are named and passed over), a
    /// study's folder, whose files are held against its manifest, or `-` for one on stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Run the receipts' programs again and compare.
    #[arg(long)]
    pub(crate) reexecute: bool,
    /// A folder that holds inputs; may be repeated.
    #[arg(long, value_name = "DIR", requires = "reexecute")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The verifier key of the log you trust. Without it a bundle is checked against its own key,
    /// which shows that its parts agree but not whose log it is.
    #[arg(long, value_name = "VKEY")]
    pub(crate) log: Option<VerifierKey>,
    /// A C2SP tlog-policy file. Its quorum of witnesses must have cosigned the head of the log; if it
    /// names logs, these are the ones you trust.
    #[arg(long, value_name = "FILE")]
    pub(crate) log_policy: Option<PathBuf>,
    /// A copy of the log: a mirror's folder, or the log's own data directory. It is held against the
    /// head that the log signed and folded here; scores and payments are recomputed from it. What its
    /// entries report of forks, of whichever log, refuses bundles on either branch.
    #[arg(long, value_name = "DIR")]
    pub(crate) log_dir: Option<PathBuf>,
    /// Where to write the proof of a fork, if a bundle and the copy that --log-dir names show one.
    #[arg(long, value_name = "DIR", requires = "log_dir")]
    pub(crate) keep_forks: Option<PathBuf>,
    /// The hash of a block that is on the chain, from a source you trust; may be repeated. An anchor in
    /// another block is refused; without any, no anchor is placed.
    #[arg(long, value_name = "HASH")]
    pub(crate) block_hash: Vec<B256>,
    /// The contract that the log's operator anchors in; an anchor in another one is refused.
    #[arg(long, value_name = "ADDRESS", value_parser = super::address)]
    pub(crate) contract: Option<Address>,
    /// A contract of this project's that you know, from who deployed it; may be repeated. What a receipt says of a
    /// chain is shown by a contract whose address follows from its code, or by one of these: in any other, its maker
    /// can have put it.
    #[arg(long, value_name = "ADDRESS", value_parser = super::address)]
    pub(crate) trust_contract: Vec<Address>,
    /// The JSON-RPC endpoint of a node of yours; may be repeated. Each is asked for the anchor's block, and
    /// what it says is told. A node that has another block there, one that stays, refuses the bundle.
    #[arg(long, value_name = "URL", group = "nodes")]
    pub(crate) rpc_url: Vec<String>,
    /// A file that describes the chain, in place of --rpc-url: each of its endpoints is asked, and has to serve
    /// that chain. `chaoschain chain --help` says what it holds.
    #[arg(long, value_name = "FILE", group = "nodes")]
    pub(crate) chain_config: Option<PathBuf>,
    /// The chain that you mean, such as eip155:1; an anchor on another one is refused, and whatever else is said of
    /// another one is not placed. The time of a block that only --block-hash names bounds the log's, unless you say
    /// here that it is of a development chain.
    #[arg(long, value_name = "CAIP-2")]
    pub(crate) chain: Option<String>,
    /// How many of these nodes have to have the block; default all.
    #[arg(long, value_name = "K", requires = "nodes")]
    pub(crate) agree: Option<usize>,
    /// How sure they have to be that it stays: `final`, `safe`, `included`, or `included:N`.
    #[arg(long, value_name = "FINALITY", default_value = "final", requires = "nodes")]
    pub(crate) finality: Finality,
    /// What quotes must meet: `production`, `development`, or a policy file. Without it each quote is
    /// held against the preset of its own trust anchor's class, and the answer says which that was.
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<String>,
    /// Facts that must be shown of every receipt, separated by commas; may be repeated.
    #[arg(long, value_name = "FACT", value_delimiter = ',')]
    pub(crate) require: Vec<Required>,
    /// A workload that attested receipts may come from; may be repeated. The production preset
    /// accepts no other.
    #[arg(long, value_name = "SHA256")]
    pub(crate) workload: Vec<WorkloadId>,
    /// A root certificate to trust as development besides the known ones, DER; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) root: Vec<PathBuf>,
    /// Print one JSON object per bundle.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A fact that a reader can insist on.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Required {
    /// The log's own fold counts the receipt.
    Counted,
    /// A block holds the log's head that --block-hash names, or that the nodes of --rpc-url have.
    Anchored,
    /// Its anchor is in the registry, and by the publisher that the log declares. That it is on the chain `anchored` says.
    Declared,
    /// What it says of a chain is shown there, in a block that --block-hash names, or that the nodes of --rpc-url
    /// have.
    OnChain,
    /// Its program was run again here, with --reexecute.
    Reexecuted,
    /// A quote vouches for it: under production trust, or as the policy that --policy names.
    Attested,
    /// Its program can be run again by anyone.
    Replayable,
    /// The quorum of witnesses that --log-policy names has cosigned the log's head.
    Witnessed,
}

impl Required {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Anchored => "anchored",
            Self::Declared => "declared",
            Self::OnChain => "on-chain",
            Self::Reexecuted => "reexecuted",
            Self::Attested => "attested",
            Self::Replayable => "replayable",
            Self::Witnessed => "witnessed",
        }
    }

    pub(crate) const fn requirement(self, args: &VerifyArgs) -> Requirement {
        match self {
            Self::Counted => Requirement::Counted,
            Self::Anchored => Requirement::Anchored,
            Self::Declared => Requirement::Declared,
            Self::OnChain => Requirement::OnChain,
            Self::Reexecuted => Requirement::Reexecuted,
            Self::Attested => Requirement::Attested { by_named_policy: args.policy.is_some() },
            Self::Replayable => Requirement::Replayable,
            Self::Witnessed => Requirement::Witnessed,
        }
    }
}
