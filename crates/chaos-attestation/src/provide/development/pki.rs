use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    CustomExtension, DistinguishedName, DnType, IsCa, KeyIdMethod, KeyUsagePurpose,
    RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
};
use yasna::{DERWriter, DERWriterSeq, models::ObjectIdentifier};

use super::{FMSPC, Fault, PCE_ID, Scenario, Seed, Window, seed::Key};

/// Unix seconds as the type that certificates are dated in; a macro, because that type belongs to a
/// crate that nothing else here needs.
macro_rules! moment {
    ($at_s:expr) => {
        date_time_ymd(1970, 1, 1) + Duration::from_secs($at_s)
    };
}

/// The authorities' and signers' certificates hold from 2020-01-01 to 2049-12-31, whatever the
/// collateral's window, so that the root depends on nothing but the seed.
const AUTHORITIES: Window = Window { issued_at_s: 1_577_836_800, expires_at_s: 2_524_521_600 };

/// Written into every certificate, so that no one takes one for Intel's.
const ORGANISATION: &str = "ChaosChain Development - proves nothing about hardware";

const ROOT_SERIAL: u64 = 1;
const PLATFORM_CA_SERIAL: u64 = 2;
const TCB_SIGNER_SERIAL: u64 = 3;
const PCK_SERIAL: u64 = 4;

/// The platform certificate's TCB components: the level at which the collateral says `UpToDate`.
pub(super) const COMPONENT_SVN: u8 = 6;
/// The platform certificate's PCE SVN.
pub(super) const PCE_SVN: u16 = 11;

/// A development PKI: keys, certificates and revocation lists.
pub(super) struct Pki {
    pub(super) root_der: Vec<u8>,
    /// The platform CA and the root, PEM: the chain of the platform's revocation list.
    pub(super) platform_chain: String,
    /// The TCB signer and the root, PEM.
    pub(super) signer_chain: String,
    /// The platform's certificate, its CA and the root, PEM: what a quote carries.
    pub(super) pck_chain: String,
    pub(super) root_crl: Vec<u8>,
    pub(super) pck_crl: Vec<u8>,
    pub(super) signer: Key,
    pub(super) platform: Key,
}

impl Pki {
    pub(super) fn new(seed: &Seed, scenario: &Scenario) -> Result<Self, rcgen::Error> {
        let root = CertifiedIssuer::self_signed(
            authority("ChaosChain Development Root CA", ROOT_SERIAL, 1),
            seed.key("root"),
        )?;
        let platform_ca = CertifiedIssuer::signed_by(
            authority("ChaosChain Development PCK Platform CA", PLATFORM_CA_SERIAL, 0),
            seed.key("platform-ca"),
            &root,
        )?;
        let signer = seed.key("tcb-signer");
        let signer_name = "ChaosChain Development TCB Signing";
        let signer_certificate =
            certificate(signer_name, TCB_SIGNER_SERIAL, AUTHORITIES).signed_by(&signer, &root)?;
        let platform = seed.key("platform");
        let pck = platform_certificate(seed, scenario).signed_by(&platform, &platform_ca)?;

        let revoked = |fault: Fault, serial: u64| scenario.has(fault).then_some(serial);
        let window = scenario.window;
        let root_window = faulty_window(scenario, Fault::RootCrlExpired, Fault::RootCrlFromFuture);
        let root_list = revocation_list(
            root_window,
            window,
            revoked(Fault::PlatformCaRevoked, PLATFORM_CA_SERIAL),
        );
        let pck_window = faulty_window(scenario, Fault::PckCrlExpired, Fault::PckCrlFromFuture);
        let pck_list = revocation_list(pck_window, window, revoked(Fault::PckRevoked, PCK_SERIAL));
        let root_crl = if scenario.has(Fault::RootCrlForged) {
            root_list.signed_by(&platform_ca)?
        } else {
            root_list.signed_by(&root)?
        };

        let root_pem = pem(root.der());
        let platform_chain = pem(platform_ca.der()) + &root_pem;
        Ok(Self {
            root_der: root.der().to_vec(),
            pck_chain: pem(pck.der()) + &platform_chain,
            platform_chain,
            signer_chain: pem(signer_certificate.der()) + &root_pem,
            root_crl: root_crl.der().to_vec(),
            pck_crl: pck_list.signed_by(&platform_ca)?.der().to_vec(),
            signer,
            platform,
        })
    }
}

/// The window of a dated part: the scenario's, or one that is over or has not begun.
pub(super) fn faulty_window(scenario: &Scenario, expired: Fault, future: Fault) -> Window {
    if scenario.has(expired) {
        scenario.window.past()
    } else if scenario.has(future) {
        scenario.window.future()
    } else {
        scenario.window
    }
}

/// An authority's certificate; `depth` authorities may follow it.
fn authority(name: &str, serial: u64, depth: u8) -> CertificateParams {
    let mut params = certificate(name, serial, AUTHORITIES);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(depth));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// An end certificate with fixed serial and dates.
fn certificate(name: &str, serial: u64, window: Window) -> CertificateParams {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, name);
    distinguished_name.push(DnType::OrganizationName, ORGANISATION);
    let mut params = CertificateParams::default();
    params.not_before = moment!(window.issued_at_s);
    params.not_after = moment!(window.expires_at_s);
    params.serial_number = Some(SerialNumber::from(serial));
    params.distinguished_name = distinguished_name;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params
}

fn platform_certificate(seed: &Seed, scenario: &Scenario) -> CertificateParams {
    let window = if scenario.has(Fault::PckExpired) {
        Window { issued_at_s: AUTHORITIES.issued_at_s, ..scenario.window.past() }
    } else if scenario.has(Fault::PckNotYetValid) {
        scenario.window.future()
    } else {
        AUTHORITIES
    };
    let extension =
        CustomExtension::from_oid_content(&SGX_EXTENSION, pck_extension(seed, scenario));
    let mut params = certificate("ChaosChain Development PCK Certificate", PCK_SERIAL, window);
    params.custom_extensions = vec![extension];
    params
}

fn revocation_list(
    dates: Window,
    scenario: Window,
    revoked: Option<u64>,
) -> CertificateRevocationListParams {
    CertificateRevocationListParams {
        this_update: moment!(dates.issued_at_s),
        next_update: moment!(dates.expires_at_s),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked
            .map(|serial| RevokedCertParams {
                serial_number: SerialNumber::from(serial),
                revocation_time: moment!(scenario.issued_at_s),
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: None,
            })
            .into_iter()
            .collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

/// Intel's extension of platform certificates, [SGX PCK certificate and CRL profile
/// specification](https://api.trustedservices.intel.com/documents/Intel_SGX_PCK_Certificate_CRL_Spec-1.5.pdf).
const SGX_EXTENSION: [u64; 7] = [1, 2, 840, 113_741, 1, 13, 1];

/// The values of that extension.
fn pck_extension(seed: &Seed, scenario: &Scenario) -> Vec<u8> {
    let svn = component_svn(scenario);
    yasna::construct_der(|writer| {
        writer.write_sequence(|fields| {
            entry(fields, &[1], |value| value.write_bytes(&seed.label("ppid")));
            entry(fields, &[2], |value| {
                value.write_sequence(|tcb| {
                    for component in 1..=16 {
                        entry(tcb, &[2, component], |value| value.write_u8(svn));
                    }
                    entry(tcb, &[2, 17], |value| value.write_u16(PCE_SVN));
                    entry(tcb, &[2, 18], |value| value.write_bytes(&[svn; 16]));
                });
            });
            entry(fields, &[3], |value| value.write_bytes(&PCE_ID));
            entry(fields, &[4], |value| value.write_bytes(&FMSPC));
            // A scalable platform, as every TDX platform is.
            entry(fields, &[5], |value| value.write_enum(1));
            entry(fields, &[6], |value| value.write_bytes(&seed.label("platform-instance")));
            entry(fields, &[7], |value| {
                let flags = [Fault::DynamicPlatform, Fault::CachedKeys, Fault::SmtEnabled];
                value.write_sequence(|configuration| {
                    for (number, fault) in (1..).zip(flags) {
                        let set = scenario.has(fault);
                        entry(configuration, &[7, number], |value| value.write_bool(set));
                    }
                });
            });
        });
    })
}

/// One `SEQUENCE { OID, value }` below the extension's own OID.
fn entry(sequence: &mut DERWriterSeq<'_>, arc: &[u64], value: impl FnOnce(DERWriter<'_>)) {
    let oid = ObjectIdentifier::new(SGX_EXTENSION.iter().chain(arc).copied().collect());
    sequence.next().write_sequence(|pair| {
        pair.next().write_oid(&oid);
        value(pair.next());
    });
}

/// The platform's components, which select its level in the TCB info.
fn component_svn(scenario: &Scenario) -> u8 {
    let levels = [
        Fault::TcbSwHardeningNeeded,
        Fault::TcbConfigurationNeeded,
        Fault::TcbOutOfDate,
        Fault::TcbOutOfDateConfigurationNeeded,
        Fault::TcbRevoked,
        Fault::TcbUnknown,
    ];
    (0..COMPONENT_SVN)
        .rev()
        .zip(levels)
        .find_map(|(svn, fault)| scenario.has(fault).then_some(svn))
        .unwrap_or(COMPONENT_SVN)
}

/// The date as collateral documents write it, RFC 3339 in UTC.
pub(super) fn rfc3339(at_s: u64) -> String {
    let date = moment!(at_s);
    let month = u8::from(date.month());
    let (hour, minute, second) = date.to_hms();
    format!("{:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", date.year(), date.day())
}

/// A certificate in [RFC 7468](https://www.rfc-editor.org/rfc/rfc7468) text.
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem + "-----END CERTIFICATE-----\n"
}
