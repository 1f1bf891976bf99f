//! Recorded blocks in `anvil`, driven through its RPC, against our execution of the same blocks.
//!
//! Every recorded block from London on is tried, unless it holds blob transactions, which a node
//! takes only with their blobs. `anvil` gets chain id, hard fork, number, gas limit, time, base
//! fee, coinbase and pre-state of the block. Timed are: sending all signed transactions, one
//! request each on one connection (in a batch they would change places), and mining them into one
//! block. Ours is [`execute`]. A block whose gas `anvil` does not reproduce is named and left out.
//!
//! `anvil` also recovers the senders, checks and orders its pool, and builds the block with its
//! state root; that is what driving a node costs. `evm_vs_anvil_mining_alone` leaves the sending
//! out.

use std::{
    fmt::Write as _,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use chaos_chains::anvil::find;
use chaos_evm::{RecordedBlock, ReplayInput, execute};
use serde_json::Value;

use crate::{
    Bench, data,
    report::{Row, median},
};

mod http;
mod node;

use node::Node;

/// The first block with a base fee.
const LONDON: u64 = 12_965_000;
/// EIP-2718 type of blob transactions.
const BLOB_TYPE: u8 = 3;
/// Gas in a million gas.
const GAS_PER_MGAS: f64 = 1e6;

/// Seconds of one block, in each round.
#[derive(Default)]
struct Times {
    number: u64,
    gas: u64,
    ours: Vec<f64>,
    sending: Vec<f64>,
    mining: Vec<f64>,
}

/// Medians of one block, in seconds.
struct Figures {
    gas: f64,
    ours: f64,
    driven: f64,
    mining: f64,
}

/// Prints `anvil_blocks_reproduced`, `evm_vs_anvil`, `evm_vs_anvil_median_block` and
/// `evm_vs_anvil_mining_alone`.
pub(crate) fn measure(bench: &Bench) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let binary = find(Some(&root))
        .ok_or("anvil is not there; run `npm ci` in contracts/, or put anvil into PATH")?;
    let files = bench.data.files()?;
    let (codes, raw_codes) = (bench.data.codes()?, bench.data.codes_as_json()?);
    let (mut tried, mut blocks) = (0_u32, Vec::new());
    for file in files {
        let recorded = data::recorded(&file)?;
        if recorded.block.header.number < LONDON || recorded.block.transactions.is_empty() {
            continue;
        }
        tried += 1;
        let number = recorded.block.header.number;
        if recorded.block.transactions.iter().any(|one| one.type_byte() == BLOB_TYPE) {
            eprintln!("anvil: block {number} left out: its blobs are not recorded");
            continue;
        }
        let input = ReplayInput::new(recorded.clone(), &codes);
        let json = data::json(&file)?;
        match rounds(&binary, &recorded, &input, &json, &raw_codes, bench.rounds) {
            Ok(times) => blocks.push(times),
            Err(reason) => eprintln!("anvil: block {number} left out: {reason}"),
        }
    }
    report(bench, tried, &blocks)
}

fn rounds(
    binary: &Path,
    recorded: &RecordedBlock,
    input: &ReplayInput,
    json: &Value,
    codes: &Value,
    rounds: usize,
) -> Result<Times, String> {
    let requests = node::sendings(&json["block"]["transactions"])?;
    let header = &recorded.block.header;
    let mut times = Times { number: header.number, gas: header.gas_used, ..Times::default() };
    let mut node = Node::start(binary, recorded, &json["preState"], codes)?;
    // The first round warms caches and allocators on both sides.
    for round in 0..=rounds {
        let before = node.enter()?;
        let (sending, mining) = node.run(&requests)?;
        node.ensure_block(header.number, header.gas_used, requests.len())?;
        node.leave(&before)?;
        let ours = executed(input)?;
        if round > 0 {
            times.ours.push(ours.as_secs_f64());
            times.sending.push(sending.as_secs_f64());
            times.mining.push(mining.as_secs_f64());
        }
    }
    Ok(times)
}

fn executed(input: &ReplayInput) -> Result<Duration, String> {
    let start = Instant::now();
    let result = execute(input).map_err(|error| error.to_string())?;
    let time = start.elapsed();
    if black_box(result).gas_replayed != input.block().header.gas_used {
        return Err("our gas is not the header's".to_owned());
    }
    Ok(time)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people; gas is far below 2^53")]
fn report(bench: &Bench, tried: u32, blocks: &[Times]) -> Result<(), String> {
    if blocks.is_empty() {
        return Err("anvil reproduced none of the blocks".to_owned());
    }
    let mut table = String::new();
    let mut figures = Vec::new();
    for Times { number, gas, ours, sending, mining } in blocks {
        let (ours, sending) = (median(ours.clone()), median(sending.clone()));
        let mining = median(mining.clone());
        let milli = 1e3;
        writeln!(
            table,
            "anvil: block {number}: sending {:.1} ms, mining {:.1} ms, ours {:.2} ms",
            sending * milli,
            mining * milli,
            ours * milli
        )
        .expect("a string takes everything");
        figures.push(Figures { gas: *gas as f64, ours, driven: sending + mining, mining });
    }
    eprint!("{table}");
    let sum = |of: fn(&Figures) -> f64| figures.iter().map(of).sum::<f64>();
    let gas = sum(|block| block.gas);
    let mgas_per_second = |seconds: f64| gas / GAS_PER_MGAS / seconds;
    let row = |measure, value, reference| Row {
        measure,
        value,
        unit: "Mgas/s",
        reference: Some(reference),
    };
    bench.report.row(&Row {
        measure: "anvil_blocks_reproduced",
        value: blocks.len() as f64,
        unit: "blocks",
        reference: Some(f64::from(tried)),
    });
    let ours = mgas_per_second(sum(|block| block.ours));
    let driven = mgas_per_second(sum(|block| block.driven));
    bench.report.row(&row("evm_vs_anvil", ours, driven));
    let mining = mgas_per_second(sum(|block| block.mining));
    bench.report.row(&row("evm_vs_anvil_mining_alone", ours, mining));
    figures.sort_by(|a, b| (a.driven / a.ours).total_cmp(&(b.driven / b.ours)));
    let middle = &figures[figures.len() / 2];
    let speed = |seconds: f64| middle.gas / GAS_PER_MGAS / seconds;
    bench.report.row(&row("evm_vs_anvil_median_block", speed(middle.ours), speed(middle.driven)));
    Ok(())
}
