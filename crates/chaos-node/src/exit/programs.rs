//! What a program's refusal means for the exit code, and what the user can do next.

use chaos_chains::{SubmissionError, local};
use chaos_history::{HistoryError, RuleError};
use chaos_programs::{
    Error, blocks::FolderError, forecasting::kept::KeptError, paying, study::InputsError,
    submitting::Refused, task,
};
use chaos_simulation::forecast::Error as ForecastError;

use super::{Failure, Kind};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = kind(&error);
        let hint = match &error {
            Error::Recorded { source, .. } => super::blocks::of_block(source),
            Error::Folder(error) => of_folder(error).map(str::to_owned),
            error => hint(error).map(str::to_owned),
        };
        let failure = match error {
            Error::Ledger(error) => return error.into(),
            Error::Chain(error) | Error::Submission(SubmissionError::Chain(error)) => {
                return error.into();
            }
            Error::Recording(error) => return (*error).into(),
            error => Self::new(kind, error),
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// What can be done about a folder of recorded blocks that is refused.
const fn of_folder(error: &FolderError) -> Option<&'static str> {
    Some(match error {
        FolderError::Twice { .. } => {
            "a chain has one block of a height: keep the file of the block that the chain has"
        }
        FolderError::Changed { .. }
        | FolderError::Added { .. }
        | FolderError::Unnamed { .. }
        | FolderError::Missing { .. } => {
            "take the folder anew from its source, or make one of what is there: without its manifest.json a \
             folder is read as it lies there, and `chaoschain export --blocks DIR --out DIR` writes a manifest"
        }
        FolderError::ManifestRead { .. }
        | FolderError::Plain { .. }
        | FolderError::Manifest { .. }
        | FolderError::Format { .. }
        | FolderError::RowTwice { .. } => return None,
    })
}

#[expect(clippy::too_many_lines, reason = "a line for each refusal")]
fn kind(error: &Error) -> Kind {
    match error {
        Error::Quote(_) | Error::Chain(_) | Error::Vote(_) => Kind::Outside,
        Error::Local(error) => of_local(error),
        Error::Submission(error) => of_submission(error),
        Error::Read { .. }
        | Error::ReadFolder { .. }
        | Error::Recorded { .. }
        | Error::Codes(_)
        | Error::Folder(_)
        | Error::FeeHistory { .. }
        | Error::Days { .. }
        | Error::Predict(_)
        | Error::NothingBefore { .. }
        | Error::NoBlobs { .. }
        | Error::OtherChange { .. }
        | Error::OtherLimit { .. }
        | Error::DaysByTime { .. }
        | Error::NoBlobWindow { .. }
        | Error::NeedsBlockTime
        | Error::FeeRule { .. }
        | Error::Fit { .. }
        | Error::Rules(_)
        | Error::Scattered { .. }
        | Error::StudyColumns { .. }
        | Error::HistoryOfNoChain
        | Error::NoBlocks
        | Error::NoneOfChain { .. }
        | Error::NoBlockFolder { .. }
        | Error::NoBlockFiles { .. }
        | Error::NoBytecodes { .. }
        | Error::NoBaseline
        | Error::Parameters(_)
        | Error::Replay(_)
        | Error::Run(_)
        | Error::Rebuild(_)
        | Error::Experiment(_)
        | Error::TooLarge(_)
        | Error::Studio { .. }
        | Error::RoleName(_)
        | Error::UnknownRole { .. }
        | Error::UnknownStudio { .. }
        | Error::Analysis(_)
        | Error::Draft(_)
        | Error::Refine(_)
        | Error::NoCollateral { .. }
        | Error::PolicyFile(_)
        | Error::PolicyText { .. }
        | Error::Policy { .. }
        | Error::StudyFile { .. }
        | Error::AbsentSource { .. }
        | Error::StudyNamesNoBlocks
        | Error::StudyInputs(_)
        | Error::StudyResult(_)
        | Error::Select(_)
        | Error::KeptForecast(_)
        | Error::ChangeNotShown { .. }
        | Error::NoBlockFrom { .. }
        | Error::Execute(_)
        | Error::Foretell(_)
        | Error::NoBaseFee
        | Error::NotInForce { .. }
        | Error::Task(_)
        | Error::Submitting(_)
        | Error::Attack(_)
        | Error::Paying(_)
        | Error::DeclaredElsewhere(_) => Kind::Input,
        // What the refusals of the ledger and of a recording mean is said beside.
        Error::Recording(_)
        | Error::Ledger(_)
        | Error::Write { .. }
        | Error::Empty { .. }
        | Error::Table(_) => Kind::Storage,
        Error::Material(_)
        | Error::Canonical(_)
        | Error::Change(_)
        | Error::NotSimulated
        | Error::Compose(_)
        | Error::Sandbox(_)
        | Error::Component(_)
        | Error::SandboxRun(_)
        | Error::ComponentRun(_)
        | Error::SandboxDiffers { .. }
        | Error::Scores(_)
        | Error::Load(_)
        | Error::WorstCase(_)
        | Error::Forecast(_)
        | Error::Account { .. }
        | Error::Amount { .. }
        | Error::Reward(_)
        | Error::Distribution(_)
        | Error::AnchorProof(_)
        | Error::ProofJson(_)
        | Error::NotDrafted
        | Error::VoteSet { .. }
        | Error::VoteOpen { .. }
        | Error::AmountTooLarge { .. } => Kind::Check,
    }
}

fn of_local(error: &local::Error) -> Kind {
    match error {
        local::Error::Anvil(_) | local::Error::Chain(_) | local::Error::Slow { .. } => {
            Kind::Outside
        }
        local::Error::Submission(error) => of_submission(error),
        local::Error::Claimed { .. } => Kind::Check,
    }
}

fn of_submission(error: &SubmissionError) -> Kind {
    match error {
        SubmissionError::Chain(error) => super::chains::of(error),
        SubmissionError::Attestation(_) | SubmissionError::Stored => Kind::Check,
    }
}

/// What to do about a history that is not believed.
const fn of_rule(error: &RuleError) -> &'static str {
    match error {
        RuleError::UnknownChain { .. } => {
            "name the rule by --preset NAME (such as op-canyon) and --baseline NAME=VALUE, or in a study by [baseline], or \
             bring a --chain-config"
        }
        RuleError::UnknownEra { .. } => {
            "name the rule by --preset NAME (such as op-canyon) and --baseline NAME=VALUE, or in a study by [baseline]; on \
             OP-stack chains a column extra_data says it, which `chaoschain export` writes"
        }
        RuleError::ExtraData { .. } => {
            "name the chain that the blocks are from by --chain, or the rule by --preset and --baseline"
        }
        RuleError::OtherFamily { .. } | RuleError::OtherChain { .. } => {
            "name the chain that the blocks are from by --chain, and a preset of its family"
        }
        RuleError::Broken { .. } | RuleError::BrokenBlobs { .. } => {
            "name the chain by --chain or its rule by --preset and --baseline; a table that follows no rule is no \
             fee history"
        }
    }
}

#[expect(clippy::too_many_lines, reason = "a line for each refusal")]
fn hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::NoBlocks => "give recorded blocks by --blocks DIR or live ones by --rpc-url URL",
        Error::NoBlockFolder { .. } => {
            "a recorded chain is a folder with blocks/<number>.json[.gz] and bytecodes.json[.gz]"
        }
        Error::DeclaredElsewhere(_) => {
            "nothing was sent; --redeclare names this chain and account from here on, and anchors of earlier heads \
             stay what they are"
        }
        Error::UnknownRole { .. } | Error::UnknownStudio { .. } => {
            "give the capabilities yourself with --capability"
        }
        Error::Foretell(ForecastError::ActivationOutside { .. }) => {
            "a forecast of blocks to come is kept with --save FILE and scored with --forecast"
        }
        Error::NoBaseFee => {
            "the fee market begins with London; an empty base_fee_wei is a block before it"
        }
        Error::FeeHistory { source: HistoryError::Header { .. }, .. } => {
            "name other columns by --columns FIELD=COLUMN,… (in a study by [sources] columns), such as \
             --columns number=height,base_fee_wei=fee; cryo gives the limit with --include-columns gas_limit"
        }
        Error::FeeHistory { source: HistoryError::Json | HistoryError::Days { .. }, .. } => {
            "`chaoschain export --headers-only --rpc-url URL --range A..=B --out DIR` fetches a fee history"
        }
        Error::NothingBefore { .. } => {
            "the table has to begin before the change, and to have the columns excess_blob_gas and blob_gas_used"
        }
        Error::NoBlobs { .. } => {
            "name the rule by --preset NAME or --baseline blob-target=… blob-max=… blob-update-fraction=…"
        }
        Error::NeedsBlockTime => {
            "name the block time in milliseconds and both rules: --baseline block-time=13300 --baseline \
             elasticity-multiplier=1 --set elasticity-multiplier=2"
        }
        Error::OtherChange { .. } | Error::OtherLimit { .. } => {
            "leave --set out to take what the rows show"
        }
        Error::FeeRule { source, .. } => of_rule(source),
        Error::Rules(error) => of_rule(error),
        Error::Fit { .. } => {
            "cut the table to its longest run of blocks, or fetch those that are missing"
        }
        Error::Scattered { .. } => {
            "record consecutive blocks, or name a fee history of consecutive ones by --fee-history"
        }
        Error::HistoryOfNoChain => "set [sources] chain, such as chain = \"eip155:8453\"",
        Error::StudyInputs(InputsError::Taken { .. }) => {
            "name another folder by --out, or take away what lies there"
        }
        Error::StudyInputs(InputsError::NotKept { .. }) => {
            "ask whoever wrote the folder for it, or have it written with --with-inputs"
        }
        Error::KeptForecast(KeptError::Malformed(_)) => {
            "a forecast is what `chaoschain backtest --save` or a study wrote"
        }
        Error::KeptForecast(KeptError::Edited { .. } | KeptError::Other { .. }) => {
            "take the file as it was written: what was changed afterwards is no forecast"
        }
        Error::ChangeNotShown { .. } => {
            "score a change on blocks that were made under it; of one to come make a forecast with --save and an \
             activation after the last block"
        }
        Error::NotInForce { .. } => {
            "score a forecast on blocks that were made under the rules it was made for"
        }
        Error::Task(task::Error::Worlds { .. }) => "choose one with --world",
        Error::Task(task::Error::Arguments { .. }) => {
            "a strategy takes its state and an event, every other world one document"
        }
        Error::NoCollateral { .. } => {
            "name a file of collateral for this platform with --collateral"
        }
        Error::PolicyFile(_) => "a policy is `production`, `development`, or a TOML file",
        Error::AbsentSource { .. } => {
            "correct [sources], or set when_absent = \"generate\" to run on generated blocks"
        }
        Error::Submitting(_) | Error::Paying(_) => return of_refused(error),
        Error::StudyNamesNoBlocks => {
            "set [sources] blocks to a folder of recorded blocks, or when_absent = \"generate\" to execute generated ones"
        }
        _ => return None,
    })
}

/// The same of what a log's rules refuse.
const fn of_refused(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Submitting(Refused::MayNot { .. }) => {
            "`chaoschain agent update` with --capability changes what an agent may do"
        }
        Error::Submitting(Refused::NoDraftOf { .. }) => {
            "name the agent that drafted it by --agent, and the log that it was drafted in by --data"
        }
        Error::Submitting(Refused::SubmittedBefore { .. }) => {
            "a draft is submitted once; `vote open` goes on from here"
        }
        Error::Submitting(Refused::NotSubmitted { .. }) => {
            "`proposal submit` prints the receipt of a submission"
        }
        Error::Paying(paying::Refused::NoOutcome { .. }) => {
            "`chaoschain vote observe` with --submission logs an outcome and prints its receipt"
        }
        Error::Paying(paying::Refused::PaidBefore { .. }) => {
            "it is paid and logged; `chaoschain log prove` shows it"
        }
        Error::Paying(paying::Refused::OneAccount { .. }) => {
            "each agent is paid at an account of its own; what is registered before the outcome counts"
        }
        Error::Paying(paying::Refused::OtherWeight { .. }) => {
            "`chaoschain pay plan` takes the studio that the work was done under by --studio"
        }
        Error::Paying(paying::Refused::NoAccount { .. }) => {
            "`chaoschain agent account` registers one, before the outcome is logged: what was earned is not led \
             elsewhere afterwards"
        }
        _ => return None,
    })
}
