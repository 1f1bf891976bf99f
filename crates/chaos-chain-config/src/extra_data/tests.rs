use proptest::prelude::*;

use super::*;

/// The extra data of RISE's block 7,941,842.
#[test]
fn real_extra_data_of_version_1_is_read() {
    let bytes = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 6, 0x56, 0x44];
    let fees = HeaderFees::decode(&bytes).unwrap();
    assert_eq!(fees.min_base_fee_wei, Some(415_300));
    assert_eq!((fees.elasticity_multiplier, fees.change_denominator), (1, 1));
    assert_eq!(fees.encode(), bytes);
}

/// By <https://specs.optimism.io/protocol/holocene/exec-engine.html>: denominator before elasticity.
#[test]
fn version_0_has_the_denominator_first() {
    let fees = HeaderFees::decode(&[0, 0, 0, 0, 250, 0, 0, 0, 6]).unwrap();
    assert_eq!((fees.elasticity_multiplier, fees.change_denominator), (6, 250));
    assert_eq!(fees.rule().floor_wei, 0);
}

#[test]
fn what_is_of_neither_form_is_refused() {
    let length = |found| Err(ExtraDataError::Length { found });
    assert_eq!(HeaderFees::decode(&[]), length(0));
    assert_eq!(HeaderFees::decode(b"Geth/v1.0.0/linux/go1.4.2"), length(25));
    let version = |found, bytes| Err(ExtraDataError::Version { found, bytes });
    assert_eq!(HeaderFees::decode(&[1, 0, 0, 0, 250, 0, 0, 0, 6]), version(1, 9));
    assert_eq!(HeaderFees::decode(&[2; 17]), version(2, 17));
    let zero = HeaderFees::decode(&[0, 0, 0, 0, 0, 0, 0, 0, 6]);
    assert_eq!(zero, Err(ExtraDataError::Zero { denominator: 0, elasticity: 6 }));
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(
        change_denominator in 1_u32..,
        elasticity_multiplier in 1_u32..,
        min_base_fee_wei in proptest::option::of(any::<u64>()),
    ) {
        let fees = HeaderFees { change_denominator, elasticity_multiplier, min_base_fee_wei };
        prop_assert_eq!(HeaderFees::decode(&fees.encode()), Ok(fees));
    }

    #[test]
    fn what_is_read_is_what_was_written(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
        if let Ok(fees) = HeaderFees::decode(&bytes) {
            prop_assert_eq!(fees.encode(), bytes);
        }
    }
}
