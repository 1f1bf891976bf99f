//! The contract of each operation: a loop that stops while it can still tell how far it got.

use alloy_primitives::U256;
use revm::bytecode::{Bytecode, opcode as op};

use super::{Operation, assembler::Assembler, input};
use crate::attack::machine::Stage;

/// Gas of the loop's tail and of the return, rounded up.
const TAIL_GAS: u64 = 400;
/// Bytes hashed or copied by operations over memory.
const MEMORY_BYTES: usize = 32 * 1024;
/// Bytes of the largest contract (EIP-170).
const CODE_BYTES_MAX: usize = 24_576;
/// Gas given to a loop body, about; a body of one dear step may take more.
const BODY_GAS: u64 = 30_000;
/// Bytes of a loop body, at most.
const BODY_BYTES: usize = 8_192;

/// Where the counter starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seed {
    /// At zero.
    Zero,
    /// At the address after the sender's, so that no two transactions touch the same place.
    Origin,
}

/// What is repeated. The stack holds one item, the counter; a step leaves it there.
struct Step {
    /// Its code.
    code: Vec<u8>,
    /// No less than it can ever cost.
    gas_max: u64,
    /// By how much a step moves the counter; zero if the loop counts for it.
    stride: u64,
    seed: Seed,
    /// Copied to memory at the start.
    input: Vec<u8>,
}

/// A contract, and how to read what it returns.
pub(super) struct Program {
    pub(super) stage: Stage,
    /// Operations per unit of the returned number, as numerator and denominator.
    pub(super) operations_per_count: (u64, u64),
    /// Less gas than this cannot run the loop once.
    pub(super) gas_min: u64,
}

fn step(code: Assembler, gas_max: u64) -> Step {
    Step { code: code.finish(), gas_max, stride: 0, seed: Seed::Zero, input: Vec::new() }
}

/// A step that uses the counter as a place and moves on by one.
fn place(code: Assembler, gas_max: u64) -> Step {
    Step { stride: 1, seed: Seed::Origin, ..step(code, gas_max) }
}

/// A call to a precompiled contract with `input`; only successes count.
fn precompile(number: u64, input: Vec<u8>, gas_max: u64) -> Step {
    let length = input.len() as u64;
    let code = Assembler::default().push(0).push(0).push(length).push(0).push(number);
    let code = code.ops(&[op::GAS, op::STATICCALL, op::ADD]);
    // Less than fifty gas of pushes, and the call: 100, before Berlin 700.
    Step { stride: 1, input, ..step(code, gas_max + 750) }
}

/// A call to the place the counter names, with `wei`.
fn call(wei: u64, gas_max: u64) -> Step {
    let code = Assembler::default().push(0).push(0).push(0).push(0).push(wei);
    place(code.ops(&[op::DUP6]).push(0).ops(&[op::CALL, op::ADD]), gas_max)
}

fn next(code: Assembler) -> Assembler {
    code.push(1).ops(&[op::ADD])
}

fn step_of(operation: Operation) -> Step {
    let new = Assembler::default;
    let words = (MEMORY_BYTES / 32) as u64;
    let memory = || vec![0xa5; MEMORY_BYTES];
    let concat = |parts: &[&[u8]]| parts.concat();
    match operation {
        Operation::Jumpdest => step(new().ops(&[op::JUMPDEST]), 1),
        Operation::Exp => {
            step(new().push_bytes(&[0xff; 32]).ops(&[op::DUP1, op::EXP, op::POP]), 1_700)
        }
        Operation::Keccak256 => Step {
            input: memory(),
            ..step(
                new().push(MEMORY_BYTES as u64).push(0).ops(&[op::KECCAK256, op::POP]),
                100 + 6 * words,
            )
        },
        Operation::MemoryExpansion => Step {
            stride: 32,
            ..step(new().ops(&[op::DUP1, op::DUP1, op::MSTORE]).push(32).ops(&[op::ADD]), 400)
        },
        Operation::Log => step(new().push(0).push(0).ops(&[op::LOG0]), 400),
        Operation::SloadCold => place(next(new().ops(&[op::DUP1, op::SLOAD, op::POP])), 3_200),
        Operation::SstoreNew => place(next(new().push(1).ops(&[op::DUP2, op::SSTORE])), 26_000),
        Operation::SstoreClear => place(next(new().push(0).ops(&[op::DUP2, op::SSTORE])), 13_000),
        Operation::BalanceCold => place(next(new().ops(&[op::DUP1, op::BALANCE, op::POP])), 3_200),
        Operation::ExtcodesizeCold => {
            place(next(new().ops(&[op::DUP1, op::EXTCODESIZE, op::POP])), 3_200)
        }
        Operation::CallEmpty => call(0, 3_300),
        Operation::CallNewAccount => call(1, 45_000),
        Operation::Ecrecover => precompile(1, input::ECRECOVER.to_vec(), 3_000),
        Operation::Sha256 => precompile(2, memory(), 60 + 12 * words),
        Operation::Ripemd160 => precompile(3, memory(), 600 + 120 * words),
        Operation::Identity => precompile(4, memory(), 15 + 3 * words),
        Operation::ModexpEvenModulus => precompile(5, input::modexp(512, 1, 512, true), 60_000),
        Operation::ModexpLongExponent => precompile(5, input::modexp(32, 168, 32, false), 70_000),
        Operation::ModexpMinimumPrice => precompile(5, input::modexp(32, 4, 32, true), 1_700),
        Operation::Bn254Add => precompile(6, concat(&[&input::BN254_G1, &input::BN254_G1]), 150),
        Operation::Bn254Mul => precompile(7, concat(&[&input::BN254_G1, &input::SCALAR]), 6_000),
        Operation::Bn254Pairing => {
            precompile(8, concat(&[&input::BN254_G1, &input::BN254_G2]).repeat(4), 181_000)
        }
        Operation::Blake2f => precompile(9, input::blake2f(20_000), 20_000),
        Operation::PointEvaluation => precompile(10, input::point_evaluation(), 50_000),
        Operation::Bls12G1Msm => {
            precompile(12, concat(&[&input::BLS12_G1, &input::SCALAR]), 12_000)
        }
        Operation::Bls12G2Msm => {
            precompile(14, concat(&[&input::BLS12_G2, &input::SCALAR]), 22_500)
        }
        Operation::Bls12Pairing => {
            precompile(15, concat(&[&input::BLS12_G1, &input::BLS12_G2]).repeat(2), 102_900)
        }
        // The point (1, 1) of the field below the group; its two halves are padded to 64 bytes.
        Operation::Bls12MapG2 => {
            let one = [[0; 63].as_slice(), &[1]].concat();
            precompile(17, one.repeat(2), 23_800)
        }
        Operation::P256Verify => precompile(256, input::P256.to_vec(), 6_900),
    }
}

/// Assembles the contract of an operation and the state it stands on.
pub(super) fn program(operation: Operation) -> Program {
    let step = step_of(operation);
    let by_gas = usize::try_from(BODY_GAS / step.gas_max).unwrap_or(usize::MAX);
    let unroll = by_gas.min(BODY_BYTES / step.code.len()).max(1);
    let body_gas = step.gas_max * unroll as u64 + TAIL_GAS;
    let code = loop_code(&step, unroll, body_gas);
    let operations_per_count = if step.stride == 0 { (unroll as u64, 1) } else { (1, step.stride) };
    let contract = Bytecode::new_legacy(vec![0; CODE_BYTES_MAX].into());
    let full_slots = matches!(operation, Operation::SloadCold | Operation::SstoreClear);
    let words = (step.input.len() as u64).div_ceil(32);
    Program {
        stage: Stage {
            code: Bytecode::new_legacy(code.into()),
            slot_value: U256::from(u8::from(full_slots)),
            neighbour_code: (operation == Operation::ExtcodesizeCold).then_some(contract),
        },
        operations_per_count,
        // Three gas per word to copy the input, and the growth of memory.
        gas_min: 21_000 + 2 * body_gas + 6 * words + words * words / 512 + TAIL_GAS,
    }
}

fn loop_code(step: &Step, unroll: usize, body_gas: u64) -> Vec<u8> {
    let seed = |code: Assembler| match step.seed {
        Seed::Zero => code.push(0),
        Seed::Origin => next(code.ops(&[op::ORIGIN])),
    };
    let (code, input_place) = Assembler::default().push(step.input.len() as u64).push_later();
    let code = seed(code.push(0).ops(&[op::CODECOPY]));
    let start = code.len();
    let code = code.ops(&[op::JUMPDEST]).repeat(&step.code, unroll);
    let code = if step.stride == 0 { next(code) } else { code };
    // Again while more gas is left than one round can cost.
    let (code, start_place) = code.push(body_gas).ops(&[op::GAS, op::GT]).push_later();
    let code = seed(code.ops(&[op::JUMPI])).ops(&[op::SWAP1, op::SUB]);
    let code = code.push(0).ops(&[op::MSTORE]).push(32).push(0).ops(&[op::RETURN]);
    let end = code.len();
    code.fill(input_place, end).fill(start_place, start).ops(&step.input).finish()
}
