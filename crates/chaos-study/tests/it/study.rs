//! Both arms of a study on recorded blocks: nobody's transaction is lost.

use chaos_evm::{Changes, ReplayInput};
use chaos_study::{EvmFigures, OutcomeRow, execute_arms};

use super::recorded::{inputs, threads};

/// Recorded blocks by number.
fn recorded(numbers: &[u64]) -> Option<Vec<ReplayInput>> {
    let mut inputs = inputs("ethereum", 1)?;
    inputs.retain(|input| numbers.contains(&input.block().header.number));
    assert_eq!(inputs.len(), numbers.len());
    Some(inputs)
}

/// Both arms summed over the rows.
fn sums(rows: &[OutcomeRow]) -> (u64, u64) {
    rows.iter().fold((0, 0), |(old, new), row| (old + row.baseline, new + row.proposal))
}

fn group<'a>(figures: &'a EvmFigures, name: &str) -> &'a OutcomeRow {
    figures.outcomes.iter().find(|row| row.group == name).unwrap()
}

/// Two consecutive blocks and two alone, under rules that leave transactions out, move them or
/// reprice them.
#[test]
fn groups_of_each_arm_add_up_to_all_recorded_transactions() {
    let Some(inputs) = recorded(&[12_243_999, 12_244_000, 9_068_998, 15_537_394]) else { return };
    let transactions: u64 =
        inputs.iter().map(|input| input.block().transactions.len() as u64).sum();
    let none = Changes::NONE;
    for changes in [
        none,
        Changes { gas_limit: Some(6_000_000), ..none },
        Changes { gas_limit: Some(60_000_000), ..none },
        Changes { transaction_gas_cap: Some(100_000), ..none },
        Changes { calldata_floor_per_token: Some(40), ..none },
    ] {
        let figures = execute_arms(&inputs, &changes, threads(2)).unwrap();
        assert_eq!((figures.blocks, figures.runs), (4, 3));
        assert_eq!(sums(&figures.outcomes), (transactions, transactions), "{changes:?}");
        let left_out = group(&figures, "not_included");
        let expected = (left_out.baseline, left_out.proposal);
        assert_eq!(sums(&figures.exclusions), expected, "{changes:?}: each has one cause");
        let repriced: u64 = figures.gas_changes.iter().map(|(_, count)| count).sum();
        assert!(repriced <= transactions - left_out.proposal);
    }
}

/// In each of these blocks the largest transaction asks for more than all the others together.
#[test]
fn a_gas_limit_below_the_largest_transaction_leaves_it_out_and_counts_it() {
    let Some(inputs) = recorded(&[9_068_998, 4_369_999, 15_537_394]) else { return };
    for input in inputs {
        let number = input.block().header.number;
        let transactions = &input.block().transactions;
        let mut asked: Vec<u64> = transactions.iter().map(|t| t.env.gas_limit).collect();
        asked.sort_unstable();
        let largest = asked.pop().unwrap();
        assert!(asked.iter().sum::<u64>() < largest, "block {number}");
        let at = |limit: u64| {
            let changes = Changes { gas_limit: Some(limit), ..Changes::NONE };
            execute_arms(std::slice::from_ref(&input), &changes, threads(1)).unwrap()
        };
        let below = at(largest - 1);
        let left_out = group(&below, "not_included");
        assert_eq!((left_out.baseline, left_out.proposal), (0, 1), "block {number}");
        assert_eq!(below.exclusions.len(), 1, "block {number}: {:?}", below.exclusions);
        let cause = &below.exclusions[0];
        assert_eq!((cause.group.as_str(), cause.proposal), ("no_room", 1), "block {number}");
        let included = &below.metrics["transactions_included"];
        let all = transactions.len() as i128;
        assert_eq!((included.baseline, included.proposal), (all, all - 1), "block {number}");
        assert!(below.metrics["gas_used"].proposal < i128::from(largest));
    }
}
