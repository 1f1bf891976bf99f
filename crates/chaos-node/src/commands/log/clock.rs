//! `chaoschain log accept-clock` and `log correct-time`.

use std::process::ExitCode;

use chaos_agency::calendar::moment;
use chaos_ledger::Proposed;
use serde_json::json;

use crate::{
    args::{AcceptClockArgs, CorrectTimeArgs},
    exit::{Failure, Kind},
    ledger, output,
};

pub(super) fn accept(args: &AcceptClockArgs) -> Result<ExitCode, Failure> {
    let now_ms = ledger::open(&args.data.data)?.accept_clock()?;
    if args.json {
        output::json(&json!({"accepted_ms": now_ms.to_string()}))?;
    } else {
        let from = moment(now_ms);
        output::sentence(format_args!("the next entry may be dated from {from} on, for 30 days"));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn correct(args: &CorrectTimeArgs) -> Result<ExitCode, Failure> {
    let data = &args.data.data;
    let mut ledger = if args.sign { ledger::open(data)? } else { ledger::read(data)? };
    if let Some(first) = args.first.filter(|first| *first >= ledger.size()) {
        let entries = output::count(ledger.size(), "entry", "entries");
        let refusal = format!("--first {first}: the log has {entries}, the first of which is 0");
        return Err(Failure::message(Kind::Input, refusal));
    }
    let Some(proposed) = ledger.propose_correction(args.first)? else {
        if args.sign {
            let nothing =
                "no entry is dated after the clock here, so that there is nothing to correct";
            return Err(Failure::message(Kind::Input, nothing));
        }
        if args.json {
            output::json(&json!({"later": 0}))?;
        } else {
            output::sentence("no entry is dated after the clock here");
        }
        return Ok(ExitCode::SUCCESS);
    };
    let signed = args.sign.then(|| ledger.correct_time(proposed.first)).transpose()?;
    if args.json {
        output::json(&json!({
            "first": proposed.first,
            "entry": proposed.size,
            "true_ms": proposed.now_ms.to_string(),
            "latest_ms": proposed.latest_ms.to_string(),
            "later": proposed.later,
            "before_ms": proposed.before_ms.map(|ms| ms.to_string()),
            "receipt": signed.map(|receipt| receipt.to_string()),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    say(&proposed);
    match signed {
        Some(receipt) => output::sentence(format_args!(
            "entry {} says so: {receipt}; mirrors and monitors will tell of it",
            proposed.size
        )),
        None => {
            output::sentence("nothing was signed or written");
            output::hint("if the clock here is right, --sign signs and appends the correction");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the correction says, for whoever is about to sign it.
fn say(proposed: &Proposed) {
    let Proposed { first, size, now_ms, latest_ms, later, before_ms } = proposed;
    let now = moment(*now_ms);
    output::sentence(format_args!("the clock here says {now}"));
    let are = if *later == 1 { "entry is" } else { "entries are" };
    let latest = moment(*latest_ms);
    output::sentence(format_args!("{later} {are} dated after it, the last one {latest}"));
    output::sentence(format_args!(
        "correction: the entries from {first} up to {size} are not later than {now}"
    ));
    if let Some(before_ms) = before_ms {
        let before = moment(*before_ms);
        output::sentence(format_args!("the entry before them is of {before} and stays"));
    }
}
