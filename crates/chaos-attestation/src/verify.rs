//! Is it genuine? The signatures, chains, dates and levels of a quote and its collateral.

mod reason;

use dcap_qvl::{QuoteClaims, QuotePolicy, verify::QuoteVerifier};

use crate::{Anchor, Claims, Collateral, Quote, ReasonCode, Refusal};

/// The certification data that holds the whole chain of the platform's certificate.
const PCK_CERTIFICATE_CHAIN: u16 = 5;

/// Verifies a quote against collateral at a time, and says what it claims.
///
/// The work is done by `dcap-qvl`, in the order of Intel's own library: revocation list of the
/// root, TCB information, the quoting enclave's identity, the platform's certificates, the
/// quoting enclave's report, the quote's signature, the levels, the attributes. Revoked platforms,
/// migratable trust domains, reserved attribute bits and trust domains without `SEPT_VE_DISABLE`
/// are refused here, whatever the policy. Debugging and service TDs are claims: the policy judges
/// them.
///
/// The quote's own certificate chain is used wherever it has one; a chain beside it in the
/// collateral counts only for a quote without.
///
/// # Errors
/// [`ReasonCode::AnchorUnknown`] if the collateral's root key is none of `anchors`, else the code
/// of the first check that failed.
pub fn verify(
    quote: &Quote,
    collateral: &Collateral,
    anchors: &[Anchor],
    at_s: u64,
) -> Result<Claims, Refusal> {
    let (anchor, verified) = verify_with_library(quote, collateral, anchors, at_s)?;
    Claims::new(quote, collateral, anchor.class(), at_s, &verified)
}

/// The anchor that the evidence leads to, and what the library found.
pub(crate) fn verify_with_library<'a>(
    quote: &Quote,
    collateral: &Collateral,
    anchors: &'a [Anchor],
    at_s: u64,
) -> Result<(&'a Anchor, QuoteClaims), Refusal> {
    let brings_chain = quote.parsed().inner_cert_type() == PCK_CERTIFICATE_CHAIN;
    let wire = collateral.for_quote(brings_chain);
    for anchor in anchors {
        let result = QuoteVerifier::new(anchor.root_der().to_vec())
            .allow_debug(true)
            .allow_service_td(true)
            .verify_with_policy(quote.bytes(), wire, at_s, &QuotePolicy::claims_only(at_s));
        let refusal = match result {
            Ok(verified) => return Ok((anchor, verified)),
            Err(error) => reason::refusal(error.chain()),
        };
        // the first check is the root's signature on its revocation list: another root, another
        // anchor
        if refusal.code != ReasonCode::AnchorUnknown {
            return Err(refusal);
        }
    }
    Err(unknown_root(wire, anchors))
}

/// No anchor's key signed the root's revocation list: either it was changed, or the evidence
/// belongs to another root. The chain beside the TCB information tells which root it names.
fn unknown_root(wire: &dcap_qvl::QuoteCollateralV3, anchors: &[Anchor]) -> Refusal {
    let named =
        anchors.iter().find(|anchor| reason::names_root(&wire.tcb_info_issuer_chain, anchor));
    named.map_or_else(
        || {
            let known: Vec<_> = anchors.iter().map(|anchor| anchor.class().as_str()).collect();
            Refusal::new(
                ReasonCode::AnchorUnknown,
                format!("none of the anchors given ({}) signed the root's CRL", known.join(", ")),
            )
        },
        |anchor| {
            Refusal::new(
                ReasonCode::CollateralInvalid,
                format!("the root CA CRL is not signed by the {} root it names", anchor.class()),
            )
        },
    )
}

#[cfg(test)]
mod tests;
