//! Re-execution under both sets of rules, and the clock on worst-case blocks.

use chaos_evm::{Changes, spec_of};
use chaos_governance::study::TimedBlock;
use chaos_parameters::Parameters;
use chaos_study::{
    EvmFigures, Study,
    attack::{
        Scenario,
        worst_case::{self, Operation},
    },
    execute_arms,
};

use super::{Conditions, blocks::StudyBlocks};
use crate::{Error, Progress};

/// Gas of a timed block: enough to outlast the clock's grain, quick enough for all operations.
const TIMED_GAS: u64 = 15_000_000;

/// What times were measured on and what to read them by, or why none were.
pub(super) const MACHINE: &str = if cfg!(debug_assertions) {
    "a development build measures no time, which would say nothing about a node; build with --release"
} else {
    "one thread of this machine, optimised build, EVM alone; to be read beside 100 Mgas/s, which EIP-7904 wants \
     every operation to sustain on the slowest client"
};

/// Times each block is timed; the median counts.
const ROUNDS: usize = 3;

/// Rebuilds and executes the recorded blocks under both sets of rules.
pub(super) fn run(
    blocks: &StudyBlocks,
    baseline: &Parameters,
    proposal: &Parameters,
    progress: &dyn Progress,
) -> Result<Option<EvmFigures>, Error> {
    if blocks.blocks().is_empty() {
        return Ok(None);
    }
    progress.say(&format!("executing {} blocks under both sets of rules", blocks.blocks().len()));
    let changes = Changes::between(baseline, proposal).settled();
    execute_arms(blocks.blocks(), &changes, blocks.threads())
        .map(Some)
        .map_err(|error| Error::Execute(error.into()))
}

/// Times a block of each slow operation and scales it to both gas limits.
///
/// The clock is the caller's; the result of the study does not hold these figures.
pub(super) fn worst_blocks(
    study: &Study,
    baseline: &Parameters,
    proposal: &Parameters,
    conditions: &Conditions<'_>,
) -> Result<Vec<TimedBlock>, Error> {
    // What a development build takes says nothing about a node.
    if cfg!(debug_assertions) || !study.attacks.contains(&Scenario::WorstCaseGas) {
        return Ok(Vec::new());
    }
    let spec = spec_of(study.preset);
    let operations: Vec<Operation> =
        Operation::ALL.iter().copied().filter(|operation| operation.since() <= spec).collect();
    let progress = conditions.progress;
    progress.begin("timing worst-case blocks", operations.len() as u64);
    let mut blocks = Vec::new();
    for operation in operations {
        let workload = worst_case::prepare(operation, TIMED_GAS, spec).map_err(Error::WorstCase)?;
        let mut times = Vec::with_capacity(ROUNDS);
        let mut gas = 0;
        for _ in 0..ROUNDS {
            let start = (conditions.elapsed)();
            gas = worst_case::execute(&workload).map_err(Error::WorstCase)?.gas_used;
            let taken = (conditions.elapsed)().saturating_sub(start);
            times.push(u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX));
        }
        times.sort_unstable();
        let nanoseconds = times[ROUNDS / 2].max(1);
        let at = |limit: u64| worst_case::block_nanoseconds(nanoseconds, gas, limit) / 1_000;
        blocks.push(TimedBlock {
            operation: operation.name().replace('_', " "),
            construction: format!(
                "{} transactions of {} gas, scaled from a block of {TIMED_GAS} gas",
                workload.transactions(),
                workload.transaction_gas()
            ),
            gas_per_second: worst_case::gas_per_second(nanoseconds, gas),
            microseconds: (at(baseline.gas_limit()), at(proposal.gas_limit())),
        });
        progress.advance(1);
    }
    progress.end();
    blocks.sort_by_key(|block| std::cmp::Reverse(block.microseconds));
    Ok(blocks)
}
