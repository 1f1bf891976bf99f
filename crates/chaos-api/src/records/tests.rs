use proptest::{collection::vec, prelude::*};

use super::*;

proptest! {
    #[test]
    fn records_are_read_as_they_were_written(records in vec(vec(any::<u8>(), 0..40), 1..=256)) {
        let body = records_to_bytes(&records).unwrap();
        prop_assert_eq!(records_from_bytes(&body).unwrap(), records);
    }

    #[test]
    fn what_is_read_is_written_again_byte_for_byte(
        mut body in vec(any::<u8>(), 0..64),
        zeros in 0usize..4,
    ) {
        // Short lengths, so that some bodies are read.
        body.iter_mut().take(zeros).for_each(|byte| *byte = 0);
        if let Ok(records) = records_from_bytes(&body) {
            prop_assert_eq!(records_to_bytes(&records).unwrap(), body);
        }
    }

    #[test]
    fn every_cut_is_refused(records in vec(vec(any::<u8>(), 1..20), 1..4), at in 1usize..1_000) {
        let body = records_to_bytes(&records).unwrap();
        let at = at % body.len();
        let ends = |records: &[Vec<u8>]| records.iter().map(|r| 4 + r.len()).sum::<usize>();
        prop_assume!((0..records.len()).all(|n| ends(&records[..n]) != at));
        let refused = records_from_bytes(&body[..at]);
        let is_cut = matches!(refused, Err(RecordsError::Truncated { .. }));
        prop_assert!(is_cut, "{:?}", refused);
    }
}

#[test]
fn number_and_length_are_limited() {
    assert_eq!(records_to_bytes::<Vec<u8>>(&[]), Err(RecordsError::Count { found: 0 }));
    assert_eq!(records_from_bytes(&[]), Err(RecordsError::Count { found: 0 }));
    assert_eq!(records_to_bytes(&vec![b""; 257]), Err(RecordsError::Count { found: 257 }));
    assert_eq!(records_from_bytes(&[0; 4 * 257]), Err(RecordsError::Count { found: 257 }));
    let bytes = RECORDS_BYTES_MAX + 4;
    let too_long = Err(RecordsError::TooLong { bytes });
    assert_eq!(records_to_bytes(&[vec![0; RECORDS_BYTES_MAX]]), too_long);
    assert_eq!(records_from_bytes(&vec![0; bytes]).err(), Some(RecordsError::TooLong { bytes }));
    let huge = [u32::MAX.to_be_bytes().as_slice(), b"x"].concat();
    let cut = RecordsError::Truncated { position: 0, expected: 0xffff_ffff, found: 1 };
    assert_eq!(records_from_bytes(&huge), Err(cut));
}
