use super::*;
use crate::transactions::{Metric, run};

#[test]
fn a_matched_level_gives_the_price_it_was_matched_to() {
    let rules = Parameters::ethereum(30_000_000).unwrap();
    let mut spec = Spec { blocks: 3_000, ..Spec::stated(rules) };
    spec.pool.lifetime_blocks = 50;
    let gwei = 1_000_000_000;
    let matched = spec.matched_to(40 * gwei).unwrap().spec;
    let outcome = run(&matched, &Arm::honest(rules), (12, 0)).unwrap();
    let median = outcome.metrics[&Metric::BaseFeeMedian] as f64 / 4e10;
    assert!((median - 1.0).abs() < 0.08, "{median}");
    assert_eq!(matched.users, spec.users);
}
