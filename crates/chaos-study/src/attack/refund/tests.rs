use chaos_parameters::ParameterName as P;

use super::*;
use crate::attack::tests::{case, ethereum};

/// `q / (q - 1)`: five quarters since London (EIP-3529), twice before.
#[test]
fn gross_gas_over_net_is_the_quotient_over_one_less() {
    for (quotient, expect_ppm) in [(5, 1_250_000), (2, 2_000_000), (10, 1_111_111), (4, 1_333_333)]
    {
        let parameters = ethereum(&[(P::RefundQuotient, quotient)]);
        let block = overclock(&parameters, SpecId::OSAKA).unwrap();
        let ratio = block.gross() * 1_000_000 / block.net();
        assert!(ratio.abs_diff(expect_ppm) <= 20, "{quotient}: {ratio}");
    }
}

/// EIP-7778 counts no refund; a quotient beyond a transaction's gas is the same.
#[test]
fn without_refunds_gross_is_net() {
    let parameters = ethereum(&[(P::RefundQuotient, 1_000_000)]);
    let block = overclock(&parameters, SpecId::OSAKA).unwrap();
    assert_eq!(block.gross(), block.net());
    assert!(block.gross() <= u128::from(parameters.gas_limit()));
}

/// The whole block, executed until no further transaction fits, against the packing by division.
#[test]
fn the_packed_block_is_what_execution_gives() {
    let limit = 12_000_000;
    let parameters = ethereum(&[(P::GasLimit, limit)]);
    let block = overclock(&parameters, SpecId::OSAKA).unwrap();
    let gas = block.transaction_gas;
    let prepare = |count| {
        let pricing = Pricing::with_parameters(SpecId::OSAKA, &parameters);
        worst_case::prepare_capped(Operation::SstoreClear, gas * count, gas, pricing).unwrap()
    };
    let fits = u64::try_from(block.transactions).unwrap();
    let executed = worst_case::execute(&prepare(fits)).unwrap();
    assert_eq!(u128::from(executed.gas_used), block.net());
    assert_eq!(u128::from(executed.gas_before_refund), block.gross());
    assert_eq!(executed.slots_written, executed.operations, "every slot is cleared once");
    // The last one found its gas limit free, one more would not.
    let before = worst_case::execute(&prepare(fits - 1)).unwrap();
    assert!(before.gas_used + gas <= limit && executed.gas_used + gas > limit);
    assert!(executed.gas_before_refund > limit);
}

/// Block 20878522 used 28.5 Mgas after and 32.51 before refunds (EIP-7778, motivation).
#[test]
fn the_recorded_case_lies_below_the_bound() {
    let parameters = ethereum(&[(P::GasLimit, 30_000_000)]);
    let rows = figures(&parameters, &case(parameters)).unwrap();
    let ratio = rows.iter().find(|row| row.name == "gross_over_net").unwrap().value;
    assert!(ratio > 32_510_000 * 1_000_000 / 28_500_000, "{ratio}");
}
