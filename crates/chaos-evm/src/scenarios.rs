//! Many rule changes over the same blocks, on all cores.

use std::{
    num::NonZeroUsize,
    sync::{Arc, OnceLock},
};

use crate::{
    changes::{Changes, ChangesError},
    outcome::OutcomeCounts,
    rebuild::{Assumptions, RebuildError, RebuiltBlock, Run, RunError, groups, rebuild},
    replay::ReplayInput,
};

/// What one set of changes makes of all blocks, without what each transaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// The changes.
    pub changes: Changes,
    /// The blocks, by chain and number.
    pub blocks: Vec<RebuiltBlock>,
    /// The recorded transactions by what became of them.
    pub outcomes: OutcomeCounts,
}

/// Why scenarios could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A scenario contradicts itself.
    #[error("scenario {scenario} cannot be run")]
    Changes {
        /// Its place, from zero.
        scenario: usize,
        /// The contradiction.
        #[source]
        source: ChangesError,
    },
    /// A run of blocks could not be executed as recorded.
    #[error(transparent)]
    Run(RunError),
    /// A scenario could not be executed.
    #[error("scenario {scenario} stopped")]
    Rebuild {
        /// Its place, from zero.
        scenario: usize,
        /// The cause.
        #[source]
        source: RebuildError,
    },
    /// The worker threads could not be started.
    #[error("could not start {threads} threads")]
    Threads {
        /// How many were asked for.
        threads: NonZeroUsize,
        /// The cause.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
}

/// Rebuilds all blocks under each of `changes`, on `threads` threads of their own. The results come
/// in the order of `changes`, and do not depend on the number of threads.
///
/// Blocks are grouped into runs as [`crate::runs`] does. Every pair of scenario and run is a
/// job of its own; the runs with most gas start first, so that no long job is left for the end.
/// State and code are shared, and of each job only the figures of its blocks are kept.
///
/// # Errors
/// [`ScenarioError`]: of several failures the first by scenario and block.
pub fn run_scenarios(
    inputs: &[ReplayInput],
    changes: &[Changes],
    assumptions: &Assumptions,
    threads: NonZeroUsize,
) -> Result<Vec<Scenario>, ScenarioError> {
    for (scenario, changes) in changes.iter().enumerate() {
        changes.ensure_possible().map_err(|source| ScenarioError::Changes { scenario, source })?;
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build()
        .map_err(|source| ScenarioError::Threads { threads, source })?;
    let groups = groups(inputs);
    let gas = |group: &Vec<usize>| -> u64 {
        group.iter().map(|place| inputs[*place].block().header.gas_used).sum()
    };
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|group| std::cmp::Reverse(gas(&groups[*group])));

    let failed: Vec<OnceLock<RunError>> = groups.iter().map(|_| OnceLock::new()).collect();
    let cells: Vec<Vec<OnceLock<Cell>>> =
        changes.iter().map(|_| groups.iter().map(|_| OnceLock::new()).collect()).collect();
    let (groups, failed_of, cells_of) = (&groups, &failed, &cells);
    pool.scope_fifo(|scope| {
        for place in order {
            scope.spawn_fifo(move |scope| {
                let blocks = groups[place].iter().map(|input| inputs[*input].clone()).collect();
                let run = match Run::new(blocks) {
                    Ok(run) => Arc::new(run),
                    Err(error) => {
                        failed_of[place].get_or_init(|| error);
                        return;
                    }
                };
                for (changes, cells) in changes.iter().zip(cells_of) {
                    let run = Arc::clone(&run);
                    scope.spawn_fifo(move |_| {
                        cells[place].get_or_init(|| job(&run, changes, assumptions));
                    });
                }
            });
        }
    });
    if let Some(error) = failed.into_iter().find_map(OnceLock::into_inner) {
        return Err(ScenarioError::Run(error));
    }
    let scenarios = changes.iter().zip(cells).enumerate();
    scenarios.map(|(scenario, (changes, cells))| gather(scenario, changes, cells)).collect()
}

fn gather(
    scenario: usize,
    changes: &Changes,
    cells: Vec<OnceLock<Cell>>,
) -> Result<Scenario, ScenarioError> {
    let mut result =
        Scenario { changes: *changes, blocks: Vec::new(), outcomes: OutcomeCounts::default() };
    for cell in cells {
        let cell = cell.into_inner().expect("every job of a run that was made has ended");
        let (blocks, outcomes) =
            cell.map_err(|source| ScenarioError::Rebuild { scenario, source })?;
        result.blocks.extend(blocks);
        result.outcomes += outcomes;
    }
    Ok(result)
}

type Cell = Result<(Vec<RebuiltBlock>, OutcomeCounts), RebuildError>;

fn job(run: &Run, changes: &Changes, assumptions: &Assumptions) -> Cell {
    let rebuilt = rebuild(run, changes, assumptions)?;
    Ok((rebuilt.blocks, rebuilt.outcomes))
}
