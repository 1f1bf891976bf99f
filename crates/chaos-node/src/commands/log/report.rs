//! `chaoschain log report-fork`.

use std::{path::Path, process::ExitCode};

use chaos_agency::{
    action::{ReportFork, Role},
    forks,
};
use chaos_ledger::{Ledger, OPERATOR, agents};
use chaos_log::ForkProof;
use chaos_verify::ProvedFork;
use serde_json::json;

use crate::{
    args::ReportForkArgs,
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
};

/// A file of any kind of fork proof is no longer, in bytes (5 MiB).
const FILE_BYTES_MAX: usize = 5 << 20;

pub(super) fn fork(args: &ReportForkArgs) -> Result<ExitCode, Failure> {
    let data = &args.data.data;
    let proof = proof(&args.proof)?;
    let about = forks::about(&proof).or_fail(Kind::Check)?;
    let agent = args.agent.as_deref().unwrap_or(OPERATOR);
    let mut ledger = if args.sign { ledger::open(data)? } else { ledger::read(data)? };
    let reporter = agents::find_active(&ledger, agent)?.did;
    let [size, _] = about.sizes;
    let known = ledger.reported_fork(&about)?;
    let is_new = known.is_none();
    let entry = ledger.size();
    let report = ReportFork { proof: proof.to_string() };
    // The log refuses what it has already, and says where.
    let signed = if args.sign {
        Some(agents::report_fork(&mut ledger, agent, report)?.receipt)
    } else {
        None
    };
    if args.json {
        output::json(&json!({
            "log": proof.log().to_string(),
            "kind": proof.kind().to_string(),
            "says": proof.sentence(),
            "from_size": size.to_string(),
            "retired_since": retired_since(&ledger, &proof)?,
            "reported": known,
            "agent": reporter,
            "entry": is_new.then_some(entry),
            "receipt": signed,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::sentence(output::one_line(&proof.sentence()));
    output::sentence(format_args!("both heads are signed by {}", proof.log()));
    match retired_since(&ledger, &proof)? {
        Some(index) => output::sentence(format_args!(
            "that key of this log is retired since entry {index}: the heads are its owner's or a thief's, and \
             say nothing against later keys"
        )),
        None => output::sentence(format_args!(
            "every head of {size} entries or more is on one of two branches"
        )),
    }
    match known {
        None => output::sentence("this log holds no report of it"),
        Some(index) => output::sentence(format_args!("entry {index} reports it")),
    }
    match signed {
        Some(receipt) => output::sentence(format_args!("entry {entry} reports it: {receipt}")),
        None => {
            output::sentence("nothing was signed or written");
            if is_new {
                output::hint("--sign signs and appends the report");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Which entry of this log retired the key that signed both heads, if it is one of the log's.
fn retired_since(ledger: &Ledger, proof: &ForkProof) -> Result<Option<u64>, Failure> {
    let succession = ledger.succession(Role::Checkpoints)?;
    let key = succession.keys().find(|key| key.as_bytes() == proof.log().public());
    Ok(key.and_then(|key| succession.end_of(&key).map(|end| end.index)))
}

/// The two heads of a file, without whose log the key is: each reader of the report knows that himself.
fn proof(path: &Path) -> Result<ForkProof, Failure> {
    let bytes = chaos_files::read(path, FILE_BYTES_MAX)?;
    let proved = ProvedFork::parse(&bytes).or_fail(Kind::Check);
    match proved.map_err(|failure| failure.context(path.display()))? {
        ProvedFork::Trees(proof) => Ok(proof.fork().clone()),
        proved @ (ProvedFork::Signer(_) | ProvedFork::Places(_)) => Err(Failure::message(
            Kind::Input,
            format_args!(
                "an entry carries a fork proof of two heads, and this one is of kind {}",
                proved.kind()
            ),
        )
        .hint("keep the file, and hand it on as it is: it proves itself to whoever has it")),
    }
}
