//! `chaoschain log checkpoint`.

use std::{cell::RefCell, process::ExitCode};

use chaos_api::AskError;
use chaos_log::Policy;
use serde_json::{Value, json};

use crate::{
    args::CheckpointArgs,
    commands::policy::LogPolicy,
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
};

pub(super) fn checkpoint(args: &CheckpointArgs) -> Result<ExitCode, Failure> {
    let file = args.log_policy.as_deref().map(LogPolicy::read).transpose()?;
    let mut ledger = ledger::open(&args.data.data)?;
    if let Some(file) = &file {
        ledger.set_policy(file.bytes())?;
    }
    let heads = ledger::heads()?;
    let refused = RefCell::new(Vec::new());
    let published = ledger::publish_head_and(&mut ledger, &heads, &|name, error| {
        ledger::tell_silent(name, error);
        refused.borrow_mut().extend(as_refused(name, error));
    });
    let refused = refused.into_inner();
    if published.is_err() && args.json && !refused.is_empty() {
        output::json(&json!({"published": false, "refused": refused}))?;
    }
    let signed = published?;
    let policy = ledger.policy()?;
    let (key, signer) = (ledger.verifier()?, ledger.signer()?);
    let cosigners = match &policy {
        Some(policy) => {
            let times_s = ledger.possible_times(&signed)?;
            policy.witnessed_within(&signed, &times_s).or_fail(Kind::Check)?
        }
        None => Vec::new(),
    };
    if args.json {
        let checkpoint = signed.claimed();
        let cosigned = cosigners.iter().map(|cosigner| {
            json!({"witness": cosigner.witness.name, "time_s": cosigner.time_s.to_string()})
        });
        let mut told = json!({
            "origin": checkpoint.origin(),
            "size": checkpoint.size(),
            "root": checkpoint.root().to_string(),
            "note": signed.to_string(),
            "log": key.to_string(),
            "signer": signer.to_string(),
            "quorum": policy.as_ref().map(Policy::quorum),
            "cosigned": cosigned.collect::<Vec<_>>(),
        });
        if !refused.is_empty() {
            told["refused"] = refused.into();
        }
        output::json(&told)?;
    } else {
        output::line(signed.to_string().trim_end());
        output::say(format_args!("\nverifier key: {key}"));
        if signer != key {
            output::say(format_args!("signed for it by: {signer}"));
        }
        for cosigner in cosigners {
            output::say(format_args!("cosigned by {cosigner}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A witness that knows no key of the head's, with the lines that its policy may lack.
fn as_refused(name: &str, error: &AskError) -> Option<Value> {
    let AskError::KeyUnknown { told, keys } = error else { return None };
    let lines: Vec<String> = keys.iter().map(|key| format!("log {key}")).collect();
    Some(json!({"witness": name, "told": told, "lines": lines}))
}
