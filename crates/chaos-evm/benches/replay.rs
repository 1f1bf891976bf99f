//! Replay speed on the recorded Ethereum blocks, against a bare `revm` loop in the same run.
//!
//! Both sides execute every transaction of the same blocks on one thread, block by block in turn,
//! and the median over the rounds is taken per block. On our side the whole of
//! [`chaos_evm::replay`] is timed: a fresh overlay over the shared snapshot, system
//! calls, checks, outcomes with their logs, withdrawals and the receipts root; `evm_one_core` is the
//! same without the receipts root, which the bare loop does not compute. On the bare side only
//! `transact_commit` is timed, on a `CacheDB` that already holds all state and code, with prepared
//! transactions and no receipts. Decoding is outside on both sides.
//!
//! Then the same blocks are rebuilt under a set of rule changes, on one thread and on two. The
//! ceiling of the machine is measured beside it: two threads that only add and multiply, against
//! one; and so is the processor time of the sweep on one thread over that on two, which stays at 1
//! while threads do not get in each other's way, however busy the machine is. Memory is the growth of the process's peak when 32 more scenarios are asked for (Linux).
//!
//! `cargo bench -p chaos-simulation --bench replay -- [--json] [--rounds N] [--blocks DIR]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark reports to a terminal")]

use std::{
    fs,
    hint::black_box,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use chaos_evm::{
    Assumptions, Block, Bytecodes, Changes, RecordedBlock, ReplayInput, execute,
    measure as resources, replay, replay_all, run_scenarios,
};
use revm::{
    Context, ExecuteCommitEvm, MainBuilder,
    context::{BlockEnv, CfgEnv, TxEnv},
    database::{CacheDB, EmptyDB},
    handler::MainnetContext,
    primitives::{KECCAK_EMPTY, U256, hardfork::SpecId},
    state::{AccountInfo, Bytecode},
};
use serde_json::json;

/// Rounds when none are asked for.
const ROUNDS: usize = 15;
/// Scenarios of a timed sweep, and steps of a spin.
const SCENARIOS: u64 = 8;
const SPINS: u64 = 500_000_000;
/// Gas in a million gas.
const GAS_PER_MGAS: f64 = 1e6;

struct Prepared {
    input: ReplayInput,
    bare_state: CacheDB<EmptyDB>,
    bare_transactions: Vec<TxEnv>,
}

/// Median times of one block.
struct Times {
    gas: u64,
    replay: Duration,
    execute: Duration,
    bare: Duration,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)
    };
    let as_json = arguments.iter().any(|argument| argument == "--json");
    let rounds = value("--rounds").and_then(|n| n.parse().ok()).unwrap_or(ROUNDS).max(1);
    let directory = value("--blocks").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/chain/ethereum"),
        PathBuf::from,
    );
    if !directory.is_dir() {
        eprintln!("skipped: {} is absent", directory.display());
        return;
    }
    let blocks = prepare(&directory);
    let times: Vec<Times> = blocks.iter().map(|block| measure(block, rounds)).collect();
    report(&blocks, &times, as_json);
}

fn prepare(directory: &Path) -> Vec<Prepared> {
    let read = |path: PathBuf| fs::read(&path).expect("the data directory is readable");
    let codes = Bytecodes::decode(&read(directory.join("bytecodes.json.gz")))
        .expect("the code file decodes");
    let mut files: Vec<PathBuf> = fs::read_dir(directory.join("blocks"))
        .expect("the data directory has blocks")
        .map(|entry| entry.expect("the data directory is readable").path())
        .collect();
    files.sort();
    let raw: serde_json::Map<String, serde_json::Value> = {
        let gzip = read(directory.join("bytecodes.json.gz"));
        serde_json::from_reader(flate2::read::GzDecoder::new(gzip.as_slice()))
            .expect("the code file is JSON")
    };
    files
        .into_iter()
        .map(|file| {
            let recorded = RecordedBlock::decode(&read(file), None).expect("the block decodes");
            let bare_state = bare_state(&recorded, &raw);
            let bare_transactions =
                recorded.block.transactions.iter().map(|t| t.env.clone()).collect();
            Prepared { input: ReplayInput::new(recorded, &codes), bare_state, bare_transactions }
        })
        .collect()
}

fn bare_state(
    recorded: &RecordedBlock,
    codes: &serde_json::Map<String, serde_json::Value>,
) -> CacheDB<EmptyDB> {
    let mut state = CacheDB::new(EmptyDB::default());
    for (address, account) in &recorded.pre_state {
        let code = if account.code_hash == KECCAK_EMPTY {
            Bytecode::default()
        } else {
            let hex = &codes[&account.code_hash.to_string()];
            let raw: revm::primitives::Bytes =
                hex.as_str().and_then(|hex| hex.parse().ok()).expect("code is hexadecimal");
            Bytecode::new_raw(raw)
        };
        let info = AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: Some(code),
        };
        state.insert_account_info(*address, info);
        for (slot, value) in &account.storage {
            state
                .insert_account_storage(*address, *slot, *value)
                .expect("a memory database does not fail");
        }
    }
    let header = &recorded.block.header;
    let hashes = recorded.block_hashes.iter().map(|(number, hash)| (*number, *hash));
    for (number, hash) in
        hashes.chain(header.number.checked_sub(1).map(|n| (n, header.parent_hash)))
    {
        state.cache.block_hashes.insert(U256::from(number), hash);
    }
    state
}

fn measure(block: &Prepared, rounds: usize) -> Times {
    let (mut ours, mut executed, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    let mut gas = 0;
    for round in 0..rounds + 2 {
        let start = Instant::now();
        let result = black_box(replay(&block.input).expect("the block runs"));
        let our_time = start.elapsed();
        assert!(result.agrees());
        gas = result.gas_replayed;

        let start = Instant::now();
        let result = black_box(execute(&block.input).expect("the block runs"));
        let execute_time = start.elapsed();
        assert_eq!(result.gas_replayed, gas);

        let (bare_gas, bare_time) = bare_run(block);
        assert_eq!(bare_gas, gas);
        // The first rounds warm caches and the allocator.
        if round >= 2 {
            ours.push(our_time);
            executed.push(execute_time);
            bare.push(bare_time);
        }
    }
    Times { gas, replay: median(ours), execute: median(executed), bare: median(bare) }
}

fn bare_run(block: &Prepared) -> (u64, Duration) {
    let source = block.input.block();
    let context: MainnetContext<CacheDB<EmptyDB>> =
        Context::new(block.bare_state.clone(), source.rules.spec);
    let mut evm = context
        .with_cfg(bare_configuration(source))
        .with_block(bare_environment(source))
        .build_mainnet();
    let transactions = block.bare_transactions.clone();
    let start = Instant::now();
    let mut gas = 0;
    for transaction in transactions {
        gas += evm.transact_commit(transaction).expect("the transaction runs").tx_gas_used();
    }
    (black_box(gas), start.elapsed())
}

fn bare_configuration(block: &Block) -> CfgEnv {
    let mut configuration = CfgEnv::new_with_spec(block.rules.spec).with_chain_id(block.chain_id);
    configuration.blob_base_fee_update_fraction =
        block.rules.blobs.map(|blobs| blobs.update_fraction);
    configuration
}

fn bare_environment(block: &Block) -> BlockEnv {
    let header = &block.header;
    let mut environment = BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or(0),
        difficulty: header.difficulty,
        prevrandao: header.mix_hash.filter(|_| block.rules.has(SpecId::MERGE)),
        blob_excess_gas_and_price: None,
        slot_num: 0,
    };
    if let (Some(blobs), Some(excess)) = (block.rules.blobs, header.excess_blob_gas) {
        environment.set_blob_excess_gas_and_price(excess, blobs.update_fraction);
    }
    environment
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people; gas is far below 2^53")]
fn mgas_per_second(gas: u64, time: Duration) -> f64 {
    gas as f64 / GAS_PER_MGAS / time.as_secs_f64()
}

fn report(blocks: &[Prepared], times: &[Times], as_json: bool) {
    let gas: u64 = times.iter().map(|t| t.gas).sum();
    let total = |of: fn(&Times) -> Duration| times.iter().map(of).sum::<Duration>();
    let bare = mgas_per_second(gas, total(|t| t.bare));
    let inputs: Vec<ReplayInput> = blocks.iter().map(|block| block.input.clone()).collect();
    let pool = |threads: usize| {
        let threads = NonZeroUsize::new(threads).expect("it is one or two");
        let runs = (0..5).map(|_| {
            let start = Instant::now();
            black_box(replay_all(&inputs, threads).expect("the blocks run"));
            start.elapsed()
        });
        mgas_per_second(gas, median(runs.collect()))
    };
    let (one, two) = (pool(1), pool(2));
    let before = cpu_ticks();
    let alone = scenarios(&inputs, 1);
    let between = cpu_ticks();
    let together = scenarios(&inputs, 2);
    let after = cpu_ticks();
    let start = Instant::now();
    for input in &inputs {
        black_box(resources(input).expect("the block runs"));
    }
    let measured = mgas_per_second(gas, start.elapsed());
    let executed = mgas_per_second(gas, total(|t| t.execute));
    let rows = [
        ("replay", mgas_per_second(gas, total(|t| t.replay)), bare, "Mgas/s"),
        ("evm_one_core", executed, bare, "Mgas/s"),
        ("replay_all_2_threads", two, one, "Mgas/s"),
        ("replay_scenarios_2_threads", together, alone, "scenarios/s"),
        ("scenarios_work_2_threads", between - before, after - between, "CPU ticks"),
        ("ceiling_2_threads", spin(2), spin(1), "spins/s"),
        ("resources", measured, executed, "Mgas/s"),
        ("replay_memory_per_scenario", memory_per_scenario(&inputs), 2.0 * 1024.0, "KiB"),
    ];
    for (measure, value, reference, unit) in rows {
        let ratio = value / reference;
        if as_json {
            let row = json!({
                "measure": measure, "value": value, "unit": unit,
                "reference": reference, "ratio": ratio,
            });
            println!("{row}");
        } else {
            println!("{measure}: {value:.1} {unit}, reference {reference:.1}, ratio {ratio:.3}");
        }
    }
}

/// `count` different sets of changes.
fn sets(count: u64) -> Vec<Changes> {
    let set = |step| Changes { gas_limit: Some(30_000_000 + step * 1_000_000), ..Changes::NONE };
    (0..count).map(set).collect()
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("it is not zero")
}

/// Scenarios per second on so many threads.
fn scenarios(inputs: &[ReplayInput], count: usize) -> f64 {
    let changes = sets(SCENARIOS);
    let runs = (0..3).map(|_| {
        let start = Instant::now();
        let assumptions = Assumptions::default();
        black_box(
            run_scenarios(inputs, &changes, &assumptions, threads(count)).expect("the blocks run"),
        );
        start.elapsed()
    });
    per_second(SCENARIOS, median(runs.collect()))
}

/// Processor time of this process so far, in the system's ticks; zero where it does not tell.
fn cpu_ticks() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // User and system time are the 12th and 13th field after the name in parentheses.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum()
}

/// Threads that share nothing and touch no memory: what any program can hope for here.
fn spin(count: usize) -> f64 {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..count {
            scope.spawn(move || {
                let mut value = thread as u64;
                for step in 0..SPINS {
                    value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step);
                }
                black_box(value)
            });
        }
    });
    per_second(count as u64, start.elapsed())
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people; counts are small")]
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// KiB by which the peak of the process grows for each further scenario; zero where the system
/// does not tell.
#[expect(clippy::cast_precision_loss, reason = "a size for people")]
fn memory_per_scenario(inputs: &[ReplayInput]) -> f64 {
    let peak = |count| {
        // Writing 5 there resets the peak.
        fs::write("/proc/self/clear_refs", "5").ok()?;
        let assumptions = Assumptions::default();
        let results =
            run_scenarios(inputs, &sets(count), &assumptions, threads(2)).expect("the blocks run");
        black_box(results);
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    // The first run fills the allocator's pools.
    let _ = peak(2);
    match (peak(2), peak(34)) {
        (Some(few), Some(many)) => many.saturating_sub(few) as f64 / 32.0,
        _ => 0.0,
    }
}
