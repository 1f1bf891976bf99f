//! From blocks and a parameter change to a simulation result.

use std::{collections::BTreeMap, num::NonZeroUsize};

use chaos_agency::receipt;
use chaos_chain_config::{Execution, HeaderFees};
use chaos_evm::{
    Assumptions, BlockReplay, Changes, Order, ReceiptsRoot, ReplayInput, Run, rebuild, replay_all,
};
use chaos_governance::{BlockFacts, study::data::Replay};
use chaos_history::Rules;
use chaos_parameters::{Family, ParameterName, Parameters, Preset, Setting};
use chaos_simulation::{
    EvmBlockFigures, Experiment, Input, Material, MaterialDocument, Program, Sensitivity,
    Simulation, flow::ObservedBlock,
};
use chaos_study::executed;
use chaos_types::ChainId;

use crate::{
    Error, Progress, Silent,
    blocks::{self, ChainBlocks},
    history::{self, CheckedHistory},
};

/// Blocks that were replayed once, and what demand is calibrated from; any number of experiments
/// can be run on it.
#[derive(Debug)]
pub struct BlockSet {
    /// The chain.
    pub chain: ChainId,
    /// The blocks with their pre-state, in ascending order.
    pub inputs: Vec<ReplayInput>,
    /// What replaying each gave.
    pub replays: Vec<BlockReplay>,
    /// What demand is calibrated from.
    pub observed: Vec<ObservedBlock>,
    /// What the newest of them says of the fee rule in its extra data.
    newest_fees: Option<HeaderFees>,
    /// The digests of what was read.
    pub sources: Vec<Input>,
    /// How many threads work on it.
    pub threads: NonZeroUsize,
}

impl BlockSet {
    /// Replays the blocks under their own rules.
    ///
    /// # Errors
    /// If a block cannot be replayed, or no one demand can be fitted to the fee history.
    pub fn prepare(
        blocks: ChainBlocks,
        fee_history: Option<CheckedHistory>,
        threads: NonZeroUsize,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let ChainBlocks { chain, inputs } = blocks;
        if let Some(history) = &fee_history {
            history.ensure_one_demand()?;
        }
        progress.begin("replaying", inputs.len() as u64);
        let mut replays = Vec::with_capacity(inputs.len());
        for chunk in inputs.chunks(8 * threads.get()) {
            replays
                .extend(replay_all(chunk, threads).map_err(|error| Error::Replay(error.into()))?);
            progress.advance(chunk.len() as u64);
        }
        progress.end();
        let mut sources: Vec<Input> = inputs
            .iter()
            .map(|input| Input {
                name: format!("{chain}/blocks/{}", input.block().header.number),
                digest: input.digest(),
            })
            .collect();
        let (observed, newest_fees) = match fee_history {
            Some(CheckedHistory { history, digest, .. }) => {
                sources.push(Input { name: FEE_HISTORY.to_owned(), digest });
                let newest = history.blocks().len().saturating_sub(1);
                let fees = history.header_fees(newest);
                (history.into_blocks(), fees)
            }
            None => {
                let said = |input: &ReplayInput| {
                    let data = input.block().header.extra_data.clone()?;
                    HeaderFees::decode(&data).ok()
                };
                let fees = inputs.last().and_then(said);
                (inputs.iter().map(blocks::observe).collect(), fees)
            }
        };
        Ok(Self { chain, inputs, replays, observed, newest_fees, sources, threads })
    }

    /// A fee history alone: no block is executed, and the EVM has no figure.
    ///
    /// # Errors
    /// If no one demand can be fitted to it.
    pub fn of_history(
        chain: ChainId,
        history: CheckedHistory,
        threads: NonZeroUsize,
    ) -> Result<Self, Error> {
        let blocks = ChainBlocks { chain, inputs: Vec::new() };
        Self::prepare(blocks, Some(history), threads, &Silent)
    }

    /// The blocks whose execution says something: on a chain of whose execution a part is missing here,
    /// those that come out as their headers say; on any other, all of them.
    fn executable(&self) -> impl Iterator<Item = (&ReplayInput, &BlockReplay)> {
        let says = |(_, replay): &(&ReplayInput, &BlockReplay)| {
            replay.execution == Execution::Exact || replay.agrees()
        };
        self.inputs.iter().zip(&self.replays).filter(says)
    }

    /// How many blocks are kept out of the EVM's figures, since their execution says nothing.
    #[must_use]
    pub fn not_comparable(&self) -> usize {
        self.inputs.len() - self.executable().count()
    }

    /// Today's parameters by the chain's own rules ([`Rules`]), with the gas limit of the newest block on
    /// chains where headers have it; `None` on Ethereum and chains that copy it, whose baseline
    /// is [`Self::baseline`], and where the rules are not known.
    ///
    /// # Errors
    /// If there are no blocks, or a number is out of bounds.
    pub fn baseline_by(&self, rules: &Rules) -> Result<Option<Parameters>, Error> {
        let newest = self.observed.last().ok_or(Error::NoBaseline)?;
        let found = rules.parameters_after(newest.number, newest.timestamp, self.newest_fees)?;
        let Some(parameters) = found else { return Ok(None) };
        match parameters.family() {
            Family::Ethereum => Ok(None),
            Family::Arbitrum => Ok(Some(parameters)),
            Family::OpStack => {
                let limit = Setting::new(ParameterName::GasLimit, newest.gas_limit)?;
                Ok(Some(parameters.apply(&[limit])?))
            }
        }
    }

    /// How the blocks were checked before anything is concluded from them.
    #[must_use]
    pub fn validation(&self) -> Replay {
        let count = |holds: &dyn Fn(&BlockReplay) -> bool| {
            self.replays.iter().filter(|replay| holds(replay)).count() as u64
        };
        Replay {
            blocks: self.replays.len() as u64,
            gas_matched: count(&BlockReplay::gas_agrees),
            roots_comparable: count(&|replay| {
                let root = replay.receipts_root;
                root == ReceiptsRoot::Match || matches!(root, ReceiptsRoot::Mismatch { .. })
            }),
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
    ///
    /// # Errors
    /// If there are no blocks.
    pub fn baseline(&self) -> Result<Parameters, Error> {
        let newest = self.observed.last().ok_or(Error::NoBaseline)?;
        Ok(Parameters::ethereum(newest.gas_limit)?)
    }

    /// Refuses recorded blocks of several times, of which no one demand is calibrated. Of a fee history
    /// this is known already.
    ///
    /// # Errors
    /// [`Error::Scattered`], with how many are missing between them.
    pub fn ensure_consecutive(&self) -> Result<(), Error> {
        let priced: Vec<u64> = self
            .observed
            .iter()
            .filter(|block| block.base_fee_wei.is_some())
            .map(|block| block.number)
            .collect();
        let (Some(&first), Some(&last)) = (priced.first(), priced.last()) else { return Ok(()) };
        let blocks = priced.len() as u64;
        match (last - first + 1).checked_sub(blocks) {
            Some(0) | None => Ok(()),
            Some(missing) => Err(Error::Scattered { blocks, first, last, missing }),
        }
    }

    /// What the analyst sees: headers, and the transactions of replayed blocks.
    #[must_use]
    pub fn facts(&self) -> Vec<BlockFacts> {
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
    fn figures(&self, experiment: &Experiment) -> Result<Vec<EvmBlockFigures>, Error> {
        let changes = Changes::between(&experiment.baseline, &experiment.proposal).settled();
        let assumptions = Assumptions { order: Order::Recorded, ..Assumptions::default() };
        self.executable()
            .map(|(input, replay)| {
                if changes.is_none() {
                    return Ok(executed(replay, None));
                }
                let run =
                    Run::new(vec![input.clone()]).map_err(|error| Error::Run(error.into()))?;
                let rebuilt = rebuild(&run, &changes, &assumptions)
                    .map_err(|error| Error::Rebuild(error.into()))?;
                Ok(executed(replay, Some(&rebuilt)))
            })
            .collect()
    }

    /// What was read, as the inputs of a receipt.
    #[must_use]
    pub(crate) fn named_inputs(&self) -> Vec<receipt::Input> {
        named(&self.sources)
    }

    /// Runs an experiment.
    ///
    /// # Errors
    /// If the experiment is refused.
    pub fn run(&self, experiment: &Experiment) -> Result<Simulation, Error> {
        let evm = self.figures(experiment)?;
        Ok(chaos_simulation::run(experiment, &self.material(&evm), self.threads)?)
    }

    /// Everything an experiment's result follows from, as the document that the component reads.
    ///
    /// # Errors
    /// If there is more than a document may hold.
    pub fn document(&self, experiment: &Experiment) -> Result<Vec<u8>, Error> {
        let evm = self.figures(experiment)?;
        MaterialDocument::new(experiment, &self.material(&evm))
            .to_canonical()
            .map_err(Error::Material)
    }

    /// Runs an experiment at each published elasticity.
    ///
    /// # Errors
    /// If the experiment is refused.
    pub fn sensitivity(&self, experiment: &Experiment) -> Result<Sensitivity, Error> {
        Ok(chaos_simulation::sensitivity(experiment, &self.material(&[]), self.threads)?)
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

/// What a result names as read, as the inputs of a receipt.
pub(crate) fn named(sources: &[Input]) -> Vec<receipt::Input> {
    let input =
        |source: &Input| receipt::Input { name: source.name.clone(), digest: source.digest };
    sources.iter().map(input).collect()
}

/// The name of a fee history among a simulation's inputs.
pub(crate) const FEE_HISTORY: &str = "fee-history";

/// The rules by which a proposal's fee history is read: its chain's own, or Ethereum's where the chain
/// is not known, since that is the baseline of every proposal ([`BlockSet::baseline`]).
///
/// # Errors
/// Never for a chain that has blocks.
pub fn propose_rules(chain: &ChainId) -> Result<Rules, Error> {
    history::rules(chain, None)
        .or_else(|_| history::rules(chain, Some(Preset::London.parameters())))
}

/// What is simulated, apart from the blocks and the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The seed of all randomness.
    pub seed: u64,
    /// Price elasticity of demand in parts per million, if one is named; drawn from the posterior otherwise.
    pub elasticity_ppm: Option<u32>,
    /// How many random paths each arm runs, if not the default.
    pub paths: Option<u32>,
    /// How many blocks a path has, if not the default.
    pub blocks: Option<u32>,
}

/// The experiment that compares `proposal` with the baseline.
#[must_use]
pub fn experiment(baseline: Parameters, proposal: Parameters, asked: Asked) -> Experiment {
    let mut experiment = Experiment::new(baseline, proposal);
    experiment.seed = asked.seed;
    if let Some(paths) = asked.paths {
        experiment.paths = paths;
    }
    if let Some(blocks) = asked.blocks {
        experiment.blocks = blocks;
    }
    experiment.checked(asked.elasticity_ppm)
}

/// As many threads as were asked for, or as the machine has.
#[must_use]
pub fn threads(asked: Option<NonZeroUsize>) -> NonZeroUsize {
    asked.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}
