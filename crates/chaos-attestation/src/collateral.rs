//! Collateral: what Intel, or a development root, publishes about platforms.

mod dates;

pub(crate) use dates::rfc3339_s;

use chaos_types::Digest;
use dcap_qvl::QuoteCollateralV3;
use serde::{Deserialize, Serialize};

use crate::{ReasonCode, Refusal};

/// Collateral is at most this long, in bytes of JSON.
pub const COLLATERAL_BYTES_MAX: usize = 512 << 10;

/// The collateral of one kind of platform: TCB information, the quoting enclave's identity, two
/// revocation lists and the certificates that sign them, in the JSON form of Intel's
/// `sgx_ql_qve_collateral_t`, version 3.
///
/// Parsing shows its shape only: nothing in it is to be believed before [`crate::verify()`].
#[derive(Debug, Clone)]
pub struct Collateral {
    digest: Digest,
    dates: Dates,
    whole: QuoteCollateralV3,
    without_chain: Option<Box<QuoteCollateralV3>>,
}

/// When each dated part of the collateral was issued and when the next issue is due, in Unix
/// seconds. Certificates have dates of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    /// TCB information.
    pub tcb_info: Window,
    /// The quoting enclave's identity.
    pub qe_identity: Window,
    /// The revocation list of the platform certificates.
    pub pck_crl: Window,
    /// The revocation list of the root.
    pub root_ca_crl: Window,
}

/// From when until when something is the latest word, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Issued at.
    pub issued_at_s: u64,
    /// The next issue is due at.
    pub next_update_s: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dated {
    issue_date: String,
    next_update: String,
}

impl Collateral {
    /// Parses `QuoteCollateralV3` JSON.
    ///
    /// # Errors
    /// [`ReasonCode::CollateralTooLarge`] before anything is read, or
    /// [`ReasonCode::CollateralMalformed`].
    pub fn parse(json: &[u8]) -> Result<Self, Refusal> {
        if json.len() > COLLATERAL_BYTES_MAX {
            return Err(Refusal::new(
                ReasonCode::CollateralTooLarge,
                format!("{} bytes, the limit is {COLLATERAL_BYTES_MAX}", json.len()),
            ));
        }
        let whole: QuoteCollateralV3 = serde_json::from_slice(json)
            .map_err(|error| malformed(format!("not collateral: {error}")))?;
        let dates = Dates {
            tcb_info: dated("TCB information", &whole.tcb_info)?,
            qe_identity: dated("the QE identity", &whole.qe_identity)?,
            pck_crl: listed("the PCK CRL", &whole.pck_crl)?,
            root_ca_crl: listed("the root CA CRL", &whole.root_ca_crl)?,
        };
        let without_chain = whole
            .pck_certificate_chain
            .is_some()
            .then(|| Box::new(QuoteCollateralV3 { pck_certificate_chain: None, ..whole.clone() }));
        Ok(Self { digest: Digest::of(json), dates, whole, without_chain })
    }

    /// What names it: SHA-256 of the JSON bytes.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The dates that it states. Unverified.
    #[must_use]
    pub const fn dates(&self) -> &Dates {
        &self.dates
    }

    /// The form for a quote that brings its own certificate chain, or for one that does not. A
    /// chain beside the quote would take the place of the one inside, and so leave thousands of
    /// bytes of the quote unread.
    pub(crate) fn for_quote(&self, brings_chain: bool) -> &QuoteCollateralV3 {
        self.without_chain.as_deref().filter(|_| brings_chain).unwrap_or(&self.whole)
    }
}

fn malformed(detail: String) -> Refusal {
    Refusal::new(ReasonCode::CollateralMalformed, detail)
}

fn dated(what: &str, json: &str) -> Result<Window, Refusal> {
    let dated: Dated = serde_json::from_str(json)
        .map_err(|error| malformed(format!("{what} is not a dated document: {error}")))?;
    let seconds = |name: &str, text: &str| {
        dates::rfc3339_s(text).ok_or_else(|| {
            malformed(format!("{name} of {what}: expected a UTC date and time, found `{text}`"))
        })
    };
    Ok(Window {
        issued_at_s: seconds("issueDate", &dated.issue_date)?,
        next_update_s: seconds("nextUpdate", &dated.next_update)?,
    })
}

fn listed(what: &str, der: &[u8]) -> Result<Window, Refusal> {
    dates::crl_window(der)
        .ok_or_else(|| malformed(format!("{what} is not a revocation list with two dates")))
}

#[cfg(test)]
mod tests;
