use std::{io, num::TryFromIntError, path::PathBuf};

use chaos_agency::Declaration;
use chaos_attestation::{Refusal, policy::PolicyError};
use chaos_chains::{ProposalState, U256};
use chaos_evm::{DecodeError, RebuildError, ReplayError, RunError};
use chaos_governance::{change, draft, proposal, refine};
use chaos_history::{DaysError, FitError, HistoryError, RuleError};
use chaos_simulation::MaterialError;
use chaos_study::FileError;
use chaos_types::{ChainId, Digest, canonical};

use crate::task;

/// Why a program did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger refuses or fails.
    #[error(transparent)]
    Ledger(#[from] chaos_ledger::Error),
    /// A vote is not shown.
    #[error("the vote is not shown by its governor's code")]
    Vote(#[source] Box<crate::voting::VoteProofError>),
    /// A recording of a proposal gives no review.
    #[error(transparent)]
    Recording(#[from] Box<chaos_review::RecordingError>),
    /// A file cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder cannot be read.
    #[error("cannot read the folder {path}", path = path.display())]
    ReadFolder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder of generated blocks cannot be emptied.
    #[error("cannot empty {path}", path = path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file holds no block, or no codes, in the recorded format.
    #[error("{path}", path = path.display())]
    Recorded {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<DecodeError>,
    },
    /// Codes are not those that their hashes name.
    #[error(transparent)]
    Codes(Box<DecodeError>),
    /// A folder of recorded blocks is refused.
    #[error(transparent)]
    Folder(#[from] crate::blocks::FolderError),
    /// A file holds no fee history.
    #[error("{path}", path = path.display())]
    FeeHistory {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: HistoryError,
    },
    /// A file holds no table of days.
    #[error("{path}", path = path.display())]
    Days {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: DaysError,
    },
    /// A change cannot be predicted or scored.
    #[error(transparent)]
    Predict(chaos_simulation::change::Error),
    /// No row with blob figures comes before a change.
    #[error("no row with blob figures before {activation}")]
    NothingBefore {
        /// When the change takes effect.
        activation: String,
    },
    /// A chain has no rule for blobs there.
    #[error("no rule of blobs is known of {chain} for all rows with blob figures")]
    NoBlobs {
        /// The chain.
        chain: ChainId,
    },
    /// The chain changed otherwise than was said.
    #[error("the change was not made: --set makes {set}, and block {block} has {shown}")]
    OtherChange {
        /// The first block under the changed rule.
        block: u64,
        /// What was said.
        set: String,
        /// What the chain has.
        shown: String,
    },
    /// The gas limit became another than was said.
    #[error(
        "the change was not made: from the day of {day} on the gas limit is {found}, and --set says {to} after {from}"
    )]
    OtherLimit {
        /// Unix time of the first day scored.
        day: u64,
        /// The median limit of those days.
        found: u64,
        /// The limit before.
        from: u64,
        /// The limit that was said.
        to: u64,
    },
    /// A table of days has no block numbers.
    #[error("a table of days has no {activation}: name the day of the change, such as 2025-02-02")]
    DaysByTime {
        /// What was named.
        activation: String,
    },
    /// Use per day after auctions end follows from blocks per day, which a table of days does not hold.
    #[error(
        "where a base fee begins, gas used per day needs the blocks of a day, which the table does not hold"
    )]
    NeedsBlockTime,
    /// Not one window fits.
    #[error("{blocks} rows do not hold {fit} to fit on and {horizon} to predict without a change")]
    NoBlobWindow {
        /// Rows.
        blocks: usize,
        /// Rows to fit on.
        fit: usize,
        /// Rows to predict.
        horizon: usize,
    },
    /// A fee history does not follow the fee rule.
    #[error("{path}: the fee history is refused", path = path.display())]
    FeeRule {
        /// The file.
        path: PathBuf,
        /// The first block that does not follow, and what would fit.
        source: Box<RuleError>,
    },
    /// No one demand can be fitted to a fee history.
    #[error("{path}: no demand can be fitted", path = path.display())]
    Fit {
        /// The file.
        path: PathBuf,
        /// Why.
        source: FitError,
    },
    /// It is not known by which fee rule a chain's blocks are made.
    #[error(transparent)]
    Rules(Box<RuleError>),
    /// Recorded blocks are of several times.
    #[error(
        "the {blocks} recorded blocks {first} to {last} are not consecutive: {missing} are missing between them, and \
         blocks that are not consecutive are no one demand"
    )]
    Scattered {
        /// Recorded blocks with a base fee.
        blocks: u64,
        /// The first.
        first: u64,
        /// The last.
        last: u64,
        /// Those between that were not recorded.
        missing: u64,
    },
    /// A study names columns of its fee history that mean nothing.
    #[error("{path}: [sources] columns", path = path.display())]
    StudyColumns {
        /// The study file.
        path: PathBuf,
        /// Why.
        source: chaos_history::ColumnsError,
    },
    /// A study names a fee history and not the chain that it is of.
    #[error(
        "the study names a fee history and neither blocks nor [sources] chain, so the chain of its rows is not known"
    )]
    HistoryOfNoChain,
    /// There are no blocks at all.
    #[error("no blocks")]
    NoBlocks,
    /// There are blocks, of other chains.
    #[error("{dir} holds {left_out} blocks, none of {wanted}", dir = dir.display())]
    NoneOfChain {
        /// The folder.
        dir: PathBuf,
        /// How many blocks of other chains it holds.
        left_out: usize,
        /// The chain that was asked for.
        wanted: ChainId,
    },
    /// The folder is no recorded chain, nor are those in it.
    #[error("{dir} has no folder `blocks`, nor has any folder in it", dir = dir.display())]
    NoBlockFolder {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder of blocks is empty.
    #[error("{folder} holds no block files", folder = folder.display())]
    NoBlockFiles {
        /// The folder.
        folder: PathBuf,
    },
    /// A recorded chain has no codes.
    #[error("{folder} has no bytecodes.json.gz or bytecodes.json", folder = folder.display())]
    NoBytecodes {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no block to start from.
    #[error("no blocks to read today's parameters from")]
    NoBaseline,
    /// A set of parameters is refused.
    #[error(transparent)]
    Parameters(#[from] chaos_parameters::Error),
    /// A block cannot be replayed.
    #[error(transparent)]
    Replay(Box<ReplayError>),
    /// Blocks do not make a run that can be rebuilt.
    #[error(transparent)]
    Run(Box<RunError>),
    /// Blocks cannot be built under the changed rules.
    #[error(transparent)]
    Rebuild(Box<RebuildError>),
    /// An experiment is refused.
    #[error(transparent)]
    Experiment(#[from] chaos_simulation::Error),
    /// An experiment's material has no canonical form.
    #[error(transparent)]
    Material(MaterialError),
    /// A document has no canonical form.
    #[error(transparent)]
    Canonical(#[from] canonical::Error),
    /// A number that a receipt states is too large for its place.
    #[error(transparent)]
    TooLarge(#[from] TryFromIntError),
    /// A studio's definition is refused.
    #[error("{whence}")]
    Studio {
        /// Where it was read from.
        whence: String,
        /// What is wrong with it.
        source: chaos_studio::DefinitionError,
    },
    /// No role can have this name.
    #[error(transparent)]
    RoleName(chaos_studio::NameError),
    /// The studio has no such role.
    #[error("the studio has no role `{role}`; it has {}", known.join(", "))]
    UnknownRole {
        /// The role that was asked for.
        role: String,
        /// The studio's roles.
        known: Vec<String>,
    },
    /// Only the built-in studio's roles are known.
    #[error("`{studio}` is not the built-in studio, so its roles are not known here")]
    UnknownStudio {
        /// The studio that was asked for.
        studio: String,
    },
    /// The blocks cannot be analysed.
    #[error(transparent)]
    Analysis(chaos_governance::analysis::Error),
    /// No draft follows from the opportunity.
    #[error(transparent)]
    Draft(draft::Error),
    /// The refinement of a draft fails.
    #[error(transparent)]
    Refine(Box<refine::Error<Self>>),
    /// Half of a change is none.
    #[error(transparent)]
    Change(change::Error),
    /// A finished draft has no simulation.
    #[error("a finalised draft was not simulated")]
    NotSimulated,
    /// No proposal follows from the rounds.
    #[error(transparent)]
    Compose(proposal::Error),
    /// The sandbox cannot be made.
    #[error(transparent)]
    Sandbox(chaos_sandbox::configuration::Error),
    /// A component is refused.
    #[error(transparent)]
    Component(chaos_sandbox::Refused),
    /// A component's run ended where no result follows.
    #[error("the simulation in the sandbox")]
    SandboxRun(#[source] chaos_sandbox::RunError),
    /// A component's run ended where no result follows.
    #[error(transparent)]
    ComponentRun(chaos_sandbox::RunError),
    /// A component cannot be run so.
    #[error(transparent)]
    Task(#[from] task::Error),
    /// The sandbox and this machine disagree.
    #[error("the simulation gives {sandbox} in the sandbox and {native} outside")]
    SandboxDiffers {
        /// What the component answered.
        sandbox: Digest,
        /// What the same program gives natively.
        native: Digest,
    },
    /// The provider gives no quote, or none that can be read.
    #[error(transparent)]
    Quote(Refusal),
    /// There is no collateral for the quote.
    #[error("{about} gives no collateral")]
    NoCollateral {
        /// The provider, for people.
        about: String,
    },
    /// A policy's file cannot be read.
    #[error(transparent)]
    PolicyFile(chaos_files::Error),
    /// A policy's file is not text.
    #[error("{path} is not text")]
    PolicyText {
        /// The file.
        path: String,
        /// Where it stops being text.
        source: std::string::FromUtf8Error,
    },
    /// A policy is refused.
    #[error("{path}")]
    Policy {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: PolicyError,
    },
    /// A study's file is refused.
    #[error("{path}", path = path.display())]
    StudyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: FileError,
    },
    /// A source that the study names is not there.
    #[error("{path} does not exist", path = path.display())]
    AbsentSource {
        /// The folder or file.
        path: PathBuf,
    },
    /// A study's inputs are not written into its folder, or not found there.
    #[error(transparent)]
    StudyInputs(#[from] crate::study::InputsError),
    /// A study's result is not read.
    #[error(transparent)]
    StudyResult(#[from] crate::study::diff::ResultError),
    /// Recorded blocks cannot be copied.
    #[error(transparent)]
    Select(Box<crate::recorded::Error>),
    /// The study names no blocks and allows no generated ones.
    #[error("the study names no blocks")]
    StudyNamesNoBlocks,
    /// The study leaves all recorded blocks out.
    #[error("[sources] first_block: no recorded block from {first} on")]
    NoBlockFrom {
        /// The first block that the study takes.
        first: u64,
    },
    /// Blocks cannot be generated.
    #[error(transparent)]
    Load(chaos_evm::load::LoadError),
    /// Blocks cannot be executed under both sets of rules.
    #[error(transparent)]
    Execute(Box<chaos_study::EvmError>),
    /// An attack cannot be carried out.
    #[error(transparent)]
    Attack(chaos_study::attack::Error),
    /// A worst-case block cannot be timed.
    #[error(transparent)]
    WorstCase(chaos_study::attack::Error),
    /// A forecast has no canonical form.
    #[error(transparent)]
    Forecast(chaos_simulation::forecast::Error),
    /// No forecast can be made or scored from these blocks.
    #[error(transparent)]
    Foretell(chaos_simulation::forecast::Error),
    /// The fee market begins with London, and all blocks are before it.
    #[error("no block of the fee history has a base fee")]
    NoBaseFee,
    /// The blocks were not made under the rules that were forecast.
    #[error(
        "the change was not made: blocks {first} to {last} have a gas limit of {found}, the forecast \
         is for {to} after {from}"
    )]
    NotInForce {
        /// The first block that was forecast.
        first: u64,
        /// The last one.
        last: u64,
        /// Their median gas limit.
        found: u64,
        /// The gas limit before the change.
        from: u64,
        /// The gas limit after it.
        to: u64,
    },
    /// The blocks do not show the change that was forecast.
    #[error(
        "the change was not made: from block {first} on the chain's rule has {name} {found}, not {to}"
    )]
    ChangeNotShown {
        /// The parameter.
        name: chaos_parameters::ParameterName,
        /// What the forecast is for.
        to: u64,
        /// What the rule of these blocks has.
        found: u64,
        /// The first block that was forecast.
        first: u64,
    },
    /// A forecast's file is refused.
    #[error(transparent)]
    KeptForecast(#[from] crate::forecasting::kept::KeptError),
    /// A table cannot be written.
    #[error(transparent)]
    Table(chaos_report::columnar::Error),
    /// Evidence cannot be scored.
    #[error(transparent)]
    Scores(chaos_reputation::Error),
    /// A reward's account is none.
    #[error("`{account}` is no account")]
    Account {
        /// What was found.
        account: String,
    },
    /// A reward's amount is none.
    #[error("`{amount}` is no amount")]
    Amount {
        /// What was found.
        amount: String,
    },
    /// A pool cannot be divided.
    #[error(transparent)]
    Reward(chaos_incentives::TaskError),
    /// A chain refuses or fails.
    #[error(transparent)]
    Chain(#[from] chaos_chains::Error),
    /// The local chain refuses or fails.
    #[error(transparent)]
    Local(#[from] chaos_chains::local::Error),
    /// The log says that it is anchored elsewhere.
    #[error(
        "as of entry {} the log declares to be anchored by {} in {} on {}",
        _0.index, _0.body.publisher, _0.body.contract, _0.body.chain
    )]
    DeclaredElsewhere(Box<Declaration>),
    /// The block of an anchor does not prove it.
    #[error(transparent)]
    AnchorProof(chaos_chains::AnchorProofError),
    /// The proof of an anchor has no JSON.
    #[error(transparent)]
    ProofJson(serde_json::Error),
    /// What was not drafted cannot be decided.
    #[error("the draft was not signed")]
    NotDrafted,
    /// A proposal cannot be submitted, or its outcome not be logged.
    #[error(transparent)]
    Submitting(#[from] crate::submitting::Refused),
    /// An outcome is not paid for.
    #[error(transparent)]
    Paying(#[from] crate::paying::Refused),
    /// A proposal is not on record as it should be.
    #[error(transparent)]
    Submission(#[from] chaos_chains::SubmissionError),
    /// A vote set something else than what was voted on.
    #[error("the vote set {name} to {found}, not to {expected}")]
    VoteSet {
        /// The parameter.
        name: String,
        /// What was voted on.
        expected: u64,
        /// What stands in the registry.
        found: U256,
    },
    /// A vote that should be over is not.
    #[error("the vote is still {state:?}")]
    VoteOpen {
        /// Where it stands.
        state: ProposalState,
    },
    /// A chain's amount is larger than a receipt can say.
    #[error("{value} does not fit 128 bits")]
    AmountTooLarge {
        /// The amount.
        value: U256,
    },
    /// Shares make no distribution.
    #[error(transparent)]
    Distribution(chaos_incentives::DistributionError),
}

/// An error and its causes, as one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
