use std::{collections::BTreeMap, num::NonZeroUsize};

use chaos_parameters::Layer;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use chaos_evm::{
    BlockResources, Changes, ExclusionCause, GasKind, OutcomeCounts, OutcomeGroup, RebuildError,
    Rebuilt, RebuiltBlock, ReplayError, ReplayInput, Run, RunError, measure,
    rebuild::{self, Assumptions, Order},
    runs,
};
use chaos_simulation::{Decimal, MetricRow, Pairs};

/// What re-execution gave: recorded blocks as they stand, and built again under what the proposal
/// changes of their rules.
///
/// The proposal's blocks are packed in recorded order, so a difference is the rules' doing and equal
/// rules give equal blocks. A third arm packs by effective tip, as builders do: its groups say how
/// much of the outcome hangs on the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvmFigures {
    /// Recorded blocks.
    pub blocks: u32,
    /// Runs of consecutive blocks among them; only within a run can a transaction move to another
    /// block.
    pub runs: u32,
    /// Figures of the EVM layer.
    pub metrics: BTreeMap<String, MetricRow>,
    /// Recorded transactions by what became of them; each arm adds up to all of them.
    pub outcomes: Vec<OutcomeRow>,
    /// Gas limits of the recorded blocks, least and most; the baseline keeps each block's own.
    pub gas_limits: (Decimal, Decimal),
    /// Why transactions were left out to the end.
    pub exclusions: Vec<OutcomeRow>,
    /// Gas of the transactions that both arms include, as (baseline, proposal).
    pub gas_of_included: (Decimal, Decimal),
    /// Of those, how many changed their gas by this many per cent, rounded away from zero.
    pub gas_changes: Vec<(i32, u64)>,
    /// Work and state of the recorded blocks as they stand.
    pub work: Vec<WorkRow>,
}

/// One group of transactions in the arms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRow {
    /// Name of the group.
    pub group: String,
    /// Transactions in it as recorded.
    #[serde(with = "chaos_types::decimal")]
    pub baseline: u64,
    /// Transactions in it under the proposal's rules, packed in recorded order.
    #[serde(with = "chaos_types::decimal")]
    pub proposal: u64,
    /// Transactions in it under the proposal's rules, packed by effective tip.
    #[serde(with = "chaos_types::decimal")]
    pub by_tip: u64,
}

/// One kind of work or state over the re-executed blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkRow {
    /// What was counted.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Over all blocks.
    pub total: Decimal,
    /// In the block with the most.
    pub max: Decimal,
}

/// Why blocks could not be executed under the study's rules.
#[derive(Debug, thiserror::Error)]
pub enum EvmError {
    /// The recorded blocks do not form runs.
    #[error(transparent)]
    Run(RunError),
    /// A run could not be built again.
    #[error(transparent)]
    Rebuild(RebuildError),
    /// A block could not be measured.
    #[error(transparent)]
    Measure(ReplayError),
    /// The worker threads could not be started.
    #[error("cannot start {threads} worker threads")]
    Threads {
        /// Threads asked for.
        threads: NonZeroUsize,
        /// The operating system's answer.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
}

/// Rebuilds and executes the blocks under both sets of rules.
///
/// # Errors
/// If a block cannot be executed at all, or threads cannot start. A transaction that fails or is
/// refused is no error; it is counted.
pub fn execute_arms(
    inputs: &[ReplayInput],
    changes: &Changes,
    threads: NonZeroUsize,
) -> Result<EvmFigures, EvmError> {
    let runs = runs(inputs).map_err(EvmError::Run)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build()
        .map_err(|source| EvmError::Threads { threads, source })?;
    let recorded = Assumptions { order: Order::Recorded, ..Assumptions::default() };
    let arms = |run: &Run| -> Result<Arms, RebuildError> {
        let baseline = rebuild::rebuild(run, &Changes::NONE, &recorded)?;
        let by_tip = rebuild::rebuild(run, changes, &Assumptions::default())?;
        let proposal = if changes.is_none() {
            baseline.clone()
        } else {
            rebuild::rebuild(run, changes, &recorded)?
        };
        Ok(Arms { baseline, proposal, by_tip })
    };
    let (rebuilt, measured): (Vec<_>, Vec<_>) = pool.install(|| {
        rayon::join(
            || runs.par_iter().map(arms).collect(),
            || inputs.par_iter().map(measure).collect(),
        )
    });
    let rebuilt = rebuilt.into_iter().collect::<Result<Vec<_>, _>>().map_err(EvmError::Rebuild)?;
    let measured =
        measured.into_iter().collect::<Result<Vec<_>, _>>().map_err(EvmError::Measure)?;
    Ok(reduce(&rebuilt, &measured))
}

/// One run of blocks in every arm.
struct Arms {
    baseline: Rebuilt,
    proposal: Rebuilt,
    by_tip: Rebuilt,
}

fn reduce(rebuilt: &[Arms], measured: &[BlockResources]) -> EvmFigures {
    let mut outcomes =
        (OutcomeCounts::default(), OutcomeCounts::default(), OutcomeCounts::default());
    let mut gas = (0i128, 0i128);
    let mut gas_changes: BTreeMap<i32, u64> = BTreeMap::new();
    for Arms { baseline, proposal, by_tip } in rebuilt {
        outcomes.0 += baseline.outcomes;
        outcomes.1 += proposal.outcomes;
        outcomes.2 += by_tip.outcomes;
        for (before, after) in baseline.transactions.iter().zip(&proposal.transactions) {
            if before.included_in.is_none() || after.included_in.is_none() {
                continue;
            }
            gas.0 += i128::from(before.gas_after);
            gas.1 += i128::from(after.gas_after);
            *gas_changes.entry(per_cent(before.gas_after, after.gas_after)).or_default() += 1;
        }
    }
    EvmFigures {
        blocks: u32::try_from(measured.len()).unwrap_or(u32::MAX),
        runs: u32::try_from(rebuilt.len()).unwrap_or(u32::MAX),
        metrics: block_rows(rebuilt),
        gas_limits: {
            let limits = || rebuilt.iter().flat_map(|arms| &arms.baseline.blocks);
            let limits = || limits().map(|block| i128::from(block.gas_limit));
            (Decimal(limits().min().unwrap_or(0)), Decimal(limits().max().unwrap_or(0)))
        },
        outcomes: OutcomeGroup::ALL
            .into_iter()
            .map(|group| OutcomeRow {
                group: group.name().to_owned(),
                baseline: outcomes.0.get(group),
                proposal: outcomes.1.get(group),
                by_tip: outcomes.2.get(group),
            })
            .collect(),
        exclusions: ExclusionCause::ALL
            .into_iter()
            .map(|cause| OutcomeRow {
                group: cause.name().to_owned(),
                baseline: outcomes.0.causes().get(cause),
                proposal: outcomes.1.causes().get(cause),
                by_tip: outcomes.2.causes().get(cause),
            })
            .filter(|row| row.baseline > 0 || row.proposal > 0 || row.by_tip > 0)
            .collect(),
        gas_of_included: (Decimal(gas.0), Decimal(gas.1)),
        gas_changes: gas_changes.into_iter().collect(),
        work: work_rows(measured),
    }
}

/// The relative change in whole per cent, rounded away from zero and held within ±1000, so that
/// only an unchanged transaction has zero.
fn per_cent(before: u64, after: u64) -> i32 {
    let change = (i128::from(after) - i128::from(before)) * 100;
    let magnitude = change.unsigned_abs().div_ceil(u128::from(before).max(1)).min(1_000);
    let relative = i32::try_from(magnitude).unwrap_or(1_000);
    if change < 0 { -relative } else { relative }
}

/// Name, unit, whether blocks are summed or averaged, and the figure of one block.
type BlockFigure = (&'static str, &'static str, bool, fn(&RebuiltBlock) -> i128);

const BLOCK_FIGURES: [BlockFigure; 9] = [
    ("gas_used", "gas_per_block", false, |block| block.gas_used.into()),
    ("gas_gross", "gas_per_block", false, |block| block.gas_before_refund.into()),
    ("limit_used", "ppm", false, |block| {
        (i128::from(block.gas_used) * 1_000_000).checked_div(block.gas_limit.into()).unwrap_or(0)
    }),
    ("transactions_included", "transactions", true, |block| block.included.into()),
    ("transactions_waiting", "transactions", true, |block| block.waiting.into()),
    ("blobs", "blobs", true, |block| block.blobs.into()),
    ("fee_burned", "wei_per_block", false, |block| {
        i128::from(block.base_fee_per_gas.unwrap_or(0)) * i128::from(block.gas_used)
    }),
    ("tips", "wei_per_block", false, |block| i128::try_from(block.tips_wei).unwrap_or(i128::MAX)),
    ("unknown_reads", "reads", true, |block| block.unknown_reads.total().into()),
];

fn block_rows(rebuilt: &[Arms]) -> BTreeMap<String, MetricRow> {
    BLOCK_FIGURES
        .into_iter()
        .map(|(name, unit, summed, figure)| {
            let pairs = Pairs(
                rebuilt
                    .iter()
                    .flat_map(|arms| arms.baseline.blocks.iter().zip(&arms.proposal.blocks))
                    .map(|(old, new)| (figure(old), figure(new)))
                    .collect(),
            );
            let row = if summed {
                pairs.sum_row(unit, Layer::Evm)
            } else {
                pairs.mean_row(unit, Layer::Evm)
            };
            (name.to_owned(), row)
        })
        .collect()
}

/// Work and state of the blocks as recorded: gas by kind, refunds, state, logs and bytes.
fn work_rows(measured: &[BlockResources]) -> Vec<WorkRow> {
    let row = |name: &str, unit: &str, figure: &dyn Fn(&BlockResources) -> Option<u64>| {
        let values = measured.iter().filter_map(figure).map(i128::from);
        let (total, max) = values
            .fold((0, 0), |(total, max): (i128, i128), value| (total + value, max.max(value)));
        WorkRow {
            name: name.to_owned(),
            unit: unit.to_owned(),
            total: Decimal(total),
            max: Decimal(max),
        }
    };
    let mut rows: Vec<WorkRow> = GasKind::ALL
        .into_iter()
        .map(|kind| {
            let name = format!("gas_{}", kind.name());
            row(&name, "gas", &move |block: &BlockResources| Some(block.gas.get(kind)))
        })
        .collect();
    rows.push(row("gas_gross", "gas", &|block| Some(block.gas_gross)));
    rows.push(row("gas_net", "gas", &|block| Some(block.gas_net)));
    rows.push(row("slots_new", "slots", &|block| Some(block.state.slots_new)));
    rows.push(row("slots_cleared", "slots", &|block| Some(block.state.slots_cleared)));
    rows.push(row("accounts_new", "accounts", &|block| Some(block.state.accounts_new)));
    rows.push(row("code_bytes_new", "bytes", &|block| Some(block.state.code_bytes_new)));
    rows.push(row("logs", "logs", &|block| Some(block.logs)));
    rows.push(row("log_bytes", "bytes", &|block| Some(block.log_bytes)));
    rows.push(row("block_bytes", "bytes", &|block| block.block_bytes));
    rows
}
