//! Figure 8: the slowest and the largest blocks that the limits allow.

use chaos_report::{
    Figure, Unit,
    axis::{count, cut},
    legend,
    legend::Mark,
    quantity,
    scale::Linear,
    svg::{Anchor, Drawing, Rect, WIDTH},
    table::{Entry, Table},
};

use super::{Caption, Shown};
use crate::study::data::{Limit, WorstBlock, WorstBlocks};

pub(super) const CAPTION: Caption = Caption {
    number: 8,
    what: "Worst block: execution time, bytes, state written",
    reading: "Each bar is a block filled with one operation: its length after \
    the change, the stroke its length as it is, the upright line the limit. Times are in memory on \
    one machine, without disk and network: a lower bound for a node, outside the digest, and held to no limit.",
};

const LEFT: i64 = 430;
const RIGHT: i64 = WIDTH - 330;
const TOP: i64 = 240;
const ROW: i64 = 56;

/// So many bars a panel; the table has the rest.
const BARS_MAX: usize = 10;

/// A bar of a panel.
struct Bar<'a> {
    name: &'a str,
    baseline: u64,
    proposal: u64,
    beside: String,
}

pub(super) fn show(part: &WorstBlocks) -> Option<Shown> {
    if part.blocks.is_empty() {
        return None;
    }
    let time = time_bars(part);
    let bytes = bytes_bars(part);
    let slots = slots_bars(part);
    let drawn = [
        panel(
            "figure-08-worst-time",
            &time,
            "microseconds",
            part.time_limit.as_ref().map(|limit| Limit {
                value: limit.value.saturating_mul(1_000),
                why: limit.why.clone(),
            }),
            Titles {
                what: "Slowest block",
                about: format!("timed on {}; outside the digest", part.machine),
            },
        ),
        panel(
            "figure-08b-worst-bytes",
            &bytes,
            "bytes",
            part.bytes_limit.clone(),
            Titles {
                what: "Largest block",
                about: "encoded size; follows from the rules".to_owned(),
            },
        ),
        panel(
            "figure-08c-worst-state",
            &slots,
            "slots",
            None,
            Titles {
                what: "Most state written",
                about: "new storage slots; counted by execution".to_owned(),
            },
        ),
    ];
    let figures: Vec<Figure> = drawn.into_iter().flatten().collect();
    let untimed = if time.is_empty() {
        format!("Execution time: {}.", crate::study::words::not_measured(&part.machine))
    } else {
        String::new()
    };
    let note = match time.len().max(bytes.len()).max(slots.len()).saturating_sub(BARS_MAX) {
        0 => untimed,
        left => {
            format!("{left} constructions with smaller bars stand only in the table. {untimed}")
        }
    };
    Some(Shown { figures, table: table(&part.blocks), note })
}

fn table(blocks: &[WorstBlock]) -> Table {
    let mut table = Table::new(&[
        "operation",
        "construction",
        "#speed",
        "#time",
        "#bytes",
        "#new slots",
        "fixture",
    ]);
    let arms = |pair: Option<(u64, u64)>, unit: &str| {
        pair.map_or_else(
            || "not measured".to_owned(),
            |(before, after)| {
                format!(
                    "{} \u{2192} {}",
                    quantity::of(before.into(), unit),
                    quantity::of(after.into(), unit)
                )
            },
        )
    };
    for block in blocks {
        let speed = block.gas_per_second.map_or_else(
            || "not measured".to_owned(),
            |speed| quantity::of(speed.into(), "gas_per_second"),
        );
        let fixture = block.fixture.as_ref().map_or_else(
            || Entry::Text("\u{2013}".to_owned()),
            |fixture| Entry::Code(fixture.clone()),
        );
        table.row(vec![
            block.operation.as_str().into(),
            block.construction.as_str().into(),
            speed.into(),
            arms(block.microseconds, "microseconds").into(),
            arms(block.bytes, "bytes").into(),
            arms(block.slots, "count").into(),
            fixture,
        ]);
    }
    table
}

fn time_bars(part: &WorstBlocks) -> Vec<Bar<'_>> {
    sorted(part.blocks.iter().filter_map(|block| {
        let (baseline, proposal) = block.microseconds?;
        let speed = block.gas_per_second.map_or_else(String::new, |speed| {
            format!(" \u{b7} {}", quantity::of(speed.into(), "gas_per_second"))
        });
        let beside = format!("{}{speed}", quantity::of(proposal.into(), "microseconds"));
        Some(Bar { name: &block.operation, baseline, proposal, beside })
    }))
}

fn bytes_bars(part: &WorstBlocks) -> Vec<Bar<'_>> {
    sorted(part.blocks.iter().filter_map(|block| {
        let (baseline, proposal) = block.bytes?;
        let beside = quantity::of(proposal.into(), "bytes");
        Some(Bar { name: &block.operation, baseline, proposal, beside })
    }))
}

/// Constructions that write state; one that writes none has no bar.
fn slots_bars(part: &WorstBlocks) -> Vec<Bar<'_>> {
    sorted(part.blocks.iter().filter_map(|block| {
        let (baseline, proposal) = block.slots.filter(|pair| *pair != (0, 0))?;
        let beside = quantity::of(proposal.into(), "slots");
        Some(Bar { name: &block.operation, baseline, proposal, beside })
    }))
}

fn sorted<'a>(bars: impl Iterator<Item = Bar<'a>>) -> Vec<Bar<'a>> {
    let mut bars: Vec<Bar<'a>> = bars.collect();
    bars.sort_by(|one, other| (other.proposal, one.name).cmp(&(one.proposal, other.name)));
    bars
}

/// What a panel is called, and what stands under its title.
struct Titles {
    what: &'static str,
    about: String,
}

fn panel(
    name: &'static str,
    bars: &[Bar<'_>],
    unit: &str,
    limit: Option<Limit>,
    Titles { what, about }: Titles,
) -> Option<Figure> {
    let worst = bars.first()?;
    let bars = bars.get(..bars.len().min(BARS_MAX))?;
    let limit_value = limit.as_ref().map_or(0, |limit| limit.value);
    let high = bars.iter().flat_map(|bar| [bar.baseline, bar.proposal]).max()?;
    let high = i128::from(high.max(limit_value).max(1)) * 21 / 20;
    let x = Linear::new((0, high), (LEFT, RIGHT));
    let bottom = TOP + ROW * count(bars.len());
    let axis = Unit::of(unit, high);
    let mut drawing =
        Drawing::new(name, bottom + 120, title(what, worst, unit, limit_value), about);
    for (index, bar) in bars.iter().enumerate() {
        let y = TOP + ROW * count(index);
        let over = limit.as_ref().is_some_and(|limit| bar.proposal > limit.value);
        drawing.text("cc-t", (LEFT - 20, y + 35), Anchor::End, &cut(bar.name, 28));
        let class = if over { "cc-no" } else { "cc-pf" };
        let width = (x.at(bar.proposal.into()) - LEFT).max(3);
        drawing.rect(class, Rect { x: LEFT, y: y + 12, width, height: ROW - 24 });
        let at = x.at(bar.baseline.into());
        drawing.path("cc-mark", 6, false, &[(at, y + 6), (at, y + ROW - 6)]);
        drawing.text("cc-t cc-s", (WIDTH - 40, y + 35), Anchor::End, &bar.beside);
    }
    let ticks: Vec<(i64, String)> =
        axis.ticks(0, high, 7).into_iter().map(|(value, label)| (x.at(value), label)).collect();
    drawing.x_axis((LEFT, RIGHT), bottom, &ticks, axis.name());
    if let Some(Limit { value, why }) = limit {
        let at = x.at(value.into());
        drawing.line("cc-zero", (at, TOP - 16), (at, bottom));
        let label = format!("limit {}: {why}", quantity::of(value.into(), unit));
        let label = cut(&label, 60);
        drawing.text("cc-t cc-s", (at.min(RIGHT), TOP - 28), Anchor::End, &label);
    }
    legend::draw(
        &mut drawing,
        (40, 150),
        &[(Mark::Tick("cc-mark"), "baseline"), (Mark::Area("cc-pf"), "proposal")],
    );
    Some(drawing.finish(format!(
        "{what} for {} constructions, sorted: a bar for the proposal, a stroke for the baseline, \
         and a line at the limit.",
        bars.len()
    )))
}

fn title(what: &str, worst: &Bar<'_>, unit: &str, limit: u64) -> String {
    let value = quantity::of(worst.proposal.into(), unit);
    let against = if limit == 0 {
        String::new()
    } else {
        let share = i128::from(worst.proposal) * 1_000_000 / i128::from(limit);
        format!(", {} of the limit", quantity::percent(share))
    };
    format!("{what}: {}, {value}{against}", cut(worst.name, 30))
}
