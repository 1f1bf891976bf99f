//! Thresholds at their exact bounds, and domination against its definition.

use std::collections::BTreeMap;

use chaos_parameters::Layer;
use proptest::prelude::*;

use super::*;
use chaos_simulation::{Decimal, Interval, MetricRow};

const METRIC: &str = "base_fee_median";

/// A row whose paired differences go from `low` to `high`.
fn row(baseline: i128, proposal: i128, (low, high): (i128, i128)) -> MetricRow {
    MetricRow {
        unit: "wei".to_owned(),
        baseline,
        proposal,
        difference: proposal - baseline,
        interval: Interval { low, high },
        paths_only: None,
        layer: Layer::FeeMarket,
    }
}

/// Twenty paths with the row's interval as their tails: two at its low end, three at its high end.
fn paths(row: &MetricRow) -> Vec<(Decimal, Decimal)> {
    let at = |difference: i128| (Decimal(row.baseline), Decimal(row.baseline + difference));
    let middle = row.proposal - row.baseline;
    [(row.interval.low, 2), (middle, 15), (row.interval.high, 3)]
        .into_iter()
        .flat_map(|(difference, count)| std::iter::repeat_n(at(difference), count))
        .collect()
}

fn judged(side: Side, value: ThresholdValue, row: MetricRow) -> Judgement {
    let threshold = Threshold { metric: METRIC.to_owned(), side, value };
    let pairs = BTreeMap::from([(METRIC.to_owned(), paths(&row))]);
    let metrics = BTreeMap::from([(METRIC.to_owned(), row)]);
    judge(&[threshold], &metrics, &pairs).remove(0)
}

#[test]
fn nothing_is_robust_on_fewer_than_twenty_paths() {
    let row = row(100, 110, (5, 15));
    let threshold = Threshold {
        metric: METRIC.to_owned(),
        side: Side::AtMost,
        value: ThresholdValue::Proposal(1_000),
    };
    let few = paths(&row).split_off(1);
    let pairs = BTreeMap::from([(METRIC.to_owned(), few)]);
    let judgement = judge(&[threshold], &BTreeMap::from([(METRIC.to_owned(), row)]), &pairs);
    assert_eq!((judgement[0].met, judgement[0].robust), (true, false));
    assert_eq!(judgement[0].not_judged.as_deref(), Some("19 paths, at least 20"));
}

#[test]
fn nothing_is_judged_on_a_scenario_that_is_not_the_chain() {
    let value = ThresholdValue::Proposal(1_000);
    let met = judged(Side::AtMost, value, row(100, 110, (5, 15)));
    assert!(met.met && met.robust && met.not_judged.is_none());
    let of = |status: &str| {
        let rows = serde_json::json!({
            "given": 60, "without_base_fee": 0, "not_consecutive": 0, "other_era": 0, "used": 60,
            "first_block": "1", "last_block": "60",
        });
        let found = serde_json::json!({
            "status": status, "rows": rows, "figures": {}, "reasons": [], "outside_the_data": null,
        });
        withheld(vec![met.clone()], Some(&serde_json::from_value(found).unwrap())).remove(0)
    };
    for usable in ["calibrated", "level_only"] {
        assert_eq!(of(usable), met);
    }
    let withheld = of("not_calibrated");
    assert_eq!((withheld.met, withheld.robust), (false, false));
    assert_eq!(withheld.not_judged.as_deref(), Some("not calibrated"));
}

#[test]
fn a_bound_on_the_proposal_looks_at_its_own_tail_and_not_at_the_differences() {
    // Every path moves up by 10, but three of twenty baselines are three times as high.
    let row = row(120, 130, (10, 10));
    let paths: Vec<_> = (0..20)
        .map(|path| if path < 3 { 300 } else { 100 })
        .map(|baseline| (Decimal(baseline), Decimal(baseline + 10)))
        .collect();
    let threshold = Threshold {
        metric: METRIC.to_owned(),
        side: Side::AtMost,
        value: ThresholdValue::Proposal(200),
    };
    let pairs = BTreeMap::from([(METRIC.to_owned(), paths)]);
    let judgement = judge(&[threshold], &BTreeMap::from([(METRIC.to_owned(), row)]), &pairs);
    assert_eq!((judgement[0].met, judgement[0].robust), (true, false));
    assert_eq!(judgement[0].worst, Decimal(310));
}

/// (met, robust) of a proposal of 110 over a baseline of 100, differences from 5 to 15.
fn check(side: Side, value: ThresholdValue, expected: (bool, bool)) {
    let judgement = judged(side, value, row(100, 110, (5, 15)));
    assert_eq!((judgement.met, judgement.robust), expected, "{side:?} {value:?}");
}

#[test]
fn a_figure_at_the_bound_meets_it_and_one_beyond_misses_it() {
    use Side::{AtLeast, AtMost};
    use ThresholdValue::{ChangePpm, Proposal};
    for (at_most, at_least, met, robust) in [
        (115i64, 105i64, true, true),
        (114, 106, true, false),
        (110, 110, true, false),
        (109, 111, false, false),
    ] {
        check(AtMost, Proposal(at_most.into()), (met, robust));
        check(AtLeast, Proposal(at_least.into()), (met, robust));
        check(AtMost, ChangePpm((at_most - 100) * 10_000), (met, robust));
        check(AtLeast, ChangePpm((at_least - 100) * 10_000), (met, robust));
    }
}

#[test]
fn a_judgement_shows_bound_figure_and_the_less_favourable_end() {
    let most = judged(Side::AtMost, ThresholdValue::ChangePpm(200_000), row(100, 110, (5, 15)));
    assert_eq!(
        (most.threshold, most.proposal, most.worst),
        (Decimal(120), Decimal(110), Decimal(115))
    );
    assert_eq!((most.metric.as_str(), most.unit.as_str()), (METRIC, "wei"));
    let least = judged(Side::AtLeast, ThresholdValue::Proposal(-7), row(100, 110, (5, 15)));
    assert_eq!((least.threshold, least.worst), (Decimal(-7), Decimal(105)));
}

/// Four blocks instead of five are 20 % less, not 30 %.
#[test]
fn a_relative_bound_between_two_whole_figures_is_rounded_to_the_wanted_side() {
    let change = ThresholdValue::ChangePpm;
    let met = |side, ppm, proposal: i128| {
        judged(side, change(ppm), row(5, proposal, (proposal - 5, proposal - 5))).met
    };
    assert!(!met(Side::AtMost, -300_000, 4) && met(Side::AtMost, -300_000, 3));
    assert!(!met(Side::AtMost, 300_000, 7) && met(Side::AtMost, 300_000, 6));
    assert!(!met(Side::AtLeast, 300_000, 6) && met(Side::AtLeast, 300_000, 7));
    assert!(!met(Side::AtLeast, -300_000, 3) && met(Side::AtLeast, -300_000, 4));
}

#[test]
fn a_threshold_on_a_missing_metric_is_not_met() {
    for side in [Side::AtMost, Side::AtLeast] {
        let value = ThresholdValue::Proposal(0);
        let threshold = Threshold { metric: METRIC.to_owned(), side, value };
        let judgement = judge(&[threshold], &BTreeMap::new(), &BTreeMap::new()).remove(0);
        assert_eq!((judgement.met, judgement.robust), (false, false));
        assert_eq!(judgement.metric, METRIC);
    }
}

proptest! {
    /// `proposal / baseline - 1 <= ppm / 10^6`, without a division.
    #[test]
    fn relative_thresholds_hold_exactly_when_the_fraction_does(
        baseline in 0i128..1 << 70,
        ppm in -2_000_000i64..2_000_000,
        off in -3i128..4,
    ) {
        let proposal = baseline + baseline * i128::from(ppm) / 1_000_000 + off;
        let row = row(baseline, proposal, (proposal - baseline, proposal - baseline));
        let (change, bound) = ((proposal - baseline) * 1_000_000, baseline * i128::from(ppm));
        let met = |side| judged(side, ThresholdValue::ChangePpm(ppm), row.clone()).met;
        prop_assert_eq!(met(Side::AtMost), change <= bound);
        prop_assert_eq!(met(Side::AtLeast), change >= bound);
    }
}

const GOALS: [&str; 3] = ["base_fee_median", "fee_burned", "blocks_saturated"];

/// Whether `a` is at least as good as `b` on all goals and better on one.
fn dominates(lower: &[bool], a: &[i128], b: &[i128]) -> bool {
    let mut better = false;
    for ((lower, a), b) in lower.iter().zip(a).zip(b) {
        let (good, bad) = if *lower { (b, a) } else { (a, b) };
        if good < bad {
            return false;
        }
        better |= good > bad;
    }
    better
}

fn frontier(lower: &[bool], cells: &[Vec<i128>]) -> Vec<bool> {
    let goals: Vec<Goal> = GOALS
        .iter()
        .zip(lower)
        .map(|(metric, lower)| Goal { metric: (*metric).to_owned(), lower_is_better: *lower })
        .collect();
    let cells: Vec<BTreeMap<String, MetricRow>> = cells
        .iter()
        .map(|figures| {
            let rows = GOALS.iter().zip(figures);
            rows.map(|(name, figure)| ((*name).to_owned(), row(0, *figure, (0, 0)))).collect()
        })
        .collect();
    pareto(&goals, &cells.iter().collect::<Vec<_>>())
}

proptest! {
    /// Few values, so that ties and equal cells occur.
    #[test]
    fn a_cell_is_on_the_frontier_exactly_if_no_other_dominates_it(
        lower in prop::collection::vec(any::<bool>(), 1..=3),
        cells in prop::collection::vec(prop::collection::vec(-3i128..4, 3), 0..12),
    ) {
        let found = frontier(&lower, &cells);
        prop_assert_eq!(found.len(), cells.len());
        for (own, on) in cells.iter().zip(&found) {
            let dominated = cells.iter().any(|other| dominates(&lower, other, own));
            prop_assert_eq!(*on, !dominated, "{:?} among {:?}", own, cells);
        }
        prop_assert_eq!(found.contains(&true), !cells.is_empty(), "some cell is always best");
    }
}

#[test]
fn equal_cells_stand_on_the_frontier_together() {
    let cells = [vec![1, 5, 0], vec![1, 5, 0], vec![2, 5, 0], vec![2, 6, 0]];
    assert_eq!(frontier(&[true, false], &cells), [true, true, false, true]);
}

#[test]
fn without_goals_or_figures_no_cell_is_on_the_frontier() {
    assert_eq!(frontier(&[], &[vec![1], vec![2]]), [false, false]);
    // The second has no figure for the second goal; it neither wins nor beats the first.
    assert_eq!(frontier(&[true, true], &[vec![5, 5], vec![1]]), [true, false]);
}
