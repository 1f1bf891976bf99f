use chaos_evm::{BlockReplay, OutcomeGroup, Rebuilt};
use chaos_simulation::{EvmBlockFigures, flow::ObservedBlock};

/// What demand is calibrated from: the header's figures, whatever the replay made of them.
#[must_use]
pub fn observed(replay: &BlockReplay) -> ObservedBlock {
    ObservedBlock {
        number: replay.number,
        timestamp: replay.timestamp,
        gas_used: replay.gas_header,
        gas_limit: replay.gas_limit,
        base_fee_wei: replay.base_fee_per_gas.map(u128::from),
    }
}

/// The figures of a replayed block and, if the proposal changes rules of execution, of the same
/// block built again under them; without one both arms are the replay.
#[must_use]
pub fn executed(replay: &BlockReplay, rebuilt: Option<&Rebuilt>) -> EvmBlockFigures {
    let included = replay.transactions.len() as u64;
    let excluded = (replay.skipped_transactions.len() + replay.rejected.len()) as u64;
    let unknown_reads = replay.unknown_reads.total();
    let baseline = EvmBlockFigures {
        number: replay.number,
        gas_reproduced: replay.gas_agrees(),
        gas_limit_baseline: replay.gas_limit,
        gas_limit_proposal: replay.gas_limit,
        gas_used_baseline: replay.gas_replayed,
        gas_used_proposal: replay.gas_replayed,
        included_baseline: included,
        included_proposal: included,
        excluded_baseline: excluded,
        excluded_proposal: excluded,
        diverged_proposal: 0,
        unknown_reads_baseline: unknown_reads,
        unknown_reads_proposal: unknown_reads,
    };
    let Some((rebuilt, block)) = rebuilt.and_then(|other| Some((other, other.blocks.first()?)))
    else {
        return baseline;
    };
    let group = |group| rebuilt.outcomes.get(group);
    let diverged = group(OutcomeGroup::GasOnly)
        + group(OutcomeGroup::SucceedsWithChanges)
        + group(OutcomeGroup::NowSucceeds)
        + group(OutcomeGroup::FixableWithHigherGasLimit)
        + group(OutcomeGroup::PotentiallyBroken);
    EvmBlockFigures {
        gas_limit_proposal: block.gas_limit,
        gas_used_proposal: block.gas_used,
        included_proposal: block.included,
        excluded_proposal: group(OutcomeGroup::NotIncluded),
        diverged_proposal: diverged,
        unknown_reads_proposal: block.unknown_reads.total(),
        ..baseline
    }
}
