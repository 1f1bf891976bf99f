//! What is remembered of a platform: that the library accepted everything about it but the
//! quote's own signature, and what it found.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use chaos_types::Digest;
use dcap_qvl::{
    QuoteClaims,
    quote::{AuthData, EnclaveReport, Report, TDReport10, TDReport15, TDReport15Ex},
};
use parity_scale_codec::Encode as _;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

use crate::{AnchorClass, Claims, Collateral, Quote, Refusal};

/// So many platforms are remembered; the oldest is forgotten first. One takes a few
/// kilobytes.
const PLATFORMS_MAX: usize = 4096;

/// Platforms by [`key`].
#[derive(Debug, Default)]
pub(super) struct Platforms {
    by_key: HashMap<Digest, Arc<Platform>>,
    oldest_first: VecDeque<Digest>,
}

/// What the library found about a platform, with the quote that it found it by.
#[derive(Debug)]
pub(super) struct Platform {
    class: AnchorClass,
    verified: QuoteClaims,
}

impl Platforms {
    /// The platform, if it is known and all of its dates hold at this time. The bounds are drawn
    /// tightly: at a boundary, and before the latest date of issue, the library decides.
    pub(super) fn get(&self, key: &Digest, at_s: u64) -> Option<Arc<Platform>> {
        let platform = self.by_key.get(key)?;
        let (from, until) =
            (platform.verified.latest_issue_date, platform.verified.earliest_expiration_date);
        (from <= at_s && at_s < until).then(|| Arc::clone(platform))
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn insert(&mut self, key: Digest, platform: Platform) {
        if self.by_key.insert(key, Arc::new(platform)).is_some() {
            return;
        }
        self.oldest_first.push_back(key);
        if self.oldest_first.len() > PLATFORMS_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.by_key.remove(&oldest);
        }
    }
}

impl Platform {
    pub(super) const fn new(class: AnchorClass, verified: QuoteClaims) -> Self {
        Self { class, verified }
    }

    /// Whether the quote is signed by its attestation key, which the key of the map binds to the
    /// platform.
    pub(super) fn signed(&self, quote: &Quote) -> bool {
        let (key, signature) = match &quote.parsed().auth_data {
            AuthData::V3(data) => (&data.ecdsa_attestation_key, &data.ecdsa_signature),
            AuthData::V4(data) => (&data.ecdsa_attestation_key, &data.ecdsa_signature),
        };
        let mut point = [0x04; 65];
        point[1..].copy_from_slice(key);
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(quote.signed(), signature)
            .is_ok()
    }

    /// The claims of another quote of the same platform.
    pub(super) fn claims(
        &self,
        quote: &Quote,
        collateral: &Collateral,
        at_s: u64,
    ) -> Result<Claims, Refusal> {
        Claims::of_report(
            quote,
            collateral,
            self.class,
            at_s,
            (&self.verified, &quote.parsed().report),
        )
    }
}

/// The digest of everything that the library looks at, except the quote's signature: collateral,
/// header, certificates, the quoting enclave's report and key, and of the report all but the
/// fields that it only copies.
pub(super) fn key(quote: &Quote, collateral: &Collateral) -> Digest {
    let parsed = quote.parsed();
    let auth = match parsed.auth_data.clone() {
        AuthData::V3(mut data) => {
            data.ecdsa_signature = [0; 64];
            AuthData::V3(data)
        }
        AuthData::V4(mut data) => {
            data.ecdsa_signature = [0; 64];
            AuthData::V4(data)
        }
    };
    Digest::of_parts(&[
        b"chaoschain/platform/v1",
        collateral.digest().as_bytes(),
        &parsed.header.encode(),
        &judged(&parsed.report),
        &auth.encode(),
    ])
}

/// The report with the fields set to zero that the library copies without a look: what the
/// environment holds and what it says. A field that is not named here is judged.
fn judged(report: &Report) -> Vec<u8> {
    match report {
        Report::SgxEnclave(report) => {
            let judged = EnclaveReport {
                mr_enclave: [0; 32],
                mr_signer: [0; 32],
                isv_prod_id: 0,
                isv_svn: 0,
                report_data: [0; 64],
                ..*report
            };
            (b"sgx", judged).encode()
        }
        Report::TD10(report) => (b"td1", judged_td10(report)).encode(),
        Report::TD15(report) => (b"td2", judged_td15(report)).encode(),
        Report::TD15Ex(report) => {
            let judged = TDReport15Ex {
                base: judged_td15(&report.base),
                td_id: [0; 32],
                dev_info: [0; 48],
                ..*report
            };
            (b"td3", judged).encode()
        }
    }
}

const fn judged_td15(report: &TDReport15) -> TDReport15 {
    TDReport15 { base: judged_td10(&report.base), ..*report }
}

const fn judged_td10(report: &TDReport10) -> TDReport10 {
    TDReport10 {
        mr_td: [0; 48],
        mr_config_id: [0; 48],
        mr_owner: [0; 48],
        mr_owner_config: [0; 48],
        rt_mr0: [0; 48],
        rt_mr1: [0; 48],
        rt_mr2: [0; 48],
        rt_mr3: [0; 48],
        report_data: [0; 64],
        ..*report
    }
}

#[cfg(test)]
mod tests;
