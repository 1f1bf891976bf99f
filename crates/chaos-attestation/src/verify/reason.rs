//! The library's errors are texts; these are the texts, each with its stable code.
//!
//! A text counts only at the beginning of a cause, and the outermost cause that is known decides:
//! what stands further in can quote the evidence, and its sender must not choose the code.

use std::error::Error;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Anchor, ReasonCode, Refusal};
use ReasonCode as Code;

/// A detail is at most this long, in characters: it may quote the evidence.
const DETAIL_CHARS_MAX: usize = 300;

/// How a cause that begins with a known text decides.
#[derive(Clone, Copy)]
enum Decides {
    /// By itself.
    Code(ReasonCode),
    /// By the cause below it, which is of the certificate library; this code if that is unknown.
    Below(&'static [(&'static str, ReasonCode)], ReasonCode),
    /// Not: it only says where the cause below happened.
    Passes,
}

/// What the certificate library says of a chain. It quotes nothing.
const CHAIN: &[(&str, ReasonCode)] = &[
    ("CertRevoked", Code::CertificateRevoked),
    ("CertExpired", Code::CertificateExpired),
    ("CertNotValidYet", Code::CertificateNotYetValid),
    ("CrlExpired", Code::CollateralExpired),
    ("UnknownRevocationStatus", Code::CollateralInvalid),
    ("InvalidCrlSignature", Code::CollateralInvalid),
    ("UnsupportedCrl", Code::CollateralInvalid),
    ("IssuerNotCrlSigner", Code::CollateralInvalid),
];

/// What it says of the root's revocation list: a signature by another key is another anchor.
const ROOT_CRL: &[(&str, ReasonCode)] = &[
    ("InvalidCrlSignatureForPublicKey", Code::AnchorUnknown),
    ("InvalidSignatureForPublicKey", Code::AnchorUnknown),
    ("UnsupportedCrlSignature", Code::AnchorUnknown),
    ("UnsupportedSignature", Code::AnchorUnknown),
];

/// Beginnings of causes of `dcap-qvl` 0.7.1. The first that fits decides.
const TEXTS: &[(&str, Decides)] = &[
    // the root's revocation list, signed by the anchor
    ("Failed to load root ca", Decides::Code(Code::AnchorUnknown)),
    ("Failed to parse root CA CRL for claims", Decides::Code(Code::CollateralMalformed)),
    ("Failed to parse PCK CRL for claims", Decides::Code(Code::CollateralMalformed)),
    ("Failed to parse root CA CRL", Decides::Below(ROOT_CRL, Code::CollateralInvalid)),
    ("Failed to parse PCK CRL", Decides::Code(Code::CollateralInvalid)),
    // the root itself, which is checked without a context
    ("CertRevoked", Decides::Code(Code::CertificateRevoked)),
    ("CrlExpired", Decides::Code(Code::CollateralExpired)),
    ("UnknownRevocationStatus", Decides::Code(Code::CollateralInvalid)),
    ("IssuerNotCrlSigner", Decides::Code(Code::CollateralInvalid)),
    // the quote's form
    ("Failed to decode quote", Decides::Code(Code::QuoteMalformed)),
    ("Unsupported DCAP quote version", Decides::Code(Code::QuoteMalformed)),
    ("Unknown QE vendor ID", Decides::Code(Code::QuoteMalformed)),
    ("Unsupported TEE type", Decides::Code(Code::QuoteMalformed)),
    ("SGX TEE quote must have", Decides::Code(Code::QuoteMalformed)),
    ("TDX TEE quote must have", Decides::Code(Code::QuoteMalformed)),
    ("Unsupported DCAP attestation key type", Decides::Code(Code::QuoteMalformed)),
    ("Invalid QE auth data length", Decides::Code(Code::QuoteMalformed)),
    // the documents of the collateral
    ("TCBInfo issue date is in the future", Decides::Code(Code::CollateralNotYetValid)),
    ("QE Identity issue date is in the future", Decides::Code(Code::CollateralNotYetValid)),
    ("TCBInfo expired", Decides::Code(Code::CollateralExpired)),
    ("QE Identity expired", Decides::Code(Code::CollateralExpired)),
    ("Failed to decode TcbInfo", Decides::Code(Code::CollateralMalformed)),
    ("Failed to decode QeIdentity", Decides::Code(Code::CollateralMalformed)),
    ("Failed to parse TCB Info leaf", Decides::Code(Code::CollateralInvalid)),
    ("Failed to parse QE Identity leaf", Decides::Code(Code::CollateralInvalid)),
    ("Failed to parse TCB Info", Decides::Code(Code::CollateralMalformed)),
    ("Failed to parse QE Identity", Decides::Code(Code::CollateralMalformed)),
    ("Certificate chain is too short for", Decides::Code(Code::CollateralInvalid)),
    ("TCB Info signer must", Decides::Code(Code::CollateralInvalid)),
    ("QE Identity signer must", Decides::Code(Code::CollateralInvalid)),
    ("Signature is invalid for tcb_info", Decides::Code(Code::CollateralInvalid)),
    ("Signature is invalid for qe_identity", Decides::Code(Code::CollateralInvalid)),
    ("Unsupported QE Identity id/version", Decides::Code(Code::CollateralMismatch)),
    ("Failed to parse certs", Decides::Code(Code::CollateralMalformed)),
    ("Invalid key length", Decides::Code(Code::CollateralMalformed)),
    ("Failed to create RevocationOptionsBuilder", Decides::Code(Code::CollateralInvalid)),
    ("Failed to create", Decides::Code(Code::CollateralMalformed)),
    ("Failed to encode ECDSA", Decides::Code(Code::CollateralMalformed)),
    // certificates, of the platform and of the collateral's signer
    ("Failed to verify certificate chain", Decides::Below(CHAIN, Code::CertificateInvalid)),
    ("Too many intermediate certificates", Decides::Code(Code::CertificateInvalid)),
    ("Failed to extract PCK certificates", Decides::Code(Code::CertificateInvalid)),
    ("Unsupported DCAP PCK cert format", Decides::Code(Code::CertificateInvalid)),
    ("Certificate chain is too short in quote", Decides::Code(Code::CertificateInvalid)),
    ("Failed to parse PCK certificate", Decides::Code(Code::CertificateInvalid)),
    ("Failed to parse certificate for time window", Decides::Code(Code::CertificateInvalid)),
    // the extension of Intel in the platform's certificate
    ("Intel extension", Decides::Code(Code::CertificateInvalid)),
    ("extension ", Decides::Code(Code::CertificateInvalid)),
    ("Failed to decode certificate", Decides::Code(Code::CertificateInvalid)),
    ("Failed to decode DER object", Decides::Code(Code::CertificateInvalid)),
    ("Failed to decode TCB FMSPC", Decides::Code(Code::CollateralMalformed)),
    ("Failed to load", Decides::Code(Code::CertificateInvalid)),
    ("Failed to read", Decides::Code(Code::CertificateInvalid)),
    ("Failed to find", Decides::Code(Code::CertificateInvalid)),
    ("Failed to get", Decides::Code(Code::CertificateInvalid)),
    ("OID is missing", Decides::Code(Code::CertificateInvalid)),
    ("Fmspc length", Decides::Code(Code::CertificateInvalid)),
    ("CpuSvn length", Decides::Code(Code::CertificateInvalid)),
    ("PceSvn length", Decides::Code(Code::CertificateInvalid)),
    ("Unexpected BOOLEAN", Decides::Code(Code::CertificateInvalid)),
    ("Unexpected ENUMERATED", Decides::Code(Code::CertificateInvalid)),
    // the quote's signatures
    ("Signature is invalid for qe_report", Decides::Code(Code::QuoteSignatureInvalid)),
    ("QE report hash mismatch", Decides::Code(Code::QuoteSignatureInvalid)),
    ("ISV enclave report signature", Decides::Code(Code::QuoteSignatureInvalid)),
    // the quoting enclave
    ("QE report validation failed", Decides::Code(Code::QeIdentityMismatch)),
    ("QE MRSIGNER mismatch", Decides::Code(Code::QeIdentityMismatch)),
    ("QE ISVPRODID mismatch", Decides::Code(Code::QeIdentityMismatch)),
    ("QE MISCSELECT mismatch", Decides::Code(Code::QeIdentityMismatch)),
    ("QE ATTRIBUTES mismatch", Decides::Code(Code::QeIdentityMismatch)),
    // levels
    ("Fmspc mismatch", Decides::Code(Code::CollateralMismatch)),
    ("TDX quote with non-TDX", Decides::Code(Code::CollateralMismatch)),
    ("SGX quote with non-SGX", Decides::Code(Code::CollateralMismatch)),
    ("Failed to evaluate the current TDX TCB", Decides::Passes),
    ("TDX module TCB level check", Decides::Passes),
    ("TDX module identity check", Decides::Passes),
    ("No matching TCB level", Decides::Code(Code::TcbNoMatch)),
    ("TDX module ISVSVN", Decides::Code(Code::TcbNoMatch)),
    ("QE ISVSVN", Decides::Code(Code::TcbNoMatch)),
    ("No TDX module identity", Decides::Code(Code::TcbNoMatch)),
    ("No TCB levels found", Decides::Code(Code::TcbNoMatch)),
    ("TDX module MRSIGNER mismatch", Decides::Code(Code::TdxModuleMismatch)),
    ("TDX module SEAMATTRIBUTES", Decides::Code(Code::TdxModuleMismatch)),
    ("TCB status is invalid: Revoked", Decides::Code(Code::TcbRevoked)),
    ("Unrecognized TCB status", Decides::Code(Code::CollateralMalformed)),
    ("SGX component count", Decides::Code(Code::CollateralMalformed)),
    ("TDX component count", Decides::Code(Code::CollateralMalformed)),
    ("TDX TCB Info is missing", Decides::Code(Code::CollateralMalformed)),
    ("Failed to decode tdxModule", Decides::Code(Code::CollateralMalformed)),
    ("tdxModule", Decides::Code(Code::CollateralMalformed)),
    ("Invalid TDX module tcbDate", Decides::Code(Code::CollateralMalformed)),
    ("Invalid TCB level tcbDate", Decides::Code(Code::CollateralMalformed)),
    ("Failed to parse platform TCB date", Decides::Code(Code::CollateralMalformed)),
    ("TCBInfo ", Decides::Code(Code::CollateralMalformed)),
    ("QEIdentity ", Decides::Code(Code::CollateralMalformed)),
    ("CRL number", Decides::Code(Code::CollateralMalformed)),
    // attributes
    ("SEPT_VE_DISABLE is not enabled", Decides::Code(Code::AttributesRefused)),
    ("TD migration is enabled", Decides::Code(Code::AttributesRefused)),
    ("Reserved bits in TD attributes", Decides::Code(Code::AttributesRefused)),
    ("SERVTD_EXT is enabled", Decides::Code(Code::AttributesRefused)),
];

/// The refusal for an error of the library: its chain of causes, without a backtrace.
pub(super) fn refusal<'a>(chain: impl Iterator<Item = &'a (dyn Error + 'static)>) -> Refusal {
    let causes: Vec<String> = chain.map(ToString::to_string).collect();
    let detail = causes
        .join(": ")
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .take(DETAIL_CHARS_MAX)
        .collect::<String>();
    Refusal::new(code(&causes), detail)
}

fn code(causes: &[String]) -> ReasonCode {
    for (at, cause) in causes.iter().enumerate() {
        match TEXTS.iter().find(|(text, _)| cause.starts_with(text)).map(|(_, decides)| *decides) {
            Some(Decides::Code(code)) => return code,
            Some(Decides::Below(texts, otherwise)) => {
                let below = causes.get(at + 1).map_or("", String::as_str);
                let known = texts.iter().find(|(text, _)| below.starts_with(text));
                return known.map_or(otherwise, |(_, code)| *code);
            }
            Some(Decides::Passes) => {}
            None => return Code::VerificationFailed,
        }
    }
    Code::VerificationFailed
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
