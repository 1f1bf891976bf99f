use dcap_qvl::{QuoteCollateralV3, verify::QuoteVerifier};

use super::*;
use crate::Quote;

const AT_S: u64 = 1_790_000_000;

fn verdict(machine: &Development, root: &[u8], at_s: u64) -> Result<String, String> {
    let evidence = machine.quote(&ReportData::bind("test", &[b"x"])).unwrap();
    let collateral: QuoteCollateralV3 =
        serde_json::from_slice(&evidence.collateral.unwrap()).unwrap();
    QuoteVerifier::new(root.to_vec())
        .verify(&evidence.quote, &collateral, at_s)
        .map(|report| format!("{} {:?}", report.status, report.advisory_ids))
        .map_err(|error| error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

fn machine(scenario: Scenario) -> Development {
    Development::simulating(&Seed::well_known(), scenario)
}

#[test]
fn every_shape_verifies_as_up_to_date_under_the_development_root_only() {
    for shape in Shape::ALL {
        let machine = machine(Scenario::new(Window::of_day(AT_S)).shape(shape));
        assert_eq!(verdict(&machine, machine.root_der(), AT_S), Ok("UpToDate []".to_owned()));
        let intel = verdict(&machine, Anchor::intel().root_der(), AT_S).unwrap_err();
        assert!(intel.contains("Failed to parse root CA CRL"), "{intel}");
        let quote = machine.quote(&ReportData::bind("test", &[b"x"])).unwrap().quote;
        let parsed = Quote::parse(&quote).unwrap();
        assert_eq!(parsed.bytes(), quote);
    }
}
