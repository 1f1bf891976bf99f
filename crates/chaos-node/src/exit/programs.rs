//! What a program's refusal means for the exit code, and what the user can do next.

use chaos_chains::{SubmissionError, local};
use chaos_programs::{Error, paying, submitting::Refused, task};
use chaos_simulation::forecast::Error as ForecastError;

use super::{Failure, Kind};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = kind(&error);
        let hint = hint(&error);
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

#[expect(clippy::too_many_lines, reason = "a line for each refusal")]
fn kind(error: &Error) -> Kind {
    match error {
        Error::Quote(_) | Error::Chain(_) | Error::Vote(_) => Kind::Outside,
        Error::Local(error) => of_local(error),
        Error::Submission(error) => of_submission(error),
        Error::Read { .. }
        | Error::ReadFolder { .. }
        | Error::Recorded { .. }
        | Error::FeeHistory { .. }
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

const fn hint(error: &Error) -> Option<&'static str> {
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
        Error::StudyNamesNoBlocks => "set [sources] blocks to a folder of recorded blocks",
        _ => return None,
    })
}
