//! The base fee of both arms over the simulated blocks.

use chaos_report::{
    Figure, quantity, scale,
    scale::{Linear, Logarithmic},
    svg::{Anchor, Drawing, WIDTH},
};
use chaos_simulation::{Band, Decimal, Fan};

use crate::proposal::{Proposal, label};

const HEIGHT: i64 = 800;
const LEFT: i64 = 150;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 240;
const BOTTOM: i64 = HEIGHT - 120;

/// Draws p10 to p90 as bands and the medians as lines; `None` without data.
pub(super) fn draw(proposal: &Proposal, fan: &Fan) -> Option<Figure> {
    let (first, last) = (*fan.blocks.first()?, *fan.blocks.last()?);
    let bands = [&fan.baseline, &fan.proposal];
    let values = || bands.into_iter().flat_map(|band| band.p10.iter().chain(&band.p90));
    let low = values().map(|value| value.0).min()?.max(1);
    let high = values().map(|value| value.0).max()?.max(low + 1);
    let x = Linear::new((first.into(), last.into()), (LEFT, RIGHT));
    let y = Logarithmic::new((low, high), (BOTTOM, TOP));

    let mut drawing = Drawing::new("base-fee", HEIGHT, title(proposal), subtitle(proposal));
    let arms = [("cc-bf cc-soft", "cc-b", true), ("cc-pf cc-soft", "cc-p", false)];
    for ((area, _, _), band) in arms.iter().zip(bands) {
        drawing.area(area, &outline(fan, band, x, y));
    }
    for ((_, class, dashed), band) in arms.iter().zip(bands) {
        let median: Vec<(i64, i64)> = points(fan, &band.p50, x, y).collect();
        drawing.path(class, 4, *dashed, &median);
    }
    axes(&mut drawing, (first, last), (low, high), x, y);
    legend(&mut drawing, proposal);
    let blocks = quantity::grouped(i128::from(last) - i128::from(first));
    Some(drawing.finish(format!(
        "Base fee over {blocks} simulated blocks on a logarithmic axis. A grey band and dashed \
         line show the baseline, a blue band and solid line the proposal; bands run from the 10th \
         to the 90th percentile over paths, lines are medians."
    )))
}

fn title(proposal: &Proposal) -> String {
    let find =
        |metric: &str| proposal.content().decision_table.iter().find(|row| row.metric == metric);
    let phrase = |metric: &str| {
        let row = find(metric)?;
        let change = quantity::relative(row.difference.0, row.baseline.0)?;
        Some(format!("{} {change}", label(metric)))
    };
    match (phrase("base_fee_median"), phrase("base_fee_p95")) {
        (Some(median), Some(_)) => {
            let rush = find("base_fee_p95")
                .and_then(|row| quantity::relative(row.difference.0, row.baseline.0))
                .unwrap_or_default();
            format!("{}, 95th percentile {rush}", capitalised(&median))
        }
        (Some(phrase), None) | (None, Some(phrase)) => capitalised(&phrase),
        (None, None) => "Base fee with and without the change".to_owned(),
    }
}

fn subtitle(proposal: &Proposal) -> String {
    let assumptions = &proposal.content().assumptions;
    let value = |name: &str| {
        assumptions.iter().find(|a| a.name == name).map_or("", |assumption| &assumption.value)
    };
    format!(
        "fee-market model, {}, same shocks in both arms, elasticity {}",
        value("paths"),
        value("price elasticity of demand")
    )
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn points<'a>(
    fan: &'a Fan,
    values: &'a [Decimal],
    x: Linear,
    y: Logarithmic,
) -> impl DoubleEndedIterator<Item = (i64, i64)> + 'a {
    let count = fan.blocks.len().min(values.len());
    (0..count).map(move |index| (x.at(fan.blocks[index].into()), y.at(values[index].0)))
}

fn outline(fan: &Fan, band: &Band, x: Linear, y: Logarithmic) -> Vec<(i64, i64)> {
    points(fan, &band.p90, x, y).chain(points(fan, &band.p10, x, y).rev()).collect()
}

fn axes(
    drawing: &mut Drawing,
    (first, last): (u32, u32),
    (low, high): (i128, i128),
    x: Linear,
    y: Logarithmic,
) {
    let across = scale::ticks(first.into(), last.into(), 8)
        .into_iter()
        .map(|block| (x.at(block), quantity::grouped(block)))
        .collect::<Vec<_>>();
    drawing.x_axis((LEFT, RIGHT), BOTTOM, &across, "blocks after the change takes effect");
    let up = scale::log_ticks(low, high)
        .into_iter()
        .map(|wei| (y.at(wei), quantity::three_digits(wei, 9)))
        .collect::<Vec<_>>();
    drawing.y_axis(LEFT, (TOP, BOTTOM), &up, "base fee, gwei (log scale)");
}

fn legend(drawing: &mut Drawing, proposal: &Proposal) {
    let change = proposal.content().changes.first();
    let arm = |name: &str, value: Option<i128>| match (change, value) {
        (Some(change), Some(value)) => format!(
            "{name}: {} {}",
            change.parameter.replace('-', " "),
            quantity::of(value, &change.unit)
        ),
        _ => name.to_owned(),
    };
    let entries = [
        ("cc-b", "cc-bf cc-soft", true, arm("baseline", change.map(|c| c.current.0))),
        ("cc-p", "cc-pf cc-soft", false, arm("proposal", change.map(|c| c.proposed.0))),
    ];
    let mut left = LEFT;
    for (line, area, dashed, label) in entries {
        drawing.rect(area, (left, 142), (64, 28));
        drawing.path(line, 4, dashed, &[(left, 156), (left + 64, 156)]);
        drawing.text("cc-t", (left + 80, 165), Anchor::Start, &label);
        left += 690;
    }
}
