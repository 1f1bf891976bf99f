//! `chaoschain log rotate-key` and `log replace-operator`.

use std::process::ExitCode;

use chaos_agency::action::Role;
use chaos_ledger::Handover;
use serde_json::json;

use crate::{args::HandoverArgs, exit::Failure, ledger, output};

pub(super) fn hand_over(args: &HandoverArgs, role: Role) -> Result<ExitCode, Failure> {
    let mut ledger = ledger::open(&args.data.data)?;
    let heads = ledger::heads()?;
    let done = ledger.delegate(Handover { role, root: args.root.as_deref(), lost: args.lost })?;
    // The first head that holds the delegation is signed by both keys, so it comes before anything else.
    let signed = ledger::publish_head(&mut ledger, &heads)?;
    ledger.settle(role)?;
    let (root, signer) = (ledger.verifier()?, ledger.signer()?);
    let mut free = true;
    for role in Role::ALL {
        free &= ledger.succession(role)?.key() != ledger.operator();
    }
    if args.json {
        output::json(&json!({
            "receipt": done.receipt,
            "index": done.index,
            "delegation": done.body,
            "log": root.to_string(),
            "signer": signer.to_string(),
            "size": signed.claimed().size(),
            "note": signed.to_string(),
            "root_is_free": free,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format_args!("entry {} hands the role {role} to {}", done.index, done.body.key));
    if role == Role::Checkpoints {
        output::line(format_args!("log {signer}"));
        output::say(
            "that line belongs into the policy of each witness, beside the one that is there; readers \
             go on naming the root key",
        );
    }
    if free {
        output::say(
            "the root key is needed for nothing but delegations: its file (keys/operator.root.pem in \
             the data directory) can be moved away",
        );
    } else {
        output::say("the root key still has the other role");
    }
    Ok(ExitCode::SUCCESS)
}
