use std::collections::BTreeSet;

use chaos_report::svg::WIDTH;
use proptest::prelude::*;

use super::{super::fixture, *};
use crate::study::data::{
    AttackRow, Delay, Differences, Fan, Fullness, GasChanges, Growth, Histogram, Limit, Outcomes,
    Percentiles, Revenue, Tornado,
};

fn drawn(text: &str) -> Vec<Figure> {
    figures(&fixture::study(text))
}

#[test]
fn every_figure_of_the_list_is_numbered_and_drawn() {
    let study = fixture::study("text");
    let plates = plates(&study);
    let numbers: Vec<u8> = plates.iter().map(|plate| plate.number).collect();
    assert_eq!(numbers, (1..=16).collect::<Vec<u8>>());
    for plate in &plates {
        let shown = plate.shown.as_ref().unwrap();
        assert!(!shown.figures.is_empty(), "figure {}", plate.number);
        assert!(!shown.table.is_empty(), "table {}", plate.number);
        assert!(plate.reading.len() > 80, "figure {} says how to read it", plate.number);
    }
    let names: BTreeSet<&str> = drawn("text").iter().map(|figure| figure.name).collect();
    assert_eq!(names.len(), drawn("text").len(), "names are file names and identifiers");
}

#[test]
fn titles_state_the_finding() {
    let titles: Vec<String> = drawn("").into_iter().map(|figure| figure.title).collect();
    assert_eq!(
        titles,
        [
            "Median base fee: 12.85 gwei \u{2192} 9.93 gwei (\u{2212}22.7 %)",
            "Base fee: better in 96.5 % of blocks, worse in 3.5 %",
            "Lowest tips, p95 of the wait: 9 blocks \u{2192} 4 blocks",
            "Blocks above 95 % of the limit: 21.7 % \u{2192} 10.4 %",
            "Paid in all: 1,679 ETH/day \u{2192} 1,598 ETH/day (\u{2212}4.8 %)",
            "99.30 % of transactions: unchanged",
            "Gas of transactions: ratio of sums +0.8 %, mean of ratios +0.14 %",
            "Slowest block: modexp even modulus, 1,893 ms, 47.3 % of the limit",
            "Largest block: calldata, zero bytes, 5.72 MiB, 57.2 % of the limit",
            "Most state written: SSTORE, new slots, 2,715 slots",
            "State grows by 2.906 GiB/month \u{2192} 3.651 GiB/month (+25.6 %)",
            "Binding: receipts, bytes, exceeded by 3.0 %",
            "Price elasticity decides most; the sign depends on the assumptions",
            "1 of 8 attacks does more damage per ether than today",
            "To be scored on 2026-12-21: base fee, median 9.55 gwei (7.20 to 12.90 gwei)",
            "11 of 19 cells meet every requirement",
            "5 of 6 requirements are met",
            "Elasticity matters: base fee, median \u{2212}29.7 to \u{2212}15.6 %",
        ]
    );
}

#[test]
fn drawings_repeat_to_the_byte_and_load_nothing() {
    assert_eq!(drawn("text"), drawn("text"));
    for figure in drawn(fixture::HOSTILE) {
        for word in ["<script", "href", "url(", "@import", "<image", "<foreignObject"] {
            assert!(!figure.svg().contains(word), "{} {word}", figure.name);
        }
    }
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let needle = format!(" {name}=\"");
    let start = tag.find(&needle)? + needle.len();
    tag.get(start..)?.split('"').next()
}

fn height(figure: &Figure) -> i64 {
    attribute(figure.svg(), "viewBox").unwrap().split(' ').nth(3).unwrap().parse().unwrap()
}

#[test]
fn coordinates_are_integers_inside_the_drawing() {
    for figure in drawn("text") {
        let height = height(&figure);
        for tag in figure.svg().split('<') {
            let names = ["x", "x1", "x2", "cx", "width", "y", "y1", "y2", "cy", "height"];
            for (index, name) in names.into_iter().enumerate() {
                let limit = if index < 5 { WIDTH } else { height };
                if let Some(value) = attribute(tag, name) {
                    let number: i64 = value.parse().unwrap_or_else(|_| panic!("{name}={value}"));
                    assert!((0..=limit).contains(&number), "{} {name}={value}", figure.name);
                }
            }
            for number in attribute(tag, "points").unwrap_or("0").split([' ', ',']) {
                assert!(number.parse::<i64>().is_ok(), "{} {number}", figure.name);
            }
        }
    }
}

/// A text's box: left, right, top, bottom; `per` is the width of a character at the usual size.
fn boxes(figure: &Figure, per: i64) -> Vec<(String, [i64; 4])> {
    figure
        .svg()
        .split("<text")
        .skip(1)
        .map(|rest| {
            let (tag, words) = rest.split_once('>').unwrap();
            let words = words.split("</text").next().unwrap().trim().to_owned();
            let number = |name| attribute(tag, name).and_then(|value| value.parse::<i64>().ok());
            let small = attribute(tag, "class").unwrap().contains("cc-s");
            let size = number("font-size").unwrap_or(if small { 22 } else { 26 });
            let width = i64::try_from(words.chars().count()).unwrap() * per * size / 26;
            let (x, y) = (number("x").unwrap(), number("y").unwrap());
            let left = match attribute(tag, "text-anchor") {
                Some("middle") => x - width / 2,
                Some("end") => x - width,
                _ => x,
            };
            (words, [left, left + width, y - size * 7 / 10, y])
        })
        .collect()
}

#[test]
fn texts_of_a_drawing_neither_overlap_nor_leave_it() {
    let mut long = fixture::study("of a rather long-winded description that nobody asked for");
    long.heading.changes[0].name = "blob-base-fee-update-fraction-of-the-next-fork".into();
    for figure in drawn("").into_iter().chain(figures(&long)) {
        let texts = boxes(&figure, 12);
        for (index, (one, a)) in texts.iter().enumerate() {
            assert!(a[0] >= 0 && a[1] <= WIDTH, "{}: `{one}` {a:?}", figure.name);
            for (other, b) in texts.iter().take(index) {
                let apart = a[1] <= b[0] || b[1] <= a[0] || a[3] <= b[2] || b[3] <= a[2];
                assert!(apart, "{}: `{one}` over `{other}`", figure.name);
            }
        }
    }
}

#[test]
fn parts_that_were_not_measured_say_so_and_are_not_drawn() {
    let study = fixture::bare();
    assert_eq!(figures(&study), []);
    for plate in plates(&study) {
        let reason = match plate.number {
            15 => "not measured: the run has no rows",
            _ => "not measured: this study did not look at it",
        };
        assert_eq!(plate.shown.unwrap_err(), reason, "figure {}", plate.number);
    }
}

/// What blocks do to transactions, machines and the state.
fn zero_execution(study: &mut Study) {
    if let Part::Known(changes) = &mut study.gas_changes {
        changes.bins.iter_mut().for_each(|bin| bin.count = 0);
    }
    if let Part::Known(worst) = &mut study.worst_blocks {
        (worst.time_limit, worst.bytes_limit) = (None, None);
        for block in &mut worst.blocks {
            (block.microseconds, block.bytes) = (Some((0, 0)), Some((0, 0)));
        }
    }
    if let Part::Known(growth) = &mut study.growth {
        for category in &mut growth.categories {
            (category.baseline, category.proposal) = (0, 0);
        }
        growth.reference = None;
    }
    if let Part::Known(constraints) = &mut study.constraints {
        for constraint in constraints {
            (constraint.limit, constraint.baseline, constraint.proposal) = (0, 0, 0);
        }
    }
}

/// A study in which every number that can be zero is zero.
fn zeros() -> Study {
    let mut study = fixture::study("");
    let zero = |row: &mut AttackRow| (row.baseline, row.proposal) = (0, 0);
    if let Part::Known(attacks) = &mut study.attacks {
        for attack in &mut attacks.attacks {
            zero(&mut attack.cost);
            attack.damage.iter_mut().for_each(zero);
        }
    }
    if let Part::Known(fans) = &mut study.fans {
        let fan = &mut fans[0];
        for band in [&mut fan.baseline, &mut fan.proposal] {
            for values in [&mut band.p10, &mut band.p50, &mut band.p90] {
                values.fill(0);
            }
        }
    }
    if let Part::Known(differences) = &mut study.differences {
        differences.samples.fill(0);
    }
    if let Part::Known(delays) = &mut study.delays {
        for delay in delays {
            for arm in [&mut delay.baseline, &mut delay.proposal] {
                (arm.p50_milli_blocks, arm.p95_milli_blocks, arm.never_ppm) = (0, 0, Some(0));
            }
        }
    }
    if let Part::Known(fullness) = &mut study.fullness {
        for histogram in [Some(&mut fullness.baseline), fullness.proposal.as_mut()] {
            let Some(histogram) = histogram else { continue };
            histogram.counts.fill(0);
            histogram.target_ppm = 0;
        }
    }
    if let Part::Known(revenue) = &mut study.revenue {
        for component in &mut revenue.components {
            (component.baseline, component.proposal) = (0, 0);
        }
    }
    zero_execution(&mut study);
    if let Part::Known(tornado) = &mut study.tornado {
        tornado.base = 0;
        tornado.rows.iter_mut().for_each(|row| (row.low, row.high) = (0, 0));
    }
    if let Part::Known(forecast) = &mut study.forecast {
        forecast.rows.iter_mut().for_each(|row| (row.p10, row.p50, row.p90) = (0, Some(0), 0));
    }
    for row in &mut study.decision {
        (row.baseline, row.proposal, row.difference) = (0, 0, 0);
    }
    if let Part::Known(sweep) = &mut study.sweep {
        for point in &mut sweep.points {
            (point.baseline, point.proposal, point.difference) = (0, 0, 0);
        }
    }
    study.outcomes = Part::Known(Outcomes::new(vec![("none".into(), 0)], 0).unwrap());
    study
}

#[test]
fn zeros_are_drawn_or_reported_but_never_divided_by() {
    let study = zeros();
    let html = crate::study::html(&study);
    for word in ["NaN", "inf ", "Infinity", "-0 ", "\u{2212}0 "] {
        assert!(!html.contains(word), "{word}");
    }
    let absent: Vec<u8> = plates(&study)
        .into_iter()
        .filter(|plate| plate.shown.is_err())
        .map(|plate| plate.number)
        .collect();
    assert_eq!(absent, [4, 6, 7, 10, 15, 16], "nothing was counted and no limit was given");
}

#[test]
fn empty_data_is_reported_as_absent() {
    let mut study = fixture::study("");
    let empty = Percentiles::default;
    study.fans = Part::Known(vec![Fan {
        label: "base fee".into(),
        unit: "wei".into(),
        origin: Origin::Model,
        blocks: vec![],
        baseline: empty(),
        proposal: empty(),
        sample: String::new(),
    }]);
    study.differences = Part::Known(Differences {
        label: "base fee".into(),
        unit: "wei".into(),
        origin: Origin::Model,
        better: crate::study::data::Better::Lower,
        samples: vec![],
    });
    study.delays = Part::Known(Vec::<Delay>::new());
    study.fullness = Part::Known(Fullness {
        origin: Origin::Model,
        baseline: Histogram { counts: vec![], target_ppm: 0 },
        proposal: Some(Histogram { counts: vec![], target_ppm: 0 }),
        finding: String::new(),
    });
    study.revenue = Part::Known(Revenue {
        unit: "wei_per_day".into(),
        origin: Origin::Model,
        components: vec![],
    });
    study.outcomes = Part::Known(Outcomes::new(vec![], 0).unwrap());
    study.gas_changes =
        Part::Known(GasChanges { bins: vec![], ratio_of_sums_ppm: 0, mean_of_ratios_ppm: 0 });
    study.growth =
        Part::Known(Growth { origin: Origin::Model, categories: vec![], reference: None });
    study.constraints = Part::Known(vec![]);
    study.tornado = Part::Known(Tornado {
        label: String::new(),
        unit: "wei".into(),
        origin: Origin::Model,
        base: 0,
        rows: vec![],
    });
    let html = crate::study::html(&study);
    let said = html.matches("not measured: the run left no data for it").count();
    assert_eq!(said, 10, "one for each of the parts above");
}

#[test]
fn bars_beyond_a_limit_are_marked_as_such() {
    let svg = |name: &str| {
        let found = drawn("").into_iter().find(|figure| figure.name == name);
        found.map(|figure| figure.svg().to_owned()).unwrap()
    };
    let marked = |name: &str| svg(name).matches("<rect class=\"cc-no\"").count();
    assert_eq!(marked("figure-10-headroom"), 1, "receipts are over their limit");
    assert_eq!(marked("figure-08-worst-time"), 0);
    let mut study = fixture::study("");
    if let Part::Known(worst) = &mut study.worst_blocks {
        worst.time_limit = Some(Limit { value: 1_000, why: "budget".into() });
    }
    let over = figures(&study)
        .into_iter()
        .find(|figure| figure.name == "figure-08-worst-time")
        .map(|figure| figure.svg().matches("<rect class=\"cc-no\"").count());
    assert_eq!(over, Some(1), "only modexp takes more than a second");
}

#[test]
fn forecast_shows_hits_and_misses_once_the_date_has_come() {
    let mut study = fixture::study("");
    if let Part::Known(forecast) = &mut study.forecast {
        forecast.rows[0].actual = Some(9_000_000_000);
        forecast.rows[1].actual = Some(120_000_000_000);
    }
    let figure =
        figures(&study).into_iter().find(|figure| figure.name == "figure-13-forecast").unwrap();
    assert_eq!(figure.title, "1 of 2 intervals held what happened; 80 % should");
    // One of each stands in the legend.
    assert_eq!(figure.svg().matches("<circle class=\"cc-ok\"").count(), 2);
    assert_eq!(figure.svg().matches("<circle class=\"cc-no\"").count(), 2);
}

#[test]
fn ticks_are_round_in_the_unit_that_the_axis_names() {
    let labels = |unit: &str, high: i128| {
        let unit = chaos_report::Unit::of(unit, high);
        let ticks = unit.ticks(0, high, 6);
        let labels: Vec<String> = ticks.iter().map(|(_, label)| label.clone()).collect();
        (unit.name().to_owned(), labels.join(" "), ticks.last().map(|(value, _)| *value))
    };
    let check = |unit: &str, high, expect: (&str, &str, i128)| {
        let expect = (expect.0.to_owned(), expect.1.to_owned(), Some(expect.2));
        assert_eq!(labels(unit, high), expect, "{unit}");
    };
    check("bytes", 10 << 20, ("MiB", "0 2 4 6 8 10", 10 << 20));
    check("bytes_per_month", 3 << 30, ("GiB/month", "0 1 2 3", 3 << 30));
    check("wei", 42_000_000_000, ("gwei", "0 10 20 30 40", 40_000_000_000));
    check("wei", 250_000, ("gwei", "0 0.00005 0.0001 0.00015 0.0002 0.00025", 250_000));
    check("microseconds", 4_000_000, ("ms", "0 1,000 2,000 3,000 4,000", 4_000_000));
    check("slots", 3, ("slots", "0 1 2 3", 3));
}

proptest! {
    #[test]
    fn printed_shares_of_groups_add_up_to_exactly_one_hundred(
        counts in prop::collection::vec(0_u64..1_000_000, 1..12)
    ) {
        let total = counts.iter().sum();
        prop_assume!(total > 0);
        let groups = counts.iter().enumerate().map(|(i, c)| (format!("group {i}"), *c)).collect();
        let part = Outcomes::new(groups, total).unwrap();
        let shares = outcomes::shares(&part);
        prop_assert_eq!(shares.iter().sum::<u64>(), 10_000);
        for (share, count) in shares.iter().zip(&counts) {
            let exact = u128::from(*count) * 10_000 / u128::from(total);
            prop_assert!((exact..=exact + 1).contains(&u128::from(*share)));
        }
    }

    #[test]
    fn shares_better_and_worse_are_those_of_a_plain_count(
        samples in prop::collection::vec(-5_i128..=5, 1..200)
    ) {
        let count = |wanted: fn(&i128) -> bool| {
            let found = samples.iter().filter(|sample| wanted(sample)).count();
            let (found, all) = (found as i128, samples.len() as i128);
            quantity::percent((found * 1_000_000 + all / 2) / all)
        };
        let expect = format!(
            "Base fee: better in {} of blocks, worse in {}",
            count(|sample| *sample < 0),
            count(|sample| *sample > 0)
        );
        let mut study = fixture::bare();
        study.differences = Part::Known(Differences {
            label: "base fee".into(),
            unit: "wei".into(),
            origin: Origin::Model,
            better: crate::study::data::Better::Lower,
            samples,
        });
        prop_assert_eq!(&figures(&study)[0].title, &expect);
    }
}
