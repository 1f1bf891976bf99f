//! The sandbox as this program uses it: one configuration, compiled code kept in the data directory.

use std::{path::Path, sync::OnceLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_agency::receipt::Execution;
use chaos_sandbox::{Answer, Configuration, Outcome, Run, Sandbox, Step};
use chaos_types::{Digest, canonical};
use serde_json::json;

use crate::exit::{Failure, Kind, OrFail as _};

/// The fee-market simulation as a component.
pub(crate) const FEE_MARKET: &[u8] = include_bytes!("../../../guests/artifacts/fee-market.wasm");

/// The sandbox of this process; what it compiled once stays compiled.
pub(crate) fn shared() -> Result<&'static Sandbox, Failure> {
    static SHARED: OnceLock<Sandbox> = OnceLock::new();
    if let Some(sandbox) = SHARED.get() {
        return Ok(sandbox);
    }
    let sandbox = Sandbox::new(Configuration::default()).or_fail(Kind::Check)?;
    Ok(SHARED.get_or_init(|| sandbox))
}

/// A sandbox that keeps what it compiled in a folder below `data`.
pub(crate) fn open(data: &Path) -> Result<Sandbox, Failure> {
    // The engine takes absolute paths only.
    let folder = std::path::absolute(data.join("compiled")).or_fail(Kind::Storage)?;
    Sandbox::with_cache(Configuration::default(), &folder).or_fail(Kind::Storage)
}

/// The bytes that a run's receipt calls its output: the answer, a strategy's step as a canonical JSON
/// document of its two parts in base64, or where there is no answer the record that says how the run
/// ended.
pub(crate) fn output(run: &Run) -> Result<Vec<u8>, Failure> {
    match &run.outcome {
        Outcome::Answer(Answer::Bytes(bytes)) => Ok(bytes.clone()),
        Outcome::Answer(Answer::Step(Step { state, intents })) => canonical::to_vec(
            &json!({ "state": STANDARD.encode(state), "intents": STANDARD.encode(intents) }),
        )
        .or_fail(Kind::Check),
        Outcome::Failure(_) | Outcome::Trap(_) | Outcome::Malformed(_) => {
            canonical::to_vec(&run.record()).or_fail(Kind::Check)
        }
    }
}

/// Whether the task answered.
pub(crate) const fn answered(run: &Run) -> bool {
    match &run.outcome {
        Outcome::Answer(_) => true,
        Outcome::Failure(_) | Outcome::Trap(_) | Outcome::Malformed(_) => false,
    }
}

/// A run as receipts state it.
pub(crate) fn execution(run: &Run) -> Result<Execution, Failure> {
    Ok(Execution {
        code: run.code.clone(),
        world: run.world.to_string(),
        input: run.argument,
        output: Digest::of(&output(run)?),
        fuel: run.fuel,
        transcript: run.transcript.head(),
    })
}
