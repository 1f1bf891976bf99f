use dcap_qvl::quote::{EnclaveReport, TDReport15};
use proptest::prelude::*;

use super::*;

fn td() -> TDReport10 {
    TDReport10 {
        tee_tcb_svn: [1; 16],
        mr_seam: [2; 48],
        mr_signer_seam: [3; 48],
        seam_attributes: [4; 8],
        td_attributes: [5; 8],
        xfam: [6; 8],
        mr_td: [7; 48],
        mr_config_id: [8; 48],
        mr_owner: [9; 48],
        mr_owner_config: [10; 48],
        rt_mr0: [11; 48],
        rt_mr1: [12; 48],
        rt_mr2: [13; 48],
        rt_mr3: [14; 48],
        report_data: [15; 64],
    }
}

fn enclave() -> EnclaveReport {
    EnclaveReport {
        cpu_svn: [1; 16],
        misc_select: 2,
        reserved1: [0; 28],
        attributes: [3; 16],
        mr_enclave: [4; 32],
        reserved2: [0; 32],
        mr_signer: [5; 32],
        reserved3: [0; 96],
        isv_prod_id: 0x0607,
        isv_svn: 8,
        reserved4: [0; 60],
        report_data: [9; 64],
    }
}

#[test]
fn golden_ids_do_not_change() {
    // Computed with Python's hashlib from the layout in the documentation of `WorkloadId`.
    let id = WorkloadId::of_report(&Report::TD10(td())).to_string();
    assert_eq!(id, TDX_GOLDEN);
    let id = WorkloadId::of_report(&Report::SgxEnclave(enclave())).to_string();
    assert_eq!(id, SGX_GOLDEN);
    assert_eq!(id.parse::<WorkloadId>().unwrap().to_string(), id);
}

const TDX_GOLDEN: &str = "sha256:37eef3737000ef359ef05d737d45eb7459899a164d0461a4a830c26fbe3266a3";
const SGX_GOLDEN: &str = "sha256:480424f481f5d2a4af2ef59dfa00a5a5598b1c47b0fd4d0f452f3734e051acdd";

#[test]
fn the_body_of_a_quote_does_not_change_the_id() {
    let later = TDReport15 { base: td(), tee_tcb_svn2: [16; 16], mr_service_td: [17; 48] };
    assert_eq!(
        WorkloadId::of_report(&Report::TD15(later)),
        WorkloadId::of_report(&Report::TD10(td()))
    );
}

proptest! {
    #[test]
    fn every_measurement_changes_the_id_and_nothing_else_does(
        field in 0_usize..15,
        bit in 0_usize..64,
    ) {
        let mut changed = td();
        let flip = |bytes: &mut [u8]| bytes[bit / 8] ^= 1 << (bit % 8);
        match field {
            0 => flip(&mut changed.mr_td),
            1 => flip(&mut changed.rt_mr0),
            2 => flip(&mut changed.rt_mr1),
            3 => flip(&mut changed.rt_mr2),
            4 => flip(&mut changed.rt_mr3),
            5 => flip(&mut changed.mr_config_id),
            6 => flip(&mut changed.xfam),
            7 => flip(&mut changed.td_attributes),
            8 => flip(&mut changed.tee_tcb_svn),
            9 => flip(&mut changed.mr_seam),
            10 => flip(&mut changed.mr_signer_seam),
            11 => flip(&mut changed.seam_attributes),
            12 => flip(&mut changed.mr_owner),
            13 => flip(&mut changed.mr_owner_config),
            _ => flip(&mut changed.report_data),
        }
        let ids = [changed, td()].map(|report| WorkloadId::of_report(&Report::TD10(report)));
        prop_assert_eq!(ids[0] == ids[1], field >= 8);
    }
}
