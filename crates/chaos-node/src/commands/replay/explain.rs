//! `chaoschain replay --explain`.

use std::process::ExitCode;

use chaos_evm::{
    Agreement, BlockReplay, RecordedReceipt, ReplayInput, ReplaySummary,
    explain::{Difference, FirstDifference, Step, Trace, first_difference, trace},
    replay,
};
use serde_json::{Value, json};

use super::{line, verdict};
use crate::{
    args::ReplayArgs,
    exit::{Failure, Kind, OrFail as _},
    output,
};

/// Says why a block differs, as far as that can be told.
pub(super) fn run(
    args: &ReplayArgs,
    inputs: &[&ReplayInput],
    number: u64,
) -> Result<ExitCode, Failure> {
    let here: Vec<_> =
        inputs.iter().filter(|input| input.block().header.number == number).collect();
    let [input] = here[..] else {
        let text = format!("--explain: there are {} blocks {number}, expected one", here.len());
        return Err(Failure::message(Kind::Input, text).hint("choose by --chain and --range"));
    };
    let replayed = replay(input).or_fail(Kind::Input)?;
    let first = first_difference(input, &replayed);
    let traced = if args.trace { Some(traced(args, input, first.as_ref())?) } else { None };
    if args.json {
        let mut value = line(&replayed);
        value["first_difference"] = first.as_ref().map_or(Value::Null, difference);
        value["has_receipts"] = json!(input.recorded_receipts().is_some());
        if let Some((index, trace)) = &traced {
            value["trace"] = trace_value(*index, trace);
        }
        output::json(&value)?;
    } else {
        told(input, &replayed, first.as_ref());
        if let Some((index, trace)) = &traced {
            shown(*index, trace);
        }
    }
    Ok(verdict::exit_code(&ReplaySummary::of(&[replayed])))
}

/// The transaction that was asked for, else the first that differs, with its instructions.
fn traced(
    args: &ReplayArgs,
    input: &ReplayInput,
    first: Option<&FirstDifference>,
) -> Result<(usize, Trace), Failure> {
    let count = input.block().transactions.len();
    let index = match (args.transaction, first) {
        (Some(index), _) if index < count => index,
        (Some(index), _) => {
            let text =
                format!("--transaction: expected 0 to {}, found {index}", count.saturating_sub(1));
            return Err(Failure::message(Kind::Input, text));
        }
        (None, Some(first)) => first.index,
        (None, None) => {
            let text = "--trace: no transaction is known to differ";
            return Err(Failure::message(Kind::Input, text)
                .hint("name one by --transaction INDEX, its place in the block from 0"));
        }
    };
    Ok((index, trace(input, index).or_fail(Kind::Input)?))
}

fn told(input: &ReplayInput, replayed: &BlockReplay, first: Option<&FirstDifference>) {
    output::sentence(verdict::of_block(replayed));
    if replayed.unknown_reads.total() > 0 {
        output::sentence(format_args!(
            "{} reads are outside the recorded state and were answered with zero",
            replayed.unknown_reads.total()
        ));
    }
    match first {
        Some(FirstDifference { index, hash, what }) => {
            output::sentence(format_args!("first to differ: transaction {index} {hash}"));
            match what {
                Difference::Rejected(reason) => {
                    output::sentence(format_args!("it may not stand where it stands: {reason}"));
                }
                Difference::Receipt { recorded, replayed } => receipts(recorded, replayed),
                Difference::DeniedLog { log } => output::sentence(format_args!(
                    "its log {log} is denied by the header's logs bloom: no transaction of the chain's \
                     block made it"
                )),
            }
        }
        None if replayed.agreement() != Agreement::Differs => {}
        None if input.recorded_receipts().is_some() => output::sentence(
            "every transaction has the gas, the outcome and the number of logs of its recorded receipt: what \
             differs is inside a log, or the receipts are another block's",
        ),
        None => output::sentence(
            "which transaction is the first to differ cannot be told: the header commits to all of them \
             together, and the file holds no receipts; `chaoschain export --rpc-url URL` keeps them",
        ),
    }
}

fn receipts(recorded: &RecordedReceipt, replayed: &RecordedReceipt) {
    let ended = |receipt: &RecordedReceipt| if receipt.success { "succeeded" } else { "failed" };
    let logs = |receipt: &RecordedReceipt| {
        receipt.logs_count.map_or_else(|| "not recorded".to_owned(), |count| count.to_string())
    };
    let rows = [
        ("gas used", recorded.gas_used.to_string(), replayed.gas_used.to_string()),
        ("outcome", ended(recorded).to_owned(), ended(replayed).to_owned()),
        ("logs", logs(recorded), logs(replayed)),
    ];
    let rows: Vec<_> =
        rows.into_iter().map(|(what, one, other)| vec![what.to_owned(), one, other]).collect();
    output::table(&["receipt", "recorded", "replayed"], &rows);
}

fn shown(index: usize, trace: &Trace) {
    output::sentence(format_args!("\ntransaction {index}: {} instructions", trace.steps));
    let row = |step: &Step| {
        vec![
            step.number.to_string(),
            step.depth.to_string(),
            step.pc.to_string(),
            step.name().to_owned(),
            step.gas_left.to_string(),
            step.top.map_or_else(|| "-".to_owned(), |top| format!("{top:#x}")),
        ]
    };
    let mut rows: Vec<_> = trace.first.iter().map(row).collect();
    if trace.left_out() > 0 {
        let gap = format!("({} left out)", trace.left_out());
        rows.push(vec![
            gap,
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ]);
    }
    rows.extend(trace.last.iter().map(row));
    output::table(&["step", "depth", "pc", "instruction", "gas left", "top of stack"], &rows);
}

fn difference(first: &FirstDifference) -> Value {
    let mut value = json!({"transaction": first.index, "hash": first.hash});
    match &first.what {
        Difference::Rejected(reason) => value["rejected"] = json!(reason.to_string()),
        Difference::Receipt { recorded, replayed } => {
            let receipt = |receipt: &RecordedReceipt| json!({"gas_used": receipt.gas_used, "success": receipt.success, "logs": receipt.logs_count});
            value["receipt"] =
                json!({"recorded": receipt(recorded), "replayed": receipt(replayed)});
        }
        Difference::DeniedLog { log } => value["denied_log"] = json!(log),
    }
    value
}

fn trace_value(index: usize, trace: &Trace) -> Value {
    let step = |step: &Step| {
        json!({
            "step": step.number,
            "depth": step.depth,
            "pc": step.pc,
            "instruction": step.name(),
            "gas_left": step.gas_left,
            "top": step.top,
        })
    };
    json!({
        "transaction": index,
        "instructions": trace.steps,
        "left_out": trace.left_out(),
        "first": trace.first.iter().map(step).collect::<Vec<_>>(),
        "last": trace.last.iter().map(step).collect::<Vec<_>>(),
    })
}
