//! The library's errors are texts; these are the texts, each with its stable code.

use std::error::Error;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Anchor, ReasonCode, Refusal};
use ReasonCode as Code;

/// A detail is at most this long, in characters: it may quote the evidence.
const DETAIL_CHARS_MAX: usize = 300;

/// Texts of `dcap-qvl` 0.7.1 and of its certificate library, each with its code. The first text
/// that the error contains decides, so the narrower ones come first.
const TEXTS: &[(&str, ReasonCode)] = &[
    // the root's revocation list, signed by the anchor
    ("Failed to load root ca", Code::AnchorUnknown),
    ("root CA CRL: InvalidCrlSignatureForPublicKey", Code::AnchorUnknown),
    ("root CA CRL: InvalidSignatureForPublicKey", Code::AnchorUnknown),
    ("root CA CRL: Unsupported", Code::AnchorUnknown),
    ("Failed to parse root CA CRL", Code::CollateralInvalid),
    ("Failed to parse PCK CRL", Code::CollateralInvalid),
    // the quote's form
    ("Failed to decode quote", Code::QuoteMalformed),
    ("Unsupported DCAP quote version", Code::QuoteMalformed),
    ("Unknown QE vendor ID", Code::QuoteMalformed),
    ("Unsupported TEE type", Code::QuoteMalformed),
    ("TEE quote must have version", Code::QuoteMalformed),
    ("Unsupported DCAP attestation key type", Code::QuoteMalformed),
    ("Invalid QE auth data length", Code::QuoteMalformed),
    // the documents of the collateral
    ("issue date is in the future", Code::CollateralNotYetValid),
    ("TCBInfo expired", Code::CollateralExpired),
    ("QE Identity expired", Code::CollateralExpired),
    ("Failed to decode TcbInfo", Code::CollateralMalformed),
    ("Failed to decode QeIdentity", Code::CollateralMalformed),
    ("Failed to parse TCB Info leaf", Code::CollateralInvalid),
    ("Failed to parse QE Identity leaf", Code::CollateralInvalid),
    ("Certificate chain is too short for", Code::CollateralInvalid),
    ("must be issued directly by the root CA", Code::CollateralInvalid),
    ("Signature is invalid for tcb_info", Code::CollateralInvalid),
    ("Signature is invalid for qe_identity", Code::CollateralInvalid),
    ("Unsupported QE Identity id/version", Code::CollateralMismatch),
    // certificates, of the platform and of the collateral's signer
    ("CertRevoked", Code::CertificateRevoked),
    ("CrlExpired", Code::CollateralExpired),
    ("CertExpired", Code::CertificateExpired),
    ("CertNotValidYet", Code::CertificateNotYetValid),
    ("UnknownRevocationStatus", Code::CollateralInvalid),
    ("CrlSignature", Code::CollateralInvalid),
    ("IssuerNotCrlSigner", Code::CollateralInvalid),
    ("RevocationOptionsBuilder", Code::CollateralInvalid),
    ("Failed to verify certificate chain", Code::CertificateInvalid),
    ("Too many intermediate certificates", Code::CertificateInvalid),
    ("Failed to extract PCK certificates", Code::CertificateInvalid),
    ("Unsupported DCAP PCK cert format", Code::CertificateInvalid),
    ("Certificate chain is too short in quote", Code::CertificateInvalid),
    ("Failed to parse PCK certificate", Code::CertificateInvalid),
    ("Failed to parse certs", Code::CollateralMalformed),
    // the quote's signatures
    ("Signature is invalid for qe_report", Code::QuoteSignatureInvalid),
    ("QE report hash mismatch", Code::QuoteSignatureInvalid),
    ("ISV enclave report signature is invalid", Code::QuoteSignatureInvalid),
    // the quoting enclave
    ("QE report validation failed", Code::QeIdentityMismatch),
    ("QE MRSIGNER mismatch", Code::QeIdentityMismatch),
    ("QE ISVPRODID mismatch", Code::QeIdentityMismatch),
    ("QE MISCSELECT mismatch", Code::QeIdentityMismatch),
    ("QE ATTRIBUTES mismatch", Code::QeIdentityMismatch),
    // levels
    ("Fmspc mismatch", Code::CollateralMismatch),
    ("quote with non-", Code::CollateralMismatch),
    ("No matching TCB level", Code::TcbNoMatch),
    ("below minimum required", Code::TcbNoMatch),
    ("No TDX module identity with id", Code::TcbNoMatch),
    ("No TCB levels found", Code::TcbNoMatch),
    ("TDX module MRSIGNER mismatch", Code::TdxModuleMismatch),
    ("TDX module SEAMATTRIBUTES", Code::TdxModuleMismatch),
    ("TCB status is invalid: Revoked", Code::TcbRevoked),
    ("Unrecognized TCB status", Code::CollateralMalformed),
    ("component count mismatch", Code::CollateralMalformed),
    ("missing tdxModule", Code::CollateralMalformed),
    ("tdxModule", Code::CollateralMalformed),
    ("TCB FMSPC", Code::CollateralMalformed),
    ("issue date", Code::CollateralMalformed),
    ("next update", Code::CollateralMalformed),
    ("issueDate", Code::CollateralMalformed),
    ("nextUpdate", Code::CollateralMalformed),
    ("tcbDate", Code::CollateralMalformed),
    ("TCB date", Code::CollateralMalformed),
    ("for claims", Code::CollateralMalformed),
    ("Invalid key length", Code::CollateralMalformed),
    ("INTEGER", Code::CollateralMalformed),
    // attributes
    ("SEPT_VE_DISABLE is not enabled", Code::AttributesRefused),
    ("TD migration is enabled", Code::AttributesRefused),
    ("Reserved bits in TD attributes", Code::AttributesRefused),
    ("SERVTD_EXT is enabled", Code::AttributesRefused),
    ("Debug mode is enabled", Code::DebugRefused),
    ("TD profiling is enabled", Code::DebugRefused),
    ("Invalid MR service TD", Code::ServiceTdRefused),
    // the certificate's extension of Intel
    ("Intel extension", Code::CertificateInvalid),
    ("extension", Code::CertificateInvalid),
    ("Failed to load sequence", Code::CertificateInvalid),
    ("Failed to decode DER object", Code::CertificateInvalid),
    ("Failed to get", Code::CertificateInvalid),
    ("OID is missing", Code::CertificateInvalid),
    ("Fmspc", Code::CertificateInvalid),
    ("CpuSvn", Code::CertificateInvalid),
    ("PceSvn", Code::CertificateInvalid),
    ("Unexpected BOOLEAN", Code::CertificateInvalid),
    ("Unexpected ENUMERATED", Code::CertificateInvalid),
];

/// The refusal for an error of the library: its chain of causes, without a backtrace.
pub(super) fn refusal<'a>(chain: impl Iterator<Item = &'a (dyn Error + 'static)>) -> Refusal {
    let text = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let code = TEXTS
        .iter()
        .find(|(known, _)| text.contains(known))
        .map_or(Code::VerificationFailed, |(_, code)| *code);
    let detail = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .take(DETAIL_CHARS_MAX)
        .collect::<String>();
    Refusal::new(code, detail)
}

/// Whether a chain of PEM certificates holds the anchor's own.
pub(super) fn names_root(chain: &str, anchor: &Anchor) -> bool {
    chain
        .split("-----BEGIN CERTIFICATE-----")
        .skip(1)
        .filter_map(|rest| rest.split("-----END").next())
        .any(|body| {
            let digits: String = body.chars().filter(|char| !char.is_whitespace()).collect();
            STANDARD.decode(digits).is_ok_and(|der| der == anchor.root_der())
        })
}
