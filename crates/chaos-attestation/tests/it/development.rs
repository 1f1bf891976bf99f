//! Every fault that a simulated machine can have gets its code, and classes never cross.

use std::collections::BTreeSet;

use chaos_attestation::{
    Anchor, AnchorClass, Claims, Collateral, Policy, Provider as _, Quote, ReasonCode, Refusal,
    ReportData, Verdict, Verifier, WorkloadId,
    appraise::Status,
    policy::{DEVELOPMENT_TOML, PRODUCTION_TOML},
    provide::{
        Development,
        development::{Fault, Identity, Scenario, Seed, Shape, Window},
    },
    verify,
};
use chaos_attestation::{EvidenceInput, TcbStatus};

use crate::recorded;

/// 2026-09-21, 14:13:20 UTC.
const AT_S: u64 = 1_790_000_000;

fn scenario() -> Scenario {
    Scenario::new(Window::of_day(AT_S))
}

fn machine(scenario: Scenario) -> Development {
    Development::simulating(&Seed::well_known(), scenario)
}

fn bound() -> ReportData {
    ReportData::bind("chaoschain/test/v1", &[b"what is claimed"])
}

fn quote(machine: &Development) -> Quote {
    Quote::parse(&machine.quote(&bound()).unwrap().quote).unwrap()
}

fn collateral(machine: &Development) -> Collateral {
    Collateral::parse(machine.collateral()).unwrap()
}

fn claims(machine: &Development, at_s: u64) -> Result<Claims, Refusal> {
    verify(&quote(machine), &collateral(machine), &[machine.anchor()], at_s)
}

/// The development preset with values changed.
fn policy(changes: &[(&str, &str)]) -> Policy {
    let mut toml = DEVELOPMENT_TOML.to_owned();
    for (from, to) in changes {
        assert!(toml.contains(from), "{from}");
        toml = toml.replace(from, to);
    }
    Policy::parse(&toml).unwrap()
}

/// A policy that refuses whatever a machine without faults does not need.
fn strict() -> Policy {
    policy(&[
        ("smt = \"accept\"", "smt = \"refuse\""),
        ("dynamic_platform = \"accept\"", "dynamic_platform = \"refuse\""),
        ("cached_keys = \"accept\"", "cached_keys = \"refuse\""),
        ("spread_days_max = 14", "spread_days_max = 7"),
    ])
}

fn code(machine: &Development) -> Option<ReasonCode> {
    claims(machine, AT_S)
        .and_then(|claims| strict().appraise(claims, None, AT_S).ensure_accepted())
        .err()
        .map(|refusal| refusal.code)
}

const fn expected(fault: Fault) -> ReasonCode {
    use ReasonCode as Code;
    match fault {
        Fault::DebugTd | Fault::ProfiledTd => Code::DebugRefused,
        Fault::MigratableTd | Fault::SeptVeEnabled | Fault::ReservedAttribute => {
            Code::AttributesRefused
        }
        Fault::ServiceTd => Code::ServiceTdRefused,
        Fault::PckRevoked | Fault::PlatformCaRevoked => Code::CertificateRevoked,
        Fault::PckExpired => Code::CertificateExpired,
        Fault::PckNotYetValid => Code::CertificateNotYetValid,
        Fault::TcbSwHardeningNeeded
        | Fault::TcbConfigurationNeeded
        | Fault::TcbOutOfDate
        | Fault::TcbOutOfDateConfigurationNeeded
        | Fault::ModuleOutOfDate
        | Fault::TdRelaunchAdvised
        | Fault::QeOutOfDate => Code::TcbStatusRefused,
        Fault::TcbRevoked => Code::TcbRevoked,
        Fault::TcbUnknown => Code::TcbNoMatch,
        Fault::TcbInfoExpired
        | Fault::QeIdentityExpired
        | Fault::RootCrlExpired
        | Fault::PckCrlExpired => Code::CollateralExpired,
        Fault::TcbInfoFromFuture | Fault::QeIdentityFromFuture => Code::CollateralNotYetValid,
        Fault::RootCrlFromFuture | Fault::PckCrlFromFuture => Code::CrlFromFuture,
        Fault::MixedAge => Code::CollateralMixedAge,
        Fault::FmspcMismatch | Fault::SgxCollateral => Code::CollateralMismatch,
        Fault::QeSignerMismatch => Code::QeIdentityMismatch,
        Fault::QeReportForged | Fault::AttestationKeyUnbound | Fault::BodyTampered => {
            Code::QuoteSignatureInvalid
        }
        Fault::TcbInfoForged | Fault::QeIdentityForged | Fault::RootCrlForged => {
            Code::CollateralInvalid
        }
        Fault::SmtEnabled => Code::SmtRefused,
        Fault::DynamicPlatform => Code::DynamicPlatformRefused,
        Fault::CachedKeys => Code::CachedKeysRefused,
    }
}

#[test]
fn every_shape_is_accepted_and_every_fault_gets_its_code() {
    for shape in Shape::ALL {
        assert_eq!(code(&machine(scenario().shape(shape))), None, "{shape:?}");
    }
    for &fault in Fault::ALL {
        let machine = machine(scenario().shape(Shape::V5Td15).fault(fault));
        assert_eq!(code(&machine), Some(expected(fault)), "{fault:?}");
    }
}

#[test]
fn a_policy_accepts_what_it_says_and_no_more() {
    for (fault, change) in [
        (Fault::DebugTd, ("debug = \"refuse\"", "debug = \"accept\"")),
        (Fault::TcbSwHardeningNeeded, ("\"UpToDate\"", "\"UpToDate\", \"SWHardeningNeeded\"")),
        (Fault::TdRelaunchAdvised, ("\"UpToDate\"", "\"TDRelaunchAdvised\"")),
        (Fault::TcbOutOfDate, ("grace_days = 0", "grace_days = 3653")),
        (Fault::QeOutOfDate, ("grace_days = 0", "grace_days = 3653")),
        (Fault::MixedAge, ("spread_days_max = 14", "spread_days_max = 25")),
    ] {
        let machine = machine(scenario().shape(Shape::V5Td15).fault(fault));
        let claims = claims(&machine, AT_S).unwrap();
        let refusal = policy(&[]).appraise(claims.clone(), None, AT_S).ensure_accepted();
        assert_eq!(refusal.unwrap_err().code, expected(fault), "{fault:?}");
        policy(&[change]).appraise(claims, None, AT_S).ensure_accepted().unwrap();
    }
}

#[test]
fn a_service_td_is_accepted_by_its_hash_only() {
    let claims = claims(&machine(scenario().shape(Shape::V5Td15).fault(Fault::ServiceTd)), AT_S);
    let claims = claims.unwrap();
    let json = serde_json::to_value(&claims).unwrap();
    let hash = json["measurements"]["tdx"]["tdx_mrservicetd"].as_str().unwrap();
    let other = "5a".repeat(48);
    for (listed, accepted) in [(hash, true), (other.as_str(), false)] {
        let policy = policy(&[("service_tds = []", &format!("service_tds = [\"{listed}\"]"))]);
        let verdict = policy.appraise(claims.clone(), None, AT_S).ensure_accepted();
        assert_eq!(verdict.is_ok(), accepted, "{verdict:?}");
    }
}

#[test]
fn grace_ends_to_the_second_and_is_not_for_advisories() {
    let claims = claims(&machine(scenario().fault(Fault::TcbOutOfDate)), AT_S).unwrap();
    assert_eq!(claims.tcb.attester_tcb_status, TcbStatus::OutOfDate);
    let date_s = claims.tcb.platform.date_s;
    let days = (AT_S - date_s).div_ceil(86_400) + 3;
    let end_s = date_s + days * 86_400;
    let grace = ("grace_days = 0", &*format!("grace_days = {days}"));
    let graceful = policy(&[grace]);
    assert!(graceful.appraise(claims.clone(), None, end_s).ensure_accepted().is_ok());
    let late = graceful.appraise(claims.clone(), None, end_s + 1).ensure_accepted();
    assert_eq!(late.unwrap_err().code, ReasonCode::TcbStatusRefused);
    let listed = ("refused_advisories = []", "refused_advisories = [\"dev-sa-00003\"]");
    let advisory = policy(&[grace, listed]).appraise(claims, None, AT_S).ensure_accepted();
    assert_eq!(advisory.unwrap_err().code, ReasonCode::AdvisoryRefused);
}

#[test]
fn old_collateral_and_clocks_set_back_are_refused() {
    let machine = machine(scenario());
    let window = Window::of_day(AT_S);
    let day = 86_400;
    let fresh = policy(&[("age_days_max = 30", "age_days_max = 2")]);
    let later_s = window.issued_at_s + 2 * day;
    let claims_later = claims(&machine, later_s).unwrap();
    assert!(fresh.appraise(claims_later.clone(), None, later_s).ensure_accepted().is_ok());
    for (at_s, code) in [
        (later_s + 1, ReasonCode::CollateralTooOld),
        (later_s - 1, ReasonCode::ClockSetBack),
        (window.expires_at_s + 400 * day, ReasonCode::CollateralExpired),
    ] {
        let refusal = fresh.appraise(claims_later.clone(), None, at_s).ensure_accepted();
        assert_eq!(refusal.unwrap_err().code, code, "{at_s}");
    }
    let low = policy(&[("evaluation_number_min = 0", "evaluation_number_min = 2")]);
    let refusal = low.appraise(claims_later, None, later_s).ensure_accepted();
    assert_eq!(refusal.unwrap_err().code, ReasonCode::EvaluationNumberTooLow);
    let before = claims(&machine, window.issued_at_s - 1).unwrap_err();
    assert_eq!(before.code, ReasonCode::CollateralNotYetValid);
}

#[test]
fn development_evidence_never_passes_for_production() {
    let machine = machine(scenario());
    // the Intel root was not asked for by this evidence
    let under_intel = verify(&quote(&machine), &collateral(&machine), &[Anchor::intel()], AT_S);
    assert_eq!(under_intel.unwrap_err().code, ReasonCode::AnchorUnknown);
    // both roots are known: the evidence leads to its own
    let anchors = [Anchor::intel(), machine.anchor()];
    let claims = verify(&quote(&machine), &collateral(&machine), &anchors, AT_S).unwrap();
    assert_eq!(claims.anchor_class, AnchorClass::Development);
    let widest = PRODUCTION_TOML
        .replace("evaluation_number_min = 17", "evaluation_number_min = 0")
        .replace("accept = \"allowlist\"", "accept = \"any\"");
    let appraisal = Policy::parse(&widest).unwrap().appraise(claims.clone(), None, AT_S);
    let refused: Vec<_> = appraisal
        .decisions()
        .iter()
        .filter(|decision| decision.verdict == Verdict::Refused)
        .map(|decision| decision.rule.as_str())
        .collect();
    assert_eq!(refused, ["anchor-class"]);
    assert_eq!(appraisal.ensure_accepted().unwrap_err().code, ReasonCode::AnchorClassRefused);
    assert_eq!(appraisal.ear().ear_status, Status::Contraindicated);
    // and where it is accepted, nothing about hardware is affirmed
    let accepted = Policy::development().appraise(claims, None, AT_S);
    assert!(accepted.ensure_accepted().is_ok());
    assert_eq!(accepted.ear().ear_status, Status::None);
}

#[test]
fn production_evidence_passes_under_neither_the_development_root_nor_its_policy() {
    let Some(vectors) = recorded::vectors() else { return };
    let vector = vectors.iter().find(|vector| vector.id == "tdx4-near-uptodate").unwrap();
    let development = machine(scenario()).anchor();
    let refusal = verify(&vector.quote(), &vector.collateral(), &[development], vector.verify_at);
    assert_eq!(refusal.unwrap_err().code, ReasonCode::AnchorUnknown);
    let anchors = [machine(scenario()).anchor(), Anchor::intel()];
    let claims = verify(&vector.quote(), &vector.collateral(), &anchors, vector.verify_at).unwrap();
    assert_eq!(claims.anchor_class, AnchorClass::IntelProduction);
    let refusal = Policy::development().appraise(claims.clone(), None, vector.verify_at);
    assert_eq!(refusal.ensure_accepted().unwrap_err().code, ReasonCode::AnchorClassRefused);
    let pinned = BTreeSet::from([claims.workload_id]);
    let accepted = Policy::production().appraise(claims, Some(&pinned), vector.verify_at);
    accepted.ensure_accepted().unwrap();
    assert_eq!(accepted.ear().ear_status, Status::Affirming);
}

/// The rules of the recommended policy that refuse this evidence.
fn refused_by(claims: Claims, at_s: u64) -> Vec<&'static str> {
    let pinned = BTreeSet::from([claims.workload_id]);
    Policy::production()
        .appraise(claims, Some(&pinned), at_s)
        .decisions()
        .iter()
        .filter(|decision| decision.verdict == Verdict::Refused)
        .map(|decision| decision.rule.as_str())
        .collect()
}

/// Real collateral stays valid for 30 days and the root's list for a year, so a limit at or above
/// that would decide nothing.
#[test]
fn each_limit_of_the_recommended_policy_refuses_something_that_verifies() {
    let Some(vectors) = recorded::vectors() else { return };
    let refused = |id: &str, later_s: u64| {
        let vector = vectors.iter().find(|vector| vector.id == id).unwrap();
        let at_s = vector.verify_at + later_s;
        let anchors = [vector.anchor()];
        refused_by(verify(&vector.quote(), &vector.collateral(), &anchors, at_s).unwrap(), at_s)
    };
    assert_eq!(refused("tdx4-dstack-uptodate-2026-02", 0), [""; 0]);
    // collateral of 13.6 days
    assert_eq!(refused("tdx4-uptodate-2025", 0), ["collateral-age"]);
    // collateral of 16 days, and a root's list of 351
    let aged = refused("tdx4-dstack-uptodate-2026-02", 11 * 86_400);
    assert_eq!(aged, ["collateral-age", "root-crl-age"]);
    assert_eq!(refused("tdx4-outofdate-2025-06", 0), ["tcb-status"]);
    // a document twenty days older than the others
    let mixed = claims(&machine(scenario().fault(Fault::MixedAge)), AT_S).unwrap();
    assert!(refused_by(mixed, AT_S).contains(&"collateral-spread"));
}

#[test]
fn a_policy_that_takes_any_workload_affirms_nothing_as_a_whole() {
    let Some(vectors) = recorded::vectors() else { return };
    let vector = vectors.iter().find(|vector| vector.id == "tdx4-near-uptodate").unwrap();
    let claims =
        verify(&vector.quote(), &vector.collateral(), &[vector.anchor()], vector.verify_at)
            .unwrap();
    let any = PRODUCTION_TOML.replace("accept = \"allowlist\"", "accept = \"any\"");
    let appraisal = Policy::parse(&any).unwrap().appraise(claims, None, vector.verify_at);
    appraisal.ensure_accepted().unwrap();
    assert_eq!(appraisal.ear().ear_status, Status::None);
}

/// TD attribute bit 17 with a body of TDX 1.5 that is not extended.
#[test]
fn service_tds_that_may_have_been_bound_since_are_refused() {
    let mut identity = Identity::default();
    identity.attributes[2] |= 1 << 1;
    let scenario = scenario().shape(Shape::V5Td15).identity(identity).fault(Fault::ServiceTd);
    let claims = claims(&machine(scenario), AT_S).unwrap();
    let json = serde_json::to_value(&claims).unwrap();
    let hash = json["measurements"]["tdx"]["tdx_mrservicetd"].as_str().unwrap();
    let listing = policy(&[("service_tds = []", &format!("service_tds = [\"{hash}\"]"))]);
    let refusal = listing.appraise(claims, None, AT_S).ensure_accepted().unwrap_err();
    assert_eq!(refusal.code, ReasonCode::ServiceTdRefused);
}

#[test]
fn one_call_accepts_only_what_is_bound_and_listed() {
    let machine = machine(scenario());
    let verifier = Verifier::new(vec![machine.anchor()]);
    let listing = policy(&[("accept = \"any\"", "accept = \"allowlist\"")]);
    let (quote, collateral) = (machine.quote(&bound()).unwrap().quote, collateral(&machine));
    let attest = |list: Option<BTreeSet<WorkloadId>>, report_data: &ReportData| {
        let evidence =
            EvidenceInput { quote: &quote, collateral: &collateral, report_data, at_s: AT_S };
        let list = list.as_ref().map(|list| list as &dyn chaos_attestation::Workloads);
        verifier.attest(&listing, list, &evidence).map_err(|refusal| refusal.code)
    };
    let workload = claims(&machine, AT_S).unwrap().workload_id;
    let attested = attest(Some(BTreeSet::from([workload])), &bound()).unwrap();
    assert_eq!(attested.claims().workload_id, workload);
    let other = ReportData::bind("chaoschain/other/v1", &[b"what is claimed"]);
    for (list, report_data, code) in [
        (Some(BTreeSet::from([workload])), other, ReasonCode::BindingMismatch),
        (Some(BTreeSet::new()), bound(), ReasonCode::WorkloadNotAllowed),
        (None, bound(), ReasonCode::WorkloadNotAllowed),
    ] {
        assert_eq!(attest(list, &report_data).unwrap_err(), code);
    }
}

#[test]
fn another_quote_of_a_remembered_platform_says_what_it_would_have_said() {
    for shape in Shape::ALL {
        let verifier = Verifier::new(vec![machine(scenario()).anchor()]);
        for name in ["first", "second", "third"] {
            let machine = machine(scenario().shape(shape).identity(Identity::named(name)));
            let (quote, collateral) = (quote(&machine), collateral(&machine));
            let cold = verify(&quote, &collateral, verifier.anchors(), AT_S).unwrap();
            assert_eq!(verifier.verify(&quote, &collateral, AT_S).unwrap(), cold);
        }
        // all of one platform: the second and third needed no more than their signature
        assert_eq!(verifier.platforms_len(), 1, "{shape:?}");
    }
}

#[test]
fn claims_are_canonical_and_read_back() {
    for shape in Shape::ALL {
        let claims = claims(&machine(scenario().shape(shape)), AT_S).unwrap();
        let bytes = claims.to_canonical().unwrap();
        let read: Claims = chaos_types::canonical::from_slice(&bytes).unwrap();
        assert_eq!(read, claims);
    }
}
