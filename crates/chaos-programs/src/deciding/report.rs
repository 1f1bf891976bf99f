use chaos_agency::action;
use chaos_governance::{
    proposal::report,
    study::{self, data::Step as Shown},
};
use chaos_ledger::Ledger;
use chaos_types::Digest;

use super::Decided;
use crate::{Step, proposing::Finished, simulation::BlockSet};

/// What a reader of the report should hold against it.
const LIMITS: [&str; 3] = [
    "Demand is a model: its elasticity is assumed and swept, not measured on these blocks.",
    "Blocks are executed one by one under the new limit; what a builder would add to a larger block \
     is not modelled.",
    "The vote is held on a local chain by three development accounts.",
];

/// What only the caller knows of a decision that is reported.
#[derive(Debug)]
pub struct Told<'a> {
    /// What the agents did, in order.
    pub steps: &'a [Step],
    /// The commands that verify it, one a line.
    pub verify: Vec<String>,
}

impl Decided {
    /// The page that shows the proposal with everything that was done for it.
    #[must_use]
    pub fn report(
        &self,
        ledger: &Ledger,
        block_set: &BlockSet,
        finished: &Finished,
        told: Told<'_>,
    ) -> String {
        let kind = |receipt: Option<Digest>| {
            receipt
                .and_then(|id| ledger.receipt(&id).ok().flatten())
                .map_or("note", |receipt| receipt.action.kind())
        };
        let steps = told.steps.iter().map(|Step { agent, text, receipt }| Shown {
            kind: kind(*receipt).to_owned(),
            agent: agent.clone(),
            text: text.clone(),
            receipt: *receipt,
        });
        let sources = block_set.sources.iter();
        let mut manifest: Vec<(String, Digest)> =
            sources.map(|input| (input.name.clone(), input.digest)).collect();
        manifest.push(("proposal".to_owned(), finished.proposal.id()));
        manifest.push(("simulation result".to_owned(), finished.proposal.content().result));
        manifest.push(("draft receipt".to_owned(), self.draft));
        let run = report::Run {
            steps: steps.collect(),
            replay: block_set.validation(),
            limits: LIMITS.iter().map(|&limit| limit.to_owned()).collect(),
            manifest,
            verify: told.verify,
            anchor: rows(&self.anchoring.body),
        };
        study::html(&run.around(finished.study.clone()))
    }
}

fn rows(body: &action::Anchor) -> Vec<(String, String)> {
    [
        ("chain", body.chain.to_string()),
        ("contract", body.contract.clone()),
        ("block", format!("{} {}", body.block_number, body.block_hash)),
        ("publisher", body.publisher.clone().unwrap_or_default()),
        ("transaction", body.transaction.clone().unwrap_or_default()),
        ("log size", body.log_size.to_string()),
        ("log root", body.root.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
