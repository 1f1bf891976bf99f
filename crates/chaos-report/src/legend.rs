//! The line above a chart that says which mark means what.

use crate::svg::{Anchor, Drawing, Rect, width_of};

/// A mark and the classes that colour it.
#[derive(Debug, Clone, Copy)]
pub enum Mark {
    /// A line; dashed lines also differ without colour.
    Line(&'static str, bool),
    /// A line in a band.
    Band {
        /// Class of the line.
        line: &'static str,
        /// Class of the band.
        band: &'static str,
        /// Whether the line is dashed.
        dashed: bool,
    },
    /// A filled box.
    Area(&'static str),
    /// A filled circle.
    Dot(&'static str),
    /// A circle with a hole.
    Ring(&'static str),
    /// Two strokes that cross.
    Cross(&'static str),
    /// A short upright stroke.
    Tick(&'static str),
}

/// Draws entries from `left` to the right at height `y`.
pub fn draw(drawing: &mut Drawing, (left, y): (i64, i64), entries: &[(Mark, &str)]) {
    let mut x = left;
    for (mark, label) in entries {
        let width = swatch(drawing, *mark, (x, y));
        drawing.text("cc-t cc-s", (x + width + 14, y + 8), Anchor::Start, label);
        x += width + 14 + width_of(label) * 22 / 26 + 36;
    }
}

fn swatch(drawing: &mut Drawing, mark: Mark, (x, y): (i64, i64)) -> i64 {
    match mark {
        Mark::Line(class, dashed) => {
            drawing.path(class, 4, dashed, &[(x, y), (x + 60, y)]);
            60
        }
        Mark::Band { line, band, dashed } => {
            drawing.rect(band, Rect { x, y: y - 14, width: 60, height: 28 });
            drawing.path(line, 4, dashed, &[(x, y), (x + 60, y)]);
            60
        }
        Mark::Area(class) => {
            drawing.rect(class, Rect { x, y: y - 12, width: 32, height: 24 });
            32
        }
        Mark::Dot(class) => {
            drawing.dot(class, (x + 12, y), 11);
            24
        }
        Mark::Ring(class) => {
            drawing.dot(&format!("cc-hole {class}"), (x + 12, y), 10);
            24
        }
        Mark::Cross(class) => {
            drawing.cross(class, (x + 12, y), 10);
            24
        }
        Mark::Tick(class) => {
            drawing.path(class, 6, false, &[(x + 6, y - 14), (x + 6, y + 14)]);
            12
        }
    }
}
