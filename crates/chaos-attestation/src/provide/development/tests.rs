use std::collections::BTreeSet;

use dcap_qvl::{QuoteCollateralV3, verify::QuoteVerifier};
use proptest::prelude::*;

use super::*;
use crate::{AnchorClass, EventLog, Quote};

/// 2026-09-21, 14:13:20 UTC.
const AT_S: u64 = 1_790_000_000;

fn machine(scenario: Scenario) -> Development {
    Development::simulating(&Seed::well_known(), scenario)
}

fn scenario() -> Scenario {
    Scenario::new(Window::of_day(AT_S))
}

fn evidence(machine: &Development) -> (Vec<u8>, QuoteCollateralV3) {
    let evidence = machine.quote(&ReportData::bind("test", &[b"x"])).unwrap();
    (evidence.quote, serde_json::from_slice(&evidence.collateral.unwrap()).unwrap())
}

/// What the quote verification library says, on its own.
fn verdict(machine: &Development, root: &[u8], at_s: u64) -> Result<String, String> {
    let (quote, collateral) = evidence(machine);
    QuoteVerifier::new(root.to_vec())
        .verify(&quote, &collateral, at_s)
        .map(|report| format!("{} {}", report.status, report.advisory_ids.join(" ")))
        .map_err(|error| error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

#[test]
fn every_shape_verifies_as_up_to_date_under_the_development_root_only() {
    for shape in Shape::ALL {
        let machine = machine(scenario().shape(shape));
        assert_eq!(verdict(&machine, machine.root_der(), AT_S), Ok("UpToDate ".to_owned()));
        let intel = verdict(&machine, Anchor::intel().root_der(), AT_S).unwrap_err();
        assert!(intel.contains("Failed to parse root CA CRL"), "{intel}");
        let stranger = Development::new(&Seed::new([7; 32]), Window::of_day(AT_S));
        let stranger = verdict(&machine, stranger.root_der(), AT_S).unwrap_err();
        assert!(stranger.contains("Failed to parse root CA CRL"), "{stranger}");
        assert_eq!(machine.anchor().class(), AnchorClass::Development);
    }
}

#[test]
fn quotes_have_the_layout_of_their_version() {
    let report_data = ReportData::bind("test", &[b"layout"]);
    for (shape, version, body_at) in
        [(Shape::V4, 4, 48), (Shape::V5Td10, 5, 54), (Shape::V5Td15, 5, 54)]
    {
        let quote = machine(scenario().shape(shape)).quote(&report_data).unwrap().quote;
        let parsed = Quote::parse(&quote).unwrap();
        assert_eq!(parsed.bytes(), quote);
        assert_eq!(parsed.version(), version);
        assert_eq!(parsed.report_data(), report_data.as_bytes());
        // Intel's DCAP quoting library API reference: the TD 1.0 body has MRTD at 136, RTMR0 at 328
        // and the report data at 520.
        let identity = Identity::default();
        assert_eq!(quote[body_at + 136..][..48], identity.mrtd);
        assert_eq!(quote[body_at + 328..][..192], identity.rtmrs.concat());
        assert_eq!(quote[body_at + 520..][..64], *report_data.as_bytes());
    }
}

/// What the library says of each fault: a status and advisories, or a part of its error.
const fn expected(fault: Fault) -> Result<&'static str, &'static str> {
    match fault {
        Fault::DebugTd => Err("Debug mode is enabled"),
        Fault::ProfiledTd => Err("TD profiling is enabled"),
        Fault::MigratableTd => Err("TD migration is enabled"),
        Fault::SeptVeEnabled => Err("SEPT_VE_DISABLE is not enabled"),
        Fault::ReservedAttribute => Err("Reserved bits in TD attributes are set"),
        Fault::ServiceTd => Err("Invalid MR service TD"),
        Fault::PckRevoked | Fault::PlatformCaRevoked => Err("CertRevoked"),
        Fault::PckExpired => Err("CertExpired"),
        Fault::PckNotYetValid => Err("CertNotValidYet"),
        Fault::TcbSwHardeningNeeded => Ok("SWHardeningNeeded DEV-SA-00001"),
        Fault::TcbConfigurationNeeded => Ok("ConfigurationNeeded DEV-SA-00002"),
        Fault::TcbOutOfDate => Ok("OutOfDate DEV-SA-00003"),
        Fault::TcbOutOfDateConfigurationNeeded => Ok("OutOfDateConfigurationNeeded DEV-SA-00004"),
        Fault::TcbRevoked => Err("TCB status is invalid: Revoked"),
        Fault::TcbUnknown => Err("No matching TCB level found"),
        Fault::ModuleOutOfDate => Ok("OutOfDate DEV-SA-00005"),
        Fault::TdRelaunchAdvised => Ok("TDRelaunchAdvised DEV-SA-00005"),
        Fault::QeOutOfDate => Ok("OutOfDate DEV-SA-00006"),
        Fault::TcbInfoExpired => Err("TCBInfo expired"),
        Fault::TcbInfoFromFuture => Err("TCBInfo issue date is in the future"),
        Fault::QeIdentityExpired => Err("QE Identity expired"),
        Fault::QeIdentityFromFuture => Err("QE Identity issue date is in the future"),
        Fault::RootCrlExpired | Fault::PckCrlExpired => Err("CrlExpired"),
        Fault::FmspcMismatch => Err("Fmspc mismatch"),
        Fault::SgxCollateral => Err("TDX quote with non-TDX TCB info in the collateral"),
        Fault::QeSignerMismatch => Err("QE MRSIGNER mismatch"),
        Fault::QeReportForged => Err("Signature is invalid for qe_report in quote"),
        Fault::AttestationKeyUnbound => Err("QE report hash mismatch"),
        Fault::BodyTampered => Err("ISV enclave report signature is invalid"),
        Fault::TcbInfoForged => Err("Signature is invalid for tcb_info"),
        Fault::QeIdentityForged => Err("Signature is invalid for qe_identity"),
        Fault::RootCrlForged => Err("Failed to parse root CA CRL"),
        Fault::RootCrlFromFuture
        | Fault::PckCrlFromFuture
        | Fault::MixedAge
        | Fault::SmtEnabled
        | Fault::DynamicPlatform
        | Fault::CachedKeys => Ok("UpToDate "),
    }
}

#[test]
fn every_fault_gets_the_verdict_that_it_documents() {
    for &fault in Fault::ALL {
        let machine = machine(scenario().shape(Shape::V5Td15).fault(fault));
        let found = verdict(&machine, machine.root_der(), AT_S);
        match (expected(fault), &found) {
            (Ok(status), Ok(found)) => assert_eq!(status, found, "{fault:?}"),
            (Err(error), Err(found)) => assert!(found.contains(error), "{fault:?}: {found}"),
            _ => panic!("{fault:?}: {found:?}"),
        }
    }
}

#[test]
fn accepted_faults_show_in_the_claims() {
    let claims = |fault| {
        let machine = machine(scenario().fault(fault));
        let (quote, collateral) = evidence(&machine);
        let policy = dcap_qvl::QuotePolicy::claims_only(AT_S);
        QuoteVerifier::new(machine.root_der().to_vec())
            .verify_with_policy(&quote, collateral, AT_S, &policy)
            .unwrap()
    };
    let flag = dcap_qvl::PckCertFlag::True;
    assert_eq!(claims(Fault::SmtEnabled).platform.pck.smt_enabled, flag);
    assert_eq!(claims(Fault::DynamicPlatform).platform.pck.dynamic_platform, flag);
    assert_eq!(claims(Fault::CachedKeys).platform.pck.cached_keys, flag);
    let future = claims(Fault::PckCrlFromFuture);
    assert!(future.latest_issue_date > AT_S);
    assert_eq!(future.platform.pck.fmspc, FMSPC);
    let mixed = claims(Fault::MixedAge);
    assert_eq!(mixed.latest_issue_date, Window::of_day(AT_S).issued_at_s);
}

#[test]
fn a_strict_policy_accepts_the_machine_without_faults() {
    let machine = machine(scenario());
    let (quote, collateral) = evidence(&machine);
    let policy = dcap_qvl::QuotePolicy::strict(AT_S);
    QuoteVerifier::new(machine.root_der().to_vec())
        .verify_with_policy(&quote, collateral, AT_S, &policy)
        .unwrap();
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bytes = || {
        let machine = Development::new(&Seed::well_known(), Window::of_day(AT_S));
        let evidence = machine.quote(&ReportData::bind("test", &[b"same"])).unwrap();
        (machine.root_der().to_vec(), evidence)
    };
    assert_eq!(bytes(), bytes());
}

#[test]
fn seeds_share_no_key_and_no_platform() {
    let roots: BTreeSet<_> = [Seed::well_known(), Seed::new([0; 32]), Seed::new([1; 32])]
        .iter()
        .map(|seed| Development::new(seed, Window::of_day(AT_S)).root_der().to_vec())
        .collect();
    assert_eq!(roots.len(), 3);
    assert_ne!(Seed::new([0; 32]).label("ppid"), Seed::new([1; 32]).label("ppid"));
}

#[test]
fn the_root_depends_on_the_seed_only() {
    let root = machine(scenario()).root_der().to_vec();
    let elsewhen = Scenario::new(Window::of_day(1_700_000_000)).shape(Shape::V5Td15);
    assert_eq!(machine(elsewhen.fault(Fault::PlatformCaRevoked)).root_der(), root);
}

#[test]
fn nothing_shows_a_seed() {
    let seed = Seed::new([0xab; 32]);
    let machine = Development::new(&seed, Window::of_day(AT_S));
    let shown = format!("{seed:?} {machine:?}").to_lowercase();
    assert!(!shown.contains("abab") && !shown.contains("171, 171"), "{shown}");
}

#[test]
fn names_are_visibly_not_intels() {
    let machine = machine(scenario());
    let root = String::from_utf8_lossy(machine.root_der()).into_owned();
    assert!(root.contains("ChaosChain Development Root CA"));
    assert!(!root.contains("Intel"));
    assert!(machine.about().contains("proves nothing about hardware"));
}

#[test]
fn another_td_is_another_workload() {
    let other = machine(scenario().identity(Identity::named("other")));
    assert_ne!(other.workload(), machine(scenario()).workload());
    assert_eq!(machine(scenario().shape(Shape::V5Td15)).workload(), machine(scenario()).workload());
}

#[test]
fn a_measuring_td_hands_out_the_log_that_its_quotes_replay() {
    let log = EventLog::of_runtime(&[("component", b"x"), ("ready", b"")]).unwrap();
    let identity = Identity::default().measuring(&log);
    let rtmrs = identity.rtmrs;
    let evidence =
        machine(scenario().identity(identity)).quote(&ReportData::bind("t", &[])).unwrap();
    let read = EventLog::parse(&evidence.event_log.unwrap()).unwrap();
    assert_eq!(read.ensure_replays(&rtmrs), Ok(()));
    assert_eq!(evidence.quote[48 + 328..][..192], rtmrs.concat());
}

/// Digests of root, collateral and quote, recorded once: other processes, machines and releases of
/// the libraries below must give the same bytes, or nodes that share a seed stop agreeing.
#[test]
fn golden_bytes_do_not_change() {
    for (shape, golden) in [
        (Shape::V4, "5cffdc6f 606894b5 b1cd4ab5"),
        (Shape::V5Td10, "5cffdc6f 606894b5 da850896"),
        (Shape::V5Td15, "5cffdc6f 606894b5 327e1571"),
    ] {
        let machine = machine(scenario().shape(shape));
        let evidence = machine.quote(&ReportData::bind("test", &[b"golden"])).unwrap();
        let digests = [machine.root_der(), machine.collateral(), &evidence.quote]
            .map(|bytes| chaos_types::Digest::of(bytes).short());
        assert_eq!(digests.join(" "), golden, "{shape:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn collateral_holds_at_every_second_of_its_window_and_at_no_other(
        day in 18_800_u64..28_000,
        after_s in 0_u64..30 * 86_400,
    ) {
        let window = Window::of_day(day * 86_400 + 5);
        prop_assert_eq!(window.issued_at_s, day * 86_400);
        let machine = machine(Scenario::new(window));
        let at = |at_s| verdict(&machine, machine.root_der(), at_s);
        prop_assert!(at(window.issued_at_s + after_s).is_ok());
        prop_assert!(at(window.issued_at_s - 1).is_err());
        prop_assert!(at(window.expires_at_s + 1).is_err());
    }
}
