//! The environment that this process runs tasks in, and what it attests.
//!
//! A key is made here and a quote binds it for a period; receipts are signed with it beside the
//! agent's. On a development provider that shows the machinery and nothing about hardware, which the
//! class of the trust anchor says wherever the evidence goes.

use chaos_agency::{
    Evidence,
    receipt::{Attested, Execution, Period, Replay},
};
use chaos_attestation::{Provider, Quote, ReportData};
use chaos_ledger::{Ledger, System};
use chaos_sandbox::{Argument, Component, Inputs};
use chaos_types::{AgentKey, Did, Digest};

use crate::{Error, sandbox};

/// How long one quote covers a key, in seconds: six hours.
const PERIOD_S: u64 = 6 * 3600;

/// What a quote carries to bind a key that signs receipts for one log during one period: the tag
/// `chaoschain/receipt-key/v1`, the key, the log operator's key, and when the period begins and ends
/// as eight big-endian bytes each.
pub(crate) fn report_data(key: &Did, log: &Did, period: Period) -> ReportData {
    let (from_s, until_s) = (period.from_s.to_be_bytes(), period.until_s.to_be_bytes());
    let parts: [&[u8]; 4] = [key.as_bytes(), log.as_bytes(), &from_s, &until_s];
    ReportData::bind("chaoschain/receipt-key/v1", &parts)
}

/// The attested key of this process.
#[derive(Debug)]
pub struct Enclave {
    key: AgentKey,
    period: Period,
    evidence_id: Digest,
    quote: Vec<u8>,
    collateral: Vec<u8>,
    about: String,
}

impl Enclave {
    /// Makes a key and has it quoted for the log of `operator`. A provider without collateral at
    /// hand needs it given.
    ///
    /// # Errors
    /// If the provider gives no quote, or there is no collateral for it.
    pub fn quoted(
        provider: &dyn Provider,
        collateral: Option<Vec<u8>>,
        operator: &Did,
        system: System,
    ) -> Result<Self, Error> {
        let key = system.random_key()?;
        let from_s = system.now_s();
        let period = Period { from_s, until_s: from_s + PERIOD_S };
        let bound = report_data(&key.did(), operator, period);
        let evidence = provider.quote(&bound).map_err(Error::Quote)?;
        let quote = Quote::parse(&evidence.quote).map_err(Error::Quote)?;
        let collateral = collateral
            .or(evidence.collateral)
            .ok_or_else(|| Error::NoCollateral { about: provider.about() })?;
        Ok(Self {
            key,
            period,
            evidence_id: quote.id().digest(),
            quote: quote.bytes().to_vec(),
            collateral,
            about: provider.about(),
        })
    }

    /// The key that signs after the agent's.
    #[must_use]
    pub const fn key(&self) -> &AgentKey {
        &self.key
    }

    /// What names the quote.
    #[must_use]
    pub const fn evidence_id(&self) -> Digest {
        self.evidence_id
    }

    /// The provider, for people.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The evidence that this environment ran something, with its documents kept in `ledger`.
    ///
    /// # Errors
    /// If the store fails.
    pub fn evidence(
        &self,
        ledger: &Ledger,
        execution: Execution,
        replay: Option<Replay>,
    ) -> Result<Evidence, Error> {
        Ok(Evidence::Attested(Box::new(Attested {
            key: self.key.did(),
            period: self.period,
            evidence_id: self.evidence_id,
            quote: ledger.put_blob(&self.quote)?,
            collateral: ledger.put_blob(&self.collateral)?,
            execution,
            replay,
        })))
    }
}

/// Where simulations are run besides natively: as a component in the sandbox, attested.
#[derive(Debug)]
pub struct AttestedSandbox {
    enclave: Enclave,
    fee_market: Component,
}

impl AttestedSandbox {
    /// A sandbox with the fee-market component, whose runs `enclave` attests.
    ///
    /// # Errors
    /// If the sandbox cannot be made.
    pub fn new(enclave: Enclave) -> Result<Self, Error> {
        let fee_market =
            sandbox::shared()?.compile(sandbox::FEE_MARKET).map_err(Error::Component)?;
        Ok(Self { enclave, fee_market })
    }

    /// The attested key and its quote.
    #[must_use]
    pub const fn enclave(&self) -> &Enclave {
        &self.enclave
    }

    /// Runs the simulation on its material; the result must be the native one's, byte for byte.
    ///
    /// # Errors
    /// If the component does not answer, or answers anything else.
    pub fn simulate(&self, material: &[u8], native: &[u8]) -> Result<Execution, Error> {
        simulate(&self.fee_market, material, native)
    }
}

/// Runs the fee-market component; its answer must be the native result, byte for byte.
pub(crate) fn simulate(
    component: &Component,
    material: &[u8],
    native: &[u8],
) -> Result<Execution, Error> {
    let run = component
        .run(Argument::Simulate(material), &Inputs::default())
        .map_err(Error::SandboxRun)?;
    let execution = sandbox::execution(&run)?;
    if run.answer() == Some(native) {
        return Ok(execution);
    }
    Err(Error::SandboxDiffers { sandbox: execution.output, native: Digest::of(native) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_key_is_bound_in_the_documented_layout() {
        let (key, log) = (AgentKey::from_seed(&[1; 32]).did(), AgentKey::from_seed(&[2; 32]).did());
        let parts: [&[u8]; 4] =
            [key.as_bytes(), log.as_bytes(), &[0, 0, 0, 0, 0, 0, 0, 3], &[0, 0, 0, 0, 0, 0, 1, 4]];
        assert_eq!(
            report_data(&key, &log, Period { from_s: 3, until_s: 260 }),
            ReportData::bind("chaoschain/receipt-key/v1", &parts)
        );
    }
}
