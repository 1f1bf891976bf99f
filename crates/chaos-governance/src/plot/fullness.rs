//! How full the observed blocks were.

use chaos_report::{
    Figure, quantity, scale,
    scale::Linear,
    svg::{Anchor, Drawing, WIDTH},
};

use crate::facts::BlockFacts;

const HEIGHT: i64 = 720;
const LEFT: i64 = 150;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 220;
const BOTTOM: i64 = HEIGHT - 120;

/// Bars of five per cent of the limit.
const BINS: usize = 20;
const PPM: u128 = 1_000_000;

/// Draws a histogram of gas used over gas limit with the target; `None` without blocks.
pub(super) fn draw(blocks: &[BlockFacts], elasticity: u64) -> Option<Figure> {
    let (first, last) = (blocks.first()?, blocks.last()?);
    let counts = count(blocks);
    let shares: Vec<i128> = counts.iter().map(|count| share_ppm(*count, blocks.len())).collect();
    let high = shares.iter().copied().max()? * 11 / 10 + 1;
    let x = Linear::new((0, 100), (LEFT, RIGHT));
    let y = Linear::new((0, high), (BOTTOM, TOP));

    let full = blocks.iter().filter(|block| block.observed.is_saturated()).count();
    let total: u128 = blocks.iter().map(utilisation_ppm).sum();
    let mean = i128::try_from(total / blocks.len() as u128).unwrap_or(0);
    let title = format!(
        "{} of blocks are full; mean use is {} of the limit",
        quantity::percent(share_ppm(full, blocks.len())),
        quantity::percent(mean)
    );
    let n = quantity::grouped(i128::try_from(blocks.len()).unwrap_or(i128::MAX));
    let subtitle = format!(
        "observed, n = {n} blocks ({} to {}); full means 99 % of the limit or more",
        quantity::grouped(first.observed.number.into()),
        quantity::grouped(last.observed.number.into())
    );
    let mut drawing = Drawing::new("fullness", HEIGHT, title, subtitle);
    for (index, share) in shares.iter().enumerate() {
        let from = i128::try_from(index * 100 / BINS).unwrap_or(0);
        let to = i128::try_from((index + 1) * 100 / BINS).unwrap_or(100);
        let (left, right, top) = (x.at(from) + 3, x.at(to) - 3, y.at(*share));
        drawing.rect("cc-pf", (left, top), (right - left, BOTTOM - top));
    }
    let across: Vec<(i64, String)> =
        (0..=5).map(|step| (x.at(step * 20), (step * 20).to_string())).collect();
    drawing.x_axis((LEFT, RIGHT), BOTTOM, &across, "gas used, % of the block's gas limit");
    let up: Vec<(i64, String)> = scale::ticks(0, high, 6)
        .into_iter()
        .map(|share| (y.at(share), quantity::three_digits(share, 4)))
        .collect();
    drawing.y_axis(LEFT, (TOP, BOTTOM), &up, "share of blocks, %");
    target(&mut drawing, elasticity, x);
    Some(drawing.finish(format!(
        "Histogram of gas used over gas limit of {n} observed blocks in bars of five per cent, \
         with the target marked."
    )))
}

fn target(drawing: &mut Drawing, elasticity: u64, x: Linear) {
    let percent = 100 / i128::from(elasticity.max(1));
    let at = x.at(percent);
    drawing.line("cc-zero", (at, TOP - 40), (at, BOTTOM));
    let (anchor, offset) = if percent > 70 { (Anchor::End, -14) } else { (Anchor::Start, 14) };
    drawing.text("cc-t", (at + offset, TOP - 22), anchor, &format!("target {percent} %"));
}

fn count(blocks: &[BlockFacts]) -> [usize; BINS] {
    let mut counts = [0; BINS];
    for block in blocks {
        let bin = utilisation_ppm(block) * BINS as u128 / PPM;
        // A block of exactly 100 % belongs to the last bar.
        let bin = usize::try_from(bin).unwrap_or(BINS).min(BINS - 1);
        counts[bin] += 1;
    }
    counts
}

fn utilisation_ppm(block: &BlockFacts) -> u128 {
    let used = u128::from(block.observed.gas_used) * PPM;
    used.checked_div(block.observed.gas_limit.into()).unwrap_or(0)
}

fn share_ppm(part: usize, whole: usize) -> i128 {
    let share = (part as u128 * PPM).checked_div(whole as u128).unwrap_or(0);
    i128::try_from(share).unwrap_or(0)
}
