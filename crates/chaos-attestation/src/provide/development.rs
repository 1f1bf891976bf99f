//! Quotes of a simulated TDX machine under a PKI of our own.
//!
//! They have the bytes of real ones (version 4 and 5, TD 1.0 and TD 1.5 bodies) and are verified by
//! the same code; only the root differs, and with it the class of the anchor: *development*.
//! Everything derives from a [`Seed`], by deterministic signatures and explicit dates, so that
//! processes that share a seed agree on every byte. What a simulated machine says is what it was
//! told to say: such a quote shows that the machinery works, and nothing about hardware.

use std::{fmt, sync::Arc};

use crate::{Anchor, Evidence, Provider, Refusal, ReportData, WorkloadId};

mod collateral;
mod pki;
mod quote;
mod scenario;
mod seed;

pub use scenario::{Fault, Identity, Scenario, Shape, Window};
pub use seed::Seed;

/// The platform family of every development platform, ASCII: no Intel platform has it.
pub(crate) const FMSPC: [u8; 6] = *b"CHAOS0";

const PCE_ID: [u8; 2] = [0, 0];

/// A simulated TDX machine.
///
/// Making one takes nine signatures, a quote one. Nothing in it is random: the same seed, scenario
/// and report data give the same bytes.
#[derive(Clone)]
pub struct Development(Arc<Machine>);

struct Machine {
    scenario: Scenario,
    anchor: Anchor,
    collateral: Vec<u8>,
    quoting_enclave: quote::QuotingEnclave,
}

impl Development {
    /// The demonstration TD in version 4 quotes, with collateral of `window`.
    #[must_use]
    pub fn new(seed: &Seed, window: Window) -> Self {
        Self::simulating(seed, Scenario::new(window))
    }

    /// Any scenario.
    #[must_use]
    pub fn simulating(seed: &Seed, scenario: Scenario) -> Self {
        let pki = pki::Pki::new(seed, &scenario).expect("P-256 signing of fixed templates");
        let collateral = collateral::collateral(seed, &scenario, &pki);
        let collateral = serde_json::to_vec(&collateral).expect("texts and bytes write as JSON");
        let quoting_enclave = quote::QuotingEnclave::new(seed, &scenario, &pki);
        let anchor = Anchor::from_root(&pki.root_der).expect("a short certificate");
        Self(Arc::new(Machine { scenario, anchor, collateral, quoting_enclave }))
    }

    /// The root certificate, DER. It depends on the seed only.
    #[must_use]
    pub fn root_der(&self) -> &[u8] {
        self.0.anchor.root_der()
    }

    /// The root as a trust anchor, of the development class.
    #[must_use]
    pub fn anchor(&self) -> Anchor {
        self.0.anchor.clone()
    }

    /// Collateral for the quotes, `QuoteCollateralV3` JSON.
    #[must_use]
    pub fn collateral(&self) -> &[u8] {
        &self.0.collateral
    }

    /// The id of the workload that the quotes name.
    #[must_use]
    pub fn workload(&self) -> WorkloadId {
        WorkloadId::of_report(&quote::report(&self.0.scenario, &[0; 64]))
    }

    /// What is simulated.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.0.scenario
    }
}

impl Provider for Development {
    fn quote(&self, report_data: &ReportData) -> Result<Evidence, Refusal> {
        let Machine { scenario, collateral, quoting_enclave, .. } = &*self.0;
        Ok(Evidence {
            quote: quoting_enclave.quote(scenario, report_data.as_bytes()),
            collateral: Some(collateral.clone()),
            event_log: scenario.identity.event_log.clone(),
        })
    }

    fn about(&self) -> String {
        let shape = match self.0.scenario.shape {
            Shape::V4 => "TDX v4",
            Shape::V5Td10 => "TDX v5 with a TD 1.0 body",
            Shape::V5Td15 => "TDX v5 with a TD 1.5 body",
        };
        format!("development {shape}: simulated, proves nothing about hardware")
    }
}

impl fmt::Debug for Development {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Development").field("scenario", &self.0.scenario).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
