//! Figure 12: what attacks cost and what damage they do.

use chaos_report::{
    Comparison, Figure,
    axis::cut,
    legend,
    legend::Mark,
    quantity, scale,
    scale::Logarithmic,
    svg::{Anchor, Drawing, WIDTH, width_of},
    table::{Entry, Table},
};

use super::{Caption, Shown};
use crate::study::{
    data::{Attack, Attacks},
    words,
};

pub(super) const CAPTION: Caption = Caption {
    number: 12,
    what: "Attack cost and damage",
    reading: "A line leads from the ring (as it is) to the dot (after the \
    change). To the right means dearer for the attacker, up means more damage; damage is the \
    attack's main measure relative to what it does today, so rings lie on the line at 1. Along a \
    rising diagonal the attacker gets the same damage per ether. The upright lines are budgets.",
};

const HEIGHT: i64 = 900;
const LEFT: i64 = 160;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 240;
const BOTTOM: i64 = HEIGHT - 160;

/// The scale on which damage today is 1.
const ONE: i128 = 1_000_000;
/// Damage below a hundredth or above a hundred times today's stays at the edge.
const DAMAGE: (i128, i128) = (ONE / 100, ONE * 100);

/// An attack that can be drawn: positive cost in ether and damage today.
struct Point<'a> {
    name: &'a str,
    cost: (i128, i128),
    damage: i128,
}

pub(super) fn show(part: &Attacks) -> Option<Shown> {
    if part.attacks.is_empty() {
        return None;
    }
    let points: Vec<Point<'_>> = part.attacks.iter().filter_map(point).collect();
    let figures: Vec<Figure> = draw(part, &points).into_iter().collect();
    let left: Vec<&str> = part
        .attacks
        .iter()
        .filter(|attack| point(attack).is_none())
        .map(|attack| attack.name.as_str())
        .collect();
    let note = if left.is_empty() {
        String::new()
    } else {
        format!(
            "Only in the table, because cost in ether or damage today is zero or has another unit: \
             {}.",
            left.join(", ")
        )
    };
    Some(Shown { figures, table: table(part), note })
}

fn table(part: &Attacks) -> Table {
    let mut table =
        Table::new(&["attack", "measure", "#baseline", "#proposal", "#difference", "origin"]);
    for attack in &part.attacks {
        let rows = std::iter::once(("cost", &attack.cost))
            .chain(attack.damage.iter().map(|damage| ("damage", damage)));
        for (kind, row) in rows {
            let [baseline, proposal, difference] =
                Comparison::cells(&row.unit, row.baseline, row.proposal);
            table.row(vec![
                attack.name.as_str().into(),
                format!("{kind}: {}", row.label).into(),
                baseline.into(),
                proposal.into(),
                difference.into(),
                Entry::Tag(attack.origin.tag()),
            ]);
        }
    }
    table
}

fn point(attack: &Attack) -> Option<Point<'_>> {
    let damage = attack.damage.first()?;
    let drawable = attack.cost.unit == "wei"
        && attack.cost.baseline > 0
        && attack.cost.proposal > 0
        && damage.baseline > 0;
    if !drawable {
        return None;
    }
    let ratio = damage.proposal.max(0).checked_mul(ONE)? / damage.baseline;
    Some(Point {
        name: &attack.name,
        cost: (attack.cost.baseline, attack.cost.proposal),
        damage: ratio,
    })
}

/// Whether an attacker gets more damage for an ether than today.
fn is_cheaper(point: &Point<'_>) -> bool {
    match (point.damage.checked_mul(point.cost.0), ONE.checked_mul(point.cost.1)) {
        (Some(after), Some(before)) => after > before,
        (_, _) => point.damage / ONE > point.cost.1 / point.cost.0,
    }
}

fn draw(part: &Attacks, points: &[Point<'_>]) -> Option<Figure> {
    let costs = || points.iter().flat_map(|point| [point.cost.0, point.cost.1]);
    let (low, high) = (costs().min()? / 2, costs().max()?.saturating_mul(2));
    let reach = points
        .iter()
        .map(|point| point.damage.clamp(DAMAGE.0, DAMAGE.1))
        .map(|damage| damage.max(ONE * ONE / damage.max(1)))
        .max()?
        .max(ONE * 2);
    let reach = reach * 5 / 4;
    let x = Logarithmic::new((low.max(1), high), (LEFT, RIGHT));
    let y = Logarithmic::new((ONE * ONE / reach, reach), (BOTTOM, TOP));
    let cheaper = points.iter().filter(|point| is_cheaper(point)).count();
    let title = match cheaper {
        0 => "No attack does more damage per ether than today".to_owned(),
        1 => format!("1 of {} attacks does more damage per ether than today", points.len()),
        some => format!("{some} of {} attacks do more damage per ether than today", points.len()),
    };
    let subtitle = "logarithmic scales; ring as it is, dot after the change".to_owned();
    let mut drawing = Drawing::new("figure-12-attacks", HEIGHT, title, subtitle);
    axes(&mut drawing, part, Extent { low: low.max(1), high, reach }, x, y);
    for point in points {
        let (from, to) =
            ((x.at(point.cost.0), y.at(ONE)), (x.at(point.cost.1), y.at(point.damage)));
        drawing.path("cc-b", 4, false, &[from, to]);
    }
    for point in points {
        drawing.dot("cc-b cc-hole", (x.at(point.cost.0), y.at(ONE)), 9);
    }
    for point in points {
        let class = if is_cheaper(point) { "cc-no" } else { "cc-pf" };
        drawing.dot(class, (x.at(point.cost.1), y.at(point.damage)), 11);
    }
    labels(&mut drawing, points, x, y);
    legend::draw(
        &mut drawing,
        (LEFT, 150),
        &[
            (Mark::Ring("cc-b"), "baseline"),
            (Mark::Dot("cc-pf"), "proposal"),
            (Mark::Dot("cc-no"), "proposal, more damage per ether"),
        ],
    );
    let words: Vec<String> = points
        .iter()
        .map(|point| {
            let [before, after, _] = Comparison::cells("wei", point.cost.0, point.cost.1);
            let damage = quantity::three_digits(point.damage, 6);
            format!("{}: cost {before} to {after}, damage times {damage}", point.name)
        })
        .collect();
    Some(drawing.finish(words::sentence(&words.join("; "))))
}

/// What the axes span: costs from low to high, and how many times the damage may rise or fall.
#[derive(Debug, Clone, Copy)]
struct Extent {
    low: i128,
    high: i128,
    reach: i128,
}

fn axes(drawing: &mut Drawing, part: &Attacks, shown: Extent, x: Logarithmic, y: Logarithmic) {
    let budgets: Vec<i128> = decades(shown.low, shown.high);
    for budget in &budgets {
        drawing.line("cc-grid", (x.at(*budget), TOP), (x.at(*budget), BOTTOM));
    }
    let across: Vec<(i64, String)> =
        budgets.iter().map(|budget| (x.at(*budget), quantity::of(*budget, "wei"))).collect();
    if let Some(usd) = part.ether_usd {
        for budget in &budgets {
            let label = dollars(*budget, usd);
            drawing.text("cc-m cc-s", (x.at(*budget), BOTTOM + 72), Anchor::Middle, &label);
        }
        drawing.x_axis((LEFT, RIGHT), BOTTOM, &across, "");
        let label =
            format!("cost to the attacker (1 ETH = ${}, assumed)", quantity::grouped(usd.into()));
        drawing.text("cc-m", (LEFT.midpoint(RIGHT), BOTTOM + 122), Anchor::Middle, &label);
    } else {
        drawing.x_axis((LEFT, RIGHT), BOTTOM, &across, "cost to the attacker");
    }
    let up: Vec<(i64, String)> = scale::log_ticks(ONE * ONE / shown.reach, shown.reach)
        .into_iter()
        .map(|ratio| (y.at(ratio), format!("\u{d7}{}", quantity::three_digits(ratio, 6))))
        .collect();
    drawing.y_axis(LEFT, (TOP, BOTTOM), &up, "damage relative to today (log scale)");
    drawing.line("cc-zero", (LEFT, y.at(ONE)), (RIGHT, y.at(ONE)));
}

/// Powers of ten in the range, thinned so that their labels do not touch.
fn decades(low: i128, high: i128) -> Vec<i128> {
    let all: Vec<i128> = std::iter::successors(Some(1_i128), |decade| decade.checked_mul(10))
        .take_while(|decade| *decade <= high)
        .filter(|decade| *decade >= low)
        .collect();
    let stride = all.len().div_ceil(8).max(1);
    all.into_iter().step_by(stride).collect()
}

fn dollars(wei: i128, usd: u64) -> String {
    const ETHER: i128 = 1_000_000_000_000_000_000;
    let cents = wei.saturating_mul(i128::from(usd)) / (ETHER / 100);
    match cents {
        0 => "< $0.01".to_owned(),
        1..100_000 => format!("${}", quantity::three_digits(cents, 2)),
        100_000..100_000_000 => format!("${}k", quantity::three_digits(cents, 5)),
        _ => format!("${}M", quantity::three_digits(cents, 8)),
    }
}

/// A box that a label or a dot takes up.
#[derive(Clone, Copy)]
struct Space {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Space {
    const fn touches(self, other: Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    const fn is_inside(self) -> bool {
        self.left >= LEFT && self.right <= RIGHT + 40 && self.top >= TOP && self.bottom <= BOTTOM
    }
}

/// Puts each name beside its dot, where it covers no dot and no other name.
fn labels(drawing: &mut Drawing, points: &[Point<'_>], x: Logarithmic, y: Logarithmic) {
    let around =
        |(x, y): (i64, i64)| Space { left: x - 14, top: y - 14, right: x + 14, bottom: y + 14 };
    let mut taken: Vec<Space> = points
        .iter()
        .flat_map(|point| {
            [
                around((x.at(point.cost.0), y.at(ONE))),
                around((x.at(point.cost.1), y.at(point.damage))),
            ]
        })
        .collect();
    for point in points {
        let name = cut(point.name, 30);
        let (at_x, at_y) = (x.at(point.cost.1), y.at(point.damage));
        let width = width_of(&name) * 22 / 26;
        let spot = |anchor: Anchor, dx: i64, dy: i64| {
            let start = match anchor {
                Anchor::Start => at_x + dx,
                Anchor::Middle => at_x + dx - width / 2,
                Anchor::End => at_x + dx - width,
            };
            let baseline = at_y + dy;
            let space = Space {
                left: start - 4,
                top: baseline - 22,
                right: start + width + 4,
                bottom: baseline + 8,
            };
            (space, anchor, (at_x + dx, baseline))
        };
        let near = [
            (Anchor::Start, 22, 8),
            (Anchor::End, -22, 8),
            (Anchor::Middle, 0, -24),
            (Anchor::Middle, 0, 42),
        ];
        let further = (1..8).flat_map(|step| {
            [
                (Anchor::Start, 22, 8 - 32 * step),
                (Anchor::Start, 22, 8 + 32 * step),
                (Anchor::End, -22, 8 - 32 * step),
                (Anchor::End, -22, 8 + 32 * step),
            ]
        });
        let chosen = near
            .into_iter()
            .chain(further)
            .map(|(anchor, dx, dy)| spot(anchor, dx, dy))
            .find(|(space, _, _)| {
                space.is_inside() && !taken.iter().any(|other| other.touches(*space))
            })
            .unwrap_or_else(|| spot(Anchor::Start, 22, 8));
        let (space, anchor, at) = chosen;
        taken.push(space);
        if (at.1 - at_y).abs() > 60 {
            drawing.line("cc-ax", (at_x, at_y), (at.0, at.1 - 8));
        }
        drawing.text("cc-t cc-s", at, anchor, &name);
    }
}
