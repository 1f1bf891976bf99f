//! Rebuilt blocks: what holds without changes, and what re-packing does to real blocks.

use chaos_evm::{
    Assumptions, Changes, ExclusionCause, Order, OutcomeGroup, Rebuilt, ReplayInput, Run, rebuild,
    run_scenarios, runs,
};

use super::evm::{inputs, threads};

const RECORDED: Assumptions = Assumptions { order: Order::Recorded, lead_blocks: 0 };

fn all_inputs() -> Option<Vec<ReplayInput>> {
    let mut all = inputs("ethereum", 1)?;
    all.extend(inputs("rise", 4153)?);
    Some(all)
}

fn unknown_total(rebuilt: &Rebuilt) -> u64 {
    rebuilt.blocks.iter().map(|block| block.unknown_reads.total()).sum()
}

/// Asserts that a run in recorded order without changes is what the chain recorded.
#[track_caller]
fn assert_as_recorded(run: &Run) {
    let rebuilt = rebuild(run, &Changes::NONE, &RECORDED).unwrap();
    for (input, block) in run.blocks().iter().zip(&rebuilt.blocks) {
        let header = &input.block().header;
        assert_eq!(block.number, header.number);
        assert_eq!(block.gas_used, header.gas_used, "block {}", header.number);
        assert_eq!(block.base_fee_per_gas, header.base_fee_per_gas, "block {}", header.number);
        assert_eq!(block.included, input.block().transactions.len() as u64);
        assert_eq!((block.waiting, block.exclusions.total()), (0, 0));
    }
    assert_eq!(unknown_total(&rebuilt), 0);
    let same = rebuilt.outcomes.get(OutcomeGroup::Unchanged)
        + rebuilt.outcomes.get(OutcomeGroup::AlreadyFailing);
    assert_eq!(same, rebuilt.transactions.len() as u64, "{:?}", rebuilt.outcomes);
    assert!(rebuilt.transactions.iter().all(|fate| fate.gas_before == fate.gas_after));
}

#[test]
fn every_recorded_block_alone_is_itself_again_in_recorded_order() {
    let Some(inputs) = all_inputs() else { return };
    assert_eq!(inputs.len(), 62);
    for input in inputs {
        assert_as_recorded(&Run::new(vec![input]).unwrap());
    }
}

#[test]
fn consecutive_recorded_blocks_are_themselves_again_on_the_state_they_leave_each_other() {
    let Some(inputs) = all_inputs() else { return };
    let runs = runs(&inputs).unwrap();
    assert_eq!(runs.iter().map(|run| run.blocks().len()).sum::<usize>(), 62);
    let pairs: Vec<u64> = runs
        .iter()
        .filter(|run| run.blocks().len() == 2)
        .map(|run| run.blocks()[0].block().header.number)
        .collect();
    assert_eq!(pairs, [4_369_999, 7_279_999, 12_243_999, 15_537_393]);
    runs.iter().filter(|run| run.blocks().len() == 2).for_each(assert_as_recorded);
}

/// A bare `revm` loop over 73 blocks, which hold these 60, rejected 2 of 17,814 transactions after
/// sorting by tip, and read unknown slots in 9 blocks. It sorted whole blocks and packed nothing.
#[test]
fn packing_by_effective_tip_rejects_almost_nothing_and_stays_on_known_state() {
    let Some(inputs) = inputs("ethereum", 1) else { return };
    let (mut transactions, mut left_out, mut rejected, mut unknown_blocks) = (0, 0, 0, 0);
    let mut outcomes = chaos_evm::OutcomeCounts::default();
    for input in &inputs {
        let run = Run::new(vec![input.clone()]).unwrap();
        let rebuilt = rebuild(&run, &Changes::NONE, &Assumptions::default()).unwrap();
        transactions += rebuilt.outcomes.total();
        left_out += rebuilt.outcomes.get(OutcomeGroup::NotIncluded);
        rejected += rebuilt.outcomes.causes().get(ExclusionCause::Rejected);
        unknown_blocks += u64::from(unknown_total(&rebuilt) > 0);
        outcomes += rebuilt.outcomes;
    }
    for group in OutcomeGroup::ALL {
        eprintln!("{}: {}", group.name(), outcomes.get(group));
    }
    for cause in ExclusionCause::ALL {
        eprintln!("  {}: {}", cause.name(), outcomes.causes().get(cause));
    }
    eprintln!(
        "{transactions} transactions, {left_out} left out, {rejected} rejected, {unknown_blocks} blocks with unknown reads"
    );
    assert_eq!((transactions, rejected, unknown_blocks), (15_351, 1, 6));
    // What only the order decides: logs, output or success of 56 transactions in 15,351.
    let moved = OutcomeGroup::SucceedsWithChanges;
    let broken = OutcomeGroup::PotentiallyBroken;
    let unknown = OutcomeGroup::Unknown;
    let touched = [moved, broken, unknown].map(|group| outcomes.get(group));
    assert!(touched.iter().sum::<u64>() <= 56, "{touched:?}");
}

#[test]
fn scenarios_are_the_same_on_any_number_of_threads_and_in_the_order_asked() {
    let Some(inputs) = inputs("ethereum", 1) else { return };
    let sets = [
        Changes::NONE,
        Changes { gas_limit: Some(15_000_000), ..Changes::NONE },
        Changes { calldata_floor_per_token: Some(10), ..Changes::NONE },
        Changes { refund_quotient: Some(u64::MAX), ..Changes::NONE },
        Changes { transaction_gas_cap: Some(1_000_000), ..Changes::NONE },
    ];
    let on = |count| run_scenarios(&inputs, &sets, &RECORDED, threads(count)).unwrap();
    let two = on(2);
    assert_eq!(two, on(1));
    assert_eq!(two, on(5));
    for (scenario, changes) in two.iter().zip(sets) {
        assert_eq!(scenario.changes, changes);
        assert_eq!(scenario.blocks.len(), 60);
        assert_eq!(scenario.outcomes.total(), 15_351);
        let by_block: u64 = scenario.blocks.iter().map(|block| block.outcomes.total()).sum();
        assert_eq!(by_block, 15_351);
        eprintln!("{changes:?}: {:?}", scenario.outcomes);
    }
    let without_refunds = &two[3];
    assert!(without_refunds.outcomes.get(OutcomeGroup::GasOnly) > 100);
    for block in &without_refunds.blocks {
        assert_eq!(block.gas_used, block.gas_before_refund, "block {}", block.number);
    }
}
