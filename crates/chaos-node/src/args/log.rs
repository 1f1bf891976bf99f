use std::{path::PathBuf, time::Duration};

use chaos_types::Digest;
use clap::{ArgGroup, Args, Subcommand};

use super::{
    DataArgs, FindingsArgs, LogExportArgs, LogServeArgs, MirrorArgs, MonitorArgs, RepairArgs,
    SendArgs,
};

const EXAMPLES: &str = "\
Examples:
  chaoschain log show --data demo-out/data
  chaoschain log prove --consistency 5 --data demo-out/data
  chaoschain log rebuild --check --data demo-out/data

This one serves until it is stopped, and the other copies what it serves:
  chaoschain log serve --data demo-out/data
  chaoschain log mirror http://127.0.0.1:7311 mirror --log VKEY

These sign, so they need CHAOSCHAIN_PASSWORD; a proof only if no checkpoint
covers it yet:
  chaoschain log checkpoint > checkpoint.note
  chaoschain log prove sha256:... --out receipt.json
  chaoschain log prove sha256:... --tlog-proof --out receipt.tlog-proof";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    pub(crate) command: LogCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// List the entries, newest last.
    Show(ShowArgs),
    /// Sign and print a C2SP checkpoint of the log as it stands.
    Checkpoint(CheckpointArgs),
    /// Write the bundle that proves a receipt, its place alone, or a consistency proof.
    Prove(ProveArgs),
    /// Hand the signing of checkpoints from one key to a fresh one, by the log's root key.
    RotateKey(HandoverArgs),
    /// Hand the operator's receipts from one key to a fresh one, by the log's root key.
    ReplaceOperator(HandoverArgs),
    /// Let this data directory sign again after its memory of signed heads was lost.
    Resume(ResumeArgs),
    /// Let the log take in its next entry although the last one is long past, because the clock is right.
    AcceptClock(AcceptClockArgs),
    /// Show which entries a wrong clock dated, and with --sign take their times back by an entry that all
    /// readers see.
    CorrectTime(CorrectTimeArgs),
    /// Show what a fork proof of any log proves, and with --sign hand it on as an entry of this log.
    ReportFork(ReportForkArgs),
    /// Drop every row and fold it from the log anew, or with --check only compare.
    Rebuild(RebuildArgs),
    /// Publish the log over HTTP, as C2SP tlog-tiles with the receipts beside them.
    Serve(LogServeArgs),
    /// Write what is published into a folder, for any static host.
    Export(LogExportArgs),
    /// Copy another's log and check all of it.
    Mirror(MirrorArgs),
    /// Copy another's log, and raise alarms.
    Monitor(MonitorArgs),
    /// List what a mirror or monitor found wrong in the log, or accept it.
    Findings(FindingsArgs),
    /// Fetch what is damaged here from a copy of the log.
    Repair(RepairArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Only the last N entries.
    #[arg(long, value_name = "N")]
    pub(crate) last: Option<u64>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON, one object per line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckpointArgs {
    /// Ask the witnesses of a C2SP tlog-policy file, and publish the checkpoint once its quorum has
    /// cosigned. Until then the last published one stays. The log keeps the policy: from now on no
    /// command publishes a checkpoint without that quorum. One with `quorum none` ends this. Of a witness
    /// that trusts no key of the checkpoint, the lines are printed that its policy may lack.
    #[arg(long, value_name = "FILE")]
    pub(crate) log_policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    /// The receipt, as sha256:<64 hex>.
    #[arg(required_unless_present = "consistency", conflicts_with = "consistency")]
    pub(crate) receipt: Option<Digest>,
    /// Prove instead that the log of this size is a prefix of the log as it stands.
    #[arg(long, value_name = "SIZE")]
    pub(crate) consistency: Option<u64>,
    /// Prove where the receipt stands and nothing else, for others' tools: a C2SP tlog-proof text with
    /// the leaf as its extra data. A receipt that the log refuses has such a proof too.
    #[arg(long, conflicts_with = "consistency")]
    pub(crate) tlog_proof: bool,
    /// Prove under the newest head, and leave out where an earlier one that holds the receipt is anchored.
    #[arg(long, conflicts_with_all = ["consistency", "tlog_proof"])]
    pub(crate) without_anchor: bool,
    /// Where to write the proof; default stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON: a bundle is JSON as it is; of what --out writes, where it is and what it proves.
    #[arg(long)]
    pub(crate) json: bool,
}

const HANDOVER_HELP: &str = "\
A log is named by its root key for ever. That key plays every role until it
hands one to another key:
checkpoints to the log's key, receipts (votes, scores, payments, anchors) to
the operator's key. Once it has handed on both, its file can be moved away,
and is needed again for the next delegation alone.

The fresh key is made in the folder `keys` of the data directory, as
operator.log.next.pem for checkpoints and operator.next.pem for receipts; a
file that a failed attempt left there is put aside. The
first checkpoint afterwards is signed by both keys. A key that is lost or
stolen is replaced with --lost: the root key and the new one agree, and
readers follow only with a policy whose witnesses have cosigned. If its file is
still there and does not open, damaged or with a forgotten password, it is set
aside under a name of its own; the root key's file has to open.

Examples:
  chaoschain log rotate-key
  chaoschain log replace-operator
  chaoschain log rotate-key --root /media/safe/operator.root.pem
  chaoschain log rotate-key --root /media/safe/operator.root.pem --lost --data mirror";

#[derive(Debug, Args)]
#[command(after_help = HANDOVER_HELP)]
pub(crate) struct HandoverArgs {
    /// The file of the log's root key, if it is not in the data directory.
    #[arg(long, value_name = "FILE")]
    pub(crate) root: Option<PathBuf>,
    /// The replaced key is lost or stolen, so that it does not agree. Of the checkpoints' key, nothing is
    /// signed then in a log without a policy of witnesses: nobody could follow it.
    #[arg(long)]
    pub(crate) lost: bool,
    /// With --lost: sign although no witness is asked. Readers and mirrors refuse the log under its root key
    /// until a policy of witnesses is set and cosigned.
    #[arg(long, requires = "lost")]
    pub(crate) unwitnessed: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const RESUME_HELP: &str = "\
A log must never sign two histories, so what it signed last is remembered
outside of the data directory: in the folder CHAOSCHAIN_HEADS, or
chaoschain/heads in the user's state folder. A data directory that comes to a
machine without that memory signs nothing until somebody says which head was
the last that anybody holds. A head that is remembered and by a key which the
directory shows to be retired is put aside, in a file that is named, once a
head by the next key is published.

Examples:
  chaoschain log resume --from checkpoint.note
  chaoschain log resume --only-copy";

#[derive(Debug, Args)]
#[command(after_help = RESUME_HELP)]
#[command(group = ArgGroup::new("known").required(true).args(["from", "only_copy"]))]
pub(crate) struct ResumeArgs {
    /// A signed checkpoint that somebody holds: a mirror's, a witness's, the one that was anchored.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Vec<PathBuf>,
    /// You vouch that this log signed nothing after the newest checkpoint in the data directory.
    #[arg(long)]
    pub(crate) only_copy: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AcceptClockArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const CORRECT_HELP: &str = "\
The log's time does not go back, so one clock that is ahead dates everything
that follows. A correction is an entry by the operator that says what time it
is: entries from the first wrong one up to it are then not later than that,
for scores and for whoever reads times. What was written stays, and every
mirror and monitor tells of the correction. Set the clock right first.

Examples:
  chaoschain log correct-time
  chaoschain log correct-time --sign";

#[derive(Debug, Args)]
#[command(after_help = CORRECT_HELP)]
pub(crate) struct CorrectTimeArgs {
    /// The first entry that was dated wrongly; default the first that is dated after the clock here.
    #[arg(long, value_name = "ENTRY")]
    pub(crate) first: Option<u64>,
    /// Sign the correction and append it. Without this nothing is written.
    #[arg(long)]
    pub(crate) sign: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const REPORT_HELP: &str = "\
A fork proof needs nobody's word, and a file can be lost. As an entry it is
signed, dated and copied like every other: each reader of a copy of this log
has bundles of the forked log refused whose head is on one of two branches
(`chaoschain verify BUNDLE --log-dir COPY`, exit code 6). Any agent may
report, without a capability for it, and of any log, this one included. A
second report of the same key is taken in if its heads conflict from a smaller
size on.

Examples:
  chaoschain log report-fork watched/alarms/fork-4-1a2b3c4d.fork
  chaoschain log report-fork watched/alarms/fork-4-1a2b3c4d.fork --agent ada --sign";

#[derive(Debug, Args)]
#[command(after_help = REPORT_HELP)]
pub(crate) struct ReportForkArgs {
    /// The fork proof, of two heads, as `log monitor` or `log mirror` leaves it.
    #[arg(value_name = "FILE")]
    pub(crate) proof: PathBuf,
    /// The name or did:key of the agent that hands it on; default the log's operator.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// Sign the report and append it. Without this nothing is written.
    #[arg(long)]
    pub(crate) sign: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    /// Change nothing; compare every record, tile, blob and row with what it should be, and exit with 1
    /// if a row differs.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const ANCHOR_EXAMPLES: &str = "\
Examples:
  export CHAOSCHAIN_KEYSTORE_PASSWORD=...
  chaoschain anchor --rpc-url http://127.0.0.1:8545 --keystore anchor.json --deploy --dry-run
  chaoschain anchor --rpc-url http://127.0.0.1:8545 --keystore anchor.json --deploy
  chaoschain anchor --rpc-url http://127.0.0.1:8545 --keystore anchor.json --if-changed

On a schedule, at most every six hours, if ten entries are new, for at most
0.01 of the chain's coin in 24 hours; SIGTERM ends it, and nothing that was
sent is lost:
  chaoschain anchor --chain-config sepolia.toml --keystore anchor.json --every 6h \\
    --min-new 10 --max-per-day 0.01";

#[derive(Debug, Args)]
#[command(after_help = ANCHOR_EXAMPLES)]
pub(crate) struct AnchorArgs {
    /// A CheckpointAnchor contract of this log and account, as the first anchors had. Default: the registry of
    /// checkpoints, which has one address on every chain.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) contract: Option<String>,
    #[command(flatten)]
    pub(crate) how: AnchorHow,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AnchorHow {
    /// Put the registry on the chain first, if it is not there. Anybody may, and gets no right by it.
    #[arg(long, conflicts_with = "contract")]
    pub(crate) deploy: bool,
    /// Declare this chain and account as the log's from here on, in place of those that it declares.
    #[arg(long)]
    pub(crate) redeclare: bool,
    /// If an earlier command was stopped after it sent an anchor and the log has grown since, anchor what came
    /// since as well. Otherwise only what was paid for is logged.
    #[arg(long)]
    pub(crate) go_on: bool,
    #[command(flatten)]
    pub(crate) when: AnchorWhen,
}

/// Whether there is something to anchor, and how often that is asked.
#[derive(Debug, Args)]
pub(crate) struct AnchorWhen {
    /// Do nothing if nothing but receipts of anchors came after the newest anchor.
    #[arg(long)]
    pub(crate) if_changed: bool,
    /// Do nothing if fewer than this many entries came after the newest anchor; receipts of anchors are not
    /// counted.
    #[arg(long, value_name = "N", conflicts_with = "if_changed", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) min_new: Option<u64>,
    /// Anchor again and again, at most once in this time, until stopped: 90s, 30m, 6h or 1d. What is new by less than
    /// --min-new (by default one entry) waits for the next time; what fails outside is tried again.
    #[arg(long, value_name = "DURATION", conflicts_with = "dry_run", value_parser = duration)]
    pub(crate) every: Option<Duration>,
}

impl AnchorWhen {
    /// How many entries have to be new; none for an anchor whatever is new.
    pub(crate) fn new_min(&self) -> Option<u64> {
        let asked = self.if_changed || self.every.is_some();
        self.min_new.or(asked.then_some(1))
    }
}

/// Longest time between two anchors, in seconds: 30 days.
const EVERY_S_MAX: u64 = 30 * 86_400;

/// A time as people write it.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit_s = match &text[digits.len()..] {
        "" | "s" => Some(1_u64),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        _ => None,
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u64> = digits.parse().ok().filter(|_| is_number);
    let seconds = number.zip(unit_s).and_then(|(number, unit_s)| number.checked_mul(unit_s));
    seconds
        .filter(|seconds| (1..=EVERY_S_MAX).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| "expected 1s to 30d, as 90s, 30m, 6h or 1d".to_owned())
}
