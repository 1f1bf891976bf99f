//! `chaoschain tx`.

use std::{fs, path::Path, process::ExitCode};

use chaos_chains::{
    Change, Ended, EvmChain, Journaled, Plan, Word,
    sending::{Finality, Intent, Journal, Stage},
};
use serde_json::{Value, json};

use super::sending::{connect, gwei, outbox, show_plans, signer, waiting};
use crate::{
    args::{
        SendArgs, TxArgs, TxBumpArgs, TxCancelArgs, TxCommand, TxListArgs, TxRepairArgs,
        TxResumeArgs, WaitArgs,
    },
    exit::{Failure, Kind, OrFail as _},
    output, runtime,
};

/// Digits of a hash or an address in a table.
const DIGITS_SHOWN: usize = 10;

pub(crate) fn run(args: &TxArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        TxCommand::List(args) => list(args),
        TxCommand::Resume(args) => resume(args),
        TxCommand::Bump(args) => bump(args),
        TxCommand::Cancel(args) => cancel(args),
        TxCommand::Repair(args) => repair(args),
    }
}

fn list(args: &TxListArgs) -> Result<ExitCode, Failure> {
    ensure_data(&args.read.data.data)?;
    let outbox = waiting(&args.read.data.data, &WaitArgs { finality: Finality::Final, wait: 0 })?;
    let journal = outbox.journal.clone();
    let journaled = runtime::single()?.block_on(async {
        let chain = connect(&args.read.chain, outbox).await?;
        Ok::<_, Failure>(chain.journaled(args.all).await?)
    })?;
    // What cannot be read is told beside what can be.
    let damaged = journal.unreadable()?.into_iter().next();
    if damaged.is_none() || !journaled.is_empty() {
        show_list(args, &journaled)?;
    }
    match damaged {
        None => Ok(ExitCode::SUCCESS),
        Some((_, error)) => Err(error.into()),
    }
}

/// A journal that is not there is no empty one.
fn ensure_data(data: &Path) -> Result<(), Failure> {
    if fs::exists(data).or_fail(Kind::Input)? {
        return Ok(());
    }
    let reason = format!("there is no data directory {}", data.display());
    Err(Failure::message(Kind::Input, reason).hint("name it by --data or CHAOSCHAIN_DATA"))
}

fn show_list(args: &TxListArgs, journaled: &[Journaled]) -> Result<(), Failure> {
    if args.read.json {
        return journaled.iter().try_for_each(|it| output::json(&described(it)));
    }
    if journaled.is_empty() {
        output::line(if args.all { "nothing was ever sent" } else { "nothing is open" });
        return Ok(());
    }
    let rows: Vec<Vec<String>> = journaled.iter().map(row).collect();
    output::table(&["nonce", "what", "state", "block", "gwei", "transaction", "account"], &rows);
    for hint in hints(journaled) {
        output::tell(hint);
    }
    Ok(())
}

/// Puts right what a flipped bit damaged, without asking anybody.
fn repair(args: &TxRepairArgs) -> Result<ExitCode, Failure> {
    ensure_data(&args.data.data)?;
    let journal = Journal::new(args.data.data.join("transactions"));
    let damaged = journal.unreadable()?;
    if damaged.is_empty() && !args.json {
        output::line("every file of the journal reads as it was signed");
    }
    let mut left = None;
    for (path, error) in damaged {
        let repaired = journal.repair(&path)?;
        if let Some(intent) = &repaired {
            tell_repaired(intent, args.json)?;
        } else {
            left = left.or(Some(error));
        }
    }
    match left {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(Failure::new(Kind::Storage, error).hint(
            "more than a bit of it is damaged: bring it back from a copy of the data directory; without it what \
             it was for would be paid for again",
        )),
    }
}

fn tell_repaired(intent: &Intent, as_json: bool) -> Result<(), Failure> {
    let (what, nonce) = (&intent.what, intent.nonce);
    if as_json {
        let event = json!({"event": "repaired", "what": what, "nonce": nonce.to_string()});
        return output::json(&event);
    }
    output::line(format_args!("{what} (nonce {nonce}): one bit was put right"));
    Ok(())
}

fn row(it: &Journaled) -> Vec<String> {
    let intent = &it.intent;
    let shown = intent.stage.inclusion().map(|inclusion| inclusion.hash);
    let attempt = shown.and_then(|hash| intent.attempt(&hash)).or_else(|| intent.newest());
    let short = |text: String| text.chars().take(2 + DIGITS_SHOWN).collect::<String>();
    vec![
        intent.nonce.to_string(),
        intent.what.split('(').next().unwrap_or_default().to_owned(),
        state(it),
        intent.stage.inclusion().map_or("-".to_owned(), |it| it.block_number.to_string()),
        attempt.map_or("-".to_owned(), |it| gwei(it.fees.max_fee_per_gas)),
        attempt.map_or("-".to_owned(), |it| short(format!("{:#x}", it.hash))),
        short(format!("{:#x}", intent.account)),
    ]
}

/// One word or two for where it stands.
fn state(it: &Journaled) -> String {
    match (it.word, it.intent.stage) {
        // A transfer of nothing took its place. Until that stays, what was meant may come back.
        (Word::Placed(_), Stage::Included(_)) if it.intent.included().is_none() => {
            "cancelled".to_owned()
        }
        (Word::Placed(reached), Stage::Included(_)) if is_reverted(&it.intent) => {
            format!("reverted, {}", reached.finality)
        }
        (_, Stage::Final(_)) if is_reverted(&it.intent) => "reverted, final".to_owned(),
        (Word::Placed(reached), Stage::Included(_)) => reached.finality.to_string(),
        (Word::Placed(_), Stage::Prepared | Stage::Sent) if it.intent.is_cancelled() => {
            "cancelling".to_owned()
        }
        (Word::Placed(_), _) => it.intent.state().to_owned(),
        (Word::Gap { .. }, _) if it.intent.is_cancelled() => "given up".to_owned(),
        (Word::Gap { .. }, _) => "gap".to_owned(),
        (Word::Unshown, _) => "not shown".to_owned(),
        (Word::Elsewhere, _) if !it.intent.is_open() => it.intent.state().to_owned(),
        (Word::Elsewhere, _) => "not asked".to_owned(),
    }
}

/// Whether it is in a block and did nothing there.
fn is_reverted(intent: &Intent) -> bool {
    intent.included().is_some_and(|inclusion| !inclusion.succeeded)
}

fn described(it: &Journaled) -> Value {
    let Journaled { intent, word } = it;
    let inclusion = intent.stage.inclusion();
    let attempts = intent.attempts.iter().map(|attempt| {
        json!({
            "transaction": format!("{:#x}", attempt.hash),
            "purpose": attempt.purpose,
            "max_fee_per_gas": attempt.fees.max_fee_per_gas.to_string(),
            "max_priority_fee_per_gas": attempt.fees.max_priority_fee_per_gas.to_string(),
            "signed_at_ms": attempt.signed_at_ms.to_string(),
        })
    });
    json!({
        "what": intent.what,
        "chain": intent.chain,
        "account": format!("{:#x}", intent.account),
        "nonce": intent.nonce.to_string(),
        "to": intent.to.map(|to| format!("{to:#x}")),
        "state": state(it),
        "finality": match word {
            Word::Placed(reached) => Some(reached.finality.to_string()),
            Word::Gap { .. } | Word::Unshown | Word::Elsewhere => None,
        },
        "depth": match word {
            Word::Placed(reached) if reached.depth > 0 => Some(reached.depth.to_string()),
            Word::Placed(_) | Word::Gap { .. } | Word::Unshown | Word::Elsewhere => None,
        },
        "next_nonce": match word {
            Word::Gap { next } => Some(next.to_string()),
            Word::Placed(_) | Word::Unshown | Word::Elsewhere => None,
        },
        "block_number": inclusion.map(|it| it.block_number.to_string()),
        "block_hash": inclusion.map(|it| format!("{:#x}", it.block_hash)),
        "landed": inclusion.map(|it| format!("{:#x}", it.hash)),
        "gas_used": inclusion.map(|it| it.gas_used.to_string()),
        "succeeded": intent.included().map(|it| it.succeeded),
        "attempts": attempts.collect::<Vec<_>>(),
    })
}

/// What to do about what does not go on by itself.
fn hints(journaled: &[Journaled]) -> Vec<String> {
    let mut hints = Vec::new();
    for Journaled { intent, word } in journaled {
        let nonce = intent.nonce;
        match word {
            Word::Gap { next } if !intent.is_cancelled() => hints.push(format!(
                "{nonce} cannot land: the account's next nonce is {next}, and nothing lies between; \
                 `chaoschain tx cancel {next}` takes that for nothing, so that it can; `chaoschain tx cancel \
                 {nonce}` gives it up"
            )),
            Word::Unshown => hints.push(format!(
                "{nonce} is used, and this node does not show by what; ask one that keeps older blocks"
            )),
            Word::Elsewhere if intent.is_open() => hints.push(format!(
                "{nonce} was sent to {} with first block {}; if that chain is gone, `chaoschain tx cancel \
                 {nonce} --gone` strikes it",
                intent.chain, intent.genesis
            )),
            Word::Gap { .. } | Word::Placed(_) | Word::Elsewhere => {}
        }
    }
    hints
}

fn resume(args: &TxResumeArgs) -> Result<ExitCode, Failure> {
    ensure_data(&args.read.data.data)?;
    let outbox = waiting(&args.read.data.data, &args.wait)?;
    let ended = runtime::single()?.block_on(async {
        let chain = connect(&args.read.chain, outbox).await?;
        Ok::<_, Failure>(chain.resume(args.wait.finality).await?)
    })?;
    for (intent, end) in &ended {
        tell_end(intent, end, args.read.json)?;
    }
    if ended.is_empty() && !args.read.json {
        output::line("nothing is open on this chain");
    }
    ensure_done(&ended)
}

/// What was reverted is paid for and did nothing: no success, as in the commands that send.
fn ensure_done(ended: &[(Intent, Ended)]) -> Result<ExitCode, Failure> {
    let mut reverted = ended.iter().filter(|(_, end)| matches!(end, Ended::Reverted(_)));
    let Some((intent, _)) = reverted.next() else { return Ok(ExitCode::SUCCESS) };
    let reason = match reverted.count() {
        0 => format!("{} (nonce {}) was reverted: it did nothing", intent.what, intent.nonce),
        more => format!("{} transactions were reverted: they did nothing", more + 1),
    };
    let hint = "the command that sent it says why, and what it takes to have it signed anew";
    Err(Failure::message(Kind::Outside, reason).hint(hint))
}

fn bump(args: &TxBumpArgs) -> Result<ExitCode, Failure> {
    ensure_nothing_anew(&args.send)?;
    let outbox = outbox(&args.send)?;
    let signer = signer(&args.send.key)?;
    runtime::single()?.block_on(async {
        let chain = connect(&args.send.chain, outbox).await?;
        let which = &args.transaction;
        if args.send.spend.dry_run {
            let plan = chain.plan_replacement(signer.address(), which, Change::Raise).await?;
            show_replacement(&chain, plan, args.send.json)?;
        } else {
            let ended = [chain.bump(&signer, which, args.send.spend.wait.finality).await?];
            for (intent, end) in &ended {
                tell_end(intent, end, args.send.json)?;
            }
            return ensure_done(&ended);
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// What is replaced or cancelled is open still: nothing is signed for what it was for.
fn ensure_nothing_anew(args: &SendArgs) -> Result<(), Failure> {
    if args.anew.is_empty() {
        return Ok(());
    }
    let reason = "--anew is for a command that signs again what came to nothing, and this one signs no such thing";
    Err(Failure::message(Kind::Input, reason))
}

fn cancel(args: &TxCancelArgs) -> Result<ExitCode, Failure> {
    ensure_nothing_anew(&args.send)?;
    let outbox = outbox(&args.send)?;
    let which = &args.transaction;
    if args.gone {
        let struck = runtime::single()?.block_on(async {
            let chain = connect(&args.send.chain, outbox).await?;
            Ok::<_, Failure>(chain.abandon(which)?)
        })?;
        return abandoned(&struck, args.send.json);
    }
    let signer = signer(&args.send.key)?;
    runtime::single()?.block_on(async {
        let chain = connect(&args.send.chain, outbox).await?;
        if args.send.spend.dry_run {
            let plan = chain.plan_replacement(signer.address(), which, Change::Cancel).await?;
            show_replacement(&chain, plan, args.send.json)?;
        } else {
            let (intent, end) = chain.cancel(&signer, which, args.send.spend.wait.finality).await?;
            tell_end(&intent, &end, args.send.json)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Shows what would replace a transaction, if anything.
fn show_replacement(chain: &EvmChain, plan: Option<Plan>, as_json: bool) -> Result<(), Failure> {
    if plan.is_none() && !as_json {
        output::line("nothing would be signed: it is in a block, or was cancelled before");
    }
    show_plans(chain, plan.as_slice(), as_json)
}

fn abandoned(struck: &[Intent], as_json: bool) -> Result<ExitCode, Failure> {
    for intent in struck {
        let (what, nonce) = (&intent.what, intent.nonce);
        if as_json {
            output::json(&json!({"event": "abandoned", "nonce": nonce.to_string()}))?;
        } else {
            output::line(format_args!(
                "{what} (nonce {nonce}) is struck from the journal, on your word"
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Says how one ended.
fn tell_end(intent: &Intent, end: &Ended, as_json: bool) -> Result<(), Failure> {
    let nonce = intent.nonce;
    let (event, hash, block) = match end {
        Ended::Landed(landed) => ("landed", Some(landed.hash), Some(landed.block_number)),
        Ended::Reverted(inclusion) => {
            ("reverted", Some(inclusion.hash), Some(inclusion.block_number))
        }
        Ended::Cancelled(hash) => ("cancelled", Some(*hash), None),
        Ended::GivenUp { .. } => ("given_up", None, None),
    };
    if as_json {
        return output::json(&json!({
            "event": event,
            "what": intent.what,
            "nonce": nonce.to_string(),
            "transaction": hash.map(|hash| format!("{hash:#x}")),
            "block_number": block.map(|block| block.to_string()),
        }));
    }
    let what = format!("{} (nonce {nonce})", intent.what);
    match end {
        Ended::Landed(landed) => output::line(format_args!(
            "{what} landed in block {}: {:#x}",
            landed.block_number, landed.hash
        )),
        Ended::Reverted(inclusion) => output::line(format_args!(
            "{what} was reverted in block {}: {:#x}",
            inclusion.block_number, inclusion.hash
        )),
        Ended::Cancelled(hash) if intent.to == Some(intent.account) => {
            output::line(format_args!("nonce {nonce} was taken for nothing, by {hash:#x}"));
        }
        Ended::Cancelled(hash) => {
            output::line(format_args!("{what} was cancelled; what landed is {hash:#x}"));
        }
        Ended::GivenUp { next } => output::line(format_args!(
            "{what} is given up: it cannot land before the account, at {next} now, comes to {nonce}, and a \
             transfer of nothing waits there; until then either can land, and the same is signed anew only with \
             --anew"
        )),
    }
    Ok(())
}
