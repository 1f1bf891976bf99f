//! A figure with its number, caption, origin and table.

use maud::{Markup, html};

use crate::study::{data::Origin, figures::Plate};

/// The figure of that number; nothing if the study never asked for it.
pub(super) fn figure(plates: &[Plate], number: u8) -> Markup {
    let Some(plate) = plates.iter().find(|plate| plate.number == number && plate.asked) else {
        return html! {};
    };
    let tag = plate.origin.map_or("origin of each row in the table", Origin::tag);
    html! {
        @match &plate.shown {
            Err(reason) => {
                figure.missing id={ "figure-" (number) } {
                    figcaption {
                        b { "Figure " (number) "." } " " (plate.what) " \u{2013} " (reason) "."
                    }
                }
            },
            Ok(shown) => {
                figure id={ "figure-" (number) } {
                    @for figure in &shown.figures { (figure) }
                    figcaption {
                        p { b { "Figure " (number) "." } " " (plate.what) ". " span.tag { (tag) } }
                        // Without a drawing there is nothing to explain how to read.
                        @if !shown.figures.is_empty() { p.note { (plate.reading) } }
                        @if !shown.note.is_empty() { p.note { (shown.note) } }
                    }
                    "\n"
                    @if !shown.table.is_empty() {
                        // A figure without a drawing has its data in plain sight.
                        details open[shown.figures.is_empty()] {
                            summary { "the same as a table" } "\n"
                            (shown.table)
                        }
                    }
                }
            },
        }
        "\n"
    }
}
