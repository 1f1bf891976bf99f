use alloy_consensus::{
    Eip658Value, Receipt, ReceiptEnvelope, ReceiptWithBloom, proofs::calculate_receipt_root,
};
use alloy_primitives::{Address, B256, Bytes, Log};
use proptest::prelude::*;

use super::*;

fn any_log() -> impl Strategy<Value = Log> {
    // Few different addresses and topics, so that they repeat as they do in blocks.
    (
        0_u8..4,
        proptest::collection::vec(0_u8..6, 0..=4),
        proptest::collection::vec(any::<u8>(), 0..80),
    )
        .prop_map(|(address, topics, data)| {
            let topics = topics.into_iter().map(B256::with_last_byte).collect();
            Log::new_unchecked(Address::with_last_byte(address), topics, Bytes::from(data))
        })
}

fn envelope(type_byte: u8, receipt: ReceiptWithBloom<Receipt>) -> ReceiptEnvelope {
    match type_byte {
        0 => ReceiptEnvelope::Legacy(receipt),
        1 => ReceiptEnvelope::Eip2930(receipt),
        2 => ReceiptEnvelope::Eip1559(receipt),
        3 => ReceiptEnvelope::Eip4844(receipt),
        _ => ReceiptEnvelope::Eip7702(receipt),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn root_agrees_with_the_one_alloy_computes(
        receipts in proptest::collection::vec(
            (0_u8..5, any::<bool>(), any::<u32>(), proptest::collection::vec(any_log(), 0..5)),
            0..40,
        ),
    ) {
        let parts: Vec<ReceiptParts<'_>> = receipts
            .iter()
            .map(|(type_byte, success, gas, logs)| ReceiptParts {
                type_byte: *type_byte,
                success: *success,
                cumulative_gas_used: u64::from(*gas),
                logs,
                deposit: None,
            })
            .collect();
        let judge: Vec<ReceiptEnvelope> = receipts
            .iter()
            .map(|(type_byte, success, gas, logs)| {
                let receipt = Receipt {
                    status: Eip658Value::Eip658(*success),
                    cumulative_gas_used: u64::from(*gas),
                    logs: logs.clone(),
                };
                envelope(*type_byte, receipt.with_bloom())
            })
            .collect();
        prop_assert_eq!(receipts_root(&parts), calculate_receipt_root(&judge));
    }
}
