//! Re-execution: running the program that a receipt names on the inputs that it names.

use std::{cell::OnceCell, collections::BTreeMap, fs, path::PathBuf};

use chaos_agency::{Attachments, Evidence, Receipt, receipt};
use chaos_chains::{Address, U256};
use chaos_governance::{Analysis, Draft, minutes, refine};
use chaos_incentives::{Distribution, QUALITY_PPM_MAX, Slot, reward_task};
use chaos_simulation::{Experiment, evm::ReplayInput, fee_market::FeeHistory};
use chaos_studio::Studio;
use chaos_types::{ChainId, Check, Digest, Rejection, canonical};
use serde::{Deserialize, Serialize};

use crate::{
    blocks::{self, ChainBlocks},
    simulation::{FEE_HISTORY, Ground},
};

/// The researcher's program: blocks and a studio in, an analysis out.
pub(crate) const ANALYSE: &str = "chaos-governance/analyse";

/// The developer's program: blocks, a studio and a brief in, the minutes of all rounds out.
pub(crate) const DRAFT: &str = "chaos-governance/draft";

/// Blocks and an experiment in, a result out.
pub(crate) const SIMULATE: &str = "chaos-simulation";

/// Evidence in, a score table out.
pub(crate) const SCORE: &str = "chaos-reputation";

/// A pool and tasks in, shares out.
pub(crate) const DIVIDE: &str = "chaos-incentives";

/// The input of a draft that says which opportunity was taken up, and how to simulate.
pub(crate) const BRIEF: &str = "brief";

/// What a draft starts from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftBrief {
    /// The analyst's rule that found the opportunity.
    pub(crate) rule: String,
    /// The experiment of every round; each round puts its own proposal in.
    pub(crate) experiment: Experiment,
}

/// The input of a simulation that says what to run.
pub(crate) const EXPERIMENT: &str = "experiment";

/// The input of an analysis that holds the studio's definition.
pub(crate) const STUDIO: &str = "studio";

/// The input of a score that holds the facts.
pub(crate) const EVIDENCE: &str = "evidence";

/// The input of a payment that holds pool and tasks.
pub(crate) const REWARDS: &str = "rewards";

/// What a score table is computed from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScoreDocument {
    #[serde(with = "chaos_types::decimal")]
    as_of_ms: u64,
    evidence: Vec<EvidenceRow>,
}

/// One fact as it travels.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceRow {
    receipt: Digest,
    agent: String,
    domain: String,
    role: String,
    payer: String,
    task_class: String,
    #[serde(with = "chaos_types::decimal")]
    at_ms: u64,
    success: bool,
    replayable: bool,
    #[serde(with = "chaos_types::decimal")]
    units_micro: u64,
}

impl ScoreDocument {
    /// The facts of a log, in log order, at a time in milliseconds since 1970.
    pub(crate) fn new(as_of_ms: u64, evidence: &[chaos_reputation::Evidence]) -> Self {
        let rows = evidence.iter().map(|fact| EvidenceRow {
            receipt: fact.receipt,
            agent: fact.agent.clone(),
            domain: fact.domain.clone(),
            role: fact.role.clone(),
            payer: fact.payer.clone(),
            task_class: fact.task_class.clone(),
            at_ms: fact.at_ms,
            success: fact.outcome == chaos_reputation::Outcome::Success,
            replayable: fact.class == chaos_reputation::EvidenceClass::Replayable,
            units_micro: fact.units_micro,
        });
        Self { as_of_ms, evidence: rows.collect() }
    }

    fn score(self) -> Result<Digest, chaos_reputation::Error> {
        use chaos_reputation::{EvidenceClass, Outcome};

        let evidence: Vec<_> = self
            .evidence
            .into_iter()
            .map(|row| chaos_reputation::Evidence {
                receipt: row.receipt,
                agent: row.agent,
                domain: row.domain,
                role: row.role,
                payer: row.payer,
                task_class: row.task_class,
                at_ms: row.at_ms,
                outcome: if row.success { Outcome::Success } else { Outcome::Failure },
                class: if row.replayable { EvidenceClass::Replayable } else { EvidenceClass::None },
                units_micro: row.units_micro,
            })
            .collect();
        let model = chaos_reputation::Params::default();
        chaos_reputation::score(&evidence, self.as_of_ms, &model)?.digest()
    }
}

/// What a payment is computed from: every task accepted at full quality.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RewardDocument {
    /// In the token's smallest unit.
    #[serde(with = "chaos_types::decimal")]
    pub(crate) pool: u128,
    /// Task, its weight in the studio, and the account that fulfilled it.
    pub(crate) slots: Vec<(String, u64, String)>,
}

/// How a pool is divided.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shares {
    /// Account and amount, both as text, by account.
    pub(crate) shares: BTreeMap<String, String>,
    /// The unearned part.
    #[serde(with = "chaos_types::decimal")]
    pub(crate) returned: u128,
}

impl RewardDocument {
    /// Divides the pool by the tasks' weights.
    pub(crate) fn divide(&self) -> anyhow::Result<Shares> {
        let slots = self
            .slots
            .iter()
            .map(|(name, weight, account)| {
                let accepted = Some((account.parse::<Address>()?, QUALITY_PPM_MAX));
                Ok(Slot { name: name.clone(), weight: *weight, accepted })
            })
            .collect::<anyhow::Result<Vec<Slot>>>()?;
        let reward = reward_task(U256::from(self.pool), &slots)?;
        let shares = reward
            .payouts
            .iter()
            .map(|(account, amount)| (format!("{account:#x}"), amount.to_string()))
            .collect();
        Ok(Shares { shares, returned: u128::try_from(reward.returned)? })
    }
}

impl Shares {
    /// The Merkle distribution of the shares.
    pub(crate) fn distribution(&self) -> anyhow::Result<Distribution> {
        let claims = self
            .shares
            .iter()
            .map(|(account, amount)| Ok((account.parse()?, amount.parse()?)))
            .collect::<anyhow::Result<BTreeMap<Address, U256>>>()?;
        Ok(Distribution::new(claims)?)
    }
}

/// Folders in which inputs are looked up by digest.
pub(crate) struct Inputs {
    folders: Vec<PathBuf>,
    recorded: OnceCell<Vec<ReplayInput>>,
}

impl Inputs {
    pub(crate) fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders, recorded: OnceCell::new() }
    }

    /// Every recorded block in the folders; a folder without any is passed over.
    fn recorded(&self) -> &[ReplayInput] {
        self.recorded.get_or_init(|| {
            self.folders
                .iter()
                .filter_map(|folder| blocks::load_folder(folder, None).ok())
                .flat_map(|loaded| loaded.chains)
                .flat_map(|chain| chain.inputs)
                .collect()
        })
    }

    fn block(&self, named: &receipt::Input) -> Result<ReplayInput, Rejection> {
        self.recorded()
            .iter()
            .find(|input| input.digest() == named.digest)
            .cloned()
            .ok_or_else(|| self.missing(named))
    }

    fn fee_history(&self, named: &receipt::Input) -> Result<(FeeHistory, Digest), Rejection> {
        let files = self.folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
        for path in files.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            let name =
                path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if (name.ends_with(".csv") || name.ends_with(".csv.gz"))
                && let Ok((history, digest)) = blocks::read_fee_history(&path)
                && digest == named.digest
            {
                return Ok((history, digest));
            }
        }
        Err(self.missing(named))
    }

    fn missing(&self, named: &receipt::Input) -> Rejection {
        let folders: Vec<_> = self.folders.iter().map(|f| f.display().to_string()).collect();
        reject(format!(
            "input `{}` ({}) is neither in the bundle nor in {}; name its folder with --inputs",
            named.name,
            named.digest,
            if folders.is_empty() { "any folder".to_owned() } else { folders.join(", ") }
        ))
    }
}

fn reject(reason: String) -> Rejection {
    Rejection::new(Check::Evidence, reason)
}

/// Runs the receipt's program again and gives the digest of what it wrote.
pub(crate) fn reexecute(
    receipt: &Receipt,
    attachments: &Attachments,
    inputs: &Inputs,
) -> Result<Digest, Rejection> {
    let Evidence::Replayable { program, inputs: named, .. } = &receipt.evidence else {
        return Err(reject("the receipt names no program".to_owned()));
    };
    let here = env!("CARGO_PKG_VERSION");
    if program.version != here {
        return Err(reject(format!(
            "made with {} {}, this is version {here}; run that release to repeat it",
            program.name, program.version
        )));
    }
    match program.name.as_str() {
        ANALYSE => analyse(named, attachments, inputs),
        SIMULATE => simulate(named, attachments, inputs),
        DRAFT => draft(named, attachments, inputs),
        SCORE => score(named, attachments),
        DIVIDE => divide(named, attachments),
        other => Err(reject(format!("this release does not know the program `{other}`"))),
    }
}

/// The bytes of the input called `name`, from the bundle.
fn attached<'a>(
    named: &[receipt::Input],
    attachments: &'a Attachments,
    name: &str,
) -> Result<&'a [u8], Rejection> {
    let input = named
        .iter()
        .find(|input| input.name == name)
        .ok_or_else(|| reject(format!("the receipt names no input `{name}`")))?;
    attachments
        .get(&input.digest)
        .ok_or_else(|| reject(format!("the bundle lacks input `{name}` ({})", input.digest)))
}

/// Gathers the named blocks, and the fee history if one is named.
fn ground(named: &[receipt::Input], inputs: &Inputs) -> Result<Ground, Rejection> {
    let mut recorded = Vec::new();
    let mut history = None;
    for input in named {
        if input.name == FEE_HISTORY {
            history = Some(inputs.fee_history(input)?);
        } else if input.name.contains("/blocks/") {
            recorded.push(inputs.block(input)?);
        }
    }
    recorded.sort_by_key(|input| input.block().header.number);
    let Some(first) = recorded.first() else {
        return Err(reject("the receipt names no blocks".to_owned()));
    };
    let chain = ChainId::evm(first.block().chain_id);
    Ground::prepare(ChainBlocks { chain, inputs: recorded }, history, None)
        .map_err(|failure| reject(failure.to_string()))
}

fn simulate(
    named: &[receipt::Input],
    attachments: &Attachments,
    inputs: &Inputs,
) -> Result<Digest, Rejection> {
    let experiment: Experiment = canonical::from_slice(attached(named, attachments, EXPERIMENT)?)
        .map_err(|error| reject(format!("experiment: {error}")))?;
    let simulation =
        ground(named, inputs)?.run(&experiment).map_err(|failure| reject(failure.to_string()))?;
    simulation.result.digest().map_err(|error| reject(error.to_string()))
}

fn analyse(
    named: &[receipt::Input],
    attachments: &Attachments,
    inputs: &Inputs,
) -> Result<Digest, Rejection> {
    let studio = studio(named, attachments)?;
    let bytes = analysis(&ground(named, inputs)?, &studio)?
        .to_canonical()
        .map_err(|error| reject(error.to_string()))?;
    Ok(Digest::of(&bytes))
}

fn studio(named: &[receipt::Input], attachments: &Attachments) -> Result<Studio, Rejection> {
    let text = String::from_utf8_lossy(attached(named, attachments, STUDIO)?);
    Studio::parse(&text).map_err(|error| reject(format!("studio definition: {error}")))
}

fn analysis(ground: &Ground, studio: &Studio) -> Result<Analysis, Rejection> {
    let parameters = ground.baseline().map_err(|failure| reject(failure.to_string()))?;
    Analysis::run(ground.chain.clone(), &ground.facts(), parameters, studio).map_err(shown)
}

/// Runs all rounds of refinement again.
fn draft(
    named: &[receipt::Input],
    attachments: &Attachments,
    inputs: &Inputs,
) -> Result<Digest, Rejection> {
    let brief: DraftBrief = canonical::from_slice(attached(named, attachments, BRIEF)?)
        .map_err(|error| reject(format!("brief: {error}")))?;
    let studio = studio(named, attachments)?;
    let ground = ground(named, inputs)?;
    let analysis = analysis(&ground, &studio)?;
    let opportunity = analysis
        .opportunities
        .iter()
        .find(|opportunity| opportunity.rule.as_str() == brief.rule)
        .ok_or_else(|| reject(format!("the blocks show no opportunity `{}`", brief.rule)))?;
    let first = Draft::new(opportunity, &analysis.parameters, studio.policy()).map_err(shown)?;
    let outcome = refine::run(&first, studio.policy(), |change| {
        let proposal = brief.experiment.baseline.with(change.setting());
        ground.run(&Experiment { proposal, ..brief.experiment }).map(|done| done.result)
    })
    .map_err(shown)?;
    minutes::to_canonical(opportunity.rule, &outcome)
        .map(|bytes| Digest::of(&bytes))
        .map_err(|error| reject(error.to_string()))
}

/// A rejection that shows an error and its causes.
fn shown(error: impl Into<anyhow::Error>) -> Rejection {
    reject(format!("{:#}", error.into()))
}

fn score(named: &[receipt::Input], attachments: &Attachments) -> Result<Digest, Rejection> {
    let document: ScoreDocument = canonical::from_slice(attached(named, attachments, EVIDENCE)?)
        .map_err(|error| reject(format!("evidence: {error}")))?;
    document.score().map_err(shown)
}

fn divide(named: &[receipt::Input], attachments: &Attachments) -> Result<Digest, Rejection> {
    let document: RewardDocument = canonical::from_slice(attached(named, attachments, REWARDS)?)
        .map_err(|error| reject(format!("rewards: {error}")))?;
    let shares = document.divide().map_err(shown)?;
    canonical::to_vec(&shares)
        .map(|bytes| Digest::of(&bytes))
        .map_err(|error| reject(error.to_string()))
}
