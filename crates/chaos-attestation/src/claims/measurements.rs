use dcap_qvl::quote::{EnclaveReport, Report, TDReport10};
use serde::{Deserialize, Serialize};

use super::DebugStatus;
use crate::Hex;

/// The registers of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measurements {
    /// Of a trust domain.
    Tdx(Box<TdxMeasurements>),
    /// Of an enclave.
    Sgx(Box<SgxMeasurements>),
}

/// The registers of a trust domain, from its TD report (Intel TDX Module ABI specification).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TdxMeasurements {
    /// The initial contents: the firmware.
    pub tdx_mrtd: Hex<48>,
    /// Run-time register 0: the firmware's configuration.
    pub tdx_rtmr0: Hex<48>,
    /// Run-time register 1: boot loader and kernel.
    pub tdx_rtmr1: Hex<48>,
    /// Run-time register 2: command line and initial file system.
    pub tdx_rtmr2: Hex<48>,
    /// Run-time register 3: for the software inside.
    pub tdx_rtmr3: Hex<48>,
    /// Configuration that the host chose.
    pub tdx_mrconfigid: Hex<48>,
    /// Owner, as the host chose it.
    pub tdx_mrowner: Hex<48>,
    /// The owner's configuration, as the host chose it.
    pub tdx_mrownerconfig: Hex<48>,
    /// The TDX module.
    pub tdx_mrseam: Hex<48>,
    /// Who signed the TDX module; zero is Intel.
    pub tdx_mrsignerseam: Hex<48>,
    /// Which processor features the domain may use.
    pub tdx_xfam: Hex<8>,
    /// The domain's attributes.
    pub tdx_td_attributes: Hex<8>,
    /// The module's security versions when the domain was started.
    pub tdx_tee_tcb_svn: Hex<16>,
    /// The module's security versions now; bodies of TDX 1.0 have none.
    pub tdx_tee_tcb_svn2: Option<Hex<16>>,
    /// The service TDs bound at the start, as one hash; zero is none. Bodies of TDX 1.0 have none.
    pub tdx_mrservicetd: Option<Hex<48>>,
    /// The service TDs bound now, as one hash; only extended bodies of TDX 1.5 have it.
    pub tdx_cur_servicetd_hash: Option<Hex<48>>,
}

/// The registers of an enclave, from its report (Intel SDM volume 3D).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SgxMeasurements {
    /// The enclave's contents.
    pub sgx_mrenclave: Hex<32>,
    /// Who signed it.
    pub sgx_mrsigner: Hex<32>,
    /// The signer's product number.
    pub sgx_isvprodid: u16,
    /// The signer's security version.
    pub sgx_isvsvn: u16,
    /// The enclave's attributes.
    pub sgx_attributes: Hex<16>,
    /// Further state that is saved when the enclave is left.
    pub sgx_miscselect: Hex<4>,
}

/// TD attribute bit 17: the report covers an extended record of service TDs.
const SERVTD_EXT: u8 = 1 << 1;

/// SGX attribute bit 1.
const SGX_DEBUG: u8 = 1 << 1;

impl Measurements {
    /// The registers of a report.
    pub(crate) fn of(report: &Report) -> Self {
        match report {
            Report::SgxEnclave(report) => Self::Sgx(Box::new(sgx(report))),
            Report::TD10(report) => Self::Tdx(Box::new(tdx(report))),
            Report::TD15(report) => Self::Tdx(Box::new(TdxMeasurements {
                tdx_tee_tcb_svn2: Some(Hex(report.tee_tcb_svn2)),
                tdx_mrservicetd: Some(Hex(report.mr_service_td)),
                ..tdx(&report.base)
            })),
            Report::TD15Ex(report) => Self::Tdx(Box::new(TdxMeasurements {
                tdx_tee_tcb_svn2: Some(Hex(report.base.tee_tcb_svn2)),
                tdx_mrservicetd: Some(Hex(report.base.mr_service_td)),
                tdx_cur_servicetd_hash: Some(Hex(report.cur_service_td_hash)),
                ..tdx(&report.base.base)
            })),
        }
    }
}

impl TdxMeasurements {
    /// The service TDs that are or were bound, as hashes that are not zero.
    pub(crate) fn service_tds(&self) -> impl Iterator<Item = &Hex<48>> {
        [&self.tdx_mrservicetd, &self.tdx_cur_servicetd_hash]
            .into_iter()
            .flatten()
            .filter(|hash| !hash.is_zero())
    }

    /// The hash of the service TDs that are bound now, if the body tells.
    pub(crate) const fn service_tds_now(&self) -> Option<&Hex<48>> {
        self.tdx_cur_servicetd_hash.as_ref()
    }

    /// Whether the domain says that service TDs are recorded for it.
    pub(crate) const fn records_service_tds(&self) -> bool {
        self.tdx_td_attributes.0[2] & SERVTD_EXT != 0
    }
}

/// TD attribute bits 0 to 7 make a domain observable; any of them counts as debugging.
pub(super) fn debug_status(report: &Report) -> DebugStatus {
    let observable = match report {
        Report::SgxEnclave(report) => report.attributes[0] & SGX_DEBUG != 0,
        Report::TD10(report) => report.td_attributes[0] != 0,
        Report::TD15(report) => report.base.td_attributes[0] != 0,
        Report::TD15Ex(report) => report.base.base.td_attributes[0] != 0,
    };
    if observable { DebugStatus::Enabled } else { DebugStatus::DisabledSinceBoot }
}

fn tdx(report: &TDReport10) -> TdxMeasurements {
    TdxMeasurements {
        tdx_mrtd: Hex(report.mr_td),
        tdx_rtmr0: Hex(report.rt_mr0),
        tdx_rtmr1: Hex(report.rt_mr1),
        tdx_rtmr2: Hex(report.rt_mr2),
        tdx_rtmr3: Hex(report.rt_mr3),
        tdx_mrconfigid: Hex(report.mr_config_id),
        tdx_mrowner: Hex(report.mr_owner),
        tdx_mrownerconfig: Hex(report.mr_owner_config),
        tdx_mrseam: Hex(report.mr_seam),
        tdx_mrsignerseam: Hex(report.mr_signer_seam),
        tdx_xfam: Hex(report.xfam),
        tdx_td_attributes: Hex(report.td_attributes),
        tdx_tee_tcb_svn: Hex(report.tee_tcb_svn),
        tdx_tee_tcb_svn2: None,
        tdx_mrservicetd: None,
        tdx_cur_servicetd_hash: None,
    }
}

const fn sgx(report: &EnclaveReport) -> SgxMeasurements {
    SgxMeasurements {
        sgx_mrenclave: Hex(report.mr_enclave),
        sgx_mrsigner: Hex(report.mr_signer),
        sgx_isvprodid: report.isv_prod_id,
        sgx_isvsvn: report.isv_svn,
        sgx_attributes: Hex(report.attributes),
        sgx_miscselect: Hex(report.misc_select.to_le_bytes()),
    }
}
