use chaos_parameters::{ParameterName as P, Preset};

use super::*;
use crate::attack::tests::ethereum;

const FORK: SpecId = SpecId::OSAKA;

#[test]
fn execution_charges_what_the_closed_form_says() {
    for floor in [0, 4, 10, 16, 64] {
        let parameters = ethereum(&[(P::GasLimit, 3_000_000), (P::CalldataFloor, floor)]);
        for construction in Construction::ALL {
            let bloat = bloat(&parameters, FORK, construction);
            let executed = bloat.executed_gas(&parameters, FORK).unwrap();
            assert_eq!(executed, bloat.gas, "floor {floor} {construction:?}");
            assert!(bloat.gas <= bloat.transaction_gas);
        }
    }
}

/// A block of non-zero bytes holds `limit / 16` before and `limit / 40` after EIP-7623; zeros
/// `limit / 4` and `limit / 10`.
#[test]
fn a_block_holds_what_the_eip_says() {
    for (floor, zeros, non_zeros) in [(0, 4, 16), (10, 10, 40)] {
        let parameters = ethereum(&[(P::GasLimit, 36_000_000), (P::CalldataFloor, floor)]);
        for (construction, price) in
            [(Construction::Zeros, zeros), (Construction::NonZeros, non_zeros)]
        {
            let bloat = bloat(&parameters, FORK, construction);
            let bytes = bloat.data_bytes * bloat.transactions;
            let most = 36_000_000 / price;
            assert!(bytes <= most && bytes > most * 99 / 100, "{construction:?} {bytes} {most}");
        }
    }
}

#[test]
fn no_floor_means_no_free_list_and_no_fork_before_prague_has_a_floor() {
    let parameters = ethereum(&[(P::CalldataFloor, 0)]);
    assert_eq!(bloat(&parameters, FORK, Construction::NonZerosAndList).list_keys, 0);
    let parameters = ethereum(&[(P::CalldataFloor, 10)]);
    let before = bloat(&parameters, SpecId::CANCUN, Construction::NonZeros);
    let after = bloat(&parameters, FORK, Construction::NonZeros);
    assert!(before.data_bytes > after.data_bytes * 2);
    // Families without the parameter have the floor of the fork.
    let optimism = bloat(&Preset::OpCanyon.parameters(), FORK, Construction::NonZeros);
    assert!(optimism.data_bytes * optimism.transactions <= 40_000_000 / 40);
}

/// No other split of the gas between data and list keys carries more, by trying every one.
#[test]
fn no_other_mix_of_data_and_keys_carries_more_bytes() {
    for (construction, tokens) in
        [(Construction::ZerosAndList, 1), (Construction::NonZerosAndList, 4)]
    {
        let parameters = ethereum(&[(P::GasLimit, 400_000)]);
        let found = bloat(&parameters, FORK, construction);
        let most = (0..=400_000 / (10 * tokens))
            .map(|data| {
                let budget = 400_000u64 - 21_000;
                let standard = 4 * tokens * data;
                if 10 * tokens * data > budget || standard > budget {
                    return 0;
                }
                let keys = (budget - standard).saturating_sub(2_400) / 1_900;
                data + 33 * keys
            })
            .max()
            .unwrap();
        let bytes = found.data_bytes + 33 * found.list_keys;
        // One key is lost to rounding at most.
        assert!(bytes <= most && bytes + 33 >= most, "{construction:?}: {bytes} {most}");
    }
}

#[test]
fn encoded_bytes_are_data_list_and_less_than_two_hundred_more() {
    let parameters = ethereum(&[(P::GasLimit, 3_000_000)]);
    for construction in Construction::ALL {
        let bloat = bloat(&parameters, FORK, construction);
        let content = bloat.data_bytes + 33 * bloat.list_keys;
        let encoded = bloat.encoded_bytes();
        assert!(encoded > content && encoded < content + 200, "{encoded} {content}");
    }
}
