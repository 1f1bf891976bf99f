//! A small real simulation for unit tests, and results made from it by replacing figures.

use std::num::NonZeroUsize;

use chaos_parameters::{Layer, Parameters};
use chaos_simulation::{
    Experiment, Interval, Material, MetricRow, Program, Sensitivity, SensitivityRow, Simulation,
    SimulationResult, flow::ObservedBlock,
};
use chaos_studio::Studio;
use chaos_types::Digest;

use crate::{
    BlockFacts, Change, Context, Draft, Metrics, Opportunity, Outcome, Proposal, Thresholds,
    analyse,
    proposal::{AgentLine, Brief, Call, Reference, Reproduce, compose, report},
    refine,
    study::{
        Study,
        data::{Source, SourceKind},
    },
};

pub(crate) fn studio() -> Studio {
    Studio::parse(include_str!("studio.toml")).unwrap()
}

pub(crate) fn parameters() -> Parameters {
    Parameters::ethereum(30_000_000).unwrap()
}

/// Sixty blocks, three in four of them full.
pub(crate) fn observed() -> Vec<ObservedBlock> {
    (1..=60)
        .map(|number| ObservedBlock {
            number,
            timestamp: number * 12,
            gas_used: if number % 4 == 0 { 1_000_000 } else { 30_000_000 },
            gas_limit: 30_000_000,
            base_fee_wei: Some(20_000_000_000 + u128::from(number)),
        })
        .collect()
}

pub(crate) fn facts() -> Vec<BlockFacts> {
    observed().into_iter().map(BlockFacts::from).collect()
}

pub(crate) fn congestion() -> Opportunity {
    let studio = studio();
    let metrics = Metrics::measure(&facts(), 2, studio.policy().evidence()).unwrap();
    let thresholds = Thresholds::of_studio(&studio).unwrap();
    analyse(&metrics, &parameters(), studio.policy(), &thresholds).remove(0)
}

pub(crate) fn draft() -> Draft {
    Draft::new(&congestion(), &parameters(), studio().policy()).unwrap()
}

/// Twelve paths of 120 blocks.
pub(crate) fn simulation(proposal: Parameters) -> Simulation {
    let observed = observed();
    let material = Material {
        chain: "eip155:1".parse().unwrap(),
        program: Program::this(),
        inputs: vec![],
        observed: &observed,
        evm: &[],
    };
    let mut experiment = Experiment::new(parameters(), proposal);
    (experiment.paths, experiment.blocks, experiment.warmup_blocks) = (12, 120, 20);
    chaos_simulation::run(&experiment, &material, NonZeroUsize::MIN).unwrap()
}

/// Replaces the figures of one metric: baseline 1,000, an interval of one point.
pub(crate) fn set(result: &mut SimulationResult, metric: &str, difference: i128) {
    let row = MetricRow {
        unit: "wei".into(),
        baseline: 1_000,
        proposal: 1_000 + difference,
        difference,
        interval: Interval { low: difference, high: difference },
        paths_only: None,
        layer: Layer::FeeMarket,
    };
    result.metrics.insert(metric.into(), row);
}

/// Runs a draft of the gas limit against a made-up answer: the judged difference of the objective
/// `base_fee_p95`, and of the guard `demand_dropped`, for a value.
pub(crate) fn refined(answer: impl Fn(u64) -> (i128, i128)) -> Outcome {
    let base = simulation(parameters()).result;
    let simulate = |change: &Change| {
        let mut result = base.clone();
        result.parameters.proposal = parameters().with(change.setting());
        let (objective, guard) = answer(change.proposed());
        set(&mut result, "base_fee_p95", objective);
        set(&mut result, "demand_dropped", guard);
        for metric in ["inclusion_delay_p95", "utilisation_mean"] {
            set(&mut result, metric, 0);
        }
        Ok::<_, std::convert::Infallible>(result)
    };
    refine::run(&draft(), studio().policy(), simulate).unwrap()
}

pub(crate) const HOSTILE: &str = "</script></td></svg>\"'><img src=x onerror=alert(1)>\n# heading\n\
                                  | a | b |\n```\n- [x](javascript:alert(1)) @all \u{202e}\u{1b}[31m";

/// A context in which every text is `text`.
pub(crate) fn context(text: &str) -> Context {
    let call = || Call {
        target: text.into(),
        function: text.into(),
        arguments: vec![(text.into(), text.into())],
        calldata: text.into(),
    };
    Context {
        analyses: vec![Reference { receipt: Digest::of(b"analysis"), text: text.into() }],
        round_receipts: vec![Digest::of(b"round")],
        scored_at: text.into(),
        payload: vec![call()],
        rollback: vec![call()],
        reproduce: Reproduce { command: text.into(), needs: text.into(), not_covered: text.into() },
        agents: vec![AgentLine {
            name: text.into(),
            role: text.into(),
            did: text.into(),
            engine: text.into(),
        }],
        disclosure: text.into(),
    }
}

/// Blocks that happened.
pub(crate) fn recorded() -> Source {
    Source { kind: SourceKind::Recorded, text: "recorded blocks".into() }
}

/// The proposal as the study that every rendering shows.
pub(crate) fn one_cell(proposal: &Proposal) -> Study {
    let (series, source) = (simulation(parameters()).series, recorded());
    let shown =
        report::Shown { series: &series, observed: &facts(), elasticity: 2, source: &source };
    report::study(proposal, &shown)
}

/// A proposal to raise the gas limit in one round, with made-up judged figures.
pub(crate) fn proposal(context: &Context) -> Proposal {
    let outcome = refined(|value| if value < 36_000_000 { (-100, 0) } else { (-300, 10) });
    let line = |elasticity_ppm, difference| {
        let mut result = outcome.last().result.clone();
        set(&mut result, "base_fee_p95", difference);
        SensitivityRow { elasticity_ppm, metrics: result.metrics, calibration: None }
    };
    compose(&Brief {
        studio: &studio(),
        parameters: &parameters(),
        opportunity: &congestion(),
        outcome: &outcome,
        half_step: None,
        sensitivity: &Sensitivity {
            rows: vec![line(10_000, -300), line(300_000, -100)],
            revised: false,
        },
        context,
    })
    .unwrap()
}
