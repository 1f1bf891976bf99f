//! Recorded quotes with collateral, each with the verdict that it must get. They are not part of
//! the repository; a test that needs them says that it skips and returns when they are absent.

use std::{fs, path::PathBuf};

use chaos_attestation::{Anchor, AnchorClass, Collateral, Policy, Quote};
use serde::Deserialize;

/// One entry of the index.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) id: String,
    quote: String,
    collateral: String,
    root: String,
    pub(crate) verify_at: u64,
    pub(crate) flags: Vec<String>,
    ignore_collateral_pck_chain: bool,
    pub(crate) expect: Expectation,
    #[serde(rename = "note")]
    _note: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    pub(crate) ok: bool,
    pub(crate) status: Option<String>,
    pub(crate) advisories: Option<Vec<String>>,
    pub(crate) error_contains: Option<String>,
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/attestation"))
}

/// The index, or none where the data is absent.
pub(crate) fn vectors() -> Option<Vec<Vector>> {
    let Ok(index) = fs::read(folder().join("vectors.json")) else {
        eprintln!("skipped: no recorded quotes beside the repository");
        return None;
    };
    Some(serde_json::from_slice(&index).unwrap())
}

pub(crate) fn file(path: &str) -> Vec<u8> {
    fs::read(folder().join(path)).unwrap()
}

impl Vector {
    pub(crate) fn quote_bytes(&self) -> Vec<u8> {
        file(&self.quote)
    }

    pub(crate) fn quote(&self) -> Quote {
        Quote::parse(&self.quote_bytes()).unwrap()
    }

    /// The collateral as recorded. That the chain beside the quote does not count is the way of
    /// the crate, so the index's flag for it needs nothing.
    pub(crate) fn collateral(&self) -> Collateral {
        let _ = self.ignore_collateral_pck_chain;
        Collateral::parse(&self.collateral_bytes()).unwrap()
    }

    pub(crate) fn collateral_bytes(&self) -> Vec<u8> {
        file(&self.collateral)
    }

    pub(crate) fn anchor(&self) -> Anchor {
        Anchor::from_root(&file(&self.root)).unwrap()
    }

    /// The vector's flags as a policy that accepts whatever no flag is about.
    pub(crate) fn policy(&self) -> Policy {
        Policy::parse(&self.policy_toml()).unwrap()
    }

    pub(crate) fn policy_toml(&self) -> String {
        let allowed = |flag: &str| self.flags.iter().any(|name| name == flag);
        let class = match self.anchor().class() {
            AnchorClass::IntelProduction => "production",
            AnchorClass::Development => "development",
        };
        let debug = if allowed("allow_debug") { "accept" } else { "refuse" };
        let service_tds = if allowed("allow_service_td") {
            let claims = chaos_attestation::verify(
                &self.quote(),
                &self.collateral(),
                &[self.anchor()],
                self.verify_at,
            );
            service_td_hashes(&claims.unwrap())
        } else {
            Vec::new()
        };
        format!(
            "version = 1\nclass = \"{class}\"\ntee_types = [\"tdx\", \"sgx\"]\n\
             [tcb]\nstatuses = {STATUSES}\ngrace_days = 0\nrefused_advisories = []\n\
             evaluation_number_min = 0\n\
             [platform]\nsmt = \"accept\"\ndynamic_platform = \"accept\"\ncached_keys = \"accept\"\n\
             [environment]\ndebug = \"{debug}\"\nservice_tds = {service_tds:?}\n\
             [collateral]\nage_days_max = 3653\nroot_crl_age_days_max = 3653\n\
             spread_days_max = 3653\n\
             [workloads]\naccept = \"any\"\n"
        )
    }
}

const STATUSES: &str = "[\"UpToDate\", \"SWHardeningNeeded\", \"ConfigurationNeeded\", \
     \"ConfigurationAndSWHardeningNeeded\", \"OutOfDate\", \"OutOfDateConfigurationNeeded\", \
     \"TDRelaunchAdvised\", \"TDRelaunchAdvisedConfigurationNeeded\"]";

/// The flag allows service TDs at large; the policy lists the one that is there.
fn service_td_hashes(claims: &chaos_attestation::Claims) -> Vec<String> {
    let json = serde_json::to_value(claims).unwrap();
    vec![json["measurements"]["tdx"]["tdx_mrservicetd"].as_str().unwrap().to_owned()]
}
