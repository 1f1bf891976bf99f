//! The first half of the story: analyse, draft, simulate, refine, and write the proposal.

use std::{fs, path::Path};

use anyhow::Context as _;
use chaos_agency::{
    Action, Evidence,
    action::{self, Blocks, Decision, ParameterChange},
    receipt::{Input, Product, Program, Replay},
};
use chaos_governance::{
    Analysis, BlockFacts, Change, Draft, Opportunity, minutes, plot,
    proposal::{self, AgentLine, Brief, Call, Proposal, Reference, Reproduce},
    refine::{self, Outcome, Round},
};
use chaos_parameters::Parameters;
use chaos_report::Figure;
use chaos_simulation::{Experiment, SensitivityRow, Simulation};
use chaos_types::{AgentKey, Did, Digest, canonical};

use crate::{
    args::SimulationArgs,
    enclave::Inside,
    exit::{Failure, Kind, OrFail as _},
    output,
    programs::{ANALYSE, BRIEF, DRAFT, DraftBrief, EXPERIMENT, SIMULATE, STUDIO},
    simulation::{Ground, experiment},
    studio::Defined,
};
use chaos_ledger::{Ledger, NewEntry, agents};

/// An agent that acts here: its name in the log and its key.
pub(crate) struct Actor {
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) did: Did,
    pub(crate) key: AgentKey,
}

impl Actor {
    /// The registered agent of this name, with its key file.
    pub(crate) fn of(ledger: &Ledger, name: &str) -> Result<Self, Failure> {
        let agent = agents::find_active(ledger, name)?;
        Ok(Self {
            name: agent.profile.name.clone(),
            role: agent.profile.role.clone(),
            did: agent.did,
            key: ledger.key(&agent.profile.name)?,
        })
    }
}

/// One line of the story.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) agent: String,
    pub(crate) text: String,
    pub(crate) receipt: Option<Digest>,
}

/// Tells the story as it happens, and keeps it for the report.
#[derive(Debug, Default)]
pub(crate) struct Teller {
    pub(crate) lines: Vec<Told>,
    quiet: bool,
}

impl Teller {
    pub(crate) const fn new(quiet: bool) -> Self {
        Self { lines: Vec::new(), quiet }
    }

    pub(crate) fn tell(&mut self, agent: &str, text: impl Into<String>, receipt: Option<Digest>) {
        let text = text.into();
        if !self.quiet {
            let id = receipt.map_or(String::new(), |id| format!("  receipt {}", id.short()));
            output::line(format_args!(
                "{:>3}  {:<11} {text}{}",
                self.lines.len() + 1,
                agent,
                output::dim(&id)
            ));
        }
        self.lines.push(Told { agent: agent.to_owned(), text, receipt });
    }
}

/// Who proposes, on what, by which rules.
pub(crate) struct Proposing<'a> {
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) ground: &'a Ground,
    pub(crate) studio: &'a Defined,
    pub(crate) researcher: &'a Actor,
    pub(crate) developer: &'a Actor,
    pub(crate) simulation: &'a SimulationArgs,
    /// Where simulations are run as well, if their receipts are to be attested.
    pub(crate) inside: Option<&'a Inside>,
    pub(crate) teller: &'a mut Teller,
}

/// What only the caller knows about the proposal.
pub(crate) struct Setting<'a> {
    /// The command that repeats the final simulation, given its change.
    pub(crate) command: &'a dyn Fn(&Change) -> String,
    /// The call that would carry a change out, given its parameter and value.
    pub(crate) call: &'a dyn Fn(&str, u64) -> Option<Call>,
    /// What the command needs.
    pub(crate) needs: String,
    pub(crate) disclosure: String,
}

/// The receipts of the first half.
#[derive(Debug, Clone)]
pub(crate) struct Receipts {
    pub(crate) analysis: Digest,
    pub(crate) simulations: Vec<Digest>,
    pub(crate) draft: Option<Digest>,
}

/// How the first half ended.
pub(crate) struct Proposed {
    pub(crate) receipts: Receipts,
    /// The finished proposal with its figures, unless nothing was found or all was given up.
    pub(crate) finished: Option<Finished>,
    /// Why there is no proposal.
    pub(crate) reason: Option<String>,
}

/// A finalised proposal and everything that goes with it.
pub(crate) struct Finished {
    pub(crate) proposal: Proposal,
    pub(crate) figures: Vec<Figure>,
    pub(crate) change: Change,
}

/// What the developer tried on one opportunity.
struct Attempt {
    /// The experiment of every round, but for its proposal.
    template: Experiment,
    outcome: Outcome,
    simulations: Vec<(Digest, Simulation)>,
}

impl Proposing<'_> {
    /// Runs the first half to its end.
    pub(crate) fn run(&mut self, setting: &Setting<'_>) -> Result<Proposed, Failure> {
        let parameters = self.ground.baseline()?;
        let facts = self.ground.facts();
        let (analysis, analysis_receipt) = self.analyse(&facts, parameters)?;
        let mut receipts =
            Receipts { analysis: analysis_receipt, simulations: vec![], draft: None };
        let mut reason = "the analyst's rules found nothing to improve".to_owned();
        for opportunity in &analysis.opportunities {
            let attempt = self.attempt(opportunity, &parameters, analysis_receipt)?;
            receipts.simulations.extend(attempt.simulations.iter().map(|(receipt, _)| *receipt));
            let draft = self.decide(opportunity, &attempt, &receipts)?;
            receipts.draft = Some(draft);
            match &attempt.outcome.last().decision {
                refine::Decision::Finalise => {
                    let finished =
                        self.finish(opportunity, &parameters, &facts, attempt, &receipts, setting)?;
                    return Ok(Proposed { receipts, finished: Some(finished), reason: None });
                }
                refine::Decision::GiveUp(why) => reason = why.to_string(),
                refine::Decision::Refine { .. } => {}
            }
        }
        Ok(Proposed { receipts, finished: None, reason: Some(reason) })
    }

    fn analyse(
        &mut self,
        facts: &[BlockFacts],
        parameters: Parameters,
    ) -> Result<(Analysis, Digest), Failure> {
        let analysis =
            Analysis::run(self.ground.chain.clone(), facts, parameters, &self.studio.studio)
                .or_fail(Kind::Input)?;
        let output = self.ledger.put_blob(&analysis.to_canonical().or_fail(Kind::Check)?)?;
        let studio = self.ledger.put_blob(self.studio.text.as_bytes())?;
        let (first, last) = analysis.metrics.range;
        let count = u32::try_from(analysis.metrics.blocks).or_fail(Kind::Input)?;
        let opportunities: Vec<String> =
            analysis.opportunities.iter().map(|found| found.reason.clone()).collect();
        let mut inputs = self.block_inputs();
        inputs.push(Input { name: STUDIO.to_owned(), digest: studio });
        let receipt = self.ledger.record(NewEntry {
            agent: self.researcher.did,
            keys: vec![&self.researcher.key],
            parents: vec![],
            subjects: vec![Product::new("analysis", output)],
            evidence: Evidence::Replayable(replay(ANALYSE, inputs, output)),
            action: Action::Analyse(action::Analyse {
                chain: self.ground.chain.clone(),
                blocks: Blocks { first, last, count },
                opportunities,
            }),
        })?;
        let text = format!("reads blocks {first} to {last} ({count}) of {}", self.ground.chain);
        self.teller.tell(&self.researcher.name, text, Some(receipt));
        for opportunity in &analysis.opportunities {
            self.teller.tell(&self.researcher.name, format!("finds: {}", opportunity.reason), None);
        }
        Ok((analysis, receipt))
    }

    /// Drafts a change, has it simulated, refines it, until it is final or given up.
    fn attempt(
        &mut self,
        opportunity: &Opportunity,
        parameters: &Parameters,
        analysis: Digest,
    ) -> Result<Attempt, Failure> {
        let policy = self.studio.studio.policy();
        let draft = Draft::new(opportunity, parameters, policy).or_fail(Kind::Input)?;
        let text = format!("drafts {}", draft.change());
        self.teller.tell(&self.developer.name, text, None);
        let template = experiment(*parameters, &[], self.simulation)?;
        let mut simulations: Vec<(Digest, Simulation)> = Vec::new();
        let outcome = refine::run(&draft, policy, |change| -> Result<_, Failure> {
            let experiment = with_change(template, change);
            if !simulations.is_empty() {
                let text = format!("misses the policy's objectives, refines to {change}");
                self.teller.tell(&self.developer.name, text, None);
            }
            let round = u32::try_from(simulations.len() + 1).or_fail(Kind::Check)?;
            let (receipt, simulation) = self.simulate(change, &experiment, round, analysis)?;
            let result = simulation.result.clone();
            simulations.push((receipt, simulation));
            Ok(result)
        })
        .or_fail(Kind::Input)?;
        let text = match &outcome.last().decision {
            refine::Decision::Finalise => {
                format!("finalises {}: every objective and guard holds", outcome.last().change)
            }
            refine::Decision::GiveUp(reason) => format!("gives up: {reason}"),
            refine::Decision::Refine { .. } => "stops refining".to_owned(),
        };
        self.teller.tell(&self.developer.name, text, None);
        Ok(Attempt { template, outcome, simulations })
    }

    fn simulate(
        &mut self,
        change: &Change,
        experiment: &Experiment,
        round: u32,
        analysis: Digest,
    ) -> Result<(Digest, Simulation), Failure> {
        let simulation = self.ground.run(experiment)?;
        let bytes = simulation.result.to_canonical().or_fail(Kind::Check)?;
        let output = self.ledger.put_blob(&bytes)?;
        let asked = self.ledger.put_blob(&canonical::to_vec(experiment).or_fail(Kind::Check)?)?;
        let mut inputs = self.block_inputs();
        inputs.push(Input { name: EXPERIMENT.to_owned(), digest: asked });
        let mut keys = vec![&self.researcher.key];
        let mut text = format!("simulates {change}: result {}", output.short());
        let evidence = match self.inside {
            None => Evidence::Replayable(replay(SIMULATE, inputs, output)),
            Some(inside) => {
                let material = self.ground.document(experiment)?;
                let execution = inside.simulate(&material, &bytes)?;
                self.ledger.put_blob(&material)?;
                keys.push(inside.enclave().key());
                let million = execution.fuel / 1_000_000;
                text.push_str(&format!(", the same in the sandbox ({million} M fuel), attested"));
                let replay = replay(SIMULATE, inputs, output);
                inside.enclave().vouch(self.ledger, execution, Some(replay))?
            }
        };
        let receipt = self.ledger.record(NewEntry {
            agent: self.researcher.did,
            keys,
            parents: vec![analysis],
            subjects: vec![Product::new("simulation-result", output)],
            evidence,
            action: Action::Simulate(action::Simulate {
                chain: self.ground.chain.clone(),
                changes: vec![parameter_change(change)],
                round,
            }),
        })?;
        self.teller.tell(&self.researcher.name, text, Some(receipt));
        Ok((receipt, simulation))
    }

    /// The developer signs how drafting ended.
    fn decide(
        &mut self,
        opportunity: &Opportunity,
        attempt: &Attempt,
        receipts: &Receipts,
    ) -> Result<Digest, Failure> {
        let last = attempt.outcome.last();
        let decision = match &last.decision {
            refine::Decision::GiveUp(reason) => Decision::GivenUp { reason: reason.to_string() },
            refine::Decision::Finalise | refine::Decision::Refine { .. } => Decision::Finalised {},
        };
        let brief =
            DraftBrief { rule: opportunity.rule.as_str().to_owned(), experiment: attempt.template };
        let brief = self.ledger.put_blob(&canonical::to_vec(&brief).or_fail(Kind::Check)?)?;
        let studio = self.ledger.put_blob(self.studio.text.as_bytes())?;
        let minutes =
            minutes::to_canonical(opportunity.rule, &attempt.outcome).or_fail(Kind::Check)?;
        let output = self.ledger.put_blob(&minutes)?;
        let mut inputs = self.block_inputs();
        inputs.push(Input { name: BRIEF.to_owned(), digest: brief });
        inputs.push(Input { name: STUDIO.to_owned(), digest: studio });
        let mut parents = vec![receipts.analysis];
        parents.extend(attempt.simulations.iter().map(|(receipt, _)| *receipt));
        let receipt = self.ledger.record(NewEntry {
            agent: self.developer.did,
            keys: vec![&self.developer.key],
            parents,
            subjects: vec![Product::new("minutes", output)],
            evidence: Evidence::Replayable(replay(DRAFT, inputs, output)),
            action: Action::Draft(action::Draft {
                title: format!("{} {}", opportunity.rule.as_str(), last.change),
                chain: self.ground.chain.clone(),
                changes: vec![parameter_change(&last.change)],
                rounds: u32::try_from(attempt.outcome.rounds.len()).or_fail(Kind::Check)?,
                decision,
            }),
        })?;
        let text = format!("signs the draft after {} rounds", attempt.outcome.rounds.len());
        self.teller.tell(&self.developer.name, text, Some(receipt));
        Ok(receipt)
    }

    fn finish(
        &self,
        opportunity: &Opportunity,
        parameters: &Parameters,
        facts: &[BlockFacts],
        attempt: Attempt,
        receipts: &Receipts,
        setting: &Setting<'_>,
    ) -> Result<Finished, Failure> {
        let last = attempt.outcome.last().clone();
        let (_, simulation) = attempt
            .simulations
            .last()
            .ok_or_else(|| Failure::message(Kind::Check, "a finalised draft was not simulated"))?;
        let asked = with_change(attempt.template, &last.change);
        let sensitivity = self.ground.sensitivity(&asked)?;
        let half = self.half_step(&last.change, parameters, attempt.template)?;
        let context = self.context(&last, receipts, &attempt, setting);
        let proposal = proposal::compose(&Brief {
            studio: &self.studio.studio,
            parameters,
            opportunity,
            outcome: &attempt.outcome,
            half_step: half.as_ref().map(|(change, half)| (change, &half.result)),
            sensitivity: &sensitivity as &[SensitivityRow],
            context: &context,
        })
        .or_fail(Kind::Check)?;
        let figures =
            plot::figures(&proposal, &simulation.series, facts, parameters.elasticity_multiplier());
        Ok(Finished { proposal, figures, change: last.change })
    }

    /// The same change by half, as the alternative that voters ask for.
    fn half_step(
        &self,
        change: &Change,
        parameters: &Parameters,
        template: Experiment,
    ) -> Result<Option<(Change, Simulation)>, Failure> {
        let middle = change.current().midpoint(change.proposed());
        if middle == change.current() || middle == change.proposed() {
            return Ok(None);
        }
        let policy = self.studio.studio.policy();
        let half =
            Change::new(policy, parameters, change.parameter(), middle).or_fail(Kind::Check)?;
        let simulation = self.ground.run(&with_change(template, &half))?;
        Ok(Some((half, simulation)))
    }

    fn context(
        &self,
        last: &Round,
        receipts: &Receipts,
        attempt: &Attempt,
        setting: &Setting<'_>,
    ) -> proposal::Context {
        let newest = self.ground.observed.last().map_or(0, |block| block.number);
        let name = last.change.parameter().flag();
        let agents = [self.researcher, self.developer].map(|actor| AgentLine {
            name: actor.name.clone(),
            role: actor.role.clone(),
            did: actor.did.to_string(),
            engine: format!("deterministic rules, chaos-governance {}", env!("CARGO_PKG_VERSION")),
        });
        let text = format!("analysis of {} blocks", self.ground.inputs.len());
        proposal::Context {
            analyses: vec![Reference { receipt: receipts.analysis, text }],
            round_receipts: attempt.simulations.iter().map(|(receipt, _)| *receipt).collect(),
            scored_at: format!(
                "{} blocks after activation (newest block read: {newest})",
                last.result.blocks
            ),
            payload: (setting.call)(name, last.change.proposed()).into_iter().collect(),
            rollback: (setting.call)(name, last.change.current()).into_iter().collect(),
            reproduce: Reproduce {
                command: (setting.command)(&last.change),
                needs: setting.needs.clone(),
                not_covered: "the analysis and the vote, which have receipts of their own"
                    .to_owned(),
            },
            agents: agents.to_vec(),
            disclosure: setting.disclosure.clone(),
        }
    }

    fn block_inputs(&self) -> Vec<Input> {
        self.ground
            .sources
            .iter()
            .map(|source| Input { name: source.name.clone(), digest: source.digest })
            .collect()
    }
}

/// The experiment with a change as its proposal.
fn with_change(template: Experiment, change: &Change) -> Experiment {
    Experiment { proposal: template.baseline.with(change.setting()), ..template }
}

fn replay(program: &str, inputs: Vec<Input>, output: Digest) -> Replay {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Replay { program: Program { name: program.to_owned(), version }, inputs, output }
}

fn parameter_change(change: &Change) -> ParameterChange {
    ParameterChange {
        parameter: change.parameter().flag().to_owned(),
        current: change.current().into(),
        proposed: change.proposed().into(),
    }
}

/// Writes proposal.md, proposal.json and the plots.
pub(crate) fn write(finished: &Finished, out: &Path) -> Result<(), Failure> {
    let json = finished.proposal.to_json().or_fail(Kind::Check)?;
    write_file(&out.join("proposal.json"), &json)?;
    write_file(&out.join("proposal.md"), finished.proposal.to_markdown().as_bytes())?;
    for figure in &finished.figures {
        write_file(&out.join("plots").join(format!("{}.svg", figure.name)), figure.svg.as_bytes())?;
    }
    Ok(())
}

/// Writes a file and the folders above it.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&part, bytes))
        .and_then(|()| fs::rename(&part, path))
        .with_context(|| format!("cannot write {}", path.display()))
        .or_fail(Kind::Storage)
}
