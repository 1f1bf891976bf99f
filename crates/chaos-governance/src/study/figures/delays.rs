//! Figure 3: inclusion delay by decile of the tip.

use chaos_report::{
    Figure, Unit,
    axis::count,
    legend,
    legend::Mark,
    quantity, scale,
    scale::{Linear, Logarithmic},
    svg::{Anchor, Drawing, WIDTH},
    table::Table,
};

use super::{Arms, Caption, Shown};
use crate::study::data::{Arm, Delay};

pub(super) const CAPTION: Caption = Caption {
    number: 3,
    what: "Inclusion delay by tip decile",
    reading: "One panel per tenth of transactions, ordered by the tip they \
    offer: 1 is the lowest. The full dot is the median wait, the ring the wait that one in twenty \
    exceeds. Compare grey with blue inside a panel.",
};

const HEIGHT: i64 = 760;
const LEFT: i64 = 160;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 240;
const BOTTOM: i64 = HEIGHT - 120;

/// A logarithmic axis starts at a tenth of a block.
const LOG_FLOOR_MILLI: u64 = 100;

pub(super) fn show(delays: &[Delay], arms: &Arms) -> Option<Shown> {
    let figure = draw("figure-03-delays", delays, arms)?;
    Some(Shown { figures: vec![figure], table: table(delays), note: String::new() })
}

/// The delays as a table, which the readiness report shows too.
pub(crate) fn table(delays: &[Delay]) -> Table {
    let mut table = Table::new(&[
        "tip decile",
        "#p50 baseline",
        "#p50 proposal",
        "#p95 baseline",
        "#p95 proposal",
        "#never included",
    ]);
    let blocks = |milli: u64| quantity::of(milli.into(), "milli_blocks");
    for delay in delays {
        let name = match delay.decile {
            1 => "1 (lowest tips)".to_owned(),
            10 => "10 (highest tips)".to_owned(),
            other => other.to_string(),
        };
        let never = match (delay.baseline.never_ppm, delay.proposal.never_ppm) {
            (Some(before), Some(after)) => {
                format!(
                    "{} \u{2192} {}",
                    quantity::percent(before.into()),
                    quantity::percent(after.into())
                )
            }
            (_, _) => "\u{2013}".to_owned(),
        };
        table.row(vec![
            name.into(),
            blocks(delay.baseline.p50_milli_blocks).into(),
            blocks(delay.proposal.p50_milli_blocks).into(),
            blocks(delay.baseline.p95_milli_blocks).into(),
            blocks(delay.proposal.p95_milli_blocks).into(),
            never.into(),
        ]);
    }
    table
}

#[derive(Clone, Copy)]
enum Up {
    Linear(Linear),
    Log(Logarithmic),
}

impl Up {
    fn at(self, milli: u64) -> i64 {
        match self {
            Self::Linear(axis) => axis.at(milli.into()),
            Self::Log(axis) => axis.at(milli.max(LOG_FLOOR_MILLI).into()),
        }
    }
}

fn draw(name: &'static str, delays: &[Delay], arms: &Arms) -> Option<Figure> {
    let values = || {
        delays.iter().flat_map(|delay| {
            [delay.baseline, delay.proposal]
                .into_iter()
                .flat_map(|arm| [arm.p50_milli_blocks, arm.p95_milli_blocks])
        })
    };
    let (low, high) = (values().min()?, values().max()?);
    let (y, ticks, kind) = up(low, high);
    let mut drawing = Drawing::new(name, HEIGHT, title(delays), SUBTITLE.to_owned());
    for (at, _) in &ticks {
        drawing.line("cc-grid", (LEFT, *at), (RIGHT, *at));
    }
    let width = (RIGHT - LEFT) / count(delays.len()).max(1);
    for (index, delay) in delays.iter().enumerate() {
        let middle = LEFT + width * count(index) + width / 2;
        if index > 0 {
            let edge = LEFT + width * count(index);
            drawing.line("cc-grid", (edge, TOP), (edge, BOTTOM));
        }
        arm(
            &mut drawing,
            Colours { line: "cc-b", fill: "cc-bf" },
            delay.baseline,
            middle - width / 6,
            y,
        );
        arm(
            &mut drawing,
            Colours { line: "cc-p", fill: "cc-pf" },
            delay.proposal,
            middle + width / 6,
            y,
        );
        let decile = delay.decile.to_string();
        drawing.text("cc-m", (middle, BOTTOM + 40), Anchor::Middle, &decile);
    }
    drawing.x_axis((LEFT, RIGHT), BOTTOM, &[], "decile of the tip, 1 = lowest tips");
    drawing.y_axis(LEFT, (TOP, BOTTOM), &ticks, &format!("blocks waited ({kind})"));
    legend::draw(
        &mut drawing,
        (LEFT, 150),
        &[
            (Mark::Line("cc-b", false), &arms.baseline),
            (Mark::Line("cc-p", false), &arms.proposal),
            (Mark::Dot("cc-na"), "p50"),
            (Mark::Ring("cc-b"), "p95"),
        ],
    );
    Some(drawing.finish(
        "Inclusion delay for each decile of the tip: grey is the baseline, blue the proposal; a \
         full dot marks the median and a ring the 95th percentile."
            .to_owned(),
    ))
}

const SUBTITLE: &str = "blocks from arrival to inclusion, of the transactions that were included";

fn up(low: u64, high: u64) -> (Up, Vec<(i64, String)>, &'static str) {
    let unit = Unit::of("milli_blocks", high.into());
    if high / low.max(LOG_FLOOR_MILLI) >= 12 {
        let low = i128::from(low.max(LOG_FLOOR_MILLI) * 4 / 5);
        let high = i128::from(high) * 5 / 4;
        let axis = Logarithmic::new((low, high), (BOTTOM, TOP));
        let ticks = scale::log_ticks(low, high)
            .into_iter()
            .map(|value| (axis.at(value), unit.label(value)))
            .collect();
        return (Up::Log(axis), ticks, "log scale");
    }
    let high = i128::from(high.max(1)) * 11 / 10;
    let axis = Linear::new((0, high), (BOTTOM, TOP));
    let ticks = unit.ticks(0, high, 7);
    let ticks = ticks.into_iter().map(|(value, label)| (axis.at(value), label)).collect();
    (Up::Linear(axis), ticks, "linear scale")
}

/// Classes that colour an arm.
#[derive(Debug, Clone, Copy)]
struct Colours {
    line: &'static str,
    fill: &'static str,
}

fn arm(drawing: &mut Drawing, Colours { line, fill }: Colours, arm: Arm, x: i64, y: Up) {
    let (p50, p95) = (y.at(arm.p50_milli_blocks), y.at(arm.p95_milli_blocks));
    drawing.path(line, 5, false, &[(x, p50), (x, p95)]);
    drawing.dot(&format!("{line} cc-hole"), (x, p95), 10);
    drawing.dot(fill, (x, p50), 11);
}

fn title(delays: &[Delay]) -> String {
    let Some(lowest) = delays.iter().min_by_key(|delay| delay.decile) else {
        return "Inclusion delay by tip decile".to_owned();
    };
    let blocks = |milli: u64| quantity::of(milli.into(), "milli_blocks");
    format!(
        "Lowest tips, p95 of the wait: {} \u{2192} {}",
        blocks(lowest.baseline.p95_milli_blocks),
        blocks(lowest.proposal.p95_milli_blocks)
    )
}
