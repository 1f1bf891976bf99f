use chaos_report::{Figure, svg::WIDTH};

use super::*;
use crate::{
    fixture::{HOSTILE, context, one_cell, parameters, proposal, recorded, simulation},
    study::figures,
};

fn drawn(text: &str) -> Vec<Figure> {
    figures(&one_cell(&proposal(&context(text))))
}

#[test]
fn all_four_figures_are_drawn_and_repeat_to_the_byte() {
    let figures = drawn("text");
    let names: Vec<&str> = figures.iter().map(|figure| figure.name).collect();
    assert_eq!(
        names,
        ["figure-01-base-fee", "figure-04-fullness", "figure-15-intervals", "figure-16-elasticity"]
    );
    assert_eq!(figures, drawn("text"));
}

#[test]
fn titles_state_the_finding() {
    let titles: Vec<String> = drawn("text").into_iter().map(|figure| figure.title).collect();
    assert_eq!(titles[1], "75.0 % of blocks are full; mean use is 75.8 % of the limit");
    assert_eq!(titles[2], "4 of 4 requirements are met");
    assert_eq!(
        titles[3],
        "Elasticity matters: base fee, 95th percentile \u{2212}30.0 to \u{2212}10.0 %"
    );
}

#[test]
fn coordinates_are_integers_inside_the_drawing() {
    for figure in drawn("text") {
        let height: i64 = attribute(figure.svg(), "viewBox")
            .next()
            .and_then(|view| view.split(' ').nth(3))
            .and_then(|height| height.parse().ok())
            .unwrap();
        for (name, limit) in [
            ("x", WIDTH),
            ("x1", WIDTH),
            ("x2", WIDTH),
            ("cx", WIDTH),
            ("width", WIDTH),
            ("y", height),
            ("y1", height),
            ("y2", height),
            ("cy", height),
            ("height", height),
        ] {
            for value in attribute(figure.svg(), name) {
                let number: i64 = value.parse().unwrap_or_else(|_| panic!("{name}={value}"));
                assert!((0..=limit).contains(&number), "{} {name}={value}", figure.name);
            }
        }
        for points in attribute(figure.svg(), "points") {
            for number in points.split([' ', ',']) {
                assert!(number.parse::<i64>().is_ok(), "{} {number}", figure.name);
            }
        }
    }
}

fn attribute<'a>(svg: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let needle = format!(" {name}=\"");
    let starts: Vec<usize> = svg.match_indices(&needle).map(|(at, _)| at + needle.len()).collect();
    starts.into_iter().filter_map(|start| svg.get(start..)?.split('"').next())
}

#[test]
fn figures_load_nothing_and_run_nothing() {
    for figure in drawn(HOSTILE) {
        for word in ["<script", "href", "url(", "@import", "<image", "<foreignObject"] {
            assert!(!figure.svg().contains(word), "{} {word}", figure.name);
        }
        assert!(
            figure.svg().contains(&format!("aria-labelledby=\"{0}-title {0}-desc\"", figure.name))
        );
    }
}

#[test]
fn nothing_to_draw_gives_no_figure() {
    let mut series = simulation(parameters()).series;
    series.fans.values_mut().for_each(|fan| fan.blocks.clear());
    let source = recorded();
    let shown = Shown { series: &series, observed: &[], elasticity: 2, source: &source };
    let drawn = figures(&study(&proposal(&context("text")), &shown));
    let names: Vec<&str> = drawn.iter().map(|figure| figure.name).collect();
    assert_eq!(names, ["figure-15-intervals", "figure-16-elasticity"]);
}
