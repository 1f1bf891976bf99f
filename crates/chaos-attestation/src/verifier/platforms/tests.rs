use super::*;
use crate::{
    Provider as _, ReportData,
    provide::{
        Development,
        development::{Fault, Identity, Scenario, Seed, Shape, Window},
    },
    verify::verify_with_library,
};

/// 2026-09-21, 14:13:20 UTC.
const AT_S: u64 = 1_790_000_000;

fn scenario() -> Scenario {
    Scenario::new(Window::of_day(AT_S)).shape(Shape::V5Td15)
}

fn quoted(scenario: Scenario, about: &[u8]) -> (Quote, Collateral, Development) {
    let machine = Development::simulating(&Seed::well_known(), scenario);
    let evidence = machine.quote(&ReportData::bind("test", &[about])).unwrap();
    let collateral = Collateral::parse(machine.collateral()).unwrap();
    (Quote::parse(&evidence.quote).unwrap(), collateral, machine)
}

#[test]
fn the_oldest_platform_is_forgotten_first_and_no_more_are_kept() {
    let (quote, collateral, machine) = quoted(scenario(), b"x");
    let anchors = [machine.anchor()];
    let (anchor, verified) = verify_with_library(&quote, &collateral, &anchors, AT_S).unwrap();
    let mut platforms = Platforms::default();
    let name = |nth: usize| Digest::of(&nth.to_be_bytes());
    for nth in 0..PLATFORMS_MAX + 2 {
        platforms.insert(name(nth), Platform::new(anchor.class(), verified.clone()));
        platforms.insert(name(nth), Platform::new(anchor.class(), verified.clone()));
    }
    assert_eq!((platforms.len(), platforms.oldest_first.len()), (PLATFORMS_MAX, PLATFORMS_MAX));
    assert!(platforms.get(&name(1), AT_S).is_none());
    assert!(platforms.get(&name(2), AT_S).is_some());
}

#[test]
fn what_an_environment_holds_and_says_is_no_part_of_its_platform() {
    let (quote, collateral, _) = quoted(scenario(), b"one");
    let (other, _, _) = quoted(scenario().identity(Identity::named("another")), b"two");
    assert_ne!(quote.id(), other.id());
    assert_eq!(key(&quote, &collateral), key(&other, &collateral));
}

#[test]
fn whatever_is_judged_makes_another_platform() {
    let (quote, collateral, _) = quoted(scenario(), b"one");
    let known = key(&quote, &collateral);
    for fault in [Fault::DebugTd, Fault::ServiceTd, Fault::QeReportForged, Fault::PckExpired] {
        let (other, _, _) = quoted(scenario().fault(fault), b"one");
        assert_ne!(key(&other, &collateral), known, "{fault:?}");
    }
}
