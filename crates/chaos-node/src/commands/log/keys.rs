//! `chaoschain log rotate-key` and `log replace-operator`.

use std::{path::Path, process::ExitCode};

use chaos_agency::action::Role;
use chaos_ledger::{Error, HandedOver, Handover, Ledger, RootFiles};
use chaos_log::VerifierKey;
use serde_json::json;

use super::copy::is_one_place;
use crate::{
    args::HandoverArgs,
    exit::{Failure, Kind},
    ledger, output,
};

pub(super) fn hand_over(args: &HandoverArgs, role: Role) -> Result<ExitCode, Failure> {
    let mut ledger = ledger::open(&args.data.data)?;
    let heads = ledger::heads()?;
    // Asked of every handover: a policy that cannot be read keeps back the head that would hold it.
    let asks_witnesses = asks_witnesses(&ledger)?;
    let is_unfollowed = args.lost && role == Role::Checkpoints && !asks_witnesses;
    if args.lost && role == Role::Checkpoints && ledger.log_key().is_ok() {
        output::say(
            "the key that is called lost opens here: without --lost it agrees to its successor, and readers \
             follow with the root key alone",
        );
    }
    if is_unfollowed && !args.unwitnessed {
        return Err(unfollowed());
    }
    let done = ledger.delegate(Handover { role, root: args.root.as_deref(), lost: args.lost });
    let done = done.map_err(|error| without_root(error, args))?;
    ledger::tell_settled(&done.settled);
    let (root, signer) = (ledger.verifier()?, ledger.signer()?);
    // The entry stands whatever comes next, and a witness that does not know the key keeps the head back.
    if !args.json {
        say_handed_over(&done, role, &signer);
    }
    // The first head that holds the delegation is signed by both keys, so it comes before anything else.
    // Its line is printed above, and is all that a witness needs.
    let signed = ledger::publish_head_and(&mut ledger, &heads, &ledger::tell_reason);
    let signed = signed.map_err(|failure| unpublished(failure, &done, role, &signer))?;
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
    if role == Role::Checkpoints {
        output::say(if is_unfollowed {
            "that line belongs into the policy of each witness. Readers who name the root key refuse the log \
             from now on, until `chaoschain log checkpoint --log-policy FILE` has the next head cosigned, and \
             follow it then with a policy of those witnesses"
        } else if args.lost {
            "that line belongs into the policy of each witness, below the one that is there: once it has \
             cosigned a head by the lower one, the upper one signs no more; readers go on naming the root \
             key, and need a policy whose quorum has cosigned"
        } else {
            "that line belongs into the policy of each witness, below the one that is there: once it has \
             cosigned a head by the lower one, the upper one signs no more; readers go on naming the root \
             key"
        });
    }
    say_where_root_is(&ledger, free, args.root.as_deref());
    Ok(ExitCode::SUCCESS)
}

/// Whether the root key can be kept elsewhere, by what the files here hold and not by their names; `named` is the one
/// that the root key was read from. It claims no more than was looked at.
fn say_where_root_is(ledger: &Ledger, free: bool, named: Option<&Path>) {
    if !free {
        output::say("the root key still has the other role");
        return;
    }
    let told = match ledger.root_files() {
        Ok(files) => {
            told_of(&files, named.filter(|named| lies_in(named, ledger.dir())), ledger.dir())
        }
        Err(error) => format!(
            "but whether the data directory still holds it was not seen: {}",
            chaos_api::chain(&error)
        ),
    };
    output::say(format_args!("the root key is needed for nothing but delegations, {told}"));
}

/// Where the root key is found in a data directory: in the operator's key files, and in the file that was named.
fn told_of(files: &RootFiles, named: Option<&Path>, dir: &Path) -> String {
    let listed = |files: &[String]| -> Vec<String> {
        files.iter().map(|file| format!("keys/{file}")).collect()
    };
    let (mut held, unseen) = (listed(&files.held), listed(&files.unseen).join(", "));
    let is_told = |named: &&Path| !held.iter().any(|file| is_one_place(&dir.join(file), named));
    let more = named.filter(is_told).map(|named| named.display().to_string());
    held.extend(more);
    let held = held.join(", ");
    match (held.is_empty(), unseen.is_empty()) {
        (true, true) => "and no file `keys/operator*.pem` of the data directory holds it; other files there were not \
                         looked at"
            .to_owned(),
        (false, true) => format!("and can be moved away: {held} in the data directory"),
        (true, false) => format!(
            "but whether the data directory still holds it was not seen: {unseen} cannot be read as a key with this \
             password"
        ),
        (false, false) => format!(
            "and can be moved away: {held} in the data directory, and perhaps {unseen}, which cannot be read as a key \
             with this password"
        ),
    }
}

/// Whether a file lies in a folder, by whatever names the two are called.
fn lies_in(file: &Path, folder: &Path) -> bool {
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => false,
    }
}

/// From so many handovers on that are left, each says how many.
const LEFT_TOLD: usize = 64;

fn say_handed_over(done: &HandedOver, role: Role, signer: &VerifierKey) {
    if done.left < LEFT_TOLD {
        let left = output::count(done.left as u64, "handover is", "handovers are");
        output::say(format_args!(
            "{left} left, of both roles together: readers are shown no more of a log, which then goes on under \
             the keys that it has"
        ));
    }
    output::line(format_args!("entry {} hands the role {role} to {}", done.index, done.body.key));
    if role == Role::Checkpoints {
        output::line(format_args!("log {signer}"));
    }
}

/// The entry is in the log, and no head that holds it is published.
fn unpublished(failure: Failure, done: &HandedOver, role: Role, signer: &VerifierKey) -> Failure {
    let index = done.index;
    let failure = failure
        .context(format_args!("entry {index} stands, and no head that holds it is published"));
    let until = format!(
        "Until then this directory alone holds the signed delegation: keep a copy of it, and do not hand the \
         role on from another copy of the log, since two delegations {} of {role} end the log for ever",
        done.body.number
    );
    match role {
        Role::Checkpoints => failure.hint(format!(
            "give each witness the line `log {signer}`, below the one that is there, then run `chaoschain log \
             checkpoint`; to hand the role on once more is not needed. {until}"
        )),
        Role::Operator => failure.hint(format!(
            "`chaoschain log checkpoint` publishes one, and gives the root key's file its own name: move none \
             away before. {until}"
        )),
    }
}

/// Why nothing was handed over, and the one step that is missing where the root key is kept elsewhere.
fn without_root(error: Error, args: &HandoverArgs) -> Failure {
    let is_missing = matches!(error, Error::ForeignOperator { .. }) && args.root.is_none();
    let failure = Failure::from(error);
    if is_missing {
        return failure
            .hint("the log's root key agrees to it: --root names its file, wherever it is kept");
    }
    failure
}

fn asks_witnesses(ledger: &Ledger) -> Result<bool, Failure> {
    Ok(ledger.policy()?.is_some_and(|policy| policy.asks_for_witnesses()))
}

/// What is said before a key takes a lost one's place in a log without witnesses.
fn unfollowed() -> Failure {
    let refusal = "nothing was signed: a key in the place of a lost one is followed only by readers who name the \
                   root key and a policy whose quorum has cosigned, and this log asks no witness";
    Failure::message(Kind::Input, refusal).hint(
        "--unwitnessed signs all the same. Until witnesses that know the new key have cosigned \
         (`chaoschain log checkpoint --log-policy FILE`), every mirror and reader of the log refuses it",
    )
}
