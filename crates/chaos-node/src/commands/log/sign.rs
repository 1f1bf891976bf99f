//! `chaoschain log checkpoint`.

use std::process::ExitCode;

use chaos_api::gather;
use chaos_ledger::Ledger;
use chaos_log::{Policy, SignedCheckpoint};
use chaos_store::Records as _;
use serde_json::json;

use crate::{
    args::CheckpointArgs,
    commands::witness,
    exit::{Failure, Kind, OrFail as _},
    ledger, output, runtime,
};

pub(super) fn checkpoint(args: &CheckpointArgs) -> Result<ExitCode, Failure> {
    let policy = args.log_policy.as_deref().map(witness::policy).transpose()?;
    let mut ledger = ledger::open(&args.data.data)?;
    let signed = match &policy {
        Some(policy) => witnessed(&mut ledger, policy)?,
        None => ledger.checkpoint(&ledger::heads()?)?,
    };
    let key = ledger.log_key()?.verifier().clone();
    let cosigners = match &policy {
        Some(policy) => policy.witnessed(&signed).or_fail(Kind::Check)?,
        None => Vec::new(),
    };
    if args.json {
        let checkpoint = signed.claimed();
        let cosigned = cosigners.iter().map(|cosigner| {
            json!({"witness": cosigner.witness.name, "time_s": cosigner.time_s.to_string()})
        });
        output::json(&json!({
            "origin": checkpoint.origin(),
            "size": checkpoint.size(),
            "root": checkpoint.root().to_string(),
            "note": signed.to_string(),
            "log": key.to_string(),
            "quorum": policy.as_ref().map(Policy::quorum),
            "cosigned": cosigned.collect::<Vec<_>>(),
        }))?;
    } else {
        output::line(signed.to_string().trim_end());
        output::say(format_args!("\nverifier key: {key}"));
        for cosigner in cosigners {
            output::say(format_args!("cosigned by {cosigner}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Signs the head, and publishes it once the policy's quorum has cosigned. A witness that has seen
/// another log than this one ends it, whoever else cosigned.
fn witnessed(ledger: &mut Ledger, policy: &Policy) -> Result<SignedCheckpoint, Failure> {
    let signed = ledger.sign_head(&ledger::heads()?)?;
    let last = ledger.store().checkpoint().or_fail(Kind::Storage)?;
    let asked = gather(policy, signed, last.as_ref(), ledger.store());
    let gathered = runtime::single()?.block_on(asked)?;
    let mut alarm = None;
    for (name, error) in gathered.silent {
        let is_alarming = error.is_alarming();
        let failure = Failure::new(Kind::Check, error).context(format!("witness {name}"));
        output::say(&failure);
        if is_alarming {
            alarm = Some(failure);
        }
    }
    if let Some(failure) = alarm {
        return Err(failure.hint(
            "nothing was published: find out which log the others have seen before anything more is \
             signed here",
        ));
    }
    if let Err(error) = policy.witnessed(&gathered.checkpoint) {
        let failure = Failure::new(Kind::Outside, error);
        return Err(failure.hint("nothing was published; the last published checkpoint stays"));
    }
    ledger.publish(&gathered.checkpoint)?;
    Ok(gathered.checkpoint)
}
