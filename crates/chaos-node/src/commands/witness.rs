//! `chaoschain witness`.

use std::{process::ExitCode, sync::Arc, time::Duration};

use chaos_api::{Limits, WitnessIncident, serve, witness_routes};
use chaos_ledger::Keys;
use chaos_log::WitnessKey;
use chaos_witness::Witness;
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

/// What to do about one of the two memories.
const KEPT_TWICE: &str = "what was cosigned last is kept twice: in `logs` of the witness's folder, and beside the memory of \
                          signed heads (CHAOSCHAIN_HEADS) in `witness-…`, under the SHA-256 of the log's name. Where nothing \
                          newer was cosigned than the intact one says, which the log's mirrors show, put a copy of it in \
                          the place of the other";

pub(crate) fn run(args: &WitnessArgs) -> Result<ExitCode, Failure> {
    ensure_home(Making::Witness, &args.folder)?;
    let known = LogPolicy::read(&args.log_policy)?.into_rule();
    let password = ledger::password()?;
    let key = Keys::new(&args.folder, Some(&password), clock::SYSTEM).open_or_create(KEY)?;
    let key = WitnessKey::from_seed(args.name.clone(), &key.as_signing_key().to_bytes());
    let memory = ledger::memory(&args.folder)?;
    let witness = Witness::open(&args.folder, key, &known)?;
    let mut witness = if args.only_copy {
        witness.as_only_copy(&memory)?
    } else {
        witness.remembering(&memory)?
    };
    witness.ensure_intact().or_fail(Kind::Storage).map_err(|failure| failure.hint(KEPT_TWICE))?;
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

fn tell(incident: &WitnessIncident) {
    output::say(incident);
}
