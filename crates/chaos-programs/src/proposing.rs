//! From blocks to a proposal: agents analyse, draft, simulate and refine, and sign what they did.

use std::path::Path;

use chaos_agency::{
    Action, Evidence,
    receipt::{Input, Product},
};
use chaos_governance::receipts::{self, Blocks};
use chaos_governance::{
    Analysis, BlockFacts, Change, Opportunity,
    proposal::{self, AgentLine, Brief, Call, Proposal, Reference, Reproduce, report},
    refine::{self, Outcome, Round},
    study::{self, Study, data},
};
use chaos_parameters::Parameters;
use chaos_simulation::{Experiment, Simulation};
use chaos_types::{AgentKey, Did, Digest, canonical};

use crate::{
    Error, Narrator, Step,
    enclave::AttestedSandbox,
    files,
    program::{Analyse, Draft, Program as _, Ran, Simulate},
    reexecution::{BRIEF, DraftBrief, EXPERIMENT, STUDIO},
    simulation::{Asked, BlockSet, experiment},
    studio::Defined,
};
use chaos_ledger::{Ledger, NewEntry, agents};

/// An agent that acts here: its name in the log and its key.
#[derive(Debug)]
pub struct Signer {
    /// Its name in the log.
    pub name: String,
    /// Its role in the studio.
    pub role: String,
    /// The name of its root key.
    pub did: Did,
    /// Its current key.
    pub key: AgentKey,
}

impl Signer {
    /// The registered agent of this name, with its key file.
    ///
    /// # Errors
    /// If it is unknown or revoked, or its key file does not open.
    pub fn of(ledger: &Ledger, name: &str) -> Result<Self, Error> {
        let agent = agents::find_active(ledger, name)?;
        Ok(Self {
            name: agent.profile.name.clone(),
            role: agent.profile.role.clone(),
            did: agent.did,
            key: ledger.key(&agent.profile.name)?,
        })
    }

    /// Analyses blocks by a studio's rules, and signs what they show.
    ///
    /// # Errors
    /// If the blocks or the ledger refuse.
    pub fn analyse(
        &self,
        ledger: &mut Ledger,
        block_set: &BlockSet,
        studio: &Defined,
    ) -> Result<Analysed, Error> {
        let ran = Analyse { block_set, studio: &studio.studio }.run()?;
        let output = ledger.put_blob(&ran.document)?;
        let digest = ledger.put_blob(studio.text.as_bytes())?;
        let mut inputs = block_set.named_inputs();
        inputs.push(Input { name: STUDIO.to_owned(), digest });
        let receipt = ledger.record(NewEntry {
            agent: self.did,
            keys: vec![&self.key],
            parents: vec![],
            subjects: vec![Product::new("analysis", output)],
            evidence: Analyse::evidence(inputs, output),
            action: Action::of(&ran.body),
        })?;
        Ok(Analysed { analysis: ran.output, blocks: ran.body.blocks, receipt })
    }
}

/// What blocks show, signed.
#[derive(Debug)]
pub struct Analysed {
    /// What they show.
    pub analysis: Analysis,
    /// Which they are.
    pub blocks: Blocks,
    /// The receipt.
    pub receipt: Digest,
}

/// Who proposes, on what, by which rules.
#[expect(missing_debug_implementations, reason = "it holds what the caller does")]
pub struct Proposing<'a> {
    /// Where receipts go.
    pub ledger: &'a mut Ledger,
    /// The blocks.
    pub block_set: &'a BlockSet,
    /// The rules.
    pub studio: &'a Defined,
    /// Who analyses and simulates.
    pub researcher: &'a Signer,
    /// Who drafts.
    pub developer: &'a Signer,
    /// How to simulate.
    pub asked: Asked,
    /// Where simulations are run as well, if their receipts are to be attested.
    pub attested: Option<&'a AttestedSandbox>,
    /// Who is told.
    pub narrator: &'a mut dyn Narrator,
}

/// How the proposal is published, which only the caller knows.
#[expect(missing_debug_implementations, reason = "it holds what the caller does")]
pub struct Publication<'a> {
    /// The command that repeats the final simulation, given its change.
    pub command: &'a dyn Fn(&Change) -> String,
    /// The call that would carry a change out, given its parameter and value.
    pub call: &'a dyn Fn(&str, u64) -> Option<Call>,
    /// What the command needs.
    pub needs: String,
    /// Who made the proposal, and for what.
    pub disclosure: String,
    /// Where the blocks come from; generated ones must say so.
    pub source: data::Source,
}

/// The receipts of what was done.
#[derive(Debug, Clone)]
pub struct Receipts {
    /// Of the analysis.
    pub analysis: Digest,
    /// Of each round.
    pub simulations: Vec<Digest>,
    /// Of the draft, if there was one.
    pub draft: Option<Digest>,
}

/// How it ended.
#[derive(Debug)]
pub struct Proposed {
    /// What was signed.
    pub receipts: Receipts,
    /// The finished proposal with its figures, unless nothing was found or all was given up.
    pub finished: Option<Finished>,
    /// Why there is no proposal.
    pub reason: Option<String>,
}

/// A finalised proposal and everything that goes with it.
#[derive(Debug)]
pub struct Finished {
    /// The proposal.
    pub proposal: Proposal,
    /// The proposal as a study with one cell, from which its figures and report are drawn.
    pub study: Study,
    /// What it changes.
    pub change: Change,
}

/// What the developer tried on one opportunity.
struct Attempt {
    /// The experiment of every round, but for its proposal.
    template: Experiment,
    draft: Ran<Outcome, receipts::Draft>,
    simulations: Vec<(Digest, Simulation)>,
}

impl Proposing<'_> {
    fn tell(&mut self, agent: &str, text: impl Into<String>, receipt: Option<Digest>) {
        self.narrator.step(Step { agent: agent.to_owned(), text: text.into(), receipt });
    }

    /// Analyses, drafts, simulates and refines, until a proposal is final or given up.
    ///
    /// # Errors
    /// If the ledger or a model refuses.
    pub fn run(&mut self, publication: &Publication<'_>) -> Result<Proposed, Error> {
        let parameters = self.block_set.baseline()?;
        let facts = self.block_set.facts();
        let (analysis, analysis_receipt) = self.analyse()?;
        let mut receipts =
            Receipts { analysis: analysis_receipt, simulations: vec![], draft: None };
        let mut reason = "the analyst's rules found nothing to improve".to_owned();
        for opportunity in &analysis.opportunities {
            let attempt = self.attempt(opportunity, &parameters, analysis_receipt)?;
            receipts.simulations.extend(attempt.simulations.iter().map(|(receipt, _)| *receipt));
            let draft = self.decide(opportunity, &attempt, &receipts)?;
            receipts.draft = Some(draft);
            match &attempt.draft.output.last().decision {
                refine::Decision::Finalise => {
                    let finished = self.finish(
                        opportunity,
                        &parameters,
                        &facts,
                        attempt,
                        &receipts,
                        publication,
                    )?;
                    return Ok(Proposed { receipts, finished: Some(finished), reason: None });
                }
                refine::Decision::GiveUp(why) => reason = why.to_string(),
                refine::Decision::Refine { .. } => {}
            }
        }
        Ok(Proposed { receipts, finished: None, reason: Some(reason) })
    }

    fn analyse(&mut self) -> Result<(Analysis, Digest), Error> {
        let analysed = self.researcher.analyse(self.ledger, self.block_set, self.studio)?;
        let Analysed { analysis, blocks: Blocks { first, last, count }, receipt } = analysed;
        let text = format!("reads blocks {first} to {last} ({count}) of {}", self.block_set.chain);
        self.tell(&self.researcher.name, text, Some(receipt));
        for opportunity in &analysis.opportunities {
            self.tell(&self.researcher.name, format!("finds: {}", opportunity.reason), None);
        }
        Ok((analysis, receipt))
    }

    /// Drafts a change, has it simulated, refines it, until it is final or given up.
    fn attempt(
        &mut self,
        opportunity: &Opportunity,
        parameters: &Parameters,
        analysis: Digest,
    ) -> Result<Attempt, Error> {
        let template = experiment(*parameters, *parameters, self.asked);
        let (block_set, studio) = (self.block_set, self.studio);
        let mut simulations: Vec<(Digest, Simulation)> = Vec::new();
        let draft = Draft {
            chain: &block_set.chain,
            studio: &studio.studio,
            opportunity,
            template,
            simulate: &mut |change, experiment| {
                let text = if simulations.is_empty() {
                    format!("drafts {change}")
                } else {
                    format!("misses the policy's objectives, refines to {change}")
                };
                self.tell(&self.developer.name, text, None);
                let round = u32::try_from(simulations.len() + 1)?;
                let (receipt, simulation) = self.simulate(change, experiment, round, analysis)?;
                let result = simulation.result.clone();
                simulations.push((receipt, simulation));
                Ok(result)
            },
        }
        .run()?;
        let text = match &draft.output.last().decision {
            refine::Decision::Finalise => {
                format!("finalises {}: every objective and guard holds", draft.output.last().change)
            }
            refine::Decision::GiveUp(reason) => format!("gives up: {reason}"),
            refine::Decision::Refine { .. } => "stops refining".to_owned(),
        };
        self.tell(&self.developer.name, text, None);
        Ok(Attempt { template, draft, simulations })
    }

    fn simulate(
        &mut self,
        change: &Change,
        experiment: &Experiment,
        round: u32,
        analysis: Digest,
    ) -> Result<(Digest, Simulation), Error> {
        let ran = Simulate { block_set: self.block_set, experiment, round }.run()?;
        let output = self.ledger.put_blob(&ran.document)?;
        let asked = self.ledger.put_blob(&canonical::to_vec(experiment)?)?;
        let mut inputs = self.block_set.named_inputs();
        inputs.push(Input { name: EXPERIMENT.to_owned(), digest: asked });
        let mut keys = vec![&self.researcher.key];
        let mut text = format!("simulates {change}: result {}", output.short());
        let replay = Simulate::replay(inputs, output);
        let evidence = match self.attested {
            None => Evidence::Replayable(replay),
            Some(attested) => {
                let material = self.block_set.document(experiment)?;
                let execution = attested.simulate(&material, &ran.document)?;
                self.ledger.put_blob(&material)?;
                keys.push(attested.enclave().key());
                let million = execution.fuel / 1_000_000;
                text.push_str(&format!(", the same in the sandbox ({million} M fuel), attested"));
                attested.enclave().evidence(self.ledger, execution, Some(replay))?
            }
        };
        let receipt = self.ledger.record(NewEntry {
            agent: self.researcher.did,
            keys,
            parents: vec![analysis],
            subjects: vec![Product::new("simulation-result", output)],
            evidence,
            action: Action::of(&ran.body),
        })?;
        self.tell(&self.researcher.name, text, Some(receipt));
        Ok((receipt, ran.output))
    }

    /// The developer signs how drafting ended.
    fn decide(
        &mut self,
        opportunity: &Opportunity,
        attempt: &Attempt,
        receipts: &Receipts,
    ) -> Result<Digest, Error> {
        let brief =
            DraftBrief { rule: opportunity.rule.as_str().to_owned(), experiment: attempt.template };
        let brief = self.ledger.put_blob(&canonical::to_vec(&brief)?)?;
        let studio = self.ledger.put_blob(self.studio.text.as_bytes())?;
        let output = self.ledger.put_blob(&attempt.draft.document)?;
        let mut inputs = self.block_set.named_inputs();
        inputs.push(Input { name: BRIEF.to_owned(), digest: brief });
        inputs.push(Input { name: STUDIO.to_owned(), digest: studio });
        let mut parents = vec![receipts.analysis];
        parents.extend(attempt.simulations.iter().map(|(receipt, _)| *receipt));
        let receipt = self.ledger.record(NewEntry {
            agent: self.developer.did,
            keys: vec![&self.developer.key],
            parents,
            subjects: vec![Product::new("minutes", output)],
            evidence: Draft::evidence(inputs, output),
            action: Action::of(&attempt.draft.body),
        })?;
        let text = format!("signs the draft after {} rounds", attempt.draft.body.rounds);
        self.tell(&self.developer.name, text, Some(receipt));
        Ok(receipt)
    }

    fn finish(
        &self,
        opportunity: &Opportunity,
        parameters: &Parameters,
        facts: &[BlockFacts],
        attempt: Attempt,
        receipts: &Receipts,
        publication: &Publication<'_>,
    ) -> Result<Finished, Error> {
        let last = attempt.draft.output.last().clone();
        let (_, simulation) = attempt.simulations.last().ok_or(Error::NotSimulated)?;
        let asked = with_change(attempt.template, &last.change);
        let sensitivity = self.block_set.sensitivity(&asked)?;
        let half = self.half_step(&last.change, parameters, attempt.template)?;
        let context = self.context(&last, receipts, &attempt, publication);
        let proposal = proposal::compose(&Brief {
            studio: &self.studio.studio,
            parameters,
            opportunity,
            outcome: &attempt.draft.output,
            half_step: half.as_ref().map(|(change, half)| (change, &half.result)),
            sensitivity: &sensitivity,
            context: &context,
        })
        .map_err(Error::Compose)?;
        let shown = report::Shown {
            series: &simulation.series,
            observed: facts,
            elasticity: parameters.elasticity_multiplier(),
            source: &publication.source,
        };
        let study = report::study(&proposal, &shown);
        Ok(Finished { proposal, study, change: last.change })
    }

    /// The same change by half, as the alternative that voters ask for.
    fn half_step(
        &self,
        change: &Change,
        parameters: &Parameters,
        template: Experiment,
    ) -> Result<Option<(Change, Simulation)>, Error> {
        let middle = change.current().midpoint(change.proposed());
        if middle == change.current() || middle == change.proposed() {
            return Ok(None);
        }
        let policy = self.studio.studio.policy();
        let half =
            Change::new(policy, parameters, change.parameter(), middle).map_err(Error::Change)?;
        let simulation = self.block_set.run(&with_change(template, &half))?;
        Ok(Some((half, simulation)))
    }

    fn context(
        &self,
        last: &Round,
        receipts: &Receipts,
        attempt: &Attempt,
        publication: &Publication<'_>,
    ) -> proposal::Context {
        let newest = self.block_set.observed.last().map_or(0, |block| block.number);
        let name = last.change.parameter().flag();
        let agents = [self.researcher, self.developer].map(|actor| AgentLine {
            name: actor.name.clone(),
            role: actor.role.clone(),
            did: actor.did.to_string(),
            engine: format!("deterministic rules, chaos-governance {}", env!("CARGO_PKG_VERSION")),
        });
        let text = format!("analysis of {} blocks", self.block_set.inputs.len());
        proposal::Context {
            analyses: vec![Reference { receipt: receipts.analysis, text }],
            round_receipts: attempt.simulations.iter().map(|(receipt, _)| *receipt).collect(),
            scored_at: format!(
                "{} blocks after activation (newest block read: {newest})",
                last.result.blocks
            ),
            payload: (publication.call)(name, last.change.proposed()).into_iter().collect(),
            rollback: (publication.call)(name, last.change.current()).into_iter().collect(),
            reproduce: Reproduce {
                command: (publication.command)(&last.change),
                needs: publication.needs.clone(),
                not_covered: "the analysis and the vote, which have receipts of their own"
                    .to_owned(),
            },
            agents: agents.to_vec(),
            disclosure: publication.disclosure.clone(),
        }
    }
}

/// The experiment with a change as its proposal.
fn with_change(template: Experiment, change: &Change) -> Experiment {
    Experiment { proposal: template.baseline.with(change.setting()), ..template }
}

/// Writes proposal.md, proposal.json and the plots.
///
/// # Errors
/// If a file cannot be written.
pub fn write(finished: &Finished, out: &Path) -> Result<(), Error> {
    let Finished { proposal, study, .. } = finished;
    files::write(&out.join("proposal.json"), &proposal.to_json()?)?;
    files::write(&out.join("proposal.md"), study::forum_markdown(study).as_bytes())?;
    for figure in study::figures(study) {
        let name = format!("{}.svg", figure.name);
        files::write(&out.join("plots").join(name), figure.svg().as_bytes())?;
    }
    Ok(())
}
