use alloy_json_abi::Function;
use alloy_primitives::{Bytes, address};
use chaos_evm::calls::Call;

use super::*;
use crate::{
    Recording, Review,
    book::topic_of,
    world::{call, recording},
};

const FIRST: Address = address!("0x0000000000000000000000000000000000001001");
const SECOND: Address = address!("0x0000000000000000000000000000000000002002");
const STRANGER: Address = address!("0x0000000000000000000000000000000000003003");

fn reviewed(contracts: &[(Address, &[u8])], calls: Vec<Call>) -> Review {
    let contracts: Vec<_> = contracts.iter().map(|(at, code)| (*at, *code, &[][..])).collect();
    recording(&contracts, calls, "").review().unwrap()
}

/// Emits an event with this topic and 64 bytes of data, so many times.
fn emits(name: &str, times: usize) -> Vec<u8> {
    let mut code = [&[0x7f][..], &topic_of(name).0].concat();
    code.extend([0x80, 0x60, 64, 0x5f, 0xa1].repeat(times));
    code
}

fn input(signature: &str, values: &[DynSolValue]) -> Bytes {
    use alloy_dyn_abi::JsonAbiExt as _;
    Function::parse(signature).unwrap().abi_encode_input(values).unwrap().into()
}

#[test]
fn code_that_can_tell_a_run_from_an_execution_is_shown() {
    let review = reviewed(&[(FIRST, &[0x32, 0x3a, 0x43])], vec![call(FIRST)]);
    let [notice] = &review.notices[..] else { panic!("{:?}", review.notices) };
    assert_eq!((notice.kind, notice.address), (NoticeKind::Circumstance, FIRST));
    let asked = "who starts the transaction, its gas price, the block's height";
    assert!(notice.text.contains(asked), "{}", notice.text);
    let review = reviewed(&[(FIRST, &[0x5f])], vec![call(FIRST)]);
    assert_eq!(review.notices, []);
}

/// A token of this project, whose `clock()` says the block's height.
fn token() -> Bytes {
    let artifact = include_str!("../../../../../contracts/artifacts/ChaosToken.json");
    let artifact: serde_json::Value = serde_json::from_str(artifact).unwrap();
    artifact["deployedBytecode"].as_str().unwrap().parse().unwrap()
}

#[test]
fn what_known_code_asks_for_is_shown_where_unknown_code_can_learn_it() {
    let (token, clock) = (token(), input("clock()", &[]));
    let asks = Call { input: clock.clone(), ..call(SECOND) };
    let quiet = reviewed(&[(SECOND, &token)], vec![asks.clone()]);
    assert!(quiet.succeeded() && quiet.notices.is_empty(), "{:?}", quiet.notices);
    // STATICCALL with the four bytes and all that is left.
    let asking = [
        &[0x63][..],
        &clock,
        &[0x60, 224, 0x1b, 0x5f, 0x52, 0x5f, 0x5f, 0x60, 4, 0x5f, 0x73],
        SECOND.as_slice(),
        &[0x5a, 0xfa],
    ]
    .concat();
    // Through an answer, or through what an earlier call stored.
    for (code, calls) in
        [(asking, vec![call(FIRST)]), (vec![0x5f], vec![asks.clone(), call(FIRST)])]
    {
        let review = reviewed(&[(FIRST, &code), (SECOND, &token)], calls);
        let [notice] = &review.notices[..] else { panic!("{:?}", review.notices) };
        assert_eq!((notice.kind, notice.address), (NoticeKind::Circumstance, SECOND));
        let said = "its code asks for the block's height; other code that ran may learn it there";
        assert!(notice.text.starts_with(said), "{}", notice.text);
    }
}

#[test]
fn many_events_of_one_name_hide_nothing_and_what_is_called_comes_before_what_it_calls() {
    let transferred = "OwnershipTransferred(address,address)";
    // Calls the stranger, whose address is lower than the second's.
    let mut calling = vec![0x5f; 5];
    calling.extend([&[0x73][..], STRANGER.as_slice(), &[0x5a, 0xf1]].concat());
    calling.extend(emits(transferred, 1_100));
    let review = reviewed(
        &[(FIRST, &calling), (STRANGER, &emits(transferred, 2)), (SECOND, &emits(transferred, 1))],
        vec![call(FIRST), call(SECOND)],
    );
    let shown: Vec<_> = review.notices.iter().map(|it| (it.address, it.more)).collect();
    assert_eq!(shown, [(FIRST, 1_099), (SECOND, 0), (STRANGER, 1)]);
    let lines = crate::words::lines(&review, &[]);
    assert!(lines.iter().any(|line| line.text.trim() == "and 1099 more such events"));
}

#[test]
fn a_second_event_of_a_name_with_other_arguments_is_shown() {
    let transfers = |to: Address| {
        let topic = topic_of("OwnershipTransferred(address,address)");
        [&[0x7f][..], &to.into_word().0, &[0x60, 32, 0x52, 0x7f], &topic.0, &[0x60, 64, 0x5f, 0xa1]]
            .concat()
    };
    let code = [transfers(SECOND), transfers(STRANGER), transfers(STRANGER)].concat();
    let review = reviewed(&[(FIRST, &code)], vec![call(FIRST)]);
    let shown: Vec<_> = review.notices.iter().map(|it| it.more).collect();
    assert_eq!(shown, [0, 1]);
    assert!(review.notices[1].text.contains(&STRANGER.to_string()), "{:?}", review.notices);
    // Where there are too many, the last one, which holds, is among what is shown.
    let many: Vec<u8> = (0..200).flat_map(|n| transfers(Address::with_last_byte(n))).collect();
    let code = [many, transfers(STRANGER)].concat();
    let review = reviewed(&[(FIRST, &code)], vec![call(FIRST)]);
    assert_eq!(review.notices.len(), DISTINCT_SHOWN_MAX);
    let last = review.notices.last().unwrap();
    assert!(last.text.contains(&STRANGER.to_string()) && last.more == 151, "{last:?}");
}

#[test]
fn an_event_of_power_is_known_however_its_arguments_are_laid_out() {
    let topic = topic_of("RoleGranted(bytes32,address,address)");
    // With the topic alone.
    let code = [&[0x7f][..], &topic.0, &[0x5f, 0x5f, 0xa1]].concat();
    let review = reviewed(&[(FIRST, &code)], vec![call(FIRST)]);
    let [notice] = &review.notices[..] else { panic!("{:?}", review.notices) };
    assert_eq!(notice.text, "its event RoleGranted, with arguments that are laid out otherwise");
}

#[test]
fn what_the_sender_lets_others_take_is_shown() {
    let quiet = recording(&[(FIRST, &[0x5f], &[])], vec![call(FIRST)], "");
    let approval = |owner: Address, amount: U256| {
        let word = |address: Address| [&[0x7f][..], &address.into_word().0].concat();
        let topic = topic_of("Approval(address,address,uint256)");
        [
            &[0x7f][..],
            &amount.to_be_bytes::<32>(),
            &[0x5f, 0x52],
            &word(STRANGER),
            &word(owner),
            &[0x7f],
            &topic.0,
            &[0x60, 32, 0x5f, 0xa3],
        ]
        .concat()
    };
    let code = approval(quiet.sender, U256::MAX);
    let review = reviewed(&[(FIRST, &code)], vec![call(FIRST)]);
    let [notice] = &review.notices[..] else { panic!("{:?}", review.notices) };
    assert_eq!(notice.kind, NoticeKind::Allowance);
    let said = format!("{STRANGER} may take tokens of {}: without a bound", quiet.sender);
    assert_eq!(notice.text, said);
    for code in [approval(SECOND, U256::MAX), approval(quiet.sender, U256::ZERO)] {
        assert_eq!(reviewed(&[(FIRST, &code)], vec![call(FIRST)]).notices, []);
    }
}

#[test]
fn code_that_an_earlier_call_creates_is_code() {
    // Creates a contract whose code is one STOP.
    let init = [0x60, 0, 0x5f, 0x53, 0x60, 1, 0x5f, 0xf3];
    let code = [&[0x67][..], &init, &[0x5f, 0x52, 0x60, 8, 0x60, 24, 0x5f, 0xf0]].concat();
    let alone = reviewed(&[(FIRST, &code)], vec![call(FIRST)]);
    let made = alone.notices.iter().find(|it| it.kind == NoticeKind::Created).unwrap().address;
    let asks = Call { input: Bytes::from_static(&[1, 2, 3, 4]), ..call(made) };
    let after = reviewed(&[(FIRST, &code)], vec![call(FIRST), asks.clone()]);
    assert!(after.calls[1].has_code);
    assert!(after.notices.iter().all(|it| it.kind != NoticeKind::NoCode), "{:?}", after.notices);
    let before = reviewed(&[(FIRST, &code)], vec![asks, call(FIRST)]);
    assert!(!before.calls[0].has_code);
    assert!(before.notices.iter().any(|it| it.kind == NoticeKind::NoCode));
}

#[test]
fn calls_that_a_call_queues_are_read_and_said_not_to_be_run() {
    let pays = input(
        "transfer(address,uint256)",
        &[DynSolValue::Address(STRANGER), DynSolValue::Uint(U256::from(7), 256)],
    );
    let word = || DynSolValue::FixedBytes(B256::ZERO, 32);
    let nested = input(
        "schedule(address,uint256,bytes,bytes32,bytes32,uint256)",
        &[
            DynSolValue::Address(SECOND),
            DynSolValue::Uint(U256::ZERO, 256),
            DynSolValue::Bytes(pays.to_vec()),
            word(),
            word(),
            DynSolValue::Uint(U256::ZERO, 256),
        ],
    );
    let queues = input(
        "scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)",
        &[
            DynSolValue::Array(vec![DynSolValue::Address(SECOND)]),
            DynSolValue::Array(vec![DynSolValue::Uint(U256::ZERO, 256)]),
            DynSolValue::Array(vec![DynSolValue::Bytes(nested.to_vec())]),
            word(),
            word(),
            DynSolValue::Uint(U256::ZERO, 256),
        ],
    );
    let review = reviewed(&[(FIRST, &[0x5f])], vec![Call { input: queues, ..call(FIRST) }]);
    let inner: Vec<_> = review.calls[0].inner.iter().map(Decoded::name).collect();
    assert_eq!(inner, ["schedule", "transfer"]);
    let [notice] = &review.notices[..] else { panic!("{:?}", review.notices) };
    assert_eq!(notice.kind, NoticeKind::Queued);
}

#[test]
fn the_name_that_a_proposer_gives_four_bytes_is_not_the_codes() {
    let asks = input(
        "approve(address,uint256)",
        &[DynSolValue::Address(STRANGER), DynSolValue::Uint(U256::MAX, 256)],
    );
    let named = |name: &str| {
        let calls = vec![Call { input: asks.clone(), ..call(FIRST) }];
        let mut recording: Recording = recording(&[(FIRST, &[0x5f], &[])], calls, "");
        recording.payload.calls[0].signature = Some(name.to_owned());
        recording
    };
    let harmless = named("watch_tg_invmru_2f69f1b(address,address)").review().unwrap();
    let decoded = harmless.calls[0].decoded.as_ref().unwrap();
    assert_eq!(
        decoded.name(),
        "approve",
        "the bytes are no two addresses, or the list's name holds"
    );
    let [notice] = &harmless.notices[..] else { panic!("{:?}", harmless.notices) };
    assert_eq!(notice.kind, NoticeKind::Name);
    assert!(notice.text.contains("approve(address,uint256)"), "{}", notice.text);
    let honest = named("approve(address,uint256)").review().unwrap();
    assert_eq!(honest.calls[0].decoded.as_ref().unwrap().ground, Ground::Signature);
    assert_eq!(honest.notices, []);
}

#[test]
fn an_account_that_runs_the_code_of_another_is_shown() {
    let code = [&[0xef, 0x01, 0x00][..], SECOND.as_slice()].concat();
    let review = reviewed(&[(FIRST, &code), (SECOND, &[0x5f])], vec![call(FIRST)]);
    let [delegation] = &review.delegations[..] else { panic!("{:?}", review.delegations) };
    assert_eq!((delegation.account, delegation.code), (FIRST, SECOND));
}
