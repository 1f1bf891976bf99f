//! Laws of rebuilt blocks, on generated load and on recorded blocks under changes.

use chaos_evm::{
    Assumptions, Bytecodes, Changes, ExclusionCause, Order, Outcome, OutcomeGroup, RecordedBlock,
    ReplayInput, Run, Transaction, counterfactual,
    load::{LoadParameters, generate},
    rebuild, replay,
};
use proptest::{option, prelude::*};

use super::evm::inputs;

fn generated(seed: u64, blocks: u32, demand_ppm: u32) -> Vec<ReplayInput> {
    let parameters = LoadParameters {
        blocks,
        gas_limit: 2_000_000,
        accounts: 24,
        demand_ppm,
        seed,
        ..LoadParameters::default()
    };
    let load = generate(&parameters).unwrap();
    let codes = Bytecodes::decode(&load.bytecodes).unwrap();
    load.blocks
        .iter()
        .map(|block| ReplayInput::new(RecordedBlock::decode(&block.json, None).unwrap(), &codes))
        .collect()
}

/// The base fee after a block, from the text of EIP-1559 with any denominator and elasticity.
fn next_base_fee(base: u64, used: u64, limit: u64, denominator: u64, elasticity: u64) -> u64 {
    let (base, used, target) = (u128::from(base), u128::from(used), u128::from(limit / elasticity));
    let next = if used == target {
        base
    } else if used > target {
        base + (base * (used - target) / target / u128::from(denominator)).max(1)
    } else {
        base - base * (target - used) / target / u128::from(denominator)
    };
    u64::try_from(next).unwrap()
}

/// The calldata floor of EIP-7623 at `price` gas per token.
fn floor(transaction: &Transaction, price: u64) -> u64 {
    let zeros = transaction.input().iter().filter(|byte| **byte == 0).count() as u64;
    let tokens = zeros + 4 * (transaction.input().len() as u64 - zeros);
    21_000 + price * tokens
}

fn changes() -> impl Strategy<Value = Changes> {
    (
        option::of(100_000_u64..4_000_000),
        option::of(0_u64..60),
        option::of(prop_oneof![Just(0_u64), 60_000..2_000_000_u64]),
        option::of(1_u64..20),
        option::of(0_u64..3_000_000_000),
        option::of(0_u64..60_000_000_000),
        option::of(1_u64..10),
        option::of(1_u64..300),
    )
        .prop_map(|(gas_limit, floor, cap, quotient, tip, min, elasticity, denominator)| {
            Changes {
                gas_limit_bound_divisor: None,
                gas_limit,
                calldata_floor_per_token: floor,
                transaction_gas_cap: cap,
                refund_quotient: quotient,
                priority_fee_floor_wei: tip,
                base_fee_min_wei: min,
                elasticity_multiplier: elasticity,
                base_fee_change_denominator: denominator,
                blobs_per_block_max: None,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_changes_keep_the_books(
        seed in 0_u64..1_000_000,
        demand_ppm in 400_000_u32..3_000_000,
        changes in changes(),
        lead_blocks in 0_u64..3,
        by_tip: bool,
    ) {
        let inputs = generated(seed, 4, demand_ppm);
        let recorded: u64 = inputs.iter().map(|i| i.block().transactions.len() as u64).sum();
        let run = Run::new(inputs).unwrap();
        let order = if by_tip { Order::EffectiveTip } else { Order::Recorded };
        let rebuilt = rebuild(&run, &changes, &Assumptions { order, lead_blocks }).unwrap();

        // Each recorded transaction is in one group.
        prop_assert_eq!(rebuilt.outcomes.total(), recorded);
        let groups: u64 = OutcomeGroup::ALL.iter().map(|g| rebuilt.outcomes.get(*g)).sum();
        prop_assert_eq!(groups, recorded);
        prop_assert_eq!(
            rebuilt.outcomes.get(OutcomeGroup::NotIncluded),
            rebuilt.outcomes.causes().total()
        );

        // Blocks hold what the fates say, within their limits.
        for (place, block) in rebuilt.blocks.iter().enumerate() {
            let header = &run.blocks()[place].block().header;
            let inside: Vec<_> =
                rebuilt.transactions.iter().filter(|f| f.included_in == Some(block.number)).collect();
            prop_assert_eq!(block.included, inside.len() as u64);
            prop_assert_eq!(block.gas_used, inside.iter().map(|f| f.gas_after).sum::<u64>());
            prop_assert!(block.gas_used <= block.gas_limit);
            prop_assert_eq!(block.gas_limit, changes.gas_limit.unwrap_or(header.gas_limit));
            prop_assert!(block.included <= block.offered);
            let base_fee = block.base_fee_per_gas.unwrap();
            for fate in inside {
                let from = usize::try_from(fate.block - run.blocks()[0].block().header.number);
                let source = run.blocks()[from.unwrap()].block();
                let transaction = &source.transactions[fate.index];
                prop_assert!(block.number + lead_blocks >= fate.block);
                prop_assert!(transaction.env.gas_price >= u128::from(base_fee));
                let tip = transaction.effective_tip(base_fee);
                prop_assert!(tip >= u128::from(changes.priority_fee_floor_wei.unwrap_or(0)));
                let cap = changes.transaction_gas_cap.filter(|cap| *cap > 0).unwrap_or(16_777_216);
                prop_assert!(transaction.gas_limit() <= cap);
                let least = floor(transaction, changes.calldata_floor_per_token.unwrap_or(10));
                prop_assert!(
                    fate.gas_after >= least || changes.calldata_floor_per_token == Some(0)
                );
            }
            let expect = match place {
                0 => header.base_fee_per_gas.unwrap(),
                _ => {
                    let parent = &rebuilt.blocks[place - 1];
                    next_base_fee(
                        parent.base_fee_per_gas.unwrap(),
                        parent.gas_used,
                        parent.gas_limit,
                        changes.base_fee_change_denominator.unwrap_or(8),
                        changes.elasticity_multiplier.unwrap_or(2),
                    )
                }
            };
            prop_assert_eq!(base_fee, expect.max(changes.base_fee_min_wei.unwrap_or(0)));
        }
    }

    #[test]
    fn no_changes_in_recorded_order_give_back_a_generated_chain(
        seed in 0_u64..1_000_000,
        demand_ppm in 400_000_u32..3_000_000,
    ) {
        let inputs = generated(seed, 5, demand_ppm);
        let run = Run::new(inputs).unwrap();
        let assumptions = Assumptions { order: Order::Recorded, lead_blocks: 0 };
        let rebuilt = rebuild(&run, &Changes::NONE, &assumptions).unwrap();
        for (input, block) in run.blocks().iter().zip(&rebuilt.blocks) {
            prop_assert_eq!(block.gas_used, input.block().header.gas_used);
            prop_assert_eq!(block.base_fee_per_gas, input.block().header.base_fee_per_gas);
            prop_assert_eq!(block.waiting, 0);
            prop_assert_eq!(block.unknown_reads.total(), 0);
        }
        for fate in &rebuilt.transactions {
            let same = matches!(fate.outcome, Outcome::Unchanged | Outcome::AlreadyFailing);
            prop_assert!(same && fate.included_in == Some(fate.block));
            prop_assert_eq!(fate.gas_before, fate.gas_after);
        }
    }

    #[test]
    fn a_block_alone_in_recorded_order_is_the_counterfactual_of_its_gas_limit(
        seed in 0_u64..1_000_000,
        gas_limit in 100_000_u64..2_500_000,
    ) {
        let input = generated(seed, 1, 1_500_000).remove(0);
        let run = Run::new(vec![input.clone()]).unwrap();
        let changes = Changes { gas_limit: Some(gas_limit), ..Changes::NONE };
        let assumptions = Assumptions { order: Order::Recorded, lead_blocks: 0 };
        let rebuilt = rebuild(&run, &changes, &assumptions).unwrap();
        let baseline = replay(&input).unwrap();
        let expect = counterfactual::with_gas_limit(&input, &baseline, gas_limit).unwrap();
        prop_assert_eq!(rebuilt.blocks[0].gas_used, expect.gas_used);
        prop_assert_eq!(rebuilt.blocks[0].included, expect.included as u64);
        prop_assert_eq!(
            rebuilt.outcomes.get(OutcomeGroup::NotIncluded), expect.excluded.len() as u64
        );
    }
}

#[test]
fn a_calldata_floor_raises_gas_to_the_floor_and_no_further() {
    let Some(inputs) = inputs("ethereum", 1) else { return };
    let assumptions = Assumptions { order: Order::Recorded, lead_blocks: 0 };
    let changes = Changes {
        calldata_floor_per_token: Some(10),
        // Room for the dearer transactions, so that none is left out for others.
        gas_limit: Some(60_000_000),
        ..Changes::NONE
    };
    let (mut raised, mut fixable) = (0, 0);
    // From Istanbul on a byte other than zero is four tokens.
    for input in inputs.iter().filter(|input| input.block().header.number >= 9_069_000) {
        let run = Run::new(vec![input.clone()]).unwrap();
        let rebuilt = rebuild(&run, &changes, &assumptions).unwrap();
        let least = |index: usize| floor(&input.block().transactions[index], 10);
        let quiet = [OutcomeGroup::Unchanged, OutcomeGroup::GasOnly, OutcomeGroup::AlreadyFailing];
        let quiet: u64 = quiet.iter().map(|group| rebuilt.outcomes.get(*group)).sum();
        for fate in &rebuilt.transactions {
            let refused =
                fate.outcome == Outcome::FixableWithHigherGasLimit && fate.included_in.is_none();
            if refused {
                let limit = input.block().transactions[fate.index].gas_limit();
                assert!(limit < least(fate.index), "{}", fate.hash);
                fixable += 1;
            }
            // Where nobody did anything else, all ran on the state they had.
            if quiet == rebuilt.outcomes.total() {
                assert_eq!(fate.gas_after, fate.gas_before.max(least(fate.index)), "{}", fate.hash);
                raised += u64::from(fate.gas_after > fate.gas_before);
            }
        }
    }
    assert!(raised > 10 && fixable > 5, "{raised} {fixable}");
}

#[test]
fn a_transaction_gas_cap_leaves_out_what_asks_for_more() {
    let Some(inputs) = inputs("ethereum", 1) else { return };
    let changes = Changes { transaction_gas_cap: Some(1_000_000), ..Changes::NONE };
    let mut above = 0;
    for input in &inputs {
        let run = Run::new(vec![input.clone()]).unwrap();
        let rebuilt = rebuild(&run, &changes, &Assumptions::default()).unwrap();
        for fate in &rebuilt.transactions {
            let limit = input.block().transactions[fate.index].gas_limit();
            assert!(limit <= 1_000_000 || fate.included_in.is_none(), "{}", fate.hash);
        }
        above += rebuilt.outcomes.causes().get(ExclusionCause::AboveTransactionGasCap);
    }
    assert!(above > 50, "{above}");
}

#[test]
fn a_deposit_goes_first_and_always() {
    let Some(inputs) = inputs("rise", 4153) else { return };
    let input = inputs.iter().find(|input| input.block().header.number == 8_138_510).unwrap();
    let run = Run::new(vec![input.clone()]).unwrap();
    // Less than the deposit uses, and a cap and floors that no deposit could meet.
    let changes = Changes {
        gas_limit: Some(21_000),
        transaction_gas_cap: Some(21_000),
        priority_fee_floor_wei: Some(u64::MAX),
        base_fee_min_wei: Some(u64::MAX),
        ..Changes::NONE
    };
    let rebuilt = rebuild(&run, &changes, &Assumptions::default()).unwrap();
    assert_eq!(rebuilt.transactions[0].outcome, Outcome::Unchanged);
    assert_eq!(rebuilt.transactions[0].included_in, Some(8_138_510));
    assert_eq!((rebuilt.blocks[0].included, rebuilt.blocks[0].waiting), (1, 6));
}

#[test]
fn transactions_that_arrive_early_go_into_an_earlier_block_with_room() {
    let run = Run::new(generated(7, 3, 1_500_000)).unwrap();
    let changes = Changes { gas_limit: Some(8_000_000), ..Changes::NONE };
    let early = |lead_blocks| {
        let assumptions = Assumptions { lead_blocks, ..Assumptions::default() };
        let rebuilt = rebuild(&run, &changes, &assumptions).unwrap();
        let moved = rebuilt
            .transactions
            .iter()
            .filter(|fate| fate.included_in.is_some_and(|b| b < fate.block));
        (moved.count(), rebuilt.blocks[0].gas_used)
    };
    let (none, recorded) = early(0);
    let (moved, more) = early(1);
    assert_eq!(none, 0);
    assert!(moved > 10 && more > recorded, "{moved} {more} {recorded}");
}
