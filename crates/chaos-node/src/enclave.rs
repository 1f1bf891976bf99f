//! The environment that this process runs tasks in, and what it vouches for.
//!
//! A key is made here and a quote binds it for a period; receipts are signed with it beside the
//! agent's. On a development provider that shows the machinery and nothing about hardware, which the
//! class of the trust anchor says wherever the evidence goes.

use chaos_agency::{
    Evidence,
    receipt::{Attested, Execution, Period, Replay},
};
use chaos_attestation::{
    Provider, Quote, ReportData,
    provide::{
        Configfs, Development, TSM_ROOT,
        development::{Seed, Window},
    },
};
use chaos_sandbox::{Argument, Component, Inputs};
use chaos_types::{AgentKey, Did, Digest};

use crate::{
    args::ProviderKind,
    clock,
    exit::{Failure, Kind, OrFail as _},
    sandbox,
};
use chaos_ledger::Ledger;

/// The provider of a kind, at a second of Unix time.
pub(crate) fn provider(kind: ProviderKind, at_s: u64) -> Box<dyn Provider> {
    match kind {
        ProviderKind::Development => {
            Box::new(Development::new(&Seed::well_known(), Window::of_day(at_s)))
        }
        ProviderKind::Configfs => Box::new(Configfs::new(TSM_ROOT.into())),
    }
}

/// How long one quote covers a key, in seconds: six hours.
const PERIOD_S: u64 = 6 * 3600;

/// The attested key of this process.
pub(crate) struct Enclave {
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
    pub(crate) fn enter(
        provider: &dyn Provider,
        collateral: Option<Vec<u8>>,
        operator: &Did,
    ) -> Result<Self, Failure> {
        let key = clock::SYSTEM.random_key()?;
        let from_s = clock::now_ms() / 1000;
        let period = Period { from_s, until_s: from_s + PERIOD_S };
        let bound = ReportData::of_receipt_key(&key.did(), operator, period.from_s, period.until_s);
        let evidence = provider.quote(&bound).or_fail(Kind::Outside)?;
        let quote = Quote::parse(&evidence.quote).or_fail(Kind::Outside)?;
        let collateral = collateral.or(evidence.collateral).ok_or_else(|| {
            Failure::message(Kind::Input, format!("{} gives no collateral", provider.about()))
                .hint("name a file of collateral for this platform with --collateral")
        })?;
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
    pub(crate) const fn key(&self) -> &AgentKey {
        &self.key
    }

    /// What names the quote.
    pub(crate) const fn evidence_id(&self) -> Digest {
        self.evidence_id
    }

    /// The provider, for people.
    pub(crate) fn about(&self) -> &str {
        &self.about
    }

    /// The evidence that this environment ran something, with its documents kept in `ledger`.
    pub(crate) fn vouch(
        &self,
        ledger: &Ledger,
        execution: Execution,
        replay: Option<Replay>,
    ) -> Result<Evidence, Failure> {
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

/// Where simulations are run besides natively: as a component in the sandbox, vouched for.
pub(crate) struct Inside {
    enclave: Enclave,
    fee_market: Component,
}

impl Inside {
    /// A sandbox with the fee-market component, vouched for by `enclave`.
    pub(crate) fn new(enclave: Enclave) -> Result<Self, Failure> {
        let fee_market = sandbox::shared()?.compile(sandbox::FEE_MARKET).or_fail(Kind::Check)?;
        Ok(Self { enclave, fee_market })
    }

    /// The attested key and its quote.
    pub(crate) const fn enclave(&self) -> &Enclave {
        &self.enclave
    }

    /// Runs the simulation on its material; the result must be the native one's, byte for byte.
    pub(crate) fn simulate(&self, material: &[u8], native: &[u8]) -> Result<Execution, Failure> {
        simulate(&self.fee_market, material, native)
    }
}

/// Runs the fee-market component; its answer must be the native result, byte for byte.
pub(crate) fn simulate(
    component: &Component,
    material: &[u8],
    native: &[u8],
) -> Result<Execution, Failure> {
    let run = component
        .run(Argument::Simulate(material), &Inputs::default())
        .or_fail(Kind::Check)
        .map_err(|failure| failure.context("the simulation in the sandbox"))?;
    let execution = sandbox::execution(&run)?;
    if run.answer() == Some(native) {
        return Ok(execution);
    }
    Err(Failure::message(
        Kind::Check,
        format!(
            "the simulation gives {} in the sandbox and {} outside",
            execution.output,
            Digest::of(native)
        ),
    ))
}
