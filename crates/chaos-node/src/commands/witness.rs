//! `chaoschain witness`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use chaos_api::{Limits, WitnessIncident, serve, witness_routes};
use chaos_files::Turn;
use chaos_ledger::{Error, Keys};
use chaos_log::WitnessKey;
use chaos_witness::{OpenError, Witness, WitnessError, twin};
use serde_json::json;

use crate::{
    args::WitnessArgs,
    clock,
    commands::policy::LogPolicy,
    exit::{Failure, Kind, OrFail as _},
    folders::{Making, ensure_home},
    ledger, output,
    runtime::{self, Stop},
};

/// The witness's key file.
const KEY: &str = "witness";

pub(crate) fn run(args: &WitnessArgs) -> Result<ExitCode, Failure> {
    ensure_home(Making::Witness, &args.folder)?;
    let known = LogPolicy::read(&args.log_policy)?.into_rule();
    let key = key(args)?;
    let verifier = key.verifier().clone();
    let memory = ledger::memory(&args.folder)?;
    let twin = |file: &Path| twin(file, &args.folder, &memory, &verifier);
    let opened = Witness::open(&args.folder, key, &known).and_then(|witness| {
        if args.only_copy { witness.as_only_copy(&memory) } else { witness.remembering(&memory) }
    });
    let mut witness = opened.map_err(|error| unopened(error, twin))?;
    witness.ensure_intact().map_err(|error| damaged(error, twin))?;
    if args.accept_clock {
        witness = witness.accepting_clock(clock::now_s()).or_fail(Kind::Storage)?;
    }
    for notice in witness.notices().or_fail(Kind::Storage)? {
        output::say(&notice);
    }
    let verifier = witness.verifier().to_string();
    let logs: Vec<String> = witness.origins().map(str::to_owned).collect();
    let routes = witness_routes(Arc::new(witness), clock::now_s, Arc::new(tell));
    let runtime = runtime::server()?;
    runtime.block_on(async {
        let stop = Stop::new()?;
        let (listener, address) = runtime::listen(args.listen).await?;
        output::ready(&json!({
            "event": "ready", "url": format!("http://{address}"), "witness": verifier, "logs": logs,
        }))?;
        serve(listener, routes, Limits::default(), stop.asked()).await;
        Ok::<(), Failure>(())
    })?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(ExitCode::SUCCESS)
}

/// The witness's key. It is made where nothing is remembered by another one.
fn key(args: &WitnessArgs) -> Result<WitnessKey, Failure> {
    let folder = &args.folder;
    let password = ledger::password()?;
    let keys = Keys::new(folder, Some(&password), clock::SYSTEM);
    // Of two that begin at once, one makes it.
    let _turn = fs::create_dir_all(folder)
        .and_then(|()| Turn::in_folder(folder))
        .with_context(|| format!("cannot use the witness's folder {}", folder.display()))
        .or_fail(Kind::Storage)?;
    let file = folder.join("keys").join(format!("{KEY}.pem"));
    let backup = format!(
        "the key is kept nowhere else: put a backup of {} back. Where there is none, this witness cosigns no more; \
         another one has a folder of its own, and logs take its line into their policies",
        file.display()
    );
    let remembers = folder.join("witness").is_file() || folder.join("logs").is_dir();
    if remembers && !keys.has(KEY)? {
        let reason = format!(
            "the key of the witness whose memory `{}` is, {}, is missing",
            folder.display(),
            file.display()
        );
        return Err(Failure::message(Kind::Storage, reason).hint(backup));
    }
    let key = keys.open_or_create(KEY).map_err(|error| match error {
        error @ Error::OpenKey { .. } => Failure::from(error).hint(format!(
            "the password comes from {}. If it is the one that the key was made with, the file is damaged, and {backup}",
            ledger::PASSWORD_VARIABLE
        )),
        error @ Error::ReadKey { .. } => Failure::from(error).hint(backup),
        error => error.into(),
    })?;
    Ok(WitnessKey::from_seed(args.name.clone(), &key.as_signing_key().to_bytes()))
}

/// What to do about a folder that does not open.
fn unopened(error: OpenError, twin: impl Fn(&Path) -> Option<PathBuf>) -> Failure {
    let (OpenError::Keys(unread) | OpenError::Checkpoint(unread)) = &error else {
        return error.into();
    };
    match way_back(unread, twin) {
        Some(hint) => Failure::from(error).hint(hint),
        None => error.into(),
    }
}

/// What to do about a memory that is not what this witness cosigned.
fn damaged(error: WitnessError, twin: impl Fn(&Path) -> Option<PathBuf>) -> Failure {
    let hint = way_back(&error, twin);
    let failure = Failure::new(Kind::Storage, error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The way back from the memory that is intact.
fn way_back(error: &WitnessError, twin: impl Fn(&Path) -> Option<PathBuf>) -> Option<String> {
    if let WitnessError::Divided { .. } = error {
        return Some(
            "this witness has cosigned both, which none ever should: cosign nothing more with this key before you \
             know how that came; the log's mirrors show whether the log forked"
                .to_owned(),
        );
    }
    let other = twin(error.memory()?)?;
    let (is_keys, is_there) = (matches!(error, WitnessError::Keys { .. }), other.exists());
    let other = other.display();
    Some(match (is_keys, is_there) {
        (false, true) => format!(
            "what was cosigned last is kept twice, the other time in `{other}`. Where nothing newer was cosigned \
             than that one says, which the log's mirrors show, put a copy of it in the place of the other"
        ),
        (true, true) => format!(
            "by which keys heads were cosigned is kept twice, the other time in `{other}`. Where no head by a newer \
             key was cosigned than the last that it names, which the log's mirrors show, put a copy of it in the \
             place of the other"
        ),
        (false, false) => format!(
            "the other place, `{other}`, has none: put the longest checkpoint with this witness's cosignature that \
             the log's mirrors have in the place of the damaged one"
        ),
        (true, false) => format!(
            "the other place, `{other}`, has none: without this file the key that signed the last checkpoint counts \
             as the newest one. Where that is so, move the file away"
        ),
    })
}

fn tell(incident: &WitnessIncident) {
    output::say(incident);
}
