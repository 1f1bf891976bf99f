//! The programs themselves: what an agent signs and what a verifier compares with come from one
//! function.
//!
//! An agent calls [`Program::run`], signs the body and names the document as its output. A verifier
//! calls it on the same inputs and compares both. Whatever a program does not compute is handed to it
//! as an input, and stays the agent's word.

mod analyse;
mod check_proposal;
mod divide;
mod draft;
mod forecast;
mod run;
mod score;
mod simulate;
mod study;

use chaos_agency::{
    Evidence,
    receipt::{self, Input, Replay},
};
use chaos_governance::receipts::ParameterChange;
use chaos_parameters::Parameters;
use chaos_types::Digest;
use serde::Serialize;

pub use self::{
    analyse::Analyse,
    check_proposal::CheckProposal,
    divide::{Divide, Paid, RewardDocument, Shares},
    draft::Draft,
    score::Score,
    simulate::Simulate,
};
pub(crate) use self::{
    forecast::{ForecastRequest, MakeForecast},
    run::RunComponent,
    study::RunStudy,
};
use crate::Error;

/// A program that receipts name.
///
/// Equal inputs give an equal document and an equal body, whoever runs it, on whichever machine and
/// with however many threads. A failed run gives neither.
pub trait Program: Sized {
    /// Its name in receipts.
    const NAME: &'static str;

    /// What whoever runs it goes on with.
    type Output;

    /// What a receipt says about the run, as far as it follows from the inputs.
    type Body: PartialEq + Serialize;

    /// Runs it.
    ///
    /// # Errors
    /// If the inputs are refused, or a model or the sandbox fails.
    fn run(self) -> Result<Ran<Self::Output, Self::Body>, Error>;

    /// The evidence that anybody can run it again.
    #[must_use]
    fn evidence(inputs: Vec<Input>, output: Digest) -> Evidence {
        Evidence::Replayable(Self::replay(inputs, output))
    }

    /// What a receipt names, so that anybody can run it again.
    #[must_use]
    fn replay(inputs: Vec<Input>, output: Digest) -> Replay {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Replay {
            program: receipt::Program { name: Self::NAME.to_owned(), version },
            inputs,
            output,
        }
    }
}

/// What a run gave.
#[derive(Debug, Clone)]
pub struct Ran<O, B> {
    /// What whoever ran it goes on with.
    pub output: O,
    /// The document that the receipt calls its output.
    pub document: Vec<u8>,
    /// What the receipt says about it.
    pub body: B,
}

impl<O, B> Ran<O, B> {
    /// The digest of the document.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.document)
    }
}

/// What a set of parameters changes of another, in the form that receipts use.
fn changes(baseline: &Parameters, proposal: &Parameters) -> Vec<ParameterChange> {
    proposal
        .changes_from(baseline)
        .into_iter()
        .map(|(name, from, to)| ParameterChange {
            parameter: name.flag().to_owned(),
            current: from.into(),
            proposed: to.into(),
        })
        .collect()
}
