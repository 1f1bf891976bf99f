//! Figure 6: what becomes of every recorded transaction.

use chaos_report::{
    Figure,
    axis::{count, cut},
    quantity,
    scale::Linear,
    svg::{Anchor, Drawing, Rect, WIDTH},
    table::Table,
};

use super::{
    Caption, Shown,
    revenue::{colour, letter, segment},
};
use crate::study::{data::Outcomes, words::share_ppm};

pub(super) const CAPTION: Caption = Caption {
    number: 6,
    what: "Transaction outcome groups",
    reading: "Every recorded transaction is in exactly one group, and the \
    groups add up to 100 %. Shares are rounded so that what is printed adds up too.",
};

const LEFT: i64 = 60;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 150;
const BAR: i64 = 90;
const ROW: i64 = 52;

pub(super) fn show(part: &Outcomes) -> Option<Shown> {
    let figure = draw(part)?;
    let mut table = Table::new(&["group", "#transactions", "#share"]);
    for ((name, amount), share) in part.groups().iter().zip(shares(part)) {
        table.row(vec![
            name.as_str().into(),
            quantity::grouped((*amount).into()).into(),
            share_text(share).into(),
        ]);
    }
    table.row(vec!["all".into(), quantity::grouped(part.total().into()).into(), "100.00 %".into()]);
    Some(Shown { figures: vec![figure], table, note: String::new() })
}

/// Shares in hundredths of a per cent by largest remainder, so that they add up to 10,000.
pub(crate) fn shares(part: &Outcomes) -> Vec<u64> {
    let total = u128::from(part.total().max(1));
    let exact: Vec<u128> =
        part.groups().iter().map(|(_, count)| u128::from(*count) * 10_000).collect();
    let mut shares: Vec<u64> =
        exact.iter().map(|exact| u64::try_from(exact / total).unwrap_or(0)).collect();
    let missing = 10_000_u64.saturating_sub(shares.iter().sum());
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by_key(|index| (std::cmp::Reverse(exact[*index] % total), *index));
    if part.total() > 0 {
        for index in order.into_iter().take(usize::try_from(missing).unwrap_or(0)) {
            shares[index] += 1;
        }
    }
    shares
}

pub(crate) fn share_text(share: u64) -> String {
    format!("{} %", quantity::decimal(share.into(), 2, 2))
}

fn draw(part: &Outcomes) -> Option<Figure> {
    if part.total() == 0 {
        return None;
    }
    let largest = part.groups().iter().map(|(_, count)| *count).max()?;
    let rest = part.total() - largest;
    // Where one group is nearly everything, the others get a bar of their own.
    let enlarged = rest > 0 && rest < part.total() / 5;
    let rows_top = TOP + BAR + if enlarged { 250 } else { 80 };
    let height = rows_top + ROW * (count(part.groups().len()) + 1) + 20;
    let shares = shares(part);
    let (name, share) = part
        .groups()
        .iter()
        .zip(&shares)
        .max_by_key(|((_, count), _)| *count)
        .map(|((name, _), share)| (name.as_str(), *share))?;
    let title = format!("{} of transactions: {name}", share_text(share));
    let subtitle = format!(
        "re-executed, n = {}; each in exactly one of {} groups, which add up to 100 %",
        quantity::grouped(part.total().into()),
        part.groups().len()
    );
    let mut drawing = Drawing::new("figure-06-outcomes", height, title, subtitle);
    bar(&mut drawing, part, part.total(), TOP);
    if enlarged {
        let share = quantity::percent(share_ppm(rest, part.total()));
        let label = format!("the other {share}, enlarged");
        drawing.text("cc-m cc-s", (LEFT, TOP + BAR + 92), Anchor::Start, &label);
        bar(&mut drawing, part, rest, TOP + BAR + 106);
    }
    let ticks: Vec<(i64, String)> = (0..=4)
        .map(|step| (LEFT + (RIGHT - LEFT) * step / 4, format!("{} %", step * 25)))
        .collect();
    for (at, label) in ticks {
        drawing.line("cc-ax", (at, TOP + BAR), (at, TOP + BAR + 10));
        let anchor = match label.as_str() {
            "0 %" => Anchor::Start,
            "100 %" => Anchor::End,
            _ => Anchor::Middle,
        };
        drawing.text("cc-m cc-s", (at, TOP + BAR + 36), anchor, &label);
    }
    list(&mut drawing, part, &shares, rows_top);
    let words: Vec<String> = part
        .groups()
        .iter()
        .zip(&shares)
        .map(|((name, _), share)| format!("{name} {}", share_text(*share)))
        .collect();
    Some(drawing.finish(format!("One stacked bar of all transactions: {}.", words.join(", "))))
}

/// The groups that fit into `whole` side by side; a larger group is left out.
fn bar(drawing: &mut Drawing, part: &Outcomes, whole: u64, top: i64) {
    let x = Linear::new((0, whole.into()), (LEFT, RIGHT));
    let mut sum = 0_u64;
    for (index, (_, amount)) in part.groups().iter().enumerate() {
        if *amount > 0 && *amount <= whole {
            let left = x.at(sum.into());
            let width = x.at((sum + amount).into()) - left;
            segment(drawing, index, Rect { x: left, y: top, width, height: BAR });
            sum += amount;
        }
    }
}

fn list(drawing: &mut Drawing, part: &Outcomes, shares: &[u64], top: i64) {
    let columns = (WIDTH - 420, WIDTH - 120);
    for (index, ((name, amount), share)) in part.groups().iter().zip(shares).enumerate() {
        let y = top + ROW * count(index);
        let (fill, ink) = colour(index);
        drawing.rect(&fill, Rect { x: LEFT, y, width: 36, height: 36 });
        drawing.text(&ink, (LEFT + 18, y + 26), Anchor::Middle, &letter(index));
        drawing.text("cc-t", (LEFT + 54, y + 27), Anchor::Start, &cut(name, 56));
        let amount = quantity::grouped((*amount).into());
        drawing.text("cc-t", (columns.0, y + 27), Anchor::End, &amount);
        drawing.text("cc-t", (columns.1, y + 27), Anchor::End, &share_text(*share));
    }
    let y = top + ROW * count(part.groups().len());
    drawing.line("cc-ax", (LEFT, y - 4), (columns.1, y - 4));
    drawing.text("cc-t cc-w", (LEFT + 54, y + 30), Anchor::Start, "all transactions");
    let total = quantity::grouped(part.total().into());
    drawing.text("cc-t cc-w", (columns.0, y + 30), Anchor::End, &total);
    drawing.text("cc-t cc-w", (columns.1, y + 30), Anchor::End, "100.00 %");
}
