use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use chaos_governance::{
    BlockFacts, Context, DEFAULT_STUDIO, Draft, Metrics, Opportunity, Outcome, Proposal,
    Thresholds, analyse,
    proposal::{AgentLine, Brief, Call, Reproduce, compose},
    refine,
};
use chaos_history::FeeHistory;
use chaos_parameters::Parameters;
use chaos_simulation::{Experiment, Material, Program, Series, Simulation};
use chaos_studio::Studio;

/// Everything that a run of the studio on one fee history gives.
pub(crate) struct Run {
    pub(crate) facts: Vec<BlockFacts>,
    pub(crate) metrics: Metrics,
    pub(crate) outcome: Outcome,
    pub(crate) series: Series,
    pub(crate) proposal: Proposal,
}

/// The real fee history, or `None` with a message where the shared data is absent.
pub(crate) fn fee_history() -> Option<FeeHistory> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !root.exists() {
        eprintln!("skipped: ../shared/data is absent");
        return None;
    }
    let file: PathBuf = root.join("chain/fee-history/mainnet-12965000-12999999.csv.gz");
    let bytes = std::fs::read(&file).unwrap();
    Some(FeeHistory::decode(&bytes).unwrap())
}

pub(crate) fn simulate(
    history: &FeeHistory,
    parameters: Parameters,
    proposal: Parameters,
    threads: usize,
) -> Result<Simulation, chaos_simulation::Error> {
    let material = Material {
        chain: "eip155:1".parse().unwrap(),
        program: Program::this(),
        inputs: vec![],
        observed: history.blocks(),
        evm: &[],
    };
    chaos_simulation::run(
        &Experiment::new(parameters, proposal),
        &material,
        NonZeroUsize::new(threads).unwrap(),
    )
}

/// What the studio sees in a fee history, and the draft that the picked opportunity leads to.
struct Opening {
    studio: Studio,
    facts: Vec<BlockFacts>,
    metrics: Metrics,
    parameters: Parameters,
    opportunity: Opportunity,
    draft: Draft,
}

fn open(history: &FeeHistory, pick: impl Fn(&Opportunity) -> bool) -> Opening {
    let studio = Studio::parse(DEFAULT_STUDIO).unwrap();
    let facts: Vec<BlockFacts> = history.blocks().iter().copied().map(Into::into).collect();
    let metrics = Metrics::measure(&facts, 2, studio.policy().evidence()).unwrap();
    let parameters = Parameters::ethereum(30_000_000).unwrap();
    let thresholds = Thresholds::of_studio(&studio).unwrap();
    let found = analyse(&metrics, &parameters, studio.policy(), &thresholds);
    let opportunity = found.into_iter().find(pick).unwrap();
    let draft = Draft::new(&opportunity, &parameters, studio.policy()).unwrap();
    Opening { studio, facts, metrics, parameters, opportunity, draft }
}

/// How the refinement ends for the opportunity that `pick` chooses.
pub(crate) fn refined(history: &FeeHistory, pick: impl Fn(&Opportunity) -> bool) -> Outcome {
    let Opening { studio, parameters, draft, .. } = open(history, pick);
    refine::run(&draft, studio.policy(), |change| {
        let proposal = parameters.with(change.setting());
        Ok::<_, chaos_simulation::Error>(simulate(history, parameters, proposal, 2)?.result)
    })
    .unwrap()
}

/// From blocks to proposal, for the opportunity that `pick` chooses.
pub(crate) fn run(
    history: &FeeHistory,
    pick: impl Fn(&Opportunity) -> bool,
    context: &Context,
    threads: usize,
) -> Run {
    let Opening { studio, facts, metrics, parameters, opportunity, draft } = open(history, pick);
    let mut series = None;
    let outcome = refine::run(&draft, studio.policy(), |change| {
        let simulation = simulate(history, parameters, parameters.with(change.setting()), threads)?;
        series = Some(simulation.series);
        Ok::<_, chaos_simulation::Error>(simulation.result)
    })
    .unwrap();
    let last = outcome.last().change;
    let experiment = Experiment::new(parameters, parameters.with(last.setting()));
    let material = Material {
        chain: "eip155:1".parse().unwrap(),
        program: Program::this(),
        inputs: vec![],
        observed: history.blocks(),
        evm: &[],
    };
    let sensitivity =
        chaos_simulation::sensitivity(&experiment, &material, NonZeroUsize::new(threads).unwrap())
            .unwrap();
    let proposal = compose(&Brief {
        studio: &studio,
        parameters: &parameters,
        opportunity: &opportunity,
        outcome: &outcome,
        half_step: None,
        sensitivity: &sensitivity,
        context,
    })
    .unwrap();
    Run { facts, metrics, outcome, series: series.unwrap(), proposal }
}

pub(crate) fn context() -> Context {
    Context {
        analyses: vec![],
        round_receipts: vec![],
        scored_at: "block 13,010,000".into(),
        payload: vec![Call {
            target: "0x00000000000000000000000000000000000000aa".into(),
            function: "setBaseFeeChangeDenominator(uint256)".into(),
            arguments: vec![("denominator".into(), "14".into())],
            calldata: "0x01020304".into(),
        }],
        rollback: vec![],
        reproduce: Reproduce {
            command: "chaoschain simulate --fee-history mainnet.csv.gz --set \
                      base-fee-change-denominator=14 --json"
                .into(),
            needs: "one minute and 200 MB on a laptop, no network".into(),
            not_covered: "tips, builder strategy, worst-case blocks".into(),
        },
        agents: vec![AgentLine {
            name: "Ada".into(),
            role: "researcher".into(),
            did: "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK".into(),
            engine: "deterministic rules".into(),
        }],
        disclosure: "nobody paid for this; blocks are recorded mainnet blocks".into(),
    }
}
