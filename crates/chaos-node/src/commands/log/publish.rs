//! `chaoschain log serve` and `chaoschain log export`.

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use chaos_api::{
    Comparison, Disclosure, Incident, Limits, Publication, Published, routes, serve as serve_routes,
};
use chaos_ledger::{Error, Heads, holds_key};
use chaos_log::SignedCheckpoint;
use chaos_store::{OpenError, Records as _, Store, holds_database};
use serde_json::json;

use crate::{
    args::{DisclosureArgs, LogExportArgs, LogServeArgs},
    exit::{Failure, Kind},
    kinds::KINDS,
    ledger, output,
    runtime::{self, Stop},
};

pub(super) fn serve(args: &LogServeArgs) -> Result<ExitCode, Failure> {
    ensure_publishable(&args.data.data)?;
    let publication = publication(&args.data.data, disclosure(&args.disclosure)?)?;
    let key = publication.key.clone();
    let published = Published::open(&args.data.data, publication)?;
    let head = published.head()?;
    let routes = routes(Arc::new(published), Arc::new(tell));
    let runtime = runtime::server()?;
    runtime.block_on(async {
        let stop = Stop::new()?;
        let (listener, address) = runtime::listen(args.listen).await?;
        output::ready(&json!({
            "event": "ready",
            "url": format!("http://{address}"),
            "log": key.to_string(),
            "size": head.map(|head| head.claimed().size()),
        }))?;
        serve_routes(listener, routes, Limits::default(), stop.asked()).await;
        Ok::<(), Failure>(())
    })?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn export(args: &LogExportArgs) -> Result<ExitCode, Failure> {
    ensure_publishable(&args.data.data)?;
    let publication = publication(&args.data.data, disclosure(&args.disclosure)?)?;
    let key = publication.key.clone();
    let published = Published::open(&args.data.data, publication)?;
    let comparison = if args.check { Comparison::Bytes } else { Comparison::Lengths };
    let done = chaos_api::export(&published, &key, &args.folder, comparison)?;
    if args.json {
        output::json(&json!({
            "log": key.to_string(),
            "old_size": done.old_size,
            "size": done.size,
            "files": done.written,
            "files_mended": done.mended,
            "files_unread": done.unread,
            "blobs_absent": done.blobs_absent,
            "blobs_left": done.blobs_left,
        }))?;
    } else {
        let (entries, files) = (
            output::count(done.size, "entry", "entries"),
            output::count(done.written, "file", "files"),
        );
        let folder = args.folder.display();
        output::sentence(format_args!("{folder}: the log of {entries}; {files} written"));
        if done.unread > 0 {
            let files = output::count(done.unread, "file", "files");
            output::sentence(format_args!(
                "{files} of earlier exports not read; --check compares them"
            ));
        }
        if done.mended > 0 {
            let files = output::count(done.mended, "file", "files");
            let were = if done.mended == 1 { "was" } else { "were" };
            output::say(format_args!(
                "{files} of an earlier export {were} missing or not the log's: whoever read the folder meanwhile \
                 could not follow it"
            ));
        }
        output::say(format_args!("verifier key: {key}"));
    }
    if done.blobs_left > 0 {
        let blobs = output::count(done.blobs_left, "blob", "blobs");
        output::say(format_args!(
            "{blobs} in {} are of an earlier export and not published any more, by --blobs or by a newer \
             receipt. Nothing is removed; whoever removes them cannot know who has read them",
            args.folder.join("blob").display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(incident: &Incident) {
    output::say(incident);
}

/// A data directory that is about to be published: what an earlier version left is brought up, and an old
/// copy of a log whose key lies there is refused, since everybody would take its head for a rollback.
fn ensure_publishable(dir: &Path) -> Result<(), Failure> {
    if !holds_database(dir) {
        return Err(Error::NoData { dir: dir.to_owned() }.into());
    }
    let store = match Store::read(dir) {
        Err(source @ OpenError::OldSchema { .. }) => {
            ledger::bring_up(dir, Error::Open { dir: dir.to_owned(), source })?;
            Store::read(dir)
        }
        opened => opened,
    };
    let store = store.map_err(|source| Error::Open { dir: dir.to_owned(), source })?;
    match ledger::remembered(dir)?.filter(|_| holds_key(dir)) {
        Some(heads) => match heads.ensure_continued(&store, dir) {
            Ok(()) => tell_withheld(&heads, &store, dir),
            Err(found) => ensure_retired(&heads, dir, found),
        },
        None => Ok(()),
    }
}

/// The remembered head that the directory does not go on from is a retired key's, so that what is here is published as
/// where nothing is remembered. Otherwise `found` says what it is.
fn ensure_retired(heads: &Heads, dir: &Path, found: Error) -> Result<(), Failure> {
    let judged = ledger::read(dir).ok().and_then(|ledger| ledger.retired_head(heads).ok());
    let Some(head) = judged.flatten() else { return Err(found.into()) };
    output::say(format_args!(
        "{head}; it does not count here, and `chaoschain log resume` says what was signed last"
    ));
    Ok(())
}

/// A head that was signed here and is not the published one: it waits for its witnesses, or somebody
/// took it out of the database.
fn tell_withheld(heads: &Heads, store: &Store, dir: &Path) -> Result<(), Failure> {
    let size = |signed: Option<SignedCheckpoint>| signed.map_or(0, |s| s.claimed().size());
    let signed = size(heads.newest(&chaos_ledger::log_verifier(store, dir)?)?);
    let published = size(store.checkpoint().map_err(Error::from)?);
    if published < signed {
        output::say(format_args!(
            "what is published ends with entry {published}, a head of {signed} entries was signed on this \
             machine; `chaoschain log checkpoint` publishes what is signed"
        ));
    }
    Ok(())
}

/// What of a data directory is published. Nothing is written to it, whosoever it is.
pub(super) fn publication(dir: &Path, disclosure: Disclosure) -> Result<Publication, Failure> {
    let store = Store::read_live(dir).map_err(|error| {
        let is_older = matches!(error, OpenError::OldSchema { .. });
        let failure = Failure::new(Kind::Storage, error);
        if is_older {
            let dir = dir.display();
            return failure.hint(format!(
                "`chaoschain log rebuild --data {dir}` brings it up, by whoever may write to it"
            ));
        }
        failure
    })?;
    let key = chaos_ledger::log_verifier(&store, dir)?;
    Ok(Publication { key, kinds: KINDS, disclosure })
}

/// The kinds whose blobs are published, as the command line has them.
fn disclosure(args: &DisclosureArgs) -> Result<Disclosure, Failure> {
    let known = KINDS.capabilities();
    match args.blobs.as_slice() {
        [] => Ok(Disclosure::by_default(&KINDS)),
        [none] if none == "none" => Ok(Disclosure::default()),
        kinds => match kinds.iter().find(|kind| !known.contains(&kind.as_str())) {
            Some(kind) => Err(Failure::message(
                Kind::Input,
                format!("--blobs: no kind of receipt is called `{kind}`"),
            )
            .hint(format!("the kinds are {}", known.join(", ")))),
            None => Ok(kinds.iter().cloned().collect()),
        },
    }
}
