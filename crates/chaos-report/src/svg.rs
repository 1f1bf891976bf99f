//! The frame that all charts share: size, colours, title, axes.

use maud::{Markup, PreEscaped, Render, html};

use crate::inert;

/// Width of the drawing, in units of half a pixel at natural size.
pub const WIDTH: i64 = 1_520;

const FONTS: &str = "system-ui,-apple-system,'Segoe UI',Roboto,sans-serif";

const STYLE: &str = "\
.cc-bg{fill:#ffffff}.cc-t{fill:#16191d}.cc-m{fill:#5a6472}.cc-ax{stroke:#8b95a1;stroke-width:2;fill:none}\
.cc-zero{stroke:#5a6472;stroke-width:2;stroke-dasharray:4 6;fill:none}\
.cc-b{stroke:#6b7683;fill:none}.cc-p{stroke:#1f5fbf;fill:none}\
.cc-bf{fill:#6b7683}.cc-pf{fill:#1f5fbf}.cc-soft{fill-opacity:.2}\
.cc-ok{fill:#1b7a45;stroke:#1b7a45}.cc-no{fill:#b3261e;stroke:#b3261e}.cc-na{fill:#6b7683;stroke:#6b7683}\
.cc-s{font-size:22px}.cc-w{font-weight:600}.cc-grid{stroke:#e3e7eb;stroke-width:2;fill:none}\
.cc-hole{fill:#ffffff;stroke-width:4}.cc-mark{stroke:#16191d;fill:none}.cc-edge{stroke:#ffffff;stroke-width:3}\
.cc-k0{fill:#0072b2}.cc-k1{fill:#e69f00}.cc-k2{fill:#009e73}.cc-k3{fill:#56b4e9}.cc-k4{fill:#d55e00}\
.cc-k5{fill:#cc79a7}.cc-k6{fill:#8b95a1}.cc-k7{fill:#f0e442}.cc-k8{fill:#7a5c3e}.cc-k9{fill:#c3cad1}\
.cc-i{fill:#16191d}.cc-i0,.cc-i8{fill:#ffffff}\
.cc-yes{fill:#cfe8da}.cc-nay{fill:#f7d4d1}.cc-may{fill:#e3e7eb}\
@media (prefers-color-scheme:dark){\
.cc-bg{fill:#15181c}.cc-t{fill:#e8ebee}.cc-m{fill:#a3adb8}.cc-ax{stroke:#6e7883}.cc-zero{stroke:#a3adb8}\
.cc-b{stroke:#98a3af}.cc-p{stroke:#7db0ff}.cc-bf{fill:#98a3af}.cc-pf{fill:#7db0ff}\
.cc-ok{fill:#5fc48c;stroke:#5fc48c}.cc-no{fill:#ff8a80;stroke:#ff8a80}.cc-na{fill:#98a3af;stroke:#98a3af}\
.cc-grid{stroke:#2b3138}.cc-hole{fill:#15181c}.cc-mark{stroke:#e8ebee}.cc-edge{stroke:#15181c}\
.cc-k0{fill:#3b8fd0}.cc-k3{fill:#a6dcff}.cc-k8{fill:#b08a63}.cc-i0,.cc-i8{fill:#16191d}\
.cc-yes{fill:#1d4a33}.cc-nay{fill:#5e2522}.cc-may{fill:#2b3138}}";

/// One chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// File name without extension, such as `base-fee`.
    pub name: &'static str,
    /// The finding, as the chart's title states it.
    pub title: String,
    /// What is drawn, for readers who do not see it.
    pub description: String,
    svg: String,
}

impl Figure {
    /// A complete SVG document.
    #[must_use]
    pub fn svg(&self) -> &str {
        &self.svg
    }
}

/// In a page a figure is its drawing; only [`Drawing::finish`] makes one, which escapes all texts.
impl Render for Figure {
    fn render_to(&self, buffer: &mut String) {
        buffer.push_str(&self.svg);
    }
}

/// Where a text is anchored.
#[derive(Debug, Clone, Copy)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A rectangle by its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: i64,
    /// Upper edge.
    pub y: i64,
    /// To the right.
    pub width: i64,
    /// Downward.
    pub height: i64,
}

/// A line around something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    /// How thick it is.
    pub width: i64,
    /// Dashed lines also differ without colour.
    pub dashed: bool,
}

/// A drawing in progress.
#[derive(Debug)]
pub struct Drawing {
    name: &'static str,
    title: String,
    subtitle: String,
    height: i64,
    body: String,
}

impl Drawing {
    /// An empty drawing; `name` is its identifier in a page and its file name.
    #[must_use]
    pub fn new(name: &'static str, height: i64, title: String, subtitle: String) -> Self {
        Self { name, title, subtitle, height, body: String::new() }
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, (x1, y1): (i64, i64), (x2, y2): (i64, i64)) {
        self.push(html! { line class=(class) x1=(x1) y1=(y1) x2=(x2) y2=(y2) {} });
    }

    /// A line through the points, `width` units thick; dashed lines also differ without colour.
    pub fn path(&mut self, class: &str, width: i64, dashed: bool, points: &[(i64, i64)]) {
        let points = coordinates(points);
        self.push(html! {
            polyline class=(class) stroke-width=(width) stroke-dasharray=[dashed.then_some("14 9")]
                stroke-linejoin="round" points=(points) {}
        });
    }

    /// A filled polygon.
    pub fn area(&mut self, class: &str, points: &[(i64, i64)]) {
        self.push(html! { polygon class=(class) points=(coordinates(points)) {} });
    }

    /// A filled rectangle.
    pub fn rect(&mut self, class: &str, Rect { x, y, width, height }: Rect) {
        self.push(html! { rect class=(class) x=(x) y=(y) width=(width) height=(height) {} });
    }

    /// A filled circle.
    pub fn dot(&mut self, class: &str, (x, y): (i64, i64), radius: i64) {
        self.push(html! { circle class=(class) cx=(x) cy=(y) r=(radius) {} });
    }

    /// Two strokes that cross at the point, each `reach` to either side.
    pub fn cross(&mut self, class: &str, (x, y): (i64, i64), reach: i64) {
        self.path(class, 6, false, &[(x - reach, y - reach), (x + reach, y + reach)]);
        self.path(class, 6, false, &[(x - reach, y + reach), (x + reach, y - reach)]);
    }

    /// One line of text; the point is on its base line.
    pub fn text(&mut self, class: &str, (x, y): (i64, i64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.push(html! { text class=(class) x=(x) y=(y) text-anchor=(anchor) { (text) } });
    }

    /// A rectangle with an outline of its own, such as the frame around a cell.
    pub fn frame(&mut self, class: &str, outline: Outline, rect: Rect) {
        let Outline { width: stroke, dashed } = outline;
        let Rect { x, y, width, height } = rect;
        self.push(html! {
            rect class=(class) x=(x) y=(y) width=(width) height=(height) stroke-width=(stroke)
                stroke-dasharray=[dashed.then_some("12 8")] {}
        });
    }

    /// A horizontal axis line with ticks below it and its label under them.
    pub fn x_axis(&mut self, (x1, x2): (i64, i64), y: i64, ticks: &[(i64, String)], label: &str) {
        self.line("cc-ax", (x1, y), (x2, y));
        for (x, text) in ticks {
            self.line("cc-ax", (*x, y), (*x, y + 10));
            self.text("cc-m", (*x, y + 40), Anchor::Middle, text);
        }
        self.text("cc-m", (x1.midpoint(x2), y + 84), Anchor::Middle, label);
    }

    /// A vertical axis line with ticks to its left; the label stands above it.
    pub fn y_axis(&mut self, x: i64, (y1, y2): (i64, i64), ticks: &[(i64, String)], label: &str) {
        self.line("cc-ax", (x, y1), (x, y2));
        for (y, text) in ticks {
            self.line("cc-ax", (x - 10, *y), (x, *y));
            self.text("cc-m", (x - 18, y + 9), Anchor::End, text);
        }
        self.text("cc-m", (40, y1.min(y2) - 26), Anchor::Start, label);
    }

    /// Closes the drawing; `description` says in words what is drawn.
    #[must_use]
    pub fn finish(self, description: String) -> Figure {
        let (name, height) = (self.name, self.height);
        let document = html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {height}"))
                role="img" aria-labelledby=(format!("{name}-title {name}-desc"))
                font-family=(FONTS) font-size="26" {
                "\n" title id=(format!("{name}-title")) { (self.title) }
                "\n" desc id=(format!("{name}-desc")) { (description) }
                "\n" style { (PreEscaped(STYLE)) }
                "\n" rect class="cc-bg" width=(WIDTH) height=(height) rx="16" {}
                "\n" text class="cc-t" x="40" y="62" font-size=(fitting(&self.title, 35, 70))
                    font-weight="600" { (self.title) }
                "\n" text class="cc-m" x="40" y="104" font-size=(fitting(&self.subtitle, 26, 112)) {
                    (self.subtitle)
                }
                "\n" (PreEscaped(&self.body))
            }
            "\n"
        };
        let svg = inert::characters(&document.into_string());
        Figure { name, title: self.title, description, svg }
    }

    fn push(&mut self, element: Markup) {
        self.body.push_str(&element.into_string());
        self.body.push('\n');
    }
}

/// About how wide a text is at the usual size; a little more than it is in common fonts.
#[must_use]
pub fn width_of(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX / 16).saturating_mul(14)
}

/// The font size at which a text of unknown length still fits, given that `characters` fit at
/// `size`.
fn fitting(text: &str, size: usize, characters: usize) -> usize {
    let length = text.chars().count().max(1);
    if length <= characters { size } else { (size * characters / length).max(14) }
}

fn coordinates(points: &[(i64, i64)]) -> String {
    let pairs: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    pairs.join(" ")
}
