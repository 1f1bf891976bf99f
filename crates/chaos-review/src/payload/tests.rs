use alloy_primitives::{bytes, hex};
use serde_json::{Value, json};

use super::*;

const TARGET: &str = "0x0000000000000000000000000000000000001001";

fn decode(file: &Value) -> Result<Payload, PayloadError> {
    Payload::decode(file.to_string().as_bytes())
}

#[track_caller]
fn refused(file: &Value, expect: &str) {
    let error = decode(file).unwrap_err();
    assert_eq!(error.to_string(), expect);
}

#[test]
fn reads_what_it_writes() {
    let file = json!({
        "format": FORMAT, "sender": TARGET, "sent_along": "5", "description": "text",
        "calls": [
            {"target": TARGET, "value": "7", "calldata": "0x01020304"},
            {"target": TARGET, "value": "0", "calldata": "0x", "signature": "pause()"},
        ],
    });
    let payload = decode(&file).unwrap();
    assert_eq!(payload.calls[1].call.input, bytes!("0x8456cb59"), "the hash of pause()");
    let again = serde_json::to_value(payload.to_wire()).unwrap();
    assert_eq!(decode(&again).unwrap(), payload);
}

#[test]
fn a_signature_stands_before_its_arguments() {
    let word = hex::encode([7; 32]);
    let call = json!({"target": TARGET, "signature": "setDelay(uint256)", "calldata": format!("0x{word}")});
    let payload = decode(&json!({"format": FORMAT, "calls": [call]})).unwrap();
    assert_eq!(payload.calls[0].call.input.len(), 36);
    assert_eq!(&payload.calls[0].call.input[..4], hex!("e177246e"));
}

#[test]
fn refuses_what_is_no_file_of_calls() {
    let call = json!({"target": TARGET});
    let of = |calls: Value| json!({"format": FORMAT, "calls": calls});
    refused(
        &json!({"format": "x", "calls": [call]}),
        "`format` is \"x\", expected \"chaoschain-calls/1\"",
    );
    refused(&json!({"format": FORMAT, "calls": [], "more": 1}), "no file of calls");
    refused(&of(json!([])), "it has no calls");
    let many = vec![call; CALLS_MAX + 9_000];
    refused(&of(json!(many)), "10000 calls; at most 1000 are run");
    let wrong = json!([{"target": TARGET, "value": "0x10"}]);
    refused(&of(wrong), "`calls[0].value` is \"0x10\", expected wei in decimal digits");
    let wrong = json!([{"target": TARGET, "value": "-1"}]);
    refused(&of(wrong), "`calls[0].value` is \"-1\", expected wei in decimal digits");
    let wrong = json!([{"target": TARGET, "signature": "pause( )"}]);
    refused(
        &of(wrong),
        "`calls[0].signature` is \"pause( )\", expected such as transfer(address,uint256)",
    );
    let long =
        json!([{"target": TARGET, "calldata": format!("0x{}", "00".repeat(INPUT_BYTES_MAX + 1))}]);
    refused(&of(long), "`calls[0].calldata` has 131073 bytes, at most 131072 are run");
    let text = "x".repeat(TEXT_BYTES_MAX + 1);
    let file = json!({"format": FORMAT, "description": text, "calls": [{"target": TARGET}]});
    refused(&file, "`description` has 262145 bytes, at most 262144 are read");
    assert!(matches!(
        Payload::decode(&vec![b' '; FILE_BYTES_MAX + 1]),
        Err(PayloadError::TooLarge { .. })
    ));
}

#[test]
fn lists_that_do_not_belong_together_are_refused() {
    let targets = vec![Address::ZERO; 2];
    let lists = Lists { targets, values: vec![U256::ZERO], ..Lists::default() };
    let error = Payload::of_lists(lists, String::new()).unwrap_err();
    assert_eq!(error.to_string(), "2 targets, 1 values and 0 inputs do not belong together");
}
