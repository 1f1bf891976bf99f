use chaos_governance::receipts;
use chaos_simulation::{Experiment, Simulation};

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

impl Program for Simulate<'_> {
    const NAME: &'static str = "chaos-simulation";
    type Output = Simulation;
    type Body = receipts::Simulate;

    fn run(self) -> Result<Ran<Simulation, receipts::Simulate>, Error> {
        let Self { block_set, experiment, round } = self;
        let simulation = block_set.run(experiment)?;
        let body = receipts::Simulate {
            chain: block_set.chain.clone(),
            changes: changes(&experiment.baseline, &experiment.proposal),
            round,
        };
        Ok(Ran { document: simulation.result.to_canonical()?, output: simulation, body })
    }
}
