use chaos_parameters::ParameterName as P;

use super::*;
use crate::attack::tests::{case, ethereum};

#[test]
fn a_whole_block_writes_the_slots_it_is_said_to() {
    let parameters = ethereum(&[(P::GasLimit, 36_000_000)]);
    let growth = slots(&parameters, SpecId::OSAKA).unwrap();
    let workload = worst_case::prepare(Operation::SstoreNew, 36_000_000, SpecId::OSAKA).unwrap();
    let executed = worst_case::execute(&workload).unwrap();
    assert_eq!(executed.slots_written, growth.items);
    assert_eq!(executed.gas_used, growth.gas);
    assert_eq!(executed.operations, growth.items);
    // 22,100 gas per slot (EIP-2929) leave room for no more.
    assert!(growth.items <= 36_000_000 / 22_100 && growth.items > 36_000_000 / 22_100 * 98 / 100);
}

#[test]
fn prices_are_those_of_the_protocol() {
    let parameters = ethereum(&[(P::GasLimit, 36_000_000)]);
    let accounts = accounts(&parameters, SpecId::OSAKA).unwrap();
    assert_eq!((accounts.gas, accounts.items), (1_714 * 21_000, 1_714));
    let codes = codes(&parameters, SpecId::OSAKA).unwrap();
    // 200 gas per byte, 53,000 for the creation, the rest for init code and memory.
    let each = codes.gas / codes.items;
    let fixed = 24_576 * 200 + 53_000;
    assert!(each > fixed && each < fixed + 5_000, "{each}");
}

#[test]
fn growth_scales_with_the_limit_and_the_block_rate() {
    let value = |changes: &[(P, u64)], name: &str| {
        let parameters = ethereum(changes);
        let rows = figures(&parameters, &case(parameters)).unwrap();
        rows.iter().find(|row| row.name == name).unwrap().value
    };
    let name = "accounts_growth_per_month";
    let single = value(&[(P::GasLimit, 30_000_000)], name);
    // 30,000,000 / 21,000 accounts of 120 bytes, 7,200 x 30 blocks.
    assert_eq!(single, (1_428 * 120 * 216_000) >> 20);
    let faster = value(&[(P::GasLimit, 30_000_000), (P::BlockTime, 6_000)], name);
    assert!((faster - 2 * single).abs() <= 1);
}

#[test]
fn code_needs_a_cap_that_holds_its_creation() {
    let parameters = ethereum(&[(P::TransactionGasCap, 3_000_000)]);
    assert_eq!(codes(&parameters, SpecId::OSAKA).unwrap().items, 0);
}
