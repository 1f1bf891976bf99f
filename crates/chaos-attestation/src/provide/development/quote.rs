use dcap_qvl::{
    INTEL_QE_VENDOR_ID,
    quote::{
        AuthData, AuthDataV4, CertificationData, Data, EnclaveReport, Header,
        QEReportCertificationData, Quote, Report, TDReport10, TDReport15,
    },
};
use parity_scale_codec::Encode as _;
use sha2::{Digest as _, Sha256};

use super::{Fault, Scenario, Seed, Shape, pki::Pki, scenario::measurement, seed::Key};

/// The TDX module's version, which selects its identity in the TCB info.
pub(super) const MODULE_VERSION: u8 = 1;
/// The TDX module's security version, the current one.
pub(super) const MODULE_SVN: u8 = 5;
/// The quoting enclave's attributes: initialised, provisioning key.
pub(super) const QE_ATTRIBUTES: [u8; 16] = [0x15, 0, 0, 0, 0, 0, 0, 0, 0xe7, 0, 0, 0, 0, 0, 0, 0];
/// The quoting enclave's product number.
pub(super) const QE_PRODUCT: u16 = 2;
/// The quoting enclave's security version, the current one.
pub(super) const QE_SVN: u16 = 4;

/// ECDSA with P-256.
const KEY_TYPE: u16 = 2;
const TEE_TDX: u32 = 0x81;
/// Certification data that is a quoting enclave's report with its own certification data.
const CERTIFIED_BY_QE_REPORT: u16 = 6;
/// Certification data that is a PEM chain.
const CERTIFIED_BY_PCK_CHAIN: u16 = 5;

/// Who signed the simulated quoting enclave.
pub(super) fn qe_signer() -> [u8; 32] {
    Sha256::digest(b"chaoschain development quoting enclave signer").into()
}

/// The simulated quoting enclave: an attestation key that the platform's key vouches for.
#[derive(Clone)]
pub(super) struct QuotingEnclave {
    attestation_key: Key,
    certified: QEReportCertificationData,
}

impl QuotingEnclave {
    pub(super) fn new(seed: &Seed, scenario: &Scenario, pki: &Pki) -> Self {
        let attestation_key = seed.key("attestation");
        let authentication: [u8; 32] = std::array::from_fn(|index| index.to_le_bytes()[0]);
        let vouched = if scenario.has(Fault::AttestationKeyUnbound) {
            seed.key("stranger").coordinates()
        } else {
            attestation_key.coordinates()
        };
        let mut report_data = [0; 64];
        report_data[..32].copy_from_slice(
            &Sha256::new().chain_update(vouched).chain_update(authentication).finalize(),
        );
        let report = EnclaveReport {
            cpu_svn: [0; 16],
            misc_select: 0,
            reserved1: [0; 28],
            attributes: QE_ATTRIBUTES,
            mr_enclave: Sha256::digest(b"chaoschain development quoting enclave").into(),
            reserved2: [0; 32],
            mr_signer: if scenario.has(Fault::QeSignerMismatch) { [0x45; 32] } else { qe_signer() },
            reserved3: [0; 96],
            isv_prod_id: QE_PRODUCT,
            isv_svn: if scenario.has(Fault::QeOutOfDate) { 1 } else { QE_SVN },
            reserved4: [0; 60],
            report_data,
        };
        let qe_report: [u8; 384] =
            report.encode().try_into().expect("an enclave report has 384 bytes");
        let signer =
            if scenario.has(Fault::QeReportForged) { &attestation_key } else { &pki.platform };
        let certified = QEReportCertificationData {
            qe_report_signature: signer.sign_raw(&qe_report),
            qe_report,
            qe_auth_data: Data::new(authentication.to_vec()),
            certification_data: CertificationData {
                cert_type: CERTIFIED_BY_PCK_CHAIN,
                body: Data::new(pki.pck_chain.clone().into_bytes()),
            },
        };
        Self { attestation_key, certified }
    }

    /// A quote of the scenario's TD over `report_data`.
    pub(super) fn quote(&self, scenario: &Scenario, report_data: &[u8; 64]) -> Vec<u8> {
        let version = match scenario.shape {
            Shape::V4 => 4,
            Shape::V5Td10 | Shape::V5Td15 => 5,
        };
        let mut quote = Quote {
            header: Header {
                version,
                attestation_key_type: KEY_TYPE,
                tee_type: TEE_TDX,
                qe_svn: 0,
                pce_svn: 0,
                qe_vendor_id: INTEL_QE_VENDOR_ID,
                user_data: [0; 20],
            },
            report: report(scenario, report_data),
            auth_data: AuthData::V4(self.authenticate([0; 64])),
        };
        let signed = quote.signed_length();
        let signature = self.attestation_key.sign_raw(&quote.encode()[..signed]);
        quote.auth_data = AuthData::V4(self.authenticate(signature));
        let mut bytes = quote.encode();
        if scenario.has(Fault::BodyTampered) {
            // The last byte of the report data.
            bytes[signed - 1] ^= 1;
        }
        bytes
    }

    fn authenticate(&self, ecdsa_signature: [u8; 64]) -> AuthDataV4 {
        AuthDataV4 {
            ecdsa_signature,
            ecdsa_attestation_key: self.attestation_key.coordinates(),
            certification_data: CertificationData {
                cert_type: CERTIFIED_BY_QE_REPORT,
                // Written from the report beside it.
                body: Data::new(Vec::new()),
            },
            qe_report_data: self.certified.clone(),
        }
    }
}

/// What the simulated TD reports.
pub(super) fn report(scenario: &Scenario, report_data: &[u8; 64]) -> Report {
    let base = td10(scenario, report_data);
    match scenario.shape {
        Shape::V4 | Shape::V5Td10 => Report::TD10(base),
        Shape::V5Td15 => {
            let bound = scenario.has(Fault::ServiceTd);
            Report::TD15(TDReport15 {
                tee_tcb_svn2: tee_tcb_svn(scenario.has(Fault::ModuleOutOfDate)),
                mr_service_td: if bound {
                    measurement("service TD", "mrservicetd")
                } else {
                    scenario.identity.service_td
                },
                base,
            })
        }
    }
}

fn td10(scenario: &Scenario, report_data: &[u8; 64]) -> TDReport10 {
    let identity = &scenario.identity;
    let old = scenario.has(Fault::ModuleOutOfDate) || scenario.has(Fault::TdRelaunchAdvised);
    let [rt_mr0, rt_mr1, rt_mr2, rt_mr3] = identity.rtmrs;
    TDReport10 {
        tee_tcb_svn: tee_tcb_svn(old),
        mr_seam: measurement("TDX module", "mrseam"),
        mr_signer_seam: [0; 48],
        seam_attributes: [0; 8],
        td_attributes: attributes(scenario),
        xfam: identity.xfam,
        mr_td: identity.mrtd,
        mr_config_id: identity.mr_config_id,
        mr_owner: [0; 48],
        mr_owner_config: [0; 48],
        rt_mr0,
        rt_mr1,
        rt_mr2,
        rt_mr3,
        report_data: *report_data,
    }
}

/// The module's security version, its version, and components that the TCB info leaves at zero.
fn tee_tcb_svn(old: bool) -> [u8; 16] {
    let mut svn = [0; 16];
    svn[0] = if old { MODULE_SVN - 1 } else { MODULE_SVN };
    svn[1] = MODULE_VERSION;
    svn
}

/// The TD's attributes, bits of Intel's TDX module specification (348551), table 3.23.
fn attributes(scenario: &Scenario) -> [u8; 8] {
    let mut bits = u64::from_le_bytes(scenario.identity.attributes);
    let set = [
        (Fault::DebugTd, 0),
        (Fault::ProfiledTd, 4),
        (Fault::ReservedAttribute, 40),
        (Fault::MigratableTd, 29),
    ];
    for (fault, bit) in set {
        bits |= u64::from(scenario.has(fault)) << bit;
    }
    if scenario.has(Fault::SeptVeEnabled) {
        bits &= !(1 << 28);
    }
    bits.to_le_bytes()
}
