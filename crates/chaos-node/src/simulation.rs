//! From blocks and a parameter change to a simulation result.

mod command;

use std::{collections::BTreeMap, num::NonZeroUsize};

use chaos_governance::{BlockFacts, report::Validation};
use chaos_parameters::{Parameters, Setting};
use chaos_simulation::{
    EvmBlockFigures, Experiment, Input, Material, MaterialDocument, Program, SensitivityRow,
    Simulation,
    evm::{Assumptions, BlockReplay, Order, ReceiptsRoot, ReplayInput, Run, rebuild, replay_all},
    fee_market::{FeeHistory, ObservedBlock},
    study,
};
use chaos_types::{ChainId, Digest};

pub(crate) use self::command::{command, place};
use crate::{
    args::SimulationArgs,
    blocks::{self, ChainBlocks},
    commands::replay::threads,
    exit::{Failure, Kind, OrFail as _},
    output,
};

/// Blocks that were replayed once, and what demand is calibrated from; any number of experiments
/// can be run on it.
pub(crate) struct Ground {
    pub(crate) chain: ChainId,
    pub(crate) inputs: Vec<ReplayInput>,
    pub(crate) replays: Vec<BlockReplay>,
    pub(crate) observed: Vec<ObservedBlock>,
    pub(crate) sources: Vec<Input>,
    pub(crate) threads: NonZeroUsize,
}

impl Ground {
    /// Replays the blocks under their own rules.
    pub(crate) fn prepare(
        blocks: ChainBlocks,
        fee_history: Option<(FeeHistory, Digest)>,
        asked_threads: Option<NonZeroUsize>,
    ) -> Result<Self, Failure> {
        let threads = threads(asked_threads);
        let ChainBlocks { chain, inputs } = blocks;
        let bar = output::progress("replaying", inputs.len() as u64);
        let mut replays = Vec::with_capacity(inputs.len());
        for chunk in inputs.chunks(8 * threads.get()) {
            replays.extend(replay_all(chunk, threads).or_fail(Kind::Input)?);
            bar.inc(chunk.len() as u64);
        }
        bar.finish_and_clear();
        let mut sources: Vec<Input> = inputs
            .iter()
            .map(|input| Input {
                name: format!("{chain}/blocks/{}", input.block().header.number),
                digest: input.digest(),
            })
            .collect();
        let observed = match fee_history {
            Some((history, digest)) => {
                sources.push(Input { name: FEE_HISTORY.to_owned(), digest });
                history.blocks().to_vec()
            }
            None => inputs.iter().map(blocks::observe).collect(),
        };
        Ok(Self { chain, inputs, replays, observed, sources, threads })
    }

    /// How the blocks were checked before anything is concluded from them.
    pub(crate) fn validation(&self) -> Validation {
        let count = |holds: &dyn Fn(&BlockReplay) -> bool| {
            self.replays.iter().filter(|replay| holds(replay)).count() as u64
        };
        Validation {
            blocks_replayed: self.replays.len() as u64,
            gas_matched: count(&|replay| replay.gas_replayed == replay.gas_header),
            roots_comparable: count(&|replay| replay.receipts_root != ReceiptsRoot::NotComparable),
            roots_matched: count(&|replay| replay.receipts_root == ReceiptsRoot::Match),
            unknown_reads: self.replays.iter().map(|replay| replay.unknown_reads.total()).sum(),
            skipped_transactions: self
                .replays
                .iter()
                .map(|replay| replay.skipped_transactions.len() as u64)
                .sum(),
        }
    }

    /// Today's parameters: the limit of the newest block, and Ethereum's fee rule.
    pub(crate) fn baseline(&self) -> Result<Parameters, Failure> {
        let newest = self.observed.last().ok_or_else(|| {
            Failure::message(Kind::Input, "no blocks to read today's parameters from")
        })?;
        Parameters::ethereum(newest.gas_limit).or_fail(Kind::Input)
    }

    /// What the analyst sees: headers, and the transactions of replayed blocks.
    pub(crate) fn facts(&self) -> Vec<BlockFacts> {
        let replayed: BTreeMap<u64, &BlockReplay> =
            self.replays.iter().map(|replay| (replay.number, replay)).collect();
        self.observed
            .iter()
            .filter(|block| block.base_fee_wei.is_some())
            .map(|&observed| match replayed.get(&observed.number) {
                Some(replay) => BlockFacts {
                    observed,
                    transactions: Some(replay.transactions.len() as u64),
                    tips_wei: replay.transactions.iter().map(|t| t.effective_tip).collect(),
                },
                None => BlockFacts::from(observed),
            })
            .collect()
    }

    /// The blocks built again, in their recorded order, under what the proposal changes of the rules
    /// of execution.
    fn figures(&self, experiment: &Experiment) -> Result<Vec<EvmBlockFigures>, Failure> {
        let changes = study::changes(&experiment.baseline, &experiment.proposal);
        let assumptions = Assumptions { order: Order::Recorded, ..Assumptions::default() };
        self.inputs
            .iter()
            .zip(&self.replays)
            .map(|(input, replay)| {
                if changes.is_none() {
                    return Ok(EvmBlockFigures::new(replay, None));
                }
                let run = Run::new(vec![input.clone()]).or_fail(Kind::Input)?;
                let rebuilt = rebuild(&run, &changes, &assumptions).or_fail(Kind::Input)?;
                Ok(EvmBlockFigures::new(replay, Some(&rebuilt)))
            })
            .collect()
    }

    /// Runs an experiment.
    pub(crate) fn run(&self, experiment: &Experiment) -> Result<Simulation, Failure> {
        let evm = self.figures(experiment)?;
        chaos_simulation::run(experiment, &self.material(&evm), self.threads).or_fail(Kind::Input)
    }

    /// Everything an experiment's result follows from, as the document that the component reads.
    pub(crate) fn document(&self, experiment: &Experiment) -> Result<Vec<u8>, Failure> {
        let evm = self.figures(experiment)?;
        MaterialDocument::new(experiment, &self.material(&evm)).to_canonical().or_fail(Kind::Check)
    }

    /// Runs an experiment at each published elasticity.
    pub(crate) fn sensitivity(
        &self,
        experiment: &Experiment,
    ) -> Result<Vec<SensitivityRow>, Failure> {
        chaos_simulation::sensitivity(experiment, &self.material(&[]), self.threads)
            .or_fail(Kind::Input)
    }

    fn material<'a>(&'a self, evm: &'a [EvmBlockFigures]) -> Material<'a> {
        Material {
            chain: self.chain.clone(),
            program: Program::this(),
            inputs: self.sources.clone(),
            observed: &self.observed,
            evm,
        }
    }
}

/// The name of a fee history among a simulation's inputs.
pub(crate) const FEE_HISTORY: &str = "fee-history";

/// The experiment that the command line describes.
pub(crate) fn experiment(
    baseline: Parameters,
    settings: &[Setting],
    args: &SimulationArgs,
) -> Result<Experiment, Failure> {
    let proposal = baseline.apply(settings).or_fail(Kind::Input).map_err(|e| e.context("--set"))?;
    let mut experiment = Experiment::new(baseline, proposal);
    experiment.seed = args.seed;
    experiment.assumptions.elasticity_ppm = elasticity_ppm(&args.elasticity)?;
    if let Some(paths) = args.paths {
        experiment.paths = paths;
    }
    if let Some(blocks) = args.path_blocks {
        experiment.blocks = blocks;
    }
    Ok(experiment)
}

/// Reads a decimal fraction with up to six digits as parts per million, without floats.
pub(crate) fn elasticity_ppm(text: &str) -> Result<u32, Failure> {
    chaos_simulation::study::parse_ppm(text).ok_or_else(|| {
        Failure::message(
            Kind::Input,
            format!(
                "--elasticity: expected a decimal such as 0.2 with up to six places, found `{text}`"
            ),
        )
    })
}

/// The digest that two runs must agree on.
pub(crate) fn digest_of(simulation: &Simulation) -> Result<Digest, Failure> {
    simulation.result.digest().or_fail(Kind::Check)
}
