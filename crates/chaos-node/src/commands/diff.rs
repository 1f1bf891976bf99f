//! `chaoschain diff`.

use std::process::ExitCode;

use chaos_programs::study::diff::{self, AssumedDiff, StudyDiff};
use chaos_report::Comparison;

use crate::{args::DiffArgs, exit::Failure, output};

pub(crate) fn run(args: &DiffArgs) -> Result<ExitCode, Failure> {
    let (first, second) = (diff::read_result(&args.first)?, diff::read_result(&args.second)?);
    let found = diff::diff(&first, &second)?;
    if args.json {
        output::json(&found)?;
    } else {
        human(&found);
    }
    Ok(ExitCode::SUCCESS)
}

fn human(found: &StudyDiff) {
    let [first, second] = &found.results;
    if first == second {
        output::sentence(format_args!("the same result: {first}"));
        return;
    }
    output::sentence(output::bold("what they read and assume"));
    if found.assumed.is_empty() {
        output::sentence("  nothing differs");
    }
    let cell = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows: Vec<_> = found
        .assumed
        .iter()
        .map(|AssumedDiff { what, first, second }| vec![what.clone(), cell(first), cell(second)])
        .collect();
    if !rows.is_empty() {
        output::table(&["what", "first", "second"], &rows);
    }
    figures(found);
    verdicts(found);
    output::sentence(format_args!("\nresult digests  {first}\n                {second}"));
}

fn figures(found: &StudyDiff) {
    let mut scenario = "";
    let mut rows: Vec<Vec<String>> = Vec::new();
    let header =
        ["metric", "first", "proposal", "difference", "second", "proposal", "difference", "change"];
    let print = |name: &str, rows: &mut Vec<Vec<String>>| {
        if !rows.is_empty() {
            output::sentence(format_args!("\n{}", output::bold(&format!("figures, {name}"))));
            output::table(&header, rows);
            rows.clear();
        }
    };
    for figure in &found.figures {
        if figure.scenario != scenario {
            print(scenario, &mut rows);
            scenario = &figure.scenario;
        }
        let (one, other) = (&figure.first, &figure.second);
        let values = [one.baseline, one.proposal, other.baseline, other.proposal, figure.change];
        let shown = Comparison::among(&one.unit, &values);
        rows.push(vec![
            figure.metric.clone(),
            shown.value(one.baseline),
            shown.value(one.proposal),
            shown.difference(one.difference),
            shown.value(other.baseline),
            shown.value(other.proposal),
            shown.difference(other.difference),
            shown.difference(figure.change),
        ]);
    }
    print(scenario, &mut rows);
}

fn verdicts(found: &StudyDiff) {
    output::sentence(format_args!("\n{}", output::bold("verdicts")));
    if found.verdicts.is_empty() {
        output::sentence("  they have no threshold in common");
        return;
    }
    let rows: Vec<_> = found
        .verdicts
        .iter()
        .map(|it| {
            let flips = if it.flips { "FLIPS" } else { "" };
            let (first, second) = (it.first.to_owned(), it.second.to_owned());
            vec![it.scenario.clone(), it.metric.clone(), first, second, flips.to_owned()]
        })
        .collect();
    output::table(&["scenario", "threshold", "first", "second", ""], &rows);
    let flips = found.verdicts.iter().filter(|it| it.flips).count();
    if flips > 0 {
        output::sentence(output::bad(&format!(
            "{} flipped: the answer depends on what differs",
            output::count(flips as u64, "verdict", "verdicts")
        )));
    }
}
