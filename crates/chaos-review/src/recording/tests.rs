use alloy_primitives::{B256, Bytes, U256, address, b256};
use chaos_evm::calls::Call;
use proptest::prelude::*;

use super::*;
use crate::world::{self, call, recording};

const FIRST: Address = address!("0x0000000000000000000000000000000000001001");
const CODE: Address = address!("0x0000000000000000000000000000000000002002");
const IMPLEMENTATION: B256 =
    b256!("0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");

fn upgrade() -> Recording {
    let code = world::store(IMPLEMENTATION, CODE.into_word());
    let slots = [(U256::from_be_bytes(IMPLEMENTATION.0), U256::from(0x1001))];
    recording(&[(FIRST, &code, &slots)], vec![call(FIRST)], "Upgrades 100 things")
}

#[test]
fn the_same_recording_gives_the_same_review() {
    let recording = upgrade();
    let review = recording.review().unwrap();
    let again = Recording::decode(&recording.encode().unwrap()).unwrap();
    assert_eq!(again, recording);
    let again = again.review().unwrap();
    assert_eq!(again.to_bytes().unwrap(), review.to_bytes().unwrap());
    assert!(review.result.succeeded);
}

#[test]
fn the_implementation_of_a_proxy_is_called_out_without_any_event() {
    let review = upgrade().review().unwrap();
    let [notice] = &review.notices[..] else { panic!("{:?}", review.notices) };
    assert_eq!(notice.address, FIRST);
    assert_eq!(notice.text, format!("proxy implementation (EIP-1967): {FIRST} → {CODE}"));
}

#[test]
fn a_number_of_the_text_that_no_call_holds_is_said() {
    let review = upgrade().review().unwrap();
    let [claim] = &review.text.claims[..] else { panic!("{:?}", review.text) };
    assert_eq!((claim.text.as_str(), claim.calls.len()), ("100", 0));
}

#[test]
fn a_value_that_somebody_changed_is_not_read() {
    let mut recording = upgrade();
    let nodes = recording.proof["state"].as_array().unwrap().len();
    for index in 0..nodes {
        let honest = recording.proof["state"][index].clone();
        let changed = honest.as_str().unwrap().to_owned();
        let last = if changed.ends_with('0') { "1" } else { "0" };
        let changed = format!("{}{last}", &changed[..changed.len() - 1]);
        recording.proof["state"][index] = changed.into();
        recording.review().unwrap_err();
        recording.proof["state"][index] = honest;
    }
    recording.review().unwrap();
    recording.proof["codes"] = serde_json::json!(["0x00"]);
    let error = recording.review().unwrap_err();
    assert!(matches!(error, RecordingError::Run(_)), "{error}");
}

#[test]
fn another_block_is_refused() {
    let mut recording = upgrade();
    recording.place.hash = B256::ZERO;
    let error = recording.review().unwrap_err();
    assert!(matches!(error, RecordingError::Proof(ImportError::HeaderLink { .. })), "{error}");
    let mut recording = upgrade();
    recording.place.number = 8;
    let error = recording.review().unwrap_err();
    assert!(matches!(error, RecordingError::Proof(ImportError::HeaderNumber { .. })), "{error}");
    let mut recording = upgrade();
    recording.proof["headers"] = serde_json::json!([]);
    let error = recording.review().unwrap_err();
    assert!(matches!(error, RecordingError::Proof(ImportError::HeaderMissing { .. })), "{error}");
}

#[test]
fn a_chain_without_known_rules_needs_their_name() {
    let mut recording = upgrade();
    recording.place.chain = ChainId::evm(777);
    let error = recording.review().unwrap_err();
    assert!(matches!(error, RecordingError::UnknownChain(_)), "{error}");
    recording.place.fork = Some("prague".to_owned());
    assert_eq!(recording.review().unwrap().fork, "prague");
    recording.place.fork = Some("tomorrow".to_owned());
    let error = recording.review().unwrap_err();
    assert_eq!(error.to_string(), "no rules are called \"tomorrow\"");
    // A chain whose rules are known has no others.
    let mut recording = upgrade();
    let own = recording.review().unwrap().fork;
    recording.place.fork = Some(own.clone());
    assert_eq!(recording.review().unwrap().fork, own);
    recording.place.fork = Some("london".to_owned());
    let error = recording.review().unwrap_err();
    assert!(matches!(error, RecordingError::ForkOther { .. }), "{error}");
}

#[test]
fn what_is_no_recording_is_refused() {
    let refused = |bytes: &[u8]| Recording::decode(bytes).unwrap_err().to_string();
    assert_eq!(refused(b"{}"), "no recording of a proposal");
    let mut wire: Value = serde_json::from_slice(&upgrade().encode().unwrap()).unwrap();
    wire["block"]["number"] = "0x7".into();
    assert_eq!(
        refused(wire.to_string().as_bytes()),
        "`block.number` is \"0x7\", expected decimal digits"
    );
    wire["format"] = "chaoschain-proposal-recording/0".into();
    assert!(refused(wire.to_string().as_bytes()).starts_with("`format` is"));
}

/// The law of the fuzz target `proposal`: what is read is written again as the same, and is run or refused.
fn read_again(bytes: &[u8]) -> Option<Recording> {
    let recording = Recording::decode(bytes).ok()?;
    let again = Recording::decode(&recording.encode().unwrap()).unwrap();
    assert_eq!((&again.place, &again.payload), (&recording.place, &recording.payload));
    assert_eq!((&again.sender, &again.origin), (&recording.sender, &recording.origin));
    let _refused = recording.review();
    Some(recording)
}

#[test]
fn what_fuzzing_begins_with_is_read_run_and_written_again() {
    let calls = include_bytes!("../../../../fuzz/seeds/proposal/calls");
    assert_eq!(Payload::decode(calls).unwrap().calls().len(), 2);
    let review = |seed: &[u8]| read_again(seed).unwrap().review().unwrap();
    let file = review(include_bytes!("../../../../fuzz/seeds/proposal/recording"));
    assert!(file.succeeded() && file.parameter_writes().is_empty());
    let governor = review(include_bytes!("../../../../fuzz/seeds/proposal/governor"));
    assert!(governor.is_of_its_governor() && governor.parameter_writes().len() == 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_recording_with_any_bytes_in_it_is_read_or_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = upgrade().encode().unwrap();
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _recording = read_again(&bytes);
    }

    #[test]
    fn any_code_any_input_and_any_text_give_a_review_that_fits_a_terminal(
        code in prop::collection::vec(any::<u8>(), 0..200),
        input in prop::collection::vec(any::<u8>(), 0..200),
        selector in 0_usize..6,
        text in any::<String>(),
    ) {
        let selectors = ["a9059cbb", "ac9650d8", "8f2a0bb0", "4f1ef286", "08c379a0", ""];
        let selector = alloy_primitives::hex::decode(selectors[selector]).unwrap();
        let input = Bytes::from([selector, input].concat());
        // The code as it is, and as what a contract reverts with or emits.
        let reverts = [&[0x36, 0x5f, 0x5f, 0x37, 0x36, 0x5f, 0xfd][..], &code].concat();
        let emits = [&[0x5f, 0x35, 0x36, 0x5f, 0x5f, 0x37, 0x36, 0x5f, 0xa1][..], &code].concat();
        for code in [&code, &reverts, &emits] {
            let calls = vec![Call { input: input.clone(), ..call(FIRST) }];
            // What the code reads of other blocks is not in the proof.
            let Ok(review) = recording(&[(FIRST, code, &[])], calls, &text).review() else { continue };
            for line in crate::words::lines(&review, &[]) {
                prop_assert!(line.text.chars().count() < 80, "{}", line.text);
                prop_assert!(!line.text.chars().any(char::is_control), "{}", line.text);
            }
            let digest = review.digest().unwrap();
            let page = crate::page(&review, &text, digest, &[]);
            prop_assert!(!page.contains("<script"));
        }
    }
}
