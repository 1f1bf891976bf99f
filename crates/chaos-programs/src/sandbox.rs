//! The sandbox as the programs use it: one configuration, compiled code kept in memory alone.

use std::sync::OnceLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_agency::receipt::Execution;
use chaos_sandbox::{Answer, Configuration, ENGINE, INTERFACE, Outcome, Run, Sandbox, Step};
use chaos_types::{CodeIdentity, Digest, canonical};
use serde_json::json;

use crate::Error;

/// The fee-market simulation as a component.
pub(crate) const FEE_MARKET: &[u8] = include_bytes!("../../../guests/artifacts/fee-market.wasm");

/// Components of the fee-market simulation that earlier builds of this release ran: a receipt names the
/// one that it was made with, and that one is run again.
const FORMER_FEE_MARKETS: [&[u8]; 4] = [
    include_bytes!("../../../guests/artifacts/former/fee-market-008180f0.wasm"),
    include_bytes!("../../../guests/artifacts/former/fee-market-aa6ef4e5.wasm"),
    include_bytes!("../../../guests/artifacts/former/fee-market-c2608827.wasm"),
    include_bytes!("../../../guests/artifacts/former/fee-market-af6c5271.wasm"),
];

/// The fee-market component of this SHA-256, if this release holds it.
pub(crate) fn fee_market(component: &Digest) -> Option<&'static [u8]> {
    let known = std::iter::once(FEE_MARKET).chain(FORMER_FEE_MARKETS);
    known.into_iter().find(|bytes| Digest::of(bytes) == *component)
}

/// What names these bytes as code that the shared sandbox runs, without compiling them.
///
/// # Errors
/// Never for the default configuration.
pub(crate) fn code_of(component: &[u8]) -> Result<CodeIdentity, Error> {
    Ok(CodeIdentity {
        component: Digest::of(component),
        engine: ENGINE.to_owned(),
        configuration: Configuration::default().digest()?,
        interface: INTERFACE.to_owned(),
    })
}

/// The sandbox of this process; what it compiled once stays compiled.
///
/// # Errors
/// If the engine cannot be made on this machine.
pub fn shared() -> Result<&'static Sandbox, Error> {
    static SHARED: OnceLock<Sandbox> = OnceLock::new();
    if let Some(sandbox) = SHARED.get() {
        return Ok(sandbox);
    }
    let sandbox = Sandbox::new(Configuration::default()).map_err(Error::Sandbox)?;
    Ok(SHARED.get_or_init(|| sandbox))
}

/// The bytes that a run's receipt calls its output: the answer, a strategy's step as a canonical JSON
/// document of its two parts in base64, or where there is no answer the record that says how the run
/// ended.
///
/// # Errors
/// If the output has no canonical form.
pub fn output(run: &Run) -> Result<Vec<u8>, Error> {
    match &run.outcome {
        Outcome::Answer(Answer::Bytes(bytes)) => Ok(bytes.clone()),
        Outcome::Answer(Answer::Step(Step { state, intents })) => Ok(canonical::to_vec(
            &json!({ "state": STANDARD.encode(state), "intents": STANDARD.encode(intents) }),
        )?),
        Outcome::Failure(_) | Outcome::Trap(_) | Outcome::Malformed(_) => {
            Ok(canonical::to_vec(&run.record())?)
        }
    }
}

/// Whether the task answered.
#[must_use]
pub const fn answered(run: &Run) -> bool {
    match &run.outcome {
        Outcome::Answer(_) => true,
        Outcome::Failure(_) | Outcome::Trap(_) | Outcome::Malformed(_) => false,
    }
}

/// A run as receipts state it.
///
/// # Errors
/// As [`output`].
pub fn execution(run: &Run) -> Result<Execution, Error> {
    Ok(Execution {
        code: run.code.clone(),
        world: run.world.to_string(),
        input: run.argument,
        output: Digest::of(&output(run)?),
        fuel: run.fuel,
        transcript: run.transcript.head(),
    })
}
