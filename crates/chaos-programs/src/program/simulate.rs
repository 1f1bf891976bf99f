use chaos_governance::receipts;
use chaos_simulation::{Experiment, Simulation};
use chaos_types::ChainId;

use super::{Program, Ran, changes};
use crate::{Error, simulation::BlockSet};

/// Blocks and an experiment in, a result out.
#[derive(Debug, Clone, Copy)]
pub struct Simulate<'a> {
    /// The blocks.
    pub block_set: &'a BlockSet,
    /// What to compare.
    pub experiment: &'a Experiment,
    /// Which round of refinement it is: the agent's word.
    pub round: u32,
}

impl Simulate<'_> {
    /// What a receipt says about the run of an experiment on blocks of this chain. Nothing of it
    /// takes the run.
    pub(crate) fn body(chain: ChainId, experiment: &Experiment, round: u32) -> receipts::Simulate {
        let changes = changes(&experiment.baseline, &experiment.proposal);
        receipts::Simulate { chain, changes, round }
    }
}

impl Program for Simulate<'_> {
    const NAME: &'static str = "chaos-simulation";
    type Output = Simulation;
    type Body = receipts::Simulate;

    fn run(self) -> Result<Ran<Simulation, receipts::Simulate>, Error> {
        let Self { block_set, experiment, round } = self;
        let simulation = block_set.run(experiment)?;
        let body = Self::body(block_set.chain.clone(), experiment, round);
        Ok(Ran { document: simulation.result.to_canonical()?, output: simulation, body })
    }
}
