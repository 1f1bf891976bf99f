//! `chaoschain anchor`.

mod adopting;
mod audit;
mod schedule;

use std::{process::ExitCode, time::Duration};

use chaos_agency::action::{self, DeclareAnchoring};
use chaos_chains::{
    self as chain, AnchoredLog, EvmChain, Outbox, REGISTRY, RegistryKey, RegistryRefusal, Signer,
};
use chaos_ledger::Ledger;
use chaos_log::{SignedCheckpoint, root_at};
use chaos_programs::anchoring::{self, Holder, News, Place, Recorded};
use serde_json::json;

use self::adopting::adopt;
use super::sending::{connect, outbox, show_plans, signer};
use crate::{
    args::{AnchorArgs, AnchorCommand},
    clock,
    exit::{Failure, Kind, OrFail as _},
    ledger, output, runtime,
};

pub(crate) fn run(command: &AnchorCommand) -> Result<ExitCode, Failure> {
    match command {
        AnchorCommand::Write(args) => write(args),
        AnchorCommand::Audit(args) => audit::run(args),
    }
}

fn write(args: &AnchorArgs) -> Result<ExitCode, Failure> {
    if args.send.spend.dry_run {
        return plan(args);
    }
    let signer = signer(&args.send.key)?;
    let runtime = runtime::server()?;
    match args.how.when.every {
        Some(every) => runtime.block_on(schedule::run(args, &signer, every)),
        None => runtime.block_on(once(args, &signer, None)).map(|_| ExitCode::SUCCESS),
    }
}

/// What one look at the log came to.
enum Done {
    /// The head was anchored.
    Anchored,
    /// What an earlier command paid for was logged.
    Adopted,
    /// Nothing is new, or less than was asked for.
    Unchanged,
    /// It is too early.
    NotDue(Duration),
}

/// Looks once: anchors the head as it stands, or logs what an earlier command paid for. With a time it is too
/// early so long after the last anchor of the journal.
async fn once(
    args: &AnchorArgs,
    signer: &Signer,
    every: Option<Duration>,
) -> Result<Done, Failure> {
    let ledger = ledger::open(&args.send.data.data)?;
    // What the log would not admit must not be paid for.
    ledger.operator_for(action::Anchor::KIND)?;
    let heads = ledger::heads()?;
    let outbox = outbox(&args.send)?;
    let chain = connect(&args.send.chain, outbox).await?;
    let place = Place { chain: &chain, holder: holder(args, &chain, &ledger, signer)?, signer };
    let undeclared = undeclared(args, &ledger, &place)?;
    ready(args, &ledger, &place).await?;
    let (mut ledger, is_adopted) = adopt(args, ledger, &place).await?;
    if is_adopted && !args.how.go_on {
        return Ok(Done::Adopted);
    }
    if let Some(left) = every.map(|every| left(every, &ledger, &place)).transpose()?.flatten() {
        return Ok(Done::NotDue(left));
    }
    if let Some(news) = too_little(args, &ledger, &place).await? {
        nothing_new(args, news)?;
        return Ok(Done::Unchanged);
    }
    ledger.ensure_clock()?;
    chain.ensure_sendable(signer.address()).await?;
    if let Some(body) = undeclared {
        // The entry stays for ever, and so does what it asks of every audit.
        if let Holder::Registry(key) = &place.holder {
            chain.ensure_registering(signer, key, ledger.size() + 1).await?;
        }
        declare(&mut ledger, body)?;
    }
    let checkpoint = chaos_api::publish_head(&mut ledger, &heads, &ledger::tell_silent).await?;
    // Until the block stays, others may write to the log.
    drop(ledger);
    let (size, root) = (checkpoint.claimed().size(), *checkpoint.claimed().root().as_bytes());
    let written = anchoring::write(size, root, &place).await?;
    let mut ledger = ledger::open(&args.send.data.data)?;
    report(args, &checkpoint, &anchoring::record(&mut ledger, written, Some(&checkpoint))?)?;
    Ok(Done::Anchored)
}

/// How long it is until the next anchor, by when the journal's last one was signed. One that is not logged yet is
/// gone on with at once. A clock that was put back since says nothing of how long it is.
fn left(every: Duration, ledger: &Ledger, place: &Place<'_>) -> Result<Option<Duration>, Failure> {
    if anchoring::is_under_way(ledger, place)? {
        return Ok(None);
    }
    let signed = place.chain.last_signed_ms(place.holder.contract(), place.signer.address())?;
    let Some(signed_ms) = signed else { return Ok(None) };
    let gone = clock::now_ms().checked_sub(signed_ms).map_or(Duration::ZERO, Duration::from_millis);
    Ok(every.checked_sub(gone).filter(|left| !left.is_zero()))
}

/// What is to hold the log's head: the registry, unless a contract of the log's own is named. There the log's publisher is
/// the one that it declares, also once another account writes for it.
fn holder(
    args: &AnchorArgs,
    chain: &EvmChain,
    ledger: &Ledger,
    signer: &Signer,
) -> Result<Holder, Failure> {
    let contract = args.contract.as_ref().map(|text| text.parse().or_fail(Kind::Input));
    if let Some(contract) = contract.transpose()?.filter(|contract| *contract != REGISTRY) {
        return Ok(Holder::Own(contract));
    }
    let declared = ledger.declaration(ledger.size())?.map(|declared| declared.body);
    let declared = declared.filter(|declared| {
        declared.chain == *chain.chain_id() && declared.contract.parse() == Ok(REGISTRY)
    });
    let publisher = match declared {
        Some(declared) if !args.how.redeclare => {
            declared.publisher.parse().or_fail(Kind::Storage)?
        }
        Some(_) | None => signer.address(),
    };
    Ok(Holder::Registry(RegistryKey::of(ledger.verifier()?.name().as_str(), publisher)))
}

/// What the log has to declare before it is anchored there. Refuses if it declares another place.
fn undeclared(
    args: &AnchorArgs,
    ledger: &Ledger,
    place: &Place<'_>,
) -> Result<Option<DeclareAnchoring>, Failure> {
    let body = place.declaration();
    let is_undeclared = anchoring::is_undeclared(ledger, place, args.how.redeclare)?;
    Ok(body.filter(|_| is_undeclared))
}

/// Looks at everything before anything is paid, and puts the registry on the chain if that is asked for.
async fn ready(args: &AnchorArgs, ledger: &Ledger, place: &Place<'_>) -> Result<(), Failure> {
    let Place { chain, holder, signer } = *place;
    let key = match holder {
        Holder::Own(contract) => {
            let origin = ledger.verifier()?.name().to_string();
            let publisher = signer.address();
            let log = AnchoredLog { origin: &origin, publisher, contract: Some(contract) };
            return Ok(chain.ensure_anchorable(&log).await?);
        }
        Holder::Registry(key) => key,
    };
    if chain.ensure_registrable(signer.address(), &key).await? {
        return ensure_continues(chain, ledger, &key).await;
    }
    if !args.how.deploy {
        return Err(chain::Error::from(RegistryRefusal::Missing).into());
    }
    if !args.send.spend.dry_run {
        ledger.ensure_clock()?;
        if chain.deploy_registry(signer).await?.is_some() {
            output::tell(format_args!("deployed CheckpointRegistry at {REGISTRY:#x}"));
        }
    }
    Ok(())
}

/// What the registry holds is the beginning of this log.
async fn ensure_continues(
    chain: &EvmChain,
    ledger: &Ledger,
    key: &RegistryKey,
) -> Result<(), Failure> {
    let Some((size, found)) = chain.registered(key).await? else { return Ok(()) };
    if size > ledger.size() {
        let (held, publisher) = (size, key.publisher);
        let size = ledger.size();
        let refusal = RegistryRefusal::Ahead { size, held, publisher };
        return Err(chain::Error::from(refusal).into());
    }
    let root = *root_at(ledger.store(), size).or_fail(Kind::Storage)?.as_bytes();
    if root == found {
        return Ok(());
    }
    Err(chain::Error::from(RegistryRefusal::Conflict { size, root, found }).into())
}

/// What is new in the log, if that is less than was asked for.
async fn too_little(
    args: &AnchorArgs,
    ledger: &Ledger,
    place: &Place<'_>,
) -> Result<Option<News>, Failure> {
    let Some(new_min) = args.how.when.new_min() else { return Ok(None) };
    let news = anchoring::news(ledger, place)?;
    if news.entries >= new_min {
        return Ok(None);
    }
    if news.anchored == 0 {
        return Ok(Some(news));
    }
    let held = match place.holder {
        Holder::Registry(key) => place.chain.registered(&key).await?,
        Holder::Own(contract) => place.chain.latest_anchor(contract).await?,
    };
    // The log's word is not enough: its block may have gone.
    Ok(held.filter(|(held, _)| *held == news.anchored).map(|_| news))
}

fn nothing_new(args: &AnchorArgs, news: News) -> Result<(), Failure> {
    let News { anchored, entries } = news;
    let new_min = args.how.when.new_min().unwrap_or_default();
    if args.send.json {
        return output::json(&json!({
            "event": "nothing_to_anchor",
            "anchored_size": anchored,
            "new_entries": entries.to_string(),
            "min_new": new_min.to_string(),
        }));
    }
    let new = output::count(entries, "entry", "entries");
    output::line(match (anchored, entries) {
        (0, _) => format!("nothing to anchor: {new}, and {new_min} were asked for"),
        (_, 0) => {
            format!(
                "nothing to anchor: size {anchored} is anchored, and only anchors came after it"
            )
        }
        _ => format!(
            "nothing to anchor: size {anchored} is anchored, {new} came after it, of {new_min}"
        ),
    });
    Ok(())
}

fn declare(ledger: &mut Ledger, body: DeclareAnchoring) -> Result<(), Failure> {
    let DeclareAnchoring { chain, contract, publisher } = body.clone();
    let index = ledger.size();
    ledger.declare_anchoring(body)?;
    output::tell(format_args!(
        "entry {index} declares: this log is anchored by {publisher}\n  in {contract} on {chain}"
    ));
    Ok(())
}

/// What anchoring the log as it stands would send.
fn plan(args: &AnchorArgs) -> Result<ExitCode, Failure> {
    let ledger = ledger::read(&args.send.data.data)?;
    let outbox: Outbox = outbox(&args.send)?;
    let signer = signer(&args.send.key)?;
    let size = ledger.size();
    let root = *root_at(ledger.store(), size).or_fail(Kind::Storage)?.as_bytes();
    runtime::single()?.block_on(async {
        let chain = connect(&args.send.chain, outbox).await?;
        let place = Place {
            chain: &chain,
            holder: holder(args, &chain, &ledger, &signer)?,
            signer: &signer,
        };
        let undeclared = undeclared(args, &ledger, &place)?;
        ready(args, &ledger, &place).await?;
        if let Some(news) = too_little(args, &ledger, &place).await? {
            nothing_new(args, news)?;
            return Ok(ExitCode::SUCCESS);
        }
        ledger.ensure_clock()?;
        let plans = match place.holder {
            Holder::Registry(key) => chain.plan_register(&signer, &key, size, root).await?,
            Holder::Own(contract) => {
                let origin = ledger.verifier()?.name().to_string();
                let publisher = signer.address();
                let log = AnchoredLog { origin: &origin, publisher, contract: Some(contract) };
                chain.plan_anchor(&log, size, root).await?
            }
        };
        if let Some(DeclareAnchoring { publisher, chain, .. }) =
            undeclared.filter(|_| !args.send.json)
        {
            output::line(format_args!(
                "would declare that {publisher}\n  anchors this log on {chain}"
            ));
        }
        if plans.is_empty() && !args.send.json {
            output::line(format_args!(
                "size {size} is anchored, or its transaction is in the journal"
            ));
        }
        show_plans(&chain, &plans, args.send.json)?;
        Ok(ExitCode::SUCCESS)
    })
}

fn report(
    args: &AnchorArgs,
    checkpoint: &SignedCheckpoint,
    recorded: &Recorded,
) -> Result<(), Failure> {
    let Recorded { body, receipt, reached, .. } = recorded;
    if args.send.json {
        output::json(&json!({
            "receipt": receipt,
            "anchor": body,
            "finality": reached.finality.to_string(),
            "depth": reached.depth.to_string(),
            "checkpoint": checkpoint.to_string(),
        }))?;
    } else {
        output::line(format_args!("anchored size {} on {}, {reached}", body.log_size, body.chain));
        output::line(format_args!("  root         {}", body.root));
        output::line(format_args!("  contract     {}", body.contract));
        if let Some(publisher) = &body.publisher {
            output::line(format_args!("  publisher    {publisher}"));
        }
        let transaction = body.transaction.as_deref().unwrap_or("another's: it was there already");
        output::line(format_args!("  transaction  {transaction}"));
        output::line(format_args!("  block        {} {}", body.block_number, body.block_hash));
        output::line(format_args!("  receipt      {receipt}"));
    }
    Ok(())
}
