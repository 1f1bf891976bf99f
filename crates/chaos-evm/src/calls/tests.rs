use alloy_primitives::{address, bytes};
use revm::{
    bytecode::Bytecode,
    database::{CacheDB, EmptyDB},
    state::AccountInfo,
};

use super::*;
use crate::load::{LoadParameters, generate};

const SENDER: Address = address!("0x00000000000000000000000000000000000005e1");
const FIRST: Address = address!("0x0000000000000000000000000000000000001001");
const SECOND: Address = address!("0x0000000000000000000000000000000000001002");
const PLAIN: Address = address!("0x0000000000000000000000000000000000001003");

/// A block of the newest rules.
fn block() -> Block {
    let load = generate(&LoadParameters { blocks: 1, ..LoadParameters::default() }).unwrap();
    crate::RecordedBlock::decode(&load.blocks[0].json, Some(load.chain_id)).unwrap().block
}

fn world(contracts: &[(Address, &[u8])]) -> CacheDB<EmptyDB> {
    let mut world = CacheDB::new(EmptyDB::default());
    world.insert_account_info(
        SENDER,
        AccountInfo { balance: U256::from(1_000), nonce: 1, ..AccountInfo::default() },
    );
    for (address, code) in contracts {
        let code = Bytecode::new_raw(Bytes::copy_from_slice(code));
        world.insert_account_info(*address, AccountInfo::from_bytecode(code));
    }
    world
}

fn call(target: Address) -> Call {
    Call { target, value: U256::ZERO, input: Bytes::new() }
}

fn batch(calls: Vec<Call>) -> Batch {
    let (sender, governor, sent_along) = (SENDER, None, U256::ZERO);
    Batch { sender, governor, sent_along, payer: Payer::Sender, calls, gas_max: GAS_MAX }
}

#[track_caller]
fn ran(contracts: &[(Address, &[u8])], calls: Vec<Call>) -> BatchRun {
    run_batch(&block(), &batch(calls), world(contracts)).unwrap()
}

/// `PUSH20 address`
fn push(address: Address) -> Vec<u8> {
    [&[0x73], address.as_slice()].concat()
}

/// Calls (`0xf1`) or delegates (`0xf4`) to an address without input, then runs `after`.
fn calling(opcode: u8, to: Address, after: &[u8]) -> Vec<u8> {
    let mut code = vec![0x5f; if opcode == 0xf1 { 5 } else { 4 }];
    code.extend(push(to));
    code.extend([0x5a, opcode]);
    code.extend(after);
    code
}

/// Writes its caller to slot 0 and what starts the transaction to slot 1.
const WHO: &[u8] = &[0x33, 0x5f, 0x55, 0x32, 0x60, 1, 0x55];
/// Adds one to transient slot 0 and writes what it is then to slot 0.
const COUNT: &[u8] = &[0x5f, 0x5c, 0x60, 1, 0x01, 0x80, 0x5f, 0x5d, 0x5f, 0x55];
const REVERT: &[u8] = &[0x5f, 0x5f, 0xfd];

#[test]
fn calls_come_from_the_sender_and_nobody_starts_them() {
    let run = ran(&[(FIRST, WHO)], vec![call(FIRST)]);
    assert_eq!(run.ending, Ending::Succeeded);
    let slots = &run.changes[&FIRST].slots;
    assert_eq!(slots[&U256::ZERO], (U256::ZERO, U256::from_be_slice(SENDER.as_slice())));
    assert!(!slots.contains_key(&U256::from(1)), "the zero address starts it");
}

#[test]
fn transient_storage_lasts_from_the_first_call_to_the_last() {
    let run = ran(&[(FIRST, COUNT)], vec![call(FIRST), call(FIRST), call(FIRST)]);
    assert_eq!(run.changes[&FIRST].slots[&U256::ZERO].1, U256::from(3));
    assert!(run.gas[1] < run.gas[0], "what one call touched is warm for the next");
}

#[test]
fn nothing_stays_if_the_last_call_fails() {
    let log = [WHO, &[0x5f, 0x5f, 0xa0]].concat();
    let run = ran(&[(FIRST, &log), (SECOND, REVERT)], vec![call(FIRST), call(SECOND)]);
    assert_eq!(run.ending, Ending::Reverted { call: 1, output: Bytes::new() });
    assert!(run.changes.is_empty() && run.logs.is_empty());
    assert_eq!((run.gas.len(), run.outputs.len()), (2, 1));
}

#[test]
fn events_name_the_call_that_they_are_of() {
    let log: &[u8] = &[0x5f, 0x5f, 0xa0];
    let calls = vec![call(FIRST), call(PLAIN), call(SECOND), call(FIRST)];
    let run = ran(&[(FIRST, log), (SECOND, log)], calls);
    let found: Vec<_> = run.logs.iter().map(|(call, log)| (*call, log.address)).collect();
    assert_eq!(found, [(0, FIRST), (2, SECOND), (3, FIRST)]);
}

#[test]
fn the_reason_of_a_revert_is_kept_as_it_was_given() {
    // Copies its input to memory and reverts with it.
    let echo: &[u8] = &[0x36, 0x5f, 0x5f, 0x37, 0x36, 0x5f, 0xfd];
    let input = bytes!("0x08c379a0");
    let calls = vec![Call { input: input.clone(), ..call(FIRST) }];
    assert_eq!(ran(&[(FIRST, echo)], calls).ending, Ending::Reverted { call: 0, output: input });
}

#[test]
fn a_contract_of_invalid_instructions_takes_the_gas_and_ends() {
    let run = ran(&[(FIRST, &[0xfe; 24_576])], vec![call(FIRST)]);
    assert_eq!(run.ending, Ending::Failed { call: 0, reason: Failing::Instruction });
    assert_eq!(run.gas, [run.gas_limit]);
}

#[test]
fn an_endless_loop_runs_out_of_gas() {
    let run = ran(&[(FIRST, &[0x5b, 0x5f, 0x56])], vec![call(FIRST)]);
    assert_eq!(run.ending, Ending::Failed { call: 0, reason: Failing::Gas });
}

#[test]
fn proxies_that_delegate_to_each_other_end_and_are_seen() {
    let (first, second) = (calling(0xf4, SECOND, &[]), calling(0xf4, FIRST, &[]));
    let run = ran(&[(FIRST, &first), (SECOND, &second)], vec![call(FIRST)]);
    assert_eq!(run.ending, Ending::Succeeded, "the depth ends them, and nobody looks at it");
    let delegated = run.steps.iter().filter(|step| step.kind == StepKind::DelegateCall);
    assert!(delegated.clone().count() > 100);
    assert!(delegated.clone().all(|step| step.from == FIRST), "one storage, whoever's code");
}

#[test]
fn what_failed_inside_is_marked_as_undone() {
    // Calls the one that reverts, then creates a contract without code.
    let code = calling(0xf1, SECOND, &[0x5f, 0x5f, 0x5f, 0xf0]);
    let nested = calling(0xf1, PLAIN, REVERT);
    let run = ran(&[(FIRST, &code), (SECOND, &nested)], vec![call(FIRST)]);
    let seen: Vec<_> = run.steps.iter().map(|step| (step.kind, step.to, step.is_undone)).collect();
    let created = FIRST.create(1);
    assert_eq!(
        seen,
        [
            (StepKind::Call, FIRST, false),
            (StepKind::Call, SECOND, true),
            (StepKind::Call, PLAIN, true),
            (StepKind::Create, created, false),
        ]
    );
    assert_eq!(run.changes[&FIRST].nonce, (1, 2));
}

#[test]
fn wei_moves_and_what_is_sent_along_is_there_to_be_moved() {
    let calls = vec![Call { value: U256::from(1_500), ..call(PLAIN) }];
    let batch = batch(calls);
    let run = run_batch(&block(), &batch, world(&[])).unwrap();
    assert_eq!(run.ending, Ending::Failed { call: 0, reason: Failing::Funds });
    let batch = Batch { sent_along: U256::from(600), ..batch };
    let run = run_batch(&block(), &batch, world(&[])).unwrap();
    assert_eq!(run.changes[&PLAIN].balance, (U256::ZERO, U256::from(1_500)));
    assert_eq!(run.changes[&SENDER].balance, (U256::from(1_000), U256::from(100)));
}

#[test]
fn wei_that_a_governor_hands_on_comes_with_its_call_and_leaves_the_sender_what_it_has() {
    // The sender has it for the call that sends it, and nothing of it before.
    let keeps: &[u8] = &[0x33, 0x31, 0x34, 0x55];
    let calls = [0, 300, 0].map(|value| Call { value: U256::from(value), ..call(FIRST) });
    let batch = Batch {
        governor: Some(PLAIN),
        payer: Payer::Executor,
        sent_along: U256::from(350),
        ..batch(calls.to_vec())
    };
    let run = run_batch(&block(), &batch, world(&[(FIRST, keeps)])).unwrap();
    assert_eq!(run.ending, Ending::Succeeded);
    let slots = &run.changes[&FIRST].slots;
    assert_eq!(slots[&U256::ZERO].1, U256::from(1_000));
    assert_eq!(slots[&U256::from(300)].1, U256::from(1_000));
    assert_eq!(run.changes[&FIRST].balance.1, U256::from(300));
    assert!(!run.changes.contains_key(&SENDER), "it paid nothing");
    assert_eq!(run.changes[&PLAIN].balance.1, U256::from(50), "what was sent beyond stays there");
    assert!(run.asked.contains(&(FIRST, Circumstance::Wei)), "{:?}", run.asked);
}

#[test]
fn code_that_asks_what_sender_and_governor_have_is_noted_and_not_what_others_have() {
    let asked = |code: &[u8]| {
        let batch = Batch { governor: Some(PLAIN), ..batch(vec![call(FIRST)]) };
        let run = run_batch(&block(), &batch, world(&[(FIRST, code)])).unwrap();
        run.asked.into_iter().map(|(_, it)| it).collect::<Vec<_>>()
    };
    assert_eq!(asked(&balance(SENDER)), [Circumstance::Wei]);
    assert_eq!(asked(&balance(PLAIN)), [Circumstance::Wei]);
    assert_eq!(asked(&balance(SECOND)), []);
    assert_eq!(asked(&[0x47]), [], "its own");
    assert_eq!(asked(&[0x46]), [Circumstance::Chain]);
}

#[test]
fn more_calls_than_are_run_are_refused() {
    let calls = vec![call(PLAIN); CALLS_MAX + 1];
    let batch = batch(calls);
    let refused = run_batch(&block(), &batch, world(&[])).unwrap_err();
    assert!(matches!(refused, BatchError::TooManyCalls { found } if found == CALLS_MAX + 1));
}

#[test]
fn what_was_hashed_to_find_a_slot_is_kept() {
    // keccak256(caller . 7) := 1
    let code: &[u8] =
        &[0x33, 0x5f, 0x52, 0x60, 7, 0x60, 32, 0x52, 0x60, 1, 0x60, 64, 0x5f, 0x20, 0x55];
    let run = ran(&[(FIRST, code)], vec![call(FIRST)]);
    let (slot, _) = run.changes[&FIRST].slots.first_key_value().unwrap();
    let (key, of) = run.preimages[&B256::from(*slot)];
    assert_eq!((key, of), (SENDER.into_word(), B256::with_last_byte(7)));
}

/// As OpenZeppelin's governor does it when it is called: takes the first entry of its queue, which has to
/// be the hash of the input, and counts in slot 0 that it was called.
fn governor() -> Vec<u8> {
    let slot: u8 = 5;
    let mut code = Vec::new();
    // begin = low half, end = high half of slot 5; equal means that there is nothing.
    let low = [&[0x6f][..], &[0xff; 16]].concat();
    code.extend([0x60, slot, 0x54, 0x80]);
    code.extend(&low);
    code.extend([0x16, 0x90, 0x60, 128, 0x1c, 0x81, 0x14]);
    code.extend([0x60, 0, 0x57]);
    let empty = code.len() - 2;
    // entry = keccak256(begin . 6); compare with keccak256(input)
    code.extend([0x80, 0x5f, 0x52, 0x60, slot + 1, 0x60, 32, 0x52, 0x60, 64, 0x5f, 0x20, 0x54]);
    code.extend([0x36, 0x5f, 0x5f, 0x37, 0x36, 0x5f, 0x20, 0x14]);
    code.extend([0x60, 0, 0x57]);
    let fits = code.len() - 2;
    code.extend([0xfe]);
    code[fits] = u8::try_from(code.len()).unwrap();
    code.extend([0x5b, 0x60, slot, 0x54, 0x60, 1, 0x01, 0x60, slot, 0x55]);
    code.extend([0x5f, 0x54, 0x60, 1, 0x01, 0x5f, 0x55, 0x00]);
    code[empty] = u8::try_from(code.len()).unwrap();
    // Panic(0x31)
    code.extend([0x5b, 0x63, 0x4e, 0x48, 0x7b, 0x71, 0x60, 0xe0, 0x1b, 0x5f, 0x52]);
    code.extend([0x60, 0x31, 0x60, 4, 0x52, 0x60, 36, 0x5f, 0xfd]);
    code
}

#[test]
fn a_governor_that_calls_itself_through_its_timelock_finds_what_it_would_have_put_down() {
    let code = governor();
    let calls = vec![
        Call { input: bytes!("0x01020304"), ..call(FIRST) },
        call(PLAIN),
        Call { input: bytes!("0x05"), ..call(FIRST) },
    ];
    let batch = Batch { governor: Some(FIRST), ..batch(calls) };
    let run = run_batch(&block(), &batch, world(&[(FIRST, &code)])).unwrap();
    assert_eq!(run.ending, Ending::Succeeded);
    assert_eq!(run.filled_queue, Some(U256::from(5)));
    let slots: Vec<_> = run.changes[&FIRST].slots.iter().collect();
    assert_eq!(slots, [(&U256::ZERO, &(U256::ZERO, U256::from(2)))], "the queue is no change");
    let stranger = Batch { governor: None, ..batch };
    let run = run_batch(&block(), &stranger, world(&[(FIRST, &code)])).unwrap();
    assert!(matches!(run.ending, Ending::Reverted { call: 0, .. }), "{:?}", run.ending);
}

#[test]
fn code_that_asks_for_what_is_other_in_a_real_execution_is_named() {
    // ORIGIN and GASPRICE in a call that reverts, below one that passes all its gas on.
    let asks = [&[0x32, 0x3a][..], REVERT].concat();
    let run = ran(&[(FIRST, &calling(0xf1, SECOND, &[])), (SECOND, &asks)], vec![call(FIRST)]);
    let asked: Vec<_> = run.asked.into_iter().collect();
    assert_eq!(asked, [(SECOND, Circumstance::Origin), (SECOND, Circumstance::GasPrice)]);
    let run = ran(&[(FIRST, &[0x5a, 0x42, 0x43, 0x44, 0x41])], vec![call(FIRST)]);
    let asked: Vec<_> = run.asked.into_iter().map(|(_, it)| it).collect();
    let all = [
        Circumstance::Coinbase,
        Circumstance::Timestamp,
        Circumstance::Number,
        Circumstance::Randomness,
        Circumstance::GasLeft,
    ];
    assert_eq!(asked, all);
    // The code is whose it is, whatever storage it runs on.
    let run = ran(&[(FIRST, &calling(0xf4, SECOND, &[])), (SECOND, &[0x48])], vec![call(FIRST)]);
    let asked: Vec<_> = run.asked.into_iter().collect();
    assert_eq!(asked, [(SECOND, Circumstance::BaseFee)]);
}

/// Calls (`0xf1`) or asks (`0xfa`) an address with a bound of gas, and stores whether that succeeded.
fn bounded(opcode: u8, to: Address, gas: u16) -> Vec<u8> {
    let mut code = vec![0x5f; if opcode == 0xf1 { 5 } else { 4 }];
    code.extend(push(to));
    code.push(0x61);
    code.extend(gas.to_be_bytes());
    code.extend([opcode, 0x5f, 0x55]);
    code
}

/// `BALANCE`, which costs 2,600 where nothing touched the account and 100 otherwise.
fn balance(of: Address) -> Vec<u8> {
    [&push(of)[..], &[0x31]].concat()
}

#[test]
fn code_that_finds_out_what_a_call_costs_is_noted() {
    let asked = |first: &[u8], second: &[u8]| {
        let run = ran(&[(FIRST, first), (SECOND, second)], vec![call(FIRST)]);
        run.asked.into_iter().collect::<Vec<_>>()
    };
    let (bound, ran_out) = ((FIRST, Circumstance::GasBound), (FIRST, Circumstance::OutOfGas));
    for opcode in [0xf1, 0xfa] {
        assert_eq!(asked(&bounded(opcode, SECOND, 700), &balance(PLAIN)), [bound, ran_out]);
        assert_eq!(asked(&bounded(opcode, SECOND, 2_700), &balance(PLAIN)), [bound]);
    }
    // Nothing is found out by paying an account, nor where all that is left is passed on.
    assert_eq!(asked(&bounded(0xf1, PLAIN, 0), &[]), []);
    assert_eq!(asked(&calling(0xf1, SECOND, &[]), &balance(PLAIN)), []);
    // Without end, in a frame that has all but a 64th of what is left.
    assert_eq!(asked(&calling(0xf1, SECOND, &[]), &[0x5b, 0x5f, 0x56]), [ran_out]);
    assert_eq!(asked(&[0x5f, 0x5c], &[]), [(FIRST, Circumstance::Transient)]);
}

#[test]
fn governor_and_sender_are_as_cheap_to_touch_as_in_an_execution() {
    for executor in [SENDER, PLAIN] {
        let contracts = [(FIRST, bounded(0xfa, SECOND, 700)), (SECOND, balance(executor))];
        let world = world(&[(FIRST, &contracts[0].1), (SECOND, &contracts[1].1)]);
        let batch = Batch { governor: Some(PLAIN), ..batch(vec![call(FIRST)]) };
        let run = run_batch(&block(), &batch, world).unwrap();
        assert_eq!(run.changes[&FIRST].slots[&U256::ZERO].1, U256::from(1), "{executor}");
    }
}

#[test]
fn code_that_asks_who_executes_is_noted_and_a_call_to_the_governor_is_not() {
    let contracts = [(FIRST, calling(0xfa, SECOND, &[])), (SECOND, vec![0x5f])];
    let contracts: Vec<_> = contracts.iter().map(|(at, code)| (*at, &code[..])).collect();
    let batch = Batch { governor: Some(SECOND), ..batch(vec![call(FIRST), call(SECOND)]) };
    let run = run_batch(&block(), &batch, world(&contracts)).unwrap();
    assert_eq!(run.asked.into_iter().collect::<Vec<_>>(), [(FIRST, Circumstance::Executor)]);
    assert_eq!(run.ran, [FIRST, SECOND].into());
}
