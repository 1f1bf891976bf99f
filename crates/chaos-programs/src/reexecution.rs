//! Re-execution: running the program that a receipt names on the inputs that it names, and holding
//! the receipt's body against what comes out.
//!
//! The digest of a program's output binds the output alone. What an agent says in the action's body
//! is read by people, views and contracts, so each program here also recomputes every field of the
//! body that follows from its inputs. What does not follow from them stays the agent's word: the
//! round of a simulation, the log size of a score, and the contracts, agents and transactions of a
//! payment.

mod difference;
mod forecast;
mod former;
mod governance;
mod inputs;
mod reputation;
mod rewards;
mod sandbox;
mod simulation;
mod study;
mod work;

use chaos_agency::{Action, Body, Receipt, action, receipt::Replay};
use chaos_governance::receipts::{Analyse, CheckProposal, Draft, MakeForecast, RunStudy, Simulate};
use chaos_types::{Check, Digest, Rejection};
use chaos_verify::{Attachments, Fault};
use serde::Serialize;
use serde_json::{Map, Value};

pub(crate) use self::sandbox::argument_name;
use self::work::{Named, Work};
pub use self::{governance::DraftBrief, inputs::Inputs};
use crate::{
    Progress,
    error::chain,
    program::{self, Program},
};

const ANALYSE: &str = program::Analyse::NAME;
const CHECK_PROPOSAL: &str = program::CheckProposal::NAME;
const DRAFT: &str = program::Draft::NAME;
const SIMULATE: &str = program::Simulate::NAME;
const SCORE: &str = program::Score::NAME;
const DIVIDE: &str = program::Divide::NAME;
const SANDBOX: &str = program::RunComponent::NAME;
const FORECAST: &str = program::MakeForecast::NAME;
const RUN_STUDY: &str = program::RunStudy::NAME;

/// The input of a run that holds the component.
pub const COMPONENT: &str = "component";

/// The input of a check that holds a proposal with the state that it reads.
pub(crate) const RECORDING: &str = "recording";

/// The input of a draft that says which opportunity was taken up, and how to simulate.
pub(crate) const BRIEF: &str = "brief";

/// The input of a simulation that says what to run.
pub(crate) const EXPERIMENT: &str = "experiment";

/// The input of a forecast that says what was asked.
pub(crate) const REQUEST: &str = "request";

/// The input of a study that holds its file.
pub(crate) const STUDY: &str = "study";

/// The input of an analysis that holds the studio's definition.
pub(crate) const STUDIO: &str = "studio";

/// The input of a score that holds the facts.
pub(crate) const EVIDENCE: &str = "evidence";

/// The input of a payment that holds pool and tasks.
pub(crate) const REWARDS: &str = "rewards";

/// Refuses what can be refused without running anything: another release, a program that is not
/// known, a receipt that says more than its program shows, and a simulation that says what does not
/// follow from its own experiment. Gives what can be run again.
pub(crate) fn ensure_repeatable<'a>(
    receipt: &'a Receipt,
    attachments: &Attachments,
) -> Result<&'a Replay, Rejection> {
    let replay = ensure_shown(receipt)?;
    if replay.program.name == SIMULATE {
        let named = Named { inputs: &replay.inputs, attachments };
        let claimed = body::<Simulate>(&receipt.action)?;
        simulation::ensure_stated(&named, &claimed, receipt.evidence.attested())?;
    }
    Ok(replay)
}

/// Refuses a receipt whose program is not one of this release, or does not show all that it says.
///
/// # Errors
/// A [`Rejection`] by the check *evidence*.
pub fn ensure_known(receipt: &Receipt) -> Result<(), Rejection> {
    ensure_shown(receipt).map(drop)
}

/// The program that the receipt names is one of this release and shows all that the receipt says.
fn ensure_shown(receipt: &Receipt) -> Result<&Replay, Rejection> {
    let Some(replay) = receipt.evidence.replay() else {
        let reason = "the receipt names no program".to_owned();
        return Err(reject(Fault::ProgramMissing, reason));
    };
    let program = &replay.program;
    let here = env!("CARGO_PKG_VERSION");
    if program.version != here {
        return Err(reject(
            Fault::ReleaseOther,
            format!(
                "made with {} {}, this is version {here}; run that release to repeat it",
                program.name, program.version
            ),
        ));
    }
    // One program writes one document; a further subject would be claimed without being computed.
    if receipt.subjects.len() != 1 {
        let names: Vec<_> = receipt.subjects.iter().map(|subject| &subject.name).collect();
        return Err(reject(
            Fault::SubjectsUnexpected,
            format!("the receipt has the subjects {}, `{}` writes one", json(&names), program.name),
        ));
    }
    // What is vouched for is compared by the programs that can compare it, and refused elsewhere.
    if receipt.evidence.attested().is_some() && ![SIMULATE, SANDBOX].contains(&&*program.name) {
        return Err(reject(
            Fault::AttestedNotShown,
            format!(
                "the receipt is attested, and `{}` does not show what ran inside",
                program.name
            ),
        ));
    }
    match (program.name.as_str(), receipt.action.kind()) {
        (ANALYSE, Analyse::KIND)
        | (CHECK_PROPOSAL, CheckProposal::KIND)
        | (SIMULATE, Simulate::KIND)
        | (FORECAST, MakeForecast::KIND)
        | (RUN_STUDY, RunStudy::KIND)
        | (SANDBOX, action::Run::KIND)
        | (DRAFT, Draft::KIND)
        | (SCORE, action::Score::KIND)
        | (DIVIDE, action::Pay::KIND) => Ok(replay),
        (
            known @ (ANALYSE | CHECK_PROPOSAL | SIMULATE | FORECAST | RUN_STUDY | DRAFT | SCORE
            | DIVIDE | SANDBOX),
            other,
        ) => Err(reject(
            Fault::KindNotShown,
            format!("the receipt is of kind `{other}`, which the program `{known}` does not show"),
        )),
        (other, _) => Err(unknown(other)),
    }
}

fn unknown(program: &str) -> Rejection {
    reject(Fault::ProgramUnknown, format!("this release does not know the program `{program}`"))
}

/// Runs the receipt's program again, holds the receipt's body against what it computes, and gives
/// the digest of what it wrote.
///
/// # Errors
/// A [`Rejection`] by the check *evidence* if an input is missing, the program does not run, or the
/// receipt says anything else than it computes.
pub fn reexecute(
    receipt: &Receipt,
    attachments: &Attachments,
    inputs: &Inputs,
    progress: &dyn Progress,
) -> Result<Digest, Rejection> {
    let Replay { program, inputs: named, output } = ensure_repeatable(receipt, attachments)?;
    let named = Named { inputs: named, attachments };
    let work = Work { named, inputs, progress };
    match (program.name.as_str(), &receipt.action) {
        (CHECK_PROPOSAL, action) => {
            governance::check_proposal(&work, &body::<CheckProposal>(action)?)
        }
        (ANALYSE, action) => governance::analyse(&work, &body::<Analyse>(action)?),
        (SIMULATE, action) => {
            let claimed = body::<Simulate>(action)?;
            simulation::simulate(&work, &claimed, receipt.evidence.attested(), output)
        }
        (FORECAST, action) => forecast::forecast(&work, &body::<MakeForecast>(action)?),
        (RUN_STUDY, action) => study::study(&work, &body::<RunStudy>(action)?, output),
        (SANDBOX, Action::Run(claimed)) => sandbox::run(&work, claimed),
        (DRAFT, action) => governance::draft(&work, &body::<Draft>(action)?, output),
        (SCORE, Action::Score(claimed)) => reputation::score(&work, claimed),
        (DIVIDE, Action::Pay(claimed)) => rewards::divide(&work, claimed),
        (other, _) => Err(unknown(other)),
    }
}

/// The body that a program shows.
fn body<B: Body>(action: &Action) -> Result<B, Rejection> {
    action.read().ok_or_else(|| {
        reject(
            Fault::KindNotShown,
            format!("expected a receipt of kind `{}`, found `{}`", B::KIND, action.kind()),
        )
    })
}

fn reject(fault: Fault, reason: String) -> Rejection {
    Rejection::new(Check::Evidence, fault, reason)
}

/// A rejection that shows an error and its causes.
fn shown(error: impl std::error::Error) -> Rejection {
    reject(Fault::ReexecutionFailed, chain(&error))
}

/// Runs a program again, which must give what the receipt says; the digest of its document.
fn hold<P: Program>(program: P, claimed: &P::Body) -> Result<Digest, Rejection> {
    let ran = program.run().map_err(shown)?;
    ensure_same(claimed, &ran.body, RUN)?;
    Ok(ran.digest())
}

/// What is compared with what a receipt says, after its program ran.
const RUN: &str = "re-execution gives";

/// What the receipt says must be what was found, by `how`. The first field that differs is named.
fn ensure_same<T: PartialEq + Serialize>(
    claimed: &T,
    computed: &T,
    how: &str,
) -> Result<(), Rejection> {
    if claimed == computed {
        return Ok(());
    }
    let fields = |body: &T| match serde_json::to_value(body) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    };
    let (said, found) = (fields(claimed), fields(computed));
    let differing = said.iter().find(|(field, value)| found.get(*field) != Some(*value));
    let reason = match differing {
        Some((field, value)) => {
            format!("the receipt says {field} {}, {how} {}", json(value), json(&found.get(field)))
        }
        None => {
            format!("the receipt says {}, {how} {}", json(claimed), json(computed))
        }
    };
    Err(reject(Fault::ClaimNotRepeated, reason))
}

/// A value as people read it in a rejection.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("(unprintable: {error})"))
}

#[cfg(test)]
mod tests;
