use alloy_dyn_abi::JsonAbiExt as _;
use alloy_json_abi::Function;
use alloy_primitives::{Bytes, address};
use chaos_evm::calls::Call;
use serde_json::Value;

use super::*;
use crate::{
    book::topic_of,
    world::{SENDER, call, recording},
};

const REGISTRY: Address = address!("0x0000000000000000000000000000000000001001");
const CHAIN: &str = "eip155:1";
const NAME: &str = "gas-limit";

fn code() -> Bytes {
    let artifact = include_str!("../../../../contracts/artifacts/ParameterRegistry.json");
    let artifact: Value = serde_json::from_str(artifact).unwrap();
    artifact["deployedBytecode"].as_str().unwrap().parse().unwrap()
}

fn sets(name: &str, value: u64) -> Call {
    let function = Function::parse("set(string,string,uint256)").unwrap();
    let values = [CHAIN.to_owned().into(), name.to_owned().into(), U256::from(value).into()];
    Call { input: function.abi_encode_input(&values).unwrap().into(), ..call(REGISTRY) }
}

/// What calls set in a registry of the sender's that holds a gas limit, if one is given.
fn writes(before: Option<u64>, calls: Vec<Call>) -> Vec<ParameterWrite> {
    let key = keccak256((CHAIN, NAME).abi_encode_params());
    let value = U256::from_be_bytes(keccak256((key, PARAMETERS).abi_encode()).0);
    let mut slots = vec![(U256::ZERO, U256::from_be_bytes(SENDER.into_word().0))];
    if let Some(before) = before {
        slots.extend([(value, U256::from(before)), (value + U256::ONE, U256::ONE)]);
    }
    let recording = recording(&[(REGISTRY, &code(), &slots)], calls, "");
    recording.review().unwrap().parameter_writes()
}

#[track_caller]
fn check(before: Option<u64>, calls: Vec<Call>, expect: (Option<u64>, u64)) {
    let found = writes(before, calls);
    let [write] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (write.registry, write.chain.as_str(), write.name.as_str()),
        (REGISTRY, CHAIN, NAME)
    );
    assert_eq!((write.before, write.after), (expect.0.map(U256::from), U256::from(expect.1)));
}

#[test]
fn a_parameter_that_is_set_has_the_value_before_and_the_last_one() {
    check(None, vec![sets(NAME, 60)], (None, 60));
    check(Some(45), vec![sets(NAME, 60)], (Some(45), 60));
    check(Some(60), vec![sets(NAME, 60)], (Some(60), 60));
    check(Some(0), vec![sets(NAME, 60)], (Some(0), 60));
    check(Some(45), vec![sets(NAME, 50), sets(NAME, 60)], (Some(45), 60));
    let both = writes(Some(45), vec![sets("block-time", 2), sets(NAME, 60)]);
    let names: Vec<_> = both.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["block-time", NAME]);
}

#[test]
fn nothing_is_set_where_a_call_fails_or_other_code_says_so() {
    let nobodys = Call { input: Bytes::from_static(&[1, 2, 3, 4]), ..call(REGISTRY) };
    assert_eq!(writes(Some(45), vec![sets(NAME, 60), nobodys]), []);
    // The event of a registry by a contract that is none, with 160 bytes of zeros.
    let mut code = [&[0x7f][..], &topic_of(SET).0].concat();
    code.extend([0x80, 0x80, 0x60, 160, 0x5f, 0xa3]);
    let recording = recording(&[(REGISTRY, &code, &[])], vec![call(REGISTRY)], "");
    let review = recording.review().unwrap();
    assert_eq!((review.events.len(), review.parameter_writes().len()), (1, 0));
}

#[test]
fn a_name_that_is_no_text_names_no_parameter() {
    let call = sets("gas-limi_", 60);
    let mut input = call.input.to_vec();
    let place = input.iter().position(|byte| *byte == b'_').unwrap();
    input[place] = 0xff;
    assert_eq!(writes(None, vec![Call { input: input.into(), ..call }]), []);
}
